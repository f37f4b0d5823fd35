// SPDX-License-Identifier: GPL-2.0

//! Stores beside a model of bytes: what calls read, what page tables show and what devices write,
//! through snapshots, changes of size and transfers of pages; with allocations that fail.

use crate::{
    cases,
    page_map::Shown,
    status::{Status, ZxResult},
    store::Store,
    store_model::{Borrowed, Modelled, BUFFER, PAGE},
    sys::{
        probe::{Holder, Memory},
        user::{self, IovIter},
        PAGE_SIZE,
    },
};
use core::ops::Range;
use kernel::{failure, sync::Arc};
use proptest::prelude::*;

/// Stores that there are at most, and pages of each: one more than a leaf has.
const STORES: usize = 4;
const PAGES: u64 = 66;

#[derive(Clone, Debug)]
enum Op {
    Write(usize, Range<u64>),
    Read(usize, Range<u64>),
    Commit(usize, Range<u64>),
    Decommit(usize, Range<u64>),
    Zero(usize, Range<u64>),
    SetSize(usize, u64),
    Snapshot(usize, Range<u64>),
    Drop(usize),
    /// A program's access through a mapping.
    Load(usize, u64),
    Store(usize, u64),
    /// A device gets a page to write to, writes, and is done.
    Pin(usize, u64),
    Dma(usize, u8),
    Unpin(usize),
    /// Somebody reads a page without a pin, for some time.
    Borrow(usize, u64),
    Return(usize),
}

/// Byte offsets: pages of the two leaves' edges, and their edges.
fn offset() -> impl Strategy<Value = u64> {
    let page = prop_oneof![0..3u64, 63..PAGES];
    let byte = prop_oneof![4 => Just(0), 1 => 0..PAGE_SIZE, 1 => Just(1), 1 => Just(PAGE_SIZE - 1)];
    (page, byte).prop_map(|(page, byte)| page * PAGE_SIZE + byte)
}

fn bytes() -> impl Strategy<Value = Range<u64>> {
    let short = (offset(), 0..3 * PAGE_SIZE).prop_map(|(at, length)| at..at + length);
    let long = (offset(), offset()).prop_map(|(a, b)| a.min(b)..a.max(b));
    prop_oneof![4 => short, 1 => long]
}

fn pages() -> impl Strategy<Value = Range<u64>> {
    bytes().prop_map(|bytes| {
        let end = bytes.end.next_multiple_of(PAGE_SIZE);
        bytes.start / PAGE_SIZE * PAGE_SIZE..end
    })
}

fn steps() -> impl Strategy<Value = Vec<(Op, Option<u32>)>> {
    let of = 0..STORES;
    let size = prop_oneof![3 => offset(), 2 => Just((PAGES - 1) * PAGE_SIZE)];
    let op = prop_oneof![
        6 => (of.clone(), bytes()).prop_map(|(of, range)| Op::Write(of, range)),
        2 => (of.clone(), bytes()).prop_map(|(of, range)| Op::Read(of, range)),
        2 => (of.clone(), pages()).prop_map(|(of, range)| Op::Commit(of, range)),
        2 => (of.clone(), pages()).prop_map(|(of, range)| Op::Decommit(of, range)),
        2 => (of.clone(), bytes()).prop_map(|(of, range)| Op::Zero(of, range)),
        2 => (of.clone(), size).prop_map(|(of, size)| Op::SetSize(of, size)),
        5 => (of.clone(), pages()).prop_map(|(of, range)| Op::Snapshot(of, range)),
        1 => of.clone().prop_map(Op::Drop),
        4 => (of.clone(), offset()).prop_map(|(of, at)| Op::Load(of, at)),
        8 => (of.clone(), offset()).prop_map(|(of, at)| Op::Store(of, at)),
        3 => (of.clone(), offset()).prop_map(|(of, at)| Op::Pin(of, at)),
        3 => (any::<usize>(), any::<u8>()).prop_map(|(pin, byte)| Op::Dma(pin, byte)),
        1 => any::<usize>().prop_map(Op::Unpin),
        3 => (of, offset()).prop_map(|(of, at)| Op::Borrow(of, at)),
        1 => any::<usize>().prop_map(Op::Return),
    ];
    let left = prop_oneof![5 => Just(None), 1 => (0..6u32).prop_map(Some)];
    prop::collection::vec((op, left), 1..if cfg!(miri) { 16 } else { 60 })
}

struct Pin {
    holder: Holder,
    /// While it has not been dropped, the pinned page stays in its place: the id of the store, and
    /// the page.
    place: Option<(u64, u64)>,
}

struct World {
    stores: Vec<Modelled>,
    pins: Vec<Pin>,
    borrowed: Vec<Borrowed>,
    stamp: u8,
    // After what it counts.
    memory: Memory,
}

