// SPDX-License-Identifier: GPL-2.0
/*
 * A process keeps moving money between the accounts of a ledger, through a
 * shared mapping, while others copy the ledger. The sum of all accounts never
 * changes; so a copy is of one moment exactly if it has that sum.
 *
 * A transfer is two stores on two pages, so that even at one moment the sum may
 * be off by what is on its way. But the writer works as a database does: it
 * first notes what it is going to do, in the same memory, and crosses that out
 * when it is done. Whoever has the ledger of a single moment can finish what is
 * noted, and then the sum is exact. In a copy of several moments some transfers
 * have been taken half: there is no note of them, and the sum is wrong.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

#define SNAPSHOTS	100
#define ACCOUNTS	600
#define BALANCE		1000
#define EXACT		((long)ACCOUNTS * BALANCE)
#define SIZE		((ACCOUNTS + 1) * PAGE)
/* Between two copies, so that the writer gets around. */
#define PAUSE_US	5000

/* Each account has a page of its own; the note is on the first. */
struct account {
	long balance;
	char rest[PAGE - sizeof(long)];
};

struct ledger {
	unsigned long number;	/* of transfers, with the one under way */
	long pending;		/* the rest is to be done still */
	unsigned long from, to;
	long from_after, to_after;
	char rest[PAGE - 6 * sizeof(long)];
	struct account accounts[ACCOUNTS];
};

_Static_assert(sizeof(struct ledger) == SIZE, "the ledger is not made of pages");

/* Stores that every other processor sees in the order of the program. */
#define PUT(place, value)	__atomic_store_n(&(place), value, __ATOMIC_RELEASE)
#define GET(place)		__atomic_load_n(&(place), __ATOMIC_ACQUIRE)

/* --- the writer ------------------------------------------------------------ */

static void transfer(struct ledger *ledger, unsigned long from, unsigned long to, long amount)
{
	PUT(ledger->from, from);
	PUT(ledger->to, to);
	PUT(ledger->from_after, ledger->accounts[from].balance - amount);
	PUT(ledger->to_after, ledger->accounts[to].balance + amount);
	PUT(ledger->number, ledger->number + 1);
	PUT(ledger->pending, 1);
	PUT(ledger->accounts[from].balance, ledger->from_after);
	PUT(ledger->accounts[to].balance, ledger->to_after);
	PUT(ledger->pending, 0);
}

static _Noreturn void keep_transferring(struct ledger *ledger)
{
	unsigned long random = 88172645463325252UL, from, to;

	for (;;) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		from = random % ACCOUNTS;
		to = (from + 1 + (random >> 32) % (ACCOUNTS - 1)) % ACCOUNTS;
		transfer(ledger, from, to, 1 + (random >> 20) % 100);
	}
}

static pid_t start_writer(struct ledger *ledger)
{
	pid_t pid;
	int i;

	for (i = 0; i < ACCOUNTS; i++)
		ledger->accounts[i].balance = BALANCE;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		keep_transferring(ledger);
	}
	while (GET(ledger->number) < 1000)
		usleep(1000);
	return pid;
}

/* --- the auditor ----------------------------------------------------------- */

struct finding {
	unsigned long number;
	long found;		/* the sum as it stands */
	long completed;		/* and with the noted transfer finished */
	bool pending;
};

static struct finding audit(const struct ledger *ledger)
{
	struct finding finding = { .number = ledger->number, .pending = ledger->pending };
	unsigned long i;

	for (i = 0; i < ACCOUNTS; i++)
		finding.found += ledger->accounts[i].balance;
	finding.completed = finding.found;
	if (finding.pending) {
		if (ledger->from >= ACCOUNTS || ledger->to >= ACCOUNTS) {
			finding.completed = -1;
			return finding;
		}
		finding.completed += ledger->from_after - ledger->accounts[ledger->from].balance;
		finding.completed += ledger->to_after - ledger->accounts[ledger->to].balance;
	}
	return finding;
}

/* What came of all copies of one kind. */
struct tally {
	int good, pending;
	long worst;
	double took[SNAPSHOTS];	/* milliseconds */
};

