// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_vmar_unmap`, `zx_vmar_protect` and `zx_vmar_op_range` (spec sections 15
//! to 17). The first two are also for mappings of other things than VMOs.

use std::ffi::c_void;
use std::ops::Range;

use rustix::io::Errno;
use rustix::mm::{mprotect, MprotectFlags};
use zxvmo::{abi, raw, Status};

use crate::maps::{self, Area};
use crate::status::code;
use crate::table::{Handle, RegionHandle};
use crate::{region, reservation};

pub(crate) const PAGE: usize = abi::ZX_PAGE_SIZE as usize;
/// All permissions.
pub(crate) const PERMS: u32 =
    abi::ZX_VM_PERM_READ | abi::ZX_VM_PERM_WRITE | abi::ZX_VM_PERM_EXECUTE;

/// The permissions that the rights of a region's handle allow.
pub(crate) fn perms_of(rights: u32) -> u32 {
    [
        (abi::ZX_RIGHT_READ, abi::ZX_VM_PERM_READ),
        (abi::ZX_RIGHT_WRITE, abi::ZX_VM_PERM_WRITE),
        (abi::ZX_RIGHT_EXECUTE, abi::ZX_VM_PERM_EXECUTE),
    ]
    .into_iter()
    .filter(|&(right, _)| rights & right != 0)
    .fold(0, |perms, (_, perm)| perms | perm)
}

/// The permissions in `options`. Linux has no execute-only pages to be asked
/// for, so where these are wanted, reading comes with them.
pub(crate) fn wanted_perms(options: u32) -> u32 {
    if options & abi::ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED != 0 {
        options & PERMS | abi::ZX_VM_PERM_READ
    } else {
        options & PERMS
    }
}

/// Writing or executing needs reading.
pub(crate) fn lacks_read(perms: u32) -> bool {
    perms & abi::ZX_VM_PERM_READ == 0 && perms != 0
}

pub(crate) fn is_aligned(address: usize) -> bool {
    address % PAGE == 0
}

/// `len` in whole pages; wraps.
pub(crate) fn round_up(len: usize) -> usize {
    len.wrapping_add(PAGE - 1) & !(PAGE - 1)
}

/// The range of addresses, if it lies in `region`.
pub(crate) fn within(region: &Range<usize>, start: usize, len: usize) -> Option<Range<usize>> {
    let end = start.checked_add(len)?;
    (start >= region.start && end <= region.end).then_some(start..end)
}

fn from_errno(errno: Errno) -> Status {
    match errno {
        Errno::NOMEM => Status::NO_MEMORY,
        // Sealed, or a module of the kernel's security forbids it.
        Errno::ACCESS | Errno::PERM => Status::ACCESS_DENIED,
        _ => Status::INTERNAL,
    }
}

/// Removes what is mapped in a range, and the regions that lie in it. ZX_OK
/// also if that is nothing.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_INVALID_ARGS (`addr` not a
/// multiple of the page size, `len` 0), ZX_ERR_BAD_STATE, ZX_ERR_INVALID_ARGS
/// (the range leaves the region, covers only a part of a region in it, or
/// meets one without ZX_RIGHT_OP_CHILDREN), ZX_ERR_NO_MEMORY.
///
/// # Safety
///
/// Nothing may be in use in the range.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_unmap(handle: u32, addr: usize, len: usize) -> i32 {
    // SAFETY: By the contract of this function.
    code(Handle::region(handle).and_then(|handle| unsafe { unmap(&handle, addr, len) }))
}

unsafe fn unmap(handle: &RegionHandle, addr: usize, len: usize) -> Result<(), Status> {
    let len = round_up(len);
    if !is_aligned(addr) || len == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let mut regions = region::lock();
    let bounds = regions.bounds(handle.region)?;
    let range = within(&bounds.range, addr, len).ok_or(Status::INVALID_ARGS)?;
    let mut covered = Vec::new();
    for (child, inner) in regions.children(handle.region, &range) {
        let is_whole = inner.start >= range.start && inner.end <= range.end;
        if !is_whole || handle.rights & abi::ZX_RIGHT_OP_CHILDREN == 0 {
            return Err(Status::INVALID_ARGS);
        }
        covered.push(child);
    }
    // SAFETY: By the contract of the caller.
    unsafe { vacate(handle.region, range)? };
    for child in covered {
        regions.destroy(child);
    }
    Ok(())
}

/// Removes what is mapped in a part of a region, whose lock is held: the
/// addresses are free for the region. NO_MEMORY.
///
/// # Safety
///
/// Nothing may be in use in the range.
pub(crate) unsafe fn vacate(region: u32, range: Range<usize>) -> Result<(), Status> {
    // SAFETY: By the contract of this function.
    unsafe {
        if region == region::ROOT {
            reservation::release(range)
        } else {
            reservation::over(range)
        }
    }
}

