// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to get a right back through descriptors: a handle with few rights
 * is all that the attacker has, and none of Linux's ways to make one
 * descriptor out of another may yield more. The attacker is root here, so that
 * nothing is refused for want of privilege.
 */
#include <liburing.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <sys/sendfile.h>

#include "zxvmo_test.h"

#define CONTENT	0xa5

/* One handle with all rights, to look through, and one with a reader's. */
struct target {
	int all;
	int reader;
};

/*
 * What can be done with a descriptor that should only read: the name of the
 * first success, or an empty string. A closed descriptor can do nothing.
 */
static const char *gained(int fd)
{
	struct zxvmo_map map = {
		.options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, .length = PAGE,
	};
	unsigned char evil = 0x66;
	struct iovec iov = { .iov_base = &evil, .iov_len = 1 };
	int pipes[2];

	if (fd < 0)
		return "";
	if (!vmo_write(fd, &evil, 0, 1))
		return "ZXVMO_IOC_WRITE";
	if (!vmo_set_size(fd, 0) || !vmo_set_stream_size(fd, 0))
		return "resizing";
	if (!vmo_set_name(fd, "evil"))
		return "ZXVMO_IOC_SET_PROPERTY";
	if (!vmo_signal(fd, 0, ZX_USER_SIGNAL_0))
		return "ZXVMO_IOC_SIGNAL";
	if (!zxvmo_call(fd, ZXVMO_IOC_MAP, &map))
		return "ZXVMO_IOC_MAP";
	if (vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS) >= 0 ||
	    vmo_duplicate(fd, ZX_RIGHT_WRITE) >= 0)
		return "ZXVMO_IOC_DUPLICATE";
	if (map_shared(fd, PAGE, PROT_READ | PROT_WRITE) != MAP_FAILED ||
	    map_shared(fd, PAGE, PROT_WRITE) != MAP_FAILED ||
	    map_shared(fd, PAGE, PROT_READ | PROT_EXEC) != MAP_FAILED)
		return "mmap";
	lseek(fd, 0, SEEK_SET);
	if (pwrite(fd, &evil, 1, 0) >= 0 || write(fd, &evil, 1) >= 0 ||
	    pwritev2(fd, &iov, 1, 0, RWF_APPEND) >= 0)
		return "write";
	if (!ftruncate(fd, 0) || !ftruncate(fd, 2 * PAGE))
		return "ftruncate";
	if (!fallocate(fd, 0, 0, 4 * PAGE) ||
	    !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) ||
	    !fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, PAGE))
		return "fallocate";
	if (!pipe(pipes) && write(pipes[1], &evil, 1) == 1 &&
	    splice(pipes[0], NULL, fd, NULL, 1, 0) > 0)
		return "splice";
	close(pipes[0]);
	close(pipes[1]);
	return "";
}

/* The VMO is as it was made: nobody got through. */
static bool untouched(const struct target *target)
{
	struct zxvmo_info_vmo info = vmo_info(target->all);

	return vmo_holds(target->all, CONTENT, 0, PAGE) &&
	       info.size_bytes == PAGE && !info.name[0];
}

static struct target make_target(void)
{
	struct target target = { .all = vmo_create(PAGE, ZX_VMO_RESIZABLE) };

	target.reader = vmo_duplicate(target.all, READER_RIGHTS);
	if (vmo_fill(target.all, CONTENT, 1) || target.reader < 0)
		target.all = -1;
	return target;
}

#define TARGET(name)							\
	struct target name = make_target();				\
	ASSERT_LE(0, name.all)

TEST(the_handle_itself)
{
	TARGET(target);
	EXPECT_STREQ("", gained(target.reader));
	EXPECT_TRUE(untouched(&target));
	/* The test of the test: with all rights there is much to gain. */
	EXPECT_STRNE("", gained(target.all));
	EXPECT_FALSE(untouched(&target));
}

TEST(reopening_by_proc_and_dev)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC,
				     O_RDWR | O_APPEND, O_RDONLY | O_DIRECT };
	static const char * const paths[] = {
		"/proc/self/fd/%d", "/dev/fd/%d", "/proc/thread-self/fd/%d",
	};
	char path[64];
	size_t i, j;
	int fd;

	TARGET(target);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			snprintf(path, sizeof(path), paths[i], target.reader);
			fd = open(path, flags[j]);
			EXPECT_GT(0, fd);
			EXPECT_EQ(ENXIO, errno);
			EXPECT_STREQ("", gained(fd));
			/* Even the handle with all rights opens nothing new. */
			snprintf(path, sizeof(path), paths[i], target.all);
			EXPECT_GT(0, open(path, flags[j]));
		}
		snprintf(path, sizeof(path), paths[i], target.reader);
		EXPECT_NE(0, truncate(path, 0));
	}
	EXPECT_TRUE(untouched(&target));
}

