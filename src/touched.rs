// SPDX-License-Identifier: GPL-2.0

//! Walking the pages of a map that may be in a page table as writable, leaf by leaf. What is
//! shared is not looked into: nobody may write there. So the cost follows what has been used
//! since the last snapshot.
#![deny(unsafe_code)]

use super::{covers, slot, PageMap};
use crate::sys::node::{Entry, Node, SLOTS, SLOT_BITS};
use core::ops::{ControlFlow, Range};
use kernel::prelude::*;

/// Touched pages of one leaf that nobody shares.
pub(crate) struct Touched<'a> {
    leaf: &'a Node,
    /// The number of the page in slot 0.
    base: u64,
    /// Which slots, as bits.
    slots: u64,
}

impl Touched<'_> {
    /// The page numbers, as ranges in order.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let (base, mut slots) = (self.base, self.slots);
        core::iter::from_fn(move || {
            let start = slots.trailing_zeros();
            let rest = slots.checked_shr(start)?;
            let length = rest.trailing_ones();
            slots &= u64::MAX.checked_shl(start + length).unwrap_or(0);
            let first = base + u64::from(start);
            Some(first..first + u64::from(length))
        })
    }

    /// The number of the first page that this map alone has and that is pinned.
    pub(crate) fn first_pinned(&self) -> Option<u64> {
        let pinned = |at: &usize| match self.leaf.entry(*at) {
            Entry::Page(page) => page.is_pinned(),
            _ => false,
        };
        let mut alone = bits(self.leaf.alone(self.slots));
        alone.find(pinned).map(|at| self.base + at as u64)
    }

    /// Removes the notes of pages whose translations are gone, but for those that somebody else
    /// holds (they may be written to at any time): those are told to `held`.
    pub(crate) fn untouch(&self, mut held: impl FnMut(u64) -> Result) -> Result {
        let (alone, kept) = self.leaf.alone_and_held(self.slots);
        for at in bits(kept) {
            held(self.base + at as u64)?;
        }
        self.leaf.untouch(alone & !kept);
        Ok(())
    }
}

/// The numbers of the bits that are set, in order.
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (at < SLOTS).then_some(at)
    })
}

impl PageMap {
    /// Calls `each` for every leaf with touched pages in `first..end`, in order, until it breaks.
    pub(crate) fn each_touched<B>(
        &self,
        first: u64,
        end: u64,
        each: &mut impl FnMut(Touched<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match self.root.as_ref() {
            Some(root) if covers(root, first) => walk(root, 0, first, end, each),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn walk<B>(
    node: &Node,
    base: u64,
    first: u64,
    end: u64,
    each: &mut impl FnMut(Touched<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    if node.is_shared() {
        return ControlFlow::Continue(());
    }
    let height = node.height();
    let from = if first > base { slot(first, height) } else { 0 };
    if height == 0 {
        let mut slots = node.touched() & u64::MAX << from;
        if end - base < SLOTS as u64 {
            slots &= !(u64::MAX << (end - base));
        }
        if slots == 0 {
            return ControlFlow::Continue(());
        }
        return each(Touched {
            leaf: node,
            base,
            slots,
        });
    }
    for at in from..SLOTS {
        let base = base + ((at as u64) << (height * SLOT_BITS));
        if base >= end {
            break;
        }
        if let Entry::Node(child) = node.entry(at) {
            walk(child, base, first, end, each)?;
        }
    }
    ControlFlow::Continue(())
}
