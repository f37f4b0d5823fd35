// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_handle_*` (spec section 18).

use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};

use zxvmo::{abi, raw, Status};

use crate::entry::{Entry, ObjectType};
use crate::process;
use crate::status::code;
use crate::table::{self, Handle};
use crate::user;

/// Handles taken from a list at a time.
const CHUNK: usize = 256;

/// Makes a handle of a new descriptor and stores it. If that fails, it is
/// closed again.
///
/// # Safety
///
/// As [`user::deliver`].
pub(crate) unsafe fn hand_out(
    object_type: ObjectType,
    fd: OwnedFd,
    out: *mut u32,
) -> Result<(), Status> {
    let fd = fd.into_raw_fd();
    let value = table::insert(Entry::Kernel { object_type, fd })?;
    // SAFETY: By the contract of this function.
    unsafe { hand_out_value(value, out) }
}

/// As [`hand_out`], for two: both or none.
///
/// # Safety
///
/// As [`user::deliver`].
pub(crate) unsafe fn hand_out_both(
    object_type: ObjectType,
    [first, second]: [OwnedFd; 2],
    [out_first, out_second]: [*mut u32; 2],
) -> Result<(), Status> {
    let entry = |fd: OwnedFd| Entry::Kernel {
        object_type,
        fd: fd.into_raw_fd(),
    };
    let first = table::insert(entry(first))?;
    // SAFETY: By the contract of this function.
    let result = table::insert(entry(second)).and_then(|second| unsafe {
        user::deliver(out_first, first)
            .and_then(|()| user::deliver(out_second, second))
            .inspect_err(|_| {
                // It was valid a moment ago, and nobody else knows it.
                let _ = table::close(second);
            })
    });
    if result.is_err() {
        let _ = table::close(first);
    }
    result
}

/// Stores a new handle. If that fails, it is closed again.
///
/// # Safety
///
/// As [`user::deliver`].
unsafe fn hand_out_value(value: u32, out: *mut u32) -> Result<(), Status> {
    // SAFETY: By the contract of this function.
    let result = unsafe { user::deliver(out, value) };
    if result.is_err() {
        // It was valid a moment ago, and nobody else knows it.
        let _ = table::close(value);
    }
    result
}

fn borrow(fd: &i32) -> BorrowedFd<'_> {
    // SAFETY: Callers hold the handle, whose descriptor stays open, or parked.
    unsafe { BorrowedFd::borrow_raw(*fd) }
}

/// Closes a handle. ZX_HANDLE_INVALID and those of `zx_vmar_root_self` and
/// `zx_process_self` are left alone: ZX_OK. ZX_ERR_BAD_HANDLE if it is none.
///
/// Calls of other threads on the handle go on, but for `zx_object_wait_one`,
/// `zx_object_wait_many` and `zx_port_wait`, which end with ZX_ERR_CANCELED.
#[no_mangle]
pub extern "C" fn zx_handle_close(handle: u32) -> i32 {
    if handle == abi::ZX_HANDLE_INVALID {
        return code(Ok(()));
    }
    code(table::close(handle))
}

/// Closes every handle of a list, whatever the others are. ZX_ERR_BAD_HANDLE
/// if there was a bad one (0 is not bad), ZX_ERR_INVALID_ARGS if the list
/// cannot be read; what came before in the list is closed then.
///
/// # Safety
///
/// Nobody may write the list meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zx_handle_close_many(handles: *const u32, num_handles: usize) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { close_many(handles, num_handles) })
}

unsafe fn close_many(handles: *const u32, count: usize) -> Result<(), Status> {
    let mut chunk = [MaybeUninit::uninit(); CHUNK];
    let mut result = Ok(());
    let mut done = 0;
    while done < count {
        let len = CHUNK.min(count - done);
        // SAFETY: By the contract of the caller. The list cannot pass the end
        // of the address space before it passes an address that is bad.
        let values = unsafe { user::copy_words(handles.wrapping_add(done), &mut chunk[..len])? };
        for &value in values {
            if value != abi::ZX_HANDLE_INVALID {
                result = result.and(table::close(value));
            }
        }
        done += len;
    }
    result
}

/// Another handle to the same object, with a part of the rights or, with
/// ZX_RIGHT_SAME_RIGHTS, all of them. Needs ZX_RIGHT_DUPLICATE.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_ACCESS_DENIED, ZX_ERR_INVALID_ARGS (a right that
/// the source lacks), ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS (`out`).
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_handle_duplicate(handle: u32, rights: u32, out: *mut u32) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { duplicate(handle, rights, out) })
}

