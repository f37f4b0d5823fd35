// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts of a user without any privilege to get more from a descriptor and a
 * mapping that may only read: the calls of Linux that test_attack_fd.c and
 * test_attack_memory.c, whose attacker is root, do not make. The attacker may
 * make a user namespace, where it has every capability.
 */
#include <liburing.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/mempolicy.h>
#include <linux/mount.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/xattr.h>

#include "attack_test.h"

#ifndef SYS_mseal
#define SYS_mseal	462
#endif

FIXTURE(user) {
	struct victim victim;
};

FIXTURE_SETUP(user)
{
	ASSERT_TRUE(victim_make(&self->victim, ZX_VMO_RESIZABLE, 0));
}

/* Whatever the attacker did: nothing has changed. */
FIXTURE_TEARDOWN(user)
{
	EXPECT_TRUE(victim_is_unharmed(&self->victim, PAGES));
}

static int in_namespace(void)
{
	/* Where it is forbidden there is nothing to be tried. */
	return unshare(CLONE_NEWUSER | CLONE_NEWNS);
}

/* What can be done now that a reader must not: the name of it, or "". */
static const char *gained(const struct victim *self)
{
	unsigned char evil = 0x66;

	if (vmo_rights(self->reader) != READER_RIGHTS)
		return "rights";
	if (!vmo_write(self->reader, &evil, 0, 1) || pwrite(self->reader, &evil, 1, 0) > 0)
		return "writing";
	if (!vmo_set_size(self->reader, 0) || !ftruncate(self->reader, 0))
		return "resizing";
	if (map_shared(self->reader, PAGE, PROT_READ | PROT_WRITE) != MAP_FAILED)
		return "mapping";
	if (!mprotect(self->at, PAGE, PROT_READ | PROT_WRITE))
		return "mprotect";
	if (!probe_write(self->at, evil))
		return "storing";
	return "";
}

static int nothing_gained(const struct victim *self)
{
	const char *what = gained(self);

	if (*what)
		fprintf(stderr, "# gained: %s\n", what);
	return *what != 0;
}

#define ATTACK(name)							\
static int attack_by_##name(const struct victim *self);			\
static int child_for_##name(void *self)					\
{									\
	return become_attacker(self) || attack_by_##name(self) ||	\
	       nothing_gained(self);					\
}									\
TEST_F(user, name)							\
{									\
	EXPECT_EQ(0, in_child(child_for_##name, &self->victim));	\
}									\
static int attack_by_##name(const struct victim *self __always_unused)

ATTACK(files_of_proc)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	char path[96];
	size_t i;
	int mem;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", self->reader);
		HOLDS(open(path, flags[i]) < 0);
		snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)self->at,
			 (long)self->at + LENGTH);
		HOLDS(open(path, flags[i]) < 0);
	}
	HOLDS(truncate(path, 0));
	mem = open("/proc/self/mem", O_RDWR);
	HOLDS(mem >= 0);
	HOLDS(pwrite(mem, "x", 1, (long)self->at) < 0);
	return 0;
}

ATTACK(advice)
{
	struct iovec range = { self->at, LENGTH };
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	int advice;

	HOLDS(pidfd >= 0);
	for (advice = -1; advice < 128; advice++) {
		madvise(self->at, LENGTH, advice);
		syscall(SYS_process_madvise, pidfd, &range, 1, advice, 0);
		/* MADV_GUARD_INSTALL and _REMOVE: the page is not to be reached meanwhile. */
		madvise(self->at, LENGTH, 103);
		HOLDS(probe_write(self->at, 0x66));
		HOLDS(*self->at == CONTENT);
	}
	return 0;
}

