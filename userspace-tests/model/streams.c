// SPDX-License-Identifier: GPL-2.0
/* Streams on VMOs, in both families (24.1). */
#include "model.h"

/* Two handles may be to the same one. */
struct stream {
	struct object *object;
	u64 koid, position;
	u32 mode;
	unsigned int handles;
};

static struct {
	struct stream *stream;		/* NULL: empty */
	zx_handle_t handle;
	u32 rights;
} ends[STREAMS];

/* How bytes are moved: bits of an argument; the value to write is above them. */
#define HOW_AT		1
#define HOW_NO_BUFFER	2		/* the second one */
#define HOW_NO_VECTOR	4
#define HOW_VALUE	8

#define UNTOUCHED	0x5a5a5a5a5a5a5a5aUL

static zx_handle_t end_of(u64 number)
{
	if (number < STREAMS && ends[number].stream)
		return ends[number].handle;
	return number == STREAMS ? zx_vmar_root_self() : ZX_HANDLE_INVALID;
}

/* Any of the rights is enough. */
static zx_status_t want_stream(u64 number, u32 rights)
{
	if (number == STREAMS)
		return ZX_ERR_WRONG_TYPE;
	if (number > STREAMS || !ends[number].stream)
		return ZX_ERR_BAD_HANDLE;
	return ends[number].rights & rights ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

struct object *object_of_stream(u64 number)
{
	return number < STREAMS && ends[number].stream ? ends[number].stream->object : NULL;
}

static void add_end(u64 number, struct stream *stream, zx_handle_t handle, u32 rights)
{
	ends[number].stream = stream;
	ends[number].handle = handle;
	ends[number].rights = rights;
	stream->handles++;
}

void do_stream(u64 slot, u64 out, u32 options, u64 seek)
{
	const u32 both = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE;
	u32 rights = (options & ZX_STREAM_MODE_READ ? ZX_RIGHT_READ : 0) |
		(options & ZX_STREAM_MODE_WRITE ? ZX_RIGHT_WRITE : 0);
	zx_status_t want = want_vmo(slot, rights);
	zx_info_handle_basic_t basic;
	struct stream *stream;
	zx_handle_t handle;

	if (out >= STREAMS || ends[out].stream)
		return;
	if (options & ~(both | ZX_STREAM_MODE_APPEND))
		want = ZX_ERR_INVALID_ARGS;
	same_status("stream_create", want, zx_stream_create(options, real(slot), seek, &handle));
	if (want)
		return;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		abort();
	stream->object = slots[slot].object;
	stream->object->streams++;
	stream->mode = options;
	stream->position = seek;
	same_status("get_info(HANDLE_BASIC)", ZX_OK,
		    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic), NULL,
				       NULL));
	same_koid(basic.koid);
	stream->koid = basic.koid;
	add_end(out, stream, handle, 0xd0c3 | rights);
}

void do_stream_duplicate(u64 number, u64 out, u32 rights)
{
	zx_status_t want;
	zx_handle_t handle;
	u32 have;

	if (number >= STREAMS || !ends[number].stream || out >= STREAMS || ends[out].stream)
		return;
	have = ends[number].rights;
	want = have & ZX_RIGHT_DUPLICATE ? ZX_OK : ZX_ERR_ACCESS_DENIED;
	if (rights == ZX_RIGHT_SAME_RIGHTS)
		rights = have;
	else if (!want && rights & ~have)
		want = ZX_ERR_INVALID_ARGS;
	same_status("duplicate", want, zx_handle_duplicate(end_of(number), rights, &handle));
	if (!want)
		add_end(out, ends[number].stream, handle, rights);
}

void do_stream_close(u64 number)
{
	struct stream *stream;

	if (number >= STREAMS || !ends[number].stream)
		return;
	stream = ends[number].stream;
	same_status("close", ZX_OK, zx_handle_close(end_of(number)));
	ends[number].stream = NULL;
	if (--stream->handles)
		return;
	stream->object->streams--;
	put_object(stream->object);
	free(stream);
}

