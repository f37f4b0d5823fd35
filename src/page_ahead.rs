// SPDX-License-Identifier: GPL-2.0

//! Pages of a map that are there before anybody has touched them: some in a row, in one leaf that
//! nobody shares.
#![deny(unsafe_code)]

use super::{covers, slot, PageMap};
use crate::sys::node::{Node, SLOTS};
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
    /// nobody has used and nobody holds. Their translations are gone. Returns how many.
    pub(crate) fn take_back(&mut self, keys: &Range<u64>) -> u64 {
        let (from, count) = (slot(keys.start, 0), keys.end - keys.start);
        let Some(leaf) = self.leaf_mut(keys.start) else {
            return 0;
        };
        let among = bits(from, count);
        let (_, held) = leaf.alone_and_held(among);
        let unused = among & !(leaf.used(among) | held);
        let mut taken = 0;
        for at in (0..SLOTS).filter(|at| unused & 1 << at != 0) {
            taken += u64::from(leaf.replace_page(at, None).is_some());
        }
        self.pages.fetch_sub(taken, Relaxed);
        taken
    }
}
