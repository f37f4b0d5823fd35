// SPDX-License-Identifier: GPL-2.0
/* Locking and losing the content of discardable VMOs, in both families (7.6). */
#include <fcntl.h>
#include <unistd.h>

#include "model.h"

#define RECLAIM_ROUNDS	20

zx_status_t want_lock(const struct object *object, u32 op, u64 offset, u64 len, u64 buffer_size)
{
	const struct store *store = object->store;

	if (!store->discardable)
		return ZX_ERR_NOT_SUPPORTED;
	if (offset || len != store->size)
		return ZX_ERR_OUT_OF_RANGE;
	if (op == ZX_VMO_OP_UNLOCK)
		return store->locks ? ZX_OK : ZX_ERR_BAD_STATE;
	if (op == ZX_VMO_OP_TRY_LOCK && store->discarded)
		return ZX_ERR_UNAVAILABLE;
	if (op == ZX_VMO_OP_LOCK && buffer_size < sizeof(zx_vmo_lock_state_t))
		return ZX_ERR_INVALID_ARGS;
	return ZX_OK;
}

static void unlock_store(struct store *store)
{
	if (!--store->locks)
		store->unlocked = true;
}

void lock_model(struct store *store, u32 op, const zx_vmo_lock_state_t *seen)
{
	u64 discarded = store->discarded ? store->size : 0;

	if (op == ZX_VMO_OP_UNLOCK)
		return unlock_store(store);
	store->locks++;
	store->unlocked = false;
	if (op != ZX_VMO_OP_LOCK)
		return;
	if (broken_rule != 6)
		store->discarded = false;
	/* NULL: what it was could not be told, and the lock is taken back. */
	if (!seen)
		return unlock_store(store);
	same("lock state offset", 0, seen->offset);
	same("lock state size", store->size, seen->size);
	same("lock state discarded_offset", 0, seen->discarded_offset);
	same("lock state discarded_size", discarded, seen->discarded_size);
}

static const struct slot *slot_of(const struct store *store)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (slots[i].object && slots[i].object->store == store)
			return &slots[i];
	return NULL;
}

/* Unlocked with pages: the kernel may take these, as soon as it wants. */
static bool can_be_lost(const struct object *object)
{
	return object->store->unlocked && object->store->count;
}

static bool is_lost(const struct store *store)
{
	zx_info_vmo_t info;

	same_status("get_info(VMO)", ZX_OK,
		    zx_object_get_info(slot_of(store)->handle, ZX_INFO_VMO, &info, sizeof(info),
				       NULL, NULL));
	return !info.committed_bytes;
}

static bool ask_for_memory(void)
{
	/* 4: it says so no more. */
	static const char what[] = { '4', '2', '2' };
	unsigned int i;
	bool done = true;
	int fd;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
		done = done && fd >= 0 && write(fd, &what[i], 1) == 1;
		if (fd >= 0)
			close(fd);
	}
	return done;
}

/*
 * The kernel is told to want its memory back. It takes some of what it can get
 * each time, the oldest first, but then everything of a VMO.
 */
void do_reclaim(void)
{
	struct object *object;
	unsigned int round;
	bool left = false;

	for (object = objects; object; object = object->next)
		if (can_be_lost(object) && !slot_of(object->store))
			return;
	for (round = 0; round < RECLAIM_ROUNDS; round++) {
		if (!ask_for_memory())
			return;
		left = false;
		for (object = objects; object; object = object->next) {
			if (!can_be_lost(object))
				continue;
			if (is_lost(object->store)) {
				drop_pages(object, 0, object->store->size);
				object->store->discarded = true;
			} else {
				left = true;
			}
		}
		if (!left)
			return;
	}
	differs("reclaim", "unlocked pages are not discarded");
}
