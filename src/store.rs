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
        page::Page,
        rwsem::{ReadGuard, RwSem, WriteGuard},
        user::{BufferFault, IovIter},
        PAGE_SHIFT, PAGE_SIZE,
    },
};
use kernel::{
    prelude::*,
    sync::atomic::{Acquire, Atomic, Release},
    sync::{static_lock_class, Arc},
};

/// Pages moved under one hold of the lock, so that writers of other pages are not kept waiting.
const BATCH: usize = 32;

/// See the head of this file.
#[pin_data]
pub(crate) struct Store {
    #[pin]
    inner: RwSem<Inner>,
    size: Atomic<u64>,
    stream_size: Atomic<u64>,
}

/// What `Store::inner` protects.
pub(crate) struct Inner {
    /// The pages, by page number.
    pub(crate) pages: PageMap,
    /// The inode whose mapping knows every mapping of the store; gone with the last VMO.
    inode: Option<Inode>,
    /// Whether the page of zeros may be in a page table.
    pub(crate) zeros_shown: bool,
}

impl Inner {
    /// Removes all translations of `count` pages from `first` on.
    pub(crate) fn unmap(&self, first: u64, count: u64) {
        if let Some(inode) = &self.inode {
            inode.unmap(first, count);
        }
    }

    /// The page at `index`, owned; see [`PageMap::own`]. Translations of what was there before
    /// are gone.
    pub(crate) fn own(&mut self, index: u64) -> Result<&Page> {
        if self.pages.own(index)?.replaced {
            self.unmap(index, 1);
        }
        let Owned { page, .. } = self.pages.own(index)?;
        Ok(page)
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
        let inner = Inner {
            pages: PageMap::new(),
            inode: None,
            zeros_shown: false,
        };
        Arc::pin_init(
            pin_init!(Self {
                inner <- RwSem::new(inner, c"zxvmo_store", static_lock_class!()),
                size: Atomic::new(size),
                stream_size: Atomic::new(stream_size),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Shared access.
    pub(crate) fn read_lock(&self) -> ReadGuard<'_, Inner> {
        self.inner.read()
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
    /// the error that ended it early; at the end of the store that is OUT_OF_RANGE.
    pub(crate) fn read(&self, offset: u64, to: &mut IovIter<'_>) -> (u64, ZxResult) {
        self.transfer(offset, to, |store, at, length, to| {
            let span = Span::first(at, length);
            Ok(match store.pages.get(span.index) {
                Shown::Owned(page) | Shown::Shared(page) => {
                    Step::Moved(page.copy_to(span.offset, span.length, to))
                }
                Shown::Hole => Step::Hole(span.length),
            })
        })
    }

    /// Copies to byte `offset` of the store until `from` is empty, committing the pages that are
    /// touched. Returns as [`read`](Self::read) does.
    pub(crate) fn write(&self, offset: u64, from: &mut IovIter<'_>) -> (u64, ZxResult) {
        self.transfer(offset, from, |store, at, length, from| {
            let span = Span::first(at, length);
            let page = match store.pages.get(span.index) {
                Shown::Owned(page) => Some(page),
                Shown::Hole if !store.zeros_shown => store.pages.fill(span.index)?,
                _ => None,
            };
            Ok(match page {
                Some(page) => Step::Moved(page.copy_from(span.offset, span.length, from)),
                None => Step::Exclusive,
            })
        })
    }

    fn transfer(
        &self,
        offset: u64,
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
            let (moved, stop) = match self.transfer_batch(at, wanted, iter, &mut step) {
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
        wanted: u64,
        iter: &mut IovIter<'_>,
        step: &mut impl FnMut(&Inner, u64, u64, &mut IovIter<'_>) -> ZxResult<Step>,
    ) -> ZxResult<(u64, Stop)> {
        let inner = self.inner.read();
        let size = self.size();
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

    /// Changes the size to `size` rounded up (which the caller has checked), and the stream size
    /// to `size` (spec 5.3).
    pub(crate) fn set_size(&self, size: u64, rounded: u64) -> ZxResult {
        let mut inner = self.inner.write();
        let old = self.size();
        if rounded < old {
            let (first, end) = (rounded >> PAGE_SHIFT, old >> PAGE_SHIFT);
            inner.unmap(first, end - first);
            if inner.any_pinned(first, end) {
                return Err(Status::BAD_STATE);
            }
            inner.pages.remove(first, end)?;
        }
        // By spec 5.3 a failure of this is ignored.
        let _ = inner.zero(size, rounded);
        self.size.store(rounded, Release);
        self.stream_size.store(size, Release);
        if let Some(inode) = &inner.inode {
            inode.set_size(rounded);
        }
        Ok(())
    }

    /// Changes the stream size, zeroing everything from the lower of old and new on (spec 6).
    pub(crate) fn set_stream_size(&self, size: u64) -> ZxResult {
        let mut inner = self.inner.write();
        let old = self.stream_size();
        if size == old {
            return Ok(());
        }
        if size > self.size() {
            return Err(Status::OUT_OF_RANGE);
        }
        let from = size.min(old);
        let first = from >> PAGE_SHIFT;
        inner.unmap(first, self.page_count() - first);
        inner.zero(from, self.size())?;
        self.stream_size.store(size, Release);
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
    /// Whether a page in `first..end` is pinned (by FOLL_PIN: DMA). Their translations must be
    /// gone.
    fn any_pinned(&self, first: u64, end: u64) -> bool {
        self.pages_in(first, end).any(|(_, page)| page.is_pinned())
    }

    /// The pages in `first..end`, in order.
    pub(crate) fn pages_in(&self, first: u64, end: u64) -> impl Iterator<Item = (u64, &Page)> {
        let mut from = Some(first);
        core::iter::from_fn(move || {
            let (index, page) = self.pages.next(from?)?;
            from = index.checked_add(1);
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
        if matches!(self.pages.get(part.index), Shown::Hole) {
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
            self.pages.remove(from, pinned)?;
            self.own(pinned)?.zero(0, PAGE_SIZE as usize);
            from = pinned + 1;
        }
        self.pages.remove(from, end)?;
        Ok(())
    }

    fn next_pinned(&self, first: u64, end: u64) -> Option<u64> {
        self.pages_in(first, end)
            .find(|(_, page)| page.is_pinned())
            .map(|(index, _)| index)
    }
}
