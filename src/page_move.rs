// SPDX-License-Identifier: GPL-2.0

//! Moving pages from one map to another, or to another place of the same (spec 11).
//!
//! What needs memory is done first: [`PageMap::prepare`] makes the nodes at both ends of the
//! destination the map's own, and [`PageMap::frame`] makes the nodes that the pages will be in.
//! Then [`PageMap::extract`] takes the pages, [`Frame::settle`] puts them into the frame and
//! [`PageMap::graft`] puts the frame into the destination. Where source and destination are
//! aligned alike, whole leaves change places.
#![deny(unsafe_code)]

use super::{covers, slot, span, PageMap};
use crate::sys::node::{Entry, Node, NodeRef, SLOTS};
use kernel::{prelude::*, sync::atomic::Relaxed};

/// A tree without pages, as high as the destination's.
pub(crate) struct Frame {
    map: PageMap,
    /// First page number in the source, and in the destination.
    from: u64,
    to: u64,
}

fn leaf_start(index: u64) -> u64 {
    index & !(SLOTS as u64 - 1)
}

impl PageMap {
    /// The first page number in `first..end` whose page, or a node on the way to it, others show
    /// too.
    pub(crate) fn next_shared(&self, first: u64, end: u64) -> Option<u64> {
        fn next(node: &Node, base: u64, from: u64, end: u64, shared: bool) -> Option<u64> {
            let shared = shared || node.is_shared();
            let shift = node.height() * super::SLOT_BITS;
            let first = if from > base {
                slot(from, node.height())
            } else {
                0
            };
            if node.height() == 0 && !shared {
                let end = (end - base).min(SLOTS as u64) as usize;
                return node.first_shared(first, end).map(|at| base + at as u64);
            }
            for at in first..SLOTS {
                let base = base + ((at as u64) << shift);
                if base >= end {
                    break;
                }
                let found = match node.entry(at) {
                    Entry::Empty => None,
                    Entry::Page(_) => Some(base),
                    Entry::Node(child) => next(child, base, from, end, shared),
                };
                if found.is_some() {
                    return found;
                }
            }
            None
        }
        let root = self.root.as_ref().filter(|root| covers(root, first))?;
        next(root, 0, first, end, false)
    }

    /// Makes sure that pages can be removed from `first..end`, and a frame grafted there, without
    /// any memory.
    pub(crate) fn prepare(&mut self, first: u64, end: u64) -> Result {
        if self.root.is_none() || first >= end {
            return Ok(());
        }
        // Leaves hang below something.
        self.grow((end - 1).max(SLOTS as u64))?;
        self.own_path(first)?;
        self.own_path(end - 1)
    }

    /// A frame for the pages that `source` has in `first..end`, to be grafted into this map from
    /// `to` on, which is [prepared](Self::prepare).
    pub(crate) fn frame(&self, source: &Self, first: u64, end: u64, to: u64) -> Result<Frame> {
        let mut map = Self::new(self.owner.clone());
        let mut height = self.root.as_ref().map_or(1, |root| root.height());
        let last = to + (end - 1 - first);
        while span(height).is_some_and(|span| last >= span) {
            height += 1;
        }
        map.root = Some(NodeRef::new(height)?);
        source.reserve_owners(first, end)?;
        let mut frame = Frame {
            map,
            from: first,
            to,
        };
        let bottom = u32::from(frame.is_aligned());
        source.each_leaf(first, end, &mut |leaf, base| {
            if leaf.is_empty() {
                return Ok(());
            }
            // Both leaves that the pages of one may come into.
            let from = frame.place(base.max(first));
            let last = frame.place((base + (SLOTS as u64 - 1)).min(end - 1));
            frame.map.make_path(from, bottom)?;
            if leaf_start(from) != leaf_start(last) {
                frame.map.make_path(last, bottom)?;
            }
            Ok(())
        })?;
        Ok(frame)
    }

    /// Calls `each` for all leaves with pages in `first..end`, and perhaps for some without any,
    /// in order, with the number of the page in slot 0.
    pub(super) fn each_leaf(
        &self,
        first: u64,
        end: u64,
        each: &mut impl FnMut(&Node, u64) -> Result,
    ) -> Result {
        fn walk(
            node: &Node,
            base: u64,
            first: u64,
            end: u64,
            each: &mut impl FnMut(&Node, u64) -> Result,
        ) -> Result {
            let height = node.height();
            if height == 0 {
                return each(node, base);
            }
            let from = if first > base { slot(first, height) } else { 0 };
            for at in from..SLOTS {
                let base = base + ((at as u64) << (height * super::SLOT_BITS));
                if base >= end {
                    break;
                }
                if let Entry::Node(child) = node.entry(at) {
                    walk(child, base, first, end, each)?;
                }
            }
            Ok(())
        }
        match self.root.as_ref() {
            Some(root) if covers(root, first) => walk(root, 0, first, end, each),
            _ => Ok(()),
        }
    }

