// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `user.rs`: user memory is a test's vector.

use core::marker::PhantomData;
use kernel::bindings;

/// A position in a buffer.
///
/// # Invariants
///
/// `iter` describes memory that is borrowed for `'a`.
pub(crate) struct IovIter<'a> {
    iter: bindings::iov_iter,
    _borrow: PhantomData<&'a mut [u8]>,
}

impl<'a> IovIter<'a> {
    /// At the start of `buffer`.
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        let iter = bindings::iov_iter {
            address: buffer.as_mut_ptr().expose_provenance(),
            count: buffer.len(),
        };
        Self {
            iter,
            _borrow: PhantomData,
        }
    }

    pub(super) fn as_raw(&mut self) -> *mut bindings::iov_iter {
        &mut self.iter
    }

    /// Bytes left.
    pub(crate) fn remaining(&self) -> usize {
        self.iter.count
    }
}
