// SPDX-License-Identifier: GPL-2.0
/*
 * What is made is given back: pages, slab objects, files and descriptors after
 * many lives of VMOs, in every way that a life can end.
 */
#include "zxvmo_test.h"

#define LIVES	1000
#define PAGES	4

/*
 * How often a number of lives may end with less memory than before: caches
 * grow now and then, while a leak shows each time.
 */
#define BATCHES		6

/* Processes that exit, without any VMO, move this much up and down, in KiB. */
#define FREE_LISTS	1024

struct usage {
	long free_kib, slab_kib, files, objects;
};

static long memory(const char *key)
{
	char value[64];

	if (!proc_value("/proc/meminfo", key, value, sizeof(value)))
		return 0;
	return strtol(value, NULL, 10);
}

/* Active objects of caches that VMOs may be made of, the busiest one. */
static long slab_objects(const char *cache)
{
	char value[128];

	if (!proc_value("/proc/slabinfo", cache, value, sizeof(value)))
		return 0;
	return strtol(value, NULL, 10);
}

static struct usage usage(void)
{
	char value[64];
	struct usage usage = {
		.free_kib = memory("MemFree:") + memory("Cached:") + memory("Buffers:"),
		.slab_kib = memory("Slab:"),
		.objects = slab_objects("filp ") + slab_objects("zxvmo"),
	};

	if (proc_value("/proc/sys/fs/file-nr", "", value, sizeof(value)))
		usage.files = strtol(value, NULL, 10);
	return usage;
}

/*
 * Inodes and files go after a grace period of RCU, so the machine is looked at
 * until it is as before. Much less than one page, or one inode, is allowed for
 * each life, and what lists of free pages per CPU come and go by.
 */
static bool settles(const struct usage *before, struct usage *now, int lives)
{
	int tries;

	for (tries = 0; tries < 30; tries++) {
		*now = usage();
		if (now->free_kib > before->free_kib - lives - FREE_LISTS &&
		    now->slab_kib < before->slab_kib + lives / 2 &&
		    now->files < before->files + lives / 4)
			return true;
		usleep(50000);
	}
	return false;
}

static int live_and_close(void)
{
	int fd = vmo_create(PAGES * PAGE, ZX_VMO_RESIZABLE), other;

	HOLDS(fd >= 0);
	HOLDS(!vmo_fill(fd, 1, PAGES));
	other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	HOLDS(other >= 0);
	HOLDS(!close(fd) && !close(other));
	return 0;
}

static int live_and_unmap(void)
{
	int fd = vmo_create(PAGES * PAGE, 0);
	char *at = map_shared(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);
	char *private = map_private(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);

	HOLDS(at != MAP_FAILED && private != MAP_FAILED);
	memset(at, 1, PAGES * PAGE);
	private[0] = 2;
	HOLDS(!close(fd));
	HOLDS(!munmap(at + PAGE, PAGE) && !munmap(at, PAGES * PAGE));
	HOLDS(!munmap(private, PAGES * PAGE));
	return 0;
}

static int live_and_fail(void)
{
	struct zxvmo_map map = {
		.options = ZX_VM_PERM_READ | ZX_VM_COMPACT, .length = PAGE,
	};
	int fd = vmo_create(PAGES * PAGE, ZX_VMO_RESIZABLE);

	/* The ways out of the middle of a call. */
	HOLDS(vmo_create(~0ULL, 0) < 0 && vmo_create(1, 1) < 0);
	HOLDS(!vmo_fill(fd, 1, PAGES) && !vmo_set_size(fd, PAGE));
	HOLDS(vmo_read(fd, NULL, 0, PAGE) == ZX_ERR_NOT_FOUND);
	HOLDS(vmo_write(fd, NULL, 0, PAGE) == ZX_ERR_NOT_FOUND);
	HOLDS(zxvmo_call(fd, ZXVMO_IOC_MAP, &map) == ZX_ERR_INVALID_ARGS);
	HOLDS(vmo_duplicate(fd, ZX_RIGHT_EXECUTE) < 0);
	HOLDS(vmo_replace(fd, ZX_RIGHT_EXECUTE) < 0);
	HOLDS(!close(fd));
	return 0;
}

/* Their pages go back one by one, in batches, and with the last mapping. */
static int live_uncached(void)
{
	int fd = vmo_create(PAGES * PAGE, 0), executable;
	char *at;

	HOLDS(!vmo_fill(fd, 1, PAGES / 2));
	HOLDS(!vmo_set_cache_policy(fd, ZX_CACHE_POLICY_UNCACHED));
	HOLDS(!vmo_set_cache_policy(fd, ZX_CACHE_POLICY_WRITE_COMBINING));
	at = map_shared(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);
	HOLDS(at != MAP_FAILED);
	memset(at, 1, PAGES * PAGE);
	HOLDS(!vmo_op_range(fd, ZX_VMO_OP_DECOMMIT, PAGE, PAGE));
	executable = vmo_replace_as_executable(fd, -1);
	HOLDS(executable >= 0);
	HOLDS(vmo_replace_as_executable(executable, 0) == ZX_ERR_BAD_HANDLE);
	HOLDS(!munmap(at, PAGES * PAGE));
	HOLDS(!close(fd) && !close(executable));
	return 0;
}

