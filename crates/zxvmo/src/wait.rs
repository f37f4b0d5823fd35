// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::abi;
use crate::Status;

bitflags::bitflags! {
    /// Signals of an object (spec section 21.1).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct Signals: u32 {
        /// No signal.
        const NONE = abi::ZX_SIGNAL_NONE;
        /// The VMO has no children.
        const VMO_ZERO_CHILDREN = abi::ZX_VMO_ZERO_CHILDREN;
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
