// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls that every handle takes, but for waiting.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::ioctl::Opcode;

use super::{call, take};
use crate::{abi, Status};

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