impl World {
    fn new() -> Self {
        let memory = Memory::new();
        let size = (PAGES - 2) * PAGE_SIZE;
        let Ok(store) = Store::new(size, size, false) else {
            panic!("no memory");
        };
        Self {
            stores: vec![Modelled::new(store, vec![0; size as usize])],
            pins: Vec::new(),
            borrowed: Vec::new(),
            stamp: 0,
            memory,
        }
    }

    fn is_pinned(&self, of: usize, bytes: &Range<u64>) -> bool {
        let id = self.stores[of].store.id();
        let pages = bytes.start / PAGE_SIZE..bytes.end.div_ceil(PAGE_SIZE);
        let places = self.pins.iter().filter_map(|pin| pin.place);
        bytes.start < bytes.end && { places }.any(|(of, at)| of == id && pages.contains(&at))
    }

    /// Runs one step. Statuses that the step does not expect come of the allocation that failed.
    fn step(&mut self, (op, left): &(Op, Option<u32>)) {
        self.stamp = self.stamp % 250 + 1;
        let (result, failed) = failure::after(*left, || self.run(op));
        if let Err(status) = result {
            assert!(failed && status == Status::NO_MEMORY, "{status:?}");
        }
    }

    fn run(&mut self, op: &Op) -> ZxResult {
        let count = self.stores.len();
        let stamp = self.stamp;
        match *op {
            Op::Write(of, ref range) => self.write(of % count, range),
            Op::Read(of, ref range) => {
                let known = &self.stores[of % count];
                let (read, result) = known.read(range);
                let expected = clamp(range, known.size());
                assert_eq!(read, known.bytes[expected.clone()]);
                let ends = range.end > known.size() && range.start < range.end;
                assert_eq!(
                    result,
                    if ends {
                        Err(Status::OUT_OF_RANGE)
                    } else {
                        Ok(())
                    }
                );
                Ok(())
            }
            Op::Commit(of, ref range) => {
                let known = &self.stores[of % count];
                let range = range.start.min(known.size())..range.end.min(known.size());
                known.store.commit(range.start, range.end)?;
                let content = known.store.read_lock();
                for page in range.start / PAGE_SIZE..range.end / PAGE_SIZE {
                    assert!(!matches!(content.get(page), Shown::Hole));
                }
                Ok(())
            }
            Op::Decommit(of, ref range) => {
                let pinned = self.is_pinned(of % count, range);
                let known = &mut self.stores[of % count];
                let range = range.start.min(known.size())..range.end.min(known.size());
                match known.store.decommit(range.start, range.end) {
                    Err(Status::BAD_STATE) if pinned => return Ok(()),
                    result => result?,
                }
                assert!(!pinned || range.is_empty());
                known.bytes[range.start as usize..range.end as usize].fill(0);
                Ok(())
            }
            Op::Zero(of, ref range) => {
                let known = &mut self.stores[of % count];
                let inside = clamp(range, known.size());
                let result = known.store.zero(range.start, range.end);
                match result {
                    Ok(()) => known.bytes[inside].fill(0),
                    Err(_) => {
                        known.accept_zeros(range.clone());
                        return result;
                    }
                }
                Ok(())
            }
            Op::SetSize(of, size) => self.set_size(of % count, size),
            Op::Snapshot(of, ref range) => {
                let known = &self.stores[of % count];
                if count == STORES {
                    return Ok(());
                }
                let size = (range.end - range.start).min(PAGES * PAGE_SIZE);
                let child = known.store.snapshot(range.start, size, size)?;
                let mut bytes = known.bytes[clamp(range, known.size())].to_vec();
                bytes.resize(size as usize, 0);
                self.stores.push(Modelled::new(child, bytes));
                Ok(())
            }
            Op::Drop(of) => {
                if count > 1 {
                    let gone = self.stores.swap_remove(of % count);
                    for pin in &mut self.pins {
                        pin.place = pin.place.filter(|(id, _)| *id != gone.store.id());
                    }
                    gone.tables.unmap(0, u64::MAX);
                    gone.store.retire();
                }
                Ok(())
            }
            Op::Load(of, at) => {
                let known = &self.stores[of % count];
                if at >= known.size() {
                    return Ok(());
                }
                let page = at / PAGE_SIZE;
                if known.tables.with_entry(page, |entry| entry.is_none()) {
                    known.fault(page, false)?;
                }
                Ok(())
            }
            Op::Store(of, at) => {
                let known = &mut self.stores[of % count];
                if at >= known.size() {
                    return Ok(());
                }
                known.written(at, |page| page.store(at as usize % PAGE, stamp))?;
                known.bytes[at as usize] = stamp;
                Ok(())
            }
            Op::Pin(of, at) => {
                let known = &self.stores[of % count];
                if at >= known.size() {
                    return Ok(());
                }
                let holder = known.written(at, Holder::pin)?;
                self.pins.push(Pin {
                    holder,
                    place: Some((known.store.id(), at / PAGE_SIZE)),
                });
                Ok(())
            }
            Op::Dma(pin, byte) => {
                if self.pins.is_empty() {
                    return Ok(());
                }
                let pin = &self.pins[pin % self.pins.len()];
                let byte = byte as usize;
                pin.holder.store(byte, stamp);
                if let Some((id, page)) = pin.place {
                    let into = self.stores.iter_mut().find(|known| known.store.id() == id);
                    if let Some(known) = into {
                        known.bytes[page as usize * PAGE + byte] = stamp;
                    }
                }
                Ok(())
            }
            Op::Unpin(pin) => {
                if !self.pins.is_empty() {
                    let pin = pin % self.pins.len();
                    self.pins.swap_remove(pin);
                }
                Ok(())
            }
            Op::Borrow(of, at) => {
                let content = self.stores[of % count].store.read_lock();
                let (page, shared) = match content.get(at / PAGE_SIZE) {
                    Shown::Owned(page, _) => (page, false),
                    Shown::Shared(page) => (page, true),
                    Shown::Hole => return Ok(()),
                };
                let holder = Holder::new(page, false);
                let before = shared.then(|| Borrowed::bytes(&holder));
                self.borrowed.push(Borrowed { holder, before });
                Ok(())
            }
            Op::Return(borrowed) => {
                if !self.borrowed.is_empty() {
                    let borrowed = borrowed % self.borrowed.len();
                    self.borrowed.swap_remove(borrowed);
                }
                Ok(())
            }
        }
    }

