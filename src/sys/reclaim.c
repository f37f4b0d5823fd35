// SPDX-License-Identifier: GPL-2.0
/*
 * The shrinker: what the kernel may have back when memory is short, oldest
 * first, by memory cgroup and node. See reclaim.rs for the rules.
 */
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/shrinker.h>
#include <linux/swap.h>

#include "helpers.h"

struct reclaim_entry {
	struct list_head item;
	/* Set while the entry is on the list. */
	const void *owner;
	/* What it was counted with when it was put there. */
	unsigned long pages;
};

static struct kmem_cache *entry_cache;
static struct list_lru reclaim_list;
static struct shrinker *reclaim_shrinker;
static bool (*take_hold)(const void *owner, void *hold);
static unsigned long (*reclaim)(void *hold);

/* Over all lists, for the average. */
static atomic_long_t listed_entries;
static atomic_long_t listed_pages;

static void uncount(const struct reclaim_entry *entry)
{
	atomic_long_dec(&listed_entries);
	atomic_long_sub(entry->pages, &listed_pages);
}

/*
 * The kernel asks often, and for one cgroup and node at a time, so the answer
 * is an estimate: what an entry has on average. Of the answer the kernel takes
 * half back at once, as nothing has to be written or read again (seeks is 0).
 * The ceiling keeps it from taking more than it is short of: one entry can have
 * a lot of pages already.
 */
#define RECLAIM_AT_ONCE	128

/*
 * Entries that one scan looks at, at most: those that have nothing to give go
 * to the end of the list, and anybody can make as many as they may have files.
 */
#define RECLAIM_TRIES	1024

static unsigned long reclaim_count(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	unsigned long entries = list_lru_shrink_count(&reclaim_list, sc);
	long all = atomic_long_read(&listed_entries);
	long pages = atomic_long_read(&listed_pages);

	if (!entries)
		return SHRINK_EMPTY;
	if (all > 0 && pages > all)
		entries *= pages / all;
	return clamp(entries, 2UL, 2UL * RECLAIM_AT_ONCE);
}

struct walk {
	u64 *hold;
	unsigned long left;
	bool taken;
};

static enum lru_status reclaim_take(struct list_head *item,
				    struct list_lru_one *list, void *arg)
{
	struct reclaim_entry *entry =
		container_of(item, struct reclaim_entry, item);
	struct walk *walk = arg;

	if (!take_hold(entry->owner, walk->hold))
		return LRU_SKIP;
	list_lru_isolate(list, item);
	uncount(entry);
	entry->owner = NULL;
	walk->taken = true;
	walk->left = 0;
	return LRU_REMOVED;
}

/* Whether the cgroup, or one above it, is about at its limit. */
static bool is_short(struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	for (; memcg && !mem_cgroup_is_root(memcg);
	     memcg = parent_mem_cgroup(memcg)) {
		unsigned long limit = min(READ_ONCE(memcg->memory.max),
					  READ_ONCE(memcg->memory.high));

		if (page_counter_read(&memcg->memory) + RECLAIM_AT_ONCE > limit)
			return true;
	}
#endif
	return false;
}

/*
 * Pages that a shrinker frees do not count where a cgroup is at its limit: the
 * kernel goes on to ask twelve times more, with growing urgency. So, of what
 * looks like the same attempt, only the first is served once there is room. If
 * it was a new one, for want of memory everywhere, kswapd is at work as well.
 */
static bool is_served(struct shrink_control *sc)
{
	static const void *last_attempt;
	const void *attempt = current->reclaim_state;

	if (!sc->memcg || mem_cgroup_is_root(sc->memcg) || !attempt ||
	    current_is_kswapd())
		return false;
	if (READ_ONCE(last_attempt) == attempt && !is_short(sc->memcg))
		return true;
	WRITE_ONCE(last_attempt, attempt);
	return false;
}

static unsigned long reclaim_scan(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	unsigned long left = min(list_lru_shrink_count(&reclaim_list, sc),
				 RECLAIM_TRIES);
	unsigned long freed = 0;

	if (is_served(sc))
		return SHRINK_STOP;
	/* What cannot be had now may be on the list again, as the newest. */
	while (freed < sc->nr_to_scan && left--) {
		u64 hold[ZX_C_RECLAIM_HOLD_WORDS];
		struct walk walk = {
			.hold = hold,
			.left = list_lru_shrink_count(&reclaim_list, sc),
		};

		list_lru_walk_one(&reclaim_list, sc->nid, sc->memcg,
				  reclaim_take, &walk, &walk.left);
		if (!walk.taken)
			break;
		freed += reclaim(hold);
	}
	if (!freed)
		return SHRINK_STOP;
	mm_account_reclaimed_pages(freed);
	sc->nr_scanned = max(freed, sc->nr_scanned);
	return freed;
}

int zx_reclaim_init(bool (*hold_fn)(const void *owner, void *hold),
		    unsigned long (*reclaim_fn)(void *hold))
{
	int err = -ENOMEM;

	take_hold = hold_fn;
	reclaim = reclaim_fn;
	entry_cache = kmem_cache_create("zxvmo_reclaim",
					sizeof(struct reclaim_entry), 0, 0,
					NULL);
	if (!entry_cache)
		return err;
	reclaim_shrinker = shrinker_alloc(SHRINKER_MEMCG_AWARE |
					  SHRINKER_NUMA_AWARE,
					  "zxvmo-discardable");
	if (!reclaim_shrinker)
		goto free_cache;
	err = list_lru_init_memcg(&reclaim_list, reclaim_shrinker);
	if (err)
		goto free_shrinker;
	reclaim_shrinker->count_objects = reclaim_count;
	reclaim_shrinker->scan_objects = reclaim_scan;
	reclaim_shrinker->seeks = 0;
	reclaim_shrinker->batch = 1;
	shrinker_register(reclaim_shrinker);
	return 0;

free_shrinker:
	shrinker_free(reclaim_shrinker);
free_cache:
	kmem_cache_destroy(entry_cache);
	return err;
}

void zx_reclaim_exit(void)
{
	shrinker_free(reclaim_shrinker);
	list_lru_destroy(&reclaim_list);
	kmem_cache_destroy(entry_cache);
}

/* Charged to the current cgroup, on whose list the entry will be. */
void *zx_reclaim_entry_alloc(void)
{
	struct reclaim_entry *entry;

	entry = kmem_cache_alloc_lru(entry_cache, &reclaim_list,
				     GFP_KERNEL_ACCOUNT);
	if (!entry)
		return NULL;
	INIT_LIST_HEAD(&entry->item);
	entry->owner = NULL;
	return entry;
}

void zx_reclaim_entry_free(void *entry)
{
	kmem_cache_free(entry_cache, entry);
}

void zx_reclaim_entry_add(void *arg, const void *owner, unsigned long pages)
{
	struct reclaim_entry *entry = arg;

	entry->owner = owner;
	entry->pages = pages;
	atomic_long_inc(&listed_entries);
	atomic_long_add(pages, &listed_pages);
	list_lru_add_obj(&reclaim_list, &entry->item);
}

const void *zx_reclaim_entry_remove(void *arg)
{
	struct reclaim_entry *entry = arg;
	const void *owner = entry->owner;

	/* The shrinker only takes it with the owner's lock, which is ours. */
	if (!owner)
		return NULL;
	list_lru_del_obj(&reclaim_list, &entry->item);
	uncount(entry);
	entry->owner = NULL;
	return owner;
}