/* 20.4 */
void do_stream_append(u64 number, bool append)
{
	u8 value = append, seen = 77;
	struct stream *stream;
	u32 rights;

	if (number >= STREAMS || !ends[number].stream)
		return;
	stream = ends[number].stream;
	rights = ends[number].rights;
	same_status("set_property",
		    rights & ZX_RIGHT_SET_PROPERTY ? ZX_OK : ZX_ERR_ACCESS_DENIED,
		    zx_object_set_property(end_of(number), ZX_PROP_STREAM_MODE_APPEND, &value, 1));
	if (rights & ZX_RIGHT_SET_PROPERTY)
		stream->mode = (stream->mode & 3) | (append ? ZX_STREAM_MODE_APPEND : 0);
	if (!(rights & ZX_RIGHT_GET_PROPERTY))
		return;
	same_status("get_property", ZX_OK,
		    zx_object_get_property(end_of(number), ZX_PROP_STREAM_MODE_APPEND, &seen, 1));
	same("append mode", !!(stream->mode & ZX_STREAM_MODE_APPEND), seen);
}

void do_stream_seek(u64 number, u32 whence, int64_t offset)
{
	zx_status_t want = want_stream(number, ZX_RIGHT_READ | ZX_RIGHT_WRITE), seen;
	struct stream *stream = want ? NULL : ends[number].stream;
	u64 out = UNTOUCHED, position = UNTOUCHED;

	if (stream && whence > ZX_STREAM_SEEK_ORIGIN_END) {
		want = ZX_ERR_INVALID_ARGS;
	} else if (stream) {
		u64 from[] = { 0, stream->position, *stream_of(stream->object) };

		position = from[whence] + offset;
		if (offset < 0 ? position >= from[whence] : position < from[whence])
			want = ZX_ERR_INVALID_ARGS;
	}
	seen = zx_stream_seek(end_of(number), whence, offset, &out);
	same_status("seek", want, seen);
	same("position of seek", want ? UNTOUCHED : position, out);
	if (!want)
		stream->position = position;
}

/* The bytes that the buffers let through: the second may be bad. */
static zx_status_t cut_short(const u64 *arg, u64 cut, u64 *count)
{
	if (!(arg[1] & HOW_NO_BUFFER) || *count <= cut)
		return ZX_OK;
	*count = cut;
	return cut ? ZX_OK : ZX_ERR_NOT_FOUND;
}

/*
 * Whether a write ends at a bad buffer where a page may have been committed for
 * it, or not (4.4).
 */
static bool leaves_open(const u64 *arg, u64 cut, zx_status_t want, u64 start, u64 count)
{
	const struct frame *frame;

	if (!(arg[1] & HOW_NO_BUFFER) || (want && want != ZX_ERR_NOT_FOUND) || count != cut ||
	    cut == arg[4] || (cut && (start + cut) % PAGE))
		return false;
	frame = frame_at(object_of_stream(arg[0]), start + cut);
	return !frame || frame->sharers != 1;
}

static zx_status_t want_bytes(const u64 *arg, u64 cut, bool write, u64 *start, u64 *count)
{
	u32 known = write && !(arg[1] & HOW_AT) ? ZX_STREAM_APPEND : 0;
	const struct stream *stream;
	struct object *object;
	zx_status_t status;
	u64 content, room;
	bool append;

	*count = 0;
	if (arg[2] & ~known || arg[1] & HOW_NO_VECTOR)
		return ZX_ERR_INVALID_ARGS;
	status = want_stream(arg[0], write ? ZX_RIGHT_WRITE : ZX_RIGHT_READ);
	if (status || !arg[4])
		return status;
	stream = ends[arg[0]].stream;
	object = stream->object;
	content = *stream_of(object);
	*start = arg[1] & HOW_AT ? arg[3] : stream->position;
	append = write && !(arg[1] & HOW_AT) &&
		(arg[2] || stream->mode & ZX_STREAM_MODE_APPEND);
	if (append)
		*start = content;
	if (write && sum_wraps(*start, arg[4]))
		return append ? ZX_ERR_OUT_OF_RANGE : ZX_ERR_FILE_BIG;
	room = write ? size_of(object) : content;
	room = room > *start ? room - *start : 0;
	if (!room)
		return write ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
	*count = arg[4] < room ? arg[4] : room;
	status = want_cached(object);
	if (!status)
		status = want_present(object);
	return status ? status : cut_short(arg, cut, count);
}

