/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * zxvmo: Zircon virtual memory objects for Linux.
 *
 * /dev/zxvmo creates VMOs; every VMO handle is a file descriptor of its own
 * open file description, which carries the handle's rights. All calls are
 * ioctls on one of the two.
 *
 * Conventions, for every call:
 *  - The first member of each argument structure, status, receives the Zircon
 *    status (ZX_OK or ZX_ERR_*). The ioctl itself returns 0 for ZX_OK and
 *    otherwise -1 with the errno listed at the end of this file beside each
 *    status. status stays untouched where the ioctl could not be delivered:
 *    ENOTTY (no such call on this kind of file), EFAULT (the structure itself
 *    is not accessible), EINVAL (structure shorter than the first version),
 *    E2BIG (longer than this module knows, and the rest is not zero), EINTR.
 *  - The size of the structure is part of the command number. Structures only
 *    grow at the end. A shorter (older) one is extended with zeros; a longer
 *    (newer) one is accepted if what the module does not know is zero.
 *  - Reserved members and padding must be zero, else ZX_ERR_INVALID_ARGS.
 *  - Addresses are user addresses in a __u64; sizes and offsets are bytes.
 *  - Handles are file descriptors, created with close-on-exec set.
 */
#ifndef _UAPI_ZXVMO_H
#define _UAPI_ZXVMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Raised when a call is added or changes; see zxvmo_query. */
#define ZXVMO_ABI_VERSION	2

#define ZXVMO_DEVICE_PATH	"/dev/zxvmo"

/* Sizes. */
#define ZX_PAGE_SIZE			0x1000
#define ZX_VMO_MAX_SIZE			0xFFFFFFFFFFFF0000ULL
#define ZX_MAX_NAME_LEN			32
#define ZX_WAIT_MANY_MAX_ITEMS		64

/* Statuses. */
#define ZX_OK				0
#define ZX_ERR_INTERNAL			(-1)
#define ZX_ERR_NOT_SUPPORTED		(-2)
#define ZX_ERR_NO_RESOURCES		(-3)
#define ZX_ERR_NO_MEMORY		(-4)
#define ZX_ERR_INVALID_ARGS		(-10)
#define ZX_ERR_BAD_HANDLE		(-11)
#define ZX_ERR_WRONG_TYPE		(-12)
#define ZX_ERR_BAD_SYSCALL		(-13)
#define ZX_ERR_OUT_OF_RANGE		(-14)
#define ZX_ERR_BUFFER_TOO_SMALL		(-15)
#define ZX_ERR_BAD_STATE		(-20)
#define ZX_ERR_TIMED_OUT		(-21)
#define ZX_ERR_SHOULD_WAIT		(-22)
#define ZX_ERR_CANCELED			(-23)
#define ZX_ERR_PEER_CLOSED		(-24)
#define ZX_ERR_NOT_FOUND		(-25)
#define ZX_ERR_ALREADY_EXISTS		(-26)
#define ZX_ERR_ALREADY_BOUND		(-27)
#define ZX_ERR_UNAVAILABLE		(-28)
#define ZX_ERR_ACCESS_DENIED		(-30)
#define ZX_ERR_IO			(-40)
#define ZX_ERR_IO_DATA_INTEGRITY	(-42)
#define ZX_ERR_FILE_BIG			(-53)
#define ZX_ERR_NO_SPACE			(-54)
#define ZX_ERR_STOP			(-60)
#define ZX_ERR_NEXT			(-61)

/* Rights. */
#define ZX_RIGHT_NONE			0x0U
#define ZX_RIGHT_DUPLICATE		0x1U
#define ZX_RIGHT_TRANSFER		0x2U
#define ZX_RIGHT_READ			0x4U
#define ZX_RIGHT_WRITE			0x8U
#define ZX_RIGHT_EXECUTE		0x10U
#define ZX_RIGHT_MAP			0x20U
#define ZX_RIGHT_GET_PROPERTY		0x40U
#define ZX_RIGHT_SET_PROPERTY		0x80U
#define ZX_RIGHT_ENUMERATE		0x100U
#define ZX_RIGHT_DESTROY		0x200U
#define ZX_RIGHT_SET_POLICY		0x400U
#define ZX_RIGHT_GET_POLICY		0x800U
#define ZX_RIGHT_SIGNAL			0x1000U
#define ZX_RIGHT_SIGNAL_PEER		0x2000U
#define ZX_RIGHT_WAIT			0x4000U
#define ZX_RIGHT_INSPECT		0x8000U
#define ZX_RIGHT_MANAGE_JOB		0x10000U
#define ZX_RIGHT_MANAGE_PROCESS		0x20000U
#define ZX_RIGHT_MANAGE_THREAD		0x40000U
#define ZX_RIGHT_APPLY_PROFILE		0x80000U
#define ZX_RIGHT_MANAGE_SOCKET		0x100000U
#define ZX_RIGHT_OP_CHILDREN		0x200000U
#define ZX_RIGHT_RESIZE			0x400000U
#define ZX_RIGHT_ATTACH_VMO		0x800000U
#define ZX_RIGHT_MANAGE_VMO		0x1000000U
#define ZX_RIGHT_SAME_RIGHTS		0x80000000U

