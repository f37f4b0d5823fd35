// SPDX-License-Identifier: GPL-2.0
/*
 * What each call answers: the checks in the order that the specification gives
 * them. Nothing here changes anything.
 */
#include "model.h"

#define MAX_SIZE	ZX_VMO_MAX_SIZE

static const struct slot *find(u64 slot)
{
	return slot < SLOTS && slots[slot].object ? &slots[slot] : NULL;
}

/* 0.5, for calls that take a VMO. */
zx_status_t want_vmo(u64 slot, u32 rights)
{
	const struct slot *found = find(slot);

	if (slot == SLOT_VMAR)
		return ZX_ERR_WRONG_TYPE;
	if (!found)
		return ZX_ERR_BAD_HANDLE;
	return (found->rights & rights) == rights ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* For calls that take any handle. */
zx_status_t want_handle(u64 slot, u32 rights)
{
	const struct slot *found = find(slot);

	if (!found)
		return ZX_ERR_BAD_HANDLE;
	return (found->rights & rights) == rights ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* 3.3 */
zx_status_t want_create(u64 size, u32 options, bool bad_out)
{
	const u32 both = ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED;

	if ((options & both) == both)
		return ZX_ERR_INVALID_ARGS;
	if (!(options & ZX_VMO_UNBOUNDED) && round_up(size) < size)
		return ZX_ERR_OUT_OF_RANGE;
	if (options & ~(both | ZX_VMO_DISCARDABLE))
		return ZX_ERR_INVALID_ARGS;
	if (options & ZX_VMO_UNBOUNDED && size > MAX_SIZE)
		return ZX_ERR_OUT_OF_RANGE;
	if (!(options & ZX_VMO_UNBOUNDED) && round_up(size) > MAX_SIZE)
		return ZX_ERR_OUT_OF_RANGE;
	return bad_out ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* 8.3 */
u32 rights_of_child(u32 rights, u32 options)
{
	const u32 sharing = ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_REFERENCE;

	rights &= ~ZX_RIGHT_RESIZE;
	rights |= ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
	if (options & ZX_VMO_CHILD_RESIZABLE)
		rights |= ZX_RIGHT_RESIZE;
	if (options & ZX_VMO_CHILD_NO_WRITE)
		rights &= ~ZX_RIGHT_WRITE;
	else if (!(options & sharing))
		rights = (rights | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE;
	return rights;
}

static zx_status_t want_slice(const struct object *parent, u32 rest, u64 offset, u64 size)
{
	if (rest)
		return ZX_ERR_INVALID_ARGS;
	if (offset % PAGE)
		return ZX_ERR_INVALID_ARGS;
	if (size > MAX_SIZE)
		return ZX_ERR_OUT_OF_RANGE;
	if (!in_range(offset, size, size_of(parent)))
		return ZX_ERR_INVALID_ARGS;
	return parent->store->resizable ? ZX_ERR_NOT_SUPPORTED : want_cached(parent);
}

static zx_status_t want_reference(const struct object *parent, u32 rest, u64 offset, u64 size)
{
	if (rest & ~ZX_VMO_CHILD_RESIZABLE)
		return ZX_ERR_INVALID_ARGS;
	if (offset || size)
		return ZX_ERR_INVALID_ARGS;
	if (parent->kind == SLICE)
		return ZX_ERR_NOT_SUPPORTED;
	if (rest & ZX_VMO_CHILD_RESIZABLE && !parent->store->resizable)
		return ZX_ERR_NOT_SUPPORTED;
	return want_cached(parent);
}

static zx_status_t want_snapshot(const struct object *parent, u32 rest, u64 offset, u64 size)
{
	u64 base = parent->store->base + parent->offset;

	if (rest & ~ZX_VMO_CHILD_RESIZABLE)
		return ZX_ERR_INVALID_ARGS;
	if (offset % PAGE)
		return ZX_ERR_INVALID_ARGS;
	if (size > MAX_SIZE)
		return ZX_ERR_OUT_OF_RANGE;
	if (sum_wraps(offset, size))
		return ZX_ERR_OUT_OF_RANGE;
	if (parent->kind == SLICE && !in_range(offset, size, size_of(parent)))
		return ZX_ERR_OUT_OF_RANGE;
	if (want_cached(parent))
		return ZX_ERR_BAD_STATE;
	if (sum_wraps(base, offset) || sum_wraps(base + offset, size))
		return ZX_ERR_INVALID_ARGS;
	return parent->kind == SLICE ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
}

/* 8.4 */
zx_status_t want_child(u64 slot, u32 options, u64 offset, u64 size)
{
	const u32 snapshots[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
	};
	const u32 no_write = ZX_VMO_CHILD_NO_WRITE, resizable = ZX_VMO_CHILD_RESIZABLE;
	const u32 reference = ZX_VMO_CHILD_REFERENCE | resizable;
	u32 rights = ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, rest = options & ~no_write;
	const struct object *parent;
	zx_status_t status;
	unsigned int i;

	if (round_up(size) < size)
		return ZX_ERR_OUT_OF_RANGE;
	if ((options & (no_write | resizable)) == (no_write | resizable))
		return ZX_ERR_INVALID_ARGS;
	if ((options & reference) == reference)
		rights |= ZX_RIGHT_RESIZE;
	status = want_vmo(slot, rights);
	if (status)
		return status;
	parent = find(slot)->object;
	if (parent->store->discardable)
		return ZX_ERR_NOT_SUPPORTED;
	size = round_up(size);
	if (options & ZX_VMO_CHILD_SLICE)
		return want_slice(parent, rest & ~ZX_VMO_CHILD_SLICE, offset, size);
	if (options & ZX_VMO_CHILD_REFERENCE)
		return want_reference(parent, rest & ~ZX_VMO_CHILD_REFERENCE, offset, size);
	for (i = 0; i < ARRAY_SIZE(snapshots); i++)
		if (options & snapshots[i])
			return want_snapshot(parent, rest & ~snapshots[i], offset, size);
	return ZX_ERR_INVALID_ARGS;
}

/* 7.6 */
zx_status_t want_present(const struct object *object)
{
	return object->store->discarded ? ZX_ERR_NOT_FOUND : ZX_OK;
}

/* 4.2, with a good buffer */
zx_status_t want_transfer(u64 slot, u32 right, u64 offset, u64 size)
{
	zx_status_t status = want_vmo(slot, right);

	if (status)
		return status;
	if (sum_wraps(offset, size))
		return ZX_ERR_OUT_OF_RANGE;
	if (want_cached(find(slot)->object))
		return ZX_ERR_BAD_STATE;
	if (!in_range(offset, size, size_of(find(slot)->object)))
		return ZX_ERR_OUT_OF_RANGE;
	return size ? want_present(find(slot)->object) : ZX_OK;
}

/* 5.2 */
zx_status_t want_set_size(u64 slot, u64 size)
{
	zx_status_t status = want_vmo(slot, ZX_RIGHT_WRITE);
	const struct store *store;
	u64 rounded = round_up(size);

	if (status)
		return status;
	store = find(slot)->object->store;
	if (store->resizable && !(find(slot)->rights & ZX_RIGHT_RESIZE))
		return ZX_ERR_ACCESS_DENIED;
	if (rounded < size)
		return ZX_ERR_OUT_OF_RANGE;
	if (!store->resizable)
		return ZX_ERR_UNAVAILABLE;
	if (rounded > MAX_SIZE)
		return ZX_ERR_OUT_OF_RANGE;
	if (rounded > store->size && sum_wraps(store->base, rounded))
		return ZX_ERR_INVALID_ARGS;
	return ZX_OK;
}

/* 6 */
zx_status_t want_set_stream(u64 slot, u64 size)
{
	zx_status_t status = want_vmo(slot, ZX_RIGHT_WRITE);
	struct object *object;

	if (status)
		return status;
	object = find(slot)->object;
	if (size == *stream_of(object))
		return ZX_OK;
	return size > size_of(object) ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
}

/* 7.3, 7.7 */
static zx_status_t want_rounded(u64 offset, u64 len, u64 size)
{
	u64 start = offset & ~(PAGE - 1), end = offset + len;

	if (end < offset || round_up(end) < end)
		return ZX_ERR_OUT_OF_RANGE;
	return in_range(start, round_up(end) - start, size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t want_commit(const struct object *object, u64 offset, u64 len)
{
	zx_status_t status = want_rounded(offset, len, size_of(object));

	if (status || !(offset % PAGE + len))
		return status;
	return want_present(object);
}

/* 7.4 */
static zx_status_t want_decommit(const struct object *object, u64 offset, u64 len)
{
	if (!in_range(offset, len, size_of(object)))
		return ZX_ERR_OUT_OF_RANGE;
	if (!len)
		return ZX_OK;
	if (has_relatives(object) && broken_rule != 3)
		return ZX_ERR_NOT_SUPPORTED;
	return offset % PAGE || len % PAGE ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* Of those that regions have, too: after the check of rights (7, 17). */
zx_status_t want_part(const struct object *object, u32 op, u64 offset, u64 len)
{
	switch (op) {
	case ZX_VMO_OP_COMMIT:
		return want_commit(object, offset, len);
	case ZX_VMO_OP_DECOMMIT:
		return want_decommit(object, offset, len);
	case ZX_VMO_OP_PREFETCH:
		return want_rounded(offset, len, size_of(object));
	case ZX_VMO_OP_ZERO:
		if (!len)
			return ZX_OK;
		return in_range(offset, len, size_of(object)) ? want_cached(object) :
			ZX_ERR_OUT_OF_RANGE;
	default:
		return ZX_OK;
	}
}

/* 7.1, 7.2 */
zx_status_t want_range(u64 slot, u32 op, u64 offset, u64 len, u64 buffer_size)
{
	const u32 either = ZX_RIGHT_READ | ZX_RIGHT_WRITE;
	zx_status_t status = want_vmo(slot, 0);
	const struct object *object;
	u32 rights;
	u64 size;

	if (status)
		return status;
	object = find(slot)->object;
	rights = find(slot)->rights;
	size = size_of(object);
	switch (op) {
	case ZX_VMO_OP_COMMIT:
	case ZX_VMO_OP_DECOMMIT:
	case ZX_VMO_OP_ZERO:
		return rights & ZX_RIGHT_WRITE ? want_part(object, op, offset, len) :
			ZX_ERR_ACCESS_DENIED;
	case ZX_VMO_OP_PREFETCH:
		return rights & ZX_RIGHT_READ ? want_part(object, op, offset, len) :
			ZX_ERR_ACCESS_DENIED;
	case ZX_VMO_OP_LOCK:
	case ZX_VMO_OP_TRY_LOCK:
	case ZX_VMO_OP_UNLOCK:
		return rights & either ? want_lock(object, op, offset, len, buffer_size) :
			ZX_ERR_ACCESS_DENIED;
	case ZX_VMO_OP_DONT_NEED:
	case ZX_VMO_OP_ALWAYS_NEED:
		return ZX_OK;
	case ZX_VMO_OP_CACHE_SYNC:
	case ZX_VMO_OP_CACHE_INVALIDATE:
	case ZX_VMO_OP_CACHE_CLEAN:
	case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE:
		if (!(rights & (op == ZX_VMO_OP_CACHE_INVALIDATE ? ZX_RIGHT_WRITE : ZX_RIGHT_READ)))
			return ZX_ERR_ACCESS_DENIED;
		if (!len)
			return ZX_ERR_INVALID_ARGS;
		return in_range(offset, len, size) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
	default:
		return ZX_ERR_INVALID_ARGS;
	}
}

/* 18: duplicate with a right of its own to ask for, replace with none */
zx_status_t want_subset(u64 slot, u32 right, u32 rights)
{
	zx_status_t status = want_handle(slot, right);

	if (status || rights == ZX_RIGHT_SAME_RIGHTS)
		return status;
	return rights & ~find(slot)->rights ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* What may be done to the memory, as ZX_VM_PERM_*; there is no execute-only. */
u32 map_prot(u32 options)
{
	u32 prot = options & (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE);

	return options & ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED ? prot | ZX_VM_PERM_READ : prot;
}

/* 13.3 */
zx_status_t want_map(u64 slot, u32 options, u64 vmar_offset, u64 offset, u64 len)
{
	const u32 can = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE;
	const u32 known = 0xffff | 0xffu << ZX_VM_ALIGN_BASE;
	u32 align = options >> ZX_VM_ALIGN_BASE, prot = map_prot(options);
	zx_status_t status = want_vmo(slot, ZX_RIGHT_MAP);
	const struct store *store;
	u32 rights;

	if (status)
		return status;
	store = find(slot)->object->store;
	rights = find(slot)->rights;
	if (prot & ~ZX_VM_PERM_READ && !(prot & ZX_VM_PERM_READ))
		return ZX_ERR_INVALID_ARGS;
	if (options & ZX_VM_MAP_RANGE && options & ZX_VM_SPECIFIC_OVERWRITE)
		return ZX_ERR_INVALID_ARGS;
	if (options & can)
		return ZX_ERR_INVALID_ARGS;
	if ((prot & ZX_VM_PERM_READ && !(rights & ZX_RIGHT_READ)) ||
	    (prot & ZX_VM_PERM_WRITE && !(rights & ZX_RIGHT_WRITE)) ||
	    (prot & ZX_VM_PERM_EXECUTE && !(rights & ZX_RIGHT_EXECUTE)))
		return ZX_ERR_ACCESS_DENIED;
	if (options & ZX_VM_FAULT_BEYOND_STREAM_SIZE && !(options & ZX_VM_ALLOW_FAULTS))
		return ZX_ERR_INVALID_ARGS;
	if (options & ~known || (align && (align < 10 || align > 32)))
		return ZX_ERR_INVALID_ARGS;
	if (options & ZX_VM_REQUIRE_NON_RESIZABLE && store->resizable)
		return ZX_ERR_NOT_SUPPORTED;
	if (store->discardable && !(options & ZX_VM_ALLOW_FAULTS))
		return ZX_ERR_NOT_SUPPORTED;
	if (options & (ZX_VM_COMPACT | ZX_VM_CAN_MAP_SPECIFIC) || offset % PAGE)
		return ZX_ERR_INVALID_ARGS;
	if (round_up(len) < len || sum_wraps(offset, round_up(len)))
		return ZX_ERR_OUT_OF_RANGE;
	if (!len)
		return ZX_ERR_INVALID_ARGS;
	/* Of the options with a place only what goes wrong is tried. */
	if (options & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE) || vmar_offset)
		return ZX_ERR_INVALID_ARGS;
	return ZX_OK;
}

/* 20 */
zx_status_t want_get_property(u64 slot, u32 property, u64 size)
{
	zx_status_t status = want_handle(slot, ZX_RIGHT_GET_PROPERTY);

	if (status)
		return status;
	switch (property) {
	case ZX_PROP_NAME:
		return size < ZX_MAX_NAME_LEN ? ZX_ERR_BUFFER_TOO_SMALL : ZX_OK;
	case ZX_PROP_VMO_CONTENT_SIZE:
		return size < sizeof(u64) ? ZX_ERR_BUFFER_TOO_SMALL : ZX_OK;
	case ZX_PROP_STREAM_MODE_APPEND:
		return size < 1 ? ZX_ERR_BUFFER_TOO_SMALL : ZX_ERR_WRONG_TYPE;
	default:
		return ZX_ERR_NOT_SUPPORTED;
	}
}

zx_status_t want_set_property(u64 slot, u32 property, u64 size, u64 value)
{
	zx_status_t status = want_handle(slot, ZX_RIGHT_SET_PROPERTY);

	if (status)
		return status;
	switch (property) {
	case ZX_PROP_NAME:
		return ZX_OK;
	case ZX_PROP_VMO_CONTENT_SIZE:
		if (!(find(slot)->rights & ZX_RIGHT_WRITE))
			return ZX_ERR_ACCESS_DENIED;
		return size < sizeof(u64) ? ZX_ERR_BUFFER_TOO_SMALL :
			want_set_stream(slot, value);
	case ZX_PROP_STREAM_MODE_APPEND:
		return size < 1 ? ZX_ERR_BUFFER_TOO_SMALL : ZX_ERR_WRONG_TYPE;
	default:
		return ZX_ERR_NOT_SUPPORTED;
	}
}

/* 19; the size of the record, 0 if there is none. */
zx_status_t want_info(u64 slot, u32 topic, u64 size, u64 *record)
{
	zx_status_t status = want_handle(slot, 0);

	*record = 0;
	switch (topic) {
	case ZX_INFO_HANDLE_VALID:
		return status;
	case ZX_INFO_HANDLE_BASIC:
		*record = sizeof(zx_info_handle_basic_t);
		break;
	case ZX_INFO_HANDLE_COUNT:
		*record = sizeof(zx_info_handle_count_t);
		status = want_handle(slot, ZX_RIGHT_INSPECT);
		break;
	case ZX_INFO_VMO_V1:
		*record = sizeof(zx_info_vmo_v1_t);
		break;
	case ZX_INFO_VMO_V2:
		*record = sizeof(zx_info_vmo_v2_t);
		break;
	case ZX_INFO_VMO_V3:
		*record = sizeof(zx_info_vmo_v3_t);
		break;
	case ZX_INFO_VMO:
		*record = sizeof(zx_info_vmo_t);
		break;
	case ZX_INFO_STREAM:
	case ZX_INFO_VMAR:
		return status ? status : ZX_ERR_WRONG_TYPE;
	default:
		return ZX_ERR_NOT_SUPPORTED;
	}
	if (status)
		return status;
	return size < *record ? ZX_ERR_BUFFER_TOO_SMALL : ZX_OK;
}
