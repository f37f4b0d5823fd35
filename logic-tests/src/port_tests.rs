// SPDX-License-Identifier: GPL-2.0

//! Ports and signals beside a model: which packets come, in which order, and what is still
//! observed.

use crate::{
    cases,
    endpoint::Endpoint,
    handle::Handle,
    object::Object,
    port::{Port, READABLE},
    rights::Rights,
    status::Status,
    sys::uapi,
};
use kernel::{prelude::*, sync::Arc};
use proptest::prelude::*;
use std::collections::VecDeque;

const OBJECTS: usize = 2;
const KEYS: u64 = 3;
const SIGNALS: u32 = 0b111 << 24;

#[derive(Clone, Debug)]
enum Op {
    Queue(u64),
    Dequeue,
    /// With which handle, key, signals, on edges only.
    Observe(usize, u64, u32, bool),
    Cancel(usize, u64),
    Change(usize, u32, u32),
    CloseHandle(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let handle = 0..2 * OBJECTS;
    let signals = (0..8u32).prop_map(|bits| bits << 24);
    prop_oneof![
        2 => (0..KEYS).prop_map(Op::Queue),
        4 => Just(Op::Dequeue),
        4 => (handle.clone(), 0..KEYS, signals.clone(), any::<bool>())
            .prop_map(|(handle, key, signals, edge)| Op::Observe(handle, key, signals, edge)),
        2 => (handle.clone(), 0..KEYS).prop_map(|(handle, key)| Op::Cancel(handle, key)),
        4 => (0..OBJECTS, signals.clone(), signals)
            .prop_map(|(object, clear, set)| Op::Change(object, clear, set)),
        1 => handle.prop_map(Op::CloseHandle),
    ]
}

/// What is observed, in the order in which it was asked for.
struct Observed {
    handle: usize,
    key: u64,
    signals: u32,
}

/// What a packet has to be: the handle that it came through, unless it is a user's; what was waited
/// for and what was asserted.
#[derive(PartialEq, Eq, Debug)]
struct Packet {
    key: u64,
    from: Option<(usize, u32, u32)>,
}

struct World {
    port: Arc<Port>,
    handles: Vec<Option<Handle>>,
    asserted: [u32; OBJECTS],
    observed: Vec<Observed>,
    packets: VecDeque<Packet>,
}

impl World {
    fn new() -> Self {
        let objects: Vec<Object> = (0..OBJECTS)
            .filter_map(|_| Arc::pin_init(Endpoint::new(), GFP_KERNEL).ok().map(Object))
            .collect();
        // Each object has two handles.
        let handles = (0..2 * OBJECTS).map(|at| {
            let object = objects[at % OBJECTS].clone();
            Some(Handle::to_object(object, Rights::WAIT, 100 + at as u64))
        });
        let Ok(port) = Port::create(0) else {
            panic!("no memory");
        };
        Self {
            port,
            handles: handles.collect(),
            asserted: [0; OBJECTS],
            observed: Vec::new(),
            packets: VecDeque::new(),
        }
    }