#define ZX_RIGHTS_BASIC			0xC003U
#define ZX_RIGHTS_IO			0xCU
#define ZX_RIGHTS_PROPERTY		0xC0U
#define ZX_DEFAULT_VMO_RIGHTS		0xD0EFU
#define ZX_DEFAULT_STREAM_RIGHTS	0xD0C3U
#define ZX_DEFAULT_VMAR_RIGHTS		0x208003U
#define ZX_DEFAULT_EVENT_RIGHTS		0xD003U
#define ZX_DEFAULT_EVENTPAIR_RIGHTS	0xF003U
#define ZX_DEFAULT_PORT_RIGHTS		0x800FU

/* zx_vmo_create options. */
#define ZX_VMO_RESIZABLE		0x2U
#define ZX_VMO_DISCARDABLE		0x4U
#define ZX_VMO_TRAP_DIRTY		0x8U
#define ZX_VMO_UNBOUNDED		0x10U

/* zx_vmo_create_child options. */
#define ZX_VMO_CHILD_SNAPSHOT			0x1U
#define ZX_VMO_CHILD_RESIZABLE			0x4U
#define ZX_VMO_CHILD_SLICE			0x8U
#define ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE	0x10U
#define ZX_VMO_CHILD_NO_WRITE			0x20U
#define ZX_VMO_CHILD_REFERENCE			0x40U
#define ZX_VMO_CHILD_SNAPSHOT_MODIFIED		0x80U

/* zx_vmo_op_range operations. */
#define ZX_VMO_OP_COMMIT			1U
#define ZX_VMO_OP_DECOMMIT			2U
#define ZX_VMO_OP_LOCK				3U
#define ZX_VMO_OP_UNLOCK			4U
#define ZX_VMO_OP_CACHE_SYNC			6U
#define ZX_VMO_OP_CACHE_INVALIDATE		7U
#define ZX_VMO_OP_CACHE_CLEAN			8U
#define ZX_VMO_OP_CACHE_CLEAN_INVALIDATE	9U
#define ZX_VMO_OP_ZERO				10U
#define ZX_VMO_OP_TRY_LOCK			11U
#define ZX_VMO_OP_DONT_NEED			12U
#define ZX_VMO_OP_ALWAYS_NEED			13U
#define ZX_VMO_OP_PREFETCH			14U

#define ZX_VMAR_OP_COMMIT			1U
#define ZX_VMAR_OP_DECOMMIT			2U
#define ZX_VMAR_OP_MAP_RANGE			3U
#define ZX_VMAR_OP_ZERO				10U
#define ZX_VMAR_OP_DONT_NEED			12U
#define ZX_VMAR_OP_ALWAYS_NEED			13U
#define ZX_VMAR_OP_PREFETCH			14U

/* Mapping options. */
#define ZX_VM_PERM_READ				0x1U
#define ZX_VM_PERM_WRITE			0x2U
#define ZX_VM_PERM_EXECUTE			0x4U
#define ZX_VM_COMPACT				0x8U
#define ZX_VM_SPECIFIC				0x10U
#define ZX_VM_SPECIFIC_OVERWRITE		0x20U
#define ZX_VM_CAN_MAP_SPECIFIC			0x40U
#define ZX_VM_CAN_MAP_READ			0x80U
#define ZX_VM_CAN_MAP_WRITE			0x100U
#define ZX_VM_CAN_MAP_EXECUTE			0x200U
#define ZX_VM_MAP_RANGE				0x400U
#define ZX_VM_REQUIRE_NON_RESIZABLE		0x800U
#define ZX_VM_ALLOW_FAULTS			0x1000U
#define ZX_VM_OFFSET_IS_UPPER_LIMIT		0x2000U
#define ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED	0x4000U
#define ZX_VM_FAULT_BEYOND_STREAM_SIZE		0x8000U
#define ZX_VM_ALIGN_BASE			24
#define ZX_VM_ALIGN_1KB				0x0A000000U
#define ZX_VM_ALIGN_2KB				0x0B000000U
#define ZX_VM_ALIGN_4KB				0x0C000000U
#define ZX_VM_ALIGN_8KB				0x0D000000U
#define ZX_VM_ALIGN_16KB			0x0E000000U
#define ZX_VM_ALIGN_32KB			0x0F000000U
#define ZX_VM_ALIGN_64KB			0x10000000U
#define ZX_VM_ALIGN_128KB			0x11000000U
#define ZX_VM_ALIGN_256KB			0x12000000U
#define ZX_VM_ALIGN_512KB			0x13000000U
#define ZX_VM_ALIGN_1MB				0x14000000U
#define ZX_VM_ALIGN_2MB				0x15000000U
#define ZX_VM_ALIGN_4MB				0x16000000U
#define ZX_VM_ALIGN_8MB				0x17000000U
#define ZX_VM_ALIGN_16MB			0x18000000U
#define ZX_VM_ALIGN_32MB			0x19000000U
#define ZX_VM_ALIGN_64MB			0x1A000000U
#define ZX_VM_ALIGN_128MB			0x1B000000U
#define ZX_VM_ALIGN_256MB			0x1C000000U
#define ZX_VM_ALIGN_512MB			0x1D000000U
#define ZX_VM_ALIGN_1GB				0x1E000000U
#define ZX_VM_ALIGN_2GB				0x1F000000U
#define ZX_VM_ALIGN_4GB				0x20000000U

