// SPDX-License-Identifier: GPL-2.0
/*
 * The loss of unlocked content of discardable VMOs: specification sections 7.6
 * and 28.6. The kernel is made to want memory back by drop_caches, which asks
 * for all there is, and by a memory cgroup at its limit, which asks for some.
 */
#include <pthread.h>

#include "cgroup_test.h"
#include "zx_test.h"

#define SIZE	(4 * PAGE)
#define MIB	(1UL << 20)

static bool reclaim(void)
{
	/* The first time, the kernel says so. */
	printf("# dmesg expected: drop_caches\n");
	fflush(stdout);
	return write_file("/proc/sys/vm", "drop_caches", "4") &&
	       write_file("/proc/sys/vm", "drop_caches", "2") &&
	       write_file("/proc/sys/vm", "drop_caches", "2");
}

static zx_status_t lock(zx_handle_t vmo, uint64_t *discarded)
{
	zx_vmo_lock_state_t state = { .discarded_size = UINT64_MAX };
	zx_status_t status;

	status = zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, size_of(vmo), &state, sizeof(state));
	*discarded = state.discarded_size;
	return status;
}

static zx_status_t try_lock(zx_handle_t vmo)
{
	return op_range(vmo, ZX_VMO_OP_TRY_LOCK, 0, size_of(vmo));
}

static zx_status_t unlock(zx_handle_t vmo)
{
	return op_range(vmo, ZX_VMO_OP_UNLOCK, 0, size_of(vmo));
}

/* Filled with 0xaa, and unlocked. */
static zx_handle_t unlocked_vmo(uint64_t size)
{
	zx_handle_t vmo = new_vmo(size, ZX_VMO_DISCARDABLE);

	if (try_lock(vmo) || fill(vmo, 0xaa, size / PAGE) || unlock(vmo))
		return ZX_HANDLE_INVALID;
	return vmo;
}

TEST(spec_060_discarded)
{
	zx_handle_t vmo = unlocked_vmo(SIZE);
	unsigned char byte = 0xbb, *at;
	uint64_t discarded;

	ASSERT_EQ(SIZE, committed(vmo));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, SIZE, &at));
	EXPECT_EQ(0xaa, at[PAGE]);
	ASSERT_TRUE(reclaim());
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, &byte, SIZE - 1, 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, &byte, PAGE, 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, op_range(vmo, ZX_VMO_OP_COMMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, &byte, SIZE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_range(vmo, ZX_VMO_OP_COMMIT, 0, SIZE + 1));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
	EXPECT_EQ(SIGBUS, probe_write(at, 1));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(vmo));
	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(vmo));
	ASSERT_EQ(ZX_OK, lock(vmo, &discarded));
	EXPECT_EQ(SIZE, discarded);
	EXPECT_TRUE(holds(vmo, 0, 0, SIZE));
	EXPECT_TRUE(all_bytes(at, 0, SIZE));
	EXPECT_EQ(0, committed(vmo));
	at[PAGE] = 7;
	EXPECT_TRUE(holds(vmo, 7, PAGE, PAGE + 1));
	/* Locked again, it says so no more. */
	ASSERT_EQ(ZX_OK, lock(vmo, &discarded));
	EXPECT_EQ(0, discarded);
	ASSERT_TRUE(reclaim());
	EXPECT_EQ(7, at[PAGE]);
	zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)at, SIZE);
}

TEST(spec_061_failed_lock)
{
	zx_handle_t vmo = unlocked_vmo(SIZE);
	uint64_t discarded;

	ASSERT_TRUE(reclaim());
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(vmo));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE));
	/* Unlocked with zeros, and no longer discarded. */
	EXPECT_EQ(ZX_ERR_BAD_STATE, unlock(vmo));
	EXPECT_TRUE(holds(vmo, 0, 0, SIZE));
	EXPECT_EQ(ZX_OK, try_lock(vmo));
	EXPECT_EQ(ZX_OK, lock(vmo, &discarded));
	EXPECT_EQ(0, discarded);
	EXPECT_EQ(ZX_OK, unlock(vmo));
	/* A failed lock that was the first one makes the content eligible. */
	vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 4));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, op_range(vmo, ZX_VMO_OP_LOCK, 0, SIZE));
	ASSERT_TRUE(reclaim());
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(vmo));
}

