// SPDX-License-Identifier: GPL-2.0
/*
 * As test_faults.c: what Linux itself does with handles and mappings, and memory
 * in large folios, with each allocation and copy failing once.
 */
#include "fault_sweep.h"

#define LARGE		(2UL << 20)

/* --- descriptors */

static bool make_pipe(struct world *w)
{
	return !pipe2(w->made, O_CLOEXEC | O_NONBLOCK);
}

static bool make_full_pipe(struct world *w)
{
	return make_pipe(w) && write(w->made[1], w->buffer, 2 * PAGE) == (ssize_t)(2 * PAGE);
}

static int splice_out(struct world *w)
{
	loff_t offset = PAGE;

	return of_errno(splice(w->vmo, &offset, w->made[1], NULL, 2 * PAGE, SPLICE_F_NONBLOCK));
}

static int splice_in(struct world *w)
{
	loff_t offset = 3 * PAGE;

	return of_errno(splice(w->made[0], NULL, w->vmo, &offset, 2 * PAGE, SPLICE_F_NONBLOCK));
}

static int give_pages(struct world *w)
{
	struct iovec range = { w->mapped, 2 * PAGE };

	return of_errno(vmsplice(w->made[1], &range, 1, SPLICE_F_GIFT | SPLICE_F_NONBLOCK));
}

static int seek(struct world *w)
{
	struct zxvmo_stream_seek arg = { .origin = ZX_STREAM_SEEK_ORIGIN_END, .offset = -PAGE };

	return zxvmo_call(w->stream, ZXVMO_IOC_STREAM_SEEK, &arg);
}

static int ask_sizes(struct world *w)
{
	struct zxvmo_size size = { }, stream_size = { };

	return zxvmo_call(w->vmo, ZXVMO_IOC_GET_SIZE, &size) ?:
	       zxvmo_call(w->vmo, ZXVMO_IOC_GET_STREAM_SIZE, &stream_size);
}

static int ask_name(struct world *w)
{
	char name[ZX_MAX_NAME_LEN];
	struct zxvmo_property arg = {
		.property = ZX_PROP_NAME, .value = (unsigned long)name, .value_size = sizeof(name),
	};

	return zxvmo_call(w->vmo, ZXVMO_IOC_GET_PROPERTY, &arg);
}

static bool make_sockets(struct world *w)
{
	return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->made);
}

/* What was sent is received with nothing failing, or closed with the sockets. */
static int send_handle(struct world *w)
{
	if (!send_fd(w->made[0], w->vmo))
		return 0;
	return errno == ENOBUFS ? ENOMEM : errno;
}

static const struct call descriptors[] = {
	{ .name = "splice() from a VMO", .make = splice_out, .prepare = make_pipe,
	  .flags = PARTS | SHORT | ONCE },
	{ .name = "splice() into a VMO", .make = splice_in, .prepare = make_full_pipe,
	  .flags = PARTS | SHORT | ONCE },
	{ .name = "vmsplice()", .make = give_pages, .prepare = make_pipe,
	  .flags = PARTS | SHORT | ONCE },
	{ .name = "seek", .make = seek },
	{ .name = "sizes", .make = ask_sizes },
	{ .name = "the name", .make = ask_name },
	{ .name = "send a handle", .make = send_handle, .prepare = make_sockets, .flags = ONCE },
	{ }
};

/* --- mappings as memory of calls */

static int region(struct world *w, unsigned int op, void *at)
{
	struct zxvmo_region_op_range arg = {
		.op = op, .address = (unsigned long)at, .size = 4 * PAGE,
	};

	return zxvmo_call(w->device, ZXVMO_IOC_REGION_OP_RANGE, &arg);
}

IS(region_zero, region(w, ZX_VMAR_OP_ZERO, w->mapped))
IS(write_from_mapping, vmo_write(w->vmo, w->child_mapped + 2 * PAGE, 5 * PAGE, 2 * PAGE))
IS(read_to_mapping, vmo_read(w->other, w->mapped + 6 * PAGE, 0, 2 * PAGE))
IS(touch_again, of_errno(madvise(w->mapped, 4 * PAGE, MADV_DONTNEED)) ?:
		of_signal(probe_read(w->mapped)))

