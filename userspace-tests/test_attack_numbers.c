// SPDX-License-Identifier: GPL-2.0
/*
 * Every call, with the numbers at the edges of their types in every member of
 * its argument, by a user without privilege: each answer must be one of those
 * that are documented, and nothing but what was asked for may happen.
 */
#include <sys/time.h>

#include "zxvmo_test.h"

#define CONTENT	0x5a
#define PAGES	4

/* In place of it comes the address of a page of memory before a hole. */
#define BUFFER	0x1234567812345678ULL

static const __u64 edges[] = {
	0, 1, PAGE - 1, PAGE, 1ULL << 31, 1ULL << 32, (1ULL << 63) - 1, 1ULL << 63,
	-PAGE, -1ULL, BUFFER,
};

/* For the word that follows the status. */
static const __u32 words[] = {
	0, 1, 2, 3, 4, 5, 8, 10, 16, 17, 32, 64, 0x7fffffff, 0x80000000, 0xffffffff,
};

/* What a specific address overwrites is the caller's own doing. */
static const __u32 map_words[] = {
	0, 1, 3, 7, 8, 0x400, 0x1003, 0x8003, 0x7fffffcf, 0x80000000, 0xffffffcf,
};

/* Without COMMIT, for VMOs that have room for all memory there is. */
static const __u32 op_words[] = { 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -1 };

static const __u32 topics[] = {
	0, 1, 2, 7, 19, 26, 36, 0x3000000E, 0x17, 0x10000017, 0x20000017, 0x30000017, -1,
};

struct target {
	unsigned char *buffer;
	int fd;
	int first_free;		/* descriptors from here on were made by calls */
	unsigned long calls;
	unsigned long good;
};

/* Waiting for ever ends soon. */
static void ring(int sig __always_unused)
{
}

static bool is_documented(int result)
{
	if (result >= 0)
		return result == ZX_OK || result == EFAULT || result == EINTR ||
		       result == ENOTTY;
	return errno_of_status(result) != EIO || result == ZX_ERR_INTERNAL;
}

static bool call(struct target *target, unsigned int command, __u64 *argument)
{
	__u64 before[8];
	size_t i, slots = _IOC_SIZE(command) / 8;
	int result;

	for (i = 1; i < slots; i++)
		if (argument[i] == BUFFER)
			argument[i] = (unsigned long)target->buffer;
	memcpy(before, argument, sizeof(before));
	result = zxvmo_call(target->fd, command, argument);
	target->calls++;
	target->good += !result;
	if (!is_documented(result)) {
		fprintf(stderr, "# number %#x: result %d of", _IOC_NR(command), result);
		for (i = 0; i < slots; i++)
			fprintf(stderr, " %#llx", before[i]);
		fprintf(stderr, "\n");
		return false;
	}
	if (!result && command == ZXVMO_IOC_MAP)
		munmap((void *)(unsigned long)((struct zxvmo_map *)argument)->mapped_address,
		       ((struct zxvmo_map *)argument)->length);
	if (!result && (command == ZXVMO_IOC_CREATE || command == ZXVMO_IOC_CREATE_CHILD ||
			command == ZXVMO_IOC_CREATE_EVENT || command == ZXVMO_IOC_CREATE_PORT ||
			command == ZXVMO_IOC_CREATE_STREAM || command == ZXVMO_IOC_DUPLICATE))
		return !close_range(target->first_free, ~0U, 0);
	return true;
}

/* All edges in members a and b. */
static bool sweep_pair(struct target *target, unsigned int command, __u32 word, __u64 others,
		       size_t a, size_t b)
{
	size_t slots = _IOC_SIZE(command) / 8, i, j, k;
	__u64 argument[8];

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (j = 0; j < (a == b ? 1 : ARRAY_SIZE(edges)); j++) {
			for (k = 1; k < slots; k++)
				argument[k] = others;
			argument[0] = (__u64)word << 32;
			argument[b] = edges[j];
			argument[a] = edges[i];
			if (!call(target, command, argument))
				return false;
		}
	}
	return true;
}

/* All words, and all edges in any two members at a time, among two kinds of others. */
static bool sweep_words(struct target *target, unsigned int command, const __u32 *first,
			size_t count)
{
	size_t slots = _IOC_SIZE(command) / 8, word, a, b;

	for (word = 0; word < count; word++)
		for (a = 1; a < slots; a++)
			for (b = a; b < slots; b++)
				if (!sweep_pair(target, command, first[word], 0, a, b) ||
				    !sweep_pair(target, command, first[word], BUFFER, a, b))
					return false;
	return true;
}

