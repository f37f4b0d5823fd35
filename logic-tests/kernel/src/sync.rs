// SPDX-License-Identifier: GPL-2.0

//! Locks and counted references.

pub mod atomic;

use crate::{
    alloc::Flags,
    bindings,
    error::{code::ENOMEM, Error, Result},
    failure,
};
use core::{
    ops::{Deref, DerefMut},
    ptr::addr_of,
};
use pinned_init::PinInit;

pub use crate::static_lock_class;

/// The class of a lock.
pub struct LockClassKey(bindings::lock_class_key);

impl LockClassKey {
    /// A new one.
    pub const fn new_static() -> Self {
        Self(bindings::lock_class_key {
            used: core::sync::atomic::AtomicBool::new(false),
        })
    }

    /// For C.
    pub fn as_ptr(&self) -> *mut bindings::lock_class_key {
        addr_of!(self.0).cast_mut()
    }
}

/// A class for the lock that is made here.
#[macro_export]
macro_rules! static_lock_class {
    () => {{
        static CLASS: $crate::sync::LockClassKey = $crate::sync::LockClassKey::new_static();
        ::core::pin::Pin::static_ref(&CLASS)
    }};
}

pub use std::sync::Arc;

/// What the kernel's `Arc` has beside the host's.
pub trait ArcPinInit<T>: Sized {
    /// A reference to a value that `init` makes in place.
    fn pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Self>
    where
        Error: From<E>;
}

impl<T> ArcPinInit<T> for Arc<T> {
    fn pin_init<E>(init: impl PinInit<T, E>, _: Flags) -> Result<Self>
    where
        Error: From<E>,
    {
        if failure::now() {
            return Err(ENOMEM);
        }
        let mut arc = Arc::<T>::new_uninit();
        let Some(room) = Arc::get_mut(&mut arc) else {
            unreachable!("it is new");
        };
        // SAFETY: The room is valid for writes and stays where it is; on error it is given back
        // without being looked at.
        unsafe { init.__pinned_init(room.as_mut_ptr()) }?;
        // SAFETY: Initialised just now.
        Ok(unsafe { arc.assume_init() })
    }
}

/// A lock that may sleep.
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// With `value` in it.
    pub fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// As [`new`](Self::new), for a structure that is made in place.
    pub fn in_place(value: T) -> impl PinInit<Self> {
        Self::new(value)
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock().expect("a test has failed with the lock held"))
    }
}

/// Access until dropped.
pub struct MutexGuard<'a, T>(std::sync::MutexGuard<'a, T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// As the kernel's.
#[macro_export]
macro_rules! new_mutex {
    ($value:expr, $name:literal) => {
        $crate::sync::Mutex::in_place($value)
    };
}
