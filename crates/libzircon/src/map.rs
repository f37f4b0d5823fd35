// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_vmar_map` on the root region (spec section 13).
//!
//! The module checks and maps. What only this library knows is done here: the
//! region's handle, and the choice of an address with an alignment or below an
//! upper limit.

use std::ffi::c_void;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::mm::munmap;
use zxvmo::{abi, raw, Rights, Status};

use crate::place;
use crate::process::{ROOT_BASE, ROOT_END, ROOT_LEN};
use crate::status::code;
use crate::table::Handle;
use crate::user;
use crate::vmar::{
    in_region, is_aligned, lacks_read, perms_of, region_rights, round_up, wanted_perms, PAGE, PERMS,
};

const FIXED: u32 = abi::ZX_VM_SPECIFIC | abi::ZX_VM_SPECIFIC_OVERWRITE;
const CAN_MAP: u32 =
    abi::ZX_VM_CAN_MAP_READ | abi::ZX_VM_CAN_MAP_WRITE | abi::ZX_VM_CAN_MAP_EXECUTE;
const ALIGN_MASK: u32 = !0 << abi::ZX_VM_ALIGN_BASE;

/// An address of the kernel, where nothing can be mapped.
const NOWHERE: usize = 1 << 63;

/// Something that is mapped for sure.
static OCCUPIED: u8 = 0;

/// How often to choose another address when another thread was faster.
const ATTEMPTS: u32 = 16;

/// Maps a VMO. `vmar_offset` counts from the base of the region, which
/// ZX_INFO_VMAR reports.
///
/// # Safety
///
/// `mapped_addr` may be overwritten. With ZX_VM_SPECIFIC_OVERWRITE nothing may
/// be in use in the range.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_map(
    handle: u32,
    options: u32,
    vmar_offset: usize,
    vmo: u32,
    vmo_offset: u64,
    len: usize,
    mapped_addr: *mut usize,
) -> i32 {
    let request = Request {
        options,
        vmar_offset,
        vmo_offset,
        len,
    };
    let result = region_rights(handle).and_then(|rights| {
        let vmo = Handle::vmo(vmo)?;
        // SAFETY: By the contract of this function.
        let address = unsafe { request.map_with(rights, *vmo)? };
        // SAFETY: By the contract of this function.
        unsafe { user::deliver(mapped_addr, address) }.inspect_err(|_| {
            // SAFETY: It has just been made, and nobody knows of it.
            let _ = unsafe { munmap(address as *mut c_void, round_up(len)) };
        })
    });
    code(result)
}

/// The arguments of [`zx_vmar_map`] but for handles and result.
struct Request {
    options: u32,
    vmar_offset: usize,
    vmo_offset: u64,
    len: usize,
}

impl Request {
    /// Maps through a handle to the region that has these rights.
    ///
    /// # Safety
    ///
    /// As [`zx_vmar_map`].
    unsafe fn map_with(&self, rights: u32, vmo: BorrowedFd<'_>) -> Result<usize, Status> {
        let allowed = perms_of(rights);
        if allowed == PERMS {
            // SAFETY: By the contract of this function.
            return unsafe { self.map(vmo) };
        }
        let vmo_rights = rights_of(vmo)?;
        if wanted_perms(self.options) & !allowed != 0 {
            return Err(self.refusal(vmo_rights));
        }
        // A mapping can never be given more than both handles allowed when it
        // was made, and the module does not know the region's. So it is made
        // through a handle with no more than that. If there can be none, the
        // VMO's handle alone decides.
        let denied = (Rights::READ | Rights::WRITE | Rights::EXECUTE).bits() & !rights;
        match raw::duplicate(vmo, vmo_rights & !denied) {
            // SAFETY: By the contract of this function.
            Ok(limited) => unsafe { self.map(limited.as_fd()) },
            // SAFETY: By the contract of this function.
            Err(Status::ACCESS_DENIED) => unsafe { self.map(vmo) },
            Err(status) => Err(status),
        }
    }

    /// The first error in the order of the checks when the region's handle
    /// lacks a right.
    fn refusal(&self, vmo_rights: u32) -> Status {
        let overwrites = abi::ZX_VM_MAP_RANGE | abi::ZX_VM_SPECIFIC_OVERWRITE;
        if vmo_rights & abi::ZX_RIGHT_MAP != 0
            && (lacks_read(wanted_perms(self.options))
                || self.options & overwrites == overwrites
                || self.options & CAN_MAP != 0)
        {
            Status::INVALID_ARGS
        } else {
            Status::ACCESS_DENIED
        }
    }

    /// Log2 of the alignment that is asked for, if it is a valid one.
    fn align(&self) -> Option<u32> {
        let align = self.options >> abi::ZX_VM_ALIGN_BASE;
        let least = abi::ZX_VM_ALIGN_1KB >> abi::ZX_VM_ALIGN_BASE;
        let most = abi::ZX_VM_ALIGN_4GB >> abi::ZX_VM_ALIGN_BASE;
        (least..=most).contains(&align).then_some(align)
    }

