// SPDX-License-Identifier: GPL-2.0
/* Each operation, done to the model and to the real family. */
#include <sys/mman.h>

#include "model.h"

u8 buffer[BUFFER], expected[BUFFER];

zx_handle_t real(u64 slot)
{
	if (slot == SLOT_VMAR)
		return zx_vmar_root_self();
	if (slot == SLOT_INVALID)
		return ZX_HANDLE_INVALID;
	/* A value that can be no handle's: there are not so many. */
	return slot < SLOTS && slots[slot].object ? slots[slot].handle : 0x7ffffff3;
}

bool taken(u64 slot)
{
	return slot >= SLOTS || slots[slot].object;
}

void fill(u8 *at, u64 len, u64 value)
{
	u64 i;

	for (i = 0; i < len; i++)
		at[i] = value ? value + i * 11 + (i >> 8) : 0;
}

void add_handle(u64 slot, struct object *object, zx_handle_t handle, u32 rights)
{
	slots[slot] = (struct slot){ object, handle, rights };
	object->handles++;
}

static u64 koid_behind(zx_handle_t handle)
{
	zx_info_handle_basic_t basic;

	same_status("get_info(HANDLE_BASIC)", ZX_OK,
		    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic),
				       NULL, NULL));
	same_koid(basic.koid);
	return basic.koid;
}

static void create(u64 out, u32 options, u64 size, bool bad)
{
	zx_status_t want = want_create(size, options, bad);
	zx_handle_t handle = 0;
	struct object *object;
	u64 max = options & ZX_VMO_UNBOUNDED ? ZX_VMO_MAX_SIZE : round_up(size);

	if (taken(out))
		return;
	same_status("create", want, zx_vmo_create(size, options, bad ? NULL : &handle));
	if (want)
		return;
	object = new_object(size, max, options);
	object->koid = koid_behind(handle);
	add_handle(out, object, handle, options & ZX_VMO_RESIZABLE ?
		   ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE : ZX_DEFAULT_VMO_RIGHTS);
}

static void create_child(u64 slot, u64 out, u32 options, u64 offset, u64 size)
{
	zx_status_t want = want_child(slot, options, offset, size);
	struct object *child, *parent;
	zx_handle_t handle = 0;

	if (taken(out))
		return;
	same_status("create_child", want,
		    zx_vmo_create_child(real(slot), options, offset, size, &handle));
	if (want)
		return;
	parent = slots[slot].object;
	child = new_child(parent, options, offset, size);
	child->koid = koid_behind(handle);
	/* 8.3 */
	if (slots[slot].rights & ZX_RIGHT_GET_PROPERTY)
		memcpy(child->name, parent->name, sizeof(child->name));
	add_handle(out, child, handle, rights_of_child(slots[slot].rights, options));
}

void expect_bytes(struct object *object, u64 offset, u64 size)
{
	u64 i;

	for (i = 0; i < size; i++) {
		struct frame *frame = frame_at(object, offset + i);
		u64 start = (offset + i) % PAGE, len = PAGE - start;

		if (len > size - i)
			len = size - i;
		if (frame)
			memcpy(expected + i, frame->bytes + start, len);
		else
			memset(expected + i, 0, len);
		i += len - 1;
	}
}

