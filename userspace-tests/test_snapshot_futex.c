// SPDX-License-Identifier: GPL-2.0
/*
 * Futexes in memory that is snapshotted: a waiter of before hears of a waker of
 * after, although the page between them may have become another; and the two
 * sides of a snapshot are strangers.
 */
#include "futex_test.h"

#define PATIENCE	100000

static struct shared *view_of(int fd)
{
	struct shared *at = map_shared(fd, PAGE, PROT_READ | PROT_WRITE);

	return at == MAP_FAILED ? NULL : at;
}

/* Until a process sleeps in a system call. */
static bool asleep(pid_t pid)
{
	char path[64], call[64];
	int tries;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (tries = 0; tries < PATIENCE; tries++) {
		if (proc_value(path, "", call, sizeof(call)) && atoi(call) == SYS_futex)
			return wait_blocked(pid);
		sched_yield();
	}
	return false;
}

FIXTURE(waiter) {
	int fd;
	struct shared *at;
	pid_t pid;
};

/* A process that waits in the VMO before anything happens. */
FIXTURE_SETUP(waiter)
{
	self->fd = vmo_create(PAGE, 0);
	self->at = view_of(self->fd);
	ASSERT_NE(NULL, self->at);
	self->at->other = 1;
	self->pid = start_child(wait_for_word, &self->at->word);
	ASSERT_TRUE(asleep(self->pid));
}

FIXTURE_TEARDOWN(waiter)
{
}

