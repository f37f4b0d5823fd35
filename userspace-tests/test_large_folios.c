// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that was committed by 2 MiB behaves as any other: page by page, for
 * whatever takes, copies, moves, maps or pins a part of it. And it is given
 * back. All of this holds with large folios turned off as well.
 */
#include <linux/futex.h>
#include <sys/mman.h>

#include "cgroup_test.h"
#include "large_test.h"

TEST(commit_maps_by_large_entries)
{
	zx_handle_t vmo = large_vmo(2, 0, 7);
	unsigned char *at = map_large(vmo, 2);
	size_t i;

	ASSERT_NE(NULL, at);
	EXPECT_EQ(2 * LARGE, committed(vmo));
	EXPECT_EQ(0, (unsigned long)at % LARGE);
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		ASSERT_EQ(i + 7, *word_of(at, i));
	EXPECT_EQ(expected_large(2 * LARGE), shown_large(at));
	*word_of(at, 600) = 1;
	EXPECT_EQ(1, page_value(vmo, 600));
	EXPECT_EQ(expected_large(2 * LARGE), shown_large(at));
}

TEST(commit_of_unaligned_range_is_exact)
{
	zx_handle_t vmo = new_vmo(4 * LARGE, 0);

	ASSERT_EQ(ZX_OK, put_byte(vmo, 3 * LARGE + 5 * PAGE, 9));
	EXPECT_EQ(PAGE, committed(vmo));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_COMMIT, 3 * PAGE, 2 * LARGE));
	EXPECT_EQ(PAGE + 2 * LARGE, committed(vmo));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_COMMIT, 0, 4 * LARGE));
	EXPECT_EQ(4 * LARGE, committed(vmo));
	EXPECT_TRUE(holds(vmo, 0, 0, 3 * LARGE + 5 * PAGE));
	EXPECT_TRUE(holds(vmo, 9, 3 * LARGE + 5 * PAGE, 3 * LARGE + 5 * PAGE + 1));
}

/* Mapped before it is committed, with pages of zeros and pages there. */
TEST(commit_under_a_mapping)
{
	zx_handle_t vmo = new_vmo(2 * LARGE, 0);
	unsigned char *at = map_large(vmo, 2);
	size_t i;

	ASSERT_NE(NULL, at);
	for (i = 0; i < 2 * LARGE_PAGES; i += 3)
		ASSERT_EQ(0, *word_of(at, i));
	*word_of(at, 700) = 700;
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_COMMIT, 0, 2 * LARGE));
	EXPECT_EQ(2 * LARGE, committed(vmo));
	for (i = 0; i < 2 * LARGE_PAGES; i++) {
		ASSERT_EQ(i == 700 ? 700 : 0, *word_of(at, i));
		*word_of(at, i) = i + 1;
	}
	EXPECT_TRUE(pages_hold(vmo, 0, 2 * LARGE_PAGES, 1));
}

TEST(snapshot_and_writes_on_both_sides)
{
	zx_handle_t vmo = large_vmo(2, 0, 1), child;
	unsigned char *at = map_large(vmo, 2), *child_at;
	size_t i;

	for (i = 0; i < 2 * LARGE_PAGES; i++)
		*word_of(at, i) = i + 2;
	child = snapshot_of(vmo, 0, 2 * LARGE);
	child_at = map_large(child, 2);
	ASSERT_NE(NULL, child_at);
	for (i = 0; i < 2 * LARGE_PAGES; i++) {
		ASSERT_EQ(i + 2, *word_of(at, i));
		ASSERT_EQ(i + 2, *word_of(child_at, i));
	}
	EXPECT_EQ(expected_large(2 * LARGE), shown_large(at));
	EXPECT_EQ(expected_large(2 * LARGE), shown_large(child_at));
	EXPECT_EQ(0, info_of(vmo).committed_private_bytes);
	*word_of(at, 5) = 1000000;
	*word_of(child_at, 900) = 2000000;
	EXPECT_EQ(PAGE, info_of(vmo).committed_private_bytes - PAGE);
	EXPECT_EQ(2 * LARGE, committed(vmo));
	for (i = 0; i < 2 * LARGE_PAGES; i++) {
		ASSERT_EQ(i == 5 ? 1000000 : i + 2, *word_of(at, i));
		ASSERT_EQ(i == 900 ? 2000000 : i + 2, *word_of(child_at, i));
	}
	zx_handle_close(child);
	munmap(child_at, 2 * LARGE);
	/* What was shared is this VMO's again, but for the page that it has copied. */
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		*word_of(at, i) = i + 3;
	EXPECT_TRUE(pages_hold(vmo, 0, 2 * LARGE_PAGES, 3));
	EXPECT_EQ(2 * LARGE, info_of(vmo).committed_private_bytes);
}

