// SPDX-License-Identifier: GPL-2.0

//! Waiting: a queue for poll(2), and one for a task that waits with a deadline.

use super::{c, file::File};
use kernel::{
    bindings,
    ffi::c_void,
    prelude::*,
    sync::LockClassKey,
    types::Opaque, //
};

/// poll(2) bits: readable.
pub(crate) const POLLIN: u32 = c::ZX_C_EPOLLIN;
/// poll(2) bits: writable.
pub(crate) const POLLOUT: u32 = c::ZX_C_EPOLLOUT;
/// poll(2) bits: exceptional condition.
pub(crate) const POLLPRI: u32 = c::ZX_C_EPOLLPRI;
/// poll(2) bits: the other end is gone.
pub(crate) const POLLHUP: u32 = c::ZX_C_EPOLLHUP;

/// Now, in nanoseconds of the monotonic clock.
pub(crate) fn monotonic_now() -> i64 {
    // SAFETY: No requirements.
    unsafe { c::zx_monotonic_now() }
}

/// What poll(2) passes to a file.
pub(crate) struct PollTable(*mut bindings::poll_table_struct);

impl PollTable {
    /// # Safety
    ///
    /// `table` must be what the kernel passed to `->poll`, and be used only during that call.
    pub(super) unsafe fn from_raw(table: *mut bindings::poll_table_struct) -> Self {
        Self(table)
    }
}

/// Tasks that wait for something to change.
///
/// Whoever waits through poll(2) or epoll holds on to the queue until it is woken or closes its
/// file, so the queue must live as long as the files that are polled on it: see
/// [`File::create`](super::file::File::create).
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A wait queue head may be used from any thread.
unsafe impl Send for WaitQueue {}
// SAFETY: As above; it has a lock of its own.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// Makes an empty queue.
    pub(crate) fn new(
        name: &'static CStr,
        key: core::pin::Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            head <- Opaque::ffi_init(|head| {
                // SAFETY: `head` is valid for writes and pinned; name and key are static.
                unsafe { c::__init_waitqueue_head(head, name.as_char_ptr(), key.as_ptr()) }
            }),
        })
    }

    /// Wakes everybody.
    pub(crate) fn wake_all(&self) {
        // SAFETY: Initialised in `new`.
        unsafe { c::zx_wake_all(self.head.get()) }
    }

    /// Has poll(2) on `file` woken by [`wake_all`](Self::wake_all).
    pub(crate) fn poll(&self, file: &File, table: &PollTable) {
        // SAFETY: All three are valid during the call, and the owner of `file`'s data keeps the
        // queue until the file is released.
        unsafe { c::zx_poll_wait(file.as_raw(), self.head.get(), table.0) }
    }

    /// Sleeps until `done` holds, which is asked once at first and after every wake-up; until
    /// `deadline` (nanoseconds of the monotonic clock, `i64::MAX` for ever), which gives `ETIME`;
    /// or until a signal arrives, which gives `ERESTARTSYS`. `done` wins over both.
    pub(crate) fn wait_until<F: FnMut() -> bool>(&self, deadline: i64, mut done: F) -> Result {
        /// # Safety
        ///
        /// `done` must point to an `F` that nobody else uses meanwhile.
        unsafe extern "C" fn call<F: FnMut() -> bool>(done: *mut c_void) -> bool {
            // SAFETY: By the requirements of this function.
            unsafe { (*done.cast::<F>())() }
        }
        let done: *mut F = &mut done;
        // SAFETY: The queue is initialised; `call` and `done` fit each other.
        kernel::error::to_result(unsafe {
            c::zx_wait_until(self.head.get(), Some(call::<F>), done.cast(), deadline)
        })
    }
}