/* Cache policies and zx_cache_flush options. */
#define ZX_CACHE_POLICY_CACHED			0U
#define ZX_CACHE_POLICY_UNCACHED		1U
#define ZX_CACHE_POLICY_UNCACHED_DEVICE		2U
#define ZX_CACHE_POLICY_WRITE_COMBINING		3U
#define ZX_CACHE_POLICY_MASK			3U
#define ZX_CACHE_FLUSH_INSN			1U
#define ZX_CACHE_FLUSH_DATA			2U
#define ZX_CACHE_FLUSH_INVALIDATE		4U

/* Signals. */
#define ZX_SIGNAL_NONE			0x0U
#define ZX_VMO_ZERO_CHILDREN		0x8U
#define ZX_EVENT_SIGNALED		0x8U
#define ZX_EVENTPAIR_SIGNALED		0x8U
#define ZX_EVENTPAIR_PEER_CLOSED	0x4U
#define ZX_SIGNAL_HANDLE_CLOSED		0x800000U
#define ZX_USER_SIGNAL_0		0x1000000U
#define ZX_USER_SIGNAL_1		0x2000000U
#define ZX_USER_SIGNAL_2		0x4000000U
#define ZX_USER_SIGNAL_3		0x8000000U
#define ZX_USER_SIGNAL_4		0x10000000U
#define ZX_USER_SIGNAL_5		0x20000000U
#define ZX_USER_SIGNAL_6		0x40000000U
#define ZX_USER_SIGNAL_7		0x80000000U
#define ZX_USER_SIGNAL_ALL		0xFF000000U

/* Time. */
#define ZX_TIME_INFINITE		0x7FFFFFFFFFFFFFFFLL
#define ZX_TIME_INFINITE_PAST		(-0x7FFFFFFFFFFFFFFFLL - 1)
#define ZX_CLOCK_MONOTONIC		0U

/* Object ids and types. */
#define ZX_KOID_INVALID			0ULL
#define ZX_KOID_KERNEL			1ULL
#define ZX_KOID_FIRST			1024ULL
#define ZX_HANDLE_INVALID		0U
#define ZX_HANDLE_FIXED_BITS_MASK	0x3U
#define ZX_OBJ_TYPE_NONE		0U
#define ZX_OBJ_TYPE_PROCESS		1U
#define ZX_OBJ_TYPE_THREAD		2U
#define ZX_OBJ_TYPE_VMO			3U
#define ZX_OBJ_TYPE_EVENT		5U
#define ZX_OBJ_TYPE_PORT		6U
#define ZX_OBJ_TYPE_RESOURCE		15U
#define ZX_OBJ_TYPE_EVENTPAIR		16U
#define ZX_OBJ_TYPE_VMAR		18U
#define ZX_OBJ_TYPE_BTI			24U
#define ZX_OBJ_TYPE_PAGER		28U
#define ZX_OBJ_TYPE_STREAM		31U

/* zx_object_get_info topics. */
#define ZX_INFO_NONE			0U
#define ZX_INFO_HANDLE_VALID		1U
#define ZX_INFO_HANDLE_BASIC		2U
#define ZX_INFO_VMAR			7U
#define ZX_INFO_HANDLE_COUNT		19U
#define ZX_INFO_STREAM			26U
#define ZX_INFO_VMAR_MAPS		36U
#define ZX_INFO_PROCESS_VMOS		0x3000000EU
#define ZX_INFO_VMO_V1			0x17U
#define ZX_INFO_VMO_V2			0x10000017U
#define ZX_INFO_VMO_V3			0x20000017U
#define ZX_INFO_VMO			0x30000017U

