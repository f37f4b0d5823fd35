// SPDX-License-Identifier: GPL-2.0
/*
 * Copies ahead: whatever is asked or done in between, only what was written is
 * private, and nothing else differs either. All of this has to hold without the
 * parameter, too.
 */
#include "ahead_copies_test.h"

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

TEST_HARNESS_MAIN
