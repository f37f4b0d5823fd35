// SPDX-License-Identifier: GPL-2.0

//! The caller's address space: making and removing mappings, looking at those that there are, and
//! reservations.
//!
//! A *reservation* is a mapping of the device that never shows any memory and can be given no
//! permission. It keeps a range of addresses for the sub-regions of libzircon. To the calls of
//! this module it is the same as an address where nothing is mapped.

use super::{c, file::File, vma::Mapping};
use core::ptr;
use kernel::{
    bindings, current,
    ffi::c_ulong,
    mm::{
        virt::{flags, vm_flags_t, VmaNew, VmaRef},
        MmWithUser,
    },
    prelude::*,
};

pub(crate) use super::c::{
    ZX_C_MAP_FIXED as MAP_FIXED, ZX_C_MAP_FIXED_NOREPLACE as MAP_FIXED_NOREPLACE,
    ZX_C_MAP_SHARED as MAP_SHARED, ZX_C_PROT_EXEC as PROT_EXEC, ZX_C_PROT_READ as PROT_READ,
    ZX_C_PROT_WRITE as PROT_WRITE,
};

/// Calls `f` with the mapping that `address` is in, or `None` if it is in none or in a reservation.
/// The mmap lock is held for reading meanwhile.
pub(crate) fn with_mapping_at<R>(address: usize, f: impl FnOnce(Option<Mapping<'_>>) -> R) -> R {
    with_vma_at(address, |vma| {
        f(vma.map(|vma| {
            // SAFETY: The mmap lock is held while `f` runs, and the mapping is borrowed for so
            // long.
            unsafe { Mapping::from_raw(vma.as_ptr()) }
        }))
    })
}

fn with_vma_at<R>(address: usize, f: impl FnOnce(Option<&VmaRef>) -> R) -> R {
    let task = current!();
    let Some(mm) = task.mm() else {
        return f(None);
    };
    let mm: &MmWithUser = mm;
    let guard = mm.mmap_read_lock();
    f(guard.vma_lookup(address).filter(|vma| !is_reservation(vma)))
}

/// Whether a mapping at `address`, which shows or could show memory, lacks one of `permissions`,
/// which are VM_*.
pub(super) fn lacks_permission(address: usize, permissions: vm_flags_t) -> bool {
    with_vma_at(address, |vma| {
        vma.is_some_and(|vma| vma.flags() & permissions != permissions)
    })
}

/// The operations of reservations, all of which have defaults: its address identifies them.
static RESERVATION: Operations = Operations(pin_init::zeroed());

struct Operations(bindings::vm_operations_struct);

// SAFETY: The table is constant.
unsafe impl Sync for Operations {}

fn is_reservation(vma: &VmaRef) -> bool {
    // SAFETY: The mapping is valid while it is borrowed.
    ptr::eq(unsafe { (*vma.as_ptr()).vm_ops }, &RESERVATION.0)
}

/// Makes a reservation of the mapping that is being made. `EACCES` if it is to have a permission.
///
/// The flags and operations leave it mergeable, so that a region that was cut up and put together
/// again can be one mapping.
pub(crate) fn reserve(vma: &VmaNew) -> Result {
    if vma.flags() & (flags::READ | flags::WRITE | flags::EXEC) != 0 {
        return Err(EACCES);
    }
    vma.try_clear_mayread()?;
    vma.try_clear_maywrite()?;
    vma.try_clear_mayexec()?;
    // SAFETY: The mapping is being made, so it may be changed; the table is static, and the file
    // of the mapping keeps the module.
    unsafe { (*vma.as_ptr()).vm_ops = &RESERVATION.0 };
    Ok(())
}

/// Maps `length` bytes of `file` from byte `offset` on, as mmap(2) does in the current address
/// space, and returns the address. `protection` and `flags` are PROT_* and MAP_*.
pub(crate) fn map_file(
    file: &File,
    address: usize,
    length: usize,
    protection: u32,
    flags: u32,
    offset: u64,
) -> Result<usize> {
    // SAFETY: The file is valid; the kernel checks everything else.
    let mapped = unsafe {
        c::vm_mmap(
            file.as_raw(),
            address as c_ulong,
            length as c_ulong,
            protection as c_ulong,
            flags as c_ulong,
            offset as c_ulong,
        )
    };
    // Errors are the last addresses there are.
    let errno = mapped as isize;
    if (-(bindings::MAX_ERRNO as isize)..0).contains(&errno) {
        return Err(Error::from_errno(errno as i32));
    }
    Ok(mapped as usize)
}

/// Takes away a mapping that [`map_file`] made and nobody knows of yet.
pub(crate) fn unmap(address: usize, length: usize) {
    // SAFETY: The kernel checks the range. A failure leaves the mapping, which is harmless.
    let _ = unsafe { c::vm_munmap(address, length) };
}
