// SPDX-License-Identifier: GPL-2.0
/*
 * Every call with each of its allocations and copies of user memory failing
 * once: whatever fails, a call has happened or it has not (or, where it moves
 * content, as far as it came), it says which, and works when made again.
 *
 * Needs a kernel with fault injection: "make test-faults".
 */
#include <poll.h>
#include <sys/epoll.h>

#include "fault_sweep.h"

/* --- making objects */

#define MAKES(name, type, command, on, ...)				\
	static int name(struct world *w)				\
	{								\
		type arg = { __VA_ARGS__ };				\
		int ret = zxvmo_call(w->on, command, &arg);		\
									\
		if (!ret)						\
			w->made[0] = arg.handle;			\
		return ret;						\
	}

MAKES(create, struct zxvmo_create, ZXVMO_IOC_CREATE, device, .size = 4 * PAGE)
MAKES(create_discardable, struct zxvmo_create, ZXVMO_IOC_CREATE, device,
	.size = 4 * PAGE, .options = ZX_VMO_DISCARDABLE)
MAKES(create_port, struct zxvmo_create_port, ZXVMO_IOC_CREATE_PORT, device, .options = 0)
MAKES(create_event, struct zxvmo_create_event, ZXVMO_IOC_CREATE_EVENT, device, .options = 0)
MAKES(create_stream, struct zxvmo_create_stream, ZXVMO_IOC_CREATE_STREAM, vmo,
	.options = ZX_STREAM_MODE_READ)
MAKES(snapshot, struct zxvmo_create_child, ZXVMO_IOC_CREATE_CHILD, vmo,
	.options = ZX_VMO_CHILD_SNAPSHOT, .size = WORLD_PAGES * PAGE)
MAKES(snapshot_of_child, struct zxvmo_create_child, ZXVMO_IOC_CREATE_CHILD, child,
	.options = ZX_VMO_CHILD_SNAPSHOT, .size = WORLD_PAGES * PAGE)
MAKES(snapshot_of_single, struct zxvmo_create_child, ZXVMO_IOC_CREATE_CHILD, other,
	.options = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, .size = WORLD_PAGES * PAGE)
MAKES(slice, struct zxvmo_create_child, ZXVMO_IOC_CREATE_CHILD, other,
	.options = ZX_VMO_CHILD_SLICE, .size = PAGE)
MAKES(reference, struct zxvmo_create_child, ZXVMO_IOC_CREATE_CHILD, other,
	.options = ZX_VMO_CHILD_REFERENCE)
MAKES(duplicate, struct zxvmo_duplicate, ZXVMO_IOC_DUPLICATE, vmo,
	.rights = ZX_RIGHT_SAME_RIGHTS)
MAKES(replace, struct zxvmo_duplicate, ZXVMO_IOC_REPLACE, other,
	.rights = ZX_RIGHT_SAME_RIGHTS)
MAKES(replace_as_executable, struct zxvmo_replace_as_executable,
	ZXVMO_IOC_REPLACE_AS_EXECUTABLE, other, .vmex = -1)

static int create_pair(struct world *w)
{
	struct zxvmo_create_event arg = { .kind = ZXVMO_EVENT_PAIR };
	int ret = zxvmo_call(w->device, ZXVMO_IOC_CREATE_EVENT, &arg);

	if (!ret) {
		w->made[0] = arg.handle;
		w->made[1] = arg.peer;
	}
	return ret;
}

static int open_again(struct world *w)
{
	w->made[0] = open_device();
	return of_errno(w->made[0]);
}

static int dup_descriptor(struct world *w)
{
	w->made[0] = dup(w->vmo);
	return of_errno(w->made[0]);
}

static const struct call making[] = {
	{ .name = "open the device", .make = open_again },
	{ .name = "create", .make = create },
	{ .name = "create discardable", .make = create_discardable },
	{ .name = "create a port", .make = create_port },
	{ .name = "create an event", .make = create_event },
	{ .name = "create a pair", .make = create_pair },
	{ .name = "create a stream", .make = create_stream },
	{ .name = "snapshot", .make = snapshot },
	{ .name = "snapshot of a snapshot", .make = snapshot_of_child },
	{ .name = "first snapshot", .make = snapshot_of_single },
	{ .name = "slice", .make = slice },
	{ .name = "reference", .make = reference },
	{ .name = "duplicate", .make = duplicate },
	{ .name = "dup()", .make = dup_descriptor },
	{ .name = "replace", .make = replace, .flags = TAKES },
	{ .name = "replace as executable", .make = replace_as_executable, .flags = TAKES },
	{ }
};

