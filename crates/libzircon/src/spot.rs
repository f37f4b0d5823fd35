// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where in a region something goes: the rules that `zx_vmar_map` and
//! `zx_vmar_allocate` have in common (spec section 13.3, steps 14 to 18).

use std::ops::Range;

use zxvmo::{abi, Status};

use crate::maps::{self, Area};
use crate::place;
use crate::region::{Bounds, Regions, ROOT};
use crate::vmar::{is_aligned, PAGE};

pub(crate) const FIXED: u32 = abi::ZX_VM_SPECIFIC | abi::ZX_VM_SPECIFIC_OVERWRITE;
pub(crate) const ALIGN_MASK: u32 = !0 << abi::ZX_VM_ALIGN_BASE;

/// Log2 of the alignment in the options, if it is a valid one.
pub(crate) fn align(options: u32) -> Option<u32> {
    let align = options >> abi::ZX_VM_ALIGN_BASE;
    let least = abi::ZX_VM_ALIGN_1KB >> abi::ZX_VM_ALIGN_BASE;
    let most = abi::ZX_VM_ALIGN_4GB >> abi::ZX_VM_ALIGN_BASE;
    (least..=most).contains(&align).then_some(align)
}

/// What is asked for.
pub(crate) struct Wish {
    /// Those that say where: the others are not looked at.
    pub(crate) options: u32,
    /// From the start of the region.
    pub(crate) offset: usize,
    /// A multiple of the page size, not 0.
    pub(crate) len: usize,
}

/// What a wish allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// There and nowhere else.
    Fixed(Range<usize>),
    /// Anywhere in the range.
    Within(Range<usize>),
}

impl Wish {
    fn has(&self, option: u32) -> bool {
        self.options & option != 0
    }

    /// Bytes that the place must be a multiple of.
    pub(crate) fn align(&self) -> usize {
        align(self.options).map_or(PAGE, |align| PAGE.max(1 << align))
    }

    /// Steps 14 to 16.
    pub(crate) fn spot(&self, bounds: &Bounds) -> Result<Spot, Status> {
        let is_fixed = self.has(FIXED);
        let is_limit = self.has(abi::ZX_VM_OFFSET_IS_UPPER_LIMIT);
        if is_fixed && is_limit
            || !is_fixed && !is_limit && self.offset != 0
            || !is_aligned(self.offset)
        {
            return Err(Status::INVALID_ARGS);
        }
        if (is_fixed || is_limit) && !bounds.can_choose {
            return Err(Status::ACCESS_DENIED);
        }
        let (start, size) = (bounds.range.start, bounds.range.len());
        let room = match (is_fixed, is_limit) {
            (true, _) => size.checked_sub(self.offset),
            (_, true) => (self.offset <= size).then_some(self.offset),
            _ => Some(size),
        };
        let room = room
            .filter(|&room| self.len <= room)
            .ok_or(Status::INVALID_ARGS)?;
        if !is_fixed {
            return Ok(Spot::Within(start..start + room));
        }
        let at = start + self.offset;
        if at % self.align() != 0 {
            return Err(Status::INVALID_ARGS);
        }
        Ok(Spot::Fixed(at..at + self.len))
    }

    /// Steps 14 to 18 in a region other than the root: the address.
    pub(crate) fn settle(&self, regions: &Regions, region: u32) -> Result<usize, Status> {
        debug_assert_ne!(region, ROOT);
        match self.spot(regions.bounds(region)?)? {
            Spot::Fixed(range) if self.has(abi::ZX_VM_SPECIFIC_OVERWRITE) => {
                if regions.children(region, &range).next().is_some() {
                    return Err(Status::INVALID_ARGS);
                }
                Ok(range.start)
            }
            Spot::Fixed(range) => {
                if vacant(regions, region, &range)?.as_slice() != [range.clone()] {
                    return Err(Status::ALREADY_EXISTS);
                }
                Ok(range.start)
            }
            Spot::Within(range) => {
                let gaps = vacant(regions, region, &range)?;
                place::choose_from(gaps, self.len, self.align())
            }
        }
    }
}

