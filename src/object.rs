// SPDX-License-Identifier: GPL-2.0

//! What a handle can refer to, and what all objects have in common (spec 0.5, 19.3).
#![deny(unsafe_code)]

use crate::{
    signals::Signals,
    status::{Status, ZxResult},
    stream::Stream,
    sys::{file::Place, uapi},
    vmo::{Use, Vmo},
};
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    Arc,
};

static NEXT_KOID: Atomic<u64> = Atomic::new(uapi::ZX_KOID_FIRST as u64);

/// A new object id: never given out before.
pub(crate) fn new_koid() -> u64 {
    NEXT_KOID.fetch_add(1, Relaxed)
}

/// An object.
#[derive(Clone)]
pub(crate) enum Object {
    /// A virtual memory object.
    Vmo(Arc<Vmo>),
    /// A stream.
    Stream(Arc<Stream>),
}

/// One more handle to an object, counted already, while it is being made.
pub(crate) struct NewHandle(Option<Object>);

impl NewHandle {
    /// For a handle to a VMO.
    pub(crate) fn to_vmo(vmo: Use) -> ZxResult<Self> {
        Ok(Self(Some(Object::Vmo(vmo.into_handle()?))))
    }

    /// For the first handle to a stream, which counts one already.
    pub(crate) fn to_stream(stream: Arc<Stream>) -> Self {
        Self(Some(Object::Stream(stream)))
    }

    /// The object: the handle exists from now on, and its end calls
    /// [`Object::handle_dropped`].
    pub(crate) fn into_handle(mut self) -> ZxResult<Object> {
        self.0.take().ok_or(Status::BAD_HANDLE)
    }
}

impl Drop for NewHandle {
    fn drop(&mut self) {
        if let Some(object) = &self.0 {
            object.handle_dropped();
        }
    }
}

impl Object {
    /// One more handle. BAD_HANDLE if the last one has gone meanwhile.
    pub(crate) fn new_handle(&self) -> ZxResult<NewHandle> {
        match self {
            Self::Vmo(vmo) => NewHandle::to_vmo(vmo.try_use()?),
            Self::Stream(stream) => {
                stream.handle_added()?;
                Ok(NewHandle::to_stream(stream.clone()))
            }
        }
    }

    /// A handle to the object is closed.
    pub(crate) fn handle_dropped(&self) {
        match self {
            Self::Vmo(vmo) => vmo.handle_dropped(),
            Self::Stream(stream) => stream.handle_dropped(),
        }
    }

    /// The VMO; WRONG_TYPE if it is something else.
    pub(crate) fn vmo(&self) -> ZxResult<&Arc<Vmo>> {
        match self {
            Self::Vmo(vmo) => Ok(vmo),
            Self::Stream(_) => Err(Status::WRONG_TYPE),
        }
    }

    /// The stream; WRONG_TYPE if it is something else.
    pub(crate) fn stream(&self) -> ZxResult<&Stream> {
        match self {
            Self::Stream(stream) => Ok(stream),
            Self::Vmo(_) => Err(Status::WRONG_TYPE),
        }
    }

    /// Where the files of the object's handles are. BAD_HANDLE if the object has gone.
    pub(crate) fn place(&self) -> ZxResult<Place> {
        match self {
            Self::Vmo(vmo) => Ok(Place::Inode(vmo.inode().ok_or(Status::BAD_HANDLE)?)),
            Self::Stream(_) => Ok(Place::Anonymous(c"[zxvmo-stream]")),
        }
    }

    /// The object's id.
    pub(crate) fn koid(&self) -> u64 {
        match self {
            Self::Vmo(vmo) => vmo.koid(),
            Self::Stream(stream) => stream.koid(),
        }
    }

    /// ZX_OBJ_TYPE_*.
    pub(crate) fn kind(&self) -> u32 {
        match self {
            Self::Vmo(_) => uapi::ZX_OBJ_TYPE_VMO,
            Self::Stream(_) => uapi::ZX_OBJ_TYPE_STREAM,
        }
    }

    /// The signals.
    pub(crate) fn signals(&self) -> &Signals {
        match self {
            Self::Vmo(vmo) => vmo.signals(),
            Self::Stream(stream) => stream.signals(),
        }
    }

    /// Handles to the object, in all processes.
    pub(crate) fn handles(&self) -> u32 {
        match self {
            Self::Vmo(vmo) => vmo.handles(),
            Self::Stream(stream) => stream.handles(),
        }
    }
}
