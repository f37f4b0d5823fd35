// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C calls that do not need the module: handle table, root region, times.

#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

use std::collections::HashSet;
use std::ffi::CStr;
use std::ptr;
use std::thread;

use rustix::mm::{mmap_anonymous, mprotect, munmap, MapFlags, MprotectFlags, ProtFlags};
use zircon::*;
use zxvmo::abi::*;

const OK: i32 = ZX_OK as i32;
const SAME: u32 = ZX_RIGHT_SAME_RIGHTS;
const READ: u32 = ZX_VM_PERM_READ;
const WRITE: u32 = ZX_VM_PERM_WRITE;

/// A handle that needs no module: one more to the root region.
fn duplicate(handle: u32, rights: u32) -> Result<u32, i32> {
    let mut out = 0xDEAD;
    match unsafe { zx_handle_duplicate(handle, rights, &mut out) } {
        OK => Ok(out),
        status => {
            assert_eq!(out, 0xDEAD, "written on failure");
            Err(status)
        }
    }
}

fn region() -> u32 {
    duplicate(zx_vmar_root_self(), SAME).unwrap()
}

fn basic(handle: u32) -> zxvmo_info_handle_basic {
    let mut info = zxvmo_info_handle_basic::default();
    let (mut actual, mut avail) = (9, 9);
    let status = unsafe {
        zx_object_get_info(
            handle,
            ZX_INFO_HANDLE_BASIC,
            (&raw mut info).cast(),
            size_of_val(&info),
            &mut actual,
            &mut avail,
        )
    };
    assert_eq!((status, actual, avail), (OK, 1, 1));
    info
}

