// SPDX-License-Identifier: GPL-2.0
/*
 * Large folios: 2 MiB in one piece, whose pages are counted one by one.
 *
 * A slot of a page map leads to a page, be it one of a large folio or a folio
 * of its own. What is kept in struct page for a single page has no room there
 * for one of a large folio; it is in a struct large_folio at folio->private,
 * for as long as some slot leads to a page of the folio. All page maps together
 * have one reference to the folio, as they have one to a single page.
 *
 * A futex is known by the mapping of a folio and by folio->index plus the number
 * of the page in it. A page of a large folio cannot be given another number, so
 * one whose number was handed over to a copy is noted as such. It counts as
 * shared for good: it is not written in place any more, but copied first, and
 * the copy has a number of its own.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/unroll.h>

#include "helpers.h"
#include "page.h"

#define PAGES	ZX_C_LARGE_PAGES

struct large_folio {
	/* Pages that some slot leads to. */
	atomic_t live;
	/* Translations that were about to be made, and that then were. */
	atomic_t begun;
	atomic_t ended;
	/* Whose memory it is, all of it until the last page goes. */
	struct zx_account *account;
	/* For whom the pages of each leaf were made; see zx_page_hand_over(). */
	u64 owner[PAGES / LEAF];
	/* Or each page, once some of a leaf were moved to another owner; 0: its leaf's. */
	u64 *owners;
	/* Pages whose number is another page's now. */
	DECLARE_BITMAP(given, PAGES);
	/*
	 * Slots that lead to a page. Negative: more than can be counted. All of
	 * them have a slot but those that are not live; the others' further slots
	 * are counted together as well, not too few.
	 */
	atomic_t sharers[PAGES];
	atomic_long_t further;
};

static struct kmem_cache *large_cache;

/* Folios of which some slots lead to less than half. */
static atomic_long_t sparse_folios;

/* See page.h. */
atomic_long_t zx_large_folios;

static bool is_sparse(int live)
{
	return live < PAGES / 2;
}

/*
 * Large folios have a mapping of their own, of the same inode: it tells the
 * kernel that they cannot be split (which madvise(2) would try).
 */
static struct address_space large_identity;

int zx_large_init(void)
{
	large_cache = kmem_cache_create("zxvmo_large",
					sizeof(struct large_folio), 0, 0, NULL);
	return large_cache ? 0 : -ENOMEM;
}

void zx_large_exit(void)
{
	kmem_cache_destroy(large_cache);
}

void zx_large_identity_init(struct inode *identity)
{
	address_space_init_once(&large_identity);
	large_identity.host = identity;
	large_identity.a_ops = identity->i_data.a_ops;
	mapping_set_unevictable(&large_identity);
	mapping_set_folio_order_range(&large_identity, PMD_ORDER, PMD_ORDER);
}

static struct large_folio *large_of(const struct folio *folio)
{
	return folio->private;
}

/*
 * Takes what is free at once: what is short of memory is better served page by
 * page, and nothing has to be reclaimed or moved for it.
 */
struct page *zx_large_alloc(u64 owner, struct zx_account *account,
			    unsigned long number)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ZERO | __GFP_ACCOUNT |
		    __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
	struct large_folio *large;
	struct folio *folio;
	unsigned int i;

	BUILD_BUG_ON(PAGES != 1 << ZX_C_LARGE_ORDER);
	if (ZX_C_LARGE_ORDER != PMD_ORDER)
		return NULL;
	if (!zx_account_charge(account, PAGES))
		return NULL;
	large = kmem_cache_zalloc(large_cache, ZX_C_GFP_NODE);
	if (!large)
		goto uncharge;
	folio = folio_alloc(gfp & ~__GFP_RECLAIM, ZX_C_LARGE_ORDER);
	if (!folio)
		goto free;
	memset64(large->owner, owner, PAGES / LEAF);
	large->account = account;
	atomic_set(&large->live, PAGES);
	for (i = 0; i < PAGES; i++)
		atomic_set(&large->sharers[i], 1);
	folio->private = large;
	folio->index = number;
	folio->mapping = &large_identity;
	atomic_long_inc(&zx_large_folios);
	return &folio->page;

free:
	kmem_cache_free(large_cache, large);
uncharge:
	zx_account_uncharge(account, PAGES);
	return NULL;
}

/* The number of a page in its large folio; negative for a single page. */
int zx_large_index(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_large(folio) ? folio_page_idx(folio, page) : -1;
}