TEST(spec_060_not_eligible)
{
	zx_handle_t never = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	zx_handle_t locked = new_vmo(SIZE, ZX_VMO_DISCARDABLE);
	zx_handle_t plain = new_vmo(SIZE, 0);

	ASSERT_EQ(ZX_OK, fill(never, 0xaa, 4));
	ASSERT_EQ(ZX_OK, fill(locked, 0xaa, 4));
	ASSERT_EQ(ZX_OK, fill(plain, 0xaa, 4));
	ASSERT_EQ(ZX_OK, try_lock(locked));
	ASSERT_EQ(ZX_OK, try_lock(locked));
	ASSERT_EQ(ZX_OK, unlock(locked));
	ASSERT_TRUE(reclaim());
	EXPECT_TRUE(holds(never, 0xaa, 0, SIZE));
	EXPECT_TRUE(holds(locked, 0xaa, 0, SIZE));
	EXPECT_TRUE(holds(plain, 0xaa, 0, SIZE));
	ASSERT_EQ(ZX_OK, unlock(locked));
	ASSERT_TRUE(reclaim());
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(locked));
}

/* What was written while it was unlocked goes, too; then it is like new. */
TEST(discarded_more_than_once)
{
	zx_handle_t vmo = unlocked_vmo(SIZE);
	uint64_t discarded;
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE, round));
		ASSERT_TRUE(reclaim());
		EXPECT_EQ(ZX_ERR_NOT_FOUND, put_byte(vmo, 0, 1));
		ASSERT_EQ(ZX_OK, lock(vmo, &discarded));
		EXPECT_EQ(SIZE, discarded);
		ASSERT_EQ(ZX_OK, fill(vmo, 0xcc, 4));
		ASSERT_EQ(ZX_OK, unlock(vmo));
	}
	EXPECT_TRUE(holds(vmo, 0xcc, 0, SIZE));
}

TEST(other_calls_on_discarded)
{
	zx_handle_t vmo = new_vmo(SIZE, ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE);
	uint64_t discarded;

	ASSERT_EQ(ZX_OK, try_lock(vmo));
	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 4));
	ASSERT_EQ(ZX_OK, unlock(vmo));
	ASSERT_TRUE(reclaim());
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, 1, PAGE));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_PREFETCH, 0, PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 8 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 5));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(vmo));
	ASSERT_EQ(ZX_OK, lock(vmo, &discarded));
	EXPECT_EQ(8 * PAGE, discarded);
	EXPECT_TRUE(holds(vmo, 0, 0, 8 * PAGE));
}

/* Closed while it waits to be discarded, and discarded before it is closed. */
TEST(closing)
{
	int round;

	for (round = 0; round < 20; round++) {
		zx_handle_t one = unlocked_vmo(SIZE), two = unlocked_vmo(SIZE);

		ASSERT_EQ(ZX_OK, zx_handle_close(one));
		ASSERT_TRUE(reclaim());
		EXPECT_EQ(ZX_ERR_UNAVAILABLE, try_lock(two));
		ASSERT_EQ(ZX_OK, zx_handle_close(two));
	}
}

