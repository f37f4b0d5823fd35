// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zxvmo top`: the list again and again.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::termios::{tcgetattr, tcgetwinsize, tcsetattr, LocalModes, OptionalActions, Termios};

use crate::cli::Top;
use crate::failure::Outcome;
use crate::list::{self, write_columns};
use crate::record::Record;
use crate::source::{self, Listed};
use crate::text;

pub(crate) fn run(options: &Top, json: bool, out: &mut impl Write) -> Outcome {
    let live = !json && io::stdout().is_terminal();
    let screen = live.then(Screen::enter).transpose()?;
    let mut left = options.iterations.unwrap_or(u64::MAX);
    while left > 0 {
        let mut listed = source::list(false)?;
        list::sort(&mut listed.vmos, options.sort);
        if json {
            list::write_json(&listed, out)?;
        } else {
            let room = if live {
                room()
            } else {
                (usize::MAX, usize::MAX)
            };
            let page = page(&listed, room)?;
            if live {
                // Home, and clear what is left of each line and below.
                let page = page.replace('\n', "\x1b[K\r\n");
                write!(out, "\x1b[H{page}\x1b[J")?;
            } else {
                writeln!(out, "{page}")?;
            }
        }
        out.flush()?;
        left -= 1;
        if left > 0 && pause(Duration::from_secs_f64(options.delay), live)? {
            break;
        }
    }
    drop(screen);
    Ok(())
}

/// Lines and columns of the terminal, less the line that the cursor ends in.
fn room() -> (usize, usize) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_row > 3 && size.ws_col > 0 => {
            (usize::from(size.ws_row) - 1, usize::from(size.ws_col))
        }
        _ => (23, 80),
    }
}

/// What is shown in that much room.
fn page(listed: &Listed, (lines, columns): (usize, usize)) -> Outcome<String> {
    let vmos = &listed.vmos;
    let total = |number: fn(&Record) -> u64| vmos.iter().map(number).sum::<u64>();
    let mut page = format!(
        "zxvmo: {} VMOs{}, {} committed, {} private, {} mappings, {} handles\n\n",
        vmos.len(),
        if listed.incomplete.is_some() {
            " (not all)"
        } else {
            ""
        },
        // Shared pages count once, up to rounding.
        text::size(total(|vmo| vmo.scaled)),
        text::size(total(|vmo| vmo.private)),
        total(|vmo| vmo.mappings),
        total(|vmo| vmo.handles),
    );
    let head = [
        "KOID",
        "KIND",
        "SIZE",
        "COMMITTED",
        "PRIVATE",
        "SHARED",
        "MAPPINGS",
        "HANDLES",
        "OWNER",
        "NAME",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(vmos.iter().take(lines.saturating_sub(3)).map(|vmo| {
        vec![
            vmo.koid.to_string(),
            vmo.kind.clone(),
            text::size(vmo.size),
            text::size(vmo.committed),
            text::size(vmo.private),
            text::size(vmo.shared),
            vmo.mappings.to_string(),
            vmo.handles.to_string(),
            vmo.owner.to_string(),
            text::printable(&vmo.name),
        ]
    }));
    let mut table = Vec::new();
    write_columns(&rows, &[1, 9], &mut table)?;
    page.push_str(&String::from_utf8_lossy(&table));
    let cut = |line: &str| line.chars().take(columns).collect::<String>();
    Ok(page.lines().map(|line| cut(line) + "\n").collect())
}

/// Waits; whether somebody pressed q, escape or control and C meanwhile.
fn pause(time: Duration, keys: bool) -> Outcome<bool> {
    if !keys || !io::stdin().is_terminal() {
        std::thread::sleep(time);
        return Ok(false);
    }
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Ok(false),
            // The window has another size, for one.
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(io::Error::from(error).into()),
            Ok(_) => {}
        }
        let mut keys = [0; 16];
        match rustix::io::read(&stdin, &mut keys) {
            Ok(0) | Err(_) => return Ok(true),
            Ok(count) if keys[..count].iter().any(|key| b"qQ\x03\x1b".contains(key)) => {
                return Ok(true)
            }
            Ok(_) => {}
        }
    }
}

/// The terminal while it shows pages; dropping this gives back what was there before.
struct Screen(Option<Termios>);

impl Screen {
    fn enter() -> Outcome<Self> {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut now = before.clone();
            now.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &now);
        }
        let screen = Self(before);
        // The other screen, without a cursor.
        rustix::io::write(io::stdout(), b"\x1b[?1049h\x1b[?25l").map_err(io::Error::from)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = rustix::io::write(io::stdout(), b"\x1b[?25h\x1b[?1049l");
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::record;

    #[test]
    fn a_page_fits() {
        let listed = Listed {
            source: "debugfs",
            vmos: (1..100)
                .map(|koid| record(koid, 0, "a long name of a VMO"))
                .collect(),
            incomplete: None,
        };
        let page = page(&listed, (10, 40)).unwrap();
        assert_eq!(page.lines().count(), 10);
        assert!(page.lines().all(|line| line.chars().count() <= 40));
        assert!(page.starts_with("zxvmo: 99 VMOs, 0 committed"));
    }
}
