// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's tracepoints: nobody listens.

/// A page was copied.
pub(crate) fn copy(_values: impl FnOnce() -> (u64, u64)) {}

/// COMMIT ended.
pub(crate) fn commit(_values: impl FnOnce() -> (u64, u64, u64, i32)) {}

/// The kernel took memory back.
pub(crate) fn discard(_values: impl FnOnce() -> (u64, u64)) {}

/// LOCK, TRY_LOCK or UNLOCK ended.
pub(crate) fn lock(_values: impl FnOnce() -> (u64, u32, i32)) {}