/* A child at an offset counts its pages from the middle of a large folio. */
TEST(snapshot_of_a_part)
{
	zx_handle_t vmo = large_vmo(3, 0, 1), child;
	unsigned char *at = map_large(vmo, 3), *child_at;
	size_t i;

	*word_of(at, 0) = 1;
	child = snapshot_of(vmo, 100 * PAGE, 2 * LARGE);
	EXPECT_EQ(2 * LARGE, committed(child));
	child_at = map_large(child, 2);
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		ASSERT_EQ(i + 101, *word_of(child_at, i));
	zx_handle_close(vmo);
	munmap(at, 3 * LARGE);
	EXPECT_EQ(2 * LARGE, info_of(child).committed_private_bytes);
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		*word_of(child_at, i) += 1;
	EXPECT_TRUE(pages_hold(child, 0, 2 * LARGE_PAGES, 102));
}

/* Most of each folio goes: memory comes back, and the rest stays as it is. */
/* What is charged to the cgroup of the process. */
static size_t memory_used(void)
{
	static char group[128];

	if (!*group) {
		if (!make_group(group, sizeof(group)))
			return 0;
		write_file(group, "cgroup.procs", "0");
	}
	return read_number(group, "memory.current", "");
}

TEST(memory_of_partial_folios_comes_back)
{
	const size_t folios = 32, keep = 20;
	size_t before = memory_used(), i;
	zx_handle_t vmo = large_vmo(folios, ZX_VMO_RESIZABLE, 1);
	unsigned char *at = map_large(vmo, folios);

	for (i = 0; i < folios * LARGE_PAGES; i++)
		*word_of(at, i) = i + 2;
	before = memory_used();
	EXPECT_LT(folios * LARGE, before);
	for (i = 0; i < folios; i++)
		ASSERT_EQ(ZX_OK, op_range(vmo, i % 2 ? ZX_VMO_OP_DECOMMIT : ZX_VMO_OP_ZERO,
					  i * LARGE + keep * PAGE, LARGE - keep * PAGE));
	EXPECT_EQ(folios * keep * PAGE, committed(vmo));
	EXPECT_GT(before - folios * LARGE * 8 / 10, memory_used());
	for (i = 0; i < folios; i++)
		ASSERT_TRUE(pages_hold(vmo, i * LARGE_PAGES, i * LARGE_PAGES + keep, 2));
	for (i = 0; i < folios * LARGE_PAGES; i++)
		ASSERT_EQ(i % LARGE_PAGES < keep ? i + 2 : 0, *word_of(at, i));
	ASSERT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(2, page_value(vmo, 0));
}

/* Page by page, from the middle. */
TEST(decommit_of_single_pages)
{
	zx_handle_t vmo = large_vmo(1, 0, 1);
	unsigned char *at = map_large(vmo, 1);
	size_t i;

	*word_of(at, 0) = 1;
	for (i = 1; i < LARGE_PAGES; i++) {
		size_t page = i * 7 % LARGE_PAGES;

		ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, page * PAGE, PAGE));
		ASSERT_EQ(LARGE - i * PAGE, committed(vmo));
		ASSERT_EQ(0, *word_of(at, page));
		ASSERT_EQ(1, *word_of(at, 0));
	}
	/* The last page was never taken: 0 is no multiple of 7 below 512 * 7. */
	EXPECT_EQ(PAGE, committed(vmo));
}

