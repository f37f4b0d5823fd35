// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots of pages that the kernel holds: buffers of io_uring, pages in a
 * pipe, direct I/O that is on its way. What arrives afterwards belongs to the
 * parent alone.
 */
#include <liburing.h>
#include <linux/nbd.h>
#include <endian.h>
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES	8
#define SIZE	(PAGES * PAGE)

static unsigned char *view_of(int fd)
{
	unsigned char *at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);

	return at == MAP_FAILED ? NULL : at;
}

FIXTURE(fixed) {
	struct io_uring ring;
	int fd, file;
	unsigned char *at;
};

FIXTURE_SETUP(fixed)
{
	struct iovec iov = { .iov_len = SIZE };

	if (io_uring_queue_init(4, &self->ring, 0))
		SKIP(return, "no io_uring");
	self->fd = vmo_create_flags(SIZE, ZX_VMO_RESIZABLE, ZXVMO_CREATE_PINNABLE);
	ASSERT_LE(0, self->fd);
	self->at = view_of(self->fd);
	ASSERT_NE(NULL, self->at);
	memset(self->at, 0x11, SIZE);
	iov.iov_base = self->at;
	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &iov, 1));
	self->file = memfd_create("x", 0);
	ASSERT_EQ(4, write(self->file, "data", 4));
}

FIXTURE_TEARDOWN(fixed)
{
	io_uring_queue_exit(&self->ring);
}

/* Have the ring copy the file's first byte to an offset of its buffer. */
static int receive(struct io_uring *ring, int file, unsigned char *at)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int res;

	io_uring_prep_read_fixed(sqe, file, at, 1, 0, 0);
	if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &cqe))
		return -1;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/* Whether a byte is the same in the mapping and by call. */
static bool shows(int fd, unsigned char *at, size_t offset, unsigned char byte)
{
	return at[offset] == byte && vmo_holds(fd, byte, offset, 1);
}

TEST_F(fixed, buffer_stays_the_parents)
{
	int child = vmo_snapshot(self->fd, 0, SIZE), second;
	unsigned char *view = view_of(child);

	ASSERT_NE(NULL, view);
	ASSERT_EQ(1, receive(&self->ring, self->file, self->at));
	EXPECT_TRUE(shows(self->fd, self->at, 0, 'd'));
	EXPECT_TRUE(shows(child, view, 0, 0x11));
	/* After a store of either side it is still the same page. */
	self->at[PAGE] = 1;
	view[PAGE] = 2;
	ASSERT_EQ(1, receive(&self->ring, self->file, self->at + PAGE + 1));
	EXPECT_TRUE(shows(self->fd, self->at, PAGE + 1, 'd'));
	EXPECT_TRUE(shows(self->fd, self->at, PAGE, 1));
	EXPECT_TRUE(shows(child, view, PAGE, 2));
	EXPECT_TRUE(shows(child, view, PAGE + 1, 0x11));
	/* By call, and with one more snapshot. */
	ASSERT_EQ(ZX_OK, vmo_write(self->fd, "x", 2 * PAGE, 1));
	second = vmo_snapshot(self->fd, 0, SIZE);
	ASSERT_EQ(ZX_OK, vmo_write(self->fd, "y", 2 * PAGE + 2, 1));
	ASSERT_EQ(1, receive(&self->ring, self->file, self->at + 2 * PAGE + 1));
	EXPECT_TRUE(shows(self->fd, self->at, 2 * PAGE + 1, 'd'));
	EXPECT_TRUE(shows(self->fd, self->at, 2 * PAGE + 2, 'y'));
	EXPECT_TRUE(vmo_holds(second, 'x', 2 * PAGE, 1));
	EXPECT_TRUE(vmo_holds(second, 0x11, 2 * PAGE + 1, 2));
	EXPECT_TRUE(shows(child, view, 2 * PAGE, 0x11));
	/* The snapshots outlive the parent, whose page the ring keeps. */
	munmap(self->at, SIZE);
	close(self->fd);
	ASSERT_EQ(1, receive(&self->ring, self->file, self->at + 3 * PAGE));
	EXPECT_TRUE(vmo_holds(second, 0x11, 3 * PAGE, PAGE));
	EXPECT_TRUE(vmo_holds(child, 0x11, 3 * PAGE, PAGE));
}

/* A buffer in a snapshot belongs to the snapshot. */
TEST_F(fixed, buffer_in_the_child)
{
	int child = vmo_snapshot(self->fd, 0, SIZE), next;
	unsigned char *view = view_of(child);
	struct iovec iov = { .iov_base = view, .iov_len = SIZE };

	ASSERT_NE(NULL, view);
	ASSERT_EQ(0, io_uring_unregister_buffers(&self->ring));
	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &iov, 1));
	next = vmo_snapshot(child, 0, SIZE);
	ASSERT_EQ(1, receive(&self->ring, self->file, view + PAGE));
	EXPECT_TRUE(shows(child, view, PAGE, 'd'));
	EXPECT_TRUE(shows(self->fd, self->at, PAGE, 0x11));
	EXPECT_TRUE(vmo_holds(next, 0x11, PAGE, PAGE));
	close(next);
	close(self->fd);
	munmap(self->at, SIZE);
	ASSERT_EQ(1, receive(&self->ring, self->file, view + PAGE + 1));
	EXPECT_TRUE(shows(child, view, PAGE + 1, 'd'));
}

