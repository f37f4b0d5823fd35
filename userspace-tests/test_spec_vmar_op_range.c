// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmar_op_range, and ZX_VM_MAP_RANGE: specification sections 13.5 and 17.
 */
#include "zx_test.h"

#include <pthread.h>
#include <sys/resource.h>

#define ROOT	zx_vmar_root_self()

static const uint32_t all_ops[] = {
	ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_MAP_RANGE, ZX_VMAR_OP_ZERO,
	ZX_VMAR_OP_DONT_NEED, ZX_VMAR_OP_ALWAYS_NEED, ZX_VMAR_OP_PREFETCH,
};

static zx_status_t run(uint32_t op, const void *at, size_t size)
{
	return zx_vmar_op_range(ROOT, op, (uintptr_t)at, size, NULL, 0);
}

/* Pages that have a translation, of `pages` from `at` on. */
static unsigned int present(const void *at, unsigned int pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned int i, count = 0;
	uint64_t entry;

	for (i = 0; i < pages; i++)
		count += pread(fd, &entry, 8, ((uintptr_t)at / PAGE + i) * 8) == 8 &&
			 entry >> 63;
	close(fd);
	return count;
}

static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

TEST(order_of_checks)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t reader = without_rights(ROOT, ZX_RIGHT_WRITE);
	zx_handle_t none = without_rights(ROOT, ZX_RIGHT_WRITE | ZX_RIGHT_READ);
	zx_info_vmar_t root = { };
	unsigned char *at;
	unsigned int i;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &at));
	zx_object_get_info(ROOT, ZX_INFO_VMAR, &root, sizeof(root), NULL, NULL);
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmar_op_range(closed_handle(), 99, 1, 0, at, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmar_op_range(vmo, 99, 1, 0, at, 1));
	for (i = 0; i < 64; i++) {
		bool known = i >= 1 && i <= 3;

		known |= i == 10 || (i >= 12 && i <= 14);
		EXPECT_EQ(known ? ZX_OK : ZX_ERR_INVALID_ARGS, run(i, at, PAGE))
			TH_LOG("operation %u", i);
	}
	/* An unknown operation comes before the rights, these before the buffer. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_op_range(none, 4, 1, 0, at, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_op_range(reader, ZX_VMAR_OP_COMMIT, 1, 0, at, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_op_range(reader, ZX_VMAR_OP_ZERO, (uintptr_t)at, PAGE, NULL, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_op_range(none, ZX_VMAR_OP_PREFETCH, (uintptr_t)at, PAGE, NULL, 0));
	EXPECT_EQ(ZX_OK,
		  zx_vmar_op_range(reader, ZX_VMAR_OP_PREFETCH, (uintptr_t)at, PAGE, NULL, 0));
	EXPECT_EQ(ZX_OK,
		  zx_vmar_op_range(none, ZX_VMAR_OP_DONT_NEED, (uintptr_t)at, PAGE, NULL, 0));
	for (i = 0; i < ARRAY_SIZE(all_ops); i++) {
		uint32_t op = all_ops[i];

		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_op_range(ROOT, op, 0, PAGE, at, 0));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_op_range(ROOT, op, 0, PAGE, NULL, 1));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(op, at, 0));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(op, at, UINT64_MAX));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(op, at + 1, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(op, NULL, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(op, (void *)(root.base + root.len), PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(op, (void *)root.base, root.len + 1));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(op, at, 0xfffffffffffff000));
		/* Any size is rounded up. */
		EXPECT_EQ(ZX_OK, run(op, at, 1));
	}
}

TEST(commit_and_decommit)
{
	zx_handle_t vmo = new_vmo(8 * PAGE, 0);
	unsigned char *at;
	long before;
	int i;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 8 * PAGE, &at));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_COMMIT, at + PAGE, 3 * PAGE));
	EXPECT_EQ(3 * PAGE, committed(vmo));
	EXPECT_EQ(0, present(at, 1));
	EXPECT_EQ(3, present(at + PAGE, 7));
	/* Writable at once. */
	before = minor_faults();
	for (i = 1; i < 4; i++)
		at[i * PAGE] = i;
	EXPECT_EQ(before, minor_faults());
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_DECOMMIT, at + 2 * PAGE, PAGE));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(2, present(at, 8));
	EXPECT_EQ(0, at[2 * PAGE]);
	EXPECT_EQ(1, at[PAGE]);
	EXPECT_EQ(3, at[3 * PAGE]);
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_ZERO, at, 8 * PAGE));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_TRUE(all_bytes(at, 0, 8 * PAGE));
	EXPECT_EQ(0, committed(vmo));
}

