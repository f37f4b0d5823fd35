// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of the logic. They are part of the module where KUnit is part of the kernel, and run
//! when it is inserted.
//!
//! They are the short form of what `logic-tests/` does on the host, where they run as well: here
//! the atomics, the memory and the pages are the kernel's.

use crate::{
    content::Span,
    page_map::{PageMap, Shown},
    rights::Rights,
    status::Status,
    sys::{limit::Charge, page::Owner, uapi, PAGE_SIZE},
};
use kernel::prelude::*;

fn new_owner(id: u64) -> Result<Owner> {
    Ok(Owner::new(id, Charge::take()?))
}

/// Whether the two maps show one and the same page at `index`.
fn show_one_page(left: &PageMap, right: &PageMap, index: u64) -> bool {
    match (left.get(index), right.get(index)) {
        (Shown::Shared(left), Shown::Shared(right)) => core::ptr::eq(left, right),
        _ => false,
    }
}

fn is_owned(map: &PageMap, index: u64) -> bool {
    matches!(map.get(index), Shown::Owned(..))
}

fn is_hole(map: &PageMap, index: u64) -> bool {
    matches!(map.get(index), Shown::Hole)
}

/// How many pages of `map` are shown by how many maps: by it alone, and by two.
fn tally(map: &PageMap, other: &PageMap) -> Result<(u64, u64)> {
    let (mut alone, mut both) = (0, 0);
    map.tally(&[other], &mut |sharers, pages| match sharers {
        1 => alone += pages,
        _ => both += pages,
    })?;
    Ok((alone, both))
}

// The attribute makes functions that were written before the lint.
#[cfg_attr(zxvmo, kunit_tests(zxvmo))]
#[allow(unsafe_op_in_unsafe_fn)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_narrowed() {
        let rights = Rights::READ.with(Rights::MAP);
        assert!(rights.narrow(uapi::ZX_RIGHT_SAME_RIGHTS) == Ok(rights));
        assert!(rights.narrow(Rights::READ.raw()) == Ok(Rights::READ));
        assert!(rights.narrow(Rights::WRITE.raw()) == Err(Status::INVALID_ARGS));
        assert!(rights.require(Rights::WRITE) == Err(Status::ACCESS_DENIED));
    }

    #[test]
    fn errors_are_statuses() {
        assert!(Status::from(EINTR) == Status::CANCELED);
        assert!(Status::from(EFAULT) == Status::INVALID_ARGS);
        assert!(Status::from(EINVAL) == Status::NO_MEMORY);
    }

    #[test]
    fn spans_end_with_their_page() {
        let span = Span::first(2 * PAGE_SIZE - 1, PAGE_SIZE);
        assert!((span.index, span.length) == (1, 1));
        let span = Span::first(u64::MAX, 1);
        assert!((span.index, span.length) == (u64::MAX / PAGE_SIZE, 1));
    }

    #[test]
    fn pages_are_copied_on_write() -> Result {
        let mut map = PageMap::new(new_owner(1)?);
        for index in [3, 64, 1 << 30] {
            map.own(index, || {})?;
            assert!(is_owned(&map, index));
        }
        assert!(map.len() == 3);
        let mut snapshot = map.share(0, 1 << 20, new_owner(2)?)?;
        assert!(snapshot.len() == 2);
        assert!(show_one_page(&map, &snapshot, 3));
        assert!(is_hole(&snapshot, 1 << 30));
        assert!(tally(&map, &snapshot)? == (1, 2));

        snapshot.own(3, || {})?;
        assert!(is_owned(&map, 3) && is_owned(&snapshot, 3));
        assert!(show_one_page(&map, &snapshot, 64));
        map.remove(0, 100)?;
        assert!(is_owned(&snapshot, 64));
        assert!(map.len() == 1 && snapshot.len() == 2);
        Ok(())
    }

    #[test]
    fn pages_change_places() -> Result {
        let (mut map, mut other) = (PageMap::new(new_owner(1)?), PageMap::new(new_owner(2)?));
        for index in 60..70 {
            map.own(index, || {})?;
        }
        other.prepare(1000, 1008)?;
        let frame = other.frame(&map, 61, 69, 1000)?;
        let frame = frame.settle(map.extract(61, 69)?);
        other.remove(1000, 1008)?;
        other.graft(frame);
        assert!(map.len() == 2 && other.len() == 8);
        assert!(is_owned(&map, 60) && is_hole(&map, 61));
        assert!(is_owned(&other, 1000) && is_owned(&other, 1007));
        assert!(is_hole(&other, 999) && is_hole(&other, 1008));
        Ok(())
    }
}
