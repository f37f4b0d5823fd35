// SPDX-License-Identifier: GPL-2.0

//! Large folios: [`LARGE_PAGES`] pages in one piece, which page tables can show by one entry.
//!
//! A slot of a page map leads to one page of a large folio as it leads to any other page; sharers
//! are counted by page. What the rest of the kernel does with one of the pages (pins, references,
//! translations) is counted for the whole folio. The folio is given back with its last page.

use super::{
    c,
    node::{Node, SLOTS},
    page::{Owner, Page, PageRef},
};
use core::ptr::NonNull;
use kernel::{bindings, error::to_result, prelude::*};

/// Pages of a large folio, on every machine that has any.
pub(crate) const LARGE_PAGES: usize = c::ZX_C_LARGE_PAGES as usize;

/// Leaves of a page map that lead to one large folio, if it lies aligned.
pub(crate) const LARGE_LEAVES: usize = LARGE_PAGES / SLOTS;

/// Whether large folios are to be used.
pub(crate) fn enabled() -> bool {
    c::ZX_C_PMD_ORDER == c::ZX_C_LARGE_ORDER
        && crate::module_parameters::large_folios.value().ne(&0)
}

/// Whether there is any large folio at all.
pub(crate) fn any() -> bool {
    // SAFETY: No requirements.
    unsafe { c::zx_large_any() }
}

/// Whether there is any large folio of which less than half is in some page map.
pub(crate) fn any_is_sparse() -> bool {
    // SAFETY: No requirements.
    unsafe { c::zx_large_any_sparse() }
}

impl Page {
    /// The number of the page in its large folio, if it is in one.
    pub(crate) fn large_index(&self) -> Option<usize> {
        // SAFETY: By the type invariants, this is one of our pages.
        let index = unsafe { c::zx_large_index(self.as_raw()) };
        index.try_into().ok()
    }

    /// Whether, with `gone` fewer pages, less than half of this one's large folio would be in some
    /// page map. Not so for a page that is in none.
    pub(crate) fn is_large_rest_without(&self, gone: u64) -> bool {
        // SAFETY: As in `large_index`.
        let live = unsafe { c::zx_large_live(self.as_raw()) };
        live > 0 && u64::from(live) < (LARGE_PAGES as u64 / 2).saturating_add(gone)
    }

    /// How many pages of this one's large folio are in some page map, if these are less than half of
    /// it; otherwise 0.
    pub(crate) fn large_rest(&self) -> usize {
        // SAFETY: As in `large_index`.
        unsafe { c::zx_large_rest(self.as_raw()) as usize }
    }

    /// Whether one slot leads to the page: [`sharers`](Self::sharers) may say more.
    pub(crate) fn has_one_slot(&self) -> bool {
        // SAFETY: As in `large_index`.
        unsafe { c::zx_page_slots(self.as_raw()) == 1 }
    }

    /// The page that is `number` pages behind this one in a large folio that has both.
    fn behind(&self, number: usize) -> *mut bindings::page {
        self.as_raw().wrapping_add(number)
    }
}

/// A new large folio of zeros, which is in no page map yet.
///
/// # Invariants
///
/// `next` is the first of `left` pages in a row of a large folio. One sharer of each is owned.
pub(crate) struct LargePages {
    next: NonNull<bindings::page>,
    left: usize,
}

impl LargePages {
    /// Allocates one for `owner` (see [`PageRef::zeroed`]), if there is one to be had at once.
    pub(crate) fn new(owner: &Owner) -> Option<Self> {
        // SAFETY: May sleep, as all callers can; the account exists.
        let first = unsafe { c::zx_page_alloc_large(owner.id(), owner.charge().as_raw()) };
        // INVARIANT: Each page of a new folio has one sharer, which is ours.
        Some(Self {
            next: NonNull::new(first)?,
            left: LARGE_PAGES,
        })
    }

    fn advance(&mut self, count: usize) {
        self.left -= count;
        if self.left > 0 {
            // SAFETY: There are pages behind the `count` next ones, in one piece.
            self.next = unsafe { self.next.add(count) };
        }
    }
}

impl Drop for LargePages {
    fn drop(&mut self) {
        while self.left > 0 {
            // SAFETY: By the type invariants, the page's sharer is ours; it is given up once.
            drop(unsafe { PageRef::from_raw(self.next) });
            self.advance(1);
        }
    }
}

impl Node {
    /// Puts the next pages of `pages` into a node of height 0, which is empty.
    pub(crate) fn fill_large(&mut self, pages: &mut LargePages) {
        if self.height() != 0 || !self.is_empty() || pages.left < SLOTS {
            return;
        }
        // SAFETY: The slots are ours alone and empty. They take over the sharers of pages that are
        // in a row, by the type invariants of `pages`.
        unsafe { c::zx_slots_fill(self.raw_slots_mut(), SLOTS as u32, pages.next.as_ptr()) };
        pages.advance(SLOTS);
    }

    /// Whether the slots of a node of height 0 lead, in order, to pages of the large folio of which
    /// `first` is the first page: those from `number` on.
    pub(crate) fn leads_to(&self, first: &Page, number: usize) -> bool {
        if self.height() != 0 {
            return false;
        }
        // SAFETY: The slots may be filled meanwhile, which the callee allows for. The pointer is
        // only compared.
        unsafe { c::zx_slots_are(self.raw_slots(), SLOTS as u32, first.behind(number)) }
    }

    /// Which slots, of those whose bits are set in `among`, lead to a page with one sharer. For a
    /// node of height 0.
    pub(crate) fn alone(&self, among: u64) -> u64 {
        if self.height() != 0 {
            return 0;
        }
        // SAFETY: As in `filled`. At height 0 each slot is empty or has a page of ours.
        unsafe { c::zx_slots_alone(self.raw_slots(), among) }
    }

    /// As [`alone`](Self::alone), and which of these pages are held; see [`Page::is_held`].
    pub(crate) fn alone_and_held(&self, among: u64) -> (u64, u64) {
        if self.height() != 0 {
            return (0, 0);
        }
        let mut held = 0;
        // SAFETY: As in `alone`.
        let alone = unsafe { c::zx_slots_alone_held(self.raw_slots(), among, &mut held) };
        (alone, held)
    }

    /// The first slot of a node of height 0, from `from` on, whose page is in a large folio of which
    /// less than half is in some page map.
    pub(crate) fn first_sparse(&self, from: usize) -> Option<usize> {
        if self.height() != 0 || from >= SLOTS {
            return None;
        }
        // SAFETY: As in `alone`.
        let at = unsafe { c::zx_slots_first_sparse(self.raw_slots(), from as u32, SLOTS as u32) };
        let at = at as usize;
        (at < SLOTS).then_some(at)
    }

    /// Makes sure that [`set_owner`](Self::set_owner) can be called for this node once `all` its
    /// pages, or some of them, are in a node of another map.
    pub(crate) fn reserve_owners(&self, all: bool) -> Result {
        if self.height() != 0 {
            return Ok(());
        }
        // SAFETY: As in `alone`.
        to_result(unsafe { c::zx_slots_reserve_owners(self.raw_slots(), all) })
    }
}

/// What large folios need. Exists once, from module initialisation to exit.
pub(crate) struct LargeCache(());

impl LargeCache {
    /// Makes it. Must be dropped after every page.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Runs once, before the first page is made.
        to_result(unsafe { c::zx_large_init() })?;
        Ok(Self(()))
    }
}

impl Drop for LargeCache {
    fn drop(&mut self) {
        // SAFETY: Made in `new`. The module exits, so no page is left.
        unsafe { c::zx_large_exit() };
    }
}
