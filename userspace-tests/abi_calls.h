/* SPDX-License-Identifier: GPL-2.0 */
/* Every ioctl, with the layout of its structure and arguments that succeed. */
#ifndef _ABI_CALLS_H
#define _ABI_CALLS_H

#include <stddef.h>

#include "zxvmo_test.h"

_Static_assert(sizeof(struct zxvmo_query) == 24, "layout of zxvmo_query");
_Static_assert(sizeof(struct zxvmo_create) == 24, "layout of zxvmo_create");
_Static_assert(sizeof(struct zxvmo_transfer) == 32, "layout of zxvmo_transfer");
_Static_assert(sizeof(struct zxvmo_size) == 16, "layout of zxvmo_size");
_Static_assert(sizeof(struct zxvmo_create_child) == 32, "layout of zxvmo_create_child");
_Static_assert(sizeof(struct zxvmo_op_range) == 40, "layout of zxvmo_op_range");
_Static_assert(sizeof(struct zxvmo_transfer_data) == 40, "layout of zxvmo_transfer_data");
_Static_assert(sizeof(struct zxvmo_lock_state) == 32, "layout of zxvmo_lock_state");
_Static_assert(sizeof(struct zxvmo_duplicate) == 16, "layout of zxvmo_duplicate");
_Static_assert(sizeof(struct zxvmo_replace_as_executable) == 16, "layout of executable");
_Static_assert(sizeof(struct zxvmo_cache_policy) == 16, "layout of zxvmo_cache_policy");
_Static_assert(sizeof(struct zxvmo_get_info) == 40, "layout of zxvmo_get_info");
_Static_assert(sizeof(struct zxvmo_property) == 24, "layout of zxvmo_property");
_Static_assert(sizeof(struct zxvmo_signal) == 16, "layout of zxvmo_signal");
_Static_assert(sizeof(struct zxvmo_wait) == 24, "layout of zxvmo_wait");
_Static_assert(sizeof(struct zxvmo_wait_item) == 12, "layout of zxvmo_wait_item");
_Static_assert(sizeof(struct zxvmo_wait_many) == 24, "layout of zxvmo_wait_many");
_Static_assert(sizeof(struct zxvmo_create_event) == 24, "layout of zxvmo_create_event");
_Static_assert(sizeof(struct zxvmo_create_port) == 16, "layout of zxvmo_create_port");
_Static_assert(sizeof(struct zxvmo_port_packet) == 48, "layout of zxvmo_port_packet");
_Static_assert(sizeof(struct zxvmo_port_queue) == 16, "layout of zxvmo_port_queue");
_Static_assert(sizeof(struct zxvmo_port_wait) == 24, "layout of zxvmo_port_wait");
_Static_assert(sizeof(struct zxvmo_port_cancel) == 16, "layout of zxvmo_port_cancel");
_Static_assert(sizeof(struct zxvmo_wait_async) == 24, "layout of zxvmo_wait_async");
_Static_assert(ZXVMO_IOC_CREATE_PORT == 0xC010E705, "number of ZXVMO_IOC_CREATE_PORT");
_Static_assert(ZXVMO_IOC_PORT_QUEUE == 0xC010E730, "number of ZXVMO_IOC_PORT_QUEUE");
_Static_assert(ZXVMO_IOC_PORT_WAIT == 0xC018E731, "number of ZXVMO_IOC_PORT_WAIT");
_Static_assert(ZXVMO_IOC_PORT_CANCEL == 0xC010E732, "number of ZXVMO_IOC_PORT_CANCEL");
_Static_assert(ZXVMO_IOC_WAIT_ASYNC == 0xC018E747, "number of ZXVMO_IOC_WAIT_ASYNC");
_Static_assert(ZXVMO_IOC_WAIT_MANY == 0xC018E702, "number of ZXVMO_IOC_WAIT_MANY");
_Static_assert(ZXVMO_IOC_CREATE_EVENT == 0xC018E703, "number of ZXVMO_IOC_CREATE_EVENT");
_Static_assert(ZXVMO_IOC_SIGNAL_PEER == 0xC010E748, "number of ZXVMO_IOC_SIGNAL_PEER");
_Static_assert(sizeof(struct zxvmo_map) == 40, "layout of zxvmo_map");
_Static_assert(sizeof(struct zxvmo_region_op_range) == 24, "layout of zxvmo_region_op_range");
_Static_assert(sizeof(struct zxvmo_info_handle_basic) == 32, "layout of basic");
_Static_assert(sizeof(struct zxvmo_create_stream) == 24, "layout of zxvmo_create_stream");
_Static_assert(sizeof(struct zxvmo_iovec) == 16, "layout of zxvmo_iovec");
_Static_assert(sizeof(struct zxvmo_stream_transfer) == 48, "layout of zxvmo_stream_transfer");
_Static_assert(sizeof(struct zxvmo_stream_seek) == 24, "layout of zxvmo_stream_seek");
_Static_assert(sizeof(struct zxvmo_info_stream) == 24, "layout of zxvmo_info_stream");
_Static_assert(sizeof(struct zxvmo_info_vmo) == 176, "layout of zxvmo_info_vmo");

