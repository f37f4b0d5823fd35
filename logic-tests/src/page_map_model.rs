// SPDX-License-Identifier: GPL-2.0

//! The model of page maps: what each shows and has marked, who keeps pages, and whether the real
//! ones agree. `page_map_tests` has what is done to both.

use crate::{
    page_map::{PageMap, Shown},
    sys::{
        node::NODE_SIZE,
        page::Page,
        probe::{self, Holder, Memory},
    },
};
use core::ops::{ControlFlow, Range};
use std::collections::{BTreeMap, BTreeSet};

/// What a map shows at one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    pub(crate) address: usize,
    pub(crate) value: u64,
}

pub(crate) struct Modelled {
    pub(crate) map: PageMap,
    pub(crate) owner: u64,
    pub(crate) pages: BTreeMap<u64, Known>,
    pub(crate) marks: BTreeSet<u64>,
}

/// Everything.
pub(crate) struct World {
    pub(crate) maps: Vec<Modelled>,
    pub(crate) holders: Vec<Holder>,
    next: u64,
    // After what it counts.
    memory: Memory,
}

impl Modelled {
    pub(crate) fn new(map: PageMap, owner: u64) -> Self {
        Self {
            map,
            owner,
            pages: BTreeMap::new(),
            marks: BTreeSet::new(),
        }
    }

    /// A page that is in the range, if there is one, and else the number itself.
    pub(crate) fn near(&self, at: u64) -> u64 {
        self.pages.range(at..).next().map_or(at, |(at, _)| *at)
    }

    pub(crate) fn actual_pages(&self) -> BTreeMap<u64, Known> {
        let mut pages = BTreeMap::new();
        let mut from = 0;
        while let Some((at, page)) = self.map.next(from) {
            pages.insert(at, known(page));
            from = at + 1;
        }
        pages
    }

    pub(crate) fn actual_marks(&self, range: Range<u64>) -> BTreeSet<u64> {
        let mut marks = BTreeSet::new();
        let _ = self
            .map
            .each_touched(range.start, range.end, &mut |touched| {
                marks.extend(touched.ranges().flatten());
                ControlFlow::<()>::Continue(())
            });
        marks
    }

    /// Accepts other pages in `range` in the place of those that were there, but no other content;
    /// and marks that are gone.
    pub(crate) fn accept_copies(&mut self, range: &Range<u64>) {
        let actual = self.actual_pages();
        assert!(actual.keys().eq(self.pages.keys()));
        for (at, now) in actual {
            if let Some(known) = self.pages.get_mut(&at) {
                assert_eq!(now.value, known.value);
                if range.contains(&at) {
                    if now.address != known.address {
                        self.marks.remove(&at);
                    }
                    known.address = now.address;
                }
            }
        }
    }
}

pub(crate) fn known(page: &Page) -> Known {
    Known {
        address: probe::address(page),
        value: probe::value(page),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        // First: the owner counts for it.
        let memory = Memory::new();
        let Ok(owner) = probe::new_owner(1) else {
            panic!("no memory");
        };
        Self {
            maps: vec![Modelled::new(PageMap::new(owner), 1)],
            holders: Vec::new(),
            next: 2,
            memory,
        }
    }

    pub(crate) fn unique(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn is_held(&self, address: usize) -> bool {
        self.holders
            .iter()
            .any(|holder| holder.address() == address)
    }

    pub(crate) fn sharers(&self, address: usize, at: u64) -> u64 {
        let shows = |map: &&Modelled| {
            map.pages
                .get(&at)
                .is_some_and(|page| page.address == address)
        };
        self.maps.iter().filter(shows).count() as u64
    }

    /// Whether map `of` may write to what it shows at `at`.
    pub(crate) fn owns(&self, of: usize, at: u64) -> bool {
        let map = &self.maps[of];
        let address = map.pages[&at].address;
        self.sharers(address, at) == 1 && (map.marks.contains(&at) || !self.is_held(address))
    }

    /// Everything is as the model has it.
    pub(crate) fn check(&self) {
        let mut addresses = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        let mut nodes = 0;
        for (of, known) in self.maps.iter().enumerate() {
            assert_eq!(known.actual_pages(), known.pages);
            assert_eq!(known.map.len(), known.pages.len() as u64);
            assert_eq!(known.actual_marks(0..u64::MAX), known.marks);
            for at in known.pages.keys() {
                match known.map.get(*at) {
                    Shown::Owned(..) => assert!(self.owns(of, *at)),
                    Shown::Shared(_) => assert!(!self.owns(of, *at)),
                    Shown::Hole => panic!("a hole at {at}"),
                }
                for near in [at + 1, at ^ 1 << 6, at ^ 1 << 30] {
                    let hole = matches!(known.map.get(near), Shown::Hole);
                    assert_eq!(hole, !known.pages.contains_key(&near));
                }
                if let Some((_, page)) = known.map.next(*at) {
                    let address = probe::address(page);
                    if addresses.insert(address) {
                        assert!(
                            numbers.insert(probe::index(page)),
                            "a number is given twice"
                        );
                    }
                }
            }
            self.check_tally(of);
            nodes += known.map.metadata_bytes() as usize / NODE_SIZE;
            assert!(known.pages.is_empty() || known.map.metadata_bytes() > 0);
        }
        addresses.extend(self.holders.iter().map(Holder::address));
        assert_eq!(self.memory.pages(), addresses.len());
        assert!(self.memory.nodes() <= nodes);
        if self.maps.len() == 1 {
            assert_eq!(self.memory.nodes(), nodes);
        }
    }

    /// As [`check`](Self::check), as far as it takes little time.
    pub(crate) fn check_quickly(&self) {
        let mut addresses = BTreeSet::new();
        for known in &self.maps {
            assert_eq!(known.map.len(), known.pages.len() as u64);
            for (at, page) in &known.pages {
                match known.map.get(*at) {
                    Shown::Owned(now, _) | Shown::Shared(now) => {
                        assert_eq!(self::known(now), *page)
                    }
                    Shown::Hole => panic!("a hole at {at}"),
                }
                addresses.insert(page.address);
            }
        }
        addresses.extend(self.holders.iter().map(Holder::address));
        assert_eq!(self.memory.pages(), addresses.len());
    }

    /// How many maps show each page of one.
    pub(crate) fn check_tally(&self, of: usize) {
        let known = &self.maps[of];
        let others = self
            .maps
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != of);
        let others: Vec<&PageMap> = others.map(|(_, other)| &other.map).collect();
        let mut counted = BTreeMap::new();
        let tallied = known.map.tally(&others, &mut |sharers, pages| {
            *counted.entry(sharers).or_insert(0) += pages;
        });
        assert!(tallied.is_ok());
        counted.retain(|_, pages| *pages > 0);
        let mut expected = BTreeMap::new();
        for (at, page) in &known.pages {
            *expected.entry(self.sharers(page.address, *at)).or_insert(0) += 1;
        }
        assert_eq!(counted, expected);
        if !known.pages.is_empty() && !others.is_empty() {
            assert!(probe::kill(|| known.map.tally(&others, &mut |_, _| {})).is_err());
        }
    }
}
