// SPDX-License-Identifier: GPL-2.0
/* zx_port_create, _queue, _wait, _cancel and zx_object_wait_async. */
#include <pthread.h>

#include "zx_test.h"

static zx_handle_t new_port(void)
{
	zx_handle_t port = ZX_HANDLE_INVALID;

	return zx_port_create(0, &port) ? ZX_HANDLE_INVALID : port;
}

static zx_handle_t new_event(void)
{
	zx_handle_t event = ZX_HANDLE_INVALID;

	return zx_event_create(0, &event) ? ZX_HANDLE_INVALID : event;
}

static bool is_empty(zx_handle_t port)
{
	zx_port_packet_t packet;

	return zx_port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT;
}

/* Take the packet that must be there, which tells of signals. */
static bool told(zx_handle_t port, uint64_t key, zx_signals_t trigger, zx_signals_t observed)
{
	zx_port_packet_t packet;

	memset(&packet, 0xff, sizeof(packet));
	return zx_port_wait(port, 0, &packet) == ZX_OK && packet.key == key &&
	       packet.type == ZX_PKT_TYPE_SIGNAL_ONE && packet.status == ZX_OK &&
	       packet.signal.trigger == trigger && packet.signal.observed == observed &&
	       packet.signal.count == 1 && !packet.signal.timestamp && !packet.signal.reserved1;
}

TEST(numbers_and_info)
{
	zx_handle_t port = new_port();
	zx_info_handle_basic_t basic;
	zx_signals_t observed;

	EXPECT_EQ(0, ZX_PKT_TYPE_USER);
	EXPECT_EQ(1, ZX_PKT_TYPE_SIGNAL_ONE);
	EXPECT_EQ(0, ZX_WAIT_ASYNC_ONCE);
	EXPECT_EQ(1, ZX_WAIT_ASYNC_TIMESTAMP);
	EXPECT_EQ(2, ZX_WAIT_ASYNC_EDGE);
	EXPECT_EQ((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | ZX_RIGHTS_IO, ZX_DEFAULT_PORT_RIGHTS);
	EXPECT_EQ(ZX_OK, zx_object_get_info(port, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic),
					    NULL, NULL));
	EXPECT_EQ(6, ZX_OBJ_TYPE_PORT);
	EXPECT_EQ(ZX_OBJ_TYPE_PORT, basic.type);
	EXPECT_EQ(ZX_DEFAULT_PORT_RIGHTS, basic.rights);
	EXPECT_EQ(0, basic.related_koid);
	/* A port can be waited for in its own way only. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_one(port, ~0U, 0, &observed));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_async(port, port, 0, ~0U, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_signal(port, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_port_create(2, &port));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_port_create(0, NULL));
}

TEST(user_packets_in_order)
{
	zx_port_packet_t packet = { .type = 77, .status = -5, .user.c8 = "hello" }, got;
	zx_handle_t port = new_port();
	uint64_t i;

	EXPECT_TRUE(is_empty(port));
	for (i = 0; i < 100; i++) {
		packet.key = i;
		packet.user.u64[3] = ~i;
		EXPECT_EQ(ZX_OK, zx_port_queue(port, &packet));
	}
	for (i = 0; i < 100; i++) {
		memset(&got, 0, sizeof(got));
		/* A packet wins over a deadline that has passed. */
		EXPECT_EQ(ZX_OK, zx_port_wait(port, ZX_TIME_INFINITE_PAST, &got));
		packet.key = i;
		packet.type = ZX_PKT_TYPE_USER;
		packet.user.u64[3] = ~i;
		EXPECT_EQ(0, memcmp(&packet, &got, sizeof(got)));
	}
	EXPECT_TRUE(is_empty(port));
}

TEST(too_many_packets)
{
	zx_port_packet_t packet = { };
	zx_handle_t port = new_port();
	int i;

	for (i = 0; i < 2048; i++)
		ASSERT_EQ(ZX_OK, zx_port_queue(port, &packet));
	EXPECT_EQ(ZX_ERR_SHOULD_WAIT, zx_port_queue(port, &packet));
	EXPECT_EQ(ZX_OK, zx_port_wait(port, 0, &packet));
	EXPECT_EQ(ZX_OK, zx_port_queue(port, &packet));
	EXPECT_EQ(ZX_ERR_SHOULD_WAIT, zx_port_queue(port, &packet));
}

