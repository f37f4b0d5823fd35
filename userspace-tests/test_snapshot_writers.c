// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots of memory that is mapped and written meanwhile: each is one moment,
 * and stays what it was.
 */
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES	8
#define SIZE	(PAGES * PAGE)
#define WORDS	(2 * PAGES)		/* two on each page */
#define ROUNDS	150
#define CHANGES	(ROUNDS / 10)
#define KEPT	8			/* snapshots that are looked at once more */

static void *view_of(int fd, int prot)
{
	void *at = map_shared(fd, SIZE, prot);

	return at == MAP_FAILED ? NULL : at;
}

static __u64 *word(void *at, int number)
{
	return at + number * (PAGE / 2);
}

/* What two processes share besides the VMO. */
struct control {
	bool stop;
	__u64 rounds;
};

struct writer {
	int fd;
	struct control *control;
	bool by_call;
};

static bool go_on(struct control *control)
{
	return !__atomic_load_n(&control->stop, __ATOMIC_RELAXED);
}

/* All words get the number of the round, one after the other, without end. */
static int count_up(struct writer *writer)
{
	void *at = view_of(writer->fd, PROT_READ | PROT_WRITE);
	__u64 round;
	int i;

	HOLDS(at);
	for (round = 1; go_on(writer->control); round++) {
		for (i = 0; i < WORDS; i++) {
			if (writer->by_call)
				HOLDS(!vmo_write(writer->fd, &round, i * (PAGE / 2), 8));
			else
				__atomic_store_n(word(at, i), round, __ATOMIC_RELEASE);
		}
		__atomic_store_n(&writer->control->rounds, round, __ATOMIC_RELAXED);
	}
	return 0;
}

static int count_up_in_process(void *arg)
{
	return count_up(arg);
}

static void *count_up_in_thread(void *arg)
{
	return (void *)(long)count_up(arg);
}

/* The writer was before word i, or it was behind all of them. */
static bool one_moment(const __u64 *words)
{
	int i;

	for (i = 1; i < WORDS; i++)
		if (words[i] > words[i - 1])
			return false;
	return words[0] - words[WORDS - 1] <= 1;
}

static bool read_words(int fd, bool by_call, __u64 *words)
{
	unsigned char *at = by_call ? NULL : view_of(fd, PROT_READ);
	int i;

	for (i = 0; i < WORDS; i++) {
		if (by_call && vmo_read(fd, &words[i], i * (PAGE / 2), 8))
			return false;
		if (!by_call)
			words[i] = *word(at, i);
	}
	return by_call || !munmap(at, SIZE);
}

FIXTURE(moments) {
	struct control *control;
	int fd;
};

FIXTURE_VARIANT(moments) {
	bool process, by_call;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(moments, thread) { };
FIXTURE_VARIANT_ADD(moments, process) { .process = true };
FIXTURE_VARIANT_ADD(moments, calls) { .by_call = true };
FIXTURE_VARIANT_ADD(moments, calls_of_a_process) { .process = true, .by_call = true };
FIXTURE_VARIANT_ADD(moments, pinnable) { .flags = ZXVMO_CREATE_PINNABLE };
FIXTURE_VARIANT_ADD(moments, pinnable_process) {
	.process = true, .flags = ZXVMO_CREATE_PINNABLE,
};

FIXTURE_SETUP(moments)
{
	self->fd = vmo_create_flags(SIZE, 0, variant->flags);
	ASSERT_LE(0, self->fd);
	self->control = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->control);
}

FIXTURE_TEARDOWN(moments)
{
	self->control->stop = true;
}

TEST_F(moments, are_whole_and_stay)
{
	struct writer writer = {
		.fd = self->fd, .control = self->control, .by_call = variant->by_call,
	};
	__u64 words[KEPT][WORDS], again[WORDS], first, last = 0, rounds;
	int kept[KEPT], round, changed = 0;
	pthread_t thread;
	void *result = NULL;
	pid_t pid = -1;

	memset(kept, -1, sizeof(kept));
	if (variant->process)
		pid = start_child(count_up_in_process, &writer);
	else
		ASSERT_EQ(0, pthread_create(&thread, NULL, count_up_in_thread, &writer));
	while (!__atomic_load_n(&self->control->rounds, __ATOMIC_RELAXED))
		sched_yield();
	/* Until enough of them have seen the writer at work, too. */
	for (round = 0; round < ROUNDS || (changed < CHANGES && round < 50 * ROUNDS); round++) {
		__u64 *now = words[round % KEPT];

		if (kept[round % KEPT] >= 0) {
			ASSERT_TRUE(read_words(kept[round % KEPT], round & 16, again));
			ASSERT_EQ(0, memcmp(now, again, sizeof(again)));
			close(kept[round % KEPT]);
		}
		rounds = __atomic_load_n(&self->control->rounds, __ATOMIC_RELAXED);
		kept[round % KEPT] = vmo_snapshot(self->fd, 0, SIZE);
		ASSERT_LE(0, kept[round % KEPT]);
		ASSERT_TRUE(read_words(kept[round % KEPT], round & 8, now));
		ASSERT_TRUE(one_moment(now))
			TH_LOG("round %d: %llu, %llu ... %llu", round, now[0], now[1],
			       now[WORDS - 1]);
		/* Not of the past, either. */
		first = now[WORDS - 1];
		ASSERT_LE(rounds, first);
		changed += first != last;
		last = first;
		sched_yield();
	}
	__atomic_store_n(&self->control->stop, true, __ATOMIC_RELAXED);
	if (variant->process) {
		EXPECT_EQ(0, end_child(pid));
	} else {
		ASSERT_EQ(0, pthread_join(thread, &result));
		EXPECT_EQ(NULL, result);
	}
	/* If nothing was written meanwhile, this has shown nothing. */
	EXPECT_LE(CHANGES, changed);
	for (round = 0; round < KEPT; round++) {
		ASSERT_TRUE(read_words(kept[round], true, again));
		EXPECT_EQ(0, memcmp(words[round], again, sizeof(again)));
	}
}

