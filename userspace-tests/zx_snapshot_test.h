/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of the tests of snapshots, which speak to libzircon. */
#ifndef _ZX_SNAPSHOT_TEST_H
#define _ZX_SNAPSHOT_TEST_H

#include "zx_test.h"

#define RESIZABLE	ZX_VMO_CHILD_RESIZABLE
#define FAR		0xfffffffffffff000

/* The ways to ask for one. */
static const uint32_t kinds[] __maybe_unused = {
	ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
	ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
};

static inline zx_handle_t resizable_snapshot(zx_handle_t vmo, uint64_t offset, uint64_t size)
{
	return new_child(vmo, ZX_VMO_CHILD_SNAPSHOT | RESIZABLE, offset, size);
}

/* A VMO whose pages hold their number, from 1 on. */
static inline zx_handle_t numbered(size_t pages, uint32_t options)
{
	zx_handle_t vmo = new_vmo(pages * PAGE, options);
	unsigned char page[PAGE];
	size_t i;

	for (i = 0; i < pages; i++) {
		memset(page, i + 1, PAGE);
		if (zx_vmo_write(vmo, page, i * PAGE, PAGE))
			return ZX_HANDLE_INVALID;
	}
	return vmo;
}

/* Whether pages first to end - 1 hold numbers that start with a value. */
static inline bool counts(zx_handle_t vmo, size_t first, size_t end, unsigned char value)
{
	for (; first < end; first++, value++)
		if (!holds(vmo, value, first * PAGE, (first + 1) * PAGE))
			return false;
	return true;
}

#endif
