// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zxvmo dump`: a copy of a VMO as it is at one moment.
//!
//! The handle is fetched out of the other process, a snapshot taken through it, and that copied:
//! writers are held up for no longer than the snapshot takes, and nothing that they write after it
//! is in the copy.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::io::Errno;
use rustix::process::{pidfd_getfd, pidfd_open, Pid, PidfdFlags, PidfdGetfdFlags};
use serde::Serialize;
use zxvmo::{Status, Vmo, VmoChildOptions};

use crate::cli::{Dump, HandleName};
use crate::failure::{Failure, Outcome};
use crate::info::Details;
use crate::text;

/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;

/// Bytes that are looked at together for having only zeros, which take no room in a file.
const BLOCK: usize = 4096;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    koid: u64,
    bytes: u64,
    /// Of these, what was not a whole block of zeros.
    data: u64,
    snapshot: bool,
    file: &'a Path,
    seconds: f64,
}

pub(crate) fn run(options: &Dump, json: bool, out: &mut impl Write) -> Outcome {
    let handle = options.handle;
    let to_stdout = options.file.as_os_str() == "-";
    if to_stdout && json {
        return Err(Failure::new(
            "the copy and what JSON says of it cannot both go to the standard output",
        )
        .advise("Name a file, or leave out --json."));
    }
    let details = Details::of(handle)?;
    if details.type_name() != "vmo" {
        return Err(Failure::new(format!(
            "{handle} is a handle to an object of type {}, not vmo",
            details.type_name()
        ))
        .advise("Only VMOs have something to copy."));
    }
    if !to_stdout && !options.force && fs::symlink_metadata(&options.file).is_ok() {
        return Err(
            Failure::new(format!("{} is there already", options.file.display()))
                .advise("Give --force to replace it."),
        );
    }
    let begin = Instant::now();
    let vmo = Vmo::from(fetch(handle)?);
    // Who changes the size meanwhile gets a copy of what was asked for, as far as it is there.
    let length = if options.whole {
        vmo.get_size()
    } else {
        vmo.get_stream_size()
    };
    let length = length.map_err(|status| explain(handle, status))?;
    let source = if options.live {
        vmo
    } else {
        snapshot(&vmo, length).map_err(|status| explain(handle, status))?
    };
    let bar = progress(length, options.quiet || json);
    let data = if to_stdout {
        copy(&source, length, &mut Plain(&mut *out), &bar)?
    } else {
        let partial = Partial::create(&options.file)?;
        let data = copy(&source, length, &mut Sparse(&partial.file), &bar)?;
        partial.finish(&options.file, length)?;
        data
    };
    bar.finish_and_clear();
    let seconds = begin.elapsed().as_secs_f64();
    if json {
        let report = Report {
            koid: details.number("koid").unwrap_or(0),
            bytes: length,
            data,
            snapshot: !options.live,
            file: &options.file,
            seconds,
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)?;
    } else if !to_stdout && !options.quiet {
        writeln!(
            out,
            "{}: {length} bytes of VMO {}, {} of data{}",
            options.file.display(),
            details.get("koid").unwrap_or_default(),
            text::size(data),
            if options.live {
                ", not of one moment"
            } else {
                ""
            },
        )?;
    }
    Ok(())
}

/// A descriptor of the handle for this process. The rights are those that it has there.
fn fetch(handle: HandleName) -> Outcome<OwnedFd> {
    let gone = || {
        Failure::new(format!(
            "{handle} is gone: the process has ended or closed it"
        ))
    };
    let pid = i32::try_from(handle.pid).ok().and_then(Pid::from_raw);
    let process = pidfd_open(pid.ok_or_else(gone)?, PidfdFlags::empty()).map_err(|_| gone())?;
    let fd = i32::try_from(handle.fd).map_err(|_| gone())?;
    pidfd_getfd(process, fd, PidfdGetfdFlags::empty()).map_err(|error| match error {
        Errno::PERM => Failure::new(format!(
            "the handle {handle} may not be fetched out of its process"
        ))
        .advise(
            "Run this as root. (As the same user it works where kernel.yama.ptrace_scope is 0.)",
        ),
        Errno::NOSYS => {
            Failure::new("this kernel cannot fetch a handle out of a process (pidfd_getfd)")
        }
        _ => gone(),
    })
}

