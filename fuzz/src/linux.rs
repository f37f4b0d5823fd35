// SPDX-License-Identifier: GPL-2.0
//! System calls of Linux on the descriptors that the module makes, and on the process.

use crate::memory::{now, sys, Memory, BUFFER};
use std::ptr::null_mut;

/// Long operations of a program are bounded to this many bytes.
pub const MANY: u64 = 1 << 22;

/// Opens `/dev/zxvmo` into a slot.
pub fn open(memory: &Memory, args: &[u64]) -> i64 {
    let path = c"/dev/zxvmo".as_ptr();
    let fd = sys!(
        SYS_openat,
        libc::AT_FDCWD,
        path,
        libc::O_RDWR | libc::O_CLOEXEC,
        0
    );
    memory.set_file(args[0], fd);
    fd
}

/// A file of Linux.
pub fn memfd(memory: &Memory, args: &[u64]) -> i64 {
    let fd = sys!(SYS_memfd_create, c"fuzz".as_ptr(), libc::MFD_ALLOW_SEALING);
    sys!(SYS_ftruncate, fd, args[1].min(MANY));
    memory.set_file(args[0], fd);
    fd
}

/// dup(2).
pub fn dup(memory: &Memory, args: &[u64]) -> i64 {
    let fd = sys!(SYS_dup, args[0]);
    if fd >= 0 {
        memory.set_file(args[1], fd);
    }
    fd
}

/// close(2), of what programs have made only.
pub fn close(_: &Memory, args: &[u64]) -> i64 {
    if (args[0] as i32) < FIRST_DESCRIPTOR {
        return 0;
    }
    sys!(SYS_close, args[0])
}

/// Descriptors below are the fuzzer's.
pub const FIRST_DESCRIPTOR: i32 = 32;

/// Sends a descriptor over a socket: and receives it, or leaves it in flight in a socket that
/// only itself refers to, for the kernel to collect.
pub fn send(memory: &Memory, args: &[u64]) -> i64 {
    let &[fd, to, how] = args else { return 0 };
    let mut pair = [0_i32; 2];
    sys!(
        SYS_socketpair,
        libc::AF_UNIX,
        libc::SOCK_STREAM,
        0,
        pair.as_mut_ptr()
    );
    let mut byte = [0_u8; 1];
    let mut vector = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    let mut control = [0_u64; 3];
    control[0] = 24;
    control[1] = libc::SOL_SOCKET as u64 | ((libc::SCM_RIGHTS as u64) << 32);
    control[2] = (fd & 0xffff_ffff) | ((pair[0] as u64) << 32);
    if how == 0 {
        control[0] = 20;
    }
    // SAFETY: All zeros are a message without anything.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = 24;
    let sent = sys!(SYS_sendmsg, pair[1], &raw const message, 0);
    if sent > 0 && how == 0 {
        message.msg_controllen = 24;
        if sys!(SYS_recvmsg, pair[0], &raw mut message, libc::MSG_DONTWAIT) > 0 {
            memory.set_file(to, i64::from(control[2] as i32));
        }
    }
    sys!(SYS_close, pair[0]);
    sys!(SYS_close, pair[1]);
    sent
}

/// Another descriptor of the same file, by way of a pidfd.
pub fn pidfd_getfd(memory: &Memory, args: &[u64]) -> i64 {
    let process = sys!(SYS_pidfd_open, std::process::id(), 0);
    let fd = sys!(SYS_pidfd_getfd, process, args[0], 0);
    sys!(SYS_close, process);
    if fd >= 0 {
        memory.set_file(args[1], fd);
    }
    fd
}

/// fcntl(2).
pub fn fcntl(_: &Memory, args: &[u64]) -> i64 {
    let value = if matches!(args[1], 5 | 6 | 15 | 37) {
        BUFFER
    } else {
        args[2]
    };
    let result = sys!(SYS_fcntl, args[0], args[1], value);
    if matches!(args[1], 0 | 1030) && result >= 0 {
        sys!(SYS_close, result);
    }
    result
}

/// fstat(2) and fstatfs(2).
pub fn fstat(_: &Memory, args: &[u64]) -> i64 {
    let mut space = [0_u64; 32];
    sys!(SYS_fstatfs, args[0], space.as_mut_ptr());
    sys!(SYS_fstat, args[0], space.as_mut_ptr())
}

/// read(2).
pub fn sys_read(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_read, args[0], args[1], args[2])
}

/// write(2).
pub fn sys_write(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_write, args[0], args[1], args[2])
}

/// pread(2).
pub fn pread(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_pread64, args[0], args[1], args[2], args[3])
}

/// pwrite(2).
pub fn pwrite(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_pwrite64, args[0], args[1], args[2], args[3])
}

/// preadv2(2), of two buffers.
pub fn preadv2(_: &Memory, args: &[u64]) -> i64 {
    let vector = [args[1], args[2], args[3], args[4]];
    sys!(
        SYS_preadv2,
        args[0],
        vector.as_ptr(),
        2,
        args[5],
        0,
        args[6]
    )
}

/// pwritev2(2), of two buffers.
pub fn pwritev2(_: &Memory, args: &[u64]) -> i64 {
    let vector = [args[1], args[2], args[3], args[4]];
    sys!(
        SYS_pwritev2,
        args[0],
        vector.as_ptr(),
        2,
        args[5],
        0,
        args[6]
    )
}

