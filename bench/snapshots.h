/* SPDX-License-Identifier: GPL-2.0 */
/* Write protection of shared memory by userfaultfd, the peer of snapshots. */
#ifndef _SNAPSHOTS_H
#define _SNAPSHOTS_H

#include "bench.h"

/* A userfaultfd that watches writes to a range; skips the side if there is none. */
int wp_register(unsigned char *at, size_t size);

/* Protect the range, or open it again. */
void wp_set(int uffd, const unsigned char *at, size_t size, bool protect);

#endif /* _SNAPSHOTS_H */
