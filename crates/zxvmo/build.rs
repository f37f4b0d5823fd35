// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the Rust side of the kernel interface from its C header, zxvmo.h.
//!
//! The header is that of the source tree, or else the installed one;
//! `ZXVMO_INCLUDE_DIR` takes another. `BINDGEN` names another bindgen.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

fn main() -> ExitCode {
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("zxvmo: {message}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=BINDGEN");
    let header = find_header()?;
    println!("cargo::rerun-if-changed={}", header.display());
    let text = fs::read_to_string(&header)
        .map_err(|error| format!("cannot read {}: {error}", header.display()))?;

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let wrapper = out.join("wrapper.h");
    fs::write(&wrapper, wrap(&text))
        .map_err(|error| format!("cannot write {}: {error}", wrapper.display()))?;

    let bindgen = env::var_os("BINDGEN").unwrap_or_else(|| "bindgen".into());
    let mut command = Command::new(&bindgen);
    command
        .arg(&wrapper)
        .arg("--output")
        .arg(out.join("uapi.rs"))
        .args(["--use-core", "--ctypes-prefix", "core::ffi"])
        .args(["--no-doc-comments", "--with-derive-default"])
        .args(["--allowlist-item", "(ZX|zxvmo_).*", "--"]);
    if let Some(dir) = header.parent() {
        command.arg("-I").arg(dir);
    }
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("bindgen failed on {}: {status}", header.display())),
        Err(error) => Err(format!(
            "cannot run {}: {error}; install bindgen (package bindgen, or cargo install bindgen-cli), or set BINDGEN",
            bindgen.to_string_lossy()
        )),
    }
}

fn find_header() -> Result<PathBuf, String> {
    println!("cargo::rerun-if-env-changed=ZXVMO_INCLUDE_DIR");
    if let Some(dir) = env::var_os("ZXVMO_INCLUDE_DIR") {
        return Ok(Path::new(&dir).join("zxvmo.h"));
    }
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?;
    let here = Path::new(&here);
    [
        here.join("../../uapi/zxvmo.h"),
        "/usr/local/include/zxvmo.h".into(),
        "/usr/include/zxvmo.h".into(),
    ]
    .into_iter()
    .find(|path| path.exists())
    .ok_or_else(|| "cannot find zxvmo.h; set ZXVMO_INCLUDE_DIR to its directory".into())
}

/// The header, and a constant for each command number: bindgen evaluates
/// `_IOWR()` in the value of a constant but not in a macro.
fn wrap(header: &str) -> String {
    let mut wrapper = String::from("#include <zxvmo.h>\n");
    for line in header.lines() {
        let mut words = line.split_whitespace();
        let (Some("#define"), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        if let Some(call) = name.strip_prefix("ZXVMO_IOC_") {
            wrapper += &format!("static const __u32 ZXVMO_OP_{call} = {name};\n");
        }
    }
    wrapper
}
