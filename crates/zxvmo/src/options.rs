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
