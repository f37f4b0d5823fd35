// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C calls against the module. Every test fails where it is not loaded.

#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use zircon::*;
use zxvmo::abi::*;

const OK: i32 = ZX_OK as i32;
const SAME: u32 = ZX_RIGHT_SAME_RIGHTS;
const READ: u32 = ZX_VM_PERM_READ;
const WRITE: u32 = ZX_VM_PERM_WRITE;
const FOREVER: i64 = ZX_TIME_INFINITE as i64;

/// One test at a time: some count descriptors.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn create(size: u64, options: u32) -> u32 {
    let mut handle = 0;
    let status = unsafe { zx_vmo_create(size, options, &mut handle) };
    assert_eq!(status, OK, "cannot create a VMO (is zxvmo loaded?)");
    handle
}

fn duplicate(handle: u32, rights: u32) -> u32 {
    let mut out = 0;
    assert_eq!(unsafe { zx_handle_duplicate(handle, rights, &mut out) }, OK);
    out
}

fn size(handle: u32) -> Result<u64, i32> {
    let mut size = 0;
    match unsafe { zx_vmo_get_size(handle, &mut size) } {
        OK => Ok(size),
        status => Err(status),
    }
}

fn info(handle: u32) -> zxvmo_info_vmo {
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

#[test]
fn streams() {
    let _alone = alone();
    let vmo = create(4096, 0);
    assert_eq!(zx_vmo_set_stream_size(vmo, 0), OK);
    let mode = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE;
    let mut stream = 0;
    unsafe {
        assert_eq!(zx_stream_create(mode, vmo, 0, &mut stream), OK);
        let mut bytes = *b"hello";
        let mut vector = zxvmo_iovec {
            buffer: bytes.as_mut_ptr() as u64,
            capacity: 5,
        };
        let mut actual = 0;
        assert_eq!(zx_stream_writev(stream, 0, &vector, 1, &mut actual), OK);
        assert_eq!(actual, 5);
        assert_eq!(
            zx_stream_writev_at(stream, 0, 2, &vector, 1, ptr::null_mut()),
            OK
        );
        let mut position = 0;
        assert_eq!(zx_stream_seek(stream, 2, -6, &mut position), OK);
        assert_eq!(position, 1);
        assert_eq!(zx_stream_readv(stream, 0, &mut vector, 1, &mut actual), OK);
        assert_eq!((actual, &bytes), (5, b"ehell"));
        assert_eq!(
            zx_stream_readv_at(stream, 0, 6, &mut vector, 1, &mut actual),
            OK
        );
        assert_eq!((actual, &bytes), (1, b"ohell"));
        // Types are told apart before the module is asked, too.
        assert_eq!(
            zx_stream_readv(vmo, 0, &mut vector, 1, &mut actual),
            ZX_ERR_WRONG_TYPE
        );
        assert_eq!(
            zx_stream_create(0, stream, 0, &mut stream),
            ZX_ERR_WRONG_TYPE
        );
        assert_eq!(size(stream), Err(ZX_ERR_WRONG_TYPE));
        // A new handle that cannot be delivered is gone again.
        assert_eq!(
            zx_stream_create(mode, vmo, 0, ptr::without_provenance_mut(8)),
            ZX_ERR_INVALID_ARGS
        );
    }
    let other = duplicate(stream, SAME);
    assert_eq!(handle_count(stream), 2);
    assert_eq!(zx_handle_close(other), OK);
    assert_eq!(zx_handle_close(stream), OK);
    assert_eq!(zx_handle_close(vmo), OK);
}

fn handle_count(handle: u32) -> u32 {
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

fn wait(handle: u32, signals: u32, deadline: i64) -> (i32, u32) {
    let mut observed = 0;
    let status = unsafe { zx_object_wait_one(handle, signals, deadline, &mut observed) };
    (status, observed)
}

fn child(handle: u32, options: u32, offset: u64, size: u64) -> Result<u32, i32> {
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
fn operate(handle: u32, op: u32, offset: u64, size: u64) -> i32 {
    unsafe { zx_vmo_op_range(handle, op, offset, size, ptr::null_mut(), 0) }
}

fn map(vmo: u32, options: u32, offset: usize, len: usize) -> Result<usize, i32> {
    let root = zx_vmar_root_self();
    let mut address = 0;
    match unsafe { zx_vmar_map(root, options, offset, vmo, 0, len, &mut address) } {
        OK => Ok(address),
        status => Err(status),
    }
}

fn unmap(address: usize, len: usize) {
    let status = unsafe { zx_vmar_unmap(zx_vmar_root_self(), address, len) };
    assert_eq!(status, OK);
}

fn region() -> (usize, usize) {
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

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn data_goes_in_and_out() {
    let _alone = alone();
    let vmo = create(5000, 0);
    assert_eq!(size(vmo), Ok(8192));
    let data = *b"hello";
    assert_eq!(
        unsafe { zx_vmo_write(vmo, data.as_ptr().cast(), 4094, 5) },
        OK
    );
    let mut back = [0u8; 5];
    assert_eq!(
        unsafe { zx_vmo_read(vmo, back.as_mut_ptr().cast(), 4094, 5) },
        OK
    );
    assert_eq!(back, data);
    assert_eq!(
        unsafe { zx_vmo_read(vmo, ptr::null_mut(), 0, 1) },
        ZX_ERR_NOT_FOUND
    );
    assert_eq!(zx_handle_close(vmo), OK);
    assert_eq!(size(vmo), Err(ZX_ERR_BAD_HANDLE));
}

#[test]
fn bad_results_leak_nothing() {
    let _alone = alone();
    let vmo = create(0, 0);
    let before = open_descriptors();
    for out in [ptr::null_mut(), ptr::without_provenance_mut(8)] {
        assert_eq!(unsafe { zx_vmo_create(0, 0, out) }, ZX_ERR_INVALID_ARGS);
        let too_large = unsafe { zx_vmo_create(u64::MAX, 0, out) };
        assert_eq!(too_large, ZX_ERR_OUT_OF_RANGE);
        let status = unsafe { zx_handle_duplicate(vmo, SAME, out) };
        assert_eq!(status, ZX_ERR_INVALID_ARGS);
        let status = unsafe { zx_vmo_get_size(vmo, out.cast()) };
        assert_eq!(status, ZX_ERR_INVALID_ARGS);
    }
    assert_eq!(handle_count(vmo), 1);
    assert_eq!(open_descriptors(), before);
}

#[test]
fn children_and_their_rights() {
    let _alone = alone();
    let parent = create(8192, ZX_VMO_RESIZABLE);
    assert_eq!(wait(parent, 0, 0).1, ZX_VMO_ZERO_CHILDREN);
    let before = open_descriptors();
    for out in [ptr::null_mut(), ptr::without_provenance_mut(8)] {
        let make = |options, size| unsafe { zx_vmo_create_child(parent, options, 0, size, out) };
        assert_eq!(make(ZX_VMO_CHILD_SNAPSHOT, 4096), ZX_ERR_INVALID_ARGS);
        assert_eq!(make(ZX_VMO_CHILD_REFERENCE, 0), ZX_ERR_INVALID_ARGS);
        // All else comes first.
        assert_eq!(make(ZX_VMO_CHILD_SLICE, 4096), ZX_ERR_NOT_SUPPORTED);
    }
    assert_eq!(open_descriptors(), before);
    assert_eq!(wait(parent, 0, 0).1, ZX_VMO_ZERO_CHILDREN);
    assert_eq!(info(parent).num_children, 0);

    let all = ZX_DEFAULT_VMO_RIGHTS;
    let resizable = ZX_VMO_CHILD_RESIZABLE;
    for (options, size, rights) in [
        (ZX_VMO_CHILD_SNAPSHOT, 100, all),
        (
            ZX_VMO_CHILD_SNAPSHOT | resizable,
            100,
            all | ZX_RIGHT_RESIZE,
        ),
        (
            ZX_VMO_CHILD_SNAPSHOT_MODIFIED | ZX_VMO_CHILD_NO_WRITE,
            0,
            all & !ZX_RIGHT_WRITE,
        ),
        (ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 1 << 40, all),
        (ZX_VMO_CHILD_REFERENCE, 0, all),
        (ZX_VMO_CHILD_REFERENCE | resizable, 0, all | ZX_RIGHT_RESIZE),
    ] {
        let handle = child(parent, options, 0, size).unwrap();
        let record = info(handle);
        assert_eq!(record.handle_rights, rights, "{options:#x}");
        assert_eq!(record.parent_koid, info(parent).koid);
        assert_eq!(wait(parent, 0, 0).1, 0);
        assert_eq!(zx_handle_close(handle), OK);
        assert_eq!(wait(parent, 0, 0).1, ZX_VMO_ZERO_CHILDREN);
    }

    let fixed = create(4096, 0);
    let snapshot = ZX_VMO_CHILD_SNAPSHOT;
    for (handle, options, offset, size, expected) in [
        (fixed, 0, 0, 0, ZX_ERR_INVALID_ARGS),
        (
            fixed,
            snapshot | ZX_VMO_CHILD_SLICE,
            0,
            0,
            ZX_ERR_INVALID_ARGS,
        ),
        (fixed, snapshot | 2, 0, 0, ZX_ERR_INVALID_ARGS),
        (fixed, snapshot, 1, 0, ZX_ERR_INVALID_ARGS),
        (
            fixed,
            snapshot,
            0,
            0xFFFF_FFFF_FFFF_F000,
            ZX_ERR_OUT_OF_RANGE,
        ),
        (fixed, ZX_VMO_CHILD_SLICE, 4096, 1, ZX_ERR_INVALID_ARGS),
        (fixed, ZX_VMO_CHILD_REFERENCE, 0, 1, ZX_ERR_INVALID_ARGS),
        (
            fixed,
            ZX_VMO_CHILD_REFERENCE | resizable,
            0,
            0,
            ZX_ERR_ACCESS_DENIED,
        ),
        (
            duplicate(fixed, ZX_RIGHT_READ),
            0,
            1,
            0,
            ZX_ERR_ACCESS_DENIED,
        ),
        (create(0, ZX_VMO_DISCARDABLE), 0, 1, 0, ZX_ERR_NOT_SUPPORTED),
    ] {
        let result = child(handle, options, offset, size);
        assert_eq!(result, Err(expected), "{options:#x} {offset:#x} {size:#x}");
    }
}

#[test]
fn closing_children_ends_waits() {
    let _alone = alone();
    let parent = create(4096, 0);
    let handle = child(parent, ZX_VMO_CHILD_SLICE, 0, 4096).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait(parent, ZX_VMO_ZERO_CHILDREN, FOREVER));
        thread::sleep(Duration::from_millis(30));
        assert!(!waiter.is_finished());
        assert_eq!(zx_handle_close(handle), OK);
        assert_eq!(waiter.join().unwrap(), (OK, ZX_VMO_ZERO_CHILDREN));
    });
}

#[test]
fn operations_on_ranges() {
    let _alone = alone();
    let vmo = create(8192, 0);
    let reader = duplicate(vmo, ZX_RIGHT_READ);
    let nothing = duplicate(vmo, ZX_RIGHT_NONE);
    for (handle, op, offset, size, expected) in [
        (vmo, ZX_VMO_OP_COMMIT, 1, 4096, OK),
        (vmo, ZX_VMO_OP_COMMIT, 1, 8192, ZX_ERR_OUT_OF_RANGE),
        (vmo, ZX_VMO_OP_DECOMMIT, 4096, 4096, OK),
        (vmo, ZX_VMO_OP_DECOMMIT, 1, 1, ZX_ERR_INVALID_ARGS),
        (vmo, ZX_VMO_OP_DECOMMIT, 1, u64::MAX, ZX_ERR_OUT_OF_RANGE),
        (vmo, ZX_VMO_OP_ZERO, 100, 200, OK),
        (reader, ZX_VMO_OP_ZERO, 100, 200, ZX_ERR_ACCESS_DENIED),
        (reader, ZX_VMO_OP_CACHE_CLEAN, 0, 8192, OK),
        (reader, ZX_VMO_OP_CACHE_SYNC, 0, 0, ZX_ERR_INVALID_ARGS),
        (
            reader,
            ZX_VMO_OP_CACHE_INVALIDATE,
            0,
            1,
            ZX_ERR_ACCESS_DENIED,
        ),
        (reader, ZX_VMO_OP_PREFETCH, 1, 1, OK),
        (nothing, ZX_VMO_OP_DONT_NEED, u64::MAX, u64::MAX, OK),
        (nothing, ZX_VMO_OP_ALWAYS_NEED, 1, 0, OK),
        (nothing, ZX_VMO_OP_TRY_LOCK, 0, 0, ZX_ERR_ACCESS_DENIED),
        (vmo, ZX_VMO_OP_LOCK, 0, 8192, ZX_ERR_NOT_SUPPORTED),
        (nothing, 5, 0, 0, ZX_ERR_INVALID_ARGS),
        (nothing, 0, 0, 0, ZX_ERR_INVALID_ARGS),
        (nothing, 15, 0, 0, ZX_ERR_INVALID_ARGS),
    ] {
        let status = operate(handle, op, offset, size);
        assert_eq!(status, expected, "{op} {offset:#x} {size:#x}");
    }
    assert_eq!(info(vmo).committed_bytes, 4096);
}

#[test]
fn locking_stores_what_was_lost() {
    let _alone = alone();
    let vmo = create(4096, ZX_VMO_DISCARDABLE);
    let mut state = [9u64; 5];
    let place: *mut u8 = state.as_mut_ptr().cast();
    let lock = |buffer: *mut u8, size| unsafe {
        zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 4096, buffer.cast(), size)
    };
    assert_eq!(lock(place, 31), ZX_ERR_INVALID_ARGS);
    assert_eq!(lock(ptr::null_mut(), 32), ZX_ERR_INVALID_ARGS);
    assert_eq!(
        lock(ptr::without_provenance_mut(8), 32),
        ZX_ERR_INVALID_ARGS
    );
    // None of them has left a lock behind.
    assert_eq!(operate(vmo, ZX_VMO_OP_UNLOCK, 0, 4096), ZX_ERR_BAD_STATE);
    assert_eq!(lock(place, 40), OK);
    assert_eq!(operate(vmo, ZX_VMO_OP_TRY_LOCK, 0, 4096), OK);
    for expected in [OK, OK, ZX_ERR_BAD_STATE] {
        assert_eq!(operate(vmo, ZX_VMO_OP_UNLOCK, 0, 4096), expected);
    }
    for (offset, size) in [(0, 0), (0, 8192), (4096, 0), (4096, u64::MAX)] {
        let status = operate(vmo, ZX_VMO_OP_TRY_LOCK, offset, size);
        assert_eq!(status, ZX_ERR_OUT_OF_RANGE);
    }
    assert_eq!(state, [0, 4096, 0, 0, 9]);
}

