// SPDX-License-Identifier: GPL-2.0

//! The slots of leaves: in the place of `leaf.c` and `ahead.c`.

use super::*;

unsafe fn slots<'a>(slots: *const *mut page) -> &'a [AtomicPtr<page>; crate::sys::node::SLOTS] {
    // SAFETY: The slots of a node that lives meanwhile, which are atomic.
    unsafe { &*slots.cast() }
}

pub(in crate::sys) unsafe fn zx_slots_filled(from: *const *mut page, count: u32) -> u32 {
    // SAFETY: As the contract has it.
    let slots = unsafe { &slots(from)[..count as usize] };
    let filled = slots.iter().filter(|slot| !slot.load(Relaxed).is_null());
    filled.count() as u32
}

pub(in crate::sys) unsafe fn zx_slots_empty(from: *const *mut page, count: u32) -> bool {
    // SAFETY: As the contract has it.
    unsafe { zx_slots_filled(from, count) == 0 }
}

pub(in crate::sys) unsafe fn zx_slots_first_shared(
    from: *const *mut page,
    first: u32,
    end: u32,
) -> u32 {
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
pub(in crate::sys) unsafe fn zx_slots_sort(
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

pub(in crate::sys) unsafe fn zx_slots_alone(from: *const *mut page, among: u64) -> u64 {
    // SAFETY: As the contract has it.
    unsafe { which(from, among, |page| page.sharers.load(Acquire) == 1) }
}

pub(in crate::sys) unsafe fn zx_slots_alone_held(
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
pub(in crate::sys) unsafe fn zx_slots_share(
    to: *mut *mut page,
    from: *const *mut page,
    count: u32,
) {
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
pub(in crate::sys) unsafe fn zx_slots_drop(from: *const *mut page, count: u32) {
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

pub(in crate::sys) unsafe fn zx_slots_set_owner(from: *const *mut page, owner: u64) {
    // SAFETY: As the contract has it.
    for slot in unsafe { slots(from) } {
        let page = slot.load(Relaxed);
        if !page.is_null() {
            live(page).owner.store(owner, Relaxed);
        }
    }
}

// Large folios: there are none. See `ZX_C_PMD_ORDER`.

/// Fills slots with pages of zeros, up to one that is not empty or cannot be filled.
pub(in crate::sys) unsafe fn zx_slots_fill_ahead(
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
pub(in crate::sys) unsafe fn zx_slots_copy_ahead(
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
pub(in crate::sys) unsafe fn zx_slots_put_back(
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

pub(in crate::sys) unsafe fn zx_slots_used(from: *const *mut page, among: u64) -> u64 {
    // SAFETY: As the contract has it.
    unsafe { which(from, among, |page| page.used.load(Relaxed)) }
}
