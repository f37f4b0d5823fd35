// SPDX-License-Identifier: GPL-2.0

//! What a handle can refer to, and what all objects have in common (spec 0.5, 19.3).
#![deny(unsafe_code)]

use crate::{
    endpoint::Endpoint,
    event::{self, PairEnd},
    port::Port,
    rights::Rights,
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
    /// An event alone.
    Event(Arc<Endpoint>),
    /// One end of a pair of events.
    EventPair(PairEnd),
    /// A port.
    Port(Arc<Port>),
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

    /// For the first handle to a new event.
    pub(crate) fn to_event(event: Arc<Endpoint>) -> Self {
        Self(Some(Object::Event(event)))
    }

    /// For the first handle to one end of a new pair of events.
    pub(crate) fn to_pair_end(end: PairEnd) -> Self {
        Self(Some(Object::EventPair(end)))
    }

    /// For the first handle to a new port.
    pub(crate) fn to_port(port: Arc<Port>) -> Self {
        Self(Some(Object::Port(port)))
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
            Self::Event(event) => event.add_handle().map(|()| NewHandle(Some(self.clone()))),
            Self::EventPair(end) => {
                end.endpoint().add_handle()?;
                Ok(NewHandle(Some(self.clone())))
            }
            Self::Port(port) => {
                port.endpoint().add_handle()?;
                Ok(NewHandle(Some(self.clone())))
            }
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
            Self::Event(event) => {
                event.handle_dropped();
            }
            Self::EventPair(end) => end.handle_dropped(),
            Self::Port(port) => port.handle_dropped(),
            Self::Stream(stream) => stream.handle_dropped(),
        }
    }

    /// The VMO; WRONG_TYPE if it is something else.
    pub(crate) fn vmo(&self) -> ZxResult<&Arc<Vmo>> {
        match self {
            Self::Vmo(vmo) => Ok(vmo),
            _ => Err(Status::WRONG_TYPE),
        }
    }

    /// The stream; WRONG_TYPE if it is something else.
    pub(crate) fn stream(&self) -> ZxResult<&Stream> {
        match self {
            Self::Stream(stream) => Ok(stream),
            _ => Err(Status::WRONG_TYPE),
        }
    }

    /// The port; WRONG_TYPE if it is something else.
    pub(crate) fn port(&self) -> ZxResult<&Arc<Port>> {
        match self {
            Self::Port(port) => Ok(port),
            _ => Err(Status::WRONG_TYPE),
        }
    }

    /// The right that poll(2) on a handle needs to see anything.
    pub(crate) fn poll_right(&self) -> Rights {
        match self {
            Self::Port(_) => Rights::READ,
            _ => Rights::WAIT,
        }
    }

    /// Where the files of the object's handles are. BAD_HANDLE if the object has gone.
    pub(crate) fn place(&self) -> ZxResult<Place> {
        match self {
            Self::Vmo(vmo) => Ok(Place::Inode(vmo.inode().ok_or(Status::BAD_HANDLE)?)),
            Self::Event(_) => Ok(Place::Anonymous(c"[zxvmo-event]")),
            Self::EventPair(_) => Ok(Place::Anonymous(c"[zxvmo-eventpair]")),
            Self::Port(_) => Ok(Place::Anonymous(c"[zxvmo-port]")),
            Self::Stream(_) => Ok(Place::Anonymous(c"[zxvmo-stream]")),
        }
    }

    /// The object's id.
    pub(crate) fn koid(&self) -> u64 {
        match self {
            Self::Vmo(vmo) => vmo.koid(),
            Self::Event(event) => event.koid(),
            Self::EventPair(end) => end.endpoint().koid(),
            Self::Port(port) => port.endpoint().koid(),
            Self::Stream(stream) => stream.koid(),
        }
    }

    /// ZX_OBJ_TYPE_*.
    pub(crate) fn kind(&self) -> u32 {
        match self {
            Self::Vmo(_) => uapi::ZX_OBJ_TYPE_VMO,
            Self::Stream(_) => uapi::ZX_OBJ_TYPE_STREAM,
            Self::Event(_) => uapi::ZX_OBJ_TYPE_EVENT,
            Self::EventPair(_) => uapi::ZX_OBJ_TYPE_EVENTPAIR,
            Self::Port(_) => uapi::ZX_OBJ_TYPE_PORT,
        }
    }

    /// The id of the other end of an object that has one, else 0.
    pub(crate) fn related_koid(&self) -> u64 {
        match self {
            Self::EventPair(end) => end.peer().koid(),
            _ => 0,
        }
    }

    /// The signals that users may set and clear (spec 21.2).
    pub(crate) fn settable_signals(&self) -> u32 {
        match self {
            Self::Event(_) | Self::EventPair(_) => event::SETTABLE,
            _ => uapi::ZX_USER_SIGNAL_ALL,
        }
    }

    /// The signals.
    pub(crate) fn signals(&self) -> &Signals {
        match self {
            Self::Vmo(vmo) => vmo.signals(),
            Self::Event(event) => event.signals(),
            Self::EventPair(end) => end.endpoint().signals(),
            Self::Port(port) => port.endpoint().signals(),
            Self::Stream(stream) => stream.signals(),
        }
    }

    /// Handles to the object, in all processes.
    pub(crate) fn handles(&self) -> u32 {
        match self {
            Self::Vmo(vmo) => vmo.handles(),
            Self::Event(event) => event.handles(),
            Self::EventPair(end) => end.endpoint().handles(),
            Self::Port(port) => port.endpoint().handles(),
            Self::Stream(stream) => stream.handles(),
        }
    }
}
