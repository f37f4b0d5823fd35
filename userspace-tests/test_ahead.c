// SPDX-License-Identifier: GPL-2.0
/*
 * Who writes to fresh pages of a mapping in order gets some ahead (parameter
 * fault_ahead). Whatever is asked or done in between, only what was touched is
 * committed, and nothing else differs either. All of this has to hold without the
 * parameter, too.
 */
#include <linux/futex.h>
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES		256
#define SIZE		(PAGES * PAGE)
/* So many in order, and there are pages ahead (see test_reload.c): at least these. */
#define RUN		20
#define AHEAD		4

static __u64 committed(int fd)
{
	return vmo_info(fd).committed_bytes / PAGE;
}

static void touch(unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		at[first * PAGE + first % PAGE] = first + 1;
}

static bool touched(const unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		if (at[first * PAGE + first % PAGE] != (unsigned char)(first + 1))
			return false;
	return true;
}

/* Whether a page is in the page table of this process. */
static bool present(const unsigned char *at)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	if (pread(file, &entry, 8, (unsigned long)at / PAGE * 8) != 8)
		entry = 0;
	close(file);
	return entry >> 63;
}

FIXTURE(ahead) {
	int fd;
	unsigned char *at;
};

FIXTURE_SETUP(ahead)
{
	self->fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);
	ASSERT_LE(0, self->fd);
	self->at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
	touch(self->at, 0, RUN);
}

FIXTURE_TEARDOWN(ahead)
{
	munmap(self->at, SIZE);
	close(self->fd);
}

TEST(any_number_of_pages_in_order)
{
	unsigned char *at;
	size_t pages;
	int fd;

	/* Each number up to that of a second leaf, and then some. */
	for (pages = 1; pages <= PAGES; pages += pages < 70 ? 1 : 31) {
		fd = vmo_create(SIZE, 0);
		at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
		touch(at, 0, pages);
		ASSERT_EQ(pages, committed(fd));
		ASSERT_EQ(pages * PAGE, vmo_info(fd).committed_private_bytes);
		ASSERT_TRUE(touched(at, 0, pages));
		ASSERT_EQ(pages, committed(fd));
		munmap(at, SIZE);
		ASSERT_EQ(pages, committed(fd));
		close(fd);
	}
}

TEST(from_any_page_on)
{
	unsigned char *at;
	size_t first;
	int fd;

	for (first = 0; first < 150; first += 7) {
		fd = vmo_create(SIZE, 0);
		at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
		touch(at, first, first + 100);
		ASSERT_EQ(100, committed(fd));
		touch(at, first + 100, first + 105);
		ASSERT_EQ(105, committed(fd));
		munmap(at, SIZE);
		close(fd);
	}
}

TEST_F(ahead, asked_after_each)
{
	size_t pages;

	ASSERT_EQ(RUN, committed(self->fd));
	for (pages = RUN + 1; pages <= PAGES; pages++) {
		touch(self->at, pages - 1, pages);
		ASSERT_EQ(pages, committed(self->fd));
	}
}

TEST_F(ahead, other_ways_to_ask)
{
	char path[64], value[32];
	struct stat status;

	ASSERT_EQ(0, fstat(self->fd, &status));
	EXPECT_EQ(RUN * PAGE / 512, status.st_blocks);
	touch(self->at, RUN, 2 * RUN);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	ASSERT_TRUE(proc_value(path, "zxvmo-committed:", value, sizeof(value)));
	EXPECT_EQ(2 * RUN * PAGE, strtoul(value, NULL, 10));
}

TEST_F(ahead, then_elsewhere)
{
	touch(self->at, 200, 201);
	touch(self->at, 100, 101);
	touch(self->at, RUN + 3, RUN + 4);
	EXPECT_EQ(RUN + 3, committed(self->fd));
	touch(self->at, 99, 100);
	EXPECT_EQ(RUN + 4, committed(self->fd));
	/* Another run, with that of before unfinished. */
	touch(self->at, 104, 104 + RUN);
	EXPECT_EQ(2 * RUN + 4, committed(self->fd));
	EXPECT_TRUE(touched(self->at, 104, 104 + RUN));
	EXPECT_TRUE(vmo_holds(self->fd, 0, 103 * PAGE, PAGE));
}

