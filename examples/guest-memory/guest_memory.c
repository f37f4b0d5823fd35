// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a virtual machine is a VMO, and a snapshot is taken of it while
 * the machine runs.
 *
 * The guest is a few bytes of real-mode code, which counts up in two pages: the
 * first page is always as far as the second or one ahead. A snapshot of one
 * moment shows that; a copy made page by page does not have to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zxvmo.h>

#define GUEST_MEMORY	(1UL << 20)
#define CODE		0x1000UL
#define FIRST		0x2000UL
#define SECOND		0x9000UL
#define SKIP		77
#define SNAPSHOTS	50

/*
 * 32-bit counters: inc dword [FIRST]; inc dword [SECOND]; jmp back. The
 * operand size prefix is what makes them 32 bits wide.
 */
static const uint8_t program[] = {
	0x66, 0xff, 0x06, FIRST & 0xff, FIRST >> 8,
	0x66, 0xff, 0x06, SECOND & 0xff, SECOND >> 8,
	0xeb, 0xf4,
};

static volatile int stopping;
static int vcpu;
static struct kvm_run *state;

static void stop(const char *what)
{
	fprintf(stderr, "guest-memory: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void skip(const char *why)
{
	printf("guest-memory: skipped: %s: %s\n", why, strerror(errno));
	exit(SKIP);
}

static void nothing(int number)
{
	(void)number;
}

static void *run(void *unused)
{
	(void)unused;
	while (!stopping) {
		if (ioctl(vcpu, KVM_RUN, 0) && errno != EINTR && errno != EAGAIN)
			stop("KVM_RUN");
		if (state->exit_reason != KVM_EXIT_INTR && state->exit_reason != KVM_EXIT_UNKNOWN) {
			errno = 0;
			fprintf(stderr, "guest-memory: the guest stopped: exit reason %u\n",
				state->exit_reason);
			exit(EXIT_FAILURE);
		}
	}
	return NULL;
}

/* A machine with one processor, whose memory is at that address. */
static void make_machine(void *memory)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY,
		.userspace_addr = (uintptr_t)memory,
	};
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), machine, size;

	if (kvm < 0)
		skip("/dev/kvm cannot be opened");
	machine = ioctl(kvm, KVM_CREATE_VM, 0);
	if (machine < 0)
		skip("KVM makes no machine");
	if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region))
		stop("KVM does not take the VMO as memory");
	vcpu = ioctl(machine, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vcpu < 0 || size < 0)
		stop("no processor");
	state = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (state == MAP_FAILED || ioctl(vcpu, KVM_GET_SREGS, &sregs))
		stop("no processor");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs))
		stop("the processor takes no registers");
}

static uint32_t counter(int handle, unsigned long at)
{
	uint32_t value;

	if (pread(handle, &value, sizeof(value), at) != sizeof(value))
		stop("the VMO cannot be read");
	return value;
}

static void wait_for_progress(const char *memory)
{
	const volatile uint32_t *first = (const volatile uint32_t *)(memory + FIRST);
	uint32_t now = *first;
	struct timespec pause = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < 10000 && *first == now; i++)
		nanosleep(&pause, NULL);
	if (*first == now)
		skip("the guest does not run here (KVM is there and does not work)");
}

int main(void)
{
	struct zxvmo_create create = { .size = GUEST_MEMORY };
	struct sigaction action = { .sa_handler = nothing };
	int device, i, bad = 0, torn = 0;
	pthread_t thread;
	char *memory;

	device = open(ZXVMO_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	if (device < 0 || ioctl(device, ZXVMO_IOC_CREATE, &create))
		stop("no VMO");
	memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, create.handle, 0);
	if (memory == MAP_FAILED)
		stop("the VMO cannot be mapped");
	memcpy(memory + CODE, program, sizeof(program));
	make_machine(memory);
	sigaction(SIGUSR1, &action, NULL);
	if (pthread_create(&thread, NULL, run, NULL))
		stop("no thread");

	for (i = 0; i < SNAPSHOTS; i++) {
		struct zxvmo_create_child child = {
			.options = ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE,
			.size = GUEST_MEMORY,
		};
		uint32_t ahead;

		wait_for_progress(memory);
		if (ioctl(create.handle, ZXVMO_IOC_CREATE_CHILD, &child))
			stop("no snapshot");
		ahead = counter(child.handle, FIRST) - counter(child.handle, SECOND);
		bad += ahead > 1;
		close(child.handle);
		/* The same, copied from a guest that runs on. */
		ahead = counter(create.handle, FIRST) - counter(create.handle, SECOND);
		torn += ahead > 1;
	}
	stopping = 1;
	state->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	printf("guest-memory: %d of %d snapshots of the running guest are of one moment; of %d copies, %d are not\n",
	       SNAPSHOTS - bad, SNAPSHOTS, SNAPSHOTS, torn);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
