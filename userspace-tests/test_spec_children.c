// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmo_create_child, the call: options, ranges, order of checks, and what the
 * new handle is like: specification sections 8.1 to 8.4, 28.7 and 28.9.
 */
#include "zx_test.h"

#define SNAPSHOT	ZX_VMO_CHILD_SNAPSHOT
#define ON_WRITE	ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE
#define MODIFIED	ZX_VMO_CHILD_SNAPSHOT_MODIFIED
#define SLICE		ZX_VMO_CHILD_SLICE
#define REFERENCE	ZX_VMO_CHILD_REFERENCE
#define RESIZABLE	ZX_VMO_CHILD_RESIZABLE
#define NO_WRITE	ZX_VMO_CHILD_NO_WRITE

#define FAR	0xfffffffffffff000

static const uint32_t snapshots[] = { SNAPSHOT, ON_WRITE, MODIFIED };

static zx_rights_t rights_of(zx_handle_t handle)
{
	return info_of(handle).handle_rights;
}

TEST(spec_063_options)
{
	static const uint32_t types[] = { SNAPSHOT, ON_WRITE, MODIFIED, SLICE, REFERENCE };
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), resizable = new_vmo(2 * PAGE, ZX_VMO_RESIZABLE);
	size_t i, j;
	int bit;

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, 0, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, RESIZABLE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, NO_WRITE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE | RESIZABLE, 0, PAGE));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		uint64_t size = types[i] == REFERENCE ? 0 : PAGE;

		EXPECT_EQ(ZX_OK, try_child(vmo, types[i], 0, size));
		EXPECT_EQ(ZX_OK, try_child(vmo, types[i] | NO_WRITE, 0, size));
		EXPECT_EQ(types[i] == SLICE ? ZX_ERR_INVALID_ARGS : ZX_OK,
			  try_child(types[i] == SLICE ? vmo : resizable,
				    types[i] | RESIZABLE, 0, size));
		for (j = 0; j < ARRAY_SIZE(types); j++)
			EXPECT_EQ(i == j ? ZX_OK : ZX_ERR_INVALID_ARGS,
				  try_child(vmo, types[i] | types[j], 0, size));
		for (bit = 8; bit < 32; bit++)
			EXPECT_EQ(ZX_ERR_INVALID_ARGS,
				  try_child(vmo, types[i] | 1U << bit, 0, size));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, types[i] | 2, 0, size));
	}
}

TEST(spec_064_before_the_handle)
{
	zx_handle_t bad = closed_handle(), root = zx_vmar_root_self();
	zx_handle_t none = with_rights(new_vmo(PAGE, 0), ZX_RIGHT_NONE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(snapshots); i++)
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  try_child(bad, snapshots[i] | NO_WRITE | RESIZABLE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(root, NO_WRITE | RESIZABLE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(bad, SNAPSHOT, 0, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(root, 0, 1, FAR + 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  try_child(bad, SNAPSHOT | NO_WRITE | RESIZABLE, 0, UINT64_MAX));
	/* The handle, its type and its rights come next. */
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, try_child(bad, 0, 1, FAR));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, try_child(ZX_HANDLE_INVALID, SNAPSHOT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, try_child(root, 0, 1, FAR));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(none, 0, 1, FAR));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(none, 0x80000000, 1, FAR));
}

TEST(spec_065_rights_on_the_parent)
{
	static const uint32_t types[] = { SNAPSHOT, ON_WRITE, MODIFIED, SLICE, REFERENCE };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t no_duplicate = without_rights(vmo, ZX_RIGHT_DUPLICATE);
	zx_handle_t no_read = without_rights(vmo, ZX_RIGHT_READ);
	zx_handle_t enough = with_rights(vmo, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(no_duplicate, types[i], 0, 0));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(no_read, types[i], 0, 0));
		EXPECT_EQ(ZX_OK, try_child(enough, types[i], 0, 0));
	}
}

TEST(spec_066_ranges_of_snapshots)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(snapshots); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, snapshots[i], 1, PAGE));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, snapshots[i], 4095, 0));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(vmo, snapshots[i], FAR, 2 * PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(vmo, snapshots[i], FAR, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(vmo, snapshots[i], 0, FAR));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
			  try_child(vmo, snapshots[i], 0, ZX_VMO_MAX_SIZE + 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
			  try_child(vmo, snapshots[i], 0x10000, ZX_VMO_MAX_SIZE));
		EXPECT_EQ(ZX_OK, try_child(vmo, snapshots[i], 0xf000, ZX_VMO_MAX_SIZE));
		/* Unaligned offsets first, then sizes; unknown bits before both. */
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, snapshots[i], 1, FAR));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, snapshots[i] | 2, 0, FAR));
	}
}

