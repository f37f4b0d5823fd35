// SPDX-License-Identifier: GPL-2.0

//! Counting which pages of a map others show as well, for the accounts of spec 23. The cost
//! follows the nodes in which the maps differ.
#![deny(unsafe_code)]

use super::PageMap;
use crate::sys::{
    self, errno,
    node::{Entry, Node, SLOTS},
};
use kernel::prelude::*;

impl PageMap {
    /// Calls `each(sharers, pages)` for groups of this map's pages that are shown by `sharers`
    /// maps each: this one and those of `others` that show the same page.
    pub(crate) fn tally(&self, others: &[&Self], each: &mut impl FnMut(u64, u64)) -> Result {
        let Some(root) = &self.root else {
            return Ok(());
        };
        let mut beside = KVVec::new();
        for other in others {
            let mut node = other.root.as_deref();
            // What another map has beyond this root's span cannot be the same page.
            while let Some(higher) = node.filter(|node| node.height() > root.height()) {
                node = match higher.entry(0) {
                    Entry::Node(child) => Some(child),
                    _ => None,
                };
            }
            if let Some(node) = node {
                beside.push((node, 1), GFP_KERNEL)?;
            }
        }
        unify(&mut beside);
        tally_below(root, root.height(), &beside, each)
    }
}

/// Nodes of other maps, and how many maps have each.
type Beside<'a> = KVVec<(&'a Node, u64)>;

/// Sorts by node: a heap sort. (That of `core` can panic, which objtool does not like.)
fn sort(beside: &mut [(&Node, u64)]) {
    let key = |(node, _): &(&Node, u64)| core::ptr::from_ref(*node);
    let sift = |heap: &mut [(&Node, u64)], mut at: usize| loop {
        let mut child = 2 * at + 1;
        if child + 1 < heap.len() && key(&heap[child]) < key(&heap[child + 1]) {
            child += 1;
        }
        if child >= heap.len() || key(&heap[child]) <= key(&heap[at]) {
            return;
        }
        heap.swap(at, child);
        at = child;
    };
    for at in (0..beside.len() / 2).rev() {
        sift(beside, at);
    }
    for end in (1..beside.len()).rev() {
        beside.swap(0, end);
        sift(&mut beside[..end], 0);
    }
}

/// Leaves one entry for each node: the cost of a tally follows the nodes that differ, not the maps.
fn unify(beside: &mut Beside<'_>) {
    sort(beside);
    let mut last = 0;
    for at in 1..beside.len() {
        let (node, maps) = beside[at];
        if core::ptr::eq(beside[last].0, node) {
            beside[last].1 += maps;
        } else {
            last += 1;
            beside[last] = (node, maps);
        }
    }
    beside.truncate(last + 1);
}

/// [`PageMap::tally`] for the subtree `node`, with what other maps have in its place: nodes of
/// its height, or lower ones that stand in the place of their slot 0.
fn tally_below(
    node: &Node,
    height: u32,
    beside: &[(&Node, u64)],
    each: &mut impl FnMut(u64, u64),
) -> Result {
    if sys::killed() {
        return Err(sys::error(errno::EINTR));
    }
    match beside {
        [] => {
            each(1, count(node));
            return Ok(());
        }
        [(other, maps)] if core::ptr::eq(*other, node) => {
            each(maps + 1, count(node));
            return Ok(());
        }
        _ => {}
    }
    let mut below = KVVec::new();
    for at in 0..SLOTS {
        match node.entry(at) {
            Entry::Empty => {}
            Entry::Page(page) => {
                let shows = |other: &Node| match other.entry(at) {
                    Entry::Page(other) => core::ptr::eq(other, page),
                    _ => false,
                };
                let maps = beside.iter().filter(|(other, _)| shows(other));
                each(maps.map(|(_, maps)| maps).sum::<u64>() + 1, 1);
            }
            Entry::Node(child) => {
                below.clear();
                for &(other, maps) in beside {
                    let other = match other.entry(at) {
                        _ if other.height() < height && at == 0 => Some(other),
                        _ if other.height() < height => None,
                        Entry::Node(child) => Some(child),
                        _ => None,
                    };
                    if let Some(other) = other {
                        below.push((other, maps), GFP_KERNEL)?;
                    }
                }
                unify(&mut below);
                tally_below(child, height - 1, &below, each)?;
            }
        }
    }
    Ok(())
}

/// The pages in the subtree `node`.
pub(super) fn count(node: &Node) -> u64 {
    if node.height() == 0 {
        return node.filled();
    }
    let below = (0..SLOTS).map(|at| match node.entry(at) {
        Entry::Node(child) => count(child),
        _ => 0,
    });
    below.sum()
}
