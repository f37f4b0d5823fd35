// SPDX-License-Identifier: MIT OR Apache-2.0
//! The handle table: from `zx_handle_t` to what it stands for.
//!
//! A value holds, from low to high: the two fixed bits, the index of a slot
//! and the slot's generation. Slots never move, so that calls need no lock to
//! get at them: one atomic operation before the call and one after it.

use std::ops::Deref;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use zxvmo::{abi, Status};

use crate::entry::{Entry, ObjectType};
use crate::free_list::{FreeList, Slots, KEEP};
use crate::region;
use crate::slot::{after_fork_in_child, Slot, User, GENERATION_BITS};

const FIXED_BITS: u32 = abi::ZX_HANDLE_FIXED_BITS_MASK;
const INDEX_SHIFT: u32 = FIXED_BITS.count_ones();
const INDEX_BITS: u32 = u32::BITS - INDEX_SHIFT - GENERATION_BITS;
const MAX_SLOTS: u32 = 1 << INDEX_BITS;

/// Slots in the library's own data. Each further chunk doubles the table.
const FIRST_SLOTS: u32 = 1024;
const CHUNKS: usize = (INDEX_BITS - FIRST_SLOTS.trailing_zeros()) as usize;

/// Handles that are always there and cannot be closed: their slots come first.
const PINNED: [Entry; 2] = [
    Entry::Local {
        object_type: ObjectType::Vmar,
        rights: abi::ZX_DEFAULT_VMAR_RIGHTS
            | abi::ZX_RIGHT_READ
            | abi::ZX_RIGHT_WRITE
            | abi::ZX_RIGHT_EXECUTE,
        region: region::ROOT,
    },
    Entry::Local {
        object_type: ObjectType::Process,
        rights: abi::ZX_RIGHT_DUPLICATE | abi::ZX_RIGHT_TRANSFER | abi::ZX_RIGHT_INSPECT,
        region: region::ROOT,
    },
];

/// The root region of the address space.
pub(crate) const ROOT_VMAR: u32 = value(0, 0);
/// The process.
pub(crate) const SELF: u32 = value(1, 0);

const fn value(index: u32, generation: u32) -> u32 {
    FIXED_BITS | (index << INDEX_SHIFT) | (generation << (INDEX_SHIFT + INDEX_BITS))
}

const fn index_of(value: u32) -> u32 {
    (value >> INDEX_SHIFT) & (MAX_SLOTS - 1)
}

const fn generation_of(value: u32) -> u32 {
    value >> (INDEX_SHIFT + INDEX_BITS)
}

const fn is_pinned(value: u32) -> bool {
    index_of(value) < PINNED.len() as u32
}

struct Table {
    first: [Slot; FIRST_SLOTS as usize],
    more: [AtomicPtr<Slot>; CHUNKS],
    /// Slots that were ever used.
    used: AtomicU32,
    free: FreeList,
}

static TABLE: Table = Table {
    first: {
        let mut slots = [const { Slot::new() }; FIRST_SLOTS as usize];
        slots[0] = Slot::open(PINNED[0]);
        slots[1] = Slot::open(PINNED[1]);
        slots
    },
    more: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
    used: AtomicU32::new(PINNED.len() as u32),
    free: FreeList::new(),
};

impl Slots for Table {
    fn slot(&self, index: u32) -> Option<&Slot> {
        if let Some(slot) = self.first.get(index as usize) {
            return Some(slot);
        }
        let (chunk, offset) = place(index);
        let slots = self.more.get(chunk)?.load(Ordering::Acquire);
        if slots.is_null() {
            return None;
        }
        // SAFETY: A chunk is never freed, and the index is inside it.
        Some(unsafe { &*slots.add(offset as usize) })
    }
}

/// The chunk of an index that is not among the first ones, and where in it.
/// Chunk n holds the indexes from `FIRST_SLOTS << n` up to twice that.
fn place(index: u32) -> (usize, u32) {
    let chunk = index.ilog2() - FIRST_SLOTS.ilog2();
    (chunk as usize, index - (FIRST_SLOTS << chunk))
}

impl Table {
    fn insert(&self, entry: Entry) -> Option<u32> {
        self.notice_forks();
        let (index, slot) = self.free_slot()?;
        Some(value(index, slot.fill(entry)))
    }

    fn free_slot(&self) -> Option<(u32, &Slot)> {
        let index = if self.free.len() >= KEEP {
            self.free.get(self).or_else(|| self.new_index())
        } else {
            self.new_index().or_else(|| self.free.get(self))
        }?;
        Some((index, self.slot(index)?))
    }

