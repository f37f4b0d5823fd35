// SPDX-License-Identifier: MIT OR Apache-2.0
//! Zircon's virtual memory objects (VMOs) on Linux.
//!
//! This is the safe client of the zxvmo kernel module. Names and argument
//! order are those of Fuchsia's `zx` crate. Every handle is a file descriptor
//! with rights of its own, closed on drop; [`OwnedFd`](std::os::fd::OwnedFd)
//! converts in and out, so handles can be sent over sockets and inherited.
//!
//! ```no_run
//! use zxvmo::{Rights, Vmo};
//!
//! # fn main() -> Result<(), zxvmo::Status> {
//! let vmo = Vmo::create(8192)?;
//! vmo.write(b"hello", 100)?;
//! assert_eq!(vmo.read_to_vec(100, 5)?, b"hello");
//!
//! // A handle that can only be read, to give away.
//! let reader = vmo.duplicate_handle(Rights::BASIC | Rights::READ | Rights::MAP)?;
//! assert!(reader.write(b"x", 0).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! Examples are compiled by `cargo test` but not run, because they need
//! `/dev/zxvmo`; `examples/tour.rs` is one that runs, and the tests under
//! `tests/` fail where the module is not loaded.
//!
//! # When the module is not loaded
//!
//! Creation gives [`Status::NOT_SUPPORTED`], or [`Status::ACCESS_DENIED`]
//! where the device may not be opened. With `ZXVMO_VERBOSE=1` in the
//! environment the reason is printed on stderr once.
//!
//! Statuses and checks are those of Zircon; the documentation of each call
//! names them in the order of the checks.

pub mod abi;
mod device;
mod event;
mod handle;
mod info;
mod mapping;
mod options;
mod port;
pub mod raw;
mod rights;
mod status;
mod stream;
mod time;
mod vmo;
mod wait;

pub use device::{query, Device};
pub use event::{Event, EventPair};
pub use info::{
    HandleBasicInfo, HandleCountInfo, Koid, Name, ObjectType, StreamInfo, VmoInfo, VmoInfoFlags,
};
pub use mapping::Mapping;
pub use options::{
    CachePolicy, StreamOptions, StreamWriteOptions, VmarFlags, VmarOp, VmoChildOptions,
    VmoLockState, VmoOp, VmoOptions,
};
pub use port::{Packet, PacketContents, Port, SignalPacket, WaitAsyncOpts};
pub use rights::Rights;
pub use status::Status;
pub use stream::Stream;
pub use time::{MonotonicDuration, MonotonicInstant};
pub use vmo::Vmo;
pub use wait::{object_wait_many, Signals, WaitItem, WaitResult};
