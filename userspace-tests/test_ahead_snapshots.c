// SPDX-License-Identifier: GPL-2.0
/*
 * Who rewrites in order what a snapshot shares gets copies ahead (parameter
 * fault_ahead). Whatever is asked or done in between, only what was written is
 * private, and nothing else differs either. All of this has to hold without the
 * parameter, too.
 */
#include <linux/futex.h>
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES		256
#define SIZE		(PAGES * PAGE)
/* So many in order, and there are copies ahead (see test_reload.c): at least these. */
#define RUN		20
#define AHEAD		4
/* Where tests keep words of their own in a page. */
#define WORD		2048

static unsigned char old_value(size_t page)
{
	return page % 100 + 1;
}

static unsigned char new_value(size_t page)
{
	return page % 100 + 101;
}

static void rewrite(unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		at[first * PAGE + first % 512] = new_value(first);
}

/* Whether pages show what was there before the snapshot, or what was written since. */
static bool shows_old(const unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		if (at[first * PAGE + first % 512] != old_value(first))
			return false;
	return true;
}

static bool shows_new(const unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		if (at[first * PAGE + first % 512] != new_value(first))
			return false;
	return true;
}

/* As above, by calls. */
static bool has(int fd, size_t first, size_t end, unsigned char (*value)(size_t page))
{
	for (; first < end; first++)
		if (!vmo_holds(fd, value(first), first * PAGE + first % 512, 1))
			return false;
	return true;
}

/* A VMO whose pages are all there. */
static int populated(__u32 options)
{
	int fd = vmo_create(SIZE, options);
	unsigned char value;
	size_t page;

	for (page = 0; page < PAGES; page++) {
		value = old_value(page);
		if (vmo_write(fd, &value, page * PAGE + page % 512, 1))
			return -1;
	}
	return fd;
}

/* Whether everything is committed, and so many pages are private. */
static bool counts(int fd, __u64 private)
{
	struct zxvmo_info_vmo info = vmo_info(fd);

	return info.committed_bytes == SIZE &&
	       info.committed_private_bytes == private * PAGE;
}

/* Of a parent and a child only: they have the rest in halves. */
static bool both_count(int fd, int other, __u64 private)
{
	__u64 scaled = (SIZE + private * PAGE) / 2;

	return counts(fd, private) && counts(other, private) &&
	       vmo_info(fd).committed_scaled_bytes == scaled &&
	       vmo_info(other).committed_scaled_bytes == scaled;
}

/* The writer is the parent or the child. */
FIXTURE(copies) {
	int parent, child;
	int fd, other;
	unsigned char *at, *view;
};

FIXTURE_VARIANT(copies) {
	bool of_the_child;
};

FIXTURE_VARIANT_ADD(copies, parent) {
	.of_the_child = false,
};

FIXTURE_VARIANT_ADD(copies, child) {
	.of_the_child = true,
};

