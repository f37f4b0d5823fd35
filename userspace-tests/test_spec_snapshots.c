// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots: what they show, and how families of them are built: specification
 * sections 8.5, 28.8 and 28.15.
 */
#include <pthread.h>

#include "zx_snapshot_test.h"

TEST(spec_073_both_sides_write)
{
	zx_handle_t vmo, child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		vmo = new_vmo(PAGE, 0);
		ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 1));
		child = new_child(vmo, kinds[i], 0, PAGE);
		ASSERT_EQ(ZX_OK, fill(vmo, 0xbb, 1));
		EXPECT_TRUE(holds(child, 0xaa, 0, PAGE));
		ASSERT_EQ(ZX_OK, fill(child, 0xcc, 1));
		EXPECT_TRUE(holds(vmo, 0xbb, 0, PAGE));
		EXPECT_TRUE(holds(child, 0xcc, 0, PAGE));
		/* A part of a page takes the rest along. */
		child = new_child(vmo, kinds[i], 0, PAGE);
		ASSERT_EQ(ZX_OK, put_byte(child, 100, 1));
		EXPECT_TRUE(holds(child, 0xbb, 0, 100));
		EXPECT_TRUE(holds(child, 0xbb, 101, PAGE));
		EXPECT_TRUE(holds(vmo, 0xbb, 0, PAGE));
	}
}

TEST(spec_074_mapped_parent)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), child;
	unsigned char *at, *view;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &at));
	memset(at, 0xaa, 2 * PAGE);
	child = snapshot_of(vmo, 0, 2 * PAGE);
	memset(at, 0xbb, 2 * PAGE);
	EXPECT_TRUE(holds(child, 0xaa, 0, 2 * PAGE));
	EXPECT_TRUE(holds(vmo, 0xbb, 0, 2 * PAGE));
	/* And the child's mapping does not write to the parent. */
	ASSERT_EQ(ZX_OK, map_vmo(child, READ_WRITE, 2 * PAGE, &view));
	EXPECT_EQ(0xaa, view[PAGE]);
	memset(view, 0xcc, PAGE);
	EXPECT_TRUE(all_bytes(at, 0xbb, 2 * PAGE));
	EXPECT_TRUE(holds(child, 0xcc, 0, PAGE));
	EXPECT_TRUE(holds(child, 0xaa, PAGE, 2 * PAGE));
}

TEST(spec_075_growing_children)
{
	zx_handle_t vmo = numbered(2, 0), child = resizable_snapshot(vmo, 0, PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 2 * PAGE));
	EXPECT_TRUE(counts(child, 0, 1, 1));
	EXPECT_TRUE(holds(child, 0, PAGE, 2 * PAGE));
	child = resizable_snapshot(vmo, 0, 2 * PAGE);
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 2 * PAGE));
	EXPECT_TRUE(holds(child, 0, 0, 2 * PAGE));
	ASSERT_EQ(ZX_OK, put_byte(child, 1, 1));
	EXPECT_TRUE(holds(child, 0, 2, PAGE));
	EXPECT_TRUE(counts(vmo, 0, 2, 1));
	/* The tail of the last page is zeroed in a copy. */
	child = resizable_snapshot(vmo, 0, 2 * PAGE);
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, PAGE + 10));
	EXPECT_TRUE(holds(child, 2, PAGE, PAGE + 10));
	EXPECT_TRUE(holds(child, 0, PAGE + 10, 2 * PAGE));
	EXPECT_TRUE(counts(vmo, 0, 2, 1));
}

