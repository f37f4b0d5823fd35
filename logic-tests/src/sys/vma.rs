// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `vma.rs`: faults around which no large folio can be shown. The tests
//! do what `fault.rs` does themselves.

use crate::content::Content;
use crate::sys::page::Page;
use core::marker::PhantomData;

/// See the head of this file.
pub(crate) struct Fault<'a>(PhantomData<&'a ()>);

/// What became of one.
pub(crate) struct FaultResult;

impl Fault<'_> {
    pub(crate) fn large_window(&self) -> Option<u64> {
        None
    }

    pub(crate) fn insert_large(&self, _: &Page, _: bool, _: &Content) -> FaultResult {
        FaultResult
    }
}
