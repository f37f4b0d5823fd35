// SPDX-License-Identifier: GPL-2.0

//! The module's own source files, compiled for the host with stand-ins below them: `kernel` has the
//! names of the kernel crate, `sys::c` those of `helpers.c` and `page.c`. See `docs/testing.md`.
#![cfg(test)]
#![deny(unsafe_op_in_unsafe_fn)]
// The tests use a part of what the module uses.
#![allow(dead_code, unused_imports)]

#[path = "../../src/ahead.rs"]
mod ahead;
#[path = "../../src/cache_policy.rs"]
mod cache_policy;
#[path = "../../src/content.rs"]
mod content;
#[path = "../../src/discard.rs"]
mod discard;
#[path = "../../src/endpoint.rs"]
mod endpoint;
#[path = "../../src/extent.rs"]
mod extent;
#[path = "../../src/kunit.rs"]
mod kunit;
#[path = "../../src/large.rs"]
mod large;
#[path = "../../src/op_range.rs"]
mod op_range;
#[path = "../../src/page_map.rs"]
mod page_map;
#[path = "../../src/port.rs"]
mod port;
#[path = "../../src/rights.rs"]
mod rights;
#[path = "../../src/signals.rs"]
mod signals;
#[path = "../../src/status.rs"]
mod status;
#[path = "../../src/store.rs"]
mod store;
#[path = "../../src/transfer.rs"]
mod transfer;
#[path = "../../src/vector.rs"]
mod vector;

mod family;
mod handle;
mod module_parameters;
mod object;
mod sys;
mod vmo;

mod ahead_tests;
mod page_map_model;
mod page_map_tests;
mod page_map_threads;
mod port_tests;
mod range_tests;
mod store_model;
mod store_tests;
mod words_tests;

/// How many sequences a property is tried with: `many`, or few under Miri, which takes its time;
/// or as many as `LOGIC_TESTS_CASES` says.
fn cases(many: u32) -> u32 {
    let wanted = std::env::var("LOGIC_TESTS_CASES").ok();
    let wanted = wanted.and_then(|wanted| wanted.parse().ok());
    wanted.unwrap_or(if cfg!(miri) { 4 } else { many })
}
