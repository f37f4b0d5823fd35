/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A plain model of a family of VMOs, kept beside a real one: whatever a
 * sequence of calls and mapped accesses does to the real one, the model says
 * what must come of it. The model knows the specification, and nothing of how
 * the module works. Numbers in comments are sections of the specification.
 *
 * An operation is a few numbers, so a sequence can be printed, read back and
 * cut: one that makes no sense in a shorter sequence still has an outcome.
 */
#ifndef _MODEL_H
#define _MODEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zircon/status.h>
#include <zircon/syscalls.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE		4096UL
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Limits of a sequence. What would pass one is not done at all. */
#define MAX_OPS		400
#define SLOTS		12	/* handles at a time */
#define SLOT_INVALID	12	/* as a handle: ZX_HANDLE_INVALID */
#define SLOT_VMAR	13	/* as a handle: an object that is no VMO */
#define MAPS		6	/* mappings at a time */
#define STREAMS		4	/* handles to streams at a time */
#define MAP_PAGES	544	/* in one of them */
#define STORE_PAGES	1400	/* that one VMO has */
#define BUFFER_PAGES	24	/* in one read or write */
#define COMMIT_PAGES	32	/* in one call, where there are no large folios */
#define LARGE_PAGES	512	/* of a large folio */

/* One page of memory, shown by this many stores (23.2). */
struct frame {
	unsigned int sharers;
	u8 bytes[PAGE];
};

/* What a store shows at a page number; it shows zero where it has none. */
struct view {
	u64 number;
	struct frame *frame;
};

/* The storage of a VMO made by zx_vmo_create() or a SNAPSHOT kind. */
struct store {
	u64 size, stream;
	u64 base;		/* the accumulated offset (8.5) */
	bool resizable, discardable;
	bool used;		/* had a page once, or could show one */
	unsigned int locks;
	bool unlocked;		/* after it was locked */
	bool discarded;
	u32 policy;		/* ZX_CACHE_POLICY_* */
	unsigned int objects;	/* that use it */
	unsigned int family;	/* stores with a common ancestor have one number */
	unsigned int count;
	unsigned int last;	/* that was looked for: mostly it is near */
	struct view pages[STORE_PAGES];
};

enum kind { ORIGINAL, SNAPSHOT, SLICE, REFERENCE };

struct object {
	struct object *next;
	struct object *parent;
	struct store *store;
	enum kind kind;
	bool immutable;
	u64 offset, length, stream;	/* of a slice */
	u64 koid;			/* as the real one says */
	char name[ZX_MAX_NAME_LEN];
	u32 signals;			/* the user's */
	unsigned int handles;
	unsigned int streams;
	unsigned int areas;		/* mappings as the system counts them */
};

struct slot {
	struct object *object;		/* NULL: empty */
	zx_handle_t handle;
	u32 rights;
};

struct map_page {
	bool mapped;
	bool first;			/* of an area */
	u8 prot;			/* ZX_VM_PERM_* */
	u8 *copy;			/* a private page that was written */
	bool unknown;			/* a private one, once beyond the end */
};

struct map {
	struct object *object;		/* NULL: empty */
	u8 *at;
	u64 offset;
	bool bounded;			/* by the stream size */
	bool private;			/* MAP_PRIVATE */
	u8 max;				/* permissions it can get */
	struct map_page pages[MAP_PAGES];
};

extern struct slot slots[SLOTS];
extern struct map maps[MAPS];
extern struct object *objects;
/* A rule to break on purpose, to see the test fail; 0: none. */
extern unsigned int broken_rule;
/* No VMO is discardable. */
extern bool without_discards;
/* The module has large folios. */
extern bool large_folios;

