// SPDX-License-Identifier: MIT OR Apache-2.0
//! What handles of all types have in common.

use std::os::fd::BorrowedFd;

use crate::abi;
use crate::raw;
use crate::Status;

/// # Safety
///
/// Made of integers only, so that any bytes are good.
pub(crate) unsafe trait Record: Default {}

// SAFETY: bindgen made them from zxvmo.h.
unsafe impl Record for abi::zxvmo_info_handle_basic {}
// SAFETY: As above.
unsafe impl Record for abi::zxvmo_info_handle_count {}
// SAFETY: As above.
unsafe impl Record for abi::zxvmo_info_vmo {}
// SAFETY: As above.
unsafe impl Record for abi::zxvmo_info_stream {}

/// The record of a topic that has one.
pub(crate) fn get_info<T: Record>(fd: BorrowedFd<'_>, topic: u32) -> Result<T, Status> {
    let mut record = T::default();
    let buffer = (&raw mut record).cast::<u8>();
    // SAFETY: The buffer is a record, for which any bytes are good.
    let (result, _) = unsafe { raw::get_info(fd, topic, buffer, size_of::<T>()) };
    result.map(|()| record)
}

pub(crate) fn get_property(fd: BorrowedFd<'_>, name: u32, value: &mut [u8]) -> Result<(), Status> {
    // SAFETY: The buffer is borrowed mutably, and any byte is a u8.
    unsafe { raw::get_property(fd, name, value.as_mut_ptr(), value.len()) }
}

pub(crate) fn set_property(fd: BorrowedFd<'_>, name: u32, value: &[u8]) -> Result<(), Status> {
    // SAFETY: The buffer is borrowed.
    unsafe { raw::set_property(fd, name, value.as_ptr(), value.len()) }
}
