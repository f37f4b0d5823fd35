// SPDX-License-Identifier: GPL-2.0

//! Rights of a handle (spec 2).
#![deny(unsafe_code)]

use crate::{
    status::{Status, ZxResult},
    sys::uapi,
};

/// A set of `ZX_RIGHT_*`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rights(u32);

impl Rights {
    pub(crate) const DUPLICATE: Self = Self(uapi::ZX_RIGHT_DUPLICATE);
    pub(crate) const READ: Self = Self(uapi::ZX_RIGHT_READ);
    pub(crate) const WRITE: Self = Self(uapi::ZX_RIGHT_WRITE);
    pub(crate) const EXECUTE: Self = Self(uapi::ZX_RIGHT_EXECUTE);
    pub(crate) const MAP: Self = Self(uapi::ZX_RIGHT_MAP);
    pub(crate) const GET_PROPERTY: Self = Self(uapi::ZX_RIGHT_GET_PROPERTY);
    pub(crate) const SET_PROPERTY: Self = Self(uapi::ZX_RIGHT_SET_PROPERTY);
    pub(crate) const SIGNAL: Self = Self(uapi::ZX_RIGHT_SIGNAL);
    pub(crate) const SIGNAL_PEER: Self = Self(uapi::ZX_RIGHT_SIGNAL_PEER);
    pub(crate) const WAIT: Self = Self(uapi::ZX_RIGHT_WAIT);
    pub(crate) const INSPECT: Self = Self(uapi::ZX_RIGHT_INSPECT);
    pub(crate) const RESIZE: Self = Self(uapi::ZX_RIGHT_RESIZE);

    /// What a new VMO's handle has (spec 2.2, 2.3).
    pub(crate) const DEFAULT_VMO: Self = Self(uapi::ZX_DEFAULT_VMO_RIGHTS);
    /// What a new event's handle has.
    pub(crate) const DEFAULT_EVENT: Self = Self(uapi::ZX_DEFAULT_EVENT_RIGHTS);
    /// What a new port's handle has: it cannot be waited for like other objects.
    pub(crate) const DEFAULT_PORT: Self = Self(uapi::ZX_DEFAULT_PORT_RIGHTS);
    /// What the handles of a new pair of events have.
    pub(crate) const DEFAULT_EVENTPAIR: Self = Self(uapi::ZX_DEFAULT_EVENTPAIR_RIGHTS);

    /// What a new stream's handle has, beside READ and WRITE by its mode (spec 2.2).
    pub(crate) const DEFAULT_STREAM: Self = Self(uapi::ZX_DEFAULT_STREAM_RIGHTS);

    pub(crate) const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    pub(crate) const fn raw(self) -> u32 {
        self.0
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// Fails with ACCESS_DENIED unless all of `wanted` is there.
    pub(crate) fn require(self, wanted: Self) -> ZxResult {
        if self.has(wanted) {
            Ok(())
        } else {
            Err(Status::ACCESS_DENIED)
        }
    }

    /// The rights that `requested` asks for, of a handle that has `self` (spec 18): these very
    /// rights for ZX_RIGHT_SAME_RIGHTS alone, else a subset of them, else INVALID_ARGS.
    pub(crate) fn narrow(self, requested: u32) -> ZxResult<Self> {
        let requested = Self(requested);
        if requested.0 == uapi::ZX_RIGHT_SAME_RIGHTS {
            Ok(self)
        } else if self.has(requested) {
            Ok(requested)
        } else {
            Err(Status::INVALID_ARGS)
        }
    }
}
