// SPDX-License-Identifier: MIT OR Apache-2.0
//! Regions of the address space (spec section 17.1): which there are, under one
//! lock.
//!
//! The lock is taken over every fork, so that a child has whole regions and a
//! lock that nobody holds. What is mapped in a region is not kept here: the
//! kernel is asked (see [`maps`](crate::maps)).

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Once;

use zxvmo::Status;

use crate::entry::MAX_REGIONS;
use crate::process::{ROOT_BASE, ROOT_END};
use crate::vmar::PERMS;

/// The root region, which is always there.
pub(crate) const ROOT: u32 = 0;

/// What a region is, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) range: Range<usize>,
    /// `ZX_VM_PERM_*` that a mapping in it may have.
    pub(crate) perms: u32,
    /// Whether addresses in it may be asked for.
    pub(crate) can_choose: bool,
}

struct Region {
    bounds: Bounds,
    parent: u32,
    /// Regions in it, by address. None of them is destroyed.
    children: Vec<u32>,
    is_destroyed: bool,
    handles: u32,
    serial: u32,
}

/// All regions. One is known until it is destroyed and has no handles.
pub(crate) struct Regions {
    root: Region,
    /// Region n is the one before n.
    others: Vec<Region>,
    /// Numbers to be used again.
    free: Vec<u32>,
    next_serial: u32,
}

impl Regions {
    const fn new() -> Self {
        let bounds = Bounds {
            range: ROOT_BASE..ROOT_END,
            perms: PERMS,
            can_choose: true,
        };
        let root = Region {
            bounds,
            parent: ROOT,
            children: Vec::new(),
            is_destroyed: false,
            handles: 1,
            serial: 0,
        };
        Self {
            root,
            others: Vec::new(),
            free: Vec::new(),
            next_serial: 1,
        }
    }

    fn get(&self, region: u32) -> &Region {
        match region {
            ROOT => &self.root,
            region => &self.others[region as usize - 1],
        }
    }

    fn get_mut(&mut self, region: u32) -> &mut Region {
        match region {
            ROOT => &mut self.root,
            region => &mut self.others[region as usize - 1],
        }
    }

    /// The addresses, also of a region that is destroyed.
    pub(crate) fn range(&self, region: u32) -> Range<usize> {
        self.get(region).bounds.range.clone()
    }

    /// A number that no other region of the process has.
    pub(crate) fn serial(&self, region: u32) -> u32 {
        self.get(region).serial
    }

    /// What the region is; BAD_STATE if it is destroyed.
    pub(crate) fn bounds(&self, region: u32) -> Result<&Bounds, Status> {
        let region = self.get(region);
        if region.is_destroyed {
            return Err(Status::BAD_STATE);
        }
        Ok(&region.bounds)
    }

    /// The region that it is in.
    pub(crate) fn parent(&self, region: u32) -> u32 {
        self.get(region).parent
    }

    /// The regions in it that meet `range`, from low to high.
    pub(crate) fn children<'a>(
        &'a self,
        region: u32,
        range: &'a Range<usize>,
    ) -> impl Iterator<Item = (u32, &'a Range<usize>)> {
        self.get(region)
            .children
            .iter()
            .map(|&child| (child, &self.get(child).bounds.range))
            .filter(|(_, child)| child.start < range.end && child.end > range.start)
    }

    /// The innermost region at `address` among those in `region`, or itself.
    pub(crate) fn innermost(&self, region: u32, address: usize) -> u32 {
        let mut at = region;
        while let Some((child, _)) = self.children(at, &(address..address + 1)).next() {
            at = child;
        }
        at
    }

    /// Adds a region in `parent`, which lies in it and meets no other. The
    /// caller has a handle to it, to be given up by
    /// [`handle_dropped`](Self::handle_dropped). NO_MEMORY.
    pub(crate) fn add(&mut self, parent: u32, bounds: Bounds) -> Result<u32, Status> {
        let siblings = &mut self.get_mut(parent).children;
        siblings.try_reserve(1).map_err(|_| Status::NO_MEMORY)?;
        let start = bounds.range.start;
        let region = Region {
            bounds,
            parent,
            children: Vec::new(),
            is_destroyed: false,
            handles: 1,
            serial: self.next_serial,
        };
        let number = if let Some(number) = self.free.pop() {
            *self.get_mut(number) = region;
            number
        } else {
            let number = self.others.len() as u32 + 1;
            let full = number >= MAX_REGIONS;
            // Room to give the number back, too.
            if full
                || self.others.try_reserve(1).is_err()
                || self.free.try_reserve(number as usize).is_err()
            {
                return Err(Status::NO_MEMORY);
            }
            self.others.push(region);
            number
        };
        self.next_serial = self.next_serial.wrapping_add(1);
        let siblings = &self.get(parent).children;
        let at = siblings.partition_point(|&child| self.range(child).start < start);
        self.get_mut(parent).children.insert(at, number);
        Ok(number)
    }

    /// Destroys a region other than the root, and those in it.
    pub(crate) fn destroy(&mut self, region: u32) {
        let parent = self.parent(region);
        self.get_mut(parent)
            .children
            .retain(|&child| child != region);
        let mut at = region;
        // Depth is up to the caller: no recursion.
        loop {
            if let Some(child) = self.get_mut(at).children.pop() {
                at = child;
                continue;
            }
            let up = self.parent(at);
            self.get_mut(at).is_destroyed = true;
            self.forget_unused(at);
            if at == region {
                return;
            }
            at = up;
        }
    }

    fn forget_unused(&mut self, region: u32) {
        let unused = self.get(region);
        if unused.is_destroyed && unused.handles == 0 {
            self.free.push(region);
        }
    }

    /// Handles to the region.
    pub(crate) fn handles(&self, region: u32) -> u32 {
        self.get(region).handles
    }

    /// There is one handle more.
    pub(crate) fn handle_added(&mut self, region: u32) {
        self.get_mut(region).handles += 1;
    }

    /// There is one handle less. The region stays, unless it is destroyed.
    pub(crate) fn handle_dropped(&mut self, region: u32) {
        self.get_mut(region).handles -= 1;
        self.forget_unused(region);
    }
}

