// SPDX-License-Identifier: GPL-2.0
/*
 * Long and wide families: their content is right whoever goes first, and all
 * that they took is given back.
 */
#include <sys/resource.h>

#include "cgroup_test.h"
#include "zxvmo_test.h"

#define LINKS	1000
#define PAGES	200
#define SIZE	(PAGES * PAGE)
#define LIVES	3
#define BATCHES	4
#define NESTED	3000
#define WIDE	2000

static __u64 next_random(void)
{
	static __u64 state = 0x9e3779b97f4a7c15ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 8;
}

static void shuffle(int *numbers, int count)
{
	int i, j, number;

	for (i = count - 1; i > 0; i--) {
		j = next_random() % (i + 1);
		number = numbers[i];
		numbers[i] = numbers[j];
		numbers[j] = number;
	}
}

static bool many_fds(void)
{
	struct rlimit limit = { 1 << 16, 1 << 16 };

	return !setrlimit(RLIMIT_NOFILE, &limit);
}

static struct chain {
	int fds[LINKS];
	int words[LINKS][PAGES];	/* the first word of each page */
	int order[LINKS];
} chain;

/* A snapshot of a snapshot of ..., each with a page or two of its own. */
static int make_chain(void)
{
	int link, page, i;

	HOLDS(many_fds());
	for (link = 0; link < LINKS; link++) {
		if (link) {
			chain.fds[link] = vmo_snapshot(chain.fds[link - 1], 0, SIZE);
			memcpy(chain.words[link], chain.words[link - 1], sizeof(chain.words[0]));
		} else {
			chain.fds[0] = vmo_create(SIZE, 0);
			memset(chain.words[0], 0, sizeof(chain.words[0]));
		}
		HOLDS(chain.fds[link] >= 0);
		for (i = 0; i < 2; i++) {
			page = next_random() % PAGES;
			chain.words[link][page] = link + 1;
			HOLDS(!vmo_write(chain.fds[link], &chain.words[link][page],
					 page * PAGE, sizeof(int)));
		}
		chain.order[link] = link;
	}
	return 0;
}

static bool link_is_right(int link)
{
	int page, word;

	for (page = 0; page < PAGES; page++)
		if (vmo_read(chain.fds[link], &word, page * PAGE, sizeof(word)) ||
		    word != chain.words[link][page])
			return false;
	return true;
}

/* Close in random order; those that are left stay what they are. */
static int close_chain(int step)
{
	int i, page;

	shuffle(chain.order, LINKS);
	for (i = 0; i < LINKS; i++) {
		if (i % step == 0)
			HOLDS(link_is_right(chain.order[i]));
		if (i % 3 == 0) {
			page = next_random() % PAGES;
			chain.words[chain.order[i]][page] = -i;
			HOLDS(!vmo_write(chain.fds[chain.order[i]],
					 &chain.words[chain.order[i]][page], page * PAGE, 4));
		}
		HOLDS(!close(chain.fds[chain.order[i]]));
		if (i + 1 < LINKS && i % step == 0)
			HOLDS(link_is_right(chain.order[LINKS - 1 - (next_random() % (LINKS - 1 - i))]));
	}
	return 0;
}

TEST(contents_of_a_chain)
{
	struct zxvmo_info_vmo info;
	int last = LINKS - 1, i;

	ASSERT_EQ(0, make_chain());
	for (i = 0; i < LINKS; i += 37)
		ASSERT_TRUE(link_is_right(i));
	ASSERT_TRUE(link_is_right(last));
	/* What nobody shows any more is not kept for the last one. */
	for (i = 0; i < last; i++)
		close(chain.fds[i]);
	ASSERT_TRUE(link_is_right(last));
	info = vmo_info(chain.fds[last]);
	EXPECT_EQ(0, info.parent_koid);
	EXPECT_EQ(info.committed_bytes, info.committed_private_bytes);
	EXPECT_GE(SIZE, info.committed_bytes);
}

struct usage {
	long free_kib, nodes;
};

static struct usage usage(void)
{
	struct usage usage = { };
	char value[128];

	/* Objects that are free, but in a cache of a CPU, count as used before. */
	write_file("/sys/kernel/slab/zxvmo_node", "shrink", "1");
	if (proc_value("/proc/slabinfo", "zxvmo_node", value, sizeof(value)))
		usage.nodes = strtol(value, NULL, 10);
	if (proc_value("/proc/meminfo", "MemFree:", value, sizeof(value)))
		usage.free_kib = strtol(value, NULL, 10);
	return usage;
}

/* What the last files and inodes had goes after a grace period of RCU. */
static bool settles(const struct usage *before, struct usage *now)
{
	int tries;

	for (tries = 0; tries < 20; tries++) {
		*now = usage();
		if (now->nodes < before->nodes + 100 && now->free_kib > before->free_kib - 8000)
			return true;
		usleep(50000);
	}
	return false;
}

