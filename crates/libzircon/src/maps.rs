// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is mapped in this process, from /proc.
//!
//! The kernel is asked each time rather than kept track of, because programs
//! also map, unmap and protect memory without this library. The files are
//! opened for each use: they show the process that opened them, which after a
//! fork would be the parent.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;

use linux_raw_sys::general::{procmap_query, procmap_query_flags};
use rustix::io::Errno;
use rustix::ioctl::{ioctl, opcode, Opcode, Updater};
use zxvmo::{abi, Status};

use crate::reservation;

const READ: u32 = abi::ZX_VM_PERM_READ;
const WRITE: u32 = abi::ZX_VM_PERM_WRITE;
const EXECUTE: u32 = abi::ZX_VM_PERM_EXECUTE;

/// A stretch of addresses that is mapped in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) range: Range<usize>,
    /// `ZX_VM_PERM_*` that it has.
    pub(crate) perms: u32,
    /// `ZX_VM_PERM_*` that it could be given; `None` if that is not known yet.
    pub(crate) max: Option<u32>,
    /// The main thread's stack, which grows downward.
    pub(crate) is_stack: bool,
    /// Only the addresses are taken, by a region.
    pub(crate) is_reserved: bool,
}

const QUERY: Opcode = opcode::read_write::<procmap_query>(b'f', 17);

fn open(path: &str) -> Result<File, Status> {
    File::open(path).map_err(|_| Status::INTERNAL)
}

/// What is mapped in `range`, from low to high.
pub(crate) fn areas(range: Range<usize>) -> Result<Vec<Area>, Status> {
    let file = open("/proc/self/maps")?;
    let mut areas = Vec::new();
    let mut at = range.start;
    while at < range.end {
        match next_area(&file, at) {
            Ok(Some(area)) if area.range.start < range.end => {
                at = area.range.end;
                areas.push(area);
            }
            Ok(_) => break,
            // Before Linux 6.11.
            Err(Errno::NOTTY) => return parse(file, range),
            Err(_) => return Err(Status::INTERNAL),
        }
    }
    Ok(areas)
}

