// SPDX-License-Identifier: GPL-2.0
/* Taking a snapshot: what the call itself costs. */
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "objects.h"
#include "snapshots.h"

/* fork() of this process, measured in the parent; the child waits to be ended. */
static pid_t measured_fork(void)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	end();
	must(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid);
}

/* Memory is populated in the first run, and written anew in each. */
static void fork_written(unsigned long size)
{
	static unsigned char *at;

	if (!at)
		at = private_memory(size);
	write_in_order(at, size / PAGE, 1);
	end_child(measured_fork());
	count(1);
}

/*
 * Not mapped: one page is rewritten before each, so that there is something new.
 * The VMO is kept from one run to the next.
 */
static void snapshot_unmapped(unsigned long size)
{
	static zx_handle_t vmo;
	static uint64_t round;

	if (!vmo)
		vmo = committed_vmo_of(size);
	for (int i = 0; i < 16; i++) {
		uint64_t offset = shuffled(size / PAGE)[++round % (size / PAGE)] * PAGE;
		zx_handle_t child;
		uint64_t seen;

		must(zx_vmo_write(vmo, &round, offset, sizeof(round)) == ZX_OK);
		begin();
		child = snapshot_of(vmo, size);
		end();
		must(zx_vmo_read(child, &seen, offset, sizeof(seen)) == ZX_OK && seen == round);
		vmo_close(child);
	}
	count(16);
}

static void measured_snapshot(zx_handle_t vmo, unsigned char *at, size_t size)
{
	zx_handle_t child;
	unsigned char seen;

	begin();
	child = snapshot_of(vmo, size);
	end();
	(*at)++;
	must(zx_vmo_read(child, &seen, 0, 1) == ZX_OK);
	must((unsigned char)(seen + 1) == *at);
	count(1);
	vmo_close(child);
}

/*
 * Mapped, and written through the mapping: all of it, or one part in a hundred.
 * COMMITted in the first run, and written anew in each.
 */
static void snapshot_committed(size_t size, size_t mapped)
{
	static zx_handle_t vmo;
	static unsigned char *at;

	if (!vmo) {
		vmo = committed_vmo_of(size);
		at = vmo_map(vmo, mapped, READ_WRITE);
	}
	write_in_order(at, mapped / PAGE, 1);
	measured_snapshot(vmo, at, size);
}

static void snapshot_all_mapped(unsigned long size)
{
	snapshot_committed(size, size);
}

static void snapshot_partly_mapped(unsigned long size)
{
	snapshot_committed(size, size / PAGE / 100 * PAGE);
}

/* The first one, of what was populated page by page in no order. */
static void snapshot_shuffled(unsigned long size)
{
	zx_handle_t vmo = vmo_of(size);
	unsigned char *at = vmo_map(vmo, size, READ_WRITE);

	write_shuffled(at, shuffled(size / PAGE), size / PAGE, 1);
	must(vmo_pages(vmo) == size / PAGE);
	measured_snapshot(vmo, at, size);
	vmo_unmap(at, size);
	vmo_close(vmo);
}

/* Write protection by userfaultfd: see snapshots.h. */

int wp_register(unsigned char *at, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)at, size }, .mode = UFFDIO_REGISTER_MODE_WP,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		skip("no userfaultfd: %s", strerror(errno));
	if (ioctl(uffd, UFFDIO_API, &api) || !(api.features & UFFD_FEATURE_WP_HUGETLBFS_SHMEM))
		skip("userfaultfd of this kernel cannot write-protect shmem");
	must(ioctl(uffd, UFFDIO_REGISTER, &range) == 0);
	return uffd;
}

void wp_set(int uffd, const unsigned char *at, size_t size, bool protect)
{
	struct uffdio_writeprotect range = {
		.range = { (uintptr_t)at, size },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	must(ioctl(uffd, UFFDIO_WRITEPROTECT, &range) == 0);
}

static void wp_arm(unsigned long size)
{
	static unsigned char *at;
	static int uffd;

	if (!at) {
		at = memfd_map(memfd_of(size), size);
		write_in_order(at, size / PAGE, 1);
		uffd = wp_register(at, size);
	}
	begin();
	wp_set(uffd, at, size, true);
	end();
	wp_set(uffd, at, size, false);
	count(1);
}

static void sizes(void)
{
	static const size_t wanted[] = { PAGE, MIB, USUAL, GIB, 4 * GIB };
	size_t last = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		size_t size = fitting(wanted[i], 1.1);
		struct bench bench = {
			"snapshot", case_name("snapshot, not mapped, %s", size_name(size)),
			"call", { snapshot_unmapped, size },
			"itself at 4 KiB", { snapshot_unmapped, PAGE }, .target = 1.2,
			.size = size,
		};

		if (size == last)
			continue;
		last = size;
		bench_run(&bench);
	}
}

static void mapped_sizes(void)
{
	static const size_t wanted[] = { PAGE, MIB, USUAL };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		size_t size = wanted[i];
		struct bench bench = {
			"snapshot", case_name("snapshot, mapped writable and touched, %s COMMITted",
					      size_name(size)),
			"call", { snapshot_all_mapped, size },
			"fork()", { fork_written, size }, .size = size,
		};

		bench_run(&bench);
	}
}

void bench_snapshots(void)
{
	size_t large = fitting(GIB, 1.2);
	size_t huge = fitting(4 * GIB, 1.2);
	const char *committed = case_name("snapshot, mapped writable and touched, %s COMMITted",
					  size_name(large));
	const struct bench benches[] = {
		{ "snapshot", committed, "call", { snapshot_all_mapped, large },
		  "fork()", { fork_written, large }, .target = 0.1, .size = large },
		{ "snapshot", committed, "call", { snapshot_all_mapped, large },
		  "userfaultfd-wp armed", { wp_arm, large }, .target = 0.1 },
		{ "snapshot", case_name("first snapshot, mapped, %s populated at random",
					size_name(large)),
		  "call", { snapshot_shuffled, large }, "fork()", { fork_written, large },
		  .target = 1.5, .repetitions = 2 },
		{ "snapshot", case_name("snapshot of %s, 1 %% of it mapped", size_name(huge)),
		  "call", { snapshot_partly_mapped, huge },
		  "100 % mapped", { snapshot_all_mapped, huge },
		  .target = 0.03 },
	};

	sizes();
	mapped_sizes();
	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		bench_run(&benches[i]);
}
