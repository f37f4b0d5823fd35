// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::ioctl::Opcode;

use super::{call, take};
use crate::{abi, Status};

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
