// SPDX-License-Identifier: GPL-2.0
/* zx_object_wait_many: specification section 21.2. */
#include <pthread.h>

#include "zx_test.h"

#define MS	1000000LL

static zx_handle_t new_event(void)
{
	zx_handle_t event = ZX_HANDLE_INVALID;

	return zx_event_create(0, &event) ? ZX_HANDLE_INVALID : event;
}

struct waiter {
	pthread_t thread;
	pid_t tid;
	zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
	size_t count;
	zx_status_t status;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_RELEASE);
	waiter->status = zx_object_wait_many(waiter->items, waiter->count, ZX_TIME_INFINITE);
	return NULL;
}

/* Start a thread that waits for the items, and return when it sleeps. */
static bool start_waiter(struct waiter *waiter)
{
	return start_sleeper(&waiter->thread, &waiter->tid, wait_in_thread, waiter);
}

TEST(one_of_several_is_enough)
{
	zx_wait_item_t items[3] = {
		{ .handle = new_vmo(PAGE, 0), .waitfor = ZX_USER_SIGNAL_0, .pending = 77 },
		{ .handle = new_event(), .waitfor = ZX_EVENT_SIGNALED, .pending = 77 },
		{ .handle = new_vmo(PAGE, 0), .waitfor = ZX_USER_SIGNAL_1, .pending = 77 },
	};

	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_many(items, 3, 0));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, items[0].pending);
	EXPECT_EQ(0, items[1].pending);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, items[2].pending);
	EXPECT_EQ(ZX_OK, zx_object_signal(items[1].handle, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(ZX_OK, zx_object_signal(items[2].handle, 0, ZX_USER_SIGNAL_4));
	EXPECT_EQ(ZX_OK, zx_object_wait_many(items, 3, ZX_TIME_INFINITE));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, items[0].pending);
	EXPECT_EQ(ZX_EVENT_SIGNALED, items[1].pending);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_4, items[2].pending);
	EXPECT_EQ(ZX_EVENT_SIGNALED, items[1].waitfor);
	/* An asserted signal wins over a deadline that has passed. */
	EXPECT_EQ(ZX_OK, zx_object_wait_many(items, 3, ZX_TIME_INFINITE_PAST));
}

TEST(counts)
{
	zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS + 1] = { };
	zx_instant_mono_t deadline;
	zx_handle_t event = new_event();
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(items); i++)
		items[i] = (zx_wait_item_t){ .handle = event, .waitfor = ZX_USER_SIGNAL_0 };
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(items, ARRAY_SIZE(items), 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(NULL, SIZE_MAX, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(NULL, 1ULL << 32, 0));
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_many(items, ZX_WAIT_MANY_MAX_ITEMS, 0));
	/* No items: a sleep. */
	deadline = zx_deadline_after(20 * MS);
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_many(NULL, 0, deadline));
	EXPECT_LE(deadline, zx_clock_get_monotonic());
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_many((void *)8, 0, ZX_TIME_INFINITE_PAST));
	deadline = zx_deadline_after(20 * MS);
	EXPECT_EQ(ZX_ERR_TIMED_OUT,
		  zx_object_wait_many(items, ZX_WAIT_MANY_MAX_ITEMS, deadline));
	EXPECT_LE(deadline, zx_clock_get_monotonic());
}

