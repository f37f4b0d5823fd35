// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to reach a page after it was taken away, and memory that was
 * somebody else's: by translations that another processor still has, by pages
 * that come back from the allocator, by whatever a structure or a page that is
 * handed out does not overwrite. The attacker is a user without privilege.
 */
#include <pthread.h>
#include <stddef.h>

#include "zxvmo_test.h"

#define PAGES	16
#define LENGTH	(PAGES * PAGE)
#define ROUNDS	fewer(200)

#define SECRET	0x5ec2e75ec2e75ecULL
#define EVIL	0xe717e717e717e71ULL

/* What keeps on writing through a mapping, on a processor of its own. */
struct writer {
	volatile __u64 *at;
	volatile bool stop;
	volatile unsigned long rounds;
	bool read_secret;
};

static sigjmp_buf writer_env;
static __thread volatile bool is_writer;

static void fault_handler(int sig)
{
	if (is_writer)
		siglongjmp(writer_env, sig);
	_exit(100);
}

/* One thread only: writes EVIL to each page, and looks for SECRET. */
static void *write_on(void *arg)
{
	struct writer *writer = arg;
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
	is_writer = true;
	sigsetjmp(writer_env, 1);
	while (!writer->stop) {
		for (i = 0; i < PAGES; i++) {
			if (writer->at[i * PAGE / 8] == SECRET)
				writer->read_secret = true;
			writer->at[i * PAGE / 8] = EVIL;
		}
		writer->rounds++;
	}
	return NULL;
}

FIXTURE(stale) {
	int fd;
	int other;
	struct writer writer;
	pthread_t thread;
};

FIXTURE_SETUP(stale)
{
	struct sigaction act = { .sa_handler = fault_handler };
	cpu_set_t set;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor only");
	self->fd = vmo_create(LENGTH, ZX_VMO_RESIZABLE);
	self->other = vmo_create(LENGTH, 0);
	ASSERT_LE(0, self->other);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	self->writer.at = map_shared(self->fd, LENGTH, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->writer.at);
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, write_on, &self->writer));
}

FIXTURE_TEARDOWN(stale)
{
	self->writer.stop = true;
	pthread_join(self->thread, NULL);
	EXPECT_FALSE(self->writer.read_secret);
}

/* Between two looks at it the writer has gone through all pages once. */
static void let_it_write(struct writer *writer)
{
	unsigned long rounds = writer->rounds;
	double tries;

	for (tries = 0; tries < 1e5 && writer->rounds < rounds + 2; tries++)
		sched_yield();
}

/* Pages that are the victim's now, which may be those that were just freed. */
static int victim(void)
{
	__u64 page[PAGE / 8];
	int fd = vmo_create(4 * LENGTH, 0), i;

	for (i = 0; i < (int)(PAGE / 8); i++)
		page[i] = SECRET;
	for (i = 0; i < 4 * PAGES; i++)
		if (vmo_write(fd, page, i * PAGE, PAGE))
			return -1;
	return fd;
}

static bool intact(int fd)
{
	__u64 page[PAGE / 8];
	int i, j;

	for (i = 0; i < 4 * PAGES; i++) {
		if (vmo_read(fd, page, i * PAGE, PAGE))
			return false;
		for (j = 0; j < (int)(PAGE / 8); j++)
			if (page[j] != SECRET)
				return false;
	}
	return true;
}

static int shrink_and_grow(int fd)
{
	int status = vmo_set_size(fd, 0), secret = victim();
	bool good = intact(secret);

	close(secret);
	return status || !good ? 1 : vmo_set_size(fd, LENGTH);
}

static int decommit(int fd)
{
	return vmo_op_range(fd, ZX_VMO_OP_DECOMMIT, 0, LENGTH);
}

static int zero(int fd)
{
	return vmo_op_range(fd, ZX_VMO_OP_ZERO, 0, LENGTH);
}

static int set_stream_sizes(int fd)
{
	return vmo_set_stream_size(fd, 0) || vmo_set_stream_size(fd, LENGTH);
}

