/* SPDX-License-Identifier: GPL-2.0 */
/* Words, mutexes and conditions in a page that processes share. */
#ifndef _FUTEX_TEST_H
#define _FUTEX_TEST_H

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>

#include "zxvmo_test.h"

#define TURNS	200

struct shared {
	__u32 word, other;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	sem_t sem;
	int turns;
};

static inline long futex(__u32 *word, int op, __u32 value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static inline int wait_for_word(void *arg)
{
	struct timespec timeout = { .tv_sec = 10 };

	HOLDS(!futex(arg, FUTEX_WAIT, 0, &timeout));
	return 0;
}

static inline void init_mutex(pthread_mutex_t *mutex, int robust, int protocol)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutex_init(mutex, &attr);
}

static inline void init_turns(struct shared *shared)
{
	pthread_condattr_t attr;

	init_mutex(&shared->mutex, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	pthread_condattr_init(&attr);
	pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&shared->cond, &attr);
}

/* Every second turn, or those between (side 1). */
static inline bool take_turns(struct shared *shared, int side)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		if (pthread_mutex_lock(&shared->mutex))
			return false;
		while (shared->turns % 2 != side)
			pthread_cond_wait(&shared->cond, &shared->mutex);
		shared->turns++;
		pthread_cond_signal(&shared->cond);
		if (pthread_mutex_unlock(&shared->mutex))
			return false;
	}
	return true;
}

static inline int take_turns_between(void *arg)
{
	HOLDS(take_turns(arg, 1));
	return 0;
}

#endif /* _FUTEX_TEST_H */
