// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once on one VMO for a moment: what may not happen is a hang, a
 * complaint in the kernel's log, or a byte that nobody wrote.
 */
#include <pthread.h>

#include "zxvmo_test.h"

#define PAGES		16
#define SIZE		(PAGES * PAGE)
#define MOMENT_NS	700000000L

/* Every byte that is ever written, by whom and where ever. */
#define WRITTEN		0x5d

static struct {
	int fd;
	bool stop;
	long strange;
} shared;

static bool go_on(void)
{
	return !__atomic_load_n(&shared.stop, __ATOMIC_RELAXED);
}

static void look_at(const unsigned char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i] && bytes[i] != WRITTEN)
			__atomic_add_fetch(&shared.strange, 1, __ATOMIC_RELAXED);
}

static void *resize(void *unused __always_unused)
{
	unsigned int i;

	for (i = 0; go_on(); i++)
		vmo_set_size(shared.fd, i % (SIZE + 1) * 37 % (SIZE + 1));
	return NULL;
}

static void *set_stream_size(void *unused __always_unused)
{
	unsigned int i;

	for (i = 0; go_on(); i++)
		vmo_set_stream_size(shared.fd, i * 1237 % (SIZE + 1));
	return NULL;
}

static void *write_by_call(void *unused __always_unused)
{
	unsigned char bytes[3 * PAGE];
	unsigned int i;

	memset(bytes, WRITTEN, sizeof(bytes));
	for (i = 0; go_on(); i++) {
		vmo_write(shared.fd, bytes, i * 991 % SIZE, i * 7 % sizeof(bytes));
		if (pwrite(shared.fd, bytes, i * 5 % sizeof(bytes), i * 499 % SIZE) < 0)
			sched_yield();
	}
	return NULL;
}

static void *read_by_call(void *unused __always_unused)
{
	unsigned char bytes[3 * PAGE];
	unsigned int i;
	ssize_t got;

	for (i = 0; go_on(); i++) {
		memset(bytes, 0, sizeof(bytes));
		vmo_read(shared.fd, bytes, i * 991 % SIZE, i * 7 % sizeof(bytes));
		look_at(bytes, sizeof(bytes));
		got = pread(shared.fd, bytes, sizeof(bytes), i * 499 % SIZE);
		if (got > 0)
			look_at(bytes, got);
	}
	return NULL;
}

/* Mapped memory is touched by the kernel: an error where it is not there. */
static void *use_mappings(void *unused __always_unused)
{
	unsigned char bytes[PAGE], *at, *private;
	int pipes[2], other = vmo_create(SIZE, 0);
	unsigned int i;

	if (pipe2(pipes, O_NONBLOCK))
		return NULL;
	for (i = 0; go_on(); i++) {
		at = map_shared(shared.fd, SIZE, PROT_READ | PROT_WRITE);
		private = map_private(shared.fd, SIZE, PROT_READ | PROT_WRITE);
		if (write(pipes[1], at + i * 131 % (SIZE - PAGE), PAGE) == PAGE &&
		    read(pipes[0], bytes, PAGE) == PAGE)
			look_at(bytes, PAGE);
		memset(bytes, WRITTEN, PAGE);
		vmo_write(other, bytes, 0, PAGE);
		vmo_read(other, at + i * 977 % (SIZE - PAGE), 0, PAGE);
		vmo_read(other, private + i * 977 % (SIZE - PAGE), 0, PAGE);
		vmo_write(shared.fd, at + i * 31 % (SIZE - PAGE), i * 67 % SIZE, 100);
		mprotect(at, SIZE / 2, PROT_READ);
		madvise(at, SIZE, MADV_DONTNEED);
		mprotect(at, SIZE, PROT_READ | PROT_WRITE);
		munmap(at + PAGE, PAGE);
		munmap(at, SIZE);
		munmap(private, SIZE);
	}
	return NULL;
}

