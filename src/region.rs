// SPDX-License-Identifier: GPL-2.0

//! `zx_vmar_op_range` (spec 17): operations on what is mapped in a range of the caller's addresses.
//!
//! The module knows no regions, only mappings: it goes through them from low to high. A mapping is
//! looked up with the mmap lock held; the operation on its VMO runs without, so the mapping may be
//! changed meanwhile. What is entered into page tables is looked up anew for that.
#![deny(unsafe_code)]

use crate::{
    mapping::{enter_committed, View},
    op_range,
    status::{Status, ZxResult},
    sys::{killed, mm::with_mapping_at, new_mapping::Permissions, uapi, PAGE_SIZE},
    vmo::Use,
};
use core::ops::Range;

/// What one mapping covers of the range.
struct Piece {
    addresses: Range<usize>,
    /// Keeps the VMO when it is unmapped meanwhile.
    vmo: Use,
    /// Bytes into the VMO.
    offset: u64,
    /// What the mapping could be given at most.
    permissions: Permissions,
}

impl Piece {
    /// The piece that `range` begins with. BAD_STATE if no VMO is mapped there.
    fn first(range: &Range<usize>) -> ZxResult<Self> {
        with_mapping_at(range.start, |mapping| {
            let mapping = mapping.ok_or(Status::BAD_STATE)?;
            let view = mapping.owner::<View>().ok_or(Status::BAD_STATE)?;
            let covered = mapping.addresses();
            let mut permissions = view.permissions();
            // What is written through a private mapping never reaches the VMO.
            permissions.write &= mapping.is_shared();
            let before = (range.start - covered.start) as u64;
            // Where a mapping goes far beyond the end of a slice, this may be beyond 2^64; what it
            // is from the start of the slice is not.
            let at = mapping
                .window()
                .0
                .wrapping_mul(PAGE_SIZE)
                .wrapping_add(before);
            Ok(Self {
                addresses: range.start..range.end.min(covered.end),
                vmo: view.vmo().try_use()?,
                offset: at.wrapping_sub(view.vmo().begin()),
                permissions,
            })
        })
    }

    fn run(&self, op: u32) -> ZxResult {
        let permitted = match op {
            uapi::ZX_VMAR_OP_COMMIT | uapi::ZX_VMAR_OP_DECOMMIT | uapi::ZX_VMAR_OP_ZERO => {
                self.permissions.write
            }
            uapi::ZX_VMAR_OP_PREFETCH => self.permissions.read,
            _ => true,
        };
        if !permitted {
            return Err(Status::ACCESS_DENIED);
        }
        let (vmo, offset) = (self.vmo.vmo()?, self.offset);
        let size = self.addresses.len() as u64;
        match op {
            uapi::ZX_VMAR_OP_COMMIT => {
                op_range::commit(vmo, offset, size)?;
                enter_committed(self.addresses.clone())
            }
            uapi::ZX_VMAR_OP_DECOMMIT => op_range::decommit(vmo, offset, size),
            uapi::ZX_VMAR_OP_MAP_RANGE => enter_committed(self.addresses.clone()),
            uapi::ZX_VMAR_OP_ZERO => op_range::zero(vmo, offset, size),
            uapi::ZX_VMAR_OP_PREFETCH => op_range::prefetch(vmo, offset, size),
            // Nothing to do for a VMO without a pager.
            _ => Ok(()),
        }
    }
}

/// Runs an operation. What was done before an error stays done. CANCELED if the caller is killed.
pub(crate) fn op_range(args: &uapi::zxvmo_region_op_range) -> ZxResult {
    match args.op {
        uapi::ZX_VMAR_OP_COMMIT
        | uapi::ZX_VMAR_OP_DECOMMIT
        | uapi::ZX_VMAR_OP_MAP_RANGE
        | uapi::ZX_VMAR_OP_ZERO
        | uapi::ZX_VMAR_OP_DONT_NEED
        | uapi::ZX_VMAR_OP_ALWAYS_NEED
        | uapi::ZX_VMAR_OP_PREFETCH => {}
        _ => return Err(Status::INVALID_ARGS),
    }
    // A size that cannot be rounded up wraps to 0.
    let size = args.size.checked_next_multiple_of(PAGE_SIZE).unwrap_or(0);
    if size == 0 || args.address % PAGE_SIZE != 0 {
        return Err(Status::INVALID_ARGS);
    }
    let end = args.address.checked_add(size).ok_or(Status::OUT_OF_RANGE)?;
    let mut range = args.address as usize..end as usize;
    while !range.is_empty() {
        if killed() {
            return Err(Status::CANCELED);
        }
        let piece = Piece::first(&range)?;
        piece.run(args.op)?;
        range.start = piece.addresses.end;
    }
    Ok(())
}
