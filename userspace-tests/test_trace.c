// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints zxvmo:*: that each is there, tells what happened and to which
 * VMO, and is silent when it is off.
 */
#include <stdarg.h>

#include "zxvmo_test.h"

#define TRACING	"/sys/kernel/tracing"
#define EVENTS	TRACING "/events/zxvmo"
#define BUFFER	(64 << 10)

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Only what this process does counts: others may be at work. */
static bool listen_to(const char *event)
{
	char path[128], pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(path, sizeof(path), EVENTS "/%s/enable", event);
	return put(TRACING "/set_event_pid", pid) && put(TRACING "/trace", "") &&
	       put(path, "1");
}

/* How many lines of the trace have all that a line should have. */
static int heard(const char *format, ...)
{
	char *text = malloc(BUFFER), *line, *rest = text, wanted[256];
	FILE *file = fopen(TRACING "/trace", "re");
	size_t length;
	int count = 0;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(wanted, sizeof(wanted), format, arguments);
	va_end(arguments);
	if (!text || !file)
		return -1;
	length = fread(text, 1, BUFFER - 1, file);
	fclose(file);
	text[length] = '\0';
	while ((line = strsep(&rest, "\n")))
		count += *line != '#' && strstr(line, wanted);
	free(text);
	return count;
}

FIXTURE(trace) {
};

FIXTURE_SETUP(trace)
{
	if (access(TRACING "/trace", F_OK))
		SKIP(return, "no " TRACING ": tracefs is not mounted, or not in this kernel");
	if (access(EVENTS, F_OK))
		SKIP(return, "the kernel has no events (CONFIG_FTRACE), or did not take the module's");
}

FIXTURE_TEARDOWN(trace)
{
	put(EVENTS "/enable", "0");
	put(TRACING "/set_event_pid", "");
	put(TRACING "/trace", "");
}

TEST_F(trace, each_is_there)
{
	static const char * const events[] = {
		"create", "child", "destroy", "fault", "copy", "commit", "discard", "lock",
	};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		snprintf(path, sizeof(path), EVENTS "/zxvmo_%s/enable", events[i]);
		EXPECT_EQ(0, access(path, F_OK))
			TH_LOG("%s", path);
	}
}

TEST_F(trace, lives)
{
	__u64 koid, child_koid;
	int fd, child;

	ASSERT_TRUE(listen_to("zxvmo_create"));
	ASSERT_TRUE(listen_to("zxvmo_child"));
	ASSERT_TRUE(listen_to("zxvmo_destroy"));
	fd = vmo_create(5 * PAGE, ZX_VMO_RESIZABLE);
	koid = vmo_info(fd).koid;
	child = vmo_snapshot(fd, PAGE, 2 * PAGE);
	child_koid = vmo_info(child).koid;
	EXPECT_EQ(1, heard("zxvmo_create: koid=%llu store=", koid));
	EXPECT_EQ(1, heard(" size=20480 options=%#x", ZX_VMO_RESIZABLE));
	EXPECT_EQ(1, heard("zxvmo_child: koid=%llu store=", child_koid));
	EXPECT_EQ(1, heard(" parent=%llu options=%#x offset=4096 size=8192", koid,
			   ZX_VMO_CHILD_SNAPSHOT));
	EXPECT_EQ(0, heard("zxvmo_destroy:"));
	close(fd);
	EXPECT_EQ(1, heard("zxvmo_destroy: koid=%llu", koid));
	close(child);
	EXPECT_EQ(1, heard("zxvmo_destroy: koid=%llu", child_koid));
	EXPECT_EQ(2, heard("zxvmo_destroy:"));
}