static void count(struct tally *tally, int i, const struct finding *finding, double took)
{
	long off = labs(finding->completed - EXACT);

	tally->good += !off;
	tally->pending += finding->pending;
	if (off > tally->worst)
		tally->worst = off;
	tally->took[i] = took;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void say_times(struct tally *tally)
{
	qsort(tally->took, SNAPSHOTS, sizeof(tally->took[0]), compare);
	say("  one took %.2f ms (the fastest), %.2f ms (the median), %.2f ms (the slowest)",
	    tally->took[0], tally->took[SNAPSHOTS / 2], tally->took[SNAPSHOTS - 1]);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* --- snapshots of a VMO ---------------------------------------------------- */

static int take_snapshot(int vmo)
{
	struct zxvmo_create_child arg = { .options = ZX_VMO_CHILD_SNAPSHOT, .size = SIZE };
	int status = call(vmo, ZXVMO_IOC_CREATE_CHILD, &arg);

	if (status) {
		check(false, "zx_vmo_create_child: %s", name_of(status));
		exit(1);
	}
	return arg.handle;
}

static void read_snapshot(int snapshot, struct ledger *copy)
{
	struct zxvmo_transfer arg = { .buffer = (unsigned long)copy, .length = SIZE };

	if (call(snapshot, ZXVMO_IOC_READ, &arg))
		die("zx_vmo_read of a snapshot");
}

static int create_vmo(void)
{
	int device = open(ZXVMO_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	struct zxvmo_create arg = { .size = SIZE };

	if (device < 0 || call(device, ZXVMO_IOC_CREATE, &arg))
		die("zx_vmo_create");
	close(device);
	return arg.handle;
}

/* A few of them in full, the others in numbers. */
static void say_finding(int i, const struct finding *finding)
{
	if (i % 25)
		return;
	if (finding->pending)
		say("  snapshot %d, in transfer %lu: sum %ld; that one completed, %ld",
		    i, finding->number, finding->found, finding->completed);
	else
		say("  snapshot %d, after transfer %lu: sum %ld", i, finding->number,
		    finding->found);
}

static struct ledger *map_ledger(int fd)
{
	struct ledger *ledger = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (ledger == MAP_FAILED)
		die("mapping the ledger");
	return ledger;
}

static void audit_snapshots(struct ledger *copy)
{
	int snapshots[SNAPSHOTS], vmo = create_vmo(), i, on_time = 0, unchanged = 0;
	struct finding findings[SNAPSHOTS], finding;
	struct ledger *ledger = map_ledger(vmo);
	pid_t writer = start_writer(ledger);
	unsigned long before;
	struct tally tally = { };
	double start, took;

	say("takes %d snapshots of the VMO", SNAPSHOTS);
	for (i = 0; i < SNAPSHOTS; i++) {
		usleep(PAUSE_US);
		before = GET(ledger->number);
		start = now_ms();
		snapshots[i] = take_snapshot(vmo);
		took = now_ms() - start;
		read_snapshot(snapshots[i], copy);
		findings[i] = audit(copy);
		count(&tally, i, &findings[i], took);
		on_time += findings[i].number >= before &&
			   findings[i].number <= GET(ledger->number);
		say_finding(i, &findings[i]);
	}
	say("  %lu transfers were made; %d snapshots came in the middle of one",
	    GET(ledger->number), tally.pending);
	say_times(&tally);
	check(tally.good == SNAPSHOTS, "%d of %d snapshots are of one moment: completed, the sum is %ld",
	      tally.good, SNAPSHOTS, EXACT);
	check(on_time == SNAPSHOTS, "and that moment is between call and return, in %d", on_time);
	for (i = 0; i < SNAPSHOTS; i++) {
		read_snapshot(snapshots[i], copy);
		finding = audit(copy);
		unchanged += finding.completed == findings[i].completed &&
			     finding.found == findings[i].found &&
			     finding.number == findings[i].number;
		close(snapshots[i]);
	}
	check(unchanged == SNAPSHOTS, "looked at again at the end, %d are as they were", unchanged);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	finding = audit(ledger);
	check(finding.completed == EXACT, "so is what the writer leaves when it is killed: sum %ld",
	      finding.completed);
	munmap(ledger, SIZE);
	close(vmo);
}

/* --- the same of a memfd --------------------------------------------------- */

static void copy_by_pread(int fd, struct ledger *copy)
{
	unsigned long at;

	for (at = 0; at < SIZE; at += PAGE) {
		if (pread(fd, (char *)copy + at, PAGE, at) != PAGE)
			die("pread of a memfd");
	}
}

/* The nearest thing to a snapshot: a page is copied when it is first written. */
static void copy_by_private_mapping(int fd, struct ledger *copy)
{
	volatile char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	unsigned long i;

	if (at == MAP_FAILED)
		die("mapping the memfd");
	for (i = 0; i < SIZE; i += PAGE)
		at[i + PAGE - 1] = 1;
	memcpy(copy, (void *)at, SIZE);
	munmap((void *)at, SIZE);
}

static void audit_copies(const char *how, void (*take)(int fd, struct ledger *copy),
			 struct ledger *copy)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC), i;
	struct tally tally = { };
	struct finding finding;
	struct ledger *ledger;
	double start, took;
	pid_t writer;

	if (fd < 0 || ftruncate(fd, SIZE))
		die("memfd_create");
	ledger = map_ledger(fd);
	writer = start_writer(ledger);
	say("copies a memfd %d times by %s", SNAPSHOTS, how);
	for (i = 0; i < SNAPSHOTS; i++) {
		usleep(PAUSE_US);
		start = now_ms();
		take(fd, copy);
		took = now_ms() - start;
		finding = audit(copy);
		count(&tally, i, &finding, took);
	}
	say_times(&tally);
	say("  torn: %d of %d copies cannot be completed to %ld; the worst is off by %ld",
	    SNAPSHOTS - tally.good, SNAPSHOTS, EXACT, tally.worst);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	munmap(ledger, SIZE);
	close(fd);
}

void show_snapshots(void)
{
	struct ledger *copy = malloc(SIZE);

	if (!copy)
		die("malloc");
	who = "auditor";
	say("a writer moves money between %d accounts, each on a page of its own, all the time;",
	    ACCOUNTS);
	say("it notes each transfer before the first of its two stores and crosses the note out");
	say("after the second, so that a copy of one moment can be completed to the sum %ld,",
	    EXACT);
	say("and a copy that mixes moments cannot");
	audit_snapshots(copy);
	audit_copies("pread, page by page", copy_by_pread, copy);
	audit_copies("a private mapping, page by page", copy_by_private_mapping, copy);
	free(copy);
}
