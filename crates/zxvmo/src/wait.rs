// SPDX-License-Identifier: MIT OR Apache-2.0

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::abi;
use crate::raw;
use crate::{MonotonicInstant, Status};

bitflags::bitflags! {
    /// Signals of an object (spec section 21.1).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct Signals: u32 {
        /// No signal.
        const NONE = abi::ZX_SIGNAL_NONE;
        /// The VMO has no children.
        const VMO_ZERO_CHILDREN = abi::ZX_VMO_ZERO_CHILDREN;
        /// The event is signaled.
        const EVENT_SIGNALED = abi::ZX_EVENT_SIGNALED;
        /// This end of the pair of events is signaled.
        const EVENTPAIR_SIGNALED = abi::ZX_EVENTPAIR_SIGNALED;
        /// The other end of the pair of events has no handles any more.
        const EVENTPAIR_PEER_CLOSED = abi::ZX_EVENTPAIR_PEER_CLOSED;
        /// The handle that was waited on has been closed.
        const HANDLE_CLOSED = abi::ZX_SIGNAL_HANDLE_CLOSED;
        /// For the user to define.
        const USER_0 = abi::ZX_USER_SIGNAL_0;
        /// For the user to define.
        const USER_1 = abi::ZX_USER_SIGNAL_1;
        /// For the user to define.
        const USER_2 = abi::ZX_USER_SIGNAL_2;
        /// For the user to define.
        const USER_3 = abi::ZX_USER_SIGNAL_3;
        /// For the user to define.
        const USER_4 = abi::ZX_USER_SIGNAL_4;
        /// For the user to define.
        const USER_5 = abi::ZX_USER_SIGNAL_5;
        /// For the user to define.
        const USER_6 = abi::ZX_USER_SIGNAL_6;
        /// For the user to define.
        const USER_7 = abi::ZX_USER_SIGNAL_7;
        /// All that are for the user to define.
        const USER_ALL = abi::ZX_USER_SIGNAL_ALL;

        const _ = !0;
    }
}

/// The end of a wait, with all signals that were asserted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum WaitResult {
    /// At least one of the wanted signals was asserted.
    Ok(Signals),
    /// The deadline passed.
    TimedOut(Signals),
    /// The handle was closed; the signals have HANDLE_CLOSED.
    Canceled(Signals),
    /// The wait did not begin.
    Err(Status),
}

impl WaitResult {
    /// The signals if one of the wanted was asserted, else the status.
    pub fn to_result(self) -> Result<Signals, Status> {
        match self {
            Self::Ok(signals) => Ok(signals),
            Self::TimedOut(_) => Err(Status::TIMED_OUT),
            Self::Canceled(_) => Err(Status::CANCELED),
            Self::Err(status) => Err(status),
        }
    }
}

/// One of the objects that [`object_wait_many`] waits for.
#[derive(Clone, Copy, Debug)]
pub struct WaitItem<'a> {
    /// A handle to it.
    pub handle: BorrowedFd<'a>,
    /// The wanted signals.
    pub waitfor: Signals,
    /// All signals that were asserted in the end.
    pub pending: Signals,
}

/// Waits until one of at most 64 objects has one of its wanted signals
/// asserted, or `deadline` has passed. Needs WAIT on each.
///
/// True if one of the handles was closed meanwhile: its item has
/// HANDLE_CLOSED. What is pending is good then, and with TIMED_OUT.
///
/// OUT_OF_RANGE for too many items; BAD_HANDLE or ACCESS_DENIED for the first
/// item that is wrong; TIMED_OUT.
///
/// ```no_run
/// use std::os::fd::AsFd;
/// use zxvmo::{object_wait_many, Event, MonotonicInstant, Signals, Vmo, WaitItem};
/// # fn main() -> Result<(), zxvmo::Status> {
/// let (vmo, event) = (Vmo::create(0)?, Event::create()?);
/// let item = |handle, waitfor| WaitItem { handle, waitfor, pending: Signals::NONE };
/// let mut items = [
///     item(vmo.as_fd(), Signals::VMO_ZERO_CHILDREN),
///     item(event.as_fd(), Signals::EVENT_SIGNALED),
/// ];
/// object_wait_many(&mut items, MonotonicInstant::INFINITE)?;
/// assert_eq!(items[0].pending, Signals::VMO_ZERO_CHILDREN);
/// # Ok(())
/// # }
/// ```
pub fn object_wait_many(
    items: &mut [WaitItem<'_>],
    deadline: MonotonicInstant,
) -> Result<bool, Status> {
    if items.len() > abi::ZX_WAIT_MANY_MAX_ITEMS as usize {
        return Err(Status::OUT_OF_RANGE);
    }
    let mut raw_items: Vec<_> = items
        .iter()
        .map(|item| abi::zxvmo_wait_item {
            handle: item.handle.as_raw_fd(),
            waitfor: item.waitfor.bits(),
            pending: 0,
        })
        .collect();
    let result = raw::wait_many(&mut raw_items, deadline.into_nanos());
    if let Ok(()) | Err(Status::TIMED_OUT | Status::CANCELED) = result {
        for (item, raw) in items.iter_mut().zip(&raw_items) {
            item.pending = Signals::from_bits_retain(raw.pending);
        }
    }
    match result {
        Ok(()) => Ok(false),
        Err(Status::CANCELED) => Ok(true),
        Err(status) => Err(status),
    }
}
