// SPDX-License-Identifier: GPL-2.0

//! Pages that a store has ahead of who touches it in order (parameter `fault_ahead`).
//!
//! A fault costs more than a page. So where pages have been touched first in order, one by one, a
//! fault enters a *window* as well: pages behind its own, writable. They are of zeros, where there
//! was nothing; or copies, where relatives show the pages as well (spec 8.4): then touching is
//! writing. Yet what is touched is what is committed, or private, exactly (spec 7.3, 13.5, 23.1). The
//! processor notes a write in the translation, and the kernel hands that on to the page when it removes
//! the translation. So a window can be *settled*: its translations are removed, the pages that nobody
//! has used go, and what was there before is there again. Then nothing tells that there was one.
//!
//! # State and locks
//!
//! A store has one window at most. It opens with `Store::content` held for writing; whoever takes
//! that ([`Store::write_lock`](crate::store::Store::write_lock)) settles it, so no change of a store
//! ever sees one. Whoever counts pages with it held for reading settles first. Besides:
//!
//! - The pages are in the map, owned, in one leaf, and were entered into one mapping, a trapped
//!   one: a fault on one of them, in whichever mapping, settles, as the entry that it would make
//!   would not say whether the page was touched. So does a write by a call.
//! - Who reads by a call sees the same in the page as without it. That holds for a copy as long as the
//!   window does: the page that it was made of stays shared, by the record that the window has of it
//!   ([`Former`]), so neither side writes to it, though relatives write elsewhere or go.
//! - What mappings of the store have shown so far is removed when the window opens: they have to see
//!   what is written to a copy.
//! - Who waits on a futex in a page that the store is to find again waits in the copy, too: both have
//!   its number until the window ends. The page that is kept then has it.
//! - A page that somebody has got hold of through its translation (a futex, a pin) counts as
//!   used: the kernel does not say what for.
//!
//! The fault behind the last page of a window drops the record of it, if all its pages were
//! written to: they are as any others then. Otherwise it settles, and counting begins anew.
//!
//! A window has no more pages than were touched in order before it, and these are charged and
//! limited as all others. It is settled when a mapping goes, too; no shrinker looks for windows.
#![deny(unsafe_code)]

use crate::{content::Content, page_map::Former, sys::page};
use core::ops::Range;
use kernel::sync::atomic::{Atomic, Relaxed};

/// Pages that must have been touched in order before the first window.
const ENOUGH: u64 = 8;

/// As above, for a store whose windows were not used up time after time.
const ENOUGH_AT_MOST: u64 = 512;

/// Pages of a window: those of a leaf.
const WINDOW: u64 = 64;

/// How many count the pages of several stores now. No window opens meanwhile, so that all of them
/// can be settled at the same time.
static COUNTING: Atomic<u32> = Atomic::new(0);

/// No window opens from the making of this on until it is dropped.
pub(crate) struct NoWindows(());

impl NoWindows {
    /// For all stores.
    pub(crate) fn new() -> Self {
        COUNTING.add(1, Relaxed);
        Self(())
    }
}

impl Drop for NoWindows {
    fn drop(&mut self) {
        COUNTING.fetch_sub(1, Relaxed);
    }
}

/// The end of a run: the page behind the last that was touched first, and how many were touched in
/// order up to it, in the low bits of one word. Each first touch reads and writes that.
#[derive(Clone, Copy)]
struct Run(u64);

impl Run {
    /// Pages that can be mapped have numbers below 2^51, but for those of slices that begin far out
    /// in their parents. Those lose their highest bit here, are never found again, and so have no
    /// windows.
    const BITS: u32 = 13;
    const LONGEST: u64 = (1 << Self::BITS) - 1;

    /// `length` pages, or more than can be counted, before page `end`.
    fn new(end: u64, length: u64) -> Self {
        Self(end << Self::BITS | length.min(Self::LONGEST))
    }

    fn ends_at(self, index: u64) -> bool {
        self.0 >> Self::BITS == index
    }

    fn length(self) -> u64 {
        self.0 & Self::LONGEST
    }
}

/// What a store knows of who touches it in order.
pub(crate) struct Ahead {
    /// A [`Run`].
    run: Atomic<u64>,
    /// How many have to be, for a window.
    enough: u64,
    /// The window; empty if there is none.
    window: Range<u64>,
    /// What its pages are copies of, if they are.
    former: Option<Former>,
}

