// SPDX-License-Identifier: GPL-2.0
/*
 * Taking the module out and putting it back: refused as long as anything of it
 * is in use, complete when nothing is, a hundred times.
 *
 * The module's file is $ZXVMO_MODULE, or beside the directory of this program,
 * where the build leaves it.
 */
#include <limits.h>

#include "zxvmo_test.h"

#define ROUNDS	100

static int module_file(void)
{
	const char *path = getenv("ZXVMO_MODULE");
	char built[PATH_MAX] = { };
	int dirs;

	if (path)
		return open(path, O_RDONLY | O_CLOEXEC);
	if (readlink("/proc/self/exe", built, sizeof(built) - sizeof("/zxvmo.ko")) < 0)
		return -1;
	for (dirs = 0; dirs < 2 && strrchr(built, '/'); dirs++)
		*strrchr(built, '/') = '\0';
	strcat(built, "/zxvmo.ko");
	return open(built, O_RDONLY | O_CLOEXEC);
}

static int load_with(int file, const char *parameters)
{
	return syscall(SYS_finit_module, file, parameters, 0);
}

static int load(int file)
{
	return load_with(file, "");
}

static int unload(void)
{
	return syscall(SYS_delete_module, "zxvmo", O_NONBLOCK);
}

/* After a refusal the module is whole: new VMOs can be made and used. */
static bool refuses_to_go(void)
{
	int fd;

	if (!unload() || errno != EWOULDBLOCK)
		return false;
	fd = vmo_create(PAGE, 0);
	if (fd < 0 || vmo_fill(fd, 1, 1))
		return false;
	return !close(fd);
}

FIXTURE(module) {
	int file;
};

FIXTURE_SETUP(module)
{
	self->file = module_file();
	if (self->file < 0)
		SKIP(return, "no zxvmo.ko to load again: set ZXVMO_MODULE");
	/* A test before this one may just have ended. */
	ASSERT_EQ(0, access(ZXVMO_DEVICE_PATH, R_OK));
}

/* Whatever failed: the tests that follow want a module. */
FIXTURE_TEARDOWN(module)
{
	if (access(ZXVMO_DEVICE_PATH, R_OK))
		EXPECT_EQ(0, load(self->file));
}

TEST_F(module, in_use)
{
	struct zxvmo_create_stream stream = { };
	int device, fd, sockets[2];
	void *at;

	device = open_device();
	ASSERT_LE(0, device);
	EXPECT_TRUE(refuses_to_go());
	fd = vmo_create(PAGE, 0);
	close(device);
	EXPECT_TRUE(refuses_to_go());
	/* A mapping without a handle. */
	at = map_shared(fd, PAGE, PROT_READ | PROT_WRITE);
	close(fd);
	EXPECT_TRUE(refuses_to_go());
	EXPECT_EQ(0, probe_write(at, 1));
	munmap(at, PAGE);
	/* A stream without a handle of its VMO. */
	fd = vmo_create(PAGE, 0);
	ASSERT_EQ(ZX_OK, zxvmo_call(fd, ZXVMO_IOC_CREATE_STREAM, &stream));
	close(fd);
	EXPECT_TRUE(refuses_to_go());
	close(stream.handle);
	EXPECT_EQ(0, unload());
	EXPECT_EQ(0, load(self->file));
	/* A list of what there is. */
	fd = open("/sys/kernel/debug/zxvmo/vmos", O_RDONLY);
	if (fd >= 0) {
		EXPECT_TRUE(refuses_to_go());
		close(fd);
		EXPECT_EQ(0, unload());
		EXPECT_EQ(-1, open("/sys/kernel/debug/zxvmo/vmos", O_RDONLY));
		EXPECT_EQ(0, load(self->file));
	}
	/* A handle without a process. */
	fd = vmo_create(PAGE, 0);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	close(fd);
	EXPECT_TRUE(refuses_to_go());
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_EQ(0, unload());
	EXPECT_GT(0, open_device());
	EXPECT_EQ(0, load(self->file));
	fd = vmo_create(PAGE, 0);
	EXPECT_LE(0, fd);
}

