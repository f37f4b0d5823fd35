// SPDX-License-Identifier: GPL-2.0
/*
 * A stream's handle as a file: its position is the stream's, for read(2) and
 * its like as for the calls of Zircon, in all processes that have it.
 */
#include <liburing.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>

#include "zxvmo_test.h"

#define READ_WRITE	(ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE)

/* The new handle, or what is wrong as a negative number. */
static int stream_on(int vmo, __u32 mode, __u64 seek)
{
	struct zxvmo_create_stream arg = { .options = mode, .seek = seek };
	int ret = zxvmo_call(vmo, ZXVMO_IOC_CREATE_STREAM, &arg);

	return ret ? -abs(ret) : arg.handle;
}

/* A stream on a VMO of so many pages and bytes of content. */
static int new_stream(size_t pages, __u64 content, __u32 mode)
{
	int vmo = vmo_create(pages * PAGE, ZX_VMO_RESIZABLE), stream;

	if (vmo < 0 || vmo_set_stream_size(vmo, content))
		return -1;
	stream = stream_on(vmo, mode, 0);
	close(vmo);
	return stream;
}

static struct zxvmo_info_stream stream_info(int fd)
{
	struct zxvmo_info_stream info;

	if (vmo_get_info(fd, ZX_INFO_STREAM, &info, sizeof(info)))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static int stream_seek(int fd, __u32 origin, __s64 offset)
{
	struct zxvmo_stream_seek arg = { .origin = origin, .offset = offset };

	return zxvmo_call(fd, ZXVMO_IOC_STREAM_SEEK, &arg);
}

TEST(read_write_seek)
{
	struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "def", 3 } };
	char buffer[16] = { }, *hole = (char *)page_before_hole() + PAGE;
	struct iovec in[] = { { buffer, 2 }, { buffer + 8, 2 } };
	int fd = new_stream(1, 0, READ_WRITE), other;

	ASSERT_LE(0, fd);
	EXPECT_EQ(5, write(fd, "hello", 5));
	EXPECT_EQ(5, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(5, stream_info(fd).seek);
	EXPECT_EQ(5, stream_info(fd).content_size);
	EXPECT_EQ(0, read(fd, buffer, 16));
	EXPECT_EQ(1, lseek(fd, -4, SEEK_END));
	EXPECT_EQ(4, read(fd, buffer, 16));
	EXPECT_EQ(0, memcmp(buffer, "ello", 5));
	EXPECT_EQ(6, writev(fd, out, 3));
	EXPECT_EQ(11, lseek(fd, 0, SEEK_END));
	/* Every handle has the same position, and the calls of Zircon. */
	other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, stream_seek(other, ZX_STREAM_SEEK_ORIGIN_START, 6));
	EXPECT_EQ(6, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(4, readv(fd, in, 2));
	EXPECT_EQ(0, memcmp(buffer, "bc", 2) | memcmp(buffer + 8, "de", 2));
	EXPECT_EQ(10, lseek(other, 0, SEEK_CUR));
	EXPECT_EQ(-1, lseek(fd, -11, SEEK_CUR));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(10, lseek(fd, 0, SEEK_CUR));
	/* Faults. */
	EXPECT_EQ(-1, read(fd, hole, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, write(fd, hole, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(3, write(fd, memcpy(hole - 3, "xyz", 3), 100));
	EXPECT_EQ(13, stream_info(fd).content_size);
}

TEST(the_end_of_the_vmo)
{
	static char bytes[2 * PAGE];
	int fd = new_stream(1, 0, READ_WRITE);

	EXPECT_EQ(PAGE, write(fd, bytes, 2 * PAGE));
	EXPECT_EQ(-1, write(fd, bytes, 1));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(0, write(fd, bytes, 0));
	EXPECT_EQ(0, read(fd, bytes, 1));
	/* Positions that lseek(2) cannot tell. */
	EXPECT_EQ(INT64_MAX, lseek(fd, INT64_MAX, SEEK_SET));
	EXPECT_EQ(-1, lseek(fd, 1, SEEK_CUR));
	EXPECT_EQ(EOVERFLOW, errno);
	EXPECT_EQ(INT64_MAX, stream_info(fd).seek);
	EXPECT_EQ(0, stream_seek(fd, ZX_STREAM_SEEK_ORIGIN_CURRENT, INT64_MAX));
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(EOVERFLOW, errno);
	EXPECT_EQ(0, read(fd, bytes, PAGE));
	EXPECT_EQ(-1, write(fd, bytes, PAGE));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(3, lseek(fd, 3, SEEK_SET));
}

TEST(appending)
{
	int fd = new_stream(1, 3, READ_WRITE), flags;

	flags = fcntl(fd, F_GETFL);
	EXPECT_EQ(0, fcntl(fd, F_SETFL, flags | O_APPEND));
	EXPECT_EQ(2, write(fd, "ab", 2));
	EXPECT_EQ(5, lseek(fd, 0, SEEK_CUR));
	/* The flag is the file's alone. */
	EXPECT_EQ(READ_WRITE, stream_info(fd).options);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(1, write(vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS), "x", 1));
	EXPECT_EQ(1, lseek(fd, 0, SEEK_CUR));
	fd = new_stream(1, 3, READ_WRITE | ZX_STREAM_MODE_APPEND);
	EXPECT_EQ(2, write(fd, "ab", 2));
	EXPECT_EQ(5, lseek(fd, 0, SEEK_CUR));
}

TEST(what_a_stream_is_not)
{
	int fd = new_stream(1, 10, READ_WRITE), pipes[2], other, memfd;
	struct iovec vector = { "x", 1 };
	loff_t offset = 0;
	struct stat st;
	char byte;

	/* pread(2) at byte 0 could not be told from read(2). */
	EXPECT_EQ(-1, pread(fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(fd, &byte, 1, 5));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwritev(fd, &vector, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(-1, fallocate(fd, 0, 0, PAGE));
	EXPECT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, fsync(fd));
	/* Nothing that could lose bytes on the way. */
	ASSERT_EQ(0, pipe(pipes));
	memfd = memfd_create("x", 0);
	EXPECT_EQ(-1, splice(fd, NULL, pipes[1], NULL, 5, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(memfd, fd, NULL, 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(memfd, fd, &offset, 5));
	EXPECT_EQ(-1, copy_file_range(fd, NULL, memfd, NULL, 5, 0));
	EXPECT_EQ(-1, copy_file_range(fd, NULL, new_stream(1, 0, READ_WRITE), NULL, 5, 0));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	/* Into a stream, all of it goes. */
	ASSERT_EQ(4, write(pipes[1], "pipe", 4));
	EXPECT_EQ(4, splice(pipes[0], NULL, fd, NULL, 4, 0));
	EXPECT_EQ(4, lseek(fd, 0, SEEK_CUR));
	ASSERT_EQ(6, write(memfd, "memfd!", 6));
	EXPECT_EQ(5, sendfile(fd, memfd, &offset, 5));
	EXPECT_EQ(9, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(4, lseek(fd, 4, SEEK_SET));
	EXPECT_EQ(1, read(fd, &byte, 1));
	EXPECT_EQ('m', byte);
	/* The mode of the file is that of the handle. */
	other = vmo_duplicate(fd, ZX_RIGHT_READ);
	EXPECT_EQ(O_RDONLY, fcntl(other, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-1, write(other, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(5, lseek(other, 0, SEEK_CUR));
	other = vmo_duplicate(fd, ZX_RIGHT_NONE);
	EXPECT_EQ(-1, read(other, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, lseek(other, 0, SEEK_SET));
	EXPECT_EQ(EACCES, errno);
}

/* Nobody gets another handle that way. */
TEST(opening_again)
{
	int fd = new_stream(1, 10, READ_WRITE);
	char path[64], link[64] = { }, value[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(-1, open(path, O_RDWR));
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("anon_inode:[zxvmo-stream]", link);
	EXPECT_EQ(7, lseek(fd, 7, SEEK_SET));
	ASSERT_TRUE(fdinfo_value(fd, "zxvmo-position:", value, sizeof(value)));
	EXPECT_STREQ("7", value);
	ASSERT_TRUE(fdinfo_value(fd, "zxvmo-mode:", value, sizeof(value)));
	EXPECT_STREQ("0x3", value);
	ASSERT_TRUE(fdinfo_value(fd, "zxvmo-rights:", value, sizeof(value)));
	EXPECT_STREQ("0xd0cf", value);
	EXPECT_TRUE(fdinfo_value(fd, "zxvmo-vmo:", value, sizeof(value)));
}

static short polled(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	return poll(&poll_fd, 1, 0) < 0 ? -1 : poll_fd.revents;
}

TEST(polling)
{
	int fd = new_stream(1, 10, READ_WRITE), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLPRI };

	/* Reading and writing never wait. */
	EXPECT_EQ(POLLIN | POLLOUT, polled(fd));
	EXPECT_EQ(POLLIN, polled(vmo_duplicate(fd, ZX_RIGHT_READ | ZX_RIGHT_WAIT)));
	EXPECT_EQ(0, polled(vmo_duplicate(fd, ZX_RIGHT_WAIT)));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(ZX_OK, vmo_signal(fd, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 1000));
	EXPECT_EQ(EPOLLPRI, event.events);
	EXPECT_EQ(POLLIN | POLLOUT | POLLPRI, polled(fd));
	EXPECT_EQ(POLLOUT, polled(vmo_duplicate(fd, ZX_RIGHT_WRITE)));
	/* A handle that is gone. */
	close(vmo_replace(fd, ZX_RIGHT_SAME_RIGHTS));
	EXPECT_EQ(0, polled(fd));
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(EBADF, errno);
}

static int ring_result(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int result;

	if (io_uring_submit_and_wait(ring, 1) != 1 || io_uring_wait_cqe(ring, &cqe))
		return INT32_MIN;
	result = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return result;
}

TEST(io_uring)
{
	int fd = new_stream(1, 0, READ_WRITE);
	char buffer[16] = { };
	struct io_uring ring;

	if (io_uring_queue_init(4, &ring, 0))
		SKIP(return, "no io_uring");
	/* -1 is the position, that of the stream. */
	io_uring_prep_write(io_uring_get_sqe(&ring), fd, "ring", 4, -1);
	EXPECT_EQ(4, ring_result(&ring));
	EXPECT_EQ(4, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(1, lseek(fd, 1, SEEK_SET));
	io_uring_prep_read(io_uring_get_sqe(&ring), fd, buffer, 16, -1);
	EXPECT_EQ(3, ring_result(&ring));
	EXPECT_STREQ("ing", buffer);
	/* Any other but 0 is refused. */
	io_uring_prep_read(io_uring_get_sqe(&ring), fd, buffer, 16, 1);
	EXPECT_EQ(-ESPIPE, ring_result(&ring));
	io_uring_prep_write(io_uring_get_sqe(&ring), fd, buffer, 16, INT64_MAX - 16);
	EXPECT_EQ(-ESPIPE, ring_result(&ring));
	EXPECT_EQ(4, lseek(fd, 0, SEEK_CUR));
	io_uring_queue_exit(&ring);
}

struct passed {
	int fd, socket;
};

static int write_in_child(void *arg)
{
	struct passed *passed = arg;
	int fd = passed->socket < 0 ? passed->fd : recv_fd(passed->socket);

	HOLDS(write(fd, "child", 5) == 5);
	HOLDS(lseek(fd, 0, SEEK_CUR) == 8);
	return 0;
}

TEST(other_processes)
{
	int fd = new_stream(1, 10, READ_WRITE), sockets[2], copy, vmo;
	struct passed passed = { fd, -1 };
	char buffer[8];

	EXPECT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(0, in_child(write_in_child, &passed));
	EXPECT_EQ(8, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(3, lseek(fd, 3, SEEK_SET));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	passed.socket = sockets[1];
	EXPECT_EQ(0, in_child(write_in_child, &passed));
	copy = dup(fd);
	EXPECT_EQ(8, lseek(copy, 0, SEEK_CUR));
	EXPECT_EQ(1, vmo_handle_count(fd));
	/* In a message, a stream keeps its VMO. */
	vmo = vmo_create(PAGE, 0);
	ASSERT_EQ(ZX_OK, vmo_fill(vmo, 'v', 1));
	fd = stream_on(vmo, ZX_STREAM_MODE_READ, PAGE - 4);
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	close(fd);
	close(vmo);
	fd = recv_fd(sockets[1]);
	EXPECT_EQ(4, read(fd, buffer, 8));
	EXPECT_EQ(0, memcmp(buffer, "vvvv", 4));
}

/* The writer is stuck in a page that nobody supplies. */
static int stuck_vmo, stuck_stream;
static char *unsupplied;

static void *write_unsupplied(void *unused __always_unused)
{
	return (void *)write(stuck_stream, unsupplied, 3 * PAGE);
}

static int append_behind_it(void *arg)
{
	return write(*(int *)arg, "x", 1) == 1;
}

TEST(a_writer_that_is_stuck)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range;
	struct uffdio_zeropage zero;
	char buffer[8];
	int uffd, other;
	pthread_t thread;
	void *written;
	pid_t child;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd");
	unsupplied = anon_pages(3, PROT_READ | PROT_WRITE);
	memset(unsupplied, 'a', PAGE);
	range = (struct uffdio_register){
		.range = { (unsigned long)unsupplied + PAGE, 2 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &range));
	stuck_vmo = vmo_create(8 * PAGE, ZX_VMO_RESIZABLE);
	ASSERT_EQ(ZX_OK, vmo_set_stream_size(stuck_vmo, 10));
	stuck_stream = stream_on(stuck_vmo, READ_WRITE | ZX_STREAM_MODE_APPEND, 0);
	other = stream_on(stuck_vmo, READ_WRITE | ZX_STREAM_MODE_APPEND, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_unsupplied, NULL));
	while (stream_info(other).content_size != 10 + PAGE)
		usleep(1000);
	/* Readers see what is written, and do not wait. */
	EXPECT_EQ(8, read(other, buffer, 8));
	EXPECT_EQ(0, stream_info(stuck_stream).seek);
	/* Another appender has to wait, and can be killed. */
	child = start_child(append_behind_it, &other);
	usleep(50000);
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	kill(child, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(child));
	/* Sizes can be set: the writer ends where that was. */
	EXPECT_EQ(ZX_OK, vmo_set_stream_size(stuck_vmo, 5));
	EXPECT_EQ(ZX_OK, vmo_set_size(stuck_vmo, 100));
	zero = (struct uffdio_zeropage){ .range = range.range };
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	pthread_join(thread, &written);
	EXPECT_EQ(PAGE, (unsigned long)written);
	EXPECT_EQ(100, stream_info(other).content_size);
	EXPECT_EQ(PAGE, vmo_size(stuck_vmo));
	EXPECT_TRUE(vmo_holds(stuck_vmo, 0, 5, PAGE - 5));
	EXPECT_EQ(1, write(other, "x", 1));
	EXPECT_EQ(101, stream_info(other).content_size);
	close(uffd);
}

TEST_HARNESS_MAIN
