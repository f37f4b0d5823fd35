// SPDX-License-Identifier: GPL-2.0

//! What the kernel may have back when memory is short: a shrinker.
//!
//! An owner of type `T: Reclaim` has an [`Entry`], protected by a lock of the owner's. While the
//! entry is listed, the kernel may ask for the owner's memory: globally short of memory, or for
//! the cgroup that the entry was made in; whoever was listed first is asked first. That can be
//! in the middle of any allocation, this module's included, so the owner's lock is only tried.

use super::c;
use core::{marker::PhantomData, mem::ManuallyDrop, ptr::NonNull};
use kernel::{ffi::c_void, prelude::*, sync::Arc};

/// An owner of memory that can be done without.
pub(crate) trait Reclaim: Send + Sync + Sized + 'static {
    /// The owner's lock, held, with what it protects.
    type Held<'a>;

    /// Takes the lock that protects the entry, if it is to be had at once; must not sleep.
    fn try_hold(&self) -> Option<Self::Held<'_>>;

    /// Gives memory back, unless it cannot be done without now. The entry is not listed any more.
    /// Returns the number of pages.
    fn reclaim(owner: &Arc<Self>, held: Self::Held<'_>) -> usize;
}

/// A place on the list for one owner.
///
/// # Invariants
///
/// Points to what `zx_reclaim_entry_alloc()` returned. While listed, it owns a reference to the
/// owner.
pub(crate) struct Entry<T: Reclaim>(NonNull<c_void>, PhantomData<Arc<T>>);

// SAFETY: An entry is not tied to a thread.
unsafe impl<T: Reclaim> Send for Entry<T> {}
// SAFETY: Everything that changes an entry takes `&mut`.
unsafe impl<T: Reclaim> Sync for Entry<T> {}

impl<T: Reclaim> Entry<T> {
    /// Makes an entry, not listed, for the current memory cgroup.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The list exists while the module is loaded.
        let entry = unsafe { c::zx_reclaim_entry_alloc() };
        Ok(Self(NonNull::new(entry).ok_or(ENOMEM)?, PhantomData))
    }

    /// Lists the entry as the newest, with `owner`, whose entry it must be, and about how many
    /// pages there are. Listed already, it only changes places.
    pub(crate) fn list(&mut self, owner: &Arc<T>, pages: u64) {
        self.unlist();
        let owner = Arc::into_raw(owner.clone());
        // SAFETY: By the type invariants; the entry takes over the reference.
        unsafe { c::zx_reclaim_entry_add(self.0.as_ptr(), owner.cast(), pages as usize) }
    }

    /// Takes the entry off the list, if it is there.
    pub(crate) fn unlist(&mut self) {
        // SAFETY: By the type invariants.
        let owner = unsafe { c::zx_reclaim_entry_remove(self.0.as_ptr()) };
        if !owner.is_null() {
            // SAFETY: `list` put the reference there; it is taken out once.
            drop(unsafe { Arc::from_raw(owner.cast::<T>()) });
        }
    }
}

impl<T: Reclaim> Drop for Entry<T> {
    fn drop(&mut self) {
        self.unlist();
        // SAFETY: Allocated in `new`, and on no list.
        unsafe { c::zx_reclaim_entry_free(self.0.as_ptr()) }
    }
}

/// What [`Operations::hold`] leaves for [`Operations::reclaim`].
struct Hold<T: Reclaim> {
    held: T::Held<'static>,
    /// After `held`, which borrows from it.
    owner: Arc<T>,
}

struct Operations<T>(PhantomData<T>);

impl<T: Reclaim> Operations<T> {
    const ROOM: usize = c::ZX_C_RECLAIM_HOLD_WORDS as usize * size_of::<u64>();

    /// # Safety
    ///
    /// Called by the shrinker only, with the list's lock held: `owner` is that of a listed entry
    /// and `hold` room for `ROOM` bytes, aligned to 8. If the result is `true`, the entry is taken
    /// off the list, and [`reclaim`](Self::reclaim) called next.
    unsafe extern "C" fn hold(owner: *const c_void, hold: *mut c_void) -> bool {
        const {
            assert!(size_of::<Hold<T>>() <= Self::ROOM);
            assert!(align_of::<Hold<T>>() <= align_of::<u64>());
        }
        // SAFETY: A listed entry owns a reference to its owner.
        let owner = ManuallyDrop::new(unsafe { Arc::from_raw(owner.cast::<T>()) });
        let owner_ref: *const T = &**owner;
        // SAFETY: The owner lives as long as the reference that is kept beside `held`.
        let Some(held) = (unsafe { (*owner_ref).try_hold() }) else {
            return false;
        };
        let hold = hold.cast::<Hold<T>>();
        // The list's reference: the caller takes the entry off the list.
        let owner = ManuallyDrop::into_inner(owner);
        // SAFETY: There is room, as asserted.
        unsafe { hold.write(Hold { held, owner }) };
        true
    }

    /// # Safety
    ///
    /// Called by the shrinker only, once after `hold`, with the same argument.
    unsafe extern "C" fn reclaim(hold: *mut c_void) -> usize {
        // SAFETY: `hold` has put one there.
        let hold = unsafe { hold.cast::<Hold<T>>().read() };
        T::reclaim(&hold.owner, hold.held)
    }
}

/// The shrinker; exists once, from module initialisation to exit.
pub(crate) struct Shrinker<T: Reclaim>(PhantomData<T>);

impl<T: Reclaim> Shrinker<T> {
    /// Registers it. Must be dropped after every entry.
    pub(crate) fn register() -> Result<Self> {
        type Table<T> = Operations<T>;
        // SAFETY: The two fit each other.
        kernel::error::to_result(unsafe {
            c::zx_reclaim_init(Some(Table::<T>::hold), Some(Table::<T>::reclaim))
        })?;
        Ok(Self(PhantomData))
    }
}

impl<T: Reclaim> Drop for Shrinker<T> {
    fn drop(&mut self) {
        // SAFETY: Registered in `register`.
        unsafe { c::zx_reclaim_exit() }
    }
}
