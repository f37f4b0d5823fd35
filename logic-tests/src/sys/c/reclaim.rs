// SPDX-License-Identifier: GPL-2.0

//! The list of the shrinker: in the place of `reclaim.c`.

use super::*;

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

pub(in crate::sys) unsafe fn zx_reclaim_init(hold: Option<Hold>, reclaim: Option<Reclaim>) -> i32 {
    CALLBACKS.set(hold.zip(reclaim));
    0
}

pub(in crate::sys) unsafe fn zx_reclaim_exit() {
    CALLBACKS.set(None);
    assert_eq!(listed(), 0);
}

pub(in crate::sys) unsafe fn zx_reclaim_entry_alloc() -> *mut c_void {
    if failure::now() {
        return null_mut();
    }
    let owner = core::ptr::null();
    Box::into_raw(Box::new(ReclaimEntry { owner, pages: 0 })).cast()
}

pub(in crate::sys) unsafe fn zx_reclaim_entry_free(entry: *mut c_void) {
    let entry = entry.cast::<ReclaimEntry>();
    LIST.with_borrow(|list| assert!(!list.contains(&entry)));
    // SAFETY: Made in `zx_reclaim_entry_alloc`.
    drop(unsafe { Box::from_raw(entry) });
}

pub(in crate::sys) unsafe fn zx_reclaim_entry_add(
    entry: *mut c_void,
    owner: *const c_void,
    pages: usize,
) {
    let entry = entry.cast::<ReclaimEntry>();
    // SAFETY: Made in `zx_reclaim_entry_alloc`.
    unsafe { entry.write(ReclaimEntry { owner, pages }) };
    LIST.with_borrow_mut(|list| {
        assert!(!list.contains(&entry));
        list.push(entry);
    });
}

pub(in crate::sys) unsafe fn zx_reclaim_entry_remove(entry: *mut c_void) -> *const c_void {
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

pub(in crate::sys) fn listed() -> usize {
    LIST.with_borrow(Vec::len)
}

pub(in crate::sys) fn reclaim(index: usize) -> Option<usize> {
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
