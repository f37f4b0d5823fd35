// SPDX-License-Identifier: GPL-2.0
/* Random operations. */
#include "model.h"

static bool left_out[OP_KINDS];

/*
 * Families differ: each does without some kinds of operation, so that the
 * others come more often one after the other.
 */
void seed_random(u64 seed)
{
	unsigned int kind;

	start_random(seed);
	large_family = large_folios && any(3);
	for (kind = OP_CREATE + 1; kind < OP_KINDS; kind++)
		left_out[kind] = !any(4) && !(large_family && kind == OP_RANGE);
}

static u32 some_rights(u32 have)
{
	switch (any(6)) {
	case 0:
		return have & (u32)any(1ULL << 32);
	case 1:
		return have | 1u << any(32);
	case 2:
	case 3:
		return have & ~(1u << any(24));
	default:
		return ZX_RIGHT_SAME_RIGHTS;
	}
}

static u64 some_options(const u32 *options, size_t count)
{
	u32 option = options[any(count)];

	return any(25) ? option : option ^ 1u << any(any(2) ? 9 : 32);
}

static u64 some_create(void)
{
	static const u32 options[] = {
		0, 0, 0, ZX_VMO_RESIZABLE, ZX_VMO_RESIZABLE, ZX_VMO_RESIZABLE,
		ZX_VMO_DISCARDABLE, ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE, ZX_VMO_UNBOUNDED,
		ZX_VMO_RESIZABLE, 0,
	};

	return some_options(options, ARRAY_SIZE(options)) & ~(without_discards ? ZX_VMO_DISCARDABLE : 0);
}

static void random_child(struct op *op)
{
	static const u32 types[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
		ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, ZX_VMO_CHILD_SLICE,
		ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE, ZX_VMO_CHILD_REFERENCE,
	};
	const struct object *parent = object_in(op->arg[0]);
	u32 options = some_options(types, ARRAY_SIZE(types));

	op->arg[1] = empty_slot();
	if (!any(6))
		options |= ZX_VMO_CHILD_NO_WRITE;
	if (!any(3) && !(options & ZX_VMO_CHILD_SLICE && any(5)))
		options |= ZX_VMO_CHILD_RESIZABLE;
	op->arg[2] = options;
	if (options & ZX_VMO_CHILD_REFERENCE && any(15))
		return;
	op->arg[3] = any(3) ? aligned(some_offset(parent)) : 0;
	op->arg[4] = some_length(parent, op->arg[3]);
}

/* Pages move in groups of 64 where both places are alike. */
static void random_transfer(struct op *op)
{
	const u64 group = 64 * PAGE;
	const struct object *to = object_in(op->arg[0]), *from;
	u64 *arg = op->arg;

	arg[1] = any(40) ? 0 : any(3);
	arg[4] = any(3) ? some_handle() : arg[0];
	from = object_in(arg[4]);
	arg[2] = aligned(some_offset(to));
	arg[5] = aligned(some_offset(from));
	if (any(2) && (to != from || (to && size_of(to) > group)))
		arg[5] = (arg[5] & ~(group - 1)) | (arg[2] & (group - 1));
	arg[3] = aligned(any(2) ? some_length(to, arg[2]) : some_length(from, arg[5]));
	if (!any(3))
		arg[3] = (1 + any(200)) * PAGE;
	/* Mostly what both have. */
	if (any(10) && to && arg[2] < size_of(to) && arg[3] > size_of(to) - arg[2])
		arg[3] = size_of(to) - arg[2];
	if (any(10) && from && arg[5] < size_of(from) && arg[3] > size_of(from) - arg[5])
		arg[3] = size_of(from) - arg[5];
}

static void random_range(struct op *op)
{
	static const u32 often[] = {
		ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO, ZX_VMO_OP_ZERO,
	};
	static const u32 locks[] = { ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK };
	const struct object *object = object_in(op->arg[0]);

	op->arg[1] = any(4) ? often[any(ARRAY_SIZE(often))] : any(17);
	if (object && object->store->discardable && any(2))
		op->arg[1] = locks[any(ARRAY_SIZE(locks))];
	op->arg[2] = some_offset(object);
	op->arg[3] = some_length(object, op->arg[2]);
	if (op->arg[1] == ZX_VMO_OP_DECOMMIT) {
		op->arg[2] = aligned(op->arg[2]);
		op->arg[3] = aligned(op->arg[3]);
	}
	if (object && (op->arg[1] == ZX_VMO_OP_LOCK || op->arg[1] == ZX_VMO_OP_TRY_LOCK ||
		       op->arg[1] == ZX_VMO_OP_UNLOCK) && any(8)) {
		op->arg[2] = 0;
		op->arg[3] = size_of(object);
	}
	op->arg[4] = any(6) ? sizeof(zx_vmo_lock_state_t) : any(40);
	/* COMMIT makes large folios of these, as far as there is nothing yet. */
	if (large_family && object && !any(3)) {
		op->arg[1] = any(4) ? ZX_VMO_OP_COMMIT : ZX_VMO_OP_ZERO;
		op->arg[2] = size_of(object) >= 2 * LARGE_PAGES * PAGE && any(2) ?
			LARGE_PAGES * PAGE : 0;
		op->arg[3] = LARGE_PAGES * PAGE;
	}
}

