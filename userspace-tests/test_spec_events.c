// SPDX-License-Identifier: GPL-2.0
/* zx_event_create, zx_eventpair_create, zx_object_signal_peer. */
#include <pthread.h>

#include "zx_test.h"

static zx_info_handle_basic_t basic_of(zx_handle_t handle)
{
	zx_info_handle_basic_t basic;

	if (zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic), NULL, NULL))
		memset(&basic, 0xff, sizeof(basic));
	return basic;
}

static uint32_t handles_of(zx_handle_t handle)
{
	zx_info_handle_count_t count;

	if (zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL, NULL))
		return UINT32_MAX;
	return count.handle_count;
}

TEST(numbers)
{
	EXPECT_EQ(0x8, ZX_EVENT_SIGNALED);
	EXPECT_EQ(0x8, ZX_EVENTPAIR_SIGNALED);
	EXPECT_EQ(0x4, ZX_EVENTPAIR_PEER_CLOSED);
	EXPECT_EQ(5, ZX_OBJ_TYPE_EVENT);
	EXPECT_EQ(16, ZX_OBJ_TYPE_EVENTPAIR);
	EXPECT_EQ(ZX_RIGHTS_BASIC | ZX_RIGHT_SIGNAL, ZX_DEFAULT_EVENT_RIGHTS);
	EXPECT_EQ(ZX_DEFAULT_EVENT_RIGHTS | ZX_RIGHT_SIGNAL_PEER, ZX_DEFAULT_EVENTPAIR_RIGHTS);
}

TEST(event)
{
	zx_handle_t event, dup;
	zx_info_handle_basic_t basic;
	int bit;

	ASSERT_EQ(ZX_OK, zx_event_create(0, &event));
	basic = basic_of(event);
	EXPECT_EQ(ZX_OBJ_TYPE_EVENT, basic.type);
	EXPECT_EQ(ZX_DEFAULT_EVENT_RIGHTS, basic.rights);
	EXPECT_EQ(0, basic.related_koid);
	EXPECT_LE(ZX_KOID_FIRST, basic.koid);
	EXPECT_EQ(0, signals_of(event));
	for (bit = 0; bit < 32; bit++) {
		zx_status_t expected = bit == 3 || bit >= 24 ? ZX_OK : ZX_ERR_INVALID_ARGS;

		EXPECT_EQ(expected, zx_object_signal(event, 0, 1U << bit));
		EXPECT_EQ(expected ? 0 : 1U << bit, signals_of(event));
		EXPECT_EQ(expected, zx_object_signal(event, 1U << bit, 0));
		EXPECT_EQ(0, signals_of(event));
	}
	/* The signals are the object's. */
	dup = with_rights(event, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(basic.koid, basic_of(dup).koid);
	EXPECT_EQ(2, handles_of(event));
	EXPECT_EQ(ZX_OK, zx_object_signal(dup, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(ZX_OK, zx_handle_close(dup));
	EXPECT_EQ(1, handles_of(event));
	EXPECT_EQ(ZX_EVENT_SIGNALED, signals_of(event));
	EXPECT_EQ(ZX_OK, zx_handle_close(event));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
}

TEST(options_and_pointers)
{
	zx_handle_t *hole = (void *)((char *)page_before_hole() + PAGE);
	zx_handle_t a = 77, b = 77;
	unsigned int fds;

	/* The device stays open once it is. */
	zx_handle_close(closed_handle());
	fds = count_fds();
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_event_create(1, &a));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_event_create(~0U, &a));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zx_eventpair_create(1, &a, &b));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_event_create(0, NULL));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_event_create(0, hole));
	EXPECT_EQ(77, a);
	EXPECT_EQ(77, b);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_eventpair_create(0, NULL, &b));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_eventpair_create(0, &a, hole));
	EXPECT_EQ(fds, count_fds());
}

TEST(pair)
{
	zx_handle_t a, b;

	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &a, &b));
	EXPECT_EQ(ZX_OBJ_TYPE_EVENTPAIR, basic_of(a).type);
	EXPECT_EQ(ZX_OBJ_TYPE_EVENTPAIR, basic_of(b).type);
	EXPECT_EQ(ZX_DEFAULT_EVENTPAIR_RIGHTS, basic_of(a).rights);
	EXPECT_EQ(ZX_DEFAULT_EVENTPAIR_RIGHTS, basic_of(b).rights);
	EXPECT_NE(basic_of(a).koid, basic_of(b).koid);
	EXPECT_EQ(basic_of(a).koid, basic_of(b).related_koid);
	EXPECT_EQ(basic_of(b).koid, basic_of(a).related_koid);
	EXPECT_EQ(1, handles_of(a));
	EXPECT_EQ(0, signals_of(a));
	EXPECT_EQ(0, signals_of(b));
	EXPECT_EQ(ZX_OK, zx_object_signal(a, 0, ZX_EVENTPAIR_SIGNALED));
	EXPECT_EQ(ZX_EVENTPAIR_SIGNALED, signals_of(a));
	EXPECT_EQ(0, signals_of(b));
	EXPECT_EQ(ZX_OK, zx_object_signal_peer(a, 0, ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_7));
	EXPECT_EQ(ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_7, signals_of(b));
	EXPECT_EQ(ZX_OK, zx_object_signal_peer(a, ZX_USER_SIGNAL_7, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_0, signals_of(b));
	EXPECT_EQ(ZX_EVENTPAIR_SIGNALED, signals_of(a));
}

