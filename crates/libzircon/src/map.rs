// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_vmar_map` (spec section 13).
//!
//! The module checks and maps. What only this library knows is done here: the
//! region and its handle, and the choice of an address in a region, with an
//! alignment or below an upper limit.

use std::os::fd::{AsFd, BorrowedFd};

use zxvmo::{abi, raw, Rights, Status};

use crate::place;
use crate::process::{ROOT_BASE, ROOT_END};
use crate::region::{self, ROOT};
use crate::reservation;
use crate::spot::{align, Spot, Wish, ALIGN_MASK, FIXED};
use crate::status::code;
use crate::table::{Handle, RegionHandle};
use crate::user;
use crate::vmar::{lacks_read, perms_of, round_up, vacate, wanted_perms, within, PAGE, PERMS};

const CAN_MAP: u32 =
    abi::ZX_VM_CAN_MAP_READ | abi::ZX_VM_CAN_MAP_WRITE | abi::ZX_VM_CAN_MAP_EXECUTE;

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
    let result = Handle::region(handle).and_then(|handle| {
        let vmo = Handle::vmo(vmo)?;
        // SAFETY: By the contract of this function.
        let address = unsafe { request.map_with(&handle, *vmo)? };
        // SAFETY: By the contract of this function.
        unsafe { user::deliver(mapped_addr, address) }.inspect_err(|_| {
            // If the region has gone meanwhile, the mapping has, too.
            let regions = region::lock();
            if regions.bounds(handle.region).is_ok() {
                let range = address..address + round_up(len);
                // SAFETY: It has just been made, and nobody knows of it.
                let _ = unsafe { vacate(handle.region, range) };
            }
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
    /// Maps through this handle to a region.
    ///
    /// # Safety
    ///
    /// As [`zx_vmar_map`].
    unsafe fn map_with(&self, handle: &RegionHandle, vmo: BorrowedFd<'_>) -> Result<usize, Status> {
        let (region, rights) = (handle.region, handle.rights);
        let allowed = perms_of(rights);
        if allowed == PERMS {
            // SAFETY: By the contract of this function.
            return unsafe { self.map(region, vmo) };
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
            Ok(limited) => unsafe { self.map(region, limited.as_fd()) },
            // SAFETY: By the contract of this function.
            Err(Status::ACCESS_DENIED) => unsafe { self.map(region, vmo) },
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

    fn wish(&self) -> Wish {
        Wish {
            options: self.options,
            offset: self.vmar_offset,
            len: round_up(self.len),
        }
    }

    /// # Safety
    ///
    /// As [`zx_vmar_map`].
    unsafe fn map(&self, region: u32, vmo: BorrowedFd<'_>) -> Result<usize, Status> {
        if region != ROOT {
            // SAFETY: By the contract of this function.
            return unsafe { self.map_inside(region, vmo) };
        }
        let is_fixed = self.options & FIXED != 0;
        let is_limited = self.options & abi::ZX_VM_OFFSET_IS_UPPER_LIMIT != 0;
        let align = align(self.options);
        if is_limited && !is_fixed || align.is_some_and(|align| 1 << align > PAGE && !is_fixed) {
            return self.map_placed(vmo);
        }
        // Every page has an alignment up to that of a page.
        let options = match align {
            Some(align) if 1 << align <= PAGE => self.options & !ALIGN_MASK,
            _ => self.options,
        };
        if !is_fixed {
            // The offset must be 0, else the module refuses it.
            // SAFETY: By the contract of this function.
            return unsafe { self.call(vmo, options, self.vmar_offset, self.len) };
        }
        let address = self.fixed_address();
        if options & abi::ZX_VM_SPECIFIC_OVERWRITE == 0 {
            // SAFETY: By the contract of this function.
            return unsafe { self.call(vmo, options, address, self.len) };
        }
        // No region may come to be in the range until it is replaced.
        let regions = region::lock();
        let range = address..address.saturating_add(round_up(self.len));
        if regions.children(ROOT, &range).next().is_some() {
            self.check(vmo, self.len)?;
            self.wish().spot(regions.bounds(ROOT)?)?;
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: By the contract of this function.
        unsafe { self.call(vmo, options, address, self.len) }
    }

    /// Where to map with ZX_VM_SPECIFIC. If it leaves the region, an address
    /// that the module refuses for the same reason when it comes to that.
    fn fixed_address(&self) -> usize {
        ROOT_BASE
            .checked_add(self.vmar_offset)
            .filter(|&address| {
                within(&(ROOT_BASE..ROOT_END), address, round_up(self.len)).is_some()
            })
            .unwrap_or(NOWHERE | (self.vmar_offset % PAGE))
    }

    /// Maps where an alignment or an upper limit in the root region allows.
    fn map_placed(&self, vmo: BorrowedFd<'_>) -> Result<usize, Status> {
        self.check(vmo, self.len)?;
        let wish = self.wish();
        let Spot::Within(range) = wish.spot(region::lock().bounds(ROOT)?)? else {
            return Err(Status::INTERNAL);
        };
        let wishes = abi::ZX_VM_OFFSET_IS_UPPER_LIMIT | ALIGN_MASK;
        let options = self.options & !wishes | abi::ZX_VM_SPECIFIC;
        for _ in 0..ATTEMPTS {
            let address = place::choose(range.clone(), wish.len, wish.align())?;
            // SAFETY: ZX_VM_SPECIFIC replaces nothing.
            match unsafe { self.call(vmo, options, address, self.len) } {
                Err(Status::ALREADY_EXISTS) => continue,
                result => return result,
            }
        }
        Err(Status::NO_RESOURCES)
    }

    /// Maps in a region other than the root, in place of its reservation.
    ///
    /// # Safety
    ///
    /// As [`zx_vmar_map`].
    unsafe fn map_inside(&self, region: u32, vmo: BorrowedFd<'_>) -> Result<usize, Status> {
        // A length of 0 comes after the region's state.
        self.check(vmo, if self.len == 0 { PAGE } else { self.len })?;
        let regions = region::lock();
        let perms = regions.bounds(region)?.perms;
        if self.len == 0 {
            return Err(Status::INVALID_ARGS);
        }
        if wanted_perms(self.options) & !perms != 0 {
            return Err(Status::ACCESS_DENIED);
        }
        let wish = self.wish();
        let address = wish.settle(&regions, region)?;
        let range = address..address + wish.len;
        let wishes = FIXED | abi::ZX_VM_OFFSET_IS_UPPER_LIMIT | ALIGN_MASK | abi::ZX_VM_MAP_RANGE;
        let options = self.options & !wishes | abi::ZX_VM_SPECIFIC_OVERWRITE;
        // SAFETY: What is replaced is a reservation, or for the caller to answer for.
        match unsafe { self.call(vmo, options, address, self.len) } {
            Ok(address) if self.options & abi::ZX_VM_MAP_RANGE != 0 => {
                // SAFETY: Changes nothing that can be seen.
                unsafe { raw::region_op_range(abi::ZX_VMAR_OP_MAP_RANGE, address, wish.len) }
                    .inspect_err(|_| {
                        // SAFETY: It has just been made, and nobody knows of it.
                        let _ = unsafe { reservation::over(range) };
                    })?;
                Ok(address)
            }
            Ok(address) => Ok(address),
            Err(status) => {
                // The kernel may have taken away what was there before it failed.
                let _ = reservation::at(range);
                Err(status)
            }
        }
    }

    /// Has the module check all that comes before the choice of an address, by
    /// asking for one that is taken.
    fn check(&self, vmo: BorrowedFd<'_>, len: usize) -> Result<(), Status> {
        let mut options = self.options & !abi::ZX_VM_OFFSET_IS_UPPER_LIMIT;
        if align(self.options).is_some() {
            options &= !ALIGN_MASK;
        }
        // Together they are refused at once, so they may stay.
        let overwrites = abi::ZX_VM_MAP_RANGE | abi::ZX_VM_SPECIFIC_OVERWRITE;
        if options & overwrites != overwrites {
            options = options & !abi::ZX_VM_SPECIFIC_OVERWRITE | abi::ZX_VM_SPECIFIC;
        }
        // Whether the length fits is for later, whether it is valid is not.
        let rounded = round_up(len);
        let is_valid = rounded != 0 && self.vmo_offset.checked_add(rounded as u64).is_some();
        let len = if is_valid { PAGE } else { len };
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
