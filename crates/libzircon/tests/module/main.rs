// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C calls against the module. Every test fails where it is not loaded.

#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod children;
mod handles;
mod mappings;
mod memory;
mod support;
