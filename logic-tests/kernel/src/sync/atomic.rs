// SPDX-License-Identifier: GPL-2.0

//! Atomics by the kernel's names. A `cmpxchg` that fails orders nothing, as in the kernel.

pub use core::sync::atomic::Ordering;
pub use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::{cell::UnsafeCell, sync::atomic as host};

/// Orders everything.
#[allow(non_upper_case_globals)]
pub const Full: Ordering = Ordering::SeqCst;

/// What can be in an [`Atomic`].
pub trait AtomicType: Copy {
    /// The host's type.
    type Host;

    #[doc(hidden)]
    fn host(atomic: &Atomic<Self>) -> &Self::Host;
    #[doc(hidden)]
    fn load(host: &Self::Host, order: Ordering) -> Self;
    #[doc(hidden)]
    fn store(host: &Self::Host, value: Self, order: Ordering);
    #[doc(hidden)]
    fn swap(host: &Self::Host, value: Self, order: Ordering) -> Self;
    #[doc(hidden)]
    fn exchange(host: &Self::Host, old: Self, new: Self, order: Ordering) -> Result<Self, Self>;
}

/// Numbers that can be added to.
pub trait AtomicNumber: AtomicType {
    #[doc(hidden)]
    fn fetch_add(host: &Self::Host, value: Self, order: Ordering) -> Self;
    #[doc(hidden)]
    fn fetch_sub(host: &Self::Host, value: Self, order: Ordering) -> Self;
}

/// As the kernel's.
#[repr(transparent)]
pub struct Atomic<T>(UnsafeCell<T>);

// SAFETY: As for the host's atomics, of which it is one.
unsafe impl<T: AtomicType> Send for Atomic<T> {}
// SAFETY: As above.
unsafe impl<T: AtomicType> Sync for Atomic<T> {}

macro_rules! atomic_type {
    ([$($generics:tt)*] $type:ty, $host:ty) => {
        impl<$($generics)*> AtomicType for $type {
            type Host = $host;

            fn host(atomic: &Atomic<Self>) -> &$host {
                const { assert!(align_of::<$type>() == align_of::<$host>()) };
                // SAFETY: It is only used through this, or exclusively.
                unsafe { <$host>::from_ptr(atomic.0.get()) }
            }

            fn load(host: &$host, order: Ordering) -> Self {
                host.load(order)
            }

            fn store(host: &$host, value: Self, order: Ordering) {
                host.store(value, order)
            }

            fn swap(host: &$host, value: Self, order: Ordering) -> Self {
                host.swap(value, order)
            }

            fn exchange(
                host: &$host,
                old: Self,
                new: Self,
                order: Ordering,
            ) -> Result<Self, Self> {
                host.compare_exchange(old, new, order, Relaxed)
            }
        }
    };
}

macro_rules! atomic_number {
    ($type:ty, $host:ty) => {
        atomic_type!([] $type, $host);

        impl AtomicNumber for $type {
            fn fetch_add(host: &$host, value: Self, order: Ordering) -> Self {
                host.fetch_add(value, order)
            }

            fn fetch_sub(host: &$host, value: Self, order: Ordering) -> Self {
                host.fetch_sub(value, order)
            }
        }
    };
}

atomic_number!(u32, host::AtomicU32);
atomic_number!(u64, host::AtomicU64);
atomic_type!([] bool, host::AtomicBool);
atomic_type!([T] *mut T, host::AtomicPtr<T>);

impl<T> Atomic<T> {
    /// With `value` in it.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Exclusive access.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<T: AtomicType> Atomic<T> {
    /// The value.
    pub fn load(&self, order: Ordering) -> T {
        T::load(T::host(self), order)
    }

    /// Sets it.
    pub fn store(&self, value: T, order: Ordering) {
        T::store(T::host(self), value, order)
    }

    /// Sets it; what was there.
    pub fn xchg(&self, value: T, order: Ordering) -> T {
        T::swap(T::host(self), value, order)
    }

    /// Sets it if it is `old`; else what it is.
    pub fn cmpxchg(&self, old: T, new: T, order: Ordering) -> Result<T, T> {
        T::exchange(T::host(self), old, new, order)
    }
}

impl<T: AtomicNumber> Atomic<T> {
    /// Adds; there is no result.
    pub fn add(&self, value: T, order: Ordering) {
        T::fetch_add(T::host(self), value, order);
    }

    /// Adds; what was there.
    pub fn fetch_add(&self, value: T, order: Ordering) -> T {
        T::fetch_add(T::host(self), value, order)
    }

    /// Subtracts; what was there.
    pub fn fetch_sub(&self, value: T, order: Ordering) -> T {
        T::fetch_sub(T::host(self), value, order)
    }
}