static void write_stream(struct object *object, u64 start, u64 count)
{
	u64 *content = stream_of(object);

	if (start > *content && broken_rule != 7)
		zero_range(object, *content, start - *content);
	write_model(object, start, buffer, count);
	if (*content < start + count)
		*content = start + count;
}

void do_stream_bytes(const u64 *arg, bool write)
{
	u64 cut = arg[5] < arg[4] ? arg[5] : arg[4], start = 0, count;
	zx_status_t want = want_bytes(arg, cut, write, &start, &count), seen;
	zx_iovec_t two[] = {
		{ buffer, cut }, { arg[1] & HOW_NO_BUFFER ? NULL : buffer + cut, arg[4] - cut },
	};
	zx_iovec_t *vector = arg[1] & HOW_NO_VECTOR ? NULL : two;
	zx_handle_t handle = end_of(arg[0]);
	size_t actual = UNTOUCHED;
	struct object *object;

	/* Where less is moved than there is room for, what is behind is not looked at. */
	if (!want && count > BUFFER)
		return;
	object = object_of_stream(arg[0]);
	if (!want && write && count && !has_room(object, start, count))
		return;
	if (write && object && leaves_open(arg, cut, want, start, count))
		return;
	if (write) {
		fill(buffer, BUFFER, arg[1] / HOW_VALUE);
		seen = arg[1] & HOW_AT ?
			zx_stream_writev_at(handle, arg[2], arg[3], vector, 2, &actual) :
			zx_stream_writev(handle, arg[2], vector, 2, &actual);
	} else {
		seen = arg[1] & HOW_AT ?
			zx_stream_readv_at(handle, arg[2], arg[3], vector, 2, &actual) :
			zx_stream_readv(handle, arg[2], vector, 2, &actual);
	}
	same_status(write ? "stream_writev" : "stream_readv", want, seen);
	same("bytes of a stream", want ? UNTOUCHED : count, actual);
	if (want || !count)
		return;
	if (write) {
		write_stream(object, start, count);
	} else {
		expect_bytes(object, start, count);
		if (memcmp(buffer, expected, count))
			differs("stream contents", "readv: other bytes than in the model");
	}
	if (!(arg[1] & HOW_AT))
		ends[arg[0]].stream->position = start + count;
}

void check_streams(void)
{
	zx_info_handle_basic_t basic;
	zx_info_stream_t info;
	unsigned int i;

	for (i = 0; i < STREAMS; i++) {
		const struct stream *stream = ends[i].stream;

		if (!stream)
			continue;
		same_status("get_info(HANDLE_BASIC)", ZX_OK,
			    zx_object_get_info(ends[i].handle, ZX_INFO_HANDLE_BASIC, &basic,
					       sizeof(basic), NULL, NULL));
		same("koid of the stream", stream->koid, basic.koid);
		same("rights of the stream", ends[i].rights, basic.rights);
		same("type of the stream", ZX_OBJ_TYPE_STREAM, basic.type);
		if (!(ends[i].rights & ZX_RIGHT_INSPECT))
			continue;
		same_status("get_info(STREAM)", ZX_OK,
			    zx_object_get_info(ends[i].handle, ZX_INFO_STREAM, &info,
					       sizeof(info), NULL, NULL));
		same("mode of the stream", stream->mode, info.options);
		same("position of the stream", stream->position, info.seek);
		same("content size of the stream", *stream_of(stream->object), info.content_size);
	}
}
