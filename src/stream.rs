// SPDX-License-Identifier: GPL-2.0

//! A stream: a position in the content of a VMO, with handles of its own (spec 24.1).
//!
//! It is a use of the VMO, not a handle to it, and that only as long as it has handles itself: the
//! call that closes the last one gives the VMO up before it returns. Calls in progress go on with
//! the memory, as those on a VMO do.
#![deny(unsafe_code)]

use crate::{
    object,
    rights::Rights,
    signals::Signals,
    status::{Status, ZxResult},
    sys::{
        file_ops::Origin,
        rwsem::{RwSem, WriteGuard},
        uapi,
    },
    vector::Buffers,
    vmo::{Use, Vmo},
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        static_lock_class, Arc, Mutex,
    },
};

/// What a stream is made for: `ZX_STREAM_MODE_*`.
#[derive(Clone, Copy)]
pub(crate) struct Mode(u32);

impl Mode {
    /// INVALID_ARGS if there are unknown bits.
    pub(crate) fn from_raw(raw: u32) -> ZxResult<Self> {
        let known =
            uapi::ZX_STREAM_MODE_READ | uapi::ZX_STREAM_MODE_WRITE | uapi::ZX_STREAM_MODE_APPEND;
        if raw & !known != 0 {
            return Err(Status::INVALID_ARGS);
        }
        Ok(Self(raw))
    }

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// READ and WRITE, as this mode has them: what a VMO's handle must allow.
    fn rights(self) -> Rights {
        let mut rights = Rights::from_raw(0);
        if self.has(uapi::ZX_STREAM_MODE_READ) {
            rights = rights.with(Rights::READ);
        }
        if self.has(uapi::ZX_STREAM_MODE_WRITE) {
            rights = rights.with(Rights::WRITE);
        }
        rights
    }
}

/// See the head of this file.
#[pin_data]
pub(crate) struct Stream {
    koid: u64,
    vmo: Arc<Vmo>,
    /// Gone with the last handle.
    #[pin]
    vmo_use: Mutex<Option<Use>>,
    handles: Atomic<u32>,
    /// As it was created; `append` says what has become of that bit.
    mode: Mode,
    append: Atomic<bool>,
    /// Changes in the turn of whoever moves it.
    position: Atomic<u64>,
    /// One at a time reads, writes or seeks at the position, also while user memory is touched.
    #[pin]
    turn: RwSem<()>,
    #[pin]
    signals: Signals,
}

