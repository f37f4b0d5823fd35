// SPDX-License-Identifier: GPL-2.0

//! Signals of an object, and waiting for them (spec 21).
//!
//! A change of the signals is recorded with every waiter that it satisfies, under the lock, so
//! that a signal which comes and goes while a waiter sleeps still satisfies it, with what was
//! asserted at that moment.
#![deny(unsafe_code)]

use crate::{
    status::{Status, ZxResult},
    sys::{
        self, errno,
        file::File,
        uapi,
        wait::{PollTable, WaitQueue, POLLIN, POLLPRI},
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Release},
        static_lock_class, Arc, Mutex,
    },
};

/// The asserted signals of one object and who waits for them.
#[pin_data]
pub(crate) struct Signals {
    #[pin]
    state: Mutex<State>,
    /// Copy of `State::asserted` that can be read without the lock.
    asserted: Atomic<u32>,
    #[pin]
    queue: WaitQueue,
}

struct State {
    asserted: u32,
    waiters: KVec<Arc<Waiter>>,
}

/// One call of [`Signals::wait`].
struct Waiter {
    wanted: u32,
    /// What was asserted when the wait was satisfied; 0 before.
    observed: Atomic<u32>,
}

/// How a wait ended.
pub(crate) struct WaitResult {
    /// The status.
    pub(crate) status: ZxResult,
    /// All signals that were asserted at that moment.
    pub(crate) observed: u32,
}

impl Signals {
    /// `asserted` and nobody waiting.
    pub(crate) fn new(asserted: u32) -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_mutex!(State { asserted, waiters: KVec::new() }, "zxvmo_signals"),
            asserted: Atomic::new(asserted),
            queue <- WaitQueue::new(c"zxvmo_wait", static_lock_class!()),
        })
    }

    /// Removes the signals in `clear`, then adds those in `set`, as one change.
    pub(crate) fn change(&self, clear: u32, set: u32) {
        {
            let mut state = self.state.lock();
            let new = state.asserted & !clear | set;
            if new == state.asserted {
                return;
            }
            state.asserted = new;
            self.asserted.store(new, Release);
            state.waiters.retain(|waiter| {
                let satisfied = waiter.wanted & new != 0;
                if satisfied {
                    waiter.observed.store(new, Release);
                }
                !satisfied
            });
        }
        self.queue.wake_all();
    }

    /// Has every waiter look again whether its handle is still open.
    pub(crate) fn handle_closed(&self) {
        self.queue.wake_all();
    }

    /// Waits until one of `wanted` is asserted, until `deadline` (nanoseconds of the monotonic
    /// clock), or until `canceled` holds. The error is that a signal arrived.
    pub(crate) fn wait(
        &self,
        wanted: u32,
        deadline: i64,
        mut canceled: impl FnMut() -> bool,
    ) -> Result<WaitResult> {
        let waiter = Arc::new(
            Waiter {
                wanted,
                observed: Atomic::new(0),
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        {
            let mut state = self.state.lock();
            if state.asserted & wanted != 0 {
                return Ok(WaitResult {
                    status: Ok(()),
                    observed: state.asserted,
                });
            }
            state.waiters.push(waiter.clone(), GFP_KERNEL_ACCOUNT)?;
        }
        let mut closed = false;
        let slept = self.queue.wait_until(deadline, || {
            closed = canceled();
            closed || waiter.observed.load(Acquire) != 0
        });
        let asserted = {
            let mut state = self.state.lock();
            state.waiters.retain(|other| !Arc::ptr_eq(other, &waiter));
            state.asserted
        };
        let observed = waiter.observed.load(Acquire);
        let (status, observed) = if observed != 0 {
            (Ok(()), observed)
        } else if closed {
            let closed = uapi::ZX_SIGNAL_HANDLE_CLOSED;
            (Err(Status::CANCELED), asserted | closed)
        } else {
            match slept {
                Err(error) if error != sys::error(errno::ETIME) => return Err(error),
                _ => (Err(Status::TIMED_OUT), asserted),
            }
        };
        Ok(WaitResult { status, observed })
    }

    /// poll(2): POLLIN while a VMO has no children, POLLPRI while a user signal is asserted.
    pub(crate) fn poll(&self, file: &File, table: &PollTable) -> u32 {
        self.queue.poll(file, table);
        let asserted = self.asserted.load(Acquire);
        let mut bits = 0;
        if asserted & uapi::ZX_VMO_ZERO_CHILDREN != 0 {
            bits |= POLLIN;
        }
        if asserted & uapi::ZX_USER_SIGNAL_ALL != 0 {
            bits |= POLLPRI;
        }
        bits
    }
}
