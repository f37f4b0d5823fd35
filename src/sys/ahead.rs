// SPDX-License-Identifier: GPL-2.0

//! Pages that are allocated before anybody touches them: making them, and finding out which were
//! touched. See also [`Mapping::written`](super::vma::Mapping::written).

use super::{
    c,
    node::{Node, SLOTS},
    page::Owner,
};

impl Node {
    /// Fills empty slots of a node of height 0 with pages of zeros for `owner`: `count` from slot
    /// `from` on, but none behind one that is not empty. Takes no memory that has to be waited for.
    /// Returns how many it filled.
    pub(crate) fn fill_ahead(&mut self, from: usize, count: usize, owner: &Owner) -> usize {
        if self.height() != 0 || from >= SLOTS {
            return 0;
        }
        let count = count.min(SLOTS - from) as u32;
        let account = owner.charge().as_raw();
        // SAFETY: So many slots are in the node, which is ours alone. The pages have one sharer each,
        // which the slots own.
        let filled = unsafe {
            let slots = self.raw_slots_mut().add(from);
            c::zx_slots_fill_ahead(slots, count, owner.id(), account)
        };
        filled as usize
    }

    /// Which slots, of those whose bits are set in `among`, hold a page that somebody has written
    /// to, or taken a reference to, through a translation. Writes through translations that are
    /// still there need not be among them. For a node of height 0.
    pub(crate) fn used(&self, among: u64) -> u64 {
        if self.height() != 0 {
            return 0;
        }
        // SAFETY: At height 0 each slot is empty or has a page of ours.
        unsafe { c::zx_slots_used(self.raw_slots(), among) }
    }
}
