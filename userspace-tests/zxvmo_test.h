/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of the zxvmo ABI as functions that return the zx_status_t, for the
 * tests that look at the ABI itself and at the Linux side of a handle.
 */
#ifndef _ZXVMO_TEST_H
#define _ZXVMO_TEST_H

#include "linux_test.h"
#include "zxvmo.h"

/* What status holds before a call: seen afterwards, it was not delivered. */
#define STATUS_UNTOUCHED	0x5a5a5a5a

/* Returned instead of a status whose errno is not the one documented. */
#define STATUS_WRONG_ERRNO	0x7fffffff

#define ALL_VMO_RIGHTS		(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE)
#define READER_RIGHTS		(ZX_RIGHT_READ | ZX_RIGHT_MAP | \
				 ZX_RIGHT_TRANSFER | ZX_RIGHT_GET_PROPERTY)

static inline int errno_of_status(int status)
{
	switch (status) {
	case ZX_ERR_NOT_SUPPORTED:	return EOPNOTSUPP;
	case ZX_ERR_NO_RESOURCES:	return ENOSPC;
	case ZX_ERR_NO_MEMORY:		return ENOMEM;
	case ZX_ERR_INVALID_ARGS:	return EINVAL;
	case ZX_ERR_BAD_HANDLE:		return EBADF;
	case ZX_ERR_WRONG_TYPE:		return EMEDIUMTYPE;
	case ZX_ERR_OUT_OF_RANGE:	return ERANGE;
	case ZX_ERR_BUFFER_TOO_SMALL:	return ENOBUFS;
	case ZX_ERR_BAD_STATE:		return EBUSY;
	case ZX_ERR_TIMED_OUT:		return ETIMEDOUT;
	case ZX_ERR_CANCELED:		return ECANCELED;
	case ZX_ERR_SHOULD_WAIT:	return EAGAIN;
	case ZX_ERR_PEER_CLOSED:	return EPIPE;
	case ZX_ERR_NOT_FOUND:		return ENOENT;
	case ZX_ERR_ALREADY_EXISTS:	return EEXIST;
	case ZX_ERR_UNAVAILABLE:	return EAGAIN;
	case ZX_ERR_ACCESS_DENIED:	return EACCES;
	case ZX_ERR_FILE_BIG:		return EFBIG;
	case ZX_ERR_NO_SPACE:		return ENOSPC;
	default:			return EIO;
	}
}

/*
 * Make a call: the status, or the errno (positive) of a call that could not be
 * delivered. Every use checks that the status and errno agree.
 */
static inline int zxvmo_call(int fd, unsigned int command, void *arg)
{
	__s32 *status = arg;

	*status = STATUS_UNTOUCHED;
	if (!ioctl(fd, command, arg))
		return *status == ZX_OK ? ZX_OK : STATUS_WRONG_ERRNO;
	if (*status == STATUS_UNTOUCHED)
		return errno;
	if (*status >= 0 || errno != errno_of_status(*status))
		return STATUS_WRONG_ERRNO;
	return *status;
}

static inline int open_device(void)
{
	return open(ZXVMO_DEVICE_PATH, O_RDWR | O_CLOEXEC);
}

/* The new handle, or what is wrong as a negative number. */
static inline int vmo_create_flags(__u64 size, __u32 options, __u32 flags)
{
	struct zxvmo_create arg = {
		.size = size, .options = options, .flags = flags,
	};
	int device = open_device();
	int ret;

	if (device < 0)
		return -errno;
	ret = zxvmo_call(device, ZXVMO_IOC_CREATE, &arg);
	close(device);
	return ret ? -abs(ret) : arg.handle;
}

static inline int vmo_create(__u64 size, __u32 options)
{
	return vmo_create_flags(size, options, 0);
}

static inline int vmo_duplicate(int fd, __u32 rights)
{
	struct zxvmo_duplicate arg = { .rights = rights };
	int ret = zxvmo_call(fd, ZXVMO_IOC_DUPLICATE, &arg);

	return ret ? -abs(ret) : arg.handle;
}

static inline int vmo_replace(int fd, __u32 rights)
{
	struct zxvmo_duplicate arg = { .rights = rights };
	int ret = zxvmo_call(fd, ZXVMO_IOC_REPLACE, &arg);

	return ret ? -abs(ret) : arg.handle;
}

