// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to write to a VMO through a mapping of a handle that may only read
 * it: every call of Linux that changes a mapping or reaches memory behind its
 * protection. The attacker is root.
 */
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "zxvmo_test.h"

#define CONTENT		0xa5
#define PAGES		4

FIXTURE(memory) {
	int all;		/* a handle with all rights, to look through */
	int reader;		/* what the attacker has */
	unsigned char *at;	/* and its shared mapping */
};

FIXTURE_SETUP(memory)
{
	self->all = vmo_create(PAGES * PAGE, ZX_VMO_RESIZABLE);
	ASSERT_LE(0, self->all);
	ASSERT_EQ(ZX_OK, vmo_fill(self->all, CONTENT, PAGES));
	self->reader = vmo_duplicate(self->all, READER_RIGHTS);
	ASSERT_LE(0, self->reader);
	self->at = map_shared(self->reader, PAGES * PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, self->at);
	ASSERT_TRUE(all_bytes(self->at, CONTENT, PAGES * PAGE));
}

/* Whatever the test did: no byte differs, and storing still is a fault. */
FIXTURE_TEARDOWN(memory)
{
	int i;

	for (i = 0; i < PAGES; i++)
		EXPECT_TRUE(vmo_holds(self->all, CONTENT, i * PAGE, PAGE));
	EXPECT_EQ(PAGES * PAGE, vmo_size(self->all));
	EXPECT_NE(0, probe_write(self->at, 0x66));
	EXPECT_TRUE(vmo_holds(self->all, CONTENT, 0, PAGE));
}

TEST_F(memory, mapping_writable)
{
	static const int prots[] = {
		PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_EXEC,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	static const int types[] = { MAP_SHARED, MAP_SHARED_VALIDATE };
	void *at;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			errno = 0;
			EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, prots[i], types[j],
						   self->reader, 0));
			EXPECT_TRUE(errno == EACCES || errno == EPERM);
		}
	}
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  vmo_map(self->reader, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  vmo_map(self->reader, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, PAGE, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  vmo_map(self->reader, ZX_VM_PERM_READ | ZX_VM_CAN_MAP_WRITE, 0, PAGE, &at));
}

