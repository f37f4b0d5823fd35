// SPDX-License-Identifier: GPL-2.0

//! Ranges: of bytes over pages, of the operations of `zx_vmo_op_range`, of a vector's buffers; and
//! the locks of discardable VMOs.

use crate::{
    cases,
    content::Span,
    discard,
    extent::Window,
    family::Family,
    handle::Handle,
    op_range,
    page_map::Shown,
    rights::Rights,
    status::{Status, ZxResult},
    store::Store,
    sys::{
        probe::{self, Memory},
        reclaim::Shrinker,
        uapi,
        user::{self, Direction},
        PAGE_SIZE,
    },
    vector::{Buffers, Vector},
    vmo::Vmo,
};
use kernel::{failure, sync::Arc};
use proptest::prelude::*;

const PAGES: u64 = 4;

/// Numbers at the edges of pages, of a VMO, and of 64 bits.
fn number() -> impl Strategy<Value = u64> {
    let near = prop_oneof![Just(0), 0..=PAGES + 1, Just(1 << 51), Just((1 << 52) - 1),];
    prop_oneof![
        8 => (near, -1..2i64).prop_map(|(page, by)| (page * PAGE_SIZE).wrapping_add_signed(by)),
        1 => any::<u64>(),
    ]
}

fn store(size: u64, discardable: bool) -> Arc<Store> {
    match Store::new(size, size, discardable) {
        Ok(store) => store,
        Err(_) => panic!("no memory"),
    }
}

/// What spec 7.2 to 7.7 says of a range, by numbers that cannot wrap. The rest of the checks passes.
fn expected(op: u32, offset: u64, size: u64, vmo_size: u64, relatives: bool) -> ZxResult {
    let page = u128::from(PAGE_SIZE);
    let (first, end) = (u128::from(offset), u128::from(offset) + u128::from(size));
    let fits = end <= u128::from(vmo_size);
    let out = Err(Status::OUT_OF_RANGE);
    match op {
        uapi::ZX_VMO_OP_COMMIT | uapi::ZX_VMO_OP_PREFETCH => {
            let rounded = end.div_ceil(page) * page;
            if end > u128::from(u64::MAX) || rounded > u128::from(vmo_size) {
                out
            } else {
                Ok(())
            }
        }
        uapi::ZX_VMO_OP_DECOMMIT => match () {
            () if !fits => out,
            () if size == 0 => Ok(()),
            () if relatives => Err(Status::NOT_SUPPORTED),
            () if first % page != 0 || end % page != 0 => Err(Status::INVALID_ARGS),
            () => Ok(()),
        },
        uapi::ZX_VMO_OP_ZERO if size == 0 || fits => Ok(()),
        uapi::ZX_VMO_OP_ZERO => out,
        _ if size == 0 => Err(Status::INVALID_ARGS),
        _ if fits => Ok(()),
        _ => out,
    }
}

const OPS: [u32; 8] = [
    uapi::ZX_VMO_OP_COMMIT,
    uapi::ZX_VMO_OP_DECOMMIT,
    uapi::ZX_VMO_OP_ZERO,
    uapi::ZX_VMO_OP_PREFETCH,
    uapi::ZX_VMO_OP_CACHE_SYNC,
    uapi::ZX_VMO_OP_CACHE_INVALIDATE,
    uapi::ZX_VMO_OP_CACHE_CLEAN,
    uapi::ZX_VMO_OP_CACHE_CLEAN_INVALIDATE,
];

fn arguments(op: u32, offset: u64, size: u64) -> uapi::zxvmo_op_range {
    uapi::zxvmo_op_range {
        op,
        offset,
        size,
        ..Default::default()
    }
}