TEST(signal_peer_order)
{
	zx_handle_t a, b, event, vmo = new_vmo(0, 0);

	ASSERT_EQ(ZX_OK, zx_event_create(0, &event));
	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &a, &b));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_signal_peer(closed_handle(), 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_signal_peer(vmo, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_signal_peer(event, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_signal_peer(without_rights(a, ZX_RIGHT_SIGNAL_PEER), 0, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal_peer(a, 0, ZX_EVENTPAIR_PEER_CLOSED));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal_peer(a, ZX_EVENTPAIR_PEER_CLOSED, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal(a, ZX_EVENTPAIR_PEER_CLOSED, 0));
	EXPECT_EQ(ZX_OK, zx_handle_close(b));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal_peer(a, 0, 1));
	EXPECT_EQ(ZX_ERR_PEER_CLOSED, zx_object_signal_peer(a, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(ZX_ERR_PEER_CLOSED, zx_object_signal_peer(a, 0, 0));
}

TEST(peer_closed)
{
	zx_handle_t a, b, b2, replaced;
	zx_koid_t koid;

	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &a, &b));
	b2 = with_rights(b, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(ZX_OK, zx_handle_close(b));
	EXPECT_EQ(0, signals_of(a));
	EXPECT_EQ(ZX_OK, zx_handle_replace(b2, ZX_RIGHT_NONE, &replaced));
	EXPECT_EQ(0, signals_of(a));
	koid = basic_of(replaced).koid;
	EXPECT_EQ(ZX_OK, zx_handle_close(replaced));
	EXPECT_EQ(ZX_EVENTPAIR_PEER_CLOSED, signals_of(a));
	EXPECT_EQ(koid, basic_of(a).related_koid);
	/* A replacement that fails takes the last handle away as well. */
	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &a, &b));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_replace(b, ZX_RIGHT_WRITE, &replaced));
	EXPECT_EQ(ZX_EVENTPAIR_PEER_CLOSED, signals_of(a));
}

static int end_inherited_end(void *arg)
{
	zx_handle_t *ends = arg;

	HOLDS(!zx_handle_close(ends[0]));
	HOLDS(!zx_object_signal_peer(ends[1], 0, ZX_USER_SIGNAL_1));
	HOLDS(zx_object_wait_one(ends[1], ZX_USER_SIGNAL_2, ZX_TIME_INFINITE, NULL) == ZX_OK);
	return 0;
}

TEST(peer_closed_by_the_death_of_a_process)
{
	zx_handle_t ends[2];
	pid_t pid;

	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &ends[0], &ends[1]));
	pid = start_child(end_inherited_end, ends);
	EXPECT_EQ(ZX_OK, zx_handle_close(ends[1]));
	EXPECT_EQ(ZX_OK, zx_object_wait_one(ends[0], ZX_USER_SIGNAL_1, ZX_TIME_INFINITE, NULL));
	/* The child has it still. */
	EXPECT_EQ(ZX_USER_SIGNAL_1, signals_of(ends[0]));
	EXPECT_EQ(ZX_OK, zx_object_signal_peer(ends[0], 0, ZX_USER_SIGNAL_2));
	EXPECT_EQ(0, end_child(pid));
	EXPECT_EQ(ZX_OK, zx_object_wait_one(ends[0], ZX_EVENTPAIR_PEER_CLOSED, 0, NULL));
}

TEST(no_memory_and_no_name)
{
	zx_handle_t event, a, b;
	char name[ZX_MAX_NAME_LEN] = "x", byte;
	zx_info_vmo_t info;
	uint64_t size;

	ASSERT_EQ(ZX_OK, zx_event_create(0, &event));
	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &a, &b));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(event, &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_read(a, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_set_size(b, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, try_child(event, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_object_get_info(event, ZX_INFO_VMO, &info, sizeof(info),
							NULL, NULL));
	/* Nobody has the rights for properties, which come first. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_get_property(event, ZX_PROP_NAME, name, sizeof(name)));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_set_property(a, ZX_PROP_NAME, name, 1));
}

struct race {
	pthread_barrier_t barrier;
	zx_handle_t a, b;
};

static void *close_end(void *arg)
{
	struct race *race = arg;

	pthread_barrier_wait(&race->barrier);
	zx_handle_close(race->b);
	return NULL;
}

/* Signalling an end while it is closed gives OK or PEER_CLOSED. */
TEST(closing_against_signalling)
{
	struct race race;
	pthread_t thread;
	zx_status_t status;
	int round;

	ASSERT_EQ(0, pthread_barrier_init(&race.barrier, NULL, 2));
	for (round = 0; round < 500; round++) {
		ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &race.a, &race.b));
		ASSERT_EQ(0, pthread_create(&thread, NULL, close_end, &race));
		pthread_barrier_wait(&race.barrier);
		do {
			status = zx_object_signal_peer(race.a, 0, ZX_USER_SIGNAL_0);
		} while (status == ZX_OK);
		EXPECT_EQ(ZX_ERR_PEER_CLOSED, status);
		/* The handle is gone, and its last user may be at the signal yet. */
		EXPECT_EQ(ZX_OK, zx_object_wait_one(race.a, ZX_EVENTPAIR_PEER_CLOSED,
						    ZX_TIME_INFINITE, NULL));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(ZX_OK, zx_handle_close(race.a));
	}
}

TEST_HARNESS_MAIN