    fn packet(handle: usize, key: u64, signals: u32, asserted: u32) -> Packet {
        let from = Some((handle, signals, asserted));
        Packet { key, from }
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Queue(key) => {
                let packet = uapi::zxvmo_port_packet {
                    key,
                    ..Default::default()
                };
                assert_eq!(self.port.queue(packet), Ok(()));
                self.packets.push_back(Packet { key, from: None });
            }
            Op::Dequeue => {
                let expected = self.packets.pop_front();
                let packet = self.port.dequeue();
                assert_eq!(packet.is_some(), expected.is_some());
                let (Some(packet), Some(expected)) = (packet, expected) else {
                    return;
                };
                assert_eq!(packet.key, expected.key);
                match expected.from {
                    None => assert_eq!(packet.type_, uapi::ZX_PKT_TYPE_USER),
                    Some((_, signals, asserted)) => {
                        assert_eq!(packet.type_, uapi::ZX_PKT_TYPE_SIGNAL_ONE);
                        let seen = u64::from(signals) | u64::from(asserted) << 32;
                        assert_eq!(packet.payload[..2], [seen, 1]);
                    }
                }
            }
            Op::Observe(handle, key, signals, edge) => {
                let Some(through) = &self.handles[handle] else {
                    return;
                };
                let args = uapi::zxvmo_wait_async {
                    key,
                    signals,
                    options: if edge { uapi::ZX_WAIT_ASYNC_EDGE } else { 0 },
                    ..Default::default()
                };
                assert_eq!(self.port.observe(through, &args), Ok(()));
                let asserted = self.asserted[handle % OBJECTS];
                if !edge && asserted & signals != 0 {
                    let packet = Self::packet(handle, key, signals, asserted);
                    self.packets.push_back(packet);
                } else {
                    self.observed.push(Observed {
                        handle,
                        key,
                        signals: signals | u32::from(edge),
                    });
                }
            }
            Op::Cancel(handle, key) => {
                let Some(through) = &self.handles[handle] else {
                    return;
                };
                let before = self.observed.len() + self.packets.len();
                self.observed
                    .retain(|observed| (observed.handle, observed.key) != (handle, key));
                let came = |packet: &Packet| packet.from.is_some_and(|(from, ..)| from == handle);
                self.packets
                    .retain(|packet| !(came(packet) && packet.key == key));
                let found = self.observed.len() + self.packets.len() < before;
                let expected = if found {
                    Ok(())
                } else {
                    Err(Status::NOT_FOUND)
                };
                assert_eq!(self.port.cancel(through, key), expected);
            }
            Op::Change(object, clear, set) => {
                let old = self.asserted[object];
                let new = old & !clear | set;
                self.asserted[object] = new;
                if let Some(Ok(signals)) = self.handles[object].as_ref().map(Handle::object) {
                    signals.signals().change(clear, set);
                } else if let Some(Ok(signals)) =
                    self.handles[object + OBJECTS].as_ref().map(Handle::object)
                {
                    signals.signals().change(clear, set);
                } else {
                    return;
                }
                if new == old {
                    return;
                }
                let packets = &mut self.packets;
                self.observed.retain(|observed| {
                    let edge = observed.signals & 1 != 0;
                    let counts = if edge { new & !old } else { new };
                    let signals = observed.signals & SIGNALS;
                    if observed.handle % OBJECTS != object || signals & counts == 0 {
                        return true;
                    }
                    packets.push_back(Self::packet(observed.handle, observed.key, signals, new));
                    false
                });
            }
            Op::CloseHandle(handle) => {
                // Observations end with the handle; packets stay.
                if let Some(closed) = self.handles[handle].take() {
                    if let Ok(object) = closed.object() {
                        object.signals().handle_closed(closed.id(), true);
                    }
                    self.observed.retain(|observed| observed.handle != handle);
                }
            }
        }
    }

    fn check(&self) {
        let readable = self.port.endpoint().signals().asserted() & READABLE != 0;
        assert_eq!(readable, !self.packets.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(2000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    // Nothing here is what Miri is for, and it takes long.
    #[cfg_attr(miri, ignore)]
    #[test]
    fn follow_the_model(ops in prop::collection::vec(op(), 1..80)) {
        let mut world = World::new();
        for op in &ops {
            world.run(op);
            world.check();
        }
        // What is observed keeps its object, and nothing else does.
        for (handle, observed) in world.handles.iter().enumerate() {
            if let Some(Ok(object)) = observed.as_ref().map(Handle::object) {
                let open = [handle, (handle + OBJECTS) % (2 * OBJECTS)];
                let open = open.iter().filter(|at| world.handles[**at].is_some()).count();
                let pending = world.observed.iter().filter(|at| at.handle % OBJECTS == handle % OBJECTS);
                prop_assert_eq!(Arc::strong_count(&object.0), open + pending.count());
            }
        }
        // With its last handle the port forgets all; what it observed holds it no more.
        world.port.handle_dropped();
        prop_assert_eq!(Arc::strong_count(&world.port), 1);
        prop_assert_eq!(world.port.queue(Default::default()), Err(Status::BAD_HANDLE));
    }
}

/// A port takes so many packets of users and no more, until one is taken out.
#[cfg_attr(miri, ignore)]
#[test]
fn packets_are_limited() {
    let Ok(port) = Port::create(0) else {
        panic!("no memory");
    };
    assert_eq!(Port::create(1).err(), Some(Status::INVALID_ARGS));
    for _ in 0..uapi::ZXVMO_PORT_MAX_PACKETS {
        assert_eq!(port.queue(Default::default()), Ok(()));
    }
    assert_eq!(port.queue(Default::default()), Err(Status::SHOULD_WAIT));
    assert!(port.dequeue().is_some());
    assert_eq!(port.queue(Default::default()), Ok(()));
}