static inline int vmo_read(int fd, void *buffer, __u64 offset, __u64 length)
{
	struct zxvmo_transfer arg = {
		.buffer = (unsigned long)buffer, .offset = offset,
		.length = length,
	};

	return zxvmo_call(fd, ZXVMO_IOC_READ, &arg);
}

static inline int vmo_write(int fd, const void *buffer, __u64 offset,
			    __u64 length)
{
	struct zxvmo_transfer arg = {
		.buffer = (unsigned long)buffer, .offset = offset,
		.length = length,
	};

	return zxvmo_call(fd, ZXVMO_IOC_WRITE, &arg);
}

/* Write pages of one byte value from offset 0. */
static inline int vmo_fill(int fd, unsigned char byte, size_t pages)
{
	unsigned char page[PAGE];
	size_t i;
	int ret = 0;

	memset(page, byte, PAGE);
	for (i = 0; i < pages && !ret; i++)
		ret = vmo_write(fd, page, i * PAGE, PAGE);
	return ret;
}

/* Whether a range of at most a page holds only the given byte. */
static inline bool vmo_holds(int fd, unsigned char byte, __u64 offset,
			     size_t length)
{
	unsigned char page[PAGE];

	return length <= PAGE && !vmo_read(fd, page, offset, length) &&
	       all_bytes(page, byte, length);
}

static inline __u64 vmo_size(int fd)
{
	struct zxvmo_size arg = { };

	return zxvmo_call(fd, ZXVMO_IOC_GET_SIZE, &arg) ? ~0ULL : arg.size;
}

static inline int vmo_set_size(int fd, __u64 size)
{
	struct zxvmo_size arg = { .size = size };

	return zxvmo_call(fd, ZXVMO_IOC_SET_SIZE, &arg);
}

static inline int vmo_set_stream_size(int fd, __u64 size)
{
	struct zxvmo_size arg = { .size = size };

	return zxvmo_call(fd, ZXVMO_IOC_SET_STREAM_SIZE, &arg);
}

static inline int vmo_get_info(int fd, __u32 topic, void *buffer, size_t size)
{
	struct zxvmo_get_info arg = {
		.topic = topic, .buffer = (unsigned long)buffer,
		.buffer_size = size,
	};

	return zxvmo_call(fd, ZXVMO_IOC_GET_INFO, &arg);
}

