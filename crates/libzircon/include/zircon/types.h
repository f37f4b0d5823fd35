/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The types of the Zircon calls. Options and signals (ZX_VMO_*, ZX_VM_*,
 * ZX_USER_SIGNAL_*, ZX_TIME_INFINITE, ...) come with <zxvmo.h>.
 */
#ifndef ZIRCON_TYPES_H_
#define ZIRCON_TYPES_H_

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/limits.h>
#include <zircon/rights.h>
#include <zircon/time.h>
#include <zxvmo.h>

/*
 * A handle. 0 (ZX_HANDLE_INVALID) is none; a valid one has the bits
 * ZX_HANDLE_FIXED_BITS_MASK set. It is not a file descriptor, though there is
 * one behind it: the value is the process's own name for it.
 */
typedef uint32_t zx_handle_t;

/* An object id: never used again; at least ZX_KOID_FIRST. */
typedef uint64_t zx_koid_t;

/* Signals of an object: ZX_VMO_ZERO_CHILDREN, ZX_EVENT_*, ZX_USER_SIGNAL_*. */
typedef uint32_t zx_signals_t;

/* A type of object: ZX_OBJ_TYPE_*. */
typedef uint32_t zx_obj_type_t;

/* What zx_object_get_info asks for: ZX_INFO_*. */
typedef uint32_t zx_object_info_topic_t;

/* Options of zx_vmar_map and zx_vmar_protect: ZX_VM_*. */
typedef uint32_t zx_vm_option_t;

/* An address of the caller; an offset into an object, in bytes. */
typedef uintptr_t zx_vaddr_t;
typedef uintptr_t zx_paddr_t;
typedef uint64_t zx_off_t;

/* What zx_stream_seek counts from: ZX_STREAM_SEEK_ORIGIN_*. */
typedef uint32_t zx_stream_seek_origin_t;

/* One buffer of a vector. */
typedef struct zx_iovec {
  void* buffer;
  /* In bytes. */
  size_t capacity;
} zx_iovec_t;

static_assert(sizeof(zx_iovec_t) == 16, "layout");
static_assert(offsetof(zx_iovec_t, capacity) == 8, "layout");

/* What ZX_VMO_OP_LOCK stores. Sizes are bytes. */
typedef struct zx_vmo_lock_state {
  uint64_t offset;
  uint64_t size;
  /* The part whose content was discarded; none if its size is 0. */
  uint64_t discarded_offset;
  uint64_t discarded_size;
} zx_vmo_lock_state_t;

static_assert(sizeof(zx_vmo_lock_state_t) == 32, "layout");
static_assert(offsetof(zx_vmo_lock_state_t, size) == 8, "layout");
static_assert(offsetof(zx_vmo_lock_state_t, discarded_offset) == 16, "layout");
static_assert(offsetof(zx_vmo_lock_state_t, discarded_size) == 24, "layout");

/* One object of zx_object_wait_many. */
typedef struct zx_wait_item {
  zx_handle_t handle;
  zx_signals_t waitfor;
  /* All signals that were asserted in the end. */
  zx_signals_t pending;
} zx_wait_item_t;

static_assert(sizeof(zx_wait_item_t) == 12, "layout");
static_assert(offsetof(zx_wait_item_t, waitfor) == 4, "layout");
static_assert(offsetof(zx_wait_item_t, pending) == 8, "layout");

#endif /* ZIRCON_TYPES_H_ */
