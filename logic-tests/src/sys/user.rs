// SPDX-License-Identifier: GPL-2.0

//! In the place of the module's `user.rs`: user memory is a map of pages, one for each thread. A
//! page may be there and still have to be faulted in.

use super::uapi;
use core::{cell::RefCell, marker::PhantomData};
use kernel::{bindings::iov_iter, error::code::*, error::Result};
use std::collections::BTreeMap;

const PAGE: usize = super::PAGE_SIZE as usize;

/// Where user memory ends.
pub(crate) const END: usize = 1 << 47;

struct UserPage {
    bytes: Box<[u8; PAGE]>,
    present: bool,
}

thread_local! {
    static MEMORY: RefCell<BTreeMap<usize, UserPage>> = const { RefCell::new(BTreeMap::new()) };
}

/// Maps `pages` pages at `address`, or maps them anew: zeros, which have to be faulted in.
pub(crate) fn map(address: usize, pages: usize) {
    MEMORY.with_borrow_mut(|memory| {
        for number in address / PAGE..address / PAGE + pages {
            let bytes = Box::new([0; PAGE]);
            let present = false;
            memory.insert(number, UserPage { bytes, present });
        }
    });
}

/// Takes what is mapped out of the page tables, or away.
pub(crate) fn unmap(address: usize, pages: usize, away: bool) {
    MEMORY.with_borrow_mut(|memory| {
        for number in address / PAGE..address / PAGE + pages {
            if away {
                memory.remove(&number);
            } else if let Some(page) = memory.get_mut(&number) {
                page.present = false;
            }
        }
    });
}

/// Calls `go` with the memory at `address` page by page, until `length` bytes are done or a page is
/// missing; one that is not present counts as missing unless `fault`. Returns the bytes done.
fn each(address: usize, length: usize, fault: bool, mut go: impl FnMut(usize, &mut [u8])) -> usize {
    MEMORY.with_borrow_mut(|memory| {
        let mut done = 0;
        while done < length {
            let at = address + done;
            let offset = at % PAGE;
            let piece = (PAGE - offset).min(length - done);
            match memory.get_mut(&(at / PAGE)) {
                Some(page) if fault || page.present => {
                    page.present = true;
                    go(done, &mut page.bytes[offset..offset + piece]);
                }
                _ => break,
            }
            done += piece;
        }
        done
    })
}

/// What is at `address`: the test's own look.
pub(crate) fn peek(address: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let done = each(address, length, true, |at, from| {
        bytes[at..at + from.len()].copy_from_slice(from);
    });
    bytes.truncate(done);
    bytes
}

/// Puts `bytes` at `address`.
pub(crate) fn poke(address: usize, bytes: &[u8]) {
    let done = each(address, bytes.len(), true, |at, to| {
        to.copy_from_slice(&bytes[at..at + to.len()]);
    });
    assert_eq!(done, bytes.len());
}

/// Without faults.
pub(super) fn copy_out(address: usize, bytes: &[u8]) -> usize {
    each(address, bytes.len(), false, |at, to| {
        to.copy_from_slice(&bytes[at..at + to.len()]);
    })
}

/// Without faults.
pub(super) fn copy_in(address: usize, bytes: &mut [u8]) -> usize {
    each(address, bytes.len(), false, |at, from| {
        bytes[at..at + from.len()].copy_from_slice(from);
    })
}

/// Structures of the ABI.
///
/// # Safety
///
/// Any bytes must be a valid value, and the structure must have no padding.
pub(crate) unsafe trait Abi: Default {}

// SAFETY: Numbers that fill it.
unsafe impl Abi for uapi::zxvmo_iovec {}
// SAFETY: As above.
unsafe impl Abi for uapi::zxvmo_lock_state {}

/// As in the module.
pub(crate) fn bytes_of<T: Abi>(value: &T) -> &[u8] {
    // SAFETY: `T` has no padding, so all its bytes are initialised.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// As in the module.
pub(crate) fn write_bytes(address: usize, bytes: &[u8]) -> Result {
    let done = each(address, bytes.len(), true, |at, to| {
        to.copy_from_slice(&bytes[at..at + to.len()]);
    });
    if done == bytes.len() {
        Ok(())
    } else {
        Err(EFAULT)
    }
}

/// As in the module.
pub(crate) fn read_values<T: Abi>(address: usize, values: &mut [T]) -> Result {
    let length = size_of_val(values);
    // SAFETY: Any bytes are a valid `T`.
    let bytes = unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), length) };
    let read = peek(address, length);
    if read.len() < length {
        return Err(EFAULT);
    }
    let bytes: &mut [u8] = bytes;
    bytes.copy_from_slice(&read);
    Ok(())
}

/// As in the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// From the pages to the iterator's buffers.
    Read,
    /// From the iterator's buffers to the pages.
    Write,
}

/// As in the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BufferFault {
    /// Nothing is mapped there.
    NotMapped,
    /// Something is mapped without the permission that was needed.
    NotPermitted,
}

/// A position in user memory.
pub(crate) struct IovIter<'a> {
    iter: iov_iter,
    _borrow: PhantomData<&'a mut iov_iter>,
}

impl IovIter<'_> {
    /// Over `length` bytes at `address`.
    pub(crate) fn new(address: usize, length: usize) -> Self {
        let iter = iov_iter {
            address,
            count: length,
        };
        Self {
            iter,
            _borrow: PhantomData,
        }
    }

    pub(super) fn as_raw(&mut self) -> *mut iov_iter {
        &mut self.iter
    }

    /// Where it is.
    pub(crate) fn address(&self) -> usize {
        self.iter.address
    }

    /// Goes on by `length` bytes, as if they had been moved.
    pub(crate) fn advance(&mut self, length: usize) {
        self.iter.address += length;
        self.iter.count -= length;
    }

    /// Leaves at most `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.iter.count = self.iter.count.min(length);
    }

    /// Bytes left.
    pub(crate) fn remaining(&self) -> usize {
        self.iter.count
    }

    /// Puts zeros into the buffers.
    pub(crate) fn zero(&mut self, length: usize) -> usize {
        let length = length.min(self.iter.count);
        let done = each(self.iter.address, length, true, |_, to| to.fill(0));
        self.advance(done);
        done
    }

    /// Makes the buffers present.
    pub(crate) fn fault_in(&mut self, length: usize) -> usize {
        each(
            self.iter.address,
            length.min(self.iter.count),
            true,
            |_, _| {},
        )
    }

    /// Why the byte at the current position cannot be accessed.
    pub(crate) fn fault(&self) -> BufferFault {
        BufferFault::NotMapped
    }
}

/// As in the module.
pub(crate) fn with_user_buffer<R>(
    address: usize,
    length: usize,
    _direction: Direction,
    f: impl FnOnce(&mut IovIter<'_>) -> R,
) -> core::result::Result<R, BufferFault> {
    if length > END || address > END - length {
        return Err(BufferFault::NotMapped);
    }
    Ok(f(&mut IovIter::new(address, length)))
}
