// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots, commits and zeroing while others write and read through mappings
 * that show large folios: every snapshot is a moment that there was, and stays.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "large_test.h"

#define FOLIOS		2
#define PAGES		(FOLIOS * LARGE_PAGES)
#define MOMENT_NS	2000000000L

static struct {
	zx_handle_t vmo;
	unsigned char *at;
	atomic_bool stop;
	atomic_ulong errors;
} race;

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void wrong(const char *what, size_t page, uint32_t seen)
{
	if (!atomic_fetch_add(&race.errors, 1))
		fprintf(stderr, "# %s: page %zu has %u\n", what, page, seen);
}

/*
 * Writes 1, 2, 3... to its half of the pages, in turn: even or odd ones. So of
 * any moment there is a number up to which all are written, and none beyond.
 */
static void *write_in_turn(void *odd)
{
	uint32_t number;

	for (number = 1; !atomic_load(&race.stop); number++) {
		size_t page = number % (PAGES / 2) * 2 + !!odd;

		__atomic_store_n(word_of(race.at, page), number, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void check_moment(const uint32_t *seen, size_t odd)
{
	uint32_t last = 0, wanted;
	size_t i;

	for (i = odd; i < PAGES; i += 2)
		last = seen[i] > last ? seen[i] : last;
	for (i = 0; i < PAGES / 2; i++) {
		/* The last number that went to this page and was not beyond. */
		wanted = last - (last - i) % (PAGES / 2);
		if (last < i)
			wanted = 0;
		if (seen[2 * i + odd] != wanted)
			wrong("no moment", 2 * i + odd, seen[2 * i + odd]);
	}
}

/* A mapping of its own, in which numbers never fall; and what can be done to it. */
static void *read_and_disturb(void *unused __always_unused)
{
	uint32_t *before = calloc(PAGES, sizeof(*before)), value;
	unsigned char *at = map_large(race.vmo, FOLIOS);
	unsigned int round;
	size_t i;

	for (round = 0; !atomic_load(&race.stop); round++) {
		for (i = 0; i < PAGES; i += 1 + round % 5) {
			value = __atomic_load_n(word_of(at, i), __ATOMIC_ACQUIRE);
			if (value < before[i])
				wrong("went back", i, value);
			before[i] = value;
		}
		switch (round % 6) {
		case 0:
			madvise(at, FOLIOS * LARGE, MADV_DONTNEED);
			break;
		case 1:
			madvise(race.at + LARGE, LARGE, MADV_DONTNEED);
			break;
		case 2:
			mprotect(at, FOLIOS * LARGE, PROT_READ);
			break;
		case 3:
			mprotect(at, FOLIOS * LARGE, PROT_READ | PROT_WRITE);
			break;
		case 4:
			madvise(at + 7 * PAGE, 9 * PAGE, MADV_COLD);
			break;
		default:
			munmap(at, FOLIOS * LARGE);
			at = map_large(race.vmo, FOLIOS);
			if (!at)
				abort();
		}
	}
	munmap(at, FOLIOS * LARGE);
	free(before);
	return NULL;
}

TEST(snapshots_are_moments)
{
	static uint32_t first[PAGES];
	int64_t end = now() + MOMENT_NS;
	unsigned int snapshots = 0, i;
	pthread_t threads[4];
	size_t page;

	race.vmo = new_vmo(FOLIOS * LARGE, 0);
	ASSERT_EQ(ZX_OK, op_range(race.vmo, ZX_VMO_OP_COMMIT, 0, FOLIOS * LARGE));
	race.at = map_large(race.vmo, FOLIOS);
	ASSERT_NE(NULL, race.at);
	pthread_create(&threads[0], NULL, write_in_turn, NULL);
	pthread_create(&threads[1], NULL, write_in_turn, (void *)1);
	pthread_create(&threads[2], NULL, read_and_disturb, NULL);
	for (; now() < end || snapshots < 3; snapshots++) {
		zx_handle_t child = snapshot_of(race.vmo, 0, FOLIOS * LARGE);
		unsigned char *at = map_large(child, FOLIOS);

		ASSERT_NE(NULL, at);
		for (page = 0; page < PAGES; page++)
			first[page] = *word_of(at, page);
		check_moment(first, 0);
		check_moment(first, 1);
		for (page = snapshots % 8; page < PAGES; page += 8)
			if (page_value(child, page) != first[page])
				wrong("not as mapped", page, first[page]);
		madvise(at, LARGE, MADV_DONTNEED);
		for (page = 0; page < PAGES; page++)
			if (*word_of(at, page) != first[page])
				wrong("changed", page, *word_of(at, page));
		for (page = snapshots % 7; page < PAGES; page += 97)
			*word_of(at, page) = UINT32_MAX;
		munmap(at, FOLIOS * LARGE);
		zx_handle_close(child);
	}
	atomic_store(&race.stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, atomic_load(&race.errors));
	EXPECT_LT(2, snapshots);
	EXPECT_EQ(FOLIOS * LARGE, committed(race.vmo));
	TH_LOG("%u snapshots", snapshots);
}

/* Each page holds zero or its number. */
static void *touch_all(void *start)
{
	size_t page = (size_t)start, i;

	for (i = 0; !atomic_load(&race.stop); i++) {
		uint32_t value;

		page = (page + 37) % PAGES;
		value = __atomic_load_n(word_of(race.at, page), __ATOMIC_RELAXED);
		if (value && value != page + 1)
			wrong("not its own", page, value);
		if (i % 3 == 0)
			__atomic_store_n(word_of(race.at, page), page + 1, __ATOMIC_RELAXED);
		if (i % 64 == 0)
			madvise(race.at, FOLIOS * LARGE, MADV_DONTNEED);
	}
	return NULL;
}

/* Large entries and page tables come and go in the same places. */
TEST(commits_and_faults)
{
	int64_t end = now() + MOMENT_NS;
	pthread_t threads[2];
	size_t i, round;

	race.vmo = new_vmo(FOLIOS * LARGE, ZX_VMO_RESIZABLE);
	race.at = map_large(race.vmo, FOLIOS);
	ASSERT_NE(NULL, race.at);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, touch_all, (void *)(i * 300));
	for (round = 0; now() < end || round < 3; round++) {
		ASSERT_EQ(ZX_OK, op_range(race.vmo, ZX_VMO_OP_DECOMMIT, 0, FOLIOS * LARGE));
		ASSERT_EQ(ZX_OK, op_range(race.vmo, ZX_VMO_OP_COMMIT, 0, FOLIOS * LARGE));
		if (round % 2)
			ASSERT_EQ(ZX_OK, op_range(race.vmo, ZX_VMO_OP_ZERO, 100 * PAGE, LARGE));
		if (round % 3)
			ASSERT_EQ(ZX_OK, op_range(race.vmo, ZX_VMO_OP_DECOMMIT, 9 * PAGE, PAGE));
		if (round % 5 == 0)
			zx_handle_close(snapshot_of(race.vmo, 0, FOLIOS * LARGE));
	}
	atomic_store(&race.stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, atomic_load(&race.errors));
	TH_LOG("%zu rounds", round);
}

TEST_HARNESS_MAIN