static int live_as_a_stream(void)
{
	struct zxvmo_create_stream arg = {
		.options = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE,
	};
	int fd = vmo_create(PAGES * PAGE, 0), other;
	char byte;

	HOLDS(!vmo_fill(fd, 1, PAGES));
	HOLDS(!zxvmo_call(fd, ZXVMO_IOC_CREATE_STREAM, &arg) && !close(fd));
	other = vmo_duplicate(arg.handle, ZX_RIGHT_READ);
	HOLDS(other >= 0 && !close(arg.handle));
	HOLDS(read(other, &byte, 1) == 1 && vmo_replace(other, ZX_RIGHT_WRITE) < 0);
	HOLDS(!close(other));
	return 0;
}

static int live_in_a_message(void)
{
	int fd = vmo_create(PAGES * PAGE, 0), sockets[2];

	HOLDS(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
	HOLDS(!vmo_fill(fd, 1, PAGES));
	HOLDS(!send_fd(sockets[0], fd) && !close(fd));
	HOLDS(!close(sockets[0]) && !close(sockets[1]));
	return 0;
}

static int exit_with_it(void *unused __always_unused)
{
	int fd = vmo_create(PAGES * PAGE, 0);

	memset(map_shared(fd, PAGES * PAGE, PROT_READ | PROT_WRITE), 1, PAGES * PAGE);
	return fd < 0;
}

static int live_in_a_process(void)
{
	return in_child(exit_with_it, NULL);
}

static void no_leak(struct __test_metadata *_metadata, int (*live)(void), int lives)
{
	struct usage before = { }, after = { };
	unsigned int fds = count_fds();
	bool settled = false;
	int batch, i;

	/* Caches fill up in the first lives. */
	for (i = 0; i < lives / 5; i++)
		ASSERT_EQ(0, live());
	for (batch = 0; batch < BATCHES && !settled; batch++) {
		before = usage();
		for (i = 0; i < lives; i++)
			ASSERT_EQ(0, live());
		settled = settles(&before, &after, lives);
	}
	EXPECT_TRUE(settled)
		TH_LOG("free %ld, slab %ld KiB, files %ld, objects %ld, before: %ld, %ld, %ld, %ld",
		       after.free_kib, after.slab_kib, after.files, after.objects,
		       before.free_kib, before.slab_kib, before.files, before.objects);
	EXPECT_EQ(fds, count_fds());
}

TEST(closing)
{
	no_leak(_metadata, live_and_close, LIVES);
}

TEST(unmapping)
{
	no_leak(_metadata, live_and_unmap, LIVES);
}

TEST(uncached)
{
	no_leak(_metadata, live_uncached, LIVES / 4);
}

TEST(failing)
{
	no_leak(_metadata, live_and_fail, LIVES);
}

TEST(streaming)
{
	no_leak(_metadata, live_as_a_stream, LIVES);
}

TEST(lost_messages)
{
	no_leak(_metadata, live_in_a_message, LIVES);
}

TEST(exiting)
{
	no_leak(_metadata, live_in_a_process, LIVES / 2);
}

static int resized = -1;

static int grow_and_shrink(void)
{
	HOLDS(!vmo_set_size(resized, PAGES * PAGE));
	HOLDS(!vmo_fill(resized, 1, PAGES));
	HOLDS(!vmo_set_size(resized, 100));
	HOLDS(!vmo_set_size(resized, 0));
	HOLDS(!vmo_info(resized).committed_bytes);
	return 0;
}

/* One VMO, whose pages come and go. */
TEST(resizing)
{
	resized = vmo_create(0, ZX_VMO_RESIZABLE);
	ASSERT_LE(0, resized);
	no_leak(_metadata, grow_and_shrink, LIVES);
}

static int keep_it(void)
{
	int fd = vmo_create(PAGES * PAGE, 0);

	HOLDS(!vmo_fill(fd, 1, PAGES));
	HOLDS(map_shared(fd, PAGES * PAGE, PROT_READ) != MAP_FAILED);
	return close(fd);
}

/* The test of the test: what is not given back is seen. */
TEST(keeping_shows)
{
	struct usage before = usage(), after;
	int i;

	for (i = 0; i < LIVES; i++)
		ASSERT_EQ(0, keep_it());
	EXPECT_FALSE(settles(&before, &after, LIVES));
}

TEST_HARNESS_MAIN