impl Ahead {
    /// Nothing touched, no window.
    pub(crate) fn new() -> Self {
        Self {
            run: Atomic::new(0),
            enough: ENOUGH,
            window: 0..0,
            former: None,
        }
    }

    /// Whether there is a window: some of the store's pages may be there though nobody touched them.
    pub(crate) fn is_open(&self) -> bool {
        !self.window.is_empty()
    }

    /// Whether page `index` is in the window.
    pub(crate) fn has(&self, index: u64) -> bool {
        self.window.contains(&index)
    }

    /// Whether a page of `range` is in the window.
    pub(crate) fn meets(&self, range: &Range<u64>) -> bool {
        self.is_open() && range.start < self.window.end && self.window.start < range.end
    }

    /// Notes that page `index` is about to be touched first. Returns whether a window should be
    /// opened behind it. Threads that note at the same time may lose count.
    pub(crate) fn note(&self, index: u64) -> bool {
        let run = Run(self.run.load(Relaxed));
        let length = if run.ends_at(index) { run.length() } else { 0 } + 1;
        self.run.store(Run::new(index + 1, length).0, Relaxed);
        // Where two write in order, the window is the other's for a while.
        index == self.window.end && self.is_open()
            || length > if self.is_open() { 8 } else { 1 } * self.enough
    }
}

impl Content {
    /// Ends the window: its pages that nobody has used go, and their translations. `&mut`, so that no
    /// fault enters one meanwhile.
    pub(crate) fn settle(&mut self) {
        if self.ahead.is_open() {
            self.settle_window();
        }
    }

    #[cold]
    fn settle_window(&mut self) {
        let window = core::mem::replace(&mut self.ahead.window, 0..0);
        let count = window.end - window.start;
        self.unmap(window.start, count);
        page::order_references();
        let keys = self.keys(&window);
        let former = self.ahead.former.take();
        let unused = self.pages.take_back(&keys, former);
        // What comes next has been in vain if this has.
        if unused > count / 2 {
            self.ahead.enough = (self.ahead.enough * 2).min(ENOUGH_AT_MOST);
        }
        self.ahead.run.store(0, Relaxed);
    }

    /// Ends the window before the fault at page `index`, settling it unless it is used up: that is, it
    /// ends there, and each page is used, or `written` to (bit 0 is for the first) by a mapping's
    /// account.
    pub(crate) fn end_window(&mut self, index: u64, written: impl FnOnce(&Range<u64>) -> u64) {
        if !self.ahead.is_open() {
            return;
        }
        let window = self.ahead.window.clone();
        if window.end == index {
            let all = u64::MAX >> (64 - (window.end - window.start));
            let mut used = written(&window);
            if used != all {
                let keys = self.keys(&window);
                used |= self.pages.used_ahead(&keys);
            }
            if used & all == all {
                self.ahead.window = 0..0;
                self.ahead.enough = ENOUGH;
                if let Some(former) = self.ahead.former.take() {
                    self.pages.keep(self.origin + window.start, former);
                }
                return;
            }
        }
        self.settle_window();
    }

    /// Opens a window behind page `index`, which continues a run, up to page `end` at most. Returns
    /// it; its pages are to be entered into one mapping. `None` if nothing is there to be opened.
    pub(crate) fn open_window(&mut self, index: u64, end: u64) -> Option<Range<u64>> {
        let run = Run(self.ahead.run.load(Relaxed)).length();
        // Discardable memory is taken back under a lock that is only tried.
        if self.ahead.is_open() || run < self.ahead.enough || self.discardable.is_some() {
            return None;
        }
        if COUNTING.load(Relaxed) != 0 {
            return None;
        }
        let first = index + 1;
        let end = end.min(first + run.min(WINDOW));
        if first >= end {
            return None;
        }
        let keys = self.keys(&(first..end));
        let mut count = self.pages.fill_ahead(&keys);
        if count == 0 {
            let (copied, former) = self.pages.copy_ahead(&keys)?;
            self.ahead.former = Some(former);
            count = copied;
        }
        // What mappings have shown there so far: pages that are shared now, or the page of zeros.
        if self.ahead.former.is_some() || self.zeros_shown {
            self.unmap(first, count);
        }
        self.ahead.window = first..first + count;
        let run = Run::new(first + count, run + count);
        self.ahead.run.store(run.0, Relaxed);
        self.ahead.is_open().then(|| self.ahead.window.clone())
    }
}
