// SPDX-License-Identifier: GPL-2.0
/*
 * No call holds a process, a processor or others up for long: a signal ends
 * whatever would go on, what is sparse costs nothing by its size, and the
 * rest takes its time in proportion to the memory that it moves or frees. The
 * bounds are for machines that have a lot else to do.
 */
#include <sys/mman.h>

#include "zxvmo_test.h"

#define MIB		(1UL << 20)
#define POPULATED	(256 * MIB)
#define HUGE		(1ULL << 60)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int transfer_data(int to, __u64 offset, int from, __u64 source_offset, __u64 length)
{
	struct zxvmo_transfer_data arg = {
		.offset = offset, .source = from, .source_offset = source_offset,
		.length = length,
	};

	return zxvmo_call(to, ZXVMO_IOC_TRANSFER_DATA, &arg);
}

/* What goes on until it is killed. */
struct job {
	int (*run)(const struct job *job);
	int fd;
	int up;
};

static int run_job(void *arg)
{
	const struct job *job = arg;

	HOLDS(!tell(job->up));
	return job->run(job);
}

/* Kill it in the middle: how long it goes on. */
static double time_to_die(struct job *job, int microseconds)
{
	int pipes[2], status;
	double began;
	pid_t pid;

	if (pipe(pipes))
		return 1e9;
	job->up = pipes[1];
	pid = start_child(run_job, job);
	if (hear(pipes[0]))
		return 1e9;
	close(pipes[0]);
	close(pipes[1]);
	usleep(microseconds);
	began = now();
	kill(pid, SIGKILL);
	status = end_child(pid);
	if (status != 128 + SIGKILL) {
		fprintf(stderr, "# it ended by itself: %d\n", status);
		return 1e9;
	}
	return now() - began;
}

static int commit_all(const struct job *job)
{
	return vmo_op_range(job->fd, ZX_VMO_OP_COMMIT, 0, 1ULL << 40) + 1000;
}

