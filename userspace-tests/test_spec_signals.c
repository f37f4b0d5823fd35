// SPDX-License-Identifier: GPL-2.0
/* Signals and waits: specification sections 21, 28.10, 28.12 and 28.19. */
#include <pthread.h>

#include "zx_test.h"

TEST(spec_089_zero_children)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_signals_t observed = 0;

	EXPECT_EQ(ZX_OK, zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, &observed));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);
	/* All asserted signals are reported, not only the wanted one. */
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_7));
	EXPECT_EQ(ZX_OK, zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, ZX_TIME_INFINITE,
					    &observed));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_7, observed);
}

TEST(spec_095_signal)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	int bit;

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal(vmo, 0, ZX_VMO_ZERO_CHILDREN));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal(vmo, ZX_VMO_ZERO_CHILDREN, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_signal(vmo, 0, ZX_USER_SIGNAL_0 | ZX_VMO_ZERO_CHILDREN));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(vmo));
	for (bit = 0; bit < 24; bit++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal(vmo, 0, 1U << bit));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal(vmo, 1U << bit, 0));
	}
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_0, signals_of(vmo));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_5));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_5, signals_of(vmo));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_ALL));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_ALL, signals_of(vmo));
	/* Signals belong to the object, not to the handle. */
	EXPECT_EQ(ZX_OK, zx_object_signal(with_rights(vmo, ZX_RIGHT_SIGNAL),
					  ZX_USER_SIGNAL_ALL, 0));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(vmo));
}

TEST(rights_and_handles)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), bad = closed_handle();
	zx_handle_t deaf = without_rights(vmo, ZX_RIGHT_WAIT);
	zx_handle_t mute = without_rights(vmo, ZX_RIGHT_SIGNAL);
	zx_signals_t observed = 77;

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_one(deaf, ZX_VMO_ZERO_CHILDREN, 0,
							   &observed));
	EXPECT_EQ(77, observed);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_signal(mute, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_signal(mute, 0, 1));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_signal(bad, 0, 1));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_one(bad, 1, 0, &observed));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_signal_peer(vmo, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(vmo));
	EXPECT_EQ(ZX_OK, zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, NULL));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0,
				     (zx_signals_t *)((char *)page_before_hole() + PAGE)));
}

TEST(spec_192_infinite_past)
{
	static const zx_instant_mono_t past[] = { ZX_TIME_INFINITE_PAST, -1, 0, 1 };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_signals_t observed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		observed = 0;
		EXPECT_EQ(ZX_OK, zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, past[i],
						    &observed));
		EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);
		observed = 0;
		EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_one(vmo, ZX_USER_SIGNAL_0, past[i],
							       &observed));
		EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);
	}
}

TEST(deadline)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_instant_mono_t deadline = zx_deadline_after(30000000);
	zx_signals_t observed = 0;

	EXPECT_EQ(ZX_ERR_TIMED_OUT,
		  zx_object_wait_one(vmo, ZX_USER_SIGNAL_1, deadline, &observed));
	EXPECT_LE(deadline, zx_clock_get_monotonic());
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);
}

struct waiter {
	pthread_t thread;
	pid_t tid;
	zx_handle_t handle;
	zx_signals_t wanted, observed;
	zx_status_t status;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_RELEASE);
	waiter->status = zx_object_wait_one(waiter->handle, waiter->wanted, ZX_TIME_INFINITE,
					    &waiter->observed);
	return NULL;
}

/* Start a thread that waits, and return when it sleeps in the wait. */
static bool start_waiter(struct waiter *waiter, zx_handle_t handle, zx_signals_t wanted)
{
	waiter->handle = handle;
	waiter->wanted = wanted;
	return start_sleeper(&waiter->thread, &waiter->tid, wait_in_thread, waiter);
}

TEST(spec_117_waits_and_closing)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t other = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t mine = with_rights(vmo, ZX_RIGHT_WAIT);
	zx_signals_t observed = 0;
	struct waiter waiter = { };

	EXPECT_EQ(ZX_ERR_TIMED_OUT,
		  zx_object_wait_one(vmo, 0, zx_clock_get_monotonic(), &observed));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);

	/* Another handle of the object: the wait goes on until it is met. */
	ASSERT_TRUE(start_waiter(&waiter, mine, ZX_USER_SIGNAL_2));
	EXPECT_EQ(ZX_OK, zx_handle_close(other));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_1));
	EXPECT_TRUE(wait_blocked(waiter.tid));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_2));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_OK, waiter.status);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_1 | ZX_USER_SIGNAL_2, waiter.observed);

	/* The very handle. */
	ASSERT_TRUE(start_waiter(&waiter, mine, ZX_USER_SIGNAL_3));
	EXPECT_EQ(ZX_OK, zx_handle_close(mine));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED | ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_1 |
		  ZX_USER_SIGNAL_2, waiter.observed);
}

TEST(replacing_cancels_a_wait)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), replaced;
	zx_handle_t mine = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	struct waiter waiter = { };

	ASSERT_TRUE(start_waiter(&waiter, mine, ZX_USER_SIGNAL_3));
	EXPECT_EQ(ZX_OK, zx_handle_replace(mine, ZX_RIGHT_SAME_RIGHTS, &replaced));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(ZX_SIGNAL_HANDLE_CLOSED | ZX_VMO_ZERO_CHILDREN, waiter.observed);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(replaced));
}

TEST(closing_the_last_handle_cancels_a_wait)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	struct waiter waiter = { };
	unsigned char *at;

	/* A mapping keeps the object, but no handle is left to wait with. */
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &at));
	ASSERT_TRUE(start_waiter(&waiter, vmo, 0));
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiter.status);
	EXPECT_EQ(0, probe_write(at, 1));
}

TEST(a_pulse_satisfies_a_wait)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	struct waiter waiter = { };

	ASSERT_TRUE(start_waiter(&waiter, vmo, ZX_USER_SIGNAL_4));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_4));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, ZX_USER_SIGNAL_4, 0));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_OK, waiter.status);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_4, waiter.observed);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(vmo));
}

TEST(many_waiters_wake_at_once)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	struct waiter waiters[8] = { };
	int i;

	for (i = 0; i < 8; i++)
		ASSERT_TRUE(start_waiter(&waiters[i], i % 2 ? vmo : with_rights(vmo, ZX_RIGHT_WAIT),
					 ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_7));
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_7));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, pthread_join(waiters[i].thread, NULL));
		EXPECT_EQ(ZX_OK, waiters[i].status);
	}
}

static void no_action(int sig __always_unused)
{
}

TEST(a_unix_signal_does_not_end_a_wait)
{
	struct sigaction act = { .sa_handler = no_action };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	struct waiter waiter = { };
	int i;

	/* Zircon knows no EINTR: the library takes the wait up again. */
	sigaction(SIGUSR1, &act, NULL);
	ASSERT_TRUE(start_waiter(&waiter, vmo, ZX_USER_SIGNAL_4));
	for (i = 0; i < 5; i++) {
		pthread_kill(waiter.thread, SIGUSR1);
		EXPECT_TRUE(wait_blocked(waiter.tid));
	}
	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_4));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(ZX_OK, waiter.status);
}

TEST_HARNESS_MAIN
