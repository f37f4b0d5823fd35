// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pointers of the caller. A bad one gives INVALID_ARGS and no crash (spec
//! section 0.6), so the kernel is asked before they are used.

use std::ffi::c_void;
use std::hint::black_box;
use std::mem::MaybeUninit;

use zxvmo::{abi, Status};

/// Stores a result of 4 bytes up to a page.
///
/// # Safety
///
/// As the C interface promises: nothing lives in `*to` that must not be
/// overwritten. The address itself may be bad.
pub(crate) unsafe fn deliver<T: Copy>(to: *mut T, value: T) -> Result<(), Status> {
    // SAFETY: By the contract of this function.
    unsafe { deliver_all(to, &[value]) }
}

/// As [`deliver`], for several, of a page together.
///
/// # Safety
///
/// As [`deliver`].
pub(crate) unsafe fn deliver_all<T: Copy>(to: *mut T, values: &[T]) -> Result<(), Status> {
    if !is_writable(to as usize, size_of_val(values)) {
        return Err(Status::INVALID_ARGS);
    }
    for (index, value) in values.iter().enumerate() {
        // SAFETY: It has just been found writable; C does not promise alignment.
        unsafe { to.add(index).write_unaligned(*value) };
    }
    Ok(())
}

/// As [`deliver`], but a null pointer means that the caller has no interest.
///
/// # Safety
///
/// As [`deliver`].
pub(crate) unsafe fn deliver_if_wanted<T: Copy>(to: *mut T, value: T) -> Result<(), Status> {
    if to.is_null() {
        return Ok(());
    }
    // SAFETY: By the contract of this function.
    unsafe { deliver(to, value) }
}

/// Whether `len` bytes, 4 up to a page, can be written. May overwrite them.
fn is_writable(start: usize, len: usize) -> bool {
    // getcpu() takes a null pointer for lack of interest.
    let Some(last) = start.checked_add(len - 4).filter(|_| start != 0) else {
        return false;
    };
    if is_on_this_stack_page(start, len) {
        return true;
    }
    // getcpu() stores two numbers of 4 bytes where it is told to, and nothing
    // is cheaper. The range touches two pages at most.
    // SAFETY: The caller allows overwriting, and a bad address is an error.
    let result = unsafe { libc::syscall(libc::SYS_getcpu, start, last, 0usize) };
    // Where the call itself is not allowed, the address is taken as good.
    result == 0 || last_errno() != libc::EFAULT
}

/// Whether the range is on the page that the stack pointer is on. Results
/// often are, and that page is surely writable.
fn is_on_this_stack_page(start: usize, len: usize) -> bool {
    let page_mask = !(abi::ZX_PAGE_SIZE as usize - 1);
    let here = 0u8;
    let here = black_box(&raw const here) as usize & page_mask;
    start & page_mask == here && (start + len - 1) & page_mask == here
}

fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Copies handle values, or other words, from the caller's list.
///
/// # Safety
///
/// Nobody may write the list meanwhile. The address itself may be bad.
pub(crate) unsafe fn copy_words(
    list: *const u32,
    to: &mut [MaybeUninit<u32>],
) -> Result<&[u32], Status> {
    let len = size_of_val(to);
    let local = libc::iovec {
        iov_base: to.as_mut_ptr().cast::<c_void>(),
        iov_len: len,
    };
    let remote = libc::iovec {
        iov_base: list.cast_mut().cast::<c_void>(),
        iov_len: len,
    };
    // SAFETY: `to` is borrowed mutably; a bad address in `remote` is an error.
    let copied = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
    if copied < 0 && last_errno() != libc::EFAULT {
        // Not allowed here (a seccomp filter): the address is taken as good.
        // SAFETY: By the contract of this function; any bytes are a u32.
        unsafe { list.cast::<u8>().copy_to(to.as_mut_ptr().cast(), len) };
    } else if copied < 0 || copied as usize != len {
        return Err(Status::INVALID_ARGS);
    }
    // SAFETY: All of it has been filled.
    Ok(unsafe { &*(to as *const [MaybeUninit<u32>] as *const [u32]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mm::{mmap_anonymous, munmap, MapFlags, ProtFlags};
    use std::ptr;

    const PAGE: usize = abi::ZX_PAGE_SIZE as usize;

    fn pages(prot: ProtFlags, count: usize) -> *mut u8 {
        // SAFETY: New memory, which hurts nobody.
        unsafe { mmap_anonymous(ptr::null_mut(), count * PAGE, prot, MapFlags::PRIVATE) }
            .unwrap()
            .cast()
    }

    #[test]
    fn bad_addresses_are_noticed() {
        let read_only = pages(ProtFlags::READ, 1) as usize;
        for address in [0, 8, read_only, usize::MAX, usize::MAX - 7, 1 << 63] {
            for len in [4, 8, 32] {
                assert!(!is_writable(address, len), "{address:#x} {len}");
            }
        }
        // The second page is a hole.
        let half = pages(ProtFlags::READ | ProtFlags::WRITE, 2);
        // SAFETY: The page is this test's own.
        unsafe { munmap(half.add(PAGE).cast(), PAGE) }.unwrap();
        let end = half as usize + PAGE;
        assert!(is_writable(end - 8, 8) && is_writable(end - 32, 32));
        assert!(!is_writable(end - 4, 8) && !is_writable(end - 2, 4));
        assert!(!is_writable(end - 31, 32));
    }

    #[test]
    fn results_arrive() {
        let mut on_stack = 0u64;
        let mut on_heap = vec![0u32; 3];
        // SAFETY: Both are this test's own.
        unsafe {
            deliver(&mut on_stack, 7).unwrap();
            deliver(&mut on_heap[1], 9).unwrap();
            deliver_if_wanted(ptr::null_mut::<u64>(), 1).unwrap();
        }
        assert_eq!(on_stack, 7);
        assert_eq!(on_heap, [0, 9, 0]);
    }

    #[test]
    fn lists_are_copied_or_refused() {
        let mut to = [MaybeUninit::uninit(); 4];
        let list = [1u32, 2, 3, 4];
        // SAFETY: Nobody writes the list; bad addresses are allowed.
        unsafe {
            assert_eq!(copy_words(list.as_ptr(), &mut to), Ok(&list[..]));
            assert_eq!(copy_words(ptr::null(), &mut to), Err(Status::INVALID_ARGS));
            assert_eq!(
                copy_words(ptr::without_provenance(usize::MAX - 3), &mut to),
                Err(Status::INVALID_ARGS)
            );
        }
    }
}