#[test]
fn replacing() {
    let _alone = alone();
    let mut handle = create(4096, 0);
    let first = handle;
    let status = unsafe { zx_handle_replace(first, ZX_RIGHT_INSPECT, &mut handle) };
    assert_eq!(status, OK);
    assert_eq!(zx_handle_close(first), ZX_ERR_BAD_HANDLE);
    assert_eq!(handle_count(handle), 1);
    assert_eq!(info(handle).handle_rights, ZX_RIGHT_INSPECT);
    let second = handle;
    let status = unsafe { zx_handle_replace(second, ZX_RIGHT_READ, &mut handle) };
    assert_eq!(status, ZX_ERR_INVALID_ARGS);
    assert_eq!(handle, second);
    assert_eq!(zx_handle_check_valid(second), ZX_ERR_NOT_FOUND);
}

#[test]
fn closing_cancels_waits() {
    let _alone = alone();
    let vmo = create(0, 0);
    let other = duplicate(vmo, SAME);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait(vmo, ZX_USER_SIGNAL_0, FOREVER));
        thread::sleep(Duration::from_millis(50));
        assert_eq!(zx_handle_close(vmo), OK);
        assert_eq!(zx_handle_close(vmo), ZX_ERR_BAD_HANDLE);
        let expected = ZX_SIGNAL_HANDLE_CLOSED | ZX_VMO_ZERO_CHILDREN;
        assert_eq!(waiter.join().unwrap(), (ZX_ERR_CANCELED, expected));
    });
    // Another handle to the same object goes on waiting.
    thread::scope(|scope| {
        let third = duplicate(other, SAME);
        let waiter = scope.spawn(|| wait(other, ZX_USER_SIGNAL_0, FOREVER));
        thread::sleep(Duration::from_millis(20));
        assert_eq!(zx_handle_close(third), OK);
        thread::sleep(Duration::from_millis(20));
        assert!(!waiter.is_finished());
        assert_eq!(zx_object_signal(other, 0, ZX_USER_SIGNAL_0), OK);
        assert_eq!(waiter.join().unwrap().0, OK);
    });
    // Replacing closes the source.
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait(other, ZX_USER_SIGNAL_1, FOREVER));
        thread::sleep(Duration::from_millis(50));
        let mut new = 0;
        assert_eq!(unsafe { zx_handle_replace(other, SAME, &mut new) }, OK);
        assert_eq!(waiter.join().unwrap().0, ZX_ERR_CANCELED);
    });
}