#define ZX_INFO_VMO_TYPE_PHYSICAL	0x0U
#define ZX_INFO_VMO_TYPE_PAGED		0x1U
#define ZX_INFO_VMO_RESIZABLE		0x2U
#define ZX_INFO_VMO_IS_COW_CLONE	0x4U
#define ZX_INFO_VMO_VIA_HANDLE		0x8U
#define ZX_INFO_VMO_VIA_MAPPING		0x10U
#define ZX_INFO_VMO_PAGER_BACKED	0x20U
#define ZX_INFO_VMO_CONTIGUOUS		0x40U
#define ZX_INFO_VMO_DISCARDABLE		0x80U
#define ZX_INFO_VMO_IMMUTABLE		0x100U
#define ZX_INFO_VMO_VIA_IOB_HANDLE	0x200U

/* Properties. */
#define ZX_PROP_NAME			3U
#define ZX_PROP_VMO_CONTENT_SIZE	17U
#define ZX_PROP_STREAM_MODE_APPEND	19U

/* Streams. */
#define ZX_STREAM_MODE_READ		1U
#define ZX_STREAM_MODE_WRITE		2U
#define ZX_STREAM_MODE_APPEND		4U
#define ZX_STREAM_APPEND		1U
#define ZX_STREAM_SEEK_ORIGIN_START	0U
#define ZX_STREAM_SEEK_ORIGIN_CURRENT	1U
#define ZX_STREAM_SEEK_ORIGIN_END	2U

/* Record of ZX_INFO_HANDLE_BASIC. */
struct zxvmo_info_handle_basic {
	__u64 koid;
	__u32 rights;
	__u32 type;
	__u64 related_koid;
	__u32 reserved;
	__u8 padding[4];
};

/* Record of ZX_INFO_HANDLE_COUNT. */
struct zxvmo_info_handle_count {
	__u32 handle_count;
};

/*
 * Record of ZX_INFO_VMO. Its older versions are prefixes: ZX_INFO_VMO_V1 is
 * the first 104 bytes, _V2 the first 120, _V3 the first 128.
 */
struct zxvmo_info_vmo {
	__u64 koid;
	char name[ZX_MAX_NAME_LEN];
	__u64 size_bytes;
	__u64 parent_koid;
	__u64 num_children;
	__u64 num_mappings;
	__u64 share_count;
	__u32 flags;
	__u8 padding[4];
	__u64 committed_bytes;
	__u32 handle_rights;
	__u32 cache_policy;
	__u64 metadata_bytes;
	__u64 committed_change_events;
	__u64 populated_bytes;
	__u64 committed_private_bytes;
	__u64 populated_private_bytes;
	__u64 committed_scaled_bytes;
	__u64 populated_scaled_bytes;
	__u64 committed_fractional_scaled_bytes;
	__u64 populated_fractional_scaled_bytes;
};

/* Record of ZX_INFO_STREAM. */
struct zxvmo_info_stream {
	__u32 options;		/* ZX_STREAM_MODE_*, as they are now */
	__u8 padding[4];
	__u64 seek;		/* the position, bytes */
	__u64 content_size;	/* the stream size of the VMO, bytes */
};

/* Argument of ZXVMO_IOC_QUERY, on /dev/zxvmo: what this module offers. */
struct zxvmo_query {
	__s32 status;
	__u32 abi_version;	/* out: ZXVMO_ABI_VERSION of the module */
	__u32 page_size;	/* out: bytes */
	__u32 reserved;
	__u64 max_size;		/* out: largest VMO size, bytes */
};

/* Argument of ZXVMO_IOC_CREATE, on /dev/zxvmo: zx_vmo_create. */
struct zxvmo_create {
	__s32 status;
	__u32 options;		/* in: ZX_VMO_* */
	__u64 size;		/* in: bytes */
	__s32 handle;		/* out: the new file descriptor */
	__u32 flags;		/* in: ZXVMO_CREATE_* */
};

/*
 * Writable shared mappings of this VMO can be pinned for long (FOLL_LONGTERM:
 * registered buffers of io_uring, vfio, RDMA). The kernel allows that only
 * where it need not be told of first writes; so reading through a writable
 * mapping of such a VMO commits the page that is read. All other users of
 * pages (O_DIRECT, io_uring without registered buffers, KVM, futexes, ptrace)
 * work on every VMO.
 */
#define ZXVMO_CREATE_PINNABLE	0x1U

/* Argument of ZXVMO_IOC_READ and _WRITE: zx_vmo_read, zx_vmo_write. */
struct zxvmo_transfer {
	__s32 status;
	__u32 reserved;
	__u64 buffer;		/* in: user address */
	__u64 offset;		/* in: bytes into the VMO */
	__u64 length;		/* in: bytes */
};

/* Argument of ZXVMO_IOC_{GET,SET}_{,STREAM_}SIZE. */
struct zxvmo_size {
	__s32 status;
	__u32 reserved;
	__u64 size;		/* in for SET, out for GET: bytes */
};

/* Argument of ZXVMO_IOC_CREATE_CHILD: zx_vmo_create_child. */
struct zxvmo_create_child {
	__s32 status;
	__u32 options;		/* in: ZX_VMO_CHILD_* */
	__u64 offset;		/* in: bytes into the parent */
	__u64 size;		/* in: bytes */
	__s32 handle;		/* out: the new file descriptor */
	__u32 reserved;
};