/* How many pages of a large folio are still in some slot; 0 for a single page. */
unsigned int zx_large_live(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_large(folio) ? atomic_read(&large_of(folio)->live) : 0;
}

/* How many pages of a sparse folio are still in some slot; 0 for any other. */
unsigned int zx_large_rest(struct page *page)
{
	unsigned int live = zx_large_live(page);

	return is_sparse(live) ? live : 0;
}

bool zx_large_any(void)
{
	return any_large();
}

bool zx_large_any_sparse(void)
{
	return atomic_long_read(&sparse_folios) > 0;
}

unsigned int zx_slots_first_sparse(struct page *const *slots, unsigned int from,
				   unsigned int end)
{
	for (; from < end; from++)
		if (slots[from] && zx_large_rest(slots[from]))
			break;
	return from;
}

static void share(atomic_t *sharers)
{
	/* As refcount_t does: the page is rather lost than freed early. */
	if (atomic_inc_return(sharers) < 0)
		atomic_set(sharers, INT_MIN / 2);
}

void zx_large_share(struct folio *folio, struct page *page)
{
	struct large_folio *large = large_of(folio);

	atomic_long_inc(&large->further);
	share(&large->sharers[folio_page_idx(folio, page)]);
}

bool zx_large_unshare(struct folio *folio, struct page *page)
{
	struct large_folio *large = large_of(folio);
	atomic_t *sharers = &large->sharers[folio_page_idx(folio, page)];
	int left = atomic_dec_return(sharers);

	if (left < 0)
		atomic_set(sharers, INT_MIN / 2);
	else if (left > 0)
		atomic_long_dec(&large->further);
	return !left;
}

unsigned int zx_large_slots(struct folio *folio, const struct page *page)
{
	return atomic_read_acquire(&large_of(folio)->sharers[folio_page_idx(folio, page)]);
}

unsigned long zx_large_sharers(struct folio *folio, const struct page *page)
{
	struct large_folio *large = large_of(folio);
	unsigned int i = folio_page_idx(folio, page);

	return zx_large_slots(folio, page) + test_bit(i, large->given);
}

/* No slot leads to `count` pages any more. */
static void free_pages_of(struct folio *folio, int count)
{
	struct large_folio *large = large_of(folio);
	int live = atomic_sub_return(count, &large->live);

	if (is_sparse(live) && !is_sparse(live + count))
		atomic_long_inc(&sparse_folios);
	if (live)
		return;
	atomic_long_dec(&sparse_folios);
	atomic_long_dec(&zx_large_folios);
	folio->private = NULL;
	WRITE_ONCE(folio->mapping, NULL);
	folio_put(folio);
	zx_account_uncharge(large->account, PAGES);
	kfree(large->owners);
	kmem_cache_free(large_cache, large);
}

void zx_large_free_page(struct folio *folio)
{
	free_pages_of(folio, 1);
}

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

static u64 owner_of(const struct large_folio *large, unsigned int i)
{
	u64 *owners = READ_ONCE(large->owners);

	return owners && owners[i] ? owners[i] : large->owner[i / LEAF];
}

/* The number of a page that was made for `owner` and still has it. */
bool zx_large_lend_number(struct folio *folio, struct page *page, u64 owner,
			  unsigned long *number)
{
	struct large_folio *large = large_of(folio);
	unsigned int i = folio_page_idx(folio, page);

	if (owner_of(large, i) != owner)
		return false;
	if (test_bit(i, large->given))
		return false;
	*number = folio->index + i;
	return true;
}

/* As above; a copy of the page has it from now on. */
bool zx_large_hand_over(struct folio *folio, struct page *page, u64 owner,
			unsigned long *number)
{
	if (!zx_large_lend_number(folio, page, owner, number))
		return false;
	set_bit(folio_page_idx(folio, page), large_of(folio)->given);
	return true;
}

/*
 * Makes room for the pages in the slots of a leaf to have owners of their own. A
 * leaf that is moved as a whole has room.
 */
