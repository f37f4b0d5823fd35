/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of the tests of streams, which speak to libzircon. */
#ifndef _ZX_STREAM_TEST_H
#define _ZX_STREAM_TEST_H

#include "zx_test.h"

#define MODE_READ_WRITE	(ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE)

/* What actual holds where a call must not write it. */
#define UNTOUCHED	((size_t)0x5a5a5a5a5a5a5a5aUL)

/* The new stream, or ZX_HANDLE_INVALID. */
static inline zx_handle_t new_stream(zx_handle_t vmo, uint32_t mode, uint64_t seek)
{
	zx_handle_t stream = ZX_HANDLE_INVALID;

	return zx_stream_create(mode, vmo, seek, &stream) ? ZX_HANDLE_INVALID : stream;
}

/* The bytes moved, or the status; INT64_MIN if one of the two is wrong. */
static inline int64_t moved(zx_status_t status, size_t actual)
{
	if (status)
		return actual == UNTOUCHED ? status : INT64_MIN;
	return (int64_t)actual;
}

static inline int64_t stream_read(zx_handle_t stream, void *buffer, size_t length)
{
	zx_iovec_t vector = { buffer, length };
	size_t actual = UNTOUCHED;
	zx_status_t status = zx_stream_readv(stream, 0, &vector, 1, &actual);

	return moved(status, actual);
}

static inline int64_t stream_read_at(zx_handle_t stream, uint64_t offset, void *buffer,
				     size_t length)
{
	zx_iovec_t vector = { buffer, length };
	size_t actual = UNTOUCHED;
	zx_status_t status = zx_stream_readv_at(stream, 0, offset, &vector, 1, &actual);

	return moved(status, actual);
}

static inline int64_t stream_put(zx_handle_t stream, uint32_t options, const void *buffer,
				 size_t length)
{
	zx_iovec_t vector = { (void *)buffer, length };
	size_t actual = UNTOUCHED;
	zx_status_t status = zx_stream_writev(stream, options, &vector, 1, &actual);

	return moved(status, actual);
}

static inline int64_t stream_write(zx_handle_t stream, const void *buffer, size_t length)
{
	return stream_put(stream, 0, buffer, length);
}

static inline int64_t stream_append(zx_handle_t stream, const void *buffer, size_t length)
{
	return stream_put(stream, ZX_STREAM_APPEND, buffer, length);
}

static inline int64_t stream_write_at(zx_handle_t stream, uint64_t offset,
				      const void *buffer, size_t length)
{
	zx_iovec_t vector = { (void *)buffer, length };
	size_t actual = UNTOUCHED;
	zx_status_t status = zx_stream_writev_at(stream, 0, offset, &vector, 1, &actual);

	return moved(status, actual);
}

static inline zx_status_t seek_to(zx_handle_t stream, uint64_t position)
{
	uint64_t first = position > INT64_MAX ? INT64_MAX : position;
	zx_status_t status = zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, first, NULL);

	/* An offset is signed. */
	while (!status && first < position) {
		status = zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT,
					(position - first + 1) / 2, NULL);
		first += (position - first + 1) / 2;
	}
	return status;
}

/* All bits set in each field if the call failed. */
static inline zx_info_stream_t stream_info(zx_handle_t stream)
{
	zx_info_stream_t info;

	if (zx_object_get_info(stream, ZX_INFO_STREAM, &info, sizeof(info), NULL, NULL))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static inline uint64_t position_of(zx_handle_t stream)
{
	return stream_info(stream).seek;
}

static inline zx_status_t set_append(zx_handle_t stream, uint8_t append)
{
	return zx_object_set_property(stream, ZX_PROP_STREAM_MODE_APPEND, &append, 1);
}

/* A VMO of some pages of 0xaa, of which so many bytes are content. */
static inline zx_handle_t vmo_with_content(size_t pages, uint64_t content)
{
	zx_handle_t vmo = new_vmo(pages * PAGE, 0);

	if (zx_vmo_set_stream_size(vmo, content) || fill(vmo, 0xaa, pages))
		return ZX_HANDLE_INVALID;
	return vmo;
}

#endif /* _ZX_STREAM_TEST_H */