/// The right that an operation needs (spec 7.2).
fn needed(op: u32) -> Rights {
    match op {
        uapi::ZX_VMO_OP_COMMIT
        | uapi::ZX_VMO_OP_DECOMMIT
        | uapi::ZX_VMO_OP_ZERO
        | uapi::ZX_VMO_OP_CACHE_INVALIDATE => Rights::WRITE,
        _ => Rights::READ,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(4000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The pieces of a range follow each other, each in one page, as long as they can be.
    #[test]
    fn spans_cover_a_range(at in number(), length in 0..4 * PAGE_SIZE) {
        let length = length.min(u64::MAX - at);
        let (mut from, mut left) = (at, length);
        while left > 0 {
            let span = Span::first(from, left);
            prop_assert_eq!(span.index * PAGE_SIZE + span.offset as u64, from);
            prop_assert!(span.length > 0 && span.length as u64 <= left);
            let end = span.offset + span.length;
            prop_assert!(end == PAGE_SIZE as usize || end < PAGE_SIZE as usize && span.length as u64 == left);
            from += span.length as u64;
            left -= span.length as u64;
        }
        prop_assert_eq!(from, at + length);
    }

    #[test]
    fn operations_check_their_range(
        op in 0..OPS.len(),
        offset in number(),
        size in number(),
        slice in any::<bool>(),
        relatives in any::<bool>(),
        rights in any::<u32>(),
    ) {
        let memory = Memory::new();
        let op = OPS[op];
        let all = store(PAGES * PAGE_SIZE, false);
        let window = slice.then(|| Window::new(PAGE_SIZE, 2 * PAGE_SIZE, 0));
        let Ok(window) = window.transpose() else { panic!("no memory") };
        let vmo = Arc::new(Vmo::new(all.clone(), window, false));
        let vmo_size = vmo.size();
        vmo.links().lock().family = Some(Arc::new(Family { several: relatives }));
        let (begin, end) = (vmo.begin() / PAGE_SIZE, (vmo.begin() + vmo_size) / PAGE_SIZE);
        {
            let mut content = all.write_lock();
            for page in 0..PAGES {
                let owned = content.own(page).map(|(page, _)| probe::set_value(page, 7));
                prop_assert_eq!(owned, Ok(()));
            }
        }
        let handle = Handle::to_vmo(vmo, Rights::from_raw(rights));
        let result = op_range::run(&handle, &arguments(op, offset, size));
        if !Rights::from_raw(rights).has(needed(op)) {
            prop_assert_eq!(result, Err(Status::ACCESS_DENIED));
        } else {
            prop_assert_eq!(result, expected(op, offset, size, vmo_size, relatives));
        }
        // Pages are given back where whole ones were named, and nowhere else.
        let content = all.read_lock();
        let takes = matches!(op, uapi::ZX_VMO_OP_DECOMMIT | uapi::ZX_VMO_OP_ZERO) && result.is_ok();
        for page in 0..PAGES {
            let from = page.checked_sub(begin).map(|page| page * PAGE_SIZE);
            let named = from.is_some_and(|from| {
                takes && page < end && size > 0 && offset <= from && from + PAGE_SIZE <= offset + size
            });
            prop_assert_eq!(matches!(content.get(page), Shown::Hole), named, "page {}", page);
        }
        drop(content);
        all.retire();
        prop_assert_eq!(memory.pages(), 0);
    }

    /// Buffers are handed out in order, as far as the limit reaches, and empty ones never.
    #[cfg_attr(miri, ignore)]
    #[test]
    fn vectors_hand_out_their_buffers(
        buffers in prop::collection::vec((0..4u64, 0..3 * PAGE_SIZE), 0..70),
        limit in 1..20 * PAGE_SIZE,
        stop in any::<u64>(),
    ) {
        const VECTOR: usize = 1 << 24;
        user::map(VECTOR, 1);
        for (at, (page, capacity)) in buffers.iter().enumerate() {
            let buffer = uapi::zxvmo_iovec { buffer: (page + 1) << 20, capacity: *capacity };
            user::poke(VECTOR + at * 16, user::bytes_of(&buffer));
        }
        let vector = Vector::read(VECTOR as u64, buffers.len() as u64);
        let Ok(vector) = vector else { panic!("it can be read") };
        let total: u64 = buffers.iter().map(|(_, capacity)| capacity).sum();
        let mut vector = Buffers::Vector(vector, Direction::Read);
        prop_assert_eq!(vector.total(), total);
        let whole = total.min(limit);
        let stop = stop % (whole + 1);
        let mut bytes = Vec::new();
        let (moved, result) = vector.each(limit, |done, iter| {
            assert_eq!(done, bytes.len() as u64);
            assert!(iter.remaining() > 0);
            let left = iter.remaining().min((stop - done) as usize);
            for _ in 0..left {
                bytes.push(iter.address());
                iter.advance(1);
            }
            let all = iter.remaining() == 0;
            (left as u64, if all { Ok(()) } else { Err(Status::SHOULD_WAIT) })
        });
        prop_assert_eq!(moved, stop);
        prop_assert_eq!(result.is_err(), stop < whole);
        let expected = buffers.iter().flat_map(|(page, capacity)| {
            let start = ((page + 1) << 20) as usize;
            start..start + *capacity as usize
        });
        prop_assert!(bytes.into_iter().eq(expected.take(stop as usize)));
    }

    /// The locks of a discardable VMO are counted, and its memory goes only while there is none.
    #[test]
    fn locks_of_a_discardable_vmo(ops in prop::collection::vec((0..6u32, 0..8u32), 1..40)) {
        let memory = Memory::new();
        let shrinker = Shrinker::<Store>::register();
        prop_assert!(shrinker.is_ok());
        let size = PAGES * PAGE_SIZE;
        let vmo = Vmo::new(store(size, true), None, true);
        const STATE: usize = 1 << 24;
        user::map(STATE, 1);
        let run = |op: u32, buffer: usize| {
            let mut args = arguments(op, 0, size);
            (args.buffer, args.buffer_size) = (buffer as u64, 32);
            discard::run(&vmo, &args)
        };
        let (mut locks, mut discarded, mut listed, mut pages) = (0u32, false, false, 0);
        for (op, detail) in ops {
            match op {
                0 => {
                    // The state may have nowhere to go: the lock is not taken then.
                    let lost = detail == 0;
                    let result = run(uapi::ZX_VMO_OP_LOCK, if lost { 1 << 30 } else { STATE });
                    if lost {
                        prop_assert_eq!(result, Err(Status::INVALID_ARGS));
                        listed = locks == 0;
                    } else {
                        prop_assert_eq!(result, Ok(()));
                        let gone = u64::from_ne_bytes(
                            user::peek(STATE + 24, 8).try_into().expect("8 bytes"),
                        );
                        prop_assert_eq!(gone, if discarded { size } else { 0 });
                        (locks, listed) = (locks + 1, false);
                    }
                    discarded = false;
                }
                1 => {
                    let expected = if discarded { Err(Status::UNAVAILABLE) } else { Ok(()) };
                    prop_assert_eq!(run(uapi::ZX_VMO_OP_TRY_LOCK, 0), expected);
                    if !discarded {
                        (locks, listed) = (locks + 1, false);
                    }
                }
                2 => {
                    let expected = if locks > 0 { Ok(()) } else { Err(Status::BAD_STATE) };
                    prop_assert_eq!(run(uapi::ZX_VMO_OP_UNLOCK, 0), expected);
                    if locks == 1 {
                        listed = true;
                    }
                    locks = locks.saturating_sub(1);
                }
                3 => {
                    let committed = vmo.store().commit(0, size);
                    prop_assert_eq!(committed, if discarded { Err(Status::NOT_FOUND) } else { Ok(()) });
                    if !discarded {
                        pages = PAGES as usize;
                    }
                }
                4 => {
                    let (reclaimed, failed) = failure::after(Some(0), || probe::reclaim(0));
                    prop_assert!(!failed, "memory is asked for to give memory back");
                    prop_assert_eq!(reclaimed, listed.then_some(pages));
                    if listed && pages > 0 {
                        (discarded, listed, pages) = (true, false, 0);
                    }
                }
                _ => {
                    // Whoever has the lock is not waited for.
                    let held = vmo.store().read_lock();
                    prop_assert_eq!(probe::reclaim(0), None);
                    drop(held);
                    let mut args = arguments(uapi::ZX_VMO_OP_TRY_LOCK, 0, size + 1);
                    prop_assert_eq!(discard::run(&vmo, &args), Err(Status::OUT_OF_RANGE));
                    (args.offset, args.size) = (PAGE_SIZE, size - PAGE_SIZE);
                    prop_assert_eq!(discard::run(&vmo, &args), Err(Status::OUT_OF_RANGE));
                }
            }
            prop_assert_eq!(probe::listed(), usize::from(listed));
            prop_assert_eq!(memory.pages(), pages);
        }
        vmo.store().retire();
        prop_assert_eq!((probe::listed(), memory.pages()), (0, 0));
        prop_assert_eq!(Arc::strong_count(vmo.store()), 1);
    }
}

/// The sum of the capacities of a vector must not wrap; and it must be there.
#[test]
fn vectors_that_cannot_be() {
    const VECTOR: usize = 1 << 24;
    user::map(VECTOR, 1);
    let huge = uapi::zxvmo_iovec {
        buffer: 0,
        capacity: u64::MAX,
    };
    user::poke(VECTOR, user::bytes_of(&huge));
    assert!(Vector::read(VECTOR as u64, 2).is_ok());
    user::poke(VECTOR + 16, user::bytes_of(&huge));
    let invalid = Some(Status::INVALID_ARGS);
    assert_eq!(Vector::read(VECTOR as u64, 2).err(), invalid);
    assert_eq!(Vector::read(VECTOR as u64 + 4096, 1).err(), invalid);
    assert_eq!(Vector::read(VECTOR as u64, u64::MAX).err(), invalid);
    let canceled = probe::kill(|| Vector::read(VECTOR as u64, 1).err());
    assert_eq!(canceled, Some(Status::CANCELED));
}
