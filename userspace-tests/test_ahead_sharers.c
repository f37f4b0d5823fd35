// SPDX-License-Identifier: GPL-2.0
/*
 * Copies ahead where others look at the same pages: further mappings, processes,
 * slices, the kernel, and who waits in them.
 */
#include <linux/futex.h>
#include <pthread.h>

#include "ahead_copies_test.h"

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
