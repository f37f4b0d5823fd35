// SPDX-License-Identifier: MIT OR Apache-2.0
//! The client against the module. Every test fails where it is not loaded.

#![allow(clippy::unwrap_used)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;
use std::time::Duration;

use zxvmo::{
    CachePolicy, MonotonicDuration, MonotonicInstant, Name, ObjectType, Rights, Signals, Status,
    VmarFlags, VmarOp, Vmo, VmoChildOptions, VmoInfoFlags, VmoLockState, VmoOp, VmoOptions,
    WaitResult,
};

const READ_WRITE: VmarFlags = VmarFlags::PERM_READ.union(VmarFlags::PERM_WRITE);

fn create(options: VmoOptions, size: u64) -> Vmo {
    Vmo::create_with_opts(options, size)
        .unwrap_or_else(|status| panic!("cannot create a VMO: {status} (is zxvmo loaded?)"))
}

fn vmo(size: u64) -> Vmo {
    create(VmoOptions::empty(), size)
}

#[test]
fn the_module_says_what_it_offers() {
    let device = zxvmo::query().unwrap();
    assert!(device.abi_version >= 1);
    assert_eq!(device.page_size, 4096);
    assert_eq!(device.max_size, 0xFFFF_FFFF_FFFF_0000);
}

#[test]
fn sizes_are_rounded() {
    for (asked, size) in [(0, 0), (1, 4096), (4096, 4096), (4097, 8192)] {
        let vmo = vmo(asked);
        assert_eq!(vmo.get_size(), Ok(size));
        assert_eq!(vmo.get_stream_size(), Ok(asked));
        assert_eq!(vmo.get_content_size(), Ok(asked));
    }
    assert_eq!(Vmo::create(u64::MAX).unwrap_err(), Status::OUT_OF_RANGE);
    let both = VmoOptions::RESIZABLE | VmoOptions::UNBOUNDED;
    assert_eq!(
        Vmo::create_with_opts(both, 0).unwrap_err(),
        Status::INVALID_ARGS
    );
}

#[test]
fn pinnable_vmos_commit_what_is_read_for_writing() {
    for (vmo, committed) in [
        (vmo(4096), 0),
        (
            Vmo::create_pinnable(VmoOptions::empty(), 4096).unwrap(),
            4096,
        ),
    ] {
        let mapping = vmo.map(0, 4096, READ_WRITE).unwrap();
        mapping.copy_out(&mut [0], 0).unwrap();
        assert_eq!(vmo.info().unwrap().committed_bytes, committed);
    }
}

#[test]
fn data_is_read_back() {
    let vmo = vmo(8192);
    vmo.write(b"across", 4093).unwrap();
    let mut back = [0xFF; 8];
    vmo.read(&mut back, 4092).unwrap();
    assert_eq!(&back, b"\0across\0");
    assert_eq!(vmo.read_to_vec(4093, 6).unwrap(), b"across");
    assert_eq!(vmo.read(&mut back, 8185), Err(Status::OUT_OF_RANGE));
    assert_eq!(vmo.write(&[], 8192), Ok(()));
    assert_eq!(vmo.write(&[], 8193), Err(Status::OUT_OF_RANGE));
}

#[test]
fn resizing() {
    let vmo = create(VmoOptions::RESIZABLE, 4096);
    vmo.set_size(5000).unwrap();
    assert_eq!(
        (vmo.get_size(), vmo.get_stream_size()),
        (Ok(8192), Ok(5000))
    );
    vmo.set_stream_size(100).unwrap();
    assert_eq!(vmo.set_stream_size(8193), Err(Status::OUT_OF_RANGE));
    vmo.set_content_size(&200).unwrap();
    assert_eq!(vmo.get_stream_size(), Ok(200));
    assert_eq!(self::vmo(4096).set_size(0), Err(Status::UNAVAILABLE));
}

