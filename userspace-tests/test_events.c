// SPDX-License-Identifier: GPL-2.0
/*
 * The Linux side of events: poll and epoll, files, passing of ends between
 * processes, the ioctls for waiting, and what keeps the module loaded.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "zxvmo_test.h"

static int revents(int fd)
{
	struct pollfd pollfd = {
		.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP,
	};

	return poll(&pollfd, 1, 0) < 0 ? -1 : pollfd.revents;
}

TEST(poll_bits)
{
	int event = event_create(), ends[2], deaf;

	ASSERT_LE(0, event);
	EXPECT_EQ(0, revents(event));
	EXPECT_EQ(ZX_OK, vmo_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(POLLIN, revents(event));
	EXPECT_EQ(ZX_OK, vmo_signal(event, ZX_EVENT_SIGNALED, ZX_USER_SIGNAL_5));
	EXPECT_EQ(POLLPRI, revents(event));
	deaf = vmo_duplicate(event, ZX_RIGHT_SIGNAL);
	EXPECT_EQ(0, revents(deaf));
	ASSERT_EQ(ZX_OK, eventpair_create(ends));
	EXPECT_EQ(0, revents(ends[0]));
	EXPECT_EQ(ZX_OK, signal_peer(ends[0], 0, ZX_EVENTPAIR_SIGNALED));
	EXPECT_EQ(POLLIN, revents(ends[1]));
	close(ends[0]);
	EXPECT_EQ(POLLIN | POLLHUP, revents(ends[1]));
}

TEST(epoll)
{
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLPRI | EPOLLET }, got;
	int ends[2], epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(ZX_OK, eventpair_create(ends));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &wanted));
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
	EXPECT_EQ(ZX_OK, signal_peer(ends[1], 0, ZX_EVENTPAIR_SIGNALED));
	ASSERT_EQ(1, epoll_wait(epoll, &got, 1, -1));
	EXPECT_EQ(EPOLLIN, got.events);
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
	EXPECT_EQ(ZX_OK, signal_peer(ends[1], 0, ZX_USER_SIGNAL_0));
	ASSERT_EQ(1, epoll_wait(epoll, &got, 1, -1));
	EXPECT_EQ(EPOLLIN | EPOLLPRI, got.events);
	close(ends[1]);
	ASSERT_EQ(1, epoll_wait(epoll, &got, 1, -1));
	EXPECT_EQ(EPOLLIN | EPOLLPRI | EPOLLHUP, got.events);
	/* Closed while it is watched. */
	close(ends[0]);
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
	close(epoll);
}

TEST(an_event_is_no_memory)
{
	struct zxvmo_size size = { };
	int event = event_create(), device = open_device();
	char value[64], path[64];
	char byte = 0;

	ASSERT_LE(0, event);
	EXPECT_EQ(-1, read(event, &byte, 1));
	EXPECT_EQ(-1, write(event, &byte, 1));
	EXPECT_EQ(-1, pread(event, &byte, 1, 0));
	EXPECT_EQ(-1, ftruncate(event, PAGE));
	EXPECT_EQ(-1, fallocate(event, 0, 0, PAGE));
	EXPECT_EQ(MAP_FAILED, map_shared(event, PAGE, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_private(event, PAGE, PROT_NONE));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zxvmo_call(event, ZXVMO_IOC_GET_SIZE, &size));
	EXPECT_EQ(FD_CLOEXEC, fcntl(event, F_GETFD));
	EXPECT_TRUE(fdinfo_value(event, "zxvmo-type:", value, sizeof(value)));
	EXPECT_STREQ("5", value);
	EXPECT_TRUE(fdinfo_value(event, "zxvmo-rights:", value, sizeof(value)));
	EXPECT_STREQ("0xd003", value);
	/* Nobody gets a new file, with other rights, through /proc. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", event);
	EXPECT_EQ(-1, open(path, O_RDWR));
	close(device);
}

TEST(creation)
{
	struct zxvmo_create_event arg = { .kind = 2 };
	char *page = anon_pages(1, PROT_READ | PROT_WRITE);
	int device = open_device(), kind;
	unsigned int fds = count_fds();

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(device, ZXVMO_IOC_CREATE_EVENT, &arg));
	for (kind = 0; kind < 2; kind++) {
		arg = (struct zxvmo_create_event){ .kind = kind, .options = 1 };
		EXPECT_EQ(kind ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_INVALID_ARGS,
			  zxvmo_call(device, ZXVMO_IOC_CREATE_EVENT, &arg));
		/* The numbers cannot be delivered: no descriptor is left. */
		arg.options = 0;
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
		memcpy(page, &arg, sizeof(arg));
		mprotect(page, PAGE, PROT_READ);
		EXPECT_EQ(-1, ioctl(device, ZXVMO_IOC_CREATE_EVENT, page));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_EQ(fds, count_fds());
	arg = (struct zxvmo_create_event){ };
	EXPECT_EQ(ZX_OK, zxvmo_call(device, ZXVMO_IOC_CREATE_EVENT, &arg));
	EXPECT_EQ(-1, arg.peer);
	EXPECT_EQ(fds + 1, count_fds());
}

TEST(an_end_in_a_message)
{
	int socks[2], ends[2], received;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	ASSERT_EQ(ZX_OK, eventpair_create(ends));
	ASSERT_EQ(0, send_fd(socks[0], ends[1]));
	close(ends[1]);
	EXPECT_EQ(0, signals_now(ends[0]));
	received = recv_fd(socks[1]);
	ASSERT_LE(0, received);
	EXPECT_EQ(ZX_OK, signal_peer(received, 0, ZX_USER_SIGNAL_3));
	EXPECT_EQ(ZX_USER_SIGNAL_3, signals_now(ends[0]));
	/* Asserted before close() returns. */
	close(received);
	EXPECT_EQ(ZX_USER_SIGNAL_3 | ZX_EVENTPAIR_PEER_CLOSED, signals_now(ends[0]));
	EXPECT_EQ(ZX_ERR_PEER_CLOSED, signal_peer(ends[0], 0, 0));
}

