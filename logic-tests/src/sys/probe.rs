// SPDX-License-Identifier: GPL-2.0

//! What the tests do and look at beside the module's own calls.

use super::{
    c,
    node::NodeCache,
    page::Page,
};
use core::cell::Cell;
use core::sync::atomic::Ordering::SeqCst;
use kernel::bindings;
use std::sync::{Arc, Once};

pub(crate) use c::Ledger;

thread_local! {
    static KILLED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the task of this thread is being killed.
pub(super) fn is_killed() -> bool {
    KILLED.get()
}

/// Runs `body` as a task that is being killed.
pub(crate) fn kill<R>(body: impl FnOnce() -> R) -> R {
    KILLED.set(true);
    let result = body();
    KILLED.set(false);
    result
}

/// The memory of one test: everything that it allocates has to be given back when this is dropped.
pub(crate) struct Memory(Arc<Ledger>);

impl Memory {
    /// For this thread.
    pub(crate) fn new() -> Self {
        static CACHE: Once = Once::new();
        CACHE.call_once(|| match NodeCache::new() {
            // Lives as long as the program, as the module's does while it is loaded.
            Ok(cache) => core::mem::forget(cache),
            Err(_) => unreachable!(),
        });
        let ledger = Arc::new(Ledger::default());
        c::use_ledger(Some(ledger.clone()));
        Self(ledger)
    }

    /// Has another thread account for what it does here.
    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        self.0.clone()
    }

    /// Pages that exist.
    pub(crate) fn pages(&self) -> usize {
        self.0.pages()
    }

    /// Nodes that exist.
    pub(crate) fn nodes(&self) -> usize {
        self.0.nodes()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        c::use_ledger(None);
        if !std::thread::panicking() {
            self.0.close();
        }
    }
}

/// Has the allocations of this thread account to `ledger`.
pub(crate) fn use_ledger(ledger: Arc<Ledger>) {
    c::use_ledger(Some(ledger));
}

fn raw(page: &Page) -> &bindings::page {
    c::live(page.as_raw())
}

/// What tells pages apart.
pub(crate) fn address(page: &Page) -> usize {
    page.as_raw() as usize
}

/// The number that a futex in the page is known by.
pub(crate) fn index(page: &Page) -> u64 {
    raw(page).index.load(SeqCst)
}

/// Who it was made for.
pub(crate) fn owner(page: &Page) -> u64 {
    raw(page).owner.load(SeqCst)
}

/// The first eight bytes.
pub(crate) fn value(page: &Page) -> u64 {
    // SAFETY: The page is live, and the tests write to it on one thread.
    let memory = unsafe { &(*raw(page).memory.get()).0 };
    let value = memory.first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    // The last ones are written together with them.
    let last = memory.last_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    assert_eq!(value, last);
    value
}

/// Sets them.
pub(crate) fn set_value(page: &Page, value: u64) {
    // SAFETY: As in `value`; no reference to the memory is kept.
    let memory = unsafe { &mut (*raw(page).memory.get()).0 };
    let bytes = value.to_ne_bytes();
    memory[..8].copy_from_slice(&bytes);
    let end = memory.len() - 8;
    memory[end..].copy_from_slice(&bytes);
}

/// A reference to a page that is no page map's: a pin, or (`Some(false)`) a copy that goes on.
pub(crate) struct Holder {
    page: *mut bindings::page,
    pinned: bool,
}

impl Holder {
    /// Another one.
    pub(crate) fn new(page: &Page, pinned: bool) -> Self {
        let raw = raw(page);
        raw.references.fetch_add(1, SeqCst);
        if pinned {
            raw.pins.fetch_add(1, SeqCst);
        }
        Self {
            page: page.as_raw(),
            pinned,
        }
    }

    /// Which page.
    pub(crate) fn address(&self) -> usize {
        self.page as usize
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if self.pinned {
            c::live(self.page).pins.fetch_sub(1, SeqCst);
        }
        c::put(self.page);
    }
}
