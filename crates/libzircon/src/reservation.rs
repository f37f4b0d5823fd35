// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses that are taken but show nothing: what a region is made of.
//!
//! They are mappings of the device, which the module sees as not mapped (spec
//! section 17.1). Their offset in it is their address, so that those that meet
//! can become one: see [`join`].

use std::ffi::c_void;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::mm::{madvise, mmap, munmap, Advice, MapFlags, ProtFlags};
use zxvmo::{raw, Status};

/// The device and inode number of the device's file, once there may be a
/// reservation. An inode 0 is none.
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);

/// Whether what is mapped from this inode is a reservation.
pub(crate) fn is_one(device: u64, inode: u64) -> bool {
    inode != 0 && inode == INODE.load(Ordering::Acquire) && device == DEVICE.load(Ordering::Relaxed)
}

/// The device, whose numbers are known from now on.
fn device() -> Result<BorrowedFd<'static>, Status> {
    let device = raw::device()?;
    if INODE.load(Ordering::Acquire) == 0 {
        // SAFETY: A structure of integers.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: The descriptor is open, and `stat` is ours.
        if unsafe { libc::fstat(device.as_raw_fd(), &mut stat) } != 0 {
            return Err(Status::INTERNAL);
        }
        DEVICE.store(stat.st_dev, Ordering::Relaxed);
        INODE.store(stat.st_ino, Ordering::Release);
    }
    Ok(device)
}

/// # Safety
///
/// With MAP_FIXED in `flags`, nothing may be in use at `address[..len]`.
unsafe fn map(address: usize, len: usize, flags: MapFlags) -> Result<usize, Status> {
    let device = device()?;
    // SAFETY: By the contract of this function.
    let mapped = unsafe {
        mmap(
            ptr::without_provenance_mut::<c_void>(address),
            len,
            ProtFlags::empty(),
            MapFlags::PRIVATE | MapFlags::NORESERVE | flags,
            device,
            address as u64,
        )
    };
    match mapped {
        Ok(at) => {
            join(at as usize, len);
            Ok(at as usize)
        }
        Err(Errno::EXIST) => Err(Status::ALREADY_EXISTS),
        Err(Errno::NOMEM) => Err(Status::NO_MEMORY),
        // Below what Linux lets this process map.
        Err(Errno::PERM) => Err(Status::INVALID_ARGS),
        Err(_) => Err(Status::INTERNAL),
    }
}

/// Has the kernel join a new reservation with those next to it: it looks for
/// such neighbours when flags change, not when a file is mapped that has a say
/// in them. Without that each unmapping would leave one mapping more.
fn join(start: usize, len: usize) {
    let start = ptr::without_provenance_mut::<c_void>(start);
    // SAFETY: Keeps the range, in which there is nothing, out of core dumps. If
    // it cannot be done, they stay apart.
    let _ = unsafe { madvise(start, len, Advice::LinuxDontDump) };
}

/// Reserves `len` bytes where the kernel likes; NO_RESOURCES.
pub(crate) fn anywhere(len: usize) -> Result<usize, Status> {
    // SAFETY: Replaces nothing.
    let at = unsafe { map(0, len, MapFlags::empty()) }.map_err(|status| match status {
        Status::NO_MEMORY => Status::NO_RESOURCES,
        status => status,
    })?;
    // Once more, now that the address is known, for the offset.
    // SAFETY: Replaces what has just been made.
    unsafe { over(at..at + len) }.inspect_err(|_| {
        // SAFETY: As above.
        let _ = unsafe { release(at..at + len) };
    })?;
    Ok(at)
}

/// Reserves addresses of which none is taken; ALREADY_EXISTS.
pub(crate) fn at(range: Range<usize>) -> Result<(), Status> {
    // SAFETY: Replaces nothing.
    let at = unsafe { map(range.start, range.len(), MapFlags::FIXED_NOREPLACE)? };
    if at == range.start {
        return Ok(());
    }
    // SAFETY: It has just been made. Linux before 4.17 takes the address for a wish.
    let _ = unsafe { release(at..at + range.len()) };
    Err(Status::ALREADY_EXISTS)
}

/// Puts a reservation in place of what is mapped in the range, at one stroke;
/// NO_MEMORY.
///
/// # Safety
///
/// Nothing may be in use in the range.
pub(crate) unsafe fn over(range: Range<usize>) -> Result<(), Status> {
    // SAFETY: By the contract of this function.
    unsafe { map(range.start, range.len(), MapFlags::FIXED).map(drop) }
}

/// Makes the addresses free; NO_MEMORY.
///
/// # Safety
///
/// Nothing may be in use in the range.
pub(crate) unsafe fn release(range: Range<usize>) -> Result<(), Status> {
    let start = ptr::without_provenance_mut::<c_void>(range.start);
    // SAFETY: By the contract of this function.
    unsafe { munmap(start, range.len()) }.map_err(|_| Status::NO_MEMORY)
}
