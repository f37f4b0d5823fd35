// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_object_*` (spec sections 19 to 21).

use std::ffi::c_void;
use std::os::fd::BorrowedFd;

use zxvmo::raw::Records;
use zxvmo::{abi, raw, Status};

use crate::entry::{Entry, ObjectType};
use crate::process::{koid, VmarInfo};
use crate::region;
use crate::status::code;
use crate::table::Handle;
use crate::user;

/// Every topic that is one, whether it applies to a given object or not.
const TOPICS: [u32; 11] = [
    abi::ZX_INFO_HANDLE_VALID,
    abi::ZX_INFO_HANDLE_BASIC,
    abi::ZX_INFO_HANDLE_COUNT,
    abi::ZX_INFO_VMO,
    abi::ZX_INFO_VMO_V1,
    abi::ZX_INFO_VMO_V2,
    abi::ZX_INFO_VMO_V3,
    abi::ZX_INFO_VMAR,
    abi::ZX_INFO_STREAM,
    abi::ZX_INFO_VMAR_MAPS,
    abi::ZX_INFO_PROCESS_VMOS,
];

/// Asks about a handle or its object (spec section 19). An unknown topic is
/// ZX_ERR_NOT_SUPPORTED before the handle is looked at.
///
/// # Safety
///
/// `buffer`, `actual` and `avail` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_object_get_info(
    handle: u32,
    topic: u32,
    buffer: *mut c_void,
    buffer_size: usize,
    actual: *mut usize,
    avail: *mut usize,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { get_info(handle, topic, buffer, buffer_size, actual, avail) })
}

unsafe fn get_info(
    handle: u32,
    topic: u32,
    buffer: *mut c_void,
    buffer_size: usize,
    actual: *mut usize,
    avail: *mut usize,
) -> Result<(), Status> {
    if !TOPICS.contains(&topic) {
        return Err(Status::NOT_SUPPORTED);
    }
    let handle = Handle::get(handle)?;
    if topic == abi::ZX_INFO_HANDLE_VALID {
        return Ok(());
    }
    let (result, records) = match handle.entry() {
        // SAFETY: The handle keeps the descriptor open, or parked; the caller
        // answers for the buffer.
        Entry::Kernel { fd, .. } => unsafe {
            raw::get_info(
                BorrowedFd::borrow_raw(fd),
                topic,
                buffer.cast(),
                buffer_size,
            )
        },
        // SAFETY: By the contract of the caller.
        local => unsafe { local_info(local, topic, buffer, buffer_size)? },
    };
    if matches!(result, Ok(()) | Err(Status::BUFFER_TOO_SMALL)) {
        // SAFETY: By the contract of the caller.
        unsafe {
            user::deliver_if_wanted(actual, records.actual as usize)?;
            user::deliver_if_wanted(avail, records.available as usize)?;
        }
    }
    result
}

/// What the module would answer if it had handles to these objects.
unsafe fn local_info(
    entry: Entry,
    topic: u32,
    buffer: *mut c_void,
    size: usize,
) -> Result<(Result<(), Status>, Records), Status> {
    let Entry::Local {
        object_type,
        rights,
        region,
    } = entry
    else {
        return Err(Status::INTERNAL);
    };
    match (topic, object_type) {
        (abi::ZX_INFO_HANDLE_BASIC, _) => {
            let record = abi::zxvmo_info_handle_basic {
                koid: koid(object_type, region::lock().serial(region)),
                rights,
                type_: object_type.number(),
                ..Default::default()
            };
            // SAFETY: By the contract of the caller.
            unsafe { one_record(record, buffer, size) }
        }
        (abi::ZX_INFO_HANDLE_COUNT, _) => {
            if rights & abi::ZX_RIGHT_INSPECT == 0 {
                return Err(Status::ACCESS_DENIED);
            }
            let handle_count = entry.handles();
            let record = abi::zxvmo_info_handle_count { handle_count };
            // SAFETY: By the contract of the caller.
            unsafe { one_record(record, buffer, size) }
        }
        (abi::ZX_INFO_VMAR, ObjectType::Vmar) => {
            let range = region::lock().range(region);
            let record = VmarInfo {
                base: range.start,
                len: range.len(),
            };
            // SAFETY: By the contract of the caller.
            unsafe { one_record(record, buffer, size) }
        }
        // Lists of what only the kernel knows.
        (abi::ZX_INFO_VMAR_MAPS, ObjectType::Vmar)
        | (abi::ZX_INFO_PROCESS_VMOS, ObjectType::Process) => Err(Status::NOT_SUPPORTED),
        _ => Err(Status::WRONG_TYPE),
    }
}

