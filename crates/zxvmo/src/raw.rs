// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls on bare descriptors, for layers such as libzircon.
//!
//! One function for each call of `zxvmo.h`. Every one may be given any
//! descriptor and gives [`Status::BAD_HANDLE`] if it is none of the module's.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::ioctl::{ioctl, Opcode, Updater};

use crate::abi;
pub use crate::device::device;
use crate::{Device, Signals, Status, WaitResult};

/// # Safety
///
/// A structure of `zxvmo.h`: `repr(C)`, made of integers, status first.
unsafe trait Argument {
    fn status(&self) -> i32;
}

macro_rules! arguments {
    ($($name:ident)*) => {
        $(
            // SAFETY: bindgen made it from zxvmo.h.
            unsafe impl Argument for abi::$name {
                fn status(&self) -> i32 {
                    self.status
                }
            }
        )*
    };
}

arguments! {
    zxvmo_query zxvmo_create zxvmo_transfer zxvmo_size zxvmo_duplicate
    zxvmo_get_info zxvmo_property zxvmo_signal zxvmo_wait zxvmo_map zxvmo_create_child
    zxvmo_op_range zxvmo_transfer_data zxvmo_replace_as_executable zxvmo_cache_policy
    zxvmo_region_op_range
    zxvmo_create_event zxvmo_wait_many zxvmo_create_port zxvmo_port_queue
    zxvmo_port_wait zxvmo_port_cancel zxvmo_wait_async
    zxvmo_create_stream zxvmo_stream_transfer zxvmo_stream_seek
}

enum Failure {
    /// The module's answer.
    Status(Status),
    /// The call did not reach the module.
    Transport(Errno),
}

/// # Safety
///
/// OP must be a call that takes a T, and the addresses in `argument` must be
/// what the call may be given.
unsafe fn attempt<const OP: Opcode, T: Argument>(
    fd: BorrowedFd<'_>,
    argument: &mut T,
) -> Result<(), Failure> {
    // SAFETY: By the contract of this function; the size of T is part of OP.
    let result = unsafe { ioctl(fd, Updater::<OP, T>::new(argument)) };
    match result {
        Ok(()) => Ok(()),
        Err(errno) => Err(match argument.status() {
            0 => Failure::Transport(errno),
            status => Failure::Status(Status::from_raw(status)),
        }),
    }
}

/// # Safety
///
/// As [`attempt`].
#[inline]
unsafe fn call<const OP: Opcode, T: Argument>(
    fd: BorrowedFd<'_>,
    argument: &mut T,
) -> Result<(), Status> {
    loop {
        // SAFETY: By the contract of this function.
        return match unsafe { attempt::<OP, T>(fd, argument) } {
            Ok(()) => Ok(()),
            // Interrupted before it did anything that counts.
            Err(Failure::Transport(Errno::INTR)) => continue,
            Err(Failure::Transport(errno)) => Err(Status::from_errno(errno)),
            Err(Failure::Status(status)) => Err(status),
        };
    }
}

/// Takes a descriptor that the module has just made.
fn take(fd: i32) -> Result<OwnedFd, Status> {
    if fd < 0 {
        return Err(Status::INTERNAL);
    }
    // SAFETY: The module made it for this call, so that nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What the module behind `device` offers.
pub fn query(device: BorrowedFd<'_>) -> Result<Device, Status> {
    let mut argument = abi::zxvmo_query::default();
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_QUERY as Opcode }, _>(device, &mut argument)? };
    Ok(Device {
        abi_version: argument.abi_version,
        page_size: argument.page_size,
        max_size: argument.max_size,
    })
}

/// `zx_vmo_create`: a new VMO, on the device that is opened when first needed.
/// `flags` are `ZXVMO_CREATE_*`.
pub fn create(size: u64, options: u32, flags: u32) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_create {
        size,
        options,
        flags,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE as Opcode }, _>(device()?, &mut argument)? };
    take(argument.handle)
}

fn transfer(buffer: u64, offset: u64, length: usize) -> abi::zxvmo_transfer {
    abi::zxvmo_transfer {
        buffer,
        offset,
        length: length as u64,
        ..Default::default()
    }
}

