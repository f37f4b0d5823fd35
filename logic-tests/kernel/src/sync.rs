// SPDX-License-Identifier: GPL-2.0

//! Locks and counted references.

pub mod atomic;

use crate::{alloc::Flags, bindings, error::Result, failure};
use core::{
    ops::{Deref, DerefMut},
    pin::Pin,
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

/// A counted reference.
pub struct Arc<T: ?Sized>(std::sync::Arc<T>);

impl<T> Arc<T> {
    /// One to a value that `init` makes in place.
    pub fn pin_init<E>(init: impl PinInit<T, E>, _: Flags) -> Result<Self>
    where
        crate::error::Error: From<E>,
    {
        if failure::now() {
            return Err(crate::error::code::ENOMEM);
        }
        let mut arc = std::sync::Arc::<core::mem::MaybeUninit<T>>::new_uninit();
        // A new one, so there is no other reference.
        let Some(room) = std::sync::Arc::get_mut(&mut arc) else {
            unreachable!();
        };
        // SAFETY: The room is valid for writes and stays where it is; on error it is given back
        // without being looked at.
        unsafe { init.__pinned_init(room.as_mut_ptr().cast()) }?;
        let raw = std::sync::Arc::into_raw(arc).cast::<T>();
        // SAFETY: Initialised just now, and `MaybeUninit` changes no layout.
        Ok(Self(unsafe { std::sync::Arc::from_raw(raw) }))
    }

    /// Another reference becomes a pointer.
    pub fn into_raw(self) -> *const T {
        std::sync::Arc::into_raw(self.0)
    }

    /// And is taken back.
    ///
    /// # Safety
    ///
    /// `pointer` comes from [`into_raw`](Self::into_raw), and is taken back once.
    pub unsafe fn from_raw(pointer: *const T) -> Self {
        // SAFETY: By the contract above.
        Self(unsafe { std::sync::Arc::from_raw(pointer) })
    }

    /// References that there are.
    pub fn count(&self) -> usize {
        std::sync::Arc::strong_count(&self.0)
    }

    /// As an object of a trait: coercion of a type of one's own is not stable in Rust.
    pub fn map<U: ?Sized>(self, as_object: impl FnOnce(std::sync::Arc<T>) -> std::sync::Arc<U>) -> Arc<U> {
        Arc(as_object(self.0))
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A lock that may sleep.
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// With `value` in it.
    pub fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// Waits for the lock. A task that has it already stops the test instead of waiting.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Ok(guard) => MutexGuard(guard),
            Err(_) => MutexGuard(self.0.lock().expect("a test has failed with the lock held")),
        }
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
        $crate::sync::Mutex::new($value)
    };
}

/// A reference that a test may pass where the kernel crate wants a pinned one.
pub type PinnedKey = Pin<&'static LockClassKey>;
