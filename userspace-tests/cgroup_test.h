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

#endif /* _CGROUP_TEST_H */
