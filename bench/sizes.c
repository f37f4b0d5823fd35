// SPDX-License-Identifier: GPL-2.0
/*
 * What all pages of an object cost by its size, from one page up: to touch them, to
 * commit them, and to give them back by closing it. For the charts of cost by size.
 */
#include "objects.h"

/* From here on once is enough: there are many pages, and they cost the same. */
#define MANY	(256 * MIB)

static void vmo_fault(unsigned long size)
{
	zx_handle_t vmo = vmo_of(size);
	unsigned char *at = vmo_map(vmo, size, READ_WRITE);

	begin();
	write_in_order(at, size / PAGE, 1);
	end();
	must(vmo_pages(vmo) == size / PAGE);
	count(1);
	vmo_unmap(at, size);
	vmo_close(vmo);
}

static void memfd_fault(unsigned long size)
{
	int fd = memfd_of(size);
	unsigned char *at = memfd_map(fd, size);

	begin();
	write_in_order(at, size / PAGE, 1);
	end();
	must(memfd_pages(fd) == size / PAGE);
	count(1);
	munmap(at, size);
	close(fd);
}

static void vmo_commit_all(unsigned long size)
{
	zx_handle_t vmo = vmo_of(size);

	begin();
	vmo_commit(vmo, size);
	end();
	must(vmo_pages(vmo) == size / PAGE);
	count(1);
	vmo_close(vmo);
}

static void memfd_allocate_all(unsigned long size)
{
	int fd = memfd_of(size);

	begin();
	must(fallocate(fd, 0, 0, size) == 0);
	end();
	must(memfd_pages(fd) == size / PAGE);
	count(1);
	close(fd);
}

static void vmo_close_last(unsigned long size)
{
	zx_handle_t vmo = committed_vmo_of(size);

	begin();
	vmo_close(vmo);
	end();
	count(1);
}

static void memfd_close_last(unsigned long size)
{
	int fd = committed_memfd_of(size);

	begin();
	close(fd);
	end();
	count(1);
}

void bench_sizes(void)
{
	static const size_t wanted[] = {
		PAGE, 64 * KIB, MIB, 16 * MIB, MANY, GIB, 4 * GIB,
	};
	/* The beginnings of the names are those of lines in charts/src/main.rs. */
	static const struct {
		const char *name;
		void (*zxvmo)(unsigned long size);
		const char *peer_name;
		void (*peer)(unsigned long size);
	} kinds[] = {
		{ "first write to all pages", vmo_fault, "memfd", memfd_fault },
		{ "COMMIT of all pages", vmo_commit_all, "fallocate", memfd_allocate_all },
		{ "close of all pages", vmo_close_last, "close of the memfd",
		  memfd_close_last },
	};

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		size_t last = 0;

		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
			size_t size = fitting(wanted[i], 1.2);
			struct bench bench = {
				"sizes", case_name("%s, %s", kinds[kind].name, size_name(size)),
				"object", { kinds[kind].zxvmo, size },
				kinds[kind].peer_name, { kinds[kind].peer, size },
				.repetitions = size < MANY ? 0 : 1, .size = size,
			};

			if (size == last)
				continue;
			last = size;
			bench_run(&bench);
		}
	}
}
