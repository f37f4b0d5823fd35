// SPDX-License-Identifier: GPL-2.0

//! Page maps used by several threads at once: holes that are filled through one map, and maps that
//! share nodes while each belongs to a thread of its own. Miri looks for data races.

use crate::{
    page_map::{PageMap, Shown},
    sys::{
        page::Owner,
        probe::{self, Memory},
    },
};
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::{collections::BTreeMap, sync::Barrier, thread};

const THREADS: u64 = 3;
const ROUNDS: u64 = if cfg!(miri) { 3 } else { 300 };

/// Runs `body` on as many threads, as good as at once.
fn on_threads<T: Send>(memory: &Memory, each: Vec<T>, body: impl Fn(T) + Sync) {
    let barrier = Barrier::new(each.len());
    thread::scope(|scope| {
        for with in each {
            let (ledger, body, barrier) = (memory.ledger(), &body, &barrier);
            scope.spawn(move || {
                probe::use_ledger(ledger);
                barrier.wait();
                body(with);
            });
        }
    });
}

fn new_owner(id: u64) -> Owner {
    match probe::new_owner(id) {
        Ok(owner) => owner,
        Err(_) => panic!("no memory"),
    }
}

/// All threads get the same page for a number, and each page counts once.
#[test]
fn holes_are_filled_once() {
    for round in 0..ROUNDS {
        let memory = Memory::new();
        let mut map = PageMap::new(new_owner(1));
        // High enough for all numbers.
        assert!(map.own(64 * 64, || {}).is_ok());
        let numbers = [3, 70, 71, 64 * 7 + round % 64];
        let found = std::sync::Mutex::new(BTreeMap::new());
        on_threads(&memory, (0..THREADS).collect(), |thread| {
            for at in 0..numbers.len() {
                let number = numbers[(at + thread as usize) % numbers.len()];
                let Ok(Some((page, place))) = map.fill(number) else {
                    panic!("a hole was not filled");
                };
                place.touch();
                let address = probe::address(page);
                let mut found = found.lock().unwrap();
                assert_eq!(*found.entry(number).or_insert(address), address);
            }
        });
        assert_eq!(map.len(), numbers.len() as u64 + 1);
        assert_eq!(memory.pages(), numbers.len() + 1);
    }
}

/// Each thread has a map that shares everything with the others at first; what one writes and
/// removes, no other sees.
#[test]
fn maps_that_share_go_their_ways() {
    for round in 0..ROUNDS {
        let memory = Memory::new();
        let mut first = PageMap::new(new_owner(1));
        let numbers = [0, 1, 64, 64 * 64 + round % 64];
        for number in numbers {
            let Ok((page, _)) = first.own(number, || {}) else {
                panic!("no memory");
            };
            probe::set_value(page, number + 1);
        }
        let mut maps = Vec::new();
        for owner in 2..=THREADS {
            let Ok(map) = first.share(0, u64::MAX, new_owner(owner)) else {
                panic!("no memory");
            };
            maps.push((owner, map));
        }
        maps.push((1, first));
        let turns = AtomicU64::new(0);
        on_threads(&memory, maps, |(owner, mut map)| {
            turns.fetch_add(1, SeqCst);
            for number in numbers {
                let Ok((page, _)) = map.own(number, || {}) else {
                    panic!("no memory");
                };
                assert_eq!(probe::value(page), number + 1);
                probe::set_value(page, owner * 1000 + number);
            }
            let Ok(child) = map.share(0, 64, new_owner(owner + 10)) else {
                panic!("no memory");
            };
            assert!(map.remove(1, 65).is_ok());
            assert_eq!((map.len(), child.len()), (2, 2));
            drop(map);
            for number in [0, 1] {
                match child.get(number) {
                    Shown::Owned(page, _) | Shown::Shared(page) => {
                        assert_eq!(probe::value(page), owner * 1000 + number);
                    }
                    Shown::Hole => panic!("a page is gone"),
                }
            }
        });
        assert_eq!(turns.into_inner(), THREADS);
    }
}
