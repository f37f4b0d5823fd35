// SPDX-License-Identifier: GPL-2.0
/*
 * A database is backed up while it is written to, by a process that only has a
 * handle to its memory; and what that costs the writer, beside a copy of the
 * memory and a fork.
 *
 *	live-backup [BACKUPS [FILE]]
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zxvmo.h>

#include "live_backup.h"
#include "vmo_vfs.h"

#define MOVES	8	/* in a transaction */

static uint64_t committed;

static void stop(const char *what)
{
	fprintf(stderr, "live-backup: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void run(sqlite3 *database, const char *text)
{
	char *message = NULL;

	if (sqlite3_exec(database, text, NULL, NULL, &message) == SQLITE_OK)
		return;
	fprintf(stderr, "live-backup: %s: %s\n", text, message ? message : "?");
	exit(EXIT_FAILURE);
}

/* An empty bank in that memory. */
static sqlite3 *open_bank(void *memory)
{
	sqlite3 *database;
	char text[256];
	int i;

	if (vmo_vfs_register(memory) != SQLITE_OK ||
	    sqlite3_open_v2("bank", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			    VMO_VFS_NAME) != SQLITE_OK)
		stop("SQLite cannot open the database");
	run(database, "PRAGMA temp_store=MEMORY");
	run(database, "PRAGMA journal_mode=TRUNCATE");
	run(database, "PRAGMA locking_mode=EXCLUSIVE");
	run(database, "PRAGMA cache_size=-512");
	run(database, "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER, note BLOB)");
	run(database, "CREATE TABLE counter(value INTEGER)");
	run(database, "INSERT INTO counter VALUES(0)");
	run(database, "CREATE TABLE entry(id INTEGER PRIMARY KEY, moved INTEGER)");
	snprintf(text, sizeof(text), "INSERT INTO account(balance, note) VALUES(%d, zeroblob(1500))",
		 BALANCE);
	run(database, "BEGIN");
	for (i = 0; i < ACCOUNTS; i++)
		run(database, text);
	run(database, "COMMIT");
	committed = 0;
	return database;
}

struct statements {
	sqlite3_stmt *begin, *take, *give, *count, *enter, *commit;
};

static sqlite3_stmt *prepare(sqlite3 *database, const char *text)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
	    SQLITE_OK)
		stop(sqlite3_errmsg(database));
	return statement;
}

static void prepare_all(sqlite3 *database, struct statements *all)
{
	all->begin = prepare(database, "BEGIN IMMEDIATE");
	all->take = prepare(database, "UPDATE account SET balance = balance - ?2 WHERE id = ?1");
	all->give = prepare(database, "UPDATE account SET balance = balance + ?2 WHERE id = ?1");
	all->count = prepare(database, "UPDATE counter SET value = value + 1");
	all->enter = prepare(database, "INSERT INTO entry(moved) VALUES(?2)");
	all->commit = prepare(database, "COMMIT");
}

static void finalize_all(struct statements *all)
{
	sqlite3_finalize(all->begin);
	sqlite3_finalize(all->take);
	sqlite3_finalize(all->give);
	sqlite3_finalize(all->count);
	sqlite3_finalize(all->enter);
	sqlite3_finalize(all->commit);
}

static void step(sqlite3_stmt *statement, int id, int amount)
{
	if (sqlite3_bind_parameter_count(statement) >= 2) {
		sqlite3_bind_int(statement, 1, id);
		sqlite3_bind_int(statement, 2, amount);
	}
	if (sqlite3_step(statement) != SQLITE_DONE)
		stop(sqlite3_errmsg(sqlite3_db_handle(statement)));
	sqlite3_reset(statement);
}

/* Money goes from some accounts to others, and an entry tells how much. */
static void transaction(struct statements *all)
{
	int i, moved = 0;

	step(all->begin, 0, 0);
	for (i = 0; i < MOVES; i++) {
		int amount = random() % 10;

		step(all->take, 1 + random() % ACCOUNTS, amount);
		step(all->give, 1 + random() % ACCOUNTS, amount);
		moved += amount;
	}
	step(all->count, 0, 0);
	step(all->enter, 0, moved);
	step(all->commit, 0, 0);
	committed++;
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

static uint64_t median(uint64_t *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count ? values[count / 2] : 0;
}

/* What the longest transaction of some takes. */
static uint64_t longest(struct statements *all, int count)
{
	uint64_t most = 0;

	while (count--) {
		uint64_t began = nanoseconds(), took;

		transaction(all);
		took = nanoseconds() - began;
		if (took > most)
			most = took;
	}
	return most;
}

static void pass_handle(int sock, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(sock, &message, 0) != 1)
		stop("the handle cannot be passed");
}

/* The memory of a new VMO, mapped; a handle that can only be read goes away. */
static void *vmo_memory(int sock)
{
	struct zxvmo_create create = { .size = MEMORY_SIZE };
	struct zxvmo_duplicate reader = { .rights = ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE };
	int device = open(ZXVMO_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	void *memory;

	if (device < 0)
		stop(ZXVMO_DEVICE_PATH);
	if (ioctl(device, ZXVMO_IOC_CREATE, &create) ||
	    ioctl(create.handle, ZXVMO_IOC_DUPLICATE, &reader))
		stop("no VMO");
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, create.handle, 0);
	if (memory == MAP_FAILED)
		stop("the VMO cannot be mapped");
	pass_handle(sock, reader.handle);
	close(reader.handle);
	close(create.handle);
	close(device);
	return memory;
}

