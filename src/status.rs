// SPDX-License-Identifier: GPL-2.0

//! Zircon statuses (spec 25) and the errno that stands beside each.
#![deny(unsafe_code)]

use crate::sys::{self, errno, uapi};
use kernel::error::{code::*, Error};

/// A status other than `ZX_OK`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Status(i32);

/// What a Zircon call returns.
pub(crate) type ZxResult<T = ()> = core::result::Result<T, Status>;

macro_rules! statuses {
    ($($name:ident = $value:ident, $errno:ident;)*) => {
        impl Status {
            $(
                #[doc = concat!("`", stringify!($value), "`.")]
                pub(crate) const $name: Self = Self(uapi::$value);
            )*
        }

        impl From<Status> for Error {
            fn from(status: Status) -> Self {
                match status {
                    $(Status::$name => sys::error(errno::$errno),)*
                    _ => sys::error(errno::EIO),
                }
            }
        }
    };
}

statuses! {
    NOT_SUPPORTED = ZX_ERR_NOT_SUPPORTED, EOPNOTSUPP;
    NO_RESOURCES = ZX_ERR_NO_RESOURCES, ENOSPC;
    NO_MEMORY = ZX_ERR_NO_MEMORY, ENOMEM;
    INVALID_ARGS = ZX_ERR_INVALID_ARGS, EINVAL;
    BAD_HANDLE = ZX_ERR_BAD_HANDLE, EBADF;
    WRONG_TYPE = ZX_ERR_WRONG_TYPE, EMEDIUMTYPE;
    OUT_OF_RANGE = ZX_ERR_OUT_OF_RANGE, ERANGE;
    BUFFER_TOO_SMALL = ZX_ERR_BUFFER_TOO_SMALL, ENOBUFS;
    BAD_STATE = ZX_ERR_BAD_STATE, EBUSY;
    TIMED_OUT = ZX_ERR_TIMED_OUT, ETIMEDOUT;
    SHOULD_WAIT = ZX_ERR_SHOULD_WAIT, EAGAIN;
    CANCELED = ZX_ERR_CANCELED, ECANCELED;
    PEER_CLOSED = ZX_ERR_PEER_CLOSED, EPIPE;
    NOT_FOUND = ZX_ERR_NOT_FOUND, ENOENT;
    ALREADY_EXISTS = ZX_ERR_ALREADY_EXISTS, EEXIST;
    UNAVAILABLE = ZX_ERR_UNAVAILABLE, EAGAIN;
    ACCESS_DENIED = ZX_ERR_ACCESS_DENIED, EACCES;
    FILE_BIG = ZX_ERR_FILE_BIG, EFBIG;
}

impl Status {
    /// The number.
    pub(crate) fn raw(self) -> i32 {
        self.0
    }
}

impl From<Error> for Status {
    /// What a failure of the kernel means to a Zircon caller.
    fn from(error: Error) -> Self {
        if error == EINTR {
            Self::CANCELED
        } else if error == EMFILE || error == ENFILE {
            Self::NO_RESOURCES
        } else if error == EFAULT {
            Self::INVALID_ARGS
        } else if error == EACCES || error == EPERM {
            Self::ACCESS_DENIED
        } else if error == EEXIST {
            Self::ALREADY_EXISTS
        } else {
            Self::NO_MEMORY
        }
    }
}

/// What a call that gave `result` returns as a number.
pub(crate) fn number(result: ZxResult) -> i32 {
    result.map_or_else(Status::raw, |()| 0)
}

impl From<kernel::alloc::AllocError> for Status {
    fn from(_: kernel::alloc::AllocError) -> Self {
        Self::NO_MEMORY
    }
}
