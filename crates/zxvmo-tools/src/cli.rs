// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Look at virtual memory objects (VMOs), and take copies of them.
#[derive(Parser)]
#[command(name = "zxvmo", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the VMOs, a line each
    #[command(visible_alias = "list")]
    Ls(Ls),
    /// Draw which VMO was made from which
    Tree(Tree),
    /// Tell all about one handle
    Info(Info),
    /// Watch the VMOs; q ends it
    Top(Top),
    /// Copy a VMO to a file as it is at one moment, while others go on writing to it
    Dump(Dump),
    /// Find out whether this system is fit for zxvmo, and what to do if not
    Doctor,
    /// Print what a shell needs to complete this command's arguments
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// What lines are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Key {
    /// Age
    Koid,
    /// Size, largest first
    Size,
    /// Memory that the VMO shows, most first
    Committed,
    /// Memory that only this VMO shows, most first
    Private,
    /// Name
    Name,
}

#[derive(Args)]
pub(crate) struct Ls {
    /// What to sort by
    #[arg(long, value_enum, default_value_t = Key::Koid)]
    pub(crate) sort: Key,
    /// Show numbers of bytes exactly
    #[arg(short, long)]
    pub(crate) bytes: bool,
    /// Show who has handles, as PID:FD
    #[arg(short = 'p', long)]
    pub(crate) holders: bool,
}

#[derive(Args)]
pub(crate) struct Tree {
    /// Only the family of the VMO with this koid
    pub(crate) koid: Option<u64>,
    /// Write it for Graphviz
    #[arg(long, conflicts_with_all = ["svg", "json"])]
    pub(crate) dot: bool,
    /// Write it as an SVG picture
    #[arg(long, conflicts_with = "json")]
    pub(crate) svg: bool,
}

/// A handle: a process and one of its descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandleName {
    pub(crate) pid: u32,
    pub(crate) fd: u32,
}

impl std::str::FromStr for HandleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':');
        let parsed = parts.and_then(|(pid, fd)| Some((pid.parse().ok()?, fd.parse().ok()?)));
        // Numbers of processes and descriptors are never negative as the kernel counts them.
        match parsed {
            Some((pid @ 1..=0x7FFF_FFFF, fd @ 0..=0x7FFF_FFFF)) => Ok(Self { pid, fd }),
            _ => Err("a process and one of its descriptors is wanted, such as 1234:5 (\"zxvmo ls -p\" shows them)".to_owned()),
        }
    }
}

impl std::fmt::Display for HandleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.pid, self.fd)
    }
}

#[derive(Args)]
pub(crate) struct Info {
    /// The handle
    #[arg(value_name = "PID:FD")]
    pub(crate) handle: HandleName,
}

#[derive(Args)]
pub(crate) struct Top {
    /// Seconds between two looks
    #[arg(short, long, default_value_t = 2.0, value_parser = seconds)]
    pub(crate) delay: f64,
    /// End after so many looks
    #[arg(short = 'n', long)]
    pub(crate) iterations: Option<u64>,
    /// What to sort by
    #[arg(long, value_enum, default_value_t = Key::Committed)]
    pub(crate) sort: Key,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds @ 0.1..=3600.0) => Ok(seconds),
        _ => Err("a number of seconds from 0.1 to 3600 is wanted".to_owned()),
    }
}

#[derive(Args)]
pub(crate) struct Dump {
    /// The handle
    #[arg(value_name = "PID:FD")]
    pub(crate) handle: HandleName,
    /// Where to; - is the standard output
    pub(crate) file: PathBuf,
    /// Copy what is between content and size as well
    #[arg(long)]
    pub(crate) whole: bool,
    /// Read the VMO itself instead of a snapshot: what is written meanwhile may be in it, or not
    #[arg(long)]
    pub(crate) live: bool,
    /// Replace FILE if there is one
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Show no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn handles() {
        assert_eq!("12:3".parse(), Ok(HandleName { pid: 12, fd: 3 }));
        for wrong in [
            "",
            "12",
            "12:",
            ":3",
            "0:3",
            "-1:3",
            "1:2:3",
            "1:2147483648",
            "a:b",
        ] {
            assert!(wrong.parse::<HandleName>().is_err(), "{wrong}");
        }
    }
}
