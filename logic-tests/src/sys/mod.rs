// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `src/sys/mod.rs`: its files that keep pages, nodes, locks, limits
//! of users and the list of the shrinker are compiled as they are; the rest has stand-ins.

use kernel::error::Error;

#[path = "../../../src/sys/ahead.rs"]
pub(crate) mod ahead;
#[path = "../../../src/sys/cache.rs"]
pub(crate) mod cache;
#[path = "../../../src/sys/large.rs"]
pub(crate) mod large;
#[path = "../../../src/sys/leaf.rs"]
pub(crate) mod leaf;
#[path = "../../../src/sys/limit.rs"]
pub(crate) mod limit;
#[path = "../../../src/sys/node.rs"]
pub(crate) mod node;
#[path = "../../../src/sys/page.rs"]
pub(crate) mod page;
#[path = "../../../src/sys/reclaim.rs"]
pub(crate) mod reclaim;
#[path = "../../../src/sys/rwsem.rs"]
pub(crate) mod rwsem;

mod c;
pub(crate) mod file;
pub(crate) mod fs;
pub(crate) mod probe;
pub(crate) mod trace;
pub(crate) mod user;
pub(crate) mod vma;
pub(crate) mod wait;

/// The ABI, as the module has it.
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    missing_docs,
    non_camel_case_types
)]
pub(crate) mod uapi {
    use kernel::ffi;

    type __s32 = i32;
    type __s64 = i64;
    type __u8 = u8;
    type __u32 = u32;
    type __u64 = u64;

    include!(concat!(env!("OUT_DIR"), "/uapi.rs"));
}

/// Numbers of errors.
pub(crate) mod errno {
    pub(crate) use kernel::bindings::{
        EACCES, EAGAIN, EBADF, EBUSY, ECANCELED, EEXIST, EFBIG, EINTR, EINVAL, EIO, EMEDIUMTYPE,
        ENAMETOOLONG, ENOBUFS, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EOVERFLOW, EPIPE, ERANGE, ETIME,
        ETIMEDOUT,
    };
}

/// As in the module.
pub(crate) fn error(number: u32) -> Error {
    Error::from_errno(-(number as i32))
}

/// log2 of [`PAGE_SIZE`].
pub(crate) const PAGE_SHIFT: u32 = kernel::page::PAGE_SHIFT as u32;

/// Bytes of a page.
pub(crate) const PAGE_SIZE: u64 = kernel::page::PAGE_SIZE as u64;

/// Whether the current task is being killed: see [`probe::kill`].
pub(crate) fn killed() -> bool {
    probe::is_killed()
}
