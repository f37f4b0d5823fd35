// SPDX-License-Identifier: GPL-2.0

//! Pages of a map that are there before anybody has touched them: some in a row, in one leaf that
//! nobody shares. They are of zeros, or copies of pages that others show as well.
#![deny(unsafe_code)]

use super::{covers, slot, PageMap};
use crate::sys::{
    node::{Node, NodeRef, SLOTS},
    trace,
};
use core::ops::Range;
use kernel::sync::atomic::Relaxed;

/// The bits of `count` slots from slot `from` on, as far as a leaf goes.
fn bits(from: usize, count: u64) -> u64 {
    let below = |slots: u64| {
        1u64.checked_shl(slots as u32)
            .map_or(u64::MAX, |bit| bit - 1)
    };
    below(count.min(SLOTS as u64)) << (from % SLOTS)
}

/// The pages that copies made ahead stand in for, in the slots that they were in. They stay shared
/// with whoever else shows them, so nobody writes to them meanwhile.
pub(crate) struct Former(NodeRef);

impl PageMap {
    fn leaf_mut(&mut self, key: u64) -> Option<&mut Node> {
        self.root.as_ref().filter(|root| covers(root, key))?;
        self.node_at(key, 0)
    }

    /// Fills holes with pages of zeros, from the first of `keys` on up to one that is no hole, as far
    /// as they are in one leaf that is this map's alone and there is memory at once. Returns how
    /// many.
    pub(crate) fn fill_ahead(&mut self, keys: &Range<u64>) -> u64 {
        let owner = self.owner.clone();
        let count = keys.end.saturating_sub(keys.start).min(SLOTS as u64) as usize;
        let Some(leaf) = self.leaf_mut(keys.start) else {
            return 0;
        };
        let filled = leaf.fill_ahead(slot(keys.start, 0), count, &owner) as u64;
        self.pages.add(filled, Relaxed);
        filled
    }

    /// Puts copies in the place of pages that others show as well, from the first of `keys` on up to
    /// one that needs no copy, as far as they are in one leaf that is this map's alone and there is
    /// memory at once. Returns how many, if any, and what was there, for [`take_back`](Self::take_back)
    /// and [`keep`](Self::keep). The caller removes the translations of that.
    pub(crate) fn copy_ahead(&mut self, keys: &Range<u64>) -> Option<(u64, Former)> {
        let owner = self.owner.clone();
        let count = keys.end.saturating_sub(keys.start).min(SLOTS as u64) as usize;
        let from = slot(keys.start, 0);
        let leaf = self.leaf_mut(keys.start)?;
        leaf.first_shared(from, from + 1)?;
        let mut former = NodeRef::new(0).ok()?;
        let copied = leaf.copy_ahead(former.get_mut()?, from, count, &owner) as u64;
        for key in keys.start..keys.start + copied {
            trace::copy(|| (owner.id(), key));
        }
        (copied > 0).then_some((copied, Former(former)))
    }

    /// Copies made ahead in the leaf of page `key`, all used, take the places of what was there.
    pub(crate) fn keep(&mut self, key: u64, mut former: Former) {
        let owner = self.owner.clone();
        if let (Some(leaf), Some(former)) = (self.leaf_mut(key), former.0.get_mut()) {
            leaf.put_back(former, 0, u64::MAX, &owner);
        }
    }

    /// Which of the pages `keys`, which are in one leaf of this map's alone, are [used](Node::used):
    /// bit 0 is for the first.
    pub(crate) fn used_ahead(&mut self, keys: &Range<u64>) -> u64 {
        let (from, count) = (slot(keys.start, 0), keys.end - keys.start);
        let Some(leaf) = self.leaf_mut(keys.start) else {
            return 0;
        };
        leaf.used(bits(from, count)) >> from
    }

    /// Takes those of the pages `keys`, which are in one leaf of this map's alone, out of the map that
    /// nobody has used and nobody holds, and puts what was there `former`ly in their places. Their
    /// translations are gone. Returns how many.
    pub(crate) fn take_back(&mut self, keys: &Range<u64>, former: Option<Former>) -> u64 {
        let (from, count) = (slot(keys.start, 0), keys.end - keys.start);
        let owner = former.is_some().then(|| self.owner.clone());
        let Some(leaf) = self.leaf_mut(keys.start) else {
            return 0;
        };
        let among = bits(from, count);
        let (_, held) = leaf.alone_and_held(among);
        let unused = among & !(leaf.used(among) | held);
        if let (Some(mut former), Some(owner)) = (former, owner) {
            if let Some(former) = former.0.get_mut() {
                leaf.put_back(former, unused, among & !unused, &owner);
            }
            return u64::from(unused.count_ones());
        }
        let mut taken = 0;
        for at in (0..SLOTS).filter(|at| unused & 1 << at != 0) {
            taken += u64::from(leaf.replace_page(at, None).is_some());
        }
        self.pages.fetch_sub(taken, Relaxed);
        taken
    }
}