/*
 * Argument of ZXVMO_IOC_OP_RANGE: zx_vmo_op_range. Only ZX_VMO_OP_LOCK looks
 * at the buffer, which receives a struct zxvmo_lock_state.
 */
struct zxvmo_op_range {
	__s32 status;
	__u32 op;		/* in: ZX_VMO_OP_* */
	__u64 offset;		/* in: bytes into the VMO */
	__u64 size;		/* in: bytes */
	__u64 buffer;		/* in: user address, or 0 */
	__u64 buffer_size;	/* in: bytes */
};

/* What ZX_VMO_OP_LOCK writes to its buffer. */
struct zxvmo_lock_state {
	__u64 offset;
	__u64 size;
	__u64 discarded_offset;
	__u64 discarded_size;
};

/*
 * Argument of ZXVMO_IOC_TRANSFER_DATA, on the destination's handle:
 * zx_vmo_transfer_data.
 */
struct zxvmo_transfer_data {
	__s32 status;
	__u32 options;		/* in: 0 */
	__u64 offset;		/* in: bytes into the destination */
	__u64 length;		/* in: bytes */
	__u64 source_offset;	/* in: bytes into the source */
	__s32 source;		/* in: file descriptor of the source's handle */
	__u32 reserved;
};

/*
 * Argument of ZXVMO_IOC_REPLACE_AS_EXECUTABLE: zx_vmo_replace_as_executable.
 * There are no resources on Linux: with vmex -1 the call succeeds, unless the
 * module was loaded with ambient_executable=0 and the caller lacks
 * CAP_SYS_ADMIN (ZX_ERR_ACCESS_DENIED); any other vmex is ZX_ERR_BAD_HANDLE.
 * The source handle is taken away whatever the result, as by _REPLACE below.
 */
struct zxvmo_replace_as_executable {
	__s32 status;
	__s32 vmex;		/* in: -1 */
	__s32 handle;		/* out: the new file descriptor */
	__u32 reserved;
};

/* Argument of ZXVMO_IOC_SET_CACHE_POLICY: zx_vmo_set_cache_policy. */
struct zxvmo_cache_policy {
	__s32 status;
	__u32 policy;		/* in: ZX_CACHE_POLICY_* */
	__u64 reserved;
};

/*
 * Argument of ZXVMO_IOC_DUPLICATE and _REPLACE: zx_handle_duplicate,
 * zx_handle_replace. REPLACE takes the source handle away whatever its result
 * (but for ZX_ERR_NO_MEMORY and ZX_ERR_NO_RESOURCES): every further call on
 * its file descriptor answers ZX_ERR_BAD_HANDLE (EBADF) until it is closed.
 */
struct zxvmo_duplicate {
	__s32 status;
	__u32 rights;		/* in: ZX_RIGHT_* or ZX_RIGHT_SAME_RIGHTS */
	__s32 handle;		/* out: the new file descriptor */
	__u32 reserved;
};

/*
 * Argument of ZXVMO_IOC_GET_INFO: zx_object_get_info. actual and avail are
 * delivered with ZX_OK and with ZX_ERR_BUFFER_TOO_SMALL.
 */
struct zxvmo_get_info {
	__s32 status;
	__u32 topic;		/* in: ZX_INFO_* */
	__u64 buffer;		/* in: user address of the record, or 0 */
	__u64 buffer_size;	/* in: bytes */
	__u64 actual;		/* out: records copied */
	__u64 avail;		/* out: records there are */
};

/*
 * Argument of ZXVMO_IOC_{GET,SET}_PROPERTY: zx_object_get_property,
 * zx_object_set_property.
 */
struct zxvmo_property {
	__s32 status;
	__u32 property;		/* in: ZX_PROP_* */
	__u64 value;		/* in: user address */
	__u64 value_size;	/* in: bytes */
};

/*
 * Argument of ZXVMO_IOC_CREATE_EVENT, on /dev/zxvmo: zx_event_create,
 * zx_eventpair_create. Options there are none: an event answers others than
 * 0 with ZX_ERR_INVALID_ARGS, a pair with ZX_ERR_NOT_SUPPORTED.
 */
struct zxvmo_create_event {
	__s32 status;
	__u32 options;		/* in: 0 */
	__u32 kind;		/* in: ZXVMO_EVENT_* */
	__s32 handle;		/* out: the new file descriptor */
	__s32 peer;		/* out: that of the other end; -1 without one */
	__u32 reserved;
};

#define ZXVMO_EVENT_SINGLE	0U
#define ZXVMO_EVENT_PAIR	1U

/* Argument of ZXVMO_IOC_CREATE_PORT, on /dev/zxvmo: zx_port_create. */
struct zxvmo_create_port {
	__s32 status;
	__u32 options;		/* in: 0 */
	__s32 handle;		/* out: the new file descriptor */
	__u32 reserved;
};

