// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts of a user without privilege to have the kernel write for them: it
 * stores words, frames and results at addresses that a process once named, some of
 * them when nobody looks at the result any more. Here they are in a mapping
 * that may only be read.
 */
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "attack_test.h"

FIXTURE(words) {
	struct victim victim;
};

FIXTURE_VARIANT(words) {
	__u32 flags;
};

FIXTURE_VARIANT_ADD(words, trapped)
{
};

/* Such mappings have no trap for stores, and rings could pin their pages. */
FIXTURE_VARIANT_ADD(words, pinnable)
{
	.flags = ZXVMO_CREATE_PINNABLE,
};

FIXTURE_SETUP(words)
{
	ASSERT_TRUE(victim_make(&self->victim, 0, variant->flags));
}

/* Whatever the attacker did: nothing has changed. */
FIXTURE_TEARDOWN(words)
{
	EXPECT_TRUE(victim_is_unharmed(&self->victim, PAGES - 1));
}

/* Results of calls, of which some are looked at by nobody. */
static int by_results(void *argument)
{
	const struct victim *self = argument;
	void *at = self->at;
	unsigned char zeros[16] = { };
	struct iovec local = { at, sizeof(zeros) }, remote = { zeros, sizeof(zeros) };

	HOLDS(!become_attacker(self));
	HOLDS(uname(at) && errno == EFAULT);
	HOLDS(syscall(SYS_getrandom, at, 16, 0) < 0 && errno == EFAULT);
	HOLDS(syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, at) && errno == EFAULT);
	HOLDS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, at, 8) && errno == EFAULT);
	HOLDS(syscall(SYS_sigaltstack, NULL, at) && errno == EFAULT);
	HOLDS(syscall(SYS_getcwd, at, PAGE) < 0 && errno == EFAULT);
	HOLDS(syscall(SYS_mincore, at, PAGE, at) && errno == EFAULT);
	HOLDS(prctl(PR_GET_PDEATHSIG, at) && errno == EFAULT);
	HOLDS(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0 && errno == EFAULT);
	HOLDS(syscall(SYS_pidfd_getfd, at, 0, 0) < 0);
	return 0;
}

/* What the kernel stores when threads begin and end. */
static int by_threads(void *argument)
{
	const struct victim *self = argument;
	pid_t *word = (pid_t *)self->at;
	pid_t pid;

	HOLDS(!become_attacker(self));
	/* Raw: what the flags mean is all that is wanted of it. */
	pid = syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL,
		      word + 1, 0);
	if (!pid)
		_exit(0);
	HOLDS(pid < 0 || !end_child(pid));
	pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, NULL, word, NULL, 0);
	if (!pid)
		_exit(0);
	HOLDS(pid < 0 || !end_child(pid));
	pid = fork();
	if (!pid) {
		syscall(SYS_set_tid_address, word);
		_exit(0);
	}
	HOLDS(!end_child(pid));
	return 0;
}

/* A lock that its owner leaves behind is marked by the kernel. */
static int by_robust_list(void *argument)
{
	const struct victim *self = argument;
	pid_t *word = (pid_t *)(self->at + (PAGES - 1) * PAGE), own = getpid();
	static struct robust_list_head head;

	/* The owner was so kind as to write the number of the process there. */
	HOLDS(!vmo_write(self->all, &own, (PAGES - 1) * PAGE, sizeof(own)));
	HOLDS(*word == own);
	HOLDS(!become_attacker(self));
	/* That thread has taken the lock, and was about to enter it into the list. */
	head.list.next = &head.list;
	head.futex_offset = 0;
	head.list_op_pending = (struct robust_list *)word;
	HOLDS(!syscall(SYS_set_robust_list, &head, sizeof(head)));
	return 0;
}

