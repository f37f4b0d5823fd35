// SPDX-License-Identifier: GPL-2.0

//! Signals of an object, and who observes them (spec 21).
//!
//! A change of the signals tells every observer that it satisfies, under the lock, so that a
//! signal which comes and goes is seen, with what was asserted at that moment. An observation
//! ends when it is satisfied.
//!
//! Lock order: a family; the signals of an object; what an [`Observer`] locks when it is told.
#![deny(unsafe_code)]

use crate::{
    status::ZxResult,
    sys::{
        file::File,
        uapi,
        wait::{PollTable, WaitQueue, POLLHUP, POLLIN, POLLPRI},
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{
        atomic::{Acquire, Atomic, Relaxed, Release},
        static_lock_class, Arc, Mutex,
    },
};

static NEXT_ID: Atomic<u64> = Atomic::new(1);

/// `count` new ids of observations or handles, from the returned one on. None is given out twice.
pub(crate) fn new_ids(count: u64) -> u64 {
    NEXT_ID.fetch_add(count, Relaxed)
}

/// Who is told of signals. Told under the lock of the signals: must not touch those of any
/// object, nor drop the last reference to one.
pub(crate) trait Observer: Send + Sync {
    /// Observation `id` has ended: one of the wanted signals is asserted, among `asserted`.
    fn matched(&self, id: u64, asserted: u32);

    /// A descriptor of the handle that is observed through was closed; or, if `gone`, the handle
    /// itself. Whether observation `id` goes on.
    fn closed(&self, id: u64, gone: bool) -> bool;
}

/// What an observer waits for.
pub(crate) struct Observation {
    /// The id of the handle that is observed through.
    pub(crate) handle: u64,
    /// Any of these signals ends the observation.
    pub(crate) wanted: u32,
    /// Only a signal that becomes asserted counts, not one that is.
    pub(crate) edge: bool,
    /// Who is told.
    pub(crate) observer: Arc<dyn Observer>,
}

/// The asserted signals of one object and who observes them.
#[pin_data]
pub(crate) struct Signals {
    #[pin]
    state: Mutex<State>,
    /// Copy of `State::asserted` that can be read without the lock.
    asserted: Atomic<u32>,
    /// Who waits through poll(2).
    #[pin]
    queue: WaitQueue,
}

struct State {
    asserted: u32,
    /// By id.
    observations: RBTree<u64, Observation>,
}

impl State {
    /// Removes the observations that `goes_on` is false for.
    fn retain(&mut self, mut goes_on: impl FnMut(u64, &Observation) -> bool) {
        let mut next = 0;
        while let Some(cursor) = self.observations.cursor_lower_bound_mut(&next) {
            let (&id, observation) = cursor.current();
            if !goes_on(id, observation) {
                cursor.remove_current();
            }
            next = id + 1;
        }
    }
}

impl Signals {
    /// `asserted` and nobody observing.
    pub(crate) fn new(asserted: u32) -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_mutex!(State { asserted, observations: RBTree::new() }, "zxvmo_signals"),
            asserted: Atomic::new(asserted),
            queue <- WaitQueue::new(c"zxvmo_poll", static_lock_class!()),
        })
    }

    /// As [`new`](Self::new), without signals, for a port, which asserts its own while another
    /// object's are locked.
    pub(crate) fn of_port() -> impl PinInit<Self> {
        let state = || State {
            asserted: 0,
            observations: RBTree::new(),
        };
        pin_init!(Self {
            state <- new_mutex!(state(), "zxvmo_port_signals"),
            asserted: Atomic::new(0),
            queue <- WaitQueue::new(c"zxvmo_port_poll", static_lock_class!()),
        })
    }

    /// All that is asserted now.
    pub(crate) fn asserted(&self) -> u32 {
        self.asserted.load(Acquire)
    }

    /// Removes the signals in `clear`, then adds those in `set`, as one change.
    pub(crate) fn change(&self, clear: u32, set: u32) {
        {
            let mut state = self.state.lock();
            let old = state.asserted;
            let new = old & !clear | set;
            if new == old {
                return;
            }
            state.asserted = new;
            self.asserted.store(new, Release);
            state.retain(|id, observation| {
                let counts = if observation.edge { new & !old } else { new };
                let satisfied = observation.wanted & counts != 0;
                if satisfied {
                    observation.observer.matched(id, new);
                }
                !satisfied
            });
        }
        self.queue.wake_all();
    }

    /// Begins observation `id`, which is over at once if a wanted signal is asserted already.
    pub(crate) fn observe(&self, id: u64, observation: Observation) -> ZxResult {
        let node = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
        let mut state = self.state.lock();
        let asserted = state.asserted;
        if !observation.edge && observation.wanted & asserted != 0 {
            observation.observer.matched(id, asserted);
        } else {
            state.observations.insert(node.into_node(id, observation));
        }
        Ok(())
    }

    /// Ends observation `id`, unless it has ended; what is asserted at that moment.
    pub(crate) fn forget(&self, id: u64) -> u32 {
        let mut state = self.state.lock();
        let node = state.observations.remove_node(&id);
        let asserted = state.asserted;
        drop(state);
        drop(node);
        asserted
    }

    /// Tells those who observe through the handle with id `handle` that a descriptor of it, or
    /// (`gone`) the handle itself, was closed.
    pub(crate) fn handle_closed(&self, handle: u64, gone: bool) {
        self.state.lock().retain(|id, observation| {
            observation.handle != handle || observation.observer.closed(id, gone)
        });
    }

    /// poll(2): POLLIN while a VMO has no children or an event is signaled, POLLPRI while a user
    /// signal is asserted, POLLHUP while the other end is closed.
    pub(crate) fn poll(&self, file: &File, table: &PollTable) -> u32 {
        const { assert!(uapi::ZX_VMO_ZERO_CHILDREN == uapi::ZX_EVENT_SIGNALED) };
        self.queue.poll(file, table);
        let asserted = self.asserted();
        [
            (uapi::ZX_EVENT_SIGNALED, POLLIN),
            (uapi::ZX_USER_SIGNAL_ALL, POLLPRI),
            (uapi::ZX_EVENTPAIR_PEER_CLOSED, POLLHUP),
        ]
        .into_iter()
        .filter(|(signals, _)| asserted & signals != 0)
        .fold(0, |bits, (_, bit)| bits | bit)
    }
}
