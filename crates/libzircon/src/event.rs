// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_event_create` and `zx_eventpair_create`.

use zxvmo::raw;

use crate::entry::ObjectType;
use crate::handle::{hand_out, hand_out_both};
use crate::status::code;

/// Creates an event. `options` must be 0.
///
/// ZX_ERR_INVALID_ARGS (`options`), ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS
/// (`out`).
///
/// # Safety
///
/// `out` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_event_create(options: u32, out: *mut u32) -> i32 {
    let result = raw::create_event(options).and_then(|fd| {
        // SAFETY: By the contract of this function.
        unsafe { hand_out(ObjectType::Event, fd, out) }
    });
    code(result)
}

/// Creates a pair of events: the two ends. `options` must be 0.
///
/// ZX_ERR_NOT_SUPPORTED (`options`), ZX_ERR_NO_MEMORY, ZX_ERR_INVALID_ARGS
/// (`out0`, `out1`).
///
/// # Safety
///
/// `out0` and `out1` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_eventpair_create(options: u32, out0: *mut u32, out1: *mut u32) -> i32 {
    let result = raw::create_event_pair(options).and_then(|ends| {
        // SAFETY: By the contract of this function.
        unsafe { hand_out_both(ObjectType::EventPair, ends, [out0, out1]) }
    });
    code(result)
}