#[test]
fn copies_are_private() {
    let parent = vmo(8192);
    parent.set_name(&Name::new("parent").unwrap()).unwrap();
    parent.write(b"old", 4096).unwrap();
    let kinds = [
        VmoChildOptions::SNAPSHOT,
        VmoChildOptions::SNAPSHOT_AT_LEAST_ON_WRITE,
        VmoChildOptions::SNAPSHOT_MODIFIED,
    ];
    let copies = kinds.map(|kind| parent.create_child(kind, 4096, 5000).unwrap());
    for copy in &copies {
        assert_eq!(copy.get_size(), Ok(8192));
        assert_eq!(copy.get_stream_size(), Ok(5000));
        let info = copy.info().unwrap();
        assert_eq!(info.parent_koid, parent.info().unwrap().koid);
        assert_eq!(info.name.as_bytes(), b"parent");
        assert!(info.flags.contains(VmoInfoFlags::IS_COW_CLONE));
    }
    copies[0].write(b"C", 0).unwrap();
    parent.write(b"new", 4096).unwrap();
    assert_eq!(copies[0].read_to_vec(0, 3).unwrap(), b"Cld");
    assert_eq!(copies[1].read_to_vec(0, 3).unwrap(), b"old");
    assert_eq!(copies[2].read_to_vec(4096, 3).unwrap(), [0; 3]);
    assert_eq!(parent.read_to_vec(4096, 3).unwrap(), b"new");
    assert_eq!(parent.info().unwrap().num_children, 3);

    let poll = || parent.wait_one(Signals::VMO_ZERO_CHILDREN, MonotonicInstant::INFINITE_PAST);
    assert_eq!(poll(), WaitResult::TimedOut(Signals::NONE));
    drop(copies);
    assert_eq!(poll(), WaitResult::Ok(Signals::VMO_ZERO_CHILDREN));
}

#[test]
fn slices_and_references_share() {
    let parent = create(VmoOptions::RESIZABLE, 8192);
    let reference = parent
        .create_child(VmoChildOptions::REFERENCE, 0, 0)
        .unwrap();
    parent.set_size(12288).unwrap();
    assert_eq!(reference.get_size(), Ok(12288));
    assert_eq!(reference.set_size(0), Err(Status::ACCESS_DENIED));
    reference.write(b"shared", 8192).unwrap();
    assert_eq!(parent.read_to_vec(8192, 6).unwrap(), b"shared");

    let parent = vmo(8192);
    let options = VmoChildOptions::SLICE | VmoChildOptions::NO_WRITE;
    let slice = parent.create_child(options, 4096, 1).unwrap();
    parent.write(b"shared", 4096).unwrap();
    assert_eq!(slice.read_to_vec(0, 6).unwrap(), b"shared");
    assert_eq!(slice.get_size(), Ok(4096));
    assert_eq!(slice.write(b"x", 0), Err(Status::ACCESS_DENIED));
    drop(parent);
    assert_eq!(slice.read_to_vec(0, 6).unwrap(), b"shared");
}

#[test]
fn children_that_are_refused() {
    let fixed = vmo(4096);
    let resizable = create(VmoOptions::RESIZABLE, 4096);
    let discardable = create(VmoOptions::DISCARDABLE, 4096);
    let reader = fixed.duplicate_handle(Rights::READ).unwrap();
    let both = VmoChildOptions::NO_WRITE | VmoChildOptions::RESIZABLE;
    let snapshot = VmoChildOptions::SNAPSHOT;
    for (vmo, options, size, expected) in [
        (&fixed, snapshot, u64::MAX, Status::OUT_OF_RANGE),
        (&fixed, snapshot | both, 0, Status::INVALID_ARGS),
        (&fixed, VmoChildOptions::empty(), 0, Status::INVALID_ARGS),
        (&fixed, VmoChildOptions::SLICE, 4097, Status::INVALID_ARGS),
        (&reader, snapshot, 0, Status::ACCESS_DENIED),
        (&discardable, snapshot, 0, Status::NOT_SUPPORTED),
        (&resizable, VmoChildOptions::SLICE, 1, Status::NOT_SUPPORTED),
    ] {
        let result = vmo.create_child(options, 0, size);
        assert_eq!(result.unwrap_err(), expected, "{options:?} {size:#x}");
    }
}

