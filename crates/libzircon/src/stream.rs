// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_stream_*` (spec section 24.1).

use zxvmo::{abi, raw, Status};

use crate::entry::ObjectType;
use crate::handle::hand_out;
use crate::status::code;
use crate::table::Handle;
use crate::user;

/// All options of `zx_stream_create`.
const MODES: u32 =
    abi::ZX_STREAM_MODE_READ | abi::ZX_STREAM_MODE_WRITE | abi::ZX_STREAM_MODE_APPEND;

/// Makes a stream on a VMO, with its position at `seek`. Unknown options,
/// ZX_ERR_INVALID_ARGS, come before the handle is looked at.
///
/// # Safety
///
/// `out_stream` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_stream_create(
    options: u32,
    vmo: u32,
    seek: u64,
    out_stream: *mut u32,
) -> i32 {
    if options & !MODES != 0 {
        return abi::ZX_ERR_INVALID_ARGS;
    }
    let result = Handle::vmo(vmo).and_then(|vmo| {
        let fd = raw::create_stream(*vmo, options, seek)?;
        // SAFETY: By the contract of this function.
        unsafe { hand_out(ObjectType::Stream, fd, out_stream) }
    });
    code(result)
}

/// What is wrong with a transfer before its handle is looked at.
fn check(options: u32, known: u32, vector: *const abi::zxvmo_iovec) -> Result<(), Status> {
    if options & !known != 0 || vector.is_null() {
        return Err(Status::INVALID_ARGS);
    }
    Ok(())
}

/// # Safety
///
/// The buffers and `actual` may be overwritten.
unsafe fn read(
    handle: u32,
    options: u32,
    at: Option<u64>,
    vector: *const abi::zxvmo_iovec,
    num_vector: usize,
    actual: *mut usize,
) -> Result<(), Status> {
    check(options, 0, vector)?;
    let stream = Handle::stream(handle)?;
    // SAFETY: By the contract of this function.
    unsafe {
        let moved = raw::stream_readv(*stream, options, at, vector, num_vector)?;
        user::deliver_if_wanted(actual, moved as usize)
    }
}

/// # Safety
///
/// Nobody may write the buffers meanwhile; `actual` may be overwritten.
unsafe fn write(
    handle: u32,
    options: u32,
    at: Option<u64>,
    vector: *const abi::zxvmo_iovec,
    num_vector: usize,
    actual: *mut usize,
) -> Result<(), Status> {
    let known = at.map_or(abi::ZX_STREAM_APPEND, |_| 0);
    check(options, known, vector)?;
    let stream = Handle::stream(handle)?;
    // SAFETY: By the contract of this function.
    unsafe {
        let moved = raw::stream_writev(*stream, options, at, vector, num_vector)?;
        user::deliver_if_wanted(actual, moved as usize)
    }
}

/// Reads at the position, which moves, until the buffers are full or the
/// content ends.
///
/// # Safety
///
/// The buffers and `actual` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_stream_readv(
    handle: u32,
    options: u32,
    vector: *mut abi::zxvmo_iovec,
    num_vector: usize,
    actual: *mut usize,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { read(handle, options, None, vector, num_vector, actual) })
}

/// As `zx_stream_readv`, at `offset`. The position stays.
///
/// # Safety
///
/// The buffers and `actual` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_stream_readv_at(
    handle: u32,
    options: u32,
    offset: u64,
    vector: *mut abi::zxvmo_iovec,
    num_vector: usize,
    actual: *mut usize,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { read(handle, options, Some(offset), vector, num_vector, actual) })
}

/// Writes at the position, which moves, or to append at the end of the content,
/// which grows; as much as fits into the VMO.
///
/// # Safety
///
/// Nobody may write the buffers meanwhile; `actual` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_stream_writev(
    handle: u32,
    options: u32,
    vector: *const abi::zxvmo_iovec,
    num_vector: usize,
    actual: *mut usize,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { write(handle, options, None, vector, num_vector, actual) })
}

/// As `zx_stream_writev`, at `offset`, also in append mode. The position stays.
///
/// # Safety
///
/// Nobody may write the buffers meanwhile; `actual` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_stream_writev_at(
    handle: u32,
    options: u32,
    offset: u64,
    vector: *const abi::zxvmo_iovec,
    num_vector: usize,
    actual: *mut usize,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { write(handle, options, Some(offset), vector, num_vector, actual) })
}

/// Moves the position to `offset` bytes from `whence`.
///
/// # Safety
///
/// `out_seek` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_stream_seek(
    handle: u32,
    whence: u32,
    offset: i64,
    out_seek: *mut u64,
) -> i32 {
    let result =
        Handle::stream(handle).and_then(|stream| raw::stream_seek(*stream, whence, offset));
    // SAFETY: By the contract of this function.
    code(result.and_then(|position| unsafe { user::deliver_if_wanted(out_seek, position) }))
}
