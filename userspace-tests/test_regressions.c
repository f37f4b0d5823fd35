// SPDX-License-Identifier: GPL-2.0
/*
 * What a review of the module found, one test for each: appending to a VMO
 * without bounds, and mappings that changed behind the module's back. Objects
 * that outlive their names are in test_regressions_lifetime.c.
 */
#include <liburing.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "zxvmo_test.h"

#define PAGES	4
#define SIZE	(PAGES * PAGE)

/* --- positions beyond what a file can have --------------------------------- */


enum appender { BY_WRITE, BY_PWRITEV2, BY_IO_URING, APPENDERS };

/* Append two bytes to an open VMO: what the call answers, or minus errno. */
static long append_by(int fd, enum appender how)
{
	struct iovec iov = { .iov_base = "ab", .iov_len = 2 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	long ret;

	switch (how) {
	case BY_WRITE:
		fcntl(fd, F_SETFL, O_APPEND);
		ret = write(fd, "ab", 2);
		ret = ret < 0 ? -errno : ret;
		fcntl(fd, F_SETFL, 0);
		return ret;
	case BY_PWRITEV2:
		ret = pwritev2(fd, &iov, 1, 0, RWF_APPEND);
		return ret < 0 ? -errno : ret;
	default:
		if (io_uring_queue_init(2, &ring, 0))
			return -ENOSYS;
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_writev2(sqe, fd, &iov, 1, 0, RWF_APPEND);
		ret = -EIO;
		if (io_uring_submit(&ring) == 1 && !io_uring_wait_cqe(&ring, &cqe))
			ret = cqe->res;
		io_uring_queue_exit(&ring);
		return ret;
	}
}

TEST(append_to_an_unbounded_vmo)
{
	enum appender how;
	long ret;
	int fd;

	for (how = 0; how < APPENDERS; how++) {
		/* Its stream ends further out than a file position can say. */
		fd = vmo_create(0, ZX_VMO_UNBOUNDED);
		ASSERT_LE(0, fd);
		ret = append_by(fd, how);
		if (ret != -ENOSYS)
			EXPECT_EQ(-EFBIG, ret);
		EXPECT_EQ(0, vmo_info(fd).committed_bytes);
		/* Nothing of it stuck: the handle works, and can be closed. */
		EXPECT_EQ(2, pwrite(fd, "cd", 2, PAGE));
		EXPECT_EQ(PAGE, vmo_info(fd).committed_bytes);
		EXPECT_EQ(0, close(fd));
	}
}

TEST(append_to_vmos_that_end_where_positions_do)
{
	static const __u64 sizes[] = {
		(1ULL << 63) - PAGE, 1ULL << 63, (1ULL << 63) + PAGE,
	};
	enum appender how;
	long ret;
	size_t i;
	int fd;

	for (how = 0; how < APPENDERS; how++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			fd = vmo_create(sizes[i], 0);
			ASSERT_LE(0, fd);
			ret = append_by(fd, how);
			if (ret != -ENOSYS)
				EXPECT_EQ(-EFBIG, ret);
			EXPECT_EQ(0, vmo_info(fd).committed_bytes);
			EXPECT_EQ(0, close(fd));
		}
	}
}

TEST(read_and_write_at_the_last_positions)
{
	int fd = vmo_create(0, ZX_VMO_UNBOUNDED), back;
	char bytes[3] = { };

	for (back = 0; back < 4; back++) {
		ASSERT_EQ(INT64_MAX - back, lseek(fd, INT64_MAX - back, SEEK_SET));
		EXPECT_GE(back, write(fd, "abc", 3));
		ASSERT_EQ(INT64_MAX - back, lseek(fd, INT64_MAX - back, SEEK_SET));
		EXPECT_GE(back, read(fd, bytes, 3));
		EXPECT_LE(0, lseek(fd, 0, SEEK_CUR));
	}
	EXPECT_EQ(3, pwrite(fd, "abc", 3, INT64_MAX - 3));
	EXPECT_EQ(3, pread(fd, bytes, 3, INT64_MAX - 3));
	EXPECT_EQ(0, memcmp(bytes, "abc", 3));
}

/* --- sizes that the core looks up itself ----------------------------------- */

