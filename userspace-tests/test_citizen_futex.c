// SPDX-License-Identifier: GPL-2.0
/*
 * Futexes in a mapped VMO: between processes, between mappings at different
 * addresses, and between different handles of one VMO.
 */
#include "futex_test.h"

struct views {
	int fd;
	struct shared *one, *two;	/* the same page at two addresses */
};

static bool make_views(struct views *views)
{
	int reader;

	views->fd = vmo_create(2 * PAGE, 0);
	reader = vmo_duplicate(views->fd, ALL_VMO_RIGHTS & ~ZX_RIGHT_RESIZE);
	views->one = map_shared(views->fd, 2 * PAGE, PROT_READ | PROT_WRITE);
	views->two = map_shared(reader, 2 * PAGE, PROT_READ | PROT_WRITE);
	close(reader);
	return views->one != MAP_FAILED && views->two != MAP_FAILED;
}

/* The way to know that a process sleeps in the wait, not just before it. */
static void wake_when_asleep(__u32 *word, int *woken)
{
	int tries;

	for (tries = 0; tries < 100000 && *woken < 1; tries++) {
		*woken = futex(word, FUTEX_WAKE, 1, NULL);
		sched_yield();
	}
}

TEST(wait_and_wake_between_processes)
{
	struct views views;
	int woken = 0;
	pid_t pid;

	ASSERT_TRUE(make_views(&views));
	pid = start_child(wait_for_word, &views.one->word);
	wake_when_asleep(&views.two->word, &woken);
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, end_child(pid));
	/* A value that differs, seen through the other mapping, is no wait. */
	views.one->word = 7;
	EXPECT_EQ(-1, futex(&views.two->word, FUTEX_WAIT, 0, NULL));
	EXPECT_EQ(EAGAIN, errno);
}

TEST(a_page_nobody_wrote)
{
	struct views views;
	int woken = 0;
	pid_t pid;

	ASSERT_TRUE(make_views(&views));
	pid = start_child(wait_for_word, (char *)views.one + PAGE);
	wake_when_asleep((__u32 *)((char *)views.two + PAGE), &woken);
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, end_child(pid));
}

TEST(through_a_read_only_handle)
{
	struct views views;
	__u32 *word;
	int woken = 0;
	pid_t pid;

	ASSERT_TRUE(make_views(&views));
	views.one->word = 0;
	word = map_shared(vmo_duplicate(views.fd, READER_RIGHTS), PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, word);
	pid = start_child(wait_for_word, word);
	wake_when_asleep(&views.two->word, &woken);
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, end_child(pid));
}

TEST(other_vmos_are_other_futexes)
{
	struct views views, others;
	int woken = 0;
	pid_t pid;

	ASSERT_TRUE(make_views(&views));
	ASSERT_TRUE(make_views(&others));
	pid = start_child(wait_for_word, &views.one->word);
	EXPECT_EQ(0, futex(&others.one->word, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, futex((__u32 *)((char *)views.one + PAGE), FUTEX_WAKE, 1, NULL));
	wake_when_asleep(&views.one->word, &woken);
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, end_child(pid));
}

TEST(requeue)
{
	struct views views;
	__u32 *other;
	int moved = 0, tries, woken = 0;
	pid_t pid;

	ASSERT_TRUE(make_views(&views));
	other = (__u32 *)((char *)views.two + PAGE);
	pid = start_child(wait_for_word, &views.one->word);
	/* A waiter that the scheduler wakes for nothing waits at the first word again. */
	for (tries = 0; tries < 100000 && woken < 1; tries++) {
		moved += syscall(SYS_futex, &views.two->word, FUTEX_CMP_REQUEUE, 0, 1L, other, 0);
		woken = futex(other, FUTEX_WAKE, 1, NULL);
		sched_yield();
	}
	EXPECT_LE(1, moved);
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, end_child(pid));
}

static int take_turns_and_post(void *arg)
{
	struct shared *shared = arg;

	HOLDS(take_turns(shared, 1));
	return sem_post(&shared->sem);
}

TEST(mutex_condition_and_semaphore)
{
	struct views views;
	pid_t pid;

	ASSERT_TRUE(make_views(&views));
	init_turns(views.one);
	ASSERT_EQ(0, sem_init(&views.one->sem, 1, 0));
	/* The child looks through the other mapping. */
	pid = start_child(take_turns_and_post, views.two);
	EXPECT_TRUE(take_turns(views.one, 0));
	EXPECT_EQ(0, sem_wait(&views.one->sem));
	EXPECT_EQ(0, end_child(pid));
	EXPECT_EQ(2 * TURNS, views.one->turns);
}

static int die_with_the_mutex(void *arg)
{
	struct shared *shared = arg;

	HOLDS(!pthread_mutex_lock(&shared->mutex));
	shared->turns = 1;
	raise(SIGKILL);
	return 1;
}

static int die_with_the_mutex_and_the_handle(void *arg)
{
	struct views *views = arg;

	close(views->fd);
	return die_with_the_mutex(views->one);
}

TEST(robust_mutex)
{
	struct views views;

	ASSERT_TRUE(make_views(&views));
	init_mutex(&views.one->mutex, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	EXPECT_EQ(128 + SIGKILL, in_child(die_with_the_mutex, views.one));
	EXPECT_EQ(1, views.two->turns);
	ASSERT_EQ(EOWNERDEAD, pthread_mutex_lock(&views.one->mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(&views.one->mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&views.one->mutex));
	/* With no handle left anywhere, the mapping alone carries it. */
	EXPECT_EQ(128 + SIGKILL, in_child(die_with_the_mutex_and_the_handle, &views));
	close(views.fd);
	ASSERT_EQ(EOWNERDEAD, pthread_mutex_lock(&views.one->mutex));
}

TEST(priority_inheritance)
{
	struct views views;

	ASSERT_TRUE(make_views(&views));
	init_mutex(&views.one->mutex, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);
	EXPECT_EQ(128 + SIGKILL, in_child(die_with_the_mutex, views.two));
	ASSERT_EQ(EOWNERDEAD, pthread_mutex_lock(&views.one->mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(&views.one->mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&views.one->mutex));
}

TEST(a_futex_beyond_the_end)
{
	int fd = vmo_create(PAGE, ZX_VMO_RESIZABLE);
	__u32 *at = map_shared(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, futex(at + PAGE / 4, FUTEX_WAIT, 0, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, futex(at + PAGE / 4, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, 2 * PAGE));
	EXPECT_EQ(0, futex(at + PAGE / 4, FUTEX_WAKE, 1, NULL));
}

TEST_HARNESS_MAIN