static void after(struct __test_metadata *_metadata, struct _test_data_stale *self,
		  int (*operation)(int fd))
{
	int round, secret;

	for (round = 0; round < ROUNDS / 4; round++) {
		let_it_write(&self->writer);
		ASSERT_EQ(ZX_OK, operation(self->fd));
		secret = victim();
		let_it_write(&self->writer);
		ASSERT_TRUE(intact(secret));
		close(secret);
		ASSERT_FALSE(self->writer.read_secret);
	}
}

TEST_F_TIMEOUT(stale, shrinking, 250)
{
	after(_metadata, self, shrink_and_grow);
}

TEST_F_TIMEOUT(stale, decommitting, 250)
{
	after(_metadata, self, decommit);
}

TEST_F_TIMEOUT(stale, zeroing, 250)
{
	after(_metadata, self, zero);
}

TEST_F_TIMEOUT(stale, setting_the_stream_size, 250)
{
	after(_metadata, self, set_stream_sizes);
}

/* What the destination got is not the source's any more. */
TEST_F_TIMEOUT(stale, transferring, 250)
{
	struct zxvmo_transfer_data arg;
	__u64 page[PAGE / 8];
	int round, i, j;

	for (round = 0; round < ROUNDS; round++) {
		let_it_write(&self->writer);
		arg = (struct zxvmo_transfer_data){ .length = LENGTH, .source = self->fd };
		ASSERT_EQ(ZX_OK, zxvmo_call(self->other, ZXVMO_IOC_TRANSFER_DATA, &arg));
		for (j = 0; j < (int)(PAGE / 8); j++)
			page[j] = SECRET;
		for (i = 0; i < PAGES; i++)
			ASSERT_EQ(ZX_OK, vmo_write(self->other, page, i * PAGE, PAGE));
		let_it_write(&self->writer);
		for (i = 0; i < PAGES; i++) {
			ASSERT_EQ(ZX_OK, vmo_read(self->other, page, i * PAGE, PAGE));
			ASSERT_EQ(SECRET, page[0]);
		}
		ASSERT_FALSE(self->writer.read_secret);
	}
}

/* A snapshot shows the moment, whatever is stored right after it. */
TEST_F_TIMEOUT(stale, snapshots, 250)
{
	__u64 page[PAGE / 8], again;
	int round, child, i;

	for (round = 0; round < ROUNDS / 4; round++) {
		let_it_write(&self->writer);
		child = vmo_snapshot(self->fd, 0, LENGTH);
		ASSERT_LE(0, child);
		for (i = 0; i < PAGES; i++) {
			ASSERT_EQ(ZX_OK, vmo_read(child, page, i * PAGE, 8));
			page[0] = SECRET;
			ASSERT_EQ(ZX_OK, vmo_write(child, page, i * PAGE, 8));
		}
		let_it_write(&self->writer);
		for (i = 0; i < PAGES; i++) {
			ASSERT_EQ(ZX_OK, vmo_read(child, &again, i * PAGE, 8));
			ASSERT_EQ(SECRET, again);
		}
		close(child);
		ASSERT_FALSE(self->writer.read_secret);
	}
}