TEST(spec_076_shrinking_parent)
{
	zx_handle_t vmo = numbered(2, ZX_VMO_RESIZABLE), child = snapshot_of(vmo, 0, 2 * PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 0));
	EXPECT_TRUE(counts(child, 0, 2, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	EXPECT_TRUE(holds(vmo, 0, 0, 2 * PAGE));
	EXPECT_TRUE(counts(child, 0, 2, 1));
}

TEST(spec_077_growing_parent)
{
	zx_handle_t vmo = numbered(1, ZX_VMO_RESIZABLE), child = snapshot_of(vmo, 0, 2 * PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	EXPECT_EQ(ZX_OK, put_byte(vmo, PAGE, 0x99));
	EXPECT_TRUE(holds(child, 0, PAGE, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, size_of(child));
}

TEST(spec_078_closing)
{
	zx_handle_t a = numbered(4, 0), b = snapshot_of(a, 0, 4 * PAGE), c;

	ASSERT_EQ(ZX_OK, put_byte(b, PAGE, 0xbb));
	c = snapshot_of(b, 0, 4 * PAGE);
	ASSERT_EQ(ZX_OK, put_byte(c, 2 * PAGE, 0xcc));
	zx_handle_close(b);
	EXPECT_TRUE(counts(a, 0, 4, 1));
	EXPECT_TRUE(counts(c, 0, 1, 1));
	EXPECT_TRUE(holds(c, 0xbb, PAGE, PAGE + 1));
	EXPECT_TRUE(holds(c, 2, PAGE + 1, 2 * PAGE));
	EXPECT_TRUE(holds(c, 0xcc, 2 * PAGE, 2 * PAGE + 1));
	EXPECT_TRUE(holds(c, 3, 2 * PAGE + 1, 3 * PAGE));
	EXPECT_NE(0, info_of(c).parent_koid);
	zx_handle_close(a);
	EXPECT_TRUE(counts(c, 3, 4, 4));
	EXPECT_TRUE(holds(c, 0xbb, PAGE, PAGE + 1));
	EXPECT_EQ(0, info_of(c).parent_koid);
	EXPECT_EQ(4 * PAGE, info_of(c).committed_private_bytes);
}

TEST(spec_080_parent_with_slices)
{
	zx_handle_t vmo = numbered(3, 0), slice = slice_of(vmo, PAGE, PAGE), child;
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(slice, READ_WRITE, PAGE, &at));
	EXPECT_EQ(2, *at);
	child = snapshot_of(vmo, 0, 3 * PAGE);
	ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE, 0xee));
	EXPECT_EQ(0xee, *at);
	EXPECT_TRUE(holds(slice, 0xee, 0, 1));
	EXPECT_TRUE(counts(child, 0, 3, 1));
	at[1] = 0xef;
	EXPECT_TRUE(holds(vmo, 0xef, PAGE + 1, PAGE + 2));
	EXPECT_TRUE(counts(child, 0, 3, 1));
}

TEST(spec_082_on_write)
{
	zx_handle_t vmo = numbered(1, 0), child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		child = new_child(vmo, kinds[i], 0, PAGE);
		ASSERT_EQ(ZX_OK, put_byte(child, 0, 0x11));
		ASSERT_EQ(ZX_OK, put_byte(vmo, 1, 0x80 + i));
		EXPECT_FALSE(holds(child, 0x80 + i, 1, 2));
	}
}

TEST(spec_083_commit_of_a_child)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0), child = snapshot_of(vmo, 0, 4 * PAGE);

	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_COMMIT, 0, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, committed(child));
	EXPECT_EQ(0, committed(vmo));
	/* What the child has taken, it has for good. */
	vmo = numbered(4, 0);
	child = snapshot_of(vmo, PAGE, 3 * PAGE);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_COMMIT, 0, 3 * PAGE));
	EXPECT_TRUE(counts(child, 0, 3, 2));
	EXPECT_EQ(3 * PAGE, info_of(child).committed_private_bytes);
	EXPECT_EQ(4 * PAGE, info_of(vmo).committed_private_bytes);
}

