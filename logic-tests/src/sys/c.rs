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

/// Fills slots with pages of zeros, up to one that is not empty or cannot be filled.
pub(super) unsafe fn zx_slots_fill_ahead(
    to: *mut *mut page,
    count: u32,
    owner: u64,
    account: *mut zx_account,
) -> u32 {
    // SAFETY: As the contract has it.
    unsafe {
        for at in 0..count as usize {
            if !to.add(at).read().is_null() {
                return at as u32;
            }
            let new = zx_page_alloc_charged(true, owner, account);
            if new.is_null() {
                return at as u32;
            }
            to.add(at).write(new);
        }
    }
    count
}

/// Puts copies in the place of pages that have several sharers, up to a slot that has none or cannot
/// be filled; they have the numbers of those for the time being.
pub(super) unsafe fn zx_slots_copy_ahead(
    slots: *mut *mut page,
    former: *mut *mut page,
    count: u32,
    owner: u64,
    account: *mut zx_account,
) -> u32 {
    for at in 0..count as usize {
        // SAFETY: As the contract has it.
        unsafe {
            let old = slots.add(at).read();
            if old.is_null() || zx_page_sharers(old) < 2 {
                return at as u32;
            }
            let new = zx_page_alloc_charged(false, owner, account);
            if new.is_null() {
                return at as u32;
            }
            zx_page_copy(new, old);
            if live(old).owner.load(Relaxed) == owner {
                live(new)
                    .index
                    .store(live(old).index.load(Relaxed), Relaxed);
            }
            slots.add(at).write(new);
            assert!(former.add(at).replace(old).is_null());
        }
    }
    count
}

/// Has copies in the slots in `unused` change places with what they were made of; those in `used`
/// take the numbers over.
pub(super) unsafe fn zx_slots_put_back(
    slots: *mut *mut page,
    former: *mut *mut page,
    unused: u64,
    used: u64,
    owner: u64,
) {
    for at in 0..64 {
        // SAFETY: As the contract has it.
        unsafe {
            let (slot, former) = (slots.add(at), former.add(at));
            if unused & 1 << at != 0 {
                slot.swap(former);
            } else if used & 1 << at != 0 && !slot.read().is_null() && !former.read().is_null() {
                zx_page_hand_over(slot.read(), former.read(), owner);
            }
        }
    }
}