static void *use_handles(void *unused __always_unused)
{
	struct zxvmo_info_vmo info;
	int fd, next;

	while (go_on()) {
		fd = vmo_duplicate(shared.fd, ZX_RIGHT_SAME_RIGHTS);
		vmo_signal(fd, ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_0);
		vmo_signal(fd, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1);
		info = vmo_info(fd);
		/* A state between two others is none. */
		if (info.committed_bytes > SIZE || info.size_bytes > SIZE)
			__atomic_add_fetch(&shared.strange, 1, __ATOMIC_RELAXED);
		next = vmo_replace(fd, ZX_RIGHT_SAME_RIGHTS);
		close(fd);
		close(next);
	}
	return NULL;
}

static void *fork_and_exit(void *unused __always_unused)
{
	unsigned char *at = map_shared(shared.fd, SIZE, PROT_READ | PROT_WRITE);
	int pipes[2];
	pid_t pid;

	if (at == MAP_FAILED || pipe(pipes))
		return NULL;
	while (go_on()) {
		pid = fork();
		if (!pid)
			_exit(write(pipes[1], at, 1) == 1 && read(pipes[0], at + PAGE, 0));
		waitpid(pid, NULL, 0);
	}
	munmap(at, SIZE);
	return NULL;
}

TEST(everything_at_once)
{
	static void *(*const jobs[])(void *) = {
		resize, set_stream_size, write_by_call, read_by_call, use_mappings,
		use_mappings, use_handles, fork_and_exit,
	};
	struct timespec moment = { .tv_nsec = MOMENT_NS };
	pthread_t threads[ARRAY_SIZE(jobs)];
	size_t i;

	shared.fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);
	ASSERT_LE(0, shared.fd);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, jobs[i], NULL));
	nanosleep(&moment, NULL);
	__atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_EQ(0, shared.strange);
	/* The object is in order: counts fit, and all of it can go. */
	EXPECT_EQ(1, vmo_handle_count(shared.fd));
	EXPECT_EQ(0, vmo_info(shared.fd).num_mappings);
	EXPECT_EQ(ZX_OK, vmo_set_size(shared.fd, SIZE));
	EXPECT_EQ(ZX_OK, vmo_fill(shared.fd, WRITTEN, PAGES));
	EXPECT_EQ(SIZE, vmo_info(shared.fd).committed_bytes);
	EXPECT_EQ(ZX_OK, vmo_set_size(shared.fd, 0));
	EXPECT_EQ(0, vmo_info(shared.fd).committed_bytes);
}

static int crowd;

static void *use_while_it_closes(void *arg)
{
	long me = (long)arg;
	char bytes[64];
	int i;

	/* The descriptor may be closed, another file, or again a VMO. */
	for (i = 0; i < fewer(3000); i++) {
		switch ((me + i) % 4) {
		case 0:
			vmo_read(crowd, bytes, 0, sizeof(bytes));
			break;
		case 1:
			munmap(map_shared(crowd, PAGE, PROT_READ), PAGE);
			break;
		case 2:
			close(vmo_duplicate(crowd, ZX_RIGHT_SAME_RIGHTS));
			break;
		case 3:
			vmo_signal(crowd, 0, ZX_USER_SIGNAL_1);
			break;
		}
	}
	return NULL;
}

TEST(closing_under_use)
{
	pthread_t threads[4];
	int fd, i;
	long me;

	crowd = vmo_create(PAGE, 0);
	ASSERT_LE(0, crowd);
	for (me = 0; me < 4; me++)
		ASSERT_EQ(0, pthread_create(&threads[me], NULL, use_while_it_closes, (void *)me));
	for (i = 0; i < fewer(500); i++) {
		fd = vmo_create(PAGE, 0);
		ASSERT_LE(0, fd);
		dup3(fd, crowd, O_CLOEXEC);
		close(vmo_replace(fd, ZX_RIGHT_READ));
		close(fd);
	}
	for (me = 0; me < 4; me++)
		ASSERT_EQ(0, pthread_join(threads[me], NULL));
}

TEST_HARNESS_MAIN
