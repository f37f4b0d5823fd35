// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `wait.rs`: nobody sleeps here; how often they are woken is counted.

use super::file::File;
use core::{
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};
use kernel::{ffi::CStr, prelude::PinInit, sync::LockClassKey};

pub(crate) const POLLIN: u32 = 1;
pub(crate) const POLLPRI: u32 = 2;
pub(crate) const POLLHUP: u32 = 16;

/// Nothing is in it here.
pub(crate) struct PollTable;

/// A queue.
pub(crate) struct WaitQueue {
    woken: AtomicU32,
}

impl WaitQueue {
    /// An empty one.
    pub(crate) fn new(_: &'static CStr, _: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        let woken = AtomicU32::new(0);
        Self { woken }
    }

    /// Wakes all.
    pub(crate) fn wake_all(&self) {
        self.woken.fetch_add(1, SeqCst);
    }

    /// Looks into it.
    pub(crate) fn poll(&self, _: &File, _: &PollTable) {}
}

/// A clock that never stands still.
pub(crate) fn monotonic_now() -> i64 {
    static NOW: AtomicU32 = AtomicU32::new(1);
    NOW.fetch_add(1, SeqCst).into()
}
