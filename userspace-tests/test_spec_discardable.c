// SPDX-License-Identifier: GPL-2.0
/* Locks of discardable VMOs: specification sections 7.6 and 28.6. */
#include "zx_test.h"

#define SIZE	(2 * PAGE)

static zx_status_t lock(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	zx_vmo_lock_state_t state;

	return zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, offset, size, &state, sizeof(state));
}

static zx_status_t try_lock(zx_handle_t vmo)
{
	return op_range(vmo, ZX_VMO_OP_TRY_LOCK, 0, size_of(vmo));
}

static zx_status_t unlock(zx_handle_t vmo)
{
	return op_range(vmo, ZX_VMO_OP_UNLOCK, 0, size_of(vmo));
}

TEST(spec_054_ranges_of_locks)
{
	static const uint32_t ops[] = {
		ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK,
	};
	zx_handle_t plain = new_vmo(PAGE, 0), vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	size_t i;

	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, lock(plain, 0, PAGE));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(plain, ops[i], 0, PAGE));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, op_range(plain, ops[i], 1, UINT64_MAX));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ops[i], 0, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ops[i], PAGE, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ops[i], 0, SIZE + 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ops[i], 0, 0));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ops[i], SIZE, 0));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ops[i], 1, UINT64_MAX));
	}
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, lock(vmo, 0, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
}

TEST(spec_055_lock_state)
{
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	struct {
		zx_vmo_lock_state_t state;
		unsigned char after[32];
	} buffer;

	memset(&buffer, 0xee, sizeof(buffer));
	ASSERT_EQ(ZX_OK, zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE, &buffer, 32));
	EXPECT_EQ(0, buffer.state.offset);
	EXPECT_EQ(SIZE, buffer.state.size);
	EXPECT_EQ(0, buffer.state.discarded_offset);
	EXPECT_EQ(0, buffer.state.discarded_size);
	/* A larger buffer is not a longer answer. */
	ASSERT_EQ(ZX_OK, zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE, &buffer,
					 sizeof(buffer)));
	EXPECT_TRUE(all_bytes(buffer.after, 0xee, sizeof(buffer.after)));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(32, sizeof(zx_vmo_lock_state_t));
}

TEST(spec_056_bad_buffers)
{
	char *hole = (char *)page_before_hole() + PAGE;
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	zx_vmo_lock_state_t state;
	const struct {
		void *buffer;
		size_t size;
	} bad[] = {
		{ &state, 31 }, { &state, 0 }, { NULL, 32 }, { hole, 32 }, { hole - 16, 32 },
		{ NULL, 0 },
	};
	size_t i;

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE, bad[i].buffer,
					  bad[i].size));
		/* The lock was undone. */
		EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
	}
	/* The range comes first; the others do not look at the buffer. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, PAGE, NULL, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_op_range(vmo, ZX_VMO_OP_TRY_LOCK, 0, SIZE, hole, 7));
	/* A failure under a lock takes none away. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE, &state, 31));
	EXPECT_EQ(ZX_OK, zx_vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, SIZE, hole, 7));
	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, SIZE));
}

TEST(spec_057_counting)
{
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	zx_handle_t other = with_rights(vmo, ZX_RIGHT_READ);

	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
	EXPECT_EQ(ZX_OK, lock(vmo, 0, SIZE));
	EXPECT_EQ(ZX_OK, try_lock(vmo));
	EXPECT_EQ(ZX_OK, unlock(vmo));
	EXPECT_EQ(ZX_OK, unlock(vmo));
	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
	EXPECT_EQ(ZX_OK, try_lock(vmo));
	EXPECT_EQ(ZX_OK, lock(vmo, 0, SIZE));
	/* Locks belong to the object. */
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_OK, unlock(other));
	EXPECT_EQ(ZX_OK, unlock(other));
	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(other));
}

TEST(spec_058_no_children)
{
	static const uint32_t options[] = {
		0, ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE,
		ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_SNAPSHOT, 0x2, 0x80000000,
		ZX_VMO_CHILD_RESIZABLE, ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_RESIZABLE,
	};
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(vmo, options[i], 0, PAGE));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, try_child(vmo, options[i], 1, PAGE));
	}
	/* These two are noticed before the parent is looked at. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, try_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  try_child(vmo, ZX_VMO_CHILD_NO_WRITE | ZX_VMO_CHILD_RESIZABLE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  try_child(without_rights(vmo, ZX_RIGHT_READ), 0, 0, PAGE));
	EXPECT_TRUE(zero_children(vmo));
}

TEST(spec_062_rights)
{
	static const uint32_t ops[] = {
		ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK,
	};
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	zx_handle_t neither = without_rights(vmo, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, op_range(neither, ops[i], 0, SIZE));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, op_range(neither, ops[i], 1, UINT64_MAX));
	}
	EXPECT_EQ(ZX_OK, lock(writer, 0, SIZE));
	EXPECT_EQ(ZX_OK, try_lock(writer));
	EXPECT_EQ(ZX_OK, unlock(writer));
	EXPECT_EQ(ZX_OK, unlock(with_rights(vmo, ZX_RIGHT_READ)));
}

TEST(locks_follow_the_size)
{
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE);
	zx_handle_t unbounded = new_vmo(5, ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED);
	zx_handle_t empty = new_vmo(0, ZX_VMO_DISCARDABLE);

	EXPECT_EQ(ZX_OK, lock(vmo, 0, SIZE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 5 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ZX_VMO_OP_UNLOCK, 0, SIZE));
	EXPECT_EQ(ZX_OK, lock(vmo, 0, 5 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 0));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_UNLOCK, 0, 0));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_UNLOCK, 0, 0));
	EXPECT_EQ(ZX_ERR_BAD_STATE, op_range(vmo, ZX_VMO_OP_UNLOCK, 0, 0));
	EXPECT_EQ(ZX_OK, lock(empty, 0, 0));
	EXPECT_EQ(ZX_OK, unlock(empty));
	EXPECT_EQ(ZX_OK, lock(unbounded, 0, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_OK, unlock(unbounded));
}

/* While nothing asks for memory, unlocked content is still there and counts. */
TEST(unlocked_content_counts)
{
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	zx_vmo_lock_state_t state = { };

	ASSERT_EQ(ZX_OK, lock(vmo, 0, SIZE));
	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	ASSERT_EQ(ZX_OK, unlock(vmo));
	EXPECT_EQ(SIZE, committed(vmo));
	ASSERT_EQ(ZX_OK, zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE, &state, 32));
	EXPECT_EQ(0, state.discarded_size);
	EXPECT_TRUE(holds(vmo, 0xaa, 0, SIZE));
}

TEST_HARNESS_MAIN