static void *private_memory(void)
{
	void *memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		stop("no memory");
	return memory;
}

/* Ask for backups and go on writing, without waiting for anything. */
static int back_up(int sock, struct statements *all, int backups, uint64_t *pauses)
{
	int i, in_transaction = 0, failed = 0;
	uint64_t *calls = calloc(backups, sizeof(*calls)), while_written = 0;

	for (i = 0; i < backups; i++) {
		struct request request = { .committed = committed };
		struct reply reply = { 0 };

		if (send(sock, &request, sizeof(request), 0) != sizeof(request))
			stop("the backup process is gone");
		pauses[i] = 0;
		while (reply.stage != BACKUP_DONE) {
			uint64_t took = longest(all, 1);
			ssize_t got = recv(sock, &reply, sizeof(reply), MSG_DONTWAIT);

			if (!got || (got < 0 && errno != EAGAIN))
				stop("the backup process is gone");
			if (took > pauses[i])
				pauses[i] = took;
		}
		calls[i] = reply.snapshot_nanoseconds;
		in_transaction += reply.in_transaction;
		while_written += committed - request.committed;
		failed += !reply.good;
	}
	printf("%d of %d backups pass PRAGMA integrity_check, and their totals are of one moment\n",
	       backups - failed, backups);
	printf("%d came in the middle of a transaction, which SQLite took back; meanwhile %llu were committed\n",
	       in_transaction, (unsigned long long)while_written);
	printf("the call that takes the snapshot: %llu us (median)\n",
	       (unsigned long long)median(calls, backups) / 1000);
	free(calls);
	return failed;
}

static void print_pause(const char *title, uint64_t *pauses, int count)
{
	uint64_t middle = median(pauses, count);

	printf("%-52s %8llu us, at most %8llu us\n", title, (unsigned long long)middle / 1000,
	       (unsigned long long)pauses[count - 1] / 1000);
}

/* The writer stops and copies all that the database has. */
static uint64_t pause_of_memcpy(void *memory, char *copy, struct statements *all)
{
	struct layout *layout = memory;
	uint64_t began = nanoseconds(), pause;

	memcpy(copy, (char *)memory + LAYOUT_SIZE, layout->size[DATABASE]);
	pause = nanoseconds() - began;
	longest(all, 5);
	return pause;
}

/* The writer forks; the child has the memory as it was, and writes no backup. */
static uint64_t pause_of_fork(struct statements *all)
{
	uint64_t began = nanoseconds(), pause, later;
	int go[2];
	pid_t child;

	if (pipe(go))
		stop("no pipe");
	began = nanoseconds();
	child = fork();
	if (child < 0)
		stop("no fork");
	if (!child) {
		char byte;

		close(go[1]);
		_exit(read(go[0], &byte, 1) < 0);
	}
	pause = nanoseconds() - began;
	later = longest(all, 20);
	close(go[0]);
	close(go[1]);
	waitpid(child, NULL, 0);
	return pause > later ? pause : later;
}

int main(int argc, char **argv)
{
	int backups = argc > 1 ? atoi(argv[1]) : 10, i, failed, status;
	const char *path = argc > 2 ? argv[2] : "/tmp/live-backup.db";
	struct statements all;
	sqlite3 *database;
	uint64_t *pauses;
	char *memory, *copy;
	int sockets[2];
	pid_t child;

	if (argc > 3 || backups < 1) {
		fprintf(stderr, "Usage: live-backup [BACKUPS [FILE]]\n");
		return 2;
	}
	pauses = calloc(backups, sizeof(*pauses));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		stop("no sockets");
	/* Before there is a VMO: the handle comes over the socket. */
	child = fork();
	if (child < 0)
		stop("no process");
	if (!child) {
		close(sockets[0]);
		return backup_process(sockets[1], path);
	}
	close(sockets[1]);

	memory = vmo_memory(sockets[0]);
	database = open_bank(memory);
	printf("the database has %llu MB in a VMO\n",
	       (unsigned long long)((struct layout *)memory)->size[DATABASE] >> 20);
	prepare_all(database, &all);
	longest(&all, 20);
	failed = back_up(sockets[0], &all, backups, pauses);
	printf("\nthe longest transaction                                 (median of %d)\n", backups);
	print_pause("while a snapshot is taken and a backup written", pauses, backups);
	for (i = 0; i < backups; i++)
		pauses[i] = longest(&all, 20);
	print_pause("while nothing is copied (of 20)", pauses, backups);
	close(sockets[0]);
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		failed++;
	finalize_all(&all);
	sqlite3_close(database);
	munmap(memory, MEMORY_SIZE);

	/* fork() takes no snapshot of shared memory: the others have private memory. */
	memory = private_memory();
	copy = private_memory();
	database = open_bank(memory);
	prepare_all(database, &all);
	for (i = 0; i < backups; i++)
		pauses[i] = pause_of_memcpy(memory, copy, &all);
	print_pause("the writer copies its memory", pauses, backups);
	for (i = 0; i < backups; i++)
		pauses[i] = pause_of_fork(&all);
	print_pause("the writer forks, no backup is written (of 20)", pauses, backups);
	finalize_all(&all);
	sqlite3_close(database);
	free(pauses);
	printf("\n%s\n", failed ? "live-backup: FAILED" : "live-backup: all backups are good");
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
