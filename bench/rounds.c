// SPDX-License-Identifier: GPL-2.0
/* Life after a snapshot: first writes, reads, whole rounds of a checkpoint, long chains. */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "objects.h"
#include "snapshots.h"

#define PAGES	(USUAL / PAGE)

/* Which pages, in which order, and on which side of the snapshot. */
enum how { IN_ORDER = 0, SHUFFLED = 1, SPARSE = 2, CHILD = 4 };
#define SPARSE_STEP	64

static void write_as(unsigned char *at, enum how how)
{
	const uint32_t *order = shuffled(PAGES / SPARSE_STEP);
	size_t pages = PAGES;

	if (how & SPARSE) {
		pages = PAGES / SPARSE_STEP;
		begin();
		for (size_t i = 0; i < pages; i++)
			*(volatile uint64_t *)(at + order[i] * SPARSE_STEP * PAGE) = 2;
		end();
	} else if (how & SHUFFLED) {
		order = shuffled(PAGES);
		begin();
		write_shuffled(at, order, PAGES, 2);
		end();
	} else {
		begin();
		write_in_order(at, PAGES, 2);
		end();
	}
	count(pages);
}

static void vmo_write_after(unsigned long how)
{
	size_t written = how & SPARSE ? PAGES / SPARSE_STEP : PAGES;
	zx_handle_t vmo = vmo_of(USUAL), child;
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE), *of_child, kept = 0;

	write_in_order(at, PAGES, 1);
	child = snapshot_of(vmo, USUAL);
	of_child = vmo_map(child, USUAL, READ_WRITE);
	write_as(how & CHILD ? of_child : at, how);
	must(zx_vmo_read(how & CHILD ? vmo : child, &kept, 0, 1) == ZX_OK && kept == 1);
	must(vmo_info(vmo).committed_private_bytes == written * PAGE);
	vmo_unmap(of_child, USUAL);
	vmo_unmap(at, USUAL);
	vmo_close(child);
	vmo_close(vmo);
}

static void fork_write_after(unsigned long how)
{
	double *taken = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	unsigned char *at = private_memory(USUAL);
	size_t written = how & SPARSE ? PAGES / SPARSE_STEP : PAGES;
	pid_t pid;

	must(taken != MAP_FAILED);
	shuffled(how & SPARSE ? PAGES / SPARSE_STEP : PAGES);
	write_in_order(at, PAGES, 1);
	pid = fork();
	if (!pid) {
		if (how & CHILD) {
			write_as(at, how);
			*taken = measured();
			_exit(0);
		}
		for (;;)
			pause();
	}
	must(pid > 0);
	if (how & CHILD) {
		must(waitpid(pid, NULL, 0) == pid);
		must(*taken > 0 && at[0] == 1);
		value(*taken / written);
	} else {
		write_as(at, how);
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
	}
	munmap(at, USUAL);
	munmap(taken, PAGE);
}

static void vmo_read_after(unsigned long how)
{
	zx_handle_t vmo = vmo_of(USUAL), child;
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE), *of_child;
	size_t sum;

	write_in_order(at, PAGES, 1);
	child = snapshot_of(vmo, USUAL);
	of_child = vmo_map(child, USUAL, READ_WRITE);
	begin();
	sum = read_in_order(how & CHILD ? of_child : at, PAGES);
	end();
	must(sum == PAGES);
	must(!vmo_info(vmo).committed_private_bytes);
	must(!vmo_info(child).committed_private_bytes);
	remark("no page copied");
	count(PAGES);
	vmo_unmap(of_child, USUAL);
	vmo_unmap(at, USUAL);
	vmo_close(child);
	vmo_close(vmo);
}

static void memfd_refault(unsigned long arg __always_unused)
{
	int fd = memfd_of(USUAL);
	unsigned char *at = memfd_map(fd, USUAL);
	size_t sum;

	write_in_order(at, PAGES, 1);
	must(madvise(at, USUAL, MADV_DONTNEED) == 0);
	begin();
	sum = read_in_order(at, PAGES);
	end();
	must(sum == PAGES);
	count(PAGES);
	munmap(at, USUAL);
	close(fd);
}

/*
 * A round of a checkpoint: one page in 64 is rewritten, everything is kept as
 * it is now, what was kept before is dropped, and everything is read again.
 */

#define STEP	64
#define ROUNDS	8

