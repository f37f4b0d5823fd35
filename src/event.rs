// SPDX-License-Identifier: GPL-2.0

//! Events: objects with signals and nothing else, alone or in pairs (`zx_event_create`,
//! `zx_eventpair_create`).
//!
//! An event alone is an [`Endpoint`]. Of a pair, each end has handles of its own; when the last
//! one of an end is closed, the other end learns it by ZX_EVENTPAIR_PEER_CLOSED.
#![deny(unsafe_code)]

use crate::{
    endpoint::Endpoint,
    status::{Status, ZxResult},
    sys::uapi,
};
use kernel::{prelude::*, sync::Arc};

/// What users may set and clear on events (spec 21.2; ZX_EVENTPAIR_SIGNALED is the same bit).
pub(crate) const SETTABLE: u32 = uapi::ZX_USER_SIGNAL_ALL | uapi::ZX_EVENT_SIGNALED;

/// A new event alone.
pub(crate) fn create() -> ZxResult<Arc<Endpoint>> {
    Ok(Arc::pin_init(Endpoint::new(), GFP_KERNEL_ACCOUNT)?)
}

#[pin_data]
struct Pair {
    #[pin]
    left: Endpoint,
    #[pin]
    right: Endpoint,
}

/// One end of a pair of events.
#[derive(Clone)]
pub(crate) struct PairEnd {
    pair: Arc<Pair>,
    is_left: bool,
}

impl PairEnd {
    /// The two ends of a new pair.
    pub(crate) fn create() -> ZxResult<[Self; 2]> {
        let pair = pin_init!(Pair {
            left <- Endpoint::new(),
            right <- Endpoint::new(),
        });
        let pair = Arc::pin_init(pair, GFP_KERNEL_ACCOUNT)?;
        let left = Self {
            pair: pair.clone(),
            is_left: true,
        };
        let right = Self {
            pair,
            is_left: false,
        };
        Ok([left, right])
    }

    /// What this end consists of.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        if self.is_left {
            &self.pair.left
        } else {
            &self.pair.right
        }
    }

    /// The other end.
    pub(crate) fn peer(&self) -> &Endpoint {
        if self.is_left {
            &self.pair.right
        } else {
            &self.pair.left
        }
    }

    /// A handle to this end was closed. The other end has learnt that it was the last one when
    /// this returns.
    pub(crate) fn handle_dropped(&self) {
        if self.endpoint().handle_dropped() {
            self.peer()
                .signals()
                .change(0, uapi::ZX_EVENTPAIR_PEER_CLOSED);
        }
    }

    /// `zx_object_signal_peer`: INVALID_ARGS, then PEER_CLOSED.
    pub(crate) fn signal_peer(&self, clear: u32, set: u32) -> ZxResult {
        if (clear | set) & !SETTABLE != 0 {
            return Err(Status::INVALID_ARGS);
        }
        if self.peer().handles() == 0 {
            return Err(Status::PEER_CLOSED);
        }
        self.peer().signals().change(clear, set);
        Ok(())
    }
}
