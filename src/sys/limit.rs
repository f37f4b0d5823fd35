// SPDX-License-Identifier: GPL-2.0

//! Limits for users: how many objects, and how much memory, one that lacks CAP_SYS_RESOURCE may
//! have (module parameters `max_user_objects` and `user_memory_percent`).
//!
//! Pages of VMOs cannot be swapped out, and what is not mapped belongs to no process that the
//! kernel could kill for it. Memory cgroups bound them where there are any; this does everywhere,
//! as the size of a tmpfs does. An object counts for who made it, a page for who made the VMO that
//! it was allocated for, until it is freed, whoever shows it then. A user is a uid of the initial
//! namespace: whoever owns several of them has the limits of each.

use super::c;
use core::ptr::null_mut;
use kernel::{error::to_result, prelude::*};

/// One object, counted until this is dropped.
///
/// # Invariants
///
/// The pointer is null, for users without limits, or to an account that this is an object of.
pub(crate) struct Charge(*mut c::zx_account);

// SAFETY: Accounts are not tied to a thread; their counts are atomic.
unsafe impl Send for Charge {}
// SAFETY: As above.
unsafe impl Sync for Charge {}

impl Charge {
    /// An object of the current user's; `ENFILE` if there are too many.
    pub(crate) fn take() -> Result<Self> {
        let mut account = null_mut();
        // SAFETY: `account` is valid for writes. The callee leaves one counted object.
        to_result(unsafe { c::zx_account_take(&mut account) })?;
        Ok(Self(account))
    }

    /// One more object of the same user's; `ENFILE` if there are too many.
    pub(crate) fn another(&self) -> Result<Self> {
        // SAFETY: By the type invariants the account exists.
        to_result(unsafe { c::zx_account_add(self.0) })?;
        Ok(Self(self.0))
    }

    /// Whether the user may have one more page.
    pub(crate) fn has_room(&self) -> Result {
        // SAFETY: By the type invariants the account exists.
        if unsafe { c::zx_account_has_room(self.0, 1) } {
            Ok(())
        } else {
            Err(ENOMEM)
        }
    }

    pub(super) fn as_raw(&self) -> *mut c::zx_account {
        self.0
    }
}

impl Clone for Charge {
    /// Counts whatever the limit: for parts of one object.
    fn clone(&self) -> Self {
        // SAFETY: By the type invariants the account exists.
        unsafe { c::zx_account_share(self.0) };
        Self(self.0)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the object is ours.
        unsafe { c::zx_account_put(self.0) };
    }
}

/// The accounts of all users; exists once, from module initialisation to exit.
pub(crate) struct Limits(());

impl Limits {
    /// Chooses the limits that no parameter gives. Must outlive all objects and pages.
    pub(crate) fn new() -> Self {
        // SAFETY: Runs once, before there is an account.
        unsafe { c::zx_limit_init() };
        Self(())
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        // SAFETY: The module exits, so no object and no page is left.
        unsafe { c::zx_limit_exit() };
    }
}
