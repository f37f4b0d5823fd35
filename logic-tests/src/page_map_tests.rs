// SPDX-License-Identifier: GPL-2.0

//! Page maps beside a model: what each shows, what it owns and what is marked, who shares what, and
//! that nothing is left in the end; with allocations that fail.

use crate::{
    cases,
    page_map::{PageMap, Shown},
    page_map_model::{known, Modelled, World},
    sys::probe::{self, Holder},
};
use core::ops::{ControlFlow, Range};
use kernel::{error::code::ENOMEM, error::Result, failure};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Maps that there are at most.
const MAPS: usize = 6;

/// Where page numbers lie: around the edges of leaves and of higher nodes, up to the last page of
/// the largest VMO.
const PLACES: [u64; 8] = [
    0,
    40,
    64 * 64 - 30,
    64 * 64 + 40,
    (1 << 18) - 70,
    1 << 24,
    (1 << 36) - 3,
    (1 << 52) - 200,
];

#[derive(Clone, Debug)]
enum Op {
    New,
    /// Without exclusive access, if it can be done so.
    Fill(usize, u64),
    Own(usize, u64),
    Touch(usize, u64),
    Remove(usize, Range<u64>),
    Share(usize, Range<u64>),
    Drop(usize),
    Take(usize),
    /// The last one: to another map, or the same.
    Move(usize, Range<u64>, usize, u64),
    Hold(usize, u64, bool),
    Release(usize),
}

#[derive(Clone, Debug)]
struct Step {
    op: Op,
    /// Allocations that succeed meanwhile.
    left: Option<u32>,
}

fn number() -> impl Strategy<Value = u64> {
    (0..PLACES.len(), 0..140u64).prop_map(|(place, at)| PLACES[place] + at)
}

fn range() -> impl Strategy<Value = Range<u64>> {
    prop_oneof![
        3 => (number(), 0..90u64).prop_map(|(first, length)| first..first + length),
        2 => (0..PLACES.len(), 0..3u64, 1..3u64)
            .prop_map(|(place, at, leaves)| {
                let first = (PLACES[place] / 64 + at) * 64;
                first..first + leaves * 64
            }),
        1 => (number(), number()).prop_map(|(a, b)| a.min(b)..a.max(b)),
        1 => Just(0..1 << 52),
    ]
}

/// Where a range goes: aligned as it is, or not.
fn target() -> impl Strategy<Value = (Range<u64>, u64)> {
    let near = prop_oneof![-140i64..140, (-3i64..3).prop_map(|leaves| leaves * 64)];
    (number(), 1..150u64, 0..PLACES.len(), near).prop_map(|(first, length, place, near)| {
        let to = (PLACES[place] + first % 64).saturating_add_signed(near);
        (first..first + length, to)
    })
}

