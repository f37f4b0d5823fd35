// SPDX-License-Identifier: GPL-2.0
//! The execution of a program, in a process of its own.

use crate::calls::Run;
use crate::kcov::Kcov;
use crate::memory::Memory;
use crate::nested;
use crate::program::{Call, Program, MAX_CALLS};
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// What [`Results`] says of a call that has not ended.
pub const UNFINISHED: i64 = i64::MIN;

/// What calls returned, shared with the process that started the program.
pub struct Results(pub [AtomicI64; MAX_CALLS]);

/// What makes the n-th allocation of this thread fail.
struct Failures(Option<File>);

impl Failures {
    fn of_this_thread(program: &Program) -> Self {
        if program.calls.iter().all(|call| call.fail == 0) {
            return Self(None);
        }
        Self(
            File::options()
                .write(true)
                .open("/proc/thread-self/fail-nth")
                .ok(),
        )
    }

    fn set(&mut self, nth: u16) {
        if let Some(file) = &mut self.0 {
            let _ = write!(file, "{nth}");
        }
    }
}

fn one(memory: &Memory, call: &Call, failures: &mut Failures) -> i64 {
    let values: Vec<u64>;
    if call.fail > 0 {
        failures.set(call.fail);
    }
    let result = match call.spec().run {
        Run::Ioctl(number) => nested::ioctl(memory, number, call.spec().params, call),
        Run::Function(run) => {
            values = call
                .spec()
                .params
                .iter()
                .zip(&call.args)
                .map(|(param, arg)| match (param.kind, *arg) {
                    (
                        crate::calls::Kind::NewFile(_) | crate::calls::Kind::NewMapping,
                        crate::program::Arg::File(slot) | crate::program::Arg::Mapping(slot, _),
                    ) => slot.into(),
                    (_, arg) => memory.value(arg),
                })
                .collect();
            run(memory, &values)
        }
    };
    if call.fail > 0 {
        failures.set(0);
    }
    result
}

/// Executes `program`. `traces` are for its threads, one each, or empty.
pub fn execute(program: &Program, results: &Results, traces: &[Kcov]) {
    let trace = |thread: usize, on: bool| {
        if let Some(trace) = traces.get(thread) {
            trace.switch(on);
        }
    };
    let memory = Memory::new();
    let mut failures = Failures::of_this_thread(program);
    let run = |at: usize, failures: &mut Failures| {
        let result = one(&memory, &program.calls[at], failures);
        results.0[at].store(result, Relaxed);
    };
    trace(0, true);
    let mut at = 0;
    while at < program.calls.len() {
        if program.calls[at].thread == 0 {
            run(at, &mut failures);
            at += 1;
            continue;
        }
        let length = program.calls[at..]
            .iter()
            .take_while(|call| call.thread > 0)
            .count();
        let block = at..at + length;
        let threads = program.calls[block.clone()]
            .iter()
            .map(|call| call.thread)
            .max();
        std::thread::scope(|scope| {
            for thread in 1..=threads.unwrap_or(0) {
                let (block, run, trace) = (block.clone(), &run, &trace);
                let started = std::thread::Builder::new()
                    .stack_size(1 << 16)
                    .spawn_scoped(scope, move || {
                        let mut failures = Failures::of_this_thread(program);
                        trace(thread.into(), true);
                        for _ in 0..program.races.max(1) {
                            for at in block
                                .clone()
                                .filter(|at| program.calls[*at].thread == thread)
                            {
                                run(at, &mut failures);
                            }
                        }
                        trace(thread.into(), false);
                    });
                // The program has taken away what a thread needs.
                if started.is_err() {
                    break;
                }
            }
        });
        at += length;
    }
    // What goes when a process exits is not traced.
    memory.clear();
    trace(0, false);
}