TEST(reopening_by_a_path_descriptor)
{
	char path[64];
	int fd;

	TARGET(target);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", target.all);
	fd = open(path, O_PATH);
	if (fd < 0)
		return;
	EXPECT_STREQ("", gained(fd));
	EXPECT_EQ(EBADF, zxvmo_call(fd, ZXVMO_IOC_GET_SIZE, &(struct zxvmo_size){ }));
	EXPECT_GT(0, openat(fd, "", O_RDWR));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_GT(0, open(path, O_RDWR));
	EXPECT_TRUE(untouched(&target));
}

TEST(reopening_by_map_files)
{
	void *at, *rw;
	char path[96];
	int fd;

	TARGET(target);
	at = map_shared(target.reader, PAGE, PROT_READ);
	rw = map_shared(target.all, PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_NE(MAP_FAILED, rw);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)at, (long)at + PAGE);
	fd = open(path, O_RDWR);
	EXPECT_GT(0, fd);
	EXPECT_STREQ("", gained(fd));
	EXPECT_GT(0, open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)rw, (long)rw + PAGE);
	EXPECT_GT(0, open(path, O_RDWR));
	EXPECT_NE(0, truncate(path, 0));
	EXPECT_TRUE(untouched(&target));
}

TEST(duplicates_of_linux_have_the_same_rights)
{
	int fds[4];
	size_t i;

	TARGET(target);
	fds[0] = dup(target.reader);
	fds[1] = dup2(target.reader, 100);
	fds[2] = dup3(target.reader, 101, O_CLOEXEC);
	fds[3] = fcntl(target.reader, F_DUPFD_CLOEXEC, 0);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(READER_RIGHTS, vmo_rights(fds[i]));
		EXPECT_STREQ("", gained(fds[i]));
	}
	/* They are one handle with several names. */
	EXPECT_EQ(2, vmo_handle_count(target.all));
	EXPECT_TRUE(untouched(&target));
}

TEST(file_status_flags)
{
	TARGET(target);
	fcntl(target.reader, F_SETFL, O_RDWR);
	EXPECT_STREQ("", gained(target.reader));
	fcntl(target.reader, F_SETFL, O_RDWR | O_APPEND | O_NONBLOCK);
	EXPECT_STREQ("", gained(target.reader));
	fcntl(target.reader, F_SETFL, O_DIRECT | O_NOATIME);
	EXPECT_STREQ("", gained(target.reader));
	fcntl(target.reader, F_SET_RW_HINT, &(__u64){ 1 });
	fcntl(target.reader, F_ADD_SEALS, 0);
	fcntl(target.reader, F_SETLEASE, F_WRLCK);
	EXPECT_STREQ("", gained(target.reader));
	EXPECT_TRUE(untouched(&target));
}

TEST(metadata_of_the_file)
{
	char path[64];

	TARGET(target);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", target.reader);
	/* Whatever they answer, the inode's mode is no source of rights. */
	if (fchmod(target.reader, 0777) && fchown(target.reader, 0, 0))
		errno = 0;
	EXPECT_GT(0, open(path, O_RDWR));
	EXPECT_STREQ("", gained(target.reader));
	EXPECT_TRUE(untouched(&target));
}

static int attack_by_inheritance(void *arg)
{
	struct target *target = arg;

	close(target->all);
	HOLDS(vmo_rights(target->reader) == READER_RIGHTS);
	HOLDS(!*gained(target->reader));
	return 0;
}

TEST(fork_inherits_no_more)
{
	TARGET(target);
	EXPECT_EQ(0, in_child(attack_by_inheritance, &target));
	EXPECT_TRUE(untouched(&target));
}

static int attack_by_message(void *arg)
{
	int fd;

	HOLDS(!become_nobody());
	fd = recv_fd(*(int *)arg);
	HOLDS(fd >= 0);
	HOLDS(vmo_rights(fd) == READER_RIGHTS);
	HOLDS(vmo_holds(fd, CONTENT, 0, PAGE));
	HOLDS(!*gained(fd));
	return 0;
}

TEST(messages_carry_no_more)
{
	int sockets[2];
	pid_t pid;

	TARGET(target);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid = start_child(attack_by_message, &sockets[1]);
	ASSERT_EQ(0, send_fd(sockets[0], target.reader));
	EXPECT_EQ(0, end_child(pid));
	EXPECT_TRUE(untouched(&target));
}

