// SPDX-License-Identifier: GPL-2.0
//! New programs: from nothing, and from others.

use crate::calls::{kind, Kind, Spec, SPECS};
use crate::program::{Arg, Call, Program, FILES, MAPPINGS, MAX_CALLS, THREADS};
use crate::random::Random;

const PAGE: u64 = 4096;

/// What the slots hold when the calls before a place have succeeded.
struct Slots {
    files: [u16; FILES],
    mappings: [bool; MAPPINGS],
}

impl Slots {
    fn after(calls: &[Call]) -> Self {
        let mut slots = Self {
            files: [0; FILES],
            mappings: [false; MAPPINGS],
        };
        slots.files[0] = kind::DEVICE;
        for call in calls {
            let source = match call.args.first() {
                Some(Arg::File(slot)) => slots.files[usize::from(*slot)],
                _ => 0,
            };
            for (param, arg) in call.spec().params.iter().zip(&call.args) {
                match (param.kind, *arg) {
                    (Kind::NewFile(kind::SAME), Arg::File(slot)) => {
                        slots.files[usize::from(slot)] = source;
                    }
                    (Kind::NewFile(made), Arg::File(slot)) => {
                        slots.files[usize::from(slot)] = made;
                    }
                    (Kind::NewMapping, Arg::Mapping(slot, _)) => {
                        slots.mappings[usize::from(slot)] = true;
                    }
                    _ => {}
                }
            }
        }
        slots
    }

    fn file(&self, random: &mut Random, wanted: u16) -> Arg {
        let fit: Vec<u8> = (0..FILES as u8)
            .filter(|slot| self.files[usize::from(*slot)] & wanted != 0)
            .collect();
        if fit.is_empty() || random.once_in(40) {
            return Arg::File(random.below(FILES) as u8);
        }
        Arg::File(random.one_of(&fit))
    }

    fn new_file(&self, random: &mut Random) -> Arg {
        let free: Vec<u8> = (1..FILES as u8)
            .filter(|slot| self.files[usize::from(*slot)] == 0)
            .collect();
        if free.is_empty() || random.once_in(10) {
            return Arg::File(1 + random.below(FILES - 1) as u8);
        }
        Arg::File(free[0])
    }

    fn mapping(&self, random: &mut Random) -> u8 {
        let fit: Vec<u8> = (0..MAPPINGS as u8)
            .filter(|slot| self.mappings[usize::from(*slot)])
            .collect();
        if fit.is_empty() || random.once_in(40) {
            return random.below(MAPPINGS) as u8;
        }
        random.one_of(&fit)
    }
}

/// A number of bytes at which something may change.
fn bytes(random: &mut Random) -> u64 {
    let whole = match random.below(24) {
        0..=4 => 0,
        5..=13 => PAGE * random.below(9) as u64,
        14..=16 => PAGE * random.below(70) as u64,
        17 => PAGE * 64,
        18 => PAGE * 512,
        19 => PAGE * 64 * (1 + random.below(80) as u64),
        20 => 1 << (12 + random.below(52)),
        21 => 0xffff_ffff_ffff_0000,
        22 => i64::MAX as u64 - (PAGE - 1),
        _ => random.number() >> random.below(64),
    };
    match random.below(12) {
        0 => whole.wrapping_add(1),
        1 => whole.wrapping_sub(1),
        2 => whole.wrapping_add(random.below(PAGE as usize) as u64),
        _ => whole,
    }
}

fn flags(random: &mut Random, bits: &[u64]) -> u64 {
    let mut value = match random.below(4) {
        0 => 0,
        _ => random.one_of(bits),
    };
    while random.once_in(3) {
        value |= random.one_of(bits);
    }
    if random.once_in(60) {
        value |= 1 << random.below(32);
    }
    value
}

fn wild(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => random.below(16) as u64,
        1 => u64::MAX - random.below(16) as u64,
        2 => 1 << random.below(64),
        3 => 0xffff_8000_0000_0000_u64.wrapping_add(bytes(random)),
        4 => random.number(),
        _ => bytes(random),
    }
}

fn address(random: &mut Random, slots: &Slots) -> Arg {
    match random.below(16) {
        0..=8 => Arg::Buffer(bytes(random) % 0x2_0000),
        9..=11 => Arg::Mapping(slots.mapping(random), bytes(random) % 0x10_0000),
        12 => Arg::ReadOnly(bytes(random) % 0x2_0000),
        13 => Arg::Edge(random.below(0x2001) as u64),
        14 => Arg::Number(0),
        _ => Arg::Number(wild(random)),
    }
}