int zx_slots_reserve_owners(struct page *const *slots, bool all)
{
	struct large_folio *last = NULL;
	unsigned int i;

	if (all && zx_large_leaf(slots))
		return 0;
	for (i = 0; i < LEAF; i++) {
		struct folio *folio = slots[i] ? page_folio(slots[i]) : NULL;
		struct large_folio *large;
		u64 *owners;

		if (!folio || !folio_test_large(folio))
			continue;
		large = large_of(folio);
		if (large == last || READ_ONCE(large->owners))
			continue;
		last = large;
		owners = kcalloc(PAGES, sizeof(*owners), ZX_C_GFP_NODE);
		if (!owners)
			return -ENOMEM;
		/* Somebody who has other pages of the folio may be faster. */
		if (cmpxchg(&large->owners, NULL, owners))
			kfree(owners);
	}
	return 0;
}

/* After zx_slots_reserve_owners(). */
void zx_large_set_owner(struct folio *folio, struct page *page, u64 owner)
{
	u64 *owners = READ_ONCE(large_of(folio)->owners);

	if (owners)
		owners[folio_page_idx(folio, page)] = owner;
}

/* As above, for each page of a leaf. */
void zx_large_leaf_set_owner(struct folio *folio, const struct page *first,
			     u64 owner)
{
	struct large_folio *large = large_of(folio);
	unsigned int from = folio_page_idx(folio, first);
	u64 *owners = READ_ONCE(large->owners);

	large->owner[from / LEAF] = owner;
	/* One that is made at the same time says nothing of these pages. */
	if (owners)
		memset64(owners + from, 0, LEAF);
}

/* Whether the slots lead to as many pages in order, from page `first` on. */
bool zx_slots_are(struct page *const *slots, unsigned int count,
		  struct page *first)
{
	unsigned long differ = 0;
	unsigned int i;

	unrolled_count(8)
	for (i = 0; i < count; i++)
		differ |= (unsigned long)READ_ONCE(slots[i]) ^
			  (unsigned long)(first + i);
	return !differ;
}

void zx_slots_fill(struct page **slots, unsigned int count, struct page *first)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		slots[i] = first + i;
}

/*
 * The large folio that all slots of a leaf lead to, in order; else NULL. What is
 * below treats such a leaf as a whole: a snapshot of 64 MiB that are mapped by
 * large folios looks at 256 of them (582 thousand instructions page by page, 249
 * with this).
 */
struct folio *zx_large_leaf(struct page *const *slots)
{
	struct page *first = READ_ONCE(slots[0]);
	unsigned long differ = 0;
	struct folio *folio;
	unsigned int i;

	BUILD_BUG_ON(PAGES % LEAF || LEAF != BITS_PER_LONG);
	if (!first)
		return NULL;
	folio = page_folio(first);
	if (!folio_test_large(folio) || folio_page_idx(folio, first) % LEAF)
		return NULL;
	/* Three instructions for each: five if this were zx_slots_are(). */
#pragma GCC unroll 64
	for (i = 0; i < LEAF; i++)
		differ |= (unsigned long)READ_ONCE(slots[i]) ^
			  (unsigned long)(first + i);
	return differ ? NULL : folio;
}

/* Whether each page of the leaf has one sharer; only if no page of the folio has more. */
bool zx_large_leaf_alone(struct folio *folio, const struct page *first)
{
	struct large_folio *large = large_of(folio);

	/* Who let go of a page has done with it. */
	return !atomic_long_read_acquire(&large->further) &&
	       !READ_ONCE(large->given[folio_page_idx(folio, first) / LEAF]);
}

/* One sharer more for each page of the leaf. */
void zx_large_leaf_share(struct folio *folio, const struct page *first)
{
	struct large_folio *large = large_of(folio);
	unsigned int i, from = folio_page_idx(folio, first);

	atomic_long_add(LEAF, &large->further);
	for (i = from; i < from + LEAF; i++)
		share(&large->sharers[i]);
}

/* One sharer less for each page of the leaf. */
void zx_large_leaf_drop(struct folio *folio, const struct page *first)
{
	struct large_folio *large = large_of(folio);
	unsigned int i, from = folio_page_idx(folio, first), last = 0, further = 0;

	for (i = from; i < from + LEAF; i++) {
		int left = atomic_dec_return(&large->sharers[i]);

		if (left < 0)
			atomic_set(&large->sharers[i], INT_MIN / 2);
		else if (left > 0)
			further++;
		else
			last++;
	}
	if (further)
		atomic_long_sub(further, &large->further);
	if (last)
		free_pages_of(folio, last);
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
	atomic_inc(&large->begun);
	smp_mb__after_atomic();	/* pairs with zx_large_held() */
	result = vmf_insert_folio_pmd(vmf, folio, write);
	zx_large_end_insert(folio);
	return result;
}