/* What only a relative keeps from being given back is given back with it. */
TEST(memory_comes_back_from_relatives)
{
	const size_t folios = 32;
	zx_handle_t vmo, children[32];
	size_t before = memory_used(), i;

	vmo = large_vmo(folios, 0, 1);
	for (i = 0; i < folios; i++)
		children[i] = snapshot_of(vmo, i * LARGE + 3 * PAGE, PAGE);
	zx_handle_close(vmo);
	for (i = 0; i < folios; i++) {
		EXPECT_EQ(i * LARGE_PAGES + 4, page_value(children[i], 0));
		EXPECT_EQ(PAGE, info_of(children[i]).committed_private_bytes);
	}
	EXPECT_GT(before + folios * LARGE / 5, memory_used());
}

TEST(holes_in_a_large_mapping)
{
	zx_handle_t vmo = large_vmo(2, 0, 1);
	unsigned char *at = map_large(vmo, 2), *moved;
	size_t i;

	for (i = 0; i < 2 * LARGE_PAGES; i++)
		*word_of(at, i) = i + 1;
	EXPECT_EQ(0, munmap(at + 5 * PAGE, PAGE));
	EXPECT_EQ(0, mprotect(at + 20 * PAGE, PAGE, PROT_READ));
	EXPECT_EQ(0, madvise(at + 40 * PAGE, PAGE, MADV_DONTNEED));
	EXPECT_EQ(SIGSEGV, probe_read(at + 5 * PAGE));
	EXPECT_EQ(SIGSEGV, probe_write(at + 20 * PAGE, 1));
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		if (i != 5)
			ASSERT_EQ(i + 1, *word_of(at, i));
	moved = mremap(at + LARGE, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       anon_pages(LARGE_PAGES, PROT_NONE));
	ASSERT_NE(MAP_FAILED, moved);
	for (i = 0; i < LARGE_PAGES; i++) {
		ASSERT_EQ(LARGE_PAGES + i + 1, *word_of(moved, i));
		*word_of(moved, i) = i;
		ASSERT_EQ(i, page_value(vmo, LARGE_PAGES + i));
	}
}

/* The kernel may want to split what is mapped in part. */
TEST(advice_on_a_part)
{
	zx_handle_t vmo = large_vmo(1, 0, 1), child;
	unsigned char *at = map_large(vmo, 1);
	size_t i;

	for (i = 0; i < LARGE_PAGES; i++)
		*word_of(at, i) = i + 1;
	madvise(at, 16 * PAGE, MADV_COLD);
	madvise(at + 16 * PAGE, 16 * PAGE, MADV_PAGEOUT);
	madvise(at, LARGE, MADV_PAGEOUT);
	madvise(at, LARGE, MADV_COLLAPSE);
	EXPECT_TRUE(pages_hold(vmo, 0, LARGE_PAGES, 1));
	munmap(at, PAGE);
	*word_of(at, 1) = 2;
	madvise(at + 2 * PAGE, 16 * PAGE, MADV_COLD);
	madvise(at + PAGE, LARGE - PAGE, MADV_PAGEOUT);
	child = snapshot_of(vmo, 0, LARGE);
	*word_of(at, 3) = 0;
	EXPECT_TRUE(pages_hold(child, 0, LARGE_PAGES, 1));
	EXPECT_EQ(LARGE, committed(vmo));
}

TEST(private_mappings)
{
	zx_handle_t vmo = large_vmo(2, 0, 1);
	unsigned char *shared = map_large(vmo, 2);
	unsigned char *at = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				 descriptor_of(vmo), 0);
	size_t i;

	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		ASSERT_EQ(i + 1, *word_of(at, i));
	*word_of(at, 5) = 5000;
	*word_of(at, 600) = 6000;
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		*word_of(shared, i) = i + 2;
	for (i = 0; i < 2 * LARGE_PAGES; i++) {
		uint32_t want = i == 5 ? 5000 : i == 600 ? 6000 : i + 2;

		ASSERT_EQ(want, *word_of(at, i));
	}
	EXPECT_TRUE(pages_hold(vmo, 0, 2 * LARGE_PAGES, 2));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 2 * LARGE));
	EXPECT_EQ(5000, *word_of(at, 5));
	EXPECT_EQ(0, *word_of(at, 6));
}

