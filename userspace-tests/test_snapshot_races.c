// SPDX-License-Identifier: GPL-2.0
/*
 * Families that change in several threads at once: closed from both ends, and
 * snapshotted while others write, zero, resize, decommit, unmap and close.
 */
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES		80		/* more than one leaf of a tree */
#define SIZE		(PAGES * PAGE)
#define ROUNDS		800
#define FAMILY		6
#define MOMENT_NS	1500000000L

/* Every byte that is ever written. */
#define WRITTEN		0x5d

/* Two threads that meet before every round. */
static struct {
	pthread_barrier_t barrier;
	void (*job)(void);
} helper;

static void *help(void *unused __always_unused)
{
	int round;

	for (round = 0; round < fewer(ROUNDS); round++) {
		pthread_barrier_wait(&helper.barrier);
		helper.job();
		pthread_barrier_wait(&helper.barrier);
	}
	return NULL;
}

static struct {
	int root, parent, child;
	unsigned char *at;
} pair;

static void close_child(void)
{
	close(pair.child);
}

static void unmap_child(void)
{
	munmap(pair.at, 2 * PAGE);
}

static void snapshot_parent(void)
{
	pair.child = vmo_snapshot(pair.parent, 0, 2 * PAGE);
}

static void write_child(void)
{
	if (vmo_write(pair.child, "x", PAGE, 1))
		abort();
}

/* Run the job in another thread while this one does what a round of it needs. */
static void both(struct __test_metadata *_metadata, void (*job)(void),
		 void (*prepare)(void), void (*act)(void), void (*finish)(void))
{
	struct zxvmo_info_vmo info;
	pthread_t thread;
	int round;

	pair.root = vmo_create(2 * PAGE, 0);
	ASSERT_EQ(ZX_OK, vmo_fill(pair.root, WRITTEN, 2));
	ASSERT_EQ(0, pthread_barrier_init(&helper.barrier, NULL, 2));
	helper.job = job;
	ASSERT_EQ(0, pthread_create(&thread, NULL, help, NULL));
	for (round = 0; round < fewer(ROUNDS); round++) {
		prepare();
		pthread_barrier_wait(&helper.barrier);
		act();
		pthread_barrier_wait(&helper.barrier);
		if (finish)
			finish();
		info = vmo_info(pair.root);
		ASSERT_EQ(0, info.num_children)
			TH_LOG("round %d", round);
		ASSERT_EQ(2 * PAGE, info.committed_private_bytes);
		ASSERT_EQ(2 * PAGE, info.committed_scaled_bytes);
		ASSERT_EQ(0, info.committed_fractional_scaled_bytes);
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(vmo_holds(pair.root, WRITTEN, PAGE, PAGE));
}

static void make_both(void)
{
	pair.parent = vmo_snapshot(pair.root, 0, 2 * PAGE);
	pair.child = vmo_snapshot(pair.parent, 0, 2 * PAGE);
}

static void make_slice(void)
{
	pair.parent = vmo_snapshot(pair.root, 0, 2 * PAGE);
	pair.child = vmo_create_child(pair.parent, ZX_VMO_CHILD_SLICE, PAGE, PAGE);
}

static void make_mapped(void)
{
	make_both();
	pair.at = map_shared(pair.child, 2 * PAGE, PROT_READ | PROT_WRITE);
	pair.at[PAGE] = 1;
	close(pair.child);
}

static void make_parent(void)
{
	pair.parent = vmo_snapshot(pair.root, 0, 2 * PAGE);
}

static void close_parent(void)
{
	close(pair.parent);
}

static void write_parent(void)
{
	if (vmo_write(pair.parent, "y", PAGE, 1))
		abort();
}

static void close_both(void)
{
	close(pair.parent);
	close(pair.child);
}

static void close_if_made(void)
{
	if (pair.child >= 0)
		close(pair.child);
}

TEST(parent_and_child_closed_at_once)
{
	both(_metadata, close_child, make_both, close_parent, NULL);
}

TEST(parent_and_slice_closed_at_once)
{
	both(_metadata, close_child, make_slice, close_parent, NULL);
}

TEST(child_unmapped_as_its_parent_is_closed)
{
	both(_metadata, unmap_child, make_mapped, close_parent, NULL);
}

TEST(snapshot_of_what_is_closed)
{
	both(_metadata, snapshot_parent, make_parent, close_parent, close_if_made);
}

TEST(both_sides_written_at_once)
{
	both(_metadata, write_child, make_both, write_parent, close_both);
}

/* Descriptors of members; a number may come to name another one meanwhile. */
static struct {
	int fds[FAMILY];
	bool stop;
	long strange, taken;
} family;

static bool go_on(void)
{
	return !__atomic_load_n(&family.stop, __ATOMIC_RELAXED);
}

static int member(unsigned int i)
{
	return __atomic_load_n(&family.fds[i % FAMILY], __ATOMIC_RELAXED);
}

static void look_at(const unsigned char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i] && bytes[i] != WRITTEN)
			__atomic_add_fetch(&family.strange, 1, __ATOMIC_RELAXED);
}