TEST(spec_067_beyond_the_parent)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), child;
	size_t i;

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 1));
	for (i = 0; i < ARRAY_SIZE(snapshots); i++) {
		child = new_child(vmo, snapshots[i], 2 * PAGE, PAGE);
		ASSERT_NE(ZX_HANDLE_INVALID, child);
		EXPECT_TRUE(holds(child, 0, 0, PAGE));
		EXPECT_EQ(ZX_OK, put_byte(child, 5, 5));
		EXPECT_TRUE(holds(vmo, 0xaa, 0, PAGE));
		/* Partly beyond, and with a size that is not rounded. */
		child = new_child(vmo, snapshots[i], 0, PAGE + 1);
		EXPECT_EQ(2 * PAGE, size_of(child));
		EXPECT_EQ(PAGE + 1, stream_size_of(child));
		EXPECT_TRUE(holds(child, 0xaa, 0, PAGE));
		EXPECT_TRUE(holds(child, 0, PAGE, 2 * PAGE));
		child = new_child(vmo, snapshots[i], 0, 100);
		EXPECT_EQ(100, stream_size_of(child));
		EXPECT_TRUE(holds(child, 0xaa, 0, PAGE));
	}
}

TEST(spec_068_ranges_of_slices)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), slice;

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, PAGE, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, PAGE, PAGE + 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, 3 * PAGE, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, 1, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, FAR, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, 1, FAR));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(vmo, SLICE, 0, FAR));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, 0, ZX_VMO_MAX_SIZE));
	slice = slice_of(vmo, 2 * PAGE, 0);
	ASSERT_NE(ZX_HANDLE_INVALID, slice);
	EXPECT_EQ(0, size_of(slice));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(slice, 0, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_read(slice, NULL, 0, 0));
	EXPECT_EQ(ZX_OK, try_child(vmo, SLICE, 0, 2 * PAGE));
}

TEST(spec_069_slices_of_resizable_vmos)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, ZX_VMO_RESIZABLE);
	zx_handle_t child = new_child(vmo, SNAPSHOT | RESIZABLE, 0, 2 * PAGE);

	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(vmo, SLICE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(vmo, SLICE | NO_WRITE, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, SLICE, PAGE, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(child, SLICE, 0, PAGE));
	EXPECT_EQ(ZX_OK, try_child(snapshot_of(vmo, 0, PAGE), SLICE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(reference_of(vmo), SLICE, 0, PAGE));
}

TEST(spec_070_references)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), resizable = new_vmo(PAGE, ZX_VMO_RESIZABLE);

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, REFERENCE, 0, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, REFERENCE, PAGE, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, REFERENCE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, REFERENCE, 0, FAR));
	EXPECT_EQ(ZX_OK, try_child(vmo, REFERENCE, 0, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(vmo, REFERENCE | RESIZABLE, 0, 0));
	EXPECT_EQ(ZX_OK, try_child(resizable, REFERENCE | RESIZABLE, 0, 0));
}

TEST(spec_154_resizable_references)
{
	zx_handle_t vmo = new_vmo(PAGE, ZX_VMO_RESIZABLE), fixed = new_vmo(PAGE, 0);
	zx_handle_t no_resize = without_rights(vmo, ZX_RIGHT_RESIZE);
	zx_handle_t child = new_child(vmo, REFERENCE | RESIZABLE, 0, 0);

	EXPECT_EQ(0x40d0ef, rights_of(child));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 3 * PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(no_resize, REFERENCE | RESIZABLE, 0, 0));
	EXPECT_EQ(ZX_OK, try_child(no_resize, REFERENCE, 0, 0));
	/* It comes with the other rights, before anything about the type. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, try_child(fixed, REFERENCE | RESIZABLE, 1, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  try_child(slice_of(fixed, 0, PAGE), REFERENCE | RESIZABLE, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, REFERENCE | RESIZABLE, 0, 1));
	/* From one reference to the next, the right goes on only if asked for. */
	EXPECT_EQ(ZX_OK, try_child(child, REFERENCE | RESIZABLE, 0, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  try_child(reference_of(child), REFERENCE | RESIZABLE, 0, 0));
}

