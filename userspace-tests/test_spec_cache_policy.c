// SPDX-License-Identifier: GPL-2.0
/* zx_vmo_set_cache_policy: specification section 10 and what it forbids elsewhere. */
#include "zx_test.h"

#define PAGES	9
#define SIZE	(PAGES * PAGE)

static const uint32_t policies[] = {
	ZX_CACHE_POLICY_CACHED, ZX_CACHE_POLICY_UNCACHED,
	ZX_CACHE_POLICY_UNCACHED_DEVICE, ZX_CACHE_POLICY_WRITE_COMBINING,
};

static uint32_t policy_of(zx_handle_t vmo)
{
	return info_of(vmo).cache_policy;
}

/* The one status of all four, or what is no status if they differ. */
static zx_status_t set_any(zx_handle_t vmo)
{
	zx_status_t first = zx_vmo_set_cache_policy(vmo, policies[0]);
	size_t i;

	for (i = 1; i < ARRAY_SIZE(policies); i++)
		if (zx_vmo_set_cache_policy(vmo, policies[i]) != first)
			return 1;
	return first;
}

TEST(spec_119_values_before_handles)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	static const uint32_t bad[] = { 4, 5, 8, 0x80000000, UINT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_set_cache_policy(closed_handle(), bad[i]));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmo_set_cache_policy(zx_vmar_root_self(), bad[i]));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_set_cache_policy(vmo, bad[i]));
	}
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, set_any(closed_handle()));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, set_any(zx_vmar_root_self()));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_any(without_rights(vmo, ZX_RIGHT_MAP)));
	EXPECT_EQ(ZX_CACHE_POLICY_CACHED, policy_of(vmo));
	/* No other right is needed. */
	EXPECT_EQ(ZX_OK, set_any(with_rights(vmo, ZX_RIGHT_MAP)));
	EXPECT_EQ(ZX_CACHE_POLICY_WRITE_COMBINING, policy_of(vmo));
}

TEST(rights_before_state)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), child = snapshot_of(vmo, 0, PAGE);

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_any(without_rights(vmo, ZX_RIGHT_MAP)));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_any(without_rights(child, ZX_RIGHT_MAP)));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_set_cache_policy(vmo, 4));
}

TEST(spec_121_content_is_kept)
{
	zx_handle_t vmo = new_vmo(SIZE, 0);
	unsigned char *at, byte;
	size_t from, to, page;

	for (page = 0; page < PAGES; page += 2)
		ASSERT_EQ(ZX_OK, put_byte(vmo, page * PAGE + page, page + 1));
	for (from = 0; from < ARRAY_SIZE(policies); from++) {
		for (to = 0; to < ARRAY_SIZE(policies); to++) {
			ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, policies[from]));
			ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, policies[to]));
			EXPECT_EQ(policies[to], policy_of(vmo));
			EXPECT_EQ((PAGES / 2 + 1) * PAGE, committed(vmo));
			EXPECT_EQ(to ? ZX_ERR_BAD_STATE : ZX_OK,
				  zx_vmo_read(vmo, &byte, 0, 1));
			ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, SIZE, &at));
			for (page = 0; page < PAGES; page += 2)
				EXPECT_EQ(page + 1, at[page * PAGE + page]);
			EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
			munmap(at, SIZE);
		}
	}
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	for (page = 0; page < PAGES; page += 2) {
		EXPECT_TRUE(holds(vmo, page + 1, page * PAGE + page, page * PAGE + page + 1));
		EXPECT_TRUE(holds(vmo, 0, page * PAGE + page + 1, (page + 1) * PAGE));
	}
	EXPECT_EQ((PAGES / 2 + 1) * PAGE, committed(vmo));
}

TEST(spec_121_what_is_refused)
{
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_RESIZABLE);
	unsigned char page[PAGE];
	size_t i;

	ASSERT_EQ(ZX_OK, fill(vmo, 5, PAGES));
	for (i = 1; i < ARRAY_SIZE(policies); i++) {
		ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, policies[i]));
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_read(vmo, page, 0, PAGE));
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_write(vmo, page, 0, PAGE));
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_read(vmo, NULL, 0, 0));
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_write(vmo, NULL, 0, 0));
		/* It comes between the two tests of the range, and after the right. */
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_read(vmo, page, SIZE, 1));
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_write(vmo, page, SIZE + 1, 0));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, page, UINT64_MAX, 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, page, 1, SIZE_MAX));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
			  zx_vmo_read(without_rights(vmo, ZX_RIGHT_READ), page, 0, 1));
		EXPECT_EQ(ZX_ERR_BAD_STATE, op_range(vmo, ZX_VMO_OP_ZERO, 0, SIZE));
		EXPECT_EQ(ZX_ERR_BAD_STATE, op_range(vmo, ZX_VMO_OP_ZERO, PAGE, PAGE));
		EXPECT_EQ(ZX_ERR_BAD_STATE, op_range(vmo, ZX_VMO_OP_ZERO, 1, 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ZX_VMO_OP_ZERO, 0, SIZE + 1));
		EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, 0, 0));
	}
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(holds(vmo, 5, 0, SIZE));
}

