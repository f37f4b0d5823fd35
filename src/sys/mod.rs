// SPDX-License-Identifier: GPL-2.0

//! The only door to C, and the only folder with `unsafe` in it.
//!
//! Each file wraps one noun of the kernel as a type that cannot be misused from safe code:
//! pages, large folios and how memory is cached, nodes of the page map, the reader-writer lock,
//! faults and mappings, the address space, what can be reclaimed, limits of users, files, the pseudo
//! file system, what people may look at, user memory and waiting. Nothing here knows what a VMO is. `kernel::bindings` is
//! named here and nowhere else.

use kernel::error::Error;

pub(crate) mod ahead;
pub(crate) mod cache;
pub(crate) mod debugfs;
pub(crate) mod device_file;
pub(crate) mod file;
pub(crate) mod file_ops;
pub(crate) mod fs;
pub(crate) mod large;
pub(crate) mod leaf;
pub(crate) mod limit;
pub(crate) mod mapping_table;
pub(crate) mod mm;
pub(crate) mod new_mapping;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod reclaim;
pub(crate) mod rwsem;
pub(crate) mod trace;
pub(crate) mod user;
pub(crate) mod vma;
pub(crate) mod wait;

/// Functions and constants of `helpers.h`; its types are those of the `kernel` crate.
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unused_imports,
    unsafe_op_in_unsafe_fn
)]
mod c {
    use kernel::bindings::*;
    use kernel::ffi;

    /// Known to `limit.c` only.
    #[repr(C)]
    pub(super) struct zx_account {
        _nothing: [u8; 0],
    }

    include!(concat!(env!("ZXVMO_GENERATED"), "/bindings_generated.rs"));
}

/// The ABI: everything that `uapi/zxvmo.h` defines.
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unused_imports,
    unsafe_op_in_unsafe_fn
)]
pub(crate) mod uapi {
    use kernel::ffi;

    type __s32 = i32;
    type __s64 = i64;
    type __u8 = u8;
    type __u32 = u32;
    type __u64 = u64;

    include!(concat!(env!("ZXVMO_GENERATED"), "/uapi_generated.rs"));
}

/// Numbers of errors. Before Linux 7.3, `kernel::error::code` lacks some of them.
pub(crate) mod errno {
    pub(crate) use kernel::bindings::{
        EACCES, EAGAIN, EBADF, EBUSY, ECANCELED, EEXIST, EFBIG, EINTR, EINVAL, EIO, EMEDIUMTYPE,
        ENAMETOOLONG, ENOBUFS, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EOVERFLOW, EPIPE, ERANGE, ETIME,
        ETIMEDOUT,
    };
}

/// The error with one of these numbers.
pub(crate) fn error(number: u32) -> Error {
    Error::from_errno(-(number as i32))
}

/// log2 of [`PAGE_SIZE`].
pub(crate) const PAGE_SHIFT: u32 = kernel::page::PAGE_SHIFT as u32;

/// Bytes of a page.
pub(crate) const PAGE_SIZE: u64 = kernel::page::PAGE_SIZE as u64;

/// Whether the current task has CAP_SYS_ADMIN.
pub(crate) fn is_administrator() -> bool {
    // SAFETY: No requirements; looks at the current task only.
    unsafe { c::capable(c::ZX_C_CAP_SYS_ADMIN) }
}

/// Whether the current task is being killed: long operations give up then.
pub(crate) fn killed() -> bool {
    // SAFETY: No requirements; looks at the current task only.
    unsafe { c::zx_fatal_signal_pending() }
}
