// SPDX-License-Identifier: GPL-2.0
/* Calls: creating, moving bytes, moving pages. */
#include <sys/ioctl.h>

#include <zxvmo.h>

#include "objects.h"

#define CREATIONS	500

static void vmo_create_close(unsigned long size)
{
	zx_handle_t vmo;

	begin();
	for (int i = 0; i < CREATIONS; i++) {
		must(zx_vmo_create(size, 0, &vmo) == ZX_OK);
		must(zx_handle_close(vmo) == ZX_OK);
	}
	end();
	count(CREATIONS);
}

static void memfd_create_close(unsigned long size)
{
	begin();
	for (int i = 0; i < CREATIONS; i++) {
		int fd = memfd_create("bench", MFD_CLOEXEC);

		must(fd >= 0);
		must(ftruncate(fd, size) == 0);
		must(close(fd) == 0);
	}
	end();
	count(CREATIONS);
}

/* Bytes in and out, in pieces, from and to a buffer that is in use already. */

static unsigned char *buffer_of(size_t size, unsigned char value)
{
	unsigned char *buffer = private_memory(size);

	memset(buffer, value, size);
	return buffer;
}

static void vmo_read_pieces(unsigned long piece)
{
	zx_handle_t vmo = vmo_of(USUAL);
	unsigned char *buffer = buffer_of(MIB, 7);

	for (size_t at = 0; at < USUAL; at += MIB)
		must(zx_vmo_write(vmo, buffer, at, MIB) == ZX_OK);
	memset(buffer, 0, MIB);
	begin();
	for (size_t at = 0; at < USUAL; at += piece)
		must(zx_vmo_read(vmo, buffer, at, piece) == ZX_OK);
	end();
	must(buffer[0] == 7 && buffer[piece - 1] == 7);
	count(USUAL / PAGE);
	munmap(buffer, MIB);
	vmo_close(vmo);
}

static void memfd_read_pieces(unsigned long piece)
{
	int fd = memfd_of(USUAL);
	unsigned char *buffer = buffer_of(MIB, 7);

	for (size_t at = 0; at < USUAL; at += MIB)
		must(pwrite(fd, buffer, MIB, at) == (ssize_t)MIB);
	memset(buffer, 0, MIB);
	begin();
	for (size_t at = 0; at < USUAL; at += piece)
		must(pread(fd, buffer, piece, at) == (ssize_t)piece);
	end();
	must(buffer[0] == 7 && buffer[piece - 1] == 7);
	count(USUAL / PAGE);
	munmap(buffer, MIB);
	close(fd);
}

static void vmo_write_all(zx_handle_t vmo, unsigned long piece)
{
	unsigned char *buffer = buffer_of(MIB, 9);
	unsigned char last = 0;

	begin();
	for (size_t at = 0; at < USUAL; at += piece)
		must(zx_vmo_write(vmo, buffer, at, piece) == ZX_OK);
	end();
	must(zx_vmo_read(vmo, &last, USUAL - 1, 1) == ZX_OK && last == 9);
	must(vmo_pages(vmo) == USUAL / PAGE);
	count(USUAL / PAGE);
	munmap(buffer, MIB);
	vmo_close(vmo);
}

static void memfd_write_all(int fd, unsigned long piece)
{
	unsigned char *buffer = buffer_of(MIB, 9);
	unsigned char last = 0;

	begin();
	for (size_t at = 0; at < USUAL; at += piece)
		must(pwrite(fd, buffer, piece, at) == (ssize_t)piece);
	end();
	must(pread(fd, &last, 1, USUAL - 1) == 1 && last == 9);
	must(memfd_pages(fd) == USUAL / PAGE);
	count(USUAL / PAGE);
	munmap(buffer, MIB);
	close(fd);
}

static void vmo_write_populated(unsigned long piece)
{
	vmo_write_all(committed_vmo_of(USUAL), piece);
}

static void memfd_write_populated(unsigned long piece)
{
	memfd_write_all(committed_memfd_of(USUAL), piece);
}

static void vmo_write_fresh(unsigned long piece)
{
	vmo_write_all(vmo_of(USUAL), piece);
}

static void memfd_write_fresh(unsigned long piece)
{
	memfd_write_all(memfd_of(USUAL), piece);
}

/* Pages moved from one object to another, and the copying that this replaces. */

#ifdef ZXVMO_IOC_TRANSFER_DATA
static void vmo_transfer(unsigned long size)
{
	zx_handle_t from = committed_vmo_of(size);
	zx_handle_t to = vmo_of(size);
	zx_status_t status;
	uint64_t mark = 42;

	must(zx_vmo_write(from, &mark, size - sizeof(mark), sizeof(mark)) == ZX_OK);
	begin();
	status = zx_vmo_transfer_data(to, 0, 0, size, from, 0);
	end();
	if (status == ZX_ERR_NOT_SUPPORTED)
		skip("zx_vmo_transfer_data is not there");
	must(status == ZX_OK);
	mark = 0;
	must(zx_vmo_read(to, &mark, size - sizeof(mark), sizeof(mark)) == ZX_OK && mark == 42);
	must(vmo_pages(to) == size / PAGE && vmo_pages(from) == 0);
	count(1);
	vmo_close(from);
	vmo_close(to);
}
#else
static void vmo_transfer(unsigned long size __always_unused)
{
	skip("zx_vmo_transfer_data is not there");
}
#endif

/* The quickest way that there is for user space: from a mapping by a write. */
static void vmo_copy(unsigned long size)
{
	zx_handle_t from = committed_vmo_of(size);
	zx_handle_t to = vmo_of(size);
	unsigned char *at = vmo_map(from, size, ZX_VM_PERM_READ);

	must(read_in_order(at, size / PAGE) == 0);
	begin();
	must(zx_vmo_write(to, at, 0, size) == ZX_OK);
	end();
	must(vmo_pages(to) == size / PAGE);
	count(1);
	vmo_unmap(at, size);
	vmo_close(from);
	vmo_close(to);
}

void bench_calls(void)
{
	static const struct bench benches[] = {
		{ "calls", "create + close, 4 KiB", "call",
		  { vmo_create_close, PAGE }, "memfd_create + ftruncate + close",
		  { memfd_create_close, PAGE }, .target = 0.6 },
		{ "calls", "zx_vmo_read, populated, 4 KiB each", "page",
		  { vmo_read_pieces, PAGE }, "pread", { memfd_read_pieces, PAGE },
		  .target = 0.9 },
		{ "calls", "zx_vmo_read, populated, 1 MiB each", "page",
		  { vmo_read_pieces, MIB }, "pread", { memfd_read_pieces, MIB },
		  .target = 0.9 },
		{ "calls", "zx_vmo_write, populated, 4 KiB each", "page",
		  { vmo_write_populated, PAGE }, "pwrite", { memfd_write_populated, PAGE },
		  .target = 0.9 },
		{ "calls", "zx_vmo_write, populated, 1 MiB each", "page",
		  { vmo_write_populated, MIB }, "pwrite", { memfd_write_populated, MIB },
		  .target = 0.9 },
		{ "calls", "zx_vmo_write to fresh pages, 1 MiB each", "page",
		  { vmo_write_fresh, MIB }, "pwrite", { memfd_write_fresh, MIB },
		  .target = 0.5 },
	};
	size_t size = fitting(GIB, 2.1);
	struct bench transfer = {
		"calls", case_name("transfer_data, %s", size_name(size)), "call",
		{ vmo_transfer, size }, "copying it", { vmo_copy, size },
		.target = 0.01, .repetitions = 1,
	};

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		bench_run(&benches[i]);
	bench_run(&transfer);
}
