/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is kept for a large folio; see large.c. Not for Rust.
 */
#ifndef _ZXVMO_LARGE_H
#define _ZXVMO_LARGE_H

#include <linux/mm.h>

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

static inline struct large_folio *large_of(const struct folio *folio)
{
	return folio->private;
}

/* One slot more leads to a page. */
static inline void large_count(atomic_t *sharers)
{
	/* As refcount_t does: the page is rather lost than freed early. */
	if (atomic_inc_return(sharers) < 0)
		atomic_set(sharers, INT_MIN / 2);
}

/* No slot leads to `count` pages any more. */
void zx_large_free_pages(struct folio *folio, int count);

#endif /* _ZXVMO_LARGE_H */
