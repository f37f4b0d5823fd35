// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::abi;

bitflags::bitflags! {
    /// What a handle may be used for (spec section 2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct Rights: u32 {
        /// No rights: the handle can be closed, replaced and asked for its size.
        const NONE = abi::ZX_RIGHT_NONE;
        /// May be duplicated; also needed to create a child.
        const DUPLICATE = abi::ZX_RIGHT_DUPLICATE;
        /// May be sent to another process.
        const TRANSFER = abi::ZX_RIGHT_TRANSFER;
        /// May be read and mapped for reading.
        const READ = abi::ZX_RIGHT_READ;
        /// May be written, resized and mapped for writing.
        const WRITE = abi::ZX_RIGHT_WRITE;
        /// May be mapped for execution.
        const EXECUTE = abi::ZX_RIGHT_EXECUTE;
        /// May be mapped.
        const MAP = abi::ZX_RIGHT_MAP;
        /// Properties may be got.
        const GET_PROPERTY = abi::ZX_RIGHT_GET_PROPERTY;
        /// Properties may be set.
        const SET_PROPERTY = abi::ZX_RIGHT_SET_PROPERTY;
        /// Objects inside may be looked up; never granted on a VMO.
        const ENUMERATE = abi::ZX_RIGHT_ENUMERATE;
        /// User signals may be set and cleared.
        const SIGNAL = abi::ZX_RIGHT_SIGNAL;
        /// Signals of the other end may be set; only granted on pairs of events.
        const SIGNAL_PEER = abi::ZX_RIGHT_SIGNAL_PEER;
        /// Signals may be waited for.
        const WAIT = abi::ZX_RIGHT_WAIT;
        /// Handles may be counted.
        const INSPECT = abi::ZX_RIGHT_INSPECT;
        /// Regions may be made and destroyed inside; a right of VMARs.
        const OP_CHILDREN = abi::ZX_RIGHT_OP_CHILDREN;
        /// A resizable VMO may be resized.
        const RESIZE = abi::ZX_RIGHT_RESIZE;
        /// In a request only: the rights of the source, all of them.
        const SAME_RIGHTS = abi::ZX_RIGHT_SAME_RIGHTS;

        /// TRANSFER, DUPLICATE, WAIT, INSPECT.
        const BASIC = abi::ZX_RIGHTS_BASIC;
        /// READ, WRITE.
        const IO = abi::ZX_RIGHTS_IO;
        /// GET_PROPERTY, SET_PROPERTY.
        const PROPERTY = abi::ZX_RIGHTS_PROPERTY;
        /// What a new VMO's handle has; RESIZE is added if it is resizable.
        const VMO_DEFAULT = abi::ZX_DEFAULT_VMO_RIGHTS;
        /// What a new event's handle has.
        const EVENT_DEFAULT = abi::ZX_DEFAULT_EVENT_RIGHTS;
        /// What a new port's handle has.
        const PORT_DEFAULT = abi::ZX_DEFAULT_PORT_RIGHTS;
        /// What the handles of a new pair of events have.
        const EVENTPAIR_DEFAULT = abi::ZX_DEFAULT_EVENTPAIR_RIGHTS;

        /// What a new stream's handle has; READ and WRITE are added by its mode.
        const STREAM_DEFAULT = abi::ZX_DEFAULT_STREAM_RIGHTS;

        // Bits that have no name here are kept as they are.
        const _ = !0;
    }
}