/// lseek(2).
pub fn lseek(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_lseek, args[0], args[1], args[2])
}

/// ftruncate(2).
pub fn ftruncate(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_ftruncate, args[0], args[1])
}

/// fallocate(2).
pub fn fallocate(_: &Memory, args: &[u64]) -> i64 {
    sys!(SYS_fallocate, args[0], args[1], args[2], args[3])
}

/// poll(2), for no longer than a moment.
pub fn poll(_: &Memory, args: &[u64]) -> i64 {
    let mut item = (args[0] & 0xffff_ffff) | ((args[1] & 0xffff) << 32);
    sys!(SYS_poll, &raw mut item, 1, 1)
}

/// epoll_create1(2).
pub fn epoll_create(memory: &Memory, args: &[u64]) -> i64 {
    let fd = sys!(SYS_epoll_create1, 0);
    memory.set_file(args[0], fd);
    fd
}

/// epoll_ctl(2).
pub fn epoll_ctl(_: &Memory, args: &[u64]) -> i64 {
    let event = libc::epoll_event {
        events: args[3] as u32,
        u64: args[1],
    };
    sys!(SYS_epoll_ctl, args[0], args[2], args[1], &raw const event)
}

/// epoll_wait(2), for no longer than a moment.
pub fn epoll_wait(_: &Memory, args: &[u64]) -> i64 {
    let mut space = [0_u64; 16];
    sys!(SYS_epoll_wait, args[0], space.as_mut_ptr(), 8, 1)
}

/// pipe2(2); its ends do not sleep.
pub fn pipe(memory: &Memory, args: &[u64]) -> i64 {
    let mut ends = [-1_i32; 2];
    let result = sys!(SYS_pipe2, ends.as_mut_ptr(), libc::O_NONBLOCK);
    memory.set_file(args[0], ends[0].into());
    memory.set_file(args[1], ends[1].into());
    result
}

/// splice(2), with offsets where bits of `offsets` say so.
pub fn splice(_: &Memory, args: &[u64]) -> i64 {
    let &[from, to, from_offset, to_offset, length, offsets, flags] = args else {
        return 0;
    };
    let (mut first, mut second) = (from_offset, to_offset);
    let first = if offsets & 1 != 0 {
        &raw mut first
    } else {
        null_mut()
    };
    let second = if offsets & 2 != 0 {
        &raw mut second
    } else {
        null_mut()
    };
    sys!(
        SYS_splice,
        from,
        first,
        to,
        second,
        length.min(MANY),
        flags | 2
    )
}

/// vmsplice(2).
pub fn vmsplice(_: &Memory, args: &[u64]) -> i64 {
    let vector = [args[1], args[2]];
    sys!(SYS_vmsplice, args[0], vector.as_ptr(), 1, args[3] | 2)
}

/// sendfile(2).
pub fn sendfile(_: &Memory, args: &[u64]) -> i64 {
    let mut offset = args[2];
    sys!(
        SYS_sendfile,
        args[0],
        args[1],
        &raw mut offset,
        args[3].min(MANY)
    )
}

/// copy_file_range(2).
pub fn copy_file_range(_: &Memory, args: &[u64]) -> i64 {
    sys!(
        SYS_copy_file_range,
        args[0],
        null_mut::<u64>(),
        args[1],
        null_mut::<u64>(),
        args[2],
        0
    )
}

/// What /proc says of the mappings, or of a descriptor.
pub fn proc(_: &Memory, args: &[u64]) -> i64 {
    let path = match args[1] {
        0 => "/proc/self/maps".to_owned(),
        1 => "/proc/self/smaps".to_owned(),
        2 => "/proc/self/numa_maps".to_owned(),
        3 => "/proc/self/pagemap".to_owned(),
        _ => format!("/proc/self/fdinfo/{}", args[0] as i32),
    };
    std::fs::read(path).map_or(-1, |_| 0)
}

/// setrlimit(2): of descriptors, locked memory or address space.
pub fn limit(_: &Memory, args: &[u64]) -> i64 {
    // The address space has what the process itself needs.
    let value = if args[0] == 9 {
        args[1].saturating_add(1 << 31)
    } else {
        args[1]
    };
    let value = if args[0] == 7 { value % 128 } else { value };
    let limit = [value, value];
    sys!(SYS_prlimit64, 0, args[0], limit.as_ptr(), 0)
}

/// A signal in a moment.
pub fn timer(_: &Memory, args: &[u64]) -> i64 {
    let value = [0, 0, 0, 1 + args[0] / 1000 % 10_000];
    sys!(SYS_setitimer, libc::ITIMER_REAL, value.as_ptr(), 0)
}

/// Sleeps for a moment.
pub fn sleep(_: &Memory, args: &[u64]) -> i64 {
    let until = now() + args[0] % 3_000_000;
    let time = [until / 1_000_000_000, until % 1_000_000_000];
    sys!(
        SYS_clock_nanosleep,
        libc::CLOCK_MONOTONIC,
        libc::TIMER_ABSTIME,
        time.as_ptr(),
        0
    )
}

/// Asks the kernel to take back what it can (discardable memory).
pub fn drop_caches(_: &Memory, _: &[u64]) -> i64 {
    std::fs::write("/proc/sys/vm/drop_caches", "2").map_or(-1, |()| 0)
}