/* Everything that a mapping shows of a VMO, and what the VMO counts then. */
static bool reads_for_nothing(int fd, unsigned char *at, __u64 committed, __u64 private)
{
	const volatile unsigned char *from = at;
	struct zxvmo_info_vmo info;
	size_t i;

	for (i = 0; i < SIZE; i += 256)
		(void)from[i];
	info = vmo_info(fd);
	return info.committed_bytes == committed && info.committed_private_bytes == private;
}

TEST(reading_never_copies)
{
	int fd = vmo_create(SIZE, 0), child, grandchild;
	unsigned char *at = view_of(fd, PROT_READ | PROT_WRITE), *view, *third;

	ASSERT_NE(NULL, at);
	memset(at, 0x11, 4 * PAGE);
	child = vmo_snapshot(fd, 0, SIZE);
	view = view_of(child, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, view);
	EXPECT_TRUE(reads_for_nothing(fd, at, 4 * PAGE, 0));
	EXPECT_TRUE(reads_for_nothing(child, view, 4 * PAGE, 0));
	grandchild = vmo_snapshot(child, 0, SIZE);
	third = view_of(grandchild, PROT_READ);
	EXPECT_TRUE(reads_for_nothing(grandchild, third, 4 * PAGE, 0));
	EXPECT_TRUE(reads_for_nothing(child, view, 4 * PAGE, 0));
	view[PAGE] = 0x22;
	EXPECT_TRUE(reads_for_nothing(child, view, 4 * PAGE, PAGE));
	EXPECT_TRUE(reads_for_nothing(fd, at, 4 * PAGE, 0));
	EXPECT_EQ(0x11, at[PAGE]);
	EXPECT_EQ(0x11, third[PAGE]);
	EXPECT_EQ(0x22, view[PAGE]);
	/* Two copies are made in the end, no third. */
	at[PAGE] = 0x33;
	EXPECT_TRUE(reads_for_nothing(fd, at, 4 * PAGE, PAGE));
	EXPECT_TRUE(reads_for_nothing(grandchild, third, 4 * PAGE, PAGE));
}

struct mapped_family {
	int fd, child;
	unsigned char *at, *view;
	int down[2], up[2];
};

/* Write to what the other process has mapped too, before and after. */
static int write_in_turn(void *arg)
{
	struct mapped_family *family = arg;

	HOLDS(family->at[0] == 1 && family->at[PAGE] == 1);
	HOLDS(!tell(family->up[1]) && !hear(family->down[0]));
	family->at[0] = 2;
	HOLDS(!tell(family->up[1]) && !hear(family->down[0]));
	/* The snapshot, by a handle that came later than this process. */
	family->child = recv_fd(family->down[0]);
	family->view = view_of(family->child, PROT_READ | PROT_WRITE);
	HOLDS(family->view && family->view[0] == 1);
	family->view[PAGE] = 3;
	HOLDS(family->at[PAGE] == 1 && family->at[2 * PAGE] == 4);
	HOLDS(family->view[2 * PAGE] == 0);
	HOLDS(!tell(family->up[1]) && !hear(family->down[0]));
	HOLDS(family->view[3 * PAGE] == 5 && family->at[3 * PAGE] == 0);
	return 0;
}

TEST(two_processes)
{
	struct mapped_family family = { .fd = vmo_create(SIZE, 0) };
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, family.down));
	ASSERT_EQ(0, pipe(family.up));
	family.at = view_of(family.fd, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, family.at);
	family.at[0] = 1;
	family.at[PAGE] = 1;
	pid = start_child(write_in_turn, &family);
	close(family.up[1]);
	ASSERT_EQ(0, hear(family.up[0]));
	family.child = vmo_snapshot(family.fd, 0, SIZE);
	family.view = view_of(family.child, PROT_READ | PROT_WRITE);
	EXPECT_EQ(1, family.view[0]);
	ASSERT_EQ(0, tell(family.down[1]));
	ASSERT_EQ(0, hear(family.up[0]));
	EXPECT_EQ(1, family.view[0]);
	EXPECT_EQ(2, family.at[0]);
	family.at[2 * PAGE] = 4;
	ASSERT_EQ(0, tell(family.down[1]));
	ASSERT_EQ(0, send_fd(family.down[1], family.child));
	ASSERT_EQ(0, hear(family.up[0]));
	EXPECT_EQ(3, family.view[PAGE]);
	family.view[3 * PAGE] = 5;
	ASSERT_EQ(0, tell(family.down[1]));
	EXPECT_EQ(0, end_child(pid));
	EXPECT_EQ(2, vmo_info(family.fd).num_mappings + vmo_info(family.child).num_mappings);
}