    /// # Safety
    ///
    /// As [`zx_vmar_map`].
    unsafe fn map(&self, vmo: BorrowedFd<'_>) -> Result<usize, Status> {
        let is_fixed = self.options & FIXED != 0;
        let is_limited = self.options & abi::ZX_VM_OFFSET_IS_UPPER_LIMIT != 0;
        match self.align() {
            Some(align) if 1 << align > PAGE && !is_fixed => self.map_placed(vmo, 1 << align),
            _ if is_limited => self.map_placed(vmo, PAGE),
            align => {
                // Every page has an alignment up to that of a page.
                let options = match align {
                    Some(align) if 1 << align <= PAGE => self.options & !ALIGN_MASK,
                    _ => self.options,
                };
                let address = if is_fixed {
                    self.fixed_address()
                } else {
                    // Must be 0, else the module refuses it.
                    self.vmar_offset
                };
                // SAFETY: By the contract of this function.
                unsafe { self.call(vmo, options, address, self.len) }
            }
        }
    }

    /// Where to map with ZX_VM_SPECIFIC. If it leaves the region, an address
    /// that the module refuses for the same reason when it comes to that.
    fn fixed_address(&self) -> usize {
        ROOT_BASE
            .checked_add(self.vmar_offset)
            .filter(|&address| in_region(address, round_up(self.len)).is_some())
            .unwrap_or(NOWHERE | (self.vmar_offset % PAGE))
    }

    /// Maps where an alignment or an upper limit allows.
    fn map_placed(&self, vmo: BorrowedFd<'_>, align: usize) -> Result<usize, Status> {
        self.check(vmo)?;
        let is_limited = self.options & abi::ZX_VM_OFFSET_IS_UPPER_LIMIT != 0;
        let len = round_up(self.len);
        let room = if is_limited {
            if self.options & FIXED != 0 || !is_aligned(self.vmar_offset) {
                return Err(Status::INVALID_ARGS);
            }
            self.vmar_offset
        } else {
            if self.vmar_offset != 0 {
                return Err(Status::INVALID_ARGS);
            }
            ROOT_LEN
        };
        if room > ROOT_LEN || len > room {
            return Err(Status::INVALID_ARGS);
        }
        let range = ROOT_BASE..ROOT_BASE + room;
        debug_assert!(range.end <= ROOT_END);
        let wishes = abi::ZX_VM_OFFSET_IS_UPPER_LIMIT | ALIGN_MASK;
        let options = self.options & !wishes | abi::ZX_VM_SPECIFIC;
        for _ in 0..ATTEMPTS {
            let address = place::choose(range.clone(), len, align)?;
            // SAFETY: ZX_VM_SPECIFIC replaces nothing.
            match unsafe { self.call(vmo, options, address, self.len) } {
                Err(Status::ALREADY_EXISTS) => continue,
                result => return result,
            }
        }
        Err(Status::NO_RESOURCES)
    }

    /// Has the module check all that comes before the choice of an address, by
    /// asking for one that is taken.
    fn check(&self, vmo: BorrowedFd<'_>) -> Result<(), Status> {
        let mut options = self.options & !abi::ZX_VM_OFFSET_IS_UPPER_LIMIT;
        if self.align().is_some() {
            options &= !ALIGN_MASK;
        }
        // Together they are refused at once, so they may stay.
        let overwrites = abi::ZX_VM_MAP_RANGE | abi::ZX_VM_SPECIFIC_OVERWRITE;
        if options & overwrites != overwrites {
            options = options & !abi::ZX_VM_SPECIFIC_OVERWRITE | abi::ZX_VM_SPECIFIC;
        }
        // Whether the length fits is for later, whether it is valid is not.
        let len = round_up(self.len);
        let is_valid = len != 0 && self.vmo_offset.checked_add(len as u64).is_some();
        let len = if is_valid { PAGE } else { self.len };
        let address = (&raw const OCCUPIED) as usize & !(PAGE - 1);
        // SAFETY: ZX_VM_SPECIFIC replaces nothing.
        match unsafe { self.call(vmo, options, address, len) } {
            Err(Status::ALREADY_EXISTS) => Ok(()),
            Err(status) => Err(status),
            Ok(_) => Err(Status::INTERNAL),
        }
    }

    /// # Safety
    ///
    /// As [`raw::map`].
    unsafe fn call(
        &self,
        vmo: BorrowedFd<'_>,
        options: u32,
        address: usize,
        len: usize,
    ) -> Result<usize, Status> {
        // SAFETY: By the contract of this function.
        unsafe { raw::map(vmo, options, address as u64, self.vmo_offset, len as u64) }
    }
}

fn rights_of(vmo: BorrowedFd<'_>) -> Result<u32, Status> {
    let mut record = abi::zxvmo_info_handle_basic::default();
    let buffer = (&raw mut record).cast::<u8>();
    // SAFETY: The buffer is a record made of integers.
    let (result, _) =
        unsafe { raw::get_info(vmo, abi::ZX_INFO_HANDLE_BASIC, buffer, size_of_val(&record)) };
    result.map(|()| record.rights)
}
