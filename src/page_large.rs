// SPDX-License-Identifier: GPL-2.0

//! Large folios in a page map.
//!
//! A large folio is put where [`LARGE_PAGES`] slots in a row are empty, aligned, so that it fills
//! [`LARGE_LEAVES`] leaves below one node. It is *intact* while all of these slots lead to its
//! pages, in order: then a page table may show it as a whole. Everything else treats its pages one
//! by one. So slots may come to lead to other pages; and a folio of which few are left is given
//! back by copying these.
#![deny(unsafe_code)]

use super::{covers, slot, Entry, Node, NodeRef, PageMap};
use crate::sys::{
    large::{self, LargePages, LARGE_LEAVES, LARGE_PAGES},
    node::{SLOTS, SLOT_BITS},
    page::{Page, PageRef},
};
use kernel::{prelude::*, sync::atomic::Relaxed};

const PAGES: u64 = LARGE_PAGES as u64;

/// A large folio that is intact in a map.
pub(crate) struct Large<'a> {
    /// The first page.
    pub(crate) first: &'a Page,
    leaves: [&'a Node; LARGE_LEAVES],
    /// Whether others reach the leaves, too.
    shared: bool,
    held: bool,
}

impl Large<'_> {
    /// Whether each page is owned, as [`PageMap::get`] has it.
    pub(crate) fn is_owned(&self) -> bool {
        !self.shared
            && self.leaves.iter().all(|leaf| {
                leaf.alone(u64::MAX) == u64::MAX && (!self.held || leaf.touched() == u64::MAX)
            })
    }

    /// Notes that the owned ones of the pages are about to be entered into a page table.
    pub(crate) fn touch(&self) {
        // Pages that are held and not touched count as shared.
        if self.shared || self.held {
            return;
        }
        for leaf in self.leaves {
            leaf.touch_all(leaf.alone(u64::MAX));
        }
    }
}

impl PageMap {
    /// Whether there is nothing where a large folio could be put that begins at `first`.
    pub(crate) fn has_room_for_large(&self, first: u64) -> bool {
        first % PAGES == 0
            && first.checked_add(PAGES).is_some()
            && self.next(first).is_none_or(|(key, _)| key >= first + PAGES)
    }

    /// Puts `pages` into the map, from `first` on, where there [is room](Self::has_room_for_large).
    /// On error nothing changes.
    pub(crate) fn fill_large(&mut self, first: u64, mut pages: LargePages) -> Result {
        let mut leaves = KVec::with_capacity(LARGE_LEAVES, GFP_KERNEL)?;
        for _ in 0..LARGE_LEAVES {
            let mut leaf = NodeRef::new(0)?;
            leaf.make_mut()?.fill_large(&mut pages);
            leaves.push(leaf, GFP_KERNEL)?;
        }
        // Leaves hang below something.
        self.grow((first + PAGES - 1).max(SLOTS as u64))?;
        self.make_path(first, 1)?;
        let Some(parent) = self.node_at(first, 1) else {
            return Err(ENOMEM);
        };
        for (at, leaf) in leaves.into_iter().enumerate() {
            let at = slot(first, 1) + at;
            // There may be a leaf without pages.
            drop(parent.take_node(at));
            parent.fill_node(at, leaf);
        }
        self.pages.add(PAGES, Relaxed);
        Ok(())
    }