/*
 * A packet of a port. A user's payload is as it came; that of a packet which
 * tells of signals is the wanted signals in the low half of its first member
 * and the asserted ones in the high half, then 1, then the time of the match
 * (nanoseconds of CLOCK_MONOTONIC) or 0, then 0.
 */
struct zxvmo_port_packet {
	__u64 key;
	__u32 type;		/* ZX_PKT_TYPE_* */
	__s32 status;
	__u64 payload[4];
};

#define ZX_PKT_TYPE_USER	0U
#define ZX_PKT_TYPE_SIGNAL_ONE	1U

/* What a port holds at most, beyond which it answers ZX_ERR_SHOULD_WAIT, ... */
#define ZXVMO_PORT_MAX_PACKETS		2048U
/* ... and ZX_ERR_NO_MEMORY: pending, and as packets. */
#define ZXVMO_PORT_MAX_OBSERVATIONS	16384U

/* Argument of ZXVMO_IOC_PORT_QUEUE: zx_port_queue. */
struct zxvmo_port_queue {
	__s32 status;
	__u32 reserved;
	__u64 packet;		/* in: user address */
};

/*
 * Argument of ZXVMO_IOC_PORT_WAIT: zx_port_wait. Interruptible as
 * ZXVMO_IOC_WAIT. A packet that cannot be stored is lost.
 */
struct zxvmo_port_wait {
	__s32 status;
	__u32 reserved;
	__s64 deadline;		/* in: nanoseconds of CLOCK_MONOTONIC */
	__u64 packet;		/* in: user address */
};

/* Argument of ZXVMO_IOC_PORT_CANCEL: zx_port_cancel. */
struct zxvmo_port_cancel {
	__s32 status;
	__s32 source;		/* in: file descriptor */
	__u64 key;		/* in: as in zxvmo_wait_async */
};

/*
 * Argument of ZXVMO_IOC_WAIT_ASYNC: zx_object_wait_async. The observation
 * ends with a packet or with the handle.
 */
struct zxvmo_wait_async {
	__s32 status;
	__s32 port;		/* in: file descriptor */
	__u64 key;		/* in: for the packet */
	__u32 signals;		/* in: wanted signals */
	__u32 options;		/* in: ZX_WAIT_ASYNC_* */
};

#define ZX_WAIT_ASYNC_ONCE	0U
#define ZX_WAIT_ASYNC_TIMESTAMP	1U
#define ZX_WAIT_ASYNC_EDGE	2U

/*
 * Argument of ZXVMO_IOC_SIGNAL and _SIGNAL_PEER: zx_object_signal,
 * zx_object_signal_peer. On events and their pairs, ZX_EVENT_SIGNALED is
 * allowed beside user signals.
 */
struct zxvmo_signal {
	__s32 status;
	__u32 clear_mask;	/* in: ZX_USER_SIGNAL_* */
	__u32 set_mask;		/* in: ZX_USER_SIGNAL_* */
	__u32 reserved;
};

/*
 * Argument of ZXVMO_IOC_WAIT: zx_object_wait_one. Interruptible: EINTR, with
 * status untouched, asks to call again with the same deadline.
 */
struct zxvmo_wait {
	__s32 status;
	__u32 signals;		/* in: wanted signals */
	__s64 deadline;		/* in: nanoseconds of CLOCK_MONOTONIC */
	__u32 observed;		/* out: asserted signals */
	__u32 reserved;
};

/* One object of ZXVMO_IOC_WAIT_MANY. */
struct zxvmo_wait_item {
	__s32 handle;		/* in: file descriptor */
	__u32 waitfor;		/* in: wanted signals */
	__u32 pending;		/* out: asserted signals */
};

/*
 * Argument of ZXVMO_IOC_WAIT_MANY, on /dev/zxvmo: zx_object_wait_many. The
 * pending member of every item is delivered with ZX_OK, ZX_ERR_TIMED_OUT and
 * ZX_ERR_CANCELED. Interruptible as ZXVMO_IOC_WAIT. A file descriptor that is
 * no handle is ZX_ERR_BAD_HANDLE here.
 */
struct zxvmo_wait_many {
	__s32 status;
	__u32 count;		/* in: items, at most ZX_WAIT_MANY_MAX_ITEMS */
	__u64 items;		/* in: user address of the items */
	__s64 deadline;		/* in: nanoseconds of CLOCK_MONOTONIC */
};

/*
 * Argument of ZXVMO_IOC_MAP: the object's side of zx_vmar_map, in the
 * caller's one address space. Without ZX_VM_SPECIFIC or _SPECIFIC_OVERWRITE
 * the kernel chooses the address and address must be 0.
 * ZX_VM_OFFSET_IS_UPPER_LIMIT and ZX_VM_ALIGN_* need a choice of address and
 * are the caller's business: ZX_ERR_NOT_SUPPORTED here, unless an alignment
 * comes with a specific address, which must then fit it.
 */