TEST_F(ahead, a_run_that_skips_pages)
{
	size_t page, count = RUN;

	for (page = RUN + 1; page < PAGES; page += 2, count++)
		touch(self->at, page, page + 1);
	EXPECT_EQ(count, committed(self->fd));
	/* The second time round the others. */
	for (page = RUN; page < PAGES; page += 2)
		touch(self->at, page, page + 1);
	EXPECT_EQ(PAGES, committed(self->fd));
	EXPECT_TRUE(touched(self->at, 0, PAGES));
}

TEST_F(ahead, up_to_what_is_there)
{
	int fd = vmo_create(SIZE, 0);
	unsigned char *at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);

	ASSERT_EQ(ZX_OK, vmo_write(fd, "x", 30 * PAGE, 1));
	touch(at, 0, RUN);
	EXPECT_EQ(RUN + 1, committed(fd));
	touch(at, RUN, 30);
	EXPECT_EQ('x', at[30 * PAGE]);
	touch(at, 31, 64);
	EXPECT_EQ(64, committed(fd));
	munmap(at, SIZE);
	close(fd);
}

TEST_F(ahead, the_end_of_store_and_mapping)
{
	int fd = vmo_create(RUN * PAGE + AHEAD * PAGE, 0);
	unsigned char *at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);

	touch(at, 0, RUN);
	EXPECT_EQ(SIGBUS, probe_write(at + (RUN + AHEAD) * PAGE, 1));
	touch(at, RUN, RUN + AHEAD);
	EXPECT_EQ(SIGBUS, probe_write(at + (RUN + AHEAD) * PAGE, 1));
	EXPECT_EQ(RUN + AHEAD, committed(fd));
	munmap(at, SIZE);
	close(fd);
	fd = vmo_create(SIZE, 0);
	at = map_shared(fd, (RUN + AHEAD) * PAGE, PROT_READ | PROT_WRITE);
	touch(at, 0, RUN);
	EXPECT_EQ(RUN, committed(fd));
	munmap(at, (RUN + AHEAD) * PAGE);
	close(fd);
}

TEST_F(ahead, reading_does_not_commit)
{
	size_t page;

	for (page = RUN; page < PAGES; page++)
		ASSERT_EQ(0, self->at[page * PAGE]);
	EXPECT_EQ(RUN, committed(self->fd));
	/* Nor does it later, where pages of zeros are shown. */
	touch(self->at, RUN, 3 * RUN);
	for (page = 0; page < PAGES; page++)
		ASSERT_TRUE(page < 3 * RUN || !self->at[page * PAGE]);
	EXPECT_EQ(3 * RUN, committed(self->fd));
	EXPECT_TRUE(touched(self->at, 0, 3 * RUN));
}

TEST_F(ahead, other_mappings)
{
	unsigned char *second = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	unsigned char *reader = map_shared(self->fd, SIZE, PROT_READ);
	unsigned char *private = map_private(self->fd, SIZE, PROT_READ | PROT_WRITE);

	EXPECT_EQ(0, second[RUN * PAGE]);
	EXPECT_EQ(RUN, committed(self->fd));
	touch(self->at, RUN, 2 * RUN);
	/* Behind the writer, where pages near by are shown as well. */
	EXPECT_TRUE(touched(reader, 2 * RUN - 1, 2 * RUN));
	EXPECT_EQ(0, reader[(2 * RUN + 1) * PAGE]);
	EXPECT_EQ(2 * RUN, committed(self->fd));
	touch(self->at, 2 * RUN, 3 * RUN);
	private[3 * RUN * PAGE] = 'p';
	EXPECT_EQ(3 * RUN, committed(self->fd));
	EXPECT_EQ(0, self->at[3 * RUN * PAGE]);
	touch(self->at, 3 * RUN, 4 * RUN);
	touch(second, 4 * RUN + 2, 4 * RUN + 3);
	EXPECT_EQ(4 * RUN + 1, committed(self->fd));
	EXPECT_TRUE(touched(self->at, 4 * RUN + 2, 4 * RUN + 3));
	/* A run that goes on through the other. */
	touch(self->at, 128, 128 + RUN);
	touch(second, 128 + RUN, 128 + 2 * RUN);
	EXPECT_EQ(4 * RUN + 1 + 2 * RUN, committed(self->fd));
	munmap(second, SIZE);
	munmap(reader, SIZE);
	munmap(private, SIZE);
}