/// The VMO as it is now, of the first `length` bytes.
fn snapshot(vmo: &Vmo, length: u64) -> Result<Vmo, Status> {
    vmo.create_child(
        VmoChildOptions::SNAPSHOT | VmoChildOptions::NO_WRITE,
        0,
        length,
    )
}

fn explain(handle: HandleName, status: Status) -> Failure {
    match status {
        Status::ACCESS_DENIED => Failure::new(format!("the handle {handle} lacks the right READ or DUPLICATE"))
            .advise("Name another handle to the VMO that has them: \"zxvmo ls -p\" shows them, \"zxvmo info\" their rights."),
        Status::NOT_SUPPORTED => Failure::new("no snapshot can be taken of a slice or a discardable VMO")
            .advise("Name a handle to the VMO that the slice is of, or give --live to read what is there."),
        Status::BAD_STATE => Failure::new("no snapshot can be taken of a VMO that is not cached, and it cannot be read")
            .advise("It can when its policy is set back to CACHED."),
        Status::BAD_HANDLE => Failure::new(format!("the handle {handle} was replaced by another one"))
            .advise("\"zxvmo ls -p\" shows those there are."),
        Status::NO_MEMORY => Failure::new("there is not enough memory for a snapshot"),
        Status::NOT_FOUND => Failure::new("the kernel has discarded the VMO, and nobody has locked it since"),
        other => Failure::new(format!("the VMO cannot be copied: {other}")),
    }
}

fn progress(length: u64, quiet: bool) -> ProgressBar {
    if quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let template = "{bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Where a copy goes.
trait Target {
    fn data(&mut self, data: &[u8]) -> io::Result<()>;
    fn zeros(&mut self, zeros: &[u8]) -> io::Result<()>;
}

/// Takes every byte.
struct Plain<W>(W);

impl<W: Write> Target for Plain<W> {
    fn data(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }

    fn zeros(&mut self, zeros: &[u8]) -> io::Result<()> {
        self.data(zeros)
    }
}

/// Leaves out zeros, so that they become holes.
struct Sparse<'a>(&'a File);

impl Target for Sparse<'_> {
    fn data(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }

    fn zeros(&mut self, zeros: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Current(zeros.len() as i64)).map(drop)
    }
}

/// Copies bytes `0..length`; returns how many of them were data.
fn copy(source: &Vmo, length: u64, target: &mut impl Target, bar: &ProgressBar) -> Outcome<u64> {
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut data) = (0, 0);
    while at < length {
        let step = usize::try_from(length - at).map_or(CHUNK, |rest| rest.min(CHUNK));
        let chunk = &mut buffer[..step];
        source.read(chunk, at).map_err(|status| match status {
            Status::OUT_OF_RANGE => Failure::new("the VMO became smaller meanwhile")
                .advise("Leave out --live for a copy of one moment."),
            other => Failure::new(format!("the VMO cannot be read at byte {at}: {other}")),
        })?;
        for block in chunk.chunks(BLOCK) {
            let written = if block.iter().all(|&byte| byte == 0) {
                target.zeros(block)
            } else {
                data += block.len() as u64;
                target.data(block)
            };
            written.map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => error.into(),
                _ => Failure::new(format!("the copy cannot be written: {error}")),
            })?;
        }
        at += step as u64;
        bar.set_position(at);
    }
    Ok(data)
}

/// A file that gets its name when it is complete, and otherwise is removed.
struct Partial {
    file: File,
    path: PathBuf,
}

impl Partial {
    fn create(path: &Path) -> Outcome<Self> {
        let mut name = path
            .file_name()
            .map(OsString::from)
            .ok_or_else(|| Failure::new(format!("{} is no name of a file", path.display())))?;
        name.push(format!(".{}.partial", std::process::id()));
        let path = path.with_file_name(name);
        let file = File::options()
            .write(true)
            .create_new(true)
            // What is in a VMO may be nobody else's business.
            .mode(0o600)
            .open(&path)
            .map_err(|error| {
                Failure::new(format!("{} cannot be made: {error}", path.display()))
                    .advise("Name a file in a directory that exists and that you may write to.")
            })?;
        Ok(Self { file, path })
    }

    fn finish(self, path: &Path, length: u64) -> Outcome {
        self.file
            .set_len(length)
            .and_then(|()| self.file.sync_data())
            .and_then(|()| fs::rename(&self.path, path))
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Under this name there is nothing any more if it was finished.
        let _ = fs::remove_file(&self.path);
    }
}