struct zxvmo_map {
	__s32 status;
	__u32 options;		/* in: ZX_VM_* */
	__u64 address;		/* in: user address */
	__u64 vmo_offset;	/* in: bytes, a multiple of the page size */
	__u64 length;		/* in: bytes, rounded up to pages */
	__u64 mapped_address;	/* out: user address */
};

/*
 * Argument of ZXVMO_IOC_REGION_OP_RANGE, on /dev/zxvmo: zx_vmar_op_range on
 * the caller's mappings of VMOs, whatever region they are in.
 */
struct zxvmo_region_op_range {
	__s32 status;
	__u32 op;		/* in: ZX_VMAR_OP_* */
	__u64 address;		/* in: user address, a multiple of the page size */
	__u64 size;		/* in: bytes, rounded up to pages */
};

/*
 * mmap() of /dev/zxvmo with PROT_NONE reserves addresses: such a mapping shows
 * no memory and cannot be given any permission (EACCES for other protections).
 * As a buffer of a call it counts as not mapped: ZX_ERR_NOT_FOUND. With the
 * address as the offset, madvise(MADV_DONTDUMP) joins adjacent ones.
 */

/*
 * Argument of ZXVMO_IOC_CREATE_STREAM, on a VMO handle: zx_stream_create.
 */
struct zxvmo_create_stream {
	__s32 status;
	__u32 options;		/* in: ZX_STREAM_MODE_* */
	__u64 seek;		/* in: the first position, bytes */
	__s32 handle;		/* out: the new file descriptor */
	__u32 reserved;
};

/* One buffer of a vector: zx_iovec_t. */
struct zxvmo_iovec {
	__u64 buffer;		/* user address */
	__u64 capacity;		/* bytes */
};

/*
 * Argument of ZXVMO_IOC_STREAM_READV and _STREAM_WRITEV: zx_stream_readv,
 * zx_stream_writev and, with ZXVMO_STREAM_AT, zx_stream_readv_at and
 * zx_stream_writev_at. Of a vector with more than 2^20 buffers that are not
 * empty, the first 2^20 are used: the transfer is short then.
 */
struct zxvmo_stream_transfer {
	__s32 status;
	__u32 options;		/* in: ZX_STREAM_APPEND for WRITEV, or 0 */
	__u64 vector;		/* in: user address of struct zxvmo_iovec */
	__u64 count;		/* in: of buffers */
	__u64 offset;		/* in: bytes into the VMO, with ZXVMO_STREAM_AT */
	__u64 actual;		/* out: bytes moved */
	__u32 flags;		/* in: ZXVMO_STREAM_AT, or 0 */
	__u32 reserved;
};

/* At an offset that the call gives; the stream's position does not matter. */
#define ZXVMO_STREAM_AT		0x1U

/* Argument of ZXVMO_IOC_STREAM_SEEK: zx_stream_seek. */
struct zxvmo_stream_seek {
	__s32 status;
	__u32 origin;		/* in: ZX_STREAM_SEEK_ORIGIN_* */
	__s64 offset;		/* in: bytes from there */
	__u64 position;		/* out: bytes */
};

#define ZXVMO_IOC_TYPE		0xE7

/* On /dev/zxvmo. */
#define ZXVMO_IOC_QUERY		_IOWR(ZXVMO_IOC_TYPE, 0x00, struct zxvmo_query)
#define ZXVMO_IOC_CREATE	_IOWR(ZXVMO_IOC_TYPE, 0x01, struct zxvmo_create)
#define ZXVMO_IOC_REGION_OP_RANGE \
	_IOWR(ZXVMO_IOC_TYPE, 0x04, struct zxvmo_region_op_range)
#define ZXVMO_IOC_WAIT_MANY	_IOWR(ZXVMO_IOC_TYPE, 0x02, struct zxvmo_wait_many)
#define ZXVMO_IOC_CREATE_EVENT	_IOWR(ZXVMO_IOC_TYPE, 0x03, struct zxvmo_create_event)
#define ZXVMO_IOC_CREATE_PORT	_IOWR(ZXVMO_IOC_TYPE, 0x05, struct zxvmo_create_port)

