// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where records come from: the module's table for who may read it, else the handles of the
//! processes that one may look into.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::record::{parse_fdinfo, parse_table, vmo_of, Holder, Record};

/// The table of all VMOs.
pub(crate) const TABLE: &str = "/sys/kernel/debug/zxvmo/vmos";

/// VMOs, and what is to be known of the list.
pub(crate) struct Listed {
    /// `debugfs` for all VMOs there are, `fdinfo` for those that were found.
    pub(crate) source: &'static str,
    /// In the order of their ids.
    pub(crate) vmos: Vec<Record>,
    /// Why these are not all.
    pub(crate) incomplete: Option<String>,
}

/// Whether the module is loaded.
pub(crate) fn is_loaded() -> bool {
    Path::new("/sys/module/zxvmo").exists()
}

fn not_loaded() -> Failure {
    Failure::new("the module zxvmo is not loaded")
        .advise("Load it with \"modprobe zxvmo\"; \"zxvmo doctor\" says what is missing for that.")
}

/// The list of VMOs; with `holders`, who has handles to each.
pub(crate) fn list(holders: bool) -> Outcome<Listed> {
    let why = match fs::read_to_string(TABLE) {
        Ok(text) => {
            let mut vmos = parse_table(&text).map_err(|line| {
                Failure::new(format!("{TABLE}: {line}"))
                    .advise("Module and command are of different versions: install both anew.")
            })?;
            if holders {
                let mut found = found();
                for vmo in &mut vmos {
                    if let Some(record) = found.remove(&vmo.koid) {
                        vmo.holders = record.holders;
                    }
                }
            }
            return Ok(Listed {
                source: "debugfs",
                vmos,
                incomplete: None,
            });
        }
        Err(_) if !is_loaded() => return Err(not_loaded()),
        Err(error) => error,
    };
    let reason = match why.kind() {
        ErrorKind::PermissionDenied => format!(
            "only VMOs of processes that you may look into are listed, for {TABLE} is root's: run this as root to see all"
        ),
        ErrorKind::NotFound => format!(
            "only VMOs that some process has a handle to are listed, for there is no {TABLE}: mount debugfs to see all"
        ),
        _ => format!("only VMOs that some process has a handle to are listed, for {TABLE}: {why}"),
    };
    Ok(Listed {
        source: "fdinfo",
        vmos: found().into_values().collect(),
        incomplete: Some(reason),
    })
}

/// The VMOs that processes have handles to, by their ids. Processes that end meanwhile, or that
/// one may not look into, are passed by.
fn found() -> BTreeMap<u64, Record> {
    let mut found = BTreeMap::new();
    for pid in numbers("/proc") {
        for fd in numbers(&format!("/proc/{pid}/fd")) {
            // Names of VMOs begin so, which costs less to see than fdinfo.
            let name = fs::read_link(format!("/proc/{pid}/fd/{fd}"));
            if !name.is_ok_and(|name| name.as_os_str().as_encoded_bytes().starts_with(b"/zxvmo:")) {
                continue;
            }
            let Ok(text) = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")) else {
                continue;
            };
            if let Some(record) = vmo_of(&parse_fdinfo(&text)) {
                let record = found.entry(record.koid).or_insert(record);
                record.holders.push(Holder { pid, fd });
            }
        }
    }
    found
}

/// The entries of a directory that are numbers, in their order; none if it cannot be read.
fn numbers(directory: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}
