// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events: objects that have signals and nothing else.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::raw;
use crate::{HandleBasicInfo, MonotonicInstant, Rights, Signals, Status, WaitResult};

/// A handle to an event, closed on drop.
///
/// As with [`Vmo`](crate::Vmo), it is a file descriptor, and one that comes
/// from elsewhere is not checked: another kind gives BAD_HANDLE or the
/// statuses of what it is.
#[derive(Debug)]
#[repr(transparent)]
pub struct Event {
    fd: OwnedFd,
}

/// A handle to one end of a pair of events, closed on drop. When the last
/// handle to the other end is closed, EVENTPAIR_PEER_CLOSED is asserted here.
///
/// It is a file descriptor, as [`Event`] is.
#[derive(Debug)]
#[repr(transparent)]
pub struct EventPair {
    fd: OwnedFd,
}

impl Event {
    /// Creates an event.
    ///
    /// ```no_run
    /// use zxvmo::{Event, MonotonicInstant, Signals};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let event = Event::create()?;
    /// event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
    /// let now = event.wait_one(Signals::EVENT_SIGNALED, MonotonicInstant::INFINITE);
    /// assert_eq!(now.to_result()?, Signals::EVENT_SIGNALED);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create() -> Result<Self, Status> {
        raw::create_event(0).map(Self::from)
    }
}

impl EventPair {
    /// Creates a pair of events: its two ends.
    pub fn create() -> Result<(Self, Self), Status> {
        raw::create_event_pair(0).map(|[left, right]| (left.into(), right.into()))
    }

    /// As [`EventPair::signal`], on the other end. Needs SIGNAL_PEER.
    ///
    /// INVALID_ARGS for other signals; PEER_CLOSED.
    pub fn signal_peer(&self, clear_mask: Signals, set_mask: Signals) -> Result<(), Status> {
        raw::signal_peer(self.as_fd(), clear_mask.bits(), set_mask.bits())
    }
}

macro_rules! signals {
    ($name:ident) => {
        impl $name {
            /// Clears, then sets signals of the object, in one step: user
            /// signals and EVENT_SIGNALED. Needs SIGNAL.
            ///
            /// INVALID_ARGS for other signals.
            pub fn signal(&self, clear_mask: Signals, set_mask: Signals) -> Result<(), Status> {
                raw::signal(self.as_fd(), clear_mask.bits(), set_mask.bits())
            }

            /// Waits until one of `signals` is asserted or `deadline` has
            /// passed. Needs WAIT.
            pub fn wait_one(&self, signals: Signals, deadline: MonotonicInstant) -> WaitResult {
                raw::wait(self.as_fd(), signals.bits(), deadline.into_nanos())
            }
        }
    };
}

signals!(Event);
signals!(EventPair);

/// What all handles have; the type is a struct of one `fd`.
macro_rules! handle {
    ($name:ident) => {
        impl $name {
            /// Another handle to the same object, with some of the rights of
            /// this one or, with [`Rights::SAME_RIGHTS`] alone, all of them.
            /// Needs DUPLICATE.
            ///
            /// INVALID_ARGS for a right that this handle lacks.
            pub fn duplicate_handle(&self, rights: Rights) -> Result<Self, Status> {
                raw::duplicate(self.as_fd(), rights.bits()).map(Self::from)
            }

            /// Exchanges this handle for one with other rights. This handle is
            /// gone whatever the result. Needs no right.
            ///
            /// INVALID_ARGS for a right that this handle lacks.
            pub fn replace_handle(self, rights: Rights) -> Result<Self, Status> {
                raw::replace(self.as_fd(), rights.bits()).map(Self::from)
            }

            /// The object's koid and type, and the rights of this handle.
            /// Needs no right.
            pub fn basic_info(&self) -> Result<HandleBasicInfo, Status> {
                HandleBasicInfo::of(self.as_fd())
            }
        }

        impl From<OwnedFd> for $name {
            fn from(fd: OwnedFd) -> Self {
                Self { fd }
            }
        }

        impl From<$name> for OwnedFd {
            fn from(handle: $name) -> Self {
                handle.fd
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.fd.as_fd()
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                self.fd.as_raw_fd()
            }
        }

        impl IntoRawFd for $name {
            fn into_raw_fd(self) -> RawFd {
                self.fd.into_raw_fd()
            }
        }

        impl FromRawFd for $name {
            unsafe fn from_raw_fd(fd: RawFd) -> Self {
                // SAFETY: By the contract of this function.
                Self::from(unsafe { OwnedFd::from_raw_fd(fd) })
            }
        }
    };
}

pub(crate) use handle;

handle!(Event);
handle!(EventPair);