fn get_info(handle: u32, topic: u32) -> i32 {
    let mut buffer = [0u64; 32];
    let buffer = &raw mut buffer;
    unsafe {
        zx_object_get_info(
            handle,
            topic,
            buffer.cast(),
            256,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    }
}

#[test]
fn values_are_never_confused() {
    let mut seen = HashSet::new();
    for _ in 0..3000 {
        let handle = region();
        assert_eq!(handle & 3, 3);
        assert!(seen.insert(handle), "{handle:#x} came twice");
        assert_eq!(zx_handle_check_valid(handle), OK);
        assert_eq!(zx_handle_close(handle), OK);
        assert_eq!(zx_handle_check_valid(handle), ZX_ERR_NOT_FOUND);
        assert_eq!(zx_handle_close(handle), ZX_ERR_BAD_HANDLE);
        assert_eq!(duplicate(handle, SAME), Err(ZX_ERR_BAD_HANDLE));
    }
}

#[test]
fn check_valid() {
    assert_eq!(zx_handle_check_valid(0), ZX_ERR_INVALID_ARGS);
    assert_eq!(zx_handle_check_valid(4), ZX_ERR_OUT_OF_RANGE);
    for unused in [0x1F_FFFF, u32::MAX, 0x8000_0003] {
        assert_eq!(zx_handle_check_valid(unused), ZX_ERR_NOT_FOUND);
        assert_eq!(zx_handle_close(unused), ZX_ERR_BAD_HANDLE);
        assert_eq!(get_info(unused, ZX_INFO_HANDLE_VALID), ZX_ERR_BAD_HANDLE);
        assert_eq!(get_info(unused, 0x1234), ZX_ERR_NOT_SUPPORTED);
        assert_eq!(zx_vmo_set_size(unused, 0), ZX_ERR_BAD_HANDLE);
    }
    assert_eq!(zx_handle_close(0), OK);
    assert_eq!(zx_vmo_set_size(0, 0), ZX_ERR_BAD_HANDLE);
}

#[test]
fn root_region_and_process_stay() {
    for (handle, object_type, rights) in [
        (zx_vmar_root_self(), ZX_OBJ_TYPE_VMAR, 0x20801F),
        (zx_process_self(), ZX_OBJ_TYPE_PROCESS, 0x8003),
    ] {
        assert_eq!(zx_handle_close(handle), OK);
        assert_eq!(unsafe { zx_handle_close_many(&handle, 1) }, OK);
        let mut other = 0;
        assert_eq!(unsafe { zx_handle_replace(handle, SAME, &mut other) }, OK);
        assert_eq!(zx_handle_check_valid(handle), OK);
        assert_eq!(get_info(handle, ZX_INFO_HANDLE_VALID), OK);
        let info = basic(handle);
        assert_eq!((info.type_, info.rights), (object_type, rights));
        assert!(info.koid >= ZX_KOID_FIRST.into() && info.koid < 1 << 63);
        assert_eq!(basic(other).koid, info.koid);
        assert_eq!(zx_handle_close(other), OK);

        assert_eq!(get_info(handle, ZX_INFO_VMO), ZX_ERR_WRONG_TYPE);
        let mut size = 0;
        assert_eq!(
            unsafe { zx_vmo_get_size(handle, &mut size) },
            ZX_ERR_WRONG_TYPE
        );
        assert_eq!(zx_object_signal(handle, 0, 0), ZX_ERR_ACCESS_DENIED);
        let child = unsafe { zx_object_wait_one(handle, 0, 0, ptr::null_mut()) };
        assert_eq!(child, ZX_ERR_ACCESS_DENIED);
    }
    let process = zx_process_self();
    assert_eq!(get_info(process, ZX_INFO_VMAR), ZX_ERR_WRONG_TYPE);
    assert_eq!(
        unsafe { zx_vmar_unmap(process, 0x10000, 4096) },
        ZX_ERR_WRONG_TYPE
    );
}

#[test]
fn some_checks_come_before_the_handle() {
    let root = zx_vmar_root_self();
    let both = ZX_VMO_CHILD_NO_WRITE | ZX_VMO_CHILD_RESIZABLE;
    for (options, size, handle, expected) in [
        (0, u64::MAX, 0, ZX_ERR_OUT_OF_RANGE),
        (both, 0xFFFF_FFFF_FFFF_F001, 0, ZX_ERR_OUT_OF_RANGE),
        (both, 0xFFFF_FFFF_FFFF_F000, 0, ZX_ERR_INVALID_ARGS),
        (both | ZX_VMO_CHILD_SNAPSHOT, 0, root, ZX_ERR_INVALID_ARGS),
        (u32::MAX, 0, root, ZX_ERR_INVALID_ARGS),
        (0, 0xFFFF_FFFF_FFFF_F000, 0, ZX_ERR_BAD_HANDLE),
        (ZX_VMO_CHILD_SNAPSHOT, 4096, root, ZX_ERR_WRONG_TYPE),
        (!both, 4096, root, ZX_ERR_WRONG_TYPE),
    ] {
        let status = unsafe { zx_vmo_create_child(handle, options, 1, size, ptr::null_mut()) };
        assert_eq!(status, expected, "{options:#x} {size:#x}");
    }
    for op in [0, ZX_VMO_OP_COMMIT, ZX_VMO_OP_LOCK, 5, 99] {
        for (handle, expected) in [(0, ZX_ERR_BAD_HANDLE), (root, ZX_ERR_WRONG_TYPE)] {
            let status = unsafe { zx_vmo_op_range(handle, op, 1, u64::MAX, ptr::null_mut(), 0) };
            assert_eq!(status, expected);
        }
    }
}

#[test]
fn cache_flush_has_options() {
    let data = [1u8; 100];
    for options in (0..=16).chain([u32::MAX]) {
        let expected = match options {
            1 | 2 | 3 | 6 | 7 => OK,
            _ => ZX_ERR_INVALID_ARGS,
        };
        let status = zx_cache_flush(data.as_ptr().cast(), data.len(), options);
        assert_eq!(status, expected, "{options}");
    }
    assert_eq!(data, [1; 100]);
}

#[test]
fn rights_only_shrink() {
    let weak = duplicate(zx_vmar_root_self(), ZX_RIGHT_READ).unwrap();
    assert_eq!(basic(weak).rights, ZX_RIGHT_READ);
    assert_eq!(duplicate(weak, SAME), Err(ZX_ERR_ACCESS_DENIED));
    let root = zx_vmar_root_self();
    assert_eq!(duplicate(root, ZX_RIGHT_MAP), Err(ZX_ERR_INVALID_ARGS));
    assert_eq!(
        duplicate(root, SAME | ZX_RIGHT_READ),
        Err(ZX_ERR_INVALID_ARGS)
    );
    assert_eq!(get_info(weak, ZX_INFO_HANDLE_COUNT), ZX_ERR_ACCESS_DENIED);

    // The result may go where the source was.
    let mut handle = weak;
    let status = unsafe { zx_handle_replace(handle, ZX_RIGHT_NONE, &mut handle) };
    assert_eq!(status, OK);
    assert_ne!(handle, weak);
    assert_eq!(zx_handle_check_valid(weak), ZX_ERR_NOT_FOUND);
    // Too much is refused, and the source is gone.
    let source = handle;
    let status = unsafe { zx_handle_replace(source, ZX_RIGHT_READ, &mut handle) };
    assert_eq!(status, ZX_ERR_INVALID_ARGS);
    assert_eq!(handle, source);
    assert_eq!(zx_handle_check_valid(source), ZX_ERR_NOT_FOUND);
}

#[test]
fn many_are_closed() {
    // A bad one anywhere, over several chunks.
    for bad in [0, 255, 256, 700, 999] {
        let mut list: Vec<u32> = (0..1000).map(|_| region()).collect();
        assert_eq!(zx_handle_close(list[bad]), OK);
        let status = unsafe { zx_handle_close_many(list.as_ptr(), list.len()) };
        assert_eq!(status, ZX_ERR_BAD_HANDLE);
        list.retain(|&handle| zx_handle_check_valid(handle) == OK);
        assert!(list.is_empty());
    }
    let a = region();
    assert_eq!(
        unsafe { zx_handle_close_many([a, a].as_ptr(), 2) },
        ZX_ERR_BAD_HANDLE
    );
    assert_eq!(zx_handle_check_valid(a), ZX_ERR_NOT_FOUND);
    assert_eq!(unsafe { zx_handle_close_many([0, 0].as_ptr(), 2) }, OK);
    assert_eq!(unsafe { zx_handle_close_many(ptr::null(), 0) }, OK);
    for bad in [0usize, 8, 1 << 63] {
        let status = unsafe { zx_handle_close_many(ptr::without_provenance(bad), 1) };
        assert_eq!(status, ZX_ERR_INVALID_ARGS);
    }
}

#[test]
fn the_table_grows() {
    let list: Vec<u32> = (0..200_000).map(|_| region()).collect();
    assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
    assert_eq!(basic(list[199_999]).type_, ZX_OBJ_TYPE_VMAR);
    assert_eq!(
        unsafe { zx_handle_close_many(list.as_ptr(), list.len()) },
        OK
    );
}

#[test]
fn threads_share_the_table() {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let handle = region();
                    assert_eq!(basic(handle).rights, 0x20801F);
                    assert_eq!(zx_handle_close(handle), OK);
                }
            });
        }
    });
}