TEST_F(trace, faults_and_copies)
{
	int fd = vmo_create(4 * PAGE, 0), child;
	__u64 koid = vmo_info(fd).koid;
	char *at = map_shared(fd, 4 * PAGE, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, at);
	ASSERT_TRUE(listen_to("zxvmo_fault"));
	ASSERT_TRUE(listen_to("zxvmo_copy"));
	EXPECT_EQ(0, probe_read(at + PAGE));
	EXPECT_EQ(1, heard("zxvmo_fault: koid=%llu page=1 read", koid));
	EXPECT_EQ(0, probe_write(at + PAGE, 1));
	EXPECT_EQ(1, heard("zxvmo_fault: koid=%llu page=1 write upgrade", koid));
	EXPECT_EQ(0, probe_write(at + 2 * PAGE, 1));
	EXPECT_EQ(1, heard("zxvmo_fault: koid=%llu page=2 write", koid));
	EXPECT_EQ(0, heard("zxvmo_copy:"));
	child = vmo_snapshot(fd, 0, 4 * PAGE);
	EXPECT_EQ(0, probe_write(at + 2 * PAGE, 2));
	EXPECT_EQ(1, heard("zxvmo_copy: store="));
	ASSERT_EQ(ZX_OK, vmo_fill(child, 3, 3));
	/* Of the first three pages one is still shared. */
	EXPECT_EQ(2, heard("zxvmo_copy: store="));
}

TEST_F(trace, commits_and_locks)
{
	struct zxvmo_lock_state state;
	struct zxvmo_op_range lock = {
		.op = ZX_VMO_OP_LOCK, .size = PAGE, .buffer = (__u64)(uintptr_t)&state,
		.buffer_size = sizeof(state),
	};
	int fd = vmo_create(PAGE, ZX_VMO_DISCARDABLE), other = vmo_create(PAGE, 0);
	__u64 koid = vmo_info(fd).koid, other_koid = vmo_info(other).koid;

	ASSERT_TRUE(listen_to("zxvmo_commit"));
	ASSERT_TRUE(listen_to("zxvmo_lock"));
	ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_COMMIT, 0, 100));
	EXPECT_EQ(1, heard("zxvmo_commit: koid=%llu offset=0 size=4096 status=0", koid));
	ASSERT_EQ(ZX_OK, zxvmo_call(fd, ZXVMO_IOC_OP_RANGE, &lock));
	EXPECT_EQ(1, heard("zxvmo_lock: koid=%llu lock status=0", koid));
	ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_TRY_LOCK, 0, PAGE));
	EXPECT_EQ(1, heard("zxvmo_lock: koid=%llu try_lock status=0", koid));
	ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_UNLOCK, 0, PAGE));
	EXPECT_EQ(1, heard("zxvmo_lock: koid=%llu unlock status=0", koid));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, vmo_op_range(other, ZX_VMO_OP_TRY_LOCK, 0, PAGE));
	EXPECT_EQ(1, heard("zxvmo_lock: koid=%llu try_lock status=%d", other_koid,
			   ZX_ERR_NOT_SUPPORTED));
}

/* The kernel is asked to take back what it can, which is the VMO. */
TEST_F(trace, discards)
{
	int fd = vmo_create(8 * PAGE, ZX_VMO_DISCARDABLE), i;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 1, 8));
	ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_TRY_LOCK, 0, 8 * PAGE));
	ASSERT_EQ(ZX_OK, vmo_op_range(fd, ZX_VMO_OP_UNLOCK, 0, 8 * PAGE));
	ASSERT_TRUE(listen_to("zxvmo_discard"));
	printf("# dmesg expected: drop_caches\n");
	ASSERT_TRUE(put("/proc/sys/vm/drop_caches", "4"));
	for (i = 0; i < 50 && heard("pages=8") == 0; i++)
		ASSERT_TRUE(put("/proc/sys/vm/drop_caches", "2"));
	EXPECT_EQ(1, heard("zxvmo_discard: store="));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, vmo_op_range(fd, ZX_VMO_OP_TRY_LOCK, 0, 8 * PAGE));
}

TEST_F(trace, off)
{
	int fd;

	ASSERT_TRUE(put(EVENTS "/enable", "0"));
	fd = vmo_create(PAGE, 0);
	ASSERT_EQ(ZX_OK, vmo_fill(fd, 1, 1));
	close(fd);
	EXPECT_EQ(0, heard("zxvmo_"));
}

TEST_HARNESS_MAIN
