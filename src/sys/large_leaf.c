// SPDX-License-Identifier: GPL-2.0
/*
 * Leaves of which all slots lead to pages of one large folio, in order: they are
 * treated as a whole.
 */
#include <linux/string.h>
#include <linux/unroll.h>

#include "large.h"

/* As zx_large_set_owner(), for each page of a leaf. */
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
		large_count(&large->sharers[i]);
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
		zx_large_free_pages(folio, last);
}