static int attack_by_pidfd(void *arg)
{
	struct target *target = arg;
	int pidfd = syscall(SYS_pidfd_open, getppid(), 0);
	int fd;

	close(target->all);
	HOLDS(pidfd >= 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, target->reader, 0);
	HOLDS(fd >= 0);
	HOLDS(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	HOLDS(vmo_rights(fd) == READER_RIGHTS);
	HOLDS(!*gained(fd));
	return 0;
}

TEST(pidfd_getfd)
{
	TARGET(target);
	EXPECT_EQ(0, in_child(attack_by_pidfd, &target));
	EXPECT_TRUE(untouched(&target));
}

/* Runs as a program of its own: see main(). */
static int attack_after_exec(int fd)
{
	if (fd < 0)
		return fcntl(-fd, F_GETFD) < 0 ? 0 : 2;
	return vmo_rights(fd) == READER_RIGHTS && !*gained(fd) ? 0 : 1;
}

static int exec_self(void *arg)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", *(int *)arg);
	execl("/proc/self/exe", "test_attack_fd", "--inherited", number, NULL);
	return 3;
}

TEST(exec_inherits_no_more)
{
	int fd;

	TARGET(target);
	/* By default a handle does not survive it at all. */
	fd = -target.reader;
	EXPECT_EQ(0, in_child(exec_self, &fd));
	ASSERT_EQ(0, fcntl(target.reader, F_SETFD, 0));
	EXPECT_EQ(0, in_child(exec_self, &target.reader));
	EXPECT_TRUE(untouched(&target));
}

TEST(names_in_the_file_system)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} name = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
	char path[64];
	int mount_id;

	TARGET(target);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", target.reader);
	EXPECT_NE(0, linkat(target.reader, "", AT_FDCWD, "/tmp/zxvmo-link", AT_EMPTY_PATH));
	EXPECT_NE(0, linkat(AT_FDCWD, path, AT_FDCWD, "/tmp/zxvmo-link", AT_SYMLINK_FOLLOW));
	EXPECT_NE(0, rename(path, "/tmp/zxvmo-link"));
	EXPECT_GT(0, syscall(SYS_open_tree, target.reader, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
	EXPECT_GT(0, execveat(target.reader, "", (char *[]){ NULL }, (char *[]){ NULL },
			      AT_EMPTY_PATH));
	if (!name_to_handle_at(target.reader, "", &name.handle, &mount_id, AT_EMPTY_PATH))
		EXPECT_GT(0, open_by_handle_at(target.reader, &name.handle, O_RDWR));
	EXPECT_TRUE(untouched(&target));
}

TEST(copying_in_the_kernel)
{
	char data[8] = "evil";
	int file = memfd_create("x", 0);
	int pipes[2];
	loff_t zero = 0;

	TARGET(target);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(8, write(file, data, 8));
	ASSERT_EQ(8, write(pipes[1], data, 8));
	EXPECT_GT(0, sendfile(target.reader, file, &zero, 8));
	EXPECT_GT(0, splice(pipes[0], NULL, target.reader, NULL, 8, 0));
	EXPECT_GT(0, splice(pipes[0], NULL, target.reader, &zero, 8, 0));
	zero = 0;
	EXPECT_GT(0, copy_file_range(file, &zero, target.reader, &(loff_t){ 0 }, 8, 0));
	EXPECT_NE(0, ioctl(target.reader, FICLONE, file));
	EXPECT_TRUE(untouched(&target));
}

TEST(io_uring)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char evil = 0x66;
	int i;

	TARGET(target);
	if (io_uring_queue_init(8, &ring, 0))
		SKIP(return, "no io_uring");
	ASSERT_EQ(0, io_uring_register_files(&ring, &target.reader, 1));
	for (i = 0; i < 5; i++) {
		sqe = io_uring_get_sqe(&ring);
		switch (i) {
		case 0:
			io_uring_prep_write(sqe, target.reader, &evil, 1, 0);
			break;
		case 1:
			io_uring_prep_write(sqe, 0, &evil, 1, 0);
			sqe->flags |= IOSQE_FIXED_FILE;
			break;
		case 2:
			io_uring_prep_fallocate(sqe, target.reader, FALLOC_FL_PUNCH_HOLE |
						FALLOC_FL_KEEP_SIZE, 0, PAGE);
			break;
		case 3:
			io_uring_prep_rw(IORING_OP_FTRUNCATE, sqe, target.reader, NULL, 0, 0);
			break;
		case 4:
			io_uring_prep_write(sqe, 0, &evil, 1, 0);
			sqe->flags |= IOSQE_FIXED_FILE | IOSQE_ASYNC;
			break;
		}
		ASSERT_EQ(1, io_uring_submit(&ring));
		ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
		EXPECT_GT(0, cqe->res)
			TH_LOG("operation %d", i);
		io_uring_cqe_seen(&ring, cqe);
	}
	EXPECT_TRUE(untouched(&target));
	io_uring_queue_exit(&ring);
}

