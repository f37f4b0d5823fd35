// SPDX-License-Identifier: GPL-2.0

//! The pages of a store: a sparse map from page number to page.
//!
//! A radix tree of [`SLOTS`]-wide nodes, which several maps may share by reference counts, like
//! the trees of a functional language or of a copy-on-write file system. A map holds exactly the
//! pages that its store shows; everything else reads as zero. So a lookup never leaves the map's
//! own tree, however many snapshots came before, and a snapshot is one more reference to the
//! root.
//!
//! What a map may do in place follows from the counts: a page is *owned* if no node on the way
//! to it is shared, the page has one sharer, and all its other users came through this map.
//! Owned pages may be written; everything else is copied first, page and path.
//!
//! The last condition is for pages that were shared and are no longer: a former sharer may have
//! passed a reference on (a pipe, a pin), and must not see what is written later. A page is
//! *touched* while it is owned and may be in a page table of this map's, or pinned from there; a
//! page that is not, and has users all the same, counts as shared.
//!
//! Through `&PageMap` (the store's lock held for reading) holes can be filled, by any number of
//! threads at once; everything else takes `&mut PageMap` (held for writing).
#![deny(unsafe_code)]

#[path = "page_ahead.rs"]
mod page_ahead;
#[path = "page_cut.rs"]
mod page_cut;
#[path = "page_large.rs"]
mod page_large;
#[path = "page_move.rs"]
mod page_move;
#[path = "tally.rs"]
mod tally;
#[path = "touched.rs"]
mod touched;

pub(crate) use page_ahead::Former;
pub(crate) use touched::Touched;

use crate::sys::{
    leaf::Pages,
    node::{Entry, Node, NodeRef, NODE_SIZE, SLOTS, SLOT_BITS},
    page::{self, Owner, Page, PageRef},
    trace,
};
use core::ops::Range;
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// What a map shows at a page number.
pub(crate) enum Shown<'a> {
    /// Zeros; no memory.
    Hole,
    /// A page that only this map can reach, and where it is.
    Owned(&'a Page, Place<'a>),
    /// A page that others see too.
    Shared(&'a Page),
}

/// Where a map has an owned page.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    leaf: &'a Node,
    at: usize,
    /// The map, and the number of the page, if the way to the leaf may lack marks.
    way: Option<(&'a PageMap, u64)>,
}

impl Place<'_> {
    /// Notes that the page is about to be entered into a page table: see
    /// [`PageMap::each_touched`].
    pub(crate) fn touch(self) {
        match self.way {
            // Whoever marks a leaf first marks the way before.
            Some((map, index)) if self.leaf.touched() == 0 => map.mark_way(index),
            _ => {}
        }
        self.leaf.touch(self.at);
    }
}

/// See the head of this file.
pub(crate) struct PageMap {
    root: Option<NodeRef>,
    pages: Atomic<u64>,
    /// What new pages are made for.
    owner: Owner,
}

fn slot(index: u64, height: u32) -> usize {
    (index >> (height * SLOT_BITS)) as usize % SLOTS
}

/// Page numbers that a node at `height` spans, or `None` if that is all of them.
fn span(height: u32) -> Option<u64> {
    1u64.checked_shl((height + 1) * SLOT_BITS)
}

fn covers(node: &Node, index: u64) -> bool {
    span(node.height()).is_none_or(|span| index < span)
}

impl PageMap {
    /// An empty map of the store `owner`.
    pub(crate) fn new(owner: Owner) -> Self {
        Self {
            root: None,
            pages: Atomic::new(0),
            owner,
        }
    }

