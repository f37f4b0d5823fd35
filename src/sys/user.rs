// SPDX-License-Identifier: GPL-2.0

//! User memory: ioctl arguments, records, and iterators over data buffers.

use super::{c, mm, uapi};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    mm::virt::flags,
    prelude::*,
    transmute::{AsBytes, FromBytes},
    uaccess::{UserPtr, UserSlice},
};

/// Structures of the ABI that may be copied from and to user space.
///
/// # Safety
///
/// Any bytes must be a valid value, and the structure must have no padding.
pub(crate) unsafe trait Abi: Default {}

macro_rules! abi {
    ($($name:ident: $size:literal),* $(,)?) => {$(
        const _: () = assert!(core::mem::size_of::<uapi::$name>() == $size);
        // SAFETY: Made of integers only; its members fill the size asserted above (the header
        // names all padding).
        unsafe impl Abi for uapi::$name {}
    )*};
}

abi! {
    zxvmo_query: 24,
    zxvmo_create: 24,
    zxvmo_transfer: 32,
    zxvmo_size: 16,
    zxvmo_create_child: 32,
    zxvmo_op_range: 40,
    zxvmo_lock_state: 32,
    zxvmo_transfer_data: 40,
    zxvmo_duplicate: 16,
    zxvmo_replace_as_executable: 16,
    zxvmo_cache_policy: 16,
    zxvmo_get_info: 40,
    zxvmo_property: 24,
    zxvmo_signal: 16,
    zxvmo_wait: 24,
    zxvmo_wait_item: 12,
    zxvmo_wait_many: 24,
    zxvmo_create_event: 24,
    zxvmo_create_port: 16,
    zxvmo_port_packet: 48,
    zxvmo_port_queue: 16,
    zxvmo_port_wait: 24,
    zxvmo_port_cancel: 16,
    zxvmo_wait_async: 24,
    zxvmo_map: 40,
    zxvmo_region_op_range: 24,
    zxvmo_info_handle_basic: 32,
    zxvmo_info_handle_count: 4,
    zxvmo_info_vmo: 176,
    zxvmo_create_stream: 24,
    zxvmo_stream_transfer: 48,
    zxvmo_stream_seek: 24,
    zxvmo_iovec: 16,
    zxvmo_info_stream: 24,
}

/// Bytes of `value`, to be copied out.
pub(crate) fn bytes_of<T: Abi>(value: &T) -> &[u8] {
    // SAFETY: `T` has no padding, so all its bytes are initialised.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

fn bytes_of_mut<T: Abi>(value: &mut T) -> &mut [u8] {
    // SAFETY: As in `bytes_of`, and any bytes are a valid `T`.
    unsafe { core::slice::from_raw_parts_mut(core::ptr::from_mut(value).cast(), size_of::<T>()) }
}

/// The words that a `T` consists of, if the caller's has `length` bytes, too.
fn words_of<T: Abi>(length: usize) -> Option<u32> {
    (length == size_of::<T>() && length % 8 == 0).then_some(length as u32 / 8)
}

/// Reads the ioctl argument at `address`, `length` bytes by the caller's version of the ABI. What
/// an older caller does not have is zero; what a newer one has beyond `T` must be.
pub(crate) fn read_argument<T: Abi>(address: usize, length: usize) -> Result<T> {
    let mut argument = T::default();
    if let Some(words) = words_of::<T>(length) {
        let to = core::ptr::from_mut(&mut argument).cast();
        // SAFETY: `argument` has as many words, and any are a valid `T`; the address is checked.
        to_result(unsafe { c::zx_words_from_user(to, address as *const u64, words) })?;
        return Ok(argument);
    }
    let known = length.min(size_of::<T>());
    let mut reader = UserSlice::new(UserPtr::from_addr(address), length).reader();
    reader.read_slice(&mut bytes_of_mut(&mut argument)[..known])?;
    while !reader.is_empty() {
        if reader.read::<u8>()? != 0 {
            return Err(E2BIG);
        }
    }
    Ok(argument)
}

/// Writes the ioctl argument back, as far as the caller's version of it goes.
pub(crate) fn write_argument<T: Abi>(address: usize, length: usize, argument: &T) -> Result {
    if let Some(words) = words_of::<T>(length) {
        let from = core::ptr::from_ref(argument).cast();
        // SAFETY: `argument` has as many words, without padding; the address is checked.
        return to_result(unsafe { c::zx_words_to_user(address as *mut u64, from, words) });
    }
    write_bytes(address, &bytes_of(argument)[..length.min(size_of::<T>())])
}

/// Copies `bytes` to user space.
pub(crate) fn write_bytes(address: usize, bytes: &[u8]) -> Result {
    UserSlice::new(UserPtr::from_addr(address), bytes.len())
        .writer()
        .write_slice(bytes)
}

/// Fills `bytes` from user space.
pub(crate) fn read_bytes(address: usize, bytes: &mut [u8]) -> Result {
    UserSlice::new(UserPtr::from_addr(address), bytes.len())
        .reader()
        .read_slice(bytes)
}

/// Copies a record from user space.
pub(crate) fn read_record<T: Abi>(address: usize) -> Result<T> {
    let mut record = T::default();
    read_bytes(address, bytes_of_mut(&mut record))?;
    Ok(record)
}

/// Copies an array of `count` records from user space.
pub(crate) fn read_records<T: Abi>(address: usize, count: usize) -> Result<KVec<T>> {
    let mut records = KVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
    let mut reader = UserSlice::new(
        UserPtr::from_addr(address),
        count.saturating_mul(size_of::<T>()),
    )
    .reader();
    for _ in 0..count {
        let mut record = T::default();
        reader.read_slice(bytes_of_mut(&mut record))?;
        records.push(record, GFP_KERNEL_ACCOUNT)?;
    }
    Ok(records)
}

/// Copies an array of records to user space.
pub(crate) fn write_records<T: Abi>(address: usize, records: &[T]) -> Result {
    let mut writer = UserSlice::new(UserPtr::from_addr(address), size_of_val(records)).writer();
    records
        .iter()
        .try_for_each(|record| writer.write_slice(bytes_of(record)))
}

/// Copies one plain value to user space.
pub(crate) fn write_value<T: AsBytes>(address: usize, value: &T) -> Result {
    UserSlice::new(UserPtr::from_addr(address), size_of::<T>())
        .writer()
        .write(value)
}

/// Reads one plain value from user space.
pub(crate) fn read_value<T: FromBytes>(address: usize) -> Result<T> {
    UserSlice::new(UserPtr::from_addr(address), size_of::<T>())
        .reader()
        .read()
}

/// Fills `values` from user space.
pub(crate) fn read_values<T: Abi>(address: usize, values: &mut [T]) -> Result {
    let length = size_of_val(values);
    // SAFETY: As in `bytes_of_mut`, for each of them.
    let bytes = unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), length) };
    read_bytes(address, bytes)
}