#[test]
fn closing_under_calls_hits_nobody_else() {
    let _alone = alone();
    create(0, 0);
    let before = open_descriptors();
    let stop = AtomicBool::new(false);
    let shared = Mutex::new(create(4096, 0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let handle = *shared.lock().unwrap();
                    match size(handle) {
                        Ok(size) => assert_eq!(size, 4096),
                        Err(status) => assert_eq!(status, ZX_ERR_BAD_HANDLE),
                    }
                }
            });
        }
        for _ in 0..5_000 {
            // The number that becomes free is used again at once, by a VMO of
            // another size that nobody asks for.
            let old = *shared.lock().unwrap();
            assert_eq!(zx_handle_close(old), OK);
            let bait = create(8192, 0);
            *shared.lock().unwrap() = create(4096, 0);
            assert_eq!(size(bait), Ok(8192));
            assert_eq!(zx_handle_close(bait), OK);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(zx_handle_close(*shared.lock().unwrap()), OK);
    assert_eq!(open_descriptors(), before);
}

#[test]
fn a_child_has_the_handles() {
    let _alone = alone();
    let vmo = create(4096, 0);
    let waited_on = create(0, 0);
    thread::scope(|scope| {
        // A thread that is in a call while the process forks.
        let waiter = scope.spawn(|| wait(waited_on, ZX_USER_SIGNAL_0, FOREVER));
        thread::sleep(Duration::from_millis(30));
        let child = unsafe { libc::fork() };
        if child == 0 {
            let write = unsafe { zx_vmo_write(vmo, b"child".as_ptr().cast(), 0, 5) };
            let before = open_descriptors();
            let close = zx_handle_close(waited_on);
            let is_closed = open_descriptors() == before - 1;
            let mut own = 0;
            let create = unsafe { zx_vmo_create(4096, 0, &mut own) };
            let good = [write, close, create] == [OK; 3] && is_closed && size(own) == Ok(4096);
            unsafe { libc::_exit(if good { 0 } else { 1 }) };
        }
        let mut status = 0;
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        // What the child closed is its own.
        assert!(!waiter.is_finished());
        assert_eq!(zx_object_signal(waited_on, 0, ZX_USER_SIGNAL_0), OK);
        assert_eq!(waiter.join().unwrap().0, OK);
    });
    let mut back = [0u8; 5];
    let status = unsafe { zx_vmo_read(vmo, back.as_mut_ptr().cast(), 0, 5) };
    assert_eq!((status, &back), (OK, b"child"));
}

