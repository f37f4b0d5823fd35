// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use crate::{raw, Status, VmarFlags, VmarOp};

/// A VMO in the address space; unmapped on drop. Made by
/// [`Vmo::map`](crate::Vmo::map).
///
/// Others may change the memory at any time, through other mappings and
/// handles, so there is no reference to it: [`copy_in`](Self::copy_in) and
/// [`copy_out`](Self::copy_out) copy, and [`as_ptr`](Self::as_ptr) is for
/// volatile or atomic access.
///
/// Pages at or beyond the end of the VMO, now or after it shrank, are not
/// accessible: touching them raises SIGBUS.
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
    flags: VmarFlags,
}

// SAFETY: The memory is shared as it is, whatever the thread; all access is
// volatile or up to the user of the pointer.
unsafe impl Send for Mapping {}
// SAFETY: As above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// # Safety
    ///
    /// `[start, start + len)` must be a mapping that nobody else unmaps.
    pub(crate) unsafe fn from_raw(start: NonNull<u8>, len: usize, flags: VmarFlags) -> Self {
        Self { start, len, flags }
    }

    /// The first byte; page-aligned.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes that are mapped, a multiple of the page size.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Always false: there is no empty mapping.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies `data` into the memory at `offset`.
    ///
    /// ACCESS_DENIED if it is not mapped with PERM_WRITE; OUT_OF_RANGE if the
    /// range leaves the mapping.
    pub fn copy_in(&self, data: &[u8], offset: usize) -> Result<(), Status> {
        let to = self.range(offset, data.len(), VmarFlags::PERM_WRITE)?;
        for (i, &byte) in data.iter().enumerate().take(lead(to, data.len())) {
            // SAFETY: Inside the mapping, which is writable.
            unsafe { to.add(i).write_volatile(byte) };
        }
        let mut i = lead(to, data.len());
        while let Some(word) = data.get(i..i + WORD) {
            let mut bytes = [0; WORD];
            bytes.copy_from_slice(word);
            // SAFETY: Inside the mapping, which is writable, and aligned.
            unsafe {
                to.add(i)
                    .cast::<usize>()
                    .write_volatile(usize::from_ne_bytes(bytes))
            };
            i += WORD;
        }
        for (i, &byte) in data.iter().enumerate().skip(i) {
            // SAFETY: Inside the mapping, which is writable.
            unsafe { to.add(i).write_volatile(byte) };
        }
        Ok(())
    }

    /// Copies the memory at `offset` into `data`.
    ///
    /// ACCESS_DENIED if it is not mapped with PERM_READ; OUT_OF_RANGE if the
    /// range leaves the mapping.
    pub fn copy_out(&self, data: &mut [u8], offset: usize) -> Result<(), Status> {
        let from = self.range(offset, data.len(), VmarFlags::PERM_READ)?;
        let len = data.len();
        let mut i = lead(from, len);
        for (i, byte) in data.iter_mut().enumerate().take(i) {
            // SAFETY: Inside the mapping, which is readable.
            *byte = unsafe { from.add(i).read_volatile() };
        }
        while let Some(word) = data.get_mut(i..i + WORD) {
            // SAFETY: Inside the mapping, which is readable, and aligned.
            let value = unsafe { from.add(i).cast::<usize>().read_volatile() };
            word.copy_from_slice(&value.to_ne_bytes());
            i += WORD;
        }
        for (i, byte) in data.iter_mut().enumerate().skip(i) {
            // SAFETY: Inside the mapping, which is readable.
            *byte = unsafe { from.add(i).read_volatile() };
        }
        Ok(())
    }

    /// `zx_vmar_op_range` on `len` bytes from `offset` on, rounded up to pages.
    ///
    /// INVALID_ARGS if `offset` is not a multiple of the page size or `len` is
    /// 0, OUT_OF_RANGE if the range leaves the mapping, ACCESS_DENIED if the
    /// VMO's handle lacked the right, and those of the operation in
    /// [`Vmo::op_range`](crate::Vmo::op_range).
    pub fn op_range(&self, op: VmarOp, offset: usize, len: usize) -> Result<(), Status> {
        let start = self.range(offset, len, VmarFlags::empty())?;
        // SAFETY: Inside the mapping, which is whole pages and lent to nobody.
        unsafe { raw::region_op_range(op.into_raw(), start as usize, len) }
    }

    fn range(&self, offset: usize, len: usize, need: VmarFlags) -> Result<*mut u8, Status> {
        if !self.flags.contains(need) {
            return Err(Status::ACCESS_DENIED);
        }
        match offset.checked_add(len) {
            // SAFETY: Inside the mapping, or one past its end with no length.
            Some(end) if end <= self.len => Ok(unsafe { self.start.as_ptr().add(offset) }),
            _ => Err(Status::OUT_OF_RANGE),
        }
    }
}

const WORD: usize = size_of::<usize>();

/// Bytes before the first aligned word.
fn lead(start: *const u8, len: usize) -> usize {
    start.align_offset(WORD).min(len)
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: The mapping is this value's own, and its memory was lent to
        // nobody. There is nothing left to do if it fails.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast::<c_void>(), self.len) };
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping")
            .field("start", &self.start)
            .field("len", &self.len)
            .field("flags", &self.flags)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mm::{mmap_anonymous, MapFlags, ProtFlags};

    #[test]
    fn copies_at_any_alignment() {
        // SAFETY: New memory, which hurts nobody.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                8192,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        };
        let start = NonNull::new(start.unwrap().cast::<u8>()).unwrap();
        let flags = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE;
        // SAFETY: It is only this test's.
        let mapping = unsafe { Mapping::from_raw(start, 8192, flags) };

        let data: Vec<u8> = (0..=255).collect();
        for offset in [0, 1, 7, 8, 4095, 8192 - 256] {
            for len in [0, 1, 7, 8, 9, 255, 256] {
                mapping.copy_in(&data[..len], offset).unwrap();
                let mut back = vec![0; len];
                mapping.copy_out(&mut back, offset).unwrap();
                assert_eq!(back, data[..len]);
            }
        }
        assert_eq!(mapping.copy_in(b"x", 8192), Err(Status::OUT_OF_RANGE));
        assert_eq!(mapping.copy_in(b"x", usize::MAX), Err(Status::OUT_OF_RANGE));
        assert_eq!(mapping.copy_in(b"", 8192), Ok(()));
    }
}
