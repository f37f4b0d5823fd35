// SPDX-License-Identifier: GPL-2.0
/*
 * Pages are charged to the memory cgroup of the process that touches them, and
 * a cgroup that has no more hurts nobody outside it.
 */
#include "cgroup_test.h"
#include "zxvmo_test.h"

#define MIB	(1UL << 20)
#define LIMIT	(24 * MIB)

FIXTURE(memcg) {
	char dir[128];
	int fd;			/* a VMO made outside the cgroup */
	int bystander;		/* another, touched outside only */
};

FIXTURE_SETUP(memcg)
{
	char path[256];

	if (!make_group(self->dir, sizeof(self->dir)))
		SKIP(return, "no cgroup v2");
	snprintf(path, sizeof(path), "%s/memory.current", self->dir);
	if (access(path, R_OK))
		SKIP(return, "no memory controller");
	self->fd = vmo_create(1UL << 40, 0);
	ASSERT_LE(0, self->fd);
	self->bystander = vmo_create(2 * PAGE, 0);
	ASSERT_EQ(ZX_OK, vmo_fill(self->bystander, 0x77, 2));
}

FIXTURE_TEARDOWN(memcg)
{
	int tries;

	EXPECT_TRUE(vmo_holds(self->bystander, 0x77, PAGE, PAGE));
	/* Only a cgroup that nothing is charged to any more goes quickly. */
	close(self->fd);
	for (tries = 0; tries < 100 && rmdir(self->dir); tries++)
		usleep(10000);
	EXPECT_GT(100, tries);
}

struct job {
	const char *dir;
	int fd;
	bool by_mapping;
	unsigned long bytes;
	int up, down;
};

static int enter(const struct job *job)
{
	HOLDS(write_file(job->dir, "cgroup.procs", "0"));
	return 0;
}

static void end(int sig)
{
	_exit(128 + sig);
}

static int touch_pages(void *arg)
{
	struct job *job = arg;
	unsigned char *at, byte = 1;
	unsigned long offset;
	int status;

	/*
	 * From here on it takes pages of the VMO only: no code, nothing for a core dump,
	 * and no page tables when the cgroup has no more. For any of these the kernel
	 * would kill.
	 */
	HOLDS(leave_files());
	HOLDS(!mlockall(MCL_CURRENT));
	HOLDS(signal(SIGBUS, end) != SIG_ERR);
	if (enter(job))
		return 1;
	at = map_shared(job->fd, job->bytes, PROT_READ | PROT_WRITE);
	HOLDS(at != MAP_FAILED);
	HOLDS(!madvise(at, job->bytes, MADV_POPULATE_READ));
	for (offset = 0; offset < job->bytes; offset += PAGE) {
		if (job->by_mapping) {
			at[offset] = byte;
			continue;
		}
		status = vmo_write(job->fd, &byte, offset, 1);
		if (status)
			return status == ZX_ERR_NO_MEMORY ? 2 : 3;
	}
	return 0;
}

/* Charged in the background, some of it stays in caches of the CPUs. */
#define SLACK	(2 * MIB)

TEST_F(memcg, who_touches_pays)
{
	struct job job = { .dir = self->dir, .fd = self->fd, .bytes = 16 * MIB };
	unsigned long before = read_number(self->dir, "memory.current", "");
	unsigned long after;
	int tries;

	for (job.by_mapping = false;; job.by_mapping = true) {
		EXPECT_EQ(0, in_child(touch_pages, &job));
		/* The child is gone, the pages and their charge are not. */
		after = read_number(self->dir, "memory.current", "");
		EXPECT_LE(before + job.bytes - SLACK, after);
		EXPECT_GE(before + job.bytes + SLACK, after);
		if (job.by_mapping)
			break;
		close(self->fd);
		self->fd = vmo_create(1UL << 40, 0);
		job.fd = self->fd;
		for (tries = 0; tries < 100; tries++) {
			after = read_number(self->dir, "memory.current", "");
			if (after <= before + SLACK)
				break;
			usleep(10000);
		}
		EXPECT_GE(before + SLACK, after);
	}
}

TEST_F(memcg, reading_costs_nothing)
{
	struct job job = { .dir = self->dir, .fd = self->fd, .bytes = 16 * MIB };
	unsigned char *at = map_shared(self->fd, job.bytes, PROT_READ);
	unsigned long before;

	/* In the cgroup itself, for once: this process only reads. */
	ASSERT_EQ(0, enter(&job));
	before = read_number(self->dir, "memory.current", "");
	EXPECT_TRUE(all_bytes(at, 0, job.bytes));
	EXPECT_EQ(0, vmo_info(self->fd).committed_bytes);
	EXPECT_GE(before + SLACK, read_number(self->dir, "memory.current", ""));
	ASSERT_TRUE(write_file(CGROUPS, "cgroup.procs", "0"));
}

static void out_of_memory(struct __test_metadata *_metadata, const char *dir, int fd,
			  bool by_mapping)
{
	struct job job = {
		.dir = dir, .fd = fd, .bytes = 2 * LIMIT, .by_mapping = by_mapping,
	};
	char limit[32];

	snprintf(limit, sizeof(limit), "%lu", LIMIT);
	ASSERT_TRUE(write_file(dir, "memory.max", limit));
	write_file(dir, "memory.swap.max", "0");
	/* An error of the call or a fault, but the OOM killer stays asleep. */
	EXPECT_EQ(by_mapping ? 128 + SIGBUS : 2, in_child(touch_pages, &job));
	EXPECT_EQ(0, read_number(dir, "memory.events", "oom_kill"));
	EXPECT_LT(0, read_number(dir, "memory.events", "max"));
	EXPECT_GE(LIMIT, vmo_info(fd).committed_bytes);
	EXPECT_LT(LIMIT / 2, vmo_info(fd).committed_bytes);
	/* What it had written is there, and others go on writing. */
	EXPECT_TRUE(vmo_holds(fd, 1, LIMIT / 4, 1));
	EXPECT_EQ(ZX_OK, vmo_write(fd, "x", 3 * LIMIT, 1));
	EXPECT_TRUE(vmo_holds(fd, 'x', 3 * LIMIT, 1));
}

TEST_F(memcg, out_of_memory_by_call)
{
	out_of_memory(_metadata, self->dir, self->fd, false);
}

TEST_F(memcg, out_of_memory_by_mapping)
{
	out_of_memory(_metadata, self->dir, self->fd, true);
}

TEST_HARNESS_MAIN
