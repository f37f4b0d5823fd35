/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file system for SQLite (a VFS) of two files, a database and its rollback
 * journal, which are both in one piece of memory. So what that memory holds at
 * one moment is a database as a power cut would leave it, with the journal that
 * SQLite needs to make it whole.
 */
#ifndef VMO_VFS_H
#define VMO_VFS_H

#include <stdatomic.h>
#include <stdint.h>

#define VMO_VFS_NAME "vmo"

/* The files, by number. */
enum { DATABASE, JOURNAL, FILES };

/* The first page of the memory: how long each file is, 0 where there is none. */
struct layout {
	_Atomic uint64_t size[FILES];
};

#define LAYOUT_SIZE	4096UL
#define DATABASE_ROOM	(96UL << 20)
#define JOURNAL_ROOM	(16UL << 20)
#define MEMORY_SIZE	(LAYOUT_SIZE + DATABASE_ROOM + JOURNAL_ROOM)

static inline uint64_t file_offset(int file)
{
	return file == DATABASE ? LAYOUT_SIZE : LAYOUT_SIZE + DATABASE_ROOM;
}

static inline uint64_t file_room(int file)
{
	return file == DATABASE ? DATABASE_ROOM : JOURNAL_ROOM;
}

/*
 * Make the VFS known to SQLite. memory has MEMORY_SIZE bytes, and zeros are an
 * empty database. A later call puts other memory in its place, for connections
 * that are opened from then on. Returns a result code of SQLite.
 */
int vmo_vfs_register(void *memory);

#endif