/* What holds a page goes on with the parent's. */
TEST(held_page_across_a_snapshot)
{
	zx_handle_t vmo = large_vmo(1, 0, 1), child;
	unsigned char *at = map_large(vmo, 1);
	struct iovec iov = { .iov_base = at + 8 * PAGE, .iov_len = 4 };
	uint32_t seen;
	int pipes[2];
	size_t i;

	ASSERT_EQ(0, pipe(pipes));
	for (i = 0; i < LARGE_PAGES; i++)
		*word_of(at, i) = i + 1;
	ASSERT_EQ(4, vmsplice(pipes[1], &iov, 1, 0));
	child = snapshot_of(vmo, 0, LARGE);
	for (i = 0; i < LARGE_PAGES; i++)
		*word_of(at, i) = i + 2;
	EXPECT_TRUE(pages_hold(child, 0, LARGE_PAGES, 1));
	EXPECT_TRUE(pages_hold(vmo, 0, LARGE_PAGES, 2));
	ASSERT_EQ(4, read(pipes[0], &seen, 4));
	EXPECT_EQ(8 + 2, seen);
}

/* A part of a folio stays where it is while somebody holds a page of it. */
TEST(held_page_and_decommit)
{
	zx_handle_t vmo = large_vmo(1, 0, 1);
	unsigned char *at = map_large(vmo, 1);
	struct iovec iov = { .iov_base = at + 8 * PAGE, .iov_len = 4 };
	uint32_t seen;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	*word_of(at, 8) = 8;
	ASSERT_EQ(4, vmsplice(pipes[1], &iov, 1, 0));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 9 * PAGE, LARGE - 9 * PAGE));
	EXPECT_EQ(9 * PAGE, committed(vmo));
	*word_of(at, 8) = 88;
	ASSERT_EQ(4, read(pipes[0], &seen, 4));
	EXPECT_EQ(88, seen);
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(8 * PAGE, committed(vmo));
	EXPECT_EQ(88, page_value(vmo, 8));
	EXPECT_EQ(8, page_value(vmo, 7));
}

TEST(cache_policy_of_large_folios)
{
	zx_handle_t vmo = large_vmo(2, 0, 1);
	unsigned char *at;
	size_t i;

	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(2 * LARGE, committed(vmo));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_COMMIT, 0, 2 * LARGE));
	at = map_large(vmo, 2);
	for (i = 0; i < 2 * LARGE_PAGES; i++)
		ASSERT_EQ(i + 1, *word_of(at, i));
	EXPECT_EQ(0, shown_large(at));
	munmap(at, 2 * LARGE);
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(pages_hold(vmo, 0, 2 * LARGE_PAGES, 1));
}

static zx_status_t transfer(zx_handle_t to, size_t page, size_t count, zx_handle_t from,
			    size_t source)
{
	return zx_vmo_transfer_data(to, 0, page * PAGE, count * PAGE, from, source * PAGE);
}

TEST(transfers)
{
	zx_handle_t from = large_vmo(3, 0, 1), to = large_vmo(3, 0, 10000);
	unsigned char *at = map_large(to, 3);

	*word_of(at, 0) = 10000;
	ASSERT_EQ(ZX_OK, transfer(to, 512, 512, from, 0));
	EXPECT_TRUE(pages_hold(to, 0, 512, 10000));
	EXPECT_TRUE(pages_hold(to, 512, 1024, 1 - 512U));
	EXPECT_EQ(513, *word_of(at, 1024 - 512) + 512);
	EXPECT_EQ(2 * LARGE, committed(from));
	/* A part, and one that is not aligned. */
	ASSERT_EQ(ZX_OK, transfer(to, 3, 100, from, 700));
	EXPECT_TRUE(pages_hold(to, 3, 103, 701 - 3U));
	EXPECT_TRUE(pages_hold(to, 103, 512, 10000));
	EXPECT_TRUE(holds(from, 0, 700 * PAGE, 800 * PAGE));
	EXPECT_TRUE(pages_hold(from, 800, 1536, 1));
	/* Where nothing is taken from, and into itself. */
	ASSERT_EQ(ZX_OK, transfer(from, 0, 512, from, 1024));
	EXPECT_TRUE(pages_hold(from, 0, 512, 1025));
	EXPECT_EQ((512 + 412) * PAGE, committed(from));
	EXPECT_EQ(3 * LARGE, committed(to));
}