TEST(what_works)
{
	static const uint32_t ops[] = {
		ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_INVALIDATE, ZX_VMO_OP_CACHE_CLEAN,
		ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_VMO_OP_COMMIT, ZX_VMO_OP_PREFETCH,
		ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_DONT_NEED,
	};
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_RESIZABLE);
	size_t i;

	ASSERT_EQ(ZX_OK, put_byte(vmo, SIZE - 1, 9));
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_WRITE_COMBINING));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(ZX_OK, op_range(vmo, ops[i], 0, SIZE));
	EXPECT_EQ(SIZE, committed(vmo));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 2 * PAGE));
	EXPECT_EQ(SIZE - 2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * SIZE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, SIZE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, SIZE - 1));
	EXPECT_EQ(SIZE, size_of(vmo));
	EXPECT_EQ(SIZE - 1, stream_size_of(vmo));
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(holds(vmo, 0, 0, SIZE));
}

TEST(spec_072_no_children)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	uint32_t snapshots[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SLICE,
	};
	size_t i, j;

	for (i = 1; i < ARRAY_SIZE(policies); i++) {
		ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, policies[i]));
		for (j = 0; j < ARRAY_SIZE(snapshots); j++) {
			EXPECT_EQ(ZX_ERR_BAD_STATE, try_child(vmo, snapshots[j], 0, PAGE));
			EXPECT_EQ(ZX_ERR_BAD_STATE,
				  try_child(vmo, snapshots[j] | ZX_VMO_CHILD_NO_WRITE, 0, PAGE));
			/* Wrong ones are told so first. */
			EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, snapshots[j], 1, PAGE));
		}
		EXPECT_EQ(ZX_ERR_BAD_STATE, try_child(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, ZX_VMO_CHILD_REFERENCE, 0, PAGE));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, try_child(vmo, ZX_VMO_CHILD_SLICE, PAGE, 2 * PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
			  try_child(vmo, ZX_VMO_CHILD_SNAPSHOT, UINT64_MAX - PAGE + 1, 2 * PAGE));
	}
	EXPECT_TRUE(zero_children(vmo));
	EXPECT_EQ(0, info_of(vmo).num_children);
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_EQ(ZX_OK, try_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE));
}

TEST(spec_106_not_while_mapped)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at, *second;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, 0, 4 * PAGE, &at));
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
	munmap(at, 2 * PAGE);
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &second));
	munmap(at + 2 * PAGE, 2 * PAGE);
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
	munmap(second, PAGE);
	EXPECT_EQ(ZX_OK, set_any(vmo));
}

static int set_in_child(void *arg)
{
	zx_handle_t vmo = *(zx_handle_t *)arg;

	HOLDS(set_any(vmo) == ZX_ERR_BAD_STATE);
	return 0;
}

/* A mapping of another process counts, and one that a fork has made. */
TEST(spec_106_mapped_elsewhere)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;
	int pipes[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &at));
	pid = fork();
	if (!pid) {
		close(pipes[1]);
		hear(pipes[0]);
		_exit(at[1] != 0x21);
	}
	EXPECT_EQ(0, in_child(set_in_child, &vmo));
	at[1] = 0x21;
	munmap(at, PAGE);
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
	close(pipes[1]);
	EXPECT_EQ(0, end_child(pid));
	EXPECT_EQ(ZX_OK, set_any(vmo));
}

TEST(spec_120_relatives)
{
	static const uint32_t kinds[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE,
	};
	zx_handle_t vmo = new_vmo(PAGE, 0), child;
	size_t i;

	ASSERT_EQ(ZX_OK, fill(vmo, 3, 1));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		child = new_child(vmo, kinds[i], 0, kinds[i] == ZX_VMO_CHILD_REFERENCE ? 0 : PAGE);
		ASSERT_NE(ZX_HANDLE_INVALID, child);
		EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
		EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(child));
		zx_handle_close(child);
		EXPECT_EQ(ZX_OK, set_any(vmo));
		ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
		EXPECT_TRUE(holds(vmo, 3, 0, PAGE));
	}
}