FIXTURE_SETUP(copies)
{
	self->parent = populated(ZX_VMO_RESIZABLE);
	ASSERT_LE(0, self->parent);
	self->child = vmo_snapshot(self->parent, 0, SIZE);
	ASSERT_LE(0, self->child);
	self->fd = variant->of_the_child ? self->child : self->parent;
	self->other = variant->of_the_child ? self->parent : self->child;
	self->at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	self->view = map_shared(self->other, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
	ASSERT_NE(MAP_FAILED, self->view);
	rewrite(self->at, 0, RUN);
}

FIXTURE_TEARDOWN(copies)
{
	/* NULL and -1 do no harm. */
	munmap(self->at, SIZE);
	munmap(self->view, SIZE);
	close(self->parent);
	close(self->child);
}

TEST_F(copies, any_number_of_pages)
{
	int parent = populated(0), child, fd, other;
	unsigned char *at;
	size_t pages;

	for (pages = 1; pages <= PAGES; pages += pages < 70 ? 3 : 31) {
		child = vmo_snapshot(parent, 0, SIZE);
		fd = variant->of_the_child ? child : parent;
		other = variant->of_the_child ? parent : child;
		at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
		rewrite(at, 0, pages);
		ASSERT_TRUE(both_count(fd, other, pages));
		ASSERT_TRUE(shows_new(at, 0, pages));
		ASSERT_TRUE(has(other, 0, pages, old_value) || !variant->of_the_child);
		munmap(at, SIZE);
		ASSERT_TRUE(both_count(fd, other, pages));
		close(child);
		ASSERT_TRUE(counts(parent, PAGES));
	}
	close(parent);
}

TEST_F(copies, asked_after_each)
{
	size_t pages;

	EXPECT_TRUE(both_count(self->fd, self->other, RUN));
	for (pages = RUN + 1; pages <= PAGES; pages++) {
		rewrite(self->at, pages - 1, pages);
		ASSERT_TRUE(both_count(self->fd, self->other, pages));
	}
	EXPECT_TRUE(shows_new(self->at, 0, PAGES));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
}

TEST_F(copies, everything_without_a_question)
{
	rewrite(self->at, RUN, PAGES);
	EXPECT_TRUE(shows_new(self->at, 0, PAGES));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
	EXPECT_TRUE(both_count(self->fd, self->other, PAGES));
}

TEST_F(copies, then_elsewhere)
{
	size_t page, count = RUN + 1;

	rewrite(self->at, RUN + 2, RUN + 3);
	EXPECT_TRUE(both_count(self->fd, self->other, RUN + 1));
	rewrite(self->at, 128, 128 + RUN);
	rewrite(self->at, 200, 201);
	EXPECT_TRUE(both_count(self->fd, self->other, 2 * RUN + 2));
	/* Every second page, from within what is there ahead. */
	rewrite(self->at, RUN, RUN + 2);
	rewrite(self->at, RUN + 3, 2 * RUN);
	EXPECT_TRUE(both_count(self->fd, self->other, 3 * RUN + 1));
	for (page = 2 * RUN + 1, count = 3 * RUN + 1; page < 100; page += 2, count++)
		rewrite(self->at, page, page + 1);
	EXPECT_TRUE(both_count(self->fd, self->other, count));
	for (page = 2 * RUN; page < 100; page++)
		ASSERT_TRUE(page % 2 ? shows_new(self->at, page, page + 1) :
				       shows_old(self->at, page, page + 1));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
}

/* Pages that are private or not there are left as they are. */
TEST_F(copies, between_others)
{
	EXPECT_EQ(ZX_OK, vmo_op_range(self->parent, ZX_VMO_OP_ZERO, 30 * PAGE, PAGE));
	EXPECT_EQ(ZX_OK, vmo_op_range(self->child, ZX_VMO_OP_ZERO, 30 * PAGE, PAGE));
	rewrite(self->at, 40, 41);
	rewrite(self->view, 50, 51);
	rewrite(self->at, RUN, 60);
	EXPECT_EQ(SIZE, vmo_info(self->fd).committed_bytes);
	EXPECT_EQ(SIZE - PAGE, vmo_info(self->other).committed_bytes);
	EXPECT_EQ(60 * PAGE, vmo_info(self->fd).committed_private_bytes);
	EXPECT_EQ(59 * PAGE, vmo_info(self->other).committed_private_bytes);
	EXPECT_TRUE(shows_new(self->at, 0, 60));
	EXPECT_TRUE(shows_old(self->view, 31, 50));
	EXPECT_TRUE(shows_new(self->view, 50, 51));
	EXPECT_EQ(0, self->view[30 * PAGE + 30]);
}

TEST_F(copies, the_other_side_writes)
{
	rewrite(self->view, RUN + 1, RUN + 2);
	/* What it wrote to is the writer's alone now, though it wrote to nothing there. */
	EXPECT_TRUE(both_count(self->fd, self->other, RUN + 1));
	rewrite(self->at, RUN, 2 * RUN);
	/* In order, too, over what is ahead of the other and beyond. */
	rewrite(self->view, 10, 4 * RUN);
	EXPECT_TRUE(shows_old(self->at, 2 * RUN, PAGES));
	EXPECT_TRUE(shows_old(self->view, 0, 10));
	EXPECT_TRUE(shows_old(self->view, 4 * RUN, PAGES));
	EXPECT_TRUE(both_count(self->fd, self->other, 4 * RUN));
	self->at[(3 * RUN + 1) * PAGE] = 7;
	EXPECT_TRUE(both_count(self->fd, self->other, 4 * RUN));
	EXPECT_TRUE(shows_new(self->view, 10, 4 * RUN));
	EXPECT_EQ(0, self->view[(3 * RUN + 1) * PAGE]);
}

TEST_F(copies, the_other_side_goes)
{
	munmap(self->view, SIZE);
	self->view = NULL;
	close(self->other);
	EXPECT_TRUE(counts(self->fd, PAGES));
	EXPECT_TRUE(shows_new(self->at, 0, RUN));
	EXPECT_TRUE(shows_old(self->at, RUN, PAGES));
	rewrite(self->at, RUN, PAGES);
	EXPECT_TRUE(counts(self->fd, PAGES));
	EXPECT_TRUE(has(self->fd, 0, PAGES, new_value));
	*(variant->of_the_child ? &self->parent : &self->child) = -1;
}

TEST_F(copies, the_writer_goes)
{
	munmap(self->at, SIZE);
	self->at = NULL;
	close(self->fd);
	EXPECT_TRUE(counts(self->other, PAGES));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
	rewrite(self->view, 0, PAGES);
	EXPECT_TRUE(has(self->other, 0, PAGES, new_value));
	*(variant->of_the_child ? &self->child : &self->parent) = -1;
}

TEST_F(copies, three_generations)
{
	int third = vmo_snapshot(self->child, 0, SIZE);
	unsigned char *view = map_shared(third, SIZE, PROT_READ | PROT_WRITE);

	/* The third shares what the child had then. */
	rewrite(self->at, RUN, 2 * RUN);
	EXPECT_TRUE(counts(third, 0));
	EXPECT_TRUE(counts(self->fd, variant->of_the_child ? RUN : 2 * RUN));
	EXPECT_TRUE(counts(self->other, variant->of_the_child ? RUN : 0));
	rewrite(view, 0, 3 * RUN);
	EXPECT_TRUE(counts(third, 3 * RUN));
	EXPECT_TRUE(counts(self->fd, 2 * RUN));
	EXPECT_TRUE(counts(self->other, 2 * RUN));
	EXPECT_TRUE(shows_new(self->at, 0, 2 * RUN));
	EXPECT_TRUE(shows_old(self->at, 2 * RUN, PAGES));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
	EXPECT_TRUE(shows_old(view, 3 * RUN, PAGES));
	rewrite(self->at, 2 * RUN, 5 * RUN);
	/* The one in the middle goes, with copies ahead on both sides. */
	munmap(variant->of_the_child ? self->at : self->view, SIZE);
	close(self->child);
	EXPECT_TRUE(counts(third, variant->of_the_child ? 3 * RUN : 5 * RUN));
	EXPECT_TRUE(shows_new(view, 0, 3 * RUN));
	EXPECT_TRUE(shows_old(view, 3 * RUN, PAGES));
	self->child = third;
	if (variant->of_the_child)
		self->at = view;
	else
		self->view = view;
}

TEST_F(copies, another_snapshot)
{
	int second = vmo_snapshot(self->fd, 0, SIZE), third;

	EXPECT_TRUE(counts(second, 0));
	EXPECT_TRUE(counts(self->fd, 0));
	EXPECT_TRUE(counts(self->other, RUN));
	rewrite(self->at, RUN, 3 * RUN);
	third = vmo_snapshot(self->fd, 0, SIZE);
	EXPECT_TRUE(counts(third, 0));
	rewrite(self->at, 3 * RUN, 4 * RUN);
	EXPECT_TRUE(has(second, 0, RUN, new_value));
	EXPECT_TRUE(has(second, RUN, PAGES, old_value));
	EXPECT_TRUE(has(third, 0, 3 * RUN, new_value));
	EXPECT_TRUE(has(third, 3 * RUN, PAGES, old_value));
	EXPECT_TRUE(counts(self->fd, RUN));
	EXPECT_TRUE(counts(third, 0));
	close(second);
	close(third);
}

TEST_F(copies, calls_that_read_and_write)
{
	size_t page;

	EXPECT_TRUE(has(self->fd, 0, RUN, new_value));
	EXPECT_TRUE(has(self->fd, RUN, PAGES, old_value));
	EXPECT_TRUE(both_count(self->fd, self->other, RUN));
	rewrite(self->at, RUN, 2 * RUN);
	EXPECT_EQ(ZX_OK, vmo_write(self->fd, "x", (2 * RUN + 1) * PAGE + WORD, 1));
	EXPECT_TRUE(both_count(self->fd, self->other, 2 * RUN + 1));
	EXPECT_EQ('x', self->at[(2 * RUN + 1) * PAGE + WORD]);
	rewrite(self->at, 2 * RUN, 3 * RUN);
	/* The other side's calls. */
	EXPECT_EQ(ZX_OK, vmo_write(self->other, "y", (3 * RUN + 1) * PAGE + WORD, 1));
	EXPECT_EQ(0, self->at[(3 * RUN + 1) * PAGE + WORD]);
	self->at[(3 * RUN + 1) * PAGE + WORD] = 'z';
	EXPECT_TRUE(vmo_holds(self->other, 'y', (3 * RUN + 1) * PAGE + WORD, 1));
	EXPECT_TRUE(both_count(self->fd, self->other, 3 * RUN + 1));
	/* A buffer in the mapping itself. */
	rewrite(self->at, 128, 128 + RUN);
	page = 128 + RUN;
	EXPECT_EQ(ZX_OK, vmo_read(self->fd, self->at + page * PAGE, 0, PAGE));
	EXPECT_TRUE(both_count(self->fd, self->other, 4 * RUN + 2));
	EXPECT_EQ(new_value(0), self->at[page * PAGE]);
	EXPECT_TRUE(shows_old(self->view, page, page + 1));
}

TEST_F(copies, operations_on_ranges)
{
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_COMMIT, RUN * PAGE, 2 * PAGE));
	EXPECT_TRUE(both_count(self->fd, self->other, RUN + 2));
	rewrite(self->at, RUN + 2, 2 * RUN);
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_ZERO, (2 * RUN + 1) * PAGE, 3 * PAGE));
	EXPECT_EQ(SIZE - 3 * PAGE, vmo_info(self->fd).committed_bytes);
	EXPECT_TRUE(counts(self->other, 2 * RUN + 3));
	EXPECT_EQ(0, self->at[(2 * RUN + 2) * PAGE + (2 * RUN + 2) % 512]);
	EXPECT_TRUE(shows_old(self->at, 2 * RUN, 2 * RUN + 1));
	EXPECT_TRUE(shows_old(self->at, 2 * RUN + 4, PAGES));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
	/* Of the other. */
	rewrite(self->at, 128, 128 + RUN);
	EXPECT_EQ(ZX_OK, vmo_op_range(self->other, ZX_VMO_OP_ZERO, 140 * PAGE, 30 * PAGE));
	EXPECT_TRUE(shows_new(self->at, 128, 128 + RUN));
	EXPECT_TRUE(shows_old(self->at, 128 + RUN, PAGES));
	EXPECT_EQ((3 * RUN + 30 - 8) * PAGE, vmo_info(self->fd).committed_private_bytes);
}

