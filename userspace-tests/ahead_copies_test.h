/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who rewrites in order what a snapshot shares gets copies ahead (parameter
 * fault_ahead). Here somebody has just begun with that.
 */
#ifndef _AHEAD_COPIES_TEST_H
#define _AHEAD_COPIES_TEST_H

#include "zxvmo_test.h"

#define PAGES		256
#define SIZE		(PAGES * PAGE)
/* So many in order, and there are copies ahead (see test_reload.c): at least these. */
#define RUN		20
#define AHEAD		4
/* Where tests keep words of their own in a page. */
#define WORD		2048

static inline unsigned char old_value(size_t page)
{
	return page % 100 + 1;
}

static inline unsigned char new_value(size_t page)
{
	return page % 100 + 101;
}

static inline void rewrite(unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		at[first * PAGE + first % 512] = new_value(first);
}

/* Whether pages show what was there before the snapshot, or what was written since. */
static inline bool shows_old(const unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		if (at[first * PAGE + first % 512] != old_value(first))
			return false;
	return true;
}

static inline bool shows_new(const unsigned char *at, size_t first, size_t end)
{
	for (; first < end; first++)
		if (at[first * PAGE + first % 512] != new_value(first))
			return false;
	return true;
}

/* As above, by calls. */
static inline bool has(int fd, size_t first, size_t end,
		       unsigned char (*value)(size_t page))
{
	for (; first < end; first++)
		if (!vmo_holds(fd, value(first), first * PAGE + first % 512, 1))
			return false;
	return true;
}

/* A VMO whose pages are all there. */
static inline int populated(__u32 options)
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
static inline bool counts(int fd, __u64 private)
{
	struct zxvmo_info_vmo info = vmo_info(fd);

	return info.committed_bytes == SIZE &&
	       info.committed_private_bytes == private * PAGE;
}

/* Of a parent and a child only: they have the rest in halves. */
static inline bool both_count(int fd, int other, __u64 private)
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

#endif /* _AHEAD_COPIES_TEST_H */
