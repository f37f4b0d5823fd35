/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both acts of the demo share: a voice, and the calls of zxvmo.
 */
#ifndef _DEMO_H
#define _DEMO_H

#include <stdbool.h>

#include "zxvmo.h"

#define __printf(a, b)	__attribute__((__format__(printf, a, b)))

#define PAGE	4096UL

/* The process that speaks, and whether something did not hold in it. */
extern const char *who;
extern bool failed;

__printf(1, 2) void say(const char *format, ...);
/* Tell what should be so, and whether it is. */
__printf(2, 3) void check(bool ok, const char *format, ...);
_Noreturn void die(const char *what);

const char *name_of(int status);
/* Make a call: the status. */
int call(int fd, unsigned int command, void *arg);

/* The acts. */
void show_handles(const char *path);
void show_snapshots(void);

#endif /* _DEMO_H */