static bool sweep(struct target *target, unsigned int command)
{
	return sweep_words(target, command, words, ARRAY_SIZE(words));
}

FIXTURE(numbers) {
	struct target target;
	int witness;
};

FIXTURE_SETUP(numbers)
{
	struct sigaction act = { .sa_handler = ring };
	struct itimerval soon = { { 0, 2000 }, { 0, 2000 } };

	self->witness = vmo_create(PAGE, 0);
	ASSERT_EQ(ZX_OK, vmo_fill(self->witness, CONTENT, 1));
	self->target.buffer = page_before_hole();
	ASSERT_NE(NULL, self->target.buffer);
	self->target.fd = open_device();
	ASSERT_LE(0, self->target.fd);
	self->target.first_free = 200;
	ASSERT_EQ(199, dup2(self->target.fd, 199));
	sigaction(SIGALRM, &act, NULL);
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
	/* Whatever cannot be had below 200 is what a call has made. */
	for (; dup(self->target.fd) < 198;)
		;
	ASSERT_EQ(0, become_nobody());
}

FIXTURE_TEARDOWN(numbers)
{
	struct itimerval none = { };

	setitimer(ITIMER_REAL, &none, NULL);
	EXPECT_TRUE(vmo_holds(self->witness, CONTENT, 0, PAGE));
	EXPECT_EQ(1, vmo_handle_count(self->witness));
	EXPECT_EQ(1, vmo_info(self->witness).share_count);
	/* Some of the calls were right. */
	EXPECT_LT(0, self->target.good);
	EXPECT_LT(self->target.good, self->target.calls);
}

TEST_F_TIMEOUT(numbers, device, 120)
{
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_QUERY));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_CREATE));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_CREATE_EVENT));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_CREATE_PORT));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_WAIT_MANY));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_REGION_OP_RANGE));
}

static int created(struct zxvmo_create *arg)
{
	int device = 199;

	return zxvmo_call(device, ZXVMO_IOC_CREATE, arg) ? -1 : arg->handle;
}

static bool sweep_any(struct target *target)
{
	return sweep_words(target, ZXVMO_IOC_GET_INFO, topics, ARRAY_SIZE(topics)) &&
	       sweep(target, ZXVMO_IOC_GET_PROPERTY) && sweep(target, ZXVMO_IOC_SET_PROPERTY) &&
	       sweep(target, ZXVMO_IOC_SIGNAL) && sweep(target, ZXVMO_IOC_SIGNAL_PEER) &&
	       sweep(target, ZXVMO_IOC_WAIT) && sweep(target, ZXVMO_IOC_WAIT_ASYNC) &&
	       sweep(target, ZXVMO_IOC_DUPLICATE);
}

static bool sweep_vmo(struct target *target)
{
	return sweep(target, ZXVMO_IOC_READ) && sweep(target, ZXVMO_IOC_WRITE) &&
	       sweep(target, ZXVMO_IOC_GET_SIZE) && sweep(target, ZXVMO_IOC_SET_SIZE) &&
	       sweep(target, ZXVMO_IOC_GET_STREAM_SIZE) &&
	       sweep(target, ZXVMO_IOC_SET_STREAM_SIZE) &&
	       sweep_words(target, ZXVMO_IOC_MAP, map_words, ARRAY_SIZE(map_words)) &&
	       sweep(target, ZXVMO_IOC_CREATE_CHILD) &&
	       sweep_words(target, ZXVMO_IOC_OP_RANGE, op_words, ARRAY_SIZE(op_words)) &&
	       sweep(target, ZXVMO_IOC_TRANSFER_DATA) &&
	       sweep(target, ZXVMO_IOC_SET_CACHE_POLICY) &&
	       sweep(target, ZXVMO_IOC_CREATE_STREAM) && sweep_any(target);
}

TEST_F_TIMEOUT(numbers, small_vmo, 120)
{
	struct zxvmo_create arg = { .size = PAGES * PAGE };

	self->target.fd = created(&arg);
	ASSERT_LE(0, self->target.fd);
	self->target.first_free = self->target.fd + 1;
	EXPECT_TRUE(sweep_vmo(&self->target));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_OP_RANGE));
	EXPECT_GE(PAGES * PAGE, vmo_info(self->target.fd).committed_bytes);
}

