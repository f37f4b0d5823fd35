/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What src/sys needs of the kernel and the `kernel` crate does not offer:
 * static inlines and macros as functions (defined in helpers.c and page.c), and
 * prototypes of exported functions that the crate's bindings leave out.
 * bindgen turns this file into the module's own bindings (see Kbuild).
 */
#ifndef _ZXVMO_HELPERS_H
#define _ZXVMO_HELPERS_H

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/pseudo_fs.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "zxvmo_trace.h"

/* Pages: every one that zx_page_alloc() returned belongs to the module. */
struct page *zx_page_alloc(bool zero, u64 owner);
void zx_page_init(struct page *page, u64 owner);
void zx_page_free(struct page *page);
void zx_page_share(struct page *page);
bool zx_page_unshare(struct page *page);
unsigned long zx_page_sharers(struct page *page);
bool zx_page_held(struct page *page);
int zx_page_ref_count(const struct page *page);
bool zx_page_mapped(const struct page *page);
bool zx_page_pinned(struct page *page);
int zx_page_copy(struct page *to, struct page *from);
void zx_page_hand_over(struct page *to, struct page *from, u64 owner);
void zx_page_lend_number(struct page *to, struct page *from, u64 owner);
void zx_page_zero(struct page *page, size_t offset, size_t length);
size_t zx_page_copy_to_iter(struct page *page, size_t offset, size_t length,
			    struct iov_iter *to);
size_t zx_page_copy_from_iter(struct page *page, size_t offset, size_t length,
			      struct iov_iter *from);
void zx_page_identity_init(void);
unsigned int zx_page_cache(struct page *page);
int zx_pages_set_cache(struct page **pages, unsigned int count,
		       unsigned int mode);

struct zx_account;

/* Slots of a node, those that take a count, or of a leaf (leaf.c, large_leaf.c). */
unsigned int zx_slots_filled(struct page *const *slots, unsigned int count);
bool zx_slots_empty(struct page *const *slots, unsigned int count);
unsigned int zx_slots_first_shared(struct page *const *slots, unsigned int from,
				   unsigned int end);
void zx_slots_set_owner(struct page *const *slots, u64 owner);
u64 zx_slots_alone(struct page *const *slots, u64 among);
u64 zx_slots_alone_held(struct page *const *slots, u64 among, u64 *held);
u64 zx_slots_sort(struct page *const *slots, u64 which, u64 touched, u64 *owned);
void zx_slots_share(struct page **to, struct page *const *from,
		    unsigned int count);
void zx_slots_drop(struct page *const *slots, unsigned int count);
unsigned long zx_vma_insert_run(struct vm_area_struct *vma,
				struct page *const *pages, unsigned long count,
				unsigned long address, bool write);

/* Pages ahead of who touches them (ahead.c). */
unsigned int zx_slots_fill_ahead(struct page **slots, unsigned int count,
				 u64 owner, struct zx_account *account);
unsigned int zx_slots_copy_ahead(struct page **slots, struct page **former,
				 unsigned int count, u64 owner,
				 struct zx_account *account);
void zx_slots_put_back(struct page **slots, struct page **former, u64 unused,
		       u64 used, u64 owner);
u64 zx_slots_used(struct page *const *slots, u64 among);
u64 zx_vma_written(struct vm_area_struct *vma, unsigned long address,
		   unsigned int count);

/* Large folios; what takes a folio is for the functions above. */
#define ZX_C_LARGE_ORDER	9
#define ZX_C_LARGE_PAGES	512
int zx_large_init(void);
void zx_large_identity_init(struct inode *identity);
void zx_large_exit(void);
struct page *zx_page_alloc_large(u64 owner, struct zx_account *account);
struct page *zx_large_alloc(u64 owner, struct zx_account *account,
			    unsigned long number);
int zx_large_index(struct page *page);
unsigned int zx_large_live(struct page *page);
unsigned int zx_large_rest(struct page *page);
bool zx_large_any(void);
bool zx_large_any_sparse(void);
unsigned int zx_slots_first_sparse(struct page *const *slots, unsigned int from,
				   unsigned int end);
unsigned int zx_large_slots(struct folio *folio, const struct page *page);
unsigned long zx_page_slots(struct page *page);
void zx_large_share(struct folio *folio, struct page *page);
bool zx_large_unshare(struct folio *folio, struct page *page);
unsigned long zx_large_sharers(struct folio *folio, const struct page *page);
void zx_large_free_page(struct folio *folio);
bool zx_large_held(struct folio *folio);
bool zx_large_lend_number(struct folio *folio, struct page *page, u64 owner,
			  unsigned long *number);
