// SPDX-License-Identifier: GPL-2.0

//! The ioctl interface: which call does what (see `uapi/zxvmo.h`).
#![deny(unsafe_code)]

use crate::{
    cache_policy, child,
    event::{self, PairEnd},
    handle::Handle,
    info, io, mapping,
    object::{NewHandle, Object},
    op_range,
    port::Port,
    region,
    rights::Rights,
    status::{Status, ZxResult},
    stream::{Mode, Stream},
    stream_io,
    sys::{
        file::{File, FileRef, PendingDescriptor},
        fs::FsPin,
        mm, uapi,
        user::{read_argument, read_record, write_argument, Abi, Direction},
        PAGE_SIZE,
    },
    transfer_data,
    vmo::{Vmo, MAX_SIZE},
    wait,
};
use kernel::{ioctl, prelude::*};

/// What every argument structure begins with.
pub(crate) trait Argument: Abi {
    /// Bytes of its first version.
    const FIRST_VERSION: usize;

    /// Where the status goes.
    fn status(&mut self) -> &mut i32;

    /// Whether what is reserved is zero.
    fn reserved_is_zero(&self) -> bool;
}

macro_rules! argument {
    ($($name:ident { $($reserved:ident),* })*) => {$(
        impl Argument for uapi::$name {
            const FIRST_VERSION: usize = size_of::<Self>();

            fn status(&mut self) -> &mut i32 {
                &mut self.status
            }

            fn reserved_is_zero(&self) -> bool {
                true $(&& self.$reserved == 0)*
            }
        }
    )*};
}

argument! {
    zxvmo_query { reserved }
    zxvmo_create {}
    zxvmo_transfer { reserved }
    zxvmo_size { reserved }
    zxvmo_create_child { reserved }
    zxvmo_op_range {}
    zxvmo_transfer_data { reserved }
    zxvmo_replace_as_executable { reserved }
    zxvmo_cache_policy { reserved }
    zxvmo_duplicate { reserved }
    zxvmo_get_info {}
    zxvmo_property {}
    zxvmo_signal { reserved }
    zxvmo_wait { reserved }
    zxvmo_wait_many {}
    zxvmo_create_event { reserved }
    zxvmo_create_port { reserved }
    zxvmo_port_queue { reserved }
    zxvmo_port_wait { reserved }
    zxvmo_port_cancel {}
    zxvmo_wait_async {}
    zxvmo_map {}
    zxvmo_region_op_range {}
    zxvmo_create_stream { reserved }
    zxvmo_stream_transfer { reserved }
    zxvmo_stream_seek {}
}

/// What a call leaves behind, which the caller must learn of.
enum Made {
    Nothing,
    /// To be installed once its number has reached the caller.
    Descriptor(PendingDescriptor),
    /// As above, both or none.
    Descriptors([PendingDescriptor; 2]),
    /// To be taken back if its address does not reach the caller.
    Mapping {
        address: usize,
        length: usize,
    },
}

type Outcome = ZxResult<Made>;

/// One ioctl as it arrived.
#[derive(Clone, Copy)]
struct Call {
    length: usize,
    address: usize,
}

impl Call {
    /// Runs `body` on the argument and delivers the argument with the status. The result is 0,
    /// or the errno that stands beside the status.
    fn with<T: Argument>(self, body: impl FnOnce(&mut T) -> Result<Outcome>) -> Result<isize> {
        if self.length < T::FIRST_VERSION {
            return Err(EINVAL);
        }
        let mut argument: T = read_argument(self.address, self.length)?;
        let outcome = if argument.reserved_is_zero() {
            body(&mut argument)?
        } else {
            Err(Status::INVALID_ARGS)
        };
        *argument.status() = outcome.as_ref().err().map_or(0, |status| status.raw());
        let written = write_argument(self.address, self.length, &argument);
        match outcome {
            Ok(Made::Mapping { address, length }) if written.is_err() => {
                mm::unmap(address, length);
            }
            Ok(Made::Descriptor(descriptor)) if written.is_ok() => descriptor.install(),
            Ok(Made::Descriptors(both)) if written.is_ok() => {
                both.into_iter().for_each(PendingDescriptor::install);
            }
            Err(status) => return written.and(Err(status.into())),
            Ok(_) => {}
        }
        written.map(|()| 0)
    }