/* --- content */

IS(read_pages, vmo_read(w->vmo, w->buffer, 100, 3 * PAGE))
IS(write_hole, vmo_write(w->vmo, w->buffer, 5 * PAGE, 2 * PAGE))
IS(write_parent, vmo_write(w->vmo, w->buffer, PAGE - 10, 2 * PAGE))
IS(write_child, vmo_write(w->child, w->buffer, PAGE - 10, 2 * PAGE))
IS(commit, vmo_op_range(w->vmo, ZX_VMO_OP_COMMIT, 0, WORLD_PAGES * PAGE))
IS(commit_child, vmo_op_range(w->child, ZX_VMO_OP_COMMIT, 0, WORLD_PAGES * PAGE))
IS(decommit, vmo_op_range(w->other, ZX_VMO_OP_DECOMMIT, 0, 2 * PAGE))
IS(zero_parent, vmo_op_range(w->vmo, ZX_VMO_OP_ZERO, 100, 3 * PAGE))
IS(zero_child, vmo_op_range(w->child, ZX_VMO_OP_ZERO, 100, 3 * PAGE))
IS(grow, vmo_set_size(w->vmo, MAPPED_PAGES * PAGE))
IS(shrink, vmo_set_size(w->vmo, 2 * PAGE))
IS(shrink_child, vmo_set_size(w->child, 2 * PAGE))
IS(stream_size_up, vmo_set_stream_size(w->vmo, 7 * PAGE - 100))
IS(stream_size_down, vmo_set_stream_size(w->vmo, PAGE + 100))
IS(uncached, vmo_set_cache_policy(w->made[0], ZX_CACHE_POLICY_UNCACHED))
IS(lock_pages, vmo_op_range(w->discardable, ZX_VMO_OP_TRY_LOCK, 0, WORLD_PAGES * PAGE))
IS(unlock_pages, vmo_op_range(w->discardable, ZX_VMO_OP_UNLOCK, 0, WORLD_PAGES * PAGE))

static bool make_plain(struct world *w)
{
	w->made[0] = vmo_create(4 * PAGE, 0);
	return w->made[0] >= 0 && !vmo_fill(w->made[0], 3, 2);
}

static bool hold_lock(struct world *w)
{
	return !lock_pages(w);
}

static int transfer(struct world *w)
{
	struct zxvmo_transfer_data arg = {
		.length = 2 * PAGE, .offset = 4 * PAGE, .source = w->other,
	};

	return zxvmo_call(w->vmo, ZXVMO_IOC_TRANSFER_DATA, &arg);
}

static int transfer_shared(struct world *w)
{
	struct zxvmo_transfer_data arg = {
		.length = 2 * PAGE, .offset = 4 * PAGE, .source = w->child,
	};

	return zxvmo_call(w->other, ZXVMO_IOC_TRANSFER_DATA, &arg);
}

static int stream_move(struct world *w, unsigned int command, __u64 length, __u32 options)
{
	struct zxvmo_iovec vector[2] = {
		{ (unsigned long)w->buffer, length / 2 },
		{ (unsigned long)w->buffer, length / 2 },
	};
	struct zxvmo_stream_transfer arg = {
		.vector = (unsigned long)vector, .count = 2, .options = options,
	};

	return zxvmo_call(w->stream, command, &arg);
}

