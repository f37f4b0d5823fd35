// SPDX-License-Identifier: GPL-2.0
//! ioctls of the module: those of the table, and those whose structures lead to others.

use crate::calls::{Kind, Param};
use crate::memory::{store, sys, Memory, BUFFER, BUFFER_SIZE};
use crate::program::{Arg, Call};
use std::arch::asm;

const TYPE: u64 = 0xE7;

/// `_IOWR` of the module's type.
fn command(number: u64, size: u64) -> u64 {
    (3 << 30) | ((size & 0x3fff) << 16) | (TYPE << 8) | (number & 0xff)
}

/// A structure as it is built and read again.
struct Record(Vec<u8>);

impl Record {
    /// Begins with a status that no call leaves untouched unless it fails early.
    fn new() -> Self {
        Self(0x55_i32.to_le_bytes().to_vec())
    }

    fn put(&mut self, value: u64, width: u8) -> &mut Self {
        self.0
            .extend_from_slice(&value.to_le_bytes()[..width.into()]);
        self
    }

    fn get(&self, at: usize, width: u8) -> u64 {
        let mut bytes = [0; 8];
        bytes[..width.into()].copy_from_slice(&self.0[at..at + usize::from(width)]);
        u64::from_le_bytes(bytes)
    }

    /// The status if there is one, else the negative errno.
    fn call(&mut self, fd: u64, number: u8) -> i64 {
        let size = self.0.len() as u64;
        let result = sys!(
            SYS_ioctl,
            fd,
            command(number.into(), size),
            self.0.as_mut_ptr()
        );
        match self.get(0, 4) as i32 {
            0x55 => result,
            // apart from any errno
            status if status != 0 => i64::from(status) - 1000,
            _ => result,
        }
    }
}

/// An ioctl whose members are the parameters behind the first. Returns 0, a status less 1000,
/// or a negative errno.
pub fn ioctl(memory: &Memory, number: u8, params: &[Param], call: &Call) -> i64 {
    let mut record = Record::new();
    for (param, arg) in params.iter().zip(&call.args).skip(1) {
        let value = match param.kind {
            Kind::Result | Kind::NewFile(_) | Kind::NewMapping => 0,
            _ => memory.value(*arg),
        };
        record.put(value, param.width);
    }
    let result = record.call(memory.value(call.args[0]), number);
    if result != 0 {
        return result;
    }
    let mut at = 4;
    let mut length = 0;
    for (param, arg) in params.iter().zip(&call.args).skip(1) {
        let value = record.get(at, param.width);
        match (param.kind, *arg) {
            (Kind::NewFile(_), Arg::File(slot)) => memory.set_file(slot.into(), value as i64),
            (Kind::NewMapping, Arg::Mapping(slot, _)) => {
                memory.set_mapping(slot.into(), value, length);
            }
            (Kind::Size, _) => length = value,
            _ => {}
        }
        at += usize::from(param.width);
    }
    0
}

/// Two objects, and as many more as `count` says.
pub fn wait_many(_: &Memory, args: &[u64]) -> i64 {
    let &[fd, first, waitfor, second, waitfor2, count, deadline] = args else {
        return 0;
    };
    let mut items = Record(Vec::new());
    for item in 0..count.min(70) {
        let (handle, signals) = if item % 2 == 0 {
            (first, waitfor)
        } else {
            (second, waitfor2)
        };
        items.put(handle, 4).put(signals, 4).put(0, 4);
    }
    let mut record = Record::new();
    record
        .put(count, 4)
        .put(items.0.as_mut_ptr() as u64, 8)
        .put(deadline, 8);
    record.call(fd, 0x02)
}

fn stream(args: &[u64], number: u8) -> i64 {
    let &[fd, options, buffer, length, buffer2, length2, count, offset, flags] = args else {
        return 0;
    };
    let mut vector = Record(Vec::new());
    for item in 0..count.min(16) {
        let (start, capacity) = if item % 2 == 0 {
            (buffer, length)
        } else {
            (buffer2, length2)
        };
        vector.put(start, 8).put(capacity, 8);
    }
    let mut record = Record::new();
    record
        .put(options, 4)
        .put(vector.0.as_mut_ptr() as u64, 8)
        .put(count, 8);
    record.put(offset, 8).put(0, 8).put(flags, 4).put(0, 4);
    record.call(fd, number)
}