TEST(map_range_enters_what_is_there)
{
	zx_handle_t vmo = new_vmo(2048 * PAGE, 0);
	unsigned char *at;
	long before;
	int i;

	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_COMMIT, 0, 1500 * PAGE));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 2000 * PAGE, 1));
	/* The mapping is longer than the VMO: cut without a word. */
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_MAP_RANGE, 2100 * PAGE, &at));
	EXPECT_EQ(1501 * PAGE, committed(vmo));
	EXPECT_EQ(1501, present(at, 2100));
	before = minor_faults();
	for (i = 0; i < 1500; i++)
		at[i * PAGE] = 1;
	EXPECT_EQ(before, minor_faults());
	EXPECT_EQ(SIGBUS, probe_read(at + 2048 * PAGE));
	/* Without the option nothing is entered, and by the operation it is. */
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2100 * PAGE, &at));
	EXPECT_EQ(0, present(at, 2100));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at + PAGE, 2099 * PAGE));
	EXPECT_EQ(1500, present(at, 2100));
	EXPECT_EQ(1501 * PAGE, committed(vmo));
}

TEST(map_range_and_permissions)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, fill(vmo, 7, 2));
	/* For reading only: what is entered cannot be written. */
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE, 2 * PAGE, &at));
	EXPECT_EQ(2, present(at, 2));
	EXPECT_EQ(SIGSEGV, probe_write(at, 1));
	EXPECT_EQ(7, at[0]);
	/* For nothing: there is nothing to enter. */
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_MAP_RANGE, 2 * PAGE, &at));
	EXPECT_EQ(SIGSEGV, probe_read(at));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, 2 * PAGE));
	EXPECT_EQ(SIGSEGV, probe_read(at));
	EXPECT_EQ(ZX_OK, zx_vmar_protect(ROOT, READ_WRITE, (uintptr_t)at, 2 * PAGE));
	EXPECT_EQ(0, probe_write(at, 8));
	EXPECT_EQ(8, at[0]);
	/* Up to the stream size and no further. */
	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_COMMIT, 0, 2 * PAGE));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE | ZX_VM_ALLOW_FAULTS |
				 ZX_VM_FAULT_BEYOND_STREAM_SIZE, 2 * PAGE, &at));
	EXPECT_EQ(1, present(at, 2));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
}

TEST(map_range_of_snapshots)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0), child;
	zx_info_vmo_t info;
	unsigned char *at, *parent;
	int i;

	ASSERT_EQ(ZX_OK, fill(vmo, 5, 3));
	child = snapshot_of(vmo, 0, 4 * PAGE);
	ASSERT_EQ(ZX_OK, map_vmo(child, READ_WRITE | ZX_VM_MAP_RANGE, 4 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &parent));
	ASSERT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, parent, 4 * PAGE));
	EXPECT_EQ(3, present(at, 4));
	EXPECT_EQ(3, present(parent, 4));
	for (i = 0; i < 2; i++) {
		info = info_of(i ? vmo : child);
		EXPECT_EQ(3 * PAGE, info.committed_bytes);
		EXPECT_EQ(0, info.committed_private_bytes);
	}
	/* The first write is still seen. */
	at[0] = 6;
	EXPECT_EQ(5, parent[0]);
	EXPECT_EQ(PAGE, info_of(child).committed_private_bytes);
	parent[PAGE] = 7;
	EXPECT_EQ(5, at[PAGE]);
	/* And a later snapshot takes what was entered writable. */
	ASSERT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, parent, 4 * PAGE));
	child = snapshot_of(vmo, 0, 4 * PAGE);
	parent[PAGE] = 8;
	EXPECT_TRUE(holds(child, 5, PAGE + 1, 2 * PAGE));
	EXPECT_TRUE(holds(child, 7, PAGE, PAGE + 1));
	/* COMMIT makes all of it private. */
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_COMMIT, at, 4 * PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_COMMIT, parent, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, info_of(vmo).committed_private_bytes);
	EXPECT_EQ(4, present(parent, 4));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, run(ZX_VMAR_OP_DECOMMIT, at, PAGE));
}

