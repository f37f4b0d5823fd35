// SPDX-License-Identifier: GPL-2.0

//! Many pages of one leaf of the page map at once: nodes of height 0 and what is in their slots.

use super::{
    c,
    node::{Node, SLOTS},
};
use core::ops::Range;
use kernel::bindings;

/// Pages of a leaf.
///
/// # Invariants
///
/// `leaf` is a node of height 0. The slots in `filled` (as bits) hold pages, for as long as it is
/// borrowed; `owned` are some of these.
pub(crate) struct Pages<'a> {
    leaf: &'a Node,
    filled: u64,
    owned: u64,
}

impl<'a> Pages<'a> {
    /// The pages in `slots` of `leaf`, as far as they are there. None counts as owned if the leaf
    /// is `shared` (it, or a node above it); otherwise those that have one sharer and no user from
    /// the time when they had several.
    pub(crate) fn of(leaf: &'a Node, slots: Range<usize>, shared: bool) -> Self {
        let bits = |below: usize| match below {
            0..SLOTS => (1 << below) - 1,
            _ => u64::MAX,
        };
        let which = match leaf.height() {
            0 => bits(slots.end) & !bits(slots.start),
            _ => 0,
        };
        let mut owned = 0;
        // SAFETY: Only slots of the leaf are asked for. They may be filled meanwhile, which the
        // callee allows for; those that hold pages go on doing so.
        let filled =
            unsafe { c::zx_slots_sort(leaf.raw_slots(), which, leaf.touched(), &mut owned) };
        // INVARIANT: By the above.
        Self {
            leaf,
            filled,
            owned: if shared { 0 } else { owned },
        }
    }

    /// All but the one in slot `at`.
    pub(crate) fn without(self, at: usize) -> Self {
        let others = !(1 << (at % SLOTS));
        Self {
            filled: self.filled & others,
            owned: self.owned & others,
            ..self
        }
    }

    /// Only those that are owned.
    pub(crate) fn only_owned(self) -> Self {
        Self {
            filled: self.owned,
            ..self
        }
    }

    /// Marks those that are owned: they are about to be entered into a page table.
    pub(crate) fn touch(&self) {
        self.leaf.touch_all(self.owned);
    }

    /// The pages, in order, as runs without gaps that are owned or not.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run<'a>> {
        let (leaf, mut rest, all_owned) = (self.leaf, self.filled, self.owned);
        core::iter::from_fn(move || {
            let first = rest.trailing_zeros();
            let is_owned = all_owned.checked_shr(first)? & 1 != 0;
            let alike = rest & if is_owned { all_owned } else { !all_owned };
            let count = (alike >> first).trailing_ones();
            rest &= u64::MAX.checked_shl(first + count).unwrap_or(0);
            // INVARIANT: Only bits of `filled` are counted.
            Some(Run {
                leaf,
                first: first as usize,
                count: count as usize,
                is_owned,
            })
        })
    }
}

/// Pages side by side in one leaf.
///
/// # Invariants
///
/// `count` slots from `first` on are in `leaf`, whose height is 0, and hold pages for as long as it
/// is borrowed.
pub(crate) struct Run<'a> {
    leaf: &'a Node,
    first: usize,
    count: usize,
    is_owned: bool,
}

impl Run<'_> {
    /// The slot of the first page.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    /// How many pages there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether they are all owned; otherwise none is.
    pub(crate) fn is_owned(&self) -> bool {
        self.is_owned
    }

    /// The first slot.
    pub(super) fn as_raw(&self) -> *const *mut bindings::page {
        // SAFETY: By the type invariants the slot is in the leaf.
        unsafe { self.leaf.raw_slots().add(self.first) }
    }
}
