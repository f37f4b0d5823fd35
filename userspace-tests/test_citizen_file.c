// SPDX-License-Identifier: GPL-2.0
/*
 * A handle as a file: reading, writing, seeking, stat, poll, fdinfo, splice
 * and the names under which a VMO shows up in /proc.
 */
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/vfs.h>

#include "zxvmo_test.h"

#define SIZE	(3 * PAGE)

TEST(read_and_write)
{
	char page[2 * PAGE];
	int fd = vmo_create(SIZE, 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(3, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(4, read(fd, page, 4));
	EXPECT_EQ(0, memcmp(page, "abc", 4));
	EXPECT_EQ(5, pwrite(fd, "world", 5, PAGE - 2));
	EXPECT_EQ(4, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(5, pread(fd, page, 5, PAGE - 2));
	EXPECT_EQ(0, memcmp(page, "world", 5));
	EXPECT_TRUE(vmo_holds(fd, 'w', PAGE - 2, 1));
	EXPECT_EQ(2 * PAGE, vmo_info(fd).committed_bytes);
	EXPECT_EQ(SIZE, vmo_size(fd));
}

TEST(the_size_bounds_everything)
{
	char page[2 * PAGE];
	ssize_t ret;
	int fd = vmo_create(PAGE + 1, 0);

	ASSERT_LE(0, fd);
	memset(page, 1, sizeof(page));
	/* The VMO's size counts, not the size of its stream. */
	EXPECT_EQ(PAGE, pread(fd, page, 2 * PAGE, PAGE));
	EXPECT_EQ(0, pread(fd, page, 1, 2 * PAGE));
	EXPECT_EQ(0, pread(fd, page, 1, INT64_MAX - 1));
	EXPECT_EQ(PAGE - 10, pwrite(fd, page, 2 * PAGE, PAGE + 10));
	ret = pwrite(fd, page, 1, 2 * PAGE);
	EXPECT_EQ(-1, ret);
	EXPECT_TRUE(errno == ENOSPC || errno == EFBIG);
	EXPECT_EQ(0, pwrite(fd, page, 0, 2 * PAGE));
	ret = pwrite(fd, page, 1, INT64_MAX - 1);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(-1, pread(fd, page, 1, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(2 * PAGE, vmo_size(fd));
	fd = vmo_create(0, 0);
	EXPECT_EQ(0, read(fd, page, 1));
	EXPECT_EQ(-1, write(fd, page, 1));
}

TEST(vectors)
{
	char one[3], two[5], *hole = (char *)page_before_hole() + PAGE;
	struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
	struct iovec in[] = { { one, 3 }, { two, 5 } };
	struct iovec bad[] = { { "xyz", 3 }, { hole, 5 } };
	int fd = vmo_create(SIZE, 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(8, writev(fd, out, 3));
	EXPECT_EQ(8, preadv(fd, in, 2, 0));
	EXPECT_EQ(0, memcmp(one, "abc", 3));
	EXPECT_EQ(0, memcmp(two, "defgh", 5));
	EXPECT_EQ(8, preadv2(fd, in, 2, 0, 0));
	/* What is good at first is moved, as with any file. */
	EXPECT_EQ(3, pwritev(fd, bad, 2, PAGE));
	EXPECT_EQ(-1, pwrite(fd, hole, 5, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pread(fd, hole, 5, 0));
	EXPECT_EQ(EFAULT, errno);
}

TEST(rights)
{
	int fd = vmo_create(SIZE, 0);
	int reader = vmo_duplicate(fd, ZX_RIGHT_READ);
	int writer = vmo_duplicate(fd, ZX_RIGHT_WRITE);
	char byte;

	EXPECT_EQ(1, pread(reader, &byte, 1, 0));
	EXPECT_EQ(-1, pwrite(reader, &byte, 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, pwrite(writer, &byte, 1, 0));
	EXPECT_EQ(-1, pread(writer, &byte, 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(O_RDONLY, fcntl(reader, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_WRONLY, fcntl(writer, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
}

TEST(seeking)
{
	int fd = vmo_create(SIZE, ZX_VMO_RESIZABLE), other;

	EXPECT_EQ(SIZE, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(SIZE - 5, lseek(fd, -5, SEEK_END));
	EXPECT_EQ(SIZE - 4, lseek(fd, 1, SEEK_CUR));
	EXPECT_EQ(-1, lseek(fd, -1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(fd, 0, 99));
	EXPECT_EQ(SIZE - 4, lseek(fd, 0, SEEK_CUR));
	/* Each handle has a position of its own; dup() shares it. */
	other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(0, lseek(other, 0, SEEK_CUR));
	EXPECT_EQ(SIZE - 4, lseek(dup(fd), 0, SEEK_CUR));
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, PAGE));
	EXPECT_EQ(PAGE, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(SIZE, lseek(fd, SIZE, SEEK_SET));
	EXPECT_EQ(0, read(fd, &other, 1));
}

TEST(stat_of_a_handle)
{
	struct statfs statfs;
	struct stat st;
	int fd = vmo_create(5000, ZX_VMO_RESIZABLE);

	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(2 * PAGE, st.st_size);
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, PAGE));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(PAGE, st.st_size);
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, 7 * PAGE));
	ASSERT_EQ(0, fstat(vmo_duplicate(fd, ZX_RIGHT_NONE), &st));
	EXPECT_EQ(7 * PAGE, st.st_size);
	EXPECT_EQ(0, fstatfs(fd, &statfs));
}

TEST(sizes_that_no_linux_file_has)
{
	int fd = vmo_create(0, ZX_VMO_UNBOUNDED);
	unsigned char byte = 0x42;
	struct stat st;

	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_LT(1L << 62, st.st_size);
	EXPECT_EQ(st.st_size, lseek(fd, 0, SEEK_END));
	/* The file interfaces end there, the calls of the VMO do not. */
	EXPECT_EQ(ZX_OK, vmo_write(fd, &byte, ZX_VMO_MAX_SIZE - 1, 1));
	EXPECT_TRUE(vmo_holds(fd, 0x42, ZX_VMO_MAX_SIZE - 1, 1));
	EXPECT_EQ(1, pwrite(fd, &byte, 1, 1L << 62));
	EXPECT_TRUE(vmo_holds(fd, 0x42, 1L << 62, 1));
	EXPECT_EQ(ZX_OK, vmo_write(fd, &byte, 1ULL << 63, 1));
	EXPECT_TRUE(vmo_holds(fd, 0, 0, PAGE));
}

TEST(truncating)
{
	int fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);
	int fixed = vmo_create(SIZE, 0);

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0xaa, 3));
	EXPECT_EQ(0, ftruncate(fd, PAGE + 10));
	EXPECT_EQ(2 * PAGE, vmo_size(fd));
	EXPECT_TRUE(vmo_holds(fd, 0xaa, PAGE, 10));
	EXPECT_TRUE(vmo_holds(fd, 0, PAGE + 10, PAGE - 10));
	EXPECT_EQ(0, ftruncate(fd, 4 * PAGE));
	EXPECT_TRUE(vmo_holds(fd, 0, 2 * PAGE, PAGE));
	EXPECT_EQ(-1, ftruncate(fd, -1));
	EXPECT_EQ(4 * PAGE, vmo_size(fd));
	EXPECT_EQ(-1, ftruncate(fixed, PAGE));
	EXPECT_EQ(-1, ftruncate(vmo_duplicate(fd, ZX_RIGHT_WRITE), 0));
	EXPECT_EQ(-1, ftruncate(vmo_duplicate(fd, ZX_RIGHT_READ | ZX_RIGHT_RESIZE), 0));
	EXPECT_EQ(4 * PAGE, vmo_size(fd));
	EXPECT_EQ(SIZE, vmo_size(fixed));
}

TEST(mmap_with_offset_and_msync)
{
	unsigned char *at, *private;
	int fd = vmo_create(SIZE, 0);

	at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 0x31;
	EXPECT_TRUE(vmo_holds(fd, 0x31, PAGE, 1));
	EXPECT_EQ(0, msync(at, 2 * PAGE, MS_SYNC));
	EXPECT_EQ(0, mlock(at, 2 * PAGE));
	EXPECT_EQ(0, munlock(at, 2 * PAGE));
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	ASSERT_NE(MAP_FAILED, private);
	EXPECT_EQ(0x31, private[0]);
	private[0] = 0x32;
	EXPECT_EQ(0x31, at[0]);
	/* Beyond the end, both kinds fault. */
	private = map_private(fd, SIZE + PAGE, PROT_READ | PROT_WRITE);
	EXPECT_EQ(SIGBUS, probe_read(private + SIZE));
	EXPECT_EQ(SIGBUS, probe_write(private + SIZE, 1));
	EXPECT_EQ(PAGE, vmo_info(fd).committed_bytes);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1));
	EXPECT_EQ(0, fsync(fd));
}

TEST(polling)
{
	int fd = vmo_create(PAGE, 0);
	int deaf = vmo_duplicate(fd, ALL_VMO_RIGHTS & ~(ZX_RIGHT_WAIT | ZX_RIGHT_RESIZE));
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN | POLLPRI },
		{ .fd = deaf, .events = POLLIN | POLLPRI },
	};
	struct timeval now = { };
	fd_set set;

	ASSERT_LE(0, deaf);
	ASSERT_EQ(1, poll(fds, 1, 0));
	EXPECT_EQ(POLLIN, fds[0].revents);
	EXPECT_EQ(ZX_OK, vmo_signal(fd, 0, ZX_USER_SIGNAL_6));
	ASSERT_EQ(1, poll(fds, 1, -1));
	EXPECT_EQ(POLLIN | POLLPRI, fds[0].revents);
	fds[0].events = POLLPRI;
	EXPECT_EQ(ZX_OK, vmo_signal(fd, ZX_USER_SIGNAL_6, 0));
	EXPECT_EQ(0, poll(fds, 1, 0));
	/* Signals are for who may wait for them. */
	EXPECT_EQ(ZX_OK, vmo_signal(fd, 0, ZX_USER_SIGNAL_6));
	poll(fds, 2, 0);
	EXPECT_EQ(POLLPRI, fds[0].revents);
	EXPECT_EQ(0, fds[1].revents & (POLLIN | POLLPRI));
	FD_ZERO(&set);
	FD_SET(fd, &set);
	EXPECT_EQ(1, select(fd + 1, NULL, NULL, &set, &now));
}

static void *signal_in_thread(void *arg)
{
	return (void *)(long)vmo_signal(*(int *)arg, 0, ZX_USER_SIGNAL_1);
}

TEST(poll_wakes)
{
	int fd = vmo_create(PAGE, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_in_thread, &fd));
	EXPECT_EQ(1, poll(&poll_fd, 1, 10000));
	EXPECT_EQ(POLLPRI, poll_fd.revents);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST(epoll_edges)
{
	int fd = vmo_create(PAGE, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI | EPOLLET };

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLIN, event.events);
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(ZX_OK, vmo_signal(fd, 0, ZX_USER_SIGNAL_0));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 1000));
	EXPECT_EQ(EPOLLIN | EPOLLPRI, event.events);
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	/* The handle's end leaves nothing behind in the set. */
	close(fd);
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
}

