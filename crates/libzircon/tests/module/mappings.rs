// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mapping and protecting.

use std::ptr;

use zircon::*;
use zxvmo::abi::*;

use crate::support::*;

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
    // The stack of a thread that starts meanwhile may take the place.
    let again = (0..100).any(|_| {
        let address = map(vmo, READ, 0, 4096).unwrap();
        unmap(address, 4096);
        let again = map(vmo, READ | ZX_VM_SPECIFIC, address - base, 4096);
        if let Ok(at) = again {
            assert_eq!(at, address);
            unmap(at, 4096);
        }
        again.is_ok()
    });
    assert!(again);
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
