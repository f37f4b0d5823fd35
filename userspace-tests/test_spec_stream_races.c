// SPDX-License-Identifier: GPL-2.0
/*
 * Streams that are used at the same time, by threads and by processes:
 * specification section 24.1, case 176.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "zx_stream_test.h"

#define APPENDS	2000
#define WRITERS	4

/* What a writer appends: its number, a count, and bytes that follow from these. */
struct record {
	uint32_t length;
	uint16_t writer, number;
	unsigned char bytes[200];
};

static void make_record(struct record *record, unsigned int writer, unsigned int number)
{
	record->length = 8 + (writer * 31 + number * 17) % sizeof(record->bytes);
	record->writer = writer;
	record->number = number;
	memset(record->bytes, writer * 50 + number, sizeof(record->bytes));
}

/* Append through a stream, as two buffers, the second one fresh each time. */
static int append_records(zx_handle_t stream, unsigned int writer)
{
	struct record record;
	unsigned int i;
	size_t actual;

	for (i = 0; i < APPENDS; i++) {
		char *fresh = i % 16 ? (char *)record.bytes : anon_pages(1, PROT_READ | PROT_WRITE);
		zx_iovec_t vector[2] = { { &record, 8 } };

		make_record(&record, writer, i);
		if (fresh != (char *)record.bytes)
			memcpy(fresh, record.bytes, sizeof(record.bytes));
		vector[1] = (zx_iovec_t){ fresh, record.length - 8 };
		HOLDS(!zx_stream_writev(stream, ZX_STREAM_APPEND, vector, 2, &actual));
		HOLDS(actual == record.length);
		if (fresh != (char *)record.bytes)
			munmap(fresh, PAGE);
	}
	return 0;
}

/* Every record there once, whole, and in the order of its writer. */
static int check_records(zx_handle_t vmo)
{
	struct record record, expected;
	unsigned int next[WRITERS] = { };
	uint64_t at = 0, end = stream_size_of(vmo);
	int i;

	while (at < end) {
		HOLDS(!zx_vmo_read(vmo, &record, at, 8));
		HOLDS(record.writer < WRITERS && record.number == next[record.writer]);
		make_record(&expected, record.writer, record.number);
		HOLDS(record.length == expected.length);
		HOLDS(!zx_vmo_read(vmo, &record, at, record.length));
		HOLDS(!memcmp(&record, &expected, record.length));
		at += record.length;
		next[record.writer]++;
	}
	for (i = 0; i < WRITERS; i++)
		HOLDS(next[i] == APPENDS);
	return 0;
}

struct writer {
	zx_handle_t stream;
	unsigned int number;
};

static void *append_in_thread(void *arg)
{
	struct writer *writer = arg;

	return (void *)(long)append_records(writer->stream, writer->number);
}

static int append_in_process(void *arg)
{
	struct writer *writer = arg;

	return append_records(writer->stream, writer->number);
}

TEST(spec_176_threads)
{
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED), reference = reference_of(vmo);
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	void *failed;
	int i;

	for (i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		writers[i].stream = new_stream(i % 2 ? reference : vmo, ZX_STREAM_MODE_WRITE, i);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, append_in_thread, &writers[i]));
	}
	for (i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &failed);
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ(0, check_records(vmo));
}

TEST(spec_176_processes)
{
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED), reference = reference_of(vmo);
	struct writer writers[WRITERS];
	pid_t children[WRITERS];
	int i;

	for (i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		writers[i].stream = new_stream(i % 2 ? reference : vmo, ZX_STREAM_MODE_WRITE, 0);
		children[i] = start_child(append_in_process, &writers[i]);
	}
	for (i = 0; i < WRITERS; i++)
		EXPECT_EQ(0, end_child(children[i]));
	EXPECT_EQ(0, check_records(vmo));
}

/* One stream, and its one position: no byte is read twice or left out. */
static _Atomic uint64_t sum;
static zx_handle_t shared;

static void *read_all(void *unused __always_unused)
{
	unsigned int values[25], i;
	uint64_t own = 0;
	int64_t length;

	while ((length = stream_read(shared, values, sizeof(values))) > 0)
		for (i = 0; i < length / sizeof(*values); i++)
			own += values[i];
	atomic_fetch_add(&sum, own);
	return (void *)(long)length;
}

