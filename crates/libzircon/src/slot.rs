// SPDX-License-Identifier: MIT OR Apache-2.0
//! A slot of the handle table: what one handle value stands for.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::entry::Entry;

/// Bits of a generation. A handle value is mistaken for a later one in the
/// same slot only after so many reuses of it; see `free_list` for how far
/// apart these are.
pub(crate) const GENERATION_BITS: u32 = 10;

const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
const OPEN: u64 = 1 << GENERATION_BITS;
const EPOCH_SHIFT: u32 = 16;
const EPOCH_MASK: u64 = 0xFFFF << EPOCH_SHIFT;
const USER: u64 = 1 << 32;

/// `state` holds, from low to high: the generation, whether the slot is open,
/// the epoch and the number of calls that use the slot now.
///
/// The epoch is the number of forks that led to this process, as far as this
/// slot was used: users of another epoch are threads of the parent, which do
/// not exist here.
pub(crate) struct Slot {
    state: AtomicU64,
    entry: AtomicU64,
    /// For the free list that the slot is on, if any.
    pub(crate) next: AtomicU32,
}

/// Counts forks, in the child.
static EPOCH: AtomicU32 = AtomicU32::new(0);

pub(crate) extern "C" fn after_fork_in_child() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
}

fn epoch() -> u64 {
    (u64::from(EPOCH.load(Ordering::Relaxed)) << EPOCH_SHIFT) & EPOCH_MASK
}

/// The users in `state`, as state bits, if they are threads of this process.
fn users(state: u64, epoch: u64) -> u64 {
    if state & EPOCH_MASK == epoch {
        state & !(USER - 1)
    } else {
        0
    }
}

impl Slot {
    pub(crate) const fn new() -> Self {
        Self {
            state: AtomicU64::new(0),
            entry: AtomicU64::new(0),
            next: AtomicU32::new(0),
        }
    }

    /// A slot that is open from the start, with generation 0.
    pub(crate) const fn open(entry: Entry) -> Self {
        Self {
            state: AtomicU64::new(OPEN),
            entry: AtomicU64::new(entry.to_bits()),
            next: AtomicU32::new(0),
        }
    }

    /// Fills a free slot and gives its generation.
    pub(crate) fn fill(&self, entry: Entry) -> u32 {
        self.entry.store(entry.to_bits(), Ordering::Relaxed);
        let generation = self.state.load(Ordering::Relaxed) & GENERATION_MASK;
        let state = generation | OPEN | epoch();
        self.state.store(state, Ordering::Release);
        generation as u32
    }

    /// Begins to use the slot, if it is open with this generation.
    pub(crate) fn enter(&self, generation: u32) -> Option<User<'_>> {
        let epoch = epoch();
        self.change(|state| {
            is_open(state, generation)
                .then(|| (state & (GENERATION_MASK | OPEN)) | epoch | (users(state, epoch) + USER))
        })?;
        Some(User { slot: self, epoch })
    }

    /// Closes the slot, if it is open with this generation. The caller becomes
    /// its user; also gives whether there are others, who are then in the
    /// midst of a call.
    pub(crate) fn close(&self, generation: u32) -> Option<(User<'_>, bool)> {
        let epoch = epoch();
        let before = self.change(|state| {
            let next = (state + 1) & GENERATION_MASK;
            is_open(state, generation).then(|| next | epoch | (users(state, epoch) + USER))
        })?;
        Some((User { slot: self, epoch }, users(before, epoch) != 0))
    }

    fn change(&self, new: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, new)
            .ok()
    }

    fn entry(&self) -> Entry {
        Entry::from_bits(self.entry.load(Ordering::Relaxed))
    }
}

fn is_open(state: u64, generation: u32) -> bool {
    state & (GENERATION_MASK | OPEN) == u64::from(generation) | OPEN
}

/// A call in progress: while it lasts, the slot's entry stays what it is.
pub(crate) struct User<'a> {
    slot: &'a Slot,
    epoch: u64,
}

impl User<'_> {
    pub(crate) fn entry(&self) -> Entry {
        self.slot.entry()
    }

    /// Ends the use. True if this was the last one of a closed slot, which is
    /// the caller's then.
    pub(crate) fn leave(&self) -> bool {
        let before = self.slot.change(|state| {
            // Otherwise the call forked, in a signal handler, and the count
            // has begun anew since.
            (state & EPOCH_MASK == self.epoch).then(|| state - USER)
        });
        before.is_some_and(|state| state & OPEN == 0 && state & !(USER - 1) == USER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::ObjectType;

    const ENTRY: Entry = Entry::Local {
        object_type: ObjectType::Vmar,
        rights: 0x55,
        region: 0,
    };

    #[test]
    fn generations_tell_old_values() {
        let slot = Slot::new();
        assert!(slot.enter(0).is_none());
        assert_eq!(slot.fill(ENTRY), 0);
        assert!(slot.enter(1).is_none());
        let user = slot.enter(0).unwrap();
        assert_eq!(user.entry(), ENTRY);
        assert!(!user.leave());
        let (closer, others) = slot.close(0).unwrap();
        assert!(!others && closer.leave());
        assert!(slot.close(0).is_none());
        assert_eq!(slot.fill(ENTRY), 1);
        assert!(slot.enter(0).is_none());
    }

    #[test]
    fn the_last_user_gets_a_closed_slot() {
        let slot = Slot::new();
        slot.fill(ENTRY);
        let first = slot.enter(0).unwrap();
        let second = slot.enter(0).unwrap();
        let (closer, others) = slot.close(0).unwrap();
        assert!(others);
        assert!(slot.enter(0).is_none() && slot.enter(1).is_none());
        assert!(!first.leave());
        assert!(!closer.leave());
        assert!(second.leave());
    }

    #[test]
    fn generations_wrap() {
        let slot = Slot::new();
        for round in 0..=1 << GENERATION_BITS {
            let generation = slot.fill(ENTRY);
            assert_eq!(generation, round & (GENERATION_MASK as u32));
            assert!(slot.close(generation).unwrap().0.leave());
        }
    }
}
