// SPDX-License-Identifier: GPL-2.0

//! The module's own source files, compiled for the host with stand-ins below them: `kernel` has the
//! names of the kernel crate, `sys::c` those of `helpers.c`. See `docs/testing.md`.
#![cfg(test)]
#![deny(unsafe_op_in_unsafe_fn)]
// The tests use a part of what the module uses.
#![allow(dead_code, unused_imports)]

#[path = "../../src/page_map.rs"]
mod page_map;
#[path = "../../src/rights.rs"]
mod rights;
#[path = "../../src/status.rs"]
mod status;
mod sys;

mod page_map_threads;
mod page_map_tests;
mod words_tests;

/// How many sequences a property is tried with: `many`, or few under Miri, which takes its time;
/// or as many as `LOGIC_TESTS_CASES` says.
fn cases(many: u32) -> u32 {
    let wanted = std::env::var("LOGIC_TESTS_CASES").ok();
    let wanted = wanted.and_then(|wanted| wanted.parse().ok());
    wanted.unwrap_or(if cfg!(miri) { 4 } else { many })
}
