// SPDX-License-Identifier: GPL-2.0

//! Errors.

use crate::bindings;

/// An errno, negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error(i32);

/// What kernel functions return.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

impl Error {
    /// The error with this negative number.
    pub const fn from_errno(errno: i32) -> Self {
        assert!(errno < 0 && errno >= -4095);
        Self(errno)
    }

    /// The negative number.
    pub const fn to_errno(self) -> i32 {
        self.0
    }
}

/// What a C function means that returns 0 or a negative errno.
pub fn to_result(status: i32) -> Result {
    if status < 0 {
        Err(Error::from_errno(status))
    } else {
        Ok(())
    }
}

impl From<crate::alloc::AllocError> for Error {
    fn from(_: crate::alloc::AllocError) -> Self {
        code::ENOMEM
    }
}

impl From<core::convert::Infallible> for Error {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

/// The errors by name.
pub mod code {
    use super::{bindings, Error};

    macro_rules! codes {
        ($($name:ident)*) => {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                pub const $name: Error = Error::from_errno(-(bindings::$name as i32));
            )*
        };
    }

    codes! { E2BIG EACCES EBUSY EEXIST EFAULT EINTR EINVAL EMFILE ENFILE ENOMEM EPERM }
}
