// SPDX-License-Identifier: GPL-2.0
/*
 * What a review of the module found about relatives that share pages: who may
 * still see a page, or count as one who does. The races are run for a while.
 */
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)
/* Enough for each race to be hit many times where it is possible. */
#define RACE_MS	4000

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Whoever could read a snapshot may have lent its page to a pipe. When that
 * snapshot is gone, the page is still not the parent's alone.
 */
TEST(page_of_a_closed_snapshot_in_a_pipe)
{
	static const unsigned int options[] = {
		ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, ZX_VMO_CHILD_SNAPSHOT,
		ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
	};
	int fd, child, pipes[2];
	unsigned char *at, *writer;
	struct iovec iov;
	char seen[6];
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(options); i++) {
		fd = vmo_create(PAGE, 0);
		ASSERT_EQ(ZX_OK, vmo_write(fd, "before", 0, 6));
		writer = map_shared(fd, PAGE, PROT_READ | PROT_WRITE);
		child = vmo_create_child(fd, options[i / 2], 0, PAGE);
		ASSERT_LE(0, child);
		at = map_shared(child, PAGE, PROT_READ);
		ASSERT_NE(MAP_FAILED, at);
		ASSERT_EQ(0, pipe(pipes));
		iov = (struct iovec){ at, PAGE };
		ASSERT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
		munmap(at, PAGE);
		close(child);
		if (i % 2)
			memcpy(writer, "SECRET", 6);
		if (i % 2 == 0)
			ASSERT_EQ(ZX_OK, vmo_write(fd, "SECRET", 0, 6));
		ASSERT_EQ(6, read(pipes[0], seen, 6));
		EXPECT_EQ(0, memcmp(seen, "before", 6))
			TH_LOG("child of options %#x shows what came after it", options[i / 2]);
		/* And the parent itself is right, and has paid for one page. */
		EXPECT_EQ(0, memcmp(writer, "SECRET", 6));
		EXPECT_EQ(PAGE, vmo_info(fd).committed_bytes);
		munmap(writer, PAGE);
		close(pipes[0]);
		close(pipes[1]);
		close(fd);
	}
}

/* A fault enters its neighbours, too: those that are shared not writable. */
TEST(neighbours_in_a_mapping_that_can_be_pinned)
{
	int fd = vmo_create_flags(SIZE, 0, ZXVMO_CREATE_PINNABLE), child, i;
	unsigned char *first, *second;

	ASSERT_LE(0, fd);
	first = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, first);
	memset(first, 0x11, SIZE);
	child = vmo_snapshot(fd, 0, SIZE);
	ASSERT_LE(0, child);
	first[0] = 0x22;
	second = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, second);
	ASSERT_EQ(0, probe_read(second));
	memset(second, 0x33, SIZE);
	EXPECT_TRUE(all_bytes(first, 0x33, SIZE));
	for (i = 0; i < PAGES; i++) {
		ASSERT_TRUE(vmo_holds(child, 0x11, i * PAGE, PAGE))
			TH_LOG("page %d of the snapshot changed", i);
	}
}

/* Many mappings of a relative look like a pin, and are none. */
TEST(mappings_of_a_relative_are_no_pins)
{
	int fd = vmo_create(4 * PAGE, ZX_VMO_RESIZABLE), child, i;
	unsigned char *at;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0x11, 4));
	child = vmo_snapshot(fd, 0, 4 * PAGE);
	ASSERT_LE(0, child);
	for (i = 0; i < 1100; i++) {
		at = map_shared(child, 4 * PAGE, PROT_READ);
		ASSERT_NE(MAP_FAILED, at);
		ASSERT_EQ(0x11, at[0]);
		ASSERT_EQ(0x11, at[2 * PAGE]);
	}
	EXPECT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_ZERO, 0, PAGE));
	EXPECT_TRUE(vmo_holds(fd, 0, 0, PAGE));
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, PAGE));
	/* Nothing is left that this VMO has to pay for. */
	EXPECT_EQ(0, vmo_info(fd).committed_bytes);
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, 0));
	EXPECT_TRUE(all_bytes(at, 0x11, 4 * PAGE));
}

/* --- races ----------------------------------------------------------------- */

struct race {
	pthread_barrier_t begin, end;
	bool stop;
	int fd, child;
	unsigned char *at;
	unsigned int delay;
	long hits;
	void (*body)(struct race *race);
};

static void *race_thread(void *arg)
{
	struct race *race = arg;

	for (;;) {
		pthread_barrier_wait(&race->begin);
		if (__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE))
			return NULL;
		race->body(race);
		pthread_barrier_wait(&race->end);
	}
}

static void spin(unsigned int turns)
{
	volatile unsigned int i;

	for (i = 0; i < turns; i++)
		;
}

static pthread_t start_race(struct race *race, void (*body)(struct race *race))
{
	pthread_t thread;

	pthread_barrier_init(&race->begin, NULL, 2);
	pthread_barrier_init(&race->end, NULL, 2);
	race->body = body;
	pthread_create(&thread, NULL, race_thread, race);
	return thread;
}