/* What is no one's child any more can be set, but not what has no memory of its own. */
TEST(spec_120_parents_that_are_gone)
{
	zx_handle_t vmo, child;

	vmo = new_vmo(PAGE, 0);
	ASSERT_EQ(ZX_OK, fill(vmo, 4, 1));
	child = snapshot_of(vmo, 0, PAGE);
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_OK, set_any(child));
	EXPECT_EQ(ZX_OK, zx_vmo_set_cache_policy(child, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(holds(child, 4, 0, PAGE));
	vmo = new_vmo(PAGE, 0);
	child = slice_of(vmo, 0, PAGE);
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(child));
	vmo = new_vmo(PAGE, 0);
	child = reference_of(vmo);
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(child));
}

/* Siblings share pages without being relatives: one gets copies, the other sees nothing. */
TEST(siblings)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), first, second;
	unsigned char *at;

	ASSERT_EQ(ZX_OK, fill(vmo, 6, 2));
	first = snapshot_of(vmo, 0, 2 * PAGE);
	second = snapshot_of(vmo, 0, 2 * PAGE);
	zx_handle_close(vmo);
	EXPECT_EQ(0, info_of(first).committed_private_bytes);
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(first, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(2 * PAGE, info_of(first).committed_private_bytes);
	EXPECT_EQ(2 * PAGE, info_of(second).committed_private_bytes);
	ASSERT_EQ(ZX_OK, map_vmo(first, READ_WRITE, 2 * PAGE, &at));
	EXPECT_TRUE(all_bytes(at, 6, 2 * PAGE));
	memset(at, 7, PAGE);
	EXPECT_TRUE(holds(second, 6, 0, 2 * PAGE));
	EXPECT_EQ(ZX_OK, set_any(second));
	munmap(at, 2 * PAGE);
}

TEST(spec_122_discardable)
{
	zx_handle_t vmo = new_vmo(PAGE, ZX_VMO_DISCARDABLE);
	unsigned char *at;
	size_t i;

	EXPECT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	for (i = 1; i < ARRAY_SIZE(policies); i++)
		EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmo_set_cache_policy(vmo, policies[i]));
	EXPECT_EQ(ZX_CACHE_POLICY_CACHED, policy_of(vmo));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS, PAGE, &at));
	EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
	munmap(at, PAGE);
}

TEST(spec_162_far_apart)
{
	zx_handle_t vmo = new_vmo(0xffffffffffff0000, 0);
	struct timespec begin, end;
	uint64_t at;
	size_t i;

	for (at = 0; at < 1ULL << 63; at = at ? at * 8 : PAGE)
		ASSERT_EQ(ZX_OK, put_byte(vmo, at, 1));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 0xfffffffffffeffff, 1));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < ARRAY_SIZE(policies); i++)
		ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, policies[i]));
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	clock_gettime(CLOCK_MONOTONIC, &end);
	EXPECT_GT(5, end.tv_sec - begin.tv_sec);
	for (at = 0; at < 1ULL << 63; at = at ? at * 8 : PAGE)
		EXPECT_TRUE(holds(vmo, 1, at, at + 1));
	EXPECT_TRUE(holds(vmo, 1, 0xfffffffffffeffff, 0xffffffffffff0000));
}

TEST(spec_185_use_through_the_mapping)
{
	zx_handle_t vmo = new_vmo(SIZE, 0);
	unsigned char *at;
	size_t i, j;

	for (i = 1; i < ARRAY_SIZE(policies); i++) {
		ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, policies[i]));
		ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, SIZE, &at));
		for (j = 0; j < PAGES; j++)
			EXPECT_EQ(i == 1 ? 0 : i - 1, at[j * PAGE]);
		memset(at, i, SIZE);
		EXPECT_TRUE(all_bytes(at, i, SIZE));
		EXPECT_EQ(ZX_ERR_BAD_STATE, set_any(vmo));
		/* A page that is taken away comes back empty. */
		EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, PAGE, PAGE));
		EXPECT_TRUE(all_bytes(at + PAGE, 0, PAGE));
		memset(at + PAGE, i, PAGE);
		munmap(at, SIZE);
	}
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(holds(vmo, 3, 0, SIZE));
}

TEST(permissions_of_mappings)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_WRITE_COMBINING));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, PAGE, &at));
	EXPECT_EQ(0, probe_read(at));
	EXPECT_EQ(SIGSEGV, probe_write(at, 1));
	ASSERT_EQ(ZX_OK, zx_vmar_protect(zx_vmar_root_self(), READ_WRITE, (zx_vaddr_t)at, PAGE));
	EXPECT_EQ(0, probe_write(at, 1));
	EXPECT_EQ(1, at[0]);
	ASSERT_EQ(ZX_OK, zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ,
					 (zx_vaddr_t)at, PAGE));
	EXPECT_EQ(SIGSEGV, probe_write(at, 2));
	EXPECT_EQ(1, at[0]);
	munmap(at, PAGE);
}

TEST_HARNESS_MAIN
