// SPDX-License-Identifier: GPL-2.0

//! In the place of `helpers.c`, `page.c` and the kernel: pages and nodes from the host's memory, counted.
//!
//! Freed memory is noticed by whoever uses it: under Miri by Miri, otherwise because it is kept
//! until the end of the test, with a pattern in it that every use looks at.
#![allow(non_upper_case_globals, clippy::missing_safety_doc)]

use super::{node::NODE_SIZE, user};
use core::{
    cell::{Cell, RefCell},
    ffi::{c_char, c_ulong, c_void},
    ptr::null_mut,
    sync::atomic::{
        fence, AtomicPtr, AtomicU64,
        Ordering::{Acquire, Relaxed, SeqCst},
    },
};
pub(super) use kernel::bindings::zx_account;
use kernel::{
    bindings::{iov_iter, kmem_cache, lock_class_key, page, rw_semaphore, Memory, ENFILE, ENOMEM},
    failure,
    page::PAGE_SIZE,
};
use std::{
    alloc::{alloc, alloc_zeroed, dealloc, Layout},
    collections::BTreeSet,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

mod limits;
mod locks;
mod reclaim;
mod slots;

pub(super) use limits::*;
pub(super) use locks::*;
pub(super) use reclaim::*;
pub(super) use slots::*;

pub(crate) const ZX_C_CACHE_WB: u32 = 1;
pub(crate) const ZX_C_CACHE_UC: u32 = 2;
pub(crate) const ZX_C_CACHE_WC: u32 = 3;
pub(crate) const ZX_C_GFP_NODE: u32 = 0;
pub(crate) const ZX_C_LARGE_ORDER: u32 = 9;
pub(crate) const ZX_C_LARGE_PAGES: u32 = 512;
/// As on a machine whose page tables cannot show large folios by one entry: there are none.
pub(crate) const ZX_C_PMD_ORDER: u32 = 0;

const LIVE: u32 = 0x6c697665;
const FREED: u8 = 0x6b;

fn node_layout() -> Layout {
    match Layout::from_size_align(NODE_SIZE, 64) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

/// What one test has allocated.
#[derive(Default)]
pub(crate) struct Ledger {
    allocated: Mutex<Allocated>,
    /// Of the one user that the test is.
    account: zx_account,
}

#[derive(Default)]
struct Allocated {
    pages: BTreeSet<usize>,
    nodes: BTreeSet<usize>,
    /// Freed, but kept.
    old_pages: Vec<Kept<page>>,
    old_nodes: Vec<Kept<u8>>,
}

struct Kept<T>(*mut T);

// SAFETY: Nobody else uses it.
unsafe impl<T> Send for Kept<T> {}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Allocated> {
        self.allocated
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pages(&self) -> usize {
        self.lock().pages.len()
    }

    pub(super) fn nodes(&self) -> usize {
        self.lock().nodes.len()
    }

    /// The end of the test: nothing is left, and nothing was used after it was freed.
    pub(super) fn close(&self) {
        let mut allocated = self.lock();
        assert_eq!(allocated.pages.len(), 0, "pages leak");
        assert_eq!(allocated.nodes.len(), 0, "nodes leak");
        let zx_account { objects, pages } = &self.account;
        assert_eq!(objects.load(SeqCst), 0, "objects stay counted");
        assert_eq!(pages.load(SeqCst), 0, "pages stay charged");
        for Kept(page) in allocated.old_pages.drain(..) {
            // SAFETY: Made in `zx_page_alloc` and freed once.
            drop(unsafe { Box::from_raw(page) });
        }
        for Kept(node) in allocated.old_nodes.drain(..) {
            // SAFETY: Allocated with this layout; initialised when it was freed.
            let bytes = unsafe { core::slice::from_raw_parts(node, NODE_SIZE) };
            assert!(
                bytes.iter().all(|byte| *byte == FREED),
                "a freed node was written to"
            );
            // SAFETY: As above, and freed once.
            unsafe { dealloc(node, node_layout()) };
        }
    }
}

thread_local! {
    static LEDGER: RefCell<Option<Arc<Ledger>>> = const { RefCell::new(None) };
}

pub(super) fn use_ledger(ledger: Option<Arc<Ledger>>) {
    LEDGER.set(ledger);
}

/// The thread's ledger; or, for a test without a `probe::Memory`, one that nobody closes.
fn ledger() -> Arc<Ledger> {
    static OTHERS: LazyLock<Arc<Ledger>> = LazyLock::new(Arc::default);
    let ledger = LEDGER.with_borrow(Clone::clone);
    ledger.unwrap_or_else(|| OTHERS.clone())
}

/// The page, which must not have been freed.
pub(super) fn live<'a>(raw: *mut page) -> &'a page {
    // SAFETY: Freed pages are kept but under Miri, which would stop here.
    let page = unsafe { &*raw };
    assert_eq!(page.magic.load(Relaxed), LIVE, "a freed page is used");
    page
}

static NEXT_INDEX: AtomicU64 = AtomicU64::new(1);

pub(super) unsafe fn zx_page_alloc(zero: bool, owner: u64) -> *mut page {
    if failure::now() {
        return null_mut();
    }
    let new = Box::new(page {
        magic: LIVE.into(),
        sharers: 1.into(),
        references: 1.into(),
        owner: owner.into(),
        index: NEXT_INDEX.fetch_add(1, Relaxed).into(),
        cache: ZX_C_CACHE_WB.into(),
        memory: Memory([if zero { 0 } else { FREED }; PAGE_SIZE]).into(),
        ..Default::default()
    });
    let new = Box::into_raw(new);
    assert!(ledger().lock().pages.insert(new as usize));
    new
}

pub(super) unsafe fn zx_page_alloc_charged(
    zero: bool,
    owner: u64,
    account: *mut zx_account,
) -> *mut page {
    // SAFETY: As the contract has it.
    let new = unsafe {
        if !zx_account_has_room(account, 1) {
            return null_mut();
        }
        zx_page_alloc(zero, owner)
    };
    // SAFETY: The account exists while somebody has an object of it.
    if let (false, Some(account)) = (new.is_null(), unsafe { account.as_ref() }) {
        account.pages.fetch_add(1, SeqCst);
        live(new).account.store(account.as_raw(), SeqCst);
    }
    new
}

/// The last share is gone; other references may be left.
pub(super) unsafe fn zx_page_free(page: *mut page) {
    assert_eq!(live(page).sharers.load(SeqCst), 0);
    put(page);
}

/// Gives back one reference.
pub(super) fn put(page: *mut page) {
    if live(page).references.fetch_sub(1, SeqCst) != 1 {
        return;
    }
    let state = live(page);
    assert_eq!(
        state.sharers.load(SeqCst),
        0,
        "a page is freed that a map shows"
    );
    assert_eq!(
        state.mappings.load(SeqCst),
        0,
        "a page is freed that is mapped"
    );
    state.magic.store(0, SeqCst);
    // SAFETY: Null, or of a ledger that outlives the page.
    if let Some(account) = unsafe { state.account.load(SeqCst).as_ref() } {
        assert!(account.pages.fetch_sub(1, SeqCst) > 0);
    }
    let ledger = ledger();
    let mut allocated = ledger.lock();
    assert!(allocated.pages.remove(&(page as usize)));
    if cfg!(miri) {
        // SAFETY: Made in `zx_page_alloc`; that was the last reference.
        drop(unsafe { Box::from_raw(page) });
    } else {
        allocated.old_pages.push(Kept(page));
    }
}

pub(super) unsafe fn zx_page_share(page: *mut page) {
    assert_ne!(live(page).sharers.fetch_add(1, Relaxed), 0);
}

pub(super) unsafe fn zx_page_unshare(page: *mut page) -> bool {
    let old = live(page).sharers.fetch_sub(1, SeqCst);
    assert_ne!(old, 0);
    old == 1
}

pub(super) unsafe fn zx_page_sharers(page: *mut page) -> c_ulong {
    live(page).sharers.load(Acquire) as c_ulong
}

/// Whether anybody but page maps has a reference.
pub(super) unsafe fn zx_page_held(page: *mut page) -> bool {
    live(page).references.load(Relaxed) > 1
}

pub(super) unsafe fn zx_page_ref_count(page: *mut page) -> i32 {
    live(page).references.load(Relaxed) as i32
}

pub(super) unsafe fn zx_page_mapped(page: *mut page) -> bool {
    live(page).mappings.load(Relaxed) > 0
}

pub(super) unsafe fn zx_page_pinned(page: *mut page) -> bool {
    live(page).pins.load(Relaxed) > 0
}

pub(super) unsafe fn zx_page_copy(to: *mut page, from: *mut page) -> i32 {
    let (to, from) = (live(to).memory.get(), live(from).memory.get());
    // SAFETY: Both are live, and they are different pages. Tests that write to a page while it is
    // copied do not exist.
    unsafe { core::ptr::copy_nonoverlapping(from, to, 1) };
    0
}

pub(super) unsafe fn zx_page_hand_over(to: *mut page, from: *mut page, owner: u64) {
    let (to, from) = (live(to), live(from));
    if from.owner.load(Relaxed) != owner {
        return;
    }
    to.index.store(from.index.load(Relaxed), Relaxed);
    from.index.store(NEXT_INDEX.fetch_add(1, Relaxed), Relaxed);
    from.owner.store(0, Relaxed);
}

pub(super) unsafe fn zx_page_zero(page: *mut page, offset: usize, length: usize) {
    // SAFETY: Live, and as in `zx_page_copy`.
    let memory = unsafe { &mut (*live(page).memory.get()).0 };
    memory[offset..offset + length].fill(0);
}

pub(super) unsafe fn zx_page_copy_to_iter(
    page: *mut page,
    offset: usize,
    length: usize,
    to: *mut iov_iter,
) -> usize {
    // SAFETY: Valid by the contract.
    let to = unsafe { &mut *to };
    let length = length.min(to.count);
    // SAFETY: Live, and as in `zx_page_copy`.
    let memory = unsafe { &(*live(page).memory.get()).0 };
    let done = user::copy_out(to.address, &memory[offset..offset + length]);
    to.address += done;
    to.count -= done;
    done
}

pub(super) unsafe fn zx_page_copy_from_iter(
    page: *mut page,
    offset: usize,
    length: usize,
    from: *mut iov_iter,
) -> usize {
    // SAFETY: Valid by the contract.
    let from = unsafe { &mut *from };
    let length = length.min(from.count);
    // SAFETY: As above.
    let memory = unsafe { &mut (*live(page).memory.get()).0 };
    let done = user::copy_in(from.address, &mut memory[offset..offset + length]);
    from.address += done;
    from.count -= done;
    done
}

pub(super) unsafe fn zx_page_identity_init() {}

pub(super) unsafe fn zx_page_cache(page: *mut page) -> u32 {
    live(page).cache.load(Relaxed)
}

pub(super) unsafe fn zx_pages_set_cache(pages: *mut *mut page, count: u32, mode: u32) -> i32 {
    // SAFETY: As the contract has it.
    let pages = unsafe { core::slice::from_raw_parts(pages, count as usize) };
    let failed = mode != ZX_C_CACHE_WB && failure::now();
    for page in pages {
        let mode = if failed { ZX_C_CACHE_WB } else { mode };
        live(*page).cache.store(mode, Relaxed);
    }
    if failed {
        -(ENOMEM as i32)
    } else {
        0
    }
}

pub(super) unsafe fn zx_large_init() -> i32 {
    0
}

pub(super) unsafe fn zx_large_exit() {}

pub(super) unsafe fn zx_page_alloc_large(_owner: u64, _account: *mut zx_account) -> *mut page {
    null_mut()
}

pub(super) unsafe fn zx_large_index(page: *mut page) -> i32 {
    live(page);
    -1
}

pub(super) unsafe fn zx_large_live(page: *mut page) -> u32 {
    live(page);
    0
}

pub(super) unsafe fn zx_large_rest(page: *mut page) -> u32 {
    live(page);
    0
}

pub(super) unsafe fn zx_large_any() -> bool {
    false
}

pub(super) unsafe fn zx_large_any_sparse() -> bool {
    false
}

pub(super) unsafe fn zx_page_slots(page: *mut page) -> c_ulong {
    live(page).sharers.load(Acquire) as c_ulong
}

pub(super) unsafe fn zx_slots_first_sparse(_from: *const *mut page, first: u32, end: u32) -> u32 {
    first.max(end)
}

pub(super) unsafe fn zx_slots_reserve_owners(_from: *const *mut page, _all: bool) -> i32 {
    0
}

pub(super) unsafe fn zx_slots_are(_from: *const *mut page, _count: u32, _first: *mut page) -> bool {
    false
}

pub(super) unsafe fn zx_slots_fill(_to: *mut *mut page, _count: u32, _first: *mut page) {
    unreachable!("nobody has a large folio");
}

// Accounts: one for each ledger. Too many objects, or too little memory, is where an allocation is
// made to fail.

pub(super) unsafe fn zx_cache_create(_name: *const c_char, size: u32) -> *mut kmem_cache {
    let size = size as usize;
    Box::into_raw(Box::new(kmem_cache { size }))
}

pub(super) unsafe fn kmem_cache_destroy(cache: *mut kmem_cache) {
    // SAFETY: Made in `zx_cache_create`.
    drop(unsafe { Box::from_raw(cache) });
}

pub(super) unsafe fn kmem_cache_alloc_noprof(cache: *mut kmem_cache, flags: u32) -> *mut c_void {
    // SAFETY: Made in `zx_cache_create`, unless no test has come by there yet.
    let size = unsafe { cache.as_ref() }.map_or(NODE_SIZE, |cache| cache.size);
    assert_eq!(size, NODE_SIZE);
    if failure::now() {
        return null_mut();
    }
    assert_eq!(flags, ZX_C_GFP_NODE);
    // SAFETY: The size is not zero.
    let node = unsafe { alloc(node_layout()) };
    assert!(!node.is_null());
    if !cfg!(miri) {
        // Whoever wants to find nothing there has to see to it. Miri knows what was not written to.
        // SAFETY: Of this size.
        unsafe { node.write_bytes(FREED, NODE_SIZE) };
    }
    assert!(ledger().lock().nodes.insert(node as usize));
    node.cast()
}

pub(super) unsafe fn kmem_cache_free(_cache: *mut kmem_cache, node: *mut c_void) {
    let ledger = ledger();
    let mut allocated = ledger.lock();
    assert!(
        allocated.nodes.remove(&(node as usize)),
        "a node is freed twice"
    );
    let node = node.cast::<u8>();
    if cfg!(miri) {
        // SAFETY: Allocated with this layout.
        unsafe { dealloc(node, node_layout()) };
    } else {
        // SAFETY: Of this size, and nobody else's.
        unsafe { node.write_bytes(FREED, NODE_SIZE) };
        allocated.old_nodes.push(Kept(node));
    }
}

pub(super) unsafe fn zx_smp_mb() {
    fence(SeqCst);
}