    /// The intact large folio that begins at `first`.
    pub(crate) fn large(&self, first: u64) -> Option<Large<'_>> {
        let mut node: &Node = self.root.as_ref().filter(|root| covers(root, first))?;
        if first % PAGES != 0 || node.height() == 0 {
            return None;
        }
        let mut shared = node.is_shared();
        while node.height() > 1 {
            let Entry::Node(child) = node.entry(slot(first, node.height())) else {
                return None;
            };
            node = child;
            shared |= node.is_shared();
        }
        let at = slot(first, 1);
        let Entry::Node(leaf) = node.entry(at) else {
            return None;
        };
        let Entry::Page(page) = leaf.entry(0) else {
            return None;
        };
        if page.large_index() != Some(0) {
            return None;
        }
        let mut leaves = [leaf; LARGE_LEAVES];
        for (number, place) in leaves.iter_mut().enumerate() {
            let Entry::Node(leaf) = node.entry(at + number) else {
                return None;
            };
            if !leaf.leads_to(page, number * SLOTS) {
                return None;
            }
            shared |= leaf.is_shared();
            *place = leaf;
        }
        if !shared {
            for number in 0..LARGE_LEAVES {
                self.mark_way(first + (number * SLOTS) as u64);
            }
        }
        Some(Large {
            first: page,
            leaves,
            shared,
            held: page.is_held(),
        })
    }

    /// Where large folios begin of which less than half would be left, but some pages, if
    /// `first..end` were removed.
    pub(crate) fn cut_large(&self, first: u64, end: u64) -> [Option<u64>; 2] {
        if !large::any() {
            return [None, None];
        }
        let cut = |from: u64| {
            let (key, page) = self.next(from)?;
            if !page.is_large_rest_without(end - first) {
                return None;
            }
            let start = key.checked_sub(page.large_index()? as u64)?;
            let inside = start >= first && end - first >= PAGES && start <= end - PAGES;
            (start < end && !inside).then_some(start)
        };
        let head = cut(first);
        let tail = match head {
            Some(start) if end - start <= PAGES => None,
            _ => cut(end),
        };
        [head, tail.filter(|start| head != Some(*start))]
    }

    /// What is left of the large folio that begins at `start`, if that is so little that it is
    /// better copied: its pages, by number. Only this map leads to them.
    pub(crate) fn large_rest(&self, start: u64) -> Option<KVVec<u64>> {
        let mut keys = KVVec::new();
        let mut live = 0;
        let mut from = start;
        while let Some((key, page)) = self.next(from).filter(|(key, _)| key - start < PAGES) {
            from = key + 1;
            if page.large_index() != Some((key - start) as usize) {
                continue;
            }
            live = page.large_rest();
            if live == 0 || self.alone(key).is_none() {
                return None;
            }
            keys.push(key, GFP_KERNEL).ok()?;
        }
        (live > 0 && keys.len() == live).then_some(keys)
    }

    /// The first large folio, from `from` on, of which so little is left, as far as this map alone
    /// leads there: the number of a page of it, and that at which the folio begins.
    pub(crate) fn next_sparse(&self, from: u64) -> Option<(u64, u64)> {
        fn next(node: &Node, base: u64, from: u64) -> Option<u64> {
            if node.is_shared() {
                return None;
            }
            let height = node.height();
            let first = if from > base { slot(from, height) } else { 0 };
            if height == 0 {
                return node.first_sparse(first).map(|at| base + at as u64);
            }
            (first..SLOTS).find_map(|at| match node.entry(at) {
                Entry::Node(child) => {
                    next(child, base + ((at as u64) << (height * SLOT_BITS)), from)
                }
                _ => None,
            })
        }
        let root = self.root.as_ref().filter(|root| covers(root, from))?;
        let key = next(root, 0, from)?;
        let (_, page) = self.next(key)?;
        let start = key.checked_sub(page.large_index()? as u64);
        Some((key, start.unwrap_or(key)))
    }

    /// Whether somebody holds the page at `key`; see [`Page::is_held`].
    pub(crate) fn is_held(&self, key: u64) -> bool {
        self.alone(key).is_none_or(Page::is_held)
    }

    /// Replaces the page of a large folio at `key` by a copy on its own, which takes its place for
    /// those who wait on futexes. It must be in no page table, and nobody must hold it. A page that
    /// is on its own stays.
    pub(crate) fn isolate(&mut self, key: u64) -> Result {
        self.own_path(key)?;
        let owner = self.owner.clone();
        let Some(leaf) = self.node_at(key, 0) else {
            return Ok(());
        };
        let at = slot(key, 0);
        if let Entry::Page(page) = leaf.entry(at) {
            if page.large_index().is_some() {
                let copy = PageRef::copy_of(page, &owner)?;
                drop(leaf.replace_page(at, Some(copy)));
            }
        }
        Ok(())
    }

    /// The page at `key`, if this map has one to which only it leads.
    fn alone(&self, key: u64) -> Option<&Page> {
        let mut node: &Node = self.root.as_ref().filter(|root| covers(root, key))?;
        loop {
            if node.is_shared() {
                return None;
            }
            match node.entry(slot(key, node.height())) {
                Entry::Empty => return None,
                Entry::Node(child) => node = child,
                Entry::Page(page) => return page.has_one_slot().then_some(page),
            }
        }
    }

    /// Makes sure that the pages in `first..end` can be given another owner.
    pub(crate) fn reserve_owners(&self, first: u64, end: u64) -> Result {
        if !large::any() {
            return Ok(());
        }
        self.each_leaf(first, end, &mut |leaf, base| {
            leaf.reserve_owners(first <= base && base + SLOTS as u64 <= end)
        })
    }
}