/// Stores a record if there is room (spec section 19.2).
unsafe fn one_record<T: Copy>(
    record: T,
    buffer: *mut c_void,
    size: usize,
) -> Result<(Result<(), Status>, Records), Status> {
    let mut records = Records {
        actual: 0,
        available: 1,
    };
    if size < size_of::<T>() {
        return Ok((Err(Status::BUFFER_TOO_SMALL), records));
    }
    // SAFETY: By the contract of the caller.
    unsafe { user::deliver(buffer.cast(), record)? };
    records.actual = 1;
    Ok((Ok(()), records))
}

/// The descriptor of a handle to an object of the module. Handles to others
/// never have the rights that the calls below need: ACCESS_DENIED.
pub(crate) fn kernel(handle: &Handle) -> Result<BorrowedFd<'_>, Status> {
    match handle.entry() {
        // SAFETY: The handle keeps the descriptor open, or parked.
        Entry::Kernel { fd, .. } => Ok(unsafe { BorrowedFd::borrow_raw(fd) }),
        Entry::Local { .. } => Err(Status::ACCESS_DENIED),
    }
}

/// Gets a property (spec section 20). `value` NULL is ZX_ERR_INVALID_ARGS
/// before the handle is looked at.
///
/// # Safety
///
/// `value` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_object_get_property(
    handle: u32,
    property: u32,
    value: *mut c_void,
    value_size: usize,
) -> i32 {
    if value.is_null() {
        return abi::ZX_ERR_INVALID_ARGS;
    }
    let result = Handle::get(handle).and_then(|handle| {
        // SAFETY: By the contract of this function.
        unsafe { raw::get_property(kernel(&handle)?, property, value.cast(), value_size) }
    });
    code(result)
}

/// Sets a property (spec section 20). `value` NULL is ZX_ERR_INVALID_ARGS
/// before the handle is looked at.
///
/// # Safety
///
/// Nobody may write `value` meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zx_object_set_property(
    handle: u32,
    property: u32,
    value: *const c_void,
    value_size: usize,
) -> i32 {
    if value.is_null() {
        return abi::ZX_ERR_INVALID_ARGS;
    }
    let result = Handle::get(handle).and_then(|handle| {
        // SAFETY: By the contract of this function.
        unsafe { raw::set_property(kernel(&handle)?, property, value.cast(), value_size) }
    });
    code(result)
}

/// Clears, then sets user signals, and ZX_EVENT_SIGNALED of events (spec
/// section 21.2).
#[no_mangle]
pub extern "C" fn zx_object_signal(handle: u32, clear_mask: u32, set_mask: u32) -> i32 {
    let result =
        Handle::get(handle).and_then(|handle| raw::signal(kernel(&handle)?, clear_mask, set_mask));
    code(result)
}

/// Clears, then sets signals of the other end of a pair of events.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_ACCESS_DENIED (also for objects that have no
/// other end: no handle to them has ZX_RIGHT_SIGNAL_PEER),
/// ZX_ERR_INVALID_ARGS, ZX_ERR_PEER_CLOSED.
#[no_mangle]
pub extern "C" fn zx_object_signal_peer(handle: u32, clear_mask: u32, set_mask: u32) -> i32 {
    let result = Handle::get(handle)
        .and_then(|handle| raw::signal_peer(kernel(&handle)?, clear_mask, set_mask));
    code(result)
}

/// Looks up an object inside another one. No handle here has the right for it
/// (ZX_RIGHT_ENUMERATE): ZX_ERR_BAD_HANDLE or ZX_ERR_ACCESS_DENIED.
#[no_mangle]
pub extern "C" fn zx_object_get_child(
    handle: u32,
    _koid: u64,
    _rights: u32,
    _out: *mut u32,
) -> i32 {
    code(Handle::get(handle).and(Err(Status::ACCESS_DENIED)))
}
