// SPDX-License-Identifier: GPL-2.0
//! A program: calls in order, and its text.
//!
//! One call a line, `name key=value ...`; what is left out is 0. A value is
//!
//! - a number, `0x1000` or `4096`;
//! - `f3`, the descriptor in slot 3 of 16. Slot 0 is `/dev/zxvmo` to begin with, the others are
//!   empty (-1). Where a call makes a descriptor, the slot that it is put into, closing nothing;
//! - `m2+0x1000`, an address in the mapping in slot 2 of 8; where a call makes a mapping, its slot;
//! - `buf+0x10` and `ro+0x10`, addresses in a buffer and in one that cannot be written;
//! - `edge-0x8`, an address just before one where nothing is;
//! - `now+0x1000`, the time so many nanoseconds from now (CLOCK_MONOTONIC).
//!
//! Before the name there may be `t1` to `t3`: neighbouring calls with such a mark make a block, in
//! which each thread executes its own calls, all at the same time; and `!n`, for the call during
//! which the n-th allocation fails, where the kernel can do that. `# races=20` in a line of its own
//! says how often blocks are executed. Other text behind `#` is a comment.

use crate::calls::{find, Spec, SPECS};
use std::fmt::{self, Display, Formatter, Write};

/// Slots for descriptors.
pub const FILES: usize = 16;
/// Slots for mappings.
pub const MAPPINGS: usize = 8;
/// Calls of a program.
pub const MAX_CALLS: usize = 64;
/// Threads that a call can name, the first one included.
pub const THREADS: usize = 4;

/// An argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arg {
    /// Itself.
    Number(u64),
    /// A slot of the descriptors.
    File(u8),
    /// A slot of the mappings, and bytes into it.
    Mapping(u8, u64),
    /// Bytes into the buffer.
    Buffer(u64),
    /// Bytes into the buffer that cannot be written.
    ReadOnly(u64),
    /// Bytes before the end of what can be accessed.
    Edge(u64),
    /// Nanoseconds from now.
    Soon(u64),
}

impl Display for Arg {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Arg::Number(number) => write!(out, "{number:#x}"),
            Arg::File(slot) => write!(out, "f{slot}"),
            Arg::Mapping(slot, 0) => write!(out, "m{slot}"),
            Arg::Mapping(slot, offset) => write!(out, "m{slot}+{offset:#x}"),
            Arg::Buffer(offset) => write!(out, "buf+{offset:#x}"),
            Arg::ReadOnly(offset) => write!(out, "ro+{offset:#x}"),
            Arg::Edge(offset) => write!(out, "edge-{offset:#x}"),
            Arg::Soon(time) => write!(out, "now+{time:#x}"),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn slot(text: &str, limit: usize) -> Option<u8> {
    text.parse().ok().filter(|slot| usize::from(*slot) < limit)
}

impl Arg {
    fn parse(text: &str) -> Option<Self> {
        let after = |prefix| text.strip_prefix(prefix).and_then(number);
        if let Some(rest) = text.strip_prefix('m') {
            let (which, offset) = rest.split_once('+').unwrap_or((rest, "0"));
            return Some(Arg::Mapping(slot(which, MAPPINGS)?, number(offset)?));
        }
        if let Some(rest) = text.strip_prefix('f') {
            return Some(Arg::File(slot(rest, FILES)?));
        }
        after("buf+")
            .map(Arg::Buffer)
            .or_else(|| after("ro+").map(Arg::ReadOnly))
            .or_else(|| after("edge-").map(Arg::Edge))
            .or_else(|| after("now+").map(Arg::Soon))
            .or_else(|| number(text).map(Arg::Number))
    }
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Which one: a place in [`SPECS`].
    pub spec: usize,
    /// As many as its description has.
    pub args: Vec<Arg>,
    /// The thread, below [`THREADS`]; 0 outside of blocks.
    pub thread: u8,
    /// Which allocation fails during the call; 0 for none.
    pub fail: u16,
}

impl Call {
    /// Its description.
    pub fn spec(&self) -> &'static Spec {
        &SPECS[self.spec]
    }

    fn parse(line: &str) -> Result<Self, String> {
        let (mut thread, mut fail) = (0, 0);
        let mut words = line.split_whitespace().peekable();
        while let Some(word) = words.peek() {
            match (
                word.strip_prefix('t').map(|rest| slot(rest, THREADS)),
                word.strip_prefix('!'),
            ) {
                (Some(Some(number)), _) => thread = number,
                (_, Some(nth)) => fail = nth.parse().map_err(|_| format!("'{word}'"))?,
                _ => break,
            }
            words.next();
        }
        let name = words.next().ok_or("no call")?;
        let spec = find(name).ok_or_else(|| format!("there is no call '{name}'"))?;
        let mut args = vec![Arg::Number(0); SPECS[spec].params.len()];
        for word in words {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("'{word}'"))?;
            let place = SPECS[spec]
                .params
                .iter()
                .position(|param| param.name == key);
            let place = place.ok_or_else(|| format!("{name} has no '{key}'"))?;
            args[place] = Arg::parse(value).ok_or_else(|| format!("'{word}'"))?;
        }
        Ok(Self {
            spec,
            args,
            thread,
            fail,
        })
    }
}

impl Display for Call {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.thread > 0 {
            write!(out, "t{} ", self.thread)?;
        }
        if self.fail > 0 {
            write!(out, "!{} ", self.fail)?;
        }
        out.write_str(self.spec().name)?;
        for (param, arg) in self.spec().params.iter().zip(&self.args) {
            if *arg != Arg::Number(0) {
                write!(out, " {}={arg}", param.name)?;
            }
        }
        Ok(())
    }
}

/// Calls in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// At most [`MAX_CALLS`].
    pub calls: Vec<Call>,
    /// How often blocks of several threads are executed, at least once.
    pub races: u16,
}

impl Program {
    /// What the text says; errors name the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut program = Self {
            calls: Vec::new(),
            races: 1,
        };
        for (at, line) in text.lines().enumerate() {
            let (code, comment) = line.split_once('#').unwrap_or((line, ""));
            if let Some(races) = comment.trim().strip_prefix("races=") {
                program.races = races.parse::<u16>().unwrap_or(1).max(1);
            }
            if !code.trim().is_empty() {
                let call = Call::parse(code).map_err(|what| format!("line {}: {what}", at + 1))?;
                program.calls.push(call);
            }
        }
        if program.calls.len() > MAX_CALLS {
            return Err(format!("more than {MAX_CALLS} calls"));
        }
        Ok(program)
    }

    /// A name that only depends on what it does.
    pub fn name(&self) -> String {
        // FNV-1a
        let hash = self
            .to_string()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
        format!("{hash:016x}")
    }
}

impl Display for Program {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.races > 1 {
            writeln!(out, "# races={}", self.races)?;
        }
        self.calls.iter().try_for_each(|call| {
            write!(out, "{call}")?;
            out.write_char('\n')
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back() {
        let text = "# races=7\ncreate fd=f0 size=0x8000 handle=f1\nt1 !3 write fd=f1 \
                    buffer=m2+0x10 length=0x1\nt2 wait fd=f1 signals=0x8 deadline=now+0x64\n";
        let program = Program::parse(text).expect("it is well formed");
        assert_eq!(program.to_string(), text);
        assert_eq!(program.calls[1].thread, 1);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Program::parse("fly fd=f1").is_err());
        assert!(Program::parse("create fd=f99").is_err());
        assert!(Program::parse("create colour=1").is_err());
        assert!(Program::parse("create fd").is_err());
    }
}
