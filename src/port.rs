// SPDX-License-Identifier: GPL-2.0

//! Ports: queues of packets, which users put there or which tell of signals (`zx_port_create`,
//! `zx_port_queue`, `zx_port_cancel`, `zx_object_wait_async`).
//!
//! An observation belongs to the handle that it was asked for with, and ends with it. It keeps its
//! object only while it lasts. Memory for its packet is there from the beginning, so that a match
//! is never lost.
//!
//! A port that has packets asserts [`READABLE`] on itself: this is what `zx_port_wait` and poll(2)
//! wait for. Lock order: the signals of an observed object; [`Port::state`]; those of the port.
#![deny(unsafe_code)]

use crate::{
    endpoint::Endpoint,
    handle::Handle,
    object::Object,
    rights::Rights,
    signals::{new_ids, Observation, Observer, Signals},
    status::{Status, ZxResult},
    sys::{limit::Charge, uapi, wait::monotonic_now},
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation},
    sync::{Arc, Mutex},
};

/// Asserted while there are packets; no user sees it but through poll(2), as POLLIN.
pub(crate) const READABLE: u32 = uapi::ZX_EVENT_SIGNALED;

/// Packets of users that a port holds at most.
const MAX_USER_PACKETS: u32 = uapi::ZXVMO_PORT_MAX_PACKETS;

/// Observations that a port has at most, with the packets that came of them.
const MAX_OBSERVATIONS: u32 = uapi::ZXVMO_PORT_MAX_OBSERVATIONS;

/// See the head of this file.
#[pin_data]
pub(crate) struct Port {
    #[pin]
    endpoint: Endpoint,
    /// Of whoever made the port, who pays for what is in it as well.
    charge: Charge,
    #[pin]
    state: Mutex<State>,
}

struct State {
    /// The last handle is gone: nothing comes in any more.
    closed: bool,
    /// In the order of arrival.
    packets: RBTree<u64, Queued>,
    arrivals: u64,
    /// Those among them that users put there.
    user_packets: u32,
    /// By id of the observation.
    pending: RBTree<u64, Pending>,
    /// What is pending, and the packets that came of such.
    observations: u32,
}

struct Queued {
    packet: uapi::zxvmo_port_packet,
    /// The id of the handle that was observed through; 0 for a user's packet.
    handle: u64,
    _charge: Charge,
}

struct Pending {
    source: Object,
    handle: u64,
    key: u64,
    trigger: u32,
    timestamp: bool,
    charge: Charge,
    spare: RBTreeNodeReservation<u64, Queued>,
}

impl State {
    fn push(&mut self, spare: RBTreeNodeReservation<u64, Queued>, queued: Queued) {
        self.packets.insert(spare.into_node(self.arrivals, queued));
        self.arrivals += 1;
    }

    /// A packet has left.
    fn forget(&mut self, queued: &Queued) {
        if queued.handle == 0 {
            self.user_packets -= 1;
        } else {
            self.observations -= 1;
        }
    }

    fn remove_pending(&mut self, id: u64) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.observations -= 1;
        Some(pending)
    }

    /// The first pending observation from id `from` on, through this handle and with this key.
    fn find_pending(&self, mut from: u64, handle: u64, key: u64) -> Option<u64> {
        while let Some(cursor) = self.pending.cursor_lower_bound(&from) {
            let (&id, pending) = cursor.current();
            if pending.handle == handle && pending.key == key {
                return Some(id);
            }
            from = id + 1;
        }
        None
    }

    /// Removes the packets that came through this handle with this key; whether there were any.
    fn remove_packets(&mut self, handle: u64, key: u64) -> bool {
        let (mut found, mut next) = (false, 0);
        while let Some(cursor) = self.packets.cursor_lower_bound_mut(&next) {
            let (&arrival, queued) = cursor.current();
            if queued.handle == handle && queued.packet.key == key {
                cursor.remove_current();
                self.observations -= 1;
                found = true;
            }
            next = arrival + 1;
        }
        found
    }
}

impl Port {
    /// `zx_port_create`.
    pub(crate) fn create(options: u32) -> ZxResult<Arc<Self>> {
        if options != 0 {
            return Err(Status::INVALID_ARGS);
        }
        let charge = Charge::take()?;
        let port = pin_init!(Self {
            charge,
            endpoint <- Endpoint::with_signals(Signals::of_port()),
            state <- new_mutex!(
                State {
                    closed: false,
                    packets: RBTree::new(),
                    arrivals: 0,
                    user_packets: 0,
                    pending: RBTree::new(),
                    observations: 0,
                },
                "zxvmo_port"
            ),
        });
        Ok(Arc::pin_init(port, GFP_KERNEL_ACCOUNT)?)
    }

    /// Its identity and handles.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A handle was closed. With the last one all observations end.
    pub(crate) fn handle_dropped(&self) {
        if !self.endpoint.handle_dropped() {
            return;
        }
        let (pending, packets) = {
            let mut state = self.state.lock();
            state.closed = true;
            (
                core::mem::replace(&mut state.pending, RBTree::new()),
                core::mem::replace(&mut state.packets, RBTree::new()),
            )
        };
        for (&id, pending) in pending.iter() {
            pending.source.signals().forget(id);
        }
        drop(packets);
    }

