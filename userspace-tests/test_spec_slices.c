// SPDX-License-Identifier: GPL-2.0
/*
 * Slices and references, the children that share their parent's storage:
 * specification sections 8.6, 8.7 and 28.16.
 */
#include "zx_test.h"

static zx_handle_t filled(size_t pages, uint32_t options)
{
	zx_handle_t vmo = new_vmo(pages * PAGE, options);

	return fill(vmo, 0xaa, pages) ? ZX_HANDLE_INVALID : vmo;
}

/* Whether no accounting field says anything. */
static bool counts_nothing(zx_handle_t vmo)
{
	zx_info_vmo_t info = info_of(vmo);

	return !info.committed_bytes && !info.populated_bytes &&
	       !info.committed_private_bytes && !info.populated_private_bytes &&
	       !info.committed_scaled_bytes && !info.populated_scaled_bytes &&
	       !info.committed_fractional_scaled_bytes &&
	       !info.populated_fractional_scaled_bytes;
}

TEST(spec_037_stream_size_of_a_reference)
{
	zx_handle_t vmo = filled(2, 0), reference = reference_of(vmo);

	EXPECT_EQ(2 * PAGE, stream_size_of(reference));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(reference, 100));
	EXPECT_EQ(100, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
	EXPECT_TRUE(holds(vmo, 0, 100, 2 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 5000));
	EXPECT_EQ(5000, stream_size_of(reference));
	EXPECT_EQ(5000, stream_size_of(reference_of(reference)));
	EXPECT_EQ(ZX_OK, set_content_size(reference, 7));
	EXPECT_EQ(7, stream_size_of(vmo));
}

TEST(spec_048_decommit_of_a_slice)
{
	zx_handle_t vmo = filled(3, 0), slice = slice_of(vmo, PAGE, 2 * PAGE);
	zx_handle_t reference = reference_of(vmo);
	unsigned char *at, *view;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 3 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(slice, READ_WRITE, 2 * PAGE, &view));
	EXPECT_EQ(0xaa, view[0]);
	EXPECT_EQ(ZX_OK, op_range(slice, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_TRUE(holds(vmo, 0, PAGE, 2 * PAGE));
	EXPECT_TRUE(all_bytes(view, 0, PAGE));
	EXPECT_TRUE(all_bytes(at, 0xaa, PAGE));
	EXPECT_TRUE(all_bytes(at + 2 * PAGE, 0xaa, PAGE));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 2 * PAGE, PAGE));
	EXPECT_TRUE(holds(slice, 0, 0, 2 * PAGE));
	EXPECT_TRUE(all_bytes(view, 0, 2 * PAGE));
	EXPECT_EQ(ZX_OK, op_range(reference, ZX_VMO_OP_DECOMMIT, 0, 3 * PAGE));
	EXPECT_TRUE(all_bytes(at, 0, 3 * PAGE));
	EXPECT_EQ(0, committed(vmo));
}

TEST(spec_079_slices_share)
{
	zx_handle_t vmo = filled(2, 0), slice = slice_of(vmo, PAGE, PAGE);
	unsigned char *at, *view;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(slice, READ_WRITE, PAGE, &view));
	ASSERT_EQ(ZX_OK, put_byte(slice, 0, 0x12));
	EXPECT_TRUE(holds(vmo, 0x12, PAGE, PAGE + 1));
	EXPECT_EQ(0x12, at[PAGE]);
	ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE + 5, 0x34));
	EXPECT_EQ(0x34, view[5]);
	view[6] = 0x56;
	EXPECT_EQ(0x56, at[PAGE + 6]);
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(slice, PAGE, 1));
	zx_handle_close(vmo);
	munmap(at, 2 * PAGE);
	EXPECT_TRUE(holds(slice, 0x12, 0, 1));
	EXPECT_EQ(0x34, view[5]);
	EXPECT_TRUE(holds(slice, 0xaa, 7, PAGE));
	ASSERT_EQ(ZX_OK, put_byte(slice, 9, 9));
	EXPECT_EQ(9, view[9]);
}

