// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_port_*` and `zx_object_wait_async`.

use std::os::fd::BorrowedFd;

use zxvmo::{abi, raw, Status};

use crate::entry::{Entry, ObjectType};
use crate::handle::hand_out;
use crate::object::kernel;
use crate::status::code;
use crate::table::Handle;

/// Creates a port. `options` must be 0.
///
/// ZX_ERR_INVALID_ARGS (`options`), ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS
/// (`out`).
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_port_create(options: u32, out: *mut u32) -> i32 {
    let result = raw::create_port(options).and_then(|fd| {
        // SAFETY: By the contract of this function.
        unsafe { hand_out(ObjectType::Port, fd, out) }
    });
    code(result)
}

/// The descriptor of a port: WRONG_TYPE.
fn port(handle: &Handle) -> Result<BorrowedFd<'_>, Status> {
    match handle.entry() {
        Entry::Kernel {
            object_type: ObjectType::Port,
            ..
        } => kernel(handle),
        _ => Err(Status::WRONG_TYPE),
    }
}

/// Queues a packet of type ZX_PKT_TYPE_USER. Needs ZX_RIGHT_WRITE.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED,
/// ZX_ERR_INVALID_ARGS (`packet`), ZX_ERR_NO_MEMORY, ZX_ERR_SHOULD_WAIT (there
/// are too many).
///
/// # Safety
///
/// Nobody may write the packet meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zx_port_queue(handle: u32, packet: *const abi::zxvmo_port_packet) -> i32 {
    let result = Handle::get(handle).and_then(|handle| {
        // SAFETY: By the contract of this function.
        unsafe { raw::port_queue(port(&handle)?, packet) }
    });
    code(result)
}

/// Takes the oldest packet, waiting for one until `deadline`. Needs
/// ZX_RIGHT_READ.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED,
/// ZX_ERR_TIMED_OUT, ZX_ERR_CANCELED (the handle was closed meanwhile),
/// ZX_ERR_INVALID_ARGS (`packet`; the packet is lost).
///
/// # Safety
///
/// `packet` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_port_wait(
    handle: u32,
    deadline: i64,
    packet: *mut abi::zxvmo_port_packet,
) -> i32 {
    let result = Handle::get(handle).and_then(|handle| {
        // SAFETY: By the contract of this function.
        unsafe { raw::port_wait(port(&handle)?, deadline, packet) }
    });
    code(result)
}

/// Takes back what was asked for through the handle `source` with `key`: what
/// is pending, and packets. Needs ZX_RIGHT_WRITE, and ZX_RIGHT_WAIT on the
/// source.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED,
/// ZX_ERR_NOT_FOUND (there was nothing).
#[no_mangle]
pub extern "C" fn zx_port_cancel(handle: u32, source: u32, key: u64) -> i32 {
    let result = Handle::get(handle).and_then(|handle| {
        let port = port(&handle)?;
        with_source(port, source, |source| raw::port_cancel(port, source, key))
    });
    code(result)
}

/// Has a packet of type ZX_PKT_TYPE_SIGNAL_ONE queued once one of `signals` is
/// asserted on an object. Needs ZX_RIGHT_WAIT, and ZX_RIGHT_WRITE on the port.
///
/// ZX_ERR_INVALID_ARGS (`options`), ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE and
/// ZX_ERR_ACCESS_DENIED for the port, ZX_ERR_BAD_HANDLE and
/// ZX_ERR_ACCESS_DENIED for the object, ZX_ERR_NO_MEMORY.
#[no_mangle]
pub extern "C" fn zx_object_wait_async(
    handle: u32,
    port_handle: u32,
    key: u64,
    signals: u32,
    options: u32,
) -> i32 {
    if options & !(abi::ZX_WAIT_ASYNC_TIMESTAMP | abi::ZX_WAIT_ASYNC_EDGE) != 0 {
        return abi::ZX_ERR_INVALID_ARGS;
    }
    let result = Handle::get(port_handle).and_then(|port_handle| {
        let port = port(&port_handle)?;
        with_source(port, handle, |source| {
            raw::wait_async(source, port, key, signals, options)
        })
    });
    code(result)
}

/// Looks the observed handle up. If it is none, what is wrong with the port
/// comes first.
fn with_source(
    port: BorrowedFd<'_>,
    source: u32,
    body: impl FnOnce(BorrowedFd<'_>) -> Result<(), Status>,
) -> Result<(), Status> {
    let may_write = |status| {
        // Nothing can be read from there.
        // SAFETY: The address is null.
        match unsafe { raw::port_queue(port, std::ptr::null()) } {
            Err(Status::INVALID_ARGS) => status,
            first => first.err().unwrap_or(status),
        }
    };
    let source = Handle::get(source).map_err(may_write)?;
    body(kernel(&source).map_err(may_write)?)
}
