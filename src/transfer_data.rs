// SPDX-License-Identifier: GPL-2.0

//! `zx_vmo_transfer_data` (spec 11): pages change places, within a VMO or between two.
#![deny(unsafe_code)]

use crate::{
    content::Content,
    handle::Handle,
    rights::Rights,
    status::{Status, ZxResult},
    store::Store,
    sys::{self, file::FileRef, rwsem::WriteGuard, uapi, PAGE_SHIFT, PAGE_SIZE},
    vmo::Vmo,
};
use core::ops::Range;

/// Runs the call on the destination's handle. The checks are in the order of spec 11.
pub(crate) fn run(handle: &Handle, args: &uapi::zxvmo_transfer_data) -> ZxResult {
    let all = args.offset | args.length | args.source_offset;
    if args.options != 0 || all % PAGE_SIZE != 0 {
        return Err(Status::INVALID_ARGS);
    }
    let destination = handle.require(Rights::WRITE)?;
    let file = FileRef::of_descriptor(args.source).ok_or(Status::BAD_HANDLE)?;
    let source = file.data::<Handle>().ok_or(Status::BAD_HANDLE)?;
    let source = source.require(Rights::READ.with(Rights::WRITE))?;
    if source.koid() == destination.koid() && args.source_offset == args.offset {
        return Ok(());
    }
    let mut locked = Locked::new(destination.store(), source.store());
    // How a page is cached is its VMO's business, and the policy cannot change now.
    destination.require_cached()?;
    source.require_cached()?;
    locked.transfer(
        (destination, args.offset),
        (source, args.source_offset),
        args.length,
    )
}

/// The content of the stores of destination and source, held for writing.
struct Locked<'a> {
    destination: WriteGuard<'a, Content>,
    /// None if it is the same one.
    source: Option<WriteGuard<'a, Content>>,
}

impl<'a> Locked<'a> {
    /// Two stores are locked in the order of their ids.
    fn new(destination: &'a Store, source: &'a Store) -> Self {
        if destination.id() == source.id() {
            return Self {
                destination: destination.write_lock(),
                source: None,
            };
        }
        let (first, second) = if destination.id() < source.id() {
            (destination, source)
        } else {
            (source, destination)
        };
        let first_guard = first.write_lock();
        let second_guard = second.write_lock_second();
        if first.id() == destination.id() {
            Self {
                destination: first_guard,
                source: Some(second_guard),
            }
        } else {
            Self {
                destination: second_guard,
                source: Some(first_guard),
            }
        }
    }

    fn source(&mut self) -> &mut Content {
        match &mut self.source {
            Some(source) => source,
            None => &mut self.destination,
        }
    }

    fn transfer(
        &mut self,
        (destination, to): (&Vmo, u64),
        (source, from): (&Vmo, u64),
        length: u64,
    ) -> ZxResult {
        let from = pages_in(source, from, length)?;
        vacate(self.source(), &from)?;
        let to = pages_in(destination, to, length)?;
        if from.is_empty() {
            return Ok(());
        }
        vacate(&mut self.destination, &to)?;
        self.own_shared(&from)?;
        let from = self.source().keys(&from);
        let to = self.destination.keys(&to);

        // What needs memory comes first.
        self.destination.pages.prepare(to.start, to.end)?;
        let source = self.source.as_ref().unwrap_or(&self.destination);
        let frame = self
            .destination
            .pages
            .frame(&source.pages, from.start, from.end, to.start)?;
        let taken = self.source().pages.extract(from.start, from.end)?;
        let frame = frame.settle(taken);
        let cut = self.destination.pages.cut_large(to.start, to.end);
        self.destination.pages.remove(to.start, to.end)?;
        self.destination.pages.graft(frame);
        for start in cut.into_iter().flatten() {
            self.destination.give_back_large(start);
        }
        Ok(())
    }

    /// Copies what the source shares with relatives, so that these are unaffected.
    fn own_shared(&mut self, range: &Range<u64>) -> ZxResult {
        let source = self.source();
        let keys = source.keys(range);
        let mut from = keys.start;
        while let Some(key) = source.pages.next_shared(from, keys.end) {
            if sys::killed() {
                return Err(Status::CANCELED);
            }
            source.own(key - source.origin)?;
            from = key + 1;
        }
        Ok(())
    }
}

/// The pages of the store that `length` bytes from byte `offset` of `vmo` on are. The store is
/// locked.
fn pages_in(vmo: &Vmo, offset: u64, length: u64) -> ZxResult<Range<u64>> {
    let end = offset.checked_add(length).ok_or(Status::OUT_OF_RANGE)?;
    if vmo.window().is_some_and(|window| end > window.size) || length > 0 && end > vmo.size() {
        return Err(Status::OUT_OF_RANGE);
    }
    // The end of a VMO is a number of pages that fits.
    let first = vmo.begin().saturating_add(offset) >> PAGE_SHIFT;
    Ok(first..first + (length >> PAGE_SHIFT))
}

/// Removes the translations of `range`. BAD_STATE if a page is pinned, NOT_FOUND if the content was
/// discarded.
fn vacate(content: &mut Content, range: &Range<u64>) -> ZxResult {
    if range.is_empty() {
        return Ok(());
    }
    content.present()?;
    content.unmap_unpinned(range.start, range.end)
}