TEST_F(waiter, of_before_a_snapshot)
{
	int child = vmo_snapshot(self->fd, 0, PAGE);

	ASSERT_LE(0, child);
	/* The kernel itself asks for a page to write to. */
	EXPECT_EQ(1, futex(&self->at->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, end_child(self->pid));
}

TEST_F(waiter, of_before_a_snapshot_and_a_store)
{
	struct shared *view = view_of(self->fd);
	int child = vmo_snapshot(self->fd, 0, PAGE);

	ASSERT_LE(0, child);
	self->at->word = 1;
	EXPECT_EQ(1, futex(&view->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, end_child(self->pid));
	EXPECT_TRUE(vmo_holds(child, 0, 0, 4));
}

TEST_F(waiter, of_before_two_snapshots_and_a_write)
{
	int child = vmo_snapshot(self->fd, 0, PAGE), second;
	__u32 value = 1;

	ASSERT_EQ(ZX_OK, vmo_write(self->fd, &value, 0, 4));
	second = vmo_snapshot(self->fd, 0, PAGE);
	ASSERT_EQ(ZX_OK, vmo_write(self->fd, &value, 4, 4));
	close(child);
	close(second);
	EXPECT_EQ(1, futex(&self->at->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, end_child(self->pid));
}

TEST_F(waiter, of_a_page_that_the_child_left)
{
	int child = vmo_snapshot(self->fd, 0, PAGE);
	struct shared *view = view_of(child);

	ASSERT_NE(NULL, view);
	view->word = 7;
	/* The other side of the snapshot wakes nobody here. */
	EXPECT_EQ(0, futex(&view->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(1, futex(&self->at->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, end_child(self->pid));
}

TEST_F(waiter, of_the_parent_only)
{
	int child = vmo_snapshot(self->fd, 0, PAGE);
	struct shared *view = view_of(child);

	ASSERT_NE(NULL, view);
	/* Nobody has written since: the page is still one. */
	EXPECT_EQ(0, futex(&view->word, FUTEX_WAKE, 1, NULL));
	self->at->word = 1;
	EXPECT_EQ(0, futex(&view->word, FUTEX_WAKE, 1, NULL));
	view->word = 2;
	EXPECT_EQ(0, futex(&view->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(1, futex(&self->at->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, end_child(self->pid));
}

/* Every generation has a waiter of its own before it is snapshotted and written. */
TEST_F(waiter, of_every_generation)
{
	struct shared *views[6];
	int fds[6], i;
	pid_t pids[6];

	fds[0] = self->fd;
	views[0] = self->at;
	pids[0] = self->pid;
	for (i = 1; i < 6; i++) {
		/* Now from the last one, now from the first. */
		fds[i] = vmo_snapshot(fds[i % 2 ? i - 1 : 0], 0, PAGE);
		views[i] = view_of(fds[i]);
		ASSERT_NE(NULL, views[i]);
		pids[i] = start_child(wait_for_word, &views[i]->word);
		ASSERT_TRUE(asleep(pids[i]));
		if (i % 3)
			views[i - 1]->other = i;
	}
	for (i = 5; i >= 0; i--) {
		EXPECT_EQ(1, futex(&views[i]->word, FUTEX_WAKE, 9, NULL))
			TH_LOG("generation %d", i);
		EXPECT_EQ(0, end_child(pids[i]));
	}
}

/* A reference is the same memory before and after. */
TEST_F(waiter, through_a_reference)
{
	int reference = vmo_create_child(self->fd, ZX_VMO_CHILD_REFERENCE, 0, 0);
	struct shared *view = view_of(reference);
	int child = vmo_snapshot(reference, 0, PAGE), i;

	ASSERT_NE(NULL, view);
	ASSERT_LE(0, child);
	for (i = 0; i < 3; i++) {
		view->other = i;
		close(vmo_snapshot(self->fd, 0, PAGE));
	}
	munmap(self->at, PAGE);
	close(self->fd);
	EXPECT_EQ(1, futex(&view->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, end_child(self->pid));
}

TEST(waiters_on_both_sides)
{
	int fd = vmo_create(PAGE, 0), child;
	struct shared *at = view_of(fd), *view;
	pid_t here, there;

	at->other = 1;
	child = vmo_snapshot(fd, 0, PAGE);
	view = view_of(child);
	EXPECT_EQ(1, view->other);
	here = start_child(wait_for_word, &at->word);
	there = start_child(wait_for_word, &view->word);
	ASSERT_TRUE(asleep(here));
	ASSERT_TRUE(asleep(there));
	close(fd);
	close(child);
	EXPECT_EQ(1, futex(&view->word, FUTEX_WAKE, 9, NULL));
	EXPECT_EQ(0, end_child(there));
	EXPECT_EQ(1, futex(&at->word, FUTEX_WAKE, 9, NULL));
	EXPECT_EQ(0, end_child(here));
}

struct taker {
	int fd;
	bool stop;
	long taken;
};

static void *take_snapshots(void *arg)
{
	struct taker *taker = arg;

	while (!__atomic_load_n(&taker->stop, __ATOMIC_RELAXED)) {
		close(vmo_snapshot(taker->fd, 0, PAGE));
		taker->taken++;
		usleep(500);
	}
	return NULL;
}

/* A lost wake-up would leave both asleep: the harness has a time limit. */
TEST(turns_under_snapshots)
{
	struct taker taker = { .fd = vmo_create(PAGE, 0) };
	struct shared *at = view_of(taker.fd);
	pthread_t thread;
	pid_t pid;

	init_turns(at);
	pid = start_child(take_turns_between, at);
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_snapshots, &taker));
	EXPECT_TRUE(take_turns(at, 0));
	EXPECT_EQ(0, end_child(pid));
	__atomic_store_n(&taker.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(2 * TURNS, at->turns);
	EXPECT_LT(0, taker.taken);
}

struct owner {
	struct shared *at;
	int up[2], down[2];
};

static int die_with_the_mutex(void *arg)
{
	struct owner *owner = arg;

	HOLDS(!pthread_mutex_lock(&owner->at->mutex));
	HOLDS(!tell(owner->up[1]) && !hear(owner->down[0]));
	raise(SIGKILL);
	return 1;
}

TEST(robust_mutex)
{
	int fd = vmo_create(PAGE, 0), child;
	struct owner owner = { .at = view_of(fd) };
	unsigned char before[PAGE], after[PAGE];
	struct shared *view;
	pid_t pid;

	ASSERT_EQ(0, pipe(owner.up));
	ASSERT_EQ(0, pipe(owner.down));
	init_mutex(&owner.at->mutex, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	pid = start_child(die_with_the_mutex, &owner);
	ASSERT_EQ(0, hear(owner.up[0]));
	child = vmo_snapshot(fd, 0, PAGE);
	view = view_of(child);
	ASSERT_EQ(ZX_OK, vmo_read(child, before, 0, PAGE));
	EXPECT_EQ(EBUSY, pthread_mutex_trylock(&owner.at->mutex));
	ASSERT_EQ(0, tell(owner.down[1]));
	EXPECT_EQ(128 + SIGKILL, end_child(pid));
	/* The kernel has written to the parent's page, and to no other. */
	ASSERT_EQ(EOWNERDEAD, pthread_mutex_lock(&owner.at->mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(&owner.at->mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&owner.at->mutex));
	ASSERT_EQ(ZX_OK, vmo_read(child, after, 0, PAGE));
	EXPECT_EQ(0, memcmp(before, after, PAGE));
	/* In the snapshot it was locked, and it stays so. */
	EXPECT_EQ(EBUSY, pthread_mutex_trylock(&view->mutex));
}

static int fork_and_write(void *arg)
{
	struct owner *owner = arg;

	owner->at->word = 0x77;
	return 0;
}

/* A process that is forked after the snapshot has the same views. */
TEST(fork_with_snapshots)
{
	int fd = vmo_create(PAGE, 0), child;
	struct owner here = { .at = view_of(fd) }, there;

	here.at->word = 0x11;
	child = vmo_snapshot(fd, 0, PAGE);
	there.at = view_of(child);
	EXPECT_EQ(0x11, there.at->word);
	EXPECT_EQ(0, in_child(fork_and_write, &there));
	EXPECT_EQ(0x77, there.at->word);
	EXPECT_EQ(0x11, here.at->word);
	close(fd);
	close(child);
	EXPECT_EQ(0, in_child(fork_and_write, &here));
	EXPECT_EQ(0x77, here.at->word);
}

TEST_HARNESS_MAIN