#[test]
fn operations_on_ranges() {
    let vmo = vmo(3 * 4096);
    let committed = || vmo.info().unwrap().committed_bytes;
    vmo.op_range(VmoOp::COMMIT, 4095, 2).unwrap();
    assert_eq!(committed(), 8192);
    vmo.write(&[1; 8192], 0).unwrap();
    vmo.op_range(VmoOp::ZERO, 10, 20).unwrap();
    assert_eq!(vmo.read_to_vec(9, 22).unwrap()[..2], [1, 0]);
    vmo.op_range(VmoOp::DECOMMIT, 4096, 8192).unwrap();
    assert_eq!(committed(), 4096);
    assert_eq!(vmo.read_to_vec(4095, 2).unwrap(), [1, 0]);
    for op in [
        VmoOp::CACHE_SYNC,
        VmoOp::CACHE_INVALIDATE,
        VmoOp::CACHE_CLEAN,
        VmoOp::CACHE_CLEAN_INVALIDATE,
    ] {
        assert_eq!(vmo.op_range(op, 1, 12287), Ok(()));
        assert_eq!(vmo.op_range(op, 1, 12288), Err(Status::OUT_OF_RANGE));
        assert_eq!(vmo.op_range(op, 1, 0), Err(Status::INVALID_ARGS));
    }
    assert_eq!(vmo.op_range(VmoOp::PREFETCH, 0, 12288), Ok(()));
    for op in [VmoOp::DONT_NEED, VmoOp::ALWAYS_NEED] {
        assert_eq!(vmo.op_range(op, u64::MAX, u64::MAX), Ok(()));
    }
    assert_eq!(committed(), 4096);

    // No DECOMMIT among copies.
    let child = vmo.create_child(VmoChildOptions::SNAPSHOT, 0, 4096);
    let decommit = || vmo.op_range(VmoOp::DECOMMIT, 0, 4096);
    assert_eq!(decommit(), Err(Status::NOT_SUPPORTED));
    drop(child);
    assert_eq!(decommit(), Ok(()));
    assert_eq!(committed(), 0);
}

#[test]
fn locks_are_counted() {
    let vmo = create(VmoOptions::DISCARDABLE, 4096);
    assert!(vmo
        .info()
        .unwrap()
        .flags
        .contains(VmoInfoFlags::DISCARDABLE));
    let unlock = || vmo.op_range(VmoOp::UNLOCK, 0, 4096);
    assert_eq!(unlock(), Err(Status::BAD_STATE));
    let state = VmoLockState {
        offset: 0,
        size: 4096,
        discarded_offset: 0,
        discarded_size: 0,
    };
    assert_eq!(vmo.lock(0, 4096), Ok(state));
    assert_eq!(vmo.op_range(VmoOp::TRY_LOCK, 0, 4096), Ok(()));
    assert_eq!(vmo.lock(0, 4095), Err(Status::OUT_OF_RANGE));
    assert_eq!([unlock(), unlock()], [Ok(()), Ok(())]);
    assert_eq!(unlock(), Err(Status::BAD_STATE));
    assert_eq!(self::vmo(0).lock(0, 0), Err(Status::NOT_SUPPORTED));
}

#[test]
fn handles_have_rights() {
    let vmo = vmo(4096);
    let info = vmo.basic_info().unwrap();
    assert_eq!(info.rights, Rights::VMO_DEFAULT);
    assert_eq!(info.object_type, ObjectType::VMO);
    assert!(info.koid.raw_koid() >= 1024);

    let reader = vmo
        .duplicate_handle(Rights::READ | Rights::INSPECT)
        .unwrap();
    assert_eq!(reader.basic_info().unwrap().koid, info.koid);
    assert_eq!(reader.count_info().unwrap().handle_count, 2);
    assert_eq!(reader.write(b"x", 0), Err(Status::ACCESS_DENIED));
    assert_eq!(
        reader.duplicate_handle(Rights::SAME_RIGHTS).unwrap_err(),
        Status::ACCESS_DENIED
    );

    let fewer = reader.replace_handle(Rights::NONE).unwrap();
    assert_eq!(fewer.get_size(), Ok(4096));
    assert_eq!(fewer.read(&mut [0], 0), Err(Status::ACCESS_DENIED));
    assert_eq!(
        fewer.replace_handle(Rights::READ).unwrap_err(),
        Status::INVALID_ARGS
    );
    assert_eq!(vmo.count_info().unwrap().handle_count, 1);
}

