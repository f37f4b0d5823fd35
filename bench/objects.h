/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two kinds of memory that most cases compare, a VMO and a memfd, and the
 * touching of pages in various orders.
 */
#ifndef _OBJECTS_H
#define _OBJECTS_H

#include "bench.h"

/* Orders of touching. */
const uint32_t *shuffled(size_t pages);

static inline void write_in_order(unsigned char *at, size_t pages, unsigned char value)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile unsigned char *)(at + i * PAGE) = value;
}

static inline void write_shuffled(unsigned char *at, const uint32_t *order, size_t count,
				  uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		*(volatile uint64_t *)(at + order[i] * PAGE) = value;
}

/* The sum of the first bytes of the pages. */
static inline size_t read_in_order(const unsigned char *at, size_t pages)
{
	size_t sum = 0;

	for (size_t i = 0; i < pages; i++)
		sum += *(volatile const unsigned char *)(at + i * PAGE);
	return sum;
}

/* VMOs. None of these returns without success. */
zx_handle_t vmo_of(size_t size);
zx_handle_t committed_vmo_of(size_t size);
zx_handle_t snapshot_of(zx_handle_t vmo, size_t size);
void vmo_close(zx_handle_t vmo);
void vmo_commit(zx_handle_t vmo, size_t size);
unsigned char *vmo_map(zx_handle_t vmo, size_t size, zx_vm_option_t options);
void vmo_unmap(void *at, size_t size);
zx_info_vmo_t vmo_info(zx_handle_t vmo);
size_t vmo_pages(zx_handle_t vmo);

/* Maps one of the usual size, lets `touch` touch each of its pages, and ends it. */
void touch_vmo(void (*touch)(unsigned char *at));

/* Memfds, likewise. */
int memfd_of(size_t size);
int committed_memfd_of(size_t size);
unsigned char *memfd_map(int fd, size_t size);
size_t memfd_pages(int fd);
void touch_memfd(void (*touch)(unsigned char *at));

/* Private anonymous memory in pages of 4 KiB, not populated. */
unsigned char *private_memory(size_t size);

#endif /* _OBJECTS_H */
