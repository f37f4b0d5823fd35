// SPDX-License-Identifier: GPL-2.0
//! Fuzzes the module from inside of the guest that it is loaded in.
//!
//! Programs are sequences of system calls (see [`program`]), on which a process of their own is
//! spent. Where the kernel has KCOV, those that reach new blocks of the module join the corpus;
//! elsewhere new results of calls take the place of blocks, and nothing is kept.

mod calls;
mod corpus;
mod execute;
mod generate;
mod kcov;
mod linux;
mod log;
mod mapping;
mod memory;
mod nested;
mod program;
mod random;
mod ring;
mod runner;

use crate::corpus::Entry;
use crate::execute::UNFINISHED;
use crate::program::Program;
use crate::random::Random;
use crate::runner::{Outcome, Runner};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "\
Usage: fuzz run --corpus DIR --out DIR [--seconds N] [--seed N] [--limit MS]
       fuzz replay [--out DIR] [--repeat N] [--limit MS] [--verbose] [--among-others] FILE|DIR...

run     makes programs for so long (default 60 s); what reaches new blocks is put into the corpus.
        OUT/current is the program that runs, OUT/blocks what was reached, OUT/finding.* what the
        run ended for.
replay  executes those programs once, or N times each, and says what their calls returned
        with --verbose.
--limit is for one program (default 2000 ms). With --among-others, others use the module, too.";