#[test]
fn names_and_info() {
    let vmo = create(VmoOptions::RESIZABLE, 1);
    assert_eq!(vmo.get_name().unwrap().as_bytes(), b"");
    vmo.set_name(&Name::new("first").unwrap()).unwrap();
    assert_eq!(vmo.get_name().unwrap().to_string(), "first");
    vmo.write(b"x", 0).unwrap();
    let info = vmo.info().unwrap();
    assert_eq!(info.name.as_bytes(), b"first");
    assert_eq!((info.size_bytes, info.committed_bytes), (4096, 4096));
    let flags = VmoInfoFlags::PAGED | VmoInfoFlags::RESIZABLE | VmoInfoFlags::VIA_HANDLE;
    assert_eq!(info.flags, flags);
    vmo.set_name(&Name::new_lossy("")).unwrap();
    assert_eq!(vmo.get_name().unwrap().as_bytes(), b"");
}

#[test]
fn waits_end() {
    let vmo = vmo(0);
    let idle = vmo.wait_one(Signals::USER_0, MonotonicInstant::INFINITE_PAST);
    assert_eq!(idle, WaitResult::TimedOut(Signals::VMO_ZERO_CHILDREN));
    let start = MonotonicInstant::get();
    let deadline = start + MonotonicDuration::from_millis(20);
    assert_eq!(
        vmo.wait_one(Signals::NONE, deadline).to_result(),
        Err(Status::TIMED_OUT)
    );
    assert!(MonotonicInstant::get() >= deadline);
    assert_eq!(
        vmo.signal(Signals::VMO_ZERO_CHILDREN, Signals::NONE),
        Err(Status::INVALID_ARGS)
    );
    thread::scope(|scope| {
        let waiter = scope.spawn(|| vmo.wait_one(Signals::USER_0, MonotonicInstant::INFINITE));
        thread::sleep(Duration::from_millis(20));
        vmo.signal(Signals::NONE, Signals::USER_0).unwrap();
        let all = Signals::USER_0 | Signals::VMO_ZERO_CHILDREN;
        assert_eq!(waiter.join().unwrap(), WaitResult::Ok(all));
    });
}

#[test]
fn mappings_are_the_memory() {
    let vmo = vmo(8192);
    let mapping = vmo.map(0, 5000, READ_WRITE).unwrap();
    assert_eq!(mapping.len(), 8192);
    mapping.copy_in(b"mapped", 4094).unwrap();
    assert_eq!(vmo.read_to_vec(4094, 6).unwrap(), b"mapped");
    vmo.write(b"M", 4094).unwrap();
    let mut back = [0; 6];
    mapping.copy_out(&mut back, 4094).unwrap();
    assert_eq!(&back, b"Mapped");

    let second = vmo.map(4096, 4096, VmarFlags::PERM_READ).unwrap();
    second.copy_out(&mut back[..4], 0).unwrap();
    assert_eq!(&back[..4], b"pped");
    assert_eq!(second.copy_in(b"x", 0), Err(Status::ACCESS_DENIED));
    assert_eq!(vmo.info().unwrap().num_mappings, 2);

    // The mapping outlives the handle.
    drop(vmo);
    mapping.copy_out(&mut back, 4094).unwrap();
    assert_eq!(&back, b"Mapped");
}

#[test]
fn operations_on_mappings() {
    let vmo = vmo(4 * 4096);
    let mapping = vmo.map(4096, 3 * 4096, READ_WRITE).unwrap();
    let committed = || vmo.info().unwrap().committed_bytes;
    mapping.op_range(VmarOp::COMMIT, 4096, 4097).unwrap();
    assert_eq!(committed(), 2 * 4096);
    mapping.copy_in(b"x", 4096).unwrap();
    assert_eq!(vmo.read_to_vec(2 * 4096, 1).unwrap(), b"x");
    mapping.op_range(VmarOp::MAP_RANGE, 0, 3 * 4096).unwrap();
    mapping.op_range(VmarOp::ZERO, 4096, 4096).unwrap();
    assert_eq!(committed(), 4096);
    assert_eq!(vmo.read_to_vec(2 * 4096, 1).unwrap(), b"\0");
    let run = |offset, len| mapping.op_range(VmarOp::DECOMMIT, offset, len);
    assert_eq!(run(1, 4096), Err(Status::INVALID_ARGS));
    assert_eq!(run(0, 0), Err(Status::INVALID_ARGS));
    assert_eq!(run(4096, 3 * 4096), Err(Status::OUT_OF_RANGE));
    assert_eq!(run(0, usize::MAX), Err(Status::OUT_OF_RANGE));
    assert_eq!(run(0, 3 * 4096), Ok(()));
    assert_eq!(committed(), 0);
    let reader = vmo.duplicate_handle(Rights::READ | Rights::MAP).unwrap();
    let mapping = reader.map(0, 4096, VmarFlags::PERM_READ).unwrap();
    let refused = mapping.op_range(VmarOp::COMMIT, 0, 4096);
    assert_eq!(refused, Err(Status::ACCESS_DENIED));
    assert_eq!(mapping.op_range(VmarOp::PREFETCH, 0, 4096), Ok(()));
}

