// SPDX-License-Identifier: GPL-2.0
//! The kernel's log, and what of it is a finding.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;

/// Lines of the kernel's own that programs can bring about and that are none of the module's.
const EXCUSED: &[&str] = &[
    "uses deprecated remap_file_pages",
    "drop_caches",
    "oom_reaper",
    "Out of memory",
    "out of memory",
    "invoked oom-killer",
    "is using obsolete",
    "attempted a MADV_",
    // A page table could not be allocated, because a program wanted that.
    "VM_FAULT_OOM leaked out",
    "pagefault_out_of_memory: ",
    // Nor a socket.
    "socket: no more sockets",
];

/// What scripts/guest does not count, either.
const EXCUSED_FILE: &str = "/run/zxvmo-excused";

/// Always a finding.
const GRAVE: &[&str] = &[
    "BUG:",
    "WARNING:",
    "KASAN",
    "KCSAN",
    "UBSAN",
    "Oops",
    "rust_kernel",
    "panic",
    "possible recursive",
    "circular locking",
    "suspicious RCU",
    "INFO: task",
    "INFO: rcu",
    "unreferenced object",
    "zxvmo",
];

/// The log from when this was made.
pub struct KernelLog {
    file: File,
    /// Inside of what the kernel says when a process has no more memory.
    out_of_memory: bool,
    excused: Option<File>,
}

impl KernelLog {
    /// From now on.
    pub fn new() -> std::io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/kmsg")?;
        file.seek(SeekFrom::End(0))?;
        let excused = OpenOptions::new()
            .append(true)
            .create(true)
            .open(EXCUSED_FILE)
            .ok();
        Ok(Self {
            file,
            out_of_memory: false,
            excused,
        })
    }

    fn is_finding(&mut self, level: u32, text: &str) -> bool {
        let grave = GRAVE.iter().any(|what| text.contains(what));
        if text.contains("invoked oom-killer") {
            self.out_of_memory = true;
        }
        let within = self.out_of_memory;
        if text.contains("Killed process") || text.contains("oom-kill:") {
            self.out_of_memory = text.contains("oom-kill:");
        }
        if within || EXCUSED.iter().any(|what| text.contains(what)) {
            return false;
        }
        grave || level <= 4
    }

    /// The findings since the last call, and all lines of the kernel's behind the first one.
    pub fn findings(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let mut record = [0; 8192];
        loop {
            let length = match self.file.read(&mut record) {
                Ok(length) => length,
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => continue,
                Err(_) => return found,
            };
            let line = String::from_utf8_lossy(&record[..length]);
            let (head, text) = line.split_once(';').unwrap_or(("6", &line));
            let priority: u32 = head
                .split(',')
                .next()
                .and_then(|first| first.parse().ok())
                .unwrap_or(6);
            let text = text.lines().next().unwrap_or("");
            // The kernel's own only.
            if priority >= 8 {
                continue;
            }
            if self.is_finding(priority, text) || !found.is_empty() {
                found.push(text.to_owned());
            } else if let (true, Some(excused)) = (priority <= 4, &mut self.excused) {
                let _ = writeln!(excused, "{text}");
            }
        }
    }
}