TEST(copy_file_range_between_vmos)
{
	int from = vmo_create(SIZE, 0), to = vmo_create(SIZE, 0);
	loff_t in = 0, out = 0;
	ssize_t got;

	ASSERT_EQ(ZX_OK, vmo_fill(from, 0x11, PAGES));
	/* It may be refused, but 0 would say that there is nothing to copy. */
	got = copy_file_range(from, &in, to, &out, 2 * PAGE, 0);
	EXPECT_NE(0, got);
	if (got < 0)
		EXPECT_TRUE(errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL);
	if (got > 0)
		EXPECT_TRUE(vmo_holds(to, 0x11, 0, got < (ssize_t)PAGE ? got : (ssize_t)PAGE));
}

/* A limit on the size of files: beyond it they do not grow, but may shrink. */
static int truncate_with_limit(void *arg)
{
	struct rlimit limit = { PAGE, PAGE };
	int fd = *(int *)arg;

	signal(SIGXFSZ, SIG_IGN);
	HOLDS(!setrlimit(RLIMIT_FSIZE, &limit));
	HOLDS(!ftruncate(fd, 2 * PAGE));
	HOLDS(vmo_size(fd) == 2 * PAGE);
	HOLDS(ftruncate(fd, 3 * PAGE) == -1 && errno == EFBIG);
	HOLDS(vmo_size(fd) == 2 * PAGE);
	HOLDS(!ftruncate(fd, 0));
	return 0;
}

TEST(ftruncate_with_a_limit)
{
	int fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, in_child(truncate_with_limit, &fd));
}

/* --- write protection that the module did not ask for ---------------------- */

/*
 * Tracking of soft-dirty pages makes the entries of all pages read-only, and
 * the next write to each a fault that the module did not prepare for.
 */
static int write_after_clear_refs(void *arg)
{
	int fd = *(int *)arg, file, i, round;
	unsigned char *at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);

	HOLDS(at != MAP_FAILED);
	HOLDS(!become_nobody());
	/* A process that changed its user is not dumpable; be it again. */
	HOLDS(!prctl(PR_SET_DUMPABLE, 1));
	file = open("/proc/self/clear_refs", O_WRONLY);
	HOLDS(file >= 0);
	/* One page is written, one read, and the others not there. */
	HOLDS(!probe_write(at, 1));
	HOLDS(!probe_read(at + PAGE));
	for (round = 2; round < 6; round++) {
		HOLDS(pwrite(file, "4", 1, 0) == 1);
		for (i = 0; i < round - 1 && i < PAGES; i++) {
			HOLDS(!probe_write(at + i * PAGE, round));
			HOLDS(vmo_holds(fd, round, i * PAGE, 1));
		}
		HOLDS(vmo_write(fd, "x", 0, 1) == ZX_OK);
		HOLDS(at[0] == 'x');
	}
	return 0;
}

TEST(clear_refs_and_write)
{
	int fd = vmo_create(SIZE, 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, in_child(write_after_clear_refs, &fd));
	EXPECT_EQ(SIZE, vmo_info(fd).committed_bytes);
}

TEST(clear_refs_and_write_where_pages_can_be_pinned)
{
	int fd = vmo_create_flags(SIZE, 0, ZXVMO_CREATE_PINNABLE);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, in_child(write_after_clear_refs, &fd));
	EXPECT_EQ(SIZE, vmo_info(fd).committed_bytes);
}

/* --- mappings and their addresses ------------------------------------------ */

/* The argument is read, but cannot be written back: so nothing has happened. */
TEST(map_whose_answer_cannot_be_delivered)
{
	static const unsigned int placements[] = {
		0, ZX_VM_SPECIFIC, ZX_VM_SPECIFIC_OVERWRITE,
	};
	int fd = vmo_create(SIZE, 0);
	char line[256];
	void *place;
	size_t i;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(placements); i++) {
		struct zxvmo_map *arg = anon_pages(1, PROT_READ | PROT_WRITE);

		ASSERT_NE(NULL, arg);
		place = anon_pages(PAGES, PROT_NONE);
		ASSERT_NE(NULL, place);
		munmap(place, SIZE);
		arg->options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | placements[i];
		arg->length = SIZE;
		arg->address = placements[i] ? (unsigned long)place : 0;
		ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
		EXPECT_EQ(-1, ioctl(fd, ZXVMO_IOC_MAP, arg));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(0, vmo_info(fd).num_mappings);
		EXPECT_FALSE(maps_line(place, line, sizeof(line)));
	}
}

