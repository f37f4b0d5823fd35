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
	u64 filled = 0;

	*owned = 0;
	for (; which; which &= which - 1) {
		u64 bit = which & -which;
		struct page *page = READ_ONCE(slots[__ffs64(which)]);

		if (!page)
			continue;
		filled |= bit;
		if (atomic_long_read_acquire(page_sharers(page)) == 1 &&
		    (touched & bit || page_ref_count(page) == 1))
			*owned |= bit;
	}
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
		atomic_long_inc(page_sharers(page));
		to[i] = page;
	}
}

/* Gives up the sharers of slots that nobody else can reach. */
void zx_slots_drop(struct page *const *slots, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct page *page = slots[i];

		if (page && atomic_long_dec_and_test(page_sharers(page)))
			zx_page_free(page);
	}
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
	unsigned long left = count;
	struct vm_area_struct mixed = {
		.vm_start = vma->vm_start,
		.vm_end = vma->vm_end,
		.vm_mm = vma->vm_mm,
		/* The mapping's own makes the first write fault if that is trapped. */
		.vm_page_prot = write ? vm_get_page_prot(vma->vm_flags) :
					vma->vm_page_prot,
	};

	vm_flags_init(&mixed, vma->vm_flags | VM_MIXEDMAP);
	vm_insert_pages(&mixed, address, (struct page **)pages, &left);
	return count - left;
}