TEST_F(copies, decommit_and_size)
{
	size_t end = 128 + RUN + 2;

	/* The spec has it that only memory without snapshots is decommitted. */
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
		  vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, (RUN + 1) * PAGE, 2 * PAGE));
	EXPECT_TRUE(both_count(self->fd, self->other, RUN));
	rewrite(self->at, 128, 128 + RUN);
	ASSERT_EQ(ZX_OK, vmo_set_size(self->parent, end * PAGE));
	EXPECT_EQ(end * PAGE, vmo_info(self->parent).committed_bytes);
	EXPECT_EQ(2 * RUN * PAGE, vmo_info(self->parent).committed_private_bytes);
	EXPECT_TRUE(counts(self->child, 2 * RUN + PAGES - end));
	munmap(self->view, SIZE);
	self->view = map_shared(self->other, SIZE, PROT_READ | PROT_WRITE);
	EXPECT_TRUE(shows_new(self->at, 128, 128 + RUN));
	EXPECT_TRUE(shows_old(self->view, 0, end));
	EXPECT_TRUE(shows_old(self->at, 128 + RUN, end));
	EXPECT_EQ(variant->of_the_child ? 0 : SIGBUS, probe_write(self->at + end * PAGE, 1));
}

/* Whoever has seen the shared page sees what is written to the copy. */
TEST_F(copies, other_mappings)
{
	unsigned char *second = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	unsigned char *reader = map_shared(self->fd, SIZE, PROT_READ);
	unsigned char *private = map_private(self->fd, SIZE, PROT_READ | PROT_WRITE);

	/* Everything is in the page tables of these when the next copies are made. */
	EXPECT_TRUE(shows_old(second, RUN, PAGES));
	EXPECT_TRUE(shows_old(reader, RUN, PAGES));
	EXPECT_TRUE(shows_old(private, RUN, PAGES));
	rewrite(self->at, RUN, 3 * RUN);
	EXPECT_TRUE(shows_new(second, 0, 3 * RUN));
	EXPECT_TRUE(shows_new(reader, 0, 3 * RUN));
	EXPECT_TRUE(shows_new(private, 0, 3 * RUN));
	EXPECT_TRUE(shows_old(reader, 3 * RUN, PAGES));
	EXPECT_TRUE(both_count(self->fd, self->other, 3 * RUN));
	/* A private copy is of no concern. */
	private[(3 * RUN + 1) * PAGE] = 'p';
	rewrite(self->at, 3 * RUN, 4 * RUN);
	EXPECT_TRUE(both_count(self->fd, self->other, 4 * RUN));
	/* A run that goes on through the other, over what is ahead of the first. */
	rewrite(second, 4 * RUN, 6 * RUN);
	rewrite(self->at, 6 * RUN, 7 * RUN);
	EXPECT_TRUE(shows_new(self->at, 0, 7 * RUN));
	EXPECT_TRUE(shows_new(reader, 0, 7 * RUN));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
	EXPECT_TRUE(both_count(self->fd, self->other, 7 * RUN));
	munmap(second, SIZE);
	munmap(reader, SIZE);
	munmap(private, SIZE);
}