TEST(holes_end_it_after_what_came_before)
{
	zx_handle_t vmo = new_vmo(5 * PAGE, 0);
	zx_info_vmar_t root;
	unsigned char *at;
	unsigned int i;

	zx_object_get_info(ROOT, ZX_INFO_VMAR, &root, sizeof(root), NULL, NULL);
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 5 * PAGE, &at));
	ASSERT_EQ(0, munmap(at + 2 * PAGE, PAGE));
	ASSERT_EQ(0, munmap(at + 4 * PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, run(ZX_VMAR_OP_COMMIT, at + 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_ERR_BAD_STATE, run(ZX_VMAR_OP_COMMIT, at, 4 * PAGE));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_ERR_BAD_STATE, run(ZX_VMAR_OP_COMMIT, at + 3 * PAGE, 2 * PAGE));
	EXPECT_EQ(3 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_ERR_BAD_STATE, run(ZX_VMAR_OP_ZERO, at, 5 * PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	/* Other memory is as good as none. */
	ASSERT_EQ(at + 2 * PAGE, mmap(at + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	at[2 * PAGE] = 9;
	for (i = 0; i < ARRAY_SIZE(all_ops); i++)
		EXPECT_EQ(ZX_ERR_BAD_STATE, run(all_ops[i], at + 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(9, at[2 * PAGE]);
	EXPECT_EQ(PAGE, committed(vmo));
	/* Several mappings in a row are no hole, whatever they permit now. */
	ASSERT_EQ(ZX_OK, zx_vmar_map(ROOT, ZX_VM_SPECIFIC_OVERWRITE,
				     (uintptr_t)at + 2 * PAGE - root.base, vmo,
				     2 * PAGE, PAGE, (zx_vaddr_t[]){ 0 }));
	ASSERT_EQ(0, mprotect(at + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_COMMIT, at, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, committed(vmo));
}

TEST(maximum_permission)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	zx_handle_t reader = without_rights(vmo, ZX_RIGHT_WRITE);
	zx_handle_t neither = without_rights(vmo, ZX_RIGHT_WRITE | ZX_RIGHT_READ);
	unsigned char *at;
	unsigned int i;

	ASSERT_EQ(ZX_OK, fill(vmo, 3, 2));
	ASSERT_EQ(ZX_OK, map_vmo(reader, ZX_VM_PERM_READ, 2 * PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, run(ZX_VMAR_OP_COMMIT, at, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, run(ZX_VMAR_OP_DECOMMIT, at, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, run(ZX_VMAR_OP_ZERO, at, PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_PREFETCH, at, 2 * PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, 2 * PAGE));
	EXPECT_EQ(2, present(at, 2));
	EXPECT_EQ(SIGSEGV, probe_write(at, 1));
	EXPECT_TRUE(holds(vmo, 3, 0, 2 * PAGE));
	/* It is what could be, not what is. */
	ASSERT_EQ(ZX_OK, map_vmo(vmo, 0, 2 * PAGE, &at));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_ZERO, at, PAGE));
	EXPECT_TRUE(holds(vmo, 0, 0, PAGE));
	ASSERT_EQ(ZX_OK, map_vmo(neither, 0, 2 * PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, run(ZX_VMAR_OP_PREFETCH, at, PAGE));
	for (i = 0; i < ARRAY_SIZE(all_ops); i++) {
		bool is_free = all_ops[i] == ZX_VMAR_OP_MAP_RANGE ||
			       all_ops[i] == ZX_VMAR_OP_DONT_NEED ||
			       all_ops[i] == ZX_VMAR_OP_ALWAYS_NEED;

		EXPECT_EQ(is_free ? ZX_OK : ZX_ERR_ACCESS_DENIED, run(all_ops[i], at, PAGE));
	}
}

TEST(status_of_the_vmo_operation)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(ZX_VMAR_OP_COMMIT, at, 4 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(ZX_VMAR_OP_DECOMMIT, at + 2 * PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(ZX_VMAR_OP_ZERO, at, 3 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, run(ZX_VMAR_OP_PREFETCH, at, 3 * PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_DONT_NEED, at, 4 * PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_ALWAYS_NEED, at, 4 * PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, 4 * PAGE));
	EXPECT_EQ(0, committed(vmo));
}

TEST(slices_count_from_their_own_start)
{
	zx_handle_t vmo = new_vmo(8 * PAGE, 0);
	zx_handle_t slice = slice_of(vmo, 3 * PAGE, 4 * PAGE);
	unsigned char *at;
	zx_vaddr_t addr;

	ASSERT_EQ(ZX_OK, zx_vmar_map(ROOT, READ_WRITE, 0, slice, PAGE, 3 * PAGE, &addr));
	at = (unsigned char *)addr;
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_COMMIT, at + PAGE, PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	at[PAGE] = 0x42;
	/* Slice, mapping, page in it. */
	EXPECT_TRUE(holds(vmo, 0x42, (3 + 1 + 1) * PAGE, (3 + 1 + 1) * PAGE + 1));
	ASSERT_EQ(ZX_OK, fill(vmo, 9, 8));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, 3 * PAGE));
	EXPECT_EQ(3, present(at, 3));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_DECOMMIT, at, 3 * PAGE));
	EXPECT_EQ(5 * PAGE, committed(vmo));
	EXPECT_TRUE(holds(vmo, 9, 0, 4 * PAGE) && holds(vmo, 0, 4 * PAGE, 7 * PAGE));
}

TEST(private_mappings_are_not_written_through)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	char path[64];
	void *at;
	int fd;

	/* The descriptor of the only VMO that there is, as Linux programs map it. */
	for (fd = 3; fd < 64; fd++) {
		char target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    !strncmp(target, "/zxvmo:", 7))
			break;
	}
	ASSERT_EQ(ZX_OK, fill(vmo, 1, 1));
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, run(ZX_VMAR_OP_ZERO, at, PAGE));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, PAGE));
	EXPECT_EQ(1, present(at, 1));
	*(unsigned char *)at = 2;
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, PAGE));
	EXPECT_EQ(2, *(unsigned char *)at);
	EXPECT_TRUE(holds(vmo, 1, 0, PAGE));
}

