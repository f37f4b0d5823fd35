// SPDX-License-Identifier: GPL-2.0

//! A store: the memory of one VMO (spec 23.2), and of every slice of and reference to it.
//!
//! # State and locks
//!
//! `inner`, a reader-writer semaphore, protects which pages there are and what mappings show:
//! - held for reading: look up, copy from and to owned pages, fill holes, enter owned or shared
//!   pages into page tables;
//! - held for writing: everything that takes a page away from its place or from a mapping.
//!
//! The sizes are atomics that change with `inner` held for writing, and may be read without.
//!
//! Lock order, outermost first: `mmap_lock` or the lock of one mapping; `Store::inner`; the
//! kernel's `i_mmap_rwsem` and page-table locks (taken inside `Inode::unmap` and
//! `Fault::insert`). With `inner` held nothing may touch user memory in a way that can fault,
//! and no file or inode may be released.
//!
//! # What mappings show
//!
//! A page-table entry shows an owned page (writable at once), a shared page (read-only) or,
//! read-only, the page of zeros. Whoever replaces what is shown at an index, or takes it away,
//! removes the entries of that index first, in all address spaces, holding `inner` for writing.
//! The page of zeros is the one case where filling a hole replaces something: once it may be
//! mapped (`zeros_shown`), holes are filled with `inner` held for writing, too.
#![deny(unsafe_code)]

use crate::{
    page_map::{Owned, PageMap, Shown},
    status::{Status, ZxResult},
    sys::{
        self,
        fs::Inode,
        page::{self, Page},
        rwsem::{ReadGuard, RwSem, WriteGuard},
        user::{BufferFault, IovIter},
        PAGE_SHIFT, PAGE_SIZE,
    },
};
use kernel::{
    prelude::*,
    sync::atomic::{Acquire, Atomic, Full, Relaxed, Release},
    sync::{static_lock_class, Arc},
};

/// Pages moved under one hold of the lock, so that writers of other pages are not kept waiting.
const BATCH: usize = 32;

/// Owned pages that are this near are protected by one call: a few translations too many cost
/// less than one more walk.
const PROTECT_GAP: u64 = 8;

static NEXT_ID: Atomic<u64> = Atomic::new(1);

/// See the head of this file.
#[pin_data]
pub(crate) struct Store {
    #[pin]
    inner: RwSem<Inner>,
    id: u64,
    size: Atomic<u64>,
    stream_size: Atomic<u64>,
    /// Pages from the start of the root of the snapshot family to the start of this store: the
    /// accumulated offset of spec 8.5. Page maps of one family count from the root's start, so
    /// that they can share nodes.
    origin: u64,
    /// VMOs that use this store: the one it was made for, slices of it and references to it.
    users: Atomic<u64>,
}

/// What `Store::inner` protects.
pub(crate) struct Inner {
    /// The pages, by page number counted from the family's root.
    pages: PageMap,
    /// See `Store::origin`.
    origin: u64,
    /// The inode whose mapping knows every mapping of the store; gone with the last VMO.
    inode: Option<Inode>,
    /// Whether the page of zeros may be in a page table.
    pub(crate) zeros_shown: bool,
    /// Whether there has ever been a mapping. Set before the first fault, and before that nobody
    /// can have a translation of a page or a pin.
    pub(crate) mapped: Atomic<bool>,
}

impl Inner {
    /// Removes all translations of `count` pages from `first` on.
    pub(crate) fn unmap(&self, first: u64, count: u64) {
        match &self.inode {
            Some(inode) if count > 0 && self.mapped.load(Relaxed) => inode.unmap(first, count),
            _ => {}
        }
    }

    /// What the store shows at page `index`.
    pub(crate) fn get(&self, index: u64) -> Shown<'_> {
        self.pages.get(self.origin + index)
    }

    /// See [`PageMap::fill`].
    pub(crate) fn fill(&self, index: u64) -> Result<Option<&Page>> {
        self.pages.fill(self.origin + index)
    }

    /// The page at `index`, owned; see [`PageMap::own`]. Translations of what was there before
    /// are gone.
    pub(crate) fn own(&mut self, index: u64) -> Result<&Page> {
        let key = self.origin + index;
        if self.pages.own(key)?.replaced {
            self.unmap(index, 1);
        }
        let Owned { page, .. } = self.pages.own(key)?;
        Ok(page)
    }

    fn remove(&mut self, first: u64, end: u64) -> Result {
        self.pages.remove(self.origin + first, self.origin + end)
    }

    /// The pages that the store shows.
    pub(crate) fn pages(&self) -> &PageMap {
        &self.pages
    }
}

