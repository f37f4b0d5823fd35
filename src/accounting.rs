// SPDX-License-Identifier: GPL-2.0

//! How much memory a VMO accounts for (spec 23): what it shows, what only it shows, and its share
//! of what it shows together with others.
#![deny(unsafe_code)]

use crate::{page_map::PageMap, status::ZxResult, sys::PAGE_SIZE, vmo::Vmo};
use kernel::prelude::*;

/// Numbers for `zx_info_vmo_t`, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Account {
    /// Pages that the VMO shows.
    pub(crate) committed: u64,
    /// Those that nobody else shows.
    pub(crate) private: u64,
    /// Each byte divided by the number of VMOs that show it: the integral part.
    pub(crate) scaled: u64,
    /// The fractional part; 2^63 would be 1.
    pub(crate) fraction: u64,
    /// Bookkeeping for the pages.
    pub(crate) metadata: u64,
}

impl Account {
    /// Adds `pages` pages that `sharers` VMOs show.
    fn add(&mut self, sharers: u64, pages: u64) {
        const ONE: u128 = 1 << 63;

        self.committed += pages * PAGE_SIZE;
        if sharers == 1 {
            self.private += pages * PAGE_SIZE;
        }
        // Per page P div k and floor(2^63 / k) * (P mod k), as spec 23.2 has it.
        let fraction = ((1 << 63) / sharers) * (PAGE_SIZE % sharers);
        let fraction = u128::from(fraction) * u128::from(pages) + u128::from(self.fraction);
        self.scaled += PAGE_SIZE / sharers * pages + (fraction / ONE) as u64;
        self.fraction = (fraction % ONE) as u64;
    }
}

/// The account of `vmo` now. Slices and references have none: their memory is another's.
pub(crate) fn of(vmo: &Vmo) -> ZxResult<Account> {
    let mut account = Account::default();
    if !vmo.has_own_store() {
        return Ok(account);
    }
    let family = vmo.links().lock().family.clone();
    match family.filter(|family| family.has_several_stores()) {
        Some(family) => family.with_stores(vmo.store(), |own, others| {
            let mut maps: KVVec<&PageMap> = KVVec::with_capacity(others.len(), GFP_KERNEL)?;
            for other in others {
                maps.push(other.pages(), GFP_KERNEL)?;
            }
            own.pages()
                .tally(&maps, &mut |sharers, pages| account.add(sharers, pages))?;
            account.metadata = own.pages().metadata_bytes();
            Ok(())
        })?,
        None => {
            let inner = vmo.store().read_lock_settled();
            account.add(1, inner.pages().len());
            account.metadata = inner.pages().metadata_bytes();
        }
    }
    Ok(account)
}
