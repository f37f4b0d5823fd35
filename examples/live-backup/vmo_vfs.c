// SPDX-License-Identifier: GPL-2.0
/*
 * The files are written by one connection at a time, so locks are not needed;
 * and memory needs no syncing: the order of stores is the order in which a
 * snapshot has them.
 */
#include <sqlite3.h>
#include <string.h>

#include "vmo_vfs.h"

struct vmo_file {
	sqlite3_file base;
	char *memory;
	int number;
};

static char *the_memory;

static struct vmo_file *to_vmo_file(sqlite3_file *file)
{
	return (struct vmo_file *)file;
}

static _Atomic uint64_t *size_of(struct vmo_file *file)
{
	return &((struct layout *)file->memory)->size[file->number];
}

static int vmo_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

static int vmo_read(sqlite3_file *base, void *to, int length, sqlite3_int64 offset)
{
	struct vmo_file *file = to_vmo_file(base);
	uint64_t size = atomic_load(size_of(file)), there = 0;

	if ((uint64_t)offset < size)
		there = size - offset < (uint64_t)length ? size - offset : (uint64_t)length;
	memcpy(to, file->memory + file_offset(file->number) + offset, there);
	memset((char *)to + there, 0, length - there);
	return there == (uint64_t)length ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int vmo_write(sqlite3_file *base, const void *from, int length, sqlite3_int64 offset)
{
	struct vmo_file *file = to_vmo_file(base);
	uint64_t end = (uint64_t)offset + length;

	if (end > file_room(file->number))
		return SQLITE_FULL;
	memcpy(file->memory + file_offset(file->number) + offset, from, length);
	/* The size is last: what it covers is there. */
	if (end > atomic_load(size_of(file)))
		atomic_store(size_of(file), end);
	return SQLITE_OK;
}

static int vmo_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	if ((uint64_t)size < atomic_load(size_of(to_vmo_file(base))))
		atomic_store(size_of(to_vmo_file(base)), size);
	return SQLITE_OK;
}

static int vmo_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	atomic_thread_fence(memory_order_seq_cst);
	return SQLITE_OK;
}

static int vmo_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = atomic_load(size_of(to_vmo_file(file)));
	return SQLITE_OK;
}

static int vmo_lock(sqlite3_file *file, int lock)
{
	(void)file;
	(void)lock;
	return SQLITE_OK;
}

static int vmo_check_reserved_lock(sqlite3_file *file, int *result)
{
	(void)file;
	*result = 0;
	return SQLITE_OK;
}

static int vmo_file_control(sqlite3_file *file, int operation, void *argument)
{
	(void)file;
	(void)operation;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int vmo_sector_size(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int vmo_characteristics(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = vmo_close,
	.xRead = vmo_read,
	.xWrite = vmo_write,
	.xTruncate = vmo_truncate,
	.xSync = vmo_sync,
	.xFileSize = vmo_file_size,
	.xLock = vmo_lock,
	.xUnlock = vmo_lock,
	.xCheckReservedLock = vmo_check_reserved_lock,
	.xFileControl = vmo_file_control,
	.xSectorSize = vmo_sector_size,
	.xDeviceCharacteristics = vmo_characteristics,
};

/* number_of: which file a name is; SQLite calls the journal NAME-journal. */
static int number_of(const char *name)
{
	size_t length = strlen(name), suffix = strlen("-journal");

	return length > suffix && !strcmp(name + length - suffix, "-journal") ? JOURNAL : DATABASE;
}

static int vmo_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out)
{
	struct vmo_file *file = to_vmo_file(base);

	(void)vfs;
	base->pMethods = NULL;
	/* Temporary files have no place here: PRAGMA temp_store=MEMORY. */
	if (!name || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL)))
		return SQLITE_CANTOPEN;
	file->memory = the_memory;
	file->number = flags & SQLITE_OPEN_MAIN_DB ? DATABASE : JOURNAL;
	base->pMethods = &methods;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int vmo_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct layout *layout = (struct layout *)the_memory;

	(void)vfs;
	(void)sync;
	atomic_store(&layout->size[number_of(name)], 0);
	return SQLITE_OK;
}

static int vmo_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
	struct layout *layout = (struct layout *)the_memory;

	(void)vfs;
	(void)flags;
	/* There is no write-ahead log. */
	*result = !strstr(name, "-wal") && atomic_load(&layout->size[number_of(name)]) > 0;
	return SQLITE_OK;
}

static int vmo_full_pathname(sqlite3_vfs *vfs, const char *name, int room, char *to)
{
	(void)vfs;
	sqlite3_snprintf(room, to, "%s", name);
	return SQLITE_OK;
}

int vmo_vfs_register(void *memory)
{
	static sqlite3_vfs vfs;
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

	the_memory = memory;
	if (vfs.zName)
		return SQLITE_OK;
	if (!usual)
		return SQLITE_ERROR;
	/* Time, randomness and the like are the usual ones. */
	vfs = *usual;
	vfs.iVersion = 1;
	vfs.szOsFile = sizeof(struct vmo_file);
	vfs.pNext = NULL;
	vfs.zName = VMO_VFS_NAME;
	vfs.xOpen = vmo_open;
	vfs.xDelete = vmo_delete;
	vfs.xAccess = vmo_access;
	vfs.xFullPathname = vmo_full_pathname;
	return sqlite3_vfs_register(&vfs, 0);
}
