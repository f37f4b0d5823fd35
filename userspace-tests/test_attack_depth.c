// SPDX-License-Identifier: GPL-2.0
/*
 * Families as large as one process can make them: nothing takes a stack as deep
 * as the family, nor time that grows with the square of its size, and the
 * relations stay right whoever goes first.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "zxvmo_test.h"

/* $ZXVMO_DEPTH generations, for those who have the memory. */
#define DEPTH	100000
#define WIDE	fewer(4000)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

FIXTURE(family) {
	int *fds;
	int depth;
};

FIXTURE_SETUP(family)
{
	const char *depth = getenv("ZXVMO_DEPTH");
	struct rlimit limit;

	self->depth = depth ? atoi(depth) : fewer(DEPTH);
	limit.rlim_cur = limit.rlim_max = self->depth + 2 * WIDE;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "not that many descriptors");
	self->fds = calloc(self->depth + 2 * WIDE, sizeof(int));
	ASSERT_NE(NULL, self->fds);
}

FIXTURE_TEARDOWN(family)
{
	free(self->fds);
}

#define DATA	FIXTURE_DATA(family)

/* Each a snapshot of the one before, with a page of its own. */
static int make_chain(int *fds, int count)
{
	int i;

	fds[0] = vmo_create(PAGE, 0);
	for (i = 1; i < count; i++) {
		fds[i] = vmo_snapshot(fds[i - 1], 0, PAGE);
		if (fds[i] < 0 || vmo_write(fds[i], &i, 0, sizeof(i)))
			return i;
	}
	return count;
}

static __u64 koid(int fd)
{
	struct zxvmo_info_handle_basic basic = { };

	vmo_get_info(fd, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic));
	return basic.koid;
}

TEST_F_TIMEOUT(family, chain_that_goes_from_its_beginning, 250)
{
	int i, number, last = self->depth - 1;
	double began;

	ASSERT_EQ(self->depth, make_chain(self->fds, self->depth));
	EXPECT_EQ(koid(self->fds[last - 1]), vmo_info(self->fds[last]).parent_koid);
	began = now();
	for (i = 0; i < last; i++)
		close(self->fds[i]);
	TH_LOG("%d generations gone in %.2f s", last, now() - began);
	EXPECT_EQ(0, vmo_info(self->fds[last]).parent_koid);
	EXPECT_EQ(ZX_OK, vmo_read(self->fds[last], &number, 0, sizeof(number)));
	EXPECT_EQ(last, number);
	EXPECT_EQ(PAGE, vmo_info(self->fds[last]).committed_private_bytes);
	close(self->fds[last]);
}

TEST_F_TIMEOUT(family, chain_that_goes_from_its_end, 250)
{
	int i;

	ASSERT_EQ(self->depth, make_chain(self->fds, self->depth));
	for (i = self->depth - 1; i > 0; i--)
		close(self->fds[i]);
	EXPECT_EQ(0, vmo_info(self->fds[0]).num_children);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_now(self->fds[0]));
	close(self->fds[0]);
}

/* All at once, by the kernel, when a process is killed; others see it at once. */
static int hold_chain(void *arg)
{
	const DATA *self = arg;
	int i;

	close(self->fds[1]);
	for (i = 2; i < self->depth / 4; i++) {
		self->fds[i] = vmo_snapshot(self->fds[i == 2 ? 0 : i - 1], 0, PAGE);
		/* Every second one is only mapped. */
		HOLDS(self->fds[i] >= 0);
		if (i % 2)
			continue;
		if (i < 60000)
			HOLDS(map_shared(self->fds[i], PAGE, PROT_READ) != MAP_FAILED);
	}
	HOLDS(!tell(self->fds[self->depth]));
	pause();
	return 1;
}

TEST_F_TIMEOUT(family, chain_whose_process_is_killed, 250)
{
	int pipes[2];
	double began;
	pid_t pid;

	self->fds[0] = vmo_create(PAGE, 0);
	ASSERT_EQ(0, pipe(pipes));
	self->fds[1] = pipes[0];
	self->fds[self->depth] = pipes[1];
	pid = start_child(hold_chain, self);
	close(pipes[1]);
	ASSERT_EQ(0, hear(pipes[0]));
	EXPECT_EQ(1, vmo_info(self->fds[0]).num_children);
	began = now();
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(pid));
	TH_LOG("gone in %.2f s", now() - began);
	EXPECT_EQ(0, vmo_info(self->fds[0]).num_children);
}