/* Put a new member in the place of an old one. */
static void *come_and_go(void *arg)
{
	static const __u32 types[] = {
		ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, ZX_VMO_CHILD_REFERENCE,
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_MODIFIED | ZX_VMO_CHILD_RESIZABLE,
		ZX_VMO_CHILD_SLICE,
	};
	unsigned int i;
	int fd;

	for (i = (long)arg; go_on(); i += 3) {
		__u32 type = types[i % ARRAY_SIZE(types)];
		__u64 offset = type & (ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_SLICE) ?
				       0 : i % 3 * PAGE;

		fd = vmo_create_child(member(i / 2), type, offset,
				      type == ZX_VMO_CHILD_REFERENCE ? 0 : SIZE - offset);
		if (fd < 0)
			continue;
		__atomic_add_fetch(&family.taken, 1, __ATOMIC_RELAXED);
		/* The root stays. */
		close(__atomic_exchange_n(&family.fds[1 + i % (FAMILY - 1)], fd, __ATOMIC_RELAXED));
	}
	return NULL;
}

static void *change(void *unused __always_unused)
{
	unsigned char bytes[3 * PAGE];
	unsigned int i;

	memset(bytes, WRITTEN, sizeof(bytes));
	for (i = 0; go_on(); i++) {
		vmo_write(member(i), bytes, i * 991 % SIZE, i * 7 % sizeof(bytes));
		vmo_op_range(member(i + 1), ZX_VMO_OP_ZERO, i * 37 % SIZE, i * 531 % (9 * PAGE));
		vmo_op_range(member(i + 2), ZX_VMO_OP_COMMIT, i * 17 % SIZE, i * 331 % (5 * PAGE));
		vmo_op_range(member(i), ZX_VMO_OP_DECOMMIT, i % PAGES * PAGE, PAGE);
		if (i % 8 == 0)
			vmo_set_size(member(i / 8), i * 12345 % (SIZE + 1));
		if (i % 16 == 0)
			vmo_set_size(member(i / 8), SIZE);
		vmo_set_stream_size(member(i + 3), SIZE / 2 + i * 77 % (SIZE / 2));
	}
	return NULL;
}

static void *look(void *unused __always_unused)
{
	unsigned char bytes[2 * PAGE];
	struct zxvmo_info_vmo info;
	unsigned int i;

	for (i = 0; go_on(); i++) {
		memset(bytes, 0, sizeof(bytes));
		vmo_read(member(i), bytes, i * 499 % SIZE, sizeof(bytes));
		look_at(bytes, sizeof(bytes));
		if (vmo_get_info(member(i + 1), ZX_INFO_VMO, &info, sizeof(info)))
			continue;
		if (info.committed_bytes > SIZE || info.committed_private_bytes > info.committed_bytes ||
		    info.committed_scaled_bytes > info.committed_bytes ||
		    info.committed_fractional_scaled_bytes >> 63)
			__atomic_add_fetch(&family.strange, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Through mappings, with errors instead of signals where nothing is. */
static void *use_mappings(void *unused __always_unused)
{
	unsigned char bytes[PAGE], *at;
	int pipes[2];
	unsigned int i;

	if (pipe2(pipes, O_NONBLOCK))
		return NULL;
	for (i = 0; go_on(); i++) {
		at = map_shared(member(i), SIZE, PROT_READ | PROT_WRITE);
		if (at == MAP_FAILED)
			continue;
		if (write(pipes[1], at + i * 131 % (SIZE - PAGE), PAGE) == PAGE &&
		    read(pipes[0], bytes, PAGE) == PAGE)
			look_at(bytes, PAGE);
		memset(bytes, WRITTEN, PAGE);
		if (write(pipes[1], bytes, PAGE) == PAGE &&
		    read(pipes[0], at + i * 977 % (SIZE - PAGE), PAGE) != PAGE) {
			/* Whatever of it is left would come next time. */
			while (read(pipes[0], bytes, PAGE) > 0)
				;
		}
		munmap(at, SIZE);
	}
	return NULL;
}

TEST(everything_at_once)
{
	static void *(*const jobs[])(void *) = {
		come_and_go, come_and_go, change, change, look, use_mappings, use_mappings,
	};
	struct timespec moment = {
		.tv_sec = MOMENT_NS / 1000000000L, .tv_nsec = MOMENT_NS % 1000000000L,
	};
	pthread_t threads[ARRAY_SIZE(jobs)];
	struct zxvmo_info_vmo info;
	size_t i;

	for (i = 0; i < FAMILY; i++) {
		family.fds[i] = i ? vmo_snapshot(family.fds[i - 1], 0, SIZE) :
				    vmo_create(SIZE, 0);
		ASSERT_LE(0, family.fds[i]);
	}
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, jobs[i], (void *)i));
	nanosleep(&moment, NULL);
	__atomic_store_n(&family.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_EQ(0, family.strange);
	EXPECT_LT(10, family.taken);
	/* When all others are gone, the root is alone with what it shows. */
	for (i = 1; i < FAMILY; i++)
		EXPECT_EQ(0, close(family.fds[i]));
	info = vmo_info(family.fds[0]);
	EXPECT_EQ(0, info.num_children);
	EXPECT_EQ(0, info.num_mappings);
	EXPECT_EQ(info.committed_bytes, info.committed_private_bytes);
	EXPECT_EQ(info.committed_bytes, info.committed_scaled_bytes);
	EXPECT_EQ(ZX_OK, vmo_op_range(family.fds[0], ZX_VMO_OP_DECOMMIT, 0, SIZE));
	EXPECT_EQ(0, vmo_info(family.fds[0]).committed_bytes);
}

TEST_HARNESS_MAIN
