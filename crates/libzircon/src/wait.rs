// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_object_wait_one` and `zx_object_wait_many` (spec section 21.2).

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use zxvmo::{abi, raw, Status, WaitResult};

use crate::object::kernel;
use crate::status::code;
use crate::table::Handle;
use crate::user;

const MAX_ITEMS: usize = abi::ZX_WAIT_MANY_MAX_ITEMS as usize;

/// `zx_wait_item_t`: handle, wanted signals, pending signals.
type Item = [u32; 3];

/// Waits for any of `signals`, until `deadline` (spec section 21.2). The
/// observed signals are also stored with ZX_ERR_TIMED_OUT and ZX_ERR_CANCELED.
///
/// # Safety
///
/// `observed` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_object_wait_one(
    handle: u32,
    signals: u32,
    deadline: i64,
    observed: *mut u32,
) -> i32 {
    let result = Handle::get(handle).and_then(|handle| {
        let end = raw::wait(kernel(&handle)?, signals, deadline);
        if let WaitResult::Ok(now) | WaitResult::TimedOut(now) | WaitResult::Canceled(now) = end {
            // SAFETY: By the contract of this function.
            unsafe { user::deliver_if_wanted(observed, now.bits())? };
        }
        end.to_result().map(drop)
    });
    code(result)
}

/// Waits until any of at most 64 items is satisfied, until `deadline`. What is
/// pending on each is also stored with ZX_ERR_TIMED_OUT and ZX_ERR_CANCELED
/// (one of the handles was closed meanwhile).
///
/// ZX_ERR_OUT_OF_RANGE (`num_items`), ZX_ERR_INVALID_ARGS (`items`),
/// ZX_ERR_BAD_HANDLE or ZX_ERR_ACCESS_DENIED for the first item that is wrong.
///
/// # Safety
///
/// `items` may be overwritten, and nobody may write it meanwhile.
#[no_mangle]
pub unsafe extern "C" fn zx_object_wait_many(
    items: *mut Item,
    num_items: usize,
    deadline: i64,
) -> i32 {
    // SAFETY: By the contract of this function.
    code(unsafe { wait_many(items, num_items, deadline) })
}

unsafe fn wait_many(list: *mut Item, count: usize, deadline: i64) -> Result<(), Status> {
    if count > MAX_ITEMS {
        return Err(Status::OUT_OF_RANGE);
    }
    if count == 0 {
        return raw::wait_many(&mut [], deadline);
    }
    let mut words = [MaybeUninit::uninit(); 3 * MAX_ITEMS];
    // SAFETY: By the contract of the caller.
    let words = unsafe { user::copy_words(list.cast(), &mut words[..3 * count])? };
    let mut items = [const { (None, [0; 3]) }; MAX_ITEMS];
    let mut raw_items = [abi::zxvmo_wait_item::default(); MAX_ITEMS];
    for (index, word) in words.chunks_exact(3).enumerate() {
        let held = Handle::get(word[0]);
        let fd = match &held {
            Ok(handle) => kernel(handle).map(|fd| fd.as_raw_fd()),
            Err(status) => Err(*status),
        };
        let fd = match fd {
            Ok(fd) => fd,
            // Unless one of those before is wrong as well.
            Err(status) => {
                return match raw::wait_many(&mut raw_items[..index], i64::MIN) {
                    Ok(()) | Err(Status::TIMED_OUT | Status::CANCELED) => Err(status),
                    Err(first) => Err(first),
                }
            }
        };
        items[index] = (held.ok(), [word[0], word[1], 0]);
        raw_items[index] = abi::zxvmo_wait_item {
            handle: fd,
            waitfor: word[1],
            pending: 0,
        };
    }
    let result = raw::wait_many(&mut raw_items[..count], deadline);
    if let Ok(()) | Err(Status::TIMED_OUT | Status::CANCELED) = result {
        let mut results = [[0; 3]; MAX_ITEMS];
        for ((to, (_, item)), raw) in results.iter_mut().zip(&items).zip(&raw_items) {
            *to = [item[0], item[1], raw.pending];
        }
        // SAFETY: By the contract of the caller.
        unsafe { user::deliver_all(list, &results[..count])? };
    }
    result
}
