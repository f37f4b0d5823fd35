// SPDX-License-Identifier: GPL-2.0

//! Calls on streams: `zx_stream_readv`, `_writev`, their `_at` forms and `zx_stream_seek`
//! (spec 24.1), and what read(2), write(2) and lseek(2) do with a stream's handle.
#![deny(unsafe_code)]

use crate::{
    handle::Handle,
    io::{errno, errno_of_transfer},
    rights::Rights,
    status::{Status, ZxResult},
    stream::Stream,
    sys::{
        self,
        file_ops::Origin,
        uapi,
        user::{Direction, IovIter},
    },
    vector::{Buffers, Vector},
};
use kernel::prelude::*;

/// `zx_stream_readv` and so on, by `direction`. The checks are in the order of spec 24.1.
pub(crate) fn transfer(
    handle: &Handle,
    args: &mut uapi::zxvmo_stream_transfer,
    direction: Direction,
) -> ZxResult {
    let is_at = args.flags & uapi::ZXVMO_STREAM_AT != 0;
    let options = match direction {
        Direction::Write if !is_at => uapi::ZX_STREAM_APPEND,
        _ => 0,
    };
    if args.options & !options != 0 || args.flags & !uapi::ZXVMO_STREAM_AT != 0 {
        return Err(Status::INVALID_ARGS);
    }
    if args.vector == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let stream = handle.stream_with(match direction {
        Direction::Read => Rights::READ,
        Direction::Write => Rights::WRITE,
    })?;
    let vector = Vector::read(args.vector, args.count)?;
    let mut buffers = Buffers::Vector(vector, direction);
    args.actual = match (direction, is_at) {
        (Direction::Read, true) => stream.read_at(args.offset, &mut buffers),
        (Direction::Read, false) => stream.read(&mut buffers),
        (Direction::Write, true) => stream.write_at(args.offset, &mut buffers),
        (Direction::Write, false) => stream.write(args.options != 0, &mut buffers),
    }?;
    Ok(())
}

/// `zx_stream_seek`.
pub(crate) fn seek(handle: &Handle, args: &mut uapi::zxvmo_stream_seek) -> ZxResult {
    let stream = seekable(handle)?;
    let origin = match args.origin {
        uapi::ZX_STREAM_SEEK_ORIGIN_START => Origin::Start,
        uapi::ZX_STREAM_SEEK_ORIGIN_CURRENT => Origin::Current,
        uapi::ZX_STREAM_SEEK_ORIGIN_END => Origin::End,
        _ => return Err(Status::INVALID_ARGS),
    };
    args.position = stream.seek(origin, args.offset, u64::MAX)?;
    Ok(())
}

/// The stream, if the handle can read or write it.
fn seekable(handle: &Handle) -> ZxResult<&Stream> {
    handle
        .stream_with(Rights::READ)
        .or_else(|_| handle.stream_with(Rights::WRITE))
}

/// read(2) and its like.
pub(crate) fn read(handle: &Handle, to: &mut IovIter<'_>) -> Result<usize> {
    let stream = handle.stream_with(Rights::READ)?;
    let moved = stream.read(&mut Buffers::File(to));
    Ok(moved.map_err(|status| errno_of_transfer(stream.vmo(), status))? as usize)
}

/// write(2) and its like, at the end if `append` is set: short at the end of the VMO, EFBIG beyond
/// it.
pub(crate) fn write(handle: &Handle, append: bool, from: &mut IovIter<'_>) -> Result<usize> {
    let stream = handle.stream_with(Rights::WRITE)?;
    match stream.write(append, &mut Buffers::File(from)) {
        Err(status) if status == Status::OUT_OF_RANGE => Err(EFBIG),
        moved => Ok(moved.map_err(|status| errno_of_transfer(stream.vmo(), status))? as usize),
    }
}

/// lseek(2). EOVERFLOW for a position that it cannot return.
pub(crate) fn llseek(handle: &Handle, origin: Origin, offset: i64) -> Result<i64> {
    let stream = seekable(handle)?;
    match stream.seek(origin, offset, i64::MAX as u64) {
        Err(status) if status == Status::OUT_OF_RANGE => Err(sys::error(sys::errno::EOVERFLOW)),
        position => Ok(position.map_err(errno)? as i64),
    }
}