TEST_F(fixed, shares_of_pinned_pages)
{
	int child = vmo_snapshot(self->fd, 0, SIZE);

	/* Copied at once, and counted so. */
	EXPECT_EQ(SIZE, vmo_info(self->fd).committed_private_bytes);
	EXPECT_EQ(SIZE, vmo_info(child).committed_private_bytes);
	EXPECT_TRUE(vmo_holds(child, 0x11, 0, PAGE));
}

/* The status of a call. A request that is completed lets go of its buffer a little later. */
#define WHEN_UNPINNED(call)						\
	({								\
		int _status = (call), _tries = 0;			\
									\
		while (_status == ZX_ERR_BAD_STATE && _tries++ < 5000) {	\
			usleep(1000);					\
			_status = (call);				\
		}							\
		_status;						\
	})

TEST_F(fixed, taking_pinned_pages_away)
{
	EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_set_size(self->fd, PAGE));
	EXPECT_EQ(SIZE, vmo_size(self->fd));
	EXPECT_TRUE(vmo_holds(self->fd, 0x11, 0, PAGE));
	/* Zeroing is done in place. */
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_ZERO, 0, 2 * PAGE));
	EXPECT_TRUE(all_bytes(self->at, 0, 2 * PAGE));
	ASSERT_EQ(1, receive(&self->ring, self->file, self->at + PAGE));
	EXPECT_TRUE(shows(self->fd, self->at, PAGE, 'd'));
	ASSERT_EQ(0, io_uring_unregister_buffers(&self->ring));
	EXPECT_EQ(ZX_OK, WHEN_UNPINNED(vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, 0, PAGE)));
	EXPECT_EQ(ZX_OK, vmo_set_size(self->fd, PAGE));
}

static int transfer(int dst, int src, uint64_t offset, uint64_t length)
{
	struct zxvmo_transfer_data arg = {
		.length = length, .source = src, .source_offset = offset,
	};

	return zxvmo_call(dst, ZXVMO_IOC_TRANSFER_DATA, &arg);
}