TEST(fdinfo)
{
	int fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);
	int reader = vmo_duplicate(fd, ZX_RIGHT_READ);
	char value[64], expected[64];

	ASSERT_EQ(ZX_OK, vmo_set_name(fd, "a name"));
	ASSERT_EQ(ZX_OK, vmo_fill(fd, 1, 2));
	snprintf(expected, sizeof(expected), "%llu", vmo_info(fd).koid);
	ASSERT_TRUE(fdinfo_value(reader, "zxvmo-koid:", value, sizeof(value)));
	EXPECT_STREQ(expected, value);
	ASSERT_TRUE(fdinfo_value(reader, "zxvmo-name:", value, sizeof(value)));
	EXPECT_STREQ("a name", value);
	ASSERT_TRUE(fdinfo_value(reader, "zxvmo-size:", value, sizeof(value)));
	EXPECT_EQ(SIZE, strtoul(value, NULL, 0));
	ASSERT_TRUE(fdinfo_value(reader, "zxvmo-rights:", value, sizeof(value)));
	EXPECT_EQ(0, strncmp(value, "0x", 2));
	EXPECT_EQ(ZX_RIGHT_READ, strtoul(value, NULL, 16));
	ASSERT_TRUE(fdinfo_value(reader, "zxvmo-committed:", value, sizeof(value)));
	EXPECT_EQ(2 * PAGE, strtoul(value, NULL, 0));
	ASSERT_TRUE(fdinfo_value(reader, "zxvmo-parent:", value, sizeof(value)));
	EXPECT_STREQ("0", value);
	/* A name cannot make lines of its own. */
	ASSERT_EQ(ZX_OK, vmo_set_name(fd, "x\nzxvmo-evil:\t1"));
	EXPECT_FALSE(fdinfo_value(fd, "zxvmo-evil:", value, sizeof(value)));
}

