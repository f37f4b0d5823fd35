// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are allocated and entered before anybody touches them: making them,
 * finding out which were touched, and giving the others back.
 */
#include <linux/log2.h>
#include <linux/mm.h>

#include "helpers.h"

/*
 * What there is at once: nobody waits for memory that perhaps is not needed, and
 * no cgroup reclaims for it.
 */
static const gfp_t gfp_ahead = (GFP_HIGHUSER & ~__GFP_DIRECT_RECLAIM) |
			       __GFP_ACCOUNT | __GFP_NORETRY |
			       __GFP_NOMEMALLOC | __GFP_NOWARN;

/*
 * Fills @count slots with new pages, or fewer if there is not so much memory at
 * once, and returns how many. The allocator is asked for blocks, which are split,
 * so that each page takes a part of one allocation only. (Pages that count for a
 * memory cgroup are no business of alloc_pages_bulk().)
 */
static unsigned int alloc_ahead(struct page **slots, unsigned int count,
				u64 owner, gfp_t gfp)
{
	unsigned int order = ilog2(count), done = 0, i;

	while (done < count) {
		struct page *block;

		order = min_t(unsigned int, order, ilog2(count - done));
		block = alloc_pages(gfp_ahead | gfp, order);
		if (!block && order) {
			order--;
			continue;
		}
		if (!block)
			break;
		if (order)
			split_page(block, order);
		for (i = 0; i < 1U << order; i++, done++) {
			zx_page_init(block + i, owner);
			/* Makes folio_mark_accessed() do nothing: see below. */
			__folio_set_dropbehind(page_folio(block + i));
			slots[done] = block + i;
		}
	}
	return done;
}

/*
 * Fills slots of a leaf that is the caller's alone, up to the first that is not
 * empty, @count at most; all or nothing if the user's limit is near. Returns how
 * many it filled.
 */
unsigned int zx_slots_fill_ahead(struct page **slots, unsigned int count,
				 u64 owner, struct zx_account *account)
{
	unsigned int room = 0, done;

	while (room < count && !slots[room])
		room++;
	if (!room || !zx_account_charge(account, room))
		return 0;
	done = alloc_ahead(slots, room, owner, __GFP_ZERO);
	zx_pages_set_account(slots, done, account);
	zx_account_uncharge(account, room - done);
	return done;
}

/*
 * Puts copies in the place of pages that others show as well, up to the first slot
 * that has none, @count at most; all or nothing if the user's limit is near. The
 * pages go to the slots of @former, which are empty. Returns how many.
 *
 * What is waited for in a page of the owner's is waited for in the copy: both have
 * the page's number until zx_slots_put_back() takes it from one of them.
 */
unsigned int zx_slots_copy_ahead(struct page **slots, struct page **former,
				 unsigned int count, u64 owner,
				 struct zx_account *account)
{
	unsigned int room = 0, made, done, i;

	while (room < count && slots[room] && zx_page_sharers(slots[room]) > 1)
		room++;
	if (!room || !zx_account_charge(account, room))
		return 0;
	made = alloc_ahead(former, room, owner, 0);
	zx_pages_set_account(former, made, account);
	zx_account_uncharge(account, room - made);
	for (done = 0; done < made; done++) {
		if (zx_page_copy(former[done], slots[done]))
			break;
		zx_page_lend_number(former[done], slots[done], owner);
		swap(slots[done], former[done]);
	}
	for (i = done; i < made; i++) {
		zx_page_free(former[i]);
		former[i] = NULL;
	}
	return done;
}

/*
 * The end of what zx_slots_copy_ahead() began: copies in the slots that are set in
 * @unused change places with the pages that they were made of, which have kept
 * their numbers. Those in @used take the numbers over.
 */
void zx_slots_put_back(struct page **slots, struct page **former, u64 unused,
		       u64 used, u64 owner)
{
	unsigned int i;

	for (; unused; unused &= unused - 1) {
		i = __ffs64(unused);
		swap(slots[i], former[i]);
	}
	for (; used; used &= used - 1) {
		i = __ffs64(used);
		if (slots[i] && former[i])
			zx_page_hand_over(slots[i], former[i], owner);
	}
}

/*
 * Of the slots that are set in @among: those whose page was
 * touched by somebody whose translation has been removed, or got hold of through
 * one. A write leaves its mark in the translation, which hands it on to the page,
 * and so does taking a reference in order to write. Taking one without a lock
 * (get_user_pages_fast()), for whatever, marks the page as referenced. The rest of
 * what does that, reading among it, uses folio_mark_accessed(), which leaves alone
 * what is only passing through the page cache, or looks so: PG_dropbehind.
 */
u64 zx_slots_used(struct page *const *slots, u64 among)
{
	u64 used = 0;

	for (; among; among &= among - 1) {
		struct page *page = slots[__ffs64(among)];
		struct folio *folio = page ? page_folio(page) : NULL;

		if (!folio)
			continue;
		if (folio_test_dirty(folio) || folio_test_referenced(folio))
			used |= among & -among;
	}
	return used;
}

struct written {
	unsigned long start;
	u64 pages;
};

static int note_written(pte_t *pte, unsigned long address, void *context)
{
	struct written *written = context;
	pte_t entry = ptep_get(pte);

	if (pte_present(entry) && pte_dirty(entry))
		written->pages |= BIT_ULL((address - written->start) >> PAGE_SHIFT);
	return 0;
}

/*
 * Which of @count pages from @address on, 64 at most, were written to through the
 * mapping, as bits. (A page table that has gone is made again, which does no
 * harm: apply_to_existing_page_range() is not exported.)
 */
u64 zx_vma_written(struct vm_area_struct *vma, unsigned long address,
		   unsigned int count)
{
	struct written written = { .start = address };

	apply_to_page_range(vma->vm_mm, address, (unsigned long)count << PAGE_SHIFT,
			    note_written, &written);
	return written.pages;
}
