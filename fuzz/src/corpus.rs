// SPDX-License-Identifier: GPL-2.0
//! The corpus: programs that each reach something that no other does.

use crate::program::Program;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a program's file ends with.
const EXTENSION: &str = "zx";

/// A program of the corpus.
pub struct Entry {
    /// What it does.
    pub program: Program,
    /// What it reached.
    pub blocks: BTreeSet<u32>,
    /// Its file, if it has one.
    pub file: Option<PathBuf>,
}

/// Reads the programs of files, and of directories in the order of their names.
pub fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Program)>, String> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside: Vec<PathBuf> = fs::read_dir(path)
            .map_err(failed)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|file| {
                file.extension()
                    .is_some_and(|extension| extension == EXTENSION)
            })
            .collect();
        inside.sort();
        files.append(&mut inside);
    }
    let parse = |file: PathBuf| {
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        // A file of a guest that crashed goes on with what was longer before.
        let text = text.split("# end\n").next().unwrap_or("");
        let program = Program::parse(text).map_err(|what| format!("{}: {what}", file.display()))?;
        Ok((file, program))
    };
    files.into_iter().map(parse).collect()
}

/// Writes a program into the directory, under its name.
pub fn write(directory: &Path, program: &Program) -> io::Result<PathBuf> {
    let file = directory.join(format!("{}.{EXTENSION}", program.name()));
    fs::write(
        &file,
        format!("# SPDX-License-Identifier: GPL-2.0\n{program}"),
    )?;
    Ok(file)
}

/// Keeps as few entries as reach the same together: first those that reach most of what is
/// missing. The files of the others are removed from `directory`.
pub fn minimise(entries: Vec<Entry>, directory: &Path) -> Vec<Entry> {
    let mut missing: BTreeSet<u32> = entries
        .iter()
        .flat_map(|entry| &entry.blocks)
        .copied()
        .collect();
    let mut left: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    let mut kept = Vec::new();
    while !missing.is_empty() {
        let gain = |entry: &Option<Entry>| {
            entry
                .as_ref()
                .map_or(0, |entry| entry.blocks.intersection(&missing).count())
        };
        let Some(best) = left
            .iter_mut()
            .max_by_key(|entry| gain(entry))
            .and_then(Option::take)
        else {
            break;
        };
        missing.retain(|block| !best.blocks.contains(block));
        kept.push(best);
    }
    for file in left.into_iter().flatten().filter_map(|entry| entry.file) {
        if file.parent() == Some(directory) {
            let _ = fs::remove_file(file);
        }
    }
    kept
}
