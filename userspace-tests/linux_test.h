/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test program here needs of Linux: the kernel's selftest harness,
 * probes for memory that may fault, children whose findings count, passing of
 * descriptors, and a few files of /proc.
 */
#ifndef _LINUX_TEST_H
#define _LINUX_TEST_H

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "kselftest_harness.h"

/*
 * How many times slower than usual the machine is: a debug kernel in emulation
 * says more than 1. Time limits are multiplied with it, and what is
 * repeated to find a race is repeated less often: see fewer().
 */
static inline unsigned int slowness(void)
{
	const char *value = getenv("ZXVMO_SLOWNESS");
	int times = value ? atoi(value) : 1;

	return times > 0 ? times : 1;
}

/* Rounds of a test that takes its time, where fewer of them mean as much. */
static inline int fewer(int usual)
{
	int now = usual / (int)slowness();

	return now > 0 ? now : 1;
}

/* The harness stops what hangs: no matter of seconds where others use the machine. */
#define LEAST_TIME_LIMIT	100

static inline void set_time_limits(void)
{
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;

	for (fixture = __fixture_list; fixture; fixture = fixture->next)
		for (test = fixture->tests; test; test = test->next) {
			if (test->timeout < LEAST_TIME_LIMIT)
				test->timeout = LEAST_TIME_LIMIT;
			test->timeout *= slowness();
		}
}

#undef TEST_HARNESS_MAIN
#define TEST_HARNESS_MAIN						\
	int main(int argc, char **argv)					\
	{								\
		set_time_limits();					\
		return test_harness_run(argc, argv);			\
	}

#define PAGE	4096UL
#define NOBODY	65534

#ifndef __always_unused
#define __always_unused	__attribute__((__unused__))
#endif

/*
 * ASSERT_* only works in the process of the test itself. In a forked child a
 * body returns 0 if all held, and HOLDS() says on stderr what did not.
 */
#define HOLDS(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "# %s:%d: in child: not %s (%s)\n",	\
			__FILE__, __LINE__, #cond, strerror(errno));	\
		return 1;						\
	}								\
} while (0)

static inline pid_t start_child(int (*body)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (!pid) {
		/* A test that failed an assertion must not leave it behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(body(arg));
	}
	return pid;
}

/* The exit code, or 128 and the signal. */
static inline int end_child(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int in_child(int (*body)(void *arg), void *arg)
{
	return end_child(start_child(body, arg));
}

static sigjmp_buf probe_env;

static void probe_handler(int sig)
{
	siglongjmp(probe_env, sig);
}

/* Read (value < 0) or write a byte: 0, or the signal that it raised. */
static inline int probe(volatile unsigned char *at, int value)
{
	struct sigaction act = { .sa_handler = probe_handler };
	struct sigaction segv, bus;
	int sig;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	sig = sigsetjmp(probe_env, 1);
	if (!sig) {
		if (value < 0)
			(void)*at;
		else
			*at = value;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}

static inline int probe_read(const void *at)
{
	return probe((unsigned char *)at, -1);
}

static inline int probe_write(void *at, unsigned char value)
{
	return probe(at, value);
}

/* Whether all bytes are the given one. */
static inline bool all_bytes(const void *at, unsigned char byte, size_t len)
{
	const unsigned char *bytes = at;

	return !len || (bytes[0] == byte && !memcmp(bytes, bytes + 1, len - 1));
}

/* Pages that nobody else has, for buffers with edges; NULL on failure. */
static inline void *anon_pages(size_t pages, int prot)
{
	void *at = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/*
 * One accessible page followed by one that is not mapped at all; nor are the
 * next, so that later mappings have better places than the hole.
 */
static inline void *page_before_hole(void)
{
	char *at = anon_pages(256, PROT_READ | PROT_WRITE);

	if (at)
		munmap(at + PAGE, 255 * PAGE);
	return at;
}

static inline int become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY))
		return -1;
	return setresuid(NOBODY, NOBODY, NOBODY);
}

static inline int send_fd(int sock, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

static inline int recv_fd(int sock)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

/* One byte through a pipe or a socket, as an event between two processes. */
static inline int tell(int fd)
{
	return write(fd, "x", 1) == 1 ? 0 : -1;
}

static inline int hear(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1 ? 0 : -1;
}

/*
 * Find the line of a file that begins with key and copy what follows the key
 * and white space, without the newline. Returns false if there is none.
 */
static inline bool proc_value(const char *path, const char *key, char *value,
			      size_t size)
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char line[512];

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, size, "%s",
			 line + strlen(key) + strspn(line + strlen(key), " \t"));
		found = true;
	}
	fclose(file);
	return found;
}

static inline bool fdinfo_value(int fd, const char *key, char *value,
				size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return proc_value(path, key, value, size);
}

/* The line of /proc/self/maps of the mapping that begins at an address. */
static inline bool maps_line(const void *at, char *line, size_t size)
{
	char key[32];

	snprintf(key, sizeof(key), "%08lx-", (unsigned long)at);
	return proc_value("/proc/self/maps", key, line, size);
}

static inline unsigned int count_fds(void)
{
	unsigned int count = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/*
 * Wait until a thread sleeps in a system call that can wait for signals of a
 * VMO: the only way to know that a wait has begun.
 */
static inline bool wait_blocked(pid_t tid)
{
	char path[64], state[64], call[64];
	int tries;

	for (tries = 0; tries < 100000; tries++) {
		snprintf(path, sizeof(path), "/proc/%d/status", tid);
		if (!proc_value(path, "State:", state, sizeof(state)))
			return false;
		snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
		if (*state == 'S' && proc_value(path, "", call, sizeof(call)) &&
		    (atoi(call) == SYS_ioctl || atoi(call) == SYS_poll ||
		     atoi(call) == SYS_ppoll || atoi(call) == SYS_futex))
			return true;
		sched_yield();
	}
	return false;
}

/* Start a thread that first stores its number in *tid; return when it sleeps. */
static inline bool start_sleeper(pthread_t *thread, pid_t *tid, void *(*body)(void *arg),
				 void *arg)
{
	*tid = 0;
	if (pthread_create(thread, NULL, body, arg))
		return false;
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return wait_blocked(*tid);
}

#endif /* _LINUX_TEST_H */
