// SPDX-License-Identifier: GPL-2.0

//! Mappings (`struct vm_area_struct`) that exist, and their faults.

use super::{c, large::LARGE_PAGES, leaf::Run, page::Page, rwsem::WriteGuard, PAGE_SHIFT};
use core::{
    marker::PhantomData,
    ops::{Deref, Range},
};
use kernel::{bindings, ffi::c_ulong, prelude::*};

/// Identity of an address space, to count distinct ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressSpace(usize);

impl AddressSpace {
    /// That of a mapping.
    ///
    /// # Safety
    ///
    /// `vma` must be valid.
    pub(super) unsafe fn of(vma: *mut bindings::vm_area_struct) -> Self {
        // SAFETY: By the requirements of this function.
        Self(unsafe { (*vma).vm_mm } as usize)
    }
}

/// How a fault ended.
#[derive(Clone, Copy)]
pub(crate) enum FaultResult {
    /// The page-table entry is as it should be; the access is tried again.
    Done,
    /// There is no memory at this address.
    SigBus,
    /// Memory ran out.
    OutOfMemory,
    /// There is no large folio to be shown.
    Fallback,
}

impl FaultResult {
    pub(super) fn into_raw(self) -> bindings::vm_fault_t {
        match self {
            Self::Done => c::ZX_C_VM_FAULT_NOPAGE,
            Self::SigBus => c::ZX_C_VM_FAULT_SIGBUS,
            Self::OutOfMemory => c::ZX_C_VM_FAULT_OOM,
            Self::Fallback => c::ZX_C_VM_FAULT_FALLBACK,
        }
    }

    fn from_raw(result: bindings::vm_fault_t) -> Self {
        match result {
            c::ZX_C_VM_FAULT_NOPAGE => Self::Done,
            c::ZX_C_VM_FAULT_OOM => Self::OutOfMemory,
            c::ZX_C_VM_FAULT_FALLBACK => Self::Fallback,
            _ => Self::SigBus,
        }
    }
}

/// A mapping that exists: its lock, or the mmap lock, is held for `'a`.
///
/// # Invariants
///
/// `vma` is valid for `'a`, and neither its range nor its flags change meanwhile.
pub(crate) struct Mapping<'a> {
    vma: *mut bindings::vm_area_struct,
    _borrow: PhantomData<&'a bindings::vm_area_struct>,
}

impl<'a> Mapping<'a> {
    /// # Safety
    ///
    /// `vma` must be valid for `'a`, with its lock or the mmap lock held.
    pub(super) unsafe fn from_raw(vma: *mut bindings::vm_area_struct) -> Self {
        // INVARIANT: By the requirements of this function.
        Self {
            vma,
            _borrow: PhantomData,
        }
    }

    /// The mapping, for the operations that its file's owner has (`mapping_table.rs`).
    pub(super) fn as_raw(&self) -> *mut bindings::vm_area_struct {
        self.vma
    }

    fn flags(&self) -> c_ulong {
        // SAFETY: Valid by the type invariants.
        unsafe { c::zx_vma_flags(self.vma) }
    }

    /// Whether the first write to a page is trapped in this mapping.
    pub(crate) fn is_trapped(&self) -> bool {
        // SAFETY: Valid by the type invariants; every mapping has operations or none.
        unsafe { (*self.vma).vm_ops.as_ref() }.is_some_and(|ops| ops.page_mkwrite.is_some())
    }

    /// Whether writes through this mapping go to the mapped file: not so in a MAP_PRIVATE one,
    /// whose first write to a page makes an anonymous copy.
    pub(crate) fn is_shared(&self) -> bool {
        self.flags() & c::ZX_C_VM_MAYSHARE != 0
    }

    /// Whether the mapping permits writing, now.
    pub(crate) fn may_write(&self) -> bool {
        self.flags() & c::ZX_C_VM_WRITE != 0
    }

    /// Whether the mapping permits anything, now.
    pub(crate) fn is_accessible(&self) -> bool {
        self.flags() & (c::ZX_C_VM_READ | c::ZX_C_VM_WRITE | c::ZX_C_VM_EXEC) != 0
    }

    /// The addresses that the mapping covers.
    pub(crate) fn addresses(&self) -> Range<usize> {
        // SAFETY: Valid by the type invariants.
        let range = unsafe { &(*self.vma).__bindgen_anon_1.__bindgen_anon_1 };
        range.vm_start..range.vm_end
    }

    /// The pages of the file that the mapping covers: first and one past the last.
    pub(crate) fn window(&self) -> (u64, u64) {
        // SAFETY: Valid by the type invariants.
        let first = unsafe { (*self.vma).vm_pgoff } as u64;
        (first, first + (self.addresses().len() as u64 >> PAGE_SHIFT))
    }

