// SPDX-License-Identifier: GPL-2.0

//! The model of stores: the bytes of each, what page tables show of it, and pages that others have
//! references of. `store_tests` has what is done to it.

use crate::{
    page_map::Shown,
    status::ZxResult,
    store::Store,
    sys::{
        fs::Inode,
        probe::Holder,
        user::{self, IovIter},
        PAGE_SIZE,
    },
};
use core::ops::Range;
use kernel::sync::Arc;

pub(crate) const PAGE: usize = PAGE_SIZE as usize;

/// Where the calls' buffer is.
pub(crate) const BUFFER: usize = 1 << 20;

pub(crate) struct Modelled {
    pub(crate) store: Arc<Store>,
    pub(crate) tables: Inode,
    pub(crate) bytes: Vec<u8>,
}

/// A reference that somebody has passed on: to a pipe, for example.
pub(crate) struct Borrowed {
    pub(crate) holder: Holder,
    /// What was in the page, if it was shared: whoever has it alone one day must not write to it
    /// while the reference is there.
    pub(crate) before: Option<Vec<u8>>,
}

impl Borrowed {
    pub(crate) fn bytes(holder: &Holder) -> Vec<u8> {
        (0..64)
            .chain([PAGE / 2, PAGE - 1])
            .map(|at| holder.load(at))
            .collect()
    }
}

impl Modelled {
    pub(crate) fn new(store: Arc<Store>, bytes: Vec<u8>) -> Self {
        let tables = Inode::default();
        store.set_inode(tables.clone());
        store
            .read_lock()
            .mapped
            .store(true, kernel::sync::atomic::Relaxed);
        Self {
            store,
            tables,
            bytes,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn read(&self, range: &Range<u64>) -> (Vec<u8>, ZxResult) {
        let length = (range.end - range.start) as usize;
        user::map(BUFFER, length / PAGE + 1);
        let mut iter = IovIter::new(BUFFER, length);
        let (done, result) = self.store.read(range.start, &u64::MAX, &mut iter);
        assert_eq!(done as usize, length - iter.remaining());
        (user::peek(BUFFER, done as usize), result)
    }

    /// Takes over what is there after a call that failed halfway: old bytes, or zeros.
    pub(crate) fn accept_zeros(&mut self, range: Range<u64>) {
        let (now, _) = self.read(&(0..self.size()));
        assert_eq!(now.len(), self.bytes.len());
        for (at, (now, old)) in now.iter().zip(&mut self.bytes).enumerate() {
            if now != old {
                assert!(*now == 0 && range.contains(&(at as u64)));
                *old = *now;
            }
        }
    }

    /// What a fault does for a page that is there: see `fault.rs`.
    pub(crate) fn fault(&self, at: u64, write: bool) -> ZxResult {
        let mut content = self.store.write_lock();
        if write {
            let (page, place) = content.own(at)?;
            place.touch();
            self.tables.enter(at, Some(page), true);
            return Ok(());
        }
        match content.get(at) {
            Shown::Owned(page, place) => {
                place.touch();
                self.tables.enter(at, Some(page), true);
            }
            Shown::Shared(page) => self.tables.enter(at, Some(page), false),
            Shown::Hole => {
                content.zeros_shown = true;
                self.tables.enter(at, None, false);
            }
        }
        Ok(())
    }

    /// Calls `with` with the page table's entry for a write.
    pub(crate) fn written<R>(&self, at: u64, with: impl FnOnce(&Holder) -> R) -> ZxResult<R> {
        let page = at / PAGE_SIZE;
        let writable = self
            .tables
            .with_entry(page, |entry| entry.is_some_and(|entry| entry.writable));
        if !writable {
            self.fault(page, true)?;
        }
        Ok(self.tables.with_entry(page, |entry| {
            match entry.and_then(|entry| entry.page.as_ref().filter(|_| entry.writable)) {
                Some(holder) => with(holder),
                None => panic!("a page is not writable after a fault"),
            }
        }))
    }

    /// Every entry of the page table shows what the store has there.
    pub(crate) fn check_tables(&self) {
        for page in self.tables.entered() {
            assert!(page * PAGE_SIZE < self.size(), "an entry beyond the end");
            for byte in [0, 1, PAGE / 2, PAGE - 1] {
                let shown = self.tables.with_entry(page, |entry| {
                    let page = entry.and_then(|entry| entry.page.as_ref());
                    page.map_or(0, |page| page.load(byte))
                });
                assert_eq!(
                    shown,
                    self.bytes[page as usize * PAGE + byte],
                    "page {page} is stale"
                );
            }
        }
    }
}
