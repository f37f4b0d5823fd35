// SPDX-License-Identifier: GPL-2.0
/* VMOs, memfds and private memory, made or the side fails. */
#include "objects.h"

/* A fixed shuffle of the numbers below pages, the same in every run. */
const uint32_t *shuffled(size_t pages)
{
	static uint32_t *order;
	static size_t length;
	uint64_t state = 0x9e3779b97f4a7c15ULL;

	if (length == pages)
		return order;
	free(order);
	order = malloc(pages * sizeof(*order));
	must(order);
	for (size_t i = 0; i < pages; i++)
		order[i] = i;
	for (size_t i = pages - 1; i > 0; i--) {
		uint32_t kept = order[i];
		size_t other;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		other = state % (i + 1);
		order[i] = order[other];
		order[other] = kept;
	}
	length = pages;
	return order;
}

zx_handle_t vmo_of(size_t size)
{
	zx_handle_t vmo = ZX_HANDLE_INVALID;

	must(zx_vmo_create(size, 0, &vmo) == ZX_OK);
	return vmo;
}

void vmo_commit(zx_handle_t vmo, size_t size)
{
	must(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, size, NULL, 0) == ZX_OK);
}

zx_handle_t committed_vmo_of(size_t size)
{
	zx_handle_t vmo = vmo_of(size);

	vmo_commit(vmo, size);
	must(vmo_pages(vmo) == size / PAGE);
	return vmo;
}

zx_handle_t snapshot_of(zx_handle_t vmo, size_t size)
{
	zx_handle_t child = ZX_HANDLE_INVALID;

	must(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, size, &child) == ZX_OK);
	return child;
}

void vmo_close(zx_handle_t vmo)
{
	must(zx_handle_close(vmo) == ZX_OK);
}

unsigned char *vmo_map(zx_handle_t vmo, size_t size, zx_vm_option_t options)
{
	zx_vaddr_t at = 0;

	must(zx_vmar_map(zx_vmar_root_self(), options, 0, vmo, 0, size, &at) == ZX_OK);
	return (unsigned char *)at;
}

void vmo_unmap(void *at, size_t size)
{
	must(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)at, size) == ZX_OK);
}

zx_info_vmo_t vmo_info(zx_handle_t vmo)
{
	zx_info_vmo_t info;

	must(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL) == ZX_OK);
	return info;
}

size_t vmo_pages(zx_handle_t vmo)
{
	return vmo_info(vmo).committed_bytes / PAGE;
}

void touch_vmo(void (*touch)(unsigned char *at))
{
	zx_handle_t vmo = vmo_of(USUAL);
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE);

	touch(at);
	must(vmo_pages(vmo) == USUAL / PAGE);
	vmo_unmap(at, USUAL);
	vmo_close(vmo);
}

int memfd_of(size_t size)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	must(fd >= 0);
	must(ftruncate(fd, size) == 0);
	return fd;
}

int committed_memfd_of(size_t size)
{
	int fd = memfd_of(size);

	must(fallocate(fd, 0, 0, size) == 0);
	must(memfd_pages(fd) == size / PAGE);
	return fd;
}

unsigned char *memfd_map(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(at != MAP_FAILED);
	return at;
}

size_t memfd_pages(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	return st.st_blocks / (PAGE / 512);
}

void touch_memfd(void (*touch)(unsigned char *at))
{
	int fd = memfd_of(USUAL);
	unsigned char *at = memfd_map(fd, USUAL);

	touch(at);
	must(memfd_pages(fd) == USUAL / PAGE);
	munmap(at, USUAL);
	close(fd);
}

unsigned char *private_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED);
	must(madvise(at, size, MADV_NOHUGEPAGE) == 0);
	return at;
}