/// Where a range of bytes meets pages.
struct Span {
    index: u64,
    offset: usize,
    length: usize,
}

impl Span {
    /// The first piece of `length` bytes from byte `at` on that lies in one page.
    fn first(at: u64, length: u64) -> Self {
        let offset = at % PAGE_SIZE;
        Self {
            index: at >> PAGE_SHIFT,
            offset: offset as usize,
            length: length.min(PAGE_SIZE - offset) as usize,
        }
    }
}

/// One step of a copy.
enum Step {
    /// Bytes were moved, perhaps fewer than wanted.
    Moved(usize),
    /// It takes exclusive access first.
    Exclusive,
    /// There is no page: the bytes are zero.
    Hole(usize),
}

impl Store {
    /// An empty store of `size` bytes, a multiple of the page size.
    pub(crate) fn new(size: u64, stream_size: u64) -> Result<Arc<Self>> {
        Self::with_pages(size, stream_size, PageMap::new(), 0)
    }

    fn with_pages(size: u64, stream_size: u64, pages: PageMap, origin: u64) -> Result<Arc<Self>> {
        let inner = Inner {
            pages,
            origin,
            inode: None,
            zeros_shown: false,
            mapped: Atomic::new(false),
        };
        Arc::pin_init(
            pin_init!(Self {
                inner <- RwSem::new(inner, c"zxvmo_store", static_lock_class!()),
                id: NEXT_ID.fetch_add(1, Relaxed),
                size: Atomic::new(size),
                stream_size: Atomic::new(stream_size),
                origin,
                users: Atomic::new(1),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// A number that no other store has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Shared access.
    pub(crate) fn read_lock(&self) -> ReadGuard<'_, Inner> {
        self.inner.read()
    }

    /// Shared access, if it is to be had at once.
    pub(crate) fn try_read_lock(&self) -> Option<ReadGuard<'_, Inner>> {
        self.inner.try_read()
    }

    /// Exclusive access.
    pub(crate) fn write_lock(&self) -> WriteGuard<'_, Inner> {
        self.inner.write()
    }

    /// Bytes; a multiple of the page size.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Acquire)
    }

    /// Pages.
    pub(crate) fn page_count(&self) -> u64 {
        self.size() >> PAGE_SHIFT
    }

    /// The stream (content) size in bytes.
    pub(crate) fn stream_size(&self) -> u64 {
        self.stream_size.load(Acquire)
    }

    /// Tells the store which inode its mappings belong to.
    pub(crate) fn set_inode(&self, inode: Inode) {
        self.inner.write().inode = Some(inode);
    }

    /// The inode that all mappings of the store belong to, unless it has retired.
    pub(crate) fn inode(&self) -> Option<Inode> {
        self.inner.read().inode.clone()
    }

    /// Another VMO uses the store; the caller's keeps it meanwhile.
    pub(crate) fn user_added(&self) {
        self.users.add(1, Relaxed);
    }

    /// A VMO no longer uses the store; whether it was the last one.
    pub(crate) fn user_dropped(&self) -> bool {
        self.users.fetch_sub(1, Full) == 1
    }

    /// Gives all memory back and lets go of the inode, as nobody can reach the store any more.
    pub(crate) fn retire(&self) {
        let (pages, inode) = {
            let mut inner = self.inner.write();
            let pages = core::mem::replace(&mut inner.pages, PageMap::new());
            (pages, inner.inode.take())
        };
        drop(pages);
        drop(inode);
    }

