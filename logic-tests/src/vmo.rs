// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `vmo.rs`: a VMO without an identity.

use crate::{
    extent::{Extent, Window},
    family::Family,
    status::{Status, ZxResult},
    store::Store,
    sys::PAGE_SIZE,
};
use kernel::sync::{Arc, Mutex};

/// See the head of this file.
pub(crate) struct Vmo {
    pub(crate) store: Arc<Store>,
    pub(crate) window: Option<Window>,
    pub(crate) links: Mutex<Links>,
    pub(crate) discardable: bool,
}

/// As in the module.
pub(crate) struct Links {
    pub(crate) family: Option<Arc<Family>>,
    pub(crate) parent: Option<Arc<Vmo>>,
}

/// As in the module.
pub(crate) fn round_up(size: u64) -> ZxResult<u64> {
    size.checked_next_multiple_of(PAGE_SIZE)
        .ok_or(Status::OUT_OF_RANGE)
}

/// No mappings.
#[derive(Default)]
pub(crate) struct Mappings {
    pub(crate) mappings: u32,
}

impl Mappings {
    pub(crate) fn counts(&self) -> &Self {
        self
    }
}

impl Vmo {
    /// One over `store`, or over a part of it.
    pub(crate) fn new(store: Arc<Store>, window: Option<Window>, discardable: bool) -> Self {
        let links = Links {
            family: None,
            parent: None,
        };
        Self {
            store,
            window,
            links: Mutex::new(links),
            discardable,
        }
    }

    /// Nobody asks for it but tracepoints, to which nobody listens.
    pub(crate) fn koid(&self) -> u64 {
        0
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    pub(crate) fn has_own_store(&self) -> bool {
        self.window.is_none()
    }

    pub(crate) fn begin(&self) -> u64 {
        self.window.as_ref().map_or(0, |window| window.begin)
    }

    pub(crate) fn size(&self) -> u64 {
        let window = self.window.as_ref();
        window.map_or_else(|| self.store.size(), |window| window.size)
    }

    pub(crate) fn links(&self) -> &Mutex<Links> {
        &self.links
    }

    pub(crate) fn children(&self) -> u64 {
        0
    }

    pub(crate) fn is_discardable(&self) -> bool {
        self.discardable
    }

    pub(crate) fn mappings(&self) -> Mappings {
        Mappings::default()
    }
}
