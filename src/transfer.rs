// SPDX-License-Identifier: GPL-2.0

//! Moving bytes between a store and a caller's buffers, and committing pages.
//!
//! User memory is touched with the store's lock held only in ways that do not fault: a copy that
//! is cut short lets go of the lock, has the buffer made present, and goes on. So the buffer may be
//! a mapping of the same store.
#![deny(unsafe_code)]

use crate::{
    cache_policy::CachePolicy,
    content::{Content, Span},
    status::{Status, ZxResult},
    store::Store,
    sys::{
        self,
        large::LARGE_PAGES,
        user::{BufferFault, IovIter},
        PAGE_SHIFT, PAGE_SIZE,
    },
};

/// Pages moved under one hold of the lock, so that writers of other pages are not kept waiting.
const BATCH: usize = 32;

/// What bounds a transfer. Both are called with the store's lock held.
pub(crate) trait Bounds {
    /// The byte of the store that a transfer which has come to byte `at` must not touch.
    fn end(&self, at: u64) -> u64;

    /// All bytes before byte `to` have been moved.
    fn moved(&self, _to: u64) {}
}

/// A byte where every transfer ends.
impl Bounds for u64 {
    fn end(&self, _at: u64) -> u64 {
        *self
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

impl Store {
    /// Copies from byte `offset` of the store until `to` is full. Returns the bytes copied, and
    /// the error that ended it early; at the end of the store, or of `bounds` if that comes first,
    /// that is OUT_OF_RANGE.
    pub(crate) fn read(
        &self,
        offset: u64,
        bounds: &impl Bounds,
        to: &mut IovIter<'_>,
    ) -> (u64, ZxResult) {
        self.transfer(offset, bounds, to, |store, at, length, to| {
            let span = Span::first(at, length);
            Ok(match store.page(span.index) {
                Some(page) => Step::Moved(page.copy_to(span.offset, span.length, to)),
                None => Step::Hole(span.length),
            })
        })
    }

    /// Copies to byte `offset` of the store until `from` is empty, committing the pages that are
    /// touched. Returns as [`read`](Self::read) does.
    pub(crate) fn write(
        &self,
        offset: u64,
        bounds: &impl Bounds,
        from: &mut IovIter<'_>,
    ) -> (u64, ZxResult) {
        self.transfer(offset, bounds, from, |store, at, length, from| {
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
        bounds: &impl Bounds,
        iter: &mut IovIter<'_>,
        mut step: impl FnMut(&Content, u64, u64, &mut IovIter<'_>) -> ZxResult<Step>,
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
            let (moved, stop) = match self.transfer_batch(at, bounds, wanted, iter, &mut step) {
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
                    let mut content = self.write_lock();
                    if index < self.page_count() && content.present().is_ok() {
                        if let Err(error) = content.own(index) {
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
        bounds: &impl Bounds,
        wanted: u64,
        iter: &mut IovIter<'_>,
        step: &mut impl FnMut(&Content, u64, u64, &mut IovIter<'_>) -> ZxResult<Step>,
    ) -> ZxResult<(u64, Stop)> {
        let content = self.read_lock();
        content.present()?;
        let end = self.size().min(bounds.end(offset));
        let (moved, stop) = copy(&content, offset, end, wanted, iter, step)?;
        if moved > 0 {
            bounds.moved(offset + moved);
        }
        Ok((moved, stop))
    }

    /// Commits every page of bytes `from..to`, which must lie in the store (spec 7.3).
    pub(crate) fn commit(&self, from: u64, to: u64) -> ZxResult {
        self.commit_cached(from, to)?;
        if self.cache_policy() == CachePolicy::CACHED {
            return Ok(());
        }
        // So that no page is left that a fault may fail to make so.
        let mut content = self.write_lock();
        let end = (to >> PAGE_SHIFT).min(self.page_count());
        content.set_cache_mode(from >> PAGE_SHIFT, end, self.cache_policy().mode())
    }

    fn commit_cached(&self, from: u64, to: u64) -> ZxResult {
        let (mut index, end) = (from >> PAGE_SHIFT, to >> PAGE_SHIFT);
        while index < end {
            if sys::killed() {
                return Err(Status::CANCELED);
            }
            if end - index >= LARGE_PAGES as u64 && self.commit_large(index)? {
                index += LARGE_PAGES as u64;
                continue;
            }
            let mut stuck = false;
            {
                let content = self.read_lock();
                content.present()?;
                let end = end.min(self.page_count()).min(index + BATCH as u64);
                while index < end && !stuck {
                    stuck = content.committed(index)?.is_none();
                    index += u64::from(!stuck);
                }
            }
            if index < end && !stuck && index >= self.page_count() {
                return Err(Status::OUT_OF_RANGE);
            }
            if stuck {
                let mut content = self.write_lock();
                if index < self.page_count() && content.present().is_ok() {
                    content.own(index)?;
                }
            }
        }
        Ok(())
    }
}

/// One hold of the lock: moves bytes from `offset` on, at most `wanted` and not beyond `end`.
fn copy(
    content: &Content,
    offset: u64,
    end: u64,
    wanted: u64,
    iter: &mut IovIter<'_>,
    step: &mut impl FnMut(&Content, u64, u64, &mut IovIter<'_>) -> ZxResult<Step>,
) -> ZxResult<(u64, Stop)> {
    let mut moved = 0;
    for _ in 0..BATCH {
        let at = offset + moved;
        let length = (wanted - moved).min(end.saturating_sub(at));
        if wanted == moved {
            break;
        }
        if length == 0 {
            return Ok((moved, Stop::End));
        }
        match step(content, at, length, iter) {
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

/// The status for a buffer whose next byte cannot be accessed (spec 4.3).
pub(crate) fn buffer_status(iter: &IovIter<'_>) -> Status {
    match iter.fault() {
        BufferFault::NotMapped => Status::NOT_FOUND,
        BufferFault::NotPermitted => Status::ACCESS_DENIED,
    }
}