/* Futexes. */

static long futex(uint32_t *word, int op, uint32_t value)
{
	struct timespec timeout = { .tv_sec = 8 };

	return syscall(SYS_futex, word, op, value, &timeout, NULL, 0);
}

static int wait_for_word(void *arg)
{
	HOLDS(!futex(arg, FUTEX_WAIT, 0));
	return 0;
}

FIXTURE(waiter) {
	zx_handle_t vmo;
	unsigned char *at;
	uint32_t *word;
	pid_t pid;
};

FIXTURE_SETUP(waiter)
{
	self->vmo = large_vmo(1, 0, 1);
	self->at = map_large(self->vmo, 1);
	self->word = word_of(self->at, 77);
	*self->word = 0;
	self->pid = start_child(wait_for_word, self->word);
	ASSERT_TRUE(wait_blocked(self->pid));
}

FIXTURE_TEARDOWN(waiter)
{
}

TEST_F(waiter, of_before_a_snapshot_hears_the_parent)
{
	zx_handle_t child = snapshot_of(self->vmo, 0, LARGE), other;
	unsigned char *at = map_large(child, 1);

	*self->word = 1;
	/* The child is a stranger, also once it has a page of its own. */
	EXPECT_EQ(0, futex(word_of(at, 77), FUTEX_WAKE, 1));
	*word_of(at, 77) = 2;
	EXPECT_EQ(0, futex(word_of(at, 77), FUTEX_WAKE, 1));
	other = snapshot_of(self->vmo, 0, LARGE);
	*self->word = 3;
	EXPECT_EQ(1, futex(self->word, FUTEX_WAKE, 1));
	EXPECT_EQ(0, end_child(self->pid));
	EXPECT_EQ(2, page_value(child, 77));
	EXPECT_EQ(1, page_value(other, 77));
}

/* The page that the parent has left is the child's alone, and yet another's. */
TEST_F(waiter, of_the_child_does_not_hear_the_parent)
{
	zx_handle_t child = snapshot_of(self->vmo, 0, LARGE);
	unsigned char *at = map_large(child, 1);
	uint32_t *word = word_of(at, 77);
	pid_t pid;

	*self->word = 1;
	ASSERT_EQ(0, *word);
	pid = start_child(wait_for_word, word);
	ASSERT_TRUE(wait_blocked(pid));
	EXPECT_EQ(1, futex(self->word, FUTEX_WAKE, 9));
	EXPECT_EQ(0, end_child(self->pid));
	EXPECT_EQ(1, futex(word, FUTEX_WAKE, 9));
	EXPECT_EQ(0, end_child(pid));
}

TEST_F(waiter, of_a_page_that_is_copied_when_the_rest_goes)
{
	ASSERT_EQ(ZX_OK, op_range(self->vmo, ZX_VMO_OP_DECOMMIT, 100 * PAGE, LARGE - 100 * PAGE));
	EXPECT_EQ(1, futex(self->word, FUTEX_WAKE, 1));
	EXPECT_EQ(0, end_child(self->pid));
}

TEST_F(waiter, of_a_page_that_moves)
{
	zx_handle_t to = large_vmo(1, 0, 1), child;
	unsigned char *at = map_large(to, 1);

	ASSERT_EQ(ZX_OK, transfer(to, 10, 3, self->vmo, 76));
	child = snapshot_of(to, 0, LARGE);
	*word_of(at, 11) = 1;
	EXPECT_EQ(1, futex(word_of(at, 11), FUTEX_WAKE, 1));
	EXPECT_EQ(0, end_child(self->pid));
	EXPECT_EQ(0, page_value(child, 11));
}

TEST_HARNESS_MAIN
