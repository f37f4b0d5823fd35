// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events and waiting, against the module. Every test fails where it is not
//! loaded.

#![allow(clippy::unwrap_used)]

use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use zxvmo::{
    object_wait_many, Event, EventPair, MonotonicDuration, MonotonicInstant, ObjectType, Packet,
    PacketContents, Port, Rights, SignalPacket, Signals, Status, Vmo, WaitAsyncOpts, WaitItem,
    WaitResult,
};

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;

fn item(handle: BorrowedFd<'_>, waitfor: Signals) -> WaitItem<'_> {
    WaitItem {
        handle,
        waitfor,
        pending: Signals::NONE,
    }
}

#[test]
fn an_event_is_signaled() {
    let event = Event::create().unwrap();
    let info = event.basic_info().unwrap();
    assert_eq!(info.object_type, ObjectType::EVENT);
    assert_eq!(info.rights, Rights::EVENT_DEFAULT);
    let mute = event.duplicate_handle(Rights::WAIT).unwrap();
    let set = |handle: &Event| handle.signal(Signals::NONE, Signals::EVENT_SIGNALED);
    assert_eq!(set(&mute), Err(Status::ACCESS_DENIED));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| mute.wait_one(Signals::EVENT_SIGNALED, FOREVER));
        set(&event).unwrap();
        let end = waiter.join().unwrap();
        assert_eq!(end, WaitResult::Ok(Signals::EVENT_SIGNALED));
    });
    let deaf = event.replace_handle(Rights::SIGNAL).unwrap();
    let end = deaf.wait_one(Signals::EVENT_SIGNALED, PAST);
    assert_eq!(end, WaitResult::Err(Status::ACCESS_DENIED));
}

#[test]
fn ends_of_a_pair_know_each_other() {
    let (left, right) = EventPair::create().unwrap();
    let info = left.basic_info().unwrap();
    assert_eq!(info.object_type, ObjectType::EVENTPAIR);
    assert_eq!(info.rights, Rights::EVENTPAIR_DEFAULT);
    assert_eq!(info.related_koid, right.basic_info().unwrap().koid);
    left.signal_peer(Signals::NONE, Signals::USER_1).unwrap();
    let end = right.wait_one(Signals::USER_1, PAST);
    assert_eq!(end, WaitResult::Ok(Signals::USER_1));
    drop(right);
    let end = left.wait_one(Signals::EVENTPAIR_PEER_CLOSED, PAST);
    assert_eq!(end, WaitResult::Ok(Signals::EVENTPAIR_PEER_CLOSED));
    let result = left.signal_peer(Signals::NONE, Signals::USER_1);
    assert_eq!(result, Err(Status::PEER_CLOSED));
}

#[test]
fn waiting_for_several() {
    let (vmo, event) = (Vmo::create(0).unwrap(), Event::create().unwrap());
    let mut items = [
        item(vmo.as_fd(), Signals::USER_0),
        item(event.as_fd(), Signals::EVENT_SIGNALED),
    ];
    let soon = MonotonicInstant::after(MonotonicDuration::from_millis(5));
    let result = object_wait_many(&mut items, soon);
    assert_eq!(result, Err(Status::TIMED_OUT));
    assert_eq!(items[0].pending, Signals::VMO_ZERO_CHILDREN);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| object_wait_many(&mut items, FOREVER));
        let signaled = Signals::EVENT_SIGNALED;
        event.signal(Signals::NONE, signaled).unwrap();
        event.signal(signaled, Signals::USER_1).unwrap();
        event.signal(Signals::NONE, signaled).unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(false));
    });
    assert!(items[1].pending.contains(Signals::EVENT_SIGNALED));
    let mut many = vec![items[0]; 65];
    let result = object_wait_many(&mut many, PAST);
    assert_eq!(result, Err(Status::OUT_OF_RANGE));
    let null = std::fs::File::open("/dev/null").unwrap();
    let mut bad = [items[1], item(null.as_fd(), Signals::USER_0)];
    let result = object_wait_many(&mut bad, PAST);
    assert_eq!(result, Err(Status::BAD_HANDLE));
}

#[test]
fn packets_of_a_port() {
    let (port, event) = (Port::create().unwrap(), Event::create().unwrap());
    let mut bytes = [0; 32];
    bytes[..5].copy_from_slice(b"hello");
    let sent = Packet {
        key: 1,
        status: -3,
        contents: PacketContents::User(bytes),
    };
    port.queue(&sent).unwrap();
    assert_eq!(port.wait(PAST), Ok(sent));
    assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));

    let wanted = Signals::EVENT_SIGNALED | Signals::USER_0;
    let once = WaitAsyncOpts::empty();
    for key in [2, 3] {
        port.wait_async(event.as_fd(), key, wanted, once).unwrap();
    }
    port.cancel(event.as_fd(), 3).unwrap();
    assert_eq!(port.cancel(event.as_fd(), 3), Err(Status::NOT_FOUND));
    event.signal(Signals::NONE, Signals::USER_0).unwrap();
    let got = port.wait(FOREVER).unwrap();
    let told = SignalPacket {
        trigger: wanted,
        observed: Signals::USER_0,
        timestamp: MonotonicInstant::from_nanos(0),
    };
    assert_eq!(
        (got.key, got.contents),
        (2, PacketContents::SignalOne(told))
    );
    assert_eq!(port.queue(&got), Err(Status::INVALID_ARGS));
    assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));
}