/// `zx_vmo_read`.
///
/// # Safety
///
/// No Rust object may live in `buffer[..length]` that must not be overwritten.
/// The address itself may be bad: that is an error and not a crash.
pub unsafe fn read(
    fd: BorrowedFd<'_>,
    buffer: *mut u8,
    offset: u64,
    length: usize,
) -> Result<(), Status> {
    let mut argument = transfer(buffer as u64, offset, length);
    // SAFETY: The call takes this structure; the caller answers for the buffer.
    unsafe { call::<{ abi::ZXVMO_OP_READ as Opcode }, _>(fd, &mut argument) }
}

/// `zx_vmo_write`.
///
/// # Safety
///
/// `buffer[..length]` must not be written by other threads meanwhile. The
/// address itself may be bad: that is an error and not a crash.
pub unsafe fn write(
    fd: BorrowedFd<'_>,
    buffer: *const u8,
    offset: u64,
    length: usize,
) -> Result<(), Status> {
    let mut argument = transfer(buffer as u64, offset, length);
    // SAFETY: The call takes this structure; the caller answers for the buffer.
    unsafe { call::<{ abi::ZXVMO_OP_WRITE as Opcode }, _>(fd, &mut argument) }
}

fn get<const OP: Opcode>(fd: BorrowedFd<'_>) -> Result<u64, Status> {
    let mut argument = abi::zxvmo_size::default();
    // SAFETY: OP is one of the four below, which take this structure.
    unsafe { call::<OP, _>(fd, &mut argument)? };
    Ok(argument.size)
}

fn set<const OP: Opcode>(fd: BorrowedFd<'_>, size: u64) -> Result<(), Status> {
    let mut argument = abi::zxvmo_size {
        size,
        ..Default::default()
    };
    // SAFETY: OP is one of the four below, which take this structure.
    unsafe { call::<OP, _>(fd, &mut argument) }
}

/// `zx_vmo_get_size`, in bytes.
pub fn get_size(fd: BorrowedFd<'_>) -> Result<u64, Status> {
    get::<{ abi::ZXVMO_OP_GET_SIZE as Opcode }>(fd)
}

/// `zx_vmo_set_size`, in bytes.
pub fn set_size(fd: BorrowedFd<'_>, size: u64) -> Result<(), Status> {
    set::<{ abi::ZXVMO_OP_SET_SIZE as Opcode }>(fd, size)
}

/// `zx_vmo_get_stream_size`, in bytes.
pub fn get_stream_size(fd: BorrowedFd<'_>) -> Result<u64, Status> {
    get::<{ abi::ZXVMO_OP_GET_STREAM_SIZE as Opcode }>(fd)
}

/// `zx_vmo_set_stream_size`, in bytes.
pub fn set_stream_size(fd: BorrowedFd<'_>, size: u64) -> Result<(), Status> {
    set::<{ abi::ZXVMO_OP_SET_STREAM_SIZE as Opcode }>(fd, size)
}

/// `zx_vmo_create_child`.
pub fn create_child(
    fd: BorrowedFd<'_>,
    options: u32,
    offset: u64,
    size: u64,
) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_create_child {
        options,
        offset,
        size,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE_CHILD as Opcode }, _>(fd, &mut argument)? };
    take(argument.handle)
}

/// `zx_vmo_op_range`. Only ZX_VMO_OP_LOCK looks at the buffer, which receives
/// a `zxvmo_lock_state`.
///
/// # Safety
///
/// As [`read`], for `buffer[..buffer_size]`.
pub unsafe fn op_range(
    fd: BorrowedFd<'_>,
    op: u32,
    offset: u64,
    size: u64,
    buffer: *mut u8,
    buffer_size: usize,
) -> Result<(), Status> {
    let mut argument = abi::zxvmo_op_range {
        op,
        offset,
        size,
        buffer: buffer as u64,
        buffer_size: buffer_size as u64,
        ..Default::default()
    };
    // SAFETY: The call takes this structure; the caller answers for the buffer.
    unsafe { call::<{ abi::ZXVMO_OP_OP_RANGE as Opcode }, _>(fd, &mut argument) }
}