    /// What new pages are made for.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Everything that is in the map, which is empty then.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self::new(self.owner.clone());
        core::mem::replace(self, empty)
    }

    /// Pages in the map.
    pub(crate) fn len(&self) -> u64 {
        self.pages.load(Relaxed)
    }

    /// Bytes that the map's own bookkeeping takes, shared nodes included.
    pub(crate) fn metadata_bytes(&self) -> u64 {
        fn nodes(node: &Node) -> u64 {
            let below = (0..SLOTS).map(|index| match node.entry(index) {
                Entry::Node(child) => nodes(child),
                _ => 0,
            });
            1 + below.sum::<u64>()
        }
        self.root.as_ref().map_or(0, |root| nodes(root)) * NODE_SIZE as u64
    }

    /// What is shown at `index`.
    pub(crate) fn get(&self, index: u64) -> Shown<'_> {
        let Some(root) = self.root.as_ref() else {
            return Shown::Hole;
        };
        let mut node: &Node = root;
        if !covers(node, index) {
            return Shown::Hole;
        }
        let mut shared = node.is_shared();
        loop {
            match node.entry(slot(index, node.height())) {
                Entry::Empty => return Shown::Hole,
                Entry::Node(child) => {
                    node = child;
                    shared |= node.is_shared();
                }
                Entry::Page(page) => {
                    let at = slot(index, 0);
                    if shared || page.sharers() > 1 || !node.is_touched(at) && page.is_held() {
                        return Shown::Shared(page);
                    }
                    let way = Some((self, index));
                    return Shown::Owned(
                        page,
                        Place {
                            leaf: node,
                            at,
                            way,
                        },
                    );
                }
            }
        }
    }

    /// The page at `index`. Of [`get`](Self::get), only the way there.
    pub(crate) fn page(&self, index: u64) -> Option<&Page> {
        let mut node: &Node = self.root.as_ref()?;
        if !covers(node, index) {
            return None;
        }
        loop {
            match node.entry(slot(index, node.height())) {
                Entry::Empty => return None,
                Entry::Node(child) => node = child,
                Entry::Page(page) => return Some(page),
            }
        }
    }

    /// The pages of the leaf that page `index` belongs to, as far as they are in `range`, with the
    /// number of the page in the leaf's first slot. `None` if there is no leaf.
    pub(crate) fn leaf(&self, index: u64, range: &Range<u64>) -> Option<(u64, Pages<'_>)> {
        let mut node: &Node = self.root.as_ref()?;
        if !covers(node, index) {
            return None;
        }
        let mut shared = node.is_shared();
        while node.height() > 0 {
            match node.entry(slot(index, node.height())) {
                Entry::Node(child) => node = child,
                _ => return None,
            }
            shared |= node.is_shared();
        }
        if !shared && node.touched() == 0 {
            self.mark_way(index);
        }
        let base = index - slot(index, 0) as u64;
        let at = |index: u64| index.saturating_sub(base).min(SLOTS as u64) as usize;
        let slots = at(range.start)..at(range.end);
        Some((base, Pages::of(node, slots, shared)))
    }

    /// Makes the hole at `index` an owned page of zeros. If another thread does so at the same
    /// time, both get the same page. `None` if it takes exclusive access: call
    /// [`own`](Self::own) then.
    pub(crate) fn fill(&self, index: u64) -> Result<Option<(&Page, Place<'_>)>> {
        let Some(root) = self.root.as_ref() else {
            return Ok(None);
        };
        let mut node: &Node = root;
        if !covers(node, index) {
            return Ok(None);
        }
        loop {
            if node.is_shared() {
                return Ok(None);
            }
            let at = slot(index, node.height());
            if node.height() == 0 {
                return self.fill_slot(node, index);
            }
            let child = match node.entry(at) {
                Entry::Node(child) => Some(child),
                _ => node.fill_node(at, self.new_node(node.height() - 1)?),
            };
            let Some(child) = child else {
                return Ok(None);
            };
            node = child;
        }
    }

    /// A node on the way to a page that is made next: none is left behind where there is no room
    /// for the page.
    fn new_node(&self, height: u32) -> Result<NodeRef> {
        self.owner.charge().has_room()?;
        NodeRef::new(height)
    }

    fn fill_slot<'a>(
        &'a self,
        leaf: &'a Node,
        index: u64,
    ) -> Result<Option<(&'a Page, Place<'a>)>> {
        let (at, way) = (slot(index, 0), Some((self, index)));
        if let Entry::Page(page) = leaf.entry(at) {
            let owned = page.sharers() == 1 && (leaf.is_touched(at) || !page.is_held());
            return Ok(owned.then_some((page, Place { leaf, at, way })));
        }
        let page = PageRef::zeroed(&self.owner)?;
        let (filled, won) = leaf.fill_page(at, page);
        if won {
            self.pages.add(1, Relaxed);
        }
        Ok(filled.map(|page| (page, Place { leaf, at, way })))
    }

    /// Makes what is shown at `index` an owned page, copying nodes and the page where they are
    /// shared, or were. A hole becomes a page of zeros. On error the map shows what it did before.
    ///
    /// `unmap` removes this map's translations of the page. It is called when they are in the way:
    /// before a page that was replaced is let go, so that nobody can reuse it while they are there.
    pub(crate) fn own(&mut self, index: u64, unmap: impl Fn()) -> Result<(&Page, Place<'_>)> {
        if !self.root.as_ref().is_some_and(|root| covers(root, index)) {
            self.owner.charge().has_room()?;
            self.grow(index)?;
        }
        let mut node = match self.root.as_mut() {
            Some(root) => root.make_mut()?,
            None => return Err(ENOMEM),
        };
        while node.height() > 0 {
            let (at, below) = (slot(index, node.height()), node.height() - 1);
            if matches!(node.entry(at), Entry::Empty) {
                self.owner.charge().has_room()?;
                node.fill_node(at, NodeRef::new(below)?);
            }
            node.touch_mut(at);
            node = node.node_mut(at).ok_or(ENOMEM)?.make_mut()?;
        }
        let at = slot(index, 0);
        let new = match node.entry(at) {
            Entry::Page(page) if page.sharers() == 1 && may_reuse(node, at, page, &unmap) => None,
            Entry::Page(page) => {
                trace::copy(|| (self.owner.id(), index));
                Some(PageRef::copy_of(page, &self.owner)?)
            }
            _ => Some(PageRef::zeroed(&self.owner)?),
        };
        if new.is_some() {
            let old = node.replace_page(at, new);
            if old.is_none() {
                self.pages.add(1, Relaxed);
            }
            // The page of zeros is not counted; any other is gone from all page tables already
            // if it is in none.
            if old.as_ref().is_none_or(|page| page.is_mapped()) {
                unmap();
            }
            drop(old);
        }
        match node.entry(at) {
            Entry::Page(page) => {
                let (leaf, way) = (&*node, None);
                Ok((page, Place { leaf, at, way }))
            }
            _ => Err(ENOMEM),
        }
    }

    /// Makes the tree high enough for `index`.
    fn grow(&mut self, index: u64) -> Result {
        loop {
            match self.root.take() {
                None => {
                    let mut height = 0;
                    while span(height).is_some_and(|span| index >= span) {
                        height += 1;
                    }
                    self.root = Some(NodeRef::new(height)?);
                }
                Some(root) if covers(&root, index) => {
                    self.root = Some(root);
                    return Ok(());
                }
                Some(root) => match NodeRef::new(root.height() + 1) {
                    Ok(higher) => {
                        higher.fill_node(0, root);
                        self.root = Some(higher);
                    }
                    Err(error) => {
                        self.root = Some(root);
                        return Err(error);
                    }
                },
            }
        }
    }

    /// The first page at or after `from`, with its number.
    pub(crate) fn next(&self, from: u64) -> Option<(u64, &Page)> {
        fn next(node: &Node, base: u64, from: u64) -> Option<(u64, &Page)> {
            let shift = node.height() * SLOT_BITS;
            let first = if from > base {
                slot(from, node.height())
            } else {
                0
            };
            (first..SLOTS).find_map(|at| {
                let base = base + ((at as u64) << shift);
                match node.entry(at) {
                    Entry::Empty => None,
                    Entry::Page(page) => Some((base, page)),
                    Entry::Node(child) => next(child, base, from),
                }
            })
        }
        let root = self.root.as_ref().filter(|root| covers(root, from))?;
        next(root, 0, from)
    }
}

/// Whether the page in slot `at`, which has one sharer, may be written in place.
fn may_reuse(leaf: &Node, at: usize, page: &Page, unmap: &impl Fn()) -> bool {
    if leaf.is_touched(at) || !page.is_held() {
        return true;
    }
    // The users may be no more than this map's own read-only translations.
    unmap();
    page::order_references();
    !page.is_held()
}
