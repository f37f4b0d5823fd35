/* SPDX-License-Identifier: GPL-2.0 */
/* The two processes of the example, and what they say to each other. */
#ifndef LIVE_BACKUP_H
#define LIVE_BACKUP_H

#include <stdint.h>
#include <time.h>

#define ACCOUNTS	20000
#define BALANCE		1000

/* From the writer: make a backup, which has at least so many transactions. */
struct request {
	uint64_t committed;
};

/* To the writer. */
struct reply {
	int stage;		/* SNAPSHOT_TAKEN, then BACKUP_DONE */
	int good;		/* whether the backup is as it must be */
	int in_transaction;	/* whether the snapshot came in the middle of one */
	uint64_t transactions;
	uint64_t snapshot_nanoseconds;
};

enum { SNAPSHOT_TAKEN = 1, BACKUP_DONE };

static inline uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * The process that makes backups: receives a handle to the VMO over the
 * socket, and answers requests until the other end is closed. The backup is
 * written to path. Returns an exit status.
 */
int backup_process(int sock, const char *path);

#endif