static int write_ahead(void *arg)
{
	unsigned char *at = arg;

	HOLDS(at[RUN * PAGE] == 0);
	touch(at, RUN + 1, RUN + 2);
	HOLDS(touched(at, 0, RUN));
	return 0;
}

TEST_F(ahead, another_process)
{
	EXPECT_EQ(0, in_child(write_ahead, self->at));
	EXPECT_EQ(RUN + 1, committed(self->fd));
	EXPECT_TRUE(touched(self->at, RUN + 1, RUN + 2));
}

TEST_F(ahead, snapshots)
{
	int child = vmo_snapshot(self->fd, 0, SIZE), second;
	struct zxvmo_info_vmo info = vmo_info(child);
	unsigned char *view;

	EXPECT_EQ(RUN * PAGE, info.committed_bytes);
	EXPECT_EQ(0, info.committed_private_bytes);
	EXPECT_EQ(RUN * PAGE / 2, info.committed_scaled_bytes);
	touch(self->at, RUN, 3 * RUN);
	info = vmo_info(child);
	EXPECT_EQ(RUN * PAGE, info.committed_bytes);
	EXPECT_EQ(0, info.committed_private_bytes);
	info = vmo_info(self->fd);
	EXPECT_EQ(3 * RUN * PAGE, info.committed_bytes);
	EXPECT_EQ(2 * RUN * PAGE, info.committed_private_bytes);
	/* Relatives ask as well: of one whose pages are ahead, and of one beside it. */
	view = map_shared(child, SIZE, PROT_READ | PROT_WRITE);
	touch(view, RUN, 2 * RUN);
	touch(self->at, 3 * RUN, 4 * RUN);
	second = vmo_snapshot(child, 0, SIZE);
	EXPECT_EQ(2 * RUN, committed(second));
	EXPECT_EQ(2 * RUN, committed(child));
	EXPECT_EQ(4 * RUN, committed(self->fd));
	/* Contents are those of the moment. */
	touch(self->at, 4 * RUN, 5 * RUN);
	EXPECT_TRUE(vmo_holds(child, 0, 2 * RUN * PAGE, PAGE));
	EXPECT_TRUE(vmo_holds(second, 0, (4 * RUN + 1) * PAGE, PAGE));
	EXPECT_TRUE(touched(view, 0, 2 * RUN));
	munmap(view, SIZE);
	close(second);
	close(child);
}

TEST_F(ahead, calls_that_read_and_write)
{
	EXPECT_TRUE(vmo_holds(self->fd, 0, RUN * PAGE, PAGE));
	EXPECT_EQ(RUN, committed(self->fd));
	touch(self->at, RUN, 2 * RUN);
	EXPECT_EQ(ZX_OK, vmo_write(self->fd, "x", (2 * RUN + 1) * PAGE, 1));
	EXPECT_EQ(2 * RUN + 1, committed(self->fd));
	EXPECT_EQ('x', self->at[(2 * RUN + 1) * PAGE]);
	touch(self->at, 2 * RUN + 2, 4 * RUN);
	/* Zeros are as much of a write. */
	EXPECT_EQ(1, pwrite(self->fd, "", 1, (4 * RUN + 3) * PAGE));
	EXPECT_EQ(4 * RUN, committed(self->fd));
	/* A buffer in the mapping itself. */
	touch(self->at, 128, 128 + RUN);
	EXPECT_EQ(ZX_OK, vmo_read(self->fd, self->at + (128 + RUN) * PAGE, 0, PAGE));
	EXPECT_EQ(5 * RUN + 1, committed(self->fd));
	EXPECT_EQ(1, self->at[(128 + RUN) * PAGE]);
}

