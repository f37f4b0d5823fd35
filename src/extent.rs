// SPDX-License-Identifier: GPL-2.0

//! An extent: the bytes of a store that a VMO is, with a stream size (spec 6) that tells how many
//! of them are content, and the reads and writes that keep to the content (spec 24.1).
//!
//! A stream size changes with `Store::content` held for writing; or, upwards only, held for
//! reading by whoever has the turn to write. One writer at a time has that, so that finding the
//! end and writing there is one step for all others that write through streams. The turn is kept
//! while user memory is touched, which may take as long as somebody likes: whoever waits for it can
//! be killed, and calls that set a size do not wait. They cannot be missed, because a writer
//! raises the size with each piece, in the same hold of the lock as it is written: if it finds a
//! smaller one, its last piece is gone, and it ends where the other call began.
#![deny(unsafe_code)]

use crate::{
    status::{Status, ZxResult},
    store::Store,
    sys::{
        rwsem::{RwSem, WriteGuard},
        user::IovIter,
    },
    transfer::{buffer_status, Bounds},
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Release},
        static_lock_class, Arc,
    },
};

/// A stream size. References share that of their parent, slices have their own.
#[pin_data]
pub(crate) struct StreamSize {
    bytes: Atomic<u64>,
    #[pin]
    writer: RwSem<()>,
}

impl StreamSize {
    /// A stream size of `bytes`.
    pub(crate) fn new(bytes: u64) -> impl PinInit<Self> {
        pin_init!(Self {
            bytes: Atomic::new(bytes),
            writer <- RwSem::new((), c"zxvmo_stream_writer", static_lock_class!()),
        })
    }

    /// Bytes.
    pub(crate) fn get(&self) -> u64 {
        self.bytes.load(Acquire)
    }

    /// Changes it. The store's content is held for writing.
    pub(crate) fn set(&self, bytes: u64) {
        self.bytes.store(bytes, Release);
    }

    /// Makes it at least `bytes`. The store's content is held, and the turn to write is the
    /// caller's.
    fn raise(&self, bytes: u64) {
        if bytes > self.get() {
            self.set(bytes);
        }
    }

    /// Waits for the turn to write through a stream. CANCELED if the caller is killed meanwhile.
    pub(crate) fn turn(&self) -> ZxResult<WriteGuard<'_, ()>> {
        Ok(self.writer.write_killable()?)
    }
}

/// The part of a store that a slice is.
pub(crate) struct Window {
    /// First byte, a multiple of the page size.
    pub(crate) begin: u64,
    /// Bytes, a multiple of the page size.
    pub(crate) size: u64,
    /// How many of them are content.
    pub(crate) stream_size: Arc<StreamSize>,
}

impl Window {
    /// A window with a stream size of its own.
    pub(crate) fn new(begin: u64, size: u64, stream_size: u64) -> Result<Self> {
        Ok(Self {
            begin,
            size,
            stream_size: Arc::pin_init(StreamSize::new(stream_size), GFP_KERNEL_ACCOUNT)?,
        })
    }

    /// One past the last byte.
    pub(crate) fn end(&self) -> u64 {
        self.begin + self.size
    }
}

/// See the head of this file.
pub(crate) struct Extent<'a> {
    /// The memory.
    pub(crate) store: &'a Store,
    /// First byte in the store.
    pub(crate) begin: u64,
    /// One past the last byte in the store; the store may end before.
    pub(crate) reach: u64,
    /// How many of them are content.
    pub(crate) stream_size: &'a StreamSize,
}

/// A read ends with the content.
struct Reading<'a>(&'a Extent<'a>);

impl Bounds for Reading<'_> {
    fn end(&self, _at: u64) -> u64 {
        let Extent { begin, reach, .. } = *self.0;
        begin.saturating_add(self.0.stream_size.get()).min(reach)
    }
}

/// A write raises the stream size, and ends where somebody else has lowered it.
struct Writing<'a> {
    extent: &'a Extent<'a>,
    /// Where it began.
    first: u64,
}

impl Bounds for Writing<'_> {
    fn end(&self, at: u64) -> u64 {
        let content = at - self.extent.begin;
        if at != self.first && content > self.extent.stream_size.get() {
            return at;
        }
        self.extent.reach
    }

    fn moved(&self, to: u64) {
        self.extent.stream_size.raise(to - self.extent.begin);
    }
}

impl Extent<'_> {
    /// Copies content from byte `at` of the extent on until `to` is full. Returns the bytes copied,
    /// and the error that ended it early: OUT_OF_RANGE at the end of the content.
    pub(crate) fn read(&self, at: u64, to: &mut IovIter<'_>) -> (u64, ZxResult) {
        match self.begin.checked_add(at) {
            Some(at) => self.store.read(at, &Reading(self), to),
            None => (0, Err(Status::OUT_OF_RANGE)),
        }
    }

    /// Copies `from`, which is not empty, to byte `start + done` of the extent, as a part of a write
    /// that began at `start` and of which `done` bytes are written. The caller has the turn. The
    /// stream size rises with the bytes; a gap before `start` becomes zero first. Returns the
    /// bytes copied, and the error that ended it early.
    pub(crate) fn write(&self, start: u64, done: u64, from: &mut IovIter<'_>) -> (u64, ZxResult) {
        let first = self.begin.checked_add(start);
        let Some((first, at)) = first.and_then(|first| Some((first, first.checked_add(done)?)))
        else {
            return (0, Err(Status::OUT_OF_RANGE));
        };
        if done == 0 {
            if let Err(status) = self.close_gap(start, first, from) {
                return (0, Err(status));
            }
        }
        let writing = Writing {
            extent: self,
            first,
        };
        self.store.write(at, &writing, from)
    }

    /// Makes zero what lies between the content and byte `first` of the store, at which `from` is
    /// about to be written, and is the extent's byte `start`. Nothing is done if nothing can be
    /// written.
    fn close_gap(&self, start: u64, first: u64, from: &mut IovIter<'_>) -> ZxResult {
        if start <= self.stream_size.get() {
            return Ok(());
        }
        if from.fault_in(1) == 0 {
            return Err(buffer_status(from));
        }
        let mut content = self.store.write_lock();
        let end = self.store.size().min(self.reach).min(first);
        content.zero(self.begin + self.stream_size.get(), end)
    }
}
