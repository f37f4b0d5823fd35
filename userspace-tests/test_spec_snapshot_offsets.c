// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots of a part of their parent, and of parts of those: specification
 * sections 8.5, 28.8 and 28.15.
 */
#include "zx_snapshot_test.h"

TEST(spec_145_shrinking_under_an_offset)
{
	static const uint64_t sizes[] = { 7, 5, 4, 3, 1, 0 };
	zx_handle_t vmo, child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		vmo = numbered(8, ZX_VMO_RESIZABLE);
		child = snapshot_of(vmo, 3 * PAGE, 4 * PAGE);
		EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, sizes[i] * PAGE));
		EXPECT_TRUE(counts(child, 0, 4, 4));
		EXPECT_EQ(4 * PAGE, committed(child));
		EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 8 * PAGE));
		EXPECT_TRUE(holds(vmo, 0, sizes[i] * PAGE, 8 * PAGE));
		EXPECT_TRUE(counts(child, 0, 4, 4));
	}
}

TEST(spec_146_view_of_a_view)
{
	zx_handle_t a = numbered(8, 0), b = resizable_snapshot(a, PAGE, 2 * PAGE), c;

	c = snapshot_of(b, 0, 7 * PAGE);
	EXPECT_TRUE(counts(c, 0, 2, 2));
	EXPECT_TRUE(holds(c, 0, 2 * PAGE, 7 * PAGE));
	EXPECT_EQ(2 * PAGE, committed(c));
	/* So if the view was once larger. */
	ASSERT_EQ(ZX_OK, zx_vmo_set_size(b, PAGE));
	ASSERT_EQ(ZX_OK, zx_vmo_set_size(b, 4 * PAGE));
	c = snapshot_of(b, 0, 4 * PAGE);
	EXPECT_TRUE(counts(c, 0, 1, 2));
	EXPECT_TRUE(holds(c, 0, PAGE, 4 * PAGE));
	zx_handle_close(b);
	EXPECT_TRUE(holds(c, 0, PAGE, 4 * PAGE));
}

TEST(spec_147_accumulated_offsets)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), far, near, child;

	far = resizable_snapshot(vmo, FAR, 0);
	ASSERT_NE(ZX_HANDLE_INVALID, far);
	EXPECT_EQ(ZX_OK, try_child(far, ZX_VMO_CHILD_SNAPSHOT, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(far, ZX_VMO_CHILD_SNAPSHOT, PAGE, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(far, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(far, ZX_VMO_CHILD_SNAPSHOT, 1ULL << 63, 0));
	/* What wraps by itself is the other error. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(far, ZX_VMO_CHILD_SNAPSHOT, FAR, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_set_size(far, 1));
	EXPECT_EQ(0, size_of(far));
	/* It is the sum that counts, whoever is left. */
	near = snapshot_of(vmo, 1ULL << 63, PAGE);
	child = resizable_snapshot(near, (1ULL << 63) - 3 * PAGE, PAGE);
	zx_handle_close(near);
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 2 * PAGE));
	EXPECT_EQ(ZX_OK, put_byte(child, 2 * PAGE - 1, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_set_size(child, 2 * PAGE + 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_set_size(child, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(2 * PAGE, size_of(child));
	EXPECT_EQ(2 * PAGE, stream_size_of(child));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(child, ZX_VMO_CHILD_SNAPSHOT, 3 * PAGE, 0));
	EXPECT_EQ(ZX_OK, try_child(child, ZX_VMO_CHILD_SNAPSHOT, 2 * PAGE, 0));
}

TEST(spec_148_offsets_above_max)
{
	zx_handle_t vmo = numbered(1, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		EXPECT_EQ(ZX_OK, try_child(vmo, kinds[i], FAR, 0));
		EXPECT_EQ(ZX_OK, try_child(vmo, kinds[i], FAR - PAGE, PAGE));
	}
	EXPECT_TRUE(counts(vmo, 0, 1, 1));
}

TEST(spec_153_cut_ranges)
{
	zx_handle_t vmo = numbered(4, ZX_VMO_RESIZABLE), old = snapshot_of(vmo, 0, 4 * PAGE);
	zx_handle_t child;

	ASSERT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE));
	ASSERT_EQ(ZX_OK, zx_vmo_set_size(vmo, 4 * PAGE));
	child = snapshot_of(vmo, 0, 4 * PAGE);
	EXPECT_TRUE(counts(child, 0, 1, 1));
	EXPECT_TRUE(holds(child, 0, PAGE, 4 * PAGE));
	zx_handle_close(vmo);
	EXPECT_TRUE(holds(child, 0, PAGE, 4 * PAGE));
	EXPECT_TRUE(counts(old, 0, 4, 1));
}

TEST(spec_163_unbounded)
{
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED), child;
	const uint64_t last = ZX_VMO_MAX_SIZE - PAGE;

	EXPECT_EQ(ZX_OK, put_byte(vmo, last + PAGE - 1, 0x7e));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 1ULL << 62, 0x7d));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(vmo, ZX_VMO_MAX_SIZE, 1));
	child = snapshot_of(vmo, 0, ZX_VMO_MAX_SIZE);
	ASSERT_NE(ZX_HANDLE_INVALID, child);
	EXPECT_EQ(ZX_OK, put_byte(vmo, last, 0x11));
	EXPECT_TRUE(holds(child, 0x7e, last + PAGE - 1, ZX_VMO_MAX_SIZE));
	EXPECT_TRUE(holds(child, 0, last, last + 1));
	EXPECT_TRUE(holds(child, 0x7d, 1ULL << 62, (1ULL << 62) + 1));
	EXPECT_EQ(2 * PAGE, committed(child));
	EXPECT_EQ(PAGE, info_of(child).committed_private_bytes);
	/* A high range seen low, where the shape of the tree differs. */
	child = snapshot_of(vmo, 1ULL << 62, 3 * PAGE);
	EXPECT_TRUE(holds(child, 0x7d, 0, 1));
	EXPECT_EQ(PAGE, committed(child));
	/* And a low one from far away. */
	child = snapshot_of(child, 0, ZX_VMO_MAX_SIZE - (1ULL << 62));
	EXPECT_TRUE(holds(child, 0x7d, 0, 1));
	EXPECT_EQ(ZX_OK, put_byte(child, 1ULL << 61, 1));
	EXPECT_EQ(2 * PAGE, committed(child));
}

TEST(offsets_of_every_kind)
{
	static const size_t offsets[] = { 0, 1, 31, 63, 64, 65, 127, 128 };
	zx_handle_t vmo = numbered(200, 0), child, next;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		child = snapshot_of(vmo, offsets[i] * PAGE, 70 * PAGE);
		EXPECT_TRUE(counts(child, 0, 70, offsets[i] + 1));
		for (j = 0; j < 3; j++) {
			next = snapshot_of(child, offsets[j] * PAGE, 66 * PAGE);
			EXPECT_TRUE(counts(next, 0, 70 - offsets[j] < 66 ? 70 - offsets[j] : 66,
					   offsets[i] + offsets[j] + 1));
			ASSERT_EQ(ZX_OK, put_byte(next, 64 * PAGE, 0));
			zx_handle_close(next);
		}
		EXPECT_TRUE(counts(child, 0, 70, offsets[i] + 1));
		zx_handle_close(child);
	}
	EXPECT_TRUE(counts(vmo, 0, 200, 1));
	EXPECT_EQ(200 * PAGE, info_of(vmo).committed_private_bytes);
}

TEST_HARNESS_MAIN
