// SPDX-License-Identifier: GPL-2.0

//! The cache policy of a VMO: `zx_vmo_set_cache_policy` (spec 10).
//!
//! A policy other than CACHED is for a VMO on its own: it has no parent, no child, and nobody
//! else uses its store. So its pages can be cached in another way, in the kernel's map of all
//! memory and in all mappings alike. A page is changed at the latest when a fault first enters it
//! into a page table, and is write-back again before it is given back.
//!
//! The policy changes with the family held, so that no relative comes meanwhile, and with
//! `Store::content` held for writing while there is no mapping. A mapping is counted, and learns
//! of the policy, with `Store::content` held for reading: it never sees the policy change.
#![deny(unsafe_code)]

use crate::{
    family,
    handle::Handle,
    rights::Rights,
    status::{Status, ZxResult},
    sys::{
        cache::{self, CacheMode},
        uapi,
    },
    vmo::Vmo,
};

/// `ZX_CACHE_POLICY_*`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CachePolicy(u32);

impl CachePolicy {
    /// `ZX_CACHE_POLICY_CACHED`, as every VMO begins.
    pub(crate) const CACHED: Self = Self(uapi::ZX_CACHE_POLICY_CACHED);

    /// The policy with this number, of which other bits are ignored.
    pub(crate) fn from_masked(raw: u32) -> Self {
        Self(raw & uapi::ZX_CACHE_POLICY_MASK)
    }

    /// The number.
    pub(crate) const fn raw(self) -> u32 {
        self.0
    }

    /// What it means for pages. Memory of a device is no different from other memory here.
    pub(crate) fn mode(self) -> CacheMode {
        match self.0 {
            uapi::ZX_CACHE_POLICY_CACHED => CacheMode::Cached,
            uapi::ZX_CACHE_POLICY_WRITE_COMBINING => CacheMode::WriteCombining,
            _ => CacheMode::Uncached,
        }
    }
}

impl Vmo {
    /// Fails with BAD_STATE unless the memory is cached: otherwise it can only be used through
    /// mappings.
    pub(crate) fn require_cached(&self) -> ZxResult {
        if self.store().cache_policy() == CachePolicy::CACHED {
            Ok(())
        } else {
            Err(Status::BAD_STATE)
        }
    }
}

/// `zx_vmo_set_cache_policy`. The checks are in the order of spec 10.
pub(crate) fn set(handle: &Handle, args: &uapi::zxvmo_cache_policy) -> ZxResult {
    if args.policy & !uapi::ZX_CACHE_POLICY_MASK != 0 {
        return Err(Status::INVALID_ARGS);
    }
    let policy = CachePolicy::from_masked(args.policy);
    let vmo = handle.require(Rights::MAP)?;
    let family = family::of(vmo)?;
    family.hold(vmo, |has_parent| {
        if has_parent || vmo.children() != 0 || !vmo.has_own_store() {
            return Err(Status::BAD_STATE);
        }
        change(vmo, policy)
    })
}

/// Changes the policy of a VMO that has no relatives, if nothing else is in the way.
fn change(vmo: &Vmo, policy: CachePolicy) -> ZxResult {
    let store = vmo.store();
    let mut content = store.write_lock();
    let end = store.page_count();
    if vmo.mappings().counts().mappings != 0
        || !store.has_one_user()
        || content.next_pinned(0, end).is_some()
        || vmo.is_discardable() && policy != CachePolicy::CACHED
    {
        return Err(Status::BAD_STATE);
    }
    if policy != CachePolicy::CACHED && !cache::HAS_MODES {
        return Err(Status::NOT_SUPPORTED);
    }
    if policy.mode() != store.cache_policy().mode() {
        content
            .set_cache_mode(0, end, policy.mode())
            .inspect_err(|_| {
                // What is write-back is so for every policy, until it is next mapped.
                let _ = content.set_cache_mode(0, end, CacheMode::Cached);
            })?;
    }
    store.note_cache_policy(&mut content, policy);
    Ok(())
}