static int write_by_other_process(struct world *w)
{
	struct iovec local = { w->buffer, 2 * PAGE }, remote = { w->mapped + 3 * PAGE, 2 * PAGE };

	return of_errno(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
}

static int reserve(struct world *w)
{
	void *at = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_SHARED, w->device, 0);

	if (at == MAP_FAILED)
		return errno;
	w->made_map = at;
	w->made_map_length = 4 * PAGE;
	return 0;
}

static bool map_privately(struct world *w)
{
	void *at = map_private(w->vmo, 4 * PAGE, PROT_READ | PROT_WRITE);

	if (at == MAP_FAILED)
		return false;
	w->made_map = at;
	w->made_map_length = 4 * PAGE;
	return true;
}

IS(store_privately, of_signal(probe_write((unsigned char *)w->made_map + PAGE, 7)))

static const struct call memory[] = {
	{ .name = "zero mapped pages", .make = region_zero, .flags = PARTS },
	{ .name = "write from a mapping", .make = write_from_mapping, .flags = PARTS },
	{ .name = "read into a mapping", .make = read_to_mapping, .flags = PARTS },
	{ .name = "MADV_DONTNEED, and touch", .make = touch_again },
	{ .name = "process_vm_writev()", .make = write_by_other_process, .flags = PARTS | SHORT },
	{ .name = "reserve addresses", .make = reserve },
	{ .name = "store to a private mapping", .make = store_privately,
	  .prepare = map_privately },
	{ }
};

/* --- large folios: in made[0], and made[1] is a snapshot of it */

static bool make_large(struct world *w)
{
	w->made[0] = vmo_create(LARGE, ZX_VMO_RESIZABLE);
	return w->made[0] >= 0;
}

static bool make_committed(struct world *w)
{
	unsigned char mark = 0x11;
	size_t at;

	if (!make_large(w) || vmo_op_range(w->made[0], ZX_VMO_OP_COMMIT, 0, LARGE))
		return false;
	for (at = 0; at < LARGE; at += LARGE / 8)
		if (vmo_write(w->made[0], &mark, at, 1))
			return false;
	return true;
}

static bool make_shared(struct world *w)
{
	if (!make_committed(w))
		return false;
	w->made[1] = vmo_snapshot(w->made[0], 0, LARGE);
	return w->made[1] >= 0;
}

