// SPDX-License-Identifier: GPL-2.0

//! What a store's mappings are made to show, by faults (spec 13.5, 14) and on request
//! (ZX_VM_MAP_RANGE). See [`store`](crate::store) for what mappings may show and for the locks.
#![deny(unsafe_code)]

use crate::{
    cache_policy::CachePolicy,
    content::Content,
    page_map::{Place, Shown},
    status::{Status, ZxResult},
    store::Store,
    sys::{
        cache::CacheMode,
        leaf::Pages,
        page::{Page, ZeroPage},
        vma::{Fault, FaultResult, Mapping},
        PAGE_SIZE,
    },
};
use core::ops::Range;
use kernel::prelude::*;

/// Pages around a fault that are entered with it, if they are there: a power of two. As in the
/// kernel's own fault-around, one fault then serves a sequential reader or writer for 64 KiB.
const AROUND: u64 = 16;

/// Pages entered on request under one hold of the locks.
const BATCH: usize = 512;

impl Store {
    /// Enters what the store shows into the page table: for a write the page, made owned; for a
    /// read whatever there is, copying and committing nothing. The mapping ends with the store, or
    /// at byte `limit()` if that comes first, which is asked with the lock held.
    ///
    /// If nothing was mapped (`missing`), pages near by are entered, too. Not so when a read-only
    /// page is about to be written: its neighbours would become writable, and the next snapshot
    /// would have to take them all away again. Who writes in order gets pages ahead all the same.
    pub(crate) fn resolve(
        &self,
        fault: &Fault<'_>,
        write: bool,
        missing: bool,
        limit: impl Fn() -> u64,
    ) -> FaultResult {
        if self.cache_policy() != CachePolicy::CACHED {
            return self.resolve_uncached(fault, limit);
        }
        let index = fault.page_index();
        let mut ahead = false;
        {
            let content = self.read_lock();
            let end = self.page_count().min(limit().div_ceil(PAGE_SIZE));
            if index >= end || content.present().is_err() {
                return FaultResult::SigBus;
            }
            let entered = match content.get(index) {
                _ if content.ahead.has(index) => None,
                Shown::Owned(page, place) => Some(enter(fault, index, page, place)),
                Shown::Shared(page) if !write => Some(fault.insert(index, page, false)),
                Shown::Hole
                    if write && missing && content.ahead.note(index) && goes_ahead(fault) =>
                {
                    ahead = true;
                    None
                }
                Shown::Shared(_) if content.ahead.note(index) && goes_ahead(fault) => {
                    ahead = true;
                    None
                }
                Shown::Hole if write && !content.zeros_shown => match content.fill(index) {
                    Ok(Some((page, place))) => return enter(fault, index, page, place),
                    Ok(None) => None,
                    Err(error) => return failed(error),
                },
                _ => None,
            };
            if let Some(result) = entered {
                if missing {
                    enter_around(&content, fault, index, end);
                }
                return result;
            }
        }
        let mut content = if ahead {
            let mut content = self.write_lock_unsettled();
            content.end_window(index, |window| fault.written(window));
            content
        } else {
            self.write_lock()
        };
        let end = self.page_count().min(limit().div_ceil(PAGE_SIZE));
        if index >= end || content.present().is_err() {
            return FaultResult::SigBus;
        }
        if write {
            let result = match content.own(index) {
                Ok((page, place)) => enter(fault, index, page, place),
                Err(error) => return failed(error),
            };
            if ahead {
                enter_window(&mut content, fault, index, end);
            }
            return result;
        }
        match content.get(index) {
            Shown::Owned(page, place) => enter(fault, index, page, place),
            Shown::Shared(page) => fault.insert(index, page, false),
            Shown::Hole => {
                if let Some(zeros) = ZeroPage::get() {
                    content.zeros_shown = true;
                    return fault.insert(index, zeros, false);
                }
                // The page of zeros has as many users as it can have.
                match content.own(index) {
                    Ok((page, place)) => enter(fault, index, page, place),
                    Err(error) => failed(error),
                }
            }
        }
    }

    /// Enters pages of `range`, which must lie in the mapping's window, that are committed already
    /// (spec 13.5): up to a batch of them. Returns where to go on. What lies beyond the store, or
    /// byte `limit()` if that comes first, is passed by. NO_MEMORY.
    pub(crate) fn enter_committed(
        &self,
        mapping: &Mapping<'_>,
        range: Range<u64>,
        limit: impl Fn() -> u64,
    ) -> ZxResult<u64> {
        let content = self.read_lock_settled();
        let end = self.page_count().min(limit().div_ceil(PAGE_SIZE));
        let mut pages = content.pages_in(range.start, range.end.min(end));
        let mode = self.cache_policy().mode();
        for _ in 0..BATCH {
            let Some((index, _)) = pages.next() else {
                return Ok(range.end);
            };
            let entered = if mode == CacheMode::Cached {
                enter_as_it_is(&content, mapping, index)
            } else {
                // What is not as the mapping is has to wait for a fault.
                enter_uncached(&content, mapping, index, mode).unwrap_or(FaultResult::Done)
            };
            if !matches!(entered, FaultResult::Done) {
                return Err(Status::NO_MEMORY);
            }
            if index + 1 == range.end {
                return Ok(range.end);
            }
        }
        Ok(pages.next().map_or(range.end, |(index, _)| index))
    }
}