/* model.c: storage and lifetimes */
u64 round_up(u64 value);
bool in_range(u64 offset, u64 len, u64 size);
bool sum_wraps(u64 a, u64 b);
u64 size_of(const struct object *object);
u64 *stream_of(struct object *object);
struct frame *frame_at(const struct object *object, u64 offset);
struct frame *copy_frame(const struct frame *frame);
void show(struct store *store, u64 number, struct frame *frame);
u8 *own_page(struct object *object, u64 offset);
bool has_room(const struct object *object, u64 offset, u64 len);
void zero_range(struct object *object, u64 offset, u64 len);
void drop_pages(struct object *object, u64 offset, u64 len);
void resize(struct object *object, u64 size);
bool has_relatives(const struct object *object);
unsigned int children_of(const struct object *object);
u32 signals_of(const struct object *object);
struct object *new_object(u64 size, u64 max, u32 options);
struct object *new_child(struct object *parent, u32 options, u64 offset, u64 size);
void put_object(struct object *object);

struct charge {
	u64 committed, private, scaled, fraction;
};

struct charge charge_of(const struct object *object);

/* calls.c: what each call must answer */
zx_status_t want_create(u64 size, u32 options, bool bad_out);
zx_status_t want_child(u64 slot, u32 options, u64 offset, u64 size);
u32 rights_of_child(u32 rights, u32 options);
zx_status_t want_present(const struct object *object);
zx_status_t want_transfer(u64 slot, u32 right, u64 offset, u64 size);
zx_status_t want_set_size(u64 slot, u64 size);
zx_status_t want_set_stream(u64 slot, u64 size);
zx_status_t want_range(u64 slot, u32 op, u64 offset, u64 size, u64 buffer_size);
zx_status_t want_part(const struct object *object, u32 op, u64 offset, u64 len);
zx_status_t want_subset(u64 slot, u32 right, u32 rights);
zx_status_t want_map(u64 slot, u32 options, u64 vmar_offset, u64 offset, u64 len);
zx_status_t want_vmo(u64 slot, u32 rights);
zx_status_t want_handle(u64 slot, u32 rights);
zx_status_t want_get_property(u64 slot, u32 property, u64 size);
zx_status_t want_set_property(u64 slot, u32 property, u64 size, u64 value);
zx_status_t want_info(u64 slot, u32 topic, u64 size, u64 *record);
u32 map_prot(u32 options);

/* ops.c: operations as text */
enum op_kind {
	OP_CREATE, OP_CHILD, OP_READ, OP_WRITE, OP_GET_SIZE, OP_GET_STREAM,
	OP_SET_SIZE, OP_SET_STREAM, OP_RANGE, OP_DUPLICATE, OP_REPLACE, OP_CLOSE,
	OP_MAP, OP_UNMAP, OP_PROTECT, OP_LOAD, OP_STORE, OP_GET_PROPERTY,
	OP_SET_PROPERTY, OP_SIGNAL, OP_WAIT, OP_INFO, OP_PRIVATE, OP_COPY_IN,
	OP_COPY_OUT, OP_TRANSFER, OP_RECLAIM,
	OP_STREAM, OP_STREAM_READ, OP_STREAM_WRITE, OP_STREAM_SEEK, OP_STREAM_APPEND,
	OP_STREAM_DUPLICATE, OP_STREAM_CLOSE, OP_POLICY, OP_EXECUTABLE, OP_REGION,
	OP_KINDS
};

#define OP_ARGS		6

struct op {
	u32 kind;
	u64 arg[OP_ARGS];
};

struct op_type {
	const char *name;
	const char *args[OP_ARGS];
	unsigned int weight;		/* how often, among random ones */
};

extern const struct op_type op_types[OP_KINDS];

void print_op(FILE *file, const struct op *op);
bool parse_op(const char *line, struct op *op);

/* numbers.c: random ones */
extern bool large_family;	/* of VMOs in which large folios fit */
void start_random(u64 seed);
u64 any(u64 below);
u64 some_handle(void);
u64 empty_slot(void);
u64 some_map(bool full);
const struct object *object_in(u64 slot);
u64 odd_number(void);
u64 some_offset(const struct object *object);
u64 some_length(const struct object *object, u64 offset);
u64 aligned(u64 value);
u64 some_size(void);

