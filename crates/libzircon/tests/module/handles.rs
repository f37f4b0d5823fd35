// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handles: what closing, replacing and forking do to them.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use zircon::*;
use zxvmo::abi::*;

use crate::support::*;

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