pub(super) unsafe fn zx_slots_used(from: *const *mut page, among: u64) -> u64 {
    // SAFETY: As the contract has it.
    unsafe { which(from, among, |page| page.used.load(Relaxed)) }
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

unsafe fn slots<'a>(slots: *const *mut page) -> &'a [AtomicPtr<page>; super::node::SLOTS] {
    // SAFETY: The slots of a node that lives meanwhile, which are atomic.
    unsafe { &*slots.cast() }
}

pub(super) unsafe fn zx_slots_filled(from: *const *mut page, count: u32) -> u32 {
    // SAFETY: As the contract has it.
    let slots = unsafe { &slots(from)[..count as usize] };
    let filled = slots.iter().filter(|slot| !slot.load(Relaxed).is_null());
    filled.count() as u32
}

pub(super) unsafe fn zx_slots_empty(from: *const *mut page, count: u32) -> bool {
    // SAFETY: As the contract has it.
    unsafe { zx_slots_filled(from, count) == 0 }
}

pub(super) unsafe fn zx_slots_first_shared(from: *const *mut page, first: u32, end: u32) -> u32 {
    // SAFETY: As the contract has it.
    let slots = unsafe { slots(from) };
    for at in first..end {
        // Acquired, where the kernel relies on the dependency.
        let page = slots[at as usize].load(Acquire);
        if !page.is_null() && live(page).sharers.load(Acquire) > 1 {
            return at;
        }
    }
    first.max(end)
}

/// Of the slots in `which`, those that hold a page; and those whose page may be written in place.
pub(super) unsafe fn zx_slots_sort(
    from: *const *mut page,
    which: u64,
    touched: u64,
    owned: *mut u64,
) -> u64 {
    // SAFETY: As the contract has it.
    let slots = unsafe { slots(from) };
    let mut filled = 0;
    for (at, slot) in slots.iter().enumerate() {
        let (bit, page) = (1 << at, slot.load(Acquire));
        if which & bit == 0 || page.is_null() {
            continue;
        }
        filled |= bit;
    }
    // SAFETY: As the contract has it.
    let writable = unsafe {
        let mut held = 0;
        let alone = zx_slots_alone_held(from, filled, &mut held);
        alone & (touched | !held)
    };
    // SAFETY: As the contract has it.
    unsafe { owned.write(writable) };
    filled
}

/// The bits of `among` whose slots have a page that is `such`.
///
/// # Safety
///
/// The slots are those of a leaf that lives meanwhile.
unsafe fn which(from: *const *mut page, among: u64, such: impl Fn(&page) -> bool) -> u64 {
    // SAFETY: As the contract has it.
    let slots = unsafe { slots(from) }.iter().enumerate();
    let such = slots.filter(|(at, slot)| {
        let page = slot.load(Acquire);
        among & 1 << at != 0 && !page.is_null() && such(live(page))
    });
    such.fold(0, |bits, (at, _)| bits | 1 << at)
}

pub(super) unsafe fn zx_slots_alone(from: *const *mut page, among: u64) -> u64 {
    // SAFETY: As the contract has it.
    unsafe { which(from, among, |page| page.sharers.load(Acquire) == 1) }
}

pub(super) unsafe fn zx_slots_alone_held(
    from: *const *mut page,
    among: u64,
    held: *mut u64,
) -> u64 {
    // SAFETY: As the contract has it.
    unsafe {
        let alone = zx_slots_alone(from, among);
        held.write(which(from, alone, |page| page.references.load(Relaxed) > 1));
        alone
    }
}

/// Fills slots that are empty and nobody else's with what others hold.
pub(super) unsafe fn zx_slots_share(to: *mut *mut page, from: *const *mut page, count: u32) {
    // SAFETY: As the contract has it.
    let slots = unsafe { &slots(from)[..count as usize] };
    for (at, slot) in slots.iter().enumerate() {
        let page = slot.load(Acquire);
        // SAFETY: As the contract has it.
        unsafe {
            to.add(at).write(page);
            if !page.is_null() {
                zx_page_share(page);
            }
        }
    }
}

/// Gives up the sharers of slots that nobody else can reach.
pub(super) unsafe fn zx_slots_drop(from: *const *mut page, count: u32) {
    // SAFETY: As the contract has it.
    for slot in unsafe { &slots(from)[..count as usize] } {
        let page = slot.load(Relaxed);
        // SAFETY: As the contract has it.
        if !page.is_null() && unsafe { zx_page_unshare(page) } {
            // SAFETY: That was the last one.
            unsafe { zx_page_free(page) };
        }
    }
}

pub(super) unsafe fn zx_slots_set_owner(from: *const *mut page, owner: u64) {
    // SAFETY: As the contract has it.
    for slot in unsafe { slots(from) } {
        let page = slot.load(Relaxed);
        if !page.is_null() {
            live(page).owner.store(owner, Relaxed);
        }
    }
}

// Large folios: there are none. See `ZX_C_PMD_ORDER`.

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

pub(super) unsafe fn zx_limit_init() {}

pub(super) unsafe fn zx_limit_exit() {}

pub(super) unsafe fn zx_account_take(account: *mut *mut zx_account) -> i32 {
    if failure::now() {
        return -(ENOMEM as i32);
    }
    // SAFETY: Valid for writes; the ledger outlives what it counts.
    unsafe {
        account.write(ledger().account.as_raw());
        zx_account_share(*account);
    }
    0
}

pub(super) unsafe fn zx_account_add(account: *mut zx_account) -> i32 {
    if failure::now() {
        return -(ENFILE as i32);
    }
    // SAFETY: As the contract has it.
    unsafe { zx_account_share(account) };
    0
}

pub(super) unsafe fn zx_account_share(account: *mut zx_account) {
    // SAFETY: The caller has an object of it, or has just found it.
    if let Some(account) = unsafe { account.as_ref() } {
        account.objects.fetch_add(1, SeqCst);
    }
}

pub(super) unsafe fn zx_account_put(account: *mut zx_account) {
    // SAFETY: The caller has an object of it.
    if let Some(account) = unsafe { account.as_ref() } {
        assert!(account.objects.fetch_sub(1, SeqCst) > 0);
    }
}

pub(super) unsafe fn zx_account_has_room(_account: *mut zx_account, _pages: isize) -> bool {
    !failure::now()
}

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

pub(super) unsafe fn zx_rwsem_init(
    sem: *mut rw_semaphore,
    _name: *const c_char,
    _key: *mut lock_class_key,
) {
    // SAFETY: Valid for writes.
    unsafe { sem.write(rw_semaphore::default()) };
}

/// The tests take these locks on one thread: who would have to wait would wait for ever.
fn change(sem: *mut rw_semaphore, from: impl Fn(i64) -> bool, by: i64) -> bool {
    // SAFETY: Initialised.
    let count = unsafe { &(*sem).count };
    count
        .fetch_update(SeqCst, SeqCst, |count| from(count).then_some(count + by))
        .is_ok()
}

pub(super) unsafe fn down_read(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count >= 0, 1), "waits for itself");
}