TEST(spec_071_children_of_slices)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0), slice = slice_of(vmo, PAGE, 2 * PAGE);
	zx_handle_t inner = slice_of(slice, 0, PAGE);
	zx_handle_t of_reference = slice_of(reference_of(vmo), 0, 2 * PAGE);
	size_t i;

	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(slice, REFERENCE, 0, 0));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(inner, REFERENCE, 0, 0));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(of_reference, REFERENCE, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(slice, REFERENCE, 0, 1));
	for (i = 0; i < ARRAY_SIZE(snapshots); i++) {
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(slice, snapshots[i], 0, 2 * PAGE));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(slice, snapshots[i], 2 * PAGE, 0));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(inner, snapshots[i], 0, PAGE));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(of_reference, snapshots[i], 0, 1));
		/* The range comes first. */
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(slice, snapshots[i], 0, 3 * PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(slice, snapshots[i], 3 * PAGE, 0));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(slice, snapshots[i], 1, 3 * PAGE));
	}
}

TEST(rights_of_children)
{
	static const struct {
		bool resizable;
		zx_rights_t parent;
		uint32_t options;
		zx_rights_t child;
	} rows[] = {
		{ false, 0xd0ef, SNAPSHOT, 0xd0ef },
		{ false, 0xd0ef, ON_WRITE, 0xd0ef },
		{ false, 0xd0ef, MODIFIED, 0xd0ef },
		{ false, 0xd0ef, SNAPSHOT | RESIZABLE, 0x40d0ef },
		{ false, 0xd0ef, ON_WRITE | RESIZABLE, 0x40d0ef },
		{ false, 0xd0ef, SNAPSHOT | NO_WRITE, 0xd0e7 },
		{ false, 0xd0ef, SLICE, 0xd0ef },
		{ false, 0xd0ef, SLICE | NO_WRITE, 0xd0e7 },
		{ false, 0xd0ef, REFERENCE | NO_WRITE, 0xd0e7 },
		{ true, 0x40d0ef, SNAPSHOT, 0xd0ef },
		{ true, 0x40d0ef, REFERENCE, 0xd0ef },
		{ true, 0x40d0ef, REFERENCE | RESIZABLE, 0x40d0ef },
		{ false, 0x5, SNAPSHOT, 0xcd },
		{ false, 0x5, MODIFIED, 0xcd },
		{ false, 0x5, SNAPSHOT | RESIZABLE, 0x4000cd },
		{ false, 0x5, SNAPSHOT | NO_WRITE, 0xc5 },
		{ false, 0x5, SLICE, 0xc5 },
		{ false, 0x5, REFERENCE, 0xc5 },
		{ false, 0xd, SLICE, 0xcd },
		{ true, 0x400005, REFERENCE | RESIZABLE, 0x4000c5 },
		{ true, 0x400005, SNAPSHOT, 0xcd },
	};
	zx_handle_t vmo, parent;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t size = rows[i].options & REFERENCE ? 0 : PAGE;

		vmo = new_vmo(PAGE, rows[i].resizable ? ZX_VMO_RESIZABLE : 0);
		parent = with_rights(vmo, rows[i].parent);
		EXPECT_EQ(rows[i].child,
			  rights_of(new_child(parent, rows[i].options, 0, size)))
			TH_LOG("row %zu", i);
	}
}

TEST(spec_084_child_of_a_reader)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t reader = with_rights(vmo, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ);
	zx_handle_t snapshot = snapshot_of(reader, 0, PAGE), slice = slice_of(reader, 0, PAGE);

	EXPECT_EQ(ZX_OK, put_byte(snapshot, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, put_byte(slice, 0, 1));
	EXPECT_TRUE(holds(vmo, 0, 0, PAGE));
}

TEST(spec_085_read_only_snapshots)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), child = new_child(vmo, SNAPSHOT | NO_WRITE, 0, PAGE);
	unsigned char *at;

	EXPECT_EQ(0x10d, info_of(child).flags);
	EXPECT_EQ(0x10d, info_of(with_rights(child, ZX_RIGHT_NONE)).flags);
	EXPECT_EQ(0, rights_of(child) & ZX_RIGHT_WRITE);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_vmo(child, READ_WRITE, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, put_byte(child, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, op_range(child, ZX_VMO_OP_COMMIT, 0, PAGE));
	EXPECT_EQ(0x00d, info_of(new_child(vmo, ON_WRITE | NO_WRITE, 0, PAGE)).flags);
	EXPECT_EQ(0x00d, info_of(new_child(vmo, MODIFIED | NO_WRITE, 0, PAGE)).flags);
	/* A snapshot of it is writable, and not immutable. */
	child = snapshot_of(child, 0, PAGE);
	EXPECT_EQ(0x00d, info_of(child).flags);
	EXPECT_EQ(ZX_OK, put_byte(child, 0, 1));
}