/* Without the capability; the handle is gone, what else is wrong comes first. */
static int execute_as_nobody(void *arg)
{
	int fd = *(int *)arg, other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);

	HOLDS(!become_nobody());
	HOLDS(vmo_replace_as_executable(other, fd) == ZX_ERR_BAD_HANDLE);
	HOLDS(vmo_replace_as_executable(fd, -1) == ZX_ERR_ACCESS_DENIED);
	HOLDS(vmo_replace_as_executable(fd, -1) == ZX_ERR_BAD_HANDLE);
	return 0;
}

static int execute_by_default(void *arg)
{
	HOLDS(!become_nobody());
	HOLDS(vmo_replace_as_executable(*(int *)arg, -1) >= 0);
	return 0;
}

TEST_F(module, ambient_executable)
{
	int fd = vmo_create(PAGE, 0), second;

	EXPECT_EQ(0, in_child(execute_by_default, &fd));
	close(fd);
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load_with(self->file, "ambient_executable=0"));
	fd = vmo_create(PAGE, 0);
	EXPECT_EQ(0, in_child(execute_as_nobody, &fd));
	close(fd);
	fd = vmo_create(PAGE, 0);
	second = vmo_replace_as_executable(fd, -1);
	EXPECT_LE(0, second);
	close(second);
	close(fd);
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load_with(self->file, "ambient_executable=1"));
	fd = vmo_create(PAGE, 0);
	EXPECT_EQ(0, in_child(execute_by_default, &fd));
	close(fd);
	ASSERT_EQ(0, unload());
	EXPECT_EQ(0, load(self->file));
}

/* How many of 16 pages that are all there are entered by reading the third. */
static int entered_by_reading(void)
{
	int fd = vmo_create(16 * PAGE, 0), map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[16] = { };
	volatile char *at;
	int i, entered = 0;

	if (fd < 0 || map < 0 || vmo_fill(fd, 1, 16))
		return -1;
	at = map_shared(fd, 16 * PAGE, PROT_READ);
	if (at == MAP_FAILED || at[2 * PAGE] != 1 ||
	    pread(map, entries, sizeof(entries), (uintptr_t)at / PAGE * 8) != sizeof(entries))
		return -1;
	for (i = 0; i < 16; i++)
		entered += entries[i] >> 63;
	munmap((void *)at, 16 * PAGE);
	close(map);
	close(fd);
	return entered;
}

TEST_F(module, fault_around)
{
	EXPECT_EQ(16, entered_by_reading());
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load_with(self->file, "fault_around=0"));
	EXPECT_EQ(1, entered_by_reading());
	ASSERT_EQ(0, unload());
	EXPECT_EQ(0, load(self->file));
}

/*
 * How many of 64 pages are entered by writing to the first 20 in order, in fresh
 * memory or in memory that is shared with a snapshot.
 */
static int entered_by_writing(bool shared)
{
	int fd = vmo_create(64 * PAGE, 0), map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[64] = { };
	volatile char *at;
	int i, entered = 0, child = -1;

	at = map_shared(fd, 64 * PAGE, PROT_READ | PROT_WRITE);
	if (fd < 0 || map < 0 || at == MAP_FAILED)
		return -1;
	if (shared) {
		if (vmo_fill(fd, 1, 64))
			return -1;
		child = vmo_snapshot(fd, 0, 64 * PAGE);
		if (child < 0)
			return -1;
	}
	for (i = 0; i < 20; i++)
		at[i * PAGE] = 1;
	if (pread(map, entries, sizeof(entries), (uintptr_t)at / PAGE * 8) != sizeof(entries))
		return -1;
	for (i = 0; i < 64; i++)
		entered += entries[i] >> 63;
	if (vmo_info(fd).committed_private_bytes != 20 * PAGE)
		return -1;
	munmap((void *)at, 64 * PAGE);
	close(map);
	close(child);
	close(fd);
	return entered;
}

TEST_F(module, fault_ahead)
{
	EXPECT_LE(24, entered_by_writing(false));
	EXPECT_LE(24, entered_by_writing(true));
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load_with(self->file, "fault_ahead=0"));
	EXPECT_EQ(20, entered_by_writing(false));
	EXPECT_EQ(20, entered_by_writing(true));
	ASSERT_EQ(0, unload());
	EXPECT_EQ(0, load(self->file));
}

static int hold_it(void *arg)
{
	int fd = vmo_create(PAGE, 0), *pipes = arg;
	void *at = map_shared(fd, PAGE, PROT_READ | PROT_WRITE);

	HOLDS(at != MAP_FAILED && !close(fd));
	HOLDS(!tell(pipes[1]));
	pause();
	return 1;
}

