// SPDX-License-Identifier: GPL-2.0

//! Relatives: which VMO is whose child (spec 8.8, 22), and which stores share pages (spec 23).
//!
//! A family is made with the first child of a VMO, and everything made from its members belongs
//! to it. Its lock makes every change of the hierarchy one step, together with the signals
//! that tell of it.
//!
//! Lock order: a family; `Vmo::links` or the signals of a VMO; or a family, then the stores of
//! its members (see [`store`](crate::store)). Taken under `mmap_lock` when the last mapping
//! of a VMO goes.
#![deny(unsafe_code)]

use crate::{
    ahead::NoWindows,
    brood::{self, Broods},
    content::Content,
    status::{Status, ZxResult},
    store::Store,
    sys::{self, large, rwsem::FurtherReadGuard},
    vmo::{Use, Vmo},
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{Arc, Mutex},
};

/// VMOs that were made from one another.
#[pin_data]
pub(crate) struct Family {
    #[pin]
    members: Mutex<Members>,
}

/// What a family's lock protects.
pub(crate) struct Members {
    /// Who is whose child.
    broods: Broods<Arc<Vmo>>,
    /// Stores that some VMO of the family uses, by id.
    stores: RBTree<u64, Arc<Store>>,
    store_count: usize,
}

/// Memory for a new member, taken before anything is changed.
pub(crate) struct Reservation {
    brood: brood::Reservation<Arc<Vmo>>,
    store: RBTreeNodeReservation<u64, Arc<Store>>,
}

impl Reservation {
    /// Takes the memory.
    pub(crate) fn new() -> ZxResult<Self> {
        Ok(Self {
            brood: RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?,
            store: RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?,
        })
    }
}

/// The family of `vmo`, made if it has none. BAD_HANDLE if `vmo` has retired.
pub(crate) fn of(vmo: &Arc<Vmo>) -> ZxResult<Arc<Family>> {
    let mut links = vmo.links().lock();
    if links.retired {
        return Err(Status::BAD_HANDLE);
    }
    if let Some(family) = &links.family {
        return Ok(family.clone());
    }
    let mut stores = RBTree::new();
    let store = vmo.store();
    stores.try_create_and_insert(store.id(), store.clone(), GFP_KERNEL_ACCOUNT)?;
    let members = Members {
        broods: Broods::new(),
        stores,
        store_count: 1,
    };
    let family = Arc::pin_init(
        pin_init!(Family { members <- new_mutex!(members, "zxvmo_family") }),
        GFP_KERNEL_ACCOUNT,
    )?;
    links.family = Some(family.clone());
    Ok(family)
}

impl Family {
    /// Has `make` make a child of `parent`, and makes it a member, as one step.
    pub(crate) fn add_child(
        self: &Arc<Self>,
        parent: &Arc<Vmo>,
        make: impl FnOnce() -> ZxResult<Use>,
    ) -> ZxResult<Use> {
        let reservation = Reservation::new()?;
        let mut members = self.members.lock();
        if parent.links().lock().retired {
            return Err(Status::BAD_HANDLE);
        }
        let new = make()?;
        let child = new.vmo()?;
        let brood = {
            let mut links = parent.links().lock();
            if links.brood.is_none() {
                let id = parent.koid();
                members.broods.found(reservation.brood, id, parent.clone());
                links.brood = Some(id);
            }
            links.brood
        };
        {
            let mut links = child.links().lock();
            links.family = Some(self.clone());
            links.born_into = brood;
        }
        if let Some(brood) = brood {
            members.broods.join(brood);
        }
        if child.has_own_store() {
            let store = child.store().clone();
            members
                .stores
                .insert(reservation.store.into_node(store.id(), store));
            members.store_count += 1;
        }
        parent.set_children(parent.children() + 1);
        Ok(new)
    }

    /// Calls `then` while no member gets or loses a relative, and tells whether `vmo` has a parent.
    pub(crate) fn hold<R>(&self, vmo: &Vmo, then: impl FnOnce(bool) -> R) -> R {
        let members = self.members.lock();
        let born_into = vmo.links().lock().born_into;
        then(members.parent(born_into).is_some())
    }

