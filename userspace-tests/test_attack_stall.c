// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that a user holds up for as long as they like, by a buffer that never
 * arrives (userfaultfd here; a file of FUSE would do). Meanwhile nobody else may
 * have to wait for the same VMO, but for who wants the turn that such a
 * call has; and who holds it up can be killed.
 */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES	4
#define LENGTH	(PAGES * PAGE)

FIXTURE(stall) {
	int vmo, discardable;
	int stream, port;
	int uffd;
	unsigned char *hole;	/* a page that comes when it is told to */
	unsigned char *guarded;	/* one that can be read; storing to it waits */
};

#define DATA	FIXTURE_DATA(stall)

static bool watch(int uffd, const void *at, int mode)
{
	struct uffdio_register range = {
		.range = { .start = (long)at, .len = PAGE }, .mode = mode,
	};

	return !ioctl(uffd, UFFDIO_REGISTER, &range);
}

static bool guard(int uffd, const void *at, int mode)
{
	struct uffdio_writeprotect argument = {
		.range = { .start = (long)at, .len = PAGE }, .mode = mode,
	};

	return !ioctl(uffd, UFFDIO_WRITEPROTECT, &argument);
}

FIXTURE_SETUP(stall)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct zxvmo_create_stream stream = {
		.options = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE,
	};

	/* As a user would, where vm.unprivileged_userfaultfd lets them. */
	self->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (self->uffd < 0 || ioctl(self->uffd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd that can protect pages");
	self->hole = anon_pages(1, PROT_READ | PROT_WRITE);
	self->guarded = anon_pages(1, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, self->hole);
	ASSERT_NE(NULL, self->guarded);
	ASSERT_TRUE(watch(self->uffd, self->hole, UFFDIO_REGISTER_MODE_MISSING));
	ASSERT_TRUE(watch(self->uffd, self->guarded, UFFDIO_REGISTER_MODE_WP));

	self->vmo = vmo_create(LENGTH, ZX_VMO_RESIZABLE);
	self->discardable = vmo_create(LENGTH, ZX_VMO_DISCARDABLE);
	ASSERT_LE(0, self->vmo);
	ASSERT_LE(0, self->discardable);
	ASSERT_EQ(ZX_OK, vmo_fill(self->vmo, 0xa5, PAGES));
	ASSERT_EQ(ZX_OK, zxvmo_call(self->vmo, ZXVMO_IOC_CREATE_STREAM, &stream));
	self->stream = stream.handle;
	self->port = port_create();
	ASSERT_LE(0, self->port);
}

FIXTURE_TEARDOWN(stall)
{
	if (self->vmo > 0)
		EXPECT_EQ(LENGTH, vmo_size(self->vmo));
}

/* A call of another thread, with an argument that is its own or that of guarded. */
struct call {
	int fd;
	unsigned int command;	/* 0: pread(2) or pwrite(2) of the hole */
	bool write;
	void *argument;
	void *hole;
	int result;
};

static void *make_call(void *argument)
{
	struct call *call = argument;

	if (call->command)
		call->result = zxvmo_call(call->fd, call->command, call->argument);
	else if (call->write)
		call->result = pwrite(call->fd, call->hole, PAGE, PAGE) == PAGE ? 0 : errno;
	else
		call->result = pread(call->fd, call->hole, PAGE, PAGE) == PAGE ? 0 : errno;
	return NULL;
}

/* Everything that another user of the VMO does. */
static int use(const DATA *self, bool sizes)
{
	int vmo = self->vmo, child;
	unsigned char byte = 0xa5;
	void *at;

	HOLDS(vmo_size(vmo) == LENGTH);
	HOLDS(vmo_info(vmo).koid);
	HOLDS(vmo_handle_count(vmo));
	HOLDS(!vmo_set_name(vmo, "used"));
	HOLDS(!vmo_signal(vmo, 0, ZX_USER_SIGNAL_0));
	HOLDS(signals_now(vmo) & ZX_USER_SIGNAL_0);
	HOLDS(!vmo_write(vmo, &byte, 0, 1));
	HOLDS(!vmo_read(vmo, &byte, 0, 1) && byte == 0xa5);
	at = map_shared(vmo, LENGTH, PROT_READ | PROT_WRITE);
	HOLDS(at != MAP_FAILED && !probe_write(at, 0xa5));
	HOLDS(!munmap(at, LENGTH));
	HOLDS(!vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, LENGTH));
	HOLDS(!vmo_op_range(vmo, ZX_VMO_OP_ZERO, 2 * PAGE, PAGE));
	HOLDS(!vmo_op_range(self->discardable, ZX_VMO_OP_TRY_LOCK, 0, LENGTH));
	HOLDS(!vmo_op_range(self->discardable, ZX_VMO_OP_UNLOCK, 0, LENGTH));
	child = vmo_snapshot(vmo, 0, LENGTH);
	HOLDS(child >= 0 && !close(child));
	if (sizes) {
		HOLDS(!vmo_set_size(vmo, 2 * LENGTH));
		HOLDS(!vmo_set_size(vmo, LENGTH));
		HOLDS(!vmo_set_stream_size(vmo, LENGTH));
	}
	return 0;
}