fn op() -> impl Strategy<Value = Op> {
    let map = 0..MAPS;
    prop_oneof![
        1 => Just(Op::New),
        4 => (map.clone(), number()).prop_map(|(map, at)| Op::Fill(map, at)),
        8 => (map.clone(), number()).prop_map(|(map, at)| Op::Own(map, at)),
        3 => (map.clone(), number()).prop_map(|(map, at)| Op::Touch(map, at)),
        3 => (map.clone(), range()).prop_map(|(map, range)| Op::Remove(map, range)),
        5 => (map.clone(), range()).prop_map(|(map, range)| Op::Share(map, range)),
        1 => map.clone().prop_map(Op::Drop),
        1 => map.clone().prop_map(Op::Take),
        3 => (map.clone(), target(), map.clone())
            .prop_map(|(from, (range, to), into)| Op::Move(from, range, into, to)),
        2 => (map, number(), any::<bool>()).prop_map(|(map, at, pin)| Op::Hold(map, at, pin)),
        1 => any::<usize>().prop_map(Op::Release),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let left = prop_oneof![4 => Just(None), 1 => (0..8u32).prop_map(Some)];
    let step = (op(), left).prop_map(|(op, left)| Step { op, left });
    prop::collection::vec(step, 1..if cfg!(miri) { 24 } else { 120 })
}

impl World {
    /// Runs one step. An error is one of the allocations that were made to fail.
    fn step(&mut self, step: &Step) {
        let (result, failed) = failure::after(step.left, || self.run(&step.op));
        if let Err(error) = result {
            assert!(failed && error == ENOMEM, "{error:?}");
        }
    }

    fn run(&mut self, op: &Op) -> Result {
        let count = self.maps.len();
        match *op {
            Op::New => {
                if count < MAPS {
                    let owner = self.unique();
                    let map = PageMap::new(probe::new_owner(owner)?);
                    self.maps.push(Modelled::new(map, owner));
                }
            }
            Op::Fill(map, at) => return self.fill(map % count, at),
            Op::Own(map, at) => {
                return self.own(map % count, at, false);
            }
            Op::Touch(map, at) => {
                let map = map % count;
                let at = self.maps[map].near(at);
                return self.own(map, at, true);
            }
            Op::Remove(map, ref range) => {
                let known = &mut self.maps[map % count];
                known.map.remove(range.start, range.end)?;
                known.pages.retain(|at, _| !range.contains(at));
                known.marks.retain(|at| !range.contains(at));
            }
            Op::Share(map, ref range) => return self.share(map % count, range),
            Op::Drop(map) => {
                if count > 1 {
                    self.maps.swap_remove(map % count);
                }
            }
            Op::Take(map) => {
                let known = &mut self.maps[map % count];
                let taken = known.map.take();
                assert_eq!(known.map.len(), 0);
                known.map = taken;
            }
            Op::Move(from, ref range, into, to) => {
                return self.transfer(from % count, range, into % count, to);
            }
            Op::Hold(map, at, pinned) => {
                let known = &self.maps[map % count];
                let at = known.near(at);
                if let Shown::Owned(page, _) | Shown::Shared(page) = known.map.get(at) {
                    self.holders.push(Holder::new(page, pinned));
                }
            }
            Op::Release(holder) => {
                if !self.holders.is_empty() {
                    let holder = holder % self.holders.len();
                    self.holders.swap_remove(holder);
                }
            }
        }
        Ok(())
    }

    fn fill(&mut self, of: usize, at: u64) -> Result {
        let value = self.unique();
        let before = self.maps[of].pages.get(&at).copied();
        let owned = before.is_some() && self.owns(of, at);
        let known = &mut self.maps[of];
        match known.map.fill(at)? {
            Some((page, _)) => {
                let now = self::known(page);
                match before {
                    Some(before) => assert_eq!(now, before),
                    None => assert_eq!(now.value, 0),
                }
                assert!(before.is_none() || owned);
                probe::set_value(page, value);
                known.pages.insert(at, self::known(page));
            }
            None => assert!(!owned),
        }
        Ok(())
    }

    fn own(&mut self, of: usize, at: u64, touch: bool) -> Result {
        let value = self.unique();
        let before = self.maps[of].pages.get(&at).copied();
        let owned = before.is_some() && self.owns(of, at);
        let known = &mut self.maps[of];
        let number = match known.map.get(at) {
            Shown::Owned(page, _) | Shown::Shared(page) if probe::owner(page) == known.owner => {
                Some(probe::index(page))
            }
            _ => None,
        };
        let unmapped = core::cell::Cell::new(false);
        let (page, place) = known.map.own(at, || unmapped.set(true))?;
        let now = self::known(page);
        assert_eq!(now.value, before.map_or(0, |before| before.value));
        assert_eq!(
            before.is_some_and(|before| before.address == now.address),
            owned
        );
        // The page of zeros may be in the way.
        assert!(before.is_some() || unmapped.get());
        if let Some(number) = number {
            assert_eq!(probe::index(page), number, "a futex loses its page");
        }
        assert_eq!(
            probe::owner(page) == known.owner,
            number.is_some() || !owned
        );
        if !owned {
            known.marks.remove(&at);
        }
        if touch {
            place.touch();
            known.marks.insert(at);
        }
        probe::set_value(page, value);
        known.pages.insert(at, self::known(page));
        Ok(())
    }

    /// A snapshot, as [`Store::snapshot`] makes it.
    fn share(&mut self, of: usize, range: &Range<u64>) -> Result {
        if self.maps.len() == MAPS {
            return Ok(());
        }
        let owner = self.unique();
        let marks = &self.maps[of].marks;
        let marks: BTreeSet<u64> = marks.range(range.clone()).copied().collect();
        let held = marks.iter().filter(|at| {
            let address = self.maps[of].pages[at].address;
            self.sharers(address, **at) == 1 && self.is_held(address)
        });
        let held: Vec<u64> = held.copied().collect();

        let known = &mut self.maps[of];
        assert_eq!(known.actual_marks(range.clone()), marks);
        let mut told = Vec::new();
        let _ = known
            .map
            .each_touched(range.start, range.end, &mut |touched| {
                let untouched = touched.untouch(|at| {
                    told.push(at);
                    Ok(())
                });
                assert!(untouched.is_ok());
                ControlFlow::<()>::Continue(())
            });
        known.map.tidy_marks(range.start, range.end);
        // Leaves are visited whole.
        told.retain(|at| range.contains(at));
        assert_eq!(told, held);
        let left = known.actual_marks(0..u64::MAX);
        assert!(left.is_subset(&known.marks));
        let gone: BTreeSet<u64> = known.marks.difference(&left).copied().collect();
        assert!(
            gone.is_subset(&marks),
            "a mark outside of the range is gone"
        );
        assert!(held.iter().all(|at| left.contains(at)));
        known.marks = left;

        let map = known
            .map
            .share(range.start, range.end, probe::new_owner(owner)?)?;
        let mut child = Modelled::new(map, owner);
        child.pages = known
            .pages
            .range(range.clone())
            .map(|(at, page)| (*at, *page))
            .collect();
        for at in held {
            let (page, _) = child.map.own(at, || {})?;
            let now = self::known(page);
            let was = child.pages.insert(at, now);
            assert_eq!(was.map(|was| was.value), Some(now.value));
            assert_ne!(was, Some(now));
        }
        self.maps.push(child);
        Ok(())
    }

    /// As `zx_vmo_transfer_data` does it.
    fn transfer(&mut self, of: usize, range: &Range<u64>, into: usize, to: u64) -> Result {
        let target = to..to + (range.end - range.start);
        if of == into && range.start == to {
            return Ok(());
        }
        let result = self.own_shared(of, range);
        self.maps[of].accept_copies(range);
        result?;

        let (source_marks, marks) = (self.maps[of].marks.clone(), self.maps[into].marks.clone());
        let map = &mut self.maps[into].map;
        map.prepare(target.start, target.end)?;
        let source = &self.maps[of].map;
        let destination = &self.maps[into].map;
        let frame = destination.frame(source, range.start, range.end, to)?;
        let taken = self.maps[of].map.extract(range.start, range.end)?;
        assert_eq!(
            taken.len(),
            self.maps[of].pages.range(range.clone()).count() as u64
        );
        // Nothing can fail from here on.
        let ((), failed) = failure::after(Some(0), || {
            let frame = frame.settle(taken);
            let known = &mut self.maps[into];
            assert!(known.map.remove(target.start, target.end).is_ok());
            known.map.graft(frame);
        });
        assert!(!failed);

        let moved = self.maps[of].pages.range(range.clone());
        let moved: Vec<_> = moved
            .map(|(at, page)| (at - range.start + to, *page))
            .collect();
        self.maps[of].pages.retain(|at, _| !range.contains(at));
        self.maps[of].marks.retain(|at| !range.contains(at));
        let known = &mut self.maps[into];
        known.pages.retain(|at, _| !target.contains(at));
        known.marks.retain(|at| !target.contains(at));
        known.pages.extend(moved.iter().copied());
        // Marks may be gone with the translations, but only of what has moved.
        let now = known.actual_marks(target.clone());
        for at in &now {
            let from = at - to + range.start;
            assert!(source_marks.contains(&from) || of == into && marks.contains(&from));
        }
        known.marks.extend(now);
        for (at, _) in moved {
            match known.map.get(at) {
                Shown::Owned(page, _) | Shown::Shared(page) => {
                    assert_eq!(probe::owner(page), known.owner);
                }
                Shown::Hole => panic!("a page got lost"),
            }
        }
        Ok(())
    }

    fn own_shared(&mut self, of: usize, range: &Range<u64>) -> Result {
        let mut from = range.start;
        loop {
            let expected = self.maps[of].pages.range(from..range.end);
            let mut expected = expected.map(|(at, page)| (*at, page.address));
            let expected = expected.find(|(at, address)| self.sharers(*address, *at) > 1);
            let known = &mut self.maps[of];
            let found = known.map.next_shared(from, range.end);
            assert_eq!(found, expected.map(|(at, _)| at));
            let Some(at) = found else {
                return Ok(());
            };
            known.map.own(at, || {})?;
            from = at + 1;
        }
    }
}

fn run(steps: &[Step]) {
    let mut world = World::new();
    for step in steps {
        world.step(step);
        if cfg!(miri) {
            world.check_quickly();
        } else {
            world.check();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(2000),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn follow_the_model(steps in steps()) {
        run(&steps);
    }
}