static bool make_mapped(struct world *w)
{
	char *at = mmap(NULL, 2 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *aligned;

	if (at == MAP_FAILED)
		return false;
	aligned = (char *)(((unsigned long)at + LARGE - 1) & -LARGE);
	w->made_map = at;
	w->made_map_length = 2 * LARGE;
	return mmap(aligned, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, w->made[0],
		    0) == aligned;
}

static bool make_large_and_map(struct world *w)
{
	return make_large(w) && make_mapped(w);
}

static bool make_shared_and_map(struct world *w)
{
	return make_shared(w) && make_mapped(w);
}

static unsigned char *large_at(struct world *w)
{
	return (unsigned char *)(((unsigned long)w->made_map + LARGE - 1) & -LARGE);
}

static bool marked(int fd, size_t first)
{
	unsigned char mark;
	size_t at;

	for (at = first; at < LARGE; at += LARGE / 8)
		if (vmo_read(fd, &mark, at, 1) || mark != 0x11)
			return false;
	return true;
}

/* From a quarter on nobody has changed anything, on either side. */
static bool rest_is_there(struct world *w, int status __always_unused)
{
	return marked(w->made[0], LARGE / 4) && (w->made[1] < 0 || marked(w->made[1], 0));
}

static bool is_committed(struct world *w, int status)
{
	__u64 committed = vmo_info(w->made[0]).committed_bytes;

	return committed <= LARGE && (status || committed == LARGE);
}

IS(commit_large, vmo_op_range(w->made[0], ZX_VMO_OP_COMMIT, 0, LARGE))
IS(commit_large_child, vmo_op_range(w->made[1], ZX_VMO_OP_COMMIT, 0, LARGE))
IS(write_large, vmo_write(w->made[0], w->buffer, PAGE + 5, 3 * PAGE))
IS(zero_large, vmo_op_range(w->made[0], ZX_VMO_OP_ZERO, PAGE + 5, 3 * PAGE))
IS(decommit_large, vmo_op_range(w->made[0], ZX_VMO_OP_DECOMMIT, PAGE, 100 * PAGE))
IS(store_large, of_signal(probe_write(large_at(w) + 5 * PAGE, 1)))
IS(read_large, of_signal(probe_read(large_at(w) + 5 * PAGE)))
IS(protect_large, of_errno(mprotect(large_at(w) + PAGE, PAGE, PROT_READ)))

static int snapshot_large(struct world *w)
{
	int child = vmo_snapshot(w->made[0], 0, LARGE);

	if (child < 0)
		return child;
	w->made[1] = child;
	return 0;
}

static int shrink_large(struct world *w)
{
	return vmo_set_size(w->made[0], LARGE - PAGE) ?: vmo_set_size(w->made[0], LARGE);
}

static int transfer_large(struct world *w)
{
	struct zxvmo_transfer_data arg = {
		.length = 2 * PAGE, .offset = 4 * PAGE, .source = w->made[0],
		.source_offset = PAGE,
	};

	return zxvmo_call(w->vmo, ZXVMO_IOC_TRANSFER_DATA, &arg);
}

static const struct call large[] = {
	{ .name = "commit", .make = commit_large, .prepare = make_large, .flags = PARTS,
	  .check = is_committed },
	{ .name = "write", .make = write_large, .prepare = make_committed, .flags = PARTS,
	  .check = rest_is_there },
	{ .name = "zero", .make = zero_large, .prepare = make_committed, .flags = PARTS,
	  .check = rest_is_there },
	{ .name = "decommit", .make = decommit_large, .prepare = make_committed, .flags = PARTS,
	  .check = rest_is_there },
	{ .name = "shrink and grow", .make = shrink_large, .prepare = make_committed,
	  .check = rest_is_there },
	{ .name = "snapshot", .make = snapshot_large, .prepare = make_committed,
	  .check = rest_is_there },
	{ .name = "write what a snapshot shares", .make = write_large, .prepare = make_shared,
	  .flags = PARTS, .check = rest_is_there },
	{ .name = "commit a snapshot", .make = commit_large_child, .prepare = make_shared,
	  .flags = PARTS, .check = rest_is_there },
	{ .name = "transfer a part", .make = transfer_large, .prepare = make_committed,
	  .flags = PARTS, .check = rest_is_there },
	{ .name = "touch", .make = store_large, .prepare = make_large_and_map },
	{ .name = "touch what is shared", .make = read_large, .prepare = make_shared_and_map,
	  .check = rest_is_there },
	{ .name = "store to what is shared", .make = store_large,
	  .prepare = make_shared_and_map, .check = rest_is_there },
	{ .name = "mprotect() of the middle", .make = protect_large,
	  .prepare = make_shared_and_map, .flags = SPLITS, .check = rest_is_there },
	{ }
};

TEST_F_TIMEOUT(faults, in_calls_of_linux, 120)
{
	ASSERT_TRUE(sweep_all(descriptors, self->fail_nth));
}

TEST_F_TIMEOUT(faults, in_memory_of_calls, 120)
{
	ASSERT_TRUE(sweep_all(memory, self->fail_nth));
}

TEST_F_TIMEOUT(faults, in_large_folios, 120)
{
	char value[64];

	/* Without them each page is a place of its own, as elsewhere. */
	if (proc_value("/run/zxvmo-parameters", "large_folios=0", value, sizeof(value)))
		SKIP(return, "the module was loaded with large_folios=0");
	ASSERT_TRUE(sweep_all(large, self->fail_nth));
}

TEST_HARNESS_MAIN