/* A mapping of a slice ends with the slice, not with the storage. */
TEST(mappings_past_a_slice)
{
	zx_handle_t vmo = filled(4, 0), slice = slice_of(vmo, PAGE, 2 * PAGE);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(slice, READ_WRITE | ZX_VM_ALLOW_FAULTS, 3 * PAGE, &at));
	EXPECT_EQ(0, probe_write(at + 2 * PAGE - 1, 1));
	EXPECT_EQ(SIGBUS, probe_read(at + 2 * PAGE));
	EXPECT_EQ(SIGBUS, probe_write(at + 2 * PAGE, 1));
	EXPECT_TRUE(holds(vmo, 0xaa, 3 * PAGE, 4 * PAGE));
	EXPECT_EQ(1, info_of(slice).num_mappings);
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	ASSERT_EQ(ZX_OK, map_vmo(slice_of(vmo, 4 * PAGE, 0), READ_WRITE | ZX_VM_ALLOW_FAULTS,
				 PAGE, &at));
	EXPECT_EQ(SIGBUS, probe_read(at));
}

TEST(spec_081_resizing_by_references)
{
	zx_handle_t vmo = new_vmo(PAGE, ZX_VMO_RESIZABLE), reference = reference_of(vmo);
	zx_handle_t resizer = new_child(vmo, ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE, 0, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(reference, READ_WRITE | ZX_VM_ALLOW_FAULTS, 3 * PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(reference, 2 * PAGE));
	EXPECT_EQ(SIGBUS, probe_write(at + PAGE, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, size_of(reference));
	EXPECT_EQ(0, probe_write(at + PAGE, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(resizer, 3 * PAGE));
	EXPECT_EQ(3 * PAGE, size_of(vmo));
	EXPECT_EQ(0, probe_write(at + 2 * PAGE, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(resizer, PAGE));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(vmo, PAGE, 1));
	/* A reference of what has a fixed size. */
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(reference_of(new_vmo(PAGE, 0)), PAGE));
}

TEST(spec_102_reference_to_a_resizable_vmo)
{
	zx_handle_t reference = reference_of(new_vmo(PAGE, ZX_VMO_RESIZABLE));
	zx_handle_t fixed = reference_of(new_vmo(PAGE, 0));
	unsigned char *at;

	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
		  map_vmo(reference, ZX_VM_PERM_READ | ZX_VM_REQUIRE_NON_RESIZABLE, PAGE, &at));
	EXPECT_EQ(ZX_OK, map_vmo(fixed, ZX_VM_PERM_READ | ZX_VM_REQUIRE_NON_RESIZABLE, PAGE, &at));
}

TEST(spec_142_nothing_counts)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0), snapshot, slice, reference, inner;

	ASSERT_EQ(ZX_OK, fill(vmo, 1, 2));
	slice = slice_of(vmo, PAGE, 3 * PAGE);
	reference = reference_of(vmo);
	inner = slice_of(slice, 0, PAGE);
	EXPECT_TRUE(counts_nothing(slice));
	EXPECT_TRUE(counts_nothing(reference));
	EXPECT_EQ(2 * PAGE, info_of(vmo).committed_private_bytes);
	/* Whoever commits, the storage counts it. */
	ASSERT_EQ(ZX_OK, put_byte(slice, PAGE, 1));
	EXPECT_EQ(3 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, op_range(reference, ZX_VMO_OP_COMMIT, 0, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, committed(vmo));
	EXPECT_TRUE(counts_nothing(slice));
	EXPECT_TRUE(counts_nothing(inner));
	EXPECT_TRUE(counts_nothing(reference));
	/* Relatives share with the storage, once. */
	snapshot = snapshot_of(reference, 0, 4 * PAGE);
	EXPECT_EQ(2 * PAGE, info_of(snapshot).committed_scaled_bytes);
	EXPECT_EQ(2 * PAGE, info_of(vmo).committed_scaled_bytes);
	EXPECT_TRUE(counts_nothing(reference));
	zx_handle_close(vmo);
	EXPECT_EQ(2 * PAGE, info_of(snapshot).committed_scaled_bytes);
	EXPECT_TRUE(counts_nothing(slice));
	EXPECT_TRUE(counts_nothing(reference));
	zx_handle_close(slice);
	zx_handle_close(reference);
	EXPECT_EQ(0, info_of(snapshot).committed_private_bytes);
	EXPECT_TRUE(counts_nothing(inner));
	zx_handle_close(inner);
	EXPECT_EQ(4 * PAGE, info_of(snapshot).committed_private_bytes);
}