/// The area that holds the address, or the next one above it.
fn next_area(file: &File, address: usize) -> Result<Option<Area>, Errno> {
    // SAFETY: A structure of integers.
    let mut query: procmap_query = unsafe { std::mem::zeroed() };
    query.size = size_of::<procmap_query>() as u64;
    query.query_flags = procmap_query_flags::PROCMAP_QUERY_COVERING_OR_NEXT_VMA as u64;
    query.query_addr = address as u64;
    // SAFETY: PROCMAP_QUERY takes this structure; the addresses in it are 0,
    // which asks for neither name nor build id.
    match unsafe { ioctl(file, Updater::<QUERY, _>::new(&mut query)) } {
        Ok(()) => Ok(Some(Area {
            range: query.vma_start as usize..query.vma_end as usize,
            // PROCMAP_QUERY_VMA_READABLE and so on have the same values.
            perms: query.vma_flags as u32 & (READ | WRITE | EXECUTE),
            max: None,
            is_stack: false,
            is_reserved: reservation::is_one(
                libc::makedev(query.dev_major, query.dev_minor),
                query.inode,
            ),
        })),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// As [`areas`], and with the permissions that they could be given. Slower:
/// the kernel walks the page tables for this file.
pub(crate) fn areas_with_max(range: Range<usize>) -> Result<Vec<Area>, Status> {
    parse(open("/proc/self/smaps")?, range)
}

/// As [`areas`], and tells the stack.
pub(crate) fn areas_with_stack(range: Range<usize>) -> Result<Vec<Area>, Status> {
    parse(open("/proc/self/maps")?, range)
}

fn parse(file: File, range: Range<usize>) -> Result<Vec<Area>, Status> {
    parse_lines(BufReader::with_capacity(1 << 16, file), range)
}

/// Reads the format of /proc/PID/maps or smaps.
fn parse_lines(mut file: impl BufRead, range: Range<usize>) -> Result<Vec<Area>, Status> {
    let mut areas: Vec<Area> = Vec::new();
    let mut line = Vec::new();
    // Lines of smaps belong to the area in the line before them.
    let mut current = false;
    loop {
        line.clear();
        if file
            .read_until(b'\n', &mut line)
            .map_err(|_| Status::INTERNAL)?
            == 0
        {
            return Ok(areas);
        }
        // Names of files may be any bytes; what is looked at is ASCII.
        let text = String::from_utf8_lossy(&line);
        if let Some(flags) = text.strip_prefix("VmFlags:") {
            if let Some(area) = areas.last_mut().filter(|_| current) {
                area.max = Some(max_perms(flags));
            }
        } else if let Some(area) = parse_header(&text) {
            if area.range.start >= range.end {
                return Ok(areas);
            }
            current = area.range.end > range.start;
            if current {
                areas.push(area);
            }
        }
    }
}

/// `START-END rwxp OFFSET DEVICE INODE NAME`
fn parse_header(line: &str) -> Option<Area> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    let modes = words.next()?.as_bytes();
    let perm = |index: usize, letter, perm| {
        if modes.get(index) == Some(&letter) {
            perm
        } else {
            0
        }
    };
    let (major, minor) = words.nth(1)?.split_once(':')?;
    let device = libc::makedev(
        u32::from_str_radix(major, 16).ok()?,
        u32::from_str_radix(minor, 16).ok()?,
    );
    let inode = words.next()?.parse().ok()?;
    Some(Area {
        range: start..end,
        perms: perm(0, b'r', READ) | perm(1, b'w', WRITE) | perm(2, b'x', EXECUTE),
        max: None,
        is_stack: words.next() == Some("[stack]"),
        is_reserved: reservation::is_one(device, inode),
    })
}

fn max_perms(flags: &str) -> u32 {
    flags
        .split_ascii_whitespace()
        .map(|flag| match flag {
            "mr" => READ,
            "mw" => WRITE,
            "me" => EXECUTE,
            _ => 0,
        })
        .fold(0, |max, perm| max | perm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
00400000-00401000 r-xp 00000000 00:1f 12 /bin/a file
Size:                  4 kB
VmFlags: rd ex mr mw me sd
00402000-00403000 rw-s 00000000 00:1f 12 /bin/a
VmFlags: rd wr sh mr mw me ms sd
7ffd1000-7ffd3000 ---p 00000000 00:00 0                          [stack]
VmFlags: mr mw me gd ac
";

    #[test]
    fn smaps_are_understood() {
        let all = parse_lines(SMAPS.as_bytes(), 0..usize::MAX).unwrap();
        let text = Area {
            range: 0x400000..0x401000,
            perms: READ | EXECUTE,
            max: Some(READ | WRITE | EXECUTE),
            is_stack: false,
            is_reserved: false,
        };
        assert_eq!(all[0], text);
        assert_eq!((all[1].perms, all[1].max), (READ | WRITE, Some(7)));
        assert_eq!((all[2].perms, all[2].is_stack), (0, true));
        let some = parse_lines(SMAPS.as_bytes(), 0x401000..0x402001).unwrap();
        assert_eq!(some, all[1..2]);
        let none = parse_lines(SMAPS.as_bytes(), 0x401000..0x402000).unwrap();
        assert!(none.is_empty());
    }

    #[test]
    fn both_ways_see_the_same() {
        let on_stack = 0u8;
        let page = (&raw const on_stack) as usize & !0xFFF;
        for range in [page..page + 4096, page..page + 1] {
            let quick = areas(range.clone()).unwrap();
            let slow = areas_with_max(range).unwrap();
            assert_eq!(quick.len(), 1);
            assert!(quick[0].range.contains(&page));
            assert_eq!(quick[0].perms, READ | WRITE);
            assert_eq!(slow[0].perms, READ | WRITE);
            assert_eq!(slow[0].max, Some(7));
        }
        assert!(areas(0..4096).unwrap().is_empty());
    }
}