TEST_F(module, in_use_by_a_process_that_is_killed)
{
	int pipes[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = start_child(hold_it, pipes);
	ASSERT_EQ(0, hear(pipes[0]));
	EXPECT_TRUE(refuses_to_go());
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(pid));
	EXPECT_EQ(0, unload());
	EXPECT_EQ(0, load(self->file));
}

TEST_F_TIMEOUT(module, a_hundred_times, 300)
{
	unsigned char *at;
	long before = 0, slab;
	char value[64];
	int round, fd;

	for (round = 0; round < ROUNDS; round++) {
		fd = vmo_create(8 * PAGE, ZX_VMO_RESIZABLE);
		ASSERT_LE(0, fd);
		at = map_shared(fd, 8 * PAGE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		memset(at, 1, 8 * PAGE);
		close(fd);
		EXPECT_NE(0, unload());
		munmap(at, 8 * PAGE);
		ASSERT_EQ(0, unload())
			TH_LOG("round %d", round);
		ASSERT_EQ(0, load(self->file));
		if (round == ROUNDS / 4 &&
		    proc_value("/proc/meminfo", "Slab:", value, sizeof(value)))
			before = atol(value);
	}
	ASSERT_TRUE(proc_value("/proc/meminfo", "Slab:", value, sizeof(value)));
	slab = atol(value);
	/* A page of slab for each round would be seen, but KASAN keeps what is freed. */
	if (slowness() == 1)
		EXPECT_GT(before + ROUNDS * 4, slab);
}

/* Comes and goes as fast as it can, whether there is a module or not. */
static int use_it_now_and_then(void *unused __always_unused)
{
	unsigned char *at;
	int fd, child;

	for (;;) {
		fd = vmo_create(4 * PAGE, 0);
		if (fd < 0) {
			/* There is none, or it is just coming or going. */
			HOLDS(fd == -ENOENT || fd == -ENODEV || fd == -ENXIO);
			usleep(500);
			continue;
		}
		at = map_shared(fd, 4 * PAGE, PROT_READ | PROT_WRITE);
		HOLDS(at != MAP_FAILED);
		at[PAGE] = 1;
		child = vmo_snapshot(fd, 0, 4 * PAGE);
		HOLDS(child >= 0);
		at[PAGE] = 2;
		HOLDS(vmo_holds(child, 1, PAGE, 1));
		close(fd);
		close(child);
		munmap(at, 4 * PAGE);
		usleep(3000);
	}
	return 1;
}

/*
 * Takes the module out and puts it back, up to 25 times, while two children use it. On
 * a busy machine it may be long before both let go of it at once.
 */
static void reload_beside(struct __test_metadata *_metadata, int file, int (*user)(void *))
{
	time_t end = time(NULL) + 60;
	int tries, gone = 0;
	pid_t pids[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_child(user, NULL);
	for (tries = 0; gone < 25 && time(NULL) < end; tries++) {
		if (unload()) {
			ASSERT_EQ(EWOULDBLOCK, errno);
			continue;
		}
		gone++;
		ASSERT_EQ(0, load(file));
	}
	TH_LOG("gone %d times in %d tries", gone, tries);
	EXPECT_LT(0, gone);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		kill(pids[i], SIGKILL);
		EXPECT_EQ(128 + SIGKILL, end_child(pids[i]));
	}
}

TEST_F_TIMEOUT(module, under_load, 250)
{
	reload_beside(_metadata, self->file, use_it_now_and_then);
}

/* What was opened while the module was about to go keeps it, or is refused. */
static int open_and_hold(void *unused __always_unused)
{
	int fd;

	for (;;) {
		fd = vmo_create(PAGE, 0);
		if (fd < 0) {
			HOLDS(fd == -ENOENT || fd == -ENODEV || fd == -ENXIO);
			continue;
		}
		HOLDS(!vmo_fill(fd, 1, 1));
		usleep(20000);
		HOLDS(vmo_holds(fd, 1, 0, PAGE));
		close(fd);
		usleep(1000);
	}
	return 1;
}

TEST_F_TIMEOUT(module, while_it_is_opened, 250)
{
	reload_beside(_metadata, self->file, open_and_hold);
}

TEST_HARNESS_MAIN