    /// Makes the nodes on the way to `index`, down to one at height `bottom`.
    pub(super) fn make_path(&mut self, index: u64, bottom: u32) -> Result {
        let Some(root) = self.root.as_mut() else {
            return Ok(());
        };
        let mut node = root.make_mut()?;
        while node.height() > bottom {
            let (at, below) = (slot(index, node.height()), node.height() - 1);
            if matches!(node.entry(at), Entry::Empty) {
                node.fill_node(at, NodeRef::new(below)?);
            }
            node.touch_mut(at);
            node = node.node_mut(at).ok_or(ENOMEM)?.make_mut()?;
        }
        Ok(())
    }

    /// The node at height `bottom` on the way to `index`, if it is there and nobody shares it.
    pub(super) fn node_at(&mut self, index: u64, bottom: u32) -> Option<&mut Node> {
        let mut node = self.root.as_mut()?.get_mut()?;
        while node.height() > bottom {
            let at = slot(index, node.height());
            node.touch_mut(at);
            node = node.node_mut(at)?.get_mut()?;
        }
        Some(node)
    }

    /// Takes the pages in `first..end`, none of which [anybody shares](Self::next_shared), out of
    /// the map. On error nothing is taken.
    pub(crate) fn extract(&mut self, first: u64, end: u64) -> Result<Self> {
        let taken = self.share(first, end, self.owner.clone())?;
        self.remove(first, end)?;
        Ok(taken)
    }

    /// Puts what is in `frame` into the map, which has nothing there and was prepared for it.
    pub(crate) fn graft(&mut self, frame: Frame) {
        let mut incoming = frame.map;
        self.pages.add(incoming.len(), Relaxed);
        match (&mut self.root, incoming.root.as_mut()) {
            (Some(root), Some(from)) => merge(root, from),
            (root, _) => *root = incoming.root.take(),
        }
    }
}

/// Moves what `from` leads to into `into`, which is of the same height. What both lead to is at an
/// end of the range, hence their own.
fn merge(into: &mut NodeRef, from: &mut NodeRef) {
    let (Some(into), Some(from)) = (into.get_mut(), from.get_mut()) else {
        return;
    };
    for at in 0..SLOTS {
        if from.height() == 0 {
            if let Some(page) = from.replace_page(at, None) {
                drop(into.replace_page(at, Some(page)));
            }
        } else if let Some(mut child) = from.take_node(at) {
            into.touch_mut(at);
            match into.node_mut(at) {
                Some(existing) => merge(existing, &mut child),
                None => {
                    into.fill_node(at, child);
                }
            }
        }
    }
}

impl Frame {
    fn is_aligned(&self) -> bool {
        self.from % SLOTS as u64 == self.to % SLOTS as u64
    }

    /// Where the source's page `index` goes. Not below 0 for those in the range.
    fn place(&self, index: u64) -> u64 {
        self.to.wrapping_add(index.wrapping_sub(self.from))
    }

    /// Puts the pages that were [extracted](PageMap::extract) into the frame.
    pub(crate) fn settle(mut self, mut taken: PageMap) -> Self {
        self.map.pages.add(taken.len(), Relaxed);
        if let Some(root) = taken.root.take() {
            self.settle_below(root, 0);
        }
        self
    }

    /// As [`settle`](Self::settle), for the subtree `node`, whose first page number is `base`.
    fn settle_below(&mut self, mut node: NodeRef, base: u64) {
        let height = node.height();
        if height == 0 {
            return self.settle_leaf(node, base);
        }
        // Nobody shares it, so there is no `else`.
        if let Some(node) = node.get_mut() {
            for at in 0..SLOTS {
                if let Some(child) = node.take_node(at) {
                    let base = base + ((at as u64) << (height * super::SLOT_BITS));
                    self.settle_below(child, base);
                }
            }
        }
    }

    fn settle_leaf(&mut self, mut leaf: NodeRef, base: u64) {
        if leaf.is_empty() {
            // It may lie outside of the range, hence have no place here; or be shared.
            return;
        }
        // Nobody shares it, as above.
        if let Some(leaf) = leaf.get_mut() {
            leaf.set_owner(self.map.owner.id());
        }
        if self.is_aligned() {
            let to = self.place(base);
            if let Some(parent) = self.map.node_at(to, 1) {
                parent.fill_node(slot(to, 1), leaf);
            }
            return;
        }
        let Some(leaf) = leaf.get_mut() else {
            return;
        };
        for at in 0..SLOTS {
            if let Some(page) = leaf.replace_page(at, None) {
                let to = self.place(base + at as u64);
                if let Some(leaf) = self.map.node_at(to, 0) {
                    drop(leaf.replace_page(slot(to, 0), Some(page)));
                }
            }
        }
    }
}
