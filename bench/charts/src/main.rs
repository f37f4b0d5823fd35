// SPDX-License-Identifier: GPL-2.0
//! Draws the results of the benchmark, and writes them as a table.
//!
//! `charts RESULTS DIRECTORY` reads the JSON list that scripts/bench wrote. Into the directory go
//! `<group>.svg`, the ratios of each group with their targets; `snapshot-cost.svg`,
//! `fault-cost.svg`, `commit-cost.svg` and `close-cost.svg`, what these cost by the size of the
//! object; and `table.md`.

mod cost;
mod ratios;
mod table;

use cost::{Line, Side, BLUE, GREEN, RED};
use serde::Deserialize;
use std::{error::Error, fs, path::Path};

/// One case of the benchmark.
#[derive(Deserialize)]
struct Case {
    group: String,
    case: String,
    per: String,
    zxvmo: Option<f64>,
    peer: Option<f64>,
    peer_name: Option<String>,
    ratio: Option<f64>,
    target: Option<f64>,
    target_of: String,
    clock: String,
    /// Bytes of the object, where the case is one of a series.
    size: Option<f64>,
    note: Option<String>,
}

impl Case {
    /// Whether the target is met, if there is one and something to compare it with.
    fn is_met(&self) -> Option<bool> {
        let figure = match self.target_of.as_str() {
            "zxvmo" => self.zxvmo,
            _ => self.ratio,
        };
        Some(figure? <= self.target?)
    }
}

/// The lines of zxvmo and of a peer.
fn beside(cases: &'static str, peer: &'static str, labels: [&'static str; 2]) -> Vec<Line> {
    let line = |side, label, colour| Line {
        cases,
        side,
        label,
        colour,
    };
    vec![
        line(Side::Zxvmo, labels[0], BLUE),
        line(Side::Peer(peer), labels[1], RED),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [results, directory] = arguments.as_slice() else {
        return Err("usage: charts RESULTS DIRECTORY".into());
    };
    let cases: Vec<Case> = serde_json::from_str(&fs::read_to_string(results)?)?;
    let directory = Path::new(directory);
    fs::create_dir_all(directory)?;
    let mut groups: Vec<&str> = cases.iter().map(|case| case.group.as_str()).collect();
    groups.dedup();
    for group in groups {
        let of_group: Vec<&Case> = cases
            .iter()
            .filter(|case| case.group == group && case.ratio.is_some())
            .collect();
        if of_group.len() > 1 {
            ratios::draw(&directory.join(format!("{group}.svg")), group, &of_group)?;
        }
    }
    let mut snapshots = beside(
        "snapshot, mapped writable and touched",
        "fork()",
        [
            "zxvmo, mapped, every page written",
            "fork(), every page written",
        ],
    );
    snapshots.push(Line {
        cases: "snapshot, not mapped",
        side: Side::Zxvmo,
        label: "zxvmo, not mapped",
        colour: GREEN,
    });
    let charts = [
        ("snapshot-cost.svg", "A snapshot", snapshots),
        (
            "fault-cost.svg",
            "The first write to every page",
            beside("first write to all pages", "memfd", ["zxvmo", "memfd"]),
        ),
        (
            "commit-cost.svg",
            "COMMIT",
            beside(
                "COMMIT of all pages",
                "fallocate",
                ["zxvmo", "memfd, fallocate()"],
            ),
        ),
        (
            "close-cost.svg",
            "Closing the last handle",
            beside(
                "close of all pages",
                "close of the memfd",
                ["zxvmo", "memfd"],
            ),
        ),
    ];
    for (file, title, lines) in &charts {
        cost::draw(&directory.join(file), title, lines, &cases)?;
    }
    fs::write(directory.join("table.md"), table::of(&cases))?;
    Ok(())
}
