// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device, `/dev/zxvmo`, opened when it is first needed.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::abi;
use crate::raw;
use crate::Status;

/// What the loaded module says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The version of its interface.
    pub abi_version: u32,
    /// Bytes of a page.
    pub page_size: u32,
    /// Bytes of the largest VMO.
    pub max_size: u64,
}

/// Asks the loaded module what it offers.
///
/// NOT_SUPPORTED if there is none, ACCESS_DENIED if its device may not be opened.
pub fn query() -> Result<Device, Status> {
    raw::query(device()?)
}

/// The descriptor, once it is open. It stays open for the life of the process:
/// there is no lock that a fork could leave held, and a child inherits it.
static OPEN: AtomicI32 = AtomicI32::new(-1);

/// The device, opened if it is not open yet, then open for good.
pub fn device() -> Result<BorrowedFd<'static>, Status> {
    let fd = match OPEN.load(Ordering::Acquire) {
        -1 => open()?,
        fd => fd,
    };
    // SAFETY: The descriptor in OPEN is never closed.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

#[cold]
fn open() -> Result<i32, Status> {
    let path = CStr::from_bytes_with_nul(abi::ZXVMO_DEVICE_PATH).map_err(|_| Status::INTERNAL)?;
    let device = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| explain(path, errno))?;
    check(&device)?;
    let fd = device.into_raw_fd();
    match OPEN.compare_exchange(-1, fd, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(fd),
        Err(other) => {
            // SAFETY: This descriptor is not in OPEN, so nobody else has it.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
            Ok(other)
        }
    }
}

fn check(device: &OwnedFd) -> Result<(), Status> {
    let found = raw::query(device.as_fd()).map_err(|status| {
        tell(format_args!(
            "/dev/zxvmo does not answer like the zxvmo module ({status})"
        ));
        Status::NOT_SUPPORTED
    })?;
    if found.abi_version < abi::ZXVMO_ABI_VERSION {
        tell(format_args!(
            "the loaded module has interface version {}, {} is needed: load a newer module",
            found.abi_version,
            abi::ZXVMO_ABI_VERSION
        ));
        return Err(Status::NOT_SUPPORTED);
    }
    Ok(())
}

fn explain(path: &CStr, errno: Errno) -> Status {
    let path = path.to_string_lossy();
    match errno {
        Errno::NOENT | Errno::NODEV | Errno::NXIO => tell(format_args!(
            "there is no {path}: the kernel module zxvmo is not loaded (modprobe zxvmo)"
        )),
        errno => tell(format_args!("cannot open {path}: {errno}")),
    }
    Status::from_errno(errno)
}

/// Prints a reason on stderr, once, if the environment asks for it. Goes round
/// the lock of Rust's stderr, which a fork could leave held.
fn tell(reason: std::fmt::Arguments<'_>) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let asked = std::env::var_os("ZXVMO_VERBOSE").is_some_and(|value| value != "0");
    if asked && !TOLD.swap(true, Ordering::Relaxed) {
        let stderr = rustix::stdio::stderr();
        // Nobody is left to tell if this fails.
        let _ = rustix::io::write(stderr, format!("zxvmo: {reason}\n").as_bytes());
    }
}