TEST(order_of_checks)
{
	zx_port_packet_t packet = { }, *hole = (void *)((char *)page_before_hole() + PAGE);
	zx_handle_t port = new_port(), event = new_event(), bad = closed_handle();
	zx_handle_t reader = with_rights(port, ZX_RIGHT_READ);
	zx_handle_t writer = with_rights(port, ZX_RIGHT_WRITE);
	zx_handle_t deaf = without_rights(event, ZX_RIGHT_WAIT);
	const uint32_t sig = ZX_USER_SIGNAL_0;

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_port_queue(bad, hole));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_port_queue(event, hole));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_port_queue(zx_process_self(), hole));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_port_queue(reader, hole));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_port_queue(writer, hole));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_port_queue(writer, NULL));

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_port_wait(bad, 0, hole));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_port_wait(event, 0, hole));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_port_wait(writer, 0, hole));
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_port_wait(reader, 0, hole));
	EXPECT_EQ(ZX_OK, zx_port_queue(writer, &packet));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_port_wait(reader, 0, hole));

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_wait_async(bad, bad, 0, sig, 4));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_async(deaf, bad, 0, sig, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_object_wait_async(bad, event, 0, sig, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_async(bad, reader, 0, sig, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_wait_async(bad, writer, 0, sig, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_async(deaf, writer, 0, sig, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_wait_async(zx_vmar_root_self(), port, 0, sig, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, writer, 0, sig, 0));

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_port_cancel(bad, event, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_port_cancel(event, bad, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_port_cancel(reader, bad, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_port_cancel(writer, bad, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_port_cancel(writer, deaf, 0));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_port_cancel(writer, event, 1));
	EXPECT_EQ(ZX_OK, zx_port_cancel(writer, event, 0));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_port_cancel(writer, event, 0));
}

TEST(once)
{
	zx_handle_t port = new_port(), event = new_event(), vmo = new_vmo(0, 0);

	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 5, ZX_EVENT_SIGNALED, 0));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
	EXPECT_TRUE(is_empty(port));
	/* A pulse counts, with what was asserted then; only once. */
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_TRUE(told(port, 5, ZX_EVENT_SIGNALED, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0));
	EXPECT_TRUE(is_empty(port));
	/* What is asserted already counts as well. */
	EXPECT_EQ(ZX_OK, zx_object_wait_async(vmo, port, 6,
					      ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_1, 0));
	EXPECT_TRUE(told(port, 6, ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_1,
			 ZX_VMO_ZERO_CHILDREN));
	EXPECT_TRUE(is_empty(port));
}

TEST(edge)
{
	zx_handle_t port = new_port(), event = new_event();

	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED,
					      ZX_WAIT_ASYNC_EDGE));
	EXPECT_TRUE(is_empty(port));
	/* It is asserted all the time, while others change. */
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_EVENT_SIGNALED));
	EXPECT_TRUE(is_empty(port));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
	EXPECT_TRUE(is_empty(port));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_TRUE(told(port, 1, ZX_EVENT_SIGNALED, ZX_EVENT_SIGNALED));
}

TEST(timestamp)
{
	zx_handle_t port = new_port(), event = new_event();
	zx_instant_mono_t before, after;
	zx_port_packet_t packet;

	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED,
					      ZX_WAIT_ASYNC_TIMESTAMP));
	before = zx_clock_get_monotonic();
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
	after = zx_clock_get_monotonic();
	usleep(1000);
	EXPECT_EQ(ZX_OK, zx_port_wait(port, 0, &packet));
	EXPECT_LE(before, packet.signal.timestamp);
	EXPECT_GE(after, packet.signal.timestamp);
}

