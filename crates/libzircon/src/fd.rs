// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fdio_fd_*`: from handles to descriptors and back, so that a handle can be
//! sent over a socket, inherited, or given to `mmap`.
//!
//! The names and statuses are those of Fuchsia's fdio. There a descriptor may
//! stand for many kinds of handles, here for those of this library.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use rustix::io::Errno;
use zxvmo::{abi, raw, Status};

use crate::entry::{Entry, ObjectType};
use crate::handle::hand_out;
use crate::status::code;
use crate::table::{self, Handle};
use crate::user;

/// Exchanges a handle for a descriptor of it, which is the lowest that is free
/// and is closed by `exec`. The handle is closed, whatever the result.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_NOT_SUPPORTED (a handle to a region or to the
/// process), ZX_ERR_NO_RESOURCES (no descriptor left), ZX_ERR_INVALID_ARGS
/// (`fd_out`).
///
/// # Safety
///
/// `fd_out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn fdio_fd_create(handle: u32, fd_out: *mut i32) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { create(handle, fd_out) })
}

unsafe fn create(value: u32, out: *mut i32) -> Result<(), Status> {
    let handle = Handle::get(value)?;
    let new = match handle.entry() {
        Entry::Kernel { fd, .. } => {
            // SAFETY: The handle is held, so its descriptor stays open, or parked.
            another(unsafe { BorrowedFd::borrow_raw(fd) })
        }
        Entry::Local { .. } => Err(Status::NOT_SUPPORTED),
    };
    // Another thread may be closing it just now.
    let _ = table::close(value);
    let new = new?;
    // The handle may have been closed in the middle: then this is a descriptor
    // of the device.
    object_type(&new).map_err(|_| Status::BAD_HANDLE)?;
    // SAFETY: By the contract of the caller.
    unsafe { user::deliver(out, new.as_raw_fd())? };
    // It is the caller's now.
    let _ = new.into_raw_fd();
    Ok(())
}

/// Makes another handle to what the descriptor is a handle to, with the same
/// rights. Needs ZX_RIGHT_DUPLICATE. The descriptor stays.
///
/// ZX_ERR_INVALID_ARGS (not an open descriptor), ZX_ERR_NOT_SUPPORTED (of
/// something else), ZX_ERR_ACCESS_DENIED, ZX_ERR_NO_MEMORY,
/// ZX_ERR_NO_RESOURCES, ZX_ERR_INVALID_ARGS (`out_handle`).
///
/// # Safety
///
/// `out_handle` may be overwritten, and `fd` does not belong to this library.
#[no_mangle]
pub unsafe extern "C" fn fdio_fd_clone(fd: i32, out_handle: *mut u32) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { clone(fd, out_handle) })
}

unsafe fn clone(fd: i32, out: *mut u32) -> Result<(), Status> {
    // SAFETY: By the contract of the caller.
    let fd = unsafe { open(fd)? };
    let object_type = object_type(&fd)?;
    let new = raw::duplicate(fd, abi::ZX_RIGHT_SAME_RIGHTS)?;
    // SAFETY: By the contract of the caller.
    unsafe { hand_out(object_type, new, out) }
}

/// Exchanges a descriptor for a handle: the one that it is a descriptor of, with
/// its rights. The descriptor is closed, unless the call fails.
///
/// Other descriptors of the same handle, as `dup` and `fork` make them, stay;
/// where there are such, Fuchsia gives ZX_ERR_UNAVAILABLE.
///
/// ZX_ERR_INVALID_ARGS (not an open descriptor), ZX_ERR_NOT_SUPPORTED (of
/// something else), ZX_ERR_NO_MEMORY, ZX_ERR_NO_RESOURCES (no descriptor
/// left), ZX_ERR_INVALID_ARGS (`out_handle`).
///
/// # Safety
///
/// `out_handle` may be overwritten, and `fd` does not belong to this library.
#[no_mangle]
pub unsafe extern "C" fn fdio_fd_transfer(fd: i32, out_handle: *mut u32) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { transfer(fd, out_handle) })
}

unsafe fn transfer(fd: i32, out: *mut u32) -> Result<(), Status> {
    // SAFETY: By the contract of the caller.
    let old = unsafe { open(fd)? };
    let object_type = object_type(&old)?;
    // SAFETY: By the contract of the caller.
    unsafe { hand_out(object_type, another(old)?, out)? };
    // SAFETY: The caller gives it up.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

/// As [`fdio_fd_transfer`]: what makes that fail on Fuchsia, another descriptor
/// of the same handle, does not here.
///
/// # Safety
///
/// As [`fdio_fd_transfer`].
#[no_mangle]
pub unsafe extern "C" fn fdio_fd_transfer_or_clone(fd: i32, out_handle: *mut u32) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { transfer(fd, out_handle) })
}

/// # Safety
///
/// The descriptor, if there is one, stays open while the result is used.
unsafe fn open<'a>(fd: i32) -> Result<BorrowedFd<'a>, Status> {
    if fd < 0 {
        return Err(Status::INVALID_ARGS);
    }
    // SAFETY: By the contract of this function; the next call asks whether
    // there is one.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    match rustix::io::fcntl_getfd(fd) {
        Ok(_) => Ok(fd),
        Err(_) => Err(Status::INVALID_ARGS),
    }
}

/// What the descriptor is a handle to. NOT_SUPPORTED if it is none.
fn object_type(fd: &impl AsFd) -> Result<ObjectType, Status> {
    let mut basic = abi::zxvmo_info_handle_basic::default();
    // SAFETY: The buffer is a record made of integers.
    let (result, _) = unsafe {
        raw::get_info(
            fd.as_fd(),
            abi::ZX_INFO_HANDLE_BASIC,
            (&raw mut basic).cast(),
            size_of_val(&basic),
        )
    };
    result.map_err(|status| match status {
        Status::BAD_HANDLE => Status::NOT_SUPPORTED,
        other => other,
    })?;
    ObjectType::from_number(basic.type_).ok_or(Status::NOT_SUPPORTED)
}

/// Another descriptor of the same handle.
fn another(fd: BorrowedFd<'_>) -> Result<OwnedFd, Status> {
    rustix::io::fcntl_dupfd_cloexec(fd, 0).map_err(|errno| match errno {
        Errno::MFILE => Status::NO_RESOURCES,
        Errno::BADF => Status::BAD_HANDLE,
        _ => Status::NO_MEMORY,
    })
}