static int read_all(const struct job *job)
{
	void *to = mmap(NULL, 1ULL << 40, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return vmo_read(job->fd, to, 0, 1ULL << 40) + 1000;
}

static int write_all(const struct job *job)
{
	void *from = mmap(NULL, 1ULL << 40, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return vmo_write(job->fd, from, 0, 1ULL << 40) + 1000;
}

static int file_write_all(const struct job *job)
{
	void *from = mmap(NULL, 1ULL << 40, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	while (pwrite(job->fd, from, 1ULL << 30, 0) > 0)
		;
	return 1;
}

static int commit_region(const struct job *job)
{
	void *at = map_shared(job->fd, 1ULL << 40, PROT_READ | PROT_WRITE);
	struct zxvmo_region_op_range arg = {
		.op = ZX_VMAR_OP_COMMIT, .address = (unsigned long)at, .size = 1ULL << 40,
	};

	return zxvmo_call(open_device(), ZXVMO_IOC_REGION_OP_RANGE, &arg) + 1000;
}

static int populate_mapping(const struct job *job)
{
	void *at = map_shared(job->fd, 1ULL << 40, PROT_READ | PROT_WRITE);

	return madvise(at, 1ULL << 40, MADV_POPULATE_WRITE) + 1;
}

static int stream_vector(const struct job *job)
{
	struct zxvmo_create_stream stream = { .options = ZX_STREAM_MODE_READ };
	/* A vector as long as memory: all its buffers are empty. */
	void *vector = mmap(NULL, 1ULL << 40, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct zxvmo_stream_transfer arg = {
		.vector = (unsigned long)vector, .count = 1ULL << 36,
	};

	if (zxvmo_call(job->fd, ZXVMO_IOC_CREATE_STREAM, &stream))
		return 2;
	return zxvmo_call(stream.handle, ZXVMO_IOC_STREAM_READV, &arg) + 1000;
}

FIXTURE(time) {
	char nothing;
};

FIXTURE_SETUP(time)
{
	self->nothing = 0;
}

FIXTURE_TEARDOWN(time)
{
}

TEST_F_TIMEOUT(time, a_signal_ends_what_would_go_on, 250)
{
	static const struct {
		int (*run)(const struct job *job);
		const char *name;
	} jobs[] = {
		{ commit_all, "COMMIT" }, { read_all, "zx_vmo_read" },
		{ write_all, "zx_vmo_write" }, { file_write_all, "pwrite" },
		{ commit_region, "zx_vmar_op_range" }, { populate_mapping, "populating" },
		{ stream_vector, "a stream's vector" },
	};
	struct job job;
	double took;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		job.run = jobs[i].run;
		job.fd = vmo_create(HUGE, 0);
		ASSERT_LE(0, job.fd);
		took = time_to_die(&job, 20000);
		/* Its memory is freed meanwhile. */
		EXPECT_GT(30, took);
		TH_LOG("%s: %.4f s", jobs[i].name, took);
		close(job.fd);
	}
}

/* Pages as far apart as they can be: what counts is how many there are. */
TEST_F_TIMEOUT(time, what_is_sparse_costs_nothing_by_its_size, 250)
{
	int fd = vmo_create(HUGE, ZX_VMO_RESIZABLE), child, other = vmo_create(HUGE, 0), i;
	double began;
	void *at;

	for (i = 0; i < 2000; i++)
		ASSERT_EQ(ZX_OK, vmo_write(fd, &i, i * (HUGE / 2000), 1));
	at = map_shared(fd, 1ULL << 45, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	began = now();
	child = vmo_snapshot(fd, 0, HUGE);
	ASSERT_LE(0, child);
	EXPECT_EQ(2000 * PAGE, vmo_info(child).committed_bytes);
	EXPECT_EQ(ZX_OK, vmo_op_range(child, ZX_VMO_OP_ZERO, 1, HUGE - 2));
	close(child);
	EXPECT_EQ(ZX_OK, transfer_data(other, PAGE, fd, 0, HUGE - PAGE));
	EXPECT_EQ(ZX_OK, vmo_op_range(other, ZX_VMO_OP_DECOMMIT, 0, HUGE));
	EXPECT_EQ(ZX_OK, vmo_set_stream_size(fd, 0));
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, 0));
	EXPECT_EQ(ZX_OK, vmo_set_size(fd, HUGE));
	EXPECT_EQ(0, munmap(at, 1ULL << 45));
	close(fd);
	close(other);
	EXPECT_GT(60, now() - began);
	TH_LOG("%.3f s", now() - began);
}

static int op_decommit(int fd, int other __always_unused)
{
	return vmo_op_range(fd, ZX_VMO_OP_DECOMMIT, 0, POPULATED);
}

static int op_zero(int fd, int other __always_unused)
{
	return vmo_op_range(fd, ZX_VMO_OP_ZERO, 0, POPULATED);
}

static int op_shrink(int fd, int other __always_unused)
{
	return vmo_set_size(fd, 0);
}

static int op_transfer_aligned(int fd, int other)
{
	return transfer_data(other, 0, fd, 0, POPULATED);
}

static int op_transfer_shifted(int fd, int other)
{
	return transfer_data(other, PAGE, fd, 0, POPULATED - PAGE);
}

static int op_snapshot(int fd, int other __always_unused)
{
	return vmo_snapshot(fd, 0, POPULATED) < 0;
}

static int op_info(int fd, int other __always_unused)
{
	return vmo_get_info(fd, ZX_INFO_VMO, &(struct zxvmo_info_vmo){ },
			    sizeof(struct zxvmo_info_vmo));
}

/* How long the longest operations keep others from a VMO, by the memory concerned. */
TEST_F_TIMEOUT(time, the_longest_operations, 250)
{
	static const struct {
		int (*run)(int fd, int other);
		const char *name;
	} ops[] = {
		{ op_decommit, "DECOMMIT" }, { op_zero, "ZERO" }, { op_shrink, "zx_vmo_set_size" },
		{ op_transfer_aligned, "zx_vmo_transfer_data" },
		{ op_transfer_shifted, "zx_vmo_transfer_data, not aligned alike" },
		{ op_snapshot, "snapshot" }, { op_info, "GET_INFO" },
	};
	int fd, other;
	double took;
	void *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		fd = vmo_create(POPULATED, ZX_VMO_RESIZABLE);
		other = vmo_create(POPULATED, 0);
		ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_COMMIT, 0, POPULATED));
		at = map_shared(fd, POPULATED, PROT_READ | PROT_WRITE);
		ASSERT_EQ(0, madvise(at, POPULATED, MADV_POPULATE_WRITE));
		took = -now();
		EXPECT_EQ(ZX_OK, ops[i].run(fd, other));
		took += now();
		munmap(at, POPULATED);
		close(fd);
		close(other);
		/* Far more than it takes: an operation that is not linear takes longer. */
		EXPECT_GT(60, took);
		TH_LOG("%s: %.4f s for %lu MiB", ops[i].name, took, POPULATED / MIB);
	}
}

/* Two threads that fight for a VMO both get on. */
TEST_F_TIMEOUT(time, a_stream_of_writers_does_not_shut_others_out, 250)
{
	int fd = vmo_create(16 * PAGE, 0), writers[4];
	double began, longest = 0;
	char byte = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		writers[i] = fork();
		if (!writers[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;) {
				vmo_write(fd, &byte, 0, 1);
				vmo_op_range(fd, ZX_VMO_OP_ZERO, 0, PAGE);
			}
		}
	}
	for (i = 0; i < 200; i++) {
		began = now();
		EXPECT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_COMMIT, 0, 16 * PAGE));
		EXPECT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_DECOMMIT, 0, 16 * PAGE));
		if (now() - began > longest)
			longest = now() - began;
	}
	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		kill(writers[i], SIGKILL);
		end_child(writers[i]);
	}
	EXPECT_GT(30, longest);
	TH_LOG("longest: %.4f s", longest);
}

TEST_HARNESS_MAIN
