// SPDX-License-Identifier: GPL-2.0

//! What an object without memory consists of, or each end of one that has two: an identity,
//! handles, signals.
#![deny(unsafe_code)]

use crate::{
    object::new_koid,
    signals::Signals,
    status::{Status, ZxResult},
};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Full, Relaxed},
};

/// See the head of this file. Lives while there are handles, which are counted here; what is left
/// of it after the last one can only be asked for its koid.
#[pin_data]
pub(crate) struct Endpoint {
    koid: u64,
    handles: Atomic<u32>,
    #[pin]
    signals: Signals,
}

impl Endpoint {
    /// A new one without signals, for whose first handle the caller stands.
    pub(crate) fn new() -> impl PinInit<Self> {
        Self::with_signals(Signals::new(0))
    }

    /// As [`new`](Self::new), with other signals.
    pub(crate) fn with_signals(signals: impl PinInit<Signals>) -> impl PinInit<Self> {
        pin_init!(Self {
            koid: new_koid(),
            handles: Atomic::new(1),
            signals <- signals,
        })
    }

    /// The object's id.
    pub(crate) fn koid(&self) -> u64 {
        self.koid
    }

    /// The signals.
    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// How many handles there are.
    pub(crate) fn handles(&self) -> u32 {
        self.handles.load(Relaxed)
    }

    /// Counts one more handle; BAD_HANDLE if the last one has gone.
    pub(crate) fn add_handle(&self) -> ZxResult {
        let mut handles = self.handles();
        while handles != 0 {
            match self.handles.cmpxchg(handles, handles + 1, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => handles = now,
            }
        }
        Err(Status::BAD_HANDLE)
    }

    /// A handle was closed; whether it was the last.
    pub(crate) fn handle_dropped(&self) -> bool {
        self.handles.fetch_sub(1, Full) == 1
    }
}
