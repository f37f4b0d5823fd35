// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to many slots of a leaf of the page map, or to their pages, in
 * one call.
 */
#include <linux/mm.h>

#include "helpers.h"

/*
 * Of the slots that are set in @which: those that hold a page, and in @owned
 * those among them whose page may be written in place, in a leaf that nobody
 * shares.
 */
u64 zx_slots_sort(struct page *const *slots, u64 which, u64 touched, u64 *owned)
{
	u64 filled = 0, alone;

	for (; which; which &= which - 1) {
		if (READ_ONCE(slots[__ffs64(which)]))
			filled |= which & -which;
	}
	alone = zx_slots_alone(slots, filled);
	*owned = alone & ~zx_slots_held(slots, alone & ~touched);
	return filled;
}

/* Fills @to, which is empty, with what @from holds: one sharer more for each. */
void zx_slots_share(struct page **to, struct page *const *from,
		    unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		/* Pairs with the release that filled the slot. */
		struct page *page = smp_load_acquire(&from[i]);

		if (!page)
			continue;
		zx_page_share(page);
		to[i] = page;
	}
}

/* Gives up the sharers of slots that nobody else can reach. */
void zx_slots_drop(struct page *const *slots, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct page *page = slots[i];

		if (page && zx_page_unshare(page))
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
	if (large && zx_large_begin_insert(folio, vma, address))
		return 0;
	vm_flags_init(&mixed, vma->vm_flags | VM_MIXEDMAP);
	vm_insert_pages(&mixed, address, (struct page **)pages, &left);
	if (large)
		zx_large_end_insert(folio);
	return count - left;
}
