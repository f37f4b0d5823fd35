// SPDX-License-Identifier: GPL-2.0

//! What a store holds: its pages, and what mappings may show of them. The rules are at the head of
//! [`store`](crate::store), whose lock protects this.
#![deny(unsafe_code)]

use crate::{
    ahead::Ahead,
    discard::Discardable,
    page_map::{PageMap, Place, Shown, Touched},
    status::{Status, ZxResult},
    sys::{
        self,
        cache::{Batch, CacheMode},
        fs::Inode,
        leaf::Pages,
        page::{self, Page},
        PAGE_SHIFT, PAGE_SIZE,
    },
};
use core::ops::{ControlFlow, Range};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// Owned pages that are this near are protected by one call: a few translations too many cost
/// less than one more walk.
const PROTECT_GAP: u64 = 8;

/// What `Store::content` protects.
pub(crate) struct Content {
    /// The pages, by page number counted from the family's root.
    pub(crate) pages: PageMap,
    /// See `Store::origin`.
    pub(crate) origin: u64,
    /// The inode whose mapping knows every mapping of the store; gone with the last VMO.
    pub(crate) inode: Option<Inode>,
    /// Whether the page of zeros may be in a page table.
    pub(crate) zeros_shown: bool,
    /// For a discardable VMO.
    pub(crate) discardable: Option<Discardable>,
    /// Who touches pages in order, and what is there ahead of them.
    pub(crate) ahead: Ahead,
    /// Whether there has ever been a mapping. Set before the first fault, and before that nobody
    /// can have a translation of a page or a pin.
    pub(crate) mapped: Atomic<bool>,
}

impl Content {
    /// `pages`, not mapped.
    pub(crate) fn new(pages: PageMap, origin: u64) -> Self {
        Self {
            pages,
            origin,
            inode: None,
            zeros_shown: false,
            discardable: None,
            ahead: Ahead::new(),
            mapped: Atomic::new(false),
        }
    }

    /// Removes all translations of `count` pages from `first` on.
    pub(crate) fn unmap(&self, first: u64, count: u64) {
        unmap(&self.inode, &self.mapped, first, count);
    }

    /// What the store shows at page `index`.
    pub(crate) fn get(&self, index: u64) -> Shown<'_> {
        self.pages.get(self.origin + index)
    }

    /// The pages in `range` that are in one leaf of the page map with page `index`. With them, the
    /// number of the page in the leaf's first slot, modulo 2^64: that may be before the store.
    pub(crate) fn leaf(&self, index: u64, range: &Range<u64>) -> Option<(u64, Pages<'_>)> {
        let (base, pages) = self.pages.leaf(self.origin + index, &self.keys(range))?;
        Some((base.wrapping_sub(self.origin), pages))
    }

    /// See [`PageMap::fill`].
    pub(crate) fn fill(&self, index: u64) -> Result<Option<(&Page, Place<'_>)>> {
        self.pages.fill(self.origin + index)
    }

    /// The page at `index`, owned; see [`PageMap::own`]. Translations of what was there before
    /// are gone.
    pub(crate) fn own(&mut self, index: u64) -> Result<(&Page, Place<'_>)> {
        let (inode, mapped) = (&self.inode, &self.mapped);
        self.pages
            .own(self.origin + index, || unmap(inode, mapped, index, 1))
    }

    /// The numbers that pages `range` have in the page map.
    pub(crate) fn keys(&self, range: &Range<u64>) -> Range<u64> {
        self.origin + range.start..self.origin + range.end
    }

    /// Removes pages `first..end`, whose translations are gone. See [`PageMap::remove`].
    pub(crate) fn remove(&mut self, first: u64, end: u64) -> Result {
        let keys = self.keys(&(first..end));
        let cut = self.pages.cut_large(keys.start, keys.end);
        self.pages.remove(keys.start, keys.end)?;
        for start in cut.into_iter().flatten() {
            self.give_back_large(start);
        }
        Ok(())
    }

    /// NOT_FOUND if the content was discarded, and nobody has locked the VMO since (spec 7.6).
    pub(crate) fn present(&self) -> ZxResult {
        match &self.discardable {
            Some(state) if state.is_discarded() => Err(Status::NOT_FOUND),
            _ => Ok(()),
        }
    }

    /// The pages that the store shows.
    pub(crate) fn pages(&self) -> &PageMap {
        &self.pages
    }
}

