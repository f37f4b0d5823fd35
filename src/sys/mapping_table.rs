// SPDX-License-Identifier: GPL-2.0

//! The operations of mappings.
//!
//! The file of a mapping carries an owner of type `T: Mapped`, which hears of every mapping made
//! (mmap, fork, a split) and gone, and resolves its faults.
//!
//! There are two kinds. In a *trapped* mapping a read-only entry may show a page that is shared or
//! the page of zeros, and the first write to it asks [`Mapped::make_writable`]. The kernel refuses
//! long-term pins for writing (FOLL_LONGTERM) in these. An *untrapped* mapping has no such
//! callback: while it is writable, every page in it must be one that may be written, and
//! [`Mapped::write_permitted`] is asked to take the others away before mprotect(2) makes it so.
//!
//! VM_DONTEXPAND keeps these mappings from being merged, mlocked, write-protected by userfaultfd
//! or collected into huge pages, none of which knows our pages.

use super::{
    c,
    cache::CacheMode,
    vma::{AddressSpace, Fault, FaultResult, Mapping},
    PAGE_SHIFT,
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{c_int, c_uint, c_ulong},
};

/// What the file of a mapping carries.
pub(crate) trait Mapped: Sync + Sized + 'static {
    /// The one table of these mappings: it tells them from all others.
    fn table() -> &'static MappingTable<Self>;

    /// A mapping was made in `mm`. Returns how its pages are cached, which must not change until
    /// it and all others are gone.
    fn opened(&self, mm: AddressSpace) -> CacheMode;

    /// A mapping in `mm` is gone. Called under the mmap lock.
    fn closed(&self, mm: AddressSpace);

    /// Nothing is mapped at the fault's address.
    fn fault(&self, fault: &Fault<'_>) -> FaultResult;

    /// Nothing is mapped in the 2 MiB that the fault's address is in, or a large folio is, read-only,
    /// and about to be written. [`FaultResult::Fallback`] has the page alone looked for.
    fn fault_large(&self, fault: &Fault<'_>) -> FaultResult;

    /// A read-only page is mapped at the fault's address and about to be written, in a shared
    /// mapping that is writable. Trapped mappings only.
    fn make_writable(&self, fault: &Fault<'_>) -> FaultResult;

    /// A shared mapping of `count` pages from `first` on is about to become writable: no page may
    /// stay in its page table. Untrapped mappings only; faults in the mapping wait meanwhile.
    fn write_permitted(&self, first: u64, count: u64);
}

impl<'a> Mapping<'a> {
    /// What the mapping's file carries, if that is a `T`.
    pub(crate) fn owner<T: Mapped>(&self) -> Option<&'a T> {
        let table = T::table();
        // SAFETY: Valid by the type invariants. Mappings with these operations are those that
        // `attach` made: their file carries a `T` and lives as long as they do.
        unsafe {
            let operations = (*self.as_raw()).vm_ops;
            (core::ptr::eq(operations, &table.trapped)
                || core::ptr::eq(operations, &table.untrapped))
            .then(|| MappingTable::<T>::owner(self.as_raw()))
        }
    }
}

/// The operations of mappings whose file carries a `T`. Make one, as a `static`: its address
/// identifies the mappings.
pub(crate) struct MappingTable<T> {
    pub(super) untrapped: bindings::vm_operations_struct,
    pub(super) trapped: bindings::vm_operations_struct,
    _owner: PhantomData<fn(T)>,
}

// SAFETY: The table is constant.
unsafe impl<T> Sync for MappingTable<T> {}

impl<T: Mapped> MappingTable<T> {
    const UNTRAPPED: bindings::vm_operations_struct = bindings::vm_operations_struct {
        open: Some(Self::open),
        close: Some(Self::close),
        mprotect: Some(Self::mprotect),
        fault: Some(Self::fault),
        huge_fault: Some(Self::huge_fault),
        // Without it the core takes the mmap lock for every fault, instead of the mapping's.
        map_pages: Some(Self::map_pages),
        ..pin_init::zeroed()
    };

    /// Makes the table.
    pub(crate) const fn new() -> Self {
        Self {
            untrapped: Self::UNTRAPPED,
            trapped: bindings::vm_operations_struct {
                mprotect: None,
                page_mkwrite: Some(Self::page_mkwrite),
                ..Self::UNTRAPPED
            },
            _owner: PhantomData,
        }
    }

    /// # Safety
    ///
    /// `vma` must be a mapping with these operations, so that its file's data is a `T`; the file
    /// lives as long as the mapping.
    unsafe fn owner<'a>(vma: *mut bindings::vm_area_struct) -> &'a T {
        // SAFETY: By the requirements of this function.
        unsafe { &*(*(*vma).vm_file).private_data.cast::<T>() }
    }

    /// `vm_operations_struct::open`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn open(vma: *mut bindings::vm_area_struct) {
        // SAFETY: Called by the kernel with a mapping of ours. It has the attributes of the one
        // that it was made from.
        let _ = unsafe { Self::owner(vma).opened(AddressSpace::of(vma)) };
    }

    /// `vm_operations_struct::close`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
        // SAFETY: As in `open`.
        unsafe { Self::owner(vma).closed(AddressSpace::of(vma)) }
    }

    /// `vm_operations_struct::mprotect`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn mprotect(
        vma: *mut bindings::vm_area_struct,
        start: c_ulong,
        end: c_ulong,
        new_flags: c_ulong,
    ) -> c_int {
        // SAFETY: As in `open`; the mmap lock is held for writing.
        unsafe {
            let flags = c::zx_vma_flags(vma);
            if new_flags & !flags & c::ZX_C_VM_WRITE != 0 && flags & c::ZX_C_VM_MAYSHARE != 0 {
                c::zx_vma_start_write(vma);
                let from = start - (*vma).__bindgen_anon_1.__bindgen_anon_1.vm_start;
                let first = (*vma).vm_pgoff as u64 + (from as u64 >> PAGE_SHIFT);
                Self::owner(vma).write_permitted(first, (end - start) as u64 >> PAGE_SHIFT);
            }
        }
        0
    }

    /// `vm_operations_struct::fault`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn fault(vmf: *mut bindings::vm_fault) -> bindings::vm_fault_t {
        // SAFETY: Called by the kernel with a fault in a mapping of ours.
        unsafe {
            let fault = Fault::from_raw(vmf);
            Self::owner(fault.as_raw()).fault(&fault).into_raw()
        }
    }

    /// `vm_operations_struct::huge_fault`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn huge_fault(
        vmf: *mut bindings::vm_fault,
        order: c_uint,
    ) -> bindings::vm_fault_t {
        if order != c::ZX_C_PMD_ORDER {
            return c::ZX_C_VM_FAULT_FALLBACK;
        }
        // SAFETY: As in `fault`.
        unsafe {
            let fault = Fault::from_raw(vmf);
            Self::owner(fault.as_raw()).fault_large(&fault).into_raw()
        }
    }

    /// `vm_operations_struct::page_mkwrite`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn page_mkwrite(vmf: *mut bindings::vm_fault) -> bindings::vm_fault_t {
        // SAFETY: As in `fault`.
        unsafe {
            let fault = Fault::from_raw(vmf);
            Self::owner(fault.as_raw()).make_writable(&fault).into_raw()
        }
    }

    /// `vm_operations_struct::map_pages`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn map_pages(
        _vmf: *mut bindings::vm_fault,
        _start: c_ulong,
        _end: c_ulong,
    ) -> bindings::vm_fault_t {
        0
    }
}
