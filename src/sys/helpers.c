// SPDX-License-Identifier: GPL-2.0
/*
 * Static inlines and macros of the kernel as functions for src/sys. Each does
 * one thing; what it is for is said where src/sys calls it.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/backing-dev.h>
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <linux/personality.h>
#include <linux/sched/signal.h>
#include <linux/set_memory.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "helpers.h"
#include "page.h"

#define ZXVMO_SUPER_MAGIC	0x7a78766d

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

static pgoff_t next_page_index(void)
{
	unsigned int cpu = get_cpu();
	u64 serial = __this_cpu_inc_return(page_serial);

	put_cpu();
	BUILD_BUG_ON(CONFIG_NR_CPUS > 1 << 13);
	return serial << 13 | cpu;
}

/* As many consecutive numbers as a large folio has pages, of a range apart. */
static pgoff_t next_large_index(void)
{
	return BIT_ULL(62) | next_page_index() << ZX_C_LARGE_ORDER;
}

struct page *zx_page_alloc_large(u64 owner, struct zx_account *account)
{
	return zx_large_alloc(owner, account, next_large_index());
}

static const struct address_space_operations page_identity_aops = {
	.dirty_folio	= noop_dirty_folio,
};

void zx_page_identity_init(void)
{
	page_identity_super.s_bdi = &noop_backing_dev_info;
	inode_init_once(&page_identity);
	page_identity.i_sb = &page_identity_super;
	page_identity.i_mapping = &page_identity.i_data;
	page_identity.i_data.host = &page_identity;
	page_identity.i_data.a_ops = &page_identity_aops;
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

struct kmem_cache *zx_cache_create(const char *name, unsigned int size)
{
	return kmem_cache_create(name, size, 0, 0, NULL);
}

void zx_smp_mb(void)
{
	/* Pairs with the one in the reference count of a lockless pin. */
	smp_mb();
}

/*
 * Arguments: a few words, without the call and the checks of copy_from_user(),
 * which took more than the copying (260 of the 2600 instructions of a read of
 * 4 KiB).
 */
int zx_words_from_user(void *to, const u64 __user *from, unsigned int count)
{
	u64 *words = to, word;
	unsigned int i;

	scoped_user_read_access_size(from, count * sizeof(word), fault) {
		for (i = 0; i < count; i++) {
			unsafe_get_user(word, from + i, fault);
			put_unaligned(word, words + i);
		}
	}
	return 0;
fault:
	return -EFAULT;
}

int zx_words_to_user(u64 __user *to, const void *from, unsigned int count)
{
	const u64 *words = from;
	unsigned int i;

	scoped_user_write_access_size(to, count * sizeof(*words), fault) {
		for (i = 0; i < count; i++)
			unsafe_put_user(get_unaligned(words + i), to + i, fault);
	}
	return 0;
fault:
	return -EFAULT;
}

void zx_iov_iter_truncate(struct iov_iter *iter, size_t length)
{
	iov_iter_truncate(iter, length);
}

size_t zx_iov_iter_count(const struct iov_iter *iter)
{
	return iov_iter_count(iter);
}

void __user *zx_iov_iter_address(const struct iov_iter *iter)
{
	if (iter_is_ubuf(iter))
		return iter->ubuf + iter->iov_offset;
	if (iter_is_iovec(iter))
		return iter_iov_addr(iter);
	return NULL;
}

bool zx_fatal_signal_pending(void)
{
	return fatal_signal_pending(current);
}

unsigned long zx_vma_flags(const struct vm_area_struct *vma)
{
	return vma->vm_flags;
}

bool zx_read_implies_exec(void)
{
	return current->personality & READ_IMPLIES_EXEC;
}

/* Keeps faults out of the mapping until mprotect() has changed it. */
void zx_vma_start_write(struct vm_area_struct *vma)
{
	vma_start_write(vma);
}

void zx_vma_flags_mod(struct vm_area_struct *vma, unsigned long set,
		      unsigned long clear)
{
	vm_flags_mod(vma, set, clear);
}

void zx_vma_set_cache(struct vm_area_struct *vma, unsigned int mode)
{
	if (mode == ZX_C_CACHE_UC)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	else if (mode == ZX_C_CACHE_WC)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
}

/*
 * Pages are entered beside a fault's own, and without any fault; only these two
 * members are read by vmf_insert_page_mkwrite(). It also says that memory ran
 * out if madvise(MADV_DONTNEED) has just taken away an empty page table, and the
 * kernel would complain about that: so a few more times.
 */
static vm_fault_t insert(struct vm_area_struct *vma, struct page *page,
			 unsigned long address, bool write)
{
	struct vm_fault at = {
		.vma = vma,
		.address = address,
	};
	unsigned int tries = 8;
	vm_fault_t result;

	do {
		result = vmf_insert_page_mkwrite(&at, page, write);
	} while (result == VM_FAULT_OOM && --tries &&
		 !fatal_signal_pending(current));
	return result;
}

vm_fault_t zx_vma_insert(struct vm_area_struct *vma, struct page *page,
			 unsigned long address, bool write)
{
	struct folio *folio = page_folio(page);
	vm_fault_t result;

	if (!folio_test_large(folio))
		return insert(vma, page, address, write);
	if (zx_large_begin_insert(folio, vma, address))
		return VM_FAULT_NOPAGE;
	result = insert(vma, page, address, write);
	zx_large_end_insert(folio);
	return result;
}

void zx_rwsem_init(struct rw_semaphore *sem, const char *name,
		   struct lock_class_key *key)
{
	__init_rwsem(sem, name, key);
}

void zx_down_write_second(struct rw_semaphore *sem)
{
	down_write_nested(sem, SINGLE_DEPTH_NESTING);
}

/*
 * Lockdep has room for 48 locks of one task and gives up at one more. It knows
 * the first of this kind; further ones, only tried, would tell it nothing new.
 */
bool zx_down_read_trylock_further(struct rw_semaphore *sem)
{
	bool got;

	lockdep_off();
	got = down_read_trylock(sem);
	lockdep_on();
	return got;
}

void zx_up_read_further(struct rw_semaphore *sem)
{
	lockdep_off();
	up_read(sem);
	lockdep_on();
}

s64 zx_monotonic_now(void)
{
	return ktime_to_ns(ktime_get());
}

int zx_wait_until(struct wait_queue_head *queue, bool (*done)(void *context),
		  void *context, s64 deadline)
{
	ktime_t expires = ns_to_ktime(deadline);
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		err = prepare_to_wait_event(queue, &wait, TASK_INTERRUPTIBLE);
		if (done(context)) {
			err = 0;
			break;
		}
		if (err)
			break;
		if (deadline != S64_MAX && zx_monotonic_now() >= deadline) {
			err = -ETIME;
			break;
		}
		if (deadline == S64_MAX)
			schedule();
		else
			schedule_hrtimeout_range(&expires, 0, HRTIMER_MODE_ABS);
	}
	finish_wait(queue, &wait);
	return err;
}