/* The mapping goes while it is written to, and the VMO with it. */
TEST_F_TIMEOUT(stale, closing_and_unmapping, 250)
{
	int round, secret;

	for (round = 0; round < ROUNDS / 4; round++) {
		let_it_write(&self->writer);
		close(self->fd);
		ASSERT_NE(MAP_FAILED, mmap((void *)self->writer.at, LENGTH, PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		secret = victim();
		usleep(100);
		ASSERT_TRUE(intact(secret));
		close(secret);
		self->fd = vmo_create(LENGTH, ZX_VMO_RESIZABLE);
		ASSERT_NE(MAP_FAILED, mmap((void *)self->writer.at, LENGTH,
					   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
					   self->fd, 0));
	}
}

/*
 * Memory that comes from the allocator is seen by nobody before it is zero:
 * the attacker looks through every way there is to a page while others fill
 * and free them.
 */
static int fill_and_free(void *unused __always_unused)
{
	for (;;)
		close(victim());
	return 1;
}

TEST(fresh_pages)
{
	pid_t pid = start_child(fill_and_free, NULL);
	char *edge = (char *)page_before_hole() + PAGE - 8;
	__u64 word, *at;
	int round, fd, child;
	char part[100];

	for (round = 0; round < 200; round++) {
		fd = vmo_create(LENGTH, 0);
		/* A part of a page is written: what of the rest? */
		memset(part, 1, sizeof(part));
		ASSERT_EQ(ZX_OK, vmo_write(fd, part, 100, sizeof(part)));
		ASSERT_EQ(ZX_OK, vmo_read(fd, &word, 0, 8));
		ASSERT_EQ(0, word);
		ASSERT_TRUE(vmo_holds(fd, 0, 200, PAGE - 200));
		ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_COMMIT, PAGE, PAGE));
		ASSERT_TRUE(vmo_holds(fd, 0, PAGE, PAGE));
		/* A write whose buffer ends in the middle. */
		vmo_write(fd, edge, 2 * PAGE, PAGE);
		ASSERT_TRUE(vmo_holds(fd, 0, 2 * PAGE + 8, PAGE - 8));
		at = map_shared(fd, LENGTH, PROT_READ | PROT_WRITE);
		at[3 * PAGE / 8] = 1;
		ASSERT_TRUE(all_bytes((char *)at + 3 * PAGE + 8, 0, PAGE - 8));
		child = vmo_snapshot(fd, 0, LENGTH);
		at[4 * PAGE / 8] = 1;
		ASSERT_TRUE(vmo_holds(child, 0, 4 * PAGE, PAGE));
		at[3 * PAGE / 8] = 2;
		ASSERT_TRUE(all_bytes((char *)at + 3 * PAGE + 8, 0, PAGE - 8));
		munmap(at, LENGTH);
		close(child);
		close(fd);
	}
	kill(pid, SIGKILL);
	end_child(pid);
}

/* A buffer full of marks shows which bytes a call has written. */
static bool only_within(const unsigned char *bytes, size_t written, size_t size)
{
	return all_bytes(bytes + written, 0xee, size - written);
}

static bool padding_is_zero(const void *at, size_t from, size_t to)
{
	return all_bytes((const char *)at + from, 0, to - from);
}