/* Operations while the mappings under them come, go, change and are copied. */
#define ARENA	(256 * PAGE)

static struct {
	unsigned char *at;
	zx_handle_t vmo, other;
	volatile bool stop;
	unsigned long rounds, bad;
} race;

static void *operate(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	zx_status_t status;

	while (!race.stop) {
		uint32_t op = all_ops[rand_r(&seed) % ARRAY_SIZE(all_ops)];
		size_t first = rand_r(&seed) % (ARENA / PAGE);
		size_t pages = 1 + rand_r(&seed) % (ARENA / PAGE - first);

		status = run(op, race.at + first * PAGE, pages * PAGE);
		if (status && status != ZX_ERR_BAD_STATE && status != ZX_ERR_NOT_SUPPORTED)
			__atomic_add_fetch(&race.bad, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&race.rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *disturb(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	zx_info_vmar_t root;

	zx_object_get_info(ROOT, ZX_INFO_VMAR, &root, sizeof(root), NULL, NULL);
	while (!race.stop) {
		size_t first = rand_r(&seed) % (ARENA / PAGE);
		size_t pages = 1 + rand_r(&seed) % 16;
		unsigned char *at = race.at + first * PAGE;
		zx_vaddr_t addr;

		if (pages > ARENA / PAGE - first)
			pages = ARENA / PAGE - first;
		switch (rand_r(&seed) % 4) {
		case 0:
			munmap(at, pages * PAGE);
			break;
		case 1:
			mprotect(at, pages * PAGE, rand_r(&seed) & (PROT_READ | PROT_WRITE));
			break;
		default:
			zx_vmar_map(ROOT, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE,
				    (uintptr_t)at - root.base,
				    rand_r(&seed) & 1 ? race.vmo : race.other,
				    first * PAGE, pages * PAGE, &addr);
		}
	}
	return NULL;
}

TEST(while_mappings_change)
{
	pthread_t threads[4];
	unsigned long i;
	pid_t child;

	race.vmo = new_vmo(ARENA, 0);
	race.other = new_vmo(ARENA, 0);
	ASSERT_EQ(ZX_OK, map_vmo(race.vmo, READ_WRITE, ARENA, &race.at));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, i < 2 ? operate : disturb,
					    (void *)(i + 1)));
	for (i = 0; i < 30; i++) {
		zx_handle_t snapshot = snapshot_of(race.other, 0, ARENA);

		child = fork();
		if (!child) {
			run(ZX_VMAR_OP_COMMIT, race.at, ARENA);
			run(ZX_VMAR_OP_MAP_RANGE, race.at, ARENA);
			_exit(0);
		}
		usleep(20000);
		/* Killed in the midst of it, or done. */
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		zx_handle_close(snapshot);
	}
	race.stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, race.bad);
	EXPECT_LT(10, race.rounds);
	munmap(race.at, ARENA);
	EXPECT_EQ(0, info_of(race.vmo).num_mappings);
	EXPECT_EQ(0, info_of(race.other).num_mappings);
}

static int commit_much(void *arg)
{
	return run(ZX_VMAR_OP_COMMIT, arg, 1UL << 40);
}

TEST(killed_in_the_midst_of_it)
{
	zx_handle_t vmo = new_vmo(1UL << 40, 0);
	struct timespec start, end;
	unsigned char *at;
	pid_t child;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 1UL << 40, &at));
	child = start_child(commit_much, at);
	ASSERT_LT(0, child);
	while (!committed(vmo))
		sched_yield();
	clock_gettime(CLOCK_MONOTONIC, &start);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	EXPECT_LT(end.tv_sec - start.tv_sec, 10);
	EXPECT_EQ(1, info_of(vmo).num_mappings);
	/* The cost is that of the pages that are there, not of the length. */
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_ZERO, at, 1UL << 40));
	EXPECT_EQ(ZX_OK, run(ZX_VMAR_OP_MAP_RANGE, at, 1UL << 40));
	EXPECT_EQ(0, committed(vmo));
}

TEST_HARNESS_MAIN
