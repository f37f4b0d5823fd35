// SPDX-License-Identifier: MIT OR Apache-2.0
//! The process itself and the root region of its address space, for which
//! this library stands: the module has no handles for them. Other regions are
//! in [`region`](crate::region).

use zxvmo::{abi, Status};

use crate::entry::{Entry, ObjectType};
use crate::table;

/// A handle to the caller's root region: always valid, not to be closed.
#[no_mangle]
pub extern "C" fn zx_vmar_root_self() -> u32 {
    table::ROOT_VMAR
}

/// A handle to the caller's process: always valid, not to be closed.
#[no_mangle]
pub extern "C" fn zx_process_self() -> u32 {
    table::SELF
}

/// The lowest address of the root region: below it Linux lets nobody map,
/// with its usual vm.mmap_min_addr.
pub(crate) const ROOT_BASE: usize = 0x10000;

/// The end of the addresses that Linux gives out when it is not asked for
/// more.
pub(crate) const ROOT_END: usize = if cfg!(target_arch = "x86_64") {
    (1 << 47) - abi::ZX_PAGE_SIZE as usize
} else {
    1 << 48
};

/// Koids of local objects lie far above those of the module.
const FIRST_KOID: u64 = 1 << 62;

/// Record of ZX_INFO_VMAR.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct VmarInfo {
    pub(crate) base: usize,
    pub(crate) len: usize,
}

/// The koid of a local object; `serial` tells regions apart. It changes with
/// fork, as the object does.
pub(crate) fn koid(object_type: ObjectType, serial: u32) -> u64 {
    const SERIAL_BITS: u32 = 30;
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let serial = u64::from(serial) & ((1 << SERIAL_BITS) - 1);
    FIRST_KOID
        | ((pid as u64) << (SERIAL_BITS + 8))
        | (serial << 8)
        | u64::from(object_type.number())
}

/// The rights of a handle that comes from one with `held`; INVALID_ARGS if it
/// is to have more.
fn subset(held: u32, wanted: u32) -> Result<u32, Status> {
    if wanted == abi::ZX_RIGHT_SAME_RIGHTS {
        Ok(held)
    } else if wanted & !held == 0 {
        Ok(wanted)
    } else {
        Err(Status::INVALID_ARGS)
    }
}

/// Another handle to a local object, from one with the rights `held`.
pub(crate) fn derive(
    object_type: ObjectType,
    region: u32,
    held: u32,
    wanted: u32,
) -> Result<u32, Status> {
    let rights = subset(held, wanted)?;
    table::insert(Entry::Local {
        object_type,
        rights,
        region,
    })
}
