// SPDX-License-Identifier: GPL-2.0

//! Pages of memory, counted by the page-map slots that hold them.
//!
//! A page has two counts. The kernel's reference count covers everybody: the page maps (one
//! reference for all of them together), page tables, pins. The *sharer* count, kept in
//! `page->private`, covers only the page-map slots, whatever the rest of the kernel does with
//! the page. Copy-on-write is decided by the second, so a pin never makes a page look shared.
//! A page of a large folio has its sharers elsewhere; see [`large`](super::large).
//!
//! User space writes to pages at any time. No Rust reference to their contents is ever formed;
//! they are moved by C routines that allow for that.

use super::{c, limit::Charge, user::IovIter, PAGE_SIZE};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{null_mut, NonNull},
};
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// A page, borrowed from whoever holds a [`PageRef`] to it.
///
/// # Invariants
///
/// `self` is a `struct page` that `zx_page_alloc()` returned, or one of those that
/// `zx_page_alloc_large()` did, with at least one sharer for as long as the borrow lasts.
#[repr(transparent)]
pub(crate) struct Page(kernel::types::Opaque<bindings::page>);

// SAFETY: A page is not tied to a thread; everything reachable through `&Page` is atomic or left
// to C routines that tolerate concurrent writers.
unsafe impl Send for Page {}
// SAFETY: As above.
unsafe impl Sync for Page {}

impl Page {
    pub(super) fn as_raw(&self) -> *mut bindings::page {
        self.0.get()
    }

    /// How many page-map slots hold this page. If the result is 1, the holder of that slot is
    /// the only one who can raise it. (One more for a page of a large folio whose place for those
    /// who wait on futexes was taken by a copy: it cannot be given another one.)
    pub(crate) fn sharers(&self) -> usize {
        // SAFETY: By the type invariants, this is one of our pages.
        unsafe { c::zx_page_sharers(self.as_raw()) as usize }
    }

    /// Whether DMA may be going on: the page is pinned by FOLL_PIN. May be wrongly `true` for a
    /// page with about a thousand other references, so remove its translations first.
    pub(crate) fn is_pinned(&self) -> bool {
        // SAFETY: As in `sharers`.
        unsafe { c::zx_page_pinned(self.as_raw()) }
    }

    /// Whether the page is in a page table. Pages of zeros that stand for holes are not counted
    /// one by one.
    pub(crate) fn is_mapped(&self) -> bool {
        // SAFETY: As in `sharers`.
        unsafe { c::zx_page_mapped(self.as_raw()) }
    }

    /// Whether anybody but page maps has a reference: a translation, a pin, an I/O. Of a page
    /// whose translations have been removed, and after [`order_references`], it is a pin or a
    /// copy that goes on; or, wrongly but harmlessly, the page still waits in some batch of
    /// translations to be flushed. Translations of a large folio are left out; its pages are held
    /// together.
    pub(crate) fn is_held(&self) -> bool {
        // SAFETY: As in `sharers`.
        unsafe { c::zx_page_held(self.as_raw()) }
    }

    fn references(&self) -> usize {
        // SAFETY: As in `sharers`.
        unsafe { c::zx_page_ref_count(self.as_raw()) as usize }
    }

    /// Zeroes `length` bytes from `offset`; the range is cut at the end of the page.
    pub(crate) fn zero(&self, offset: usize, length: usize) {
        let (offset, length) = clamp(offset, length);
        // SAFETY: As in `sharers`; `clamp` keeps the range inside the page.
        unsafe { c::zx_page_zero(self.as_raw(), offset, length) }
    }

    /// Copies from the page to `to` without sleeping on a fault of the destination. Returns the
    /// bytes copied.
    pub(crate) fn copy_to(&self, offset: usize, length: usize, to: &mut IovIter<'_>) -> usize {
        let (offset, length) = clamp(offset, length);
        // SAFETY: As in `zero`; `to` is a valid destination iterator by its type invariants.
        unsafe { c::zx_page_copy_to_iter(self.as_raw(), offset, length, to.as_raw()) }
    }

    /// Copies from `from` to the page without sleeping on a fault of the source. Returns the
    /// bytes copied.
    pub(crate) fn copy_from(&self, offset: usize, length: usize, from: &mut IovIter<'_>) -> usize {
        let (offset, length) = clamp(offset, length);
        // SAFETY: As in `zero`; `from` is a valid source iterator by its type invariants.
        unsafe { c::zx_page_copy_from_iter(self.as_raw(), offset, length, from.as_raw()) }
    }
}

/// Orders the removal of translations before looking at reference counts. The lockless pinning
/// of the kernel takes its reference first and then looks at the translation again: one of the two
/// sees the other.
pub(crate) fn order_references() {
    // SAFETY: No requirements.
    unsafe { c::zx_smp_mb() };
}

fn clamp(offset: usize, length: usize) -> (usize, usize) {
    let size = PAGE_SIZE as usize;
    let offset = offset.min(size);
    (offset, length.min(size - offset))
}

/// What a new page holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Zeros.
    Zero,
    /// A copy of another page.
    Copy,
}

