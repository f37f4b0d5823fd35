// SPDX-License-Identifier: GPL-2.0
/* Two processors: threads that touch disjoint halves, and interrupts between them. */
#include <pthread.h>
#include <sched.h>

#include "objects.h"

#define PAGES	(USUAL / PAGE)

static pthread_barrier_t barrier;

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		skip("this takes two processors");
}

/* The second half, from the second processor. */
static void *touch_half(void *at)
{
	stay_on(1);
	pthread_barrier_wait(&barrier);
	write_in_order((unsigned char *)at + USUAL / 2, PAGES / 2, 1);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void touch_in_two(unsigned char *at)
{
	pthread_t other;

	stay_on(0);
	must(pthread_barrier_init(&barrier, NULL, 2) == 0);
	must(pthread_create(&other, NULL, touch_half, at) == 0);
	pthread_barrier_wait(&barrier);
	begin();
	write_in_order(at, PAGES / 2, 1);
	pthread_barrier_wait(&barrier);
	end();
	count(PAGES);
	must(pthread_join(other, NULL) == 0);
}

static void vmo_two_threads(unsigned long arg __always_unused)
{
	touch_vmo(touch_in_two);
}

static void memfd_two_threads(unsigned long arg __always_unused)
{
	touch_memfd(touch_in_two);
}

/* TLB interrupts of all processors so far. */
static uint64_t tlb_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	char line[4096], *at, *end;
	uint64_t sum = 0;

	must(file);
	while (fgets(line, sizeof(line), file)) {
		at = line + strspn(line, " ");
		if (strncmp(at, "TLB:", 4))
			continue;
		at += 4;
		for (uint64_t number = strtoull(at, &end, 10); end != at;
		     number = strtoull(at, &end, 10)) {
			sum += number;
			at = end;
		}
	}
	fclose(file);
	return sum;
}

static volatile bool spinning;

static void *spin(void *at)
{
	stay_on(1);
	pthread_barrier_wait(&barrier);
	while (spinning)
		(*(volatile unsigned char *)at)++;
	return NULL;
}

static void snapshot_interrupts(unsigned long dirty)
{
	zx_handle_t vmo = committed_vmo_of(USUAL), child;
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE);
	unsigned char *elsewhere = private_memory(PAGE);
	uint64_t before, after;
	pthread_t other;

	stay_on(0);
	spinning = true;
	must(pthread_barrier_init(&barrier, NULL, 2) == 0);
	must(pthread_create(&other, NULL, spin, elsewhere) == 0);
	pthread_barrier_wait(&barrier);
	for (size_t page = 0; page < PAGES; page += PAGES / dirty)
		at[page * PAGE] = 1;
	before = tlb_interrupts();
	child = snapshot_of(vmo, USUAL);
	after = tlb_interrupts();
	value(after - before);
	spinning = false;
	must(pthread_join(other, NULL) == 0);
	vmo_unmap(at, USUAL);
	munmap(elsewhere, PAGE);
	vmo_close(child);
	vmo_close(vmo);
}

void bench_parallel(void)
{
	static const struct bench benches[] = {
		{ "parallel", "two threads touching disjoint halves (wall time)", "page",
		  { vmo_two_threads }, "memfd", { memfd_two_threads }, .target = 1.0 },
		{ "parallel", "TLB interrupts of a snapshot, 2,048 dirty pages", "snapshot",
		  { snapshot_interrupts, 2048 }, .measure = LIMIT, .target = 4 },
	};

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		bench_run(&benches[i]);
}
