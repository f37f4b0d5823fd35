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

static unsigned char generation(int round, size_t page)
{
	return round * 7 + page % 5 + 1;
}

/* Rewrites all pages in order, for one round. */
struct rewriter {
	struct writer progress;
	int round;
};

static void *rewrite_in_order(void *arg)
{
	struct rewriter *rewriter = arg;
	struct writer *writer = &rewriter->progress;
	size_t page;

	for (page = 0; page < PAGES; page++) {
		atomic_store(&writer->begun, page + 1);
		writer->at[page * PAGE] = generation(rewriter->round, page);
		atomic_store(&writer->done, page + 1);
	}
	return NULL;
}

static void rewrite(struct rewriter *rewriter, unsigned char *at, int round)
{
	*rewriter = (struct rewriter){ .progress.at = at, .round = round };
	pthread_create(&rewriter->progress.thread, NULL, rewrite_in_order, rewriter);
}

/* Parent and child rewrite what they share: what either has written is private to both. */
TEST_F_TIMEOUT(races, both_sides_of_a_snapshot, 120)
{
	struct rewriter sides[2];
	struct writer *a = &sides[0].progress, *b = &sides[1].progress;
	unsigned char *view, byte;
	int round, child;
	size_t page;

	for (page = 0; page < PAGES; page++)
		self->at[page * PAGE] = generation(0, page);
	for (round = 1; round <= fewer(ROUNDS / 3); round++) {
		child = vmo_snapshot(self->fd, 0, SIZE);
		view = map_shared(child, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, view);
		rewrite(&sides[0], self->at, round);
		rewrite(&sides[1], view, round + 1);
		while (a->done < PAGES || b->done < PAGES) {
			size_t least = a->done > b->done ? a->done : b->done;
			struct zxvmo_info_vmo info = vmo_info(round % 2 ? child : self->fd);
			size_t most = a->begun > b->begun ? a->begun : b->begun;

			ASSERT_EQ(SIZE, info.committed_bytes);
			ASSERT_LE(least * PAGE, info.committed_private_bytes);
			ASSERT_GE(most * PAGE, info.committed_private_bytes);
		}
		pthread_join(a->thread, NULL);
		pthread_join(b->thread, NULL);
		for (page = 0; page < PAGES; page++) {
			ASSERT_EQ(generation(round, page), self->at[page * PAGE]);
			ASSERT_EQ(generation(round + 1, page), view[page * PAGE]);
			ASSERT_EQ(ZX_OK, vmo_read(child, &byte, page * PAGE, 1));
			ASSERT_EQ(generation(round + 1, page), byte);
		}
		munmap(view, SIZE);
		close(child);
	}
}

/* One rewrites, others make snapshots of it and close them: each shows one moment. */
TEST_F_TIMEOUT(races, moments, 120)
{
	unsigned char *reader = map_shared(self->fd, SIZE, PROT_READ);
	struct rewriter rewriter;
	struct writer *writer = &rewriter.progress;
	unsigned char byte;
	int round, child, last = -1;
	size_t page, least;

	for (page = 0; page < PAGES; page++)
		self->at[page * PAGE] = generation(0, page);
	last = vmo_snapshot(self->fd, 0, SIZE);
	for (round = 1; round <= fewer(ROUNDS / 3); round++) {
		rewrite(&rewriter, self->at, round);
		while (writer->done < PAGES) {
			least = writer->done;
			if (round % 3)
				(void)*(volatile unsigned char *)&reader[least % PAGES * PAGE];
			child = vmo_snapshot(self->fd, 0, SIZE);
			ASSERT_LE(0, child);
			for (page = 0; page < PAGES; page++) {
				ASSERT_EQ(ZX_OK, vmo_read(child, &byte, page * PAGE, 1));
				if (byte != generation(round, page))
					break;
			}
			ASSERT_LE(least, page);
			for (; page < PAGES; page++) {
				ASSERT_EQ(ZX_OK, vmo_read(child, &byte, page * PAGE, 1));
				ASSERT_EQ(generation(round - 1, page), byte);
			}
			close(last);
			last = child;
		}
		pthread_join(writer->thread, NULL);
		for (page = 0; page < PAGES; page++)
			ASSERT_EQ(generation(round, page), reader[page * PAGE]);
	}
	close(last);
	munmap(reader, SIZE);
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