/* A restartable sequence has its processor stored at each return from the kernel. */
static int by_sequence(void *argument)
{
	const struct victim *self = argument;
	pid_t pid;

	HOLDS(!become_attacker(self));
	/* The C library's own is not that of a process which only borrows the memory. */
	pid = vfork();
	if (!pid) {
		syscall(SYS_rseq, self->at, 32, 0, 0x12345678);
		sched_yield();
		_exit(0);
	}
	return end_child(pid);
}

static void nothing(int number __always_unused)
{
}

/* A frame on the stack of a signal. */
static int by_signal(void *argument)
{
	const struct victim *self = argument;
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = self->at, .ss_size = (PAGES - 1) * PAGE };

	HOLDS(!become_attacker(self));
	HOLDS(!sigaltstack(&stack, NULL));
	HOLDS(!sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	return 0;
}

static int by_futex(void *argument)
{
	const struct victim *self = argument;
	const int private[] = { 0, FUTEX_PRIVATE_FLAG };
	void *at = self->at;
	int other = 0;
	size_t i;

	HOLDS(!become_attacker(self));
	for (i = 0; i < ARRAY_SIZE(private); i++) {
		HOLDS(syscall(SYS_futex, &other, FUTEX_WAKE_OP | private[i], 1, 1, at,
			      FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)));
		HOLDS(syscall(SYS_futex, at, FUTEX_LOCK_PI | private[i], 0, NULL));
		HOLDS(syscall(SYS_futex, at, FUTEX_TRYLOCK_PI | private[i], 0, NULL));
		HOLDS(syscall(SYS_futex, at, FUTEX_UNLOCK_PI | private[i], 0, NULL));
	}
	return 0;
}

/* Old asynchronous I/O: the result comes later. */
static int by_aio(void *argument)
{
	const struct victim *self = argument;
	struct iocb block = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (long)self->at, .aio_nbytes = PAGE,
	}, *blocks[] = { &block };
	struct io_event event = { };
	aio_context_t context = 0;

	HOLDS(!become_attacker(self));
	block.aio_fildes = open("/dev/zero", O_RDONLY);
	HOLDS(syscall(SYS_io_setup, 4, self->at));
	if (syscall(SYS_io_setup, 4, &context))
		return 0;
	if (syscall(SYS_io_submit, context, 1, blocks) == 1) {
		HOLDS(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
		HOLDS((long)event.res <= 0);
	}
	block.aio_fildes = self->reader;
	block.aio_offset = PAGE;
	if (syscall(SYS_io_submit, context, 1, blocks) == 1) {
		HOLDS(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
		HOLDS((long)event.res <= 0);
	}
	block.aio_lio_opcode = IOCB_CMD_PWRITE;
	if (syscall(SYS_io_submit, context, 1, blocks) == 1) {
		HOLDS(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
		HOLDS((long)event.res <= 0);
	}
	return 0;
}

/* Rings that the kernel writes to, in memory of the process's choice. */
static int by_rings(void *argument)
{
	const struct victim *self = argument;
	struct io_uring_params params = { .flags = 1U << 14 /* IORING_SETUP_NO_MMAP */ };
	struct io_uring_buf_reg buffers = { .ring_addr = (long)self->at, .ring_entries = 4 };
	int ring;

	HOLDS(!become_attacker(self));
	params.cq_off.user_addr = (long)self->at;
	params.sq_off.user_addr = (long)self->at + PAGE;
	HOLDS(syscall(SYS_io_uring_setup, 4, &params) < 0);
	params = (struct io_uring_params){ };
	ring = syscall(SYS_io_uring_setup, 4, &params);
	if (ring < 0)
		return 0;
	HOLDS(syscall(SYS_io_uring_register, ring, IORING_REGISTER_PBUF_RING, &buffers, 1));
	return 0;
}

/* What else of userfaultfd puts pages in their places. */
static int by_userfaultfd(void *argument)
{
	const struct victim *self = argument;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (long)self->at, LENGTH } };
	unsigned char *own = anon_pages(1, PROT_READ | PROT_WRITE);
	/* dst, src, len, mode, result; and start, len, mode, result */
	__s64 move[] = { (long)self->at, (long)own, PAGE, 0, 0 };
	__s64 back[] = { (long)own, (long)self->at, PAGE, 0, 0 };
	__s64 in_place[] = { (long)self->at, PAGE, 0, 0 };
	int uffd;

	HOLDS(!become_attacker(self));
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		return 0;
	*own = 0x66;
	for (range.mode = 1; range.mode < 8; range.mode++) {
		ioctl(uffd, UFFDIO_REGISTER, &range);
		HOLDS(ioctl(uffd, _IOC(3, 0xaa, 0x05, 40) /* UFFDIO_MOVE */, move));
		HOLDS(ioctl(uffd, _IOC(3, 0xaa, 0x05, 40), back));
		HOLDS(ioctl(uffd, _IOC(3, 0xaa, 0x07, 32) /* UFFDIO_CONTINUE */, in_place));
		HOLDS(ioctl(uffd, _IOC(3, 0xaa, 0x08, 32) /* UFFDIO_POISON */, in_place));
		ioctl(uffd, UFFDIO_UNREGISTER, &range.range);
	}
	HOLDS(*own == 0x66);
	return 0;
}