/* random.c */
void seed_random(u64 seed);
struct op random_op(void);

/* apply.c: the same to the model and to the real one */
#define BUFFER		(BUFFER_PAGES * PAGE)

extern u8 buffer[BUFFER], expected[BUFFER];

void apply(const struct op *op);
zx_handle_t real(u64 slot);
bool taken(u64 slot);
void change_part(struct object *object, u32 op, u64 offset, u64 len);
void fill(u8 *at, u64 len, u64 value);
void add_handle(u64 slot, struct object *object, zx_handle_t handle, u32 rights);
void expect_bytes(struct object *object, u64 offset, u64 size);
void write_model(struct object *object, u64 offset, const u8 *from, u64 size);
void set_stream_model(struct object *object, u64 size);

/* objects.c */
void drop_handle(u64 slot);
void do_duplicate(u64 slot, u64 out, u32 rights);
void do_replace(u64 slot, u64 out, u32 rights);
void do_close(u64 slot);
void do_get_property(u64 slot, u32 property, u64 size);
void do_set_property(u64 slot, u32 property, u64 size, u64 value);
void do_signal(u64 slot, u32 clear, u32 set);
void do_wait(u64 slot, u32 signals, bool past);
void do_info(u64 slot, u32 topic, u64 size);

/* mappings.c */
void do_map(u64 slot, u64 number, u32 options, u64 place, u64 offset, u64 len);
void do_unmap(u64 number, u64 first, u64 count);
void do_protect(u64 number, u32 options, u64 first, u64 count);
void do_region(u64 number, u32 op, u64 first, u64 count);
void do_load(u64 number, u64 page);
void do_store(u64 number, u64 offset, u64 value, u64 further);
void do_private(u64 slot, u64 number, u64 offset, u64 len);
void do_copy(u64 slot, u64 number, u64 at, u64 offset, u64 size, bool out);
void note_ends(void);

/* transfers.c */
void do_transfer(const struct op *op);

/* discards.c */
zx_status_t want_lock(const struct object *object, u32 op, u64 offset, u64 len, u64 buffer_size);
void lock_model(struct store *store, u32 op, const zx_vmo_lock_state_t *seen);
void do_reclaim(void);

/* streams.c */
struct object *object_of_stream(u64 number);
void do_stream(u64 slot, u64 out, u32 options, u64 seek);
void do_stream_duplicate(u64 number, u64 out, u32 rights);
void do_stream_close(u64 number);
void do_stream_append(u64 number, bool append);
void do_stream_seek(u64 number, u32 whence, int64_t offset);
void do_stream_bytes(const u64 *arg, bool write);
void check_streams(void);

/* policies.c */
zx_status_t want_cached(const struct object *object);
void do_policy(u64 slot, u32 policy);
void do_executable(u64 slot, u64 out, bool resource);

/* check.c: comparing the two */
void prepare_check(void);
void differs(const char *what, const char *format, ...)
	__attribute__((__format__(printf, 2, 3), __noreturn__));
void same(const char *what, u64 want, u64 seen);
void same_status(const char *call, zx_status_t want, zx_status_t seen);
void same_koid(u64 koid);
void check_all(bool contents);
int load_bytes(void *to, const void *from, size_t len);
int store_bytes(void *to, const void *from, size_t len);

/* shrink.c: runs in processes of their own */
struct run {
	unsigned int count;		/* operations begun */
	bool failed;
	char what[64];
	char message[512];
	struct op ops[MAX_OPS];
};

extern struct run *shared;

bool run_random(u64 seed, unsigned int count);
bool run_ops(const struct op *ops, unsigned int count, struct run *result);
void shrink(struct run *run);

#endif /* _MODEL_H */
