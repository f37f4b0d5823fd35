// SPDX-License-Identifier: MIT OR Apache-2.0

//! Linear memories of wasmtime that are VMOs: empty ones, or snapshot children
//! of an image.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::mm::{self, MapFlags, ProtFlags};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};
use zxvmo::{Name, Status, Vmo, VmoChildOptions};

/// Makes the memories of one engine.
#[derive(Default)]
pub struct Creator {
    /// What the next memories are made from; nothing for empty ones.
    image: Mutex<Option<Vmo>>,
    /// The memory that was made last.
    last: Mutex<Option<Arc<Vmo>>>,
}

impl Creator {
    /// The memory that was made last, which is that of the instance that was.
    pub fn last(&self) -> Option<Arc<Vmo>> {
        lock(&self.last).clone()
    }

    /// Makes the memory of the next instances be what `memory` is now. Nothing
    /// is copied, and `memory` can be written on.
    pub fn set_image(&self, memory: &Vmo) -> Result<(), Status> {
        let image = memory.create_child(
            VmoChildOptions::SNAPSHOT | VmoChildOptions::NO_WRITE,
            0,
            memory.get_size()?,
        )?;
        image.set_name(&Name::new_lossy("wasm image"))?;
        *lock(&self.image) = Some(image);
        Ok(())
    }

    /// A VMO of `size` bytes for a new memory.
    fn vmo(&self, size: u64) -> Result<Vmo, Status> {
        match &*lock(&self.image) {
            Some(image) => image.create_child(VmoChildOptions::SNAPSHOT, 0, size),
            None => Vmo::create(size),
        }
    }
}

// SAFETY: `Memory` below keeps what it is asked for: it has its own range of
// addresses with `reserved` and `guard` bytes, that nobody else uses. It is
// not all zero where there is an image, which is the point; the guest is made
// for that, and wasmtime itself only copies data segments into it.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _type: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let reserved = reserved.unwrap_or(0).max(minimum);
        let capacity = maximum.unwrap_or(reserved).min(reserved);
        let vmo = self
            .vmo(capacity as u64)
            .map_err(|status| format!("no VMO for a memory: {status}"))?;
        let length = reserved
            .checked_add(guard)
            .ok_or("the reservation is too large")?;
        let memory = Memory::new(Arc::new(vmo), length, capacity, minimum)
            .map_err(|error| format!("a memory cannot be mapped: {error}"))?;
        *lock(&self.last) = Some(memory.vmo.clone());
        Ok(Box::new(memory))
    }
}

/// A memory in the address space; dropping it drops the VMO, if nobody else
/// has that.
///
/// # Invariants
///
/// `base` is the start of `length` bytes of address space of its own, of which
/// `capacity` is not more. The first `size` bytes show the VMO and can be read
/// and written, the following ones cannot be accessed.
struct Memory {
    vmo: Arc<Vmo>,
    base: *mut c_void,
    length: usize,
    capacity: usize,
    size: usize,
}

// SAFETY: The range of addresses is the same for every thread, and is changed
// through `&mut` only.
unsafe impl Send for Memory {}
// SAFETY: As above.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(vmo: Arc<Vmo>, length: usize, capacity: usize, size: usize) -> std::io::Result<Self> {
        // SAFETY: It replaces nothing.
        let base = unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            mm::mmap_anonymous(null_mut(), length, ProtFlags::empty(), flags)?
        };
        // INVARIANT: Nothing can be accessed yet. From here on, drop unmaps it.
        let mut memory = Memory {
            vmo,
            base,
            length,
            capacity,
            size: 0,
        };
        memory.resize(size)?;
        Ok(memory)
    }

    /// Makes the first `size` bytes accessible, and not fewer than now.
    fn resize(&mut self, size: usize) -> std::io::Result<()> {
        if size > self.capacity {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        if size <= self.size {
            return Ok(());
        }
        let (protection, flags) = (
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED | MapFlags::FIXED,
        );
        // SAFETY: By the invariants and the check, these are addresses of this
        // memory at which nothing was accessible.
        unsafe {
            let at = self.base.byte_add(self.size);
            let (more, offset) = (size - self.size, self.size as u64);
            mm::mmap(at, more, protection, flags, &self.vmo, offset)?;
        }
        // INVARIANT: This many show the VMO now.
        self.size = size;
        Ok(())
    }
}

// SAFETY: The invariants of `Memory` are what this asks for: the base does not
// move, and what is beyond the size cannot be accessed.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        Ok(self.resize(size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.base.cast()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: By the invariant the range is this memory's own, and wasmtime
        // does not use it any more. It cannot fail for a whole mapping.
        let _ = unsafe { mm::munmap(self.base, self.length) };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
