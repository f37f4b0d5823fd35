/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Making each call of a table again and again, in a new world of objects, with
 * its first, second, third, ... allocation or copy of user memory failing,
 * until none does; and what may have come of it each time.
 */
#ifndef _FAULT_SWEEP_H
#define _FAULT_SWEEP_H

#include "fault_injection.h"

/* The program had the memory that it lacked, or SIGBUS instead. */
#define OUT_OF_MEMORY(status) \
	((status) == ZX_ERR_NO_MEMORY || (status) == ENOMEM || (status) == BUS)
#define BUS		1000

/* How a call may differ from "all or nothing". */
#define PARTS		0x1	/* of content: as far as it came */
#define TAKES		0x2	/* the handle, whatever comes of it */
#define PACKETS		0x4	/* one may be lost */
#define ONCE		0x8	/* made again, it would be another call */
#define SPLITS		0x10	/* the kernel has cut a mapping in two already */
#define SPACE		0x20	/* ENOMEM of mmap() is for want of addresses, too */
#define SHORT		0x40	/* parts are a success */

struct call {
	const char *name;
	int (*make)(struct world *w);
	unsigned int flags;
	bool (*prepare)(struct world *w);
	/* Whether what is in no picture is right, after this status. */
	bool (*check)(struct world *w, int status);
};

static int of_errno(long ret)
{
	return ret < 0 ? errno : 0;
}

static int of_signal(int sig)
{
	return sig ? BUS - SIGBUS + sig : 0;
}

#define IS(name, expression)						\
	static int name(struct world *w)				\
	{								\
		return expression;					\
	}

static struct world world;
static struct picture before, after, now;

/* Each page is as it was or as it should become, and what is counted between. */
static bool between(const struct vmo_picture *from, const struct vmo_picture *to,
		    const struct vmo_picture *at)
{
	__u64 low = from->committed < to->committed ? from->committed : to->committed;
	__u64 high = from->committed < to->committed ? to->committed : from->committed;
	size_t i, byte;

	for (i = 0; i < MAPPED_PAGES; i++) {
		for (byte = 0; byte < PAGE; byte++) {
			if (at->pages[i][byte] != from->pages[i][byte] &&
			    at->pages[i][byte] != to->pages[i][byte])
				return false;
		}
	}
	return at->committed >= low && at->committed <= high && at->signals == from->signals &&
	       at->children == from->children && at->handles == from->handles &&
	       (at->size == from->size || at->size == to->size);
}

static bool same(const struct picture *one, struct picture *other, unsigned int flags)
{
	if (flags & PACKETS)
		other->packets = one->packets;
	if (flags & SPLITS)
		other->vmo.mappings = one->vmo.mappings;
	return !memcmp(one, other, sizeof(*one));
}

static bool acceptable(int status, unsigned int flags)
{
	if (flags & PARTS && !memcmp(&now.event_signals, &before.event_signals, 12) &&
	    now.fds <= after.fds && between(&before.vmo, &after.vmo, &now.vmo) &&
	    between(&before.child, &after.child, &now.child) &&
	    between(&before.other, &after.other, &now.other) && (status || flags & SHORT))
		return true;
	if (!status)
		return same(&after, &now, flags);
	if (!OUT_OF_MEMORY(status) && (!(flags & SPACE) || status != ZX_ERR_NO_RESOURCES) &&
	    status != EFAULT && status != ZX_ERR_INVALID_ARGS &&
	    status != ZX_ERR_NOT_FOUND)
		return false;
	if (flags & TAKES)
		return true;
	/* A result that could not be delivered is of a call that happened, or not. */
	return same(&before, &now, flags) || (status == EFAULT && same(&after, &now, flags));
}

static void report(const char *what, uint64_t is, uint64_t was, uint64_t should_be)
{
	if (is != was || is != should_be)
		fprintf(stderr, "#   %s: %llu, was %llu, should become %llu\n", what,
			(unsigned long long)is, (unsigned long long)was,
			(unsigned long long)should_be);
}

