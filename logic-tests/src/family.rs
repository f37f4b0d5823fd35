// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `family.rs`.

use crate::{status::ZxResult, vmo::Vmo};
use kernel::sync::Arc;

/// Relatives, of whom only this is asked.
pub(crate) struct Family {
    pub(crate) several: bool,
}

impl Family {
    pub(crate) fn has_several_stores(&self) -> bool {
        self.several
    }

    /// Calls `body` with whether the VMO has a parent.
    pub(crate) fn hold<R>(&self, _: &Vmo, body: impl FnOnce(bool) -> R) -> R {
        body(false)
    }
}

/// A family of one.
pub(crate) fn of(_: &Vmo) -> ZxResult<Arc<Family>> {
    Ok(Arc::new(Family { several: false }))
}