/* Room for the largest structure that a command number can announce. */
#define MAX_ARG		((1U << _IOC_SIZEBITS) - 1)

static struct zxvmo_info_vmo record;
static struct zxvmo_wait_item item;
static int port;
static char name[ZX_MAX_NAME_LEN];
static struct zxvmo_iovec vector;

union any_arg {
	struct zxvmo_query query;
	struct zxvmo_create create;
	struct zxvmo_transfer transfer;
	struct zxvmo_size size;
	struct zxvmo_create_child create_child;
	struct zxvmo_op_range op_range;
	struct zxvmo_transfer_data transfer_data;
	struct zxvmo_replace_as_executable executable;
	struct zxvmo_cache_policy cache_policy;
	struct zxvmo_duplicate duplicate;
	struct zxvmo_get_info get_info;
	struct zxvmo_property property;
	struct zxvmo_signal signal;
	struct zxvmo_wait wait;
	struct zxvmo_wait_many wait_many;
	struct zxvmo_create_event create_event;
	struct zxvmo_create_port create_port;
	struct zxvmo_wait_async wait_async;
	struct zxvmo_map map;
	struct zxvmo_region_op_range region_op_range;
	struct zxvmo_create_stream create_stream;
	struct zxvmo_stream_transfer stream_transfer;
	struct zxvmo_stream_seek stream_seek;
	unsigned char bytes[MAX_ARG + 1];
};

/*
 * Every call, with arguments that succeed on a new resizable VMO of a page, or
 * on a stream on such a VMO.
 */
enum kind { VMO, DEVICE, STREAM };

static const struct {
	const char *name;
	unsigned int command;
	enum kind kind;
	int reserved;		/* offset of a reserved __u32, or -1 */
	union any_arg arg;
} calls[] = {
	{ "query", ZXVMO_IOC_QUERY, DEVICE, -1, { } },
	{ "create", ZXVMO_IOC_CREATE, DEVICE, -1,
	  { .create = { .size = PAGE } } },
	{ "region_op_range", ZXVMO_IOC_REGION_OP_RANGE, DEVICE, -1,
	  { .region_op_range = { .op = ZX_VMAR_OP_COMMIT, .size = PAGE } } },
	{ "wait_many", ZXVMO_IOC_WAIT_MANY, DEVICE, -1,
	  { .wait_many = { .count = 1 } } },
	{ "create_event", ZXVMO_IOC_CREATE_EVENT, DEVICE,
	  offsetof(struct zxvmo_create_event, reserved), { } },
	{ "create_event pair", ZXVMO_IOC_CREATE_EVENT, DEVICE,
	  offsetof(struct zxvmo_create_event, reserved),
	  { .create_event = { .kind = ZXVMO_EVENT_PAIR } } },
	{ "create_port", ZXVMO_IOC_CREATE_PORT, DEVICE,
	  offsetof(struct zxvmo_create_port, reserved), { } },
	{ "wait_async", ZXVMO_IOC_WAIT_ASYNC, VMO, -1, { } },
	{ "read", ZXVMO_IOC_READ, VMO,
	  offsetof(struct zxvmo_transfer, reserved),
	  { .transfer = { .buffer = 0 } } },
	{ "write", ZXVMO_IOC_WRITE, VMO,
	  offsetof(struct zxvmo_transfer, reserved),
	  { .transfer = { .buffer = 0 } } },
	{ "get_size", ZXVMO_IOC_GET_SIZE, VMO,
	  offsetof(struct zxvmo_size, reserved), { } },
	{ "set_size", ZXVMO_IOC_SET_SIZE, VMO,
	  offsetof(struct zxvmo_size, reserved),
	  { .size = { .size = PAGE } } },
	{ "get_stream_size", ZXVMO_IOC_GET_STREAM_SIZE, VMO,
	  offsetof(struct zxvmo_size, reserved), { } },
	{ "set_stream_size", ZXVMO_IOC_SET_STREAM_SIZE, VMO,
	  offsetof(struct zxvmo_size, reserved),
	  { .size = { .size = PAGE } } },
	{ "create_child", ZXVMO_IOC_CREATE_CHILD, VMO,
	  offsetof(struct zxvmo_create_child, reserved),
	  { .create_child = { .options = ZX_VMO_CHILD_SNAPSHOT, .size = PAGE } } },
	{ "op_range", ZXVMO_IOC_OP_RANGE, VMO, -1,
	  { .op_range = { .op = ZX_VMO_OP_COMMIT, .size = PAGE } } },
	{ "transfer_data", ZXVMO_IOC_TRANSFER_DATA, VMO,
	  offsetof(struct zxvmo_transfer_data, reserved),
	  { .transfer_data = { .length = PAGE } } },
	{ "map", ZXVMO_IOC_MAP, VMO, -1,
	  { .map = { .options = ZX_VM_PERM_READ, .length = PAGE } } },
	{ "replace_as_executable", ZXVMO_IOC_REPLACE_AS_EXECUTABLE, VMO,
	  offsetof(struct zxvmo_replace_as_executable, reserved),
	  { .executable = { .vmex = -1 } } },
	{ "set_cache_policy", ZXVMO_IOC_SET_CACHE_POLICY, VMO,
	  offsetof(struct zxvmo_cache_policy, reserved),
	  { .cache_policy = { .policy = ZX_CACHE_POLICY_UNCACHED } } },
	{ "duplicate", ZXVMO_IOC_DUPLICATE, VMO,
	  offsetof(struct zxvmo_duplicate, reserved),
	  { .duplicate = { .rights = ZX_RIGHT_SAME_RIGHTS } } },
	{ "replace", ZXVMO_IOC_REPLACE, VMO,
	  offsetof(struct zxvmo_duplicate, reserved),
	  { .duplicate = { .rights = ZX_RIGHT_SAME_RIGHTS } } },
	{ "get_info", ZXVMO_IOC_GET_INFO, VMO, -1,
	  { .get_info = { .topic = ZX_INFO_VMO, .buffer_size = sizeof(record) } } },
	{ "get_property", ZXVMO_IOC_GET_PROPERTY, VMO, -1,
	  { .property = { .property = ZX_PROP_NAME, .value_size = sizeof(name) } } },
	{ "set_property", ZXVMO_IOC_SET_PROPERTY, VMO, -1,
	  { .property = { .property = ZX_PROP_NAME, .value_size = sizeof(name) } } },
	{ "signal", ZXVMO_IOC_SIGNAL, VMO,
	  offsetof(struct zxvmo_signal, reserved), { } },
	{ "wait", ZXVMO_IOC_WAIT, VMO,
	  offsetof(struct zxvmo_wait, reserved),
	  { .wait = { .signals = ZX_VMO_ZERO_CHILDREN } } },
	{ "create_stream", ZXVMO_IOC_CREATE_STREAM, VMO,
	  offsetof(struct zxvmo_create_stream, reserved),
	  { .create_stream = { .options = ZX_STREAM_MODE_READ } } },
	{ "stream_readv", ZXVMO_IOC_STREAM_READV, STREAM,
	  offsetof(struct zxvmo_stream_transfer, reserved),
	  { .stream_transfer = { .count = 1 } } },
	{ "stream_writev", ZXVMO_IOC_STREAM_WRITEV, STREAM,
	  offsetof(struct zxvmo_stream_transfer, reserved),
	  { .stream_transfer = { .count = 1 } } },
	{ "stream_seek", ZXVMO_IOC_STREAM_SEEK, STREAM, -1, { } },
};