#[test]
fn mappings_that_are_refused() {
    let vmo = vmo(4096);
    let map = |offset, len, flags| vmo.map(offset, len, flags).map(drop).unwrap_err();
    assert_eq!(map(0, 4096, VmarFlags::PERM_WRITE), Status::INVALID_ARGS);
    assert_eq!(map(1, 4096, READ_WRITE), Status::INVALID_ARGS);
    assert_eq!(map(0, 0, READ_WRITE), Status::INVALID_ARGS);
    assert_eq!(
        map(0xFFFF_FFFF_FFFF_F000, 8192, READ_WRITE),
        Status::OUT_OF_RANGE
    );
    let reader = vmo.duplicate_handle(Rights::READ | Rights::MAP).unwrap();
    assert_eq!(
        reader.map(0, 4096, READ_WRITE).unwrap_err(),
        Status::ACCESS_DENIED
    );
}

#[test]
fn cache_policies() {
    let vmo = vmo(4096);
    vmo.write(b"kept", 10).unwrap();
    assert_eq!(vmo.info().unwrap().cache_policy, CachePolicy::CACHED);
    for policy in [
        CachePolicy::UNCACHED,
        CachePolicy::WRITE_COMBINING,
        CachePolicy::UNCACHED_DEVICE,
    ] {
        vmo.set_cache_policy(policy).unwrap();
        assert_eq!(vmo.info().unwrap().cache_policy, policy);
        assert_eq!(vmo.read_to_vec(10, 4), Err(Status::BAD_STATE));
        let mapping = vmo.map(0, 4096, READ_WRITE).unwrap();
        let mut back = [0; 4];
        mapping.copy_out(&mut back, 10).unwrap();
        assert_eq!(&back, b"kept");
        let cached = vmo.set_cache_policy(CachePolicy::CACHED);
        assert_eq!(cached, Err(Status::BAD_STATE));
    }
    vmo.set_cache_policy(CachePolicy::CACHED).unwrap();
    assert_eq!(vmo.read_to_vec(10, 4).unwrap(), b"kept");
}

#[test]
fn executable_handles() {
    let vmo = vmo(4096);
    let koid = vmo.basic_info().unwrap().koid;
    let flags = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE | VmarFlags::PERM_EXECUTE;
    assert_eq!(
        vmo.map(0, 4096, flags).map(drop),
        Err(Status::ACCESS_DENIED)
    );
    let copy = vmo.duplicate_handle(Rights::SAME_RIGHTS).unwrap();
    let rights = vmo.basic_info().unwrap().rights;
    let vmo = vmo.replace_as_executable().unwrap();
    assert_eq!(vmo.basic_info().unwrap().koid, koid);
    assert_eq!(vmo.basic_info().unwrap().rights, rights | Rights::EXECUTE);
    drop(vmo.map(0, 4096, flags).unwrap());
    assert_eq!(copy.count_info().unwrap().handle_count, 2);
}

#[test]
fn handles_are_descriptors() {
    let vmo = vmo(4096);
    let koid = vmo.basic_info().unwrap().koid;
    let fd: OwnedFd = vmo.into();
    let dup = Vmo::from(fd.try_clone().unwrap());
    // The same handle under two numbers: rights and count stay.
    assert_eq!(dup.basic_info().unwrap().koid, koid);
    assert_eq!(dup.count_info().unwrap().handle_count, 1);
    assert_ne!(dup.as_raw_fd(), fd.as_fd().as_raw_fd());

    let null = Vmo::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap()));
    assert_eq!(null.get_size(), Err(Status::BAD_HANDLE));
    assert_eq!(
        null.wait_one(Signals::NONE, MonotonicInstant::INFINITE),
        WaitResult::Err(Status::BAD_HANDLE)
    );
}
