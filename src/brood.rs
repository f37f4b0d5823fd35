// SPDX-License-Identifier: GPL-2.0

//! Broods: who has the same parent (spec 8.8).
//!
//! When a parent goes, its children become its own parent's. Somebody may have as many of them as
//! files can be open, in a chain of as many generations, so that must not cost a step for each:
//! children name the brood that they were born into, and broods are merged, the lower one into the
//! higher, as sets are in a union-find. So the way to the brood that tells of the parent now is as
//! long as the logarithm of their number.
#![deny(unsafe_code)]

use kernel::rbtree::{RBTree, RBTreeNodeReservation};

/// Memory for one brood, taken before anything is changed.
pub(crate) type Reservation<P> = RBTreeNodeReservation<u64, Brood<P>>;

/// The broods of a family, by id.
pub(crate) struct Broods<P>(RBTree<u64, Brood<P>>);

/// Children of one parent.
pub(crate) struct Brood<P> {
    /// None if there is no parent any more, or in a brood that was merged into another.
    parent: Option<P>,
    /// The brood that this one was merged into.
    into: Option<u64>,
    /// No way that leads here takes more merges than this.
    height: u32,
    /// Children that name it, broods that were merged into it, and its parent.
    uses: u64,
}

impl<P> Broods<P> {
    /// None.
    pub(crate) fn new() -> Self {
        Self(RBTree::new())
    }

    /// Makes the brood `id`, which no other ever was, of `parent`.
    pub(crate) fn found(&mut self, reservation: Reservation<P>, id: u64, parent: P) {
        let brood = Brood {
            parent: Some(parent),
            into: None,
            height: 0,
            uses: 1,
        };
        self.0.insert(reservation.into_node(id, brood));
    }

    /// One more child names brood `id`.
    pub(crate) fn join(&mut self, id: u64) {
        if let Some(brood) = self.0.get_mut(&id) {
            brood.uses += 1;
        }
    }

    /// A child that names brood `id` goes.
    pub(crate) fn leave(&mut self, id: u64) {
        let mut next = Some(id);
        while let Some(id) = next.take() {
            let Some(brood) = self.0.get_mut(&id) else {
                return;
            };
            brood.uses -= 1;
            if brood.uses == 0 {
                next = brood.into;
                // Without a parent, as that would use it.
                drop(self.0.remove(&id));
            }
        }
    }

    fn root(&self, id: u64) -> Option<(u64, &Brood<P>)> {
        let (mut id, mut brood) = (id, self.0.get(&id)?);
        while let Some(into) = brood.into {
            (id, brood) = (into, self.0.get(&into)?);
        }
        Some((id, brood))
    }

    /// The parent, if there is one now, of the children that name brood `id`.
    pub(crate) fn parent(&self, id: u64) -> Option<&P> {
        self.root(id)?.1.parent.as_ref()
    }

    /// The parent of brood `id`, which the caller drops without the lock, goes, and there is none
    /// in its place.
    pub(crate) fn orphan(&mut self, id: u64) -> Option<P> {
        let parent = self.0.get_mut(&id)?.parent.take();
        self.leave(id);
        parent
    }

    /// As [`orphan`](Self::orphan), but the children become those of the parent of `other`.
    /// Returns the brood of that parent from then on as well.
    pub(crate) fn merge(&mut self, id: u64, other: u64) -> (u64, Option<P>) {
        let height = |id| self.0.get(&id).map_or(0, |brood| brood.height);
        let (lower, higher, level) = if height(id) > height(other) {
            (other, id, false)
        } else {
            (id, other, height(id) == height(other))
        };
        let gone = self.0.get_mut(&id).and_then(|brood| brood.parent.take());
        let parent = self.0.get_mut(&other).and_then(|brood| brood.parent.take());
        if let Some(brood) = self.0.get_mut(&higher) {
            brood.parent = parent;
            brood.height += u32::from(level);
            brood.uses += 1;
        }
        if let Some(brood) = self.0.get_mut(&lower) {
            brood.into = Some(higher);
        }
        // Its parent, who goes or has another brood now.
        self.leave(lower);
        (higher, gone)
    }
}