TEST(closing_the_observed_handle)
{
	zx_handle_t port = new_port(), event = new_event();
	zx_handle_t other = with_rights(event, ZX_RIGHT_SAME_RIGHTS), replaced;

	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(other, port, 2, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(other, port, 3, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_handle_close(event));
	EXPECT_EQ(ZX_OK, zx_object_signal(other, 0, ZX_USER_SIGNAL_0));
	EXPECT_TRUE(told(port, 2, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_0));
	/* Replacing is closing. Packets stay. */
	EXPECT_EQ(ZX_OK, zx_object_wait_async(other, port, 4, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_handle_replace(other, ZX_RIGHT_SAME_RIGHTS, &replaced));
	EXPECT_EQ(ZX_OK, zx_object_signal(replaced, 0, ZX_USER_SIGNAL_1));
	EXPECT_TRUE(told(port, 4, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_0));
	EXPECT_TRUE(is_empty(port));
}

TEST(a_port_keeps_no_object)
{
	zx_handle_t port = new_port(), vmo = new_vmo(0, 0), a, b;

	/* The child goes with its last handle, observed or not. */
	a = snapshot_of(vmo, 0, PAGE);
	EXPECT_EQ(ZX_OK, zx_object_wait_async(a, port, 1, ZX_USER_SIGNAL_0, 0));
	EXPECT_FALSE(zero_children(vmo));
	EXPECT_EQ(ZX_OK, zx_handle_close(a));
	EXPECT_TRUE(zero_children(vmo));
	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &a, &b));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(a, port, 2, ZX_EVENTPAIR_SIGNALED, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(b, port, 3, ZX_EVENTPAIR_PEER_CLOSED, 0));
	EXPECT_EQ(ZX_OK, zx_handle_close(a));
	EXPECT_TRUE(told(port, 3, ZX_EVENTPAIR_PEER_CLOSED, ZX_EVENTPAIR_PEER_CLOSED));
	EXPECT_TRUE(is_empty(port));
}

TEST(closing_the_port)
{
	zx_handle_t port = new_port(), event = new_event(), other;
	int i;

	for (i = 0; i < 100; i++)
		EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, i, ZX_USER_SIGNAL_0, 0));
	other = with_rights(port, ZX_RIGHT_READ);
	EXPECT_EQ(ZX_OK, zx_handle_close(port));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
	for (i = 0; i < 100; i++)
		EXPECT_TRUE(told(other, i, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_0));
	/* With the last handle nothing is observed any more. */
	port = new_port();
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 0, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_handle_close(port));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
	EXPECT_TRUE(is_empty(other));
}

TEST(cancel)
{
	zx_handle_t port = new_port(), event = new_event();
	zx_handle_t other = with_rights(event, ZX_RIGHT_SAME_RIGHTS);
	zx_port_packet_t packet = { .key = 1 };

	/* Pending ones and packets, of this handle and key, but no user's. */
	EXPECT_EQ(ZX_OK, zx_port_queue(port, &packet));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 2, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(other, port, 1, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_OK, zx_port_cancel(port, event, 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_port_cancel(port, event, 1));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
	EXPECT_EQ(ZX_OK, zx_port_wait(port, 0, &packet));
	EXPECT_EQ(ZX_PKT_TYPE_USER, packet.type);
	EXPECT_TRUE(told(port, 2, ZX_USER_SIGNAL_1, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1));
	EXPECT_TRUE(told(port, 1, ZX_USER_SIGNAL_1, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1));
	EXPECT_TRUE(is_empty(port));
	/* A packet alone. */
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 3, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_port_cancel(port, event, 3));
	EXPECT_TRUE(is_empty(port));
}