static union any_arg arg;

/* A page of a VMO, mapped for good. */
static inline unsigned long mapped_page(void)
{
	static void *at;
	int fd;

	if (!at) {
		fd = vmo_create(PAGE, 0);
		at = map_shared(fd, PAGE, PROT_READ | PROT_WRITE);
		close(fd);
	}
	return (unsigned long)at;
}

static inline int new_stream(void)
{
	struct zxvmo_create_stream create = {
		.options = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE,
	};
	int vmo = vmo_create(PAGE, ZX_VMO_RESIZABLE);
	int ret = zxvmo_call(vmo, ZXVMO_IOC_CREATE_STREAM, &create);

	close(vmo);
	return ret ? -abs(ret) : create.handle;
}

/* Prepare call i in arg and return a descriptor of the kind that it is for. */
static inline int prepare(unsigned int i)
{
	arg = calls[i].arg;
	/* Addresses are no constants in a position-independent program. */
	if (calls[i].command == ZXVMO_IOC_GET_INFO)
		arg.get_info.buffer = (unsigned long)&record;
	if (calls[i].command == ZXVMO_IOC_WAIT_MANY) {
		if (!item.waitfor)
			item.handle = vmo_create(0, 0);
		item.waitfor = ZX_VMO_ZERO_CHILDREN;
		arg.wait_many.items = (unsigned long)&item;
	}
	if (calls[i].command == ZXVMO_IOC_WAIT_ASYNC) {
		if (!port)
			port = port_create();
		arg.wait_async.port = port;
	}
	if (calls[i].command == ZXVMO_IOC_GET_PROPERTY ||
	    calls[i].command == ZXVMO_IOC_SET_PROPERTY)
		arg.property.value = (unsigned long)name;
	if (calls[i].command == ZXVMO_IOC_TRANSFER_DATA)
		arg.transfer_data.source = vmo_create(PAGE, 0);
	if (calls[i].command == ZXVMO_IOC_REGION_OP_RANGE)
		arg.region_op_range.address = mapped_page();
	if (calls[i].command == ZXVMO_IOC_STREAM_READV ||
	    calls[i].command == ZXVMO_IOC_STREAM_WRITEV)
		arg.stream_transfer.vector = (unsigned long)&vector;
	if (calls[i].kind == DEVICE)
		return open_device();
	return calls[i].kind == STREAM ? new_stream() : vmo_create(PAGE, ZX_VMO_RESIZABLE);
}

#endif /* _ABI_CALLS_H */
