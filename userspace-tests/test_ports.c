// SPDX-License-Identifier: GPL-2.0
/*
 * The Linux side of ports: poll and epoll, processes that share handles, bad
 * descriptors, and that nothing is left over.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "zxvmo_test.h"

static int revents(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLPRI | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? -1 : pollfd.revents;
}

TEST(poll_bits)
{
	struct zxvmo_port_packet packet = { };
	int port = port_create(), event = event_create(), blind;

	ASSERT_LE(0, port);
	blind = vmo_duplicate(port, ZX_RIGHT_WRITE);
	EXPECT_EQ(0, revents(port));
	EXPECT_EQ(ZX_OK, port_queue(port, &packet));
	EXPECT_EQ(ZX_OK, port_queue(port, &packet));
	EXPECT_EQ(POLLIN, revents(port));
	EXPECT_EQ(0, revents(blind));
	EXPECT_EQ(ZX_OK, port_wait(port, 0, &packet));
	EXPECT_EQ(POLLIN, revents(port));
	EXPECT_EQ(ZX_OK, port_wait(port, 0, &packet));
	EXPECT_EQ(0, revents(port));
	EXPECT_EQ(ZX_OK, wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
	EXPECT_EQ(0, revents(port));
	EXPECT_EQ(ZX_OK, vmo_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(POLLIN, revents(port));
}

TEST(epoll)
{
	struct epoll_event wanted = { .events = EPOLLIN }, got;
	int port = port_create(), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct zxvmo_port_packet packet = { };

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, port, &wanted));
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
	EXPECT_EQ(ZX_OK, port_queue(port, &packet));
	ASSERT_EQ(1, epoll_wait(epoll, &got, 1, -1));
	EXPECT_EQ(EPOLLIN, got.events);
	EXPECT_EQ(ZX_OK, port_wait(port, 0, &packet));
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
	close(port);
	close(epoll);
}

static int signal_in_child(void *arg)
{
	HOLDS(!vmo_signal(*(int *)arg, 0, ZX_USER_SIGNAL_2));
	return 0;
}

TEST(an_observation_of_another_process)
{
	struct zxvmo_port_packet packet;
	int port = port_create(), event = event_create();

	EXPECT_EQ(ZX_OK, wait_async(event, port, 4, ZX_USER_SIGNAL_2, 0));
	EXPECT_EQ(0, in_child(signal_in_child, &event));
	EXPECT_EQ(ZX_OK, port_wait(port, 0, &packet));
	EXPECT_EQ(4, packet.key);
	EXPECT_EQ(((__u64)ZX_USER_SIGNAL_2 << 32) | ZX_USER_SIGNAL_2, packet.payload[0]);
}

static int wait_here(void *arg)
{
	struct zxvmo_port_packet packet;

	port_wait(*(int *)arg, ZX_TIME_INFINITE, &packet);
	return 1;
}

TEST(a_killed_waiter_takes_nothing)
{
	struct zxvmo_port_packet packet = { .key = 3 };
	int port = port_create();
	pid_t pid = start_child(wait_here, &port);

	EXPECT_TRUE(wait_blocked(pid));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(pid));
	EXPECT_EQ(ZX_OK, port_queue(port, &packet));
	EXPECT_EQ(ZX_OK, port_wait(port, 0, &packet));
	EXPECT_EQ(3, packet.key);
}

TEST(calls_on_the_wrong_object)
{
	struct zxvmo_port_cancel cancel = { .source = -1 };
	struct zxvmo_port_packet packet = { };
	int port = port_create(), vmo = vmo_create(PAGE, 0), device = open_device();
	struct zxvmo_size size = { };
	char byte = 0;

	EXPECT_EQ(ZX_ERR_WRONG_TYPE, port_queue(vmo, &packet));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, port_wait(vmo, 0, &packet));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zxvmo_call(vmo, ZXVMO_IOC_PORT_CANCEL, &cancel));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zxvmo_call(port, ZXVMO_IOC_PORT_CANCEL, &cancel));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zxvmo_call(port, ZXVMO_IOC_GET_SIZE, &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, wait_async(vmo, vmo, 0, 1, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, wait_async(vmo, device, 0, 1, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, wait_async(vmo, -1, 0, 1, 0));
	EXPECT_EQ(ENOTTY, wait_async(device, port, 0, 1, 0));
	EXPECT_EQ(-1, read(port, &byte, 1));
	EXPECT_EQ(-1, write(port, &byte, 1));
	EXPECT_EQ(MAP_FAILED, map_shared(port, PAGE, PROT_READ | PROT_WRITE));
	/* The source was replaced, or the port. */
	close(vmo_replace(vmo, ZX_RIGHT_SAME_RIGHTS));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, wait_async(vmo, port, 0, 1, 0));
	vmo = vmo_create(PAGE, 0);
	close(vmo_replace(port, ZX_RIGHT_SAME_RIGHTS));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, wait_async(vmo, port, 0, 1, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, port_queue(port, &packet));
}

static int lives(void *arg __always_unused)
{
	struct zxvmo_port_packet packet = { };
	int i, j, port, event, vmo;

	for (i = 0; i < fewer(300); i++) {
		port = port_create();
		event = event_create();
		vmo = vmo_create(PAGE, 0);
		for (j = 0; j < 20; j++) {
			HOLDS(!wait_async(event, port, j, ZX_USER_SIGNAL_0, 0));
			HOLDS(!wait_async(vmo, port, j, ZX_USER_SIGNAL_0, 0));
			HOLDS(!port_queue(port, &packet));
		}
		HOLDS(!vmo_signal(event, 0, ZX_USER_SIGNAL_0));
		/* In every order, or by the exit of the process. */
		if (i % 3 == 0)
			close(port);
		close(event);
		close(vmo);
		if (i % 3 == 1)
			close(port);
	}
	return 0;
}

static long slab(void)
{
	char value[64];

	if (!proc_value("/proc/meminfo", "Slab:", value, sizeof(value)))
		return 0;
	return strtol(value, NULL, 10);
}

TEST(nothing_is_left)
{
	long before, now = 0;
	int i, tries;

	if (slowness() > 1)
		SKIP(return, "KASAN keeps what is freed for a while; kmemleak looks for the rest");
	/* Each round would leave more than 3 MiB. */
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, in_child(lives, NULL));
	before = slab();
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, in_child(lives, NULL));
	for (tries = 0; tries < 400; tries++) {
		now = slab();
		if (now < before + 4096)
			break;
		usleep(50000);
	}
	EXPECT_GT(before + 4096, now);
}

TEST(a_port_keeps_the_module)
{
	int port = port_create();

	ASSERT_LE(0, port);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "zxvmo", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
}

TEST_HARNESS_MAIN