IS(stream_read, stream_move(w, ZXVMO_IOC_STREAM_READV, 2 * PAGE, 0))
IS(stream_write, stream_move(w, ZXVMO_IOC_STREAM_WRITEV, 2 * PAGE, 0))
IS(stream_append, stream_move(w, ZXVMO_IOC_STREAM_WRITEV, 3 * PAGE, ZX_STREAM_APPEND))
IS(file_write, of_errno(write(w->stream, w->buffer, 2 * PAGE)))
IS(file_read, of_errno(read(w->stream, w->buffer, 2 * PAGE)))
IS(file_pwrite, of_errno(pwrite(w->vmo, w->buffer, 2 * PAGE, PAGE)))
IS(file_pread, of_errno(pread(w->vmo, w->buffer, 2 * PAGE, PAGE)))

static const struct call contents[] = {
	{ .name = "read", .make = read_pages, .flags = PARTS },
	{ .name = "write into a hole", .make = write_hole, .flags = PARTS },
	{ .name = "write to what a snapshot shares", .make = write_parent, .flags = PARTS },
	{ .name = "write to a snapshot", .make = write_child, .flags = PARTS },
	{ .name = "commit", .make = commit, .flags = PARTS },
	{ .name = "commit a snapshot", .make = commit_child, .flags = PARTS },
	{ .name = "decommit", .make = decommit, .flags = PARTS },
	{ .name = "zero", .make = zero_parent, .flags = PARTS },
	{ .name = "zero a snapshot", .make = zero_child, .flags = PARTS },
	{ .name = "grow", .make = grow },
	{ .name = "shrink", .make = shrink },
	{ .name = "shrink a snapshot", .make = shrink_child },
	{ .name = "raise the stream size", .make = stream_size_up, .flags = PARTS },
	{ .name = "lower the stream size", .make = stream_size_down, .flags = PARTS },
	{ .name = "change the cache policy", .make = uncached, .prepare = make_plain },
	{ .name = "lock", .make = lock_pages },
	{ .name = "unlock", .make = unlock_pages, .flags = ONCE, .prepare = hold_lock },
	{ .name = "transfer data", .make = transfer, .flags = PARTS },
	{ .name = "transfer shared data", .make = transfer_shared, .flags = PARTS },
	{ .name = "read by stream", .make = stream_read, .flags = PARTS | SHORT },
	{ .name = "write by stream", .make = stream_write, .flags = PARTS | SHORT },
	{ .name = "append by stream", .make = stream_append, .flags = PARTS | SHORT },
	{ .name = "write() to a stream", .make = file_write, .flags = PARTS | SHORT },
	{ .name = "read() of a stream", .make = file_read, .flags = PARTS | SHORT },
	{ .name = "pwrite()", .make = file_pwrite, .flags = PARTS | SHORT },
	{ .name = "pread()", .make = file_pread, .flags = PARTS | SHORT },
	{ }
};

/* --- mappings */

IS(touch_hole_read, of_signal(probe_read(w->mapped + 6 * PAGE)))
IS(touch_hole_write, of_signal(probe_write(w->mapped + 6 * PAGE, 5)))
IS(touch_shared_write, of_signal(probe_write(w->mapped + 2 * PAGE, 5)))
IS(touch_child_read, of_signal(probe_read(w->child_mapped + 2 * PAGE)))
IS(touch_child_write, of_signal(probe_write(w->child_mapped + 2 * PAGE, 5)))
IS(protect, of_errno(mprotect(w->mapped + PAGE, PAGE, PROT_READ)))
IS(unmap_middle, of_errno(munmap(w->mapped + PAGE, PAGE)))
IS(populate, of_errno(madvise(w->mapped, WORLD_PAGES * PAGE, MADV_POPULATE_WRITE)))
IS(clean, of_errno(msync(w->mapped, WORLD_PAGES * PAGE, MS_SYNC)))

static int map_ioctl(struct world *w)
{
	int ret = vmo_map(w->vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, 4 * PAGE, &w->made_map);

	w->made_map_length = 4 * PAGE;
	return ret;
}

static int map_range(struct world *w)
{
	int ret = vmo_map(w->vmo, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE, 0, 4 * PAGE, &w->made_map);

	w->made_map_length = 4 * PAGE;
	return ret;
}

static int map_call(struct world *w)
{
	void *at = map_shared(w->vmo, 4 * PAGE, PROT_READ);

	if (at == MAP_FAILED)
		return errno;
	w->made_map = at;
	w->made_map_length = 4 * PAGE;
	return 0;
}