TEST(zeroing_on_either_side)
{
	zx_handle_t vmo = numbered(4, 0), child = snapshot_of(vmo, 0, 4 * PAGE);
	unsigned char *at, *view;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(child, READ_WRITE, 4 * PAGE, &view));
	EXPECT_EQ(at[2 * PAGE], view[2 * PAGE]);
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, PAGE / 2, 2 * PAGE));
	EXPECT_TRUE(counts(child, 0, 4, 1));
	EXPECT_TRUE(all_bytes(at + PAGE / 2, 0, 2 * PAGE));
	EXPECT_EQ(1, at[PAGE / 2 - 1]);
	EXPECT_EQ(2, view[PAGE]);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_ZERO, 3 * PAGE, PAGE));
	EXPECT_TRUE(all_bytes(view + 3 * PAGE, 0, PAGE));
	EXPECT_TRUE(all_bytes(at + 3 * PAGE, 4, PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 0));
	EXPECT_TRUE(all_bytes(at, 0, 4 * PAGE));
	EXPECT_TRUE(counts(child, 0, 3, 1));
}

#define RELATIVES	6

TEST(spec_149_mapped_relatives)
{
	unsigned char *at[RELATIVES];
	zx_handle_t vmos[RELATIVES];
	int first, i, j;

	for (first = 0; first < RELATIVES; first++) {
		vmos[0] = numbered(2, 0);
		ASSERT_EQ(ZX_OK, map_vmo(vmos[0], READ_WRITE, 2 * PAGE, &at[0]));
		for (i = 1; i < RELATIVES; i++) {
			/* Children of the root and of each other. */
			vmos[i] = snapshot_of(vmos[i / 2], 0, 2 * PAGE);
			ASSERT_EQ(ZX_OK, map_vmo(vmos[i], READ_WRITE, 2 * PAGE, &at[i]));
			EXPECT_EQ(1, at[i][0]);
		}
		for (i = 0; i < RELATIVES; i++) {
			int writer = (first + i * 5) % RELATIVES;

			at[writer][7] = 0x40 + writer;
			for (j = 0; j < RELATIVES; j++) {
				bool written = (j - first + RELATIVES) * 5 % RELATIVES <= i;

				EXPECT_EQ(written ? 0x40 + j : 1, at[j][7]);
				EXPECT_EQ(1, at[j][8]);
				EXPECT_EQ(2, at[j][PAGE]);
			}
		}
		for (i = 0; i < RELATIVES; i++) {
			zx_handle_close(vmos[i]);
			EXPECT_EQ(0x40 + i, at[i][7]);
			munmap(at[i], 2 * PAGE);
		}
	}
}

TEST(spec_150_stale_translations)
{
	zx_handle_t vmo = new_vmo(6 * PAGE, 0), child;
	unsigned char *reader, *writer;
	size_t i;

	ASSERT_EQ(ZX_OK, put_byte(vmo, 3 * PAGE, 3));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 4 * PAGE, 4));
	child = snapshot_of(vmo, 0, 6 * PAGE);
	ASSERT_EQ(ZX_OK, map_vmo(child, ZX_VM_PERM_READ, 6 * PAGE, &reader));
	ASSERT_EQ(ZX_OK, map_vmo(child, READ_WRITE, 6 * PAGE, &writer));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(i == 3 || i == 4 ? i : 0, reader[i * PAGE]);
	ASSERT_EQ(ZX_OK, put_byte(child, 1, 0x70));
	EXPECT_EQ(0x70, reader[1]);
	writer[PAGE + 1] = 0x71;
	EXPECT_EQ(0x71, reader[PAGE + 1]);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_COMMIT, 2 * PAGE, PAGE));
	writer[2 * PAGE + 1] = 0x72;
	EXPECT_EQ(0x72, reader[2 * PAGE + 1]);
	ASSERT_EQ(ZX_OK, put_byte(child, 3 * PAGE + 1, 0x73));
	EXPECT_EQ(0x73, reader[3 * PAGE + 1]);
	EXPECT_EQ(3, reader[3 * PAGE]);
	writer[4 * PAGE + 1] = 0x74;
	EXPECT_EQ(0x74, reader[4 * PAGE + 1]);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_ZERO, 4 * PAGE, PAGE));
	EXPECT_TRUE(all_bytes(reader + 4 * PAGE, 0, PAGE));
	EXPECT_EQ(0, writer[4 * PAGE + 1]);
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(4 * PAGE, committed(child));
}

