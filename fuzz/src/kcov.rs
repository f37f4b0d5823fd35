// SPDX-License-Identifier: GPL-2.0
//! KCOV: which blocks of the kernel a thread went through.

use crate::memory::sys;
use std::fs::{self, File};
use std::os::fd::AsRawFd;

/// Blocks that one buffer holds.
const WORDS: usize = 1 << 18;

const INIT: u64 = 0x8008_6301;
const ENABLE: u64 = 0x6364;
const DISABLE: u64 = 0x6365;

/// The trace of one thread at a time. Its memory is shared with processes forked later.
pub struct Kcov {
    file: File,
    area: *mut u64,
}

// SAFETY: The area is only accessed while no thread is traced, by the one that started them all.
unsafe impl Sync for Kcov {}

impl Kcov {
    /// A trace, if the kernel has that.
    pub fn new() -> Option<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .open("/sys/kernel/debug/kcov")
            .ok()?;
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        if sys!(SYS_ioctl, file.as_raw_fd(), INIT, WORDS) != 0 {
            return None;
        }
        let area = sys!(SYS_mmap, 0, WORDS * 8, prot, flags, file.as_raw_fd(), 0);
        (area > 0).then_some(Self {
            file,
            area: area as *mut u64,
        })
    }

    /// Begins or ends the trace of the calling thread.
    pub fn switch(&self, on: bool) {
        sys!(
            SYS_ioctl,
            self.file.as_raw_fd(),
            if on { ENABLE } else { DISABLE },
            0
        );
    }

    /// Forgets what was traced.
    pub fn clear(&self) {
        // SAFETY: The area is mapped, and nobody is traced now.
        unsafe { self.area.write_volatile(0) }
    }

    /// Where the thread was, in order.
    pub fn blocks(&self) -> impl Iterator<Item = u64> + '_ {
        // SAFETY: As above. A program can have overwritten the number: it is bounded here.
        let count = unsafe { self.area.read_volatile() }.min(WORDS as u64 - 1) as usize;
        // SAFETY: Within the area.
        (0..count).map(|at| unsafe { self.area.add(1 + at).read_volatile() })
    }
}

/// Where the module's code is.
pub struct Module {
    /// Start and end of its core, in addresses as KCOV gives them.
    range: (u64, u64),
    /// The start of its `.text`, likewise.
    text: u64,
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
}

impl Module {
    /// As the kernel says now.
    pub fn find() -> Option<Self> {
        let modules = fs::read_to_string("/proc/modules").ok()?;
        let line = modules.lines().find(|line| line.starts_with("zxvmo "))?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let size: u64 = words.get(1)?.parse().ok()?;
        let text = hexadecimal(&fs::read_to_string("/sys/module/zxvmo/sections/.text").ok()?)?;
        // KCOV leaves out by how much the kernel was moved at boot.
        let symbols = fs::read_to_string("/proc/kallsyms").ok()?;
        let start = symbols.lines().find(|line| line.ends_with(" T _text"))?;
        let moved = hexadecimal(start.split(' ').next()?)?.wrapping_sub(0xffff_ffff_8100_0000);
        let text = text.wrapping_sub(moved);
        Some(Self {
            range: (text, text + size),
            text,
        })
    }

    /// The place of a block in the module's `.text`, if it is there.
    pub fn place(&self, block: u64) -> Option<u32> {
        (self.range.0..self.range.1)
            .contains(&block)
            .then(|| (block - self.text) as u32)
    }
}
