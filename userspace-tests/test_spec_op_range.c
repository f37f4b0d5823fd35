// SPDX-License-Identifier: GPL-2.0
/* zx_vmo_op_range on VMOs without children: specification sections 7 and 28.5. */
#include "zx_test.h"

#define FAR	0xfffffffffffff000

static const uint32_t cache_ops[] = {
	ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_INVALIDATE, ZX_VMO_OP_CACHE_CLEAN,
	ZX_VMO_OP_CACHE_CLEAN_INVALIDATE,
};

static zx_status_t commit(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return op_range(vmo, ZX_VMO_OP_COMMIT, offset, size);
}

static zx_status_t decommit(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return op_range(vmo, ZX_VMO_OP_DECOMMIT, offset, size);
}

static zx_status_t zero(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return op_range(vmo, ZX_VMO_OP_ZERO, offset, size);
}

static zx_status_t prefetch(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return op_range(vmo, ZX_VMO_OP_PREFETCH, offset, size);
}

TEST(spec_040_unknown_ops)
{
	static const uint32_t unknown[] = { 0, 5, 15, 16, 31, 0x80000001, UINT32_MAX };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t none = with_rights(vmo, ZX_RIGHT_NONE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, op_range(none, unknown[i], 0, PAGE));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, op_range(vmo, unknown[i], 1, UINT64_MAX));
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, op_range(closed_handle(), unknown[i], 0, 0));
		EXPECT_EQ(ZX_ERR_WRONG_TYPE, op_range(zx_vmar_root_self(), unknown[i], 0, 0));
	}
}

TEST(rights_of_every_op)
{
	static const struct {
		uint32_t op;
		zx_rights_t any;	/* one of these is enough; 0: none is needed */
	} ops[] = {
		{ ZX_VMO_OP_COMMIT, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_DECOMMIT, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_LOCK, ZX_RIGHT_READ | ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_UNLOCK, ZX_RIGHT_READ | ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_CACHE_SYNC, ZX_RIGHT_READ },
		{ ZX_VMO_OP_CACHE_INVALIDATE, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_CACHE_CLEAN, ZX_RIGHT_READ },
		{ ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_RIGHT_READ },
		{ ZX_VMO_OP_ZERO, ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_TRY_LOCK, ZX_RIGHT_READ | ZX_RIGHT_WRITE },
		{ ZX_VMO_OP_DONT_NEED, 0 },
		{ ZX_VMO_OP_ALWAYS_NEED, 0 },
		{ ZX_VMO_OP_PREFETCH, ZX_RIGHT_READ },
	};
	static const zx_rights_t each[] = { ZX_RIGHT_READ, ZX_RIGHT_WRITE };
	zx_handle_t vmo = new_vmo(PAGE, 0), handle;
	zx_status_t status;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, op_range(closed_handle(), ops[i].op, 0, PAGE));
		EXPECT_EQ(ZX_ERR_WRONG_TYPE,
			  op_range(zx_vmar_root_self(), ops[i].op, 0, PAGE));
		handle = without_rights(vmo, ops[i].any);
		/* The right comes before the range, and before NOT_SUPPORTED of locks. */
		EXPECT_EQ(ops[i].any ? ZX_ERR_ACCESS_DENIED : ZX_OK,
			  op_range(handle, ops[i].op, UINT64_MAX, UINT64_MAX));
		zx_handle_close(handle);
		for (j = 0; j < ARRAY_SIZE(each); j++) {
			handle = with_rights(vmo, each[j]);
			status = op_range(handle, ops[i].op, 0, PAGE);
			EXPECT_EQ(ops[i].any && !(ops[i].any & each[j]),
				  status == ZX_ERR_ACCESS_DENIED);
			zx_handle_close(handle);
		}
	}
}

TEST(spec_041_commit_rounds_outward)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	EXPECT_EQ(ZX_OK, commit(vmo, 1, 1));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, commit(vmo, 4095, 2));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_TRUE(holds(vmo, 0, 0, 2 * PAGE));
	/* What is there already stays. */
	ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE, 0xaa));
	EXPECT_EQ(ZX_OK, commit(vmo, 0, 2 * PAGE));
	EXPECT_TRUE(holds(vmo, 0xaa, PAGE, PAGE + 1));
	EXPECT_EQ(2 * PAGE, committed(vmo));
}

TEST(spec_042_commit_past_the_end)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 0, 2 * PAGE + 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, PAGE, PAGE + 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 2 * PAGE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 3 * PAGE, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 1, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 0, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, UINT64_MAX, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, FAR, PAGE - 1));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, commit(vmo, 2 * PAGE, 0));
	EXPECT_EQ(0, committed(vmo));
}