fn argument(random: &mut Random, kind: Kind, slots: &Slots) -> Arg {
    let wanted = match kind {
        Kind::File(wanted) => return slots.file(random, wanted),
        Kind::NewFile(_) => return slots.new_file(random),
        Kind::NewMapping => return Arg::Mapping(random.below(MAPPINGS) as u8, 0),
        Kind::Result => return Arg::Number(0),
        _ if random.once_in(100) => return Arg::Number(wild(random)),
        other => other,
    };
    Arg::Number(match wanted {
        Kind::Mapped => {
            let offset = match random.below(3) {
                0 => 0,
                1 => PAGE * random.below(16) as u64,
                _ => bytes(random) % 0x40_0000,
            };
            return Arg::Mapping(slots.mapping(random), offset);
        }
        Kind::Address => return address(random, slots),
        Kind::Offset | Kind::Size => bytes(random),
        Kind::Flags(bits) => flags(random, bits),
        Kind::Choice(values) => match random.below(40) {
            0 => random.below(64) as u64,
            _ => random.one_of(values),
        },
        Kind::Rights => match random.below(3) {
            0 => 0x8000_0000,
            1 => 0xD0EF & random.number(),
            _ => 0xD0EF | (random.number() & 0x1ff_ffff),
        },
        Kind::Signals => {
            random.one_of(&[0, 4, 8, 8, 0x100_0000, 0x300_0000, 0xff00_0008, 0x80_0000])
        }
        Kind::Deadline => match random.below(60) {
            0..=20 => 0,
            21..=58 => return Arg::Soon(random.below(2_000_000) as u64),
            _ => i64::MAX as u64,
        },
        Kind::Value => wild(random),
        _ => 0,
    })
}

fn call_of(random: &mut Random, spec: usize, slots: &Slots) -> Call {
    let described: &Spec = &SPECS[spec];
    let mut args: Vec<Arg> = described
        .params
        .iter()
        .map(|param| argument(random, param.kind, slots))
        .collect();
    // What has to fit to get anywhere, mostly does.
    for (param, arg) in described.params.iter().zip(&mut args) {
        match (described.name, param.name) {
            ("create", "size") if !random.once_in(6) => {
                let pages = [1, 2, 3, 4, 8, 16, 65, 130, 600, 1024, 5000];
                *arg = Arg::Number(PAGE * random.one_of(&pages));
            }
            ("create", "flags") if !random.once_in(6) => *arg = Arg::Number(0),
            ("create", "options") => {
                *arg = Arg::Number(random.one_of(&[0, 0, 2, 2, 2, 4, 6, 0x10, 0x12, 0x8]));
            }
            ("create_child", "options") if !random.once_in(6) => {
                let bases = [1, 1, 0x10, 0x80, 8, 0x40, 0x24, 5];
                *arg = Arg::Number(random.one_of(&bases) | (u64::from(random.once_in(3)) * 4));
            }
            (
                "create_child" | "map" | "mmap" | "transfer_data" | "op_range",
                "offset" | "source_offset",
            ) if !random.once_in(4) => {
                *arg = Arg::Number(PAGE * random.one_of(&[0, 0, 0, 1, 2, 3, 64, 512]));
            }
            // What a large folio can be for.
            ("op_range", "size") if random.once_in(8) => {
                *arg = Arg::Number(PAGE * random.one_of(&[512, 1024]));
            }
            ("create_child", "size") | ("map" | "mmap" | "transfer_data", "length")
                if !random.once_in(4) =>
            {
                *arg = Arg::Number(PAGE * random.one_of(&[1, 1, 2, 3, 4, 8, 64, 70, 600]));
            }
            ("map", "options") if !random.once_in(3) => {
                *arg = Arg::Number(random.one_of(&[1, 3, 3, 3, 0x803, 0x1003, 0x9003, 0x403]));
            }
            ("map", "address") if !random.once_in(4) => *arg = Arg::Number(0),
            ("stream_readv" | "stream_writev" | "wait_many", "count") if !random.once_in(8) => {
                *arg = Arg::Number(random.below(4) as u64);
            }
            ("replace_as_executable", "vmex") if !random.once_in(8) => {
                *arg = Arg::Number(u64::MAX);
            }
            ("set_property" | "get_property", "size") if !random.once_in(4) => {
                *arg = Arg::Number(random.one_of(&[8, 32, 4]));
            }
            ("get_info", "size") if !random.once_in(4) => {
                *arg = Arg::Number(random.one_of(&[4, 24, 32, 104, 120, 128, 184, 0x1000]));
            }
            ("port_queue", "kind") if !random.once_in(4) => *arg = Arg::Number(0),
            ("port_cancel" | "wait_async", "key") => *arg = Arg::Number(random.below(3) as u64),
            ("read" | "write" | "sys_read" | "sys_write" | "pread" | "pwrite", "length")
                if !random.once_in(4) =>
            {
                *arg = Arg::Number(bytes(random) % 0x1_0000);
            }
            ("ioctl" | "ioctl32", "number") => *arg = Arg::Number(random.below(0x50) as u64),
            ("ioctl" | "ioctl32", "size") => *arg = Arg::Number(random.below(12) as u64 * 8),
            ("ioctl" | "ioctl32", "direction") if !random.once_in(8) => *arg = Arg::Number(0),
            _ => {}
        }
    }
    Call {
        spec,
        args,
        thread: 0,
        fail: 0,
    }
}