static int commit_region(struct world *w)
{
	struct zxvmo_region_op_range arg = {
		.op = ZX_VMAR_OP_COMMIT, .address = (unsigned long)w->mapped,
		.size = WORLD_PAGES * PAGE,
	};

	return zxvmo_call(w->device, ZXVMO_IOC_REGION_OP_RANGE, &arg);
}

static int map_range_region(struct world *w)
{
	struct zxvmo_region_op_range arg = {
		.op = ZX_VMAR_OP_MAP_RANGE, .address = (unsigned long)w->child_mapped,
		.size = WORLD_PAGES * PAGE,
	};

	return zxvmo_call(w->device, ZXVMO_IOC_REGION_OP_RANGE, &arg);
}

static int fork_and_wait(struct world __always_unused *w)
{
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (!pid)
		_exit(0);
	return waitpid(pid, NULL, 0) == pid ? 0 : errno;
}

static bool make_room(struct world *w)
{
	w->made_map = anon_pages(MAPPED_PAGES, PROT_NONE);
	w->made_map_length = MAPPED_PAGES * PAGE;
	return w->made_map;
}

static int move(struct world *w)
{
	void *at = mremap(w->mapped, MAPPED_PAGES * PAGE, MAPPED_PAGES * PAGE,
			  MREMAP_MAYMOVE | MREMAP_FIXED, w->made_map);

	if (at == MAP_FAILED)
		return errno;
	w->mapped = at;
	w->made_map = NULL;
	return 0;
}

static const struct call mappings[] = {
	{ .name = "map", .make = map_ioctl, .flags = SPACE },
	{ .name = "map with its pages", .make = map_range, .flags = PARTS | SPACE },
	{ .name = "mmap()", .make = map_call },
	{ .name = "read a hole", .make = touch_hole_read },
	{ .name = "write a hole", .make = touch_hole_write },
	{ .name = "write what a snapshot shares", .make = touch_shared_write },
	{ .name = "read in a snapshot", .make = touch_child_read },
	{ .name = "write in a snapshot", .make = touch_child_write },
	{ .name = "MADV_POPULATE_WRITE", .make = populate, .flags = PARTS },
	{ .name = "commit mapped pages", .make = commit_region, .flags = PARTS },
	{ .name = "map what is there", .make = map_range_region, .flags = PARTS },
	{ .name = "mprotect() of the middle", .make = protect, .flags = SPLITS },
	{ .name = "munmap() of the middle", .make = unmap_middle, .flags = SPLITS },
	{ .name = "msync()", .make = clean },
	{ .name = "mremap()", .make = move, .prepare = make_room },
	{ .name = "fork()", .make = fork_and_wait },
	{ }
};

/* --- signals, ports and what tells of objects */

static struct zxvmo_port_packet packet = { .key = 1 };

IS(signal_event, vmo_signal(w->event, 0, ZX_USER_SIGNAL_0))
IS(signal_the_peer, signal_peer(w->pair[0], 0, ZX_USER_SIGNAL_1))
IS(queue_packet, port_queue(w->port, &packet))
IS(observe, wait_async(w->event, w->port, 1, ZX_USER_SIGNAL_0, 0))
IS(observe_asserted, wait_async(w->vmo, w->port, 2, ZX_USER_SIGNAL_7, 0))
IS(observe_and_signal, observe(w) ?: signal_event(w))
IS(take_packet, port_wait(w->port, 0, &packet))
IS(name_it, vmo_set_name(w->vmo, "a name"))

static bool observed(struct world *w)
{
	return !observe(w);
}

static bool asserted(struct world *w)
{
	return !vmo_signal(w->vmo, 0, ZX_USER_SIGNAL_7);
}

static bool queued(struct world *w)
{
	return !queue_packet(w);
}

static int cancel(struct world *w)
{
	struct zxvmo_port_cancel arg = { .source = w->event, .key = 1 };
	int ret = zxvmo_call(w->port, ZXVMO_IOC_PORT_CANCEL, &arg);

	/* Made again after a result that was not delivered. */
	return ret == ZX_ERR_NOT_FOUND ? 0 : ret;
}