static void *locked_pages(int prot)
{
	void *at = mmap(NULL, BUFFER, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static void read_bytes(u64 slot, u64 offset, u64 size, u64 bad)
{
	zx_status_t want = want_transfer(slot, ZX_RIGHT_READ, offset, size);
	void *target = buffer;

	if (!want && size > BUFFER)
		return;
	if (bad == 1)
		target = NULL;
	else if (bad)
		target = locked_pages(bad == 2 ? PROT_READ : PROT_NONE);
	/* 4.3 */
	if (bad && !want && size)
		want = bad == 1 ? ZX_ERR_NOT_FOUND : ZX_ERR_ACCESS_DENIED;
	same_status("read", want, zx_vmo_read(real(slot), target, offset, size));
	if (bad > 1)
		munmap(target, BUFFER);
	if (want || bad)
		return;
	expect_bytes(slots[slot].object, offset, size);
	if (memcmp(buffer, expected, size))
		differs("contents", "other bytes than in the model");
}

void write_model(struct object *object, u64 offset, const u8 *from, u64 size)
{
	u64 len;

	for (; size; size -= len, offset += len, from += len) {
		len = PAGE - offset % PAGE;
		if (len > size)
			len = size;
		memcpy(own_page(object, offset) + offset % PAGE, from, len);
	}
}

static void write_bytes(u64 slot, u64 offset, u64 size, u64 value)
{
	zx_status_t want = want_transfer(slot, ZX_RIGHT_WRITE, offset, size);

	if (!want && (size > BUFFER || !has_room(slots[slot].object, offset, size)))
		return;
	fill(buffer, size < BUFFER ? size : BUFFER, value);
	same_status("write", want, zx_vmo_write(real(slot), buffer, offset, size));
	if (!want)
		write_model(slots[slot].object, offset, buffer, size);
}

static void get_size(u64 slot, bool stream)
{
	zx_status_t want = want_vmo(slot, 0), seen;
	u64 size = 0;

	seen = stream ? zx_vmo_get_stream_size(real(slot), &size) :
		zx_vmo_get_size(real(slot), &size);
	same_status("get_size", want, seen);
	if (!want)
		same("size", stream ? *stream_of(slots[slot].object) :
		     size_of(slots[slot].object), size);
}

void set_stream_model(struct object *object, u64 size)
{
	u64 *stream = stream_of(object), from = size < *stream ? size : *stream;

	if (size != *stream)
		zero_range(object, from, size_of(object) - from);
	*stream = size;
}

/* What an operation on a range that is as it must be changes. */
void change_part(struct object *object, u32 op, u64 offset, u64 len)
{
	u64 at;

	switch (op) {
	case ZX_VMO_OP_COMMIT:
		for (at = offset & ~(PAGE - 1); at < round_up(offset + len); at += PAGE)
			own_page(object, at);
		break;
	case ZX_VMO_OP_DECOMMIT:
		drop_pages(object, offset, len);
		break;
	case ZX_VMO_OP_ZERO:
		zero_range(object, offset, len);
		break;
	}
}

static void range(u64 slot, u32 op, u64 offset, u64 len, u64 buffer_size)
{
	zx_status_t want = want_range(slot, op, offset, len, buffer_size);
	union {
		zx_vmo_lock_state_t lock;
		u8 bytes[64];
	} out;
	struct object *object;
	char what[32];

	if (buffer_size > sizeof(out))
		return;
	if (!want && op == ZX_VMO_OP_COMMIT && !has_room(slots[slot].object, offset, len))
		return;
	memset(&out, 0xff, sizeof(out));
	snprintf(what, sizeof(what), "op_range(%u)", op);
	same_status(what, want,
		    zx_vmo_op_range(real(slot), op, offset, len, &out, buffer_size));
	if (want == ZX_ERR_INVALID_ARGS && op == ZX_VMO_OP_LOCK)
		return lock_model(slots[slot].object->store, op, NULL);
	if (want)
		return;
	object = slots[slot].object;
	if (op == ZX_VMO_OP_LOCK || op == ZX_VMO_OP_TRY_LOCK || op == ZX_VMO_OP_UNLOCK)
		lock_model(object->store, op, &out.lock);
	else
		change_part(object, op, offset, len);
}

void apply(const struct op *op)
{
	const u64 *arg = op->arg;

	/* The root region has other rules. */
	if (arg[0] == SLOT_VMAR &&
	    (op->kind == OP_DUPLICATE || op->kind == OP_REPLACE || op->kind == OP_CLOSE ||
	     op->kind == OP_EXECUTABLE ||
	     (op->kind >= OP_GET_PROPERTY && op->kind <= OP_INFO)))
		return;
	switch (op->kind) {
	case OP_CREATE:
		return create(arg[0], arg[1], arg[2], arg[3]);
	case OP_CHILD:
		return create_child(arg[0], arg[1], arg[2], arg[3], arg[4]);
	case OP_READ:
		return read_bytes(arg[0], arg[1], arg[2], arg[3]);
	case OP_WRITE:
		return write_bytes(arg[0], arg[1], arg[2], arg[3]);
	case OP_GET_SIZE:
	case OP_GET_STREAM:
		return get_size(arg[0], op->kind == OP_GET_STREAM);
	case OP_SET_SIZE: {
		zx_status_t want = want_set_size(arg[0], arg[1]);

		same_status("set_size", want, zx_vmo_set_size(real(arg[0]), arg[1]));
		if (!want)
			resize(slots[arg[0]].object, arg[1]);
		return;
	}
	case OP_SET_STREAM: {
		zx_status_t want = want_set_stream(arg[0], arg[1]);

		same_status("set_stream_size", want,
			    zx_vmo_set_stream_size(real(arg[0]), arg[1]));
		if (!want)
			set_stream_model(slots[arg[0]].object, arg[1]);
		return;
	}
	case OP_RANGE:
		return range(arg[0], arg[1], arg[2], arg[3], arg[4]);
	case OP_DUPLICATE:
		return do_duplicate(arg[0], arg[1], arg[2]);
	case OP_REPLACE:
		return do_replace(arg[0], arg[1], arg[2]);
	case OP_CLOSE:
		return do_close(arg[0]);
	case OP_MAP:
		return do_map(arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	case OP_UNMAP:
		return do_unmap(arg[0], arg[1], arg[2]);
	case OP_PROTECT:
		return do_protect(arg[0], arg[1], arg[2], arg[3]);
	case OP_LOAD:
		return do_load(arg[0], arg[1]);
	case OP_STORE:
		return do_store(arg[0], arg[1], arg[2], arg[3]);
	case OP_GET_PROPERTY:
		return do_get_property(arg[0], arg[1], arg[2]);
	case OP_SET_PROPERTY:
		return do_set_property(arg[0], arg[1], arg[2], arg[3]);
	case OP_SIGNAL:
		return do_signal(arg[0], arg[1], arg[2]);
	case OP_WAIT:
		return do_wait(arg[0], arg[1], arg[2]);
	case OP_INFO:
		return do_info(arg[0], arg[1], arg[2]);
	case OP_PRIVATE:
		return do_private(arg[0], arg[1], arg[2], arg[3]);
	case OP_COPY_IN:
	case OP_COPY_OUT:
		return do_copy(arg[0], arg[1], arg[2], arg[3], arg[4],
			       op->kind == OP_COPY_OUT);
	case OP_TRANSFER:
		return do_transfer(op);
	case OP_RECLAIM:
		return do_reclaim();
	case OP_STREAM:
		return do_stream(arg[0], arg[1], arg[2], arg[3]);
	case OP_STREAM_READ:
	case OP_STREAM_WRITE:
		return do_stream_bytes(arg, op->kind == OP_STREAM_WRITE);
	case OP_STREAM_SEEK:
		return do_stream_seek(arg[0], arg[1], arg[2]);
	case OP_STREAM_APPEND:
		return do_stream_append(arg[0], arg[1]);
	case OP_STREAM_DUPLICATE:
		return do_stream_duplicate(arg[0], arg[1], arg[2]);
	case OP_STREAM_CLOSE:
		return do_stream_close(arg[0]);
	case OP_POLICY:
		return do_policy(arg[0], arg[1]);
	case OP_EXECUTABLE:
		return do_executable(arg[0], arg[1], arg[2]);
	case OP_REGION:
		return do_region(arg[0], arg[1], arg[2], arg[3]);
	}
}
