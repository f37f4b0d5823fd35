// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command `zxvmo`: see zxvmo(1).

mod cli;
mod doctor;
mod dump;
mod failure;
mod finding;
mod info;
mod list;
mod picture;
mod record;
mod source;
mod text;
mod top;
mod tree;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use failure::Outcome;

fn run(cli: &Cli) -> Outcome<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    match &cli.command {
        Command::Ls(options) => list::run(options, cli.json, &mut out)?,
        Command::Tree(options) => tree::run(options, cli.json, &mut out)?,
        Command::Info(options) => info::run(options.handle, cli.json, &mut out)?,
        Command::Top(options) => top::run(options, cli.json, &mut out)?,
        Command::Dump(options) => dump::run(options, cli.json, &mut out)?,
        Command::Doctor => {
            if !doctor::run(cli.json, &mut out)? {
                code = ExitCode::FAILURE;
            }
        }
        Command::Completions { shell } => {
            // The generator panics where it cannot write.
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "zxvmo", &mut text);
            out.write_all(&text)?;
        }
    }
    out.flush()?;
    Ok(code)
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(failure) if failure.is_quiet() => ExitCode::SUCCESS,
        Err(failure) => {
            // Whoever does not read errors misses this one.
            let _ = writeln!(io::stderr(), "zxvmo: {failure}");
            ExitCode::FAILURE
        }
    }
}