static u32 some_prot(void)
{
	static const u32 prots[] = {
		ZX_VM_PERM_READ, 0, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE,
		ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE,
	};

	return any(20) ? prots[any(ARRAY_SIZE(prots))] : any(8);
}

static void random_map(struct op *op)
{
	static const u32 extra[] = {
		0, ZX_VM_ALLOW_FAULTS, ZX_VM_MAP_RANGE, ZX_VM_REQUIRE_NON_RESIZABLE,
		ZX_VM_ALLOW_FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE,
		ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED,
		ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT,
		ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_OFFSET_IS_UPPER_LIMIT,
		ZX_VM_ALIGN_16KB, ZX_VM_ALIGN_1KB,
	};
	const struct object *object = object_in(op->arg[0]);

	op->arg[1] = some_map(false);
	op->arg[2] = some_prot() | extra[any(2) ? any(2) : any(ARRAY_SIZE(extra))];
	if (!any(20))
		op->arg[2] ^= 1u << any(32);
	op->arg[3] = any(40) ? 0 : odd_number();
	op->arg[4] = any(2) ? aligned(some_offset(object)) : 0;
	op->arg[5] = any(20) ? 1 + any(24 * PAGE) : odd_number();
	/* Where a page table can show a large folio as a whole. */
	if (large_family && !any(2)) {
		op->arg[2] = some_prot() | ZX_VM_ALIGN_2MB;
		op->arg[4] = any(2) ? 0 : LARGE_PAGES * PAGE;
		op->arg[5] = (LARGE_PAGES + any(MAP_PAGES - LARGE_PAGES)) * PAGE;
	}
}

/* A page of a mapping, most of which are small. */
static u64 some_map_page(void)
{
	return any(any(2) ? 8 : large_family && any(2) ? MAP_PAGES : 32);
}

static u64 some_topic(void)
{
	static const u32 topics[] = {
		ZX_INFO_HANDLE_VALID, ZX_INFO_HANDLE_BASIC, ZX_INFO_HANDLE_COUNT, ZX_INFO_VMO_V1,
		ZX_INFO_VMO_V2, ZX_INFO_VMO_V3, ZX_INFO_VMO, ZX_INFO_STREAM, ZX_INFO_VMAR, 0,
		0x40000017, 9999,
	};

	return topics[any(ARRAY_SIZE(topics))];
}

static u64 some_property(void)
{
	static const u32 properties[] = {
		ZX_PROP_NAME, ZX_PROP_NAME, ZX_PROP_VMO_CONTENT_SIZE, ZX_PROP_VMO_CONTENT_SIZE,
		ZX_PROP_STREAM_MODE_APPEND, 4,
	};

	return properties[any(ARRAY_SIZE(properties))];
}

/* A few pages in a mapping, mostly within what is mapped. */
static void random_part(struct op *op, u64 *first, u64 *count)
{
	const struct map *map = &maps[op->arg[0]];
	unsigned int start = any(large_family ? MAP_PAGES : 32), pages = 1 + any(6), i;

	if (any(2))
		start = 0;
	for (i = 0; i < MAP_PAGES && !map->pages[start].mapped; i++)
		start = (start + 1) % MAP_PAGES;
	for (i = start; i < MAP_PAGES && map->pages[i].mapped; i++)
		;
	*first = start;
	*count = any(2) || pages > i - start ? i - start : pages;
}

static void random_stream(struct op *op)
{
	const struct object *object;
	unsigned int i;
	u64 *arg = op->arg;

	arg[0] = any(40) ? any(STREAMS) : any(STREAMS + 2);
	for (i = 0; i < STREAMS && any(20) && !object_of_stream(arg[0]); i++)
		arg[0] = (arg[0] + 1) % STREAMS;
	object = object_of_stream(arg[0]);
	switch (op->kind) {
	case OP_STREAM_READ:
	case OP_STREAM_WRITE:
		arg[1] = any(2) | (any(12) ? 0 : 2) | (any(60) ? 0 : 4) | any(200) << 3;
		arg[2] = any(8) ? 0 : any(any(4) ? 2 : 9);
		arg[3] = some_offset(object);
		arg[4] = some_length(object, arg[3]);
		arg[5] = any(4) ? any(2 * PAGE) : 0;
		break;
	case OP_STREAM_SEEK:
		arg[1] = any(20) ? any(3) : any(5);
		arg[2] = any(3) ? some_offset(object) : any(4 * PAGE) - 2 * PAGE;
		break;
	case OP_STREAM_APPEND:
		arg[1] = any(2);
		break;
	default:
		arg[1] = any(STREAMS);
		arg[2] = some_rights(0xd0c3 | ZX_RIGHT_READ);
	}
}