/// Whom new pages are made for: one store.
#[derive(Clone)]
pub(crate) struct Owner {
    id: u64,
    charge: Charge,
}

impl Owner {
    /// The store with the id `id`, whose pages count for the user of `charge`.
    pub(crate) fn new(id: u64, charge: Charge) -> Self {
        Self { id, charge }
    }

    /// The id of the store.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whose the pages are.
    pub(crate) fn charge(&self) -> &Charge {
        &self.charge
    }
}

/// An owned share of a page: what a slot of a page map holds.
///
/// # Invariants
///
/// Points to a page of ours and owns one of its sharers.
pub(crate) struct PageRef(NonNull<bindings::page>);

// SAFETY: See `Page`; the counts are atomic.
unsafe impl Send for PageRef {}
// SAFETY: As above.
unsafe impl Sync for PageRef {}

impl PageRef {
    /// Allocates a zeroed page, charged to the current memory control group and to the user of
    /// `owner`, for `owner`.
    pub(crate) fn zeroed(owner: &Owner) -> Result<Self> {
        Self::alloc(Fill::Zero, owner)
    }

    /// Allocates a page for `owner`, and copies `from` into it. If `from` was made for the same
    /// owner, the copy takes its place for those who wait on futexes. Fails with `EHWPOISON` where
    /// the memory of `from` has gone bad.
    pub(crate) fn copy_of(from: &Page, owner: &Owner) -> Result<Self> {
        let page = Self::alloc(Fill::Copy, owner)?;
        // SAFETY: Both are pages of ours, one page long.
        kernel::error::to_result(unsafe { c::zx_page_copy(page.as_raw(), from.as_raw()) })?;
        // SAFETY: As above; calls for one owner are made under its lock.
        unsafe { c::zx_page_hand_over(page.as_raw(), from.as_raw(), owner.id) };
        Ok(page)
    }

    fn alloc(fill: Fill, owner: &Owner) -> Result<Self> {
        let (zero, account) = (fill == Fill::Zero, owner.charge.as_raw());
        // SAFETY: May sleep, as all callers can; the account exists.
        let page = unsafe { c::zx_page_alloc_charged(zero, owner.id, account) };
        // INVARIANT: A new page has one sharer, which is ours.
        Ok(Self(NonNull::new(page).ok_or(ENOMEM)?))
    }

    /// Gives up ownership: the sharer now belongs to the returned pointer.
    pub(super) fn into_raw(self) -> NonNull<bindings::page> {
        ManuallyDrop::new(self).0
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave.
    ///
    /// # Safety
    ///
    /// `page` must come from `into_raw` and may be taken back once.
    pub(super) unsafe fn from_raw(page: NonNull<bindings::page>) -> Self {
        Self(page)
    }

    /// Borrows the page that `page` holds.
    ///
    /// # Safety
    ///
    /// `page` must come from `into_raw` and not be taken back for as long as `'a`.
    pub(super) unsafe fn borrow_raw<'a>(page: NonNull<bindings::page>) -> &'a Page {
        // SAFETY: `Page` is a transparent wrapper, and the sharer keeps the page alive.
        unsafe { page.cast().as_ref() }
    }
}

impl Deref for PageRef {
    type Target = Page;

    fn deref(&self) -> &Page {
        // SAFETY: By the type invariants the page is ours while `self` lives.
        unsafe { Self::borrow_raw(self.0) }
    }
}

impl Drop for PageRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariants we own one sharer, given up here.
        if unsafe { c::zx_page_unshare(self.0.as_ptr()) } {
            // SAFETY: That was the last sharer, so no page map can find the page any more. Its
            // remaining users hold references of their own.
            unsafe { c::zx_page_free(self.0.as_ptr()) };
        }
    }
}

static ZEROS: Atomic<*mut bindings::page> = Atomic::new(null_mut());

/// The page of zeros that mappings show where nothing is committed; exists once, from module
/// initialisation to exit. (The kernel's own zero page is not allowed in mappings that may
/// become writable.)
pub(crate) struct ZeroPage(());

impl ZeroPage {
    /// Makes the page, and prepares what every other page needs. Must outlive all mappings.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Runs once, before the first page is made.
        unsafe { c::zx_page_identity_init() };
        let owner = Owner::new(0, Charge::take()?);
        ZEROS.store(PageRef::zeroed(&owner)?.into_raw().as_ptr(), Relaxed);
        Ok(Self(()))
    }

    /// The page, or `None` while so many page-table entries show it that its reference count
    /// might overflow.
    pub(crate) fn get<'a>() -> Option<&'a Page> {
        let page = NonNull::new(ZEROS.load(Relaxed))?;
        // SAFETY: Stored in `new`; whoever can ask holds a file or a mapping, so that the module
        // does not exit.
        let page = unsafe { PageRef::borrow_raw(page) };
        (page.references() < 1 << 30).then_some(page)
    }
}

impl Drop for ZeroPage {
    fn drop(&mut self) {
        if let Some(page) = NonNull::new(ZEROS.xchg(null_mut(), Relaxed)) {
            // SAFETY: Stored in `new`; taken back once. The module exits, so nobody borrows it.
            drop(unsafe { PageRef::from_raw(page) });
        }
    }
}
