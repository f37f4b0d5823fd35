// SPDX-License-Identifier: MIT OR Apache-2.0
//! Free slots, without a lock.
//!
//! Slots that become free go to one stack and new handles come from another;
//! when that is empty it takes over the first one, turned round. So a slot is
//! used again only after all that were freed before it, and as long as fewer
//! than [`KEEP`] slots are free, the table grows instead. A stale handle value
//! is thus told from a new one for at least `KEEP * 2^GENERATION_BITS`, half a
//! million, closed handles.
//!
//! A fork in the midst of an operation leaves the child with a consistent
//! list; slots that another thread was moving are lost to the child.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::slot::Slot;

/// Free slots below which the table grows instead of using them again.
pub(crate) const KEEP: u32 = 512;

/// How the list gets at slots: by index.
pub(crate) trait Slots {
    fn slot(&self, index: u32) -> Option<&Slot>;
}

/// A stack of slots, linked through [`Slot::next`]. Indexes are stored with 1
/// added, 0 is none. The high half of the head counts changes, so that a slot
/// that went and came back is not mistaken for one that stayed.
struct Stack {
    head: AtomicU64,
}

fn link(head: u64) -> u32 {
    head as u32
}

fn with_link(head: u64, link: u32) -> u64 {
    (((head >> 32) + 1) << 32) | u64::from(link)
}

impl Stack {
    const fn new() -> Self {
        Self {
            head: AtomicU64::new(0),
        }
    }

    /// Puts a chain of slots, already linked, on top.
    fn push(&self, slots: &impl Slots, first: u32, last: u32) {
        let Some(end) = slots.slot(last) else { return };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            end.next.store(link(head), Ordering::Relaxed);
            let new = with_link(head, first + 1);
            match self
                .head
                .compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn pop(&self, slots: &impl Slots) -> Option<u32> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let index = link(head).checked_sub(1)?;
            // If another thread takes this slot meanwhile, what is read here
            // may be wrong, but then the head has changed.
            let next = slots.slot(index)?.next.load(Ordering::Relaxed);
            let new = with_link(head, next);
            match self
                .head
                .compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Some(index),
                Err(now) => head = now,
            }
        }
    }

    /// Takes the whole stack: the link to its first slot, or 0.
    fn take(&self) -> u32 {
        let taken = self
            .head
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |head| {
                Some(with_link(head, 0))
            });
        taken.map_or(0, link)
    }
}

pub(crate) struct FreeList {
    ready: Stack,
    returned: Stack,
    len: AtomicU32,
}

impl FreeList {
    pub(crate) const fn new() -> Self {
        Self {
            ready: Stack::new(),
            returned: Stack::new(),
            len: AtomicU32::new(0),
        }
    }

    /// About how many slots are free.
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn put(&self, slots: &impl Slots, index: u32) {
        self.returned.push(slots, index, index);
        self.len.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, slots: &impl Slots) -> Option<u32> {
        let index = self.ready.pop(slots).or_else(|| self.refill(slots))?;
        self.len.fetch_sub(1, Ordering::Relaxed);
        Some(index)
    }

    /// Turns the returned slots round, keeps the oldest and readies the rest.
    fn refill(&self, slots: &impl Slots) -> Option<u32> {
        let mut link = self.returned.take();
        let newest = link.checked_sub(1)?;
        let mut done = 0;
        loop {
            let next = slots.slot(link - 1)?.next.swap(done, Ordering::Relaxed);
            if next == 0 {
                break;
            }
            done = link;
            link = next;
        }
        if let Some(second) = done.checked_sub(1) {
            self.ready.push(slots, second, newest);
        }
        Some(link - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Array([Slot; 64]);

    impl Slots for Array {
        fn slot(&self, index: u32) -> Option<&Slot> {
            self.0.get(index as usize)
        }
    }

    #[test]
    fn oldest_first() {
        let slots = Array([const { Slot::new() }; 64]);
        let list = FreeList::new();
        assert_eq!(list.get(&slots), None);
        for index in [5, 3, 9] {
            list.put(&slots, index);
        }
        assert_eq!(list.get(&slots), Some(5));
        list.put(&slots, 1);
        let rest: Vec<_> = std::iter::from_fn(|| list.get(&slots)).collect();
        assert_eq!(rest, [3, 9, 1]);
        assert_eq!(list.len(), 0);
    }

    #[test]
    fn threads_never_get_the_same_slot() {
        let slots = Array([const { Slot::new() }; 64]);
        let list = FreeList::new();
        for index in 0..64 {
            list.put(&slots, index);
        }
        let taken = [const { AtomicU32::new(0) }; 64];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        let Some(index) = list.get(&slots) else {
                            continue;
                        };
                        assert_eq!(taken[index as usize].swap(1, Ordering::AcqRel), 0);
                        taken[index as usize].store(0, Ordering::Release);
                        list.put(&slots, index);
                    }
                });
            }
        });
        assert_eq!(std::iter::from_fn(|| list.get(&slots)).count(), 64);
    }
}
