// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zxvmo tree`: which VMO was made from which.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;

use crate::cli;
use crate::failure::{Failure, Outcome};
use crate::list::tell_incomplete;
use crate::picture;
use crate::record::Record;
use crate::source;
use crate::text;

/// A VMO at its place in the tree.
#[derive(Serialize)]
pub(crate) struct Node {
    /// Generations above it that are listed.
    pub(crate) depth: usize,
    /// Whether it is the last child of its parent.
    #[serde(skip)]
    pub(crate) is_last: bool,
    #[serde(flatten)]
    pub(crate) vmo: Record,
}

/// Puts VMOs in order: each below its parent, brothers by age. A parent that is not listed, for
/// it may not be seen, is as good as none. There may be any number of generations, so this does not
/// recurse.
pub(crate) fn arrange(vmos: Vec<Record>) -> Vec<Node> {
    let place: HashMap<u64, usize> = (0..).zip(&vmos).map(|(at, vmo)| (vmo.koid, at)).collect();
    let mut children: Vec<Vec<usize>> = vmos.iter().map(|_| Vec::new()).collect();
    let mut next = Vec::new();
    let mut by_age: Vec<usize> = (0..vmos.len()).collect();
    by_age.sort_by_key(|&at| vmos[at].koid);
    for &at in &by_age {
        let vmo = &vmos[at];
        match place.get(&vmo.parent) {
            // A parent is older, so nobody is its own ancestor.
            Some(&parent) if vmo.parent < vmo.koid => children[parent].push(at),
            _ => next.push((at, 0, true)),
        }
    }
    next.reverse();
    let mut vmos: Vec<Option<Record>> = vmos.into_iter().map(Some).collect();
    let mut nodes = Vec::with_capacity(vmos.len());
    while let Some((at, depth, is_last)) = next.pop() {
        let count = children[at].len();
        for (index, &child) in children[at].iter().enumerate().rev() {
            next.push((child, depth + 1, index + 1 == count));
        }
        if let Some(vmo) = vmos[at].take() {
            nodes.push(Node {
                depth,
                is_last,
                vmo,
            });
        }
    }
    nodes
}

/// The family that `koid` belongs to.
fn family(nodes: Vec<Node>, koid: u64) -> Outcome<Vec<Node>> {
    let at = nodes.iter().position(|node| node.vmo.koid == koid);
    let at = at.ok_or_else(|| {
        Failure::new(format!("there is no VMO {koid}"))
            .advise("\"zxvmo ls\" lists those there are.")
    })?;
    let first = nodes[..=at]
        .iter()
        .rposition(|node| node.depth == 0)
        .unwrap_or(0);
    let rest = nodes.into_iter().skip(first);
    let mut family: Vec<Node> = Vec::new();
    for node in rest {
        if node.depth == 0 && !family.is_empty() {
            break;
        }
        family.push(node);
    }
    Ok(family)
}

pub(crate) fn run(options: &cli::Tree, json: bool, out: &mut impl Write) -> Outcome {
    let mut listed = source::list(false)?;
    let mut nodes = arrange(std::mem::take(&mut listed.vmos));
    if let Some(koid) = options.koid {
        nodes = family(nodes, koid)?;
    }
    if json {
        #[derive(Serialize)]
        struct Report<'a> {
            source: &'a str,
            complete: bool,
            nodes: &'a [Node],
        }
        let report = Report {
            source: listed.source,
            complete: listed.incomplete.is_none(),
            nodes: &nodes,
        };
        serde_json::to_writer(&mut *out, &report)?;
        return Ok(writeln!(out)?);
    }
    tell_incomplete(&listed);
    if options.dot {
        picture::write_dot(&nodes, out)
    } else if options.svg {
        picture::write_svg(&nodes, out)
    } else {
        write_text(&nodes, out)
    }
}

/// What is said of a VMO in one line.
pub(crate) fn summary(vmo: &Record) -> String {
    let mut line = format!("{} {} {}", vmo.koid, vmo.kind, text::size(vmo.size));
    if vmo.committed > 0 {
        line += &format!(", {} committed", text::size(vmo.committed));
        if vmo.private < vmo.committed {
            line += &format!(", {} of it private", text::size(vmo.private));
        }
    }
    if !vmo.name.is_empty() {
        line += &format!(" \"{}\"", text::printable(&vmo.name));
    }
    line
}

/// Generations that are indented.
const INDENTED: usize = 40;

fn write_text(nodes: &[Node], out: &mut impl Write) -> Outcome {
    // Whether the line of the ancestor in each generation goes on below.
    let mut goes_on: Vec<bool> = Vec::new();
    for node in nodes {
        goes_on.truncate(node.depth.saturating_sub(1));
        let mut line = String::new();
        for &more in goes_on.iter().take(INDENTED) {
            line.push_str(if more { "│  " } else { "   " });
        }
        if node.depth > 0 {
            line.push_str(if node.is_last { "└─ " } else { "├─ " });
            goes_on.push(!node.is_last);
        }
        if node.depth > INDENTED {
            line += &format!("(generation {}) ", node.depth);
        }
        writeln!(out, "{line}{}", summary(&node.vmo))?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(koid: u64, parent: u64, name: &str) -> Record {
        Record {
            koid,
            parent,
            kind: if parent == 0 { "original" } else { "snapshot" }.to_owned(),
            size: 4096,
            name: name.to_owned(),
            ..Record::default()
        }
    }

    #[test]
    fn lines() {
        let vmos = vec![
            record(1, 0, "a"),
            record(2, 1, ""),
            record(3, 2, ""),
            record(4, 1, ""),
            record(5, 4, "<&\">"),
            record(6, 99, ""),
        ];
        let mut out = Vec::new();
        write_text(&arrange(vmos), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "1 original 4K \"a\"\n\
             ├─ 2 snapshot 4K\n\
             │  └─ 3 snapshot 4K\n\
             └─ 4 snapshot 4K\n   \
                └─ 5 snapshot 4K \"<&\">\"\n\
             6 snapshot 4K\n"
        );
    }

    #[test]
    fn a_family() {
        let vmos = vec![
            record(1, 0, ""),
            record(2, 0, ""),
            record(3, 2, ""),
            record(4, 0, ""),
        ];
        let nodes = family(arrange(vmos), 3).unwrap();
        let koids: Vec<u64> = nodes.iter().map(|node| node.vmo.koid).collect();
        assert_eq!(koids, [2, 3]);
        assert!(family(arrange(Vec::new()), 3).is_err());
    }

    #[test]
    fn many_generations() {
        let vmos = (1..50_000).map(|koid| record(koid, koid - 1, "")).collect();
        let nodes = arrange(vmos);
        assert_eq!(nodes.len(), 49_999);
        let mut out = Vec::new();
        write_text(&nodes, &mut out).unwrap();
        assert!(out.len() < 49_999 * 300);
    }

    #[test]
    fn circles_are_cut() {
        let nodes = arrange(vec![record(1, 2, ""), record(2, 1, ""), record(3, 3, "")]);
        assert_eq!(nodes.len(), 3);
    }
}
