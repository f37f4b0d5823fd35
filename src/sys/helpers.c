// SPDX-License-Identifier: GPL-2.0
/*
 * Static inlines and macros of the kernel as functions for src/sys. Each does
 * one thing; what it is for is said where src/sys calls it.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/personality.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "helpers.h"
#include "page.h"

#define ZXVMO_SUPER_MAGIC	0x7a78766d

static void construct_nothing(void *object)
{
}

/*
 * A cache of what its users fill themselves: the allocator clears (init_on_alloc)
 * only what has no constructor. The pointer to the next free object lies where it
 * does without one, in the object.
 */
struct kmem_cache *zx_cache_create(const char *name, unsigned int size)
{
	struct kmem_cache_args args = {
		.ctor = construct_nothing,
		.use_freeptr_offset = true,
		.freeptr_offset = ALIGN_DOWN(size / 2, sizeof(void *)),
	};

	return kmem_cache_create(name, size, &args, 0);
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
	if (zx_large_is_full(folio))
		return VM_FAULT_SIGBUS;
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
	inode->i_mapping->a_ops = &zx_page_aops;
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