ATTACK(placement)
{
	unsigned long node = 1;
	void *pages[PAGES] = { self->at, self->at + PAGE };
	int nodes[PAGES] = { }, status[PAGES];

	syscall(SYS_mbind, self->at, LENGTH, MPOL_BIND, &node, 2, MPOL_MF_STRICT | MPOL_MF_MOVE);
	/* Moving the pages of all needs a capability. */
	HOLDS(syscall(SYS_mbind, self->at, LENGTH, MPOL_BIND, &node, 2, MPOL_MF_MOVE_ALL));
	syscall(SYS_move_pages, 0, 2, pages, nodes, status, MPOL_MF_MOVE);
	HOLDS(syscall(SYS_move_pages, 0, 2, pages, nodes, status, MPOL_MF_MOVE_ALL));
	syscall(SYS_migrate_pages, 0, 2, &node, &node);
	syscall(SYS_mlock2, self->at, LENGTH, 1);
	syscall(SYS_set_mempolicy_home_node, self->at, LENGTH, 0, 0);
	HOLDS(all_bytes(self->at, CONTENT, LENGTH));
	return 0;
}

ATTACK(sealing)
{
	/* Not even the attacker's own mapping of it becomes writable, or goes. */
	if (!syscall(SYS_mseal, self->at, LENGTH, 0)) {
		HOLDS(mprotect(self->at, PAGE, PROT_READ | PROT_WRITE));
		HOLDS(munmap(self->at, PAGE));
		HOLDS(madvise(self->at, PAGE, MADV_DONTNEED) || *self->at == CONTENT);
	}
	HOLDS(fcntl(self->reader, F_ADD_SEALS, 0xf));
	HOLDS(fcntl(self->reader, F_GET_SEALS) < 0);
	return 0;
}

/* Every command that there is or may come, with arguments that mean something to some. */
ATTACK(fcntl)
{
	static const long arguments[] = {
		0, 1, 2, O_RDWR, O_WRONLY | O_APPEND, O_DIRECT | O_NOATIME | O_NONBLOCK,
		F_WRLCK, F_UNLCK, -1,
	};
	struct flock lock = { .l_type = F_WRLCK };
	int command;
	size_t i;

	/* Some of them make the kernel send signals. */
	signal(SIGIO, SIG_IGN);
	for (command = 1; command < 1100; command++) {
		if (command == 64)
			command = 1024;
		if (command == F_DUPFD_CLOEXEC || command == F_SETSIG || command == F_SETOWN ||
		    command == F_SETOWN_EX || command == F_SETLKW || command == F_OFD_SETLKW)
			continue;
		for (i = 0; i < ARRAY_SIZE(arguments); i++)
			fcntl(self->reader, command, arguments[i]);
		fcntl(self->reader, command, &lock);
		if (nothing_gained(self)) {
			fprintf(stderr, "# by command %d\n", command);
			return 1;
		}
	}
	/* A lock for writing needs a file that can be written; a lease one of the file system. */
	lock = (struct flock){ .l_type = F_WRLCK };
	HOLDS(fcntl(self->reader, F_SETLK, &lock));
	HOLDS(fcntl(self->reader, F_SETLEASE, F_RDLCK));
	HOLDS(fcntl(self->reader, F_NOTIFY, DN_MODIFY));
	return 0;
}

ATTACK(flock)
{
	char path[64];

	/* Advice among those who have the file, nothing else. */
	HOLDS(!flock(self->reader, LOCK_EX | LOCK_NB));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->reader);
	inotify_add_watch(inotify_init1(0), path, IN_ALL_EVENTS);
	return 0;
}

