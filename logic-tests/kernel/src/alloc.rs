// SPDX-License-Identifier: GPL-2.0

//! Vectors whose growth can fail.

use crate::failure;
use core::ops::{Deref, DerefMut};

/// There was no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocError;

/// What an allocation may do.
#[derive(Clone, Copy)]
pub struct Flags;

impl core::ops::BitOr for Flags {
    type Output = Self;

    fn bitor(self, _: Self) -> Self {
        self
    }
}

/// The flags, which mean nothing here.
pub mod flags {
    use super::Flags;

    /// May sleep.
    pub const GFP_KERNEL: Flags = Flags;
    /// And is charged.
    pub const GFP_KERNEL_ACCOUNT: Flags = Flags;
    /// Without a warning.
    pub const __GFP_NOWARN: Flags = Flags;
}

/// A vector.
pub struct KVVec<T>(Vec<T>);

/// A vector.
pub type KVec<T> = KVVec<T>;

impl<T> KVVec<T> {
    /// An empty one.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An empty one with room.
    pub fn with_capacity(capacity: usize, _: Flags) -> Result<Self, AllocError> {
        if capacity > 0 && failure::now() {
            return Err(AllocError);
        }
        Ok(Self(Vec::with_capacity(capacity)))
    }

    /// Appends `value`.
    pub fn push(&mut self, value: T, _: Flags) -> Result<(), AllocError> {
        if self.0.len() == self.0.capacity() && failure::now() {
            return Err(AllocError);
        }
        self.0.push(value);
        Ok(())
    }

    /// Leaves at most `length`.
    pub fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T> Default for KVVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for KVVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for KVVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<'a, T> IntoIterator for &'a KVVec<T> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for KVVec<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