TEST(spec_155_children_of_references)
{
	static const uint32_t types[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE,
	};
	zx_handle_t vmo = filled(2, 0), reference = reference_of(vmo), child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		child = new_child(reference, types[i], 0,
				  types[i] == ZX_VMO_CHILD_REFERENCE ? 0 : 2 * PAGE);
		ASSERT_NE(ZX_HANDLE_INVALID, child);
		EXPECT_EQ(info_of(reference).koid, info_of(child).parent_koid);
		EXPECT_EQ(0, signals_of(reference));
		EXPECT_EQ(1, info_of(vmo).num_children);
		EXPECT_TRUE(holds(child, 0xaa, 0, 2 * PAGE));
		ASSERT_EQ(ZX_OK, put_byte(vmo, i, 0xbb));
		/* The snapshots are as if made from the original. */
		EXPECT_EQ(i >= 3, holds(child, 0xbb, i, i + 1));
		ASSERT_EQ(ZX_OK, put_byte(vmo, i, 0xaa));
		zx_handle_close(child);
		EXPECT_TRUE(zero_children(reference));
	}
}

TEST(spec_156_unrounded_size)
{
	zx_handle_t vmo = filled(3, ZX_VMO_RESIZABLE);
	zx_handle_t other = new_child(vmo, ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE, 0, 0);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(other, PAGE + 5));
	EXPECT_EQ(2 * PAGE, size_of(vmo));
	EXPECT_EQ(2 * PAGE, size_of(other));
	EXPECT_EQ(PAGE + 5, stream_size_of(vmo));
	EXPECT_EQ(PAGE + 5, stream_size_of(other));
	EXPECT_TRUE(holds(vmo, 0, PAGE + 5, 2 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 3 * PAGE + 1));
	EXPECT_EQ(4 * PAGE, size_of(other));
	EXPECT_EQ(3 * PAGE + 1, stream_size_of(other));
}

TEST(spec_157_references_of_references)
{
	zx_handle_t vmo = filled(4, 0), members[4];
	unsigned char *at[4];
	int i, j;

	members[0] = reference_of(vmo);
	for (i = 1; i < 4; i++)
		members[i] = reference_of(members[i - 1]);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(ZX_OK, map_vmo(members[i], READ_WRITE, 4 * PAGE, &at[i]));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0xaa, at[i][2 * PAGE]);
	zx_handle_close(vmo);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(ZX_OK, put_byte(members[i], i * PAGE, i));
		for (j = 0; j < 4; j++)
			EXPECT_EQ(i, at[j][i * PAGE]);
		at[i][i * PAGE + 1] = i;
		for (j = 0; j < 4; j++)
			EXPECT_TRUE(holds(members[j], i, i * PAGE, i * PAGE + 2));
	}
	EXPECT_EQ(ZX_OK, op_range(members[1], ZX_VMO_OP_ZERO, PAGE, PAGE));
	EXPECT_EQ(ZX_OK, op_range(members[2], ZX_VMO_OP_DECOMMIT, 2 * PAGE, PAGE));
	for (j = 0; j < 4; j++) {
		EXPECT_TRUE(all_bytes(at[j] + PAGE, 0, 2 * PAGE));
		EXPECT_EQ(3, at[j][3 * PAGE]);
	}
	/* What is written into the holes is one page for all. */
	at[3][PAGE] = 0x31;
	for (j = 0; j < 4; j++)
		EXPECT_EQ(0x31, at[j][PAGE]);
}

TEST(spec_158_unrounded_slices)
{
	zx_handle_t vmo = filled(2, 0), slice = slice_of(vmo, PAGE, 100);

	EXPECT_EQ(PAGE, size_of(slice));
	EXPECT_EQ(100, stream_size_of(slice));
	EXPECT_TRUE(holds(slice, 0xaa, 0, PAGE));
	EXPECT_EQ(ZX_OK, put_byte(slice, PAGE - 1, 0x77));
	EXPECT_TRUE(holds(vmo, 0x77, 2 * PAGE - 1, 2 * PAGE));
	EXPECT_EQ(0, stream_size_of(slice_of(vmo, 0, 0)));
}

