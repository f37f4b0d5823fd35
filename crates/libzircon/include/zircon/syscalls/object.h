/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Records of zx_object_get_info. Topics (ZX_INFO_*), object types
 * (ZX_OBJ_TYPE_*), properties (ZX_PROP_*) and flags come with <zxvmo.h>.
 */
#ifndef ZIRCON_SYSCALLS_OBJECT_H_
#define ZIRCON_SYSCALLS_OBJECT_H_

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/types.h>

/* ZX_INFO_HANDLE_BASIC */
typedef struct zx_info_handle_basic {
  zx_koid_t koid;
  zx_rights_t rights;
  zx_obj_type_t type;
  /* The other end or the parent of some types of object; 0 for a VMO. */
  zx_koid_t related_koid;
  uint32_t reserved;
  uint8_t padding1[4];
} zx_info_handle_basic_t;

/* ZX_INFO_HANDLE_COUNT: handles of the object in all processes. */
typedef struct zx_info_handle_count {
  uint32_t handle_count;
} zx_info_handle_count_t;

/* ZX_INFO_VMAR: the bounds of a region. */
typedef struct zx_info_vmar {
  uintptr_t base;
  size_t len;
} zx_info_vmar_t;

/* ZX_INFO_STREAM */
typedef struct zx_info_stream {
  /* ZX_STREAM_MODE_*, append mode as it is now. */
  uint32_t options;
  uint8_t padding1[4];
  /* The position. */
  zx_off_t seek;
  /* The stream size of the VMO. */
  uint64_t content_size;
} zx_info_stream_t;

/* ZX_INFO_VMO */
typedef struct zx_info_vmo {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  /* Multiple of the page size. */
  uint64_t size_bytes;
  /* 0 if there is none. */
  zx_koid_t parent_koid;
  uint64_t num_children;
  uint64_t num_mappings;
  /* Distinct address spaces that map it, at least 1. */
  uint64_t share_count;
  /* ZX_INFO_VMO_* */
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  /* Rights of the handle that was used. */
  zx_rights_t handle_rights;
  /* ZX_CACHE_POLICY_* */
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
  uint64_t populated_bytes;
  uint64_t committed_private_bytes;
  uint64_t populated_private_bytes;
  /* Each byte divided by the number of VMOs that share it. */
  uint64_t committed_scaled_bytes;
  uint64_t populated_scaled_bytes;
  /* The fractions that belong to these: 1 << 63 stands for one byte. */
  uint64_t committed_fractional_scaled_bytes;
  uint64_t populated_fractional_scaled_bytes;
} zx_info_vmo_t;

/* ZX_INFO_VMO_V3, _V2 and _V1: the records of older headers. */
typedef struct zx_info_vmo_v3 {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  uint64_t num_children;
  uint64_t num_mappings;
  uint64_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
  uint64_t populated_bytes;
} zx_info_vmo_v3_t;

typedef struct zx_info_vmo_v2 {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  uint64_t num_children;
  uint64_t num_mappings;
  uint64_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
} zx_info_vmo_v2_t;

typedef struct zx_info_vmo_v1 {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  uint64_t num_children;
  uint64_t num_mappings;
  uint64_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
} zx_info_vmo_v1_t;

static_assert(sizeof(zx_info_handle_basic_t) == 32, "layout");
static_assert(offsetof(zx_info_handle_basic_t, rights) == 8, "layout");
static_assert(offsetof(zx_info_handle_basic_t, type) == 12, "layout");
static_assert(offsetof(zx_info_handle_basic_t, related_koid) == 16, "layout");
static_assert(offsetof(zx_info_handle_basic_t, reserved) == 24, "layout");
static_assert(sizeof(zx_info_handle_count_t) == 4, "layout");
static_assert(sizeof(zx_info_vmar_t) == 16, "layout");
static_assert(offsetof(zx_info_vmar_t, len) == 8, "layout");
static_assert(sizeof(zx_info_stream_t) == 24, "layout");
static_assert(offsetof(zx_info_stream_t, seek) == 8, "layout");
static_assert(offsetof(zx_info_stream_t, content_size) == 16, "layout");
static_assert(sizeof(zx_info_vmo_v1_t) == 104, "layout");
static_assert(sizeof(zx_info_vmo_v2_t) == 120, "layout");
static_assert(sizeof(zx_info_vmo_v3_t) == 128, "layout");
static_assert(sizeof(zx_info_vmo_t) == 176, "layout");
static_assert(offsetof(zx_info_vmo_t, name) == 8, "layout");
static_assert(offsetof(zx_info_vmo_t, size_bytes) == 40, "layout");
static_assert(offsetof(zx_info_vmo_t, parent_koid) == 48, "layout");
static_assert(offsetof(zx_info_vmo_t, num_children) == 56, "layout");
static_assert(offsetof(zx_info_vmo_t, num_mappings) == 64, "layout");
static_assert(offsetof(zx_info_vmo_t, share_count) == 72, "layout");
static_assert(offsetof(zx_info_vmo_t, flags) == 80, "layout");
static_assert(offsetof(zx_info_vmo_t, committed_bytes) == 88, "layout");
static_assert(offsetof(zx_info_vmo_t, handle_rights) == 96, "layout");
static_assert(offsetof(zx_info_vmo_t, cache_policy) == 100, "layout");
static_assert(offsetof(zx_info_vmo_t, metadata_bytes) == 104, "layout");
static_assert(offsetof(zx_info_vmo_t, committed_change_events) == 112, "layout");
static_assert(offsetof(zx_info_vmo_t, populated_bytes) == 120, "layout");
static_assert(offsetof(zx_info_vmo_t, committed_private_bytes) == 128, "layout");
static_assert(offsetof(zx_info_vmo_t, committed_scaled_bytes) == 144, "layout");
static_assert(offsetof(zx_info_vmo_t, committed_fractional_scaled_bytes) == 160, "layout");

#endif /* ZIRCON_SYSCALLS_OBJECT_H_ */