/* The writer reads first, and so has the shared pages in its own page table. */
TEST_F(copies, what_was_read_before)
{
	size_t page;

	EXPECT_TRUE(shows_old(self->at, RUN, PAGES));
	EXPECT_TRUE(both_count(self->fd, self->other, RUN));
	for (page = RUN; page < 100; page++)
		self->at[page * PAGE + page % 512] += 100;
	EXPECT_TRUE(shows_new(self->at, 0, 100));
	EXPECT_TRUE(shows_old(self->at, 100, PAGES));
	EXPECT_TRUE(both_count(self->fd, self->other, 100));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
}

static int write_ahead(void *arg)
{
	unsigned char *at = arg;

	HOLDS(shows_old(at, RUN, RUN + 1));
	rewrite(at, RUN + 1, RUN + 2);
	HOLDS(shows_new(at, 0, RUN));
	return 0;
}

TEST_F(copies, another_process)
{
	EXPECT_EQ(0, in_child(write_ahead, self->at));
	EXPECT_TRUE(both_count(self->fd, self->other, RUN + 1));
	EXPECT_TRUE(shows_new(self->at, RUN + 1, RUN + 2));
	rewrite(self->at, RUN + 2, 2 * RUN);
	EXPECT_EQ(0, madvise(self->at, SIZE, MADV_DONTNEED));
	EXPECT_TRUE(both_count(self->fd, self->other, 2 * RUN - 1));
	EXPECT_TRUE(shows_old(self->at, RUN, RUN + 1));
}