/* Where the pages are is nobody's business, nor is marking them. */
static int by_pagemap(void *argument)
{
	const struct victim *self = argument;
	/* struct pm_scan_arg, of newer headers */
	__u64 scan[] = {
		96, 1 | 2 /* write-protect what matches */, (long)self->at,
		(long)self->at + LENGTH, 0, (long)self->at, 4, 0, 0, 0, 0, 0xff,
	};
	__u64 entry = 0;
	int map;

	HOLDS(!become_attacker(self));
	HOLDS(*self->at == CONTENT);
	map = open("/proc/self/pagemap", O_RDONLY);
	HOLDS(map >= 0);
	HOLDS(pread(map, &entry, 8, (long)self->at / PAGE * 8) == 8);
	HOLDS(!(entry & ((1ULL << 55) - 1)));
	/* The result would be written to the mapping, too. */
	HOLDS(ioctl(map, _IOC(3, 'f', 16, 96), scan) < 0);
	HOLDS(pread(map, self->at, 8, 0) < 0);
	return 0;
}

TEST_F(words, by_results)
{
	EXPECT_EQ(0, in_child(by_results, &self->victim));
}

TEST_F(words, by_threads)
{
	EXPECT_EQ(0, in_child(by_threads, &self->victim));
}

TEST_F(words, by_robust_list)
{
	pid_t pid = start_child(by_robust_list, &self->victim), word = 0;

	EXPECT_EQ(0, end_child(pid));
	EXPECT_EQ(ZX_OK, vmo_read(self->victim.all, &word, (PAGES - 1) * PAGE, sizeof(word)));
	EXPECT_EQ(pid, word);
}

TEST_F(words, by_sequence)
{
	int status = in_child(by_sequence, &self->victim);

	/* Either it is not taken, or its first use ends the process. */
	EXPECT_TRUE(status == 0 || status == 128 + SIGSEGV) TH_LOG("status %d", status);
}

TEST_F(words, by_signal)
{
	EXPECT_EQ(128 + SIGSEGV, in_child(by_signal, &self->victim));
}

TEST_F(words, by_futex)
{
	EXPECT_EQ(0, in_child(by_futex, &self->victim));
}

TEST_F(words, by_aio)
{
	EXPECT_EQ(0, in_child(by_aio, &self->victim));
}

TEST_F(words, by_rings)
{
	EXPECT_EQ(0, in_child(by_rings, &self->victim));
}

TEST_F(words, by_userfaultfd)
{
	EXPECT_EQ(0, in_child(by_userfaultfd, &self->victim));
}

TEST_F(words, by_pagemap)
{
	EXPECT_EQ(0, in_child(by_pagemap, &self->victim));
}

TEST_HARNESS_MAIN
