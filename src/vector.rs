// SPDX-License-Identifier: GPL-2.0

//! The buffers of a stream call: a vector of them in user memory (spec 24.1), or what read(2) and
//! write(2) come with.
//!
//! A vector is read once, before anything is moved, because another thread may change it, and a
//! read may overwrite it. Not by import_iovec(): capacities may be any number here, and a bad
//! address is none of the vector's business before its turn comes.
#![deny(unsafe_code)]

use crate::{
    status::{Status, ZxResult},
    sys::{
        self, uapi,
        user::{read_values, with_user_buffer, Direction, IovIter},
        PAGE_SIZE,
    },
};
use kernel::{alloc::flags::__GFP_NOWARN, prelude::*};

/// Buffers of a vector that are kept, not counting empty ones: what goes beyond is not moved, as
/// if the transfer were short. 16 MiB.
const MAX_BUFFERS: usize = 1 << 20;

/// Buffers read at a time.
const CHUNK: usize = 32;

const NOTHING: uapi::zxvmo_iovec = uapi::zxvmo_iovec {
    buffer: 0,
    capacity: 0,
};

/// Bytes that one iterator takes at most; the kernel cuts longer ones.
pub(crate) const MAX_PIECE: u64 = 1 << 30;

/// A part of user memory.
struct Buffer {
    address: u64,
    capacity: u64,
}

/// A vector, as it was when it was read.
pub(crate) struct Vector {
    /// Without those that are empty.
    buffers: KVVec<Buffer>,
    /// The sum of all capacities.
    total: u64,
}

impl Vector {
    /// Reads `count` buffers from user address `address`. INVALID_ARGS if they cannot be read or
    /// the sum of their capacities wraps 64 bits.
    pub(crate) fn read(address: u64, count: u64) -> ZxResult<Self> {
        let mut vector = Self {
            buffers: KVVec::new(),
            total: 0,
        };
        let mut chunk = [NOTHING; CHUNK];
        let (mut at, mut left) = (address, count);
        while left > 0 {
            if sys::killed() {
                return Err(Status::CANCELED);
            }
            let length = left.min(CHUNK as u64) as usize;
            let buffers = &mut chunk[..length];
            read_values(at as usize, buffers)?;
            for buffer in buffers {
                vector.add(buffer.buffer, buffer.capacity)?;
            }
            left -= length as u64;
            let size = size_of::<uapi::zxvmo_iovec>() * length;
            at = at.checked_add(size as u64).ok_or(Status::INVALID_ARGS)?;
        }
        Ok(vector)
    }

    fn add(&mut self, address: u64, capacity: u64) -> ZxResult {
        let total = self.total.checked_add(capacity);
        self.total = total.ok_or(Status::INVALID_ARGS)?;
        if capacity > 0 && self.buffers.len() < MAX_BUFFERS {
            let buffer = Buffer { address, capacity };
            self.buffers
                .push(buffer, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        }
        Ok(())
    }
}

/// The buffers of one call.
pub(crate) enum Buffers<'a, 'b> {
    /// A vector.
    Vector(Vector, Direction),
    /// Those of a system call of Linux.
    File(&'a mut IovIter<'b>),
}

impl Buffers<'_, '_> {
    /// Bytes that they have room for.
    pub(crate) fn total(&self) -> u64 {
        match self {
            Self::Vector(vector, _) => vector.total,
            Self::File(iter) => iter.remaining() as u64,
        }
    }

    /// Calls `go` with each buffer in turn, and how many bytes were moved before it, until one is
    /// not used up or `limit` bytes, at least one, have been moved. Returns the bytes moved, and
    /// the error that ended it early.
    pub(crate) fn each(
        &mut self,
        limit: u64,
        mut go: impl FnMut(u64, &mut IovIter<'_>) -> (u64, ZxResult),
    ) -> (u64, ZxResult) {
        let (vector, direction) = match self {
            Self::Vector(vector, direction) => (vector, *direction),
            Self::File(iter) => {
                iter.truncate(limit.min(usize::MAX as u64) as usize);
                return go(0, iter);
            }
        };
        let mut done = 0;
        for buffer in &vector.buffers {
            let length = buffer.capacity.min(limit - done);
            if length == 0 {
                break;
            }
            let (moved, result) = each_piece(buffer.address, length, direction, |moved, iter| {
                go(done + moved, iter)
            });
            done += moved;
            if result.is_err() {
                return (done, result);
            }
        }
        (done, Ok(()))
    }
}

/// Calls `go` with pieces of `length` bytes at user address `address`.
fn each_piece(
    address: u64,
    length: u64,
    direction: Direction,
    mut go: impl FnMut(u64, &mut IovIter<'_>) -> (u64, ZxResult),
) -> (u64, ZxResult) {
    let mut done = 0;
    while done < length {
        let Some(at) = address.checked_add(done) else {
            return (done, Err(Status::NOT_FOUND));
        };
        let wanted = (length - done).min(MAX_PIECE);
        let mut piece = |wanted: u64| {
            with_user_buffer(at as usize, wanted as usize, direction, |iter| {
                go(done, iter)
            })
        };
        // A piece that reaches beyond user memory is refused whole; its first page need not.
        let moved = piece(wanted).or_else(|_| piece(wanted.min(PAGE_SIZE - at % PAGE_SIZE)));
        let Ok((moved, result)) = moved else {
            return (done, Err(Status::NOT_FOUND));
        };
        done += moved;
        if result.is_err() {
            return (done, result);
        }
    }
    (done, Ok(()))
}