    /// As [`with`](Self::with), for calls that make no descriptor.
    fn plain<T: Argument>(self, body: impl FnOnce(&mut T) -> ZxResult) -> Result<isize> {
        self.with(|argument| Ok(body(argument).map(|()| Made::Nothing)))
    }
}

fn decode(command: u32, address: usize) -> Result<(u32, Call)> {
    const READ_WRITE: u32 = kernel::uapi::_IOC_READ | kernel::uapi::_IOC_WRITE;

    if ioctl::_IOC_TYPE(command) != uapi::ZXVMO_IOC_TYPE || ioctl::_IOC_DIR(command) != READ_WRITE {
        return Err(ENOTTY);
    }
    let length = ioctl::_IOC_SIZE(command);
    Ok((ioctl::_IOC_NR(command), Call { length, address }))
}

mod nr {
    pub(super) const QUERY: u32 = 0x00;
    pub(super) const CREATE: u32 = 0x01;
    pub(super) const REGION_OP_RANGE: u32 = 0x04;
    pub(super) const WAIT_MANY: u32 = 0x02;
    pub(super) const CREATE_EVENT: u32 = 0x03;
    pub(super) const CREATE_PORT: u32 = 0x05;
    pub(super) const READ: u32 = 0x10;
    pub(super) const WRITE: u32 = 0x11;
    pub(super) const GET_SIZE: u32 = 0x12;
    pub(super) const SET_SIZE: u32 = 0x13;
    pub(super) const GET_STREAM_SIZE: u32 = 0x14;
    pub(super) const SET_STREAM_SIZE: u32 = 0x15;
    pub(super) const MAP: u32 = 0x16;
    pub(super) const CREATE_CHILD: u32 = 0x17;
    pub(super) const OP_RANGE: u32 = 0x18;
    pub(super) const TRANSFER_DATA: u32 = 0x1B;
    pub(super) const REPLACE_AS_EXECUTABLE: u32 = 0x19;
    pub(super) const SET_CACHE_POLICY: u32 = 0x1A;
    pub(super) const PORT_QUEUE: u32 = 0x30;
    pub(super) const PORT_WAIT: u32 = 0x31;
    pub(super) const PORT_CANCEL: u32 = 0x32;
    pub(super) const CREATE_STREAM: u32 = 0x1C;
    pub(super) const STREAM_READV: u32 = 0x20;
    pub(super) const STREAM_WRITEV: u32 = 0x21;
    pub(super) const STREAM_SEEK: u32 = 0x22;
    pub(super) const DUPLICATE: u32 = 0x40;
    pub(super) const REPLACE: u32 = 0x41;
    pub(super) const GET_INFO: u32 = 0x42;
    pub(super) const GET_PROPERTY: u32 = 0x43;
    pub(super) const SET_PROPERTY: u32 = 0x44;
    pub(super) const SIGNAL: u32 = 0x45;
    pub(super) const WAIT: u32 = 0x46;
    pub(super) const WAIT_ASYNC: u32 = 0x47;
    pub(super) const SIGNAL_PEER: u32 = 0x48;
}

/// A call on `/dev/zxvmo`.
pub(crate) fn on_device(command: u32, address: usize) -> Result<isize> {
    let (number, call) = decode(command, address)?;
    match number {
        nr::QUERY => call.plain(|args: &mut uapi::zxvmo_query| {
            args.abi_version = uapi::ZXVMO_ABI_VERSION;
            args.page_size = PAGE_SIZE as u32;
            args.max_size = MAX_SIZE;
            Ok(())
        }),
        nr::CREATE => call.with(|args: &mut uapi::zxvmo_create| {
            let made = FsPin::take()
                .map_err(Status::from)
                .and_then(|pin| Vmo::create(&pin, args.size, args.options, args.flags))
                .and_then(|(vmo, rights)| Handle::create(NewHandle::to_vmo(vmo)?, rights));
            Ok(announce(made, &mut args.handle))
        }),
        nr::REGION_OP_RANGE => call.plain(|args: &mut _| region::op_range(args)),
        nr::WAIT_MANY => call.with(|args| Ok(wait::many(args)?.map(|()| Made::Nothing))),
        nr::CREATE_EVENT => call.with(|args| Ok(create_event(args))),
        nr::CREATE_PORT => call.with(|args: &mut uapi::zxvmo_create_port| {
            let made = Port::create(args.options)
                .and_then(|port| Handle::create(NewHandle::to_port(port), Rights::DEFAULT_PORT));
            Ok(announce(made, &mut args.handle))
        }),
        _ => Err(ENOTTY),
    }
}