/* The first argument, a handle or a mapping, is there. */
static void random_args(struct op *op)
{
	static const u32 region_ops[] = {
		ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_ZERO, ZX_VMAR_OP_MAP_RANGE,
	};
	const struct object *object = object_in(op->arg[0]);
	u64 *arg = op->arg;

	switch (op->kind) {
	case OP_READ:
	case OP_WRITE:
		arg[1] = some_offset(object);
		arg[2] = some_length(object, arg[1]);
		arg[3] = op->kind == OP_READ ? (any(12) ? 0 : any(4)) : any(200);
		break;
	case OP_SET_SIZE:
		arg[1] = any(3) ? some_offset(object) : some_size();
		break;
	case OP_SET_STREAM:
		arg[1] = any(5) ? some_offset(object) : some_size();
		break;
	case OP_DUPLICATE:
	case OP_REPLACE:
		arg[1] = empty_slot();
		arg[2] = some_rights(object ? slots[arg[0]].rights : ZX_DEFAULT_VMO_RIGHTS);
		break;
	case OP_UNMAP:
		random_part(op, &arg[1], &arg[2]);
		break;
	case OP_REGION:
		arg[1] = any(5) ? region_ops[any(ARRAY_SIZE(region_ops))] : any(16);
		random_part(op, &arg[2], &arg[3]);
		break;
	case OP_PROTECT:
		arg[1] = some_prot();
		random_part(op, &arg[2], &arg[3]);
		break;
	case OP_LOAD:
		/* All pages, or one. */
		arg[1] = any(3) ? some_map_page() : MAP_PAGES;
		break;
	case OP_POLICY:
		/* Back again soon: most calls need cached memory. */
		arg[1] = any(30) ? (object && want_cached(object) ? any(2) : any(4)) :
			any(1ULL << 32);
		break;
	case OP_EXECUTABLE:
		arg[1] = empty_slot();
		arg[2] = !any(12);
		break;
	case OP_STREAM:
		arg[1] = any(STREAMS);
		arg[2] = any(20) ? (any(3) ? 3 : any(8)) : any(16);
		arg[3] = any(3) ? some_offset(object) : 0;
		break;
	case OP_PRIVATE:
		arg[1] = some_map(false);
		arg[2] = any(2) ? some_offset(object) & ~(PAGE - 1) : 0;
		arg[3] = 1 + any(24 * PAGE);
		break;
	case OP_COPY_IN:
	case OP_COPY_OUT:
		arg[1] = some_map(true);
		arg[2] = any(8 * PAGE);
		arg[3] = some_offset(object);
		arg[4] = some_length(object, arg[3]);
		break;
	case OP_STORE:
		arg[1] = some_map_page() * PAGE + any(PAGE);
		arg[2] = any(256);
		arg[3] = any(3) ? 0 : any(MAP_PAGES);
		break;
	case OP_GET_PROPERTY:
	case OP_SET_PROPERTY:
		arg[1] = some_property();
		arg[2] = any(3) ? (arg[1] == ZX_PROP_NAME ? 32 : 8) : any(50);
		arg[3] = some_offset(object);
		break;
	case OP_SIGNAL:
		arg[1] = any(10) ? any(256) << 24 : any(1ULL << 32);
		arg[2] = any(10) ? any(256) << 24 : any(1ULL << 32);
		break;
	case OP_WAIT:
		arg[1] = any(2) ? ZX_VMO_ZERO_CHILDREN : any(1ULL << 32);
		arg[2] = any(2);
		break;
	case OP_INFO:
		arg[1] = some_topic();
		arg[2] = any(2) ? any(200) : 176;
		break;
	default:
		break;
	}
}

static u32 random_kind(void)
{
	u64 weight = 0, at;
	u32 kind;

	if (!objects)
		return OP_CREATE;
	for (kind = 0; kind < OP_KINDS; kind++)
		weight += left_out[kind] ? 0 : op_types[kind].weight;
	at = any(weight);
	for (kind = 0; left_out[kind] || at >= op_types[kind].weight; kind++)
		at -= left_out[kind] ? 0 : op_types[kind].weight;
	return kind;
}

struct op random_op(void)
{
	struct op op = { };

	op.kind = random_kind();
	switch (op.kind) {
	case OP_CREATE:
		op.arg[0] = empty_slot();
		op.arg[1] = some_create();
		op.arg[2] = some_size();
		op.arg[3] = !any(30);
		break;
	case OP_UNMAP:
	case OP_REGION:
	case OP_PROTECT:
	case OP_LOAD:
	case OP_STORE:
		op.arg[0] = some_map(true);
		random_args(&op);
		break;
	case OP_STREAM_READ:
	case OP_STREAM_WRITE:
	case OP_STREAM_SEEK:
	case OP_STREAM_APPEND:
	case OP_STREAM_DUPLICATE:
	case OP_STREAM_CLOSE:
		random_stream(&op);
		break;
	case OP_RECLAIM:
		op.arg[0] = 1;
		break;
	default:
		op.arg[0] = some_handle();
		if (op.kind == OP_CHILD)
			random_child(&op);
		else if (op.kind == OP_RANGE)
			random_range(&op);
		else if (op.kind == OP_TRANSFER)
			random_transfer(&op);
		else if (op.kind == OP_MAP)
			random_map(&op);
		else
			random_args(&op);
	}
	return op;
}
