// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests share.

use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zircon::*;
use zxvmo::abi::*;

pub const OK: i32 = ZX_OK as i32;
pub const SAME: u32 = ZX_RIGHT_SAME_RIGHTS;
pub const READ: u32 = ZX_VM_PERM_READ;
pub const WRITE: u32 = ZX_VM_PERM_WRITE;
pub const FOREVER: i64 = ZX_TIME_INFINITE as i64;

/// One test at a time: some count descriptors.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn create(size: u64, options: u32) -> u32 {
    let mut handle = 0;
    let status = unsafe { zx_vmo_create(size, options, &mut handle) };
    assert_eq!(status, OK, "cannot create a VMO (is zxvmo loaded?)");
    handle
}

pub fn duplicate(handle: u32, rights: u32) -> u32 {
    let mut out = 0;
    assert_eq!(unsafe { zx_handle_duplicate(handle, rights, &mut out) }, OK);
    out
}

pub fn size(handle: u32) -> Result<u64, i32> {
    let mut size = 0;
    match unsafe { zx_vmo_get_size(handle, &mut size) } {
        OK => Ok(size),
        status => Err(status),
    }
}

pub fn info(handle: u32) -> zxvmo_info_vmo {
    let mut info = zxvmo_info_vmo::default();
    let status = unsafe {
        zx_object_get_info(
            handle,
            ZX_INFO_VMO,
            (&raw mut info).cast(),
            size_of_val(&info),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(status, OK);
    info
}

pub fn handle_count(handle: u32) -> u32 {
    let mut count = 0u32;
    let status = unsafe {
        zx_object_get_info(
            handle,
            ZX_INFO_HANDLE_COUNT,
            (&raw mut count).cast(),
            4,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(status, OK);
    count
}

pub fn wait(handle: u32, signals: u32, deadline: i64) -> (i32, u32) {
    let mut observed = 0;
    let status = unsafe { zx_object_wait_one(handle, signals, deadline, &mut observed) };
    (status, observed)
}

pub fn child(handle: u32, options: u32, offset: u64, size: u64) -> Result<u32, i32> {
    let mut out = 0xDEAD;
    match unsafe { zx_vmo_create_child(handle, options, offset, size, &mut out) } {
        OK => Ok(out),
        status => {
            assert_eq!(out, 0xDEAD, "written on failure");
            Err(status)
        }
    }
}

/// An operation without a buffer.
pub fn operate(handle: u32, op: u32, offset: u64, size: u64) -> i32 {
    unsafe { zx_vmo_op_range(handle, op, offset, size, ptr::null_mut(), 0) }
}

pub fn map(vmo: u32, options: u32, offset: usize, len: usize) -> Result<usize, i32> {
    let root = zx_vmar_root_self();
    let mut address = 0;
    match unsafe { zx_vmar_map(root, options, offset, vmo, 0, len, &mut address) } {
        OK => Ok(address),
        status => Err(status),
    }
}

pub fn unmap(address: usize, len: usize) {
    let status = unsafe { zx_vmar_unmap(zx_vmar_root_self(), address, len) };
    assert_eq!(status, OK);
}

pub fn region() -> (usize, usize) {
    let mut record = [0usize; 2];
    let status = unsafe {
        zx_object_get_info(
            zx_vmar_root_self(),
            ZX_INFO_VMAR,
            record.as_mut_ptr().cast(),
            16,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(status, OK);
    (record[0], record[1])
}

pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
