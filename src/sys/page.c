// SPDX-License-Identifier: GPL-2.0
/*
 * The pages of VMOs: what the kernel knows them by, who shares them, and how they
 * are cached.
 */
#include <linux/backing-dev.h>
#include <linux/highmem.h>
#include <linux/percpu.h>
#include <linux/set_memory.h>

#include "helpers.h"
#include "page.h"

/*
 * The inode that every page names through its mapping. It holds no page and
 * maps nothing: a page needs a mapping to be usable as a shared futex and by
 * folio_mark_dirty(), and this one outlives all pages, whoever shares them. Its
 * super block is there for balance_dirty_pages_ratelimited(), which looks for a
 * backing device.
 *
 * The index is a number that no other page has or ever had: a futex waiter
 * stays queued under the key of its page after the page is freed. Who the
 * number was given to, the owner, is kept in a member that only pages on an
 * LRU list use otherwise; see zx_page_hand_over(). Numbers may begin anew when
 * the module is loaded again: the key also holds a number of the inode, which
 * is then another.
 */
static struct super_block page_identity_super;
static struct inode page_identity;
static DEFINE_PER_CPU(u64, page_serial);
static DEFINE_PER_CPU(u64, large_serial);

/* The bit that numbers of large folios have and those of single pages have not. */
#define LARGE_RANGE	62

static u64 next_number(u64 __percpu *serials)
{
	unsigned int cpu = get_cpu();
	u64 serial = this_cpu_inc_return(*serials);

	put_cpu();
	BUILD_BUG_ON(CONFIG_NR_CPUS > 1 << 13);
	return serial << 13 | cpu;
}

static pgoff_t next_page_index(void)
{
	return next_number(&page_serial);
}

/*
 * As many consecutive numbers as a large folio has pages, of a range apart. A
 * processor has 2^40 of them to give, and needs years to make so many folios.
 */
struct page *zx_page_alloc_large(u64 owner, struct zx_account *account)
{
	u64 number = next_number(&large_serial);

	if (number >> (LARGE_RANGE - ZX_C_LARGE_ORDER))
		return NULL;
	return zx_large_alloc(owner, account,
			      BIT_ULL(LARGE_RANGE) | number << ZX_C_LARGE_ORDER);
}

/* See page.h. */
const struct address_space_operations zx_page_aops = {
	.dirty_folio	= noop_dirty_folio,
};

void zx_page_identity_init(void)
{
	page_identity_super.s_bdi = &noop_backing_dev_info;
	inode_init_once(&page_identity);
	page_identity.i_sb = &page_identity_super;
	page_identity.i_mapping = &page_identity.i_data;
	page_identity.i_data.host = &page_identity;
	page_identity.i_data.a_ops = &zx_page_aops;
	mapping_set_unevictable(&page_identity.i_data);
	zx_large_identity_init(&page_identity);
}

static unsigned int folio_cache(struct folio *folio)
{
	return READ_ONCE(*page_owner(&folio->page)) >> PAGE_CACHE_SHIFT;
}

/* Pages of large folios are always write-back. */
unsigned int zx_page_cache(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_large(folio) ? ZX_C_CACHE_WB : folio_cache(folio);
}

/* Makes a page of the allocator's one of the module's, with one sharer. */
void zx_page_init(struct page *page, u64 owner)
{
	struct folio *folio = page_folio(page);

	folio->mapping = &page_identity.i_data;
	folio->index = next_page_index();
	folio->private = (void *)1UL;
	*page_owner(page) = owner | (u64)ZX_C_CACHE_WB << PAGE_CACHE_SHIFT;
}

struct page *zx_page_alloc(bool zero, u64 owner)
{
	gfp_t gfp = GFP_HIGHUSER | ZX_C_GFP_FALLIBLE;
	struct folio *folio = folio_alloc(zero ? gfp | __GFP_ZERO : gfp, 0);

	if (!folio)
		return NULL;
	zx_page_init(&folio->page, owner);
	return &folio->page;
}

/*
 * Whoever waits on a futex in a page of the owner's goes on waiting when the
 * owner gets a copy of it, for a page that is shared now and to be written. So
 * the copy takes the number, and the old page, which others still show, gets
 * another one. Only the owner does this to a page, under its lock.
 */
void zx_page_hand_over(struct page *to, struct page *from, u64 owner)
{
	struct folio *old = page_folio(from);

	if (folio_test_large(old)) {
		zx_large_hand_over(old, from, owner, &page_folio(to)->index);
		return;
	}
	if ((*page_owner(from) & PAGE_OWNER) != owner)
		return;
	page_folio(to)->index = old->index;
	WRITE_ONCE(old->index, next_page_index());
	*page_owner(from) &= ~PAGE_OWNER;
}

/*
 * Gives a page the number that zx_page_hand_over() would give it, and leaves the
 * other one as it is: nobody knows yet whether it will be needed. Nobody but the
 * owner, whose lock is held, changes the number until then.
 */