TEST(spec_152_decommit_of_relatives)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), one, two;

	one = snapshot_of(vmo, 4 * PAGE, PAGE);
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(one, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	two = snapshot_of(vmo, 0, PAGE);
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(one, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(two, ZX_VMO_OP_DECOMMIT, 1, 1));
	zx_handle_close(one);
	EXPECT_EQ(ZX_OK, op_range(two, ZX_VMO_OP_DECOMMIT, 0, PAGE));
}

TEST(spec_047_decommit_with_a_snapshot)
{
	zx_handle_t vmo, child, slice;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		vmo = numbered(2, 0);
		slice = slice_of(vmo, 0, PAGE);
		child = new_child(vmo, kinds[i], 0, 2 * PAGE);
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(child, ZX_VMO_OP_DECOMMIT, 0, PAGE));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(vmo, ZX_VMO_OP_DECOMMIT, 1, 1));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(slice, ZX_VMO_OP_DECOMMIT, 0, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 3 * PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(slice, ZX_VMO_OP_DECOMMIT, 0, 2 * PAGE));
		EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 1, 0));
		EXPECT_TRUE(counts(vmo, 0, 2, 1));
		zx_handle_close(child);
		EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 2 * PAGE));
		EXPECT_TRUE(holds(vmo, 0, 0, 2 * PAGE));
		EXPECT_EQ(0, committed(vmo));
	}
}

/* A store that lives on in slices or references only is still a relative. */
TEST(relatives_behind_slices)
{
	zx_handle_t vmo = numbered(2, 0), slice = slice_of(vmo, 0, PAGE);
	zx_handle_t child = snapshot_of(vmo, 0, 2 * PAGE);

	zx_handle_close(vmo);
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(child, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(slice, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(0, info_of(child).committed_private_bytes);
	zx_handle_close(slice);
	EXPECT_EQ(2 * PAGE, info_of(child).committed_private_bytes);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_DECOMMIT, 0, PAGE));
}

struct last_close {
	pthread_barrier_t *barrier;
	zx_handle_t handle;
	zx_status_t status;
};

static void *close_together(void *arg)
{
	struct last_close *job = arg;

	pthread_barrier_wait(job->barrier);
	job->status = zx_handle_close(job->handle);
	return NULL;
}

TEST(spec_151_closed_by_two_threads)
{
	zx_handle_t root = numbered(2, 0), watch = snapshot_of(root, 0, 2 * PAGE);
	struct last_close jobs[2];
	pthread_barrier_t barrier;
	pthread_t threads[2];
	int round, i;

	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, 2));
	for (round = 0; round < 150; round++) {
		jobs[0].handle = snapshot_of(watch, 0, 2 * PAGE);
		/* Its child, or its sibling. */
		jobs[1].handle = snapshot_of(round % 2 ? jobs[0].handle : watch, 0, 2 * PAGE);
		ASSERT_EQ(ZX_OK, put_byte(jobs[round / 2 % 2].handle, PAGE, 0x55));
		for (i = 0; i < 2; i++) {
			jobs[i].barrier = &barrier;
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, close_together, &jobs[i]));
		}
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], NULL));
			ASSERT_EQ(ZX_OK, jobs[i].status);
		}
		ASSERT_TRUE(zero_children(watch));
		ASSERT_EQ(0, info_of(watch).num_children);
		ASSERT_EQ(PAGE, info_of(watch).committed_scaled_bytes);
	}
	EXPECT_TRUE(counts(watch, 0, 2, 1));
	zx_handle_close(root);
	EXPECT_EQ(2 * PAGE, info_of(watch).committed_private_bytes);
}

TEST_HARNESS_MAIN