/// Where a range of bytes meets one page.
pub(crate) struct Span {
    /// The page.
    pub(crate) index: u64,
    /// First byte in the page.
    pub(crate) offset: usize,
    /// Bytes, in the page.
    pub(crate) length: usize,
}

impl Span {
    /// The first piece of `length` bytes from byte `at` on that lies in one page.
    pub(crate) fn first(at: u64, length: u64) -> Self {
        let offset = at % PAGE_SIZE;
        Self {
            index: at >> PAGE_SHIFT,
            offset: offset as usize,
            length: length.min(PAGE_SIZE - offset) as usize,
        }
    }
}

impl Content {
    /// Makes the pages in `first..end` cached in this way, and none that somebody else shows:
    /// those are copied first. They must be in no page table, unless they are so already. On error
    /// some of them are write-back instead.
    pub(crate) fn set_cache_mode(&mut self, first: u64, end: u64, mode: CacheMode) -> ZxResult {
        if mode != CacheMode::Cached {
            let mut from = first;
            while let Some(index) = self.next_shared(from, end) {
                self.own(index)?;
                from = index + 1;
            }
        }
        if mode != CacheMode::Cached {
            // A large folio is cached in one way.
            let mut from = first;
            while let Some(index) = self.next_large(from, end) {
                if sys::killed() {
                    return Err(Status::CANCELED);
                }
                self.pages.isolate(self.origin + index)?;
                from = index + 1;
            }
        }
        let mut batch = Batch::new(mode);
        for (_, page) in self.pages_in(first, end) {
            if mode != CacheMode::Cached && sys::killed() {
                return Err(Status::CANCELED);
            }
            batch.add(page)?;
        }
        Ok(batch.finish()?)
    }

    /// Removes pages `first..end` and their translations. BAD_STATE, and no change, if one is
    /// pinned (by FOLL_PIN: DMA).
    pub(crate) fn release(&mut self, first: u64, end: u64) -> ZxResult {
        if first >= end {
            return Ok(());
        }
        self.unmap_unpinned(first, end)?;
        Ok(self.remove(first, end)?)
    }

    /// Removes the translations of pages `first..end`; BAD_STATE if one is pinned.
    pub(crate) fn unmap_unpinned(&self, first: u64, end: u64) -> ZxResult {
        self.unmap(first, end - first);
        match self.next_pinned(first, end) {
            Some(_) => Err(Status::BAD_STATE),
            None => Ok(()),
        }
    }

    /// As [`release`](Self::release) of everything; needs no memory.
    pub(crate) fn clear(&mut self) -> ZxResult {
        self.unmap_unpinned(0, u64::MAX)?;
        drop(self.pages.take());
        Ok(())
    }

    /// The page at `index` if it is committed and owned, or can be made so with shared access.
    pub(crate) fn committed(&self, index: u64) -> Result<Option<&Page>> {
        if self.ahead.has(index) {
            return Ok(None);
        }
        if !self.zeros_shown {
            // What is there already, it only looks at. One walk through the tree, not two: 100
            // instructions less for a fresh page.
            return Ok(self.fill(index)?.map(|(page, _)| page));
        }
        match self.get(index) {
            Shown::Owned(page, _) => Ok(Some(page)),
            _ => Ok(None),
        }
    }

    /// The page at `index`, whoever shows it as well; as [`get`](Self::get), for who only reads it.
    pub(crate) fn page(&self, index: u64) -> Option<&Page> {
        self.pages.page(self.origin + index)
    }