TEST_F(ahead, operations_on_ranges)
{
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_COMMIT, RUN * PAGE, 2 * PAGE));
	EXPECT_EQ(RUN + 2, committed(self->fd));
	touch(self->at, RUN + 2, 2 * RUN);
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, RUN * PAGE, 100 * PAGE));
	EXPECT_EQ(RUN, committed(self->fd));
	EXPECT_EQ(0, self->at[RUN * PAGE]);
	touch(self->at, RUN, 2 * RUN);
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_ZERO, (2 * RUN - 1) * PAGE, 2 * PAGE));
	EXPECT_EQ(2 * RUN - 1, committed(self->fd));
	touch(self->at, 128, 128 + RUN);
	EXPECT_EQ(ZX_OK, vmo_set_size(self->fd, (128 + RUN + 1) * PAGE));
	EXPECT_EQ(3 * RUN - 1, committed(self->fd));
	EXPECT_EQ(SIGBUS, probe_write(self->at + (128 + RUN + 1) * PAGE, 1));
	EXPECT_EQ(0, probe_write(self->at + (128 + RUN) * PAGE, 1));
	EXPECT_EQ(3 * RUN, committed(self->fd));
}

TEST_F(ahead, mappings_change)
{
	unsigned char *moved = self->at;

	ASSERT_EQ(0, madvise(self->at, SIZE, MADV_DONTNEED));
	EXPECT_EQ(RUN, committed(self->fd));
	EXPECT_TRUE(touched(self->at, 0, RUN));
	/* Again, and the writer goes on before anybody asks. */
	touch(self->at, RUN, 2 * RUN);
	ASSERT_EQ(0, madvise(self->at, SIZE, MADV_DONTNEED));
	touch(self->at, 2 * RUN, 3 * RUN);
	EXPECT_EQ(3 * RUN, committed(self->fd));
	/* The next is touched only after write access has been away. */
	touch(self->at, 3 * RUN, 4 * RUN);
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ));
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ | PROT_WRITE));
	touch(self->at, 4 * RUN, 4 * RUN + 1);
	EXPECT_EQ(4 * RUN + 1, committed(self->fd));
	touch(self->at, 4 * RUN + 1, 5 * RUN);
	moved = mremap(self->at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, self->at + 8 * SIZE);
	ASSERT_NE(MAP_FAILED, moved);
	self->at = moved;
	touch(moved, 5 * RUN, 6 * RUN);
	EXPECT_EQ(6 * RUN, committed(self->fd));
	touch(moved, 6 * RUN, 7 * RUN);
	/* Half of it. */
	ASSERT_EQ(0, munmap(moved + (7 * RUN - 2) * PAGE, 4 * PAGE));
	EXPECT_EQ(7 * RUN, committed(self->fd));
	EXPECT_TRUE(vmo_holds(self->fd, 0, 7 * RUN * PAGE, PAGE));
	EXPECT_TRUE(touched(moved, 0, 7 * RUN - 2));
}

TEST_F(ahead, advice)
{
	ASSERT_EQ(0, madvise(self->at, SIZE, MADV_COLD));
	EXPECT_EQ(RUN, committed(self->fd));
	touch(self->at, RUN, 2 * RUN);
	ASSERT_EQ(0, madvise(self->at + 2 * RUN * PAGE, 30 * PAGE, MADV_POPULATE_READ));
	EXPECT_EQ(2 * RUN, committed(self->fd));
	touch(self->at, 2 * RUN, 3 * RUN);
	ASSERT_EQ(0, madvise(self->at + 3 * RUN * PAGE, 100 * PAGE, MADV_POPULATE_WRITE));
	EXPECT_TRUE(present(self->at + (3 * RUN + 99) * PAGE));
	EXPECT_EQ(3 * RUN + 100, committed(self->fd));
	EXPECT_EQ(0, madvise(self->at, SIZE, MADV_PAGEOUT));
	EXPECT_EQ(3 * RUN + 100, committed(self->fd));
}

