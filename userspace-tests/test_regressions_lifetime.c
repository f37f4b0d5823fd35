// SPDX-License-Identifier: GPL-2.0
/*
 * What a review of the module found about ends: VMOs whose last use goes away
 * in the middle of a call, inodes that outlive their VMO, and sleepers that
 * outlive their page.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/inotify.h>

#include "zxvmo_test.h"

#define PAGES	4
#define SIZE	(PAGES * PAGE)

/* --- the last use of a VMO ------------------------------------------------- */

/* The content is there, and so is what it takes to commit another page. */
static int mapping_works(unsigned char *at)
{
	HOLDS(!memcmp(at, "hello", 5));
	HOLDS(!probe_read(at + PAGE) && !at[PAGE]);
	HOLDS(!probe_write(at + PAGE, 1) && at[PAGE] == 1);
	HOLDS(!probe_write(at + 2 * PAGE, 2) && at[2 * PAGE] == 2);
	HOLDS(!probe_write(at, 'H') && !memcmp(at, "Hello", 5));
	return 0;
}

/* It takes the mapping away before it makes it again, from the same file. */
TEST(remap_file_pages_of_the_only_mapping)
{
	static const unsigned int flags[] = { 0, ZXVMO_CREATE_PINNABLE };
	unsigned char *at;
	size_t i;
	int fd;

	printf("# dmesg expected: uses deprecated remap_file_pages\n");
	fflush(stdout);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = vmo_create_flags(SIZE, 0, flags[i]);
		ASSERT_LE(0, fd);
		at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		ASSERT_EQ(0, probe_write(at, 'h'));
		memcpy(at, "hello", 5);
		EXPECT_EQ(0, close(fd));
		EXPECT_EQ(0, syscall(SYS_remap_file_pages, at, SIZE, 0, 0, 0));
		EXPECT_EQ(0, mapping_works(at));
		/* Again, and so that the first page shows the second. */
		EXPECT_EQ(0, syscall(SYS_remap_file_pages, at, SIZE, 0, 0, 0));
		EXPECT_EQ(0, syscall(SYS_remap_file_pages, at, PAGE, 0, 1, 0));
		EXPECT_EQ(0, probe_write(at, 3));
		EXPECT_EQ(3, at[PAGE]);
		EXPECT_EQ(0, munmap(at, SIZE));
	}
}

