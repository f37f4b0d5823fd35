// SPDX-License-Identifier: GPL-2.0
//! Runs programs, each in a process of its own with limits, and looks at what came of them.

use crate::execute::{execute, Results, UNFINISHED};
use crate::kcov::{Kcov, Module};
use crate::linux::FIRST_DESCRIPTOR;
use crate::log::KernelLog;
use crate::memory::{self, sys};
use crate::program::{Program, THREADS};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::{Duration, Instant};

const CGROUP: &str = "/sys/fs/cgroup/fuzz";
/// What programs may use of the machine's memory.
const MEMORY: &str = "50331648";
/// For the processes of a program to be gone, and with them what they had of the module.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program did.
pub struct Outcome {
    /// Blocks of the module's that it reached: places in `.text`.
    pub blocks: BTreeSet<u32>,
    /// What the calls returned, or [`UNFINISHED`].
    pub results: Vec<i64>,
    /// Whether it was stopped.
    pub stopped: bool,
}

/// What executes programs.
pub struct Runner {
    traces: Vec<Kcov>,
    module: Option<Module>,
    results: &'static Results,
    log: KernelLog,
    references: Option<File>,
    current: Option<File>,
    limit: Duration,
    /// Programs so far.
    pub executions: u64,
    /// Those that were stopped.
    pub stopped: u64,
}

fn shared_results() -> io::Result<&'static Results> {
    let (prot, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_SHARED | libc::MAP_ANONYMOUS,
    );
    let address = sys!(SYS_mmap, 0, size_of::<Results>(), prot, flags, -1_i64, 0);
    if address < 0 {
        return Err(io::Error::from_raw_os_error(-address as i32));
    }
    // SAFETY: As much was mapped for good, of zeros, which are numbers.
    Ok(unsafe { &*(address as *const Results) })
}

/// Lets `fail-nth` reach all allocations, silently, if the kernel can make them fail.
fn prepare_failures() -> bool {
    for which in ["failslab", "fail_page_alloc", "fail_usercopy"] {
        for (name, value) in [
            ("ignore-gfp-wait", "N"),
            ("cache-filter", "N"),
            ("ignore-gfp-highmem", "N"),
            ("min-order", "0"),
            ("verbose", "0"),
        ] {
            let _ = fs::write(format!("/sys/kernel/debug/{which}/{name}"), value);
        }
    }
    Path::new("/proc/thread-self/fail-nth").exists()
}

