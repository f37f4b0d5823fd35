// SPDX-License-Identifier: GPL-2.0
/*
 * Two acts about what a VMO is worth: a handle that may only read, in the hands
 * of a process without privileges (demo_handles.c), and snapshots of memory that
 * is being written (demo_snapshots.c).
 *
 *   demo FILE
 *
 * FILE should have 100 MiB or more. Exits with 0 only if everything held.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "demo.h"

const char *who = "demo";
bool failed;

void say(const char *format, ...)
{
	va_list args;

	printf("%s: ", who);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void check(bool ok, const char *format, ...)
{
	va_list args;

	printf("%s:   %-4s ", who, ok ? "ok" : "FAIL");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	failed |= !ok;
}

_Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

const char *name_of(int status)
{
	switch (status) {
	case ZX_OK:			return "ZX_OK";
	case ZX_ERR_INVALID_ARGS:	return "ZX_ERR_INVALID_ARGS";
	case ZX_ERR_BAD_HANDLE:		return "ZX_ERR_BAD_HANDLE";
	case ZX_ERR_OUT_OF_RANGE:	return "ZX_ERR_OUT_OF_RANGE";
	case ZX_ERR_ACCESS_DENIED:	return "ZX_ERR_ACCESS_DENIED";
	case ZX_ERR_NOT_SUPPORTED:	return "ZX_ERR_NOT_SUPPORTED";
	case ZX_ERR_UNAVAILABLE:	return "ZX_ERR_UNAVAILABLE";
	default:			return "another status";
	}
}

int call(int fd, unsigned int command, void *arg)
{
	int *status = arg;

	*status = ZX_ERR_INTERNAL;
	ioctl(fd, command, arg);
	return *status;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: demo FILE\n");
		return 2;
	}
	say("--- first act: what can be done with a handle that may only read ---");
	show_handles(argv[1]);
	who = "demo";
	say("--- second act: snapshots of memory that is being written ---");
	show_snapshots();
	who = "demo";
	say("%s", failed ? "something did not hold" : "everything held");
	return failed;
}