TEST_F(fixed, moving_pinned_pages)
{
	int other = vmo_create(SIZE, 0);

	ASSERT_EQ(ZX_OK, vmo_fill(other, 0x33, SIZE / PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, transfer(other, self->fd, 0, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, transfer(self->fd, other, 0, 2 * PAGE));
	/* Neither side has changed, and the pin still goes where it did. */
	EXPECT_TRUE(vmo_holds(self->fd, 0x11, 0, PAGE));
	EXPECT_TRUE(vmo_holds(other, 0x33, SIZE - PAGE, PAGE));
	ASSERT_EQ(1, receive(&self->ring, self->file, self->at + PAGE));
	EXPECT_TRUE(shows(self->fd, self->at, PAGE, 'd'));
	ASSERT_EQ(0, io_uring_unregister_buffers(&self->ring));
	EXPECT_EQ(ZX_OK, WHEN_UNPINNED(transfer(other, self->fd, 0, 2 * PAGE)));
	EXPECT_TRUE(vmo_holds(other, 'd', PAGE, 1));
}

TEST(pages_in_a_pipe)
{
	int fd = vmo_create(SIZE, 0), child, pipes[2];
	unsigned char *at = view_of(fd), data[2 * PAGE];
	struct iovec iov = { .iov_base = at, .iov_len = 2 * PAGE };

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, pipe(pipes));
	memset(at, 0x11, SIZE);
	ASSERT_EQ(2 * PAGE, vmsplice(pipes[1], &iov, 1, 0));
	child = vmo_snapshot(fd, 0, SIZE);
	memset(at, 0x22, SIZE);
	EXPECT_TRUE(vmo_holds(child, 0x11, 0, PAGE));
	ASSERT_EQ(ZX_OK, vmo_write(child, "x", PAGE, 1));
	EXPECT_TRUE(vmo_holds(fd, 0x22, PAGE, PAGE));
	munmap(at, SIZE);
	close(fd);
	close(child);
	/* What the pipe shows is the parent's, of before or after. */
	ASSERT_EQ(2 * PAGE, read(pipes[0], data, sizeof(data)));
	EXPECT_TRUE(all_bytes(data, *data, sizeof(data)));
	EXPECT_TRUE(*data == 0x11 || *data == 0x22);
}

/*
 * A block device of which the test is the disk: it answers a read of SLOW when
 * it is told to, and any other at once.
 */
#define SLOW	(1UL << 20)

static struct disk {
	int nbd, sockets[2];
	int asked[2], answer[2];
} disk;

static int serve_disk(void *unused __always_unused)
{
	struct nbd_request request;
	struct nbd_reply reply = { .magic = htobe32(NBD_REPLY_MAGIC) };
	static unsigned char data[1 << 18];
	size_t length;

	close(disk.sockets[1]);
	while (recv(disk.sockets[0], &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
		length = be32toh(request.len);
		if (be32toh(request.type) != NBD_CMD_READ || length > sizeof(data))
			return 0;
		memset(data, 0, length);
		if (be64toh(request.from) >= SLOW && be64toh(request.from) < SLOW + SIZE) {
			HOLDS(!tell(disk.asked[1]) && !hear(disk.answer[0]));
			memset(data, 0xdd, length);
		}
		memcpy(&reply.handle, &request.handle, sizeof(reply.handle));
		HOLDS(write(disk.sockets[0], &reply, sizeof(reply)) == sizeof(reply));
		HOLDS(write(disk.sockets[0], data, length) == (ssize_t)length);
	}
	return 0;
}

static void *run_disk(void *unused __always_unused)
{
	ioctl(disk.nbd, NBD_DO_IT);
	return NULL;
}

/* The device opened for direct I/O, or -1. */
static int open_disk(pid_t *server)
{
	pthread_t thread;
	int fd = -1, tries;

	/* Its driver may say so at the end. */
	printf("# dmesg expected: nbd0: shutting down sockets\n");
	fflush(stdout);
	if (system("modprobe -q nbd nbds_max=1 max_part=0"))
		return -1;
	disk.nbd = open("/dev/nbd0", O_RDWR);
	if (disk.nbd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, disk.sockets) ||
	    pipe(disk.asked) || pipe(disk.answer))
		return -1;
	*server = start_child(serve_disk, NULL);
	close(disk.sockets[0]);
	if (ioctl(disk.nbd, NBD_SET_BLKSIZE, 4096UL) || ioctl(disk.nbd, NBD_SET_SIZE, 2 * SLOW) ||
	    ioctl(disk.nbd, NBD_SET_SOCK, disk.sockets[1]) ||
	    pthread_create(&thread, NULL, run_disk, NULL))
		return -1;
	/* Until it runs it has no size. */
	for (tries = 0; tries < 100 && fd < 0; tries++) {
		usleep(10000);
		fd = open("/dev/nbd0", O_RDONLY | O_DIRECT);
		if (fd >= 0 && lseek(fd, 0, SEEK_END) < (off_t)SLOW) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

struct transfer {
	int fd;
	unsigned char *at;
	size_t length;
	ssize_t done;
};

static void *read_disk(void *arg)
{
	struct transfer *transfer = arg;

	transfer->done = pread(transfer->fd, transfer->at, transfer->length, SLOW);
	return NULL;
}

TEST(direct_io_on_its_way)
{
	struct transfer transfer = { .length = 2 * PAGE };
	int fd, child, later, round;
	unsigned char *at, *view;
	pthread_t thread;
	pid_t server;

	transfer.fd = open_disk(&server);
	if (transfer.fd < 0)
		SKIP(return, "no network block device");
	for (round = 0; round < 4; round++) {
		fd = vmo_create_flags(SIZE, 0, round % 2 ? ZXVMO_CREATE_PINNABLE : 0);
		at = view_of(fd);
		ASSERT_NE(NULL, at);
		if (round < 2)
			memset(at, 0x11, SIZE);
		transfer.at = at + PAGE;
		ASSERT_EQ(0, pthread_create(&thread, NULL, read_disk, &transfer));
		ASSERT_EQ(0, hear(disk.asked[0]));
		/* The disk has the request: its pages are pinned. */
		child = vmo_snapshot(fd, 0, SIZE);
		ASSERT_LE(0, child);
		view = view_of(child);
		at[PAGE] = 0x22;
		view[2 * PAGE] = 0x33;
		later = vmo_snapshot(fd, PAGE, 2 * PAGE);
		ASSERT_EQ(0, tell(disk.answer[1]));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(2 * PAGE, transfer.done);
		EXPECT_TRUE(all_bytes(at + PAGE, 0xdd, 2 * PAGE))
			TH_LOG("round %d", round);
		EXPECT_TRUE(vmo_holds(fd, 0xdd, PAGE, PAGE));
		EXPECT_TRUE(vmo_holds(fd, 0xdd, 2 * PAGE, PAGE));
		EXPECT_TRUE(vmo_holds(child, round < 2 ? 0x11 : 0, PAGE, PAGE));
		EXPECT_TRUE(vmo_holds(child, round < 2 ? 0x11 : 0, 2 * PAGE + 1, PAGE - 1));
		EXPECT_TRUE(vmo_holds(child, 0x33, 2 * PAGE, 1));
		EXPECT_TRUE(vmo_holds(later, 0x22, 0, 1));
		EXPECT_TRUE(vmo_holds(later, round < 2 ? 0x11 : 0, PAGE, PAGE));
		close(later);
		close(child);
		close(fd);
		munmap(at, SIZE);
		munmap(view, SIZE);
	}
	close(transfer.fd);
	ioctl(disk.nbd, NBD_DISCONNECT);
	EXPECT_EQ(0, end_child(server));
}

TEST_HARNESS_MAIN
