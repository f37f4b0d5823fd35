/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What attackers without privilege begin with: a descriptor and a mapping that may
 * only read. The owner's handle is there to see what came of it.
 */
#ifndef _ATTACK_TEST_H
#define _ATTACK_TEST_H

#include "zxvmo_test.h"

#define CONTENT		0xa5
#define PAGES		4
#define LENGTH		(PAGES * PAGE)

struct victim {
	int all;		/* what the owner has, to look through */
	int reader;		/* what the attacker has */
	unsigned char *at;	/* and its mapping */
};

/* A VMO, full; whether it could be made. */
static inline bool victim_make(struct victim *victim, __u32 options, __u32 flags)
{
	victim->all = vmo_create_flags(LENGTH, options, flags);
	if (victim->all < 0 || vmo_fill(victim->all, CONTENT, PAGES))
		return false;
	victim->reader = vmo_duplicate(victim->all, READER_RIGHTS);
	if (victim->reader < 0)
		return false;
	victim->at = map_shared(victim->reader, LENGTH, PROT_READ);
	return victim->at != MAP_FAILED;
}

/* Whether its first pages are as they were, and what else it has. */
static inline bool victim_is_unharmed(const struct victim *victim, int pages)
{
	int i;

	for (i = 0; i < pages; i++)
		if (!vmo_holds(victim->all, CONTENT, i * PAGE, PAGE))
			return false;
	return vmo_size(victim->all) == LENGTH && !vmo_info(victim->all).name[0];
}

/* From here on the process is the attacker: no privilege, and only the reader. */
static inline int become_attacker(const struct victim *victim)
{
	HOLDS(!close(victim->all));
	HOLDS(!become_nobody());
	/* What a program that was started by the user would have. */
	HOLDS(!prctl(PR_SET_DUMPABLE, 1));
	return 0;
}

#endif /* _ATTACK_TEST_H */