unsafe fn duplicate(handle: u32, rights: u32, out: *mut u32) -> Result<(), Status> {
    let handle = Handle::get(handle)?;
    match handle.entry() {
        Entry::Kernel { object_type, fd } => {
            let new = raw::duplicate(borrow(&fd), rights)?;
            // SAFETY: By the contract of the caller.
            unsafe { hand_out(object_type, new, out) }
        }
        Entry::Local {
            object_type,
            rights: held,
            region,
        } => {
            if held & abi::ZX_RIGHT_DUPLICATE == 0 {
                return Err(Status::ACCESS_DENIED);
            }
            let new = process::derive(object_type, region, held, rights)?;
            // SAFETY: By the contract of the caller.
            unsafe { hand_out_value(new, out) }
        }
    }
}

/// Exchanges a handle for one with a part of its rights. The source is closed,
/// also on failure, but for ZX_ERR_BAD_HANDLE and ZX_ERR_NO_MEMORY. `out` may
/// point to the variable that holds it.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_INVALID_ARGS (a right that the source lacks),
/// ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS (`out`).
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_handle_replace(handle: u32, rights: u32, out: *mut u32) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { replace(handle, rights, out) })
}

unsafe fn replace(value: u32, rights: u32, out: *mut u32) -> Result<(), Status> {
    let handle = Handle::get(value)?;
    match handle.entry() {
        Entry::Kernel { object_type, fd } => {
            let new = raw::replace(borrow(&fd), rights);
            if matches!(new, Err(Status::NO_MEMORY | Status::BAD_HANDLE)) {
                // Still there, or another thread was faster.
                return new.map(drop);
            }
            // Another thread may be closing it just now.
            let _ = table::close(value);
            // SAFETY: By the contract of the caller.
            unsafe { hand_out(object_type, new?, out) }
        }
        Entry::Local {
            object_type,
            rights: held,
            region,
        } => {
            let new = process::derive(object_type, region, held, rights);
            if new != Err(Status::NO_MEMORY) && !handle.is_pinned() {
                table::close(value)?;
            }
            // SAFETY: By the contract of the caller.
            unsafe { hand_out_value(new?, out) }
        }
    }
}

/// Exchanges a handle to a VMO for one that has ZX_RIGHT_EXECUTE, too (spec
/// section 9). The source is closed whatever the result. `out` may point to the
/// variable that holds it.
///
/// ZX_ERR_BAD_HANDLE (no handle, not a VMO, `vmex` other than
/// ZX_HANDLE_INVALID: there are no resources here), ZX_ERR_ACCESS_DENIED (see
/// `ambient_executable` of the module), ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS
/// (`out`).
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmo_replace_as_executable(
    handle: u32,
    vmex: u32,
    out: *mut u32,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { replace_as_executable(handle, vmex, out) })
}

unsafe fn replace_as_executable(value: u32, vmex: u32, out: *mut u32) -> Result<(), Status> {
    let handle = Handle::get(value)?;
    let new = match handle.entry() {
        Entry::Kernel {
            object_type: ObjectType::Vmo,
            fd,
        } if vmex == abi::ZX_HANDLE_INVALID => raw::replace_as_executable(borrow(&fd), None),
        _ => Err(Status::BAD_HANDLE),
    };
    // Another thread may be closing it just now.
    let _ = table::close(value);
    // SAFETY: By the contract of the caller.
    unsafe { hand_out(ObjectType::Vmo, new?, out) }
}

/// ZX_OK if the value is a handle; ZX_ERR_INVALID_ARGS for ZX_HANDLE_INVALID,
/// ZX_ERR_OUT_OF_RANGE for a value that can be none, ZX_ERR_NOT_FOUND else.
#[no_mangle]
pub extern "C" fn zx_handle_check_valid(handle: u32) -> i32 {
    code(check_valid(handle))
}

fn check_valid(value: u32) -> Result<(), Status> {
    if value == abi::ZX_HANDLE_INVALID {
        return Err(Status::INVALID_ARGS);
    }
    if value & abi::ZX_HANDLE_FIXED_BITS_MASK != abi::ZX_HANDLE_FIXED_BITS_MASK {
        return Err(Status::OUT_OF_RANGE);
    }
    Handle::get(value).map(drop).map_err(|_| Status::NOT_FOUND)
}
