// SPDX-License-Identifier: GPL-2.0
/*
 * Access through mappings: what the first touch of a page costs, and what it
 * costs to take mappings and pages away again.
 */
#include "objects.h"

#define PAGES	(USUAL / PAGE)

/* First touches of fresh memory. */

static void first_in_order(unsigned char *at)
{
	begin();
	write_in_order(at, PAGES, 1);
	end();
	count(PAGES);
}

static void vmo_first_in_order(unsigned long arg __always_unused)
{
	touch_vmo(first_in_order);
}

static void memfd_first_in_order(unsigned long arg __always_unused)
{
	touch_memfd(first_in_order);
}

/* In two halves, to see between them that nothing else was committed. */
static void vmo_first_shuffled(unsigned long arg __always_unused)
{
	const uint32_t *order = shuffled(PAGES);
	zx_handle_t vmo = vmo_of(USUAL);
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE);
	size_t half = PAGES / 2;

	begin();
	write_shuffled(at, order, half, 1);
	end();
	if (vmo_pages(vmo) != half)
		failed("%zu pages committed, %zu touched", vmo_pages(vmo), half);
	begin();
	write_shuffled(at, order + half, half, 1);
	end();
	must(vmo_pages(vmo) == PAGES);
	remark("one page committed per page touched");
	count(PAGES);
	vmo_unmap(at, USUAL);
	vmo_close(vmo);
}

static void memfd_first_shuffled(unsigned long arg __always_unused)
{
	const uint32_t *order = shuffled(PAGES);
	int fd = memfd_of(USUAL);
	unsigned char *at = memfd_map(fd, USUAL);

	begin();
	write_shuffled(at, order, PAGES, 1);
	end();
	must(memfd_pages(fd) == PAGES);
	count(PAGES);
	munmap(at, USUAL);
	close(fd);
}

/* Touches of what is there, through a mapping that is new. */

enum how { READING = 1, WRITING = 2, COMMITTED = 4, UNMAPPING = 8 };

static void touch(unsigned char *at, enum how how)
{
	size_t sum = PAGES;

	begin();
	if (how & WRITING)
		write_in_order(at, PAGES, 2);
	else
		sum = read_in_order(at, PAGES);
	end();
	must((how & COMMITTED) || sum == PAGES);
	count(PAGES);
}

static void vmo_touch(unsigned long how)
{
	zx_handle_t vmo = vmo_of(USUAL);
	unsigned char *at;

	if (how & COMMITTED) {
		vmo_commit(vmo, USUAL);
	} else {
		at = vmo_map(vmo, USUAL, READ_WRITE);
		write_in_order(at, PAGES, 1);
		vmo_unmap(at, USUAL);
	}
	must(vmo_pages(vmo) == PAGES);
	at = vmo_map(vmo, USUAL, READ_WRITE);
	touch(at, how);
	must(vmo_pages(vmo) == PAGES);
	vmo_unmap(at, USUAL);
	vmo_close(vmo);
}

static void memfd_touch(unsigned long how)
{
	int fd = memfd_of(USUAL);
	unsigned char *at;

	if (how & COMMITTED) {
		must(fallocate(fd, 0, 0, USUAL) == 0);
	} else {
		at = memfd_map(fd, USUAL);
		write_in_order(at, PAGES, 1);
		munmap(at, USUAL);
	}
	must(memfd_pages(fd) == PAGES);
	at = memfd_map(fd, USUAL);
	touch(at, how);
	munmap(at, USUAL);
	close(fd);
}

/* With all that helps huge pages: alignment, COMMIT, and shmem told to use them. */

#define HUGE_CONTROL	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

static void vmo_touch_huge(unsigned long how)
{
	zx_handle_t vmo = committed_vmo_of(USUAL);
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE | ZX_VM_ALIGN_2MB);

	must((uintptr_t)at % (2 * MIB) == 0);
	touch(at, how);
	vmo_unmap(at, USUAL);
	vmo_close(vmo);
}