/// What is neither mapped nor in another region of the part `range` of a
/// region, from low to high.
fn vacant(
    regions: &Regions,
    region: u32,
    range: &Range<usize>,
) -> Result<Vec<Range<usize>>, Status> {
    let areas = maps::areas(range.clone())?;
    let taken = regions.children(region, range).map(|(_, child)| child);
    Ok(gaps(&areas, taken, range))
}

/// The parts of the reserved areas in `range` that `taken` leaves.
fn gaps<'a>(
    areas: &[Area],
    taken: impl Iterator<Item = &'a Range<usize>>,
    range: &Range<usize>,
) -> Vec<Range<usize>> {
    let mut gaps: Vec<Range<usize>> = Vec::new();
    for area in areas.iter().filter(|area| area.is_reserved) {
        let part = area.range.start.max(range.start)..area.range.end.min(range.end);
        match gaps.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => gaps.push(part),
        }
    }
    for inner in taken {
        let mut rest = Vec::with_capacity(gaps.len() + 1);
        for gap in gaps {
            rest.push(gap.start..gap.end.min(inner.start));
            rest.push(gap.start.max(inner.end)..gap.end);
        }
        rest.retain(|gap| !gap.is_empty());
        gaps = rest;
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmar::PERMS;

    fn wish(options: u32, offset: usize, len: usize) -> Wish {
        Wish {
            options,
            offset,
            len,
        }
    }

    #[test]
    fn wishes_are_checked_in_order() {
        let mut bounds = Bounds {
            range: 0x10000..0x20000,
            perms: PERMS,
            can_choose: true,
        };
        let limit = abi::ZX_VM_OFFSET_IS_UPPER_LIMIT;
        let fixed = abi::ZX_VM_SPECIFIC;
        let spot = |bounds: &Bounds, options, offset, len| wish(options, offset, len).spot(bounds);
        let all = Ok(Spot::Within(bounds.range.clone()));
        assert_eq!(spot(&bounds, 0, 0, 0x10000), all);
        assert_eq!(spot(&bounds, 0, 0, 0x11000), Err(Status::INVALID_ARGS));
        assert_eq!(spot(&bounds, 0, 0x1000, 0x1000), Err(Status::INVALID_ARGS));
        let low = Ok(Spot::Within(0x10000..0x12000));
        assert_eq!(spot(&bounds, limit, 0x2000, 0x2000), low);
        assert_eq!(
            spot(&bounds, limit, 0x1000, 0x2000),
            Err(Status::INVALID_ARGS)
        );
        let there = Ok(Spot::Fixed(0x1F000..0x20000));
        assert_eq!(spot(&bounds, fixed, 0xF000, 0x1000), there);
        assert_eq!(
            spot(&bounds, fixed, 0xF000, 0x2000),
            Err(Status::INVALID_ARGS)
        );
        let aligned = fixed | abi::ZX_VM_ALIGN_8KB;
        assert_eq!(
            spot(&bounds, aligned, 0xF000, 0x1000),
            Err(Status::INVALID_ARGS)
        );
        bounds.can_choose = false;
        assert_eq!(
            spot(&bounds, fixed, 0xF000, 0x2000),
            Err(Status::ACCESS_DENIED)
        );
        assert_eq!(spot(&bounds, fixed, 1, 0x1000), Err(Status::INVALID_ARGS));
    }

    #[test]
    fn gaps_leave_out_mappings_and_regions() {
        let area = |range: Range<usize>, is_reserved| Area {
            range,
            perms: 0,
            max: None,
            is_stack: false,
            is_reserved,
        };
        let areas = [
            area(0x1000..0x3000, true),
            area(0x3000..0x6000, true),
            area(0x6000..0x7000, false),
            area(0x7000..0x9000, true),
        ];
        let none = std::iter::empty();
        assert_eq!(
            gaps(&areas, none, &(0x2000..0x8000)),
            [0x2000..0x6000, 0x7000..0x8000]
        );
        let taken = [0x3000..0x4000, 0x7000..0x9000];
        assert_eq!(
            gaps(&areas, taken.iter(), &(0x1000..0x9000)),
            [0x1000..0x3000, 0x4000..0x6000]
        );
    }
}