/* All bits set in a field if the question could not be asked. */
static inline struct zxvmo_info_vmo vmo_info(int fd)
{
	struct zxvmo_info_vmo info;

	if (vmo_get_info(fd, ZX_INFO_VMO, &info, sizeof(info)))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static inline __u32 vmo_rights(int fd)
{
	return vmo_info(fd).handle_rights;
}

/* Needs a handle with INSPECT. */
static inline __u32 vmo_handle_count(int fd)
{
	struct zxvmo_info_handle_count count = { ~0U };

	if (vmo_get_info(fd, ZX_INFO_HANDLE_COUNT, &count, sizeof(count)))
		return ~0U;
	return count.handle_count;
}

static inline int vmo_set_name(int fd, const char *name)
{
	struct zxvmo_property arg = {
		.property = ZX_PROP_NAME, .value = (unsigned long)name,
		.value_size = strlen(name),
	};

	return zxvmo_call(fd, ZXVMO_IOC_SET_PROPERTY, &arg);
}

static inline int vmo_signal(int fd, __u32 clear_mask, __u32 set_mask)
{
	struct zxvmo_signal arg = {
		.clear_mask = clear_mask, .set_mask = set_mask,
	};

	return zxvmo_call(fd, ZXVMO_IOC_SIGNAL, &arg);
}

/* The new event, or what is wrong as a negative number. */
static inline int event_create(void)
{
	struct zxvmo_create_event arg = { };
	int device = open_device();
	int ret;

	if (device < 0)
		return -errno;
	ret = zxvmo_call(device, ZXVMO_IOC_CREATE_EVENT, &arg);
	close(device);
	return ret ? -abs(ret) : arg.handle;
}

/* The two ends: the status. */
static inline int eventpair_create(int ends[2])
{
	struct zxvmo_create_event arg = { .kind = ZXVMO_EVENT_PAIR };
	int device = open_device();
	int ret;

	ends[0] = -1;
	ends[1] = -1;
	if (device < 0)
		return errno;
	ret = zxvmo_call(device, ZXVMO_IOC_CREATE_EVENT, &arg);
	close(device);
	ends[0] = arg.handle;
	ends[1] = arg.peer;
	return ret;
}

/* The new port, or what is wrong as a negative number. */
static inline int port_create(void)
{
	struct zxvmo_create_port arg = { };
	int device = open_device();
	int ret;

	if (device < 0)
		return -errno;
	ret = zxvmo_call(device, ZXVMO_IOC_CREATE_PORT, &arg);
	close(device);
	return ret ? -abs(ret) : arg.handle;
}

static inline int wait_async(int fd, int port, __u64 key, __u32 signals, __u32 options)
{
	struct zxvmo_wait_async arg = {
		.port = port, .key = key, .signals = signals, .options = options,
	};

	return zxvmo_call(fd, ZXVMO_IOC_WAIT_ASYNC, &arg);
}

static inline int port_queue(int port, const struct zxvmo_port_packet *packet)
{
	struct zxvmo_port_queue arg = { .packet = (unsigned long)packet };

	return zxvmo_call(port, ZXVMO_IOC_PORT_QUEUE, &arg);
}

static inline int port_wait(int port, __s64 deadline, struct zxvmo_port_packet *packet)
{
	struct zxvmo_port_wait arg = {
		.deadline = deadline, .packet = (unsigned long)packet,
	};

	return zxvmo_call(port, ZXVMO_IOC_PORT_WAIT, &arg);
}

static inline int signal_peer(int fd, __u32 clear_mask, __u32 set_mask)
{
	struct zxvmo_signal arg = {
		.clear_mask = clear_mask, .set_mask = set_mask,
	};

	return zxvmo_call(fd, ZXVMO_IOC_SIGNAL_PEER, &arg);
}

/* What is asserted now; all bits set if that could not be asked. */
static inline __u32 signals_now(int fd)
{
	struct zxvmo_wait arg = { };

	return zxvmo_call(fd, ZXVMO_IOC_WAIT, &arg) == ZX_ERR_TIMED_OUT ? arg.observed : ~0U;
}

/* Map at an address that the kernel chooses: the status; *at the address. */
static inline int vmo_map(int fd, __u32 options, __u64 offset, __u64 length,
			  void **at)
{
	struct zxvmo_map arg = {
		.options = options, .vmo_offset = offset, .length = length,
	};
	int ret = zxvmo_call(fd, ZXVMO_IOC_MAP, &arg);

	if (!ret)
		*at = (void *)(unsigned long)arg.mapped_address;
	return ret;
}

/* The new handle, or what is wrong as a negative number. */
static inline int vmo_create_child(int fd, __u32 options, __u64 offset, __u64 size)
{
	struct zxvmo_create_child arg = {
		.options = options, .offset = offset, .size = size,
	};
	int ret = zxvmo_call(fd, ZXVMO_IOC_CREATE_CHILD, &arg);

	return ret ? -abs(ret) : arg.handle;
}

static inline int vmo_snapshot(int fd, __u64 offset, __u64 size)
{
	return vmo_create_child(fd, ZX_VMO_CHILD_SNAPSHOT, offset, size);
}

static inline int vmo_op_range(int fd, __u32 op, __u64 offset, __u64 size)
{
	struct zxvmo_op_range arg = { .op = op, .offset = offset, .size = size };

	return zxvmo_call(fd, ZXVMO_IOC_OP_RANGE, &arg);
}

static inline int vmo_set_cache_policy(int fd, __u32 policy)
{
	struct zxvmo_cache_policy arg = { .policy = policy };

	return zxvmo_call(fd, ZXVMO_IOC_SET_CACHE_POLICY, &arg);
}

/* The new handle, or what is wrong as a negative number. */
static inline int vmo_replace_as_executable(int fd, int vmex)
{
	struct zxvmo_replace_as_executable arg = { .vmex = vmex };
	int ret = zxvmo_call(fd, ZXVMO_IOC_REPLACE_AS_EXECUTABLE, &arg);

	return ret ? -abs(ret) : arg.handle;
}

static inline void *map_shared(int fd, size_t length, int prot)
{
	return mmap(NULL, length, prot, MAP_SHARED, fd, 0);
}

static inline void *map_private(int fd, size_t length, int prot)
{
	return mmap(NULL, length, prot, MAP_PRIVATE, fd, 0);
}

#endif /* _ZXVMO_TEST_H */