impl Stream {
    /// `zx_stream_create`: a stream on `vmo`, of which the caller's handle has `rights`, with one
    /// handle, and the rights of that.
    pub(crate) fn create(
        vmo: &Arc<Vmo>,
        rights: Rights,
        mode: Mode,
        position: u64,
    ) -> ZxResult<(Arc<Self>, Rights)> {
        rights.require(mode.rights())?;
        let vmo_use = Some(vmo.try_use()?);
        let stream = Arc::pin_init(
            pin_init!(Self {
                koid: object::new_koid(),
                vmo: vmo.clone(),
                vmo_use <- new_mutex!(vmo_use, "zxvmo_stream_use"),
                handles: Atomic::new(1),
                mode,
                append: Atomic::new(mode.has(uapi::ZX_STREAM_MODE_APPEND)),
                position: Atomic::new(position),
                turn <- RwSem::new((), c"zxvmo_stream", static_lock_class!()),
                signals <- Signals::new(0),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        Ok((stream, Rights::DEFAULT_STREAM.with(mode.rights())))
    }

    /// One more handle. BAD_HANDLE if the last one has gone.
    pub(crate) fn handle_added(&self) -> ZxResult {
        let mut handles = self.handles.load(Relaxed);
        while handles != 0 {
            match self.handles.cmpxchg(handles, handles + 1, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => handles = now,
            }
        }
        Err(Status::BAD_HANDLE)
    }

    /// A handle was closed.
    pub(crate) fn handle_dropped(&self) {
        if self.handles.fetch_sub(1, Full) == 1 {
            let vmo_use = self.vmo_use.lock().take();
            drop(vmo_use);
        }
    }

    /// Handles to the stream, in all processes.
    pub(crate) fn handles(&self) -> u32 {
        self.handles.load(Relaxed)
    }

    /// The object's id.
    pub(crate) fn koid(&self) -> u64 {
        self.koid
    }

    /// What it reads and writes.
    pub(crate) fn vmo(&self) -> &Arc<Vmo> {
        &self.vmo
    }

    /// The signals.
    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// `ZX_STREAM_MODE_*` as they are now.
    pub(crate) fn mode(&self) -> u32 {
        let append = uapi::ZX_STREAM_MODE_APPEND;
        self.mode.0 & !append | if self.appends() { append } else { 0 }
    }

    /// Whether writes at the position go to the end.
    pub(crate) fn appends(&self) -> bool {
        self.append.load(Relaxed)
    }

    /// Has writes at the position go to the end, or not.
    pub(crate) fn set_append(&self, append: bool) {
        self.append.store(append, Relaxed);
    }

    /// The position in bytes, which a call in progress may be about to move.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Relaxed)
    }

    /// CANCELED if the caller is killed meanwhile.
    fn turn(&self) -> ZxResult<WriteGuard<'_, ()>> {
        Ok(self.turn.write_killable()?)
    }

    /// Moves the position, and returns it. INVALID_ARGS, and no change, if that is below 0, wraps
    /// 64 bits or, so OUT_OF_RANGE, is above `max`.
    pub(crate) fn seek(&self, origin: Origin, offset: i64, max: u64) -> ZxResult<u64> {
        let _turn = self.turn()?;
        let from = match origin {
            Origin::Start => 0,
            Origin::Current => self.position(),
            Origin::End => self.vmo.stream_size(),
        };
        let position = from.checked_add_signed(offset);
        let position = position.ok_or(Status::INVALID_ARGS)?;
        if position > max {
            return Err(Status::OUT_OF_RANGE);
        }
        self.position.store(position, Relaxed);
        Ok(position)
    }

    /// Reads at the position, and moves it. Returns the bytes read: fewer than there is room for
    /// at the end of the content.
    pub(crate) fn read(&self, buffers: &mut Buffers<'_, '_>) -> ZxResult<u64> {
        let _turn = self.turn()?;
        let position = self.position();
        let moved = self.read_at(position, buffers)?;
        self.position.store(position + moved, Relaxed);
        Ok(moved)
    }

    /// As [`read`](Self::read), at byte `at`.
    pub(crate) fn read_at(&self, at: u64, buffers: &mut Buffers<'_, '_>) -> ZxResult<u64> {
        let extent = self.vmo.extent();
        let limit = extent.stream_size.get().saturating_sub(at);
        if limit == 0 || buffers.total() == 0 {
            return Ok(0);
        }
        self.vmo.require_cached()?;
        match buffers.each(limit, |done, to| extent.read(at + done, to)) {
            (0, Err(status)) if status != Status::OUT_OF_RANGE => Err(status),
            (moved, _) => Ok(moved),
        }
    }

    /// Writes at the position or, to `append` or in append mode, at the end, and moves the position
    /// behind what was written. Returns the bytes written, which may be fewer than there are.
    pub(crate) fn write(&self, append: bool, buffers: &mut Buffers<'_, '_>) -> ZxResult<u64> {
        let _turn = self.turn()?;
        let at = if append || self.appends() {
            None
        } else {
            Some(self.position())
        };
        let (start, moved) = self.write_from(at, buffers)?;
        if moved > 0 {
            self.position.store(start + moved, Relaxed);
        }
        Ok(moved)
    }

    /// As [`write`](Self::write), at byte `at`.
    pub(crate) fn write_at(&self, at: u64, buffers: &mut Buffers<'_, '_>) -> ZxResult<u64> {
        Ok(self.write_from(Some(at), buffers)?.1)
    }

    /// Writes at byte `at`, or at the end of the content. Returns where, and the bytes written.
    fn write_from(&self, at: Option<u64>, buffers: &mut Buffers<'_, '_>) -> ZxResult<(u64, u64)> {
        let total = buffers.total();
        if total == 0 {
            return Ok((0, 0));
        }
        let extent = self.vmo.extent();
        let _turn = extent.stream_size.turn()?;
        let (start, wraps) = match at {
            Some(at) => (at, Status::FILE_BIG),
            None => (extent.stream_size.get(), Status::OUT_OF_RANGE),
        };
        start.checked_add(total).ok_or(wraps)?;
        let room = self.vmo.size().saturating_sub(start);
        if room == 0 {
            return Err(Status::OUT_OF_RANGE);
        }
        self.vmo.require_cached()?;
        match buffers.each(room, |done, from| extent.write(start, done, from)) {
            (0, Err(status)) => Err(status),
            (moved, _) => Ok((start, moved)),
        }
    }
}
