// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fmt;

use rustix::io::Errno;

use crate::abi;

/// The result of a call: [`Status::OK`] or one of Zircon's errors.
///
/// Errors are negative numbers, which are not those of Linux's `errno`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Status(i32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:ident;)*) => {
        impl Status {
            $($(#[$doc])* pub const $name: Status = Status(abi::$value as i32);)*

            /// The name in C, such as `ZX_ERR_NO_MEMORY`; `None` for a number that is no status.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Status::$name => Some(stringify!($value)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Success.
    OK = ZX_OK;
    /// The system did something unexpected.
    INTERNAL = ZX_ERR_INTERNAL;
    /// Not implemented, not possible for this object, or the module is missing.
    NOT_SUPPORTED = ZX_ERR_NOT_SUPPORTED;
    /// A resource other than memory ran out, such as address space.
    NO_RESOURCES = ZX_ERR_NO_RESOURCES;
    /// Memory ran out.
    NO_MEMORY = ZX_ERR_NO_MEMORY;
    /// An argument is invalid.
    INVALID_ARGS = ZX_ERR_INVALID_ARGS;
    /// The handle is none.
    BAD_HANDLE = ZX_ERR_BAD_HANDLE;
    /// The handle is one of another type of object.
    WRONG_TYPE = ZX_ERR_WRONG_TYPE;
    /// There is no such system call.
    BAD_SYSCALL = ZX_ERR_BAD_SYSCALL;
    /// A number or a range lies outside of what is allowed.
    OUT_OF_RANGE = ZX_ERR_OUT_OF_RANGE;
    /// The caller's buffer is too small.
    BUFFER_TOO_SMALL = ZX_ERR_BUFFER_TOO_SMALL;
    /// The object is not in a state that allows it.
    BAD_STATE = ZX_ERR_BAD_STATE;
    /// The deadline passed.
    TIMED_OUT = ZX_ERR_TIMED_OUT;
    /// It cannot be done at once.
    SHOULD_WAIT = ZX_ERR_SHOULD_WAIT;
    /// The handle was closed during the call.
    CANCELED = ZX_ERR_CANCELED;
    /// The other end is closed.
    PEER_CLOSED = ZX_ERR_PEER_CLOSED;
    /// There is no such thing.
    NOT_FOUND = ZX_ERR_NOT_FOUND;
    /// There is one already.
    ALREADY_EXISTS = ZX_ERR_ALREADY_EXISTS;
    /// It is bound already.
    ALREADY_BOUND = ZX_ERR_ALREADY_BOUND;
    /// The object cannot do it, now or ever.
    UNAVAILABLE = ZX_ERR_UNAVAILABLE;
    /// The handle lacks a right.
    ACCESS_DENIED = ZX_ERR_ACCESS_DENIED;
    /// Input or output failed.
    IO = ZX_ERR_IO;
    /// The data that was read is damaged.
    IO_DATA_INTEGRITY = ZX_ERR_IO_DATA_INTEGRITY;
    /// The file would be too big.
    FILE_BIG = ZX_ERR_FILE_BIG;
    /// There is no space left.
    NO_SPACE = ZX_ERR_NO_SPACE;
    /// Not an error: stop.
    STOP = ZX_ERR_STOP;
    /// Not an error: go on.
    NEXT = ZX_ERR_NEXT;
}

impl Status {
    /// `Ok` for 0, else the error.
    pub const fn ok(raw: i32) -> Result<(), Status> {
        match raw {
            0 => Ok(()),
            error => Err(Status(error)),
        }
    }

    /// The status with this number.
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw)
    }

    /// The number of this status.
    pub const fn into_raw(self) -> i32 {
        self.0
    }

    /// What an error of Linux means that came instead of a status.
    pub(crate) fn from_errno(errno: Errno) -> Self {
        match errno {
            // Not open, or not one of the module's files.
            Errno::BADF | Errno::NOTTY => Self::BAD_HANDLE,
            Errno::NOMEM | Errno::MFILE | Errno::NFILE => Self::NO_MEMORY,
            Errno::ACCESS | Errno::PERM => Self::ACCESS_DENIED,
            // The module is missing, or older than this call.
            Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::TOOBIG => Self::NOT_SUPPORTED,
            _ => Self::INTERNAL,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "unknown status {}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

impl std::error::Error for Status {}

impl From<Status> for std::io::Error {
    fn from(status: Status) -> Self {
        use std::io::ErrorKind;
        let kind = match status {
            Status::NOT_SUPPORTED => ErrorKind::Unsupported,
            Status::NO_MEMORY => ErrorKind::OutOfMemory,
            Status::INVALID_ARGS | Status::OUT_OF_RANGE => ErrorKind::InvalidInput,
            Status::TIMED_OUT => ErrorKind::TimedOut,
            Status::NOT_FOUND => ErrorKind::NotFound,
            Status::ALREADY_EXISTS => ErrorKind::AlreadyExists,
            Status::ACCESS_DENIED => ErrorKind::PermissionDenied,
            _ => ErrorKind::Other,
        };
        Self::new(kind, status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(Status::OK.into_raw(), 0);
        assert_eq!(Status::INVALID_ARGS.into_raw(), -10);
        assert_eq!(Status::ACCESS_DENIED.to_string(), "ZX_ERR_ACCESS_DENIED");
        assert_eq!(Status::from_raw(-999).to_string(), "unknown status -999");
        assert_eq!(Status::ok(-30), Err(Status::ACCESS_DENIED));
        assert_eq!(Status::ok(0), Ok(()));
    }
}