    /// The index of a slot that was never used.
    fn new_index(&self) -> Option<u32> {
        let next = |used| (used < MAX_SLOTS).then_some(used + 1);
        let mut index = self.used.load(Ordering::Relaxed);
        loop {
            let after = next(index)?;
            self.ensure(index)?;
            match self.used.compare_exchange_weak(
                index,
                after,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(index),
                Err(now) => index = now,
            }
        }
    }

    /// Makes the chunk that `index` is in, if it is not there.
    fn ensure(&self, index: u32) -> Option<()> {
        if self.slot(index).is_some() {
            return Some(());
        }
        let (chunk, _) = place(index);
        let len = (FIRST_SLOTS << chunk) as usize;
        let mut slots = Vec::new();
        slots.try_reserve_exact(len).ok()?;
        slots.resize_with(len, Slot::new);
        let slots = Box::into_raw(slots.into_boxed_slice());
        let installed = self.more.get(chunk)?.compare_exchange(
            ptr::null_mut(),
            slots.cast::<Slot>(),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if installed.is_err() {
            // SAFETY: Another thread was faster; nobody has seen this one.
            drop(unsafe { Box::from_raw(slots) });
        }
        Some(())
    }

    /// Users that the parent of a fork had must not be waited for in the child.
    fn notice_forks(&self) {
        static DONE: AtomicBool = AtomicBool::new(false);
        if !DONE.load(Ordering::Relaxed) && !DONE.swap(true, Ordering::Relaxed) {
            // SAFETY: The function does a single atomic addition. If it cannot
            // be registered, a child may leave a few descriptors open.
            unsafe { libc::pthread_atfork(None, None, Some(after_fork_in_child)) };
        }
    }

    fn enter(&self, value: u32) -> Option<User<'_>> {
        if value & FIXED_BITS != FIXED_BITS {
            return None;
        }
        self.slot(index_of(value))?.enter(generation_of(value))
    }

    fn leave(&self, value: u32, user: &User<'_>) {
        let entry = user.entry();
        if user.leave() {
            entry.release();
            self.free.put(self, index_of(value));
        }
    }
}

/// A handle that a call uses. It stays what it is until this is dropped, also
/// if another thread closes it.
pub(crate) struct Handle {
    value: u32,
    user: User<'static>,
    entry: Entry,
}

impl Handle {
    /// Looks up a value; BAD_HANDLE if it is none.
    pub(crate) fn get(value: u32) -> Result<Self, Status> {
        let user = TABLE.enter(value).ok_or(Status::BAD_HANDLE)?;
        let entry = user.entry();
        Ok(Self { value, user, entry })
    }

    /// Looks up a VMO; BAD_HANDLE, WRONG_TYPE.
    pub(crate) fn vmo(value: u32) -> Result<KernelHandle, Status> {
        Self::of_type(value, ObjectType::Vmo)
    }

    /// Looks up a stream; BAD_HANDLE, WRONG_TYPE.
    pub(crate) fn stream(value: u32) -> Result<KernelHandle, Status> {
        Self::of_type(value, ObjectType::Stream)
    }

    fn of_type(value: u32, wanted: ObjectType) -> Result<KernelHandle, Status> {
        let handle = Self::get(value)?;
        match handle.entry {
            Entry::Kernel { object_type, fd } if object_type == wanted => Ok(KernelHandle {
                // SAFETY: The descriptor stays open, or parked, for as long as
                // the handle is in use.
                fd: unsafe { BorrowedFd::borrow_raw(fd) },
                _handle: handle,
            }),
            _ => Err(Status::WRONG_TYPE),
        }
    }

    /// Looks up a region; BAD_HANDLE, WRONG_TYPE.
    pub(crate) fn region(value: u32) -> Result<RegionHandle, Status> {
        let handle = Self::get(value)?;
        match handle.entry {
            Entry::Local {
                object_type: ObjectType::Vmar,
                rights,
                region,
            } => Ok(RegionHandle {
                rights,
                region,
                _handle: handle,
            }),
            _ => Err(Status::WRONG_TYPE),
        }
    }

    pub(crate) fn entry(&self) -> Entry {
        self.entry
    }

    /// Whether it cannot be closed.
    pub(crate) fn is_pinned(&self) -> bool {
        is_pinned(self.value)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        TABLE.leave(self.value, &self.user);
    }
}

/// A [`Handle`] to an object of the module; derefs to its descriptor.
pub(crate) struct KernelHandle {
    fd: BorrowedFd<'static>,
    _handle: Handle,
}