TEST(order_of_checks)
{
	zx_handle_t event = new_event(), deaf = without_rights(event, ZX_RIGHT_WAIT);
	zx_wait_item_t items[2] = {
		{ .handle = deaf, .waitfor = 1, .pending = 77 },
		{ .handle = closed_handle(), .waitfor = 1, .pending = 77 },
	};
	zx_wait_item_t *hole = (void *)((char *)page_before_hole() + PAGE);

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_object_wait_many(hole, 65, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_wait_many(hole, 1, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_wait_many(hole - 1, 2, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_wait_many(NULL, 1, 0));
	/* The first item that is wrong decides, even if another is satisfied. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_many(items, 2, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_many(items + 1, 1, 0));
	items[0].handle = zx_vmar_root_self();
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_many(items, 2, 0));
	items[0].handle = event;
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_many(items, 2, 0));
	items[1].handle = zx_process_self();
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_many(items, 2, ZX_TIME_INFINITE));
	items[0].handle = ZX_HANDLE_INVALID;
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_many(items, 2, 0));
	items[0].handle = closed_handle();
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_many(items, 2, 0));
	items[0].handle = deaf;
	items[1].handle = closed_handle();
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_many(items, 2, 0));
	EXPECT_EQ(77, items[0].pending);
	EXPECT_EQ(77, items[1].pending);
}

TEST(results_that_cannot_be_stored)
{
	zx_wait_item_t *items = anon_pages(1, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, items);
	items[0] = (zx_wait_item_t){ .handle = new_event(), .waitfor = ZX_EVENT_SIGNALED };
	EXPECT_EQ(0, mprotect(items, PAGE, PROT_READ));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_wait_many(items, 1, 0));
	EXPECT_EQ(ZX_OK, zx_object_signal(items[0].handle, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_wait_many(items, 1, 0));
}

TEST(sixty_four_items)
{
	struct waiter waiter = { .count = ZX_WAIT_MANY_MAX_ITEMS };
	unsigned int i, which;

	for (i = 0; i < waiter.count; i++)
		waiter.items[i] = (zx_wait_item_t){
			.handle = i % 2 ? new_event() : new_vmo(0, 0),
			.waitfor = ZX_USER_SIGNAL_3,
		};
	for (which = 0; which < waiter.count; which += 21) {
		ASSERT_TRUE(start_waiter(&waiter));
		EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[which].handle, 0,
						  ZX_USER_SIGNAL_3));
		ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
		EXPECT_EQ(ZX_OK, waiter.status);
		for (i = 0; i < waiter.count; i++)
			EXPECT_EQ((i % 2 ? 0 : ZX_VMO_ZERO_CHILDREN) |
				  (i == which ? ZX_USER_SIGNAL_3 : 0),
				  waiter.items[i].pending);
		EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[which].handle,
						  ZX_USER_SIGNAL_3, 0));
	}
}

TEST(the_same_object_and_handle_twice)
{
	struct waiter waiter = { .count = 3 };
	zx_handle_t event = new_event(), other = with_rights(event, ZX_RIGHT_SAME_RIGHTS);

	waiter.items[0] = (zx_wait_item_t){ .handle = event, .waitfor = ZX_USER_SIGNAL_0 };
	waiter.items[1] = (zx_wait_item_t){ .handle = event, .waitfor = ZX_USER_SIGNAL_1 };
	waiter.items[2] = (zx_wait_item_t){ .handle = other, .waitfor = ZX_USER_SIGNAL_1 };
	ASSERT_TRUE(start_waiter(&waiter));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_OK, waiter.status);
	EXPECT_EQ(ZX_USER_SIGNAL_1, waiter.items[0].pending);
	EXPECT_EQ(ZX_USER_SIGNAL_1, waiter.items[1].pending);
	EXPECT_EQ(ZX_USER_SIGNAL_1, waiter.items[2].pending);
	/* Closing the handle that is there twice. */
	EXPECT_EQ(ZX_OK, zx_object_signal(event, ZX_USER_SIGNAL_1, 0));
	ASSERT_TRUE(start_waiter(&waiter));
	EXPECT_EQ(ZX_OK, zx_handle_close(event));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED, waiter.items[0].pending);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED, waiter.items[1].pending);
	EXPECT_EQ(0, waiter.items[2].pending);
}

TEST(a_pulse_satisfies_a_wait)
{
	struct waiter waiter = { .count = 2 };
	int round;

	waiter.items[0] = (zx_wait_item_t){ .handle = new_event(), .waitfor = 0 };
	waiter.items[1] = (zx_wait_item_t){
		.handle = new_vmo(PAGE, 0), .waitfor = ZX_USER_SIGNAL_4,
	};
	for (round = 0; round < 200; round++) {
		ASSERT_TRUE(start_waiter(&waiter));
		EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[1].handle, 0,
						  ZX_USER_SIGNAL_4 | ZX_USER_SIGNAL_5));
		EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[1].handle,
						  ZX_USER_SIGNAL_4 | ZX_USER_SIGNAL_5, 0));
		ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
		EXPECT_EQ(ZX_OK, waiter.status);
		/* What was asserted at the moment of the match. */
		EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_4 | ZX_USER_SIGNAL_5,
			  waiter.items[1].pending);
		EXPECT_EQ(0, waiter.items[0].pending);
	}
}

TEST(closing_a_handle_cancels)
{
	struct waiter waiter = { .count = 3 };
	zx_handle_t replaced;
	int i;

	for (i = 0; i < 3; i++)
		waiter.items[i] = (zx_wait_item_t){
			.handle = new_event(), .waitfor = ZX_EVENT_SIGNALED,
		};
	EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[0].handle, 0, ZX_USER_SIGNAL_6));
	ASSERT_TRUE(start_waiter(&waiter));
	EXPECT_EQ(ZX_OK, zx_handle_close(waiter.items[1].handle));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(ZX_USER_SIGNAL_6, waiter.items[0].pending);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED, waiter.items[1].pending);
	EXPECT_EQ(0, waiter.items[2].pending);

	/* Replacing closes in this sense. */
	waiter.items[1].handle = new_vmo(0, 0);
	waiter.items[1].waitfor = 0;
	ASSERT_TRUE(start_waiter(&waiter));
	EXPECT_EQ(ZX_OK, zx_handle_replace(waiter.items[1].handle, ZX_RIGHT_SAME_RIGHTS,
					   &replaced));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED | ZX_VMO_ZERO_CHILDREN, waiter.items[1].pending);

	/* Closing another handle of the object does not. */
	waiter.items[1].handle = replaced;
	ASSERT_TRUE(start_waiter(&waiter));
	EXPECT_EQ(ZX_OK, zx_handle_close(with_rights(replaced, ZX_RIGHT_WAIT)));
	EXPECT_TRUE(wait_blocked(waiter.tid));
	EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[2].handle, 0, ZX_EVENT_SIGNALED));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_OK, waiter.status);
}

