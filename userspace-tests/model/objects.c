// SPDX-License-Identifier: GPL-2.0
/* Handles, properties, signals and information, in both families. */
#include "model.h"

void drop_handle(u64 slot)
{
	struct object *object = slots[slot].object;

	slots[slot].object = NULL;
	object->handles--;
	put_object(object);
}

void do_duplicate(u64 slot, u64 out, u32 rights)
{
	zx_status_t want = want_subset(slot, ZX_RIGHT_DUPLICATE, rights);
	zx_handle_t handle = 0;

	if (taken(out))
		return;
	same_status("duplicate", want, zx_handle_duplicate(real(slot), rights, &handle));
	if (!want)
		add_handle(out, slots[slot].object, handle, rights == ZX_RIGHT_SAME_RIGHTS ?
			   slots[slot].rights : rights);
}

void do_replace(u64 slot, u64 out, u32 rights)
{
	zx_status_t want = want_subset(slot, 0, rights);
	zx_handle_t handle = 0;

	if (taken(out))
		return;
	same_status("replace", want, zx_handle_replace(real(slot), rights, &handle));
	if (!want)
		add_handle(out, slots[slot].object, handle, rights == ZX_RIGHT_SAME_RIGHTS ?
			   slots[slot].rights : rights);
	/* 18: closed also where the rights are refused. */
	if (slot < SLOTS && slots[slot].object)
		drop_handle(slot);
}

void do_close(u64 slot)
{
	zx_status_t want = slot == SLOT_INVALID ? ZX_OK : want_handle(slot, 0);

	same_status("close", want, zx_handle_close(real(slot)));
	if (slot < SLOTS && slots[slot].object)
		drop_handle(slot);
}

void do_get_property(u64 slot, u32 property, u64 size)
{
	zx_status_t want = want_get_property(slot, property, size);
	struct object *object;
	u64 value;

	if (size > BUFFER)
		return;
	same_status("get_property", want,
		    zx_object_get_property(real(slot), property, buffer, size));
	if (want)
		return;
	object = slots[slot].object;
	memcpy(&value, buffer, sizeof(value));
	if (property == ZX_PROP_VMO_CONTENT_SIZE)
		same("content size", *stream_of(object), value);
	else if (memcmp(object->name, buffer, ZX_MAX_NAME_LEN))
		differs("name", "get_property: the name is another");
}

void do_set_property(u64 slot, u32 property, u64 size, u64 value)
{
	zx_status_t want = want_set_property(slot, property, size, value);
	struct object *object;
	u64 i;

	if (size > BUFFER)
		return;
	for (i = 0; i < size; i++)
		buffer[i] = (value + i) % 13 ? 'a' + (value + i) % 26 : 0;
	if (property == ZX_PROP_VMO_CONTENT_SIZE)
		memcpy(buffer, &value, sizeof(value));
	same_status("set_property", want,
		    zx_object_set_property(real(slot), property, buffer, size));
	if (want)
		return;
	object = slots[slot].object;
	if (property == ZX_PROP_VMO_CONTENT_SIZE) {
		set_stream_model(object, value);
		return;
	}
	memset(object->name, 0, sizeof(object->name));
	for (i = 0; i < size && i < ZX_MAX_NAME_LEN - 1 && buffer[i]; i++)
		object->name[i] = buffer[i];
}

void do_signal(u64 slot, u32 clear, u32 set)
{
	zx_status_t want = want_handle(slot, ZX_RIGHT_SIGNAL);

	if (!want && (clear | set) & ~ZX_USER_SIGNAL_ALL)
		want = ZX_ERR_INVALID_ARGS;
	same_status("signal", want, zx_object_signal(real(slot), clear, set));
	if (!want)
		slots[slot].object->signals = (slots[slot].object->signals & ~clear) | set;
}

void do_wait(u64 slot, u32 signals, bool past)
{
	zx_status_t want = want_handle(slot, ZX_RIGHT_WAIT);
	u32 observed = 0, now = want ? 0 : signals_of(slots[slot].object);

	if (!want && !(now & signals))
		want = ZX_ERR_TIMED_OUT;
	same_status("wait_one", want,
		    zx_object_wait_one(real(slot), signals, past ? ZX_TIME_INFINITE_PAST : 0,
				       &observed));
	same("observed", now, observed);
}

void do_info(u64 slot, u32 topic, u64 size)
{
	zx_status_t want;
	size_t actual = 77, avail = 77;
	u64 record, i;

	want = want_info(slot, topic, size, &record);
	if (size > BUFFER)
		return;
	memset(buffer, 0xa5, size);
	same_status("get_info", want,
		    zx_object_get_info(real(slot), topic, buffer, size, &actual, &avail));
	if (!record || (want && want != ZX_ERR_BUFFER_TOO_SMALL))
		return;
	same("actual", !want, actual);
	same("avail", 1, avail);
	for (i = want ? 0 : record; i < size; i++)
		same("a byte behind the record", 0xa5, buffer[i]);
}