TEST(spec_043_commit_of_nothing)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), empty = new_vmo(0, 0);

	EXPECT_EQ(ZX_OK, commit(vmo, 0, 0));
	EXPECT_EQ(ZX_OK, commit(vmo, PAGE, 0));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, commit(vmo, 1, 0));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 2 * PAGE + 1, 0));
	EXPECT_EQ(ZX_OK, commit(empty, 0, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(empty, 1, 0));
}

TEST(spec_044_commit_needs_write)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	zx_handle_t reader = without_rights(vmo, ZX_RIGHT_WRITE);

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, commit(reader, 0, 3 * PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, commit(reader, 1, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, commit(reader, 0, 0));
	EXPECT_EQ(0, committed(vmo));
}

TEST(commit_shows_in_mappings)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	EXPECT_EQ(0, at[PAGE]);
	EXPECT_EQ(ZX_OK, commit(vmo, 0, 4 * PAGE));
	ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE, 0x17));
	EXPECT_EQ(0x17, at[PAGE]);
	at[2 * PAGE] = 0x18;
	EXPECT_TRUE(holds(vmo, 0x18, 2 * PAGE, 2 * PAGE + 1));
	EXPECT_EQ(4 * PAGE, committed(vmo));
}

TEST(spec_045_decommit)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &at));
	memset(at, 0xaa, 2 * PAGE);
	EXPECT_EQ(ZX_OK, decommit(vmo, 0, PAGE));
	EXPECT_TRUE(holds(vmo, 0, 0, PAGE));
	EXPECT_TRUE(all_bytes(at, 0, PAGE));
	EXPECT_TRUE(holds(vmo, 0xaa, PAGE, 2 * PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	at[1] = 0xbb;
	EXPECT_TRUE(holds(vmo, 0xbb, 1, 2));
	EXPECT_TRUE(holds(vmo, 0, 2, PAGE));
	EXPECT_EQ(2 * PAGE, committed(vmo));
}

TEST(spec_046_decommit_ranges)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, decommit(vmo, 1, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, decommit(vmo, 0, PAGE - 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, decommit(vmo, PAGE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, decommit(vmo, 2 * PAGE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, decommit(vmo, 1, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, decommit(vmo, PAGE, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, decommit(vmo, 2 * PAGE + 1, 0));
	EXPECT_EQ(ZX_OK, decommit(vmo, 1, 0));
	EXPECT_EQ(ZX_OK, decommit(vmo, 2 * PAGE, 0));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, decommit(vmo, 0, 2 * PAGE));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, decommit(vmo, 0, 2 * PAGE));
	EXPECT_EQ(ZX_OK, decommit(new_vmo(PAGE, ZX_VMO_RESIZABLE), 0, PAGE));
	EXPECT_EQ(ZX_OK, decommit(new_vmo(PAGE, ZX_VMO_DISCARDABLE), 0, PAGE));
}

TEST(spec_049_zero_bytes)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_OK, zero(vmo, 100, 8000));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
	EXPECT_TRUE(holds(vmo, 0, 100, 8100));
	EXPECT_TRUE(holds(vmo, 0xaa, 8100, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, committed(vmo));
}

TEST(spec_050_zero_in_mappings)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &at));
	memset(at, 0xaa, PAGE);
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zero(vmo, PAGE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zero(vmo, 10, PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zero(vmo, 10, UINT64_MAX - 5));
	EXPECT_TRUE(all_bytes(at, 0xaa, PAGE));
	EXPECT_EQ(ZX_OK, zero(vmo, 0, PAGE));
	EXPECT_TRUE(all_bytes(at, 0, PAGE));
	EXPECT_EQ(0, committed(vmo));
	/* R25: nothing to do is right everywhere. */
	EXPECT_EQ(ZX_OK, zero(vmo, PAGE + 1, 0));
	EXPECT_EQ(ZX_OK, zero(vmo, UINT64_MAX, 0));
}

TEST(zero_changes_no_size)
{
	zx_handle_t vmo = new_vmo(2 * PAGE + 5, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 3));
	EXPECT_EQ(ZX_OK, zero(vmo, 0, 3 * PAGE));
	EXPECT_EQ(3 * PAGE, size_of(vmo));
	EXPECT_EQ(2 * PAGE + 5, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0, 0, 3 * PAGE));
}