/// `zx_event_create` and `zx_eventpair_create`.
fn create_event(args: &mut uapi::zxvmo_create_event) -> Outcome {
    match (args.kind, args.options) {
        (uapi::ZXVMO_EVENT_SINGLE, 0) => {
            args.peer = -1;
            let new = NewHandle::to_event(event::create()?);
            announce(Handle::create(new, Rights::DEFAULT_EVENT), &mut args.handle)
        }
        (uapi::ZXVMO_EVENT_PAIR, 0) => {
            let [left, right] = PairEnd::create()?.map(NewHandle::to_pair_end);
            let left = Handle::create(left, Rights::DEFAULT_EVENTPAIR)?;
            let right = Handle::create(right, Rights::DEFAULT_EVENTPAIR)?;
            (args.handle, args.peer) = (left.number(), right.number());
            Ok(Made::Descriptors([left, right]))
        }
        (uapi::ZXVMO_EVENT_PAIR, _) => Err(Status::NOT_SUPPORTED),
        _ => Err(Status::INVALID_ARGS),
    }
}

fn announce(made: ZxResult<PendingDescriptor>, number: &mut i32) -> Outcome {
    let descriptor = made?;
    *number = descriptor.number();
    Ok(Made::Descriptor(descriptor))
}

/// A call on a handle.
pub(crate) fn on_handle(
    handle: &Handle,
    file: &File,
    command: u32,
    address: usize,
) -> Result<isize> {
    let (number, call) = decode(command, address)?;
    match number {
        nr::READ => call.plain(|args| io::transfer(handle, args, Direction::Read)),
        nr::WRITE => call.plain(|args| io::transfer(handle, args, Direction::Write)),
        nr::GET_SIZE => call.plain(|args: &mut uapi::zxvmo_size| {
            args.size = handle.get()?.0.size();
            Ok(())
        }),
        nr::SET_SIZE => call.plain(|args: &mut uapi::zxvmo_size| {
            let (vmo, rights) = handle.get()?;
            vmo.set_size(rights, args.size)
        }),
        nr::GET_STREAM_SIZE => call.plain(|args: &mut uapi::zxvmo_size| {
            args.size = handle.get()?.0.stream_size();
            Ok(())
        }),
        nr::SET_STREAM_SIZE => call.plain(|args: &mut uapi::zxvmo_size| {
            let (vmo, rights) = handle.get()?;
            vmo.set_stream_size(rights, args.size)
        }),
        nr::MAP => call.with(|args: &mut uapi::zxvmo_map| {
            let mapped = handle
                .get()
                .and_then(|(vmo, rights)| mapping::map(vmo, rights, args));
            Ok(mapped.map(|mapped| {
                args.mapped_address = mapped.start as u64;
                Made::Mapping {
                    address: mapped.start,
                    length: mapped.len(),
                }
            }))
        }),
        nr::CREATE_CHILD => call.with(|args: &mut uapi::zxvmo_create_child| {
            let made = handle
                .get()
                .and_then(|(vmo, rights)| child::create(vmo, rights, args))
                .and_then(|(vmo, rights)| Handle::create(NewHandle::to_vmo(vmo)?, rights));
            Ok(announce(made, &mut args.handle))
        }),
        nr::OP_RANGE => call.plain(|args: &mut _| op_range::run(handle, args)),
        nr::TRANSFER_DATA => call.plain(|args: &mut _| transfer_data::run(handle, args)),
        nr::REPLACE_AS_EXECUTABLE => call.with(|args: &mut uapi::zxvmo_replace_as_executable| {
            let made = handle.replace_as_executable(args.vmex);
            Ok(announce(made, &mut args.handle))
        }),
        nr::SET_CACHE_POLICY => call.plain(|args: &mut _| cache_policy::set(handle, args)),
        nr::CREATE_STREAM => call.with(|args: &mut uapi::zxvmo_create_stream| {
            let made = Mode::from_raw(args.options)
                .and_then(|mode| {
                    let (vmo, rights) = handle.get()?;
                    Stream::create(vmo, rights, mode, args.seek)
                })
                .and_then(|(stream, rights)| Handle::create(NewHandle::to_stream(stream), rights));
            Ok(announce(made, &mut args.handle))
        }),
        nr::STREAM_READV => call.plain(|args| stream_io::transfer(handle, args, Direction::Read)),
        nr::STREAM_WRITEV => call.plain(|args| stream_io::transfer(handle, args, Direction::Write)),
        nr::STREAM_SEEK => call.plain(|args| stream_io::seek(handle, args)),
        nr::DUPLICATE => call.with(|args: &mut uapi::zxvmo_duplicate| {
            Ok(announce(handle.duplicate(args.rights), &mut args.handle))
        }),
        nr::REPLACE => call.with(|args: &mut uapi::zxvmo_duplicate| {
            Ok(announce(handle.replace(args.rights), &mut args.handle))
        }),
        nr::GET_INFO => call.plain(|args| info::get_info(handle, args)),
        nr::GET_PROPERTY => call.plain(|args: &mut _| info::get_property(handle, args)),
        nr::SET_PROPERTY => call.plain(|args: &mut _| info::set_property(handle, args)),
        nr::SIGNAL => call.plain(|args| signal(handle, args)),
        nr::PORT_QUEUE => call.plain(|args| port_queue(handle, args)),
        nr::PORT_WAIT => {
            call.with(|args| Ok(wait::packet(handle, file, args)?.map(|()| Made::Nothing)))
        }
        nr::PORT_CANCEL => call.plain(|args| port_cancel(handle, args)),
        nr::WAIT_ASYNC => call.plain(|args| wait_async(handle, args)),
        nr::SIGNAL_PEER => call.plain(|args| signal_peer(handle, args)),
        nr::WAIT => call.with(|args| Ok(wait::one(handle, file, args)?.map(|()| Made::Nothing))),
        _ => Err(ENOTTY),
    }
}

