// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zx_vmar_allocate` and `zx_vmar_destroy` (spec section 17.1).

use zxvmo::{abi, Status};

use crate::entry::{Entry, ObjectType};
use crate::place;
use crate::region::{self, Bounds, Regions, ROOT};
use crate::reservation;
use crate::spot::{align, Spot, Wish, ALIGN_MASK};
use crate::status::code;
use crate::table::{self, Handle, RegionHandle};
use crate::user;
use crate::vmar::{is_aligned, vacate, PAGE};

/// How often to choose another address when another thread was faster.
const ATTEMPTS: u32 = 16;

/// What a region may allow: the right that it gives and needs, the permission.
const CAN_MAP: [(u32, u32, u32); 3] = [
    (
        abi::ZX_VM_CAN_MAP_READ,
        abi::ZX_RIGHT_READ,
        abi::ZX_VM_PERM_READ,
    ),
    (
        abi::ZX_VM_CAN_MAP_WRITE,
        abi::ZX_RIGHT_WRITE,
        abi::ZX_VM_PERM_WRITE,
    ),
    (
        abi::ZX_VM_CAN_MAP_EXECUTE,
        abi::ZX_RIGHT_EXECUTE,
        abi::ZX_VM_PERM_EXECUTE,
    ),
];

const KNOWN: u32 = abi::ZX_VM_CAN_MAP_READ
    | abi::ZX_VM_CAN_MAP_WRITE
    | abi::ZX_VM_CAN_MAP_EXECUTE
    | abi::ZX_VM_CAN_MAP_SPECIFIC
    | abi::ZX_VM_COMPACT
    | abi::ZX_VM_SPECIFIC
    | abi::ZX_VM_OFFSET_IS_UPPER_LIMIT
    | ALIGN_MASK;

/// Makes a region in a region: addresses that only mappings made through it
/// use. `offset` counts as that of [`zx_vmar_map`](crate::zx_vmar_map).
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED (the handle
/// lacks the right for a ZX_VM_CAN_MAP_*), ZX_ERR_INVALID_ARGS (an option that
/// is none, `size` not a multiple of the page size), ZX_ERR_BAD_STATE,
/// ZX_ERR_INVALID_ARGS (`size` 0), those of spec section 13.3 from step 14 on,
/// and ZX_ERR_NOT_SUPPORTED if the module is not loaded.
///
/// # Safety
///
/// `child` and `child_addr` may be overwritten.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_allocate(
    parent: u32,
    options: u32,
    offset: u64,
    size: u64,
    child: *mut u32,
    child_addr: *mut usize,
) -> i32 {
    let result = Handle::region(parent).and_then(|parent| {
        let wish = Wish {
            options,
            offset: offset as usize,
            len: size as usize,
        };
        let (region, rights) = allocate(&parent, &wish)?;
        // SAFETY: By the contract of this function.
        let result = unsafe { hand_out(region, rights, child, child_addr) };
        let mut regions = region::lock();
        if result.is_err() {
            // Nobody has mapped anything in it.
            // SAFETY: As above.
            let _ = unsafe { destroy(&mut regions, region) };
        }
        regions.handle_dropped(region);
        result
    });
    code(result)
}

