// SPDX-License-Identifier: GPL-2.0

//! Structures of C, with what the tests' own functions in C's place need, and errno numbers.
#![allow(non_camel_case_types)]

use core::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize},
};

/// A page and its memory.
#[derive(Default)]
pub struct page {
    /// Tells a page from freed memory.
    pub magic: AtomicU32,
    /// See `src/sys/page.rs`.
    pub sharers: AtomicUsize,
    /// The kernel's count of references.
    pub references: AtomicUsize,
    /// How many of these are pins.
    pub pins: AtomicUsize,
    /// How many of these are page tables'.
    pub mappings: AtomicUsize,
    /// Who it was made for.
    pub owner: AtomicU64,
    /// Whose it is, or null.
    pub account: AtomicPtr<zx_account>,
    /// The number that no other page has at the same time.
    pub index: AtomicU64,
    /// Whether it was written to, or a reference taken, through a translation.
    pub used: AtomicBool,
    /// How it is cached.
    pub cache: AtomicU32,
    /// Bytes.
    pub memory: UnsafeCell<Memory>,
}

/// The bytes of a page.
#[derive(Clone)]
#[repr(transparent)]
pub struct Memory(pub [u8; crate::page::PAGE_SIZE]);

impl Default for Memory {
    fn default() -> Self {
        Self([0; crate::page::PAGE_SIZE])
    }
}

/// What one user has.
#[derive(Default)]
pub struct zx_account {
    /// Objects.
    pub objects: AtomicI64,
    /// Pages that were allocated for it and are not freed yet.
    pub pages: AtomicI64,
}

impl zx_account {
    /// For functions of C, which change it in place.
    pub fn as_raw(&self) -> *mut Self {
        core::ptr::from_ref(self).cast_mut()
    }
}

/// A slab cache.
pub struct kmem_cache {
    /// Bytes of one object.
    pub size: usize,
}

/// Above 0: readers; -1: a writer.
#[derive(Default)]
pub struct rw_semaphore {
    /// The state.
    pub count: AtomicI64,
}

/// The class of a lock; nothing here looks at it.
#[derive(Default)]
pub struct lock_class_key {
    /// So that it has a place.
    pub used: AtomicBool,
}

/// Buffers in one piece of the test's memory.
#[derive(Default)]
pub struct iov_iter {
    /// Where.
    pub address: usize,
    /// Bytes left.
    pub count: usize,
}

macro_rules! numbers {
    ($($name:ident = $number:literal;)*) => {
        $(
            #[allow(missing_docs)]
            pub const $name: u32 = $number;
        )*
    };
}

numbers! {
    EPERM = 1; ENOENT = 2; EINTR = 4; EIO = 5; E2BIG = 7; EBADF = 9; EAGAIN = 11; ENOMEM = 12;
    EACCES = 13; EFAULT = 14; EBUSY = 16; EEXIST = 17; EINVAL = 22; ENFILE = 23; EMFILE = 24;
    EFBIG = 27; ENOSPC = 28; EPIPE = 32; ERANGE = 34; ENAMETOOLONG = 36; ETIME = 62;
    EOVERFLOW = 75; EOPNOTSUPP = 95; ENOBUFS = 105; ETIMEDOUT = 110; EMEDIUMTYPE = 124;
    ECANCELED = 125;
}