static int wait_many(int device, struct zxvmo_wait_item *items, __u32 count, __s64 deadline)
{
	struct zxvmo_wait_many arg = {
		.count = count, .items = (unsigned long)items, .deadline = deadline,
	};

	return zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg);
}

TEST(descriptors_that_are_no_handles)
{
	int event = event_create(), device = open_device(), i;
	int bad[] = { -1, 9999, 0x7fffffff, INT32_MIN, device,
		      memfd_create("x", 0), open("/", O_PATH) };
	struct zxvmo_wait_item items[2];
	unsigned int fds = count_fds();

	for (i = 0; i < (int)ARRAY_SIZE(bad); i++) {
		items[0] = (struct zxvmo_wait_item){ event, ZX_EVENT_SIGNALED, 77 };
		items[1] = (struct zxvmo_wait_item){ bad[i], 1, 77 };
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, wait_many(device, items, 2, ZX_TIME_INFINITE));
		EXPECT_EQ(77, items[0].pending);
	}
	/* Replaced: there is a file, but no handle. */
	items[1].handle = event_create();
	close(vmo_replace(items[1].handle, ZX_RIGHT_SAME_RIGHTS));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, wait_many(device, items, 2, ZX_TIME_INFINITE));
	close(items[1].handle);
	EXPECT_EQ(fds, count_fds());
}

TEST(items_at_bad_addresses)
{
	struct zxvmo_wait_many arg = { .count = 1 };
	struct zxvmo_wait_item *item = anon_pages(1, PROT_READ | PROT_WRITE);
	int device = open_device();

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg));
	arg.items = 0xffff888000000000UL;
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg));
	arg.items = -8UL;
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg));
	arg.count = ~0U;
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg));
	arg.count = 65;
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg));
	arg.count = 1;
	arg.items = (unsigned long)item;
	*item = (struct zxvmo_wait_item){ .handle = event_create(), .waitfor = 0 };
	mprotect(item, PAGE, PROT_READ);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(device, ZXVMO_IOC_WAIT_MANY, &arg));
}

static void no_action(int sig __always_unused)
{
}

static int interrupt_me(void *arg)
{
	struct sigaction act = { .sa_handler = no_action };
	struct zxvmo_wait_item item = { *(int *)arg, ZX_EVENT_SIGNALED, 77 };
	int device = open_device();

	sigaction(SIGUSR1, &act, NULL);
	/* Status and items untouched: the call can be made again. */
	HOLDS(wait_many(device, &item, 1, ZX_TIME_INFINITE) == EINTR);
	HOLDS(item.pending == 77);
	/* With SA_RESTART the kernel does that. */
	act.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &act, NULL);
	HOLDS(wait_many(device, &item, 1, ZX_TIME_INFINITE) == ZX_OK);
	HOLDS(item.pending == ZX_EVENT_SIGNALED);
	return 0;
}

TEST(interrupted)
{
	int event = event_create();
	pid_t pid = start_child(interrupt_me, &event);

	ASSERT_TRUE(wait_blocked(pid));
	kill(pid, SIGUSR1);
	usleep(50000);
	ASSERT_TRUE(wait_blocked(pid));
	kill(pid, SIGUSR1);
	usleep(50000);
	ASSERT_TRUE(wait_blocked(pid));
	EXPECT_EQ(ZX_OK, vmo_signal(event, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(0, end_child(pid));
}

static int wait_here(void *arg)
{
	struct zxvmo_wait_item item = { *(int *)arg, ZX_EVENT_SIGNALED, 77 };

	HOLDS(wait_many(open_device(), &item, 1, ZX_TIME_INFINITE) == ZX_OK);
	return 0;
}

/* Another process that closes its descriptor of the handle cancels nothing. */
TEST(closing_elsewhere)
{
	int event = event_create(), second = fcntl(event, F_DUPFD_CLOEXEC, 0);
	pid_t pid = start_child(wait_here, &event);

	ASSERT_TRUE(wait_blocked(pid));
	close(event);
	usleep(20000);
	EXPECT_TRUE(wait_blocked(pid));
	EXPECT_EQ(ZX_OK, vmo_signal(second, 0, ZX_EVENT_SIGNALED));
	EXPECT_EQ(0, end_child(pid));
}

TEST(an_event_keeps_the_module)
{
	int event, ends[2];

	event = event_create();
	ASSERT_LE(0, event);
	ASSERT_EQ(ZX_OK, eventpair_create(ends));
	close(event);
	close(ends[0]);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "zxvmo", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(ZX_EVENTPAIR_PEER_CLOSED, signals_now(ends[1]));
}

TEST(thousands)
{
	int i, ends[2];
	unsigned int fds = count_fds();

	for (i = 0; i < fewer(5000); i++) {
		ASSERT_EQ(ZX_OK, eventpair_create(ends));
		ASSERT_EQ(ZX_OK, signal_peer(ends[i % 2], 0, ZX_EVENTPAIR_SIGNALED));
		close(ends[1]);
		ASSERT_EQ(ZX_EVENTPAIR_PEER_CLOSED, ZX_EVENTPAIR_PEER_CLOSED & signals_now(ends[0]));
		close(ends[0]);
	}
	EXPECT_EQ(fds, count_fds());
}

TEST_HARNESS_MAIN