pub(super) unsafe fn zx_down_read_trylock_further(sem: *mut rw_semaphore) -> bool {
    change(sem, |count| count >= 0, 1)
}

pub(super) unsafe fn zx_up_read_further(sem: *mut rw_semaphore) {
    // SAFETY: As the contract has it.
    unsafe { up_read(sem) };
}

pub(super) unsafe fn up_read(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count > 0, -1));
}

pub(super) unsafe fn down_write(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count == 0, -1), "waits for itself");
}

pub(super) unsafe fn zx_down_write_second(sem: *mut rw_semaphore) {
    // SAFETY: As the contract has it.
    unsafe { down_write(sem) };
}

pub(super) unsafe fn down_write_killable(sem: *mut rw_semaphore) -> i32 {
    // SAFETY: As the contract has it.
    unsafe { down_write(sem) };
    0
}

pub(super) unsafe fn down_write_trylock(sem: *mut rw_semaphore) -> i32 {
    change(sem, |count| count == 0, -1).into()
}

pub(super) unsafe fn up_write(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count == -1, 1));
}

pub(super) unsafe fn downgrade_write(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count == -1, 2));
}

/// What the shrinker knows of an owner.
struct ReclaimEntry {
    owner: *const c_void,
    pages: usize,
}

type Hold = unsafe extern "C" fn(*const c_void, *mut c_void) -> bool;
type Reclaim = unsafe extern "C" fn(*mut c_void) -> usize;

pub(crate) const ZX_C_RECLAIM_HOLD_WORDS: u32 = 4;

thread_local! {
    static CALLBACKS: Cell<Option<(Hold, Reclaim)>> = const { Cell::new(None) };
    static LIST: RefCell<Vec<*mut ReclaimEntry>> = const { RefCell::new(Vec::new()) };
}

pub(super) unsafe fn zx_reclaim_init(hold: Option<Hold>, reclaim: Option<Reclaim>) -> i32 {
    CALLBACKS.set(hold.zip(reclaim));
    0
}

pub(super) unsafe fn zx_reclaim_exit() {
    CALLBACKS.set(None);
    assert_eq!(listed(), 0);
}

pub(super) unsafe fn zx_reclaim_entry_alloc() -> *mut c_void {
    if failure::now() {
        return null_mut();
    }
    let owner = core::ptr::null();
    Box::into_raw(Box::new(ReclaimEntry { owner, pages: 0 })).cast()
}

pub(super) unsafe fn zx_reclaim_entry_free(entry: *mut c_void) {
    let entry = entry.cast::<ReclaimEntry>();
    LIST.with_borrow(|list| assert!(!list.contains(&entry)));
    // SAFETY: Made in `zx_reclaim_entry_alloc`.
    drop(unsafe { Box::from_raw(entry) });
}

pub(super) unsafe fn zx_reclaim_entry_add(entry: *mut c_void, owner: *const c_void, pages: usize) {
    let entry = entry.cast::<ReclaimEntry>();
    // SAFETY: Made in `zx_reclaim_entry_alloc`.
    unsafe { entry.write(ReclaimEntry { owner, pages }) };
    LIST.with_borrow_mut(|list| {
        assert!(!list.contains(&entry));
        list.push(entry);
    });
}

pub(super) unsafe fn zx_reclaim_entry_remove(entry: *mut c_void) -> *const c_void {
    let entry = entry.cast::<ReclaimEntry>();
    let was_listed = LIST.with_borrow_mut(|list| {
        let before = list.len();
        list.retain(|listed| *listed != entry);
        list.len() < before
    });
    if !was_listed {
        return core::ptr::null();
    }
    // SAFETY: Made in `zx_reclaim_entry_alloc`.
    unsafe { (*entry).owner }
}

pub(super) fn listed() -> usize {
    LIST.with_borrow(Vec::len)
}

pub(super) fn reclaim(index: usize) -> Option<usize> {
    let (hold, reclaim) = CALLBACKS.get().expect("no shrinker");
    let entry = LIST.with_borrow(|list| list.get(index).copied())?;
    let mut room = [0u64; ZX_C_RECLAIM_HOLD_WORDS as usize];
    let room = room.as_mut_ptr().cast();
    // SAFETY: Listed, and there is room.
    let held = unsafe { hold((*entry).owner, room) };
    if !held {
        return None;
    }
    LIST.with_borrow_mut(|list| list.retain(|listed| *listed != entry));
    // SAFETY: Held just now.
    Some(unsafe { reclaim(room) })
}
