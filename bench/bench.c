// SPDX-License-Identifier: GPL-2.0
/*
 * The harness: see bench.h. Prints the table as it goes, and appends each case
 * as a JSON object on a line of its own to a file, for scripts/bench.
 *
 *   bench [--wall] [--parallel] [--json FILE] [--repetitions N] [PATTERN...]
 *
 * A PATTERN picks cases by "group" or by "group: name".
 */
#include <fnmatch.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "bench.h"

#define MOST_RUNS	64
#define MOST_SIDES	512

/* How a side ended. */
enum outcome { DIED, MEASURED, SKIPPED, FAILED };

/* What a side leaves to the parent, in shared memory. */
struct result {
	enum outcome outcome;
	unsigned int number;	/* of this side among all that ran */
	unsigned int runs;
	double figures[MOST_RUNS];
	char text[200];		/* the reason, or a remark */
};

static struct {
	bool wall;
	unsigned int repetitions;
	FILE *json;
	char **patterns;
	unsigned int cases;
} options;

/* Of the side that this process is. */
static struct result *result;
static double total, units, figure;
static bool has_figure, with_children;
static double started, overhead;

bool on_wall_clock(void)
{
	return options.wall;
}

static double seconds(const struct timeval *time)
{
	return time->tv_sec + time->tv_usec * 1e-6;
}

/*
 * Nanoseconds; in a guest that counts instructions these are instructions, and
 * processor time leaves out what kernel threads did meanwhile.
 */
static double now(void)
{
	clockid_t clock = options.wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
	struct timespec time;
	struct rusage usage;
	double sum;

	clock_gettime(clock, &time);
	sum = time.tv_sec * 1e9 + time.tv_nsec;
	if (with_children && !options.wall) {
		getrusage(RUSAGE_CHILDREN, &usage);
		sum += (seconds(&usage.ru_utime) + seconds(&usage.ru_stime)) * 1e9;
	}
	return sum;
}

/* No-operations that bench/profile/plugin.c recognises; the number is their address. */
static inline __attribute__((__always_inline__)) void mark(const int number)
{
	asm volatile("nopl %c0(%%rax,%%rax,1)" :: "i"(0x7a780000 + number) : "memory");
}

void begin(void)
{
	started = now();
	mark(1);
}

void end(void)
{
	mark(2);
	total += now() - started - overhead;
}

void count(double more)
{
	units += more;
}

void count_children(void)
{
	with_children = true;
}

void value(double of_this_run)
{
	figure = of_this_run;
	has_figure = true;
}

double measured(void)
{
	return total;
}

void remark(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(result->text, sizeof(result->text), format, args);
	va_end(args);
}

_Noreturn static void give_up(enum outcome outcome, const char *format, va_list args)
{
	vsnprintf(result->text, sizeof(result->text), format, args);
	result->outcome = outcome;
	_exit(0);
}

_Noreturn void skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	give_up(SKIPPED, format, args);
}

_Noreturn void failed(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	give_up(FAILED, format, args);
}

/* What an empty measurement measures. */
static double measure_overhead(void)
{
	double least = 1e9;

	overhead = 0;
	for (int i = 0; i < 20; i++) {
		total = 0;
		begin();
		end();
		if (total < least)
			least = total;
	}
	return least;
}

_Noreturn static void be_side(const struct side *side, unsigned int runs)
{
	overhead = measure_overhead();
	for (unsigned int i = 0; i < runs; i++) {
		total = 0;
		units = 0;
		has_figure = false;
		side->run(side->arg);
		if (!has_figure && !units)
			failed("nothing was counted");
		result->figures[i] = has_figure ? figure : total / units;
		result->runs = i + 1;
	}
	result->outcome = MEASURED;
	_exit(0);
}