void zx_page_lend_number(struct page *to, struct page *from, u64 owner)
{
	struct folio *old = page_folio(from);

	if (folio_test_large(old))
		zx_large_lend_number(old, from, owner, &page_folio(to)->index);
	else if ((*page_owner(from) & PAGE_OWNER) == owner)
		page_folio(to)->index = old->index;
}

static void set_page_cache(struct page **pages, unsigned int count, u64 mode)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 *owner = page_owner(pages[i]);

		WRITE_ONCE(*owner, (*owner & PAGE_OWNER) | mode << PAGE_CACHE_SHIFT);
	}
}

#ifdef CONFIG_X86
static int write_back(struct page **pages, unsigned int count)
{
	int err = set_pages_array_wb(pages, count);

	set_page_cache(pages, count, err ? PAGE_CACHE_UNKNOWN : ZX_C_CACHE_WB);
	return err ? -ENOMEM : 0;
}

int zx_pages_set_cache(struct page **pages, unsigned int count,
		       unsigned int mode)
{
	unsigned int i;
	int err = 0;

	/* The kernel only allows changes from and to write-back. */
	for (i = 0; i < count; i++) {
		if (WARN_ON_ONCE(zx_large_index(pages[i]) >= 0))
			return -EINVAL;
		if (zx_page_cache(pages[i]) != ZX_C_CACHE_WB) {
			err = write_back(pages, count);
			break;
		}
	}
	if (err || mode == ZX_C_CACHE_WB)
		return err;
	err = mode == ZX_C_CACHE_WC ? set_pages_array_wc(pages, count) :
				      set_pages_array_uc(pages, count);
	if (err) {
		/* Some may have been changed; going back takes no memory. */
		write_back(pages, count);
		return -ENOMEM;
	}
	set_page_cache(pages, count, mode);
	return 0;
}
#else
int zx_pages_set_cache(struct page **pages, unsigned int count,
		       unsigned int mode)
{
	return mode == ZX_C_CACHE_WB ? 0 : -EOPNOTSUPP;
}
#endif

void zx_page_free(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio)) {
		zx_large_free_page(folio);
		return;
	}
	/* The allocator's pages are write-back; one that cannot be is lost. */
	if (unlikely(folio_cache(folio) != ZX_C_CACHE_WB) &&
	    zx_pages_set_cache(&page, 1, ZX_C_CACHE_WB))
		return;
	zx_page_uncharge(page);
	folio->private = NULL;
	WRITE_ONCE(folio->mapping, NULL);
	folio_put(folio);
}

void zx_page_share(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		zx_large_share(folio, page);
	else
		atomic_long_inc(page_sharers(page));
}

bool zx_page_unshare(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		return zx_large_unshare(folio, page);
	return atomic_long_dec_and_test(page_sharers(page));
}

unsigned long zx_page_sharers(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		return zx_large_sharers(folio, page);
	return atomic_long_read_acquire(page_sharers(page));
}

/* As zx_page_sharers(), but only slots are counted. */
unsigned long zx_page_slots(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		return zx_large_slots(folio, page);
	return zx_page_sharers(page);
}

bool zx_page_held(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		return zx_large_held(folio);
	return folio_ref_count(folio) > 1;
}

int zx_page_ref_count(const struct page *page)
{
	return page_ref_count(page);
}

bool zx_page_mapped(const struct page *page)
{
	return folio_mapped(page_folio(page));
}

bool zx_page_pinned(struct page *page)
{
	return folio_maybe_dma_pinned(page_folio(page));
}

int zx_page_copy(struct page *to, struct page *from)
{
#ifdef CONFIG_X86
	/*
	 * Without fast rep movsb, copy_mc_highpage() is memcpy(): it survives no
	 * bad memory then, and is slower than the copying of pages (1600
	 * instructions to 590).
	 */
	if (!boot_cpu_has(X86_FEATURE_ERMS)) {
		copy_highpage(to, from);
		return 0;
	}
#endif
	return copy_mc_highpage(to, from) ? -EHWPOISON : 0;
}

void zx_page_zero(struct page *page, size_t offset, size_t length)
{
	memzero_page(page, offset, length);
}

size_t zx_page_copy_to_iter(struct page *page, size_t offset, size_t length,
			    struct iov_iter *to)
{
	size_t copied;

	/* copy_page_to_iter_nofault() checks the page as if it were any object. */
	pagefault_disable();
	copied = copy_page_to_iter(page, offset, length, to);
	pagefault_enable();
	return copied;
}

size_t zx_page_copy_from_iter(struct page *page, size_t offset, size_t length,
			      struct iov_iter *from)
{
	struct folio *folio = page_folio(page);

	offset += folio_page_idx(folio, page) << PAGE_SHIFT;
	return copy_folio_from_iter_atomic(folio, offset, length, from);
}
