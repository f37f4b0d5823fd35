// SPDX-License-Identifier: GPL-2.0
/*
 * A VMO's pages where the kernel pins or reaches them: direct I/O to a block
 * device, io_uring, vmsplice, another process's memory, ptrace, KVM.
 */
#include <liburing.h>
#include <linux/kvm.h>
#include <linux/loop.h>
#include <sys/ptrace.h>

#include "zxvmo_test.h"

#define PAGES	8
#define SIZE	(PAGES * PAGE)

struct view {
	int fd;
	unsigned char *at;
};

static struct view make_view(__u32 flags)
{
	struct view view = { .fd = vmo_create_flags(SIZE, ZX_VMO_RESIZABLE, flags) };

	view.at = map_shared(view.fd, SIZE, PROT_READ | PROT_WRITE);
	if (view.at == MAP_FAILED)
		view.fd = -1;
	return view;
}

#define VIEW(name)							\
	struct view name = make_view(0);				\
	ASSERT_LE(0, name.fd)

/* A block device in memory, opened for direct I/O; -1 if there can be none. */
static int direct_device(void)
{
	struct loop_config config = { .block_size = 512 };
	int control, loop, number;
	char path[32];

	config.fd = memfd_create("disk", 0);
	if (ftruncate(config.fd, 1 << 20) || system("modprobe -q loop"))
		return -1;
	control = open("/dev/loop-control", O_RDWR);
	number = ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	loop = open(path, O_RDWR);
	if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config))
		return -1;
	return open(path, O_RDWR | O_DIRECT);
}