    /// koid of the parent of `vmo`, 0 for none.
    pub(crate) fn parent_koid(&self, vmo: &Vmo) -> u64 {
        let members = self.members.lock();
        let born_into = vmo.links().lock().born_into;
        members.parent(born_into).map_or(0, |parent| parent.koid())
    }

    /// Whether stores of the family other than one that asks are in use.
    pub(crate) fn has_several_stores(&self) -> bool {
        self.members.lock().store_count > 1
    }

    /// Calls `each` with the state of `store` and of all others of the family, none of which
    /// changes meanwhile, nor has pages that nobody has touched.
    pub(crate) fn with_stores<R>(
        &self,
        store: &Store,
        each: impl FnOnce(&Content, &[FurtherReadGuard<'_, Content>]) -> ZxResult<R>,
    ) -> ZxResult<R> {
        let members = self.members.lock();
        let mut others = KVVec::with_capacity(members.store_count, GFP_KERNEL)?;
        let _quiet = NoWindows::new();
        'again: loop {
            if sys::killed() {
                return Err(Status::CANCELED);
            }
            others.clear();
            let own = store.read_lock_settled();
            for other in members.stores.values() {
                if core::ptr::eq(&**other, store) {
                    continue;
                }
                // Stores have no order among each other, so only one may be waited for while
                // no other is held.
                match other.try_read_lock_further() {
                    Some(guard) if !guard.ahead.is_open() => others.push(guard, GFP_KERNEL)?,
                    guard => {
                        drop(guard);
                        others.clear();
                        drop(own);
                        drop(other.read_lock_settled());
                        continue 'again;
                    }
                }
            }
            return each(&own, &others);
        }
    }
}

/// Takes `vmo`, which has no use any more, out of its family: its children become its parent's
/// (spec 8.8). Its store goes with the last VMO that uses it.
pub(crate) fn leave(vmo: &Vmo) {
    let family = {
        let mut links = vmo.links().lock();
        links.retired = true;
        links.family.take()
    };
    let last_user = vmo.store().user_dropped();
    if let Some(family) = &family {
        family.remove(vmo, last_user);
    }
    if last_user {
        vmo.store().retire();
        if let Some(family) = family.filter(|_| large::any_is_sparse()) {
            family.give_back_large();
        }
    }
}

impl Members {
    fn parent(&self, born_into: Option<u64>) -> Option<&Arc<Vmo>> {
        self.broods.parent(born_into?)
    }
}

impl Family {
    /// See [`Store::give_back_large`].
    fn give_back_large(&self) {
        let members = self.members.lock();
        for store in members.stores.values() {
            store.give_back_large();
        }
    }

    fn remove(&self, vmo: &Vmo, last_user: bool) {
        // Dropped after the lock: the parent may be gone with this, and the store.
        let (_parent, _self, _store);
        let mut members = self.members.lock();
        let (born_into, brood) = {
            let mut links = vmo.links().lock();
            (links.born_into.take(), links.brood.take())
        };
        let parent = members.parent(born_into).cloned();
        let moved = vmo.children();
        if let Some(parent) = &parent {
            let mut links = parent.links().lock();
            match (brood, links.brood) {
                (Some(brood), Some(other)) if moved > 0 => {
                    let (merged, gone) = members.broods.merge(brood, other);
                    links.brood = Some(merged);
                    _self = gone;
                }
                (Some(brood), _) => _self = members.broods.orphan(brood),
                (None, _) => _self = None,
            }
        } else {
            _self = brood.and_then(|brood| members.broods.orphan(brood));
        }
        if let Some(born_into) = born_into {
            members.broods.leave(born_into);
        }
        if let Some(parent) = &parent {
            parent.set_children(parent.children() + moved - 1);
        }
        if last_user {
            _store = members.stores.remove(&vmo.store().id());
            members.store_count -= 1;
        }
        drop(members);
        _parent = parent;
    }
}
