// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls on bare descriptors, for layers such as libzircon.
//!
//! One function for each call of `zxvmo.h`. Every one may be given any
//! descriptor and gives [`Status::BAD_HANDLE`] if it is none of the module's.

mod handle;
mod stream;
mod wait;

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::ioctl::{ioctl, Opcode, Updater};

pub use self::handle::*;
pub use self::stream::*;
pub use self::wait::*;
use crate::abi;
pub use crate::device::device;
use crate::{Device, Status};

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