TEST(too_many_observations)
{
	zx_handle_t port = new_port(), event = new_event();
	zx_port_packet_t packet;
	int i;

	for (i = 0; i < 16384; i++)
		ASSERT_EQ(ZX_OK, zx_object_wait_async(event, port, i & 1, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_ERR_NO_MEMORY, zx_object_wait_async(event, port, 0, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_ERR_NO_MEMORY, zx_object_wait_async(event, port, 0, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_port_wait(port, 0, &packet));
	EXPECT_EQ(ZX_OK, zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_port_cancel(port, event, 0));
	EXPECT_EQ(ZX_OK, zx_port_cancel(port, event, 1));
	EXPECT_TRUE(is_empty(port));
	for (i = 0; i < 16384; i++)
		ASSERT_EQ(ZX_OK, zx_object_wait_async(event, port, 0, ZX_USER_SIGNAL_1, 0));
	EXPECT_EQ(ZX_OK, zx_handle_close(port));
}

struct waiter {
	pthread_t thread;
	pid_t tid;
	zx_handle_t port;
	zx_port_packet_t packet;
	zx_status_t status;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_RELEASE);
	waiter->status = zx_port_wait(waiter->port, ZX_TIME_INFINITE, &waiter->packet);
	return NULL;
}

static bool start_waiter(struct waiter *waiter)
{
	return start_sleeper(&waiter->thread, &waiter->tid, wait_in_thread, waiter);
}

TEST(waiting)
{
	zx_instant_mono_t deadline = zx_deadline_after(20000000);
	struct waiter waiters[3] = { };
	zx_handle_t event = new_event();
	zx_port_packet_t packet = { .key = 9 };
	int i, keys = 0;

	waiters[0].port = new_port();
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_port_wait(waiters[0].port, deadline, &packet));
	EXPECT_LE(deadline, zx_clock_get_monotonic());
	for (i = 0; i < 3; i++) {
		waiters[i].port = waiters[0].port;
		ASSERT_TRUE(start_waiter(&waiters[i]));
	}
	/* Each packet goes to one of them. */
	EXPECT_EQ(ZX_OK, zx_port_queue(waiters[0].port, &packet));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(ZX_OK, zx_object_wait_async(event, waiters[0].port, 10 + i,
						      ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(ZX_OK, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(waiters[i].thread, NULL));
		EXPECT_EQ(ZX_OK, waiters[i].status);
		keys += waiters[i].packet.key;
	}
	EXPECT_EQ(9 + 10 + 11, keys);
	ASSERT_TRUE(start_waiter(&waiters[0]));
	EXPECT_EQ(ZX_OK, zx_handle_close(waiters[0].port));
	ASSERT_EQ(0, pthread_join(waiters[0].thread, NULL));
	EXPECT_EQ(ZX_ERR_CANCELED, waiters[0].status);
}

struct storm {
	zx_handle_t port, event;
	int stop;
};

static void *pulse(void *arg)
{
	struct storm *storm = arg;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		zx_object_signal(storm->event, 0, ZX_USER_SIGNAL_0);
		zx_object_signal(storm->event, ZX_USER_SIGNAL_0, 0);
	}
	return NULL;
}

/* Observe, close and cancel while the signal comes and goes. */
TEST(storm)
{
	struct storm storm = { .port = new_port(), .event = new_event() };
	zx_port_packet_t packet;
	zx_handle_t dup, port;
	pthread_t thread;
	int round;

	ASSERT_EQ(0, pthread_create(&thread, NULL, pulse, &storm));
	for (round = 0; round < fewer(2000); round++) {
		dup = with_rights(storm.event, ZX_RIGHT_WAIT);
		port = new_port();
		EXPECT_EQ(ZX_OK, zx_object_wait_async(dup, storm.port, 1, ZX_USER_SIGNAL_0, 0));
		EXPECT_EQ(ZX_OK, zx_object_wait_async(dup, port, 1, ZX_USER_SIGNAL_0, 0));
		EXPECT_EQ(ZX_OK, zx_port_wait(storm.port, zx_deadline_after(5000000000), &packet));
		EXPECT_EQ(ZX_OK, zx_object_wait_async(dup, storm.port, 2, ZX_USER_SIGNAL_0,
						      ZX_WAIT_ASYNC_EDGE));
		EXPECT_EQ(ZX_OK, zx_port_cancel(storm.port, dup, 2));
		EXPECT_EQ(ZX_OK, zx_object_wait_async(dup, port, 3, ZX_USER_SIGNAL_0, 0));
		EXPECT_EQ(ZX_OK, zx_handle_close(round % 2 ? dup : port));
		EXPECT_EQ(ZX_OK, zx_handle_close(round % 2 ? port : dup));
	}
	__atomic_store_n(&storm.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(is_empty(storm.port));
}

TEST_HARNESS_MAIN