static void rewrite(unsigned char *at, unsigned int round)
{
	for (size_t page = round * 5 % STEP; page < PAGES; page += STEP)
		*(volatile unsigned char *)(at + page * PAGE) = round + 2;
}

static void vmo_rounds(unsigned long arg __always_unused)
{
	zx_handle_t vmo = vmo_of(USUAL), before, now;
	unsigned char *at = vmo_map(vmo, USUAL, READ_WRITE), seen;

	write_in_order(at, PAGES, 1);
	before = snapshot_of(vmo, USUAL);
	must(read_in_order(at, PAGES) == PAGES);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		begin();
		rewrite(at, round);
		now = snapshot_of(vmo, USUAL);
		vmo_close(before);
		must(read_in_order(at, PAGES) > PAGES);
		end();
		before = now;
		must(zx_vmo_read(now, &seen, round * 5 % STEP * PAGE, 1) == ZX_OK);
		must(seen == round + 2);
	}
	count(PAGES / STEP * ROUNDS);
	vmo_unmap(at, USUAL);
	vmo_close(before);
	vmo_close(vmo);
}

static pid_t idle_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	must(pid > 0);
	return pid;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid);
}

/* The end of the previous child is its own processor time. */
static void fork_rounds(unsigned long arg __always_unused)
{
	unsigned char *at = private_memory(USUAL);
	pid_t before, now;

	count_children();
	write_in_order(at, PAGES, 1);
	before = idle_fork();
	must(read_in_order(at, PAGES) == PAGES);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		begin();
		rewrite(at, round);
		now = idle_fork();
		end_process(before);
		must(read_in_order(at, PAGES) > PAGES);
		end();
		before = now;
	}
	count(PAGES / STEP * ROUNDS);
	end_process(before);
	munmap(at, USUAL);
}

/* Who waits for writes to protected pages, keeps what they hold, and lets them go on. */
struct keeper {
	pthread_t thread;
	int uffd;
	unsigned char *kept;
	size_t pages;
};

static void *keep(void *arg)
{
	struct keeper *keeper = arg;
	struct uffd_msg message;
	unsigned char *page;

	while (read(keeper->uffd, &message, sizeof(message)) == sizeof(message)) {
		if (message.event != UFFD_EVENT_PAGEFAULT)
			continue;
		page = (void *)(uintptr_t)(message.arg.pagefault.address & ~(PAGE - 1));
		memcpy(keeper->kept + keeper->pages++ * PAGE, page, PAGE);
		wp_set(keeper->uffd, page, PAGE, false);
	}
	return NULL;
}

static void wp_rounds(unsigned long arg __always_unused)
{
	static struct keeper keeper;
	size_t room = PAGES / STEP * PAGE;
	int fd = memfd_of(USUAL);
	unsigned char *at = memfd_map(fd, USUAL), *next;

	write_in_order(at, PAGES, 1);
	keeper.uffd = wp_register(at, USUAL);
	must(pthread_create(&keeper.thread, NULL, keep, &keeper) == 0);
	wp_set(keeper.uffd, at, USUAL, true);
	must(read_in_order(at, PAGES) == PAGES);
	keeper.kept = private_memory(room);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		keeper.pages = 0;
		begin();
		rewrite(at, round);
		next = private_memory(room);
		wp_set(keeper.uffd, at, USUAL, true);
		munmap(keeper.kept, room);
		keeper.kept = next;
		must(read_in_order(at, PAGES) > PAGES);
		end();
		must(keeper.pages == PAGES / STEP);
	}
	count(PAGES / STEP * ROUNDS);
	must(pthread_cancel(keeper.thread) == 0 && pthread_join(keeper.thread, NULL) == 0);
	close(keeper.uffd);
	munmap(keeper.kept, room);
	munmap(at, USUAL);
	close(fd);
}

/* Chains: each generation is a snapshot of the one before, with a page rewritten. */

#define CHAIN_SIZE	(4 * MIB)
#define LONGEST		1000

static zx_handle_t chain[LONGEST + 1];

static zx_handle_t make_chain(unsigned long depth)
{
	struct rlimit files = { 4096, 4096 };
	uint64_t mark = 1;

	must(setrlimit(RLIMIT_NOFILE, &files) == 0);
	chain[0] = committed_vmo_of(CHAIN_SIZE);
	for (unsigned long i = 1; i <= depth; i++) {
		must(zx_vmo_write(chain[i - 1], &mark, i % (CHAIN_SIZE / PAGE) * PAGE,
				  sizeof(mark)) == ZX_OK);
		chain[i] = snapshot_of(chain[i - 1], CHAIN_SIZE);
	}
	return chain[depth];
}

