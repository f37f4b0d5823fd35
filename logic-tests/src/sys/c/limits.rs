// SPDX-License-Identifier: GPL-2.0

//! Accounts of users: in the place of `limit.c`.

use super::*;

pub(in crate::sys) unsafe fn zx_limit_init() {}

pub(in crate::sys) unsafe fn zx_limit_exit() {}

pub(in crate::sys) unsafe fn zx_account_take(account: *mut *mut zx_account) -> i32 {
    if failure::now() {
        return -(ENOMEM as i32);
    }
    // SAFETY: Valid for writes; the ledger outlives what it counts.
    unsafe {
        account.write(ledger().account.as_raw());
        zx_account_share(*account);
    }
    0
}

pub(in crate::sys) unsafe fn zx_account_add(account: *mut zx_account) -> i32 {
    if failure::now() {
        return -(ENFILE as i32);
    }
    // SAFETY: As the contract has it.
    unsafe { zx_account_share(account) };
    0
}

pub(in crate::sys) unsafe fn zx_account_share(account: *mut zx_account) {
    // SAFETY: The caller has an object of it, or has just found it.
    if let Some(account) = unsafe { account.as_ref() } {
        account.objects.fetch_add(1, SeqCst);
    }
}

pub(in crate::sys) unsafe fn zx_account_put(account: *mut zx_account) {
    // SAFETY: The caller has an object of it.
    if let Some(account) = unsafe { account.as_ref() } {
        assert!(account.objects.fetch_sub(1, SeqCst) > 0);
    }
}

pub(in crate::sys) unsafe fn zx_account_has_room(_account: *mut zx_account, _pages: isize) -> bool {
    !failure::now()
}