TEST(structures_are_whole)
{
	static const struct {
		__u32 topic;
		size_t size;
	} topics[] = {
		{ ZX_INFO_HANDLE_BASIC, 32 }, { ZX_INFO_HANDLE_COUNT, 4 }, { ZX_INFO_VMO_V1, 104 },
		{ ZX_INFO_VMO_V2, 120 }, { ZX_INFO_VMO_V3, 128 }, { ZX_INFO_VMO, 176 },
		{ ZX_INFO_STREAM, 24 },
	};
	struct zxvmo_create_stream stream = { .options = ZX_STREAM_MODE_READ };
	struct zxvmo_port_packet packet, packets[2];
	struct zxvmo_info_handle_basic *basic;
	struct zxvmo_info_stream *info_stream;
	struct zxvmo_info_vmo *info;
	struct zxvmo_lock_state state;
	unsigned char bytes[256];
	int fd = vmo_create(PAGE, 0), port = port_create(), discardable, of;
	struct zxvmo_op_range lock = {
		.op = ZX_VMO_OP_LOCK, .size = PAGE, .buffer = (unsigned long)&state,
		.buffer_size = sizeof(state),
	};
	char name[40];
	struct zxvmo_property property = {
		.property = ZX_PROP_NAME, .value = (unsigned long)name, .value_size = sizeof(name),
	};
	size_t i;

	ASSERT_EQ(ZX_OK, zxvmo_call(fd, ZXVMO_IOC_CREATE_STREAM, &stream));
	for (i = 0; i < ARRAY_SIZE(topics); i++) {
		of = topics[i].topic == ZX_INFO_STREAM ? stream.handle : fd;
		memset(bytes, 0xee, sizeof(bytes));
		ASSERT_EQ(ZX_OK, vmo_get_info(of, topics[i].topic, bytes, sizeof(bytes)));
		EXPECT_TRUE(only_within(bytes, topics[i].size, sizeof(bytes)));
		/* Too small a buffer gets nothing. */
		memset(bytes, 0xee, sizeof(bytes));
		EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
			  vmo_get_info(of, topics[i].topic, bytes, topics[i].size - 1));
		EXPECT_TRUE(only_within(bytes, 0, sizeof(bytes)));
	}
	vmo_get_info(fd, ZX_INFO_HANDLE_BASIC, bytes, sizeof(bytes));
	basic = (void *)bytes;
	EXPECT_EQ(0, basic->reserved);
	EXPECT_TRUE(padding_is_zero(basic, offsetof(struct zxvmo_info_handle_basic, padding), 32));
	vmo_get_info(fd, ZX_INFO_VMO, bytes, sizeof(bytes));
	info = (void *)bytes;
	EXPECT_TRUE(all_bytes(info->padding, 0, sizeof(info->padding)));
	EXPECT_TRUE(all_bytes(info->name, 0, sizeof(info->name)));
	vmo_get_info(stream.handle, ZX_INFO_STREAM, bytes, sizeof(bytes));
	info_stream = (void *)bytes;
	EXPECT_TRUE(all_bytes(info_stream->padding, 0, sizeof(info_stream->padding)));

	/* A short name after a long one. */
	vmo_set_name(fd, "a name that takes all the room.");
	vmo_set_name(fd, "b");
	memset(name, 0xee, sizeof(name));
	ASSERT_EQ(ZX_OK, zxvmo_call(fd, ZXVMO_IOC_GET_PROPERTY, &property));
	EXPECT_TRUE(padding_is_zero(name, 1, ZX_MAX_NAME_LEN));
	EXPECT_TRUE(all_bytes(name + ZX_MAX_NAME_LEN, 0xee, sizeof(name) - ZX_MAX_NAME_LEN));

	/* Packets: what a signal does not use, and what a user does not say. */
	ASSERT_EQ(ZX_OK, wait_async(fd, port, 7, ZX_VMO_ZERO_CHILDREN, 0));
	memset(packets, 0xee, sizeof(packets));
	ASSERT_EQ(ZX_OK, port_wait(port, 0, packets));
	EXPECT_EQ(0, packets[0].status);
	EXPECT_EQ(0, packets[0].payload[2]);
	EXPECT_EQ(0, packets[0].payload[3]);
	EXPECT_TRUE(all_bytes(&packets[1], 0xee, sizeof(packet)));
	memset(&packet, 0, sizeof(packet));
	packet.type = 77;
	ASSERT_EQ(ZX_OK, port_queue(port, &packet));
	ASSERT_EQ(ZX_OK, port_wait(port, 0, packets));
	EXPECT_TRUE(all_bytes(packets[0].payload, 0, sizeof(packet.payload)));
	EXPECT_EQ(ZX_PKT_TYPE_USER, packets[0].type);

	discardable = vmo_create(PAGE, ZX_VMO_DISCARDABLE);
	memset(&state, 0xee, sizeof(state));
	ASSERT_EQ(ZX_OK, zxvmo_call(discardable, ZXVMO_IOC_OP_RANGE, &lock));
	EXPECT_EQ(0, state.offset);
	EXPECT_EQ(PAGE, state.size);
	EXPECT_EQ(0, state.discarded_offset);
	EXPECT_EQ(0, state.discarded_size);
}

/* A read that fails in its middle has written what it should, and nothing else. */
TEST(short_reads)
{
	unsigned char *page = page_before_hole();
	int fd = vmo_create(4 * PAGE, 0);

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0x11, 1));
	memset(page, 0xee, PAGE);
	EXPECT_EQ(ZX_ERR_NOT_FOUND, vmo_read(fd, page + PAGE - 100, PAGE - 50, 200));
	EXPECT_TRUE(all_bytes(page, 0xee, PAGE - 100));
	/* Up to the end of the page come 50 bytes of content and 50 of the hole behind. */
	EXPECT_TRUE(all_bytes(page + PAGE - 100, 0x11, 50));
	EXPECT_TRUE(all_bytes(page + PAGE - 50, 0, 50) || all_bytes(page + PAGE - 50, 0xee, 50));
	memset(page, 0xee, PAGE);
	EXPECT_EQ(100, pread(fd, page, 100, 4 * PAGE - 100));
	EXPECT_EQ(100, pread(fd, page, 300, 4 * PAGE - 100));
	EXPECT_TRUE(all_bytes(page, 0, 100));
	EXPECT_TRUE(all_bytes(page + 100, 0xee, PAGE - 100));
}

TEST_HARNESS_MAIN