/* Pinned pages keep their attribute; and pages with another one are not pinned for long. */
TEST(cache_policies_and_pins)
{
	struct view view = make_view(ZXVMO_CREATE_PINNABLE);
	struct io_uring ring;
	struct iovec iov = { .iov_base = view.at, .iov_len = SIZE };
	int disk = direct_device();

	ASSERT_LE(0, view.fd);
	if (io_uring_queue_init(4, &ring, 0))
		SKIP(return, "no io_uring");
	memset(view.at, 0x5a, PAGE);
	ASSERT_EQ(0, io_uring_register_buffers(&ring, &iov, 1));
	munmap(view.at, SIZE);
	EXPECT_EQ(0, vmo_info(view.fd).num_mappings);
	EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_set_cache_policy(view.fd, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_set_cache_policy(view.fd, ZX_CACHE_POLICY_CACHED));
	ASSERT_EQ(0, io_uring_unregister_buffers(&ring));
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(view.fd, ZX_CACHE_POLICY_UNCACHED));
	view.at = map_shared(view.fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, view.at);
	iov.iov_base = view.at;
	EXPECT_GT(0, io_uring_register_buffers(&ring, &iov, 1));
	/* I/O with them works as with others. */
	if (disk >= 0) {
		EXPECT_EQ(2 * PAGE, pwrite(disk, view.at, 2 * PAGE, 0));
		EXPECT_EQ(2 * PAGE, pread(disk, view.at + PAGE, 2 * PAGE, 0));
		EXPECT_TRUE(all_bytes(view.at, 0x5a, 2 * PAGE));
		EXPECT_TRUE(all_bytes(view.at + 2 * PAGE, 0, PAGE));
	}
	munmap(view.at, SIZE);
	EXPECT_EQ(ZX_OK, vmo_set_cache_policy(view.fd, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(vmo_holds(view.fd, 0x5a, disk >= 0 ? PAGE : 0, PAGE));
	io_uring_queue_exit(&ring);
}

TEST(direct_io)
{
	int disk = direct_device();

	VIEW(view);
	if (disk < 0)
		SKIP(return, "no loop device to do direct I/O with");
	memset(view.at, 0x5a, 2 * PAGE);
	/* From pages that exist and pages that do not. */
	ASSERT_EQ(4 * PAGE, pwrite(disk, view.at, 4 * PAGE, 0));
	EXPECT_EQ(2 * PAGE, vmo_info(view.fd).committed_bytes);
	/* Into pages that exist and pages that do not. */
	ASSERT_EQ(2 * PAGE, pread(disk, view.at + PAGE, 2 * PAGE, 0));
	EXPECT_TRUE(all_bytes(view.at + PAGE, 0x5a, 2 * PAGE));
	EXPECT_TRUE(vmo_holds(view.fd, 0x5a, 2 * PAGE, PAGE));
	ASSERT_EQ(PAGE, pread(disk, view.at, PAGE, 3 * PAGE));
	EXPECT_TRUE(vmo_holds(view.fd, 0, 0, PAGE));
	/* A device writes neither to what is read-only nor beyond the end. */
	mprotect(view.at, PAGE, PROT_READ);
	EXPECT_EQ(-1, pread(disk, view.at, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(PAGE, pwrite(disk, view.at, PAGE, 0));
	EXPECT_EQ(ZX_OK, vmo_set_size(view.fd, PAGE));
	EXPECT_EQ(-1, pread(disk, view.at + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	/* A read-only handle's mapping can be written from, not read into. */
	view.at = map_shared(vmo_duplicate(view.fd, READER_RIGHTS), PAGE, PROT_READ);
	EXPECT_EQ(PAGE, pwrite(disk, view.at, PAGE, 8 * PAGE));
	EXPECT_EQ(-1, pread(disk, view.at, PAGE, 0));
}

TEST(direct_io_of_a_private_view)
{
	int disk = direct_device();
	unsigned char *private;

	VIEW(view);
	if (disk < 0)
		SKIP(return, "no loop device to do direct I/O with");
	memset(view.at, 0x11, SIZE);
	private = map_private(view.fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, private);
	ASSERT_EQ(PAGE, pwrite(disk, private, PAGE, 0));
	ASSERT_EQ(PAGE, pread(disk, private + PAGE, PAGE, 64 * PAGE));
	EXPECT_TRUE(all_bytes(private + PAGE, 0, PAGE));
	EXPECT_TRUE(vmo_holds(view.fd, 0x11, PAGE, PAGE));
}

/* Carry out the one operation that was prepared. */
static int transfer(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int res;

	if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &cqe))
		return -1;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

TEST(io_uring_reads_and_writes)
{
	int file = memfd_create("x", 0);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	char data[8] = "content";

	VIEW(view);
	if (io_uring_queue_init(4, &ring, 0))
		SKIP(return, "no io_uring");
	ASSERT_EQ(8, write(file, data, 8));
	/* With the VMO's memory as the buffer. */
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, file, view.at + PAGE, 8, 0);
	EXPECT_EQ(8, transfer(&ring));
	EXPECT_EQ(0, memcmp(view.at + PAGE, data, 8));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, file, view.at + PAGE, 8, 100);
	sqe->flags |= IOSQE_ASYNC;
	EXPECT_EQ(8, transfer(&ring));
	/* With the handle as the file. */
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, view.fd, data, 8, 3 * PAGE - 4);
	EXPECT_EQ(8, transfer(&ring));
	EXPECT_EQ(0, memcmp(view.at + 3 * PAGE - 4, data, 8));
	memset(data, 0, 8);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, view.fd, data, 8, 3 * PAGE - 4);
	sqe->flags |= IOSQE_ASYNC;
	EXPECT_EQ(8, transfer(&ring));
	EXPECT_STREQ("content", data);
	/* Waiting for the VMO's signals. */
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, view.fd, POLLPRI);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(ZX_OK, vmo_signal(view.fd, 0, ZX_USER_SIGNAL_0));
	ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
	EXPECT_EQ(POLLPRI, cqe->res);
	io_uring_queue_exit(&ring);
}

/* Pins for as long as the ring likes are for VMOs that were made for them. */
TEST(io_uring_fixed_buffers)
{
	struct view view = make_view(ZXVMO_CREATE_PINNABLE), plain = make_view(0);
	int file = memfd_create("x", 0);
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct iovec iov;

	ASSERT_LE(0, view.fd);
	ASSERT_LE(0, plain.fd);
	if (io_uring_queue_init(4, &ring, 0))
		SKIP(return, "no io_uring");
	ASSERT_EQ(4, write(file, "data", 4));
	iov.iov_base = plain.at;
	iov.iov_len = SIZE;
	EXPECT_EQ(-EFAULT, io_uring_register_buffers(&ring, &iov, 1));
	iov.iov_base = view.at;
	ASSERT_EQ(0, io_uring_register_buffers(&ring, &iov, 1));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read_fixed(sqe, file, view.at + PAGE, 4, 0, 0);
	EXPECT_EQ(4, transfer(&ring));
	EXPECT_EQ(0, memcmp(view.at + PAGE, "data", 4));
	EXPECT_TRUE(vmo_holds(view.fd, 't', PAGE + 2, 1));
	/* The pages stay what the ring has, whatever becomes of the rest. */
	munmap(view.at, SIZE);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read_fixed(sqe, file, view.at + 2 * PAGE, 4, 0, 0);
	EXPECT_EQ(4, transfer(&ring));
	EXPECT_TRUE(vmo_holds(view.fd, 't', 2 * PAGE + 2, 1));
	close(view.fd);
	io_uring_queue_exit(&ring);
}