static void end_race(struct race *race, pthread_t thread)
{
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	pthread_barrier_wait(&race->begin);
	pthread_join(thread, NULL);
}

static void write_child(struct race *race)
{
	int i;

	spin(race->delay);
	for (i = 0; i < 6; i++)
		vmo_write(race->child, "SECRET", 0, 6);
}

static void *watch_mapping(void *arg)
{
	struct race *race = arg;
	volatile unsigned char *at = race->at;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE))
		race->hits += *at == 'S';
	return NULL;
}

/*
 * Parent and snapshot write one shared page at once: one of them copies it, the
 * other may keep it, but not before the mappings of the first have let it go.
 */
TEST(both_write_a_shared_page)
{
	struct race race = { .fd = vmo_create(PAGE, 0) };
	pthread_t thread, watcher;
	long end, rounds;

	ASSERT_EQ(ZX_OK, vmo_write(race.fd, "public", 0, 6));
	race.at = map_shared(race.fd, PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, race.at);
	thread = start_race(&race, write_child);
	ASSERT_EQ(0, pthread_create(&watcher, NULL, watch_mapping, &race));
	end = now_ms() + RACE_MS;
	for (rounds = 0; now_ms() < end && !race.hits; rounds++) {
		race.child = vmo_snapshot(race.fd, 0, PAGE);
		race.delay = rounds * 37 % 1500;
		ASSERT_EQ('p', race.at[0]);
		pthread_barrier_wait(&race.begin);
		vmo_write(race.fd, "a", PAGE / 2, 1);
		pthread_barrier_wait(&race.end);
		close(race.child);
	}
	end_race(&race, thread);
	pthread_join(watcher, NULL);
	EXPECT_EQ(0, race.hits)
		TH_LOG("the parent's mapping showed what the child wrote, in round %ld", rounds);
}

static void empty_stream(struct race *race)
{
	spin(race->delay);
	vmo_set_stream_size(race->fd, 0);
}

/* What a mapping may not show it must not keep, either. */
TEST(stream_size_while_faulting)
{
	struct race race = { .fd = vmo_create(4 * PAGE, 0) };
	long end = now_ms() + RACE_MS, rounds;
	pthread_t thread;
	void *at;

	ASSERT_EQ(ZX_OK, vmo_map(race.fd, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS |
				 ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0, 4 * PAGE, &at));
	race.at = at;
	thread = start_race(&race, empty_stream);
	for (rounds = 0; now_ms() < end && !race.hits; rounds++) {
		ASSERT_EQ(ZX_OK, vmo_set_stream_size(race.fd, 4 * PAGE));
		race.delay = rounds * 13 % 3000;
		pthread_barrier_wait(&race.begin);
		spin(1500);
		if (rounds % 2)
			probe_read(race.at + 3 * PAGE);
		else
			probe_write(race.at + 3 * PAGE, 1);
		pthread_barrier_wait(&race.end);
		race.hits += probe_read(race.at + 3 * PAGE) != SIGBUS;
	}
	end_race(&race, thread);
	EXPECT_EQ(0, race.hits)
		TH_LOG("a page beyond the stream stays mapped, in round %ld", rounds);
}

static void replace_handle(struct race *race)
{
	spin(race->delay);
	vmo_replace(race->fd, ZX_RIGHT_EXECUTE);
}

/* The parent's last handle goes while a child is made of it. */
TEST(replace_while_creating_a_child)
{
	static const unsigned int options[] = {
		ZX_VMO_CHILD_REFERENCE, ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_SNAPSHOT,
	};
	struct race race = { };
	pthread_t thread = start_race(&race, replace_handle);
	long end = now_ms() + RACE_MS, rounds, made = 0;
	unsigned int option;
	int child;

	for (rounds = 0; now_ms() < end; rounds++) {
		race.fd = vmo_create(PAGE, 0);
		ASSERT_EQ(ZX_OK, vmo_write(race.fd, "hello", 0, 5));
		race.delay = rounds * 37 % 6000;
		option = options[rounds % ARRAY_SIZE(options)];
		pthread_barrier_wait(&race.begin);
		child = vmo_create_child(race.fd, option, 0,
					 option == ZX_VMO_CHILD_REFERENCE ? 0 : PAGE);
		pthread_barrier_wait(&race.end);
		close(race.fd);
		if (child < 0) {
			ASSERT_EQ(-abs(ZX_ERR_BAD_HANDLE), child);
			continue;
		}
		made++;
		ASSERT_TRUE(vmo_holds(child, 'h', 0, 1));
		ASSERT_EQ(ZX_OK, vmo_write(child, "x", 0, 1));
		ASSERT_TRUE(vmo_holds(child, 'x', 0, 1));
		close(child);
	}
	end_race(&race, thread);
	TH_LOG("%ld children in %ld rounds", made, rounds);
}

TEST_HARNESS_MAIN