bool zx_large_hand_over(struct folio *folio, struct page *page, u64 owner,
			unsigned long *number);
void zx_large_set_owner(struct folio *folio, struct page *page, u64 owner);
bool zx_large_begin_insert(struct folio *folio, struct vm_area_struct *vma,
			   unsigned long address);
void zx_large_end_insert(struct folio *folio);
vm_fault_t zx_fault_insert_large(struct vm_fault *vmf, struct page *page,
				 bool write);
int zx_slots_reserve_owners(struct page *const *slots, bool all);
struct folio *zx_large_leaf(struct page *const *slots);
bool zx_slots_are(struct page *const *slots, unsigned int count,
		  struct page *first);
void zx_slots_fill(struct page **slots, unsigned int count, struct page *first);
bool zx_large_leaf_alone(struct folio *folio, const struct page *first);
void zx_large_leaf_set_owner(struct folio *folio, const struct page *first,
			     u64 owner);
void zx_large_leaf_share(struct folio *folio, const struct page *first);
void zx_large_leaf_drop(struct folio *folio, const struct page *first);

/* Limits of users. */
void zx_limit_init(void);
void zx_limit_exit(void);
int zx_account_take(struct zx_account **account);
int zx_account_add(struct zx_account *account);
void zx_account_share(struct zx_account *account);
void zx_account_put(struct zx_account *account);
bool zx_account_has_room(struct zx_account *account, long pages);
bool zx_account_charge(struct zx_account *account, long pages);
void zx_account_uncharge(struct zx_account *account, long pages);
struct page *zx_page_alloc_charged(bool zero, u64 owner,
				   struct zx_account *account);
void zx_pages_set_account(struct page *const *pages, unsigned int count,
			  struct zx_account *account);
void zx_page_uncharge(struct page *page);

struct kmem_cache *zx_cache_create(const char *name, unsigned int size);

void zx_smp_mb(void);

/* The shrinker. */
#define ZX_C_RECLAIM_HOLD_WORDS 4
int zx_reclaim_init(bool (*hold)(const void *owner, void *hold),
		    unsigned long (*reclaim)(void *hold));
void zx_reclaim_exit(void);
void *zx_reclaim_entry_alloc(void);
void zx_reclaim_entry_free(void *entry);
void zx_reclaim_entry_add(void *entry, const void *owner, unsigned long pages);
const void *zx_reclaim_entry_remove(void *entry);

/* User memory. */
int zx_words_from_user(void *to, const u64 __user *from, unsigned int count);
int zx_words_to_user(u64 __user *to, const void *from, unsigned int count);
void zx_iov_iter_truncate(struct iov_iter *iter, size_t length);
size_t zx_iov_iter_count(const struct iov_iter *iter);
void __user *zx_iov_iter_address(const struct iov_iter *iter);
bool zx_fatal_signal_pending(void);

/* Mappings. */
unsigned long zx_vma_flags(const struct vm_area_struct *vma);
bool zx_read_implies_exec(void);
void zx_vma_start_write(struct vm_area_struct *vma);
void zx_vma_flags_mod(struct vm_area_struct *vma, unsigned long set,
		      unsigned long clear);
void zx_vma_set_cache(struct vm_area_struct *vma, unsigned int mode);
vm_fault_t zx_vma_insert(struct vm_area_struct *vma, struct page *page,
			 unsigned long address, bool write);

/* Locks and waiting. */
void zx_rwsem_init(struct rw_semaphore *sem, const char *name,
		   struct lock_class_key *key);
void zx_down_write_second(struct rw_semaphore *sem);
bool zx_down_read_trylock_further(struct rw_semaphore *sem);
void zx_up_read_further(struct rw_semaphore *sem);
s64 zx_monotonic_now(void);
int zx_wait_until(struct wait_queue_head *queue, bool (*done)(void *context),
		  void *context, s64 deadline);
void zx_poll_wait(struct file *file, struct wait_queue_head *queue,
		  struct poll_table_struct *table);
void zx_wake_all(struct wait_queue_head *queue);

/* Files and inodes. */
int zx_pseudo_fs_init(struct fs_context *context,
		      const struct super_operations *super_operations,
		      const struct dentry_operations *dentry_operations);
void zx_inode_init(struct inode *inode, u64 number,
		   const struct inode_operations *operations, void *private);
void zx_inode_set_size(struct inode *inode, u64 size);
struct inode *zx_dentry_inode(const struct dentry *dentry);
struct inode *zx_inode_before(struct super_block *sb, struct inode *after);
void *zx_inode_owner(const struct inode *inode);
void zx_inode_evict(struct inode *inode);
int zx_getattr(struct mnt_idmap *idmap, const struct path *path,
	       struct kstat *stat, u32 request_mask, u64 size, u64 blocks);