impl Deref for KernelHandle {
    type Target = BorrowedFd<'static>;
    fn deref(&self) -> &BorrowedFd<'static> {
        &self.fd
    }
}

/// A [`Handle`] to a region, which stays known while this lives. Not to be
/// dropped with the regions locked: it may be the last one.
pub(crate) struct RegionHandle {
    pub(crate) rights: u32,
    pub(crate) region: u32,
    _handle: Handle,
}

/// Makes a handle of an entry, which it owns from now on, also if it fails:
/// NO_MEMORY if the table is full.
pub(crate) fn insert(entry: Entry) -> Result<u32, Status> {
    entry.count();
    TABLE.insert(entry).ok_or_else(|| {
        entry.release();
        Status::NO_MEMORY
    })
}

/// Closes a handle; BAD_HANDLE if it is none. Those that are always there
/// stay.
pub(crate) fn close(value: u32) -> Result<(), Status> {
    if is_pinned(value) {
        return Handle::get(value).map(drop);
    }
    if value & FIXED_BITS != FIXED_BITS {
        return Err(Status::BAD_HANDLE);
    }
    let slot = TABLE.slot(index_of(value)).ok_or(Status::BAD_HANDLE)?;
    let (user, others) = slot.close(generation_of(value)).ok_or(Status::BAD_HANDLE)?;
    if others {
        user.entry().park();
    }
    TABLE.leave(value, &user);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;
    use rustix::pipe::pipe;
    use std::os::fd::{IntoRawFd, OwnedFd};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// One test at a time: a child has the descriptors of the others, too.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle to the reading end of a pipe, and the writing end: that tells
    /// whether the other one is open.
    fn insert_pipe() -> (u32, i32, OwnedFd) {
        let (reader, writer) = pipe().unwrap();
        let fd = reader.into_raw_fd();
        let object_type = ObjectType::Vmo;
        let value = insert(Entry::Kernel { object_type, fd }).unwrap();
        (value, fd, writer)
    }

    fn is_open_elsewhere(writer: &OwnedFd) -> bool {
        rustix::io::write(writer, b"x") != Err(Errno::PIPE)
    }

    fn is_number_taken(fd: i32) -> bool {
        // SAFETY: Asks for a flag.
        unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
    }

    #[test]
    fn indexes_and_generations_fit() {
        assert_eq!(ROOT_VMAR, 3);
        assert_eq!(SELF, 7);
        let last = value(MAX_SLOTS - 1, (1 << GENERATION_BITS) - 1);
        assert_eq!(last, u32::MAX);
        assert_eq!(index_of(last), MAX_SLOTS - 1);
        assert_eq!(generation_of(last), (1 << GENERATION_BITS) - 1);
        assert_eq!(place(FIRST_SLOTS), (0, 0));
        assert_eq!(place(2 * FIRST_SLOTS - 1), (0, FIRST_SLOTS - 1));
        assert_eq!(place(2 * FIRST_SLOTS), (1, 0));
        assert_eq!(place(MAX_SLOTS - 1), (CHUNKS - 1, MAX_SLOTS / 2 - 1));
    }

    #[test]
    fn closing_under_a_call_keeps_the_number() {
        let _alone = alone();
        let (value, fd, writer) = insert_pipe();
        let held = Handle::vmo(value).unwrap();
        assert!(is_open_elsewhere(&writer));
        close(value).unwrap();
        // Closed for all to see, but the number is not free yet.
        assert!(!is_open_elsewhere(&writer));
        assert!(is_number_taken(fd));
        assert_eq!(Handle::get(value).err(), Some(Status::BAD_HANDLE));
        assert_eq!(close(value), Err(Status::BAD_HANDLE));
        drop(held);
    }

    #[test]
    fn a_child_does_not_wait_for_the_parents_calls() {
        let _alone = alone();
        let (value, fd, writer) = insert_pipe();
        let held = Handle::vmo(value).unwrap();
        // SAFETY: The child only makes system calls.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let is_closed = close(value).is_ok() && !is_number_taken(fd);
            drop(held);
            let is_gone = close(value).is_err();
            // SAFETY: Ends the child.
            unsafe { libc::_exit(if is_closed && is_gone { 0 } else { 1 }) };
        }
        let mut status = -1;
        // SAFETY: Waits for the child.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        assert!(is_open_elsewhere(&writer));
        drop(held);
        close(value).unwrap();
        assert!(!is_open_elsewhere(&writer));
    }
}