static void memfd_touch_huge(unsigned long how)
{
	size_t space = USUAL + 2 * MIB;
	unsigned char *room, *at;
	int fd;

	if (!put_in(HUGE_CONTROL, "always"))
		skip("no huge pages of shmem here: " HUGE_CONTROL " cannot be set");
	fd = committed_memfd_of(USUAL);
	put_in(HUGE_CONTROL, "never");
	room = mmap(NULL, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(room != MAP_FAILED);
	at = (void *)(((uintptr_t)room + 2 * MIB - 1) & ~(2 * MIB - 1));
	must(mmap(at, USUAL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == at);
	touch(at, how);
	remark("%" PRIu64 " of %lu KiB in huge pages",
	       number_in("/proc/self/smaps_rollup", "ShmemPmdMapped:"), USUAL / KIB);
	munmap(room, space);
	close(fd);
}

/* Pages given and taken by a call. */

static void vmo_commit_all(unsigned long arg __always_unused)
{
	zx_handle_t vmo = vmo_of(USUAL);

	begin();
	vmo_commit(vmo, USUAL);
	end();
	must(vmo_pages(vmo) == PAGES);
	count(PAGES);
	vmo_close(vmo);
}

static void memfd_allocate_all(unsigned long arg __always_unused)
{
	int fd = memfd_of(USUAL);

	begin();
	must(fallocate(fd, 0, 0, USUAL) == 0);
	end();
	must(memfd_pages(fd) == PAGES);
	count(PAGES);
	close(fd);
}

static void vmo_decommit(unsigned long step)
{
	zx_handle_t vmo = committed_vmo_of(USUAL);
	size_t length = step > 1 ? PAGE : USUAL;
	size_t calls = step > 1 ? PAGES / step : 1;

	begin();
	for (size_t i = 0; i < calls; i++)
		must(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, i * step * PAGE, length, NULL,
				     0) == ZX_OK);
	end();
	must(vmo_pages(vmo) == PAGES - PAGES / step);
	count(PAGES / step);
	vmo_close(vmo);
}

static void memfd_punch(unsigned long step)
{
	int fd = committed_memfd_of(USUAL);
	size_t length = step > 1 ? PAGE : USUAL;
	size_t calls = step > 1 ? PAGES / step : 1;

	begin();
	for (size_t i = 0; i < calls; i++)
		must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       i * step * PAGE, length) == 0);
	end();
	must(memfd_pages(fd) == PAGES - PAGES / step);
	count(PAGES / step);
	close(fd);
}

static void vmo_unmap_all(unsigned long arg __always_unused)
{
	zx_handle_t vmo = vmo_of(USUAL);
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE);

	write_in_order(at, PAGES, 1);
	begin();
	vmo_unmap(at, USUAL);
	end();
	must(vmo_pages(vmo) == PAGES);
	count(PAGES);
	vmo_close(vmo);
}

static void memfd_unmap_all(unsigned long arg __always_unused)
{
	int fd = memfd_of(USUAL);
	unsigned char *at = memfd_map(fd, USUAL);

	write_in_order(at, PAGES, 1);
	begin();
	must(munmap(at, USUAL) == 0);
	end();
	must(memfd_pages(fd) == PAGES);
	count(PAGES);
	close(fd);
}

static void vmo_close_last(unsigned long arg __always_unused)
{
	zx_handle_t vmo = vmo_of(USUAL);
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE);

	write_in_order(at, PAGES, 1);
	vmo_unmap(at, USUAL);
	begin();
	vmo_close(vmo);
	end();
	count(PAGES);
}

static void memfd_close_last(unsigned long arg __always_unused)
{
	int fd = memfd_of(USUAL);
	unsigned char *at = memfd_map(fd, USUAL);

	write_in_order(at, PAGES, 1);
	munmap(at, USUAL);
	begin();
	close(fd);
	end();
	count(PAGES);
}

void bench_touch(void)
{
	static const struct bench benches[] = {
		{ "touch", "first write touch, sequential, shared mapping", "page",
		  { vmo_first_in_order }, "memfd", { memfd_first_in_order }, .target = 0.3 },
		{ "touch", "first write touch, random order, one word a page", "page",
		  { vmo_first_shuffled }, "memfd", { memfd_first_shuffled }, .target = 0.6 },
		{ "touch", "read touch, populated page by page, fresh mapping", "page",
		  { vmo_touch, READING }, "memfd", { memfd_touch, READING }, .target = 1.0 },
		{ "touch", "read touch, COMMITted, fresh mapping", "page",
		  { vmo_touch, READING | COMMITTED },
		  "memfd", { memfd_touch, READING | COMMITTED }, .target = 0.3 },
		{ "touch", "write touch, populated, fresh mapping", "page",
		  { vmo_touch, WRITING }, "memfd", { memfd_touch, WRITING }, .target = 0.4 },
		{ "touch", "read touch, 2 MiB-aligned and COMMITted", "page",
		  { vmo_touch_huge, READING | COMMITTED },
		  "memfd, huge pages always", { memfd_touch_huge, READING | COMMITTED },
		  .target = 1.0 },
		{ "touch", "write touch, 2 MiB-aligned and COMMITted", "page",
		  { vmo_touch_huge, WRITING | COMMITTED },
		  "memfd, huge pages always", { memfd_touch_huge, WRITING | COMMITTED },
		  .target = 1.0 },
		{ "touch", "COMMIT", "page",
		  { vmo_commit_all }, "fallocate", { memfd_allocate_all }, .target = 0.2 },
		{ "touch", "DECOMMIT, whole", "page",
		  { vmo_decommit, 1 }, "PUNCH_HOLE", { memfd_punch, 1 }, .target = 0.7 },
		{ "touch", "DECOMMIT, every second page", "page",
		  { vmo_decommit, 2 }, "PUNCH_HOLE", { memfd_punch, 2 }, .target = 0.7 },
		{ "touch", "munmap of a populated mapping", "page",
		  { vmo_unmap_all }, "memfd", { memfd_unmap_all }, .target = 0.8 },
		{ "touch", "close of the last handle, populated", "page",
		  { vmo_close_last }, "close of the memfd", { memfd_close_last },
		  .target = 0.8 },
	};

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		bench_run(&benches[i]);
}
