/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failing the allocations and copies of user memory of one call, one after
 * another (fail-nth, see Documentation/fault-injection of the kernel), and a
 * picture of the objects of a test, to compare what a failed call left behind
 * with what was there before.
 */
#ifndef _FAULT_INJECTION_H
#define _FAULT_INJECTION_H

#include "zxvmo_test.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"

static inline bool set_knob(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) > 0;

	close(fd);
	return done;
}

/* Every kind of allocation may fail, and nothing is logged about it. */
static inline bool faults_ready(void)
{
	return !access(FAIL_NTH, W_OK) &&
	       set_knob(DEBUGFS "failslab/ignore-gfp-wait", "N") &&
	       set_knob(DEBUGFS "failslab/verbose", "0") &&
	       set_knob(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N") &&
	       set_knob(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N") &&
	       set_knob(DEBUGFS "fail_page_alloc/min-order", "0") &&
	       set_knob(DEBUGFS "fail_page_alloc/verbose", "0") &&
	       set_knob(DEBUGFS "fail_usercopy/verbose", "0");
}

/* From here on, the nth thing that can fail in this thread does; 0 for none. */
static inline void arm(int fail_nth, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, len, 0) != len)
		abort();
}

/* Whether it has failed. */
static inline bool disarm(int fail_nth)
{
	char text[16] = { };
	ssize_t len = pread(fail_nth, text, sizeof(text) - 1, 0);

	/* The fault may be left for this very read, or for the write. */
	while (pwrite(fail_nth, "0", 1, 0) != 1)
		;
	return len > 0 && atoi(text) == 0;
}

#define WORLD_PAGES	8
#define MAPPED_PAGES	(WORLD_PAGES + 4)

/* The objects that calls are made on: see make_world(). */
struct world {
	int device, vmo, child, other, discardable, stream, event, port;
	int pair[2];
	unsigned char *mapped;		/* vmo, from offset 0 */
	unsigned char *child_mapped;
	int made[2];			/* descriptors a call made, or -1 */
	void *made_map;
	size_t made_map_length;
	unsigned char buffer[4 * PAGE];
};

/* What can be seen of a VMO. */
struct vmo_picture {
	__u64 size, children, mappings, committed, handles;
	__u32 signals, cache_policy;
	unsigned char pages[MAPPED_PAGES][PAGE];
};

struct picture {
	unsigned int fds;
	__u32 event_signals, pair_signals[2];
	__u64 seek, stream_size;
	unsigned int packets;
	struct vmo_picture vmo, child, other;
};

static inline void take_vmo(int fd, struct vmo_picture *at)
{
	struct zxvmo_info_vmo info = vmo_info(fd);
	size_t i;

	memset(at, 0, sizeof(*at));
	at->size = info.size_bytes;
	at->children = info.num_children;
	at->mappings = info.num_mappings;
	at->committed = info.committed_bytes;
	at->cache_policy = info.cache_policy;
	at->handles = vmo_handle_count(fd);
	at->signals = signals_now(fd);
	for (i = 0; i < MAPPED_PAGES && (i + 1) * PAGE <= info.size_bytes; i++)
		vmo_read(fd, at->pages[i], i * PAGE, PAGE);
}

/* With what is in the port, which is taken out, or without. */
static inline void take_picture(struct world *w, struct picture *at, bool packets)
{
	struct zxvmo_info_stream stream = { };
	struct zxvmo_port_packet packet;

	memset(at, 0, sizeof(*at));
	at->fds = count_fds();
	take_vmo(w->vmo, &at->vmo);
	take_vmo(w->child, &at->child);
	take_vmo(w->other, &at->other);
	at->event_signals = signals_now(w->event);
	at->pair_signals[0] = signals_now(w->pair[0]);
	at->pair_signals[1] = signals_now(w->pair[1]);
	vmo_get_info(w->stream, ZX_INFO_STREAM, &stream, sizeof(stream));
	at->seek = stream.seek;
	at->stream_size = stream.content_size;
	while (packets && !port_wait(w->port, 0, &packet))
		at->packets++;
}

/*
 * A resizable VMO of eight pages, the first four of them 1 to 4, with a
 * snapshot whose first page is its own; mappings of both; another VMO; one of
 * each other object. All is as if never touched but for that.
 */
static inline bool make_world(struct world *w)
{
	struct zxvmo_create_stream stream = { .options = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE };

	memset(w, 0, sizeof(*w));
	memset(w->buffer, 0x77, sizeof(w->buffer));
	w->made[0] = -1;
	w->made[1] = -1;
	w->device = open_device();
	w->vmo = vmo_create(WORLD_PAGES * PAGE, ZX_VMO_RESIZABLE);
	w->other = vmo_create(WORLD_PAGES * PAGE, 0);
	w->discardable = vmo_create(WORLD_PAGES * PAGE, ZX_VMO_DISCARDABLE);
	w->event = event_create();
	w->port = port_create();
	if (w->device < 0 || w->vmo < 0 || w->other < 0 || w->discardable < 0 ||
	    w->event < 0 || w->port < 0 || eventpair_create(w->pair))
		return false;
	for (unsigned int i = 0; i < 4; i++) {
		unsigned char page[PAGE];

		memset(page, i + 1, PAGE);
		if (vmo_write(w->vmo, page, i * PAGE, PAGE))
			return false;
	}
	w->child = vmo_create_child(w->vmo, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE,
				    0, WORLD_PAGES * PAGE);
	if (w->child < 0 || vmo_fill(w->child, 9, 1) || vmo_fill(w->other, 8, 2) ||
	    vmo_set_stream_size(w->vmo, 3 * PAGE) ||
	    zxvmo_call(w->vmo, ZXVMO_IOC_CREATE_STREAM, &stream))
		return false;
	w->stream = stream.handle;
	w->mapped = map_shared(w->vmo, MAPPED_PAGES * PAGE, PROT_READ | PROT_WRITE);
	w->child_mapped = map_shared(w->child, MAPPED_PAGES * PAGE, PROT_READ | PROT_WRITE);
	return w->mapped != MAP_FAILED && w->child_mapped != MAP_FAILED;
}

/* What a call made, closed. */
static inline void drop_made(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		if (w->made[i] >= 0)
			close(w->made[i]);
		w->made[i] = -1;
	}
	if (w->made_map)
		munmap(w->made_map, w->made_map_length);
	w->made_map = NULL;
}

static inline void end_world(struct world *w)
{
	const int fds[] = { w->device, w->vmo, w->child, w->other, w->discardable,
			    w->stream, w->event, w->port, w->pair[0], w->pair[1] };

	drop_made(w);
	munmap(w->mapped, MAPPED_PAGES * PAGE);
	munmap(w->child_mapped, MAPPED_PAGES * PAGE);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		close(fds[i]);
}

#endif /* _FAULT_INJECTION_H */