impl Runner {
    /// Prepares this process. `current` is the file that always has the program that is run. With
    /// `alone`, nobody else uses the module, so that what is left of it was left by a program.
    pub fn new(current: Option<&Path>, limit: Duration, alone: bool) -> io::Result<Self> {
        memory::prepare();
        let _ = fs::create_dir(CGROUP);
        let _ = fs::write(format!("{CGROUP}/memory.max"), MEMORY);
        let _ = fs::write(format!("{CGROUP}/cgroup.procs"), "0");
        let _ = fs::write("/proc/self/oom_score_adj", "-1000");
        // From now on, dropping caches says nothing in the kernel's log.
        let _ = fs::write("/proc/sys/vm/drop_caches", "4");
        sys!(SYS_prctl, libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        let module = Module::find();
        let traces: Vec<Kcov> = (0..THREADS).map_while(|_| Kcov::new()).collect();
        let runner = Self {
            traces: if module.is_some() { traces } else { Vec::new() },
            module,
            results: shared_results()?,
            log: KernelLog::new()?,
            references: alone
                .then(|| File::open("/sys/module/zxvmo/refcnt"))
                .transpose()?,
            current: current.map(File::create).transpose()?,
            limit,
            executions: 0,
            stopped: 0,
        };
        // What programs open comes behind what this process has.
        let null = File::open("/dev/null")?;
        while sys!(SYS_dup, null.as_raw_fd()) < i64::from(FIRST_DESCRIPTOR) - 1 {}
        drop(null);
        Ok(runner)
    }

    /// Whether blocks are known.
    pub fn sees_blocks(&self) -> bool {
        !self.traces.is_empty()
    }

    /// Whether allocations can be made to fail.
    pub fn prepare_failures(&self) -> bool {
        prepare_failures()
    }

    fn child(&self, program: &Program) -> ! {
        sys!(SYS_setpgid, 0, 0);
        let _ = fs::write("/proc/self/oom_score_adj", "1000");
        for (what, most) in [
            (libc::RLIMIT_CORE, 0),
            (libc::RLIMIT_FSIZE, 1 << 30),
            (libc::RLIMIT_NPROC, 200),
        ] {
            let limit = [most as u64; 2];
            sys!(SYS_prlimit64, 0, what, limit.as_ptr(), 0);
        }
        execute(program, self.results, &self.traces);
        // SAFETY: Ends the process.
        unsafe { libc::_exit(0) }
    }

    /// Runs one. An error is a finding: what the kernel said, or what was left behind.
    pub fn run(&mut self, program: &Program) -> Result<Outcome, String> {
        if let Some(file) = &self.current {
            let _ = file.write_all_at(format!("{program}# end\n").as_bytes(), 0);
        }
        self.traces.iter().for_each(Kcov::clear);
        for result in &self.results.0[..program.calls.len()] {
            result.store(UNFINISHED, Relaxed);
        }
        // SAFETY: This process has one thread, so the child can do anything.
        let child = unsafe { libc::fork() };
        match child {
            0 => self.child(program),
            -1 => return Err(format!("fork: {}", io::Error::last_os_error())),
            _ => {}
        }
        sys!(SYS_setpgid, child, child);
        let stopped = self.wait(child);
        self.executions += 1;
        self.stopped += u64::from(stopped);
        self.reap(child)?;
        self.references_are_gone()?;
        let findings = self.log.findings();
        if !findings.is_empty() {
            return Err(findings.join("\n"));
        }
        let blocks = self.module.iter().flat_map(|module| {
            self.traces
                .iter()
                .flat_map(Kcov::blocks)
                .filter_map(|block| module.place(block))
        });
        Ok(Outcome {
            blocks: blocks.collect(),
            results: self.results.0[..program.calls.len()]
                .iter()
                .map(|one| one.load(Relaxed))
                .collect(),
            stopped,
        })
    }

    /// Waits for the process as long as it may take; whether it was still there.
    fn wait(&self, child: i32) -> bool {
        let process = sys!(SYS_pidfd_open, child, 0);
        let mut item = (process as u64 & 0xffff_ffff) | (1 << 32);
        let ended = sys!(SYS_poll, &raw mut item, 1, self.limit.as_millis());
        sys!(SYS_close, process);
        ended == 0
    }

    /// Ends what the program has started, and waits until all of it is gone.
    fn reap(&self, child: i32) -> Result<(), String> {
        let start = Instant::now();
        loop {
            // SAFETY: Only signals the process group that was made for the program.
            unsafe { libc::kill(-child, libc::SIGKILL) };
            // SAFETY: Nothing is written.
            match unsafe { libc::waitpid(-1, null_mut(), libc::WNOHANG) } {
                -1 => return Ok(()),
                0 if start.elapsed() > PATIENCE => {
                    let stack =
                        fs::read_to_string(format!("/proc/{child}/stack")).unwrap_or_default();
                    return Err(format!("a process does not end\n{stack}"));
                }
                0 => sleep(Duration::from_millis(1)),
                _ => {}
            }
        }
    }

    /// Files go a moment after their process.
    fn references_are_gone(&self) -> Result<(), String> {
        let Some(references) = &self.references else {
            return Ok(());
        };
        let start = Instant::now();
        loop {
            let mut text = [0; 16];
            let length = references.read_at(&mut text, 0).unwrap_or(0);
            if text[..length].starts_with(b"0\n") {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                let left = String::from_utf8_lossy(&text[..length]).trim().to_owned();
                return Err(format!("leak: {left} references to the module are left"));
            }
            sleep(Duration::from_millis(2));
        }
    }
}
