// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_vmo_*` (spec sections 3 to 8).

use std::ffi::c_void;
use std::os::fd::BorrowedFd;

use zxvmo::{abi, raw, Status};

use crate::entry::ObjectType;
use crate::handle::hand_out;
use crate::status::code;
use crate::table::Handle;
use crate::user;

/// Creates a VMO of `size` bytes, rounded up to pages. The statuses are those
/// of spec section 3.3; ZX_ERR_NOT_SUPPORTED if the module is not loaded.
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_create(size: u64, options: u32, out: *mut u32) -> i32 {
    let result = raw::create(size, options, 0)
        // SAFETY: By the contract of this function.
        .and_then(|fd| unsafe { hand_out(ObjectType::Vmo, fd, out) });
    code(result)
}

/// Makes a child of a VMO: a copy-on-write copy or another VMO with the same
/// memory (spec section 8). A size that is too large to be rounded up,
/// ZX_ERR_OUT_OF_RANGE, and NO_WRITE with RESIZABLE, ZX_ERR_INVALID_ARGS, come
/// before the handle is looked at.
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_create_child(
    handle: u32,
    options: u32,
    offset: u64,
    size: u64,
    out: *mut u32,
) -> i32 {
    let result = check_child(options, size)
        .and_then(|()| Handle::vmo(handle))
        .and_then(|vmo| {
            let fd = raw::create_child(*vmo, options, offset, size)?;
            // SAFETY: By the contract of this function.
            unsafe { hand_out(ObjectType::Vmo, fd, out) }
        });
    code(result)
}

fn check_child(options: u32, size: u64) -> Result<(), Status> {
    const READ_ONLY_BUT_RESIZABLE: u32 = abi::ZX_VMO_CHILD_NO_WRITE | abi::ZX_VMO_CHILD_RESIZABLE;
    if size
        .checked_next_multiple_of(abi::ZX_PAGE_SIZE.into())
        .is_none()
    {
        return Err(Status::OUT_OF_RANGE);
    }
    if options & READ_ONLY_BUT_RESIZABLE == READ_ONLY_BUT_RESIZABLE {
        return Err(Status::INVALID_ARGS);
    }
    Ok(())
}

/// Does an operation on a range (spec section 7). Only ZX_VMO_OP_LOCK looks at
/// the buffer, which receives a `zx_vmo_lock_state_t`.
///
/// # Safety
///
/// `buffer` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_op_range(
    handle: u32,
    op: u32,
    offset: u64,
    size: u64,
    buffer: *mut c_void,
    buffer_size: usize,
) -> i32 {
    let result = Handle::vmo(handle).and_then(|vmo| {
        // SAFETY: By the contract of this function.
        unsafe { raw::op_range(*vmo, op, offset, size, buffer.cast(), buffer_size) }
    });
    code(result)
}

/// Moves pages from one VMO to another, or within one (spec section 11). The
/// options and the alignment are judged before the handles are looked at, and
/// everything about the destination's handle before the source's.
#[no_mangle]
pub extern "C" fn zx_vmo_transfer_data(
    dst_vmo: u32,
    options: u32,
    offset: u64,
    length: u64,
    src_vmo: u32,
    src_offset: u64,
) -> i32 {
    let page = u64::from(abi::ZX_PAGE_SIZE);
    if options != 0 || (offset | length | src_offset) % page != 0 {
        return code(Err(Status::INVALID_ARGS));
    }
    let result = Handle::vmo(dst_vmo).and_then(|destination| {
        let transfer = |source: Option<BorrowedFd<'_>>| {
            raw::transfer_data(*destination, options, offset, length, source, src_offset)
        };
        match Handle::vmo(src_vmo) {
            Ok(source) => transfer(Some(*source)),
            Err(status) => Err(match transfer(None) {
                Err(other) if other != Status::BAD_HANDLE => other,
                _ => status,
            }),
        }
    });
    code(result)
}

/// Changes how the memory is cached (spec section 10). ZX_ERR_INVALID_ARGS for
/// an unknown policy comes before the handle is looked at.
#[no_mangle]
pub extern "C" fn zx_vmo_set_cache_policy(handle: u32, cache_policy: u32) -> i32 {
    if cache_policy & !abi::ZX_CACHE_POLICY_MASK != 0 {
        return code(Err(Status::INVALID_ARGS));
    }
    code(Handle::vmo(handle).and_then(|vmo| raw::set_cache_policy(*vmo, cache_policy)))
}

/// Reads `buffer_size` bytes at `offset`; all or error (spec section 4).
///
/// # Safety
///
/// `buffer` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_read(
    handle: u32,
    buffer: *mut c_void,
    offset: u64,
    buffer_size: usize,
) -> i32 {
    let result = Handle::vmo(handle)
        // SAFETY: By the contract of this function.
        .and_then(|vmo| unsafe { raw::read(*vmo, buffer.cast(), offset, buffer_size) });
    code(result)
}

/// Writes `buffer_size` bytes at `offset`; all or error (spec section 4).
///
/// # Safety
///
/// Nobody may write `buffer` meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_write(
    handle: u32,
    buffer: *const c_void,
    offset: u64,
    buffer_size: usize,
) -> i32 {
    let result = Handle::vmo(handle)
        // SAFETY: By the contract of this function.
        .and_then(|vmo| unsafe { raw::write(*vmo, buffer.cast(), offset, buffer_size) });
    code(result)
}

/// The size in bytes (spec section 5.1).
///
/// # Safety
///
/// `size` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_get_size(handle: u32, size: *mut u64) -> i32 {
    let result = Handle::vmo(handle).and_then(|vmo| raw::get_size(*vmo));
    // SAFETY: By the contract of this function.
    code(result.and_then(|value| unsafe { user::deliver(size, value) }))
}

/// Changes the size (spec sections 5.2 and 5.3).
#[no_mangle]
pub extern "C" fn zx_vmo_set_size(handle: u32, size: u64) -> i32 {
    code(Handle::vmo(handle).and_then(|vmo| raw::set_size(*vmo, size)))
}

/// The stream size in bytes (spec section 6).
///
/// # Safety
///
/// `size` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_get_stream_size(handle: u32, size: *mut u64) -> i32 {
    let result = Handle::vmo(handle).and_then(|vmo| raw::get_stream_size(*vmo));
    // SAFETY: By the contract of this function.
    code(result.and_then(|value| unsafe { user::deliver(size, value) }))
}

/// Changes the stream size (spec section 6).
#[no_mangle]
pub extern "C" fn zx_vmo_set_stream_size(handle: u32, size: u64) -> i32 {
    code(Handle::vmo(handle).and_then(|vmo| raw::set_stream_size(*vmo, size)))
}
