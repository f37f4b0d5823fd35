// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `file.rs`.

/// A file.
pub(crate) struct File;
