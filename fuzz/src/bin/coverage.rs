// SPDX-License-Identifier: GPL-2.0
//! What the fuzzer has reached of the module, and what not.
//!
//! `coverage MODULE BLOCKS REPORT` finds the blocks that there are in the module's code by the
//! calls of KCOV's function in them, and counts those that the file BLOCKS names.

use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::process::ExitCode;

/// What the compiler calls in each block.
const TRACE: &str = "__sanitizer_cov_trace_pc";

/// Blocks there are and blocks reached.
#[derive(Default)]
struct Count {
    all: usize,
    reached: usize,
}

impl Count {
    fn add(&mut self, reached: bool) {
        self.all += 1;
        self.reached += usize::from(reached);
    }

    fn share(&self) -> String {
        let percent = 100.0 * self.reached as f64 / self.all.max(1) as f64;
        format!("{} of {} ({percent:.1} %)", self.reached, self.all)
    }
}

fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// The module that a function is in: `store` of `zxvmo::store::Store::size`.
fn place(function: &str) -> String {
    let Some((_, rest)) = function.split_once("zxvmo::") else {
        return "C".to_owned();
    };
    let end =
        rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'));
    let mut parts = rest[..end.unwrap_or(rest.len())].split("::");
    match (parts.next(), parts.next()) {
        (Some("sys"), Some(inner)) => format!("sys/{inner}"),
        (Some(first), _) => first.to_owned(),
        _ => String::new(),
    }
}

fn report(module: &[u8], reached: &BTreeSet<u64>) -> Result<String, Box<dyn Error>> {
    let file = object::File::parse(module)?;
    let text = file.section_by_name(".text").ok_or("no .text")?;
    let is_ours = |name: &str| name.contains("zxvmo::") || name.starts_with("zx_");
    let functions: BTreeMap<u64, String> = file
        .symbols()
        .filter(|symbol| {
            symbol.kind() == SymbolKind::Text && symbol.section_index() == Some(text.index())
        })
        .filter_map(|symbol| Some((symbol.address(), readable(symbol.name().ok()?))))
        .collect();
    let mut counts: BTreeMap<u64, Count> = BTreeMap::new();
    let mut total = Count::default();
    for (offset, relocation) in text.relocations() {
        let RelocationTarget::Symbol(target) = relocation.target() else {
            continue;
        };
        if file.symbol_by_index(target)?.name()? != TRACE {
            continue;
        }
        // What KCOV keeps is where the call returns to.
        let block = offset + 4;
        let Some((start, name)) = functions.range(..=block).next_back() else {
            continue;
        };
        if is_ours(name) {
            counts
                .entry(*start)
                .or_default()
                .add(reached.contains(&block));
            total.add(reached.contains(&block));
        }
    }
    if total.all == 0 {
        return Err("the module was not built with KCOV".into());
    }
    let mut called = Count::default();
    let mut places: BTreeMap<String, Count> = BTreeMap::new();
    let (mut none, mut some) = (String::new(), String::new());
    for (start, count) in &counts {
        let name = &functions[start];
        called.add(count.reached > 0);
        let there = places.entry(place(name)).or_default();
        there.all += count.all;
        there.reached += count.reached;
        if count.reached == 0 {
            writeln!(none, "  {name} ({})", count.all)?;
        } else if count.reached < count.all {
            writeln!(some, "  {name}: {}", count.share())?;
        }
    }
    let mut out = String::new();
    writeln!(
        out,
        "functions: {}\nblocks: {}",
        called.share(),
        total.share()
    )?;
    writeln!(out, "\nblocks by file:")?;
    for (name, count) in &places {
        writeln!(out, "  {name}: {}", count.share())?;
    }
    writeln!(out, "\nfunctions never reached (blocks):\n{none}")?;
    writeln!(out, "functions reached in part:\n{some}")?;
    Ok(out)
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, module, blocks, output] = arguments.as_slice() else {
        return Err("usage: coverage MODULE BLOCKS REPORT".into());
    };
    let reached = fs::read_to_string(blocks)?
        .lines()
        .map(|line| u64::from_str_radix(line.trim_start_matches("0x"), 16))
        .collect::<Result<BTreeSet<u64>, _>>()?;
    let text = report(&fs::read(module)?, &reached)?;
    fs::write(output, &text)?;
    let until = text.find("functions reached in part").unwrap_or(text.len());
    print!("{}", &text[..until]);
    println!("all of this: {output}");
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("coverage: {error}");
            ExitCode::FAILURE
        }
    }
}
