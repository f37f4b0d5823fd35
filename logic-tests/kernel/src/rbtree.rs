// SPDX-License-Identifier: GPL-2.0

//! Trees by the kernel's names, over the host's.

use crate::{alloc::AllocError, alloc::Flags, failure};
use core::{marker::PhantomData, ops::Bound::Included, ops::Bound::Unbounded};
use std::collections::BTreeMap;

/// A tree.
pub struct RBTree<K, V>(BTreeMap<K, V>);

/// An entry that is in no tree.
pub struct RBTreeNode<K, V>(K, V);

/// Memory for an entry.
pub struct RBTreeNodeReservation<K, V>(PhantomData<fn(K, V)>);

/// A place in a tree.
pub struct Cursor<'a, K, V>(&'a K, &'a V);

/// A place in a tree, to change it there.
pub struct CursorMut<'a, K, V>(&'a mut BTreeMap<K, V>, K);

impl<K: Ord + Copy, V> Default for RBTree<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Copy, V> RBTree<K, V> {
    /// An empty one.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// What had the key before.
    pub fn insert(&mut self, node: RBTreeNode<K, V>) -> Option<RBTreeNode<K, V>> {
        let old = self.0.insert(node.0, node.1)?;
        Some(RBTreeNode(node.0, old))
    }

    /// Takes out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }

    /// Takes out, with the memory.
    pub fn remove_node(&mut self, key: &K) -> Option<RBTreeNode<K, V>> {
        self.0.remove(key).map(|value| RBTreeNode(*key, value))
    }

    /// The first entry with this key or a higher one.
    pub fn cursor_lower_bound(&self, key: &K) -> Option<Cursor<'_, K, V>> {
        let mut above = self.0.range((Included(key), Unbounded));
        above.next().map(|(key, value)| Cursor(key, value))
    }

    /// The same, to change it.
    pub fn cursor_lower_bound_mut(&mut self, key: &K) -> Option<CursorMut<'_, K, V>> {
        let mut above = self.0.range((Included(key), Unbounded));
        let key = *above.next()?.0;
        Some(CursorMut(&mut self.0, key))
    }

    /// The first entry.
    pub fn cursor_front_mut(&mut self) -> Option<CursorMut<'_, K, V>> {
        let key = *self.0.first_key_value()?.0;
        Some(CursorMut(&mut self.0, key))
    }
}

impl<K, V> Cursor<'_, K, V> {
    /// The entry.
    pub fn current(&self) -> (&K, &V) {
        (self.0, self.1)
    }
}

impl<K: Ord + Copy, V> CursorMut<'_, K, V> {
    /// The entry.
    pub fn current(&self) -> (&K, &V) {
        (&self.1, &self.0[&self.1])
    }

    /// Takes it out. The first of the result is never used here.
    pub fn remove_current(self) -> (Option<Self>, RBTreeNode<K, V>) {
        match self.0.remove(&self.1) {
            Some(value) => (None, RBTreeNode(self.1, value)),
            None => unreachable!("the cursor is at an entry"),
        }
    }
}

impl<K, V> RBTreeNode<K, V> {
    /// A new one.
    pub fn new(key: K, value: V, _: Flags) -> Result<Self, AllocError> {
        if failure::now() {
            return Err(AllocError);
        }
        Ok(Self(key, value))
    }

    /// What it is made of.
    pub fn to_key_value(self) -> (K, V) {
        (self.0, self.1)
    }
}

impl<K, V> RBTreeNodeReservation<K, V> {
    /// Memory for one.
    pub fn new(_: Flags) -> Result<Self, AllocError> {
        if failure::now() {
            return Err(AllocError);
        }
        Ok(Self(PhantomData))
    }

    /// The entry in that memory.
    pub fn into_node(self, key: K, value: V) -> RBTreeNode<K, V> {
        RBTreeNode(key, value)
    }
}