TEST(names_in_proc)
{
	int fd = vmo_create(PAGE, 0);
	char path[64], line[256], expected[64];
	void *at;

	snprintf(expected, sizeof(expected), "/zxvmo:%llu", vmo_info(fd).koid);
	at = map_shared(fd, PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_TRUE(maps_line(at, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, expected))
		TH_LOG("%s", line);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(line, 0, sizeof(line));
	ASSERT_LT(0, readlink(path, line, sizeof(line) - 1));
	EXPECT_NE(NULL, strstr(line, expected + 1))
		TH_LOG("%s", line);
}

TEST(sending_files)
{
	int fd = vmo_create(SIZE, 0), to = vmo_create(SIZE, 0);
	int file = memfd_create("x", 0), sockets[2], pipes[2];
	unsigned char data[SIZE];
	off_t offset = 10;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0xaa, 3));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, pipe(pipes));
	/* From a VMO to a file, a socket, a pipe and another VMO. */
	EXPECT_EQ(SIZE - 10, sendfile(file, fd, &offset, 2 * SIZE));
	EXPECT_EQ(SIZE, offset);
	EXPECT_EQ(SIZE - 10, pread(file, data, SIZE, 0));
	EXPECT_TRUE(all_bytes(data, 0xaa, SIZE - 10));
	offset = SIZE - 5;
	EXPECT_EQ(5, sendfile(sockets[0], fd, &offset, SIZE));
	EXPECT_EQ(5, read(sockets[1], data, SIZE));
	offset = 0;
	EXPECT_EQ(PAGE, sendfile(pipes[1], fd, &offset, PAGE));
	EXPECT_EQ(PAGE, read(pipes[0], data, SIZE));
	EXPECT_TRUE(all_bytes(data, 0xaa, PAGE));
	offset = 0;
	EXPECT_EQ(SIZE, sendfile(to, fd, &offset, SIZE));
	EXPECT_TRUE(vmo_holds(to, 0xaa, 2 * PAGE, PAGE));
	/* And from a file to a VMO. */
	ASSERT_EQ(3, pwrite(file, "abc", 3, 0));
	offset = 0;
	lseek(to, PAGE, SEEK_SET);
	EXPECT_EQ(3, sendfile(to, file, &offset, 3));
	EXPECT_TRUE(vmo_holds(to, 'b', PAGE + 1, 1));
	EXPECT_EQ(PAGE + 3, lseek(to, 0, SEEK_CUR));
}

