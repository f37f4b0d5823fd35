// SPDX-License-Identifier: GPL-2.0

//! Files of the misc device.
//!
//! Up to Linux 7.2 the misc devices of the kernel crate have no owner. Then the device can be opened
//! while the module is on its way out, and what is made through it outlives the module; nor does
//! an open file keep the code of its own release. So such a file gets a table that has an owner.

use super::c;
use core::cell::UnsafeCell;
use kernel::{bindings, fs::File, prelude::*};

/// The operations of the device with the owner that they lack.
///
/// # Invariants
///
/// Touched only while the device is being opened, which the kernel does under one lock.
struct OwnedTable(UnsafeCell<bindings::file_operations>);

// SAFETY: By the type invariants it has a lock.
unsafe impl Sync for OwnedTable {}

static OWNED: OwnedTable = OwnedTable(UnsafeCell::new(pin_init::zeroed()));

/// Makes sure that a file of the device keeps the module loaded until it has been released.
/// `ENODEV` if the module is going already. For `MiscDevice::open` only.
pub(crate) fn keep_module(file: &File) -> Result {
    let (file, owned) = (file.as_ptr(), OWNED.0.get());
    // SAFETY: The device is being opened, so the lock of all misc devices is held: nobody else
    // touches the file or the table, and the module's exit waits before it takes anything
    // apart. The file releases by the table it has then what is taken here.
    unsafe {
        if !(*(*file).f_op).owner.is_null() {
            return Ok(());
        }
        if !c::try_module_get(&raw mut c::__this_module) {
            return Err(ENODEV);
        }
        if (*owned).owner.is_null() {
            *owned = *(*file).f_op;
            (*owned).owner = &raw mut c::__this_module;
        }
        (*file).f_op = owned;
    }
    Ok(())
}
