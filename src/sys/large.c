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

#include "helpers.h"
#include "large.h"

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

void zx_large_share(struct folio *folio, struct page *page)
{
	struct large_folio *large = large_of(folio);

	atomic_long_inc(&large->further);
	large_count(&large->sharers[folio_page_idx(folio, page)]);
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

void zx_large_free_pages(struct folio *folio, int count)
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
	zx_large_free_pages(folio, 1);
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
