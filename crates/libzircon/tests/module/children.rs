// SPDX-License-Identifier: MIT OR Apache-2.0
//! Children and the signal that they are gone.

use std::ptr;
use std::thread;
use std::time::Duration;

use zircon::*;
use zxvmo::abi::*;

use crate::support::*;

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