static int oldest_first(void *arg)
{
	const char *dir = arg;
	zx_handle_t vmo[3], eager;
	int i;

	HOLDS(write_file(dir, "cgroup.procs", "0"));
	/* Unlocked in the order 1, 0, 2. */
	for (i = 0; i < 3; i++) {
		vmo[i] = new_vmo(8 * MIB, ZX_VMO_DISCARDABLE);
		HOLDS(!try_lock(vmo[i]) && !op_range(vmo[i], ZX_VMO_OP_COMMIT, 0, 8 * MIB) &&
		      !put_byte(vmo[i], 5 * MIB, 0xaa));
	}
	HOLDS(!unlock(vmo[1]) && !unlock(vmo[0]) && !unlock(vmo[2]));
	eager = new_vmo(1UL << 30, 0);
	/* 24 of 32 MiB are used. */
	HOLDS(!op_range(eager, ZX_VMO_OP_COMMIT, 0, 12 * MIB));
	HOLDS(try_lock(vmo[1]) == ZX_ERR_UNAVAILABLE);
	HOLDS(committed(vmo[0]) == 8 * MIB && committed(vmo[2]) == 8 * MIB);
	HOLDS(!op_range(eager, ZX_VMO_OP_COMMIT, 12 * MIB, 8 * MIB));
	HOLDS(try_lock(vmo[0]) == ZX_ERR_UNAVAILABLE);
	HOLDS(committed(vmo[2]) == 8 * MIB);
	HOLDS(!try_lock(vmo[2]) && holds(vmo[2], 0xaa, 5 * MIB, 5 * MIB + 1));
	/* What is locked stays: there is no more. */
	HOLDS(op_range(eager, ZX_VMO_OP_COMMIT, 20 * MIB, 16 * MIB) == ZX_ERR_NO_MEMORY);
	HOLDS(holds(vmo[2], 0xaa, 5 * MIB, 5 * MIB + 1));
	return 0;
}

TEST(oldest_first_within_a_cgroup)
{
	char dir[128], path[256];
	int tries;

	if (!make_group(dir, sizeof(dir)))
		SKIP(return, "no cgroup v2");
	snprintf(path, sizeof(path), "%s/memory.max", dir);
	if (access(path, W_OK))
		SKIP(return, "no memory controller");
	ASSERT_TRUE(write_file(dir, "memory.max", "33554432"));
	write_file(dir, "memory.swap.max", "0");
	EXPECT_EQ(0, in_child(oldest_first, dir));
	EXPECT_EQ(0, read_number(dir, "memory.events", "oom_kill"));
	for (tries = 0; tries < 100 && rmdir(dir); tries++)
		usleep(10000);
	EXPECT_GT(100, tries);
}

/* Threads lock, look and unlock, while another has the kernel take what it can. */
#define ROUNDS	1000
#define LOSSES	20

struct shared {
	zx_handle_t vmo;
	unsigned char *at;
	volatile bool stop;
	unsigned long lost, kept;
};

static void *lock_and_look(void *arg)
{
	struct shared *shared = arg;
	uint64_t discarded;
	int round;

	for (round = 0; round < ROUNDS && shared->lost < LOSSES; round++) {
		if (lock(shared->vmo, &discarded))
			return "LOCK failed";
		if (discarded != 0 && discarded != SIZE)
			return "wrong size";
		if (discarded) {
			shared->lost++;
			if (!holds(shared->vmo, 0, 0, SIZE) || !all_bytes(shared->at, 0, SIZE))
				return "discarded, but not zero";
			if (fill(shared->vmo, 0xaa, 4))
				return "cannot be filled";
		} else {
			shared->kept++;
		}
		if (!holds(shared->vmo, 0xaa, 0, SIZE) || !all_bytes(shared->at, 0xaa, SIZE))
			return "content lost under the lock";
		if (unlock(shared->vmo))
			return "UNLOCK failed";
		usleep(2000);
	}
	return NULL;
}

static void *reclaim_always(void *arg)
{
	struct shared *shared = arg;

	while (!shared->stop)
		write_file("/proc/sys/vm", "drop_caches", "2");
	return NULL;
}

TEST(race_with_the_kernel)
{
	struct shared shared = { .vmo = unlocked_vmo(SIZE) };
	pthread_t worker, kernel;
	void *result;

	ASSERT_EQ(ZX_OK, map_vmo(shared.vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, SIZE, &shared.at));
	ASSERT_TRUE(reclaim());
	ASSERT_EQ(0, pthread_create(&kernel, NULL, reclaim_always, &shared));
	ASSERT_EQ(0, pthread_create(&worker, NULL, lock_and_look, &shared));
	pthread_join(worker, &result);
	shared.stop = true;
	pthread_join(kernel, NULL);
	EXPECT_STREQ("", result ? (const char *)result : "");
	EXPECT_LT(0, shared.lost);
	printf("# discarded %lu times, kept %lu times\n", shared.lost, shared.kept);
}

TEST_HARNESS_MAIN
