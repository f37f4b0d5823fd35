// SPDX-License-Identifier: GPL-2.0

//! Taking a range of pages out of a map, and sharing the part of one that a child shows.
//!
//! Whole subtrees go at once. What is partly in the range is made this map's own first, along the
//! two ends; after that nothing can fail.
#![deny(unsafe_code)]

use super::{covers, slot, span, tally::count, PageMap};
use crate::sys::{
    node::{Node, NodeRef, SLOTS, SLOT_BITS},
    page::Owner,
};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

impl PageMap {
    /// Whether all pages are in `first..end`.
    fn is_within(&self, first: u64, end: u64) -> bool {
        self.next(0).is_none_or(|(index, _)| index >= first) && self.next(end).is_none()
    }

    /// Removes every page in `first..end`. On error (no memory to copy a shared node at one of
    /// the two ends) nothing is removed.
    pub(crate) fn remove(&mut self, first: u64, end: u64) -> Result {
        if first >= end || self.root.is_none() {
            return Ok(());
        }
        if self.is_within(first, end) {
            // Nothing has to be counted.
            self.pages = Atomic::new(0);
            self.root = None;
            return Ok(());
        }
        let mut removed = 0;
        self.cut(first, end, &mut |gone| removed += gone.pages())?;
        self.pages.fetch_sub(removed, Relaxed);
        Ok(())
    }

    /// As [`remove`](Self::remove), but leaves the count of pages to `gone`, which is told what
    /// is removed.
    fn cut(&mut self, first: u64, end: u64, gone: &mut impl FnMut(Gone<'_>)) -> Result {
        if first >= end {
            return Ok(());
        }
        // Nodes that are only partly in the range hold one of its ends. With these owned,
        // nothing below needs memory.
        self.own_path(first)?;
        // In one leaf, that is one way.
        if first / SLOTS as u64 != (end - 1) / SLOTS as u64 {
            self.own_path(end - 1)?;
        }
        if let Some(mut root) = self.root.take() {
            if !cut_below(&mut root, 0, first, end, gone) {
                self.root = Some(root);
            }
        }
        Ok(())
    }

    /// A map, of the store `owner`, that shows what this one shows in `first..end`,
    /// sharing pages and nodes. Costs nothing but a reference if that is everything.
    pub(crate) fn share(&mut self, first: u64, end: u64, owner: Owner) -> Result<Self> {
        let Some(root) = &self.root else {
            return Ok(Self::new(owner));
        };
        let mut shared = Self {
            root: Some(root.share()),
            pages: Atomic::new(self.len()),
            owner,
        };
        if !self.is_within(first, end) {
            shared.cut(0, first, &mut |_| {})?;
            shared.cut(end, u64::MAX, &mut |_| {})?;
            let pages = shared.root.as_ref().map_or(0, |root| count(root));
            shared.pages = Atomic::new(pages);
        }
        Ok(shared)
    }

    pub(super) fn own_path(&mut self, index: u64) -> Result {
        let Some(mut next) = self.root.as_mut() else {
            return Ok(());
        };
        if !covers(next, index) {
            return Ok(());
        }
        loop {
            let node = next.make_mut()?;
            let at = slot(index, node.height());
            match node.node_mut(at) {
                Some(child) => next = child,
                None => return Ok(()),
            }
        }
    }
}

/// What [`PageMap::cut`] removes.
enum Gone<'a> {
    Page,
    Subtree(&'a Node),
}

impl Gone<'_> {
    fn pages(&self) -> u64 {
        match self {
            Self::Page => 1,
            Self::Subtree(node) => count(node),
        }
    }
}

/// Removes `first..end` from the subtree `node`, whose first page number is `base`. Returns
/// whether nothing is left in it.
fn cut_below(
    node: &mut NodeRef,
    base: u64,
    first: u64,
    end: u64,
    gone: &mut impl FnMut(Gone<'_>),
) -> bool {
    let height = node.height();
    let last = span(height).map_or(u64::MAX, |span| base + (span - 1));
    if last < first || base >= end {
        return false;
    }
    if first <= base && last < end {
        gone(Gone::Subtree(node));
        return true;
    }
    // A node that is partly in the range is owned; see `remove`.
    let Some(node) = node.get_mut() else {
        return false;
    };
    let shift = height * SLOT_BITS;
    let from = if first > base { slot(first, height) } else { 0 };
    let to = if end <= last {
        slot(end - 1, height)
    } else {
        SLOTS - 1
    };
    for at in from..=to {
        if height == 0 {
            if node.replace_page(at, None).is_some() {
                gone(Gone::Page);
            }
        } else if let Some(child) = node.node_mut(at) {
            let base = base + ((at as u64) << shift);
            if cut_below(child, base, first, end, gone) {
                drop(node.take_node(at));
            }
        }
    }
    node.is_empty()
}