/* Who has this personality gets PROT_EXEC with PROT_READ, where it can be. */
TEST(read_implies_exec)
{
	int fd = vmo_create(SIZE, 0), reader = vmo_duplicate(fd, READER_RIGHTS);
	char line[256];
	void *at;

	ASSERT_LE(0, fd);
	ASSERT_NE(-1, personality(READ_IMPLIES_EXEC));
	at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_TRUE(maps_line(at, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "rw-s"));
	EXPECT_EQ(0, probe_write(at, 1));
	ASSERT_EQ(ZX_OK, vmo_map(fd, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, SIZE, &at));
	ASSERT_TRUE(maps_line(at, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "rw-s"));
	EXPECT_EQ(0, probe_write(at, 1));
	at = map_shared(reader, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_TRUE(maps_line(at, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "r--s"));
	/* What is asked for is refused as ever. */
	EXPECT_NE(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
	ASSERT_NE(-1, personality(0));
	EXPECT_EQ(MAP_FAILED, map_shared(fd, SIZE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  vmo_map(fd, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, SIZE, &at));
}

static int map_at(int fd, unsigned int placement, __u64 address)
{
	struct zxvmo_map arg = {
		.options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | placement,
		.address = address, .length = SIZE,
	};

	return zxvmo_call(fd, ZXVMO_IOC_MAP, &arg);
}

static int map_low_as_nobody(void *arg)
{
	int fd = *(int *)arg;

	HOLDS(!become_nobody());
	HOLDS(map_at(fd, ZX_VM_SPECIFIC, 0) == ZX_ERR_INVALID_ARGS);
	HOLDS(map_at(fd, ZX_VM_SPECIFIC_OVERWRITE, 0) == ZX_ERR_INVALID_ARGS);
	/* Nor anywhere else that is not for users (vm.mmap_min_addr). */
	HOLDS(map_at(fd, ZX_VM_SPECIFIC, PAGE) == ZX_ERR_INVALID_ARGS);
	HOLDS(map_at(fd, ZX_VM_SPECIFIC_OVERWRITE, PAGE) == ZX_ERR_INVALID_ARGS);
	return 0;
}

TEST(specific_at_address_0)
{
	int fd = vmo_create(SIZE, 0);
	char value[32];

	ASSERT_LE(0, fd);
	/* As root, who could. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(fd, ZX_VM_SPECIFIC, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(fd, ZX_VM_SPECIFIC_OVERWRITE, 0));
	EXPECT_EQ(0, vmo_info(fd).num_mappings);
	ASSERT_TRUE(proc_value("/proc/sys/vm/mmap_min_addr", "", value, sizeof(value)));
	if (strtoul(value, NULL, 10) <= PAGE)
		SKIP(return, "users may map low addresses here");
	EXPECT_EQ(0, in_child(map_low_as_nobody, &fd));
	EXPECT_EQ(0, vmo_info(fd).num_mappings);
}

static int op_at(int device, __u32 op, void *at)
{
	struct zxvmo_region_op_range arg = {
		.op = op, .address = (uintptr_t)at, .size = PAGE,
	};

	return zxvmo_call(device, ZXVMO_IOC_REGION_OP_RANGE, &arg);
}

/* A mapping that begins behind the end of a slice, and of 2^64 bytes of its parent. */
TEST(region_behind_the_last_address)
{
	const __u64 top = 0xffffffffffff0000, window = 16 * PAGE;
	int parent = vmo_create(top, 0), device = open_device(), slice;
	unsigned char *at;

	ASSERT_LE(0, parent);
	slice = vmo_create_child(parent, ZX_VMO_CHILD_SLICE, top - window, window);
	ASSERT_LE(0, slice);
	at = map_shared(slice, 128 * PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 1;
	ASSERT_EQ(0, munmap(at, 64 * PAGE));
	at += 64 * PAGE;
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_at(device, ZX_VMAR_OP_COMMIT, at));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_at(device, ZX_VMAR_OP_DECOMMIT, at));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, op_at(device, ZX_VMAR_OP_ZERO, at + PAGE));
	EXPECT_EQ(ZX_OK, op_at(device, ZX_VMAR_OP_MAP_RANGE, at));
	EXPECT_EQ(SIGBUS, probe_write(at, 1));
	EXPECT_EQ(PAGE, vmo_info(parent).committed_bytes);
	munmap(at, 64 * PAGE);
	close(device);
	close(slice);
	close(parent);
}

TEST_HARNESS_MAIN
