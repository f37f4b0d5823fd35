// SPDX-License-Identifier: GPL-2.0
/*
 * The process that makes backups. It has a handle to the VMO that can read
 * and be duplicated, which is what a snapshot takes, and cannot write: whatever
 * it does, the database is safe. It asks the writer for nothing.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zxvmo.h>

#include "live_backup.h"
#include "vmo_vfs.h"

static int receive_handle(int sock)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fd;

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Write one of the files in the snapshot to path, or remove what is there. */
static int write_file(int snapshot, int file, uint64_t size, const char *path)
{
	static char buffer[1 << 20];
	uint64_t done = 0;
	int to;

	unlink(path);
	if (!size)
		return 0;
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		return -1;
	while (done < size) {
		size_t part = size - done < sizeof(buffer) ? size - done : sizeof(buffer);
		ssize_t got = pread(snapshot, buffer, part, file_offset(file) + done);

		if (got <= 0 || write(to, buffer, got) != got)
			break;
		done += got;
	}
	return close(to) || done < size ? -1 : 0;
}

/* The single number that a query answers, or -1. */
static long long number(sqlite3 *database, const char *query)
{
	sqlite3_stmt *statement;
	long long result = -1;

	if (sqlite3_prepare_v2(database, query, -1, &statement, NULL) != SQLITE_OK) {
		fprintf(stderr, "backup: %s: %s\n", query, sqlite3_errmsg(database));
		return -1;
	}
	if (sqlite3_step(statement) == SQLITE_ROW)
		result = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return result;
}

/* Open the backup as anybody would, with SQLite's own files, and look. */
static int examine(const char *path, uint64_t committed, struct reply *reply)
{
	sqlite3 *database;
	long long sum, counter, entries, whole;

	if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		fprintf(stderr, "backup: %s\n", sqlite3_errmsg(database));
		sqlite3_close(database);
		return 0;
	}
	whole = number(database,
		       "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'");
	sum = number(database, "SELECT sum(balance) FROM account");
	counter = number(database, "SELECT value FROM counter");
	entries = number(database, "SELECT count(*) FROM entry");
	sqlite3_close(database);
	reply->transactions = counter;
	if (whole == 1 && sum == (long long)ACCOUNTS * BALANCE && counter == entries &&
	    counter >= (long long)committed)
		return 1;
	fprintf(stderr,
		"backup: integrity %lld, sum %lld, counter %lld, entries %lld, committed before %llu\n",
		whole, sum, counter, entries, (unsigned long long)committed);
	return 0;
}

/* Take a snapshot, tell the writer that it was taken, and write the backup. */
static int make_backup(int sock, int vmo, const char *path, uint64_t committed)
{
	struct zxvmo_create_child child = {
		.options = ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE,
		.size = MEMORY_SIZE,
	};
	struct reply reply = { .stage = SNAPSHOT_TAKEN };
	struct layout layout;
	uint64_t began = nanoseconds();
	char journal[4096];
	int good;

	if (ioctl(vmo, ZXVMO_IOC_CREATE_CHILD, &child)) {
		fprintf(stderr, "backup: no snapshot: status %d: %m\n", child.status);
		return -1;
	}
	reply.snapshot_nanoseconds = nanoseconds() - began;
	if (send(sock, &reply, sizeof(reply), 0) != sizeof(reply))
		return -1;

	snprintf(journal, sizeof(journal), "%s-journal", path);
	good = pread(child.handle, &layout, sizeof(layout), 0) == sizeof(layout) &&
	       !write_file(child.handle, JOURNAL, layout.size[JOURNAL], journal) &&
	       !write_file(child.handle, DATABASE, layout.size[DATABASE], path);
	close(child.handle);
	reply.stage = BACKUP_DONE;
	reply.in_transaction = layout.size[JOURNAL] > 0;
	reply.good = good && examine(path, committed, &reply);
	return send(sock, &reply, sizeof(reply), 0) == sizeof(reply) ? 0 : -1;
}

int backup_process(int sock, const char *path)
{
	struct request request;
	int vmo = receive_handle(sock);

	if (vmo < 0) {
		fprintf(stderr, "backup: no handle came\n");
		return EXIT_FAILURE;
	}
	if (pwrite(vmo, "x", 1, 0) >= 0) {
		fprintf(stderr, "backup: the handle can write\n");
		return EXIT_FAILURE;
	}
	while (recv(sock, &request, sizeof(request), 0) == sizeof(request)) {
		if (make_backup(sock, vmo, path, request.committed))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