TEST(spec_159_stream_size_of_a_slice)
{
	zx_handle_t vmo = filled(4, 0), slice = slice_of(vmo, PAGE, 2 * PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(slice, 10));
	EXPECT_EQ(4 * PAGE, stream_size_of(vmo));
	EXPECT_EQ(10, stream_size_of(slice));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, PAGE + 10));
	EXPECT_TRUE(holds(vmo, 0, PAGE + 10, 3 * PAGE));
	EXPECT_TRUE(holds(vmo, 0xaa, 3 * PAGE, 4 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(slice, 2 * PAGE + 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE));
	EXPECT_EQ(10, stream_size_of(slice));
	EXPECT_TRUE(holds(slice, 0, 0, 2 * PAGE));
}

#define DEEP	40

TEST(spec_160_nested_slices)
{
	zx_handle_t slices[DEEP + 1];
	size_t i;

	slices[0] = filled(DEEP + 1, 0);
	for (i = 1; i <= DEEP; i++) {
		slices[i] = slice_of(slices[i - 1], PAGE, (DEEP + 1 - i) * PAGE);
		ASSERT_NE(ZX_HANDLE_INVALID, slices[i]);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  try_child(slices[i], ZX_VMO_CHILD_SLICE, PAGE, (DEEP + 1 - i) * PAGE));
		ASSERT_EQ(ZX_OK, put_byte(slices[i], 0, i));
	}
	for (i = 0; i < DEEP; i++) {
		EXPECT_TRUE(holds(slices[i], i + 1, PAGE, PAGE + 1));
		zx_handle_close(slices[i]);
		EXPECT_TRUE(holds(slices[DEEP], DEEP, 0, 1));
		ASSERT_EQ(ZX_OK, put_byte(slices[DEEP], 8, i));
		EXPECT_TRUE(holds(slices[i + 1], i, (DEEP - 1 - i) * PAGE + 8,
				  (DEEP - 1 - i) * PAGE + 9));
	}
	EXPECT_EQ(0, info_of(slices[DEEP]).parent_koid);
}

TEST(spec_161_past_a_slice)
{
	static const uint32_t ops[] = {
		ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO, ZX_VMO_OP_PREFETCH,
		ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_INVALIDATE, ZX_VMO_OP_CACHE_CLEAN,
		ZX_VMO_OP_CACHE_CLEAN_INVALIDATE,
	};
	zx_handle_t vmo = filled(4, 0), slice = slice_of(vmo, PAGE, 2 * PAGE);
	unsigned char byte;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(slice, ops[i], 0, 3 * PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(slice, ops[i], 2 * PAGE, 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(slice, ops[i], UINT64_MAX - PAGE, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(slice, ops[i], PAGE, UINT64_MAX));
	}
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(slice, &byte, 2 * PAGE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(slice, ZX_VMO_OP_DECOMMIT, 3 * PAGE, 0));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, committed(vmo));
	/* Inside it they work, at the right place. */
	EXPECT_EQ(ZX_OK, op_range(slice, ZX_VMO_OP_ZERO, PAGE - 1, 2));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 2 * PAGE - 1));
	EXPECT_TRUE(holds(vmo, 0, 2 * PAGE - 1, 2 * PAGE + 1));
	EXPECT_TRUE(holds(vmo, 0xaa, 2 * PAGE + 1, 4 * PAGE));
	EXPECT_EQ(ZX_OK, op_range(slice, ZX_VMO_OP_DECOMMIT, PAGE, PAGE));
	EXPECT_TRUE(holds(vmo, 0, 2 * PAGE, 3 * PAGE));
	EXPECT_TRUE(holds(vmo, 0xaa, 3 * PAGE, 4 * PAGE));
	EXPECT_EQ(ZX_OK, op_range(slice, ZX_VMO_OP_COMMIT, PAGE + 1, 0));
	EXPECT_EQ(4 * PAGE, committed(vmo));
}

TEST_HARNESS_MAIN