/// Changes the permissions of a range, all of which must be mapped
/// (ZX_ERR_NOT_FOUND) by mappings that may have them (ZX_ERR_ACCESS_DENIED).
/// The other statuses are those of spec section 16. On failure nothing has
/// changed.
///
/// # Safety
///
/// Nothing may be in use in the range that needs the permissions it had.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_protect(
    handle: u32,
    options: u32,
    addr: usize,
    len: usize,
) -> i32 {
    let result = Handle::region(handle)
        // SAFETY: By the contract of this function.
        .and_then(|handle| unsafe { protect(&handle, options, addr, len) });
    code(result)
}

unsafe fn protect(
    handle: &RegionHandle,
    options: u32,
    addr: usize,
    len: usize,
) -> Result<(), Status> {
    let perms = wanted_perms(options);
    if perms & !perms_of(handle.rights) != 0 {
        return Err(Status::ACCESS_DENIED);
    }
    let valid = PERMS | abi::ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED;
    let len = round_up(len);
    if lacks_read(perms) || !is_aligned(addr) || options & !valid != 0 || len == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let regions = region::lock();
    let bounds = regions.bounds(handle.region)?;
    let range = within(&bounds.range, addr, len).ok_or(Status::INVALID_ARGS)?;
    check_areas(&range, perms, |address| {
        let inner = regions.innermost(handle.region, address);
        if inner == handle.region {
            return Ok(());
        }
        if handle.rights & abi::ZX_RIGHT_OP_CHILDREN == 0 {
            return Err(Status::INVALID_ARGS);
        }
        if perms & !regions.bounds(inner)?.perms != 0 {
            return Err(Status::ACCESS_DENIED);
        }
        Ok(())
    })?;
    // SAFETY: By the contract of the caller.
    unsafe { mprotect(addr as *mut c_void, len, flags(perms)) }.map_err(from_errno)
}

fn flags(perms: u32) -> MprotectFlags {
    [
        (abi::ZX_VM_PERM_READ, MprotectFlags::READ),
        (abi::ZX_VM_PERM_WRITE, MprotectFlags::WRITE),
        (abi::ZX_VM_PERM_EXECUTE, MprotectFlags::EXEC),
    ]
    .into_iter()
    .filter(|&(perm, _)| perms & perm != 0)
    .fold(MprotectFlags::empty(), |flags, (_, flag)| flags | flag)
}

/// Whether mprotect() can give the permissions to the whole range. It stops
/// at the first area that cannot have them, when it has changed those before.
/// `allow` is asked about an address in each area, before that is changed.
fn check_areas(
    range: &Range<usize>,
    perms: u32,
    allow: impl Fn(usize) -> Result<(), Status>,
) -> Result<(), Status> {
    let areas = maps::areas(range.clone())?;
    if let [area] = &areas[..] {
        if area.range.start <= range.start && area.range.end >= range.end && !area.is_reserved {
            // All or nothing anyway, and it knows what the area could have.
            return allow(range.start);
        }
    }
    let is_more = areas.iter().any(|area| perms & !area.perms != 0);
    if is_more {
        walk(&maps::areas_with_max(range.clone())?, range, perms, allow)
    } else {
        walk(&areas, range, perms, allow)
    }
}

/// The first thing that is wrong, from low to high.
fn walk(
    areas: &[Area],
    range: &Range<usize>,
    perms: u32,
    allow: impl Fn(usize) -> Result<(), Status>,
) -> Result<(), Status> {
    let mut at = range.start;
    for area in areas.iter().filter(|area| !area.is_reserved) {
        if area.range.start > at {
            return Err(Status::NOT_FOUND);
        }
        if perms & !area.perms & !area.max.unwrap_or(PERMS) != 0 {
            return Err(Status::ACCESS_DENIED);
        }
        allow(at)?;
        at = area.range.end;
    }
    if at < range.end {
        return Err(Status::NOT_FOUND);
    }
    Ok(())
}