#[test]
fn bad_results_are_refused() {
    let read_only = unsafe {
        mmap_anonymous(ptr::null_mut(), 4096, ProtFlags::READ, MapFlags::PRIVATE).unwrap()
    };
    let root = zx_vmar_root_self();
    for out in [
        ptr::null_mut(),
        ptr::without_provenance_mut(8),
        read_only.cast(),
    ] {
        assert_eq!(
            unsafe { zx_handle_duplicate(root, SAME, out) },
            ZX_ERR_INVALID_ARGS
        );
        let status = unsafe {
            zx_object_get_info(
                root,
                ZX_INFO_HANDLE_BASIC,
                out.cast(),
                32,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        assert_eq!(status, ZX_ERR_INVALID_ARGS);
    }
    // Too small: nothing but the counts is written.
    let (mut actual, mut avail) = (9, 9);
    let status = unsafe {
        zx_object_get_info(
            root,
            ZX_INFO_HANDLE_BASIC,
            ptr::null_mut(),
            0,
            &mut actual,
            &mut avail,
        )
    };
    assert_eq!((status, actual, avail), (ZX_ERR_BUFFER_TOO_SMALL, 0, 1));
    let value = ptr::null_mut();
    assert_eq!(
        unsafe { zx_object_get_property(0, ZX_PROP_NAME, value, 32) },
        ZX_ERR_INVALID_ARGS
    );
    assert_eq!(
        unsafe { zx_object_set_property(0, ZX_PROP_NAME, value, 32) },
        ZX_ERR_INVALID_ARGS
    );
}

#[test]
fn own_mappings_are_protected_and_unmapped() {
    let root = zx_vmar_root_self();
    let start = unsafe {
        mmap_anonymous(
            ptr::null_mut(),
            3 * 4096,
            ProtFlags::READ,
            MapFlags::PRIVATE,
        )
        .unwrap()
    };
    let at = start as usize;
    let protect = |options, addr, len| unsafe { zx_vmar_protect(root, options, addr, len) };
    assert_eq!(protect(READ | WRITE, at, 1), OK);
    unsafe { start.cast::<u8>().write_volatile(1) };
    assert_eq!(protect(WRITE, at, 4096), ZX_ERR_INVALID_ARGS);
    assert_eq!(protect(READ, at + 1, 4096), ZX_ERR_INVALID_ARGS);
    assert_eq!(protect(READ, at, 0), ZX_ERR_INVALID_ARGS);
    assert_eq!(protect(READ, at, usize::MAX), ZX_ERR_INVALID_ARGS);
    assert_eq!(protect(READ, 0, 4096), ZX_ERR_INVALID_ARGS);
    assert_eq!(
        protect(READ | ZX_VM_SPECIFIC, at, 4096),
        ZX_ERR_INVALID_ARGS
    );
    let weak = duplicate(root, ZX_RIGHT_READ).unwrap();
    assert_eq!(
        unsafe { zx_vmar_protect(weak, READ | WRITE, at, 4096) },
        ZX_ERR_ACCESS_DENIED
    );

    // A hole in the middle: nothing changes, the first page stays writable.
    assert_eq!(unsafe { zx_vmar_unmap(root, at + 4096, 1) }, OK);
    assert_eq!(protect(READ, at, 3 * 4096), ZX_ERR_NOT_FOUND);
    unsafe { start.cast::<u8>().write_volatile(2) };
    assert_eq!(unsafe { zx_vmar_unmap(root, at, 3 * 4096) }, OK);
    assert_eq!(unsafe { zx_vmar_unmap(root, at, 3 * 4096) }, OK);
    assert_eq!(
        unsafe { zx_vmar_unmap(root, at + 1, 4096) },
        ZX_ERR_INVALID_ARGS
    );
    assert_eq!(unsafe { zx_vmar_unmap(root, at, 0) }, ZX_ERR_INVALID_ARGS);
}

#[test]
fn protection_is_all_or_nothing() {
    // Readable and writable, then a file that was opened for reading only.
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let start = unsafe {
        mmap_anonymous(ptr::null_mut(), 8192, ProtFlags::READ, MapFlags::PRIVATE).unwrap()
    };
    let second = start.wrapping_byte_add(4096);
    unsafe {
        let shared = MapFlags::SHARED | MapFlags::FIXED;
        rustix::mm::mmap(second, 4096, ProtFlags::READ, shared, &file, 0).unwrap();
        mprotect(start, 4096, MprotectFlags::empty()).unwrap();
    }
    let root = zx_vmar_root_self();
    let protect = |options| unsafe { zx_vmar_protect(root, options, start as usize, 8192) };
    assert_eq!(protect(READ | WRITE), ZX_ERR_ACCESS_DENIED);
    // The first page is still inaccessible: not even a result fits there.
    let mut out = 0;
    let status = unsafe { zx_handle_duplicate(root, SAME, start.cast()) };
    assert_eq!(status, ZX_ERR_INVALID_ARGS);
    assert_eq!(protect(READ), OK);
    assert_eq!(unsafe { start.cast::<u8>().read_volatile() }, 0);
    assert_eq!(unsafe { zx_handle_duplicate(root, SAME, &mut out) }, OK);
    assert_eq!(zx_handle_close(out), OK);
    unsafe { munmap(start, 8192).unwrap() };
}

#[test]
fn times_and_names() {
    let now = zx_clock_get_monotonic();
    assert!(now > 0 && zx_clock_get_monotonic() >= now);
    assert_eq!(zx_deadline_after(i64::MAX), i64::MAX);
    let deadline = zx_deadline_after(3_000_000);
    assert_eq!(zx_nanosleep(deadline), OK);
    assert!(zx_clock_get_monotonic() >= deadline);
    assert_eq!(zx_nanosleep(i64::MIN), OK);
    assert_eq!(zx_system_get_page_size(), 4096);
    let name = |status| unsafe { CStr::from_ptr(zx_status_get_string(status)) };
    assert_eq!(name(-14), c"ZX_ERR_OUT_OF_RANGE");
    assert_eq!(name(77), c"(UNKNOWN)");
}