TEST(splicing)
{
	int fd = vmo_create(SIZE, 0), pipes[2];
	unsigned char data[PAGE];
	loff_t offset = PAGE - 4;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0xbb, 3));
	EXPECT_EQ(8, splice(fd, &offset, pipes[1], NULL, 8, 0));
	EXPECT_EQ(PAGE + 4, offset);
	EXPECT_EQ(8, read(pipes[0], data, PAGE));
	EXPECT_TRUE(all_bytes(data, 0xbb, 8));
	/* At the end there is nothing, and no waiting. */
	offset = SIZE;
	EXPECT_EQ(0, splice(fd, &offset, pipes[1], NULL, 8, 0));
	ASSERT_EQ(6, write(pipes[1], "splice", 6));
	offset = 100;
	EXPECT_EQ(6, splice(pipes[0], NULL, fd, &offset, 6, 0));
	EXPECT_EQ(6, pread(fd, data, 6, 100));
	EXPECT_EQ(0, memcmp(data, "splice", 6));
	/* Untouched pages read as zero here too, and stay untouched. */
	fd = vmo_create(SIZE, 0);
	offset = 0;
	EXPECT_EQ(PAGE, splice(fd, &offset, pipes[1], NULL, PAGE, 0));
	EXPECT_EQ(PAGE, read(pipes[0], data, PAGE));
	EXPECT_TRUE(all_bytes(data, 0, PAGE));
	EXPECT_EQ(0, vmo_info(fd).committed_bytes);
}

TEST_HARNESS_MAIN
