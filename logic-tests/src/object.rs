// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `object.rs`: events alone.

use crate::{endpoint::Endpoint, signals::Signals};
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    Arc,
};

static NEXT_KOID: Atomic<u64> = Atomic::new(1024);

pub(crate) fn new_koid() -> u64 {
    NEXT_KOID.fetch_add(1, Relaxed)
}

/// See the head of this file.
#[derive(Clone)]
pub(crate) struct Object(pub(crate) Arc<Endpoint>);

impl Object {
    pub(crate) fn signals(&self) -> &Signals {
        self.0.signals()
    }
}