/* Moving is another call that ends one mapping and makes the next. */
TEST(mremap_of_the_only_mapping)
{
	int fd = vmo_create(SIZE, 0);
	unsigned char *at, *to;

	ASSERT_EQ(ZX_OK, vmo_write(fd, "hello", 0, 5));
	at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	close(fd);
	to = anon_pages(PAGES, PROT_NONE);
	ASSERT_EQ(to, mremap(at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(0, mapping_works(to));
}

/* Memory whose unmapping takes so long that other calls have to wait for it. */
#define BALLAST	(192UL << 20)

struct race {
	int fd;
	char *ballast;
	int tid, unmapping, mapped, status;
	void *at;
};

static void *unmap_ballast(void *arg)
{
	struct race *race = arg;

	__atomic_store_n(&race->unmapping, 1, __ATOMIC_RELEASE);
	munmap(race->ballast, BALLAST);
	return NULL;
}

static void *map_meanwhile(void *arg)
{
	struct race *race = arg;

	__atomic_store_n(&race->tid, gettid(), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&race->unmapping, __ATOMIC_ACQUIRE))
		;
	usleep(2000);
	race->status = vmo_map(race->fd, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, SIZE, &race->at);
	__atomic_store_n(&race->mapped, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Whether the other thread waits for the lock, looked up without taking it. */
static bool waits_for_lock(int stat)
{
	char text[256], *state;
	ssize_t got = pread(stat, text, sizeof(text) - 1, 0);

	if (got <= 0)
		return false;
	text[got] = '\0';
	state = strrchr(text, ')');
	return state && state[2] == 'D';
}

/* Whether the handle was taken away while the mapping was under way. */
static bool replace_meanwhile(struct race *race)
{
	pthread_t unmapper, mapper;
	char path[64];
	bool hit;
	int stat;

	pthread_create(&mapper, NULL, map_meanwhile, race);
	while (!__atomic_load_n(&race->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", race->tid);
	stat = open(path, O_RDONLY);
	pthread_create(&unmapper, NULL, unmap_ballast, race);
	while (!waits_for_lock(stat) && !__atomic_load_n(&race->mapped, __ATOMIC_ACQUIRE))
		;
	/* Not a subset of the rights: the handle goes, and nothing comes. */
	vmo_replace(race->fd, ZX_RIGHT_EXECUTE);
	hit = !__atomic_load_n(&race->mapped, __ATOMIC_ACQUIRE);
	pthread_join(mapper, NULL);
	pthread_join(unmapper, NULL);
	close(stat);
	return hit;
}

TEST(replace_while_mapping)
{
	int hits = 0, round;

	for (round = 0; round < 4; round++) {
		struct race race = { .fd = vmo_create(SIZE, 0) };

		ASSERT_EQ(ZX_OK, vmo_write(race.fd, "hello", 0, 5));
		race.ballast = anon_pages(BALLAST / PAGE, PROT_READ | PROT_WRITE);
		ASSERT_NE(NULL, race.ballast);
		madvise(race.ballast, BALLAST, MADV_NOHUGEPAGE);
		ASSERT_EQ(0, madvise(race.ballast, BALLAST, MADV_POPULATE_WRITE));
		hits += replace_meanwhile(&race);
		EXPECT_EQ(~0ULL, vmo_size(race.fd));
		if (race.status == ZX_OK) {
			EXPECT_EQ(0, mapping_works(race.at));
			munmap(race.at, SIZE);
		} else {
			EXPECT_EQ(ZX_ERR_BAD_HANDLE, race.status);
		}
		close(race.fd);
	}
	TH_LOG("the handle went in the middle of mapping %d times of %d", hits, round);
}

static void *duplicate_until_gone(void *arg)
{
	struct race *race = arg;
	int fd;

	__atomic_store_n(&race->tid, gettid(), __ATOMIC_RELEASE);
	for (;;) {
		fd = vmo_duplicate(race->fd, ZX_RIGHT_SAME_RIGHTS);
		if (fd < 0)
			break;
		if (race->status >= 0)
			close(race->status);
		race->status = fd;
	}
	return (void *)(long)fd;
}

/* Whatever handle comes of it is a handle of a VMO that has its content. */
TEST(replace_while_duplicating)
{
	unsigned char *at;
	pthread_t thread;
	void *answer;
	int round;

	for (round = 0; round < fewer(200); round++) {
		struct race race = { .fd = vmo_create(SIZE, 0), .status = -1 };

		ASSERT_EQ(ZX_OK, vmo_write(race.fd, "hello", 0, 5));
		ASSERT_EQ(0, pthread_create(&thread, NULL, duplicate_until_gone, &race));
		while (!__atomic_load_n(&race.tid, __ATOMIC_ACQUIRE))
			sched_yield();
		vmo_replace(race.fd, ZX_RIGHT_EXECUTE);
		pthread_join(thread, &answer);
		EXPECT_EQ(-abs(ZX_ERR_BAD_HANDLE), (long)answer);
		close(race.fd);
		if (race.status < 0)
			continue;
		EXPECT_EQ(1, vmo_handle_count(race.status));
		at = map_shared(race.status, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		ASSERT_EQ(0, mapping_works(at));
		EXPECT_TRUE(vmo_holds(race.status, 'H', 0, 1));
		munmap(at, SIZE);
		close(race.status);
	}
}

/* --- an inode that outlives its VMO ---------------------------------------- */

static long module_users(void)
{
	char value[32];

	if (!proc_value("/sys/module/zxvmo/refcnt", "", value, sizeof(value)))
		return -1;
	return strtol(value, NULL, 10);
}

/*
 * A watch holds the inode, and not the file system: with it the last user of
 * the file system went, and waited for itself.
 */
static int watch_to_the_end(void *arg)
{
	int fd = *(int *)arg, watcher = inotify_init1(IN_CLOEXEC), null;
	char path[64];

	HOLDS(watcher >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(watcher, path, IN_ALL_EVENTS) < 0)
		return KSFT_SKIP;
	HOLDS(!close(fd));
	usleep(200000);
	/* Nobody shall wait for the output of a process that hangs. */
	null = open("/dev/null", O_RDWR);
	if (dup2(null, 1) != 1 || dup2(null, 2) != 2)
		return 1;
	return close(watcher) ? 2 : 0;
}

TEST(watch_that_outlives_all_handles)
{
	long users = module_users();
	int fd = vmo_create(SIZE, 0), status, tries;
	pid_t pid;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0x11, 2));
	pid = start_child(watch_to_the_end, &fd);
	close(fd);
	for (tries = 0; tries < 200; tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		usleep(100000);
	}
	/* It cannot even be killed then. */
	ASSERT_LT(tries, 200)
		TH_LOG("closing the watch does not return");
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == KSFT_SKIP)
		SKIP(return, "a VMO cannot be watched");
	EXPECT_EQ(0, WEXITSTATUS(status));
	for (tries = 0; tries < 50 && module_users() != users; tries++)
		usleep(100000);
	EXPECT_EQ(users, module_users());
	fd = vmo_create(SIZE, 0);
	EXPECT_EQ(ZX_OK, vmo_fill(fd, 0x11, PAGES));
}

/* --- a page that is gone, but not its sleepers ----------------------------- */

struct sleeper {
	__u32 *word;
	int tid;
	bool woken;
};

static void *sleep_on_word(void *arg)
{
	struct sleeper *sleeper = arg;

	__atomic_store_n(&sleeper->tid, gettid(), __ATOMIC_RELEASE);
	if (!syscall(SYS_futex, sleeper->word, FUTEX_WAIT, 0, NULL, NULL, 0))
		sleeper->woken = true;
	return NULL;
}

/* The number of the frame behind an address; needs CAP_SYS_ADMIN. */
static __u64 frame_of(const void *at)
{
	int file = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry = 0;

	if (pread(file, &entry, sizeof(entry), (unsigned long)at / PAGE * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(file);
	return entry & ((1ULL << 55) - 1);
}

enum end { UNMAPPED, SHRUNK, ZEROED, ENDS };

#define OTHERS	2048

TEST(futex_of_a_page_that_is_gone)
{
	/* Threads that sleep for ever must not find their stack reused. */
	static struct sleeper sleepers[ENDS];
	struct sleeper *sleeper;
	int fd, other, reused = 0;
	pthread_t thread;
	__u64 frame;
	char *words;
	long i;

	for (sleeper = sleepers; sleeper < sleepers + ENDS; sleeper++) {
		fd = vmo_create(PAGE, ZX_VMO_RESIZABLE);
		sleeper->word = map_shared(fd, PAGE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, sleeper->word);
		sleeper->word[1] = 1;
		frame = frame_of(sleeper->word);
		ASSERT_TRUE(start_sleeper(&thread, &sleeper->tid, sleep_on_word, sleeper));
		switch (sleeper - sleepers) {
		case UNMAPPED:
			munmap(sleeper->word, PAGE);
			close(fd);
			break;
		case SHRUNK:
			ASSERT_EQ(ZX_OK, vmo_set_size(fd, 0));
			break;
		case ZEROED:
			ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_ZERO, 0, PAGE));
			break;
		}
		/* Whose memory the frame is now, his futexes are, and nobody's else. */
		other = vmo_create(OTHERS * PAGE, 0);
		words = map_shared(other, OTHERS * PAGE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, words);
		for (i = 0; i < OTHERS; i++) {
			__u32 *word = (__u32 *)(words + i * PAGE);

			word[1] = 1;
			ASSERT_EQ(0, syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0))
				TH_LOG("page %ld of another VMO woke the sleeper", i);
			if (frame && frame_of(word) == frame) {
				reused++;
				break;
			}
		}
		EXPECT_FALSE(sleeper->woken);
		munmap(words, OTHERS * PAGE);
		close(other);
	}
	TH_LOG("%d of %d frames were seen again", reused, ENDS);
}

TEST_HARNESS_MAIN