void zx_poll_wait(struct file *file, struct wait_queue_head *queue,
		  struct poll_table_struct *table)
{
	poll_wait(file, queue, table);
}

/* Without a key: io_uring does not take a wake-up for EPOLLPRI alone. */
void zx_wake_all(struct wait_queue_head *queue)
{
	wake_up_all(queue);
}

int zx_pseudo_fs_init(struct fs_context *context,
		      const struct super_operations *super_operations,
		      const struct dentry_operations *dentry_operations)
{
	struct pseudo_fs_context *pseudo;

	pseudo = init_pseudo(context, ZXVMO_SUPER_MAGIC);
	if (!pseudo)
		return -ENOMEM;
	/* Handles with ZX_RIGHT_EXECUTE may be mapped executable. */
	context->s_iflags &= ~SB_I_NOEXEC;
	pseudo->ops = super_operations;
	pseudo->dops = dentry_operations;
	return 0;
}

void zx_inode_init(struct inode *inode, u64 number,
		   const struct inode_operations *operations, void *private)
{
	inode->i_ino = number;
	inode->i_mode = S_IFREG | 0600;
	inode->i_flags |= S_NOATIME | S_NOCMTIME;
	inode->i_op = operations;
	inode->i_mapping->a_ops = &page_identity_aops;
	mapping_set_unevictable(inode->i_mapping);
	simple_inode_init_ts(inode);
	/* It is in the list of all inodes: zx_inode_owner() can find it now. */
	smp_store_release(&inode->i_private, private);
}

void zx_inode_set_size(struct inode *inode, u64 size)
{
	i_size_write(inode, min_t(u64, size, MAX_LFS_FILESIZE));
}

struct inode *zx_dentry_inode(const struct dentry *dentry)
{
	return d_inode(dentry);
}

/* There never is a page in the mapping to be truncated. */
void zx_inode_evict(struct inode *inode)
{
	clear_inode(inode);
}

int zx_getattr(struct mnt_idmap *idmap, const struct path *path,
	       struct kstat *stat, u32 request_mask, u64 size, u64 blocks)
{
	generic_fillattr(idmap, request_mask, d_inode(path->dentry), stat);
	stat->size = min_t(u64, size, MAX_LFS_FILESIZE);
	stat->blocks = blocks;
	return 0;
}

void zx_file_set_mode(struct file *file, bool position)
{
	/*
	 * Without FMODE_NOWAIT, io_uring would wait for poll() to say that the
	 * file is readable or writable, which is not what poll() says here.
	 */
	file->f_mode |= FMODE_LSEEK | FMODE_NOWAIT;
	/*
	 * With FMODE_STREAM the core leaves the file's position alone. Nothing
	 * would tell pread() at byte 0 from read() then, so it is refused.
	 */
	file->f_mode |= position ? FMODE_PREAD | FMODE_PWRITE : FMODE_STREAM;
	file->f_flags |= O_LARGEFILE;
}

bool zx_file_has_position(const struct file *file)
{
	return !(file->f_mode & FMODE_STREAM);
}

bool zx_file_is(const struct file *file,
		const struct file_operations *operations)
{
	return file->f_op == operations;
}

static int is_this_file(const void *wanted, struct file *file, unsigned int fd)
{
	return file == wanted;
}

bool zx_current_has_file(const struct file *file)
{
	return iterate_fd(current->files, 0, is_this_file, file);
}
