// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of calls on families of VMOs, beside a model of them:
 *
 *   model [--seconds N] [--seed N] [--ops N] [--break N] [--no-discards]
 *   model --replay FILE
 *
 * One family after the other until the time is up, or one fails. What failed
 * is made short and printed so that --replay takes it. ZXVMO_MODEL_SECONDS and
 * ZXVMO_MODEL_SEED are used where there is no option. --break N has the model
 * break a rule on purpose (1: resizing does not clear the last page, 2: children
 * of what is destroyed get no new parent, 3: DECOMMIT works with relatives,
 * 4: stores to a private view reach the VMO, 5: where the source of a transfer
 * has no page, the destination keeps its own, 6: LOCK leaves what was discarded so,
 * 7: a write through a stream leaves the gap before it, 8: executable handles
 * have no right more, 9: what is not cached is no different). With --no-discards no
 * VMO is discardable: where others make the kernel want memory, nobody can foresee
 * when it takes it. Where the module has large folios (parameter large_folios),
 * two of three families have VMOs that these fit in; a sequence has to be replayed
 * under the same parameter.
 */
#include <getopt.h>
#include <time.h>

#include "model.h"

static u64 seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static u64 from_environment(const char *name, u64 otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

/* As scripts/guest has loaded the module: its parameters cannot be read in sysfs. */
static bool has_large_folios(void)
{
	FILE *file = fopen("/run/zxvmo-parameters", "re");
	char line[256];
	bool off = false;

	while (file && !off && fgets(line, sizeof(line), file))
		off = strstr(line, "large_folios=0");
	if (file)
		fclose(file);
	return !off;
}

static void report(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->count; i++) {
		printf("# ");
		print_op(stdout, &run->ops[i]);
	}
	printf("# %s\n", run->message);
}

static int replay(const char *path)
{
	static struct op ops[MAX_OPS];
	static struct run result;
	FILE *file = fopen(path, "re");
	unsigned int count = 0;
	char line[512];

	if (!file) {
		perror(path);
		return 2;
	}
	while (count < MAX_OPS && fgets(line, sizeof(line), file))
		count += parse_op(line, &ops[count]);
	fclose(file);
	printf("# %u operations\n", count);
	if (run_ops(ops, count, &result)) {
		printf("# as expected\n");
		return 0;
	}
	report(&result);
	return 1;
}

static int random_families(u64 seed, u64 seconds, unsigned int ops)
{
	u64 end = seconds_now() + seconds, families = 0, count = 0;
	static struct run run;

	printf("# ZXVMO_MODEL_SEED=%#llx\n", (unsigned long long)seed);
	do {
		if (!run_random(seed, ops)) {
			run = *shared;
			printf("# family %llu, seed %#llx, operation %u:\n# ",
			       (unsigned long long)families, (unsigned long long)seed, run.count);
			print_op(stdout, &run.ops[run.count - 1]);
			printf("# %s\n# made shorter:\n", run.message);
			fflush(stdout);
			shrink(&run);
			report(&run);
			return 1;
		}
		count += shared->count;
		families++;
		seed++;
	} while (seconds_now() < end);
	printf("# %llu families, %llu operations\n", (unsigned long long)families,
	       (unsigned long long)count);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "ops", required_argument, NULL, 'n' },
		{ "break", required_argument, NULL, 'b' },
		{ "replay", required_argument, NULL, 'r' },
		{ "no-discards", no_argument, NULL, 'd' },
		{ }
	};
	u64 seconds = from_environment("ZXVMO_MODEL_SECONDS", 20);
	u64 seed = from_environment("ZXVMO_MODEL_SEED", (u64)time(NULL) << 20);
	const char *path = NULL;
	/* What checks a lot takes minutes for a long sequence in large folios. */
	u64 ops = from_environment("ZXVMO_SLOWNESS", 1) > 1 ? 100 : 300;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			seconds = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			ops = strtoull(optarg, NULL, 0);
			break;
		case 'b':
			broken_rule = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			path = optarg;
			break;
		case 'd':
			without_discards = true;
			break;
		default:
			return 2;
		}
	}
	large_folios = has_large_folios();
	/* The kernel says once that it was told to discard what it can. */
	printf("# dmesg expected: drop_caches\n");
	if (path)
		return replay(path);
	return random_families(seed, seconds, ops < MAX_OPS ? ops : MAX_OPS);
}
