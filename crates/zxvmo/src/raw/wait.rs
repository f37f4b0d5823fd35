// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events, ports and the calls that wait.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::ioctl::Opcode;

use super::{attempt, call, device, take, Failure};
use crate::{abi, Signals, Status, WaitResult};

fn new_event(kind: u32, options: u32) -> Result<abi::zxvmo_create_event, Status> {
    let mut argument = abi::zxvmo_create_event {
        kind,
        options,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE_EVENT as Opcode }, _>(device()?, &mut argument)? };
    Ok(argument)
}

/// `zx_event_create`.
pub fn create_event(options: u32) -> Result<OwnedFd, Status> {
    take(new_event(abi::ZXVMO_EVENT_SINGLE, options)?.handle)
}

/// `zx_eventpair_create`: the two ends.
pub fn create_event_pair(options: u32) -> Result<[OwnedFd; 2], Status> {
    let made = new_event(abi::ZXVMO_EVENT_PAIR, options)?;
    Ok([take(made.handle)?, take(made.peer)?])
}

/// `zx_port_create`.
pub fn create_port(options: u32) -> Result<OwnedFd, Status> {
    let mut argument = abi::zxvmo_create_port {
        options,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_CREATE_PORT as Opcode }, _>(device()?, &mut argument)? };
    take(argument.handle)
}

/// `zx_port_queue`.
///
/// # Safety
///
/// As [`write()`], for the packet.
pub unsafe fn port_queue(
    fd: BorrowedFd<'_>,
    packet: *const abi::zxvmo_port_packet,
) -> Result<(), Status> {
    let mut argument = abi::zxvmo_port_queue {
        packet: packet as u64,
        ..Default::default()
    };
    // SAFETY: The call takes this structure; the caller answers for the packet.
    unsafe { call::<{ abi::ZXVMO_OP_PORT_QUEUE as Opcode }, _>(fd, &mut argument) }
}

/// `zx_port_wait`. Signals that a handler returns from do not end it.
///
/// # Safety
///
/// As [`read`], for the packet.
pub unsafe fn port_wait(
    fd: BorrowedFd<'_>,
    deadline: i64,
    packet: *mut abi::zxvmo_port_packet,
) -> Result<(), Status> {
    let mut interrupted = false;
    loop {
        let mut argument = abi::zxvmo_port_wait {
            deadline,
            packet: packet as u64,
            ..Default::default()
        };
        const OP: Opcode = abi::ZXVMO_OP_PORT_WAIT as Opcode;
        // SAFETY: The call takes this structure; the caller answers for the
        // packet.
        return match unsafe { attempt::<OP, _>(fd, &mut argument) } {
            Ok(()) => Ok(()),
            Err(Failure::Status(status)) => Err(status),
            Err(Failure::Transport(Errno::INTR)) => {
                interrupted = true;
                continue;
            }
            // The handle was closed while a signal handler ran.
            Err(Failure::Transport(Errno::BADF | Errno::NOTTY)) if interrupted => {
                Err(Status::CANCELED)
            }
            Err(Failure::Transport(errno)) => Err(Status::from_errno(errno)),
        };
    }
}

/// `zx_port_cancel`.
pub fn port_cancel(fd: BorrowedFd<'_>, source: BorrowedFd<'_>, key: u64) -> Result<(), Status> {
    let mut argument = abi::zxvmo_port_cancel {
        source: source.as_raw_fd(),
        key,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_PORT_CANCEL as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_wait_async`.
pub fn wait_async(
    fd: BorrowedFd<'_>,
    port: BorrowedFd<'_>,
    key: u64,
    signals: u32,
    options: u32,
) -> Result<(), Status> {
    let mut argument = abi::zxvmo_wait_async {
        port: port.as_raw_fd(),
        key,
        signals,
        options,
        ..Default::default()
    };
    // SAFETY: The call takes this structure, and there is no address in it.
    unsafe { call::<{ abi::ZXVMO_OP_WAIT_ASYNC as Opcode }, _>(fd, &mut argument) }
}

/// `zx_object_wait_many`. `pending` is good with success, TIMED_OUT and
/// CANCELED. Signals that a handler returns from do not end it.
pub fn wait_many(items: &mut [abi::zxvmo_wait_item], deadline: i64) -> Result<(), Status> {
    let device = device()?;
    let mut interrupted = false;
    loop {
        let mut argument = abi::zxvmo_wait_many {
            count: items.len().try_into().map_err(|_| Status::OUT_OF_RANGE)?,
            items: items.as_mut_ptr() as u64,
            deadline,
            ..Default::default()
        };
        const OP: Opcode = abi::ZXVMO_OP_WAIT_MANY as Opcode;
        // SAFETY: The call takes this structure, and the items are borrowed
        // mutably.
        return match unsafe { attempt::<OP, _>(device, &mut argument) } {
            Ok(()) => Ok(()),
            // A handle was closed while a signal handler ran.
            Err(Failure::Status(Status::BAD_HANDLE)) if interrupted => {
                items.iter_mut().for_each(look);
                Err(Status::CANCELED)
            }
            Err(Failure::Status(status)) => Err(status),
            Err(Failure::Transport(Errno::INTR)) => {
                interrupted = true;
                continue;
            }
            Err(Failure::Transport(errno)) => Err(Status::from_errno(errno)),
        };
    }
}

/// Sets what is pending on an item, of which the handle may be closed.
fn look(item: &mut abi::zxvmo_wait_item) {
    let closed = Signals::HANDLE_CLOSED;
    let now = if item.handle < 0 {
        closed
    } else {
        // SAFETY: Used for one call, which any descriptor may be given.
        let fd = unsafe { BorrowedFd::borrow_raw(item.handle) };
        match wait(fd, 0, i64::MIN) {
            WaitResult::Ok(now) | WaitResult::TimedOut(now) | WaitResult::Canceled(now) => now,
            WaitResult::Err(_) => closed,
        }
    };
    item.pending = now.bits();
}

/// `zx_object_wait_one`; `deadline` in nanoseconds of the monotonic clock.
/// Signals that a handler returns from do not end it.
pub fn wait(fd: BorrowedFd<'_>, signals: u32, deadline: i64) -> WaitResult {
    let mut interrupted = false;
    loop {
        let mut argument = abi::zxvmo_wait {
            signals,
            deadline,
            ..Default::default()
        };
        // SAFETY: The call takes this structure, and there is no address in it.
        let result = unsafe { attempt::<{ abi::ZXVMO_OP_WAIT as Opcode }, _>(fd, &mut argument) };
        let observed = Signals::from_bits_retain(argument.observed);
        return match result {
            Ok(()) => WaitResult::Ok(observed),
            Err(Failure::Status(Status::TIMED_OUT)) => WaitResult::TimedOut(observed),
            Err(Failure::Status(Status::CANCELED)) => WaitResult::Canceled(observed),
            Err(Failure::Status(status)) => WaitResult::Err(status),
            Err(Failure::Transport(Errno::INTR)) => {
                interrupted = true;
                continue;
            }
            // The handle was closed while a signal handler ran.
            Err(Failure::Transport(Errno::BADF | Errno::NOTTY)) if interrupted => {
                WaitResult::Canceled(Signals::HANDLE_CLOSED)
            }
            Err(Failure::Transport(errno)) => WaitResult::Err(Status::from_errno(errno)),
        };
    }
}
