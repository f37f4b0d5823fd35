// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::abi;

bitflags::bitflags! {
    /// Options of [`Vmo::create_with_opts`](crate::Vmo::create_with_opts).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct VmoOptions: u32 {
        /// The size can be changed later.
        const RESIZABLE = abi::ZX_VMO_RESIZABLE;
        /// The kernel may discard the content while it is not locked.
        const DISCARDABLE = abi::ZX_VMO_DISCARDABLE;
        /// For pagers only: always INVALID_ARGS here.
        const TRAP_DIRTY = abi::ZX_VMO_TRAP_DIRTY;
        /// The size is the largest there is; the size asked for becomes the stream size.
        const UNBOUNDED = abi::ZX_VMO_UNBOUNDED;

        const _ = !0;
    }
}

bitflags::bitflags! {
    /// Options of [`Vmo::create_child`](crate::Vmo::create_child): exactly one
    /// kind, and RESIZABLE or NO_WRITE (spec section 8.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct VmoChildOptions: u32 {
        /// A kind: a private copy of the parent as it is now.
        const SNAPSHOT = abi::ZX_VMO_CHILD_SNAPSHOT;
        /// A kind: pages that the child has not written may change with the
        /// parent. Without a pager, as SNAPSHOT.
        const SNAPSHOT_AT_LEAST_ON_WRITE = abi::ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE;
        /// A kind: pages that nobody has modified may change with the parent.
        /// Without a pager, as SNAPSHOT.
        const SNAPSHOT_MODIFIED = abi::ZX_VMO_CHILD_SNAPSHOT_MODIFIED;
        /// A kind: a range of the parent's own memory.
        const SLICE = abi::ZX_VMO_CHILD_SLICE;
        /// A kind: all of the parent's own memory and its size.
        const REFERENCE = abi::ZX_VMO_CHILD_REFERENCE;
        /// The size can be changed through the new handle; not with SLICE.
        const RESIZABLE = abi::ZX_VMO_CHILD_RESIZABLE;
        /// The new handle lacks the right WRITE.
        const NO_WRITE = abi::ZX_VMO_CHILD_NO_WRITE;

        const _ = !0;
    }
}

/// An operation of [`Vmo::op_range`](crate::Vmo::op_range) (spec section 7.1).
/// ZX_VMO_OP_LOCK, which has a result, is [`Vmo::lock`](crate::Vmo::lock).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct VmoOp(u32);

impl VmoOp {
    /// Give every page its memory. Needs WRITE.
    pub const COMMIT: Self = Self(abi::ZX_VMO_OP_COMMIT);
    /// Give pages back: they read as zero. Whole pages only. Needs WRITE.
    pub const DECOMMIT: Self = Self(abi::ZX_VMO_OP_DECOMMIT);
    /// Undo a lock of a discardable VMO. Needs READ or WRITE.
    pub const UNLOCK: Self = Self(abi::ZX_VMO_OP_UNLOCK);
    /// Make what was written visible to instruction fetches. Needs READ.
    pub const CACHE_SYNC: Self = Self(abi::ZX_VMO_OP_CACHE_SYNC);
    /// Drop cache lines. Needs WRITE.
    pub const CACHE_INVALIDATE: Self = Self(abi::ZX_VMO_OP_CACHE_INVALIDATE);
    /// Write cache lines back. Needs READ.
    pub const CACHE_CLEAN: Self = Self(abi::ZX_VMO_OP_CACHE_CLEAN);
    /// Write cache lines back and drop them. Needs READ.
    pub const CACHE_CLEAN_INVALIDATE: Self = Self(abi::ZX_VMO_OP_CACHE_CLEAN_INVALIDATE);
    /// Fill with zeros. Needs WRITE.
    pub const ZERO: Self = Self(abi::ZX_VMO_OP_ZERO);
    /// Lock a discardable VMO, unless it was discarded: UNAVAILABLE. Needs
    /// READ or WRITE.
    pub const TRY_LOCK: Self = Self(abi::ZX_VMO_OP_TRY_LOCK);
    /// The content will not be needed soon. Needs no right.
    pub const DONT_NEED: Self = Self(abi::ZX_VMO_OP_DONT_NEED);
    /// The content will always be needed. Needs no right.
    pub const ALWAYS_NEED: Self = Self(abi::ZX_VMO_OP_ALWAYS_NEED);
    /// The content will be needed soon. Needs READ.
    pub const PREFETCH: Self = Self(abi::ZX_VMO_OP_PREFETCH);

    /// The number.
    pub const fn into_raw(self) -> u32 {
        self.0
    }
}

/// How the memory of a VMO is cached (spec section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct CachePolicy(u32);