ATTACK(ioctls_of_file_systems)
{
	static const unsigned long commands[] = {
		FICLONE, FICLONERANGE, FIDEDUPERANGE, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR,
		FS_IOC_SETVERSION, FS_IOC_SETFSLABEL, FS_IOC_FIEMAP, FIBMAP, FIFREEZE, FITHAW,
		FITRIM, FIOASYNC, FIONBIO, FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR,
		0x40305828 /* FS_IOC_RESVSP */, 0x4030582a /* FS_IOC_UNRESVSP */,
		0x40305839 /* FS_IOC_ZERO_RANGE */,
	};
	unsigned char argument[4096] = { };
	struct zxvmo_size size;
	unsigned int number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		ioctl(self->reader, commands[i], argument);
	/* The module's own, with every direction and size. */
	for (number = 0; number < 256; number++) {
		size = (struct zxvmo_size){ .status = STATUS_UNTOUCHED };
		for (i = 0; i < 4; i++) {
			if (i == (_IOC_READ | _IOC_WRITE))
				continue;
			HOLDS(ioctl(self->reader, _IOC(i, ZXVMO_IOC_TYPE, number, sizeof(size)),
				    &size));
			HOLDS(errno == ENOTTY && size.status == STATUS_UNTOUCHED);
		}
		HOLDS(ioctl(self->reader, _IOC(_IOC_READ | _IOC_WRITE, ZXVMO_IOC_TYPE, number, 4),
			    &size));
		HOLDS(errno == ENOTTY || errno == EINVAL);
		HOLDS(size.status == STATUS_UNTOUCHED);
	}
	return 0;
}

ATTACK(extended_attributes)
{
	char path[64], value[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->reader);
	HOLDS(fsetxattr(self->reader, "user.x", "y", 1, 0));
	HOLDS(setxattr(path, "user.x", "y", 1, 0));
	HOLDS(fsetxattr(self->reader, "security.capability", "y", 1, 0));
	HOLDS(fremovexattr(self->reader, "user.x"));
	fgetxattr(self->reader, "user.x", value, sizeof(value));
	HOLDS(fchmod(self->reader, 0777) || 1);
	HOLDS(fchown(self->reader, NOBODY, NOBODY));
	HOLDS(futimens(self->reader, NULL) || 1);
	return 0;
}

/* Sockets that hold each other, and a handle: nobody has a descriptor, the kernel collects. */
TEST_F(user, messages_in_a_circle)
{
	int sockets[2], round, handle, tries;

	ASSERT_EQ(2, vmo_handle_count(self->victim.all));
	for (round = 0; round < 50; round++) {
		handle = vmo_duplicate(self->victim.all, READER_RIGHTS);
		ASSERT_LE(0, handle);
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
		ASSERT_EQ(0, send_fd(sockets[0], handle));
		ASSERT_EQ(0, send_fd(sockets[0], sockets[0]));
		ASSERT_EQ(0, send_fd(sockets[1], sockets[1]));
		close(handle);
		close(sockets[0]);
		close(sockets[1]);
	}
	for (tries = 0; tries < 200 && vmo_handle_count(self->victim.all) != 2; tries++) {
		/* Closing a socket has the kernel look. */
		socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
		close(sockets[0]);
		close(sockets[1]);
		usleep(10000);
	}
	EXPECT_EQ(2, vmo_handle_count(self->victim.all));
}

ATTACK(io_uring_buffers)
{
	struct iovec range = { self->at, LENGTH };
	int zero = open("/dev/zero", O_RDONLY);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int registered, i;

	if (io_uring_queue_init(8, &ring, 0))
		return 0;
	/* What is registered can be written to by the kernel. */
	registered = !io_uring_register_buffers(&ring, &range, 1);
	HOLDS(!registered);
	for (i = 0; i < 4; i++) {
		sqe = io_uring_get_sqe(&ring);
		switch (i) {
		case 0:
			io_uring_prep_read(sqe, zero, self->at, PAGE, 0);
			break;
		case 1:
			io_uring_prep_read(sqe, self->reader, self->at, PAGE, PAGE);
			break;
		case 2:
			io_uring_prep_madvise(sqe, self->at, PAGE, MADV_POPULATE_WRITE);
			break;
		case 3:
			io_uring_prep_rw(IORING_OP_URING_CMD, sqe, self->reader, NULL, 0, 0);
			sqe->cmd_op = _IOC_NR(ZXVMO_IOC_WRITE);
			break;
		}
		HOLDS(io_uring_submit(&ring) == 1);
		HOLDS(!io_uring_wait_cqe(&ring, &cqe));
		HOLDS(cqe->res < 0);
		io_uring_cqe_seen(&ring, cqe);
	}
	return 0;
}

/* Another process of the same user is no way around it. */
static int stopped(void *unused __always_unused)
{
	prctl(PR_SET_DUMPABLE, 1);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	return 0;
}