#[test]
fn descriptors_close_on_exec_and_zero_is_one() {
    let _alone = alone();
    let stdin = unsafe { BorrowedFd::borrow_raw(0) };
    let saved = stdin.try_clone_to_owned().unwrap();
    // The device is open already, so that the VMO gets the lowest number.
    create(0, 0);
    unsafe { libc::close(0) };
    let vmo = create(4096, 0);
    let is_vmo = size(vmo) == Ok(4096);
    let flags = unsafe { libc::fcntl(0, libc::F_GETFD) };
    let closed = zx_handle_close(vmo);
    unsafe { libc::dup2(saved.as_raw_fd(), 0) };
    assert!(is_vmo);
    assert_eq!((flags, closed), (libc::FD_CLOEXEC, OK));
}

#[test]
fn properties_and_topics() {
    let _alone = alone();
    let vmo = create(100, 0);
    let mut size = 0u64;
    let value = (&raw mut size).cast();
    let get = |len| unsafe { zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, value, len) };
    assert_eq!(get(7), ZX_ERR_BUFFER_TOO_SMALL);
    assert_eq!(get(8), OK);
    assert_eq!(size, 100);
    let ask = |topic| unsafe {
        zx_object_get_info(
            vmo,
            topic,
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(ask(ZX_INFO_HANDLE_VALID), OK);
    for topic in [ZX_INFO_VMO, ZX_INFO_VMO_V1, ZX_INFO_HANDLE_BASIC] {
        assert_eq!(ask(topic), ZX_ERR_BUFFER_TOO_SMALL);
    }
    for topic in [ZX_INFO_VMAR, ZX_INFO_STREAM, ZX_INFO_PROCESS_VMOS] {
        assert_eq!(ask(topic), ZX_ERR_WRONG_TYPE);
    }
    assert_eq!(ask(0x4000_0017), ZX_ERR_NOT_SUPPORTED);
    let child = zx_object_get_child(vmo, 1, 0, ptr::null_mut());
    assert_eq!(child, ZX_ERR_ACCESS_DENIED);
}

#[test]
fn mapping_anywhere_and_somewhere() {
    let _alone = alone();
    let vmo = create(8192, 0);
    let (base, _) = region();
    let address = map(vmo, READ | WRITE, 0, 5000).unwrap();
    unsafe { (address as *mut u8).add(8191).write_volatile(7) };
    assert_eq!(info(vmo).committed_bytes, 4096);
    let offset = address - base;
    assert_eq!(
        map(vmo, READ | ZX_VM_SPECIFIC, offset, 4096),
        Err(ZX_ERR_ALREADY_EXISTS)
    );
    let over = map(vmo, READ | ZX_VM_SPECIFIC_OVERWRITE, offset + 4096, 4096);
    assert_eq!(over, Ok(address + 4096));
    unmap(address, 8192);
    assert_eq!(info(vmo).num_mappings, 0);
    assert_eq!(map(vmo, READ | ZX_VM_SPECIFIC, offset, 4096), Ok(address));
    unmap(address, 4096);
}

#[test]
fn mapping_with_wishes() {
    let _alone = alone();
    let vmo = create(4096, 0);
    for (option, align) in [
        (ZX_VM_ALIGN_1KB, 4096),
        (ZX_VM_ALIGN_2MB, 2 << 20),
        (ZX_VM_ALIGN_4GB, 4 << 30),
    ] {
        let address = map(vmo, READ | option, 0, 4096).unwrap();
        assert_eq!(address % align, 0);
        unmap(address, 4096);
    }
    let (base, len) = region();
    let limit = 1 << 40;
    let below = READ | ZX_VM_OFFSET_IS_UPPER_LIMIT;
    let address = map(vmo, below | ZX_VM_ALIGN_1MB, limit, 4096).unwrap();
    assert!(address + 4096 <= base + limit && address % (1 << 20) == 0);
    unmap(address, 4096);
    for (options, offset, length, expected) in [
        (below, limit + 1, 4096, ZX_ERR_INVALID_ARGS),
        (below, 4096, 8192, ZX_ERR_INVALID_ARGS),
        (below, len + 4096, 4096, ZX_ERR_INVALID_ARGS),
        (below | ZX_VM_SPECIFIC, limit, 4096, ZX_ERR_INVALID_ARGS),
        (below, limit, 0, ZX_ERR_INVALID_ARGS),
        (below, limit, usize::MAX, ZX_ERR_OUT_OF_RANGE),
        (below, limit + 1, usize::MAX, ZX_ERR_OUT_OF_RANGE),
        (below, len, len - 4096, ZX_ERR_NO_RESOURCES),
        (READ | ZX_VM_ALIGN_2MB, 4096, 4096, ZX_ERR_INVALID_ARGS),
        (READ | (9 << 24), 0, 4096, ZX_ERR_INVALID_ARGS),
        (READ | (33 << 24), 0, 4096, ZX_ERR_INVALID_ARGS),
        (below | (33 << 24), limit, 4096, ZX_ERR_INVALID_ARGS),
        (READ, 4096, 4096, ZX_ERR_INVALID_ARGS),
        (READ | ZX_VM_SPECIFIC, len, 4096, ZX_ERR_INVALID_ARGS),
        (
            READ | ZX_VM_SPECIFIC,
            usize::MAX - 4095,
            4096,
            ZX_ERR_INVALID_ARGS,
        ),
        (READ | ZX_VM_SPECIFIC, 1, 4096, ZX_ERR_INVALID_ARGS),
    ] {
        let result = map(vmo, options, offset, length);
        assert_eq!(
            result,
            Err(expected),
            "{options:#x} {offset:#x} {length:#x}"
        );
    }
    // Rights come before all of that.
    let weak = duplicate(vmo, ZX_RIGHT_READ);
    assert_eq!(map(weak, below, 1, 0), Err(ZX_ERR_ACCESS_DENIED));
    let resizable = create(4096, ZX_VMO_RESIZABLE);
    let strict = below | ZX_VM_REQUIRE_NON_RESIZABLE;
    assert_eq!(map(resizable, strict, 1, 0), Err(ZX_ERR_NOT_SUPPORTED));
}

#[test]
fn mapping_through_bad_handles_and_pointers() {
    let _alone = alone();
    let vmo = create(4096, 0);
    let root = zx_vmar_root_self();
    let mut address = 0;
    for (region, object, expected) in [
        (0, vmo, ZX_ERR_BAD_HANDLE),
        (vmo, 0, ZX_ERR_WRONG_TYPE),
        (root, 0, ZX_ERR_BAD_HANDLE),
        (root, root, ZX_ERR_WRONG_TYPE),
    ] {
        let status = unsafe { zx_vmar_map(region, 0, 0, object, 0, 4096, &mut address) };
        assert_eq!(status, expected);
    }
    let status = unsafe { zx_vmar_map(root, READ, 0, vmo, 0, 4096, ptr::null_mut()) };
    assert_eq!(status, ZX_ERR_INVALID_ARGS);
    assert_eq!(info(vmo).num_mappings, 0);
}

#[test]
fn permissions_have_a_maximum() {
    let _alone = alone();
    let vmo = create(8192, 0);
    let root = zx_vmar_root_self();
    let protect = |options, address| unsafe { zx_vmar_protect(root, options, address, 8192) };

    // From a handle that could write: also when it is closed.
    let strong = duplicate(vmo, SAME);
    let address = map(strong, READ, 0, 8192).unwrap();
    assert_eq!(zx_handle_close(strong), OK);
    assert_eq!(protect(READ | WRITE, address), OK);
    unsafe { (address as *mut u8).write_volatile(1) };
    unmap(address, 8192);

    // From a handle that could not.
    let reader = duplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP);
    let address = map(reader, READ, 0, 8192).unwrap();
    assert_eq!(protect(READ | WRITE, address), ZX_ERR_ACCESS_DENIED);
    unmap(address, 8192);

    // Through a handle to the region that could not.
    let mut weak = 0;
    let rights = ZX_RIGHT_READ;
    assert_eq!(unsafe { zx_handle_duplicate(root, rights, &mut weak) }, OK);
    let mut address = 0;
    let mut try_map =
        |options| unsafe { zx_vmar_map(weak, options, 0, vmo, 0, 8192, &mut address) };
    assert_eq!(try_map(READ | WRITE), ZX_ERR_ACCESS_DENIED);
    assert_eq!(try_map(WRITE), ZX_ERR_INVALID_ARGS);
    assert_eq!(try_map(READ), OK);
    assert_eq!(protect(READ | WRITE, address), ZX_ERR_ACCESS_DENIED);
    assert_eq!(protect(0, address), OK);
    assert_eq!(protect(READ, address), OK);
    unmap(address, 8192);
}