/// `zx_object_signal` (spec 21.2).
fn signal(handle: &Handle, args: &mut uapi::zxvmo_signal) -> ZxResult {
    let object = handle.object_with(Rights::SIGNAL)?;
    if (args.clear_mask | args.set_mask) & !object.settable_signals() != 0 {
        return Err(Status::INVALID_ARGS);
    }
    object.signals().change(args.clear_mask, args.set_mask);
    Ok(())
}

/// `zx_object_signal_peer` (spec 21.2).
fn signal_peer(handle: &Handle, args: &mut uapi::zxvmo_signal) -> ZxResult {
    match handle.object_with(Rights::SIGNAL_PEER)? {
        Object::EventPair(end) => end.signal_peer(args.clear_mask, args.set_mask),
        _ => Err(Status::NOT_SUPPORTED),
    }
}

/// `zx_port_queue`.
fn port_queue(handle: &Handle, args: &mut uapi::zxvmo_port_queue) -> ZxResult {
    let port = handle.port(Rights::WRITE)?;
    port.queue(read_record(args.packet as usize)?)
}

/// Calls `body` with the handle that `descriptor` is; BAD_HANDLE.
fn with_handle(descriptor: i32, body: impl FnOnce(&Handle) -> ZxResult) -> ZxResult {
    let file = FileRef::of_descriptor(descriptor).ok_or(Status::BAD_HANDLE)?;
    body(file.data::<Handle>().ok_or(Status::BAD_HANDLE)?)
}

/// `zx_port_cancel`.
fn port_cancel(handle: &Handle, args: &mut uapi::zxvmo_port_cancel) -> ZxResult {
    let port = handle.port(Rights::WRITE)?;
    with_handle(args.source, |source| port.cancel(source, args.key))
}

/// `zx_object_wait_async`: the options, then the port, then the object.
fn wait_async(handle: &Handle, args: &mut uapi::zxvmo_wait_async) -> ZxResult {
    const OPTIONS: u32 = uapi::ZX_WAIT_ASYNC_TIMESTAMP | uapi::ZX_WAIT_ASYNC_EDGE;

    if args.options & !OPTIONS != 0 {
        return Err(Status::INVALID_ARGS);
    }
    with_handle(args.port, |port| {
        port.port(Rights::WRITE)?.observe(handle, args)
    })
}