TEST(spec_171_one_position)
{
	enum { COUNT = 100000 };
	zx_handle_t vmo = new_vmo(COUNT * sizeof(unsigned int), 0);
	unsigned int value;
	pthread_t threads[4];
	void *failed;
	int i;

	shared = new_stream(vmo, MODE_READ_WRITE, 0);
	for (value = 1; value <= COUNT; value++)
		ASSERT_EQ(4, stream_write(shared, &value, 4));
	ASSERT_EQ(ZX_OK, seek_to(shared, 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, read_all, NULL));
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ((uint64_t)COUNT * (COUNT + 1) / 2, sum);
	EXPECT_EQ(4UL * COUNT, position_of(shared));
}

static atomic_bool stop;
static zx_handle_t sized;

static void *change_sizes(void *unused __always_unused)
{
	static const uint64_t sizes[] = { 0, 9 * PAGE + 1, 100, 3 * PAGE };
	unsigned int i;

	for (i = 0; !stop; i++) {
		if (i % 3 ? zx_vmo_set_size(sized, sizes[i % 4]) :
			    zx_vmo_set_stream_size(sized, i % 90)) {
			/* The stream size may be more than the size by then. */
			if (i % 3)
				return sized ? &sized : NULL;
		}
	}
	return NULL;
}

/*
 * Whatever is done to the sizes meanwhile: no write passes them, what is
 * content was written, and nothing is left over behind the content.
 */
TEST(spec_172_sizes_change)
{
	static unsigned char bytes[6 * PAGE], back[20 * PAGE];
	zx_handle_t stream;
	int round;
	uint64_t end, at;
	int64_t length;
	pthread_t thread;
	void *failed;

	memset(bytes, 0x77, sizeof(bytes));
	sized = new_vmo(0, ZX_VMO_RESIZABLE);
	stream = new_stream(sized, MODE_READ_WRITE, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, change_sizes, NULL));
	for (round = 0; round < fewer(20000); round++) {
		length = round % 2 ? stream_append(stream, bytes, sizeof(bytes)) :
				     stream_write_at(stream, round % 977 * 8, bytes,
						     sizeof(bytes));
		ASSERT_TRUE(length > 0 || length == ZX_ERR_OUT_OF_RANGE);
		length = stream_read_at(stream, 0, back, sizeof(back));
		ASSERT_TRUE(length >= 0 && length <= (int64_t)(10 * PAGE));
		for (at = 0; at < (uint64_t)length; at++)
			ASSERT_TRUE(!back[at] || back[at] == 0x77);
	}
	stop = true;
	pthread_join(thread, &failed);
	EXPECT_EQ(NULL, failed);
	end = stream_size_of(sized);
	EXPECT_GE(size_of(sized), end);
	EXPECT_TRUE(holds(sized, 0, end, size_of(sized)));
}

static zx_handle_t stuck;
static char *endless;

static int append_for_ever(void *unused __always_unused)
{
	stream_append(stuck, endless, 1UL << 40);
	return 1;
}

/* Whoever is killed ends, in the middle of a transfer or waiting for a turn. */
TEST(spec_176_killed)
{
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED);
	pid_t first, second;

	/* Enough for hours, and it takes no memory here. */
	endless = mmap(NULL, 1UL << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	ASSERT_NE(MAP_FAILED, endless);
	stuck = new_stream(vmo, ZX_STREAM_MODE_WRITE, 0);
	first = start_child(append_for_ever, NULL);
	while (!stream_size_of(vmo))
		usleep(1000);
	stuck = new_stream(vmo, ZX_STREAM_MODE_WRITE, 0);
	second = start_child(append_for_ever, NULL);
	usleep(30000);
	kill(second, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(second));
	kill(first, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(first));
	/* What it has written is there; and it is somebody else's turn. */
	EXPECT_LT(0, stream_size_of(vmo));
	EXPECT_EQ(1, stream_append(stuck, "x", 1));
}

TEST_HARNESS_MAIN