/* What MAP_PRIVATE has copied is the process's own, not the VMO's. */
TEST(private_views)
{
	int fd = vmo_create(SIZE, 0), child;
	unsigned char *at = view_of(fd, PROT_READ | PROT_WRITE), *private, *later;

	memset(at, 0x11, SIZE);
	private = map_private(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, private);
	private[0] = 0x22;
	EXPECT_EQ(0x11, private[PAGE]);
	child = vmo_snapshot(fd, 0, SIZE);
	later = map_private(child, SIZE, PROT_READ | PROT_WRITE);
	EXPECT_EQ(0x11, later[0]);
	later[PAGE] = 0x33;
	at[2 * PAGE] = 0x44;
	EXPECT_EQ(0x22, private[0]);
	EXPECT_EQ(0x11, later[2 * PAGE]);
	EXPECT_TRUE(vmo_holds(child, 0x11, 0, PAGE));
	EXPECT_TRUE(vmo_holds(child, 0x11, PAGE, PAGE));
	EXPECT_TRUE(vmo_holds(fd, 0x11, PAGE, PAGE));
	/* A private view shows what the VMO gets instead of a shared page. */
	EXPECT_EQ(0x44, private[2 * PAGE]);
	EXPECT_EQ(ZX_OK, vmo_op_range(child, ZX_VMO_OP_ZERO, 2 * PAGE, PAGE));
	EXPECT_EQ(0, later[2 * PAGE]);
	EXPECT_EQ(0x33, later[PAGE]);
}

struct pieces {
	int whole, slice, reference;
};

/* A process that has nothing mapped yet uses one of them. */
static int use_slice(void *arg)
{
	struct pieces *pieces = arg;
	unsigned char *at = map_shared(pieces->slice, 2 * PAGE, PROT_READ | PROT_WRITE);

	HOLDS(at != MAP_FAILED && at[0] == 0x11);
	at[0] = 0x21;
	HOLDS(vmo_holds(pieces->whole, 0x21, PAGE, 1));
	HOLDS(vmo_holds(pieces->reference, 0x21, PAGE, 1));
	return 0;
}

static int use_reference(void *arg)
{
	struct pieces *pieces = arg;
	unsigned char *at = view_of(pieces->reference, PROT_READ | PROT_WRITE);

	HOLDS(at && at[PAGE] == 0x21);
	at[PAGE + 1] = 0x22;
	HOLDS(vmo_holds(pieces->slice, 0x22, 1, 1));
	HOLDS(!vmo_op_range(pieces->slice, ZX_VMO_OP_ZERO, PAGE, PAGE));
	HOLDS(all_bytes(at + 2 * PAGE, 0, PAGE));
	at[2 * PAGE] = 0x23;
	HOLDS(vmo_holds(pieces->slice, 0x23, PAGE, 1));
	return 0;
}

TEST(slices_and_references_in_processes)
{
	struct pieces pieces = { .whole = vmo_create(SIZE, 0) };
	unsigned char *at, *slice;
	int snapshot;

	ASSERT_EQ(ZX_OK, vmo_fill(pieces.whole, 0x11, PAGES));
	pieces.slice = vmo_create_child(pieces.whole, ZX_VMO_CHILD_SLICE, PAGE, 2 * PAGE);
	pieces.reference = vmo_create_child(pieces.whole, ZX_VMO_CHILD_REFERENCE, 0, 0);
	at = view_of(pieces.whole, PROT_READ | PROT_WRITE);
	slice = map_shared(pieces.slice, 2 * PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, slice);
	EXPECT_EQ(0x11, at[PAGE] & slice[0] & slice[PAGE]);
	/* Shared pages have to be copied for all of them at once. */
	snapshot = vmo_snapshot(pieces.reference, 0, SIZE);
	EXPECT_EQ(0, in_child(use_slice, &pieces));
	EXPECT_EQ(0x21, at[PAGE]);
	EXPECT_EQ(0x21, slice[0]);
	EXPECT_EQ(0, in_child(use_reference, &pieces));
	EXPECT_EQ(0x22, at[PAGE + 1]);
	EXPECT_EQ(0x22, slice[1]);
	EXPECT_EQ(0x23, slice[PAGE]);
	EXPECT_EQ(0x23, at[2 * PAGE]);
	EXPECT_TRUE(vmo_holds(snapshot, 0x11, PAGE, PAGE));
	EXPECT_TRUE(vmo_holds(snapshot, 0x11, 2 * PAGE, PAGE));
}

TEST_HARNESS_MAIN