    /// Copies from byte `offset` of the store until `to` is full. Returns the bytes copied, and
    /// the error that ended it early; at the end of the store, or at `end` if that comes first,
    /// that is OUT_OF_RANGE.
    pub(crate) fn read(&self, offset: u64, end: u64, to: &mut IovIter<'_>) -> (u64, ZxResult) {
        self.transfer(offset, end, to, |store, at, length, to| {
            let span = Span::first(at, length);
            Ok(match store.get(span.index) {
                Shown::Owned(page) | Shown::Shared(page) => {
                    Step::Moved(page.copy_to(span.offset, span.length, to))
                }
                Shown::Hole => Step::Hole(span.length),
            })
        })
    }

    /// Copies to byte `offset` of the store until `from` is empty, committing the pages that are
    /// touched. Returns as [`read`](Self::read) does.
    pub(crate) fn write(&self, offset: u64, end: u64, from: &mut IovIter<'_>) -> (u64, ZxResult) {
        self.transfer(offset, end, from, |store, at, length, from| {
            let span = Span::first(at, length);
            Ok(match store.committed(span.index)? {
                Some(page) => Step::Moved(page.copy_from(span.offset, span.length, from)),
                None => Step::Exclusive,
            })
        })
    }

    fn transfer(
        &self,
        offset: u64,
        end: u64,
        iter: &mut IovIter<'_>,
        mut step: impl FnMut(&Inner, u64, u64, &mut IovIter<'_>) -> ZxResult<Step>,
    ) -> (u64, ZxResult) {
        let mut at = offset;
        // How much of the buffer is known to be present, after a fault: a copy beyond that may
        // move nothing at all.
        let mut present = usize::MAX;
        let result = loop {
            let wanted = iter.remaining().min(present) as u64;
            present = usize::MAX;
            if wanted == 0 {
                break Ok(());
            }
            if sys::killed() {
                break Err(Status::CANCELED);
            }
            let (moved, stop) = match self.transfer_batch(at, end, wanted, iter, &mut step) {
                Ok(batch) => batch,
                Err(status) => break Err(status),
            };
            at += moved;
            match stop {
                Stop::Fault => {
                    present = iter.fault_in(PAGE_SIZE as usize);
                    if present == 0 {
                        break Err(buffer_status(iter));
                    }
                }
                Stop::Hole(length) => {
                    let zeroed = iter.zero(length);
                    at += zeroed as u64;
                    if zeroed < length {
                        break Err(buffer_status(iter));
                    }
                }
                Stop::Exclusive(index) => {
                    let mut inner = self.inner.write();
                    if index < self.page_count() {
                        if let Err(error) = inner.own(index) {
                            break Err(error.into());
                        }
                    }
                }
                Stop::End => break Err(Status::OUT_OF_RANGE),
                Stop::Batch => {}
            }
        };
        (at - offset, result)
    }

    /// Moves pages under one hold of the lock. Returns the bytes moved and why it stopped.
    fn transfer_batch(
        &self,
        offset: u64,
        end: u64,
        wanted: u64,
        iter: &mut IovIter<'_>,
        step: &mut impl FnMut(&Inner, u64, u64, &mut IovIter<'_>) -> ZxResult<Step>,
    ) -> ZxResult<(u64, Stop)> {
        let inner = self.inner.read();
        let size = self.size().min(end);
        let mut moved = 0;
        for _ in 0..BATCH {
            let at = offset + moved;
            let length = (wanted - moved).min(size.saturating_sub(at));
            if wanted == moved {
                break;
            }
            if length == 0 {
                return Ok((moved, Stop::End));
            }
            match step(&inner, at, length, iter) {
                Ok(Step::Moved(count)) => {
                    moved += count as u64;
                    if count < Span::first(at, length).length {
                        return Ok((moved, Stop::Fault));
                    }
                }
                Ok(Step::Hole(length)) => return Ok((moved, Stop::Hole(length))),
                Ok(Step::Exclusive) => {
                    return Ok((moved, Stop::Exclusive(at >> PAGE_SHIFT)));
                }
                Err(status) if moved == 0 => return Err(status),
                Err(_) => break,
            }
        }
        Ok((moved, Stop::Batch))
    }

    /// Commits every page of bytes `from..to`, which must lie in the store (spec 7.3).
    pub(crate) fn commit(&self, from: u64, to: u64) -> ZxResult {
        let (mut index, end) = (from >> PAGE_SHIFT, to >> PAGE_SHIFT);
        while index < end {
            if sys::killed() {
                return Err(Status::CANCELED);
            }
            let mut stuck = false;
            {
                let inner = self.inner.read();
                let end = end.min(self.page_count()).min(index + BATCH as u64);
                while index < end && !stuck {
                    stuck = inner.committed(index)?.is_none();
                    index += u64::from(!stuck);
                }
            }
            if index < end && !stuck && index >= self.page_count() {
                return Err(Status::OUT_OF_RANGE);
            }
            if stuck {
                let mut inner = self.inner.write();
                if index < self.page_count() {
                    inner.own(index)?;
                }
            }
        }
        Ok(())
    }

    /// Gives back every page of bytes `from..to`, which must lie in the store and be whole pages
    /// (spec 7.4). BAD_STATE, and no change, if one is pinned.
    pub(crate) fn decommit(&self, from: u64, to: u64) -> ZxResult {
        let mut inner = self.inner.write();
        let end = (to >> PAGE_SHIFT).min(self.page_count());
        inner.release(from >> PAGE_SHIFT, end)
    }

    /// Makes bytes `from..to` read as zero (spec 7.5), as far as they lie in the store.
    pub(crate) fn zero(&self, from: u64, to: u64) -> ZxResult {
        let mut inner = self.inner.write();
        let to = to.min(self.size());
        inner.zero(from, to)
    }

    /// A store that shows bytes `offset..offset + size` of this one as they are now, and zeros
    /// where this one ends; `offset` is a multiple of the page size. INVALID_ARGS if the
    /// accumulated offset wraps (spec 8.5).
    ///
    /// Pages that somebody has pinned stay this store's alone, so that what is written through the
    /// pin is seen here and not there; the new store gets copies.
    pub(crate) fn snapshot(&self, offset: u64, size: u64, stream_size: u64) -> ZxResult<Arc<Self>> {
        let begin = self.accumulate(offset, size)?;
        let mut inner = self.inner.write();
        let first = (offset >> PAGE_SHIFT).min(self.page_count());
        let end = first + (size >> PAGE_SHIFT).min(self.page_count() - first);
        let held = inner.protect(first, end)?;
        let origin = self.origin;
        let mut pages = inner.pages.share(origin + first, origin + end)?;
        for index in held {
            pages.own(origin + index)?;
        }
        Ok(Self::with_pages(
            size,
            stream_size,
            pages,
            begin >> PAGE_SHIFT,
        )?)
    }

    /// The accumulated offset (spec 8.5) of byte `offset`; INVALID_ARGS if that, or `size` bytes
    /// from there, wraps 64 bits.
    pub(crate) fn accumulate(&self, offset: u64, size: u64) -> ZxResult<u64> {
        let begin = (self.origin << PAGE_SHIFT).checked_add(offset);
        let begin = begin.ok_or(Status::INVALID_ARGS)?;
        begin.checked_add(size).ok_or(Status::INVALID_ARGS)?;
        Ok(begin)
    }

    /// Changes the size to `size` rounded up (which the caller has checked), and the stream size
    /// to `size` (spec 5.3).
    pub(crate) fn set_size(&self, size: u64, rounded: u64) -> ZxResult {
        let mut inner = self.inner.write();
        let old = self.size();
        if rounded > old {
            self.accumulate(0, rounded)?;
        }
        if rounded < old {
            inner.release(rounded >> PAGE_SHIFT, old >> PAGE_SHIFT)?;
        }
        // By spec 5.3 a failure of this is ignored.
        let _ = inner.zero(size, rounded);
        self.size.store(rounded, Release);
        self.stream_size.store(size, Release);
        Ok(())
    }

    /// Changes the stream size, zeroing everything from the lower of old and new on (spec 6).
    pub(crate) fn set_stream_size(&self, size: u64) -> ZxResult {
        self.change_stream_size(&self.stream_size, size, 0, u64::MAX)
    }

    /// As [`set_stream_size`](Self::set_stream_size), for a part of the store that has a stream
    /// size of its own, `counter`: the bytes `begin..end`.
    pub(crate) fn change_stream_size(
        &self,
        counter: &Atomic<u64>,
        size: u64,
        begin: u64,
        end: u64,
    ) -> ZxResult {
        let mut inner = self.inner.write();
        let end = end.min(self.size());
        let old = counter.load(Acquire);
        if size == old {
            return Ok(());
        }
        if size > end - begin {
            return Err(Status::OUT_OF_RANGE);
        }
        let from = begin + size.min(old);
        let first = from >> PAGE_SHIFT;
        inner.unmap(first, (end >> PAGE_SHIFT) - first);
        inner.zero(from, end)?;
        counter.store(size, Release);
        Ok(())
    }
}

/// The status for a buffer whose next byte cannot be accessed (spec 4.3).
fn buffer_status(iter: &IovIter<'_>) -> Status {
    match iter.fault() {
        BufferFault::NotMapped => Status::NOT_FOUND,
        BufferFault::NotPermitted => Status::ACCESS_DENIED,
    }
}

/// Why [`Store::transfer_batch`] stopped.
enum Stop {
    /// The copy was cut short: the user's buffer is not present.
    Fault,
    /// That many bytes are zero.
    Hole(usize),
    /// The page takes exclusive access.
    Exclusive(u64),
    /// The store ends here.
    End,
    /// Enough for one hold of the lock.
    Batch,
}

impl Inner {
    /// Removes pages `first..end` and their translations. BAD_STATE, and no change, if one is
    /// pinned (by FOLL_PIN: DMA).
    fn release(&mut self, first: u64, end: u64) -> ZxResult {
        if first >= end {
            return Ok(());
        }
        self.unmap(first, end - first);
        if self.next_pinned(first, end).is_some() {
            return Err(Status::BAD_STATE);
        }
        Ok(self.remove(first, end)?)
    }

    /// The page at `index` if it is committed and owned, or can be made so with shared access.
    fn committed(&self, index: u64) -> Result<Option<&Page>> {
        match self.get(index) {
            Shown::Owned(page) => Ok(Some(page)),
            Shown::Hole if !self.zeros_shown => self.fill(index),
            _ => Ok(None),
        }
    }

    /// Takes write access to the owned pages in `first..end` away from all mappings, by removing
    /// their translations, and returns those that are in use by something else: a pin, an I/O, a
    /// copy going on. (Translations of pages that are not owned do not permit writing.)
    fn protect(&self, first: u64, end: u64) -> Result<KVec<u64>> {
        if !self.mapped.load(Relaxed) {
            return Ok(KVec::new());
        }
        let mut run = first..first;
        let mut next = self.owned_from(first, end);
        while let Some(index) = next {
            if index > run.end + PROTECT_GAP {
                self.unmap(run.start, run.end - run.start);
                run = index..index;
            }
            run.end = index + 1;
            next = self.owned_from(run.end, end);
        }
        self.unmap(run.start, run.end - run.start);
        page::order_references();
        let mut held = KVec::new();
        let mut next = self.owned_from(first, end);
        while let Some(index) = next {
            if let Shown::Owned(page) = self.get(index) {
                if page.is_held() {
                    held.push(index, GFP_KERNEL_ACCOUNT)?;
                }
            }
            next = self.owned_from(index + 1, end);
        }
        Ok(held)
    }

    fn owned_from(&self, first: u64, end: u64) -> Option<u64> {
        let (key, _) = self.pages.next_owned(self.origin + first)?;
        let index = key - self.origin;
        (index < end).then_some(index)
    }

    /// The pages in `first..end`, in order.
    fn pages_in(&self, first: u64, end: u64) -> impl Iterator<Item = (u64, &Page)> {
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
        self.own(part.index)?.zero(part.offset, part.length);
        Ok(())
    }

    fn zero_pages(&mut self, first: u64, end: u64) -> ZxResult {
        self.unmap(first, end - first);
        let mut from = first;
        // Pinned pages stay: what has them pinned goes on writing to them.
        while let Some(pinned) = self.next_pinned(from, end) {
            self.remove(from, pinned)?;
            self.own(pinned)?.zero(0, PAGE_SIZE as usize);
            from = pinned + 1;
        }
        Ok(self.remove(from, end)?)
    }

    fn next_pinned(&self, first: u64, end: u64) -> Option<u64> {
        self.pages_in(first, end)
            .find(|(_, page)| page.is_pinned())
            .map(|(index, _)| index)
    }
}
