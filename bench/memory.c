// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is needed beside the pages themselves, as the memory cgroup of
 * this process is charged for it: so what the kernel says, not the module.
 */
#include <sys/resource.h>

#include "objects.h"

#define CHILDREN	1000
#define OWN_CGROUP	"/sys/fs/cgroup/bench-memory"

/* Bytes of kernel objects charged to the cgroup that we are in. */
static double kernel_objects(void)
{
	static char path[300];
	uint64_t bytes;

	if (!*path) {
		FILE *file = fopen("/proc/self/cgroup", "re");
		char line[200] = "";

		if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "0::/", 4))
			skip("no cgroup of version 2 to ask");
		fclose(file);
		line[strcspn(line, "\n")] = '\0';
		/* In the root cgroup nothing is charged. */
		if (!line[4]) {
			if (mkdir(OWN_CGROUP, 0755) && errno != EEXIST)
				skip("no cgroup can be made");
			must(put_in(OWN_CGROUP "/cgroup.procs", "0"));
			snprintf(path, sizeof(path), "%s", OWN_CGROUP "/memory.stat");
		} else {
			snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.stat", line + 3);
		}
	}
	bytes = number_in(path, "slab ");
	if (bytes == ~0ULL)
		skip("no %s", path);
	return bytes;
}

static void clean_children(unsigned long size)
{
	static zx_handle_t children[CHILDREN];
	struct rlimit files = { 4096, 4096 };
	zx_handle_t vmo = committed_vmo_of(size);
	double before, bytes;

	must(setrlimit(RLIMIT_NOFILE, &files) == 0);
	/* The table of descriptors grows once. */
	children[0] = fcntl(0, F_DUPFD_CLOEXEC, 2000);
	must((int)children[0] >= 2000);
	close(children[0]);
	before = kernel_objects();
	for (int i = 0; i < CHILDREN; i++)
		children[i] = snapshot_of(vmo, size);
	bytes = kernel_objects() - before;
	value(bytes / CHILDREN);
	remark("file, dentry and inode included");
	for (int i = 0; i < CHILDREN; i++) {
		must(!vmo_info(children[i]).committed_private_bytes);
		vmo_close(children[i]);
	}
	vmo_close(vmo);
}

static void vmo_per_page(unsigned long arg __always_unused)
{
	double before = kernel_objects();
	zx_handle_t vmo = committed_vmo_of(USUAL);

	value((kernel_objects() - before) / (USUAL / PAGE));
	vmo_close(vmo);
}

static void memfd_per_page(unsigned long arg __always_unused)
{
	double before = kernel_objects();
	int fd = committed_memfd_of(USUAL);

	value((kernel_objects() - before) / (USUAL / PAGE));
	close(fd);
}

void bench_memory(void)
{
	size_t size = fitting(GIB, 1.2);
	const struct bench benches[] = {
		{ "memory", case_name("metadata of a clean child of %s, bytes", size_name(size)),
		  "child", { clean_children, size }, .measure = LIMIT, .target = 16384 },
		{ "memory", "metadata of a committed page, bytes", "page",
		  { vmo_per_page }, "memfd", { memfd_per_page }, .target = 1.0 },
	};

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		bench_run(&benches[i]);
}
