// SPDX-License-Identifier: GPL-2.0

//! Large folios in a store: which operations make them, how mappings show them, and when their
//! memory is given back.
//!
//! Only COMMIT makes them, of 2 MiB in which nothing is committed yet; a page that is touched
//! commits just itself. The memory of a large folio is in use until its last page goes. So
//! whoever takes pages away copies what is left, once that is less than half. What relatives use as
//! well stays, until the last of them but one leaves the family; what others hold stays, too.
//!
//! A mapping shows an intact large folio by one entry, if addresses and pages are aligned alike.
//! Entering that takes `Store::content` for writing, which keeps all others from entering
//! anything in its place meanwhile; what it shows follows the same rules as for single pages.
#![deny(unsafe_code)]

use crate::{
    cache_policy::CachePolicy,
    content::Content,
    status::ZxResult,
    store::Store,
    sys::{
        large::{self, LargePages, LARGE_PAGES},
        page,
        vma::{Fault, FaultResult},
        PAGE_SIZE,
    },
};

/// Pages of a large folio.
const PAGES: u64 = LARGE_PAGES as u64;

impl Store {
    /// Commits the large folio's worth of pages from page `index` on, if there is nothing yet, and
    /// large folios are to be had and to be used. Returns whether it did. NOT_FOUND if the content
    /// was discarded.
    pub(crate) fn commit_large(&self, index: u64) -> ZxResult<bool> {
        if !large::enabled() {
            return Ok(false);
        }
        let owner = {
            let content = self.read_lock();
            if !self.has_room_for_large(&content, index)? {
                return Ok(false);
            }
            content.pages.owner().clone()
        };
        let Some(pages) = LargePages::new(&owner) else {
            return Ok(false);
        };
        let mut content = self.write_lock();
        if !self.has_room_for_large(&content, index)? {
            return Ok(false);
        }
        if content.zeros_shown {
            content.unmap(index, PAGES);
        }
        let key = content.origin + index;
        Ok(content.pages.fill_large(key, pages).is_ok())
    }

    fn has_room_for_large(&self, content: &Content, index: u64) -> ZxResult<bool> {
        content.present()?;
        Ok(self.cache_policy() == CachePolicy::CACHED
            && index.saturating_add(PAGES) <= self.page_count()
            && content.pages.has_room_for_large(content.origin + index))
    }

    /// As [`resolve`](Self::resolve), for the large folio around the fault: `None` if none can be
    /// shown there as a whole.
    pub(crate) fn resolve_large(
        &self,
        fault: &Fault<'_>,
        write: bool,
        limit: impl Fn() -> u64,
    ) -> Option<FaultResult> {
        let index = fault.large_window()?;
        // Without exclusive access first: mostly there is none.
        self.shows_large(&self.read_lock(), index, write, &limit)
            .then_some(())?;
        let content = self.write_lock();
        if !self.shows_large(&content, index, write, &limit) {
            return None;
        }
        let folio = content.pages.large(content.origin + index)?;
        folio.touch();
        Some(fault.insert_large(folio.first, folio.is_owned(), &content))
    }

    /// Whether the mapping may show the large folio that begins at page `index`; for a write it must
    /// be owned.
    fn shows_large(
        &self,
        content: &Content,
        index: u64,
        write: bool,
        limit: impl Fn() -> u64,
    ) -> bool {
        let end = self.page_count().min(limit().div_ceil(PAGE_SIZE));
        if self.cache_policy() != CachePolicy::CACHED
            || content.present().is_err()
            || index.saturating_add(PAGES) > end
        {
            return false;
        }
        let folio = content.pages.large(content.origin + index);
        // A writable mapping without a trap would let a shared page be written: `write` is set then.
        folio.is_some_and(|folio| !write || folio.is_owned())
    }
}

impl Store {
    /// Gives back what large folios can be given back now that a relative has let go of them.
    pub(crate) fn give_back_large(&self) {
        let mut content = self.write_lock();
        let mut from = 0;
        while let Some((key, start)) = content.pages.next_sparse(from) {
            content.give_back_large(start);
            from = start.saturating_add(PAGES).max(key + 1);
        }
    }
}

impl Content {
    /// Gives back the large folio that began at `start`, counted as the page map does, if few of its
    /// pages are left and nobody else uses them: these are copied. No harm if there is no memory.
    pub(crate) fn give_back_large(&mut self, start: u64) {
        let Some(keys) = self.pages.large_rest(start) else {
            return;
        };
        let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else {
            return;
        };
        self.unmap(first - self.origin, last + 1 - first);
        page::order_references();
        if self.pages.is_held(first) {
            return;
        }
        for key in keys {
            if self.pages.isolate(key).is_err() {
                return;
            }
        }
    }

    /// The first page in `first..end` that is in a large folio.
    pub(crate) fn next_large(&self, first: u64, end: u64) -> Option<u64> {
        let mut pages = self.pages_in(first, end);
        pages
            .find(|(_, page)| page.large_index().is_some())
            .map(|(index, _)| index)
    }
}
