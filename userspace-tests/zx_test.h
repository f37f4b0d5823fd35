/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the spec_NNN tests, which speak to libzircon as code written for
 * Fuchsia does. NNN is the number of the edge case in the specification.
 */
#ifndef _ZX_TEST_H
#define _ZX_TEST_H

#include "linux_test.h"

#include <zircon/syscalls.h>

/* The new handle, or ZX_HANDLE_INVALID. */
static inline zx_handle_t new_vmo(uint64_t size, uint32_t options)
{
	zx_handle_t vmo = ZX_HANDLE_INVALID;

	return zx_vmo_create(size, options, &vmo) ? ZX_HANDLE_INVALID : vmo;
}

/* A duplicate with fewer rights, or ZX_HANDLE_INVALID. */
static inline zx_handle_t with_rights(zx_handle_t handle, zx_rights_t rights)
{
	zx_handle_t dup = ZX_HANDLE_INVALID;

	return zx_handle_duplicate(handle, rights, &dup) ? ZX_HANDLE_INVALID : dup;
}

/* A duplicate with all rights of the handle but these. */
static inline zx_handle_t without_rights(zx_handle_t handle, zx_rights_t rights)
{
	zx_info_handle_basic_t basic;

	if (zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic),
			       NULL, NULL))
		return ZX_HANDLE_INVALID;
	return with_rights(handle, basic.rights & ~rights);
}

/* A value that names no handle any more. */
static inline zx_handle_t closed_handle(void)
{
	zx_handle_t vmo = new_vmo(0, 0);

	zx_handle_close(vmo);
	return vmo;
}

/* All bits set in each field if the call failed. */
static inline zx_info_vmo_t info_of(zx_handle_t vmo)
{
	zx_info_vmo_t info;

	if (zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static inline uint64_t committed(zx_handle_t vmo)
{
	return info_of(vmo).committed_bytes;
}

static inline uint64_t size_of(zx_handle_t vmo)
{
	uint64_t size;

	return zx_vmo_get_size(vmo, &size) ? UINT64_MAX : size;
}

static inline uint64_t stream_size_of(zx_handle_t vmo)
{
	uint64_t size;

	return zx_vmo_get_stream_size(vmo, &size) ? UINT64_MAX : size;
}

static inline zx_status_t fill(zx_handle_t vmo, unsigned char byte, size_t pages)
{
	unsigned char page[PAGE];
	zx_status_t status = ZX_OK;
	size_t i;

	memset(page, byte, PAGE);
	for (i = 0; i < pages && !status; i++)
		status = zx_vmo_write(vmo, page, i * PAGE, PAGE);
	return status;
}

/* Whether the bytes from offset up to end all have the value. */
static inline bool holds(zx_handle_t vmo, unsigned char byte, uint64_t offset,
			 uint64_t end)
{
	unsigned char page[PAGE];
	uint64_t len;

	for (; offset < end; offset += len) {
		len = end - offset < PAGE ? end - offset : PAGE;
		if (zx_vmo_read(vmo, page, offset, len) || !all_bytes(page, byte, len))
			return false;
	}
	return true;
}

static inline zx_status_t put_byte(zx_handle_t vmo, uint64_t offset,
				   unsigned char byte)
{
	return zx_vmo_write(vmo, &byte, offset, 1);
}

/* Map from offset 0 where the library likes: the status, and the address. */
static inline zx_status_t map_vmo(zx_handle_t vmo, zx_vm_option_t options,
				  size_t len, unsigned char **at)
{
	zx_vaddr_t addr;
	zx_status_t status;

	status = zx_vmar_map(zx_vmar_root_self(), options, 0, vmo, 0, len, &addr);
	if (!status)
		*at = (unsigned char *)addr;
	return status;
}

static inline zx_status_t set_content_size(zx_handle_t vmo, uint64_t size)
{
	return zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size,
				      sizeof(size));
}

/* The new child, or ZX_HANDLE_INVALID. */
static inline zx_handle_t new_child(zx_handle_t vmo, uint32_t options, uint64_t offset,
				    uint64_t size)
{
	zx_handle_t child = ZX_HANDLE_INVALID;

	if (zx_vmo_create_child(vmo, options, offset, size, &child))
		return ZX_HANDLE_INVALID;
	return child;
}

static inline zx_handle_t snapshot_of(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return new_child(vmo, ZX_VMO_CHILD_SNAPSHOT, offset, size);
}

static inline zx_handle_t slice_of(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return new_child(vmo, ZX_VMO_CHILD_SLICE, offset, size);
}

static inline zx_handle_t reference_of(zx_handle_t vmo)
{
	return new_child(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0);
}

/* The status of a try that leaves no child. */
static inline zx_status_t try_child(zx_handle_t vmo, uint32_t options, uint64_t offset,
				    uint64_t size)
{
	zx_handle_t child = ZX_HANDLE_INVALID;
	zx_status_t status = zx_vmo_create_child(vmo, options, offset, size, &child);

	if (!status)
		zx_handle_close(child);
	return status;
}

static inline zx_status_t op_range(zx_handle_t vmo, uint32_t op, uint64_t offset,
				   uint64_t size)
{
	return zx_vmo_op_range(vmo, op, offset, size, NULL, 0);
}

static inline zx_signals_t signals_of(zx_handle_t vmo)
{
	zx_signals_t observed = 0;

	return zx_object_wait_one(vmo, 0, 0, &observed) == ZX_ERR_TIMED_OUT ? observed : 0;
}

static inline bool zero_children(zx_handle_t vmo)
{
	return signals_of(vmo) == ZX_VMO_ZERO_CHILDREN;
}

#define READ_WRITE	(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

#endif /* _ZX_TEST_H */
