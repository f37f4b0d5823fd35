// SPDX-License-Identifier: GPL-2.0
//! Makes the Rust side of `uapi/zxvmo.h`, as Kbuild does for the module.

use std::{env, path::PathBuf, process::Command};

fn main() {
    let top = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let header = top.join("uapi/zxvmo.h");
    println!("cargo::rerun-if-changed={}", header.display());
    println!("cargo::rerun-if-env-changed=BINDGEN");
    // What the module's files ask of a kernel's configuration.
    println!("cargo::rustc-check-cfg=cfg(zxvmo, CONFIG_X86)");
    println!("cargo::rustc-cfg=CONFIG_X86");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let bindgen = env::var_os("BINDGEN").unwrap_or_else(|| "bindgen".into());
    let status = Command::new(bindgen)
        .arg(&header)
        .arg("--output")
        .arg(out.join("uapi.rs"))
        .args(["--use-core", "--ctypes-prefix", "ffi"])
        .args(["--no-doc-comments", "--with-derive-default"])
        .args([
            "--allowlist-type",
            "zxvmo_.*",
            "--allowlist-var",
            "ZX_.*|ZXVMO_.*",
        ])
        .args(["--blocklist-type", "__[us](8|16|32|64)"])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "bindgen failed on {}",
        header.display()
    );
}