ATTACK(another_process)
{
	struct iovec local = { .iov_base = "x", .iov_len = 1 };
	struct iovec remote = { .iov_base = self->at, .iov_len = 1 };
	pid_t pid = start_child(stopped, NULL);
	int pidfd, fd, status, mem;
	char path[64];

	HOLDS(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	HOLDS(process_vm_writev(pid, &local, 1, &remote, 1, 0) < 0);
	HOLDS(ptrace(PTRACE_POKEDATA, pid, self->at, 0x66) < 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	HOLDS(mem < 0 || pwrite(mem, "x", 1, (long)self->at) < 0);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, self->reader, 0);
	HOLDS(fd < 0 || vmo_rights(fd) == READER_RIGHTS);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, self->reader);
	HOLDS(open(path, O_RDWR) < 0);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	return end_child(pid);
}

/* The owner's process, where the handle with all rights is, is another user's. */
TEST_F(user, process_of_the_owner)
{
	int pipes[2];
	pid_t pid = 0;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		pid_t owner = getppid();
		char path[64];

		if (become_attacker(&self->victim))
			_exit(1);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", owner, self->victim.all);
		if (open(path, O_RDWR) >= 0 || open(path, O_PATH) >= 0)
			_exit(2);
		if (syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, owner, 0), self->victim.all,
			    0) >= 0)
			_exit(3);
		snprintf(path, sizeof(path), "/proc/%d/map_files", owner);
		if (open(path, O_RDONLY) >= 0)
			_exit(4);
		_exit(0);
	}
	EXPECT_EQ(0, end_child(pid));
}

/* With every capability over a namespace of its own. */
ATTACK(pseudo_file_system)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} name = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
	char path[64], target[64];
	int mount_id, context;

	snprintf(target, sizeof(target), "/tmp/zxvmo-%d", getpid());
	HOLDS(!close(open(target, O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->reader);
	if (in_namespace())
		return 0;
	HOLDS(mount(path, target, NULL, MS_BIND, NULL));
	HOLDS(mount("none", "/tmp", "zxvmo", 0, NULL));
	context = syscall(SYS_fsopen, "zxvmo", 0);
	HOLDS(context < 0);
	HOLDS(syscall(SYS_fspick, self->reader, "", FSPICK_EMPTY_PATH) < 0);
	HOLDS(syscall(SYS_open_tree, self->reader, "", AT_EMPTY_PATH | OPEN_TREE_CLONE) < 0);
	HOLDS(syscall(SYS_move_mount, self->reader, "", AT_FDCWD, target,
		      MOVE_MOUNT_F_EMPTY_PATH) < 0);
	HOLDS(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL));
	HOLDS(umount2(path, MNT_DETACH));
	HOLDS(fchdir(self->reader) && chroot(path) && errno == ENOTDIR);
	HOLDS(syscall(SYS_pivot_root, path, path));
	HOLDS(setns(self->reader, 0));
	HOLDS(syscall(SYS_execveat, self->reader, "", (char *[]){ NULL }, (char *[]){ NULL },
		      AT_EMPTY_PATH) < 0);
	if (!name_to_handle_at(self->reader, "", &name.handle, &mount_id, AT_EMPTY_PATH))
		HOLDS(open_by_handle_at(self->reader, &name.handle, O_RDWR) < 0);
	HOLDS(fchown(self->reader, 0, 0));
	HOLDS(open(path, O_RDWR) < 0);
	unlink(target);
	return 0;
}

/* A capability over a namespace is none over the machine. */
ATTACK(namespace_capability)
{
	int fd;

	if (in_namespace())
		return 0;
	fd = open("/dev/zxvmo", O_RDWR);
	/* By default the device is root's; a rule may give it to a group. */
	HOLDS(fd < 0 || !close(fd));
	HOLDS(syscall(SYS_delete_module, "zxvmo", O_NONBLOCK) && errno == EPERM);
	return 0;
}

TEST_HARNESS_MAIN