/// A new region, with a handle to be dropped, and the rights to it.
fn allocate(parent: &RegionHandle, wish: &Wish) -> Result<(u32, u32), Status> {
    let options = wish.options;
    let mut rights = abi::ZX_DEFAULT_VMAR_RIGHTS;
    let mut perms = 0;
    for (option, right, perm) in CAN_MAP {
        if options & option != 0 {
            rights |= right;
            perms |= perm;
        }
    }
    let needed = rights & !abi::ZX_DEFAULT_VMAR_RIGHTS;
    if needed & !parent.rights != 0 {
        return Err(Status::ACCESS_DENIED);
    }
    let has_bad_align = options & ALIGN_MASK != 0 && align(options).is_none();
    if options & !KNOWN != 0 || has_bad_align || !is_aligned(wish.len) {
        return Err(Status::INVALID_ARGS);
    }
    let mut regions = region::lock();
    let outer = regions.bounds(parent.region)?;
    if wish.len == 0 {
        return Err(Status::INVALID_ARGS);
    }
    if perms & !outer.perms != 0 {
        return Err(Status::ACCESS_DENIED);
    }
    let start = if parent.region == ROOT {
        reserve(wish, outer)?
    } else {
        wish.settle(&regions, parent.region)?
    };
    let range = start..start + wish.len;
    let bounds = Bounds {
        range: range.clone(),
        perms,
        can_choose: options & abi::ZX_VM_CAN_MAP_SPECIFIC != 0,
    };
    match regions.add(parent.region, bounds) {
        Ok(region) => Ok((region, rights)),
        Err(status) => {
            // SAFETY: It has just been reserved, or was free.
            let _ = unsafe { vacate(parent.region, range) };
            Err(status)
        }
    }
}

/// Reserves addresses in the root region.
fn reserve(wish: &Wish, root: &Bounds) -> Result<usize, Status> {
    let limit = wish.options & abi::ZX_VM_OFFSET_IS_UPPER_LIMIT;
    match wish.spot(root)? {
        Spot::Fixed(range) => reservation::at(range.clone()).map(|()| range.start),
        Spot::Within(_) if limit == 0 && wish.align() == PAGE => reservation::anywhere(wish.len),
        Spot::Within(range) => {
            for _ in 0..ATTEMPTS {
                let at = place::choose(range.clone(), wish.len, wish.align())?;
                match reservation::at(at..at + wish.len) {
                    Err(Status::ALREADY_EXISTS) => continue,
                    result => return result.map(|()| at),
                }
            }
            Err(Status::NO_RESOURCES)
        }
    }
}

/// Makes a handle to a new region, and stores it and the address.
///
/// # Safety
///
/// As [`zx_vmar_allocate`].
unsafe fn hand_out(
    region: u32,
    rights: u32,
    child: *mut u32,
    child_addr: *mut usize,
) -> Result<(), Status> {
    let start = region::lock().range(region).start;
    let value = table::insert(Entry::Local {
        object_type: ObjectType::Vmar,
        rights,
        region,
    })?;
    // SAFETY: By the contract of this function.
    let result =
        unsafe { user::deliver(child_addr, start).and_then(|()| user::deliver(child, value)) };
    if result.is_err() {
        // Nobody else knows it.
        let _ = table::close(value);
    }
    result
}

/// Removes all that is in a region, which is no more: further calls on its
/// handles give ZX_ERR_BAD_STATE.
///
/// ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED (no
/// ZX_RIGHT_OP_CHILDREN), ZX_ERR_NOT_SUPPORTED (the root region),
/// ZX_ERR_BAD_STATE, ZX_ERR_NO_MEMORY.
///
/// # Safety
///
/// Nothing may be in use in the region.
#[no_mangle]
pub unsafe extern "C" fn zx_vmar_destroy(handle: u32) -> i32 {
    let result = Handle::region(handle).and_then(|handle| {
        if handle.rights & abi::ZX_RIGHT_OP_CHILDREN == 0 {
            return Err(Status::ACCESS_DENIED);
        }
        if handle.region == ROOT {
            return Err(Status::NOT_SUPPORTED);
        }
        let mut regions = region::lock();
        // SAFETY: By the contract of this function.
        unsafe { destroy(&mut regions, handle.region) }
    });
    code(result)
}

/// # Safety
///
/// As [`zx_vmar_destroy`].
unsafe fn destroy(regions: &mut Regions, region: u32) -> Result<(), Status> {
    let range = regions.bounds(region)?.range.clone();
    // SAFETY: By the contract of this function.
    unsafe { vacate(regions.parent(region), range)? };
    regions.destroy(region);
    Ok(())
}
