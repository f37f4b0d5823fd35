// SPDX-License-Identifier: GPL-2.0
/* Running sequences, each in a process of its own, and making them shorter. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"

#define SECONDS_PER_RUN	120

struct run *shared;

/* What the process wrote down, and how it ended. */
static bool outcome(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(2);
	}
	if (shared->failed || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return !shared->failed;
	shared->failed = true;
	snprintf(shared->what, sizeof(shared->what), "end %d", status);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(shared->message, sizeof(shared->message), "it did not end");
	else
		snprintf(shared->message, sizeof(shared->message),
			 "the process ended with status %#x", status);
	return false;
}

static pid_t start(void)
{
	pid_t pid;

	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED) {
			perror("mmap");
			exit(2);
		}
	}
	shared->failed = false;
	shared->count = 0;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(SECONDS_PER_RUN);
		prepare_check();
	}
	return pid;
}

/*
 * Whether to look at everything after an operation. Asking ends what the kernel
 * has done ahead of a run of stores; so the next operation meets that first.
 */
static bool worth_a_look(const struct op *op)
{
	return op->kind != OP_STORE || !op->arg[3];
}

/* A new family and random operations; false, and more in shared, if it fails. */
bool run_random(u64 seed, unsigned int count)
{
	pid_t pid = start();

	if (!pid) {
		seed_random(seed);
		while (shared->count < count) {
			shared->ops[shared->count] = random_op();
			apply(&shared->ops[shared->count++]);
			note_ends();
			if (worth_a_look(&shared->ops[shared->count - 1]))
				check_all(true);
		}
		check_all(true);
		_exit(0);
	}
	return outcome(pid);
}

/* The same with operations that are known; result may be NULL. */
bool run_ops(const struct op *ops, unsigned int count, struct run *result)
{
	pid_t pid = start();
	bool good;

	if (!pid) {
		while (shared->count < count) {
			shared->ops[shared->count] = ops[shared->count];
			apply(&shared->ops[shared->count++]);
			note_ends();
			if (worth_a_look(&shared->ops[shared->count - 1]))
				check_all(true);
		}
		check_all(true);
		_exit(0);
	}
	good = outcome(pid);
	if (result)
		*result = *shared;
	return good;
}

/* Whether it still fails in the same way; then it is what is left. */
static bool still_fails(struct run *run, const struct op *ops, unsigned int count)
{
	static struct run result;

	if (run_ops(ops, count, &result) || strcmp(result.what, run->what))
		return false;
	*run = result;
	return true;
}

/* Without some of the operations. */
static bool cut(struct run *run, unsigned int first, unsigned int count)
{
	static struct op ops[MAX_OPS];
	unsigned int end = first + count;

	if (end > run->count)
		end = run->count;
	memcpy(ops, run->ops, first * sizeof(*ops));
	memcpy(ops + first, run->ops + end, (run->count - end) * sizeof(*ops));
	return still_fails(run, ops, run->count - (end - first));
}

/* Whether the first argument is a handle to a VMO. */
static bool names_handle(const struct op *op)
{
	switch (op->kind) {
	case OP_CREATE:
	case OP_UNMAP:
	case OP_PROTECT:
	case OP_REGION:
	case OP_LOAD:
	case OP_STORE:
	case OP_RECLAIM:
	case OP_STREAM_READ:
	case OP_STREAM_WRITE:
	case OP_STREAM_SEEK:
	case OP_STREAM_APPEND:
	case OP_STREAM_DUPLICATE:
	case OP_STREAM_CLOSE:
		return false;
	default:
		return true;
	}
}

static bool makes_handle(const struct op *op, u64 slot)
{
	switch (op->kind) {
	case OP_CREATE:
		return op->arg[0] == slot;
	case OP_CHILD:
	case OP_DUPLICATE:
	case OP_REPLACE:
	case OP_EXECUTABLE:
		return op->arg[1] == slot;
	default:
		return false;
	}
}

/* Without one that makes another handle: the next use its source. */
static bool bypass(struct run *run, unsigned int i)
{
	static struct op ops[MAX_OPS];
	const struct op *op = &run->ops[i];
	unsigned int j;

	if (op->kind != OP_DUPLICATE && op->kind != OP_REPLACE && op->kind != OP_CHILD)
		return false;
	memcpy(ops, run->ops, i * sizeof(*ops));
	memcpy(ops + i, op + 1, (run->count - i - 1) * sizeof(*ops));
	for (j = i; j < run->count - 1; j++) {
		if (names_handle(&ops[j]) && ops[j].arg[0] == op->arg[1])
			ops[j].arg[0] = op->arg[0];
		if (ops[j].kind == OP_TRANSFER && ops[j].arg[4] == op->arg[1])
			ops[j].arg[4] = op->arg[0];
		if (makes_handle(&ops[j], op->arg[1]))
			break;
	}
	return run->count > 1 && still_fails(run, ops, run->count - 1);
}

/* With a plainer number in one place. */
static bool simplify(struct run *run, unsigned int i, unsigned int arg, u64 value)
{
	static struct op ops[MAX_OPS];

	if (run->ops[i].arg[arg] == value)
		return false;
	memcpy(ops, run->ops, run->count * sizeof(*ops));
	ops[i].arg[arg] = value;
	return still_fails(run, ops, run->count);
}

/* Delta debugging: ever smaller parts are left out while it fails as before. */
void shrink(struct run *run)
{
	unsigned int part = run->count / 2, i, arg;
	bool less = true;

	while (part && less) {
		less = false;
		for (i = 0; i < run->count;) {
			if (run->count > 1 && cut(run, i, part))
				less = true;
			else
				i += part;
		}
		if (part > 1) {
			part /= 2;
			less = true;
		}
	}
	for (i = 0; i < run->count;)
		if (!bypass(run, i))
			i++;
	for (i = 0; i < run->count; i++)
		for (arg = 1; i < run->count && arg < OP_ARGS; arg++)
			if (!simplify(run, i, arg, 0))
				simplify(run, i, arg, run->ops[i].arg[arg] & ~(PAGE - 1));
	for (i = run->count; i--;)
		if (i < run->count && run->count > 1)
			cut(run, i, 1);
}