TEST(pinnable_pages_are_owned_when_touched)
{
	struct view view = make_view(ZXVMO_CREATE_PINNABLE);
	unsigned char *at;

	ASSERT_LE(0, view.fd);
	/* A read-only mapping shows the page of zeros, and commits nothing. */
	at = map_shared(view.fd, SIZE, PROT_READ);
	EXPECT_TRUE(all_bytes(at, 0, SIZE));
	EXPECT_EQ(0, vmo_info(view.fd).committed_bytes);
	/* Made writable, it must not write to the page of zeros. */
	ASSERT_EQ(0, mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	at[PAGE] = 0x5b;
	EXPECT_TRUE(vmo_holds(view.fd, 0x5b, PAGE, 1));
	EXPECT_EQ(PAGE, vmo_info(view.fd).committed_bytes);
	EXPECT_TRUE(vmo_holds(view.fd, 0, 0, PAGE));
	EXPECT_TRUE(vmo_holds(view.fd, 0, 2 * PAGE, PAGE));
	EXPECT_EQ(0, at[2 * PAGE + 1]);
	/* Reading through a writable mapping takes a page, as documented. */
	EXPECT_EQ(2 * PAGE, vmo_info(view.fd).committed_bytes);
	EXPECT_TRUE(all_bytes(anon_pages(1, PROT_READ), 0, PAGE));
}

TEST(vmsplice_outlives_everything)
{
	unsigned char data[2 * PAGE];
	struct iovec iov;
	int pipes[2];

	VIEW(view);
	ASSERT_EQ(0, pipe(pipes));
	memset(view.at, 0x42, PAGE);
	iov.iov_base = view.at;
	iov.iov_len = 2 * PAGE;
	ASSERT_EQ(2 * PAGE, vmsplice(pipes[1], &iov, 1, 0));
	munmap(view.at, SIZE);
	close(view.fd);
	ASSERT_EQ(2 * PAGE, read(pipes[0], data, sizeof(data)));
	EXPECT_TRUE(all_bytes(data, 0x42, PAGE));
	EXPECT_TRUE(all_bytes(data + PAGE, 0, PAGE));
}

TEST(vmsplice_into_a_vmo)
{
	struct iovec iov;
	int pipes[2];

	VIEW(view);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(5, write(pipes[1], "hello", 5));
	iov.iov_base = view.at + PAGE - 2;
	iov.iov_len = 5;
	EXPECT_EQ(5, vmsplice(pipes[0], &iov, 1, 0));
	EXPECT_TRUE(vmo_holds(view.fd, 'o', PAGE + 2, 1));
}

static int reach_into_parent(void *arg)
{
	struct view *view = arg;
	char data[5];
	struct iovec local = { data, 5 }, remote = { view->at + PAGE - 2, 5 };

	/* Through memory of the parent's that was not there at the fork. */
	HOLDS(process_vm_readv(getppid(), &local, 1, &remote, 1, 0) == 5);
	HOLDS(!memcmp(data, "\0\0abc", 5));
	memcpy(data, "CHILD", 5);
	HOLDS(process_vm_writev(getppid(), &local, 1, &remote, 1, 0) == 5);
	/* What lies past the end is cut off. */
	remote.iov_base = view->at + SIZE - 2;
	HOLDS(process_vm_readv(getppid(), &local, 1, &remote, 1, 0) == 2);
	return 0;
}

TEST(memory_of_another_process)
{
	VIEW(view);
	munmap(view.at, SIZE);
	view.at = map_shared(view.fd, SIZE + PAGE, PROT_READ | PROT_WRITE);
	memcpy(view.at + PAGE, "abc", 3);
	EXPECT_EQ(0, in_child(reach_into_parent, &view));
	EXPECT_EQ(0, memcmp(view.at + PAGE - 2, "CHILD", 5));
	EXPECT_TRUE(vmo_holds(view.fd, 'C', PAGE - 2, 1));
}

static int stop_for_tracer(void *unused __always_unused)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	return 0;
}