    fn write(&mut self, of: usize, range: &Range<u64>) -> ZxResult {
        let stamp = self.stamp;
        let known = &mut self.stores[of];
        let length = (range.end - range.start) as usize;
        let from: Vec<u8> = (0..length).map(|at| stamp.wrapping_add(at as u8)).collect();
        user::map(BUFFER, length / PAGE + 1);
        user::poke(BUFFER, &from);
        // A part of the buffer has to be faulted in.
        user::unmap(BUFFER + length / 2, 1, false);
        let mut iter = IovIter::new(BUFFER, length);
        let (done, result) = known.store.write(range.start, &u64::MAX, &mut iter);
        let done = done as usize;
        let expected = clamp(range, known.size());
        let at = expected.start;
        known.bytes[at..at + done].copy_from_slice(&from[..done]);
        match result {
            Ok(()) => assert_eq!(done, length),
            Err(Status::OUT_OF_RANGE) => {
                assert!(range.end > known.size());
                assert_eq!(done, expected.len());
            }
            Err(status) => return Err(status),
        }
        Ok(())
    }

    fn set_size(&mut self, of: usize, size: u64) -> ZxResult {
        let rounded = size.next_multiple_of(PAGE_SIZE);
        let pinned = self.is_pinned(of, &(rounded..self.stores[of].size()));
        let known = &mut self.stores[of];
        match known.store.set_size(size, rounded) {
            Err(Status::BAD_STATE) if pinned => return Ok(()),
            result => result?,
        }
        assert!(!pinned);
        assert_eq!(known.store.size(), rounded);
        assert_eq!(known.store.stream_size().get(), size);
        known.bytes.resize(rounded as usize, 0);
        // The rest of the last page: a failure of this is not told.
        if failure::seen() {
            known.accept_zeros(size..rounded);
        } else {
            known.bytes[size as usize..].fill(0);
        }
        Ok(())
    }

    fn check(&self) {
        for known in &self.stores {
            known.check_tables();
            let (bytes, result) = known.read(&(0..known.size()));
            assert_eq!(result, Ok(()));
            assert!(
                bytes == known.bytes,
                "the content of a store is not what was written"
            );
        }
        for Borrowed { holder, before } in &self.borrowed {
            if let Some(before) = before {
                assert_eq!(*before, Borrowed::bytes(holder));
            }
        }
    }
}

fn clamp(range: &Range<u64>, size: u64) -> Range<usize> {
    let start = range.start.min(size);
    start as usize..range.end.min(size).max(start) as usize
}

fn run(steps: &[(Op, Option<u32>)]) {
    let mut world = World::new();
    for step in steps {
        world.step(step);
        world.check();
    }
    while let Some(known) = world.stores.pop() {
        known.tables.unmap(0, u64::MAX);
        known.store.retire();
    }
    world.pins.clear();
    world.borrowed.clear();
    assert_eq!((world.memory.pages(), world.memory.nodes()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(600),
        failure_persistence: None,
        max_shrink_iters: 5000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn follow_the_model(steps in steps()) {
        run(&steps);
    }
}