/* Whether the call comes to the page, can be waited for by nobody, and ends well after it. */
static int held_up(const DATA *self, struct call *call, bool sizes)
{
	struct pollfd event = { .fd = self->uffd, .events = POLLIN };
	struct uffdio_zeropage zero = { .range = { (long)self->hole, PAGE } };
	struct uffd_msg message;
	pthread_t thread;

	HOLDS(!madvise(self->hole, PAGE, MADV_DONTNEED));
	HOLDS(!pthread_create(&thread, NULL, make_call, call));
	HOLDS(poll(&event, 1, -1) == 1);
	HOLDS(!use(self, sizes));
	/* The page is there, however often the call looks for it. */
	while (read(self->uffd, &message, sizeof(message)) == sizeof(message)) {
		if (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)
			HOLDS(guard(self->uffd, self->guarded, 0));
		else if (ioctl(self->uffd, UFFDIO_ZEROPAGE, &zero))
			HOLDS(errno == EEXIST);
	}
	while (pthread_tryjoin_np(thread, NULL)) {
		if (poll(&event, 1, 10) == 1 &&
		    read(self->uffd, &message, sizeof(message)) == sizeof(message) &&
		    ioctl(self->uffd, UFFDIO_ZEROPAGE, &zero))
			HOLDS(errno == EEXIST);
	}
	return 0;
}

TEST_F(stall, reading_and_writing)
{
	struct zxvmo_transfer transfer = {
		.buffer = (long)self->hole, .offset = PAGE, .length = PAGE,
	};
	struct call calls[] = {
		{ self->vmo, ZXVMO_IOC_READ, .argument = &transfer },
		{ self->vmo, ZXVMO_IOC_WRITE, .argument = &transfer },
		{ self->vmo, .hole = self->hole },
		{ self->vmo, .write = true, .hole = self->hole },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(0, held_up(self, &calls[i], true)) TH_LOG("call %zu", i);
		EXPECT_EQ(ZX_OK, calls[i].result) TH_LOG("call %zu", i);
	}
}

/* Writing through a stream is one step for others that write so: they wait. */
TEST_F(stall, streams)
{
	struct zxvmo_iovec buffer = { .buffer = (long)self->hole, .capacity = PAGE };
	struct zxvmo_stream_transfer transfer = {
		.vector = (long)&buffer, .count = 1, .flags = ZXVMO_STREAM_AT,
	};
	struct zxvmo_stream_transfer vector = {
		.vector = (long)self->hole, .count = 1, .flags = ZXVMO_STREAM_AT,
	};
	struct call read = { self->stream, ZXVMO_IOC_STREAM_READV, .argument = &transfer };
	struct call write = { self->stream, ZXVMO_IOC_STREAM_WRITEV, .argument = &transfer };
	struct call buffers = { self->stream, ZXVMO_IOC_STREAM_WRITEV, .argument = &vector };

	EXPECT_EQ(0, held_up(self, &read, true));
	EXPECT_EQ(ZX_OK, read.result);
	EXPECT_EQ(0, held_up(self, &write, false));
	EXPECT_EQ(ZX_OK, write.result);
	/* The one buffer of that vector is of no bytes at no address. */
	EXPECT_EQ(0, held_up(self, &buffers, true));
	EXPECT_EQ(ZX_OK, buffers.result);
}

TEST_F(stall, questions_and_answers)
{
	struct zxvmo_get_info info = {
		.topic = ZX_INFO_VMO, .buffer = (long)self->hole,
		.buffer_size = sizeof(struct zxvmo_info_vmo),
	};
	struct zxvmo_property name = {
		.property = ZX_PROP_NAME, .value = (long)self->hole, .value_size = ZX_MAX_NAME_LEN,
	};
	struct zxvmo_op_range lock = {
		.op = ZX_VMO_OP_LOCK, .size = LENGTH, .buffer = (long)self->hole,
		.buffer_size = sizeof(struct zxvmo_lock_state),
	};
	struct zxvmo_port_queue queue = { .packet = (long)self->hole };
	struct zxvmo_port_wait wait = { .deadline = INT64_MAX, .packet = (long)self->hole };
	struct call calls[] = {
		{ self->vmo, ZXVMO_IOC_GET_INFO, .argument = &info },
		{ self->vmo, ZXVMO_IOC_SET_PROPERTY, .argument = &name },
		{ self->vmo, ZXVMO_IOC_GET_PROPERTY, .argument = &name },
		{ self->discardable, ZXVMO_IOC_OP_RANGE, .argument = &lock },
		{ self->port, ZXVMO_IOC_PORT_QUEUE, .argument = &queue },
		{ self->port, ZXVMO_IOC_PORT_WAIT, .argument = &wait },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(0, held_up(self, &calls[i], true)) TH_LOG("call %zu", i);
		EXPECT_EQ(ZX_OK, calls[i].result) TH_LOG("call %zu", i);
	}
}

