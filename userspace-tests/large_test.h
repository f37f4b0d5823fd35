/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory in large folios: how to see that it is, and what a page of it holds.
 */
#ifndef _LARGE_TEST_H
#define _LARGE_TEST_H

#include "zx_test.h"

#define LARGE		(2UL << 20)
#define LARGE_PAGES	(LARGE / PAGE)

/* Whether the module was loaded without large folios: with PARAMETERS=large_folios=0. */
static inline bool large_off(void)
{
	char value[64];

	return proc_value("/run/zxvmo-parameters", "large_folios=0", value, sizeof(value));
}

/* Bytes that the mapping that begins at an address shows by 2 MiB entries. */
static inline size_t shown_large(const void *at)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	size_t kib = 0;
	bool here = false;
	char line[256], key[32];

	if (!file)
		return 0;
	snprintf(key, sizeof(key), "%08lx-", (unsigned long)at);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)))
			here = true;
		else if (here && sscanf(line, "FilePmdMapped: %zu", &kib) == 1)
			break;
	}
	fclose(file);
	return kib * 1024;
}

/* What of so many bytes can be expected to be shown so. */
static inline size_t expected_large(size_t bytes)
{
	return large_off() ? 0 : bytes;
}

/* A committed VMO of so many large folios; page i holds i + seed. */
static inline zx_handle_t large_vmo(size_t folios, uint32_t options, uint32_t seed)
{
	zx_handle_t vmo = new_vmo(folios * LARGE, options);
	uint32_t i, value;

	if (op_range(vmo, ZX_VMO_OP_COMMIT, 0, folios * LARGE))
		return ZX_HANDLE_INVALID;
	for (i = 0; i < folios * LARGE_PAGES; i++) {
		value = i + seed;
		if (zx_vmo_write(vmo, &value, i * PAGE, 4))
			return ZX_HANDLE_INVALID;
	}
	return vmo;
}

static inline uint32_t page_value(zx_handle_t vmo, size_t page)
{
	uint32_t value;

	return zx_vmo_read(vmo, &value, page * PAGE, 4) ? UINT32_MAX : value;
}

static inline uint32_t *word_of(unsigned char *at, size_t page)
{
	return (uint32_t *)(at + page * PAGE);
}

/* Whether pages from first up to end hold their number and the seed. */
static inline bool pages_hold(zx_handle_t vmo, size_t first, size_t end, uint32_t seed)
{
	for (; first < end; first++)
		if (page_value(vmo, first) != (uint32_t)(first + seed))
			return false;
	return true;
}

/* The descriptor of a handle of libzircon. */
static inline int descriptor_of(zx_handle_t vmo)
{
	uint64_t koid = info_of(vmo).koid;
	char value[32];
	int fd;

	for (fd = 0; fd < 256; fd++)
		if (fdinfo_value(fd, "zxvmo-koid:", value, sizeof(value)) &&
		    strtoull(value, NULL, 10) == koid)
			return fd;
	return -1;
}

static inline unsigned char *map_large(zx_handle_t vmo, size_t folios)
{
	unsigned char *at;

	return map_vmo(vmo, READ_WRITE, folios * LARGE, &at) ? NULL : at;
}

#endif /* _LARGE_TEST_H */
