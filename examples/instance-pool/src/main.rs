// SPDX-License-Identifier: MIT OR Apache-2.0

//! WebAssembly instances whose memory is a snapshot child of an initialised
//! image, beside what wasmtime offers for the same; see README.md.
//!
//! ```text
//! instance-pool [SECONDS]       each row is measured for so long (default: 2)
//! ```

mod guest;
mod memory;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{Config, Engine, Error, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime::{Result, WasmBacktraceDetails};

use guest::{Guest, Running, REQUEST};
use memory::Creator;

/// Instances that are there at once when memory is measured: so many that some
/// MiB more or less of the machine do not matter.
const INSTANCES: u32 = 512;

/// Of those whose memory is all their own.
const INITIALISED: u32 = 64;

/// Largest memory of an instance in the pool, as the guest declares it.
const MEMORY: usize = 128 << 16;

fn main() -> ExitCode {
    let seconds = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 2.0,
        Some(Ok(seconds)) if (0.0..=3600.0).contains(&seconds) => seconds,
        _ => {
            eprintln!("Usage: instance-pool [SECONDS]");
            return ExitCode::from(2);
        }
    };
    if let Err(status) = zxvmo::query() {
        eprintln!("instance-pool: the module zxvmo cannot be used ({status}): is it loaded?");
        return ExitCode::FAILURE;
    }
    match run(Duration::from_secs_f64(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instance-pool: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What all engines have in common.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .guard_before_linear_memory(false);
    config
}

fn run(time: Duration) -> Result<()> {
    // An engine whose memories are VMOs. The first instance does the work that
    // the others are to be spared.
    let creator = Arc::new(Creator::default());
    let engine = Engine::new(config().with_host_memory(creator.clone()))?;
    let snapshots = Guest::new(engine, &guest::plain()?)?;
    let begun = Instant::now();
    let mut first = snapshots.instance()?;
    first.initialise()?;
    println!("initialising an instance: {}", shown(begun.elapsed()));
    let vmo = creator
        .last()
        .ok_or_else(|| Error::msg("the engine did not ask for a memory"))?;
    let begun = Instant::now();
    creator.set_image(&vmo)?;
    println!(
        "making an image of it by a snapshot: {}",
        shown(begun.elapsed())
    );

    // The same image for wasmtime: in the module, which is compiled with it.
    let begun = Instant::now();
    let module = guest::with_image(first.content()?)?;
    let on_demand = Guest::new(Engine::new(&config())?, &module)?;
    let elapsed = shown(begun.elapsed());
    println!("making a module with it, and compiling that: {elapsed}");
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(INSTANCES)
        .total_memories(INSTANCES)
        .total_tables(0)
        .max_memory_size(MEMORY);
    let mut pooling = config();
    pooling.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let pooling = Guest::new(Engine::new(&pooling)?, &module)?;
    let plain = Guest::new(Engine::new(&config())?, &guest::plain()?)?;

    // What an instance answers that nobody has used before.
    let answer = first.handle(REQUEST)?;
    let mut initialised = |guest: &Guest| {
        let mut instance = guest.instance()?;
        instance.initialise()?;
        Ok(instance)
    };
    let test = Test { answer, time };
    let mut instance = Guest::instance;
    println!("\n                             resets/s  with a request  memory of each");
    test.row(
        "initialised each time",
        &plain,
        INITIALISED,
        &mut initialised,
    )?;
    test.row("image, on demand", &on_demand, INSTANCES, &mut instance)?;
    test.row("image, wasmtime's pool", &pooling, INSTANCES, &mut instance)?;
    test.row(
        "snapshot child of a VMO",
        &snapshots,
        INSTANCES,
        &mut instance,
    )?;

    // An instance that has been used can be an image as well.
    let later = first.handle(REQUEST)?;
    creator.set_image(&vmo)?;
    let next = first.handle(REQUEST)?;
    let mut clone = snapshots.instance()?;
    check(
        clone.handle(REQUEST)? == next && next != later,
        "a clone goes on where it was",
    )?;
    check(clone.stray_traps()?, "an access beyond the memory traps")?;
    check(clone.grow(60)? == 65, "a memory grows")?;
    check(
        clone.grow(60)? == -1,
        "a memory does not grow beyond its limit",
    )?;
    println!("\na clone of an instance that had served 2 requests went on with the third");
    Ok(())
}

/// What instances are measured by.
struct Test {
    /// The answer of one that nobody has used.
    answer: i64,
    /// How long each measurement takes.
    time: Duration,
}

impl Test {
    /// Measures instances of `guest` that `make` makes, up to `count` at once,
    /// and prints what came out.
    fn row(
        &self,
        title: &str,
        guest: &Guest,
        count: u32,
        make: &mut dyn FnMut(&Guest) -> Result<Running>,
    ) -> Result<()> {
        let resets = rate(self.time, || make(guest).map(drop))?;
        let served = rate(self.time, || {
            let right = make(guest)?.handle(REQUEST)? == self.answer;
            check(right, "every instance answers as the first one did")
        })?;
        let before = free()?;
        let mut instances = Vec::new();
        for _ in 0..count {
            let mut instance = make(guest)?;
            let right = instance.handle(REQUEST)? == self.answer;
            check(right, "instances are separate")?;
            instances.push(instance);
        }
        let each = before.saturating_sub(free()?) / u64::from(count);
        println!("{title:<24} {resets:>12.0} {served:>15.0} {each:>11} KiB");
        Ok(())
    }
}

/// How often `work` can be done in a second.
fn rate(time: Duration, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let begun = Instant::now();
    let mut done = 0_u32;
    loop {
        work()?;
        done += 1;
        let elapsed = begun.elapsed();
        if elapsed >= time {
            return Ok(f64::from(done) / elapsed.as_secs_f64());
        }
    }
}

/// Memory of the machine that is free, in KiB: what this gets less by is all
/// that an instance takes, tables of the kernel included. Pages that a processor
/// has put aside are free as well, so /proc/meminfo does not do.
fn free() -> Result<u64> {
    // Mappings and page tables go when no processor can be using them.
    std::thread::sleep(Duration::from_millis(500));
    let zones = std::fs::read_to_string("/proc/zoneinfo")?;
    let pages: u64 = zones
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let counts = matches!(words.next(), Some("nr_free_pages" | "count:"));
            counts.then(|| words.next()?.parse::<u64>().ok()).flatten()
        })
        .sum();
    Ok(pages * 4)
}

/// An error, unless what should be so is.
fn check(is_so: bool, what: &str) -> Result<()> {
    if is_so {
        Ok(())
    } else {
        Err(Error::msg(format!("this is not so: {what}")))
    }
}

/// A time for people.
fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