struct Shared {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    regions: UnsafeCell<Regions>,
}

// SAFETY: The mutex is made for threads, and it protects the regions.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared {
    mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    regions: UnsafeCell::new(Regions::new()),
};

// Not Rust's mutex: that cannot be unlocked by who has no guard, as the
// functions below must.
extern "C" fn take() {
    // SAFETY: Initialised, and never moved. No thread takes it twice.
    unsafe { libc::pthread_mutex_lock(SHARED.mutex.get()) };
}

extern "C" fn give_back() {
    // SAFETY: This thread has it.
    unsafe { libc::pthread_mutex_unlock(SHARED.mutex.get()) };
}

/// The regions, for this thread alone.
pub(crate) fn lock() -> Guard {
    static FORKS: Once = Once::new();
    FORKS.call_once(|| {
        // SAFETY: These functions lock and unlock. If they cannot be
        // registered, a fork during a call may leave the lock held.
        unsafe { libc::pthread_atfork(Some(take), Some(give_back), Some(give_back)) };
    });
    take();
    Guard(PhantomData)
}

/// Access to the regions; they are unlocked when it is dropped.
pub(crate) struct Guard(PhantomData<*mut ()>);

impl Deref for Guard {
    type Target = Regions;
    fn deref(&self) -> &Regions {
        // SAFETY: This thread has the lock, and borrows of the guard are tracked.
        unsafe { &*SHARED.regions.get() }
    }
}

impl DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut Regions {
        // SAFETY: As above.
        unsafe { &mut *SHARED.regions.get() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(range: Range<usize>) -> Bounds {
        Bounds {
            range,
            perms: PERMS,
            can_choose: false,
        }
    }

    #[test]
    fn regions_nest_and_go() {
        let mut regions = Regions::new();
        let high = regions.add(ROOT, bounds(0x40000..0x50000)).unwrap();
        let low = regions.add(ROOT, bounds(0x20000..0x30000)).unwrap();
        let inner = regions.add(low, bounds(0x21000..0x22000)).unwrap();
        let found: Vec<u32> = regions
            .children(ROOT, &(0..0x41000))
            .map(|(child, _)| child)
            .collect();
        assert_eq!(found, [low, high]);
        assert_eq!(regions.innermost(ROOT, 0x21FFF), inner);
        assert_eq!(regions.innermost(ROOT, 0x22000), low);
        assert_eq!(regions.innermost(high, 0x21000), high);
        regions.handle_dropped(inner);
        regions.destroy(low);
        assert_eq!(regions.bounds(low), Err(Status::BAD_STATE));
        assert_eq!(regions.range(low), 0x20000..0x30000);
        // The inner one had no handle, so its number is free.
        let serial = regions.serial(low);
        assert_eq!(regions.add(high, bounds(0x40000..0x41000)).unwrap(), inner);
        regions.handle_dropped(low);
        assert_eq!(regions.add(ROOT, bounds(0x10000..0x11000)).unwrap(), low);
        assert!(regions.serial(low) > serial);
    }
}