/// Runs an operation on the VMOs that are mapped in a range, from low to high
/// (spec section 17). What was done before an error stays done.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_INVALID_ARGS (an unknown
/// operation), ZX_ERR_ACCESS_DENIED (the handle lacks WRITE for COMMIT,
/// DECOMMIT and ZERO, or READ for PREFETCH and MAP_RANGE),
/// ZX_ERR_INVALID_ARGS (a buffer, `size` 0, `address` not a multiple of the
/// page size), ZX_ERR_OUT_OF_RANGE (the range leaves the region),
/// ZX_ERR_BAD_STATE (also where no VMO is mapped), ZX_ERR_INVALID_ARGS (a
/// mapping in another region, without ZX_RIGHT_OP_CHILDREN),
/// ZX_ERR_ACCESS_DENIED (a mapping can never have the permission), and those
/// of the operation of zx_vmo_op_range.
///
/// # Safety
///
/// Nothing may be in use in the range that DECOMMIT or ZERO takes away.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_op_range(
    handle: u32,
    op: u32,
    address: usize,
    size: usize,
    buffer: *mut c_void,
    buffer_size: usize,
) -> i32 {
    let result = Handle::region(handle).and_then(|handle| {
        let right = right_for(op)?;
        if right & !handle.rights != 0 {
            return Err(Status::ACCESS_DENIED);
        }
        if !buffer.is_null() || buffer_size != 0 {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: By the contract of this function.
        unsafe { op_range(&handle, op, address, size) }
    });
    code(result)
}

/// The right that an operation needs on the region's handle, or none.
fn right_for(op: u32) -> Result<u32, Status> {
    match op {
        abi::ZX_VMAR_OP_COMMIT | abi::ZX_VMAR_OP_DECOMMIT | abi::ZX_VMAR_OP_ZERO => {
            Ok(abi::ZX_RIGHT_WRITE)
        }
        abi::ZX_VMAR_OP_MAP_RANGE | abi::ZX_VMAR_OP_PREFETCH => Ok(abi::ZX_RIGHT_READ),
        abi::ZX_VMAR_OP_DONT_NEED | abi::ZX_VMAR_OP_ALWAYS_NEED => Ok(abi::ZX_RIGHT_NONE),
        _ => Err(Status::INVALID_ARGS),
    }
}

unsafe fn op_range(
    handle: &RegionHandle,
    op: u32,
    address: usize,
    size: usize,
) -> Result<(), Status> {
    let size = round_up(size);
    if size == 0 || !is_aligned(address) {
        return Err(Status::INVALID_ARGS);
    }
    let mut end = address;
    let mut refusal = Ok(());
    {
        let regions = region::lock();
        let region = regions.range(handle.region);
        let range = within(&region, address, size).ok_or(Status::OUT_OF_RANGE)?;
        regions.bounds(handle.region)?;
        end += size;
        if handle.rights & abi::ZX_RIGHT_OP_CHILDREN == 0 {
            if let Some((_, inner)) = regions.children(handle.region, &range).next() {
                end = inner.start.max(address);
                let areas = maps::areas(end..end + PAGE)?;
                refusal = match areas.first() {
                    Some(area) if !area.is_reserved => Err(Status::INVALID_ARGS),
                    _ => Err(Status::BAD_STATE),
                };
            }
        }
    }
    if end > address {
        // SAFETY: By the contract of the caller.
        unsafe { raw::region_op_range(op, address, end - address)? };
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: u32 = abi::ZX_VM_PERM_READ;
    const WRITE: u32 = abi::ZX_VM_PERM_WRITE;

    fn area(range: Range<usize>, perms: u32, max: u32) -> Area {
        Area {
            range,
            perms,
            max: Some(max),
            is_stack: false,
            is_reserved: false,
        }
    }

    #[test]
    fn the_lowest_error_wins() {
        let range = 0x1000..0x5000;
        let fine = area(0..0x2000, READ, PERMS);
        let limited = area(0x2000..0x3000, READ, READ);
        let upper = area(0x4000..0x6000, READ, PERMS);
        let all = [fine.clone(), limited.clone(), upper.clone()];
        let walk = |areas: &[Area], range, perms| super::walk(areas, range, perms, |_| Ok(()));
        assert_eq!(walk(&all, &range, READ | WRITE), Err(Status::ACCESS_DENIED));
        assert_eq!(walk(&all, &range, READ), Err(Status::NOT_FOUND));
        assert_eq!(walk(&all[..1], &(0..0x2000), READ | WRITE), Ok(()));
        assert_eq!(walk(&all[..1], &range, 0), Err(Status::NOT_FOUND));
        assert_eq!(walk(&all[2..], &range, 0), Err(Status::NOT_FOUND));
        assert_eq!(walk(&[], &range, 0), Err(Status::NOT_FOUND));
        let mut reserved = fine.clone();
        reserved.is_reserved = true;
        let hole = walk(&[reserved], &(0x1000..0x2000), 0);
        assert_eq!(hole, Err(Status::NOT_FOUND));
        let closed = |_| Err(Status::INVALID_ARGS);
        let asked = super::walk(&all[..1], &(0..0x2000), 0, closed);
        assert_eq!(asked, Err(Status::INVALID_ARGS));
    }

    #[test]
    fn regions_end() {
        let region = 0x10000..0x20000;
        assert_eq!(within(&region, 0x10000, 0x10000), Some(region.clone()));
        assert!(within(&region, 0x10000, 0x10001).is_none());
        assert!(within(&region, 0xF000, PAGE).is_none());
        assert!(within(&region, usize::MAX - PAGE, 2 * PAGE).is_none());
        assert_eq!(round_up(usize::MAX), 0);
    }
}