TEST(spec_051_cache_operations)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t reader = with_rights(vmo, ZX_RIGHT_READ);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE);
	size_t i;

	ASSERT_EQ(ZX_OK, put_byte(vmo, 9, 9));
	for (i = 0; i < ARRAY_SIZE(cache_ops); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, op_range(vmo, cache_ops[i], 0, 0));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, op_range(vmo, cache_ops[i], UINT64_MAX, 0));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, cache_ops[i], 0, PAGE + 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, cache_ops[i], PAGE, 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, cache_ops[i], 1, UINT64_MAX));
		EXPECT_EQ(ZX_OK, op_range(vmo, cache_ops[i], 0, PAGE));
		EXPECT_EQ(ZX_OK, op_range(vmo, cache_ops[i], PAGE - 1, 1));
	}
	EXPECT_EQ(ZX_OK, op_range(reader, ZX_VMO_OP_CACHE_SYNC, 0, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, op_range(writer, ZX_VMO_OP_CACHE_SYNC, 0, PAGE));
	EXPECT_TRUE(holds(vmo, 9, 9, 10));
}

/* Case 186: invalidation is there, and like the others. */
TEST(spec_186_cache_invalidate)
{
	zx_handle_t vmo = new_vmo(3 * PAGE, 0);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE);
	zx_handle_t reader = with_rights(vmo, ZX_RIGHT_READ);

	ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE, 9));
	EXPECT_EQ(ZX_OK, op_range(writer, ZX_VMO_OP_CACHE_INVALIDATE, 1, 3 * PAGE - 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, op_range(reader, ZX_VMO_OP_CACHE_INVALIDATE, 0, 0));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_TRUE(holds(vmo, 9, PAGE, PAGE + 1));
}

TEST(spec_052_hints)
{
	static const uint32_t hints[] = { ZX_VMO_OP_DONT_NEED, ZX_VMO_OP_ALWAYS_NEED };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t none = with_rights(vmo, ZX_RIGHT_NONE);
	size_t i;

	ASSERT_EQ(ZX_OK, fill(vmo, 0x66, 1));
	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		EXPECT_EQ(ZX_OK, op_range(none, hints[i], UINT64_MAX, UINT64_MAX));
		EXPECT_EQ(ZX_OK, op_range(none, hints[i], 0, 0));
		EXPECT_EQ(ZX_OK, op_range(none, hints[i], 0, PAGE));
	}
	EXPECT_TRUE(holds(vmo, 0x66, 0, PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
}

TEST(spec_053_prefetch)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_OK, prefetch(vmo, 0, PAGE));
	EXPECT_EQ(ZX_OK, prefetch(vmo, 4000, 10));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, prefetch(vmo, 0, PAGE + 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, prefetch(vmo, 1, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, prefetch(vmo, FAR, PAGE - 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  prefetch(without_rights(vmo, ZX_RIGHT_READ), 0, UINT64_MAX));
}

TEST(spec_166_nothing_at_the_end)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	EXPECT_EQ(ZX_OK, prefetch(vmo, 2 * PAGE, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, prefetch(vmo, 3 * PAGE, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, prefetch(vmo, FAR, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, 3 * PAGE, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, FAR, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, commit(vmo, UINT64_MAX, 0));
}

/* The cost depends on the pages that there are. */
TEST(spec_162_huge_ranges)
{
	static const uint64_t at[] = { 0, 1ULL << 40, 1ULL << 63, ZX_VMO_MAX_SIZE - PAGE };
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		ASSERT_EQ(ZX_OK, put_byte(vmo, at[i], 0x44));
	for (i = 0; i < ARRAY_SIZE(cache_ops); i++)
		EXPECT_EQ(ZX_OK, op_range(vmo, cache_ops[i], 0, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_OK, prefetch(vmo, 0, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_OK, decommit(vmo, PAGE, 1ULL << 62));
	EXPECT_EQ(3 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, zero(vmo, 1, ZX_VMO_MAX_SIZE - 1));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_TRUE(holds(vmo, 0x44, 0, 1));
	EXPECT_TRUE(holds(vmo, 0, at[3], ZX_VMO_MAX_SIZE));
}

TEST(spec_189_cache_flush)
{
	static const uint32_t valid[] = {
		ZX_CACHE_FLUSH_INSN, ZX_CACHE_FLUSH_DATA,
		ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA,
		ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE,
		ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE,
	};
	uint32_t options;
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at, *readable;
	bool good;
	size_t i;

	ASSERT_EQ(ZX_OK, put_byte(vmo, 0, 0xaa));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, PAGE, &readable));
	for (options = 0; options < 32; options++) {
		for (good = false, i = 0; i < ARRAY_SIZE(valid); i++)
			good |= valid[i] == options;
		EXPECT_EQ(good ? ZX_OK : ZX_ERR_INVALID_ARGS, zx_cache_flush(at, PAGE, options));
		EXPECT_EQ(good ? ZX_OK : ZX_ERR_INVALID_ARGS,
			  zx_cache_flush(readable + 1, 100, options));
	}
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_cache_flush(at, PAGE, ZX_CACHE_FLUSH_DATA | 0x80000000));
	EXPECT_EQ(0xaa, *at);
}

TEST_HARNESS_MAIN
