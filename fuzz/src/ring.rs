// SPDX-License-Identifier: GPL-2.0
//! One operation by io_uring, with a ring of its own.

use crate::memory::{sys, Memory};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const READ_FIXED: u8 = 4;
const WRITE_FIXED: u8 = 5;
const POLL_ADD: u8 = 6;
const READ: u8 = 22;
const WRITE: u8 = 23;
const MADVISE: u8 = 25;

const RING_SIZE: usize = 4096;
const OFF_SQES: u64 = 0x1000_0000;
const REGISTER_BUFFERS: u32 = 0;
const SINGLE_MMAP: u32 = 1;

/// `struct io_uring_params`.
#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    cpu: u32,
    idle: u32,
    features: u32,
    wq: u32,
    reserved: [u32; 3],
    /// head, tail, mask, entries, flags, dropped, array, reserved, address
    sq: [u32; 10],
    cq: [u32; 10],
}

fn map(fd: i64, offset: u64) -> Option<*mut u8> {
    let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
    let address = sys!(SYS_mmap, 0, RING_SIZE, 3, flags, fd, offset);
    (address > 0).then_some(address as *mut u8)
}

/// Operation 0 to 5: read, write, both through a registered buffer, poll, madvise; 6 registers
/// the buffer only, 7 asks for an operation by its number.
pub fn io_uring(_: &Memory, args: &[u64]) -> i64 {
    let &[fd, operation, address, length, offset] = args else {
        return 0;
    };
    let mut params = Params::default();
    let ring = sys!(SYS_io_uring_setup, 2, &raw mut params);
    if ring < 0 {
        return ring;
    }
    let vector = [address, length.min(1 << 24)];
    let mut result = 0;
    if matches!(operation, 2 | 3 | 6) {
        result = sys!(
            SYS_io_uring_register,
            ring,
            REGISTER_BUFFERS,
            vector.as_ptr(),
            1
        );
    }
    let code = match operation {
        0 => READ,
        1 => WRITE,
        2 => READ_FIXED,
        3 => WRITE_FIXED,
        4 => POLL_ADD,
        5 => MADVISE,
        6 => 0,
        _ => (offset % 60) as u8,
    };
    if params.features & SINGLE_MMAP != 0 && result >= 0 {
        if let (Some(queue), Some(entries)) = (map(ring, 0), map(ring, OFF_SQES)) {
            result = submit(
                ring,
                &params,
                queue,
                entries,
                [fd, code.into(), address, length, offset],
            );
            sys!(SYS_munmap, queue, RING_SIZE);
            sys!(SYS_munmap, entries, RING_SIZE);
        }
    }
    sys!(SYS_close, ring);
    result
}

fn submit(ring: i64, params: &Params, queue: *mut u8, entry: *mut u8, call: [u64; 5]) -> i64 {
    const GETEVENTS: u32 = 1;
    let [fd, code, address, length, offset] = call;
    let words = [
        code | ((fd & 0xffff_ffff) << 32),
        offset,
        address,
        (length & 0xff_ffff) | (u64::from(code == POLL_ADD.into()) << 32),
        1,
        0,
        0,
        0,
    ];
    // SAFETY: Both are mappings of a page or more that were just made, and the kernel's offsets
    // lead to aligned words in them.
    unsafe {
        entry.cast::<[u64; 8]>().write(words);
        queue.add(params.sq[6] as usize).cast::<u32>().write(0);
        (*queue.add(params.sq[1] as usize).cast::<AtomicU32>()).fetch_add(1, SeqCst);
    }
    let submitted = sys!(SYS_io_uring_enter, ring, 1, 0, GETEVENTS, 0, 0);
    // What sleeps is given up with the ring.
    sys!(SYS_io_uring_enter, ring, 0, 0, GETEVENTS, 0, 0);
    submitted
}