TEST(everything_is_given_back)
{
	struct usage before = { }, after = { };
	bool settled = false;
	int batch, i;

	/* Caches fill up in the first life, and now and then later. */
	ASSERT_EQ(0, make_chain());
	EXPECT_LT(LINKS, usage().nodes);
	ASSERT_EQ(0, close_chain(100));
	for (batch = 0; batch < BATCHES && !settled; batch++) {
		before = usage();
		/* Each life takes thousands of nodes, and over 8 MB of pages. */
		for (i = 0; i < LIVES; i++) {
			ASSERT_EQ(0, make_chain());
			ASSERT_EQ(0, close_chain(25));
		}
		settled = settles(&before, &after);
	}
	EXPECT_TRUE(settled)
		TH_LOG("nodes %ld and %ld, free %ld and %ld KiB", before.nodes, after.nodes,
		       before.free_kib, after.free_kib);
}

static int live_in_group(void *arg)
{
	unsigned long before, during, after;
	char *dir = arg;
	int tries;

	HOLDS(write_file(dir, "cgroup.procs", "0"));
	before = read_number(dir, "memory.current", "");
	HOLDS(!make_chain());
	during = read_number(dir, "memory.current", "");
	/* Two pages of each link, and the nodes that lead to them. */
	HOLDS(during > before + 2 * LINKS * PAGE * 9 / 10);
	HOLDS(!close_chain(100));
	for (tries = 0; tries < 40; tries++) {
		after = read_number(dir, "memory.current", "");
		if (after < before + (during - before) / 6)
			return 0;
		usleep(50000);
	}
	fprintf(stderr, "# charged %lu, %lu, %lu\n", before, during, after);
	return 1;
}

TEST(charges_are_given_back)
{
	char dir[128], path[160];
	int tries;

	if (!make_group(dir, sizeof(dir)))
		SKIP(return, "no cgroup v2");
	snprintf(path, sizeof(path), "%s/memory.current", dir);
	if (access(path, R_OK))
		SKIP(return, "no memory controller");
	EXPECT_EQ(0, in_child(live_in_group, dir));
	for (tries = 0; tries < 100 && rmdir(dir); tries++)
		usleep(10000);
	EXPECT_GT(100, tries);
}

/* Of whichever test it is. */
static int fds[NESTED];

_Static_assert(NESTED >= WIDE, "room in fds");

static void nest(struct __test_metadata *_metadata, __u32 type)
{
	__u64 size = type == ZX_VMO_CHILD_SLICE ? PAGE : 0;
	int order[NESTED], i;

	ASSERT_TRUE(many_fds());
	fds[0] = vmo_create(PAGE, 0);
	for (i = 0; i < NESTED; i++) {
		order[i] = i;
		if (i)
			fds[i] = vmo_create_child(fds[i - 1], type, 0, size);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(ZX_OK, vmo_write(fds[NESTED - 1], "x", 7, 1));
	EXPECT_TRUE(vmo_holds(fds[0], 'x', 7, 1));
	/* The last one goes last. */
	shuffle(order, NESTED - 1);
	for (i = 0; i < NESTED - 1; i++) {
		ASSERT_EQ(0, close(fds[order[i]]));
		if (i % 500 == 0) {
			ASSERT_EQ(ZX_OK, vmo_write(fds[NESTED - 1], "y", i, 1));
			ASSERT_TRUE(vmo_holds(fds[order[NESTED - 2]], 'y', i, 1));
		}
	}
	EXPECT_TRUE(vmo_holds(fds[NESTED - 1], 'x', 7, 1));
	EXPECT_EQ(0, vmo_info(fds[NESTED - 1]).parent_koid);
	EXPECT_EQ(0, vmo_info(fds[NESTED - 1]).committed_bytes);
}

TEST(nested_slices)
{
	nest(_metadata, ZX_VMO_CHILD_SLICE);
}

TEST(nested_references)
{
	nest(_metadata, ZX_VMO_CHILD_REFERENCE);
}

TEST(many_children)
{
	int root = vmo_create(PAGE, 0), middle = vmo_snapshot(root, 0, PAGE), i;

	ASSERT_TRUE(many_fds());
	ASSERT_EQ(ZX_OK, vmo_fill(middle, 0x11, 1));
	for (i = 0; i < WIDE; i++) {
		fds[i] = vmo_snapshot(middle, 0, PAGE);
		ASSERT_LE(0, fds[i]);
		if (i % 2)
			ASSERT_EQ(ZX_OK, vmo_write(fds[i], &i, 0, sizeof(i)));
	}
	EXPECT_EQ(PAGE / (WIDE / 2 + 1), vmo_info(middle).committed_scaled_bytes);
	close(middle);
	EXPECT_EQ(WIDE, vmo_info(root).num_children);
	EXPECT_EQ(vmo_info(root).koid, vmo_info(fds[WIDE - 1]).parent_koid);
	for (i = 0; i < WIDE; i++) {
		int word;

		ASSERT_EQ(ZX_OK, vmo_read(fds[i], &word, 0, sizeof(word)));
		ASSERT_EQ(i % 2 ? i : 0x11111111, word);
		ASSERT_EQ(0, close(fds[i]));
	}
	EXPECT_EQ(0, vmo_info(root).num_children);
}

TEST_HARNESS_MAIN
