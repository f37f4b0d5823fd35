// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `handle.rs`: rights to an object, or to a VMO.

use crate::{
    object::Object,
    rights::Rights,
    status::{Status, ZxResult},
    vmo::Vmo,
};
use core::cell::Cell;
use kernel::sync::Arc;

/// See the head of this file.
pub(crate) struct Handle {
    pub(crate) vmo: Option<Arc<Vmo>>,
    pub(crate) object: Option<Object>,
    pub(crate) rights: Rights,
    pub(crate) id: u64,
    pub(crate) closed: Cell<bool>,
}

impl Handle {
    /// To a VMO.
    pub(crate) fn to_vmo(vmo: Arc<Vmo>, rights: Rights) -> Self {
        Self {
            vmo: Some(vmo),
            object: None,
            rights,
            id: 1,
            closed: Cell::new(false),
        }
    }

    /// To something else.
    pub(crate) fn to_object(object: Object, rights: Rights, id: u64) -> Self {
        Self {
            vmo: None,
            object: Some(object),
            rights,
            id,
            closed: Cell::new(false),
        }
    }

    pub(crate) fn get(&self) -> ZxResult<(&Arc<Vmo>, Rights)> {
        let vmo = self.vmo.as_ref().ok_or(Status::WRONG_TYPE)?;
        Ok((vmo, self.rights))
    }

    pub(crate) fn require(&self, rights: Rights) -> ZxResult<&Arc<Vmo>> {
        let (vmo, has) = self.get()?;
        has.require(rights)?;
        Ok(vmo)
    }

    pub(crate) fn object(&self) -> ZxResult<&Object> {
        let object = self.object.as_ref().filter(|_| !self.closed.get());
        object.ok_or(Status::BAD_HANDLE)
    }

    pub(crate) fn object_with(&self, rights: Rights) -> ZxResult<&Object> {
        let object = self.object()?;
        self.rights.require(rights)?;
        Ok(object)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}