TEST(ptrace_reaches_a_shared_mapping)
{
	char path[32], byte = 0;
	int status, mem;
	pid_t pid;

	VIEW(view);
	view.at[PAGE] = 0x21;
	pid = start_child(stop_for_tracer, NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	EXPECT_EQ(0x21, ptrace(PTRACE_PEEKDATA, pid, view.at + PAGE, NULL));
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, view.at + PAGE, 0x4847));
	EXPECT_EQ(0x47, view.at[PAGE]);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	EXPECT_EQ(1, pread(mem, &byte, 1, (long)view.at + PAGE + 1));
	EXPECT_EQ(0x48, byte);
	EXPECT_EQ(1, pwrite(mem, "z", 1, (long)view.at + 3 * PAGE));
	EXPECT_TRUE(vmo_holds(view.fd, 'z', 3 * PAGE, 1));
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	EXPECT_EQ(0, end_child(pid));
}

TEST(buffer_that_passes_the_end)
{
	int zero = open("/dev/zero", O_RDONLY), file = memfd_create("x", 0), other;

	VIEW(view);
	EXPECT_EQ(ZX_OK, vmo_set_size(view.fd, PAGE));
	memset(view.at, 1, PAGE);
	/* As much as there is, and then an error instead of a signal. */
	EXPECT_EQ(10, write(file, view.at + PAGE - 10, 20));
	EXPECT_EQ(-1, write(file, view.at + PAGE, 20));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(10, read(zero, view.at + PAGE - 10, 20));
	EXPECT_EQ(-1, read(zero, view.at + PAGE, 20));
	EXPECT_EQ(EFAULT, errno);
	/* So with another VMO at the other end of the call. */
	other = vmo_create(SIZE, 0);
	EXPECT_EQ(ZX_OK, vmo_fill(other, 2, 1));
	EXPECT_NE(ZX_OK, vmo_read(other, view.at + PAGE - 10, 0, 20));
	EXPECT_NE(ZX_OK, vmo_write(other, view.at + PAGE - 10, 0, 20));
	EXPECT_EQ(-1, pread(other, view.at + PAGE, 20, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_LT(0, pwrite(other, view.at + PAGE - 10, 20, 0));
}

/* A virtual machine of real mode whose memory is the VMO: it writes and stops. */
TEST(kvm_memory_slot)
{
	static const unsigned char code[] = {
		0xa0, 0x00, 0x20,	/* mov al, [0x2000] */
		0x04, 0x01,		/* add al, 1 */
		0xa2, 0x00, 0x30,	/* mov [0x3000], al */
		0xf4,			/* hlt */
	};
	struct kvm_userspace_memory_region slot = { .memory_size = SIZE };
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int kvm, vm, vcpu, size;

	VIEW(view);
	/* Only where it can work: the modules complain if it cannot. */
	if (system("grep -qw vmx /proc/cpuinfo && modprobe -q kvm_intel") &&
	    system("grep -qw svm /proc/cpuinfo && modprobe -q kvm_amd"))
		SKIP(return, "the processor has no virtualisation");
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		SKIP(return, "no working /dev/kvm");
	memcpy(view.at + 0x1000, code, sizeof(code));
	view.at[0x2000] = 0x41;
	slot.userspace_addr = (long)view.at;
	ASSERT_EQ(0, ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ASSERT_NE(MAP_FAILED, run);
	ASSERT_EQ(0, ioctl(vcpu, KVM_GET_SREGS, &sregs));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	ASSERT_EQ(0, ioctl(vcpu, KVM_SET_SREGS, &sregs));
	ASSERT_EQ(0, ioctl(vcpu, KVM_SET_REGS, &regs));
	ASSERT_EQ(0, ioctl(vcpu, KVM_RUN, 0));
	if (run->exit_reason != KVM_EXIT_HLT)
		SKIP(return, "KVM does not run guests here (exit %u)", run->exit_reason);
	EXPECT_EQ(0x42, view.at[0x3000]);
	EXPECT_TRUE(vmo_holds(view.fd, 0x42, 0x3000, 1));
}

TEST_HARNESS_MAIN