TEST_F(memory, mprotect)
{
	int none, pkey;
	void *at;

	EXPECT_NE(0, mprotect(self->at, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_NE(0, mprotect(self->at, PAGE, PROT_WRITE));
	EXPECT_NE(0, mprotect(self->at, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mprotect(self->at, PAGE, PROT_NONE));
	EXPECT_NE(0, mprotect(self->at, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, mprotect(self->at, PAGE, PROT_READ));
	pkey = pkey_alloc(0, 0);
	EXPECT_NE(0, pkey_mprotect(self->at, PAGE, PROT_READ | PROT_WRITE, pkey < 0 ? -1 : pkey));
	/* Mapped by ioctl, without any permission, from a handle with few. */
	none = vmo_duplicate(self->all, ZX_RIGHT_MAP | ZX_RIGHT_WRITE);
	ASSERT_EQ(ZX_OK, vmo_map(none, 0, 0, PAGE, &at));
	EXPECT_NE(0, mprotect(at, PAGE, PROT_READ));
	EXPECT_NE(0, mprotect(at, PAGE, PROT_WRITE));
	EXPECT_EQ(SIGSEGV, probe_read(at));
	/* The maximum outlives the handle. */
	close(self->reader);
	EXPECT_NE(0, mprotect(self->at, PAGE, PROT_READ | PROT_WRITE));
}

TEST_F(memory, mremap)
{
	unsigned char *to = anon_pages(2 * PAGES, PROT_NONE);
	unsigned char *at;

	EXPECT_EQ(MAP_FAILED, mremap(self->at, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	/* A second mapping of the same, if that is possible at all. */
	at = mremap(self->at, 0, PAGE, MREMAP_MAYMOVE);
	if (at != MAP_FAILED) {
		EXPECT_NE(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
		EXPECT_EQ(SIGSEGV, probe_write(at, 0x66));
	}
	at = mremap(self->at, PAGES * PAGE, PAGES * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, at);
	self->at = at;
	EXPECT_TRUE(all_bytes(at, CONTENT, PAGES * PAGE));
	EXPECT_NE(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
	at = mremap(self->at, PAGES * PAGE, PAGES * PAGE,
		    MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	if (at != MAP_FAILED) {
		EXPECT_NE(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
		EXPECT_EQ(SIGSEGV, probe_write(at, 0x66));
	}
}

TEST_F(memory, remap_file_pages)
{
	/* Deprecated, but it makes a new mapping of the same file. */
	printf("# dmesg expected: uses deprecated remap_file_pages\n");
	fflush(stdout);
	syscall(SYS_remap_file_pages, self->at, PAGE, 0, 1, 0);
	EXPECT_NE(0, syscall(SYS_remap_file_pages, self->at, PAGE, PROT_WRITE, 1, 0));
	EXPECT_NE(0, mprotect(self->at, PAGE, PROT_READ | PROT_WRITE));
}

TEST_F(memory, proc_mem)
{
	int mem = open("/proc/self/mem", O_RDWR);
	unsigned char *rw = map_shared(self->all, PAGE, PROT_READ);
	unsigned char *private = map_private(self->reader, PAGE, PROT_READ);
	unsigned char byte = 0;

	ASSERT_LE(0, mem);
	ASSERT_NE(MAP_FAILED, private);
	EXPECT_EQ(1, pread(mem, &byte, 1, (long)self->at));
	EXPECT_EQ(CONTENT, byte);
	EXPECT_GT(0, pwrite(mem, "x", 1, (long)self->at));
	EXPECT_GT(0, pwrite(mem, "x", 1, (long)self->at + PAGE - 1));
	/* Not even where the handle could, but the mapping may not. */
	EXPECT_GT(0, pwrite(mem, "x", 1, (long)rw));
	/* Where the kernel forces it, it is a private copy that is written. */
	if (pwrite(mem, "x", 1, (long)private) == 1)
		EXPECT_EQ('x', *private);
}

TEST_F(memory, process_vm_writev)
{
	struct iovec local = { .iov_base = "x", .iov_len = 1 };
	struct iovec remote = { .iov_base = self->at, .iov_len = 1 };

	EXPECT_EQ(-1, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
}

static int wait_for_tracer(void *unused __always_unused)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	return 0;
}

TEST_F(memory, ptrace)
{
	long private = (long)map_private(self->reader, 2 * PAGE, PROT_READ);
	pid_t pid = start_child(wait_for_tracer, NULL);
	char path[32];
	int status, mem;

	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	ASSERT_LE(0, mem);
	errno = 0;
	EXPECT_EQ(CONTENT, ptrace(PTRACE_PEEKDATA, pid, self->at, NULL) & 0xff);
	EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, pid, self->at, 0x66));
	EXPECT_EQ(-1, ptrace(PTRACE_POKETEXT, pid, self->at, 0x66));
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (long)self->at));
	/* A breakpoint in a private mapping is the traced process's own. */
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, private, 0x66));
	EXPECT_EQ(1, pwrite(mem, "x", 1, private + PAGE));
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	EXPECT_EQ(0, end_child(pid));
}

TEST_F(memory, as_buffer_of_calls)
{
	int zero = open("/dev/zero", O_RDONLY);
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(4, write(pipes[1], "evil", 4));
	EXPECT_EQ(-1, read(zero, self->at, 1));
	EXPECT_EQ(-1, read(pipes[0], self->at, 4));
	EXPECT_EQ(-1, vmsplice(pipes[0], &(struct iovec){ self->at, 4 }, 1, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, vmo_read(self->all, self->at, PAGE, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, vmo_read(self->reader, self->at, PAGE, 1));
	EXPECT_EQ(-1, syscall(SYS_futex, self->at + PAGE, FUTEX_WAKE_OP, 1, 1, self->at,
			      FUTEX_OP(FUTEX_OP_SET, 0x66, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(-1, syscall(SYS_futex, self->at, FUTEX_LOCK_PI, 0, NULL));
	EXPECT_EQ(-1, ioctl(self->all, ZXVMO_IOC_GET_SIZE, self->at));
	EXPECT_EQ(EFAULT, errno);
}

/* Pages lent to a pipe must not be what later writes to the pipe fill. */
TEST_F(memory, pipes_that_hold_the_pages)
{
	struct iovec iov = { .iov_base = self->at, .iov_len = 10 };
	int pipes[2], copy[2];
	loff_t zero = 0;
	char data[64];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, pipe(copy));
	EXPECT_EQ(10, vmsplice(pipes[1], &iov, 1, SPLICE_F_GIFT));
	EXPECT_EQ(4, write(pipes[1], "evil", 4));
	EXPECT_EQ(14, tee(pipes[0], copy[1], 64, 0));
	EXPECT_EQ(4, write(copy[1], "evil", 4));
	EXPECT_EQ(14, read(pipes[0], data, 64));
	EXPECT_TRUE(all_bytes(data, CONTENT, 10));
	EXPECT_EQ(18, read(copy[0], data, 64));

	/* The pipe's buffers are recycled ones, as an attacker would have. */
	EXPECT_EQ(10, splice(self->reader, &zero, pipes[1], NULL, 10, 0));
	EXPECT_EQ(4, write(pipes[1], "evil", 4));
	EXPECT_EQ(14, read(pipes[0], data, 64));
	EXPECT_TRUE(all_bytes(data, CONTENT, 10));
	EXPECT_EQ(0, memcmp(data + 10, "evil", 4));
}

TEST_F(memory, madvise)
{
	int advice;

	for (advice = 0; advice < 110; advice++) {
		/* These two take real memory of the machine out of use. */
		if (advice == 100 || advice == 101)
			continue;
		madvise(self->at, PAGES * PAGE, advice);
	}
	madvise(self->at, PAGES * PAGE, 103 /* MADV_GUARD_REMOVE */);
	EXPECT_NE(0, madvise(self->at, PAGE, MADV_REMOVE));
	EXPECT_NE(0, madvise(self->at, PAGE, MADV_POPULATE_WRITE));
	EXPECT_EQ(0, probe_read(self->at));
}

TEST_F(memory, userfaultfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (long)self->at, .len = PAGES * PAGE },
	};
	struct uffdio_copy copy = {
		.dst = (long)self->at, .src = (long)anon_pages(1, PROT_READ | PROT_WRITE),
		.len = PAGE,
	};
	struct uffdio_zeropage zero = { .range = { (long)self->at, PAGE } };
	struct uffdio_writeprotect unprotect = { .range = { (long)self->at, PAGE } };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	int mode;

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd");
	for (mode = 1; mode < 8; mode++) {
		range.mode = mode;
		if (ioctl(uffd, UFFDIO_REGISTER, &range))
			continue;
		EXPECT_NE(0, ioctl(uffd, UFFDIO_COPY, &copy));
		EXPECT_NE(0, ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
		ioctl(uffd, UFFDIO_WRITEPROTECT, &unprotect);
		EXPECT_NE(0, mprotect(self->at, PAGE, PROT_READ | PROT_WRITE));
		ioctl(uffd, UFFDIO_UNREGISTER, &range.range);
	}
	close(uffd);
}

TEST_F(memory, personality)
{
	char line[256];
	void *at;

	/* For old programs, what is readable shall be executable. */
	ASSERT_NE(-1, personality(READ_IMPLIES_EXEC));
	at = map_shared(self->reader, PAGE, PROT_READ);
	if (at != MAP_FAILED) {
		ASSERT_TRUE(maps_line(at, line, sizeof(line)));
		EXPECT_NE(NULL, strstr(line, "r--s"));
	}
	mprotect(self->at, PAGE, PROT_READ);
	ASSERT_TRUE(maps_line(self->at, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "r--s"));
}

TEST_F(memory, clear_refs)
{
	int file = open("/proc/self/clear_refs", O_WRONLY);
	const char *what;

	ASSERT_LE(0, file);
	for (what = "12345"; *what; what++)
		EXPECT_EQ(1, pwrite(file, what, 1, 0));
	EXPECT_EQ(SIGSEGV, probe_write(self->at, 0x66));
}

/* A private mapping is a copy-on-write view: stores stay with the process. */
TEST_F(memory, private_view)
{
	unsigned char *view = map_private(self->reader, PAGES * PAGE, PROT_READ | PROT_WRITE);
	unsigned char *late = map_private(self->reader, PAGES * PAGE, PROT_READ);
	unsigned char byte = 0x77;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_NE(MAP_FAILED, late);
	EXPECT_TRUE(all_bytes(view, CONTENT, PAGES * PAGE));
	EXPECT_EQ(0, probe_write(view, 0x66));
	EXPECT_EQ(0x66, view[0]);
	EXPECT_EQ(CONTENT, view[1]);
	EXPECT_EQ(CONTENT, self->at[0]);
	EXPECT_EQ(0, mprotect(late, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, probe_write(late + 1, 0x66));
	/* Execution is a right too, and no private copy gives it. */
	EXPECT_NE(0, mprotect(view, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(MAP_FAILED, map_private(self->reader, PAGE, PROT_READ | PROT_EXEC));
	/* A page that was not written shows what the VMO shows. */
	EXPECT_EQ(ZX_OK, vmo_write(self->all, &byte, PAGE, 1));
	EXPECT_EQ(byte, view[PAGE]);
	byte = CONTENT;
	EXPECT_EQ(ZX_OK, vmo_write(self->all, &byte, PAGE, 1));
	EXPECT_EQ(PAGES * PAGE, vmo_info(self->all).committed_bytes);
}

static int attack_in_child(void *arg)
{
	unsigned char *at = arg;

	HOLDS(*at == CONTENT);
	HOLDS(mprotect(at, PAGE, PROT_READ | PROT_WRITE) && errno == EACCES);
	HOLDS(probe_write(at, 0x66) == SIGSEGV);
	HOLDS(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	return 0;
}

TEST_F(memory, fork)
{
	EXPECT_EQ(0, in_child(attack_in_child, self->at));
}

TEST_F(memory, racing_mprotect_and_resize)
{
	pid_t pid = fork();
	int i;

	if (!pid) {
		for (;;) {
			mprotect(self->at, PAGES * PAGE, PROT_NONE);
			mprotect(self->at, PAGES * PAGE, PROT_READ | PROT_WRITE);
			mprotect(self->at, PAGES * PAGE, PROT_READ);
			if (!probe_write(self->at + PAGE, 0x66))
				_exit(1);
		}
	}
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(ZX_OK, vmo_set_size(self->all, PAGE));
		EXPECT_EQ(ZX_OK, vmo_set_size(self->all, PAGES * PAGE));
		ASSERT_TRUE(vmo_holds(self->all, 0, PAGE, PAGE));
	}
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, end_child(pid));
	EXPECT_EQ(ZX_OK, vmo_fill(self->all, CONTENT, PAGES));
}

TEST_HARNESS_MAIN