/// Two buffers, which a vector of `count` consists of in turn.
pub fn stream_readv(_: &Memory, args: &[u64]) -> i64 {
    stream(args, 0x20)
}

/// As [`stream_readv`].
pub fn stream_writev(_: &Memory, args: &[u64]) -> i64 {
    stream(args, 0x21)
}

/// A packet, written to `at` if it is not 0.
pub fn port_queue(_: &Memory, args: &[u64]) -> i64 {
    let &[fd, key, kind, status, payload, at] = args else {
        return 0;
    };
    let mut packet = Record(Vec::new());
    packet
        .put(key, 8)
        .put(kind, 4)
        .put(status, 4)
        .put(payload, 8);
    packet.put(!payload, 8).put(0, 8).put(payload, 8);
    let at = if at == 0 { BUFFER } else { at };
    store(at, &packet.0);
    Record::new().put(0, 4).put(at, 8).call(fd, 0x30)
}

/// A value of 8 bytes or a name of 32, written to `at` if it is not 0.
pub fn set_property(_: &Memory, args: &[u64]) -> i64 {
    let &[fd, property, value, size, at] = args else {
        return 0;
    };
    let mut bytes = Record(Vec::new());
    bytes
        .put(value, 8)
        .put(0x6f6d_762d_7a7a_7566, 8)
        .put(value, 8)
        .put(!0, 8);
    let at = if at == 0 { BUFFER } else { at };
    store(at, &bytes.0);
    Record::new()
        .put(property, 4)
        .put(at, 8)
        .put(size, 8)
        .call(fd, 0x44)
}

/// Any command, mostly the module's, with whatever is at the address.
pub fn raw_ioctl(_: &Memory, args: &[u64]) -> i64 {
    let &[fd, number, size, direction, argument] = args else {
        return 0;
    };
    let command = (command(number, size) & !(3 << 30)) | (((direction ^ 3) & 3) << 30);
    sys!(SYS_ioctl, fd, command, argument)
}

/// As [`raw_ioctl`], the way of a program of 32 bits.
pub fn ioctl32(_: &Memory, args: &[u64]) -> i64 {
    let &[fd, number, size, _, argument] = args else {
        return 0;
    };
    let argument = if argument >> 32 == 0 {
        argument
    } else {
        BUFFER + argument % BUFFER_SIZE
    };
    let mut result: i64 = 54;
    // SAFETY: As any system call here; rbx belongs to the compiler and is put back.
    unsafe {
        asm!("xchg rbx, {fd}", "int 0x80", "xchg rbx, {fd}",
            fd = inout(reg) fd & 0xffff_ffff => _,
            inout("rax") result, in("rcx") command(number, size), in("rdx") argument,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    i64::from(result as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{Run, SPECS};

    /// Made from the header.
    const CONSTANTS: &str = include_str!("../dev_zxvmo.txt.const");
    const HEADER: &str = include_str!("../../uapi/zxvmo.h");

    #[test]
    fn structures_are_the_headers() {
        let mut compared = 0;
        for spec in SPECS {
            let Run::Ioctl(number) = spec.run else {
                continue;
            };
            let size: usize = 4 + spec
                .params
                .iter()
                .map(|param| usize::from(param.width))
                .sum::<usize>();
            let line = format!(
                "ZXVMO_IOC_{} = {}\n",
                spec.name.to_uppercase(),
                command(number.into(), size as u64)
            );
            assert!(CONSTANTS.contains(&line), "{line}");
            compared += 1;
        }
        assert!(compared > 20);
    }

    #[test]
    fn all_calls_are_described() {
        for line in HEADER
            .lines()
            .filter(|line| line.starts_with("#define ZXVMO_IOC_"))
        {
            let name = line.split_whitespace().nth(1).unwrap_or("");
            let known = name == "ZXVMO_IOC_TYPE" || CONSTANTS.contains(&format!("{name} = "));
            assert!(known, "fuzz/dev_zxvmo.txt lacks {name}");
        }
    }
}