impl Store {
    /// As [`resolve`](Self::resolve), in a store that is not cached: its policy stays as long
    /// as the mapping that faults. Only owned pages are shown, and made to be as the mapping is
    /// first; so a read fills a hole, as the page of zeros is cached.
    #[cold]
    fn resolve_uncached(&self, fault: &Fault<'_>, limit: impl Fn() -> u64) -> FaultResult {
        let mode = self.cache_policy().mode();
        let index = fault.page_index();
        {
            let content = self.read_lock();
            let end = self.page_count().min(limit().div_ceil(PAGE_SIZE));
            if index >= end {
                return FaultResult::SigBus;
            }
            if let Some(result) = enter_uncached(&content, fault, index, mode) {
                for near in around(fault, index, end).filter(|&near| near != index) {
                    let _ = enter_uncached(&content, fault, near, mode);
                }
                return result;
            }
        }
        let mut content = self.write_lock();
        if index >= self.page_count().min(limit().div_ceil(PAGE_SIZE)) {
            return FaultResult::SigBus;
        }
        let entered = content.own(index).and_then(|(page, place)| {
            page.set_cache_mode(mode)?;
            Ok(enter(fault, index, page, place))
        });
        entered.unwrap_or_else(failed)
    }
}

/// Enters the page at `index` if it is owned and cached in this way.
fn enter_uncached(
    content: &Content,
    mapping: &Mapping<'_>,
    index: u64,
    mode: CacheMode,
) -> Option<FaultResult> {
    match content.get(index) {
        Shown::Owned(page, place) if page.has_cache_mode(mode) => {
            Some(enter(mapping, index, page, place))
        }
        _ => None,
    }
}

/// The pages around `index` that a fault there may enter, too.
fn around(fault: &Fault<'_>, index: u64, end: u64) -> Range<u64> {
    // Before Linux 7.3 the value is a reference, which the operator does not compare.
    if crate::module_parameters::fault_around.value().eq(&0) {
        return index..index + 1;
    }
    let (first, window_end) = fault.window();
    let first = first.max(index & !(AROUND - 1));
    first..window_end.min((index | (AROUND - 1)) + 1).min(end)
}

/// Enters the pages next to `index` that are in the same leaf; no harm if one cannot be. Not done
/// where a hole was filled: who writes to fresh memory has entered the pages before it, and there
/// are none behind.
///
/// The leaf is looked up once, and pages side by side are entered by one call: 570 instructions a
/// page instead of 1125, the fault included. The call stops at the first page that is entered
/// already: its neighbours mostly are, too.
fn enter_around(content: &Content, fault: &Fault<'_>, index: u64, end: u64) {
    let around = around(fault, index, end);
    // The pages of a window are in one mapping only.
    if content.ahead.meets(&around) {
        return;
    }
    let Some((base, pages)) = content.leaf(index, &around) else {
        return;
    };
    let pages = showable(pages.without((index.wrapping_sub(base)) as usize), fault);
    pages.touch();
    for run in pages.runs() {
        let first = base.wrapping_add(run.first() as u64);
        fault.insert_run(first, &run, run.is_owned());
    }
}

/// Whether pages may be entered ahead of who writes through the mapping in order; see
/// [`ahead`](crate::ahead). Not so without a trap: what has a long-term pin leaves no mark when it
/// writes.
fn goes_ahead(mapping: &Mapping<'_>) -> bool {
    mapping.is_trapped() && crate::module_parameters::fault_ahead.value().ne(&0)
}

/// Opens a window behind page `index`, which was entered for a write, and enters its pages, no
/// further than up to page `end`. No harm if it is not to be had.
///
/// One fault in 64 is left, and one allocation in ten: 1311 instructions for a page that is touched
/// in order instead of 3997, and 1970 for one that is shared instead of 4940; 515 of these are the
/// copying itself, 512 the zeroing that the kernel does before.
fn enter_window(content: &mut Content, fault: &Fault<'_>, index: u64, end: u64) {
    let Some(window) = content.open_window(index, end.min(fault.window().1)) else {
        return;
    };
    let Some((base, pages)) = content.leaf(window.start, &window) else {
        return;
    };
    pages.touch();
    for run in pages.only_owned().runs() {
        fault.insert_run(base.wrapping_add(run.first() as u64), &run, true);
    }
}

/// Those of `pages` that the mapping may show as they are.
fn showable<'a>(pages: Pages<'a>, mapping: &Mapping<'_>) -> Pages<'a> {
    // A writable mapping without a trap would let shared ones be written.
    if mapping.is_trapped() || !mapping.may_write() {
        pages
    } else {
        pages.only_owned()
    }
}

/// Enters the page at `index` if there is one and the mapping may show it as it is.
fn enter_as_it_is(content: &Content, mapping: &Mapping<'_>, index: u64) -> FaultResult {
    match content.get(index) {
        Shown::Owned(page, place) => enter(mapping, index, page, place),
        // A writable mapping without a trap would let it be written.
        Shown::Shared(page) if mapping.is_trapped() || !mapping.may_write() => {
            mapping.insert(index, page, false)
        }
        _ => FaultResult::Done,
    }
}

/// Enters an owned page, writable where the mapping is.
fn enter(mapping: &Mapping<'_>, index: u64, page: &Page, place: Place<'_>) -> FaultResult {
    place.touch();
    mapping.insert(index, page, true)
}

fn failed(error: Error) -> FaultResult {
    // VM_FAULT_OOM would have the fault tried again for ever: the allocation has already done
    // what can be done. A fatal fault is what Zircon gives, too.
    let _ = error;
    FaultResult::SigBus
}