TEST_F(copies, mappings_change)
{
	unsigned char *moved;

	ASSERT_EQ(0, madvise(self->at, SIZE, MADV_DONTNEED));
	rewrite(self->at, RUN, 2 * RUN);
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ));
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ | PROT_WRITE));
	rewrite(self->at, 2 * RUN, 3 * RUN);
	moved = mremap(self->at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, self->at + 8 * SIZE);
	ASSERT_NE(MAP_FAILED, moved);
	self->at = moved;
	rewrite(moved, 3 * RUN, 4 * RUN);
	EXPECT_TRUE(both_count(self->fd, self->other, 4 * RUN));
	rewrite(moved, 4 * RUN, 5 * RUN);
	ASSERT_EQ(0, munmap(moved + (5 * RUN - 2) * PAGE, 4 * PAGE));
	EXPECT_TRUE(both_count(self->fd, self->other, 5 * RUN));
	EXPECT_TRUE(has(self->fd, 0, 5 * RUN, new_value));
	EXPECT_TRUE(has(self->fd, 5 * RUN, PAGES, old_value));
	EXPECT_TRUE(shows_old(self->view, 0, PAGES));
}

/* The kernel reads and writes through the page tables of a process, and by itself. */
TEST_F(copies, used_by_the_kernel)
{
	struct iovec from = { .iov_base = "abc", .iov_len = 3 }, to = { .iov_len = 3 };
	unsigned char byte;
	int ends[2];

	to.iov_base = self->at + RUN * PAGE + WORD;
	ASSERT_EQ(3, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_TRUE(both_count(self->fd, self->other, RUN + 1));
	EXPECT_EQ(0, memcmp(to.iov_base, "abc", 3));
	rewrite(self->at, RUN, 2 * RUN);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(1, write(ends[1], "p", 1));
	ASSERT_EQ(1, read(ends[0], self->at + (2 * RUN + 1) * PAGE + WORD, 1));
	EXPECT_TRUE(both_count(self->fd, self->other, 2 * RUN + 1));
	/* What somebody holds may count as written to. */
	rewrite(self->at, 128, 128 + RUN);
	to.iov_base = self->at + (128 + RUN) * PAGE + (128 + RUN) % 512;
	to.iov_len = 1;
	ASSERT_EQ(1, vmsplice(ends[1], &to, 1, 0));
	EXPECT_TRUE(both_count(self->fd, self->other, 3 * RUN + 1) ||
		    both_count(self->fd, self->other, 3 * RUN + 2));
	EXPECT_TRUE(shows_old(self->view, 128, PAGES));
	rewrite(self->view, 128 + RUN, 129 + RUN);
	ASSERT_EQ(1, read(ends[0], &byte, 1));
	EXPECT_EQ(old_value(128 + RUN), byte);
	close(ends[0]);
	close(ends[1]);
}

TEST_F(copies, slices)
{
	int parent = populated(0), child = vmo_snapshot(parent, 0, SIZE);
	int fd = variant->of_the_child ? child : parent;
	int slice = vmo_create_child(fd, ZX_VMO_CHILD_SLICE, 64 * PAGE, 64 * PAGE);
	unsigned char *at = map_shared(slice, 64 * PAGE, PROT_READ | PROT_WRITE);
	size_t page;

	ASSERT_LE(0, slice);
	for (page = 64; page < 64 + RUN; page++)
		at[(page - 64) * PAGE + page % 512] = new_value(page);
	EXPECT_TRUE(both_count(parent, child, RUN));
	EXPECT_TRUE(has(fd, 64, 64 + RUN, new_value));
	EXPECT_TRUE(has(fd, 64 + RUN, PAGES, old_value));
	munmap(at, 64 * PAGE);
	close(slice);
	close(child);
	close(parent);
}

struct sleeper {
	pthread_t thread;
	unsigned char *at;
	long result;
};

static void *sleep_in(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->result = syscall(SYS_futex, sleeper->at, FUTEX_WAIT, 0, NULL, NULL, 0);
	return NULL;
}

static int wake(unsigned char *at)
{
	return syscall(SYS_futex, at, FUTEX_WAKE, 1);
}

static void begin(struct sleeper *sleeper, unsigned char *at)
{
	*sleeper = (struct sleeper){ .at = at, .result = -1 };
	pthread_create(&sleeper->thread, NULL, sleep_in, sleeper);
	/* Until it sleeps: as a requeue that changes nothing tells. */
	do
		usleep(1000);
	while (syscall(SYS_futex, at, FUTEX_CMP_REQUEUE, 0, 1, at, 0) < 1);
}

static bool ended(struct sleeper *sleeper)
{
	pthread_join(sleeper->thread, NULL);
	return !sleeper->result;
}

/*
 * Who waits in a page is found there: whether it was written to since, or only
 * ahead of somebody, and by whomever the copies were counted meanwhile.
 */
TEST_F(copies, futexes)
{
	unsigned char *second = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	struct sleeper in_used, in_unused, in_others, asked;
	size_t page = RUN + WORD;
	int third;

	/* On pages that are made private by that, and are shared again. */
	begin(&in_used, second + 129 * PAGE + WORD);
	begin(&in_unused, second + (129 + RUN) * PAGE + WORD);
	begin(&asked, second + (131 + RUN) * PAGE + WORD);
	begin(&in_others, self->view + 140 * PAGE + WORD);
	third = vmo_snapshot(self->fd, 0, SIZE);
	ASSERT_LE(0, third);
	rewrite(self->at, 120, 128 + RUN);
	/* With copies there of all of them. */
	EXPECT_EQ(1, wake(self->at + 129 * PAGE + WORD));
	EXPECT_TRUE(ended(&in_used));
	EXPECT_EQ(1, wake(second + (129 + RUN) * PAGE + WORD));
	EXPECT_TRUE(ended(&in_unused));
	rewrite(self->at, 60, 60 + RUN);
	(void)vmo_info(self->fd);
	EXPECT_EQ(1, wake(second + (131 + RUN) * PAGE + WORD));
	EXPECT_TRUE(ended(&asked));
	EXPECT_EQ(0, wake(self->at + 140 * PAGE + WORD));
	EXPECT_EQ(1, wake(self->view + 140 * PAGE + WORD));
	EXPECT_TRUE(ended(&in_others));
	/* One that begins to wait while there is a copy. */
	rewrite(self->at, 180, 180 + RUN);
	page = 181 + RUN;
	begin(&in_used, self->at + page * PAGE + WORD);
	EXPECT_EQ(0, wake(self->view + page * PAGE + WORD));
	(void)vmo_info(self->fd);
	EXPECT_EQ(1, wake(second + page * PAGE + WORD));
	EXPECT_TRUE(ended(&in_used));
	close(third);
	munmap(second, SIZE);
}

TEST_HARNESS_MAIN
