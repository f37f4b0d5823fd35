/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What struct page is used for where the page is one of the module's and no part
 * of a large folio. Not for Rust: see page.rs.
 */
#ifndef _ZXVMO_PAGE_H
#define _ZXVMO_PAGE_H

#include <linux/mm.h>

/* How many slots of page maps hold the page. */
static inline atomic_long_t *page_sharers(const struct page *page)
{
	BUILD_BUG_ON(sizeof(page->private) != sizeof(atomic_long_t));
	return (atomic_long_t *)&page->private;
}

/*
 * The word with the owner, in its low 62 bits, also says above them how the
 * page is cached.
 */
#define PAGE_OWNER		GENMASK_U64(61, 0)
#define PAGE_CACHE_SHIFT	62
/* A change has failed halfway. */
#define PAGE_CACHE_UNKNOWN	0

static inline u64 *page_owner(struct page *page)
{
	BUILD_BUG_ON(sizeof(page->lru.prev) != sizeof(u64));
	return (u64 *)&page->lru.prev;
}

/* What is done with the mappings of pages and inodes: nothing (page.c). */
extern const struct address_space_operations zx_page_aops;

/* Slots of a leaf. */
#define LEAF	64

/* All large folios there are (large.c). */
extern atomic_long_t zx_large_folios;

/*
 * Whether a page has to be asked whether it is in a large folio. These come into
 * leaves with the lock of a store held for writing, so whoever can see one there
 * sees it counted.
 */
static inline bool any_large(void)
{
	return atomic_long_read(&zx_large_folios) > 0;
}

/*
 * Whether page tables show a large folio so often that its counts, which have 32
 * bits, might overflow. For a single page that takes a mapping for each entry, of
 * which there cannot be so many; here 36 GiB of page tables do.
 */
static inline bool zx_large_is_full(const struct folio *folio)
{
	return folio_ref_count(folio) >= 1 << 30;
}

#endif /* _ZXVMO_PAGE_H */
