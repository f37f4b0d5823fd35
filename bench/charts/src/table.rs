// SPDX-License-Identifier: GPL-2.0
//! The results as a table in Markdown.

use crate::Case;
use std::fmt::Write;

/// One row for each case.
pub(crate) fn of(cases: &[Case]) -> String {
    let mut text = String::from(
        "| case | per | zxvmo | peer | ratio | target | met | peer is |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for case in cases {
        let dash = || String::from("-");
        let met = match case.is_met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let target = case
            .target
            .map_or_else(dash, |target| format!("<= {target}"));
        let ratio = case.ratio.map_or_else(dash, |ratio| format!("{ratio:.3}"));
        let mut peer = case.peer_name.clone().unwrap_or_default();
        if let Some(note) = &case.note {
            let _ = write!(peer, "{}{note}", if peer.is_empty() { "" } else { "; " });
        }
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {ratio} | {target} | {met} | {peer} |",
            case.case,
            case.per,
            case.zxvmo.map_or_else(dash, figure),
            case.peer.map_or_else(dash, figure),
        );
    }
    text
}

fn figure(number: f64) -> String {
    match number {
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}
