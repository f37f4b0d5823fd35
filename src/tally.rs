// SPDX-License-Identifier: GPL-2.0

//! Counting which pages of a map others show as well, for the accounts of spec 23. The cost
//! follows the nodes in which the maps differ.
#![deny(unsafe_code)]

use super::{count, PageMap};
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
                add_beside(&mut beside, node, 1)?;
            }
        }
        tally_below(root, root.height(), &beside, each)
    }
}

/// Nodes of other maps, and how many maps have each.
type Beside<'a> = KVVec<(&'a Node, u64)>;

/// Adds a node that `maps` maps have. One entry for each node: the cost of a tally follows the nodes
/// that differ, not the maps.
fn add_beside<'a>(beside: &mut Beside<'a>, node: &'a Node, maps: u64) -> Result {
    match beside
        .iter_mut()
        .find(|(other, _)| core::ptr::eq(*other, node))
    {
        Some(entry) => entry.1 += maps,
        None => beside.push((node, maps), GFP_KERNEL)?,
    }
    Ok(())
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
                        add_beside(&mut below, other, maps)?;
                    }
                }
                tally_below(child, height - 1, &below, each)?;
            }
        }
    }
    Ok(())
}