TEST(flags_of_children)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), resizable = new_vmo(PAGE, ZX_VMO_RESIZABLE);
	zx_handle_t child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(snapshots); i++) {
		EXPECT_EQ(0x00d, info_of(new_child(vmo, snapshots[i], 0, PAGE)).flags);
		EXPECT_EQ(0x00f, info_of(new_child(vmo, snapshots[i] | RESIZABLE, 0, 1)).flags);
		EXPECT_EQ(0x00d, info_of(new_child(resizable, snapshots[i], 0, PAGE)).flags);
	}
	EXPECT_EQ(0x009, info_of(slice_of(vmo, 0, PAGE)).flags);
	EXPECT_EQ(0x009, info_of(new_child(vmo, SLICE | NO_WRITE, 0, PAGE)).flags);
	EXPECT_EQ(0x009, info_of(reference_of(vmo)).flags);
	EXPECT_EQ(0x00b, info_of(reference_of(resizable)).flags);
	EXPECT_EQ(0x00b, info_of(new_child(resizable, REFERENCE | NO_WRITE, 0, 0)).flags);
	/* A snapshot without a parent is no clone any more, but stays immutable. */
	vmo = new_vmo(PAGE, 0);
	child = new_child(vmo, SNAPSHOT | NO_WRITE, 0, PAGE);
	zx_handle_close(vmo);
	EXPECT_EQ(0x109, info_of(child).flags);
}

TEST(spec_086_resizability_is_not_inherited)
{
	zx_handle_t resizable = new_vmo(PAGE, ZX_VMO_RESIZABLE), vmo = new_vmo(PAGE, 0);
	zx_handle_t fixed = snapshot_of(resizable, 0, PAGE);
	zx_handle_t child = new_child(vmo, SNAPSHOT | RESIZABLE, 0, PAGE);

	EXPECT_EQ(0, rights_of(fixed) & ZX_RIGHT_RESIZE);
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(fixed, PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 3 * PAGE));
	EXPECT_EQ(3 * PAGE, size_of(child));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(slice_of(vmo, 0, PAGE), PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(slice_of(vmo, 0, PAGE), UINT64_MAX));
}

TEST(spec_088_names)
{
	static const uint32_t types[] = { SNAPSHOT, ON_WRITE, MODIFIED, SLICE, REFERENCE };
	zx_handle_t vmo = new_vmo(PAGE, 0), child, blind;
	size_t i;

	ASSERT_EQ(ZX_OK, zx_object_set_property(vmo, ZX_PROP_NAME, "abc", 3));
	blind = without_rights(vmo, ZX_RIGHT_GET_PROPERTY);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		child = new_child(vmo, types[i], 0, 0);
		EXPECT_STREQ("abc", info_of(child).name);
		EXPECT_STREQ("", info_of(new_child(blind, types[i], 0, 0)).name);
		/* A copy, not the same name. */
		EXPECT_EQ(ZX_OK, zx_object_set_property(child, ZX_PROP_NAME, "d", 1));
		EXPECT_STREQ("abc", info_of(vmo).name);
	}
}

TEST(new_children)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_info_vmo_t parent, child;

	ASSERT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_4));
	parent = info_of(vmo);
	child = info_of(snapshot_of(vmo, 0, PAGE));
	EXPECT_LT(parent.koid, child.koid);
	EXPECT_EQ(parent.koid, child.parent_koid);
	EXPECT_EQ(0, child.num_children);
	EXPECT_EQ(0, child.num_mappings);
	EXPECT_EQ(1, info_of(vmo).num_children);
	EXPECT_EQ(ZX_USER_SIGNAL_4, signals_of(vmo));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(reference_of(vmo)));
	EXPECT_EQ(2, info_of(vmo).num_children);
}

TEST(bad_output_pointer)
{
	zx_handle_t *hole = (zx_handle_t *)((char *)page_before_hole() + PAGE);
	static const uint32_t types[] = { SNAPSHOT, ON_WRITE, MODIFIED, SLICE, REFERENCE };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned int fds = count_fds();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_create_child(vmo, types[i], 0, 0, NULL));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_create_child(vmo, types[i], 0, 0, hole));
	}
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  zx_vmo_create_child(closed_handle(), 0, 0, UINT64_MAX, NULL));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_create_child(closed_handle(), 0, 0, 0, NULL));
	EXPECT_EQ(fds, count_fds());
	EXPECT_TRUE(zero_children(vmo));
	EXPECT_EQ(0, info_of(vmo).num_children);
}

TEST_HARNESS_MAIN
