// SPDX-License-Identifier: GPL-2.0

//! A mapping being made, and what it may ever do.

use super::{c, cache::CacheMode, file::File, mapping_table::Mapped, vma::AddressSpace};
use core::marker::PhantomData;
use kernel::{bindings, ffi::c_ulong, prelude::*};

/// What happens when a page that is mapped read-only is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The owner is asked.
    FirstWrite,
    /// Nothing: there are no such pages in a mapping that may be written.
    None,
}

/// What a mapping may ever do, fixed when it is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permissions {
    /// Reads.
    pub(crate) read: bool,
    /// Writes that reach the mapped file.
    pub(crate) write: bool,
    /// Execution.
    pub(crate) execute: bool,
}

/// A mapping being made: the argument of mmap.
pub(crate) struct NewMapping<'a> {
    vma: *mut bindings::vm_area_struct,
    _borrow: PhantomData<&'a mut bindings::vm_area_struct>,
}

impl NewMapping<'_> {
    /// # Safety
    ///
    /// `vma` must be what the kernel passed to `->mmap`, and be used only during that call.
    pub(super) unsafe fn from_raw(vma: *mut bindings::vm_area_struct) -> Self {
        Self {
            vma,
            _borrow: PhantomData,
        }
    }

    fn flags(&self) -> c_ulong {
        // SAFETY: Valid by `from_raw`.
        unsafe { c::zx_vma_flags(self.vma) }
    }

    /// Whether the mapping shares its writes (MAP_SHARED).
    pub(crate) fn is_shared(&self) -> bool {
        self.flags() & c::ZX_C_VM_MAYSHARE != 0
    }

    /// Makes the mapping one of `view`, whose data is a `T`, and limits it for good to `limit`.
    /// `shift` pages are added to the file offset that it begins at. Fails with `EACCES`, and
    /// changes nothing, if the mapping asks for more; with `EINVAL` if it is private and its pages
    /// are not cached, because its copies of them would be; with `EOVERFLOW` if there is no such
    /// offset.
    ///
    /// A mapping of such pages is always trapped: what has a long-term pin may map the pages
    /// for itself, cached.
    pub(crate) fn attach<T: Mapped>(
        self,
        view: &File,
        owner: &T,
        limit: Permissions,
        trap: Trap,
        shift: u64,
    ) -> Result {
        let flags = self.flags();
        let private = !self.is_shared();
        let mut denied = 0;
        for (allowed, now, ever) in [
            (limit.read, c::ZX_C_VM_READ, c::ZX_C_VM_MAYREAD),
            // Writes to a private mapping stay in the process.
            (
                limit.write || private,
                c::ZX_C_VM_WRITE,
                c::ZX_C_VM_MAYWRITE,
            ),
            (limit.execute, c::ZX_C_VM_EXEC, c::ZX_C_VM_MAYEXEC),
        ] {
            if !allowed {
                // SAFETY: Looks at the current task only.
                let implied = now == c::ZX_C_VM_EXEC && unsafe { c::zx_read_implies_exec() };
                if flags & now != 0 && !implied {
                    return Err(EACCES);
                }
                denied |= now | ever;
            }
        }
        // A shared mapping without any hope of writing counts as not writable for the file.
        if !private && !limit.write {
            denied |= c::ZX_C_VM_SHARED;
        }
        // SAFETY: The mapping is being made, so nobody changes it.
        let pgoff = unsafe { (*self.vma).vm_pgoff };
        let pgoff = pgoff.checked_add(shift as c_ulong).ok_or(EOVERFLOW)?;
        // SAFETY: Valid by `from_raw`.
        let space = unsafe { AddressSpace::of(self.vma) };
        let mode = owner.opened(space);
        if private && mode != CacheMode::Cached {
            owner.closed(space);
            return Err(EINVAL);
        }
        // SAFETY: The mapping is being made, so it may be changed; `view` has a reference of the
        // caller's, and the mapping gets one of its own.
        unsafe {
            c::zx_vma_flags_mod(self.vma, c::ZX_C_VM_DONTEXPAND, denied);
            if (*self.vma).vm_file != view.as_raw() {
                c::vma_set_file(self.vma, view.as_raw());
            }
            (*self.vma).vm_pgoff = pgoff;
            (*self.vma).vm_ops = match (trap, mode) {
                (Trap::None, CacheMode::Cached) => &T::table().untrapped,
                _ => &T::table().trapped,
            };
            c::zx_vma_set_cache(self.vma, mode.raw());
        }
        Ok(())
    }
}
