// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to many slots of a leaf of the page map, or to their pages, in
 * one call.
 */
#include <linux/mm.h>
#include <linux/unroll.h>

#include "helpers.h"
#include "page.h"

unsigned int zx_slots_filled(struct page *const *slots, unsigned int count)
{
	unsigned int i, filled = 0;

	unrolled_count(8)
	for (i = 0; i < count; i++)
		filled += !!READ_ONCE(slots[i]);
	return filled;
}

/*
 * Mostly the first slots tell: DECOMMIT of single pages asks this for each node
 * on the way (1180 of its 4090 instructions when it counted them).
 */
bool zx_slots_empty(struct page *const *slots, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (READ_ONCE(slots[i]))
			return false;
	return true;
}

/*
 * What goes over all slots comes in two forms: while there is no large folio at
 * all, pages are not asked whether they are in one. With zx_slots_set_owner(),
 * this takes 20 instructions for each page that is transferred, instead of 55.
 */
static __always_inline unsigned int
first_shared(struct page *const *slots, unsigned int from, unsigned int end,
	     const bool large)
{
	unrolled_count(8)
	for (; from < end; from++) {
		struct page *page = READ_ONCE(slots[from]);

		if (!page)
			continue;
		if (large ? zx_page_sharers(page) > 1 :
			    atomic_long_read_acquire(page_sharers(page)) > 1)
			break;
	}
	return from;
}

unsigned int zx_slots_first_shared(struct page *const *slots, unsigned int from,
				   unsigned int end)
{
	struct folio *whole;

	if (!any_large())
		return first_shared(slots, from, end, false);
	whole = zx_large_leaf(slots);
	if (whole && zx_large_leaf_alone(whole, slots[0]))
		return end;
	return first_shared(slots, from, end, true);
}

static __always_inline void set_owner(struct page *const *slots,
				      unsigned int count, u64 owner,
				      const bool large)
{
	unsigned int i;

	unrolled_count(8)
	for (i = 0; i < count; i++) {
		struct page *page = slots[i];

		if (!page)
			continue;
		if (large && PageCompound(page))
			zx_large_set_owner(page_folio(page), page, owner);
		else
			*page_owner(page) = (*page_owner(page) & ~PAGE_OWNER) | owner;
	}
}

void zx_slots_set_owner(struct page *const *slots, u64 owner)
{
	struct folio *whole;

	if (!any_large()) {
		set_owner(slots, LEAF, owner, false);
		return;
	}
	whole = zx_large_leaf(slots);
	if (whole)
		zx_large_leaf_set_owner(whole, slots[0], owner);
	else
		set_owner(slots, LEAF, owner, true);
}

/* Whether the page in a slot has one sharer; `large`: see any_large(). */
static bool is_alone(struct page *page, bool large)
{
	if (large)
		return zx_page_sharers(page) == 1;
	return atomic_long_read_acquire(page_sharers(page)) == 1;
}

/* As zx_slots_alone(); `whole` is what zx_large_leaf() says. */
static u64 slots_alone(struct page *const *slots, u64 among, bool large,
		       struct folio *whole)
{
	u64 alone = 0;

	if (whole && zx_large_leaf_alone(whole, slots[0]))
		return among;
	for (; among; among &= among - 1) {
		struct page *page = READ_ONCE(slots[__ffs64(among)]);

		if (page && is_alone(page, large))
			alone |= among & -among;
	}
	return alone;
}

/* Which of the pages in the slots have one sharer, of those in @among. */
u64 zx_slots_alone(struct page *const *slots, u64 among)
{
	bool large = any_large();

	return slots_alone(slots, among, large,
			   large ? zx_large_leaf(slots) : NULL);
}

/*
 * All pages of a large folio are held or none, as nobody can tell which of them
 * somebody means.
 */
static u64 slots_held(struct page *const *slots, u64 among)
{
	struct folio *last = NULL;
	bool is_held = false;
	u64 held = 0;

	for (; among; among &= among - 1) {
		struct page *page = READ_ONCE(slots[__ffs64(among)]);
		struct folio *folio;

		if (!page)
			continue;
		folio = page_folio(page);
		if (folio != last)
			is_held = zx_page_held(page);
		last = folio;
		if (is_held)
			held |= among & -among;
	}
	return held;
}

/*
 * As zx_slots_alone(); and which of these pages are held. In one pass and without
 * a call for each page: a snapshot does this to all that was touched since the
 * last one (73 instructions a page as it was, 20 now).
 */