/// Which way data moves between a [`IovIter`] and the pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the pages to the iterator's buffers.
    Read,
    /// From the iterator's buffers to the pages.
    Write,
}

/// Why a buffer could not be accessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BufferFault {
    /// Nothing is mapped there, or what is mapped cannot supply memory; also a reservation.
    NotMapped,
    /// Something is mapped without the permission that was needed.
    NotPermitted,
}

/// A position in the data buffers of a read or write.
///
/// # Invariants
///
/// `iter` is a valid iterator of direction `direction`.
pub(crate) struct IovIter<'a> {
    iter: *mut bindings::iov_iter,
    direction: Direction,
    _borrow: PhantomData<&'a mut bindings::iov_iter>,
}

impl IovIter<'_> {
    /// # Safety
    ///
    /// `iter` must be valid and used by nobody else while the result lives.
    pub(super) unsafe fn from_raw(iter: *mut bindings::iov_iter, direction: Direction) -> Self {
        Self {
            iter,
            direction,
            _borrow: PhantomData,
        }
    }

    pub(super) fn as_raw(&mut self) -> *mut bindings::iov_iter {
        self.iter
    }

    /// Leaves at most `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        // SAFETY: Valid by the type invariants.
        unsafe { c::zx_iov_iter_truncate(self.iter, length) };
    }

    /// Bytes left.
    pub(crate) fn remaining(&self) -> usize {
        // SAFETY: Valid by the type invariants.
        unsafe { c::zx_iov_iter_count(self.iter) }
    }

    /// Puts up to `length` zeros into the buffers; may sleep on faults. Returns the bytes put.
    pub(crate) fn zero(&mut self, length: usize) -> usize {
        // SAFETY: Valid by the type invariants.
        unsafe { c::iov_iter_zero(length, self.iter) }
    }

    /// Makes up to `length` bytes of the buffers present; may sleep. Returns how many are.
    pub(crate) fn fault_in(&mut self, length: usize) -> usize {
        let length = length.min(self.remaining());
        // SAFETY: Valid by the type invariants.
        let missing = unsafe {
            match self.direction {
                Direction::Read => c::fault_in_iov_iter_writeable(self.iter, length),
                Direction::Write => c::fault_in_iov_iter_readable(self.iter, length),
            }
        };
        length.saturating_sub(missing)
    }

    /// Why the byte at the current position cannot be accessed, after it could not.
    pub(crate) fn fault(&self) -> BufferFault {
        // SAFETY: Valid by the type invariants.
        let address = unsafe { c::zx_iov_iter_address(self.iter) } as usize;
        let needed = match self.direction {
            Direction::Read => flags::WRITE,
            Direction::Write => flags::READ,
        };
        if mm::lacks_permission(address, needed) {
            BufferFault::NotPermitted
        } else {
            BufferFault::NotMapped
        }
    }
}

/// Calls `f` with an iterator over `length` bytes of user memory at `address`. An address beyond
/// user space makes an iterator that moves nothing.
pub(crate) fn with_user_buffer<R>(
    address: usize,
    length: usize,
    direction: Direction,
    f: impl FnOnce(&mut IovIter<'_>) -> R,
) -> Result<R, BufferFault> {
    let mut raw = bindings::iov_iter::default();
    let kind = match direction {
        Direction::Read => bindings::ITER_DEST,
        Direction::Write => bindings::ITER_SOURCE,
    };
    // SAFETY: `raw` is valid for writes; the address is only checked.
    let status = unsafe { c::import_ubuf(kind as i32, address as *mut _, length, &mut raw) };
    if status != 0 {
        return Err(BufferFault::NotMapped);
    }
    // SAFETY: `raw` has just been initialised and is ours.
    let mut iter = unsafe { IovIter::from_raw(&mut raw, direction) };
    Ok(f(&mut iter))
}
