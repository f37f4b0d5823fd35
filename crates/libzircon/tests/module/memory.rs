// SPDX-License-Identifier: MIT OR Apache-2.0
//! Contents: reading, writing, operations on ranges, streams.

use std::ptr;

use zircon::*;
use zxvmo::abi::*;

use crate::support::*;

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
