// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_vmar_unmap` and `zx_vmar_protect` on the root region (spec sections 15
//! and 16), for mappings of VMOs and any others.

use std::ffi::c_void;
use std::ops::Range;

use rustix::io::Errno;
use rustix::mm::{mprotect, munmap, MprotectFlags};
use zxvmo::{abi, Status};

use crate::entry::{Entry, ObjectType};
use crate::maps::{self, Area};
use crate::process::{ROOT_BASE, ROOT_END};
use crate::status::code;
use crate::table::Handle;

pub(crate) const PAGE: usize = abi::ZX_PAGE_SIZE as usize;
/// All permissions.
pub(crate) const PERMS: u32 =
    abi::ZX_VM_PERM_READ | abi::ZX_VM_PERM_WRITE | abi::ZX_VM_PERM_EXECUTE;

/// Rights of a handle to the region; BAD_HANDLE, WRONG_TYPE.
pub(crate) fn region_rights(handle: u32) -> Result<u32, Status> {
    match Handle::get(handle)?.entry() {
        Entry::Local {
            object_type: ObjectType::Vmar,
            rights,
        } => Ok(rights),
        _ => Err(Status::WRONG_TYPE),
    }
}

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

/// The range of addresses, if it lies in the region.
pub(crate) fn in_region(start: usize, len: usize) -> Option<Range<usize>> {
    let end = start.checked_add(len)?;
    (start >= ROOT_BASE && end <= ROOT_END).then_some(start..end)
}

fn from_errno(errno: Errno) -> Status {
    match errno {
        Errno::NOMEM => Status::NO_MEMORY,
        // Sealed, or a module of the kernel's security forbids it.
        Errno::ACCESS | Errno::PERM => Status::ACCESS_DENIED,
        _ => Status::INTERNAL,
    }
}

/// Removes what is mapped in a range. ZX_OK also if that is nothing.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_INVALID_ARGS (`addr` not a
/// multiple of the page size, `len` 0, the range leaves the region),
/// ZX_ERR_NO_MEMORY.
///
/// # Safety
///
/// Nothing may be in use in the range.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_unmap(handle: u32, addr: usize, len: usize) -> i32 {
    // SAFETY: By the contract of this function.
    code(region_rights(handle).and_then(|_| unsafe { unmap(addr, len) }))
}

unsafe fn unmap(addr: usize, len: usize) -> Result<(), Status> {
    let len = round_up(len);
    if !is_aligned(addr) || len == 0 {
        return Err(Status::INVALID_ARGS);
    }
    in_region(addr, len).ok_or(Status::INVALID_ARGS)?;
    // SAFETY: By the contract of the caller.
    unsafe { munmap(addr as *mut c_void, len) }.map_err(from_errno)
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
    let result = region_rights(handle)
        // SAFETY: By the contract of this function.
        .and_then(|rights| unsafe { protect(rights, options, addr, len) });
    code(result)
}

unsafe fn protect(rights: u32, options: u32, addr: usize, len: usize) -> Result<(), Status> {
    let perms = wanted_perms(options);
    if perms & !perms_of(rights) != 0 {
        return Err(Status::ACCESS_DENIED);
    }
    let valid = PERMS | abi::ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED;
    let len = round_up(len);
    if lacks_read(perms) || !is_aligned(addr) || options & !valid != 0 || len == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let range = in_region(addr, len).ok_or(Status::INVALID_ARGS)?;
    check_areas(&range, perms)?;
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
fn check_areas(range: &Range<usize>, perms: u32) -> Result<(), Status> {
    let areas = maps::areas(range.clone())?;
    if let [area] = &areas[..] {
        if area.range.start <= range.start && area.range.end >= range.end {
            // All or nothing anyway, and it knows what the area could have.
            return Ok(());
        }
    }
    let is_more = areas.iter().any(|area| perms & !area.perms != 0);
    if is_more {
        walk(&maps::areas_with_max(range.clone())?, range, perms)
    } else {
        walk(&areas, range, perms)
    }
}

/// The first thing that is wrong, from low to high.
fn walk(areas: &[Area], range: &Range<usize>, perms: u32) -> Result<(), Status> {
    let mut at = range.start;
    for area in areas {
        if area.range.start > at {
            return Err(Status::NOT_FOUND);
        }
        if perms & !area.perms & !area.max.unwrap_or(PERMS) != 0 {
            return Err(Status::ACCESS_DENIED);
        }
        at = area.range.end;
    }
    if at < range.end {
        return Err(Status::NOT_FOUND);
    }
    Ok(())
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
        }
    }

    #[test]
    fn the_lowest_error_wins() {
        let range = 0x1000..0x5000;
        let fine = area(0..0x2000, READ, PERMS);
        let limited = area(0x2000..0x3000, READ, READ);
        let upper = area(0x4000..0x6000, READ, PERMS);
        let all = [fine.clone(), limited.clone(), upper.clone()];
        assert_eq!(walk(&all, &range, READ | WRITE), Err(Status::ACCESS_DENIED));
        assert_eq!(walk(&all, &range, READ), Err(Status::NOT_FOUND));
        assert_eq!(walk(&all[..1], &(0..0x2000), READ | WRITE), Ok(()));
        assert_eq!(walk(&all[..1], &range, 0), Err(Status::NOT_FOUND));
        assert_eq!(walk(&all[2..], &range, 0), Err(Status::NOT_FOUND));
        assert_eq!(walk(&[], &range, 0), Err(Status::NOT_FOUND));
    }

    #[test]
    fn regions_end() {
        assert!(in_region(ROOT_BASE, ROOT_END - ROOT_BASE).is_some());
        assert!(in_region(ROOT_BASE, ROOT_END - ROOT_BASE + 1).is_none());
        assert!(in_region(ROOT_BASE - PAGE, PAGE).is_none());
        assert!(in_region(usize::MAX - PAGE, 2 * PAGE).is_none());
        assert_eq!(round_up(usize::MAX), 0);
    }
}
