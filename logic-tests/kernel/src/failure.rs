// SPDX-License-Identifier: GPL-2.0

//! Allocations that fail on request, for one thread.

use core::cell::Cell;

thread_local! {
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static FAILED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`, in which the first `left` allocations succeed and all others fail; `None`: none
/// fails. Returns its result, and whether an allocation failed. May be called within itself.
pub fn after<R>(left: Option<u32>, body: impl FnOnce() -> R) -> (R, bool) {
    let outer = (LEFT.replace(left), FAILED.replace(false));
    let result = body();
    LEFT.set(outer.0);
    (result, FAILED.replace(outer.1))
}

/// Whether the allocation that is about to be made shall fail. Asked once for each.
pub fn now() -> bool {
    match LEFT.get() {
        None => false,
        Some(0) => {
            FAILED.set(true);
            true
        }
        Some(left) => {
            LEFT.set(Some(left - 1));
            false
        }
    }
}

/// Whether an allocation has failed since the beginning of [`after`].
pub fn seen() -> bool {
    FAILED.get()
}
