// SPDX-License-Identifier: GPL-2.0

//! Pages that are allocated before anybody touches them: making them, finding out which were
//! touched, and giving the others back. See also [`Mapping::written`](super::vma::Mapping::written).

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

    /// Puts copies, made for `owner`, in the place of pages of a node of height 0 that have several
    /// sharers: `count` from slot `from` on, but none behind one that has no such page. The pages are
    /// in the same slots of `former` then, which was empty. Takes no memory that has to be waited for.
    /// Returns how many it copied; [`put_back`](Self::put_back) has to follow.
    pub(crate) fn copy_ahead(
        &mut self,
        former: &mut Node,
        from: usize,
        count: usize,
        owner: &Owner,
    ) -> usize {
        if self.height() != 0 || former.height() != 0 || from >= SLOTS || !former.is_empty() {
            return 0;
        }
        let count = count.min(SLOTS - from) as u32;
        let account = owner.charge().as_raw();
        // SAFETY: So many slots are in both nodes, which are ours alone. The sharers of the pages move
        // with them, and the copies have one each, which the slots own. The caller holds the lock of
        // the owner's store, as this is a node of its map.
        let copied = unsafe {
            let (slots, former) = (self.raw_slots_mut().add(from), former.raw_slots_mut());
            c::zx_slots_copy_ahead(slots, former.add(from), count, owner.id(), account)
        };
        copied as usize
    }

    /// Ends what [`copy_ahead`](Self::copy_ahead) began, for the same `former` and `owner`: the
    /// copies in the slots whose bits are set in `unused` change places with the pages that they were
    /// made of, and lose their marks; they are in no page table. Who waits in those in `used` goes on
    /// doing so.
    pub(crate) fn put_back(&mut self, former: &mut Node, unused: u64, used: u64, owner: &Owner) {
        if self.height() != 0 || former.height() != 0 {
            return;
        }
        self.untouch(unused);
        let slots = self.raw_slots_mut();
        // SAFETY: At height 0 each slot is empty or has a page of ours, whose sharer moves with it. Both
        // nodes are ours alone, and the owner's store is locked as above.
        unsafe {
            c::zx_slots_put_back(slots, former.raw_slots_mut(), unused, used, owner.id());
        }
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
