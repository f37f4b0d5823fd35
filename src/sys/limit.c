// SPDX-License-Identifier: GPL-2.0
/*
 * What one user may have at most. See limit.rs for the rules.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/percpu_counter.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "helpers.h"

static unsigned int user_memory_percent = 50;
module_param(user_memory_percent, uint, 0644);
MODULE_PARM_DESC(user_memory_percent,
		 "percent of memory that the VMOs which a user without CAP_SYS_RESOURCE makes may take together (default: 50; 100 or more: no limit)");

static unsigned int max_user_objects;
module_param(max_user_objects, uint, 0644);
MODULE_PARM_DESC(max_user_objects,
		 "handles, memories, views for mappings, packets and observations that such a user may have together (default: as many as fit into 1/25 of memory at 2 KiB each)");

/*
 * One for each user that has something. The objects count as references; the
 * last pages can be freed later than the last object, if relatives of other
 * users show them. Such an account stays until its bucket is next looked at.
 */
struct zx_account {
	struct hlist_node item;
	kuid_t uid;
	atomic_long_t objects;
	struct percpu_counter pages;
};

static DEFINE_HASHTABLE(accounts, 8);
static DEFINE_SPINLOCK(accounts_lock);

/* Far from the limit the sum over the processors is only estimated. */
#define PAGES_BATCH	64

void zx_limit_init(void)
{
	unsigned long pages = totalram_pages();

	if (!max_user_objects)
		max_user_objects = min(pages * (PAGE_SIZE / SZ_2K) / 25,
				       (unsigned long)INT_MAX);
}

static void destroy(struct zx_account *account)
{
	percpu_counter_destroy(&account->pages);
	kfree(account);
}

static bool is_idle(struct zx_account *account)
{
	return !atomic_long_read(&account->objects) &&
	       !percpu_counter_sum(&account->pages);
}

void zx_limit_exit(void)
{
	struct zx_account *account;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(accounts, bucket, next, account, item) {
		hash_del(&account->item);
		destroy(account);
	}
}

/* The account of a user with one more object, or NULL. Takes idle ones out. */
static struct zx_account *find(kuid_t uid, struct hlist_head *idle)
{
	struct zx_account *account, *found = NULL;
	struct hlist_node *next;

	hash_for_each_possible_safe(accounts, account, next, item,
				    __kuid_val(uid)) {
		if (uid_eq(account->uid, uid)) {
			atomic_long_inc(&account->objects);
			found = account;
		} else if (is_idle(account)) {
			hash_del(&account->item);
			hlist_add_head(&account->item, idle);
		}
	}
	return found;
}

static void destroy_all(struct hlist_head *idle)
{
	struct zx_account *account;
	struct hlist_node *next;

	hlist_for_each_entry_safe(account, next, idle, item)
		destroy(account);
}

static struct zx_account *find_or_make(kuid_t uid)
{
	struct zx_account *account, *new;
	HLIST_HEAD(idle);

	spin_lock(&accounts_lock);
	account = find(uid, &idle);
	spin_unlock(&accounts_lock);
	destroy_all(&idle);
	if (account)
		return account;
	new = kzalloc_obj(*new, GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	if (percpu_counter_init(&new->pages, 0, GFP_KERNEL_ACCOUNT)) {
		kfree(new);
		return NULL;
	}
	new->uid = uid;
	atomic_long_set(&new->objects, 1);
	INIT_HLIST_HEAD(&idle);
	spin_lock(&accounts_lock);
	account = find(uid, &idle);
	if (!account)
		hash_add(accounts, &new->item, __kuid_val(uid));
	spin_unlock(&accounts_lock);
	destroy_all(&idle);
	if (account) {
		destroy(new);
		return account;
	}
	return new;
}

static bool has_too_many(struct zx_account *account)
{
	return atomic_long_read(&account->objects) >
	       READ_ONCE(max_user_objects);
}

/* One object of the current user's: *account, NULL for one without limits. */
int zx_account_take(struct zx_account **account)
{
	*account = NULL;
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE))
		return 0;
	*account = find_or_make(current_uid());
	if (!*account)
		return -ENOMEM;
	if (!has_too_many(*account))
		return 0;
	zx_account_put(*account);
	*account = NULL;
	return -ENFILE;
}

/* One more object of the account's. */
int zx_account_add(struct zx_account *account)
{
	zx_account_share(account);
	if (!account || !has_too_many(account))
		return 0;
	zx_account_put(account);
	return -ENFILE;
}

/* As zx_account_add(), whatever the limit. */
void zx_account_share(struct zx_account *account)
{
	if (account)
		atomic_long_inc(&account->objects);
}

void zx_account_put(struct zx_account *account)
{
	if (!account || atomic_long_add_unless(&account->objects, -1, 1))
		return;
	spin_lock(&accounts_lock);
	if (!atomic_long_dec_and_test(&account->objects) ||
	    percpu_counter_sum(&account->pages))
		account = NULL;
	else
		hash_del(&account->item);
	spin_unlock(&accounts_lock);
	if (account)
		destroy(account);
}

/* Whether the account may have so many more pages. */
bool zx_account_has_room(struct zx_account *account, long pages)
{
	unsigned int percent = READ_ONCE(user_memory_percent);
	s64 limit;

	if (!account || percent >= 100)
		return true;
	limit = (s64)totalram_pages() * percent / 100;
	return __percpu_counter_compare(&account->pages, limit - pages,
					PAGES_BATCH) <= 0;
}

bool zx_account_charge(struct zx_account *account, long pages)
{
	if (!account)
		return true;
	if (!zx_account_has_room(account, pages))
		return false;
	percpu_counter_add_batch(&account->pages, pages, PAGES_BATCH);
	return true;
}

void zx_account_uncharge(struct zx_account *account, long pages)
{
	if (account)
		percpu_counter_add_batch(&account->pages, -pages, PAGES_BATCH);
}

/*
 * Whose the page is, in a member that only pages on an LRU list use otherwise.
 * The lowest bit of a pointer is 0 there, as that of an order-0 page must be.
 */
static struct zx_account **page_account(struct page *page)
{
	return (struct zx_account **)&page_folio(page)->lru.next;
}

struct page *zx_page_alloc_charged(bool zero, u64 owner,
				   struct zx_account *account)
{
	struct page *page;

	if (!zx_account_charge(account, 1))
		return NULL;
	page = zx_page_alloc(zero, owner);
	if (page)
		*page_account(page) = account;
	else
		zx_account_uncharge(account, 1);
	return page;
}

/* For pages that the account has been charged with. */
void zx_pages_set_account(struct page *const *pages, unsigned int count,
			  struct zx_account *account)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		*page_account(pages[i]) = account;
}

void zx_page_uncharge(struct page *page)
{
	struct zx_account **account = page_account(page);

	zx_account_uncharge(*account, 1);
	*account = NULL;
}
