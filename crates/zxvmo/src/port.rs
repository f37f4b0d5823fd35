// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ports: queues of packets, which users put there or which tell of signals.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::abi;
use crate::raw;
use crate::{HandleBasicInfo, MonotonicInstant, Rights, Signals, Status};

/// A handle to a port, closed on drop.
///
/// It is a file descriptor, as [`Vmo`](crate::Vmo) is; poll(2) finds it
/// readable while there are packets.
///
/// ```no_run
/// use std::os::fd::AsFd;
/// use zxvmo::{Event, MonotonicInstant, PacketContents, Port, Signals, WaitAsyncOpts};
/// # fn main() -> Result<(), zxvmo::Status> {
/// let (port, event) = (Port::create()?, Event::create()?);
/// let (wanted, once) = (Signals::EVENT_SIGNALED, WaitAsyncOpts::empty());
/// port.wait_async(event.as_fd(), 7, wanted, once)?;
/// event.signal(Signals::NONE, wanted)?;
/// let packet = port.wait(MonotonicInstant::INFINITE)?;
/// assert_eq!(packet.key, 7);
/// assert!(matches!(packet.contents, PacketContents::SignalOne(_)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[repr(transparent)]
pub struct Port {
    fd: OwnedFd,
}

bitflags::bitflags! {
    /// How an object is observed; a packet comes once at most.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct WaitAsyncOpts: u32 {
        /// The packet says when a signal was asserted.
        const TIMESTAMP = abi::ZX_WAIT_ASYNC_TIMESTAMP;
        /// Signals that are asserted already do not count.
        const EDGE_TRIGGERED = abi::ZX_WAIT_ASYNC_EDGE;

        const _ = !0;
    }
}

/// A packet of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What the sender chose to know it by.
    pub key: u64,
    /// For users to define; 0 in packets that tell of signals.
    pub status: i32,
    /// What it carries.
    pub contents: PacketContents,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketContents {
    /// What a user put there.
    User([u8; 32]),
    /// A signal that was waited for was asserted.
    SignalOne(SignalPacket),
}

/// What a packet tells of signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalPacket {
    /// What was waited for.
    pub trigger: Signals,
    /// All that was asserted.
    pub observed: Signals,
    /// When, with TIMESTAMP; else 0.
    pub timestamp: MonotonicInstant,
}

fn bytes_of(payload: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.chunks_exact_mut(8).zip(payload) {
        to.copy_from_slice(&from.to_ne_bytes());
    }
    bytes
}

fn payload_of(bytes: [u8; 32]) -> [u64; 4] {
    let mut payload = [0; 4];
    for (to, from) in payload.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(from);
        *to = u64::from_ne_bytes(word);
    }
    payload
}

impl Port {
    /// Creates a port.
    pub fn create() -> Result<Self, Status> {
        raw::create_port(0).map(Self::from)
    }

    /// Puts a packet at the end of the queue: its key, its status and what a
    /// user lets it carry. Needs WRITE.
    ///
    /// INVALID_ARGS for a packet that tells of signals; SHOULD_WAIT if there
    /// are too many.
    pub fn queue(&self, packet: &Packet) -> Result<(), Status> {
        let PacketContents::User(bytes) = packet.contents else {
            return Err(Status::INVALID_ARGS);
        };
        let raw = abi::zxvmo_port_packet {
            key: packet.key,
            type_: abi::ZX_PKT_TYPE_USER,
            status: packet.status,
            payload: payload_of(bytes),
        };
        // SAFETY: The packet is borrowed.
        unsafe { raw::port_queue(self.as_fd(), &raw) }
    }

    /// Takes the first packet of the queue, waiting for one until `deadline`.
    /// Needs READ.
    ///
    /// TIMED_OUT; CANCELED if the handle was closed meanwhile.
    pub fn wait(&self, deadline: MonotonicInstant) -> Result<Packet, Status> {
        let mut raw = abi::zxvmo_port_packet::default();
        // SAFETY: The packet is borrowed mutably, and made of integers.
        unsafe { raw::port_wait(self.as_fd(), deadline.into_nanos(), &mut raw)? };
        let [signals, _, timestamp, _] = raw.payload;
        let contents = if raw.type_ == abi::ZX_PKT_TYPE_SIGNAL_ONE {
            PacketContents::SignalOne(SignalPacket {
                trigger: Signals::from_bits_retain(signals as u32),
                observed: Signals::from_bits_retain((signals >> 32) as u32),
                timestamp: MonotonicInstant::from_nanos(timestamp as i64),
            })
        } else {
            PacketContents::User(bytes_of(raw.payload))
        };
        Ok(Packet {
            key: raw.key,
            status: raw.status,
            contents,
        })
    }

    /// Has a packet queued once one of `signals` is asserted on the object of
    /// `handle`, for as long as that handle is open. Needs WRITE, and WAIT on
    /// the handle.
    pub fn wait_async(
        &self,
        handle: BorrowedFd<'_>,
        key: u64,
        signals: Signals,
        options: WaitAsyncOpts,
    ) -> Result<(), Status> {
        let (signals, options) = (signals.bits(), options.bits());
        raw::wait_async(handle, self.as_fd(), key, signals, options)
    }

    /// Takes back what was asked for through `source` with `key`: what is
    /// pending, and packets. Needs WRITE, and WAIT on the source.
    ///
    /// NOT_FOUND if there was nothing.
    pub fn cancel(&self, source: BorrowedFd<'_>, key: u64) -> Result<(), Status> {
        raw::port_cancel(self.as_fd(), source, key)
    }
}

crate::event::handle!(Port);
