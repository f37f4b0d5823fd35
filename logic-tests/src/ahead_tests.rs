// SPDX-License-Identifier: GPL-2.0

//! Pages that stores have ahead of who writes to them in order: only what was touched stays, and what
//! was shared with a relative is shared again.

use crate::{
    cases,
    page_map::Shown,
    store::Store,
    sys::{
        fs::Inode,
        probe::{self, Holder, Memory},
        PAGE_SIZE,
    },
};
use kernel::{failure, sync::atomic::Relaxed, sync::Arc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Of a store: two leaves and a bit.
const PAGES: u64 = 150;
const SIZE: u64 = PAGES * PAGE_SIZE;

/// Stores that there are at most.
const STORES: usize = 4;

#[derive(Clone, Debug)]
enum Op {
    /// Stores to pages in order, from one on.
    Run(usize, u64, u64),
    /// Loads from pages in order.
    Load(usize, u64, u64),
    /// A reference to a page is taken, and given back later.
    Hold(usize, u64),
    Release,
    /// Somebody asks about everything.
    Ask,
    Snapshot(usize),
    Drop(usize),
    Decommit(usize, u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<(Op, Option<u32>)>> {
    let of = 0..STORES;
    let op = prop_oneof![
        6 => (of.clone(), 0..PAGES, 1..80u64).prop_map(|(of, from, count)| Op::Run(of, from, count)),
        4 => (of.clone(), 1..PAGES).prop_map(|(of, count)| Op::Run(of, 0, count)),
        2 => (of.clone(), 0..PAGES, 1..20u64).prop_map(|(of, from, count)| Op::Load(of, from, count)),
        1 => (of.clone(), 0..PAGES).prop_map(|(of, at)| Op::Hold(of, at)),
        1 => Just(Op::Release),
        2 => Just(Op::Ask),
        3 => of.clone().prop_map(Op::Snapshot),
        1 => of.clone().prop_map(Op::Drop),
        1 => (of, 0..PAGES, 1..80u64).prop_map(|(of, from, count)| Op::Decommit(of, from, count)),
    ];
    let failing = prop_oneof![4 => Just(None), 1 => (0..80u32).prop_map(Some)];
    proptest::collection::vec((op, failing), 1..if cfg!(miri) { 8 } else { 40 })
}

/// A page as a program knows it.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Stores that show the same memory have the same one.
    memory: u64,
    byte: u8,
    /// What a futex in it is known by, since the store wrote to a page that was made for it.
    number: Option<u64>,
}

struct Member {
    store: Arc<Store>,
    tables: Inode,
    known: BTreeMap<u64, Known>,
}

impl Member {
    fn new(store: Arc<Store>, known: BTreeMap<u64, Known>) -> Self {
        let tables = Inode::default();
        store.set_inode(tables.clone());
        store.read_lock().mapped.store(true, Relaxed);
        Self {
            store,
            tables,
            known,
        }
    }

    /// As `fault.rs` has it, with a window of which the page table says nothing.
    fn fault(&self, at: u64) -> bool {
        let ahead = {
            let content = self.store.read_lock();
            !content.ahead.has(at)
                && !matches!(content.get(at), Shown::Owned(..))
                && content.ahead.note(at)
        };
        let mut content = if ahead {
            let mut content = self.store.write_lock_unsettled();
            content.end_window(at, |_| 0);
            content
        } else {
            self.store.write_lock()
        };
        let Ok((page, place)) = content.own(at) else {
            return false;
        };
        place.touch();
        self.tables.enter(at, Some(page), true);
        if let Some(window) = ahead.then(|| content.open_window(at, PAGES)).flatten() {
            assert_eq!(window.start, at + 1);
            for page in window {
                let Shown::Owned(shown, place) = content.get(page) else {
                    panic!("a window is owned");
                };
                place.touch();
                assert!(self.tables.with_entry(page, |entry| entry.is_none()));
                self.tables.enter(page, Some(shown), true);
            }
        }
        true
    }

    /// A program's write. Returns whether there was memory.
    fn write(&mut self, at: u64, byte: u8, memory: u64) -> bool {
        let there = |tables: &Inode| {
            tables.with_entry(at, |entry| entry.is_some_and(|entry| entry.writable))
        };
        if !there(&self.tables) && !self.fault(at) {
            return false;
        }
        let content = self.store.read_lock();
        let Shown::Owned(page, _) = content.get(at) else {
            panic!("what is written to is owned");
        };
        self.tables.with_entry(at, |entry| {
            let shown = entry.and_then(|entry| entry.page.as_ref());
            let Some(shown) = shown.filter(|shown| shown.address() == probe::address(page)) else {
                panic!("another page is mapped");
            };
            shown.store(0, byte);
        });
        probe::use_page(page);
        let before = self.known.get(&at).and_then(|known| known.number);
        // What was made for a relative that has gone does not hand its number on.
        let own = probe::owner(page) == self.store.id();
        let number = before.or(own.then(|| probe::index(page)));
        let known = Known {
            memory,
            byte,
            number,
        };
        self.known.insert(at, known);
        true
    }

    /// A program's read.
    fn read(&self, at: u64) {
        let expected = self.known.get(&at).map_or(0, |known| known.byte);
        if self.tables.with_entry(at, |entry| entry.is_none()) {
            let mut content = self.store.read_lock();
            if content.ahead.has(at) {
                drop(content);
                content = self.store.write_lock().downgrade();
            }
            match content.get(at) {
                Shown::Hole => return assert!(!self.known.contains_key(&at)),
                Shown::Shared(page) => self.tables.enter(at, Some(page), false),
                Shown::Owned(page, place) => {
                    place.touch();
                    self.tables.enter(at, Some(page), true);
                }
            }
        }
        self.tables.with_entry(at, |entry| {
            if let Some(page) = entry.and_then(|entry| entry.page.as_ref()) {
                assert_eq!(page.load(0), expected, "page {at}");
            }
        });
    }
}

struct World {
    members: Vec<Member>,
    held: Vec<Holder>,
    next: u64,
    _memory: Memory,
}

impl World {
    fn new() -> Self {
        let memory = Memory::new();
        let Ok(store) = Store::new(SIZE, SIZE, false) else {
            panic!("no memory");
        };
        Self {
            members: vec![Member::new(store, BTreeMap::new())],
            held: Vec::new(),
            next: 0,
            _memory: memory,
        }
    }

    /// Memory that nobody has so far.
    fn new_memory(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn is_shared(&self, of: usize, at: u64) -> bool {
        let memory = |member: &Member| member.known.get(&at).map(|known| known.memory);
        let own = memory(&self.members[of]);
        let others = self
            .members
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != of);
        own.is_some() && others.into_iter().any(|(_, other)| memory(other) == own)
    }

    fn write(&mut self, of: usize, at: u64) {
        let memory = match self.members[of].known.get(&at) {
            Some(known) if !self.is_shared(of, at) => known.memory,
            _ => self.new_memory(),
        };
        let byte = self.next as u8 ^ at as u8 | 1;
        self.members[of].write(at, byte, memory);
    }

    /// Somebody asks how much each store has, and what it shares.
    fn ask(&mut self) {
        for member in &self.members {
            let content = member.store.read_lock_settled();
            let pages = content.pages_in(0, PAGES).map(|(at, _)| at);
            assert!(pages.eq(member.known.keys().copied()));
            assert_eq!(content.pages().len(), member.known.len() as u64);
        }
        let mut numbers = BTreeMap::new();
        for at in 0..PAGES {
            let mut addresses = BTreeMap::new();
            for member in &self.members {
                let content = member.store.read_lock();
                let (Some(page), Some(known)) = (content.page(at), member.known.get(&at)) else {
                    continue;
                };
                let address = probe::address(page);
                assert_eq!(
                    *addresses.entry(known.memory).or_insert(address),
                    address,
                    "page {at} is not shared"
                );
                assert_eq!(
                    *numbers.entry(probe::index(page)).or_insert(address),
                    address,
                    "two pages have one number"
                );
                assert!(known
                    .number
                    .is_none_or(|number| number == probe::index(page)));
                let holder = Holder::new(page, false);
                assert_eq!(holder.load(0), known.byte, "page {at}");
            }
            let different: BTreeSet<_> = addresses.values().collect();
            assert_eq!(different.len(), addresses.len(), "page {at} is shared");
        }
    }

    fn snapshot(&mut self, of: usize) {
        if self.members.len() == STORES {
            return;
        }
        let Ok(child) = self.members[of].store.snapshot(0, SIZE, SIZE) else {
            return;
        };
        let mut known = self.members[of].known.clone();
        for (at, known) in &mut known {
            // It has written to none.
            known.number = None;
            let address = |store: &Store| store.read_lock().page(*at).map(probe::address);
            let parent = address(&self.members[of].store);
            // What somebody holds is copied at once.
            if address(&child) != parent {
                assert!(self
                    .held
                    .iter()
                    .any(|holder| Some(holder.address()) == parent));
                self.next += 1;
                known.memory = self.next;
            }
        }
        self.members.push(Member::new(child, known));
    }

    fn apply(&mut self, op: &Op) {
        let count = self.members.len();
        match *op {
            Op::Run(of, from, length) => {
                (from..PAGES.min(from + length)).for_each(|at| self.write(of % count, at))
            }
            Op::Load(of, from, length) => {
                (from..PAGES.min(from + length)).for_each(|at| self.members[of % count].read(at))
            }
            Op::Hold(of, at) => {
                let of = of % count;
                let holder = {
                    let content = self.members[of].store.read_lock();
                    let Shown::Owned(page, place) = content.get(at) else {
                        return;
                    };
                    place.touch();
                    probe::use_page(page);
                    Holder::new(page, false)
                };
                // What somebody holds is there for good, whoever touched it.
                let byte = holder.load(0);
                let known = self.members[of].known.get(&at).copied();
                assert_eq!(byte, known.map_or(0, |known| known.byte));
                let memory = match known {
                    Some(known) if !self.is_shared(of, at) => known.memory,
                    _ => self.new_memory(),
                };
                let number = known.and_then(|known| known.number);
                let known = Known {
                    memory,
                    byte,
                    number,
                };
                self.members[of].known.insert(at, known);
                self.held.push(holder);
            }
            Op::Release => drop(self.held.pop()),
            Op::Ask => self.ask(),
            Op::Snapshot(of) => self.snapshot(of % count),
            Op::Drop(of) => {
                if count > 1 {
                    let member = self.members.remove(of % count);
                    member.tables.unmap(0, PAGES);
                    member.store.retire();
                }
            }
            Op::Decommit(of, from, count_of) => {
                let to = PAGES.min(from + count_of);
                let member = &mut self.members[of % count];
                let done = member.store.decommit(from * PAGE_SIZE, to * PAGE_SIZE);
                if done.is_ok() {
                    member.known.retain(|at, _| !(from..to).contains(at));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(600)))]

    #[test]
    fn what_is_touched_is_what_stays(steps in steps()) {
        let mut world = World::new();
        for (op, failing) in &steps {
            failure::after(*failing, || world.apply(op));
        }
        world.ask();
        world.held.clear();
        for member in world.members.drain(..) {
            member.tables.unmap(0, PAGES);
            member.store.retire();
        }
    }
}
