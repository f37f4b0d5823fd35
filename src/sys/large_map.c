// SPDX-License-Identifier: GPL-2.0
/*
 * Large folios in page tables: as a whole, or page by page. Both are counted, so
 * that users of another kind can be told (zx_large_held()).
 */
#include <linux/mm.h>

#include "large.h"

/*
 * Whether somebody has a reference who is neither a page map nor a translation.
 * Never wrongly false, whatever mappings of relatives come and go:
 *  - Who makes a translation takes the reference first and counts the
 *    translation then; who removes one does it the other way around. So with
 *    the references read first, translations that go make the result true.
 *  - While one is made here, the result is true: as none had begun at the end
 *    that had not ended at the start, none was being made in between.
 *  - fork() copies those of private mappings, without our knowledge; that is
 *    why translations are counted twice.
 * A pin, which is what most writers have, is counted on its own.
 */
bool zx_large_held(struct folio *folio)
{
	struct large_folio *large = large_of(folio);
	int ended = atomic_read_acquire(&large->ended);
	int before = folio_mapcount(folio);
	int references, after;

	smp_rmb();	/* translations, references, translations: see above */
	references = folio_ref_count(folio);
	smp_rmb();	/* as before */
	after = folio_mapcount(folio);
	smp_rmb();	/* before what has begun; pairs with the inserts */
	if (atomic_read(&large->begun) != ended || folio_maybe_dma_pinned(folio))
		return true;
	return references > 1 + min(before, after);
}

static pmd_t *pmd_of(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud) || pud_leaf(*pud))
		return NULL;
	return pmd_offset(pud, address);
}

/*
 * Before a page of the folio is entered by an entry of its own. Whether it is in
 * the page table already, as a part of the whole: then it must not be entered.
 * As the whole is only entered with the store's lock held for writing, and the
 * caller has it for reading, that cannot change to true meanwhile.
 */
bool zx_large_begin_insert(struct folio *folio, struct vm_area_struct *vma,
			   unsigned long address)
{
	pmd_t *pmd = pmd_of(vma->vm_mm, address);

	if (pmd && pmd_trans_huge(pmdp_get_lockless(pmd)))
		return true;
	atomic_inc(&large_of(folio)->begun);
	smp_mb__after_atomic();	/* zx_large_held() sees this before the reference */
	return false;
}

void zx_large_end_insert(struct folio *folio)
{
	smp_mb__before_atomic();	/* pairs with zx_large_held() */
	atomic_inc(&large_of(folio)->ended);
}

/*
 * Enters the whole folio that begins with `page`. The mapping covers all of the
 * aligned 2 MiB, and the caller has the lock of its store for writing: nobody
 * else can put a page table there after it was looked for, which the kernel
 * would warn of.
 */
vm_fault_t zx_fault_insert_large(struct vm_fault *vmf, struct page *page,
				 bool write)
{
	struct folio *folio = page_folio(page);
	struct large_folio *large = large_of(folio);
	pmd_t pmd = pmdp_get_lockless(vmf->pmd);
	vm_fault_t result;

	if (!pmd_none(pmd) &&
	    (!pmd_trans_huge(pmd) || pmd_pfn(pmd) != folio_pfn(folio)))
		return VM_FAULT_FALLBACK;
	if (zx_large_is_full(folio))
		return VM_FAULT_FALLBACK;
	atomic_inc(&large->begun);
	smp_mb__after_atomic();	/* pairs with zx_large_held() */
	result = vmf_insert_folio_pmd(vmf, folio, write);
	zx_large_end_insert(folio);
	return result;
}
