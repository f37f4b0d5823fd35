// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names the shared library, for what is linked with it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libzircon.so.0");
}
