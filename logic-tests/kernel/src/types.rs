// SPDX-License-Identifier: GPL-2.0

//! Wrappers of what C has.

use core::{
    cell::UnsafeCell,
    marker::{PhantomData, PhantomPinned},
    mem::MaybeUninit,
};
use pinned_init::{pin_init_from_closure, PinInit};

/// A value that C may change at any time.
#[repr(transparent)]
pub struct Opaque<T> {
    value: UnsafeCell<MaybeUninit<T>>,
    _pin: PhantomPinned,
}

impl<T> Opaque<T> {
    /// Where it is.
    pub const fn get(&self) -> *mut T {
        UnsafeCell::get(&self.value).cast()
    }

    /// Has `init` initialise it.
    pub fn ffi_init(init: impl FnOnce(*mut T)) -> impl PinInit<Self> {
        let init = |slot: *mut Self| {
            init(slot.cast());
            Ok(())
        };
        // SAFETY: `init` initialises the value, by its contract in the kernel crate; the wrapper
        // is transparent.
        unsafe { pin_init_from_closure(init) }
    }
}

/// Keeps a value on its thread.
pub type NotThreadSafe = PhantomData<*mut ()>;

/// The value.
#[allow(non_upper_case_globals)]
pub const NotThreadSafe: NotThreadSafe = PhantomData;
