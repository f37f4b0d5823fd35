// SPDX-License-Identifier: GPL-2.0
/* Comparing the real family with the model. */
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "model.h"

#define MAX_KOIDS	MAX_OPS
#define MANY_PAGES	320

static sigjmp_buf fault_env;
static volatile sig_atomic_t expecting;
static u64 koids[MAX_KOIDS];
static unsigned int koid_count;

static void on_fault(int sig)
{
	if (expecting)
		siglongjmp(fault_env, sig);
	signal(sig, SIG_DFL);
	raise(sig);
}

void prepare_check(void)
{
	struct sigaction act = { .sa_handler = on_fault };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

/* The first difference ends the process. */
void differs(const char *what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(shared->message, sizeof(shared->message), format, args);
	va_end(args);
	snprintf(shared->what, sizeof(shared->what), "%s", what);
	shared->failed = true;
	_exit(1);
}

void same(const char *what, u64 want, u64 seen)
{
	if (want != seen)
		differs(what, "%s: expected %#llx (%llu), seen %#llx (%llu)", what,
			(unsigned long long)want, (unsigned long long)want,
			(unsigned long long)seen, (unsigned long long)seen);
}

void same_status(const char *call, zx_status_t want, zx_status_t seen)
{
	if (want != seen)
		differs(call, "%s: expected %s, seen %s (%d)", call,
			zx_status_get_string(want), zx_status_get_string(seen), seen);
}

/* A new object: a koid that none had before (0.3). */
void same_koid(u64 koid)
{
	unsigned int i;

	if (koid < ZX_KOID_FIRST || koid >> 63)
		differs("koid", "koid %#llx of a new object", (unsigned long long)koid);
	for (i = 0; i < koid_count; i++)
		if (koids[i] == koid)
			differs("koid", "koid %llu used again", (unsigned long long)koid);
	if (koid_count < MAX_KOIDS)
		koids[koid_count++] = koid;
}

static int copy_carefully(void *to, const void *from, size_t len)
{
	int sig = sigsetjmp(fault_env, 1);

	if (!sig) {
		expecting = 1;
		memcpy(to, from, len);
		__asm__ __volatile__("" : : : "memory");
	}
	expecting = 0;
	return sig;
}

/* 0, or the signal. */
int load_bytes(void *to, const void *from, size_t len)
{
	return copy_carefully(to, from, len);
}

int store_bytes(void *to, const void *from, size_t len)
{
	return copy_carefully(to, from, len);
}

static void check_handle(const struct slot *slot)
{
	zx_info_handle_basic_t basic;

	same_status("get_info(HANDLE_BASIC)", ZX_OK,
		    zx_object_get_info(slot->handle, ZX_INFO_HANDLE_BASIC, &basic,
				       sizeof(basic), NULL, NULL));
	same("koid of the handle", slot->object->koid, basic.koid);
	same("rights", slot->rights, basic.rights);
	same("type", ZX_OBJ_TYPE_VMO, basic.type);
	same("related_koid", 0, basic.related_koid);
	if (slot->rights & ZX_RIGHT_INSPECT) {
		zx_info_handle_count_t count;

		same_status("get_info(HANDLE_COUNT)", ZX_OK,
			    zx_object_get_info(slot->handle, ZX_INFO_HANDLE_COUNT, &count,
					       sizeof(count), NULL, NULL));
		same("handle_count", slot->object->handles, count.handle_count);
	}
}

static u32 flags_of(const struct object *object)
{
	u32 flags = ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE;

	if (object->store->resizable)
		flags |= ZX_INFO_VMO_RESIZABLE;
	if (object->kind == SNAPSHOT && object->parent)
		flags |= ZX_INFO_VMO_IS_COW_CLONE;
	if (object->store->discardable)
		flags |= ZX_INFO_VMO_DISCARDABLE;
	if (object->immutable)
		flags |= ZX_INFO_VMO_IMMUTABLE;
	return flags;
}

static void check_charge(const struct object *object, const zx_info_vmo_t *info)
{
	struct charge charge = charge_of(object);

	same("committed_bytes", charge.committed, info->committed_bytes);
	same("populated_bytes", charge.committed, info->populated_bytes);
	same("committed_private_bytes", charge.private, info->committed_private_bytes);
	same("populated_private_bytes", charge.private, info->populated_private_bytes);
	same("committed_scaled_bytes", charge.scaled, info->committed_scaled_bytes);
	same("populated_scaled_bytes", charge.scaled, info->populated_scaled_bytes);
	same("committed_fractional_scaled_bytes", charge.fraction,
	     info->committed_fractional_scaled_bytes);
	same("populated_fractional_scaled_bytes", charge.fraction,
	     info->populated_fractional_scaled_bytes);
	same("committed_change_events", 0, info->committed_change_events);
	if (object->kind == ORIGINAL && !object->store->used)
		same("metadata_bytes", 0, info->metadata_bytes);
	if (charge.committed && !info->metadata_bytes)
		differs("metadata_bytes", "metadata_bytes: 0 with pages");
}

static void check_info(const struct slot *slot)
{
	struct object *object = slot->object;
	zx_info_vmo_t info;
	u64 size;

	same_status("get_info(VMO)", ZX_OK,
		    zx_object_get_info(slot->handle, ZX_INFO_VMO, &info, sizeof(info),
				       NULL, NULL));
	same("koid", object->koid, info.koid);
	if (memcmp(object->name, info.name, sizeof(info.name)))
		differs("name", "name: expected \"%s\", seen \"%.32s\"", object->name, info.name);
	same("size_bytes", size_of(object), info.size_bytes);
	same("parent_koid", object->parent ? object->parent->koid : 0, info.parent_koid);
	same("num_children", children_of(object), info.num_children);
	same("num_mappings", object->areas, info.num_mappings);
	same("share_count", 1, info.share_count);
	same("flags", flags_of(object), info.flags);
	same("handle_rights", slot->rights, info.handle_rights);
	same("cache_policy", object->store->policy, info.cache_policy);
	check_charge(object, &info);
	same_status("get_size", ZX_OK, zx_vmo_get_size(slot->handle, &size));
	same("size", size_of(object), size);
	same_status("get_stream_size", ZX_OK, zx_vmo_get_stream_size(slot->handle, &size));
	same("stream size", *stream_of(object), size);
}

static void check_signals(const struct slot *slot)
{
	u32 observed = 0, want = signals_of(slot->object);

	if (!(slot->rights & ZX_RIGHT_WAIT))
		return;
	same_status("wait_one", ZX_ERR_TIMED_OUT,
		    zx_object_wait_one(slot->handle, 0, 0, &observed));
	same("signals", want, observed);
}

static void check_page(const struct slot *slot, u64 offset)
{
	struct frame *frame = frame_at(slot->object, offset);
	static const u8 zero[PAGE];
	const u8 *want = frame ? frame->bytes : zero;
	static u8 seen[PAGE];
	unsigned int i;

	same_status("read", ZX_OK, zx_vmo_read(slot->handle, seen, offset, PAGE));
	if (!memcmp(want, seen, PAGE))
		return;
	for (i = 0; want[i] == seen[i]; i++)
		;
	differs("contents", "contents of vmo %d at %#llx: expected %#x, seen %#x",
		(int)(slot - slots), (unsigned long long)offset + i, want[i], seen[i]);
}

/* Small ones wholly; of large ones the pages that are there and their neighbours. */
static void check_contents(const struct slot *slot)
{
	const struct object *object = slot->object;
	const struct store *store = object->store;
	u64 size = size_of(object), offset;
	unsigned int i;

	if (want_cached(object)) {
		same_status("read", ZX_ERR_BAD_STATE, zx_vmo_read(slot->handle, buffer, 0, 0));
		return;
	}
	if (store->discarded) {
		same_status("read", size ? ZX_ERR_NOT_FOUND : ZX_OK,
			    zx_vmo_read(slot->handle, buffer, 0, size ? 1 : 0));
		return;
	}
	for (offset = 0; offset < size && offset < BUFFER_PAGES * PAGE; offset += PAGE)
		check_page(slot, offset);
	for (i = 0; i < store->count; i++) {
		/* Of very many, others each time. */
		if (store->count > MANY_PAGES && (i + shared->count) % 8)
			continue;
		offset = store->pages[i].number * PAGE - object->offset;
		if (store->pages[i].number * PAGE < object->offset || offset >= size ||
		    offset < BUFFER_PAGES * PAGE)
			continue;
		check_page(slot, offset);
		if (!frame_at(object, offset - PAGE))
			check_page(slot, offset - PAGE);
		if (offset + PAGE < size && !frame_at(object, offset + PAGE))
			check_page(slot, offset + PAGE);
	}
}

void check_all(bool contents)
{
	const struct object *seen[SLOTS];
	unsigned int i, j;

	check_streams();
	for (i = 0; i < SLOTS; i++) {
		seen[i] = NULL;
		if (!slots[i].object)
			continue;
		check_handle(&slots[i]);
		check_signals(&slots[i]);
		for (j = 0; j < i && slots[j].object != slots[i].object; j++)
			;
		if (j == i)
			check_info(&slots[i]);
		if (!contents || !(slots[i].rights & ZX_RIGHT_READ))
			continue;
		for (j = 0; j < i && seen[j] != slots[i].object; j++)
			;
		if (j == i)
			check_contents(&slots[i]);
		seen[i] = slots[i].object;
	}
}
