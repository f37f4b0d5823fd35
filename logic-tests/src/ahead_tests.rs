// SPDX-License-Identifier: GPL-2.0

//! Pages that a store has ahead of who writes to it in order: only what was touched stays.

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
use std::collections::BTreeSet;

/// Of a store: two leaves and a bit.
const PAGES: u64 = 150;

#[derive(Clone, Debug)]
enum Op {
    /// Pages in order, from one on.
    Run(u64, u64),
    /// A reference to a page is taken, and given back later.
    Hold(u64),
    Release,
    /// Somebody asks.
    Ask,
    Snapshot,
    Decommit(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<(Op, Option<u32>)>> {
    let op = prop_oneof![
        6 => (0..PAGES, 1..80u64).prop_map(|(from, count)| Op::Run(from, count)),
        2 => Just(Op::Run(0, 40)),
        1 => (0..PAGES).prop_map(Op::Hold),
        1 => Just(Op::Release),
        2 => Just(Op::Ask),
        1 => Just(Op::Snapshot),
        1 => (0..PAGES, 1..80u64).prop_map(|(from, count)| Op::Decommit(from, count)),
    ];
    let failing = prop_oneof![4 => Just(None), 1 => (0..6u32).prop_map(Some)];
    proptest::collection::vec((op, failing), 1..if cfg!(miri) { 8 } else { 30 })
}

struct World {
    store: Arc<Store>,
    tables: Inode,
    /// Which pages the program has touched.
    touched: BTreeSet<u64>,
    held: Vec<(u64, Holder)>,
    children: Vec<Arc<Store>>,
    _memory: Memory,
}

impl World {
    fn new() -> Self {
        let memory = Memory::new();
        let size = PAGES * PAGE_SIZE;
        let Ok(store) = Store::new(size, size, false) else {
            panic!("no memory");
        };
        let tables = Inode::default();
        store.set_inode(tables.clone());
        store.read_lock().mapped.store(true, Relaxed);
        Self {
            store,
            tables,
            touched: BTreeSet::new(),
            held: Vec::new(),
            children: Vec::new(),
            _memory: memory,
        }
    }

    /// As `fault.rs` has it, with a window of which the page table says nothing.
    fn fault(&self, at: u64) -> bool {
        let ahead = {
            let content = self.store.read_lock();
            matches!(content.get(at), Shown::Hole) && content.ahead.note(at)
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
                self.tables.enter(page, Some(shown), true);
            }
        }
        true
    }

    fn touch(&mut self, at: u64) {
        let there = |tables: &Inode| {
            tables.with_entry(at, |entry| entry.is_some_and(|entry| entry.writable))
        };
        if !there(&self.tables) && !self.fault(at) {
            return;
        }
        let content = self.store.read_lock();
        let Shown::Owned(page, _) = content.get(at) else {
            panic!("what is written to is owned");
        };
        probe::use_page(page);
        self.touched.insert(at);
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Run(from, count) => (from..PAGES.min(from + count)).for_each(|at| self.touch(at)),
            Op::Hold(at) => {
                let content = self.store.read_lock();
                // What somebody holds is there for good, whoever touched it.
                if let Shown::Owned(page, _) = content.get(at) {
                    self.held.push((at, Holder::new(page, false)));
                    self.touched.insert(at);
                    probe::use_page(page);
                }
            }
            Op::Release => drop(self.held.pop()),
            Op::Ask => {
                let pages = self.store.read_lock_settled().pages().len();
                assert_eq!(pages, self.touched.len() as u64);
            }
            Op::Snapshot => {
                let size = PAGES * PAGE_SIZE;
                if let Ok(child) = self.store.snapshot(0, size, size) {
                    assert_eq!(child.read_lock().pages().len(), self.touched.len() as u64);
                    self.children.push(child);
                }
            }
            Op::Decommit(from, count) => {
                let to = PAGES.min(from + count);
                if self
                    .store
                    .decommit(from * PAGE_SIZE, to * PAGE_SIZE)
                    .is_ok()
                {
                    self.touched.retain(|at| !(from..to).contains(at));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(300)))]

    #[test]
    fn what_is_touched_is_what_stays(steps in steps()) {
        let mut world = World::new();
        for (op, failing) in &steps {
            failure::after(*failing, || world.apply(op));
        }
        world.apply(&Op::Ask);
        world.held.clear();
        world.tables.unmap(0, PAGES);
        for store in world.children.drain(..).chain([world.store.clone()]) {
            store.retire();
        }
    }
}