    /// Enters `page` into the page table as page `index` of the file, which must lie in the
    /// window; writable at once if `write` and the mapping shares its writes. An entry that is
    /// there already must show the same page; it becomes writable if `write`. Where a large folio
    /// is entered as a whole, that is left as it is.
    pub(crate) fn insert(&self, index: u64, page: &Page, write: bool) -> FaultResult {
        let (first, end) = self.window();
        if index < first || index >= end {
            return FaultResult::SigBus;
        }
        let address =
            self.addresses().start as c_ulong + (((index - first) as c_ulong) << PAGE_SHIFT);
        // SAFETY: The mapping's lock is held and the address inside it. The page has a reference
        // of its page map for as long as it is borrowed.
        let result = unsafe {
            c::zx_vma_insert(
                self.vma,
                page.as_raw(),
                address,
                write && self.is_shared() && self.may_write(),
            )
        };
        FaultResult::from_raw(result)
    }
}

impl Mapping<'_> {
    /// Enters the pages of `run` as page `index` of the file and those that follow, which must
    /// lie in the window; writable where [`insert`](Self::insert) would make them so for `write`.
    /// Stops where something is entered already. Returns the number of pages entered.
    pub(crate) fn insert_run(&self, index: u64, run: &Run<'_>, write: bool) -> usize {
        let (first, end) = self.window();
        if index < first || end < index || end - index < run.len() as u64 {
            return 0;
        }
        let address =
            self.addresses().start as c_ulong + (((index - first) as c_ulong) << PAGE_SHIFT);
        // SAFETY: As in `insert`; all addresses are in the mapping, and by the invariants of
        // `Run` there are so many pages.
        let entered = unsafe {
            c::zx_vma_insert_run(
                self.vma,
                run.as_raw(),
                run.len() as c_ulong,
                address,
                write && self.is_shared() && self.may_write(),
            )
        };
        entered as usize
    }

    /// Which of `pages`, 64 at most, have been written to through this mapping, as bits: bit 0 is
    /// for the first. None if the mapping does not cover them all.
    pub(crate) fn written(&self, pages: &Range<u64>) -> u64 {
        let (first, end) = self.window();
        let count = pages.end.saturating_sub(pages.start);
        if pages.start < first || pages.end > end || !(1..=64).contains(&count) {
            return 0;
        }
        let address =
            self.addresses().start as c_ulong + (((pages.start - first) as c_ulong) << PAGE_SHIFT);
        // SAFETY: The mapping's lock is held, and all addresses are in it.
        unsafe { c::zx_vma_written(self.vma, address, count as c_uint) }
    }
}

/// A fault being handled; derefs to the mapping.
pub(crate) struct Fault<'a> {
    vmf: *mut bindings::vm_fault,
    mapping: Mapping<'a>,
}

impl<'a> Deref for Fault<'a> {
    type Target = Mapping<'a>;

    fn deref(&self) -> &Mapping<'a> {
        &self.mapping
    }
}

impl Fault<'_> {
    /// # Safety
    ///
    /// `vmf` must be a fault that the kernel has handed to a mapping's operations, and the result
    /// must be used during that call only.
    pub(super) unsafe fn from_raw(vmf: *mut bindings::vm_fault) -> Self {
        Self {
            vmf,
            // SAFETY: A fault's mapping is valid and its lock held.
            mapping: unsafe { Mapping::from_raw((*vmf).__bindgen_anon_1.vma) },
        }
    }

    /// Page number in the mapped file.
    pub(crate) fn page_index(&self) -> u64 {
        // SAFETY: Valid by `from_raw`.
        unsafe { (*self.vmf).__bindgen_anon_1.pgoff as u64 }
    }

    /// The page of the file at the start of the aligned addresses around the fault that a large folio
    /// takes, if the mapping covers all of them.
    pub(crate) fn large_window(&self) -> Option<u64> {
        const SIZE: usize = LARGE_PAGES << PAGE_SHIFT;

        // SAFETY: Valid by `from_raw`.
        let address = unsafe { (*self.vmf).__bindgen_anon_1.address };
        let (start, covered) = (address & !(SIZE - 1), self.addresses());
        let fits = start >= covered.start && covered.end - start >= SIZE;
        let (first, _) = self.window();
        fits.then(|| first + ((start - covered.start) as u64 >> PAGE_SHIFT))
    }

    /// Enters the large folio that begins with `page` at the [window](Self::large_window) of a fault
    /// for which [`Mapped::fault_large`] was called; as [`insert`](Mapping::insert).
    /// `_exclusive` shows that nobody else enters anything into a mapping of the file meanwhile.
    pub(crate) fn insert_large<T>(
        &self,
        page: &Page,
        write: bool,
        _exclusive: &WriteGuard<'_, T>,
    ) -> FaultResult {
        if page.large_index() != Some(0) || self.large_window().is_none() {
            return FaultResult::Fallback;
        }
        let write = write && self.is_shared() && self.may_write();
        // SAFETY: Of a fault in the mapping, whose lock is held, which covers the folio. The page has
        // a reference of its page map for as long as it is borrowed.
        FaultResult::from_raw(unsafe { c::zx_fault_insert_large(self.vmf, page.as_raw(), write) })
    }

    /// Whether the access was a write.
    pub(crate) fn is_write(&self) -> bool {
        // SAFETY: Valid by `from_raw`.
        unsafe { (*self.vmf).flags & c::ZX_C_FAULT_FLAG_WRITE != 0 }
    }
}
