// SPDX-License-Identifier: GPL-2.0

//! How the processor caches pages.
//!
//! The kernel maps all memory for itself, write-back. Two translations of one page must agree on
//! how it is cached; so a page that mappings are to show otherwise is changed in the kernel's map
//! first, and changed back before the allocator gets it. Each page of ours remembers what it is,
//! so that whoever drops the last share need not know ([`PageRef`](super::page::PageRef)).
//!
//! A change makes every processor flush its translations, hence the batches.

use super::{c, page::Page};
use kernel::{error::to_result, prelude::*};

/// Pages changed by one call: what a leaf of the page map holds.
const BATCH: usize = super::node::SLOTS;

/// Whether there is any way but one on this processor.
pub(crate) const HAS_MODES: bool = cfg!(CONFIG_X86);

/// A way of caching.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// Write-back, as all ordinary memory.
    Cached,
    /// Not at all.
    Uncached,
    /// Writes are collected, reads not cached. Where the processor cannot do this: as `Uncached`.
    WriteCombining,
}

impl CacheMode {
    pub(super) fn raw(self) -> u32 {
        match self {
            Self::Cached => c::ZX_C_CACHE_WB,
            Self::Uncached => c::ZX_C_CACHE_UC,
            Self::WriteCombining => c::ZX_C_CACHE_WC,
        }
    }
}

impl Page {
    /// Whether the page is cached in this way.
    pub(crate) fn has_cache_mode(&self, mode: CacheMode) -> bool {
        // SAFETY: By the type invariants, this is one of our pages.
        unsafe { c::zx_page_cache(self.as_raw()) == mode.raw() }
    }

    /// Changes how the page is cached. It must be in no page table, and nobody else may change it
    /// meanwhile. On error, which is ENOMEM, it is write-back.
    pub(crate) fn set_cache_mode(&self, mode: CacheMode) -> Result {
        let mut batch = Batch::new(mode);
        batch.add(self)?;
        batch.finish()
    }
}

/// Pages that are to be cached in another way; see [`Page::set_cache_mode`] for what must hold of
/// each.
pub(crate) struct Batch<'a> {
    mode: CacheMode,
    length: usize,
    pages: [Option<&'a Page>; BATCH],
}

impl<'a> Batch<'a> {
    /// For a change to `mode`.
    pub(crate) fn new(mode: CacheMode) -> Self {
        Self {
            mode,
            length: 0,
            pages: [None; BATCH],
        }
    }

    /// Adds a page, unless it is what it shall be, and changes what has been collected if that
    /// is enough. On error the pages of that batch are write-back.
    pub(crate) fn add(&mut self, page: &'a Page) -> Result {
        if page.has_cache_mode(self.mode) {
            return Ok(());
        }
        self.pages[self.length] = Some(page);
        self.length += 1;
        if self.length < BATCH {
            return Ok(());
        }
        self.change()
    }

    /// Changes what is left.
    pub(crate) fn finish(mut self) -> Result {
        self.change()
    }

    fn change(&mut self) -> Result {
        let count = core::mem::replace(&mut self.length, 0);
        if count == 0 {
            return Ok(());
        }
        // SAFETY: The first `count` entries are pages of ours, set by `add`; a reference to a page
        // that may be null is laid out as the pointer. The array is not changed.
        to_result(unsafe {
            c::zx_pages_set_cache(
                self.pages.as_mut_ptr().cast(),
                count as u32,
                self.mode.raw(),
            )
        })
    }
}
