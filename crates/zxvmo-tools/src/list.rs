// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zxvmo ls`.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::{Key, Ls};
use crate::failure::Outcome;
use crate::record::Record;
use crate::source::{self, Listed};
use crate::text;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    source: &'a str,
    complete: bool,
    vmos: &'a [Record],
}

pub(crate) fn run(options: &Ls, json: bool, out: &mut impl Write) -> Outcome {
    let mut listed = source::list(options.holders)?;
    sort(&mut listed.vmos, options.sort);
    if json {
        return write_json(&listed, out);
    }
    tell_incomplete(&listed);
    write_table(&listed.vmos, options, out)
}

/// Says on standard error why the list is not all.
pub(crate) fn tell_incomplete(listed: &Listed) {
    if let Some(why) = &listed.incomplete {
        let _ = writeln!(io::stderr(), "zxvmo: {why}");
    }
}

/// A line of JSON with the list.
pub(crate) fn write_json(listed: &Listed, out: &mut impl Write) -> Outcome {
    let report = Report {
        source: listed.source,
        complete: listed.incomplete.is_none(),
        vmos: &listed.vmos,
    };
    serde_json::to_writer(&mut *out, &report)?;
    Ok(writeln!(out)?)
}

/// Sorts by `key`, and what is equal by age.
pub(crate) fn sort(vmos: &mut [Record], key: Key) {
    match key {
        Key::Koid => vmos.sort_by_key(|vmo| vmo.koid),
        Key::Size => vmos.sort_by_key(|vmo| (u64::MAX - vmo.size, vmo.koid)),
        Key::Committed => vmos.sort_by_key(|vmo| (u64::MAX - vmo.committed, vmo.koid)),
        Key::Private => vmos.sort_by_key(|vmo| (u64::MAX - vmo.private, vmo.koid)),
        Key::Name => vmos.sort_by(|a, b| (&a.name, a.koid).cmp(&(&b.name, b.koid))),
    }
}

fn write_table(vmos: &[Record], options: &Ls, out: &mut impl Write) -> Outcome {
    let number = |bytes: u64| {
        if options.bytes {
            bytes.to_string()
        } else {
            text::size(bytes)
        }
    };
    let mut head = vec![
        "KOID",
        "PARENT",
        "KIND",
        "SIZE",
        "COMMITTED",
        "PRIVATE",
        "CHILDREN",
        "MAPPINGS",
        "HANDLES",
        "OWNER",
        "NAME",
    ];
    if options.holders {
        head.insert(head.len() - 1, "HELD BY");
    }
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for vmo in vmos {
        let mut row = vec![
            vmo.koid.to_string(),
            match vmo.parent {
                0 => "-".to_owned(),
                koid => koid.to_string(),
            },
            vmo.kind.clone(),
            number(vmo.size),
            number(vmo.committed),
            number(vmo.private),
            vmo.children.to_string(),
            vmo.mappings.to_string(),
            vmo.handles.to_string(),
            vmo.owner.to_string(),
            text::printable(&vmo.name),
        ];
        if options.holders {
            row.insert(row.len() - 1, holders(vmo));
        }
        rows.push(row);
    }
    write_columns(&rows, &[2, 10, 11], out)
}

fn holders(vmo: &Record) -> String {
    let names: Vec<String> = vmo
        .holders
        .iter()
        .map(|holder| format!("{}:{}", holder.pid, holder.fd))
        .collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(",")
    }
}

/// Rows as columns: those in `left` begin, all others end, at the same place.
pub(crate) fn write_columns(rows: &[Vec<String>], left: &[usize], out: &mut impl Write) -> Outcome {
    let mut widths = Vec::new();
    for row in rows {
        for (index, text) in row.iter().enumerate() {
            let width = text.chars().count();
            match widths.get_mut(index) {
                None => widths.push(width),
                Some(widest) => *widest = width.max(*widest),
            }
        }
    }
    for row in rows {
        let mut line = String::new();
        for (index, (text, &width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - text.chars().count());
            if index > 0 {
                line.push_str("  ");
            }
            if left.contains(&index) {
                line.push_str(text);
                line.push_str(&space);
            } else {
                line.push_str(&space);
                line.push_str(text);
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(koid: u64, size: u64, name: &str) -> Record {
        Record {
            koid,
            size,
            kind: "original".to_owned(),
            name: name.to_owned(),
            ..Record::default()
        }
    }

    #[test]
    fn sorting() {
        let mut vmos = [record(2, 5, "b"), record(1, 5, "c"), record(3, 9, "a")];
        for (key, order) in [
            (Key::Koid, [1, 2, 3]),
            (Key::Size, [3, 1, 2]),
            (Key::Name, [3, 2, 1]),
            (Key::Committed, [1, 2, 3]),
        ] {
            sort(&mut vmos, key);
            assert_eq!(vmos.each_ref().map(|vmo| vmo.koid), order);
        }
    }

    #[test]
    fn a_table() {
        let options = Ls {
            sort: Key::Koid,
            bytes: false,
            holders: false,
        };
        let mut out = Vec::new();
        write_table(&[record(1024, 1 << 20, "x\ty")], &options, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "KOID  PARENT  KIND      SIZE  COMMITTED  PRIVATE  CHILDREN  MAPPINGS  HANDLES  OWNER  NAME\n\
             1024       -  original    1M          0        0         0         0        0      0  x\\ty\n"
        );
    }
}
