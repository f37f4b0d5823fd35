// SPDX-License-Identifier: GPL-2.0
/*
 * Memory is short in a cgroup: what is discardable goes first, then the kernel
 * kills who has mapped a lot of it, and what that process held is memory for the
 * others again.
 */
#include <sys/mman.h>

#include "cgroup_test.h"
#include "zxvmo_test.h"

#define MIB		(1UL << 20)
#define LIMIT		(96 * MIB)
#define OWNED		(56 * MIB)
#define DISCARDABLE	(16 * MIB)
#define WANTED		(64 * MIB)

FIXTURE(oom) {
	char dir[128];
	int pipes[2];
};

FIXTURE_SETUP(oom)
{
	char path[256], limit[32];

	if (!make_group(self->dir, sizeof(self->dir)))
		SKIP(return, "no cgroup v2");
	snprintf(path, sizeof(path), "%s/memory.current", self->dir);
	if (access(path, R_OK))
		SKIP(return, "no memory controller");
	snprintf(limit, sizeof(limit), "%lu", LIMIT);
	ASSERT_TRUE(write_file(self->dir, "memory.max", limit));
	write_file(self->dir, "memory.swap.max", "0");
	ASSERT_EQ(0, pipe(self->pipes));
}

FIXTURE_TEARDOWN(oom)
{
	int tries;

	for (tries = 0; tries < 100 && rmdir(self->dir); tries++)
		usleep(10000);
	EXPECT_GT(100, tries);
}

#define DATA	FIXTURE_DATA(oom)

static int own_a_lot(void *arg)
{
	const DATA *self = arg;
	void *at;
	int fd;

	HOLDS(write_file(self->dir, "cgroup.procs", "0"));
	fd = vmo_create(OWNED, 0);
	at = map_shared(fd, OWNED, PROT_READ | PROT_WRITE);
	HOLDS(at != MAP_FAILED);
	memset(at, 1, OWNED);
	HOLDS(!tell(self->pipes[1]));
	pause();
	return 1;
}

static int lock_op(int fd, __u32 op)
{
	struct zxvmo_lock_state state;
	struct zxvmo_op_range arg = {
		.op = op, .size = DISCARDABLE, .buffer = (unsigned long)&state,
		.buffer_size = sizeof(state),
	};

	return zxvmo_call(fd, ZXVMO_IOC_OP_RANGE, &arg);
}

/* Sends the VMO, which counts for the cgroup that it is made in. */
static int make_discardable(void *arg)
{
	int fd, *socket = arg;

	fd = vmo_create(DISCARDABLE, ZX_VMO_DISCARDABLE);
	HOLDS(lock_op(fd, ZX_VMO_OP_LOCK) == ZX_OK);
	HOLDS(vmo_op_range(fd, ZX_VMO_OP_COMMIT, 0, DISCARDABLE) == ZX_OK);
	HOLDS(lock_op(fd, ZX_VMO_OP_UNLOCK) == ZX_OK);
	return send_fd(*socket, fd);
}

static int want_memory(void *arg)
{
	const DATA *self = arg;
	int sockets[2], fd;
	char *at;

	HOLDS(write_file(self->dir, "cgroup.procs", "0"));
	/* The kernel may look for another one before the first has freed its memory. */
	HOLDS(write_file("/proc/self", "oom_score_adj", "-1000"));
	HOLDS(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	HOLDS(!make_discardable(&sockets[0]));
	fd = recv_fd(sockets[1]);
	HOLDS(fd >= 0);
	/* Room for this much is made without harm to anybody. */
	at = anon_pages(DISCARDABLE / 2 / PAGE, PROT_READ | PROT_WRITE);
	memset(at, 1, DISCARDABLE / 2);
	at = anon_pages(LIMIT / PAGE, PROT_READ | PROT_WRITE);
	memset(at, 1, LIMIT - OWNED - DISCARDABLE / 2 - 4 * MIB);
	HOLDS(!read_number(self->dir, "memory.events", "oom_kill "));
	HOLDS(lock_op(fd, ZX_VMO_OP_TRY_LOCK) == ZX_ERR_UNAVAILABLE);
	/* For this somebody has to go. */
	memset(at, 1, WANTED);
	HOLDS(read_number(self->dir, "memory.events", "oom_kill ") >= 1);
	return 0;
}

TEST_F_TIMEOUT(oom, discardable_memory_goes_first_then_who_has_most, 120)
{
	char path[64], value[64];
	pid_t owner;

	printf("# dmesg expected: oom|OOM|Out of memory|Killed process|min protection\n");
	/* And what it says of the process that asked. */
	printf("# dmesg expected: ^ |^CPU: |^Tainted: |^Hardware name: |^Call Trace:\n");
	printf("# dmesg expected: ^RIP: 0033:|^Code: |^[A-Z0-9]{3}: [0-9a-f]{4}\n");
	fflush(stdout);
	owner = start_child(own_a_lot, self);
	ASSERT_EQ(0, hear(self->pipes[0]));
	snprintf(path, sizeof(path), "/proc/%d/status", owner);
	ASSERT_TRUE(proc_value(path, "VmRSS:", value, sizeof(value)));
	/* What it has mapped is its own in the eyes of the kernel. */
	EXPECT_LT(OWNED / 1024, strtoul(value, NULL, 10));
	EXPECT_EQ(0, in_child(want_memory, self));
	/* Only if it is still there. */
	kill(owner, SIGTERM);
	EXPECT_EQ(128 + SIGKILL, end_child(owner));
}

TEST_HARNESS_MAIN