static void no_action(int sig __always_unused)
{
}

TEST(a_unix_signal_does_not_end_a_wait)
{
	struct sigaction act = { .sa_handler = no_action };
	struct waiter waiter = { .count = 1 };
	int i;

	sigaction(SIGUSR1, &act, NULL);
	waiter.items[0] = (zx_wait_item_t){
		.handle = new_event(), .waitfor = ZX_EVENT_SIGNALED,
	};
	ASSERT_TRUE(start_waiter(&waiter));
	for (i = 0; i < 5; i++) {
		pthread_kill(waiter.thread, SIGUSR1);
		EXPECT_TRUE(wait_blocked(waiter.tid));
	}
	EXPECT_EQ(ZX_OK, zx_object_signal(waiter.items[0].handle, 0, ZX_EVENT_SIGNALED));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_OK, waiter.status);
}

static zx_handle_t to_close;

static void close_it(int sig __always_unused)
{
	zx_handle_close(to_close);
}

/* The wait is not in the kernel while the handler runs. */
TEST(closed_by_a_signal_handler)
{
	struct sigaction act = { .sa_handler = close_it };
	struct waiter waiter = { .count = 2 };

	sigaction(SIGUSR1, &act, NULL);
	to_close = new_event();
	waiter.items[0] = (zx_wait_item_t){ .handle = to_close, .waitfor = ZX_EVENT_SIGNALED };
	waiter.items[1] = (zx_wait_item_t){ .handle = new_vmo(0, 0), .waitfor = 0 };
	ASSERT_TRUE(start_waiter(&waiter));
	pthread_kill(waiter.thread, SIGUSR1);
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED, waiter.items[0].pending);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, waiter.items[1].pending);
}

static int wait_for_ever(void *arg)
{
	zx_wait_item_t items[] = {
		{ .handle = *(zx_handle_t *)arg, .waitfor = ZX_USER_SIGNAL_0 },
		{ .handle = *(zx_handle_t *)arg, .waitfor = ZX_USER_SIGNAL_1 },
	};

	zx_object_wait_many(items, 2, ZX_TIME_INFINITE);
	return 1;
}

TEST(a_killed_waiter_leaves_nothing)
{
	zx_handle_t event = new_event();
	zx_info_handle_count_t count;
	pid_t pid;
	int i;

	for (i = 0; i < 20; i++) {
		pid = start_child(wait_for_ever, &event);
		EXPECT_TRUE(wait_blocked(pid));
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, end_child(pid));
	}
	EXPECT_EQ(ZX_OK, zx_object_get_info(event, ZX_INFO_HANDLE_COUNT, &count, sizeof(count),
					    NULL, NULL));
	EXPECT_EQ(1, count.handle_count);
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1));
}

struct storm {
	zx_handle_t events[8];
	int stop;
};

static void *pulse(void *arg)
{
	struct storm *storm = arg;
	unsigned int i = 0;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		zx_object_signal(storm->events[i % 8], 0, ZX_USER_SIGNAL_0);
		zx_object_signal(storm->events[i % 8], ZX_USER_SIGNAL_0, 0);
		i++;
	}
	return NULL;
}

/* Pulses on any of the objects end every wait, however they fall. */
TEST(storm_of_pulses)
{
	struct storm storm = { };
	zx_wait_item_t items[8];
	zx_signals_t seen;
	pthread_t thread;
	int i, round;

	for (i = 0; i < 8; i++)
		storm.events[i] = new_event();
	ASSERT_EQ(0, pthread_create(&thread, NULL, pulse, &storm));
	for (round = 0; round < fewer(2000); round++) {
		for (i = 0; i < 8; i++)
			items[i] = (zx_wait_item_t){
				.handle = storm.events[i], .waitfor = ZX_USER_SIGNAL_0,
			};
		EXPECT_EQ(ZX_OK, zx_object_wait_many(items, 8, zx_deadline_after(5000 * MS)));
		for (seen = 0, i = 0; i < 8; i++)
			seen |= items[i].pending;
		EXPECT_EQ(ZX_USER_SIGNAL_0, seen);
	}
	__atomic_store_n(&storm.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_HARNESS_MAIN