    /// Takes the owned pages in `first..end` away from all mappings, and returns those that are in
    /// use by something else: a pin, an I/O, a copy going on. (Translations of pages that are not
    /// owned do not permit writing.)
    pub(crate) fn protect(&mut self, first: u64, end: u64) -> Result<KVVec<u64>> {
        let mut held = KVVec::new();
        if !self.mapped.load(Relaxed) {
            return Ok(held);
        }
        let mut run = first..first;
        let _ = self.each_touched(first, end, |touched| {
            for range in touched.ranges() {
                let range = range.start - self.origin..range.end - self.origin;
                if range.start > run.end + PROTECT_GAP {
                    self.unmap(run.start, run.end - run.start);
                    run.start = range.start;
                }
                run.end = range.end;
            }
            ControlFlow::<()>::Continue(())
        });
        self.unmap(run.start, run.end - run.start);
        page::order_references();
        let walked = self.each_touched(first, end, |touched| {
            let noted =
                touched.untouch(|key| Ok(held.push(key - self.origin, GFP_KERNEL_ACCOUNT)?));
            noted.map_or_else(ControlFlow::Break, ControlFlow::Continue)
        });
        let keys = self.keys(&(first..end));
        self.pages.tidy_marks(keys.start, keys.end);
        match walked {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(held),
        }
    }

    fn each_touched<B>(
        &self,
        first: u64,
        end: u64,
        mut each: impl FnMut(Touched<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let keys = self.keys(&(first..end));
        self.pages.each_touched(keys.start, keys.end, &mut each)
    }

    /// The pages in `first..end`, in order.
    pub(crate) fn pages_in(&self, first: u64, end: u64) -> impl Iterator<Item = (u64, &Page)> {
        let mut from = self.origin + first;
        core::iter::from_fn(move || {
            let (key, page) = self.pages.next(from)?;
            from = key + 1;
            let index = key - self.origin;
            (index < end).then_some((index, page))
        })
    }

    /// Makes bytes `from..to` read as zero (spec 7.5). Whole pages are given back, unless they
    /// are pinned; parts of pages are zeroed in place, if there is a page.
    pub(crate) fn zero(&mut self, from: u64, to: u64) -> ZxResult {
        if from >= to {
            return Ok(());
        }
        let head = Span::first(from, to - from);
        if head.length < PAGE_SIZE as usize {
            self.zero_part(head)?;
        }
        let first = from.div_ceil(PAGE_SIZE);
        let end = to >> PAGE_SHIFT;
        if first < end {
            self.zero_pages(first, end)?;
        }
        if to % PAGE_SIZE != 0 && end >= first {
            self.zero_part(Span {
                index: end,
                offset: 0,
                length: (to % PAGE_SIZE) as usize,
            })?;
        }
        Ok(())
    }

    fn zero_part(&mut self, part: Span) -> ZxResult {
        if matches!(self.get(part.index), Shown::Hole) {
            return Ok(());
        }
        self.own(part.index)?.0.zero(part.offset, part.length);
        Ok(())
    }

    fn zero_pages(&mut self, first: u64, end: u64) -> ZxResult {
        self.unmap(first, end - first);
        let mut from = first;
        // Pinned pages stay: what has them pinned goes on writing to them.
        while let Some(pinned) = self.next_pinned(from, end) {
            self.remove(from, pinned)?;
            self.own(pinned)?.0.zero(0, PAGE_SIZE as usize);
            from = pinned + 1;
        }
        Ok(self.remove(from, end)?)
    }

    fn next_shared(&self, first: u64, end: u64) -> Option<u64> {
        let shared = |index: &u64| matches!(self.get(*index), Shown::Shared(_));
        self.pages_in(first, end)
            .map(|(index, _)| index)
            .find(shared)
    }

    /// The first page in `first..end` that is pinned (by FOLL_PIN: DMA) and this store's own.
    pub(crate) fn next_pinned(&self, first: u64, end: u64) -> Option<u64> {
        // What was never mapped was never pinned: nothing to walk through.
        if !self.mapped.load(Relaxed) {
            return None;
        }
        // What relatives show as well is not this store's to keep, and their translations would
        // look like pins. What is this store's and pinned has been touched.
        let found = self.each_touched(first, end, |touched| match touched.first_pinned() {
            Some(key) => ControlFlow::Break(key - self.origin),
            None => ControlFlow::Continue(()),
        });
        found.break_value()
    }
}

fn unmap(inode: &Option<Inode>, mapped: &Atomic<bool>, first: u64, count: u64) {
    match inode {
        Some(inode) if count > 0 && mapped.load(Relaxed) => inode.unmap(first, count),
        _ => {}
    }
}
