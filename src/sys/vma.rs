// SPDX-License-Identifier: GPL-2.0

//! Mappings (`struct vm_area_struct`) and their faults.
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
    c, cache::CacheMode, file::File, large::LARGE_PAGES, leaf::Run, page::Page, rwsem::WriteGuard,
    PAGE_SHIFT,
};
use core::{
    marker::PhantomData,
    ops::{Deref, Range},
};
use kernel::{
    bindings,
    ffi::{c_int, c_uint, c_ulong},
    prelude::*,
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

/// What happens when a page that is mapped read-only is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The owner is asked.
    FirstWrite,
    /// Nothing: there are no such pages in a mapping that may be written.
    None,
}

/// Identity of an address space, to count distinct ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressSpace(usize);

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
    fn into_raw(self) -> bindings::vm_fault_t {
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

    fn flags(&self) -> c_ulong {
        // SAFETY: Valid by the type invariants.
        unsafe { c::zx_vma_flags(self.vma) }
    }

    /// What the mapping's file carries, if that is a `T`.
    pub(crate) fn owner<T: Mapped>(&self) -> Option<&'a T> {
        let table = T::table();
        // SAFETY: Valid by the type invariants. Mappings with these operations are those that
        // `attach` made: their file carries a `T` and lives as long as they do.
        unsafe {
            let operations = (*self.vma).vm_ops;
            (core::ptr::eq(operations, &table.trapped)
                || core::ptr::eq(operations, &table.untrapped))
            .then(|| MappingTable::<T>::owner(self.vma))
        }
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
    unsafe fn from_raw(vmf: *mut bindings::vm_fault) -> Self {
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
    /// are not cached, because its copies of them would be.
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
        // SAFETY: Valid by `from_raw`.
        let space = AddressSpace(unsafe { (*self.vma).vm_mm } as usize);
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
            (*self.vma).vm_pgoff += shift as c_ulong;
            (*self.vma).vm_ops = match (trap, mode) {
                (Trap::None, CacheMode::Cached) => &T::table().untrapped,
                _ => &T::table().trapped,
            };
            c::zx_vma_set_cache(self.vma, mode.raw());
        }
        Ok(())
    }
}

/// The operations of mappings whose file carries a `T`. Make one, as a `static`: its address
/// identifies the mappings.
pub(crate) struct MappingTable<T> {
    untrapped: bindings::vm_operations_struct,
    trapped: bindings::vm_operations_struct,
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
        let _ = unsafe { Self::owner(vma).opened(AddressSpace((*vma).vm_mm as usize)) };
    }

    /// `vm_operations_struct::close`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a mapping that has these operations.
    unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
        // SAFETY: As in `open`.
        unsafe { Self::owner(vma).closed(AddressSpace((*vma).vm_mm as usize)) }
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
            Self::owner(fault.vma).fault(&fault).into_raw()
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
            Self::owner(fault.vma).fault_large(&fault).into_raw()
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
            Self::owner(fault.vma).make_writable(&fault).into_raw()
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