/* The children of the last one are handed from generation to generation. */
TEST_F_TIMEOUT(family, children_that_are_handed_down, 250)
{
	int *children = self->fds + WIDE, i;
	double began;

	ASSERT_EQ(WIDE, make_chain(self->fds, WIDE));
	for (i = 0; i < WIDE; i++) {
		children[i] = vmo_snapshot(self->fds[WIDE - 1], 0, PAGE);
		ASSERT_LE(0, children[i]);
	}
	began = now();
	for (i = WIDE - 1; i > 0; i--)
		close(self->fds[i]);
	/* Where each child was moved each time: 34 s, on a machine with nothing else to do. */
	EXPECT_GT(20 * slowness(), now() - began);
	TH_LOG("%d times %d children handed down in %.2f s", WIDE, WIDE, now() - began);
	EXPECT_EQ(WIDE, vmo_info(self->fds[0]).num_children);
	for (i = 0; i < WIDE; i += WIDE / 10)
		EXPECT_EQ(koid(self->fds[0]), vmo_info(children[i]).parent_koid);
	close(self->fds[0]);
	EXPECT_EQ(0, vmo_info(children[WIDE / 2]).parent_koid);
}

TEST_F_TIMEOUT(family, information_about_ten_thousand_members, 250)
{
	int i, count = fewer(10000);
	double began, longest = 0;

	ASSERT_EQ(count, make_chain(self->fds, count));
	for (i = 0; i < count; i += count / 20) {
		began = now();
		EXPECT_EQ(PAGE, vmo_info(self->fds[i]).size_bytes);
		if (now() - began > longest)
			longest = now() - began;
	}
	TH_LOG("longest: %.4f s", longest);
	EXPECT_GT(20 * slowness(), longest);
}

/* Who is whose child, beside the plain way to keep it. */
#define KIN	60

struct kin {
	int fd;
	int parent;	/* -1: none */
};

TEST_F_TIMEOUT(family, relations_at_random, 250)
{
	struct kin kin[KIN];
	int round, i, j, of;
	__u64 children;

	srand(28);
	for (i = 0; i < KIN; i++)
		kin[i].fd = -1;
	for (round = 0; round < fewer(4000); round++) {
		i = rand() % KIN;
		if (kin[i].fd >= 0) {
			/* Chains are what is wanted: few go. */
			if (rand() % 3 == 0)
				continue;
			close(kin[i].fd);
			kin[i].fd = -1;
			for (j = 0; j < KIN; j++)
				if (kin[j].fd >= 0 && kin[j].parent == i)
					kin[j].parent = kin[i].parent;
		} else {
			of = rand() % KIN;
			if (kin[of].fd < 0 || rand() % 50 == 0) {
				kin[i].fd = vmo_create(PAGE, 0);
				kin[i].parent = -1;
			} else {
				kin[i].fd = vmo_snapshot(kin[of].fd, 0, PAGE);
				kin[i].parent = of;
			}
			ASSERT_LE(0, kin[i].fd);
		}
		if (round % 8)
			continue;
		for (i = 0; i < KIN; i++) {
			if (kin[i].fd < 0)
				continue;
			for (children = 0, j = 0; j < KIN; j++)
				children += kin[j].fd >= 0 && kin[j].parent == i;
			ASSERT_EQ(children, vmo_info(kin[i].fd).num_children);
			ASSERT_EQ(kin[i].parent < 0 ? 0 : koid(kin[kin[i].parent].fd),
				  vmo_info(kin[i].fd).parent_koid);
			ASSERT_EQ(children ? 0 : ZX_VMO_ZERO_CHILDREN, signals_now(kin[i].fd));
		}
	}
	for (i = 0; i < KIN; i++)
		if (kin[i].fd >= 0)
			close(kin[i].fd);
}

TEST_HARNESS_MAIN