u64 zx_slots_alone_held(struct page *const *slots, u64 among, u64 *held)
{
	u64 alone = 0;

	*held = 0;
	if (any_large()) {
		struct folio *whole = zx_large_leaf(slots);

		alone = slots_alone(slots, among, true, whole);
		if (!whole)
			*held = slots_held(slots, alone);
		else if (zx_large_held(whole))
			*held = alone;
		return alone;
	}
	for (; among; among &= among - 1) {
		struct page *page = READ_ONCE(slots[__ffs64(among)]);

		if (!page || !is_alone(page, false))
			continue;
		alone |= among & -among;
		if (page_ref_count(page) > 1)
			*held |= among & -among;
	}
	return alone;
}

/*
 * Of the slots that are set in @which: those that hold a page, and in @owned
 * those among them whose page may be written in place, in a leaf that nobody
 * shares.
 */
u64 zx_slots_sort(struct page *const *slots, u64 which, u64 touched, u64 *owned)
{
	u64 filled = 0, alone, held;

	for (; which; which &= which - 1) {
		if (READ_ONCE(slots[__ffs64(which)]))
			filled |= which & -which;
	}
	alone = zx_slots_alone_held(slots, filled, &held);
	*owned = alone & (touched | ~held);
	return filled;
}

static __always_inline void share(struct page **to, struct page *const *from,
				  unsigned int count, const bool large)
{
	unsigned int i;

	unrolled_count(8)
	for (i = 0; i < count; i++) {
		/* Pairs with the release that filled the slot. */
		struct page *page = smp_load_acquire(&from[i]);

		to[i] = page;
		if (!page)
			continue;
		if (large)
			zx_page_share(page);
		else
			atomic_long_inc(page_sharers(page));
	}
}

/*
 * Fills @to, whatever is there, with what @from holds: one sharer more for each. No
 * call for each, as the first write to a leaf after a snapshot does this: 450
 * instructions for a leaf instead of 1460.
 */
void zx_slots_share(struct page **to, struct page *const *from,
		    unsigned int count)
{
	struct folio *whole;

	if (!any_large()) {
		share(to, from, count, false);
		return;
	}
	whole = zx_large_leaf(from);
	if (whole) {
		zx_large_leaf_share(whole, from[0]);
		memcpy(to, from, count * sizeof(*to));
	} else {
		share(to, from, count, true);
	}
}

/* Gives up the sharers of slots that nobody else can reach. */
void zx_slots_drop(struct page *const *slots, unsigned int count)
{
	bool large = any_large();
	struct folio *whole = large ? zx_large_leaf(slots) : NULL;
	unsigned int i;

	if (whole) {
		zx_large_leaf_drop(whole, slots[0]);
		return;
	}
	for (i = 0; i < count; i++) {
		struct page *page = slots[i];

		if (!page)
			continue;
		if (large ? zx_page_unshare(page) :
			    atomic_long_dec_and_test(page_sharers(page)))
			zx_page_free(page);
	}
}

/* Enters pages of a run one by one, where some are of large folios. */
static unsigned long insert_each(struct vm_area_struct *vma,
				 struct page *const *pages, unsigned long count,
				 unsigned long address, bool write)
{
	unsigned long i;

	for (i = 0; i < count; i++, address += PAGE_SIZE)
		zx_vma_insert(vma, pages[i], address, write);
	return count;
}

/*
 * Enters pages side by side, up to the first place where something is already,
 * and returns how many. vm_insert_pages() walks the page table once for eight
 * pages; but it wants VM_MIXEDMAP, and a mapping with that flag loses count of
 * its huge pages when they are split. So it gets a stand-in with the flag, of
 * which it needs no more than is set here.
 */
unsigned long zx_vma_insert_run(struct vm_area_struct *vma,
				struct page *const *pages, unsigned long count,
				unsigned long address, bool write)
{
	struct folio *folio = page_folio(pages[0]);
	unsigned long left = count, last = address + (count - 1) * PAGE_SIZE;
	bool large = folio_test_large(folio);
	unsigned long i;
	struct vm_area_struct mixed = {
		.vm_start = vma->vm_start,
		.vm_end = vma->vm_end,
		.vm_mm = vma->vm_mm,
		/* The mapping's own makes the first write fault if that is trapped. */
		.vm_page_prot = write ? vm_get_page_prot(vma->vm_flags) :
					vma->vm_page_prot,
	};

	/* Large folios are looked at first, each once for each page table. */
	for (i = 1; i < count; i++) {
		struct folio *next = page_folio(pages[i]);

		if (next != folio && (large || folio_test_large(next)))
			return insert_each(vma, pages, count, address, write);
	}
	if (large && ((address ^ last) & PMD_MASK))
		return insert_each(vma, pages, count, address, write);
	if (large && (zx_large_is_full(folio) ||
		      zx_large_begin_insert(folio, vma, address)))
		return 0;
	vm_flags_init(&mixed, vma->vm_flags | VM_MIXEDMAP);
	vm_insert_pages(&mixed, address, (struct page **)pages, &left);
	if (large)
		zx_large_end_insert(folio);
	return count - left;
}