static struct result *new_result(void)
{
	struct result *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (made == MAP_FAILED) {
		perror("bench: mmap");
		exit(1);
	}
	return made;
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static struct result *run_side(const struct side *side, unsigned int runs)
{
	static struct {
		struct side side;
		struct result *result;
	} done[MOST_SIDES];
	static unsigned int sides;
	pid_t pid;
	int status;

	/* What several cases compare themselves with runs once. */
	for (unsigned int i = 0; i < sides; i++)
		if (done[i].side.run == side->run && done[i].side.arg == side->arg)
			return done[i].result;
	if (sides == MOST_SIDES) {
		fprintf(stderr, "bench: too many cases\n");
		exit(1);
	}
	result = new_result();
	done[sides].side = *side;
	done[sides++].result = result;
	result->number = sides;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		mark(3);
		be_side(side, runs);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("bench: fork");
		exit(1);
	}
	if (result->outcome == DIED && WIFSIGNALED(status))
		snprintf(result->text, sizeof(result->text), "killed by signal %d",
			 WTERMSIG(status));
	qsort(result->figures, result->runs, sizeof(double), ascending);
	return result;
}

static bool is_measured(const struct result *side)
{
	return side && side->outcome == MEASURED;
}

static double median(const struct result *side)
{
	unsigned int middle = side->runs / 2;

	if (side->runs % 2)
		return side->figures[middle];
	return (side->figures[middle - 1] + side->figures[middle]) / 2;
}

/* Half of the distance between the quartiles, as a part of the median. */
static double spread(const struct result *side)
{
	unsigned int quarter = side->runs / 4;

	return (side->figures[side->runs - 1 - quarter] - side->figures[quarter]) / 2 /
		median(side);
}