/// `zx_vmo_transfer_data` from `source` to `fd`. Without a source, the status
/// is that of the destination, or BAD_HANDLE.
pub fn transfer_data(
    fd: BorrowedFd<'_>,
    options: u32,
    offset: u64,
    length: u64,
    source: Option<BorrowedFd<'_>>,
    source_offset: u64,
) -> Result<(), Status> {
    let mut argument = abi::zxvmo_transfer_data {
        options,
        offset,
        length,
        source_offset,
        source: source.map_or(-1, |source| source.as_raw_fd()),
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_TRANSFER_DATA as Opcode }, _>(fd, &mut argument) }
}

/// `zx_handle_duplicate`.
pub fn duplicate(fd: BorrowedFd<'_>, rights: u32) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_duplicate {
        rights,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_DUPLICATE as Opcode }, _>(fd, &mut argument)? };
    take(argument.handle)
}

/// `zx_handle_replace`. After it the source is dead, even where it fails (but
/// for NO_MEMORY), and its descriptor is only good for closing.
pub fn replace(fd: BorrowedFd<'_>, rights: u32) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_duplicate {
        rights,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_REPLACE as Opcode }, _>(fd, &mut argument)? };
    take(argument.handle)
}

/// `zx_vmo_replace_as_executable`. `vmex` stands for a permission, which no
/// descriptor is: BAD_HANDLE. After it the source is dead, even where it fails,
/// and its descriptor is only good for closing.
pub fn replace_as_executable(
    fd: BorrowedFd<'_>,
    vmex: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_replace_as_executable {
        vmex: vmex.map_or(-1, |vmex| vmex.as_raw_fd()),
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_REPLACE_AS_EXECUTABLE as Opcode }, _>(fd, &mut argument)? };
    take(argument.handle)
}

/// `zx_vmo_set_cache_policy`: one of `ZX_CACHE_POLICY_*`.
pub fn set_cache_policy(fd: BorrowedFd<'_>, policy: u32) -> Result<(), Status> {
    let mut argument = abi::zxvmo_cache_policy {
        policy,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_SET_CACHE_POLICY as Opcode }, _>(fd, &mut argument) }
}

/// How many records of information there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Copied into the buffer.
    pub actual: u64,
    /// There to be copied.
    pub available: u64,
}

/// `zx_object_get_info`. The counts are good with success and with
/// BUFFER_TOO_SMALL.
///
/// # Safety
///
/// As [`read`], for `buffer[..size]`.
pub unsafe fn get_info(
    fd: BorrowedFd<'_>,
    topic: u32,
    buffer: *mut u8,
    size: usize,
) -> (Result<(), Status>, Records) {
    let mut argument = abi::zxvmo_get_info {
        topic,
        buffer: buffer as u64,
        buffer_size: size as u64,
        ..Default::default()
    };
    // SAFETY: The call takes this structure; the caller answers for the buffer.
    let result = unsafe { call::<{ abi::ZXVMO_OP_GET_INFO as Opcode }, _>(fd, &mut argument) };
    let records = Records {
        actual: argument.actual,
        available: argument.avail,
    };
    (result, records)
}

fn property(property: u32, value: u64, size: usize) -> abi::zxvmo_property {
    abi::zxvmo_property {
        property,
        value,
        value_size: size as u64,
        ..Default::default()
    }
}

