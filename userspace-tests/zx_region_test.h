/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of the tests of regions, which speak to libzircon. */
#ifndef _ZX_REGION_TEST_H
#define _ZX_REGION_TEST_H

#include "zx_test.h"

#define ROOT	zx_vmar_root_self()
#define CAN_RW	(ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define CAN_ALL	(CAN_RW | ZX_VM_CAN_MAP_SPECIFIC)

struct region {
	zx_handle_t handle;
	zx_vaddr_t base;
};

/* A region in another; its handle is ZX_HANDLE_INVALID if there is none. */
static inline struct region new_region(zx_handle_t parent, zx_vm_option_t options, size_t pages)
{
	struct region region = { };

	if (zx_vmar_allocate(parent, options, 0, pages * PAGE, &region.handle, &region.base))
		region.handle = ZX_HANDLE_INVALID;
	return region;
}

static inline zx_status_t allocate(zx_handle_t parent, zx_vm_option_t options, uint64_t offset,
			    uint64_t size)
{
	struct region region = { };
	zx_status_t status;

	status = zx_vmar_allocate(parent, options, offset, size, &region.handle, &region.base);
	if (!status)
		zx_vmar_destroy(region.handle);
	zx_handle_close(region.handle);
	return status;
}

static inline zx_info_vmar_t bounds(zx_handle_t region)
{
	zx_info_vmar_t info;

	if (zx_object_get_info(region, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static inline zx_status_t map_in(zx_handle_t region, zx_vm_option_t options, size_t offset,
			  zx_handle_t vmo, size_t pages, unsigned char **at)
{
	zx_vaddr_t addr;
	zx_status_t status;

	status = zx_vmar_map(region, options, offset, vmo, 0, pages * PAGE, &addr);
	if (!status)
		*at = (unsigned char *)addr;
	return status;
}

/* What the kernel says that is mapped there is no memory, and all reserved. */
static inline bool is_reserved(zx_handle_t vmo, zx_vaddr_t at, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++) {
		void *page = (void *)(at + i * PAGE);

		if (probe_read(page) != SIGSEGV || probe_write(page, 1) != SIGSEGV ||
		    zx_vmo_read(vmo, page, 0, 1) != ZX_ERR_NOT_FOUND ||
		    zx_vmo_write(vmo, page, 0, 1) != ZX_ERR_NOT_FOUND ||
		    mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED || errno != EEXIST)
			return false;
	}
	return true;
}

static inline bool is_free(zx_vaddr_t at, size_t pages)
{
	void *found = mmap((void *)at, pages * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED_NOREPLACE, -1, 0);

	return found != MAP_FAILED && !munmap(found, pages * PAGE);
}

#endif
