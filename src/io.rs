// SPDX-License-Identifier: GPL-2.0

//! Moving bytes of a VMO: `zx_vmo_read` and `zx_vmo_write` (spec 4), and what read(2), write(2) and
//! ftruncate(2) do with a handle.
//!
//! The file view of a VMO ends at its size, not at its stream size: what can be mapped can be
//! read.
#![deny(unsafe_code)]

use crate::{
    handle::Handle,
    rights::Rights,
    status::{Status, ZxResult},
    sys::{
        uapi,
        user::{with_user_buffer, Direction, IovIter},
    },
    vector::MAX_PIECE,
    vmo::Vmo,
};
use kernel::prelude::*;

/// `zx_vmo_read` or `zx_vmo_write`, by `direction`. The checks are in the order of spec 4.2.
pub(crate) fn transfer(
    handle: &Handle,
    args: &uapi::zxvmo_transfer,
    direction: Direction,
) -> ZxResult {
    let vmo = handle.require(match direction {
        Direction::Read => Rights::READ,
        Direction::Write => Rights::WRITE,
    })?;
    let end = args
        .offset
        .checked_add(args.length)
        .ok_or(Status::OUT_OF_RANGE)?;
    vmo.require_cached()?;
    if end > vmo.size() {
        return Err(Status::OUT_OF_RANGE);
    }
    let mut done = 0;
    while done < args.length {
        let address = args.buffer.checked_add(done).ok_or(Status::NOT_FOUND)? as usize;
        let length = (args.length - done).min(MAX_PIECE);
        let (moved, result) = with_user_buffer(address, length as usize, direction, |buffer| {
            move_bytes(vmo, args.offset + done, buffer, direction)
        })
        .map_err(|_| Status::NOT_FOUND)?;
        result?;
        done += moved;
    }
    Ok(())
}

fn move_bytes(
    vmo: &Vmo,
    offset: u64,
    buffer: &mut IovIter<'_>,
    direction: Direction,
) -> (u64, ZxResult) {
    let Some(at) = vmo.begin().checked_add(offset) else {
        return (0, Err(Status::OUT_OF_RANGE));
    };
    match direction {
        Direction::Read => vmo.store().read(at, &vmo.reach(), buffer),
        Direction::Write => vmo.store().write(at, &vmo.reach(), buffer),
    }
}

/// read(2) and its like: short at the end, EBUSY if the VMO is not cached.
pub(crate) fn read(handle: &Handle, position: u64, to: &mut IovIter<'_>) -> Result<usize> {
    let vmo = handle.require(Rights::READ)?;
    vmo.require_cached()?;
    finish(vmo, move_bytes(vmo, position, to, Direction::Read), Ok(0))
}

/// write(2) and its like: short at the end, EFBIG beyond it, EBUSY if the VMO is not cached.
pub(crate) fn write(handle: &Handle, position: u64, from: &mut IovIter<'_>) -> Result<usize> {
    let vmo = handle.require(Rights::WRITE)?;
    vmo.require_cached()?;
    finish(
        vmo,
        move_bytes(vmo, position, from, Direction::Write),
        Err(EFBIG),
    )
}

fn finish(vmo: &Vmo, (moved, result): (u64, ZxResult), at_end: Result<usize>) -> Result<usize> {
    match result {
        _ if moved > 0 => Ok(moved as usize),
        Ok(()) => Ok(0),
        Err(status) if status == Status::OUT_OF_RANGE => at_end,
        Err(status) => Err(errno_of_transfer(vmo, status)),
    }
}

/// As [`errno`], but EIO if the content of `vmo` was discarded.
pub(crate) fn errno_of_transfer(vmo: &Vmo, status: Status) -> Error {
    match vmo.store().read_lock().present() {
        Ok(()) => errno(status),
        Err(_) => EIO,
    }
}

/// The errno of a transfer that moved nothing: buffers have one of their own in read(2).
pub(crate) fn errno(status: Status) -> Error {
    if status == Status::NOT_FOUND || status == Status::ACCESS_DENIED {
        EFAULT
    } else if status == Status::CANCELED {
        EINTR
    } else {
        status.into()
    }
}

/// ftruncate(2): `zx_vmo_set_size`, with an errno that ftruncate(2) knows.
pub(crate) fn truncate(handle: &Handle, size: u64) -> Result {
    let (vmo, rights) = handle.get()?;
    vmo.set_size(rights, size).map_err(|status| match status {
        Status::UNAVAILABLE | Status::ACCESS_DENIED => EPERM,
        Status::OUT_OF_RANGE => EFBIG,
        status => status.into(),
    })
}
