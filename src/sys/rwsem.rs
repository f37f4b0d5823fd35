// SPDX-License-Identifier: GPL-2.0

//! A reader-writer lock that may sleep: `struct rw_semaphore` with the data that it protects.

use super::c;
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    pin::Pin,
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::LockClassKey,
    types::{NotThreadSafe, Opaque},
};

/// `data`, shared among readers or exclusive to one writer.
#[pin_data]
pub(crate) struct RwSem<T> {
    #[pin]
    sem: Opaque<bindings::rw_semaphore>,
    data: UnsafeCell<T>,
}

// SAFETY: The lock and its data may move to another thread if the data may.
unsafe impl<T: Send> Send for RwSem<T> {}
// SAFETY: Readers on several threads share `&T`, and a writer has `&mut T`.
unsafe impl<T: Send + Sync> Sync for RwSem<T> {}

impl<T> RwSem<T> {
    /// Makes an unlocked lock. `key` names its class to lockdep.
    pub(crate) fn new(
        data: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            sem <- Opaque::ffi_init(|sem| {
                // SAFETY: `sem` is valid for writes and pinned; name and key are static.
                unsafe { c::zx_rwsem_init(sem, name.as_char_ptr(), key.as_ptr()) }
            }),
            data: UnsafeCell::new(data),
        })
    }

    /// Waits for shared access.
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        // SAFETY: Initialised in `new`.
        unsafe { c::down_read(self.sem.get()) };
        ReadGuard(self, NotThreadSafe)
    }

    /// Shared access, if it is to be had at once, besides that to another lock of the same kind,
    /// which the caller has: of any number of locks, for lockdep does not see these.
    pub(crate) fn try_read_further(&self) -> Option<FurtherReadGuard<'_, T>> {
        // SAFETY: Initialised in `new`.
        let got = unsafe { c::zx_down_read_trylock_further(self.sem.get()) };
        got.then(|| FurtherReadGuard(self, NotThreadSafe))
    }

    /// Exclusive access, if it is to be had at once. Does not sleep.
    pub(crate) fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        // SAFETY: Initialised in `new`.
        let got = unsafe { c::down_write_trylock(self.sem.get()) } != 0;
        got.then(|| WriteGuard(self, NotThreadSafe, PhantomData))
    }

    /// Waits for exclusive access while holding that to another lock of the same kind. Callers
    /// need an order among these.
    pub(crate) fn write_second(&self) -> WriteGuard<'_, T> {
        // SAFETY: Initialised in `new`.
        unsafe { c::zx_down_write_second(self.sem.get()) };
        WriteGuard(self, NotThreadSafe, PhantomData)
    }

    /// Waits for exclusive access.
    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        // SAFETY: Initialised in `new`.
        unsafe { c::down_write(self.sem.get()) };
        WriteGuard(self, NotThreadSafe, PhantomData)
    }

    /// Waits for exclusive access; EINTR if the task is killed meanwhile.
    pub(crate) fn write_killable(&self) -> Result<WriteGuard<'_, T>> {
        // SAFETY: Initialised in `new`.
        to_result(unsafe { c::down_write_killable(self.sem.get()) })?;
        Ok(WriteGuard(self, NotThreadSafe, PhantomData))
    }
}

/// Shared access, until dropped.
pub(crate) struct ReadGuard<'a, T>(&'a RwSem<T>, NotThreadSafe);

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The lock is held for reading, so no `&mut T` exists.
        unsafe { &*self.0.data.get() }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: This task took the lock for reading.
        unsafe { c::up_read(self.0.sem.get()) };
    }
}

/// Shared access from [`RwSem::try_read_further`], until dropped.
pub(crate) struct FurtherReadGuard<'a, T>(&'a RwSem<T>, NotThreadSafe);

impl<T> Deref for FurtherReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The lock is held for reading, so no `&mut T` exists.
        unsafe { &*self.0.data.get() }
    }
}

impl<T> Drop for FurtherReadGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: This task took the lock for reading, by the function that goes with this one.
        unsafe { c::zx_up_read_further(self.0.sem.get()) };
    }
}

/// Exclusive access, until dropped.
pub(crate) struct WriteGuard<'a, T>(&'a RwSem<T>, NotThreadSafe, PhantomData<&'a mut T>);

impl<'a, T> WriteGuard<'a, T> {
    /// Shared access instead; nobody else has exclusive access in between.
    pub(crate) fn downgrade(self) -> ReadGuard<'a, T> {
        let sem = core::mem::ManuallyDrop::new(self).0;
        // SAFETY: This task took the lock for writing, and goes on as a reader.
        unsafe { c::downgrade_write(sem.sem.get()) };
        ReadGuard(sem, NotThreadSafe)
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The lock is held for writing, and the guard is borrowed.
        unsafe { &*self.0.data.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: The lock is held for writing, and the guard is borrowed exclusively.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: This task took the lock for writing.
        unsafe { c::up_write(self.0.sem.get()) };
    }
}