void zx_file_set_mode(struct file *file, bool position);
bool zx_file_has_position(const struct file *file);
bool zx_file_is(const struct file *file,
		const struct file_operations *operations);
bool zx_current_has_file(const struct file *file);

/* What people may look at. */
struct dentry *zx_debugfs_directory(const char *name);
void zx_debugfs_file(struct dentry *directory, const char *name,
		     const struct file_operations *operations);
void zx_debugfs_remove(struct dentry *directory);

extern struct module __this_module;

/* Constants that are casts or enums in C. */

/*
 * Memory that a VMO takes by the gigabyte: charged to the memory cgroup, and
 * refused where there is none, instead of having some process killed.
 */
static const gfp_t ZX_C_GFP_FALLIBLE =
	__GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
static const gfp_t ZX_C_GFP_NODE =
	GFP_KERNEL | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
static const unsigned long ZX_C_VM_READ = VM_READ;
static const unsigned long ZX_C_VM_WRITE = VM_WRITE;
static const unsigned long ZX_C_VM_EXEC = VM_EXEC;
static const unsigned long ZX_C_VM_SHARED = VM_SHARED;
static const unsigned long ZX_C_VM_MAYREAD = VM_MAYREAD;
static const unsigned long ZX_C_VM_MAYWRITE = VM_MAYWRITE;
static const unsigned long ZX_C_VM_MAYEXEC = VM_MAYEXEC;
static const unsigned long ZX_C_VM_MAYSHARE = VM_MAYSHARE;
static const unsigned long ZX_C_VM_DONTEXPAND = VM_DONTEXPAND;
/* How a page or a mapping is cached: two bits, which are 0 if nobody knows. */
static const unsigned int ZX_C_CACHE_WB = 1;
static const unsigned int ZX_C_CACHE_UC = 2;
static const unsigned int ZX_C_CACHE_WC = 3;
static const int ZX_C_CAP_SYS_ADMIN = CAP_SYS_ADMIN;
static const u32 ZX_C_PROT_READ = PROT_READ;
static const u32 ZX_C_PROT_WRITE = PROT_WRITE;
static const u32 ZX_C_PROT_EXEC = PROT_EXEC;
static const u32 ZX_C_MAP_SHARED = MAP_SHARED;
static const u32 ZX_C_MAP_FIXED = MAP_FIXED;
static const u32 ZX_C_MAP_FIXED_NOREPLACE = MAP_FIXED_NOREPLACE;
static const int ZX_C_O_CLOEXEC = O_CLOEXEC;
static const int ZX_C_O_RDONLY = O_RDONLY;
static const int ZX_C_O_WRONLY = O_WRONLY;
static const int ZX_C_O_RDWR = O_RDWR;
static const fop_flags_t ZX_C_FOP_FLAGS = FOP_BUFFER_RASYNC | FOP_BUFFER_WASYNC;
static const int ZX_C_IOCB_APPEND = IOCB_APPEND;
static const u32 ZX_C_EPOLLIN = (__force u32)(EPOLLIN | EPOLLRDNORM);
static const u32 ZX_C_EPOLLOUT = (__force u32)(EPOLLOUT | EPOLLWRNORM);
static const u32 ZX_C_EPOLLPRI = (__force u32)EPOLLPRI;
static const u32 ZX_C_EPOLLHUP = (__force u32)EPOLLHUP;
static const unsigned int ZX_C_FAULT_FLAG_WRITE = FAULT_FLAG_WRITE;
static const unsigned int ZX_C_VM_FAULT_NOPAGE = VM_FAULT_NOPAGE;
static const unsigned int ZX_C_VM_FAULT_SIGBUS = VM_FAULT_SIGBUS;
static const unsigned int ZX_C_VM_FAULT_OOM = VM_FAULT_OOM;
static const unsigned int ZX_C_VM_FAULT_FALLBACK = VM_FAULT_FALLBACK;
static const unsigned int ZX_C_PMD_ORDER = PMD_ORDER;
static const int ZX_C_SEEK_SET = SEEK_SET;
static const int ZX_C_SEEK_CUR = SEEK_CUR;
static const int ZX_C_SEEK_END = SEEK_END;
static const unsigned int ZX_C_ATTR_SIZE = ATTR_SIZE;
static const unsigned int ZX_C_ATTR_FILE = ATTR_FILE;

#endif /* _ZXVMO_HELPERS_H */