/* The kernel writes through the page tables of a process, and by itself. */
TEST_F(ahead, written_by_the_kernel)
{
	struct iovec from = { .iov_base = "abc", .iov_len = 3 }, to = { .iov_len = 3 };
	int memory = open("/proc/self/mem", O_RDWR), ends[2];

	to.iov_base = self->at + RUN * PAGE;
	ASSERT_EQ(3, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(RUN + 1, committed(self->fd));
	EXPECT_EQ(0, memcmp(self->at + RUN * PAGE, "abc", 3));
	touch(self->at, RUN + 1, 2 * RUN);
	ASSERT_EQ(1, pwrite(memory, "", 1, (off_t)(self->at + (2 * RUN + 1) * PAGE)));
	EXPECT_EQ(2 * RUN + 1, committed(self->fd));
	touch(self->at, 2 * RUN + 2, 4 * RUN);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(1, write(ends[1], "p", 1));
	ASSERT_EQ(1, read(ends[0], self->at + (4 * RUN + 1) * PAGE, 1));
	EXPECT_EQ(4 * RUN, committed(self->fd));
	EXPECT_EQ('p', self->at[(4 * RUN + 1) * PAGE]);
	close(memory);
	close(ends[0]);
	close(ends[1]);
}

/* What somebody holds stays the memory that is mapped there. */
TEST_F(ahead, held_in_a_pipe)
{
	struct iovec iov = { .iov_base = self->at + RUN * PAGE, .iov_len = PAGE };
	unsigned char byte;
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ((ssize_t)PAGE, vmsplice(ends[1], &iov, 1, 0));
	EXPECT_LE(RUN, committed(self->fd));
	EXPECT_GE(RUN + 1, committed(self->fd));
	touch(self->at, RUN, RUN + 1);
	EXPECT_EQ(RUN + 1, committed(self->fd));
	ASSERT_EQ(1, read(ends[0], &byte, 1));
	EXPECT_EQ(0, byte);
	close(ends[0]);
	close(ends[1]);
	EXPECT_EQ(RUN + 1, committed(self->fd));
	EXPECT_TRUE(touched(self->at, 0, RUN + 1));
}

static void *wait_for_word(void *word)
{
	return (void *)syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* Who waits in a page that nobody has written to is found there later. */
TEST_F(ahead, futexes)
{
	unsigned char *second = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	int *word = (int *)(self->at + (RUN + 2) * PAGE);
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_word, word));
	do {
		/* Until it waits: as a wake that changes nothing would tell. */
		usleep(1000);
	} while (syscall(SYS_futex, word, FUTEX_CMP_REQUEUE, 0, 1, word, 0) < 1);
	EXPECT_EQ(RUN + 1, committed(self->fd));
	touch(self->at, RUN, RUN + 1);
	EXPECT_EQ(RUN + 2, committed(self->fd));
	EXPECT_EQ(1, syscall(SYS_futex, second + (RUN + 2) * PAGE, FUTEX_WAKE, 1));
	pthread_join(thread, &result);
	EXPECT_EQ(NULL, result);
	munmap(second, SIZE);
}

TEST(slices_and_private_mappings)
{
	int fd = vmo_create(SIZE, 0);
	int slice = vmo_create_child(fd, ZX_VMO_CHILD_SLICE, 64 * PAGE, 64 * PAGE);
	unsigned char *at = map_shared(slice, SIZE, PROT_READ | PROT_WRITE);
	unsigned char *private = map_private(fd, SIZE, PROT_READ | PROT_WRITE);

	ASSERT_LE(0, slice);
	touch(at, 0, RUN);
	EXPECT_EQ(RUN, committed(fd));
	touch(at, RUN, 2 * RUN);
	EXPECT_EQ(SIGBUS, probe_write(at + 64 * PAGE, 1));
	EXPECT_EQ(2 * RUN, committed(fd));
	touch(private, 128, 128 + 2 * RUN);
	EXPECT_EQ(2 * RUN, committed(fd));
	EXPECT_TRUE(vmo_holds(fd, 0, 128 * PAGE, PAGE));
	munmap(private, SIZE);
	munmap(at, SIZE);
	close(slice);
	close(fd);
}

TEST_HARNESS_MAIN
