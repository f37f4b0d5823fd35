// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel interface as bindgen makes it from `zxvmo.h`.
//!
//! `ZX_*` are the constants of Zircon, `zxvmo_*` the arguments of the calls,
//! `ZXVMO_OP_*` their numbers.

#![allow(missing_docs, non_camel_case_types, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/uapi.rs"));
