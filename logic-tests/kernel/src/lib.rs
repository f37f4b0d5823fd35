// SPDX-License-Identifier: GPL-2.0

//! What the module's logic uses of the `kernel` crate, with the same names and meanings, for the
//! host. Only that: what is missing here was not needed so far.
//!
//! Allocations can be made to fail; see [`failure`].

extern crate self as kernel;

pub mod alloc;
pub mod bindings;
pub mod error;
pub mod failure;
pub mod rbtree;
pub mod sync;
pub mod types;

/// Types of C.
pub mod ffi {
    pub use core::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void, CStr};
}

/// Pages as the architecture has them.
pub mod page {
    /// log2 of [`PAGE_SIZE`].
    pub const PAGE_SHIFT: usize = 12;
    /// Bytes.
    pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;
}

/// C strings.
pub mod str {
    /// As the kernel's trait of this name.
    pub trait CStrExt {
        /// The address of the first byte.
        fn as_char_ptr(&self) -> *const core::ffi::c_char;
    }

    impl CStrExt for core::ffi::CStr {
        fn as_char_ptr(&self) -> *const core::ffi::c_char {
            self.as_ptr()
        }
    }
}

/// What the kernel's code takes for granted.
pub mod prelude {
    pub use crate::alloc::{flags::*, KVVec, KVec};
    pub use crate::error::{code::*, Error, Result};
    pub use crate::ffi::{c_void, CStr};
    pub use crate::str::CStrExt;
    pub use crate::sync::ArcPinInit;
    pub use core::pin::Pin;
    pub use pinned_init::{pin_data, pin_init, PinInit};
}
