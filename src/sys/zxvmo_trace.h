/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoints: see trace.rs. This file is read several times over, by the
 * kernel's means of making them, and its name and place are in its last lines.
 *
 * A VMO is named by its koid, its memory by the number of its store, which
 * zxvmo_create and zxvmo_child tell.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zxvmo

#if !defined(_ZXVMO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _ZXVMO_TRACE_H

#include <linux/tracepoint.h>

/* Of zxvmo_fault: what it was. */
#define ZX_C_FAULT_WRITE	1U
#define ZX_C_FAULT_UPGRADE	2U
#define ZX_C_FAULT_LARGE	4U

TRACE_EVENT(zxvmo_create,
	TP_PROTO(u64 koid, u64 store, u64 size, u32 options),
	TP_ARGS(koid, store, size, options),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, store)
		__field(u64, size)
		__field(u32, options)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->store = store;
		__entry->size = size;
		__entry->options = options;
	),
	TP_printk("koid=%llu store=%llu size=%llu options=%#x",
		  __entry->koid, __entry->store, __entry->size,
		  __entry->options)
);

TRACE_EVENT(zxvmo_child,
	TP_PROTO(u64 koid, u64 store, u64 parent, u32 options, u64 offset,
		 u64 size),
	TP_ARGS(koid, store, parent, options, offset, size),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, store)
		__field(u64, parent)
		__field(u64, offset)
		__field(u64, size)
		__field(u32, options)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->store = store;
		__entry->parent = parent;
		__entry->offset = offset;
		__entry->size = size;
		__entry->options = options;
	),
	TP_printk("koid=%llu store=%llu parent=%llu options=%#x offset=%llu size=%llu",
		  __entry->koid, __entry->store, __entry->parent,
		  __entry->options, __entry->offset, __entry->size)
);

TRACE_EVENT(zxvmo_destroy,
	TP_PROTO(u64 koid),
	TP_ARGS(koid),
	TP_STRUCT__entry(
		__field(u64, koid)
	),
	TP_fast_assign(
		__entry->koid = koid;
	),
	TP_printk("koid=%llu", __entry->koid)
);

/* A page of the store: the fault is about to be resolved. */
TRACE_EVENT(zxvmo_fault,
	TP_PROTO(u64 koid, u64 page, u32 flags),
	TP_ARGS(koid, page, flags),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, page)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->page = page;
		__entry->flags = flags;
	),
	TP_printk("koid=%llu page=%llu %s%s%s", __entry->koid, __entry->page,
		  __entry->flags & ZX_C_FAULT_WRITE ? "write" : "read",
		  __entry->flags & ZX_C_FAULT_UPGRADE ? " upgrade" : "",
		  __entry->flags & ZX_C_FAULT_LARGE ? " large" : "")
);

/* A page counted from the root of the family of snapshots. */
TRACE_EVENT(zxvmo_copy,
	TP_PROTO(u64 store, u64 page),
	TP_ARGS(store, page),
	TP_STRUCT__entry(
		__field(u64, store)
		__field(u64, page)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->page = page;
	),
	TP_printk("store=%llu page=%llu", __entry->store, __entry->page)
);

TRACE_EVENT(zxvmo_commit,
	TP_PROTO(u64 koid, u64 offset, u64 size, s32 status),
	TP_ARGS(koid, offset, size, status),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u64, offset)
		__field(u64, size)
		__field(s32, status)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->offset = offset;
		__entry->size = size;
		__entry->status = status;
	),
	TP_printk("koid=%llu offset=%llu size=%llu status=%d", __entry->koid,
		  __entry->offset, __entry->size, __entry->status)
);

TRACE_EVENT(zxvmo_discard,
	TP_PROTO(u64 store, u64 pages),
	TP_ARGS(store, pages),
	TP_STRUCT__entry(
		__field(u64, store)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->pages = pages;
	),
	TP_printk("store=%llu pages=%llu", __entry->store, __entry->pages)
);

/* The numbers are ZX_VMO_OP_*. */
TRACE_EVENT(zxvmo_lock,
	TP_PROTO(u64 koid, u32 op, s32 status),
	TP_ARGS(koid, op, status),
	TP_STRUCT__entry(
		__field(u64, koid)
		__field(u32, op)
		__field(s32, status)
	),
	TP_fast_assign(
		__entry->koid = koid;
		__entry->op = op;
		__entry->status = status;
	),
	TP_printk("koid=%llu %s status=%d", __entry->koid,
		  __print_symbolic(__entry->op, { 3, "lock" }, { 4, "unlock" },
				   { 11, "try_lock" }),
		  __entry->status)
);

#endif /* _ZXVMO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE zxvmo_trace
#include <trace/define_trace.h>