impl CachePolicy {
    /// As all memory is.
    pub const CACHED: Self = Self(abi::ZX_CACHE_POLICY_CACHED);
    /// Not at all.
    pub const UNCACHED: Self = Self(abi::ZX_CACHE_POLICY_UNCACHED);
    /// Not at all, as the registers of a device.
    pub const UNCACHED_DEVICE: Self = Self(abi::ZX_CACHE_POLICY_UNCACHED_DEVICE);
    /// Writes are collected, reads not cached.
    pub const WRITE_COMBINING: Self = Self(abi::ZX_CACHE_POLICY_WRITE_COMBINING);

    /// The number.
    pub const fn into_raw(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }
}

/// An operation of [`Mapping::op_range`](crate::Mapping::op_range) (spec
/// section 17). What it needs is what the VMO's handle had when it was mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct VmarOp(u32);

impl VmarOp {
    /// Give every page its memory and enter it into the page table, so that
    /// no access faults. Needs WRITE.
    pub const COMMIT: Self = Self(abi::ZX_VMAR_OP_COMMIT);
    /// Give pages back: they read as zero. Needs WRITE.
    pub const DECOMMIT: Self = Self(abi::ZX_VMAR_OP_DECOMMIT);
    /// Enter into the page table what has its memory already. Needs no right.
    pub const MAP_RANGE: Self = Self(abi::ZX_VMAR_OP_MAP_RANGE);
    /// Fill with zeros. Needs WRITE.
    pub const ZERO: Self = Self(abi::ZX_VMAR_OP_ZERO);
    /// The content will not be needed soon. Needs no right.
    pub const DONT_NEED: Self = Self(abi::ZX_VMAR_OP_DONT_NEED);
    /// The content will always be needed. Needs no right.
    pub const ALWAYS_NEED: Self = Self(abi::ZX_VMAR_OP_ALWAYS_NEED);
    /// The content will be needed soon. Needs READ.
    pub const PREFETCH: Self = Self(abi::ZX_VMAR_OP_PREFETCH);

    /// The number.
    pub const fn into_raw(self) -> u32 {
        self.0
    }
}

/// What [`Vmo::lock`](crate::Vmo::lock) has found. In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmoLockState {
    /// Where the locked range starts.
    pub offset: u64,
    /// The size of the locked range.
    pub size: u64,
    /// Where the range starts whose content was discarded.
    pub discarded_offset: u64,
    /// The size of the range whose content was discarded; 0 if all is there.
    pub discarded_size: u64,
}

impl From<abi::zxvmo_lock_state> for VmoLockState {
    fn from(raw: abi::zxvmo_lock_state) -> Self {
        Self {
            offset: raw.offset,
            size: raw.size,
            discarded_offset: raw.discarded_offset,
            discarded_size: raw.discarded_size,
        }
    }
}

bitflags::bitflags! {
    /// Options of [`Stream::create`](crate::Stream::create) (spec section 24.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct StreamOptions: u32 {
        /// May be read; needs the right READ.
        const MODE_READ = abi::ZX_STREAM_MODE_READ;
        /// May be written; needs the right WRITE.
        const MODE_WRITE = abi::ZX_STREAM_MODE_WRITE;
        /// Writes go to the end of the content, wherever the position is.
        const MODE_APPEND = abi::ZX_STREAM_MODE_APPEND;

        const _ = !0;
    }
}

bitflags::bitflags! {
    /// Options of [`Stream::write`](crate::Stream::write).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct StreamWriteOptions: u32 {
        /// Write to the end of the content, wherever the position is.
        const APPEND = abi::ZX_STREAM_APPEND;

        const _ = !0;
    }
}

bitflags::bitflags! {
    /// Options of [`Vmo::map`](crate::Vmo::map) (spec section 13.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct VmarFlags: u32 {
        /// May be read; needs the rights MAP and READ.
        const PERM_READ = abi::ZX_VM_PERM_READ;
        /// May be written, with PERM_READ; needs the right WRITE.
        const PERM_WRITE = abi::ZX_VM_PERM_WRITE;
        /// May be executed, with PERM_READ; needs the right EXECUTE.
        const PERM_EXECUTE = abi::ZX_VM_PERM_EXECUTE;
        /// Map the pages that are committed already, so that they do not fault.
        const MAP_RANGE = abi::ZX_VM_MAP_RANGE;
        /// NOT_SUPPORTED if the VMO is resizable.
        const REQUIRE_NON_RESIZABLE = abi::ZX_VM_REQUIRE_NON_RESIZABLE;
        /// The caller knows that accesses may fault; needed for discardable VMOs.
        const ALLOW_FAULTS = abi::ZX_VM_ALLOW_FAULTS;
        /// Accesses beyond the stream size, rounded up to pages, fault.
        const FAULT_BEYOND_STREAM_SIZE = abi::ZX_VM_FAULT_BEYOND_STREAM_SIZE;

        const _ = !0;
    }
}