static void report_vmo(const char *which, const struct vmo_picture *is,
		     const struct vmo_picture *was, const struct vmo_picture *should_be)
{
	fprintf(stderr, "#  %s\n", which);
	report("size", is->size, was->size, should_be->size);
	report("children", is->children, was->children, should_be->children);
	report("mappings", is->mappings, was->mappings, should_be->mappings);
	report("committed", is->committed, was->committed, should_be->committed);
	report("handles", is->handles, was->handles, should_be->handles);
	report("signals", is->signals, was->signals, should_be->signals);
}

static void explain(const struct call *call, unsigned int nth, int status)
{
	fprintf(stderr, "# %s: fault %u: status %d\n", call->name, nth, status);
	report("descriptors", now.fds, before.fds, after.fds);
	report("event", now.event_signals, before.event_signals, after.event_signals);
	report("pair, one", now.pair_signals[0], before.pair_signals[0], after.pair_signals[0]);
	report("pair, other", now.pair_signals[1], before.pair_signals[1],
	     after.pair_signals[1]);
	report("seek", now.seek, before.seek, after.seek);
	report("stream size", now.stream_size, before.stream_size, after.stream_size);
	report("packets", now.packets, before.packets, after.packets);
	report_vmo("VMO", &now.vmo, &before.vmo, &after.vmo);
	report_vmo("child", &now.child, &before.child, &after.child);
	report_vmo("other", &now.other, &before.other, &after.other);
}

/* Make the call in a new world: its status, and whether the fault happened. */
static int make_call(const struct call *call, unsigned int nth, int fail_nth, bool *injected)
{
	int status;

	if (!make_world(&world))
		return -9999;
	if (call->prepare && !call->prepare(&world))
		return -9998;
	take_picture(&world, &before, false);
	arm(fail_nth, nth);
	status = call->make(&world);
	*injected = disarm(fail_nth);
	return status;
}

/* Sites that failed, or -1. */
static int sweep(const struct call *call, int fail_nth)
{
	unsigned int fds = count_fds(), nth;
	bool injected;
	int status;

	/* The first time is for what the kernel keeps once it was needed. */
	for (int i = 0; i < 2; i++) {
		status = make_call(call, 0, fail_nth, &injected);
		take_picture(&world, &after, true);
		end_world(&world);
	}
	now = after;
	if (status || count_fds() != fds) {
		explain(call, 0, status);
		return -1;
	}
	for (nth = 1; nth < 1000; nth++) {
		status = make_call(call, nth, fail_nth, &injected);
		take_picture(&world, &now, true);
		if (!acceptable(status, call->flags) ||
		    (call->check && !call->check(&world, status))) {
			explain(call, nth, status);
			return -1;
		}
		if (status && !(call->flags & (TAKES | PACKETS | ONCE))) {
			struct picture first = now;

			status = call->make(&world);
			take_picture(&world, &now, true);
			if (status || (!same(&after, &now, call->flags) &&
				       !(call->flags & PARTS) &&
				       !same(&after, &first, call->flags))) {
				fprintf(stderr, "# again:\n");
				explain(call, nth, status);
				return -1;
			}
		}
		end_world(&world);
		if (count_fds() != fds) {
			explain(call, nth, status);
			return -1;
		}
		if (!injected)
			break;
	}
	return nth - 1;
}

FIXTURE(faults) {
	int fail_nth;
};

FIXTURE_SETUP(faults)
{
	if (!faults_ready())
		SKIP(return, "no fault injection in this kernel");
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->fail_nth, 0);
}

FIXTURE_TEARDOWN(faults)
{
	close(self->fail_nth);
}

static bool sweep_all(const struct call *calls, int fail_nth)
{
	bool good = true;
	int total = 0;

	printf("# dmesg expected: Huh VM_FAULT_OOM leaked out\n");
	for (; calls->name; calls++) {
		int sites = sweep(calls, fail_nth);

		printf("# %s: %d sites\n", calls->name, sites);
		if (sites < 0)
			good = false;
		else
			total += sites;
	}
	printf("# note: %d places failed, one at a time\n", total);
	fflush(stdout);
	return good;
}

#endif /* _FAULT_SWEEP_H */