/// `zx_object_get_property`.
///
/// # Safety
///
/// As [`read`], for `value[..size]`.
pub unsafe fn get_property(
    fd: BorrowedFd<'_>,
    name: u32,
    value: *mut u8,
    size: usize,
) -> Result<(), Status> {
    let mut argument = property(name, value as u64, size);
    // SAFETY: The call takes this structure; the caller answers for the buffer.
    unsafe { call::<{ abi::ZXVMO_OP_GET_PROPERTY as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_set_property`.
///
/// # Safety
///
/// As [`write()`], for `value[..size]`.
pub unsafe fn set_property(
    fd: BorrowedFd<'_>,
    name: u32,
    value: *const u8,
    size: usize,
) -> Result<(), Status> {
    let mut argument = property(name, value as u64, size);
    // SAFETY: The call takes this structure; the caller answers for the buffer.
    unsafe { call::<{ abi::ZXVMO_OP_SET_PROPERTY as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_signal`: clears, then sets.
pub fn signal(fd: BorrowedFd<'_>, clear_mask: u32, set_mask: u32) -> Result<(), Status> {
    let mut argument = abi::zxvmo_signal {
        clear_mask,
        set_mask,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_SIGNAL as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_signal_peer`: clears, then sets, on the other end.
pub fn signal_peer(fd: BorrowedFd<'_>, clear_mask: u32, set_mask: u32) -> Result<(), Status> {
    let mut argument = abi::zxvmo_signal {
        clear_mask,
        set_mask,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_SIGNAL_PEER as Opcode }, _>(fd, &mut argument) }
}

fn new_event(kind: u32, options: u32) -> Result<abi::zxvmo_create_event, Status> {
    let mut argument = abi::zxvmo_create_event {
        kind,
        options,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE_EVENT as Opcode }, _>(device()?, &mut argument)? };
    Ok(argument)
}

/// `zx_event_create`.
pub fn create_event(options: u32) -> Result<OwnedFd, Status> {
    take(new_event(abi::ZXVMO_EVENT_SINGLE, options)?.handle)
}

/// `zx_eventpair_create`: the two ends.
pub fn create_event_pair(options: u32) -> Result<[OwnedFd; 2], Status> {
    let made = new_event(abi::ZXVMO_EVENT_PAIR, options)?;
    Ok([take(made.handle)?, take(made.peer)?])
}

/// `zx_port_create`.
pub fn create_port(options: u32) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_create_port {
        options,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE_PORT as Opcode }, _>(device()?, &mut argument)? };
    take(argument.handle)
}

/// `zx_port_queue`.
///
/// # Safety
///
/// As [`write()`], for the packet.
pub unsafe fn port_queue(
    fd: BorrowedFd<'_>,
    packet: *const abi::zxvmo_port_packet,
) -> Result<(), Status> {
    let mut argument = abi::zxvmo_port_queue {
        packet: packet as u64,
        ..Default::default()
    };
    // SAFETY: The call takes this structure; the caller answers for the packet.
    unsafe { call::<{ abi::ZXVMO_OP_PORT_QUEUE as Opcode }, _>(fd, &mut argument) }
}

/// `zx_port_wait`. Signals that a handler returns from do not end it.
///
/// # Safety
///
/// As [`read`], for the packet.
pub unsafe fn port_wait(
    fd: BorrowedFd<'_>,
    deadline: i64,
    packet: *mut abi::zxvmo_port_packet,
) -> Result<(), Status> {
    let mut interrupted = false;
    loop {
        let mut argument = abi::zxvmo_port_wait {
            deadline,
            packet: packet as u64,
            ..Default::default()
        };
        const OP: Opcode = abi::ZXVMO_OP_PORT_WAIT as Opcode;
        // SAFETY: The call takes this structure; the caller answers for the
        // packet.
        return match unsafe { attempt::<OP, _>(fd, &mut argument) } {
            Ok(()) => Ok(()),
            Err(Failure::Status(status)) => Err(status),
            Err(Failure::Transport(Errno::INTR)) => {
                interrupted = true;
                continue;
            }
            // The handle was closed while a signal handler ran.
            Err(Failure::Transport(Errno::BADF | Errno::NOTTY)) if interrupted => {
                Err(Status::CANCELED)
            }
            Err(Failure::Transport(errno)) => Err(Status::from_errno(errno)),
        };
    }
}

/// `zx_port_cancel`.
pub fn port_cancel(fd: BorrowedFd<'_>, source: BorrowedFd<'_>, key: u64) -> Result<(), Status> {
    let mut argument = abi::zxvmo_port_cancel {
        source: source.as_raw_fd(),
        key,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_PORT_CANCEL as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_wait_async`.
pub fn wait_async(
    fd: BorrowedFd<'_>,
    port: BorrowedFd<'_>,
    key: u64,
    signals: u32,
    options: u32,
) -> Result<(), Status> {
    let mut argument = abi::zxvmo_wait_async {
        port: port.as_raw_fd(),
        key,
        signals,
        options,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_WAIT_ASYNC as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_wait_many`. `pending` is good with success, TIMED_OUT and
/// CANCELED. Signals that a handler returns from do not end it.
pub fn wait_many(items: &mut [abi::zxvmo_wait_item], deadline: i64) -> Result<(), Status> {
    let device = device()?;
    let mut interrupted = false;
    loop {
        let mut argument = abi::zxvmo_wait_many {
            count: items.len().try_into().map_err(|_| Status::OUT_OF_RANGE)?,
            items: items.as_mut_ptr() as u64,
            deadline,
            ..Default::default()
        };
        const OP: Opcode = abi::ZXVMO_OP_WAIT_MANY as Opcode;
        // SAFETY: The call takes this structure, and the items are borrowed
        // mutably.
        return match unsafe { attempt::<OP, _>(device, &mut argument) } {
            Ok(()) => Ok(()),
            // A handle was closed while a signal handler ran.
            Err(Failure::Status(Status::BAD_HANDLE)) if interrupted => {
                items.iter_mut().for_each(look);
                Err(Status::CANCELED)
            }
            Err(Failure::Status(status)) => Err(status),
            Err(Failure::Transport(Errno::INTR)) => {
                interrupted = true;
                continue;
            }
            Err(Failure::Transport(errno)) => Err(Status::from_errno(errno)),
        };
    }
}

/// Sets what is pending on an item, of which the handle may be closed.
fn look(item: &mut abi::zxvmo_wait_item) {
    let closed = Signals::HANDLE_CLOSED;
    let now = if item.handle < 0 {
        closed
    } else {
        // SAFETY: Used for one call, which any descriptor may be given.
        let fd = unsafe { BorrowedFd::borrow_raw(item.handle) };
        match wait(fd, 0, i64::MIN) {
            WaitResult::Ok(now) | WaitResult::TimedOut(now) | WaitResult::Canceled(now) => now,
            WaitResult::Err(_) => closed,
        }
    };
    item.pending = now.bits();
}

/// `zx_object_wait_one`; `deadline` in nanoseconds of the monotonic clock.
/// Signals that a handler returns from do not end it.
pub fn wait(fd: BorrowedFd<'_>, signals: u32, deadline: i64) -> WaitResult {
    let mut interrupted = false;
    loop {
        let mut argument = abi::zxvmo_wait {
            signals,
            deadline,
            ..Default::default()
        };
        // SAFETY: The call takes this structure, and there is no address in it.
        let result = unsafe { attempt::<{ abi::ZXVMO_OP_WAIT as Opcode }, _>(fd, &mut argument) };
        let observed = Signals::from_bits_retain(argument.observed);
        return match result {
            Ok(()) => WaitResult::Ok(observed),
            Err(Failure::Status(Status::TIMED_OUT)) => WaitResult::TimedOut(observed),
            Err(Failure::Status(Status::CANCELED)) => WaitResult::Canceled(observed),
            Err(Failure::Status(status)) => WaitResult::Err(status),
            Err(Failure::Transport(Errno::INTR)) => {
                interrupted = true;
                continue;
            }
            // The handle was closed while a signal handler ran.
            Err(Failure::Transport(Errno::BADF | Errno::NOTTY)) if interrupted => {
                WaitResult::Canceled(Signals::HANDLE_CLOSED)
            }
            Err(Failure::Transport(errno)) => WaitResult::Err(Status::from_errno(errno)),
        };
    }
}

/// The object's side of `zx_vmar_map`: maps and gives the address. `address`
/// counts with ZX_VM_SPECIFIC or ZX_VM_SPECIFIC_OVERWRITE and is 0 else.
///
/// # Safety
///
/// With ZX_VM_SPECIFIC_OVERWRITE nothing may be in use in
/// `address[..length]`.
pub unsafe fn map(
    fd: BorrowedFd<'_>,
    options: u32,
    address: u64,
    vmo_offset: u64,
    length: u64,
) -> Result<usize, Status> {
    let mut argument = abi::zxvmo_map {
        options,
        address,
        vmo_offset,
        length,
        ..Default::default()
    };
    // SAFETY: The call takes this structure; the caller answers for what the
    // mapping replaces.
    unsafe { call::<{ abi::ZXVMO_OP_MAP as Opcode }, _>(fd, &mut argument)? };
    Ok(argument.mapped_address as usize)
}

/// `zx_vmar_op_range` on what is mapped at `address[..size]` in this process, whatever region it
/// is in.
///
/// # Safety
///
/// The operation may change what the range shows: nothing may be in use there that must not be.
pub unsafe fn region_op_range(op: u32, address: usize, size: usize) -> Result<(), Status> {
    let mut argument = abi::zxvmo_region_op_range {
        op,
        address: address as u64,
        size: size as u64,
        ..Default::default()
    };
    // SAFETY: The call takes this structure; the caller answers for the range.
    unsafe { call::<{ abi::ZXVMO_OP_REGION_OP_RANGE as Opcode }, _>(device()?, &mut argument) }
}

/// `zx_stream_create`, on a VMO.
pub fn create_stream(fd: BorrowedFd<'_>, options: u32, seek: u64) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_create_stream {
        options,
        seek,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE_STREAM as Opcode }, _>(fd, &mut argument)? };
    take(argument.handle)
}

fn stream_transfer(
    options: u32,
    at: Option<u64>,
    vector: *const abi::zxvmo_iovec,
    count: usize,
) -> abi::zxvmo_stream_transfer {
    abi::zxvmo_stream_transfer {
        options,
        vector: vector as u64,
        count: count as u64,
        offset: at.unwrap_or(0),
        flags: at.map_or(0, |_| abi::ZXVMO_STREAM_AT),
        ..Default::default()
    }
}

/// `zx_stream_readv`, or `zx_stream_readv_at` with an offset. Returns the
/// bytes read.
///
/// # Safety
///
/// As [`read`], for each buffer of `vector[..count]`. The address of the
/// vector itself may be bad, too.
pub unsafe fn stream_readv(
    fd: BorrowedFd<'_>,
    options: u32,
    at: Option<u64>,
    vector: *const abi::zxvmo_iovec,
    count: usize,
) -> Result<u64, Status> {
    let mut argument = stream_transfer(options, at, vector, count);
    // SAFETY: The call takes this structure; the caller answers for the buffers.
    unsafe { call::<{ abi::ZXVMO_OP_STREAM_READV as Opcode }, _>(fd, &mut argument)? };
    Ok(argument.actual)
}

/// `zx_stream_writev`, or `zx_stream_writev_at` with an offset. Returns the
/// bytes written.
///
/// # Safety
///
/// As [`write()`], for each buffer of `vector[..count]`. The address of the
/// vector itself may be bad, too.
pub unsafe fn stream_writev(
    fd: BorrowedFd<'_>,
    options: u32,
    at: Option<u64>,
    vector: *const abi::zxvmo_iovec,
    count: usize,
) -> Result<u64, Status> {
    let mut argument = stream_transfer(options, at, vector, count);
    // SAFETY: The call takes this structure; the caller answers for the buffers.
    unsafe { call::<{ abi::ZXVMO_OP_STREAM_WRITEV as Opcode }, _>(fd, &mut argument)? };
    Ok(argument.actual)
}

/// `zx_stream_seek`. Returns the new position.
pub fn stream_seek(fd: BorrowedFd<'_>, origin: u32, offset: i64) -> Result<u64, Status> {
    let mut argument = abi::zxvmo_stream_seek {
        origin,
        offset,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_STREAM_SEEK as Opcode }, _>(fd, &mut argument)? };
    Ok(argument.position)
}