/* Sparse: what is written lies at its edges. */
TEST_F_TIMEOUT(numbers, largest_vmo, 120)
{
	struct zxvmo_create arg = { .options = ZX_VMO_UNBOUNDED };

	self->target.fd = created(&arg);
	ASSERT_LE(0, self->target.fd);
	self->target.first_free = self->target.fd + 1;
	EXPECT_TRUE(sweep_vmo(&self->target));
	EXPECT_GE(64 * PAGE, vmo_info(self->target.fd).committed_bytes);
}

TEST_F_TIMEOUT(numbers, resizable_and_discardable_vmos, 120)
{
	static const __u32 options[] = { ZX_VMO_RESIZABLE, ZX_VMO_DISCARDABLE };
	struct zxvmo_create arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		arg = (struct zxvmo_create){ .size = PAGE, .options = options[i] };
		self->target.fd = created(&arg);
		ASSERT_LE(0, self->target.fd);
		self->target.first_free = self->target.fd + 1;
		EXPECT_TRUE(sweep_vmo(&self->target));
	}
}

TEST_F_TIMEOUT(numbers, stream, 120)
{
	struct zxvmo_create_stream stream = {
		.options = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE,
	};
	struct zxvmo_create arg = { .size = PAGES * PAGE };
	int vmo = created(&arg);

	ASSERT_EQ(ZX_OK, zxvmo_call(vmo, ZXVMO_IOC_CREATE_STREAM, &stream));
	self->target.fd = stream.handle;
	self->target.first_free = stream.handle + 1;
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_STREAM_SEEK));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_STREAM_READV));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_STREAM_WRITEV));
	EXPECT_TRUE(sweep_any(&self->target));
}

TEST_F_TIMEOUT(numbers, port_and_event, 120)
{
	struct zxvmo_create_event event = { .kind = ZXVMO_EVENT_PAIR };
	struct zxvmo_create_port port = { };

	ASSERT_EQ(ZX_OK, zxvmo_call(199, ZXVMO_IOC_CREATE_EVENT, &event));
	ASSERT_EQ(ZX_OK, zxvmo_call(199, ZXVMO_IOC_CREATE_PORT, &port));
	self->target.first_free = port.handle + 1;
	self->target.fd = event.handle;
	EXPECT_TRUE(sweep_any(&self->target));
	self->target.fd = port.handle;
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_PORT_QUEUE));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_PORT_WAIT));
	EXPECT_TRUE(sweep(&self->target, ZXVMO_IOC_PORT_CANCEL));
	EXPECT_TRUE(sweep_any(&self->target));
}

/* The calls of Linux that take a range or a position. */
TEST_F_TIMEOUT(numbers, calls_of_linux, 120)
{
	struct zxvmo_create arg = { .size = PAGES * PAGE, .options = ZX_VMO_RESIZABLE };
	int fd = created(&arg), out = memfd_create("x", 0);
	size_t i, j, k;
	loff_t from, to;
	void *at;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		pread(fd, self->target.buffer, PAGE, edges[i]);
		pwrite(fd, self->target.buffer, PAGE, edges[i]);
		ftruncate(fd, edges[i]);
		ftruncate(fd, PAGES * PAGE);
		for (j = 0; j < ARRAY_SIZE(edges); j++) {
			lseek(fd, edges[i], j);
			fallocate(fd, j, edges[i], edges[j]);
			readahead(fd, edges[i], edges[j]);
			posix_fadvise(fd, edges[i], edges[j], j);
			sync_file_range(fd, edges[i], edges[j], j);
			from = edges[i];
			to = 0;
			copy_file_range(fd, &from, out, &to, edges[j] % (1 << 20), 0);
			at = mmap(NULL, edges[j], PROT_READ, MAP_SHARED, fd, edges[i]);
			if (at == MAP_FAILED)
				continue;
			for (k = 0; k < ARRAY_SIZE(edges); k++) {
				msync(at, edges[k], MS_SYNC);
				syscall(SYS_mincore, at, edges[k], self->target.buffer);
				syscall(SYS_process_madvise, -1, at, edges[k], 0, 0);
			}
			munmap(at, edges[j]);
		}
	}
	self->target.calls = 2;
	self->target.good = 1;
	EXPECT_EQ(PAGES * PAGE, vmo_size(fd));
}

TEST_HARNESS_MAIN
