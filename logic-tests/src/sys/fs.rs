// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `fs.rs`: an inode is the page tables of one process that maps a
//! whole store.

use super::page::Page;
use super::probe::{self, Holder};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// See the head of this file.
#[derive(Clone, Default)]
pub(crate) struct Inode(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    size: u64,
    /// By page number in the store.
    entries: BTreeMap<u64, Entry>,
}

/// An entry of the page table.
pub(crate) struct Entry {
    /// The page; none for the page of zeros.
    pub(crate) page: Option<Holder>,
    /// Whether it may be written to.
    pub(crate) writable: bool,
}

impl Inode {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As in the module.
    pub(crate) fn set_size(&self, size: u64) {
        self.lock().size = size;
    }

    /// As in the module.
    pub(crate) fn unmap(&self, first: u64, count: u64) {
        let end = first.saturating_add(count);
        self.lock()
            .entries
            .retain(|at, _| !(first..end).contains(at));
    }

    /// Enters a page, or the page of zeros.
    pub(crate) fn enter(&self, at: u64, page: Option<&Page>, writable: bool) {
        let page = page.map(Holder::mapping);
        self.lock().entries.insert(at, Entry { page, writable });
    }

    /// Calls `look` with what is entered at `at`.
    pub(crate) fn with_entry<R>(&self, at: u64, look: impl FnOnce(Option<&Entry>) -> R) -> R {
        look(self.lock().entries.get(&at))
    }

    /// The numbers of all entries.
    pub(crate) fn entered(&self) -> Vec<u64> {
        self.lock().entries.keys().copied().collect()
    }
}
