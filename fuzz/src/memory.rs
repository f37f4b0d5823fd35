// SPDX-License-Identifier: GPL-2.0
//! What a program works on: its slots, its buffers, and memory that may not be there.

use crate::program::{Arg, FILES, MAPPINGS};
use std::arch::asm;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

/// The buffer: always here, and below 4 GiB for calls of 32 bits.
pub const BUFFER: u64 = 0x1000_0000;
/// Its bytes.
pub const BUFFER_SIZE: u64 = 0x4_0000;
/// The buffer that cannot be written, as large.
pub const READ_ONLY: u64 = 0x2000_0000;
/// Where nothing is, for mappings that there are none of.
const NOWHERE: u64 = 0x3000_0000;

/// A system call: its result, or the negative errno.
macro_rules! sys {
    ($number:ident $(, $arg:expr)* $(,)?) => {{
        // SAFETY: Whatever the call does to memory, it does it to a process that a program is
        // executed in, which has nothing to lose.
        let result = unsafe { libc::syscall(libc::$number $(, $arg as u64)*) };
        if result == -1 {
            -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
        } else {
            result
        }
    }};
}
pub(crate) use sys;

/// The slots of a program that is executed.
pub struct Memory {
    files: [AtomicI32; FILES],
    mappings: [(AtomicU64, AtomicU64); MAPPINGS],
}

fn map_at(address: u64, size: u64, prot: i32) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    sys!(
        SYS_mmap,
        address,
        size,
        libc::PROT_READ | libc::PROT_WRITE,
        flags,
        -1_i64,
        0
    );
    for word in 0..size / 8 {
        poke(address + word * 8, 8, (word & 0xff) as u8);
    }
    sys!(SYS_mprotect, address, size, prot);
}

/// Makes the buffers, which every process forked later has a copy of, and arranges for faults.
/// Once, in the process that forks.
pub fn prepare() {
    extern "C" fn on_fault(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: The kernel passes the registers there.
        let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        if registers[libc::REG_R9 as usize] == MAGIC as i64 {
            registers[libc::REG_RIP as usize] = registers[libc::REG_R10 as usize];
            return;
        }
        // SAFETY: Ends the process, which has lost its own memory.
        unsafe { libc::_exit(99) }
    }
    extern "C" fn on_timer(_: i32) {}

    // SAFETY: The handlers only do what a handler may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fault as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
        libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut());
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
        action.sa_sigaction = on_timer as usize;
        action.sa_flags = 0;
        libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    map_at(BUFFER, BUFFER_SIZE, libc::PROT_READ | libc::PROT_WRITE);
    map_at(READ_ONLY, BUFFER_SIZE, libc::PROT_READ);
}

/// What tells the handler of faults that the instruction has a way out.
const MAGIC: u64 = 0x7a78_766d_6f21_2121;

/// Writes `value` to `length` bytes; false if a fault came between.
pub fn poke(address: u64, length: u64, value: u8) -> bool {
    let left: u64;
    // SAFETY: Where the memory may not be written, the handler of faults goes on at the label.
    unsafe {
        asm!("lea r10, [rip + 2f]", "rep stosb", "2:",
            inout("rdi") address => _, inout("rcx") length => left, in("al") value,
            in("r9") MAGIC, out("r10") _, options(nostack));
    }
    left == 0
}

/// Reads `length` bytes; false if a fault came between.
pub fn peek(address: u64, length: u64) -> bool {
    let left: u64;
    // SAFETY: As above.
    unsafe {
        asm!("lea r10, [rip + 2f]", "rep lodsb", "2:",
            inout("rsi") address => _, inout("rcx") length => left, out("al") _,
            in("r9") MAGIC, out("r10") _, options(nostack));
    }
    left == 0
}

/// Copies `bytes` to where a program says; false if a fault came between.
pub fn store(address: u64, bytes: &[u8]) -> bool {
    let left: usize;
    // SAFETY: As above; `bytes` are read only.
    unsafe {
        asm!("lea r10, [rip + 2f]", "rep movsb", "2:",
            inout("rdi") address => _, inout("rsi") bytes.as_ptr() => _,
            inout("rcx") bytes.len() => left,
            in("r9") MAGIC, out("r10") _, options(nostack));
    }
    left == 0
}

/// CLOCK_MONOTONIC, nanoseconds.
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: The time is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Memory {
    /// No descriptor but the device's, in slot 0, and no mapping.
    pub fn new() -> Self {
        let memory = Self {
            files: [const { AtomicI32::new(-1) }; FILES],
            mappings: [const { (AtomicU64::new(0), AtomicU64::new(0)) }; MAPPINGS],
        };
        crate::linux::open(&memory, &[0]);
        memory
    }

    /// The descriptor in a slot, or -1.
    pub fn file(&self, slot: usize) -> i32 {
        self.files[slot % FILES].load(Relaxed)
    }

    /// Puts a descriptor into a slot.
    pub fn set_file(&self, slot: u64, descriptor: i64) {
        self.files[slot as usize % FILES].store(descriptor as i32, Relaxed);
    }

    /// Puts a mapping into a slot.
    pub fn set_mapping(&self, slot: u64, address: u64, length: u64) {
        let (start, size) = &self.mappings[slot as usize % MAPPINGS];
        start.store(address, Relaxed);
        size.store(length, Relaxed);
    }

    /// Takes away all mappings and descriptors.
    pub fn clear(&self) {
        for (address, length) in &self.mappings {
            let address = address.load(Relaxed);
            if address != 0 {
                sys!(SYS_munmap, address, length.load(Relaxed));
            }
        }
        sys!(SYS_close_range, crate::linux::FIRST_DESCRIPTOR, u32::MAX, 0);
    }

    /// What an argument stands for now.
    pub fn value(&self, arg: Arg) -> u64 {
        match arg {
            Arg::Number(number) => number,
            Arg::File(slot) => i64::from(self.file(slot.into())) as u64,
            Arg::Mapping(slot, offset) => {
                let address = self.mappings[usize::from(slot) % MAPPINGS].0.load(Relaxed);
                if address == 0 { NOWHERE } else { address }.wrapping_add(offset)
            }
            Arg::Buffer(offset) => BUFFER.wrapping_add(offset),
            Arg::ReadOnly(offset) => READ_ONLY.wrapping_add(offset),
            Arg::Edge(offset) => (BUFFER + BUFFER_SIZE).wrapping_sub(offset),
            Arg::Soon(time) => now().wrapping_add(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_survived() {
        prepare();
        assert!(poke(BUFFER, 16, 7));
        assert!(peek(BUFFER, BUFFER_SIZE));
        assert!(!peek(BUFFER + BUFFER_SIZE - 1, 2));
        assert!(!poke(READ_ONLY, 1, 0));
        assert!(!store(NOWHERE, b"lost"));
    }
}