fn any_call(random: &mut Random, slots: &Slots) -> Call {
    let total: usize = SPECS.iter().map(|spec| spec.weight).sum();
    // A few tries to find one that has something to work on.
    for _ in 0..8 {
        let mut at = random.below(total);
        let spec = SPECS.iter().position(|spec| {
            let found = at < spec.weight;
            at = at.saturating_sub(spec.weight);
            found
        });
        let Some(spec) = spec else { continue };
        let usable = SPECS[spec].params.iter().all(|param| match param.kind {
            Kind::File(wanted) => slots.files.iter().any(|held| held & wanted != 0),
            Kind::Mapped => {
                slots.mappings.contains(&true) || matches!(SPECS[spec].name, "map" | "mmap")
            }
            _ => true,
        });
        if usable || random.once_in(30) {
            return call_of(random, spec, slots);
        }
    }
    call_of(random, crate::calls::find("create").unwrap_or(0), slots)
}

/// A program from nothing.
pub fn new_program(random: &mut Random) -> Program {
    let mut program = Program {
        calls: Vec::new(),
        races: 1,
    };
    for _ in 0..4 + random.below(24) {
        let slots = Slots::after(&program.calls);
        program.calls.push(any_call(random, &slots));
    }
    if random.once_in(6) {
        race(random, &mut program);
    }
    program
}

/// Makes a block of threads out of some neighbouring calls.
fn race(random: &mut Random, program: &mut Program) {
    let length = program.calls.len();
    if length < 3 {
        return;
    }
    let from = 1 + random.below(length - 2);
    let end = (from + 2 + random.below(6)).min(length);
    let threads = 2 + random.below(THREADS - 2);
    for call in &mut program.calls[from..end] {
        call.thread = 1 + random.below(threads) as u8;
    }
    program.races = random.one_of(&[1, 4, 10, 30]);
}

fn change_argument(random: &mut Random, program: &mut Program, at: usize) {
    let slots = Slots::after(&program.calls[..at]);
    let call = &mut program.calls[at];
    let params = call.spec().params;
    if params.is_empty() {
        return;
    }
    let place = random.below(params.len());
    call.args[place] = match (call.args[place], random.below(5)) {
        (Arg::Number(number), 0) => Arg::Number(number ^ (1 << random.below(64))),
        (Arg::Number(number), 1) => {
            let step = random.one_of(&[1, 8, PAGE, 64 * PAGE]);
            let down = random.once_in(2);
            Arg::Number(if down {
                number.wrapping_sub(step)
            } else {
                number.wrapping_add(step)
            })
        }
        (Arg::Number(_), 2) => match params[place].kind {
            Kind::Zero | Kind::Value => Arg::Number(wild(random)),
            kind => argument(random, kind, &slots),
        },
        _ => argument(random, params[place].kind, &slots),
    };
    // Descriptors are always named by slots: numbers would be the fuzzer's own.
    if matches!(params[place].kind, Kind::File(_)) && !matches!(call.args[place], Arg::File(_)) {
        call.args[place] = slots.file(random, kind::ANY);
    }
}

/// A program like `base`, perhaps with something of `other`.
pub fn mutate(random: &mut Random, base: &Program, other: &Program, failures: bool) -> Program {
    let mut program = base.clone();
    loop {
        let length = program.calls.len();
        match random.below(if failures { 12 } else { 10 }) {
            0..=2 => {
                let at = random.below(length + 1);
                let slots = Slots::after(&program.calls[..at]);
                let mut call = any_call(random, &slots);
                call.thread = if at < length {
                    program.calls[at].thread
                } else {
                    0
                };
                program.calls.insert(at, call);
            }
            3..=5 if length > 0 => {
                let at = random.below(length);
                change_argument(random, &mut program, at);
            }
            6 if length > 1 => drop(program.calls.remove(random.below(length))),
            7 if length > 0 => {
                let call = program.calls[random.below(length)].clone();
                program.calls.insert(random.below(length + 1), call);
            }
            8 if !other.calls.is_empty() => {
                let from = random.below(other.calls.len());
                let end = (from + 1 + random.below(12)).min(other.calls.len());
                let at = random.below(length + 1);
                program
                    .calls
                    .splice(at..at, other.calls[from..end].iter().cloned());
            }
            9 if random.once_in(2) => race(random, &mut program),
            10.. if length > 0 => {
                let at = random.below(length);
                program.calls[at].fail = random.below(12) as u16;
            }
            _ => {}
        }
        if random.once_in(3) {
            break;
        }
    }
    program.calls.truncate(MAX_CALLS);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_one_program() {
        let made = |seed| new_program(&mut Random::new(seed));
        assert_eq!(made(5), made(5));
        assert_ne!(made(5), made(6));
    }

    #[test]
    fn text_of_any_program_comes_back() {
        let mut random = Random::new(1);
        let mut last = Program::default();
        for _ in 0..2000 {
            let new = new_program(&mut random);
            last = mutate(&mut random, &new, &last, true);
            let again = Program::parse(&last.to_string()).expect("a program's text");
            assert_eq!(again.to_string(), last.to_string());
        }
    }
}