/* The other direction: who may only write does not learn the content. */
TEST(writing_is_not_reading)
{
	int writer, pipes[2], file = memfd_create("x", 0);
	char byte = 0x77, page[PAGE];

	TARGET(target);
	writer = vmo_duplicate(target.all, ZX_RIGHT_WRITE | ZX_RIGHT_MAP);
	ASSERT_LE(0, writer);
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, vmo_read(writer, page, 0, 1));
	EXPECT_GT(0, read(writer, page, 1));
	EXPECT_GT(0, pread(writer, page, 1, 0));
	EXPECT_EQ(MAP_FAILED, map_shared(writer, PAGE, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_shared(writer, PAGE, PROT_WRITE));
	EXPECT_EQ(MAP_FAILED, map_private(writer, PAGE, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_private(writer, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_GT(0, sendfile(file, writer, NULL, 8));
	EXPECT_GT(0, splice(writer, NULL, pipes[1], NULL, 8, 0));
	EXPECT_GT(0, copy_file_range(writer, NULL, file, NULL, 8, 0));
	EXPECT_GT(0, vmo_duplicate(writer, ZX_RIGHT_READ));
	EXPECT_EQ(ZX_OK, vmo_write(writer, &byte, 0, 1));
	EXPECT_TRUE(vmo_holds(target.all, byte, 0, 1));
}

TEST(a_handle_without_rights)
{
	struct zxvmo_wait wait = { .signals = ZX_VMO_ZERO_CHILDREN };
	char page[PAGE];
	int none;

	TARGET(target);
	none = vmo_duplicate(target.all, ZX_RIGHT_NONE);
	ASSERT_LE(0, none);
	EXPECT_STREQ("", gained(none));
	EXPECT_EQ(MAP_FAILED, map_shared(none, PAGE, PROT_NONE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, map_private(none, PAGE, PROT_NONE));
	EXPECT_GT(0, pread(none, page, 1, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zxvmo_call(none, ZXVMO_IOC_WAIT, &wait));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, vmo_get_info(none, ZX_INFO_HANDLE_COUNT, page, 4));
	EXPECT_EQ(PAGE, vmo_size(none));
	/* Who may neither read nor map does not map by reading alone. */
	none = vmo_duplicate(target.all, ZX_RIGHT_READ);
	EXPECT_EQ(MAP_FAILED, map_shared(none, PAGE, PROT_READ));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, map_private(none, PAGE, PROT_READ));
	EXPECT_TRUE(untouched(&target));
}

TEST(replace_gives_no_more_and_takes_the_source)
{
	char byte;
	int copy, fd;

	TARGET(target);
	copy = dup(target.reader);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, vmo_replace(target.reader, ALL_VMO_RIGHTS));
	/* Every name of the source is dead, for every kind of call. */
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zxvmo_call(copy, ZXVMO_IOC_GET_SIZE, &(struct zxvmo_size){ }));
	EXPECT_EQ(MAP_FAILED, map_shared(copy, PAGE, PROT_READ));
	EXPECT_GT(0, pread(copy, &byte, 1, 0));
	EXPECT_STREQ("", gained(copy));
	EXPECT_EQ(1, vmo_handle_count(target.all));

	fd = vmo_duplicate(target.all, READER_RIGHTS | ZX_RIGHT_WRITE);
	copy = dup(fd);
	fd = vmo_replace(fd, READER_RIGHTS);
	ASSERT_LE(0, fd);
	EXPECT_EQ(READER_RIGHTS, vmo_rights(fd));
	EXPECT_STREQ("", gained(fd));
	EXPECT_STREQ("", gained(copy));
	EXPECT_EQ(MAP_FAILED, map_shared(copy, PAGE, PROT_READ));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_replace(copy, ZX_RIGHT_SAME_RIGHTS));
	EXPECT_EQ(2, vmo_handle_count(target.all));
	EXPECT_TRUE(untouched(&target));
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--inherited"))
		return attack_after_exec(atoi(argv[2]));
	return test_harness_run(argc, argv);
}
