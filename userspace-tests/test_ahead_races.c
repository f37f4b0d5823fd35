// SPDX-License-Identifier: GPL-2.0
/*
 * Pages ahead of who writes in order (see test_ahead.c), while others ask how much
 * is committed, make snapshots, write beside, and take mappings away.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "zxvmo_test.h"

#define PAGES	512
#define SIZE	(PAGES * PAGE)
#define ROUNDS	60

static __u64 committed(int fd)
{
	return vmo_info(fd).committed_bytes / PAGE;
}

/* Writes in order, and says how far it has come. */
struct writer {
	pthread_t thread;
	unsigned char *at;
	size_t pages;
	atomic_size_t begun, done;
	atomic_bool stop;
};

static void *write_in_order(void *arg)
{
	struct writer *writer = arg;
	size_t page;

	for (page = 0; page < writer->pages && !writer->stop; page++) {
		atomic_store(&writer->begun, page + 1);
		writer->at[page * PAGE] = page + 1;
		atomic_store(&writer->done, page + 1);
	}
	return NULL;
}

static void start(struct writer *writer, unsigned char *at, size_t pages)
{
	*writer = (struct writer){ .at = at, .pages = pages };
	pthread_create(&writer->thread, NULL, write_in_order, writer);
}

FIXTURE(races) {
	int fd;
	unsigned char *at;
};

FIXTURE_SETUP(races)
{
	self->fd = vmo_create(SIZE, 0);
	ASSERT_LE(0, self->fd);
	self->at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(races)
{
	munmap(self->at, SIZE);
	close(self->fd);
}

static int begin_anew(int fd)
{
	return vmo_op_range(fd, ZX_VMO_OP_DECOMMIT, 0, SIZE);
}

TEST_F_TIMEOUT(races, asked_meanwhile, 120)
{
	struct writer writer;
	int round, i;

	for (round = 0; round < fewer(ROUNDS); round++) {
		start(&writer, self->at, PAGES);
		while (writer.done < PAGES) {
			size_t least = writer.done, now = committed(self->fd);

			ASSERT_LE(least, now);
			ASSERT_GE(writer.begun, now);
			/* Sometimes long enough for pages to be ahead. */
			for (i = 0; i < round * 100; i++)
				atomic_thread_fence(memory_order_seq_cst);
		}
		pthread_join(writer.thread, NULL);
		ASSERT_EQ(PAGES, committed(self->fd));
		ASSERT_EQ(ZX_OK, begin_anew(self->fd));
		ASSERT_EQ(0, committed(self->fd));
	}
}

/* A family whose members are all written to, asked one for the other. */
TEST_F_TIMEOUT(races, relatives, 120)
{
	struct writer writers[2];
	unsigned char *view;
	int round, child;

	for (round = 0; round < fewer(ROUNDS); round++) {
		child = vmo_snapshot(self->fd, 0, SIZE);
		view = map_shared(child, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, view);
		start(&writers[0], self->at, PAGES);
		start(&writers[1], view, PAGES);
		while (writers[0].done < PAGES || writers[1].done < PAGES) {
			size_t least = writers[0].done, now = committed(self->fd);

			ASSERT_LE(least, now);
			ASSERT_GE(writers[0].begun, now);
			least = writers[1].done;
			now = committed(child);
			ASSERT_LE(least, now);
			ASSERT_GE(writers[1].begun, now);
		}
		pthread_join(writers[0].thread, NULL);
		pthread_join(writers[1].thread, NULL);
		munmap(view, SIZE);
		close(child);
		ASSERT_EQ(ZX_OK, begin_anew(self->fd));
	}
}

TEST_F_TIMEOUT(races, snapshots, 120)
{
	struct writer writer;
	unsigned char byte;
	int round, child;
	size_t page;

	for (round = 0; round < fewer(ROUNDS); round++) {
		start(&writer, self->at, PAGES);
		while (writer.done < PAGES) {
			size_t least = writer.done, now;

			child = vmo_snapshot(self->fd, 0, SIZE);
			ASSERT_LE(0, child);
			now = committed(child);
			ASSERT_LE(least, now);
			ASSERT_GE(writer.begun, now);
			/* Only the last can have been touched without being written. */
			for (page = 0; page < now; page += 13) {
				ASSERT_EQ(ZX_OK, vmo_read(child, &byte, page * PAGE, 1));
				ASSERT_TRUE(byte == (unsigned char)(page + 1) ||
					    (page == now - 1 && !byte));
			}
			close(child);
		}
		pthread_join(writer.thread, NULL);
		for (page = 0; page < PAGES; page++)
			ASSERT_EQ((unsigned char)(page + 1), self->at[page * PAGE]);
		ASSERT_EQ(ZX_OK, begin_anew(self->fd));
	}
}

/* Two that write at the same time, through two mappings, towards each other or apart. */
TEST_F_TIMEOUT(races, two_writers, 120)
{
	unsigned char *second = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	struct writer writers[2];
	int round;

	for (round = 0; round < fewer(ROUNDS); round++) {
		size_t apart = round % 2 ? PAGES / 2 : 3, pages = PAGES / 2;

		start(&writers[0], self->at, pages);
		start(&writers[1], second + apart * PAGE, pages);
		while (writers[0].done < pages || writers[1].done < pages) {
			size_t now;

			if (round % 3)
				continue;
			now = committed(self->fd);
			ASSERT_GE(writers[0].begun + writers[1].begun, now);
		}
		pthread_join(writers[0].thread, NULL);
		pthread_join(writers[1].thread, NULL);
		ASSERT_EQ(round % 2 ? PAGES : PAGES / 2 + 3, committed(self->fd));
		ASSERT_EQ(ZX_OK, begin_anew(self->fd));
	}
	munmap(second, SIZE);
}

/* Translations that go while they are being used. */
TEST_F_TIMEOUT(races, translations_go, 120)
{
	struct writer writer;
	int round;
	size_t page;

	for (round = 0; round < fewer(ROUNDS); round++) {
		start(&writer, self->at, PAGES - 100);
		while (writer.done < PAGES - 100) {
			ASSERT_EQ(0, madvise(self->at, SIZE, MADV_DONTNEED));
			if (round % 2)
				ASSERT_EQ(ZX_OK, vmo_write(self->fd, "x", (PAGES - 1) * PAGE, 1));
		}
		pthread_join(writer.thread, NULL);
		ASSERT_EQ(ZX_OK, vmo_write(self->fd, "x", (PAGES - 1) * PAGE, 1));
		/* What madvise() was letting go of when a window was settled was held. */
		ASSERT_LE(PAGES - 99, committed(self->fd));
		ASSERT_GE(PAGES - 99 + 64, committed(self->fd));
		for (page = 0; page < PAGES - 100; page++)
			ASSERT_EQ((unsigned char)(page + 1), self->at[page * PAGE]);
		ASSERT_EQ(ZX_OK, begin_anew(self->fd));
	}
}

TEST_HARNESS_MAIN