static void put_string(const char *key, const char *text)
{
	fprintf(options.json, ", \"%s\": \"", key);
	for (; *text; text++)
		fprintf(options.json, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', options.json);
}

static void put_side(const char *name, const struct result *side)
{
	if (!is_measured(side)) {
		fprintf(options.json, ", \"%s\": null", name);
		return;
	}
	fprintf(options.json, ", \"%s\": %.6g, \"%s_low\": %.6g, \"%s_high\": %.6g",
		name, median(side), name, side->figures[0], name,
		side->figures[side->runs - 1]);
	fprintf(options.json, ", \"%s_side\": %u", name, side->number);
}

static void put_json(const struct bench *bench, const struct result *zxvmo,
		     const struct result *peer, double ratio, const char *note)
{
	if (!options.json)
		return;
	fprintf(options.json, "{\"group\": \"%s\"", bench->group);
	put_string("case", bench->name);
	put_string("per", bench->per);
	put_side("zxvmo", zxvmo);
	put_side("peer", peer);
	if (bench->peer_name)
		put_string("peer_name", bench->peer_name);
	if (ratio >= 0)
		fprintf(options.json, ", \"ratio\": %.4g", ratio);
	else
		fprintf(options.json, ", \"ratio\": null");
	if (bench->target > 0)
		fprintf(options.json, ", \"target\": %g", bench->target);
	else
		fprintf(options.json, ", \"target\": null");
	put_string("target_of", bench->measure == LIMIT ? "zxvmo" : "ratio");
	if (bench->size)
		fprintf(options.json, ", \"size\": %zu", bench->size);
	put_string("clock", options.wall ? "ns" : "instructions");
	if (*note)
		put_string("note", note);
	fprintf(options.json, "}\n");
	fflush(options.json);
}

static const char *shown(const struct result *side, char *text, size_t size)
{
	double number;

	if (!is_measured(side))
		return "-";
	number = median(side);
	snprintf(text, size, number >= 100 ? "%.0f" : number >= 10 ? "%.1f" : "%.2f", number);
	return text;
}

static void print_header(void)
{
	const char *unit = options.wall ? "nanoseconds" : "guest instructions";

	if (options.cases++)
		return;
	printf("%s, medians; a lower figure is better\n\n", unit);
	printf("%-66s %8s %12s %12s %7s %9s\n", "case", "per", "zxvmo", "peer", "ratio", "target");
}

static void print_row(const struct bench *bench, const struct result *zxvmo,
		      const struct result *peer, double ratio, const char *note)
{
	char ours[24], theirs[24], quotient[24] = "-", target[24] = "-";
	bool met = false, judged = false;

	if (ratio >= 0)
		snprintf(quotient, sizeof(quotient), "%.3f", ratio);
	if (bench->target > 0)
		snprintf(target, sizeof(target), "<= %g", bench->target);
	if (bench->target > 0 && bench->measure == LIMIT && is_measured(zxvmo)) {
		judged = true;
		met = median(zxvmo) <= bench->target;
	} else if (bench->target > 0 && ratio >= 0) {
		judged = true;
		met = ratio <= bench->target;
	}
	print_header();
	printf("%-66s %8s %12s %12s %7s %9s%s", bench->name, bench->per,
	       shown(zxvmo, ours, sizeof(ours)), shown(peer, theirs, sizeof(theirs)),
	       quotient, target, !judged ? "  " : met ? " +" : " !");
	if (bench->peer_name)
		printf("  %s", bench->peer_name);
	if (options.wall && is_measured(zxvmo))
		printf("  (+-%.0f %%)", spread(zxvmo) * 100);
	if (*note)
		printf("  [%s]", note);
	putchar('\n');
	fflush(stdout);
}

static bool is_wanted(const struct bench *bench)
{
	char name[200];

	if (!*options.patterns)
		return true;
	snprintf(name, sizeof(name), "%s: %s", bench->group, bench->name);
	for (char **pattern = options.patterns; *pattern; pattern++)
		if (!fnmatch(*pattern, name, 0) || !fnmatch(*pattern, bench->group, 0))
			return true;
	return false;
}

void bench_run(const struct bench *bench)
{
	unsigned int runs = bench->repetitions ? bench->repetitions : 3;
	struct result *zxvmo, *peer = NULL;
	char note[450] = "";
	double ratio = -1;

	if (!is_wanted(bench))
		return;
	if (options.wall)
		runs *= 5;
	if (options.repetitions)
		runs = options.repetitions;
	zxvmo = run_side(&bench->zxvmo, runs);
	if (bench->peer.run)
		peer = run_side(&bench->peer, runs);
	if (is_measured(zxvmo) && is_measured(peer) && median(peer) > 0)
		ratio = median(zxvmo) / median(peer);
	snprintf(note, sizeof(note), "%s%s%s%s%s", zxvmo->outcome == FAILED ? "failed: " : "",
		 zxvmo->text, *zxvmo->text && peer && *peer->text ? "; " : "",
		 peer && *peer->text ? "peer: " : "", peer ? peer->text : "");
	print_row(bench, zxvmo, peer, ratio, note);
	put_json(bench, zxvmo, peer, ratio, note);
}

/*
 * Booting leaves work to kernel threads, which would come in between. Where
 * instructions are counted, time in which nothing runs takes none.
 */
static void let_things_settle(void)
{
	struct timespec time = { .tv_sec = 2 };

	nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
	bool parallel = false;
	int i;

	(void)argc;
	for (i = 1; argv[i] && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--wall"))
			options.wall = true;
		else if (!strcmp(argv[i], "--parallel"))
			parallel = true;
		else if (!strcmp(argv[i], "--json") && argv[i + 1])
			options.json = fopen(argv[++i], "ae");
		else if (!strcmp(argv[i], "--repetitions") && argv[i + 1])
			options.repetitions = atoi(argv[++i]);
		else {
			fprintf(stderr, "bench: unknown option %s\n", argv[i]);
			return 2;
		}
	}
	if (options.repetitions > MOST_RUNS)
		options.repetitions = MOST_RUNS;
	options.patterns = argv + i;
	if (parallel) {
		bench_parallel();
		return 0;
	}
	let_things_settle();
	bench_touch();
	bench_calls();
	bench_snapshots();
	bench_rounds();
	bench_memory();
	bench_sizes();
	bench_zircon();
	return 0;
}