/* On a VMO handle. */
#define ZXVMO_IOC_READ			_IOWR(ZXVMO_IOC_TYPE, 0x10, struct zxvmo_transfer)
#define ZXVMO_IOC_WRITE			_IOWR(ZXVMO_IOC_TYPE, 0x11, struct zxvmo_transfer)
#define ZXVMO_IOC_GET_SIZE		_IOWR(ZXVMO_IOC_TYPE, 0x12, struct zxvmo_size)
#define ZXVMO_IOC_SET_SIZE		_IOWR(ZXVMO_IOC_TYPE, 0x13, struct zxvmo_size)
#define ZXVMO_IOC_GET_STREAM_SIZE	_IOWR(ZXVMO_IOC_TYPE, 0x14, struct zxvmo_size)
#define ZXVMO_IOC_SET_STREAM_SIZE	_IOWR(ZXVMO_IOC_TYPE, 0x15, struct zxvmo_size)
#define ZXVMO_IOC_MAP			_IOWR(ZXVMO_IOC_TYPE, 0x16, struct zxvmo_map)
#define ZXVMO_IOC_CREATE_CHILD		_IOWR(ZXVMO_IOC_TYPE, 0x17, struct zxvmo_create_child)
#define ZXVMO_IOC_OP_RANGE		_IOWR(ZXVMO_IOC_TYPE, 0x18, struct zxvmo_op_range)
#define ZXVMO_IOC_TRANSFER_DATA		_IOWR(ZXVMO_IOC_TYPE, 0x1B, struct zxvmo_transfer_data)
#define ZXVMO_IOC_REPLACE_AS_EXECUTABLE	\
	_IOWR(ZXVMO_IOC_TYPE, 0x19, struct zxvmo_replace_as_executable)
#define ZXVMO_IOC_SET_CACHE_POLICY	\
	_IOWR(ZXVMO_IOC_TYPE, 0x1A, struct zxvmo_cache_policy)

/* On a port handle. */
#define ZXVMO_IOC_PORT_QUEUE		_IOWR(ZXVMO_IOC_TYPE, 0x30, struct zxvmo_port_queue)
#define ZXVMO_IOC_PORT_WAIT		_IOWR(ZXVMO_IOC_TYPE, 0x31, struct zxvmo_port_wait)
#define ZXVMO_IOC_PORT_CANCEL		_IOWR(ZXVMO_IOC_TYPE, 0x32, struct zxvmo_port_cancel)
#define ZXVMO_IOC_CREATE_STREAM		_IOWR(ZXVMO_IOC_TYPE, 0x1C, struct zxvmo_create_stream)

/* On a stream handle. */
#define ZXVMO_IOC_STREAM_READV		_IOWR(ZXVMO_IOC_TYPE, 0x20, struct zxvmo_stream_transfer)
#define ZXVMO_IOC_STREAM_WRITEV		_IOWR(ZXVMO_IOC_TYPE, 0x21, struct zxvmo_stream_transfer)
#define ZXVMO_IOC_STREAM_SEEK		_IOWR(ZXVMO_IOC_TYPE, 0x22, struct zxvmo_stream_seek)

/* On any handle. */
#define ZXVMO_IOC_DUPLICATE		_IOWR(ZXVMO_IOC_TYPE, 0x40, struct zxvmo_duplicate)
#define ZXVMO_IOC_REPLACE		_IOWR(ZXVMO_IOC_TYPE, 0x41, struct zxvmo_duplicate)
#define ZXVMO_IOC_GET_INFO		_IOWR(ZXVMO_IOC_TYPE, 0x42, struct zxvmo_get_info)
#define ZXVMO_IOC_GET_PROPERTY		_IOWR(ZXVMO_IOC_TYPE, 0x43, struct zxvmo_property)
#define ZXVMO_IOC_SET_PROPERTY		_IOWR(ZXVMO_IOC_TYPE, 0x44, struct zxvmo_property)
#define ZXVMO_IOC_SIGNAL		_IOWR(ZXVMO_IOC_TYPE, 0x45, struct zxvmo_signal)
#define ZXVMO_IOC_WAIT			_IOWR(ZXVMO_IOC_TYPE, 0x46, struct zxvmo_wait)
#define ZXVMO_IOC_WAIT_ASYNC		_IOWR(ZXVMO_IOC_TYPE, 0x47, struct zxvmo_wait_async)
#define ZXVMO_IOC_SIGNAL_PEER		_IOWR(ZXVMO_IOC_TYPE, 0x48, struct zxvmo_signal)

/*
 * errno of each status, for programs that look no further:
 *   NOT_SUPPORTED EOPNOTSUPP, NO_RESOURCES ENOSPC, NO_MEMORY ENOMEM,
 *   INVALID_ARGS EINVAL, BAD_HANDLE EBADF, WRONG_TYPE EMEDIUMTYPE,
 *   OUT_OF_RANGE ERANGE, BUFFER_TOO_SMALL ENOBUFS, BAD_STATE EBUSY,
 *   TIMED_OUT ETIMEDOUT, CANCELED ECANCELED, NOT_FOUND ENOENT,
 *   ALREADY_EXISTS EEXIST, UNAVAILABLE EAGAIN, ACCESS_DENIED EACCES,
 *   FILE_BIG EFBIG, NO_SPACE ENOSPC, PEER_CLOSED EPIPE,
 *   SHOULD_WAIT EAGAIN, any other EIO.
 */

#endif /* _UAPI_ZXVMO_H */
