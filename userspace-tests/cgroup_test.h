/* SPDX-License-Identifier: GPL-2.0 */
/* A memory cgroup of a test's own. */
#ifndef _CGROUP_TEST_H
#define _CGROUP_TEST_H

#include <sys/mount.h>

#include "linux_test.h"

#define CGROUPS	"/sys/fs/cgroup"

static inline bool write_file(const char *dir, const char *name, const char *value)
{
	char path[256];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return ok;
}

/* The number after the key, or at the beginning of the file; 0 if there is none. */
static inline unsigned long read_number(const char *dir, const char *name, const char *key)
{
	char path[256], value[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return proc_value(path, key, value, sizeof(value)) ? strtoul(value, NULL, 0) : 0;
}

static inline bool make_group(char *dir, size_t size)
{
	if (access(CGROUPS "/cgroup.controllers", R_OK) &&
	    mount("none", CGROUPS, "cgroup2", 0, NULL))
		return false;
	write_file(CGROUPS, "cgroup.subtree_control", "+memory");
	snprintf(dir, size, CGROUPS "/zxvmo-test-%d", getpid());
	return !mkdir(dir, 0700);
}

/*
 * Copy all that this process has mapped from files. A file system may drop pages
 * of a file that are mapped, and even locked, whenever somebody opens it (FUSE
 * does). To read code again is charged to who runs it, and if that is in a cgroup
 * that has no more, the OOM killer comes.
 */
static inline bool leave_files(void)
{
	static char maps[1 << 16];
	unsigned long start, end, inode;
	char *line, *next, access[5];
	int prot, fd = open("/proc/self/maps", O_RDONLY);
	size_t have = 0;
	ssize_t more;
	void *copy;

	while ((more = read(fd, maps + have, sizeof(maps) - 1 - have)) > 0)
		have += more;
	close(fd);
	for (line = maps; (next = strchr(line, '\n')); line = next + 1) {
		if (sscanf(line, "%lx-%lx %4s %*x %*s %lu", &start, &end, access, &inode) != 4)
			return false;
		if (!inode || access[0] != 'r' || access[3] != 'p')
			continue;
		prot = PROT_READ | (access[1] == 'w' ? PROT_WRITE : 0) |
		       (access[2] == 'x' ? PROT_EXEC : 0);
		copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (copy == MAP_FAILED)
			return false;
		memcpy(copy, (void *)start, end - start);
		if (mprotect(copy, end - start, prot) ||
		    mremap(copy, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)start) == MAP_FAILED)
			return false;
	}
	return have > 0;
}

#endif /* _CGROUP_TEST_H */