static void end_chain(unsigned long depth)
{
	for (unsigned long i = 0; i <= depth; i++)
		vmo_close(chain[i]);
}

static void chain_read(unsigned long depth)
{
	const uint32_t *order = shuffled(CHAIN_SIZE / PAGE);
	zx_handle_t vmo = make_chain(depth);
	uint64_t buffer[PAGE / sizeof(uint64_t)], marked = 0;

	begin();
	for (size_t i = 0; i < CHAIN_SIZE / PAGE; i++) {
		must(zx_vmo_read(vmo, buffer, order[i] * PAGE, PAGE) == ZX_OK);
		marked += buffer[0];
	}
	end();
	must(marked == depth);
	count(CHAIN_SIZE / PAGE);
	end_chain(depth);
}

static void chain_write(unsigned long depth)
{
	const uint32_t *order = shuffled(CHAIN_SIZE / PAGE);
	zx_handle_t vmo = make_chain(depth);
	uint64_t buffer[PAGE / sizeof(uint64_t)] = { 5 };

	begin();
	for (size_t i = 0; i < CHAIN_SIZE / PAGE; i++)
		must(zx_vmo_write(vmo, buffer, order[i] * PAGE, PAGE) == ZX_OK);
	end();
	must(vmo_info(vmo).committed_private_bytes == CHAIN_SIZE);
	count(CHAIN_SIZE / PAGE);
	end_chain(depth);
}

void bench_rounds(void)
{
	static const struct bench benches[] = {
		{ "snapshot", "first write after a snapshot, parent, random order", "page",
		  { vmo_write_after, SHUFFLED }, "first write after fork()",
		  { fork_write_after, SHUFFLED }, .target = 0.95 },
		{ "snapshot", "first write after a snapshot, child, random order", "page",
		  { vmo_write_after, SHUFFLED | CHILD }, "first write after fork()",
		  { fork_write_after, SHUFFLED | CHILD }, .target = 0.95 },
		{ "snapshot", "first write after a snapshot, parent, one page in 64", "page",
		  { vmo_write_after, SPARSE }, "first write after fork()",
		  { fork_write_after, SPARSE }, .target = 0.95 },
		{ "snapshot", "first write after a snapshot, child, one page in 64", "page",
		  { vmo_write_after, SPARSE | CHILD }, "first write after fork()",
		  { fork_write_after, SPARSE | CHILD }, .target = 0.95 },
		{ "snapshot", "all rewritten in order after a snapshot, parent", "page",
		  { vmo_write_after, IN_ORDER }, "the same after fork()",
		  { fork_write_after, IN_ORDER }, .target = 0.5 },
		{ "snapshot", "all rewritten in order after a snapshot, child", "page",
		  { vmo_write_after, IN_ORDER | CHILD }, "the same after fork()",
		  { fork_write_after, IN_ORDER | CHILD }, .target = 0.5 },
		{ "snapshot", "read of a page after a snapshot, parent", "page",
		  { vmo_read_after }, "refault of memfd", { memfd_refault }, .target = 1.0 },
		{ "snapshot", "read of a page after a snapshot, child", "page",
		  { vmo_read_after, CHILD }, "refault of memfd", { memfd_refault },
		  .target = 1.0 },
		{ "snapshot", "checkpoint round, 1 page in 64 of 64 MiB rewritten",
		  "page written", { vmo_rounds }, "fork()", { fork_rounds }, .target = 0.6 },
		{ "snapshot", "checkpoint round, 1 page in 64 of 64 MiB rewritten",
		  "page written", { vmo_rounds }, "userfaultfd-wp and copying", { wp_rounds },
		  .target = 0.5 },
		{ "snapshot", "read through a chain of 1,000 snapshots", "page",
		  { chain_read, LONGEST }, "at depth 1", { chain_read, 1 }, .target = 1.1 },
		{ "snapshot", "write through a chain of 1,000 snapshots", "page",
		  { chain_write, LONGEST }, "at depth 1", { chain_write, 1 },
		  .target = 1.1 },
	};

	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		bench_run(&benches[i]);
}
