// SPDX-License-Identifier: MIT OR Apache-2.0
//! Choice of an address for a mapping that has wishes beyond what mmap() knows:
//! an alignment, or an upper limit; or in a region.

use std::ops::Range;

use rustix::rand::{getrandom, GetRandomFlags};
use zxvmo::Status;

use crate::maps::{self, Area};

/// A free address in `range` for `len` bytes, a multiple of `align`, chosen at
/// random; NO_RESOURCES if there is none. Another thread may be faster in
/// using it.
///
/// `range` and `len` are multiples of the page size, `len` is not 0, `align`
/// is a power of two and at least a page.
pub(crate) fn choose(range: Range<usize>, len: usize, align: usize) -> Result<usize, Status> {
    let areas = maps::areas_with_stack(range.clone())?;
    choose_from(gaps(&areas, range), len, align)
}

/// As [`choose`], in one of `gaps`.
pub(crate) fn choose_from(
    gaps: impl IntoIterator<Item = Range<usize>>,
    len: usize,
    align: usize,
) -> Result<usize, Status> {
    let gaps: Vec<Places> = gaps
        .into_iter()
        .filter_map(|gap| Places::new(gap, len, align))
        .collect();
    let total: u64 = gaps.iter().map(|places| places.count).sum();
    // No places, no remainder.
    let mut pick = random()?.checked_rem(total).ok_or(Status::NO_RESOURCES)?;
    for places in gaps {
        if pick < places.count {
            return Ok(places.first + pick as usize * align);
        }
        pick -= places.count;
    }
    Err(Status::INTERNAL)
}

/// What is free between the areas, but for what the stack may grow into.
fn gaps(areas: &[Area], range: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let starts = std::iter::once(range.start).chain(areas.iter().map(|area| area.range.end));
    let ends = areas
        .iter()
        .map(|area| (area.range.start, area.is_stack))
        .chain(std::iter::once((range.end, false)));
    starts
        .zip(ends)
        .filter(|(start, (end, below_stack))| start < end && !below_stack)
        .map(|(start, (end, _))| start..end)
}

/// The places in a gap where something fits.
struct Places {
    first: usize,
    count: u64,
}

impl Places {
    fn new(gap: Range<usize>, len: usize, align: usize) -> Option<Self> {
        let first = gap.start.checked_next_multiple_of(align)?;
        let last = gap.end.checked_sub(len)?;
        let room = last.checked_sub(first)?;
        let count = (room / align) as u64 + 1;
        Some(Self { first, count })
    }
}

fn random() -> Result<u64, Status> {
    let mut bytes = [0; 8];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(8) => Ok(u64::from_ne_bytes(bytes)),
        _ => Err(Status::INTERNAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(range: Range<usize>, is_stack: bool) -> Area {
        Area {
            range,
            perms: 0,
            max: None,
            is_stack,
            is_reserved: false,
        }
    }

    #[test]
    fn gaps_lie_between_areas() {
        let areas = [
            area(0x1000..0x3000, false),
            area(0x3000..0x4000, false),
            area(0x8000..0x9000, false),
            area(0xC000..0xD000, true),
        ];
        let found: Vec<_> = gaps(&areas, 0x2000..0x10000).collect();
        assert_eq!(found, [0x4000..0x8000, 0xD000..0x10000]);
        assert!(gaps(&[], 0x2000..0x4000).eq(std::iter::once(0x2000..0x4000)));
    }

    #[test]
    fn places_are_aligned_and_fit() {
        let places = Places::new(0x1000..0x9000, 0x2000, 0x2000).unwrap();
        assert_eq!((places.first, places.count), (0x2000, 3));
        assert!(Places::new(0x1000..0x3000, 0x2000, 0x2000).is_none());
        assert!(Places::new(0x1000..0x2000, 0x2000, 0x1000).is_none());
        assert_eq!(
            Places::new(0x1000..0x3000, 0x2000, 0x1000).unwrap().count,
            1
        );
    }

    #[test]
    fn a_choice_is_free() {
        let limit = 1 << 46;
        for align in [1 << 12, 1 << 21, 1 << 32] {
            let address = choose(0x10000..limit, 1 << 24, align).unwrap();
            assert_eq!(address % align, 0);
            assert!(address + (1 << 24) <= limit);
            assert!(maps::areas(address..address + (1 << 24))
                .unwrap()
                .is_empty());
        }
        let too_much = choose(0x10000..limit, limit, 4096);
        assert_eq!(too_much, Err(Status::NO_RESOURCES));
    }
}
