// SPDX-License-Identifier: GPL-2.0
//! System calls of Linux on mappings of what the module makes, and on the memory in them.

use crate::linux::MANY;
use crate::memory::{sys, Memory, BUFFER};
use std::ptr::null_mut;

/// mmap(2). A fixed address is that of a mapping, which the new one replaces.
pub fn mmap(memory: &Memory, args: &[u64]) -> i64 {
    let &[fd, mapping, length, prot, flags, offset, address] = args else {
        return 0;
    };
    let result = sys!(SYS_mmap, address, length, prot, flags, fd, offset);
    if !(-4095..0).contains(&result) {
        memory.set_mapping(mapping, result as u64, length);
    }
    result
}

/// munmap(2).
pub fn munmap(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_munmap, args[0], args[1])
}

/// mprotect(2).
pub fn mprotect(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_mprotect, args[0], args[1], args[2])
}

/// mremap(2).
pub fn mremap(memory: &Memory, args: &[u64]) -> i64 {
    let result = sys!(SYS_mremap, args[0], args[1], args[2], args[3], args[4]);
    if !(-4095..0).contains(&result) {
        memory.set_mapping(args[5], result as u64, args[2]);
    }
    result
}

/// madvise(2).
pub fn madvise(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_madvise, args[0], args[1], args[2])
}

/// remap_file_pages(2).
pub fn remap_file_pages(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_remap_file_pages, args[0], args[1], 0, args[2] >> 12, 0)
}

/// msync(2).
pub fn msync(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_msync, args[0], args[1], libc::MS_SYNC)
}

/// mlock(2) or munlock(2).
pub fn mlock(_: &Memory, args: &[u64]) -> i64 {
    if args[2] == 0 {
        return sys!(SYS_munlock, args[0], args[1]);
    }
    sys!(SYS_mlock, args[0], args[1])
}

/// mincore(2).
pub fn mincore(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_mincore, args[0], args[1].min(MANY), BUFFER)
}

/// mbind(2), moving what is there.
pub fn mbind(_: &Memory, args: &[u64]) -> i64 {
    let nodes = 1_u64;
    sys!(
        SYS_mbind,
        args[0],
        args[1],
        args[2],
        &raw const nodes,
        64,
        2
    )
}

/// userfaultfd(2), registered and closed.
pub fn userfaultfd(_: &Memory, args: &[u64]) -> i64 {
    const UFFDIO_API: u64 = 0xc018_aa3f;
    const UFFDIO_REGISTER: u64 = 0xc020_aa00;
    let fd = sys!(SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK | 1);
    let mut api = [0xaa_u64, 0, 0];
    sys!(SYS_ioctl, fd, UFFDIO_API, api.as_mut_ptr());
    let mut register = [args[0], args[1], 1, 0];
    let result = sys!(SYS_ioctl, fd, UFFDIO_REGISTER, register.as_mut_ptr());
    sys!(SYS_close, fd);
    result
}

/// Applies `touch` to all bytes of a short range, and to one of each page of a longer one.
fn each(address: u64, length: u64, touch: impl Fn(u64, u64) -> bool) -> i64 {
    const SHORT: u64 = 0x3000;
    const PAGE: u64 = 0x1000;
    if length <= SHORT {
        return touch(address, length.max(1)).into();
    }
    let pages = 0..length.min(MANY).div_ceil(PAGE);
    pages
        .map(|page| i64::from(touch(address.wrapping_add(page * PAGE), 1)))
        .sum()
}

/// Reads memory. Returns how often it did.
pub fn peek(_: &Memory, args: &[u64]) -> i64 {
    each(args[0], args[1], crate::memory::peek)
}

/// Writes memory. Returns how often it did.
pub fn poke(_: &Memory, args: &[u64]) -> i64 {
    each(args[0], args[1], |at, length| {
        crate::memory::poke(at, length, args[2] as u8)
    })
}

/// fork(2). The child ends at once, reads or writes memory first, or stays.
pub fn fork(_: &Memory, args: &[u64]) -> i64 {
    let &[how, address, length] = args else {
        return 0;
    };
    // SAFETY: The child only makes system calls and touches memory.
    let child = unsafe { libc::fork() };
    if child != 0 {
        if how < 3 && child > 0 {
            // SAFETY: Waits for a child of ours; nothing is written.
            unsafe { libc::waitpid(child, null_mut(), 0) };
        }
        return i64::from(child.min(1));
    }
    let write = |at, length| crate::memory::poke(at, length, 0xa5);
    match how {
        0 => {}
        1 => drop(each(address, length, write)),
        2 => drop(each(address, length, crate::memory::peek)),
        _ => {
            each(address, length, write);
            sys!(SYS_pause);
        }
    }
    // SAFETY: Ends the child.
    unsafe { libc::_exit(0) }
}

/// process_vm_readv(2) of the process itself.
pub fn process_vm_readv(_: &Memory, args: &[u64]) -> i64 {
    let (local, remote) = ([args[0], args[2].min(MANY)], [args[1], args[2].min(MANY)]);
    sys!(
        SYS_process_vm_readv,
        std::process::id(),
        local.as_ptr(),
        1,
        remote.as_ptr(),
        1,
        0
    )
}

/// process_vm_writev(2) of the process itself.
pub fn process_vm_writev(_: &Memory, args: &[u64]) -> i64 {
    let (local, remote) = ([args[0], args[2].min(MANY)], [args[1], args[2].min(MANY)]);
    sys!(
        SYS_process_vm_writev,
        std::process::id(),
        local.as_ptr(),
        1,
        remote.as_ptr(),
        1,
        0
    )
}

/// Reading or writing memory as a debugger does.
pub fn proc_mem(_: &Memory, args: &[u64]) -> i64 {
    let &[address, buffer, length, write] = args else {
        return 0;
    };
    let fd = sys!(
        SYS_openat,
        libc::AT_FDCWD,
        c"/proc/self/mem".as_ptr(),
        libc::O_RDWR,
        0
    );
    let result = if write == 0 {
        sys!(SYS_pread64, fd, buffer, length.min(MANY), address)
    } else {
        sys!(SYS_pwrite64, fd, buffer, length.min(MANY), address)
    };
    sys!(SYS_close, fd);
    result
}

/// futex(2), for no longer than a moment.
pub fn futex(_: &Memory, args: &[u64]) -> i64 {
    let timeout = [0_u64, 1_000_000];
    sys!(
        SYS_futex,
        args[0],
        args[1],
        args[2],
        timeout.as_ptr(),
        args[0] + 4,
        0
    )
}