static int wait_for_one(struct world *w)
{
	struct zxvmo_wait arg = { .signals = ZX_EVENTPAIR_SIGNALED };
	int ret = zxvmo_call(w->pair[0], ZXVMO_IOC_WAIT, &arg);

	return ret == ZX_ERR_TIMED_OUT ? 0 : ret;
}

static int wait_for_many(struct world *w)
{
	struct zxvmo_wait_item items[] = {
		{ .handle = w->event, .waitfor = ZX_EVENT_SIGNALED },
		{ .handle = w->vmo, .waitfor = ZX_USER_SIGNAL_0 },
		{ .handle = w->pair[0], .waitfor = ZX_USER_SIGNAL_0 },
	};
	struct zxvmo_wait_many arg = { .items = (unsigned long)items, .count = 3 };
	int ret = zxvmo_call(w->device, ZXVMO_IOC_WAIT_MANY, &arg);

	return ret == ZX_ERR_TIMED_OUT ? 0 : ret;
}

static int wait_a_moment(struct world *w)
{
	struct timespec now;
	struct zxvmo_wait arg = { .signals = ZX_EVENT_SIGNALED };
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &now);
	arg.deadline = now.tv_sec * 1000000000LL + now.tv_nsec + 1000000;
	ret = zxvmo_call(w->event, ZXVMO_IOC_WAIT, &arg);
	return ret == ZX_ERR_TIMED_OUT ? 0 : ret;
}

static int poll_it(struct world *w)
{
	struct pollfd fds = { .fd = w->event, .events = POLLIN };

	return of_errno(poll(&fds, 1, 1));
}

static int watch_it(struct world *w)
{
	struct epoll_event event = { .events = EPOLLIN };

	w->made[0] = epoll_create1(0);
	if (w->made[0] < 0)
		return errno;
	if (epoll_ctl(w->made[0], EPOLL_CTL_ADD, w->event, &event)) {
		int err = errno;

		drop_made(w);
		return err;
	}
	return 0;
}

static int ask(struct world *w)
{
	struct zxvmo_info_vmo info;

	return vmo_get_info(w->vmo, ZX_INFO_VMO, &info, sizeof(info));
}

static int show_fdinfo(struct world *w)
{
	char path[64], text[512];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->vmo);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (read(fd, text, sizeof(text)) < 0)
		ret = errno;
	close(fd);
	return ret;
}

static const struct call telling[] = {
	{ .name = "signal", .make = signal_event },
	{ .name = "signal the peer", .make = signal_the_peer },
	{ .name = "queue", .make = queue_packet },
	{ .name = "wait at a port", .make = take_packet, .flags = PACKETS, .prepare = queued },
	{ .name = "observe", .make = observe },
	{ .name = "observe what is asserted", .make = observe_asserted, .prepare = asserted },
	{ .name = "observe and signal", .make = observe_and_signal, .flags = PACKETS },
	{ .name = "signal what is observed", .make = signal_event, .prepare = observed },
	{ .name = "cancel", .make = cancel, .prepare = observed },
	{ .name = "wait for one", .make = wait_for_one },
	{ .name = "wait a moment", .make = wait_a_moment },
	{ .name = "wait for many", .make = wait_for_many },
	{ .name = "poll()", .make = poll_it },
	{ .name = "epoll_ctl()", .make = watch_it },
	{ .name = "info", .make = ask },
	{ .name = "name", .make = name_it },
	{ .name = "fdinfo", .make = show_fdinfo },
	{ }
};

TEST_F_TIMEOUT(faults, in_calls_that_make_objects, 120)
{
	ASSERT_TRUE(sweep_all(making, self->fail_nth));
}

TEST_F_TIMEOUT(faults, in_calls_that_move_content, 120)
{
	ASSERT_TRUE(sweep_all(contents, self->fail_nth));
}

TEST_F_TIMEOUT(faults, in_mappings, 120)
{
	ASSERT_TRUE(sweep_all(mappings, self->fail_nth));
}

TEST_F_TIMEOUT(faults, in_calls_that_tell, 120)
{
	ASSERT_TRUE(sweep_all(telling, self->fail_nth));
}

TEST_HARNESS_MAIN
