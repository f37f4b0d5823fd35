// SPDX-License-Identifier: GPL-2.0

//! What the tests do and look at beside the module's own calls.

use super::{
    c,
    limit::Charge,
    node::NodeCache,
    page::{Owner, Page},
};
use core::cell::Cell;
use core::sync::atomic::Ordering::SeqCst;
use kernel::{bindings, error::Result};
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

/// A store of this id, of the thread's user.
pub(crate) fn new_owner(id: u64) -> Result<Owner> {
    Ok(Owner::new(id, Charge::take()?))
}

/// Who it was made for.
pub(crate) fn owner(page: &Page) -> u64 {
    raw(page).owner.load(SeqCst)
}

/// The first eight bytes.
pub(crate) fn value(page: &Page) -> u64 {
    // SAFETY: The page is live, and the tests write to it on one thread.
    let memory = unsafe { &(*raw(page).memory.get()).0 };
    let value = memory
        .first_chunk()
        .map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    // The last ones are written together with them.
    let last = memory
        .last_chunk()
        .map_or(0, |bytes| u64::from_ne_bytes(*bytes));
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

/// Has been written to, or a reference been taken, through a translation.
pub(crate) fn use_page(page: &Page) {
    raw(page).used.store(true, SeqCst);
}

/// A reference to a page that is no page map's: a pin, or (`Some(false)`) a copy that goes on.
pub(crate) struct Holder {
    page: *mut bindings::page,
    pinned: bool,
    mapping: bool,
}

// SAFETY: The counts are atomic.
unsafe impl Send for Holder {}

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
            mapping: false,
        }
    }

    /// A page table's.
    pub(crate) fn mapping(page: &Page) -> Self {
        let mut holder = Self::new(page, false);
        raw(page).mappings.fetch_add(1, SeqCst);
        holder.mapping = true;
        holder
    }

    /// A pin of the page that another one holds.
    pub(crate) fn pin(&self) -> Self {
        let raw = c::live(self.page);
        raw.references.fetch_add(1, SeqCst);
        raw.pins.fetch_add(1, SeqCst);
        Self {
            page: self.page,
            pinned: true,
            mapping: false,
        }
    }

    /// Whether it is a pin.
    pub(crate) fn is_pin(&self) -> bool {
        self.pinned
    }

    /// Writes to the page: what a program does through a mapping, or a device.
    pub(crate) fn store(&self, at: usize, byte: u8) {
        // SAFETY: The holder keeps it.
        let memory = unsafe { &mut (*c::live(self.page).memory.get()).0 };
        memory[at] = byte;
    }

    /// Reads from the page.
    pub(crate) fn load(&self, at: usize) -> u8 {
        // SAFETY: The holder keeps it.
        let memory = unsafe { &(*c::live(self.page).memory.get()).0 };
        memory[at]
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
        if self.mapping {
            c::live(self.page).mappings.fetch_sub(1, SeqCst);
        }
        c::put(self.page);
    }
}

/// Has the shrinker take back the memory of the `index`th owner on its list, and returns the pages,
/// if there is one and its lock is to be had.
pub(crate) fn reclaim(index: usize) -> Option<usize> {
    c::reclaim(index)
}

/// How many owners are listed with the shrinker.
pub(crate) fn listed() -> usize {
    c::listed()
}