/* All is done, but for the answer. */
TEST_F(stall, results)
{
	struct zxvmo_create_child child = { .options = ZX_VMO_CHILD_SNAPSHOT, .size = LENGTH };
	struct zxvmo_op_range commit = { .op = ZX_VMO_OP_COMMIT, .size = LENGTH };
	struct zxvmo_map map = { .options = ZX_VM_PERM_READ, .length = LENGTH };
	struct zxvmo_duplicate duplicate = { .rights = ZX_RIGHT_SAME_RIGHTS };
	struct zxvmo_size size = { .size = LENGTH };
	struct {
		unsigned int command;
		const void *argument;
		size_t size;
	} calls[] = {
		{ ZXVMO_IOC_CREATE_CHILD, &child, sizeof(child) },
		{ ZXVMO_IOC_OP_RANGE, &commit, sizeof(commit) },
		{ ZXVMO_IOC_MAP, &map, sizeof(map) },
		{ ZXVMO_IOC_DUPLICATE, &duplicate, sizeof(duplicate) },
		{ ZXVMO_IOC_SET_SIZE, &size, sizeof(size) },
		{ ZXVMO_IOC_SET_STREAM_SIZE, &size, sizeof(size) },
	};
	struct call call = { self->vmo, .argument = self->guarded };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		memcpy(self->guarded, calls[i].argument, calls[i].size);
		*(__s32 *)self->guarded = STATUS_UNTOUCHED;
		ASSERT_TRUE(guard(self->uffd, self->guarded, UFFDIO_WRITEPROTECT_MODE_WP));
		call.command = calls[i].command;
		EXPECT_EQ(0, held_up(self, &call, true)) TH_LOG("call %zu", i);
		EXPECT_EQ(ZX_OK, call.result) TH_LOG("call %zu", i);
	}
}

/* A turn that is held up ends with the process, and others then get it. */
static int append_for_ever(void *argument)
{
	DATA *self = argument;
	struct uffdio_api api = { .api = UFFD_API };
	struct zxvmo_iovec buffer;
	struct zxvmo_stream_transfer transfer = { .vector = (long)&buffer, .count = 1 };
	void *hole = anon_pages(1, PROT_READ | PROT_WRITE);
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	HOLDS(uffd >= 0 && hole && !ioctl(uffd, UFFDIO_API, &api));
	HOLDS(watch(uffd, hole, UFFDIO_REGISTER_MODE_MISSING));
	buffer = (struct zxvmo_iovec){ .buffer = (long)hole, .capacity = PAGE };
	return zxvmo_call(self->stream, ZXVMO_IOC_STREAM_WRITEV, &transfer);
}

/* Until its last system call is an ioctl in which it waits, in whatever way. */
static bool wait_held_up(pid_t pid)
{
	char path[64], state[64], call[64];

	for (;;) {
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		if (!proc_value(path, "State:", state, sizeof(state)) || *state == 'Z')
			return false;
		snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
		if (*state != 'R' && proc_value(path, "", call, sizeof(call)) &&
		    strstr(call, "userfault"))
			return true;
		usleep(1000);
	}
}

TEST_F(stall, killing)
{
	struct zxvmo_iovec buffer = { .buffer = (long)"x", .capacity = 1 };
	struct zxvmo_stream_transfer transfer = { .vector = (long)&buffer, .count = 1 };
	pid_t first = start_child(append_for_ever, self), second;
	struct zxvmo_create_stream stream = { .options = ZX_STREAM_MODE_WRITE };

	ASSERT_LT(0, first);
	ASSERT_TRUE(wait_held_up(first));
	/* One that waits for the turn is killed as well. */
	ASSERT_EQ(ZX_OK, zxvmo_call(self->vmo, ZXVMO_IOC_CREATE_STREAM, &stream));
	second = fork();
	if (!second)
		_exit(zxvmo_call(stream.handle, ZXVMO_IOC_STREAM_WRITEV, &transfer));
	usleep(20000);
	EXPECT_EQ(0, kill(second, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, end_child(second));
	EXPECT_EQ(0, kill(first, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, end_child(first));
	EXPECT_EQ(ZX_OK, zxvmo_call(stream.handle, ZXVMO_IOC_STREAM_WRITEV, &transfer));
	EXPECT_EQ(1, transfer.actual);
	EXPECT_EQ(0, use(self, true));
}

TEST_HARNESS_MAIN
