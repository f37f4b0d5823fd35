/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The harness of the benchmark. A case has two sides, zxvmo and a peer, which
 * do the same work. Each side runs in a process of its own, several times; what
 * lies between begin() and end() is measured, and the median over the runs
 * counts.
 *
 * A side that cannot be measured says so by skip() (something is missing here)
 * or must() (something went wrong), and the table shows the reason in place of
 * a figure: no case can measure an error.
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zircon/syscalls.h>

#define PAGE		4096UL
#define KIB		1024UL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)
#ifndef USUAL
#define USUAL		(64 * MIB)
#endif
#define READ_WRITE	(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

#ifndef __always_unused
#define __always_unused	__attribute__((__unused__))
#endif
#define PRINTF(format)	__attribute__((__format__(__printf__, format, format + 1)))

/* What a target is compared with. */
enum measure {
	RATIO,		/* zxvmo / peer */
	LIMIT,		/* the figure of zxvmo itself */
};

/* One side: run is called once for each repetition, in the same process. */
struct side {
	void (*run)(unsigned long arg);
	unsigned long arg;
};

struct bench {
	const char *group;
	const char *name;
	const char *per;		/* what a figure counts for: "page", "call" */
	struct side zxvmo;
	const char *peer_name;		/* NULL: none */
	struct side peer;
	enum measure measure;
	double target;			/* at most this; 0: none */
	const char *target_note;	/* what else is expected */
	unsigned int repetitions;	/* 0: as usual */
	size_t size;			/* of the object, in a series over sizes */
};

void bench_run(const struct bench *bench);

/* For a side. */
void begin(void);			/* measure from here on ... */
void end(void);				/* ... up to here, added to what came before */
void count(double units);		/* divide by so many pages, calls, ... */
void count_children(void);		/* processor time of children that ended, too */
void value(double figure);		/* the figure of this run, instead of a time */
double measured(void);			/* so far in this run, as a child of the side has to tell */
void remark(const char *format, ...) PRINTF(1);
_Noreturn void skip(const char *format, ...) PRINTF(1);
_Noreturn void failed(const char *format, ...) PRINTF(1);

#define must(cond) do {							\
	if (!(cond))							\
		failed("%s:%d: not %s (%s)", __FILE__, __LINE__, #cond,	\
		       strerror(errno));				\
} while (0)

/* True when times are those of a clock on the wall, not counts of instructions. */
bool on_wall_clock(void);

/* The largest power of two, at most wanted, of which a share fits in free memory. */
size_t fitting(size_t wanted, double copies);

/* "64 MiB", in one of a few static buffers; a name made of a format likewise, for good. */
const char *size_name(size_t size);
const char *case_name(const char *format, ...) PRINTF(1);

/* A number of a file, by the key that its line begins with; all bits set if none. */
uint64_t number_in(const char *path, const char *key);
bool put_in(const char *path, const char *text);

/* The groups. */
void bench_touch(void);
void bench_calls(void);
void bench_snapshots(void);
void bench_rounds(void);
void bench_memory(void);
void bench_sizes(void);
void bench_zircon(void);
void bench_parallel(void);

#endif /* _BENCH_H */