/// What the command line says.
struct Options {
    corpus: Option<PathBuf>,
    out: Option<PathBuf>,
    seconds: u64,
    seed: u64,
    limit: Duration,
    repeat: u32,
    verbose: bool,
    alone: bool,
    paths: Vec<PathBuf>,
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        corpus: None,
        out: None,
        seconds: 60,
        seed: 1,
        limit: Duration::from_secs(2),
        repeat: 1,
        verbose: false,
        alone: true,
        paths: Vec::new(),
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        let number = |text: String| {
            text.parse::<u64>()
                .map_err(|_| format!("'{text}' is no number"))
        };
        match argument.as_str() {
            "--corpus" => options.corpus = Some(value()?.into()),
            "--out" => options.out = Some(value()?.into()),
            "--seconds" => options.seconds = number(value()?)?,
            "--seed" => options.seed = number(value()?)?,
            "--limit" => options.limit = Duration::from_millis(number(value()?)?),
            "--repeat" => options.repeat = number(value()?)? as u32,
            "--among-others" => options.alone = false,
            "--verbose" => options.verbose = true,
            other if other.starts_with("--") => return Err(format!("there is no option {other}")),
            _ => options.paths.push(argument.into()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let result = options(arguments).and_then(|options| match command.as_str() {
        "run" => Fuzzer::new(&options)?.run(&options),
        "replay" => replay(&options),
        _ => Err(USAGE.to_owned()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("fuzz: {what}");
            ExitCode::FAILURE
        }
    }
}

fn runner(options: &Options) -> Result<Runner, String> {
    let current = options.out.as_ref().map(|out| out.join("current"));
    Runner::new(current.as_deref(), options.limit, options.alone)
        .map_err(|error| format!("cannot begin: {error}"))
}

fn save_blocks(out: &Path, blocks: &BTreeSet<u32>) {
    let lines: Vec<String> = blocks.iter().map(|block| format!("{block:#x}")).collect();
    let text = lines.join("\n");
    let _ = fs::write(out.join("blocks"), text);
}

/// Executes programs that there are.
fn replay(options: &Options) -> Result<(), String> {
    let programs = corpus::read(&options.paths)?;
    let mut runner = runner(options)?;
    runner.prepare_failures();
    let start = Instant::now();
    let mut blocks = BTreeSet::new();
    for (file, program) in &programs {
        for _ in 0..options.repeat {
            let outcome = runner
                .run(program)
                .map_err(|what| format!("{}:\n{program}{what}", file.display()))?;
            blocks.extend(&outcome.blocks);
            if options.verbose {
                println!(
                    "{}{}",
                    file.display(),
                    if outcome.stopped { " (stopped)" } else { "" }
                );
                for (call, result) in program.calls.iter().zip(&outcome.results) {
                    match *result {
                        UNFINISHED => println!("  {call} = ?"),
                        result => println!("  {call} = {result}"),
                    }
                }
            }
        }
    }
    if let (Some(out), true) = (&options.out, runner.sees_blocks()) {
        save_blocks(out, &blocks);
        println!("{} blocks of the module reached", blocks.len());
    }
    println!(
        "{} executions in {} s, {} stopped",
        runner.executions,
        start.elapsed().as_secs(),
        runner.stopped
    );
    println!("{} passed, 0 failed", programs.len());
    Ok(())
}

/// A run that looks for new programs.
struct Fuzzer {
    runner: Runner,
    random: Random,
    entries: Vec<Entry>,
    blocks: BTreeSet<u32>,
    corpus: PathBuf,
    out: PathBuf,
    failures: bool,
}

/// What counts as reached: blocks, or without KCOV what the calls returned.
fn reached(runner: &Runner, program: &Program, outcome: &Outcome) -> BTreeSet<u32> {
    if runner.sees_blocks() {
        return outcome.blocks.clone();
    }
    let pairs = program.calls.iter().zip(&outcome.results);
    // Lengths and addresses do not count.
    pairs
        .map(|(call, result)| {
            ((call.spec as u32) << 12) | result.wrapping_neg().clamp(0, 4000) as u32
        })
        .collect()
}

impl Fuzzer {
    fn new(options: &Options) -> Result<Self, String> {
        let (Some(corpus), Some(out)) = (&options.corpus, &options.out) else {
            return Err(USAGE.to_owned());
        };
        let runner = runner(options)?;
        let failures = runner.prepare_failures();
        Ok(Self {
            runner,
            random: Random::new(options.seed),
            entries: Vec::new(),
            blocks: BTreeSet::new(),
            corpus: corpus.clone(),
            out: out.clone(),
            failures,
        })
    }

    /// Runs a program; a finding is kept beside what runs, and ends all.
    fn execute(&mut self, program: &Program) -> Result<Outcome, String> {
        self.runner.run(program).map_err(|what| {
            let _ = fs::write(self.out.join("finding.zx"), program.to_string());
            let _ = fs::write(self.out.join("finding.log"), &what);
            format!("a finding (finding.zx, finding.log):\n{program}{what}")
        })
    }

    /// Takes calls out of a program that still reaches the same new blocks without.
    fn trim(&mut self, program: &Program, new: &BTreeSet<u32>) -> Result<Entry, String> {
        let mut best = program.clone();
        let mut at = best.calls.len();
        while at > 0 {
            at -= 1;
            let mut shorter = best.clone();
            shorter.calls.remove(at);
            let outcome = self.execute(&shorter)?;
            if new.is_subset(&reached(&self.runner, &shorter, &outcome)) {
                best = shorter;
            }
        }
        let outcome = self.execute(&best)?;
        let blocks = reached(&self.runner, &best, &outcome);
        Ok(Entry {
            program: best,
            blocks,
            file: None,
        })
    }

    fn consider(&mut self, program: &Program, trim: bool) -> Result<(), String> {
        let outcome = self.execute(program)?;
        let found = reached(&self.runner, program, &outcome);
        let new: BTreeSet<u32> = found.difference(&self.blocks).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut entry = Entry {
            program: program.clone(),
            blocks: found.clone(),
            file: None,
        };
        if trim && self.runner.sees_blocks() {
            let trimmed = self.trim(program, &new)?;
            // What only happens now and then is not trimmed.
            if new.is_subset(&trimmed.blocks) {
                entry = trimmed;
            }
            entry.file = corpus::write(&self.corpus, &entry.program).ok();
        }
        self.blocks.extend(&found);
        self.blocks.extend(&entry.blocks);
        self.entries.push(entry);
        Ok(())
    }

    fn next_program(&mut self) -> Program {
        if self.entries.is_empty() || self.random.once_in(10) {
            return generate::new_program(&mut self.random);
        }
        // What was found lately is where there may be more.
        let count = self.entries.len();
        let base = match self.random.below(3) {
            0 => count - 1 - self.random.below(count.min(20)),
            _ => self.random.below(count),
        };
        let other = self.random.below(count);
        let (base, other) = (&self.entries[base].program, &self.entries[other].program);
        generate::mutate(&mut self.random, base, other, self.failures)
    }

    fn progress(&self, start: Instant) {
        let seconds = start.elapsed().as_secs().max(1);
        println!(
            "{seconds} s: {} executions ({}/s), {} stopped, {} programs kept, {} {}",
            self.runner.executions,
            self.runner.executions / seconds,
            self.runner.stopped,
            self.entries.len(),
            self.blocks.len(),
            if self.runner.sees_blocks() {
                "blocks reached"
            } else {
                "results seen"
            },
        );
    }

    fn run(mut self, options: &Options) -> Result<(), String> {
        println!("seed {}", options.seed);
        if !self.runner.sees_blocks() {
            println!("this kernel has no KCOV: running blind, and keeping nothing");
        }
        if self.failures {
            println!("allocations can be made to fail");
        }
        let start = Instant::now();
        let mut told = start;
        let mut superfluous = Vec::new();
        for (file, program) in corpus::read(&[self.corpus.clone()])? {
            let before = self.entries.len();
            self.consider(&program, false)?;
            match self.entries.get_mut(before) {
                Some(entry) => entry.file = Some(file),
                // Others reach the same.
                None => superfluous.push(file),
            }
        }
        if self.runner.sees_blocks() && self.blocks.is_empty() && !superfluous.is_empty() {
            return Err("KCOV knows nothing of the module: it was built without".to_owned());
        }
        self.progress(start);
        while start.elapsed().as_secs() < options.seconds {
            let program = self.next_program();
            self.consider(&program, true)?;
            if told.elapsed().as_secs() >= 20 {
                told = Instant::now();
                self.progress(start);
                if self.runner.sees_blocks() {
                    save_blocks(&self.out, &self.blocks);
                }
            }
        }
        self.progress(start);
        if self.runner.sees_blocks() {
            save_blocks(&self.out, &self.blocks);
            superfluous
                .iter()
                .for_each(|file| drop(fs::remove_file(file)));
            let kept = corpus::minimise(self.entries, &self.corpus);
            println!("{} programs in the corpus", kept.len());
        }
        println!("0 findings");
        Ok(())
    }
}