    /// `zx_port_queue`: SHOULD_WAIT if there are too many packets of users already.
    pub(crate) fn queue(&self, mut packet: uapi::zxvmo_port_packet) -> ZxResult {
        packet.type_ = uapi::ZX_PKT_TYPE_USER;
        let charge = self.charge.another().map_err(|_| Status::NO_MEMORY)?;
        let spare = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
        let mut state = self.state.lock();
        if state.closed {
            return Err(Status::BAD_HANDLE);
        }
        if state.user_packets >= MAX_USER_PACKETS {
            return Err(Status::SHOULD_WAIT);
        }
        state.user_packets += 1;
        let queued = Queued {
            packet,
            handle: 0,
            _charge: charge,
        };
        state.push(spare, queued);
        self.endpoint.signals().change(0, READABLE);
        Ok(())
    }

    /// The oldest packet, if there is one.
    pub(crate) fn dequeue(&self) -> Option<uapi::zxvmo_port_packet> {
        let mut state = self.state.lock();
        let cursor = state.packets.cursor_front_mut()?;
        let (_, node) = cursor.remove_current();
        let (_, queued) = node.to_key_value();
        state.forget(&queued);
        if state.packets.is_empty() {
            self.endpoint.signals().change(READABLE, 0);
        }
        Some(queued.packet)
    }

    /// `zx_object_wait_async` through `source`, whose options are good: NO_MEMORY also if there
    /// are too many observations already.
    pub(crate) fn observe(
        self: &Arc<Self>,
        source: &Handle,
        args: &uapi::zxvmo_wait_async,
    ) -> ZxResult {
        let object = source.object_with(Rights::WAIT)?;
        let (id, handle) = (new_ids(1), source.id());
        let pending = Pending {
            source: object.clone(),
            handle,
            key: args.key,
            trigger: args.signals,
            timestamp: args.options & uapi::ZX_WAIT_ASYNC_TIMESTAMP != 0,
            charge: self.charge.another().map_err(|_| Status::NO_MEMORY)?,
            spare: RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?,
        };
        let node = RBTreeNode::new(id, pending, GFP_KERNEL_ACCOUNT)?;
        {
            let mut state = self.state.lock();
            if state.closed {
                return Err(Status::BAD_HANDLE);
            }
            if state.observations >= MAX_OBSERVATIONS {
                return Err(Status::NO_MEMORY);
            }
            state.observations += 1;
            state.pending.insert(node);
        }
        let observation = Observation {
            handle,
            wanted: args.signals,
            edge: args.options & uapi::ZX_WAIT_ASYNC_EDGE != 0,
            observer: self.clone(),
        };
        if let Err(status) = object.signals().observe(id, observation) {
            let pending = self.state.lock().remove_pending(id);
            drop(pending);
            return Err(status);
        }
        // Whoever closed one of the two meanwhile may have looked too early.
        if self.state.lock().closed {
            object.signals().forget(id);
        }
        if source.object().is_err() {
            object.signals().handle_closed(handle, true);
        }
        Ok(())
    }

    /// `zx_port_cancel` of what was asked for through `source` with `key`: NOT_FOUND.
    pub(crate) fn cancel(&self, source: &Handle, key: u64) -> ZxResult {
        let object = source.object_with(Rights::WAIT)?;
        let (handle, mut next, mut found) = (source.id(), 0, false);
        loop {
            let mut state = self.state.lock();
            let Some(id) = state.find_pending(next, handle, key) else {
                found |= state.remove_packets(handle, key);
                if state.packets.is_empty() {
                    self.endpoint.signals().change(READABLE, 0);
                }
                break;
            };
            let pending = state.remove_pending(id);
            drop(state);
            drop(pending);
            object.signals().forget(id);
            (next, found) = (id + 1, true);
        }
        if found {
            Ok(())
        } else {
            Err(Status::NOT_FOUND)
        }
    }
}

impl Observer for Port {
    fn matched(&self, id: u64, asserted: u32) {
        let mut state = self.state.lock();
        let Some(pending) = state.pending.remove(&id) else {
            return;
        };
        let timestamp = if pending.timestamp {
            monotonic_now() as u64
        } else {
            0
        };
        let packet = uapi::zxvmo_port_packet {
            key: pending.key,
            type_: uapi::ZX_PKT_TYPE_SIGNAL_ONE,
            status: 0,
            payload: [
                u64::from(pending.trigger) | u64::from(asserted) << 32,
                1,
                timestamp,
                0,
            ],
        };
        let queued = Queued {
            packet,
            handle: pending.handle,
            _charge: pending.charge,
        };
        state.push(pending.spare, queued);
        self.endpoint.signals().change(0, READABLE);
    }

    fn closed(&self, id: u64, gone: bool) -> bool {
        if gone {
            let pending = self.state.lock().remove_pending(id);
            drop(pending);
        }
        !gone
    }
}
