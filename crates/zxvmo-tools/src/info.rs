// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zxvmo info`, and what every command on one handle begins with.

use std::fs;
use std::io::{ErrorKind, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::HandleName;
use crate::failure::{Failure, Outcome};
use crate::record::parse_fdinfo;
use crate::text;

/// What the kernel tells of a handle, by key.
pub(crate) struct Details {
    lines: Vec<(String, String)>,
}

impl Details {
    /// Asks the kernel. Fails if there is no such handle, or it may not be looked at.
    pub(crate) fn of(handle: HandleName) -> Outcome<Self> {
        let HandleName { pid, fd } = handle;
        let text =
            fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).map_err(|error| match error
                .kind()
            {
                ErrorKind::NotFound if fs::exists(format!("/proc/{pid}")).unwrap_or(true) => {
                    Failure::new(format!("process {pid} has no descriptor {fd}"))
                        .advise("\"zxvmo ls -p\" shows who has which handles.")
                }
                ErrorKind::NotFound => Failure::new(format!("there is no process {pid}"))
                    .advise("\"zxvmo ls -p\" shows who has which handles."),
                ErrorKind::PermissionDenied => {
                    Failure::new(format!("process {pid} is not yours to look into"))
                        .advise("Run this as root, or as the user of that process.")
                }
                _ => Failure::new(format!("/proc/{pid}/fdinfo/{fd}: {error}")),
            })?;
        let lines = parse_fdinfo(&text);
        if lines.is_empty() {
            let name = fs::read_link(format!("/proc/{pid}/fd/{fd}"));
            let name = name.map_or_else(
                |_| "something else".to_owned(),
                |name| name.display().to_string(),
            );
            return Err(Failure::new(format!(
                "descriptor {fd} of process {pid} is no handle of zxvmo, but {}",
                text::printable(&name)
            ))
            .advise("\"zxvmo ls -p\" shows who has which handles."));
        }
        Ok(Self { lines })
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.lines.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of `key`, a number.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// The type of the object in a word.
    pub(crate) fn type_name(&self) -> &str {
        match self.get("type") {
            Some("3") => "vmo",
            Some("5") => "event",
            Some("6") => "port",
            Some("16") => "eventpair",
            Some("31") => "stream",
            Some(other) => other,
            None => "unknown",
        }
    }

    /// The names of the handle's rights.
    fn rights(&self) -> Vec<&'static str> {
        let digits = self.get("rights").and_then(|text| text.strip_prefix("0x"));
        let bits = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let rights = zxvmo::Rights::from_bits_retain(bits.unwrap_or(0));
        rights
            .iter_names()
            .filter(|(_, right)| right.bits().is_power_of_two())
            .map(|(name, _)| name)
            .collect()
    }
}

/// A range of addresses that shows the VMO.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Mapping {
    from: u64,
    to: u64,
    permissions: String,
    offset: u64,
}

/// The mappings of VMO `koid` in the text of `/proc/PID/maps`.
fn mappings(maps: &str, koid: &str) -> Vec<Mapping> {
    let is_ours = |path: &str| {
        let named = path.strip_prefix("/zxvmo:");
        named.is_some_and(|named| named.split([':', ' ']).next() == Some(koid))
    };
    let hex = |text| u64::from_str_radix(text, 16).ok();
    maps.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (from, to) = words.next()?.split_once('-')?;
            let permissions = words.next()?.to_owned();
            let offset = hex(words.next()?)?;
            // Device and inode come before the path.
            is_ours(words.nth(2)?).then_some(Mapping {
                from: hex(from)?,
                to: hex(to)?,
                permissions,
                offset,
            })
        })
        .collect()
}

pub(crate) fn run(handle: HandleName, json: bool, out: &mut impl Write) -> Outcome {
    let details = Details::of(handle)?;
    let koid = details.get("koid").unwrap_or_default();
    // Who may see fdinfo may see maps, but the process may have ended.
    let maps = fs::read_to_string(format!("/proc/{}/maps", handle.pid)).unwrap_or_default();
    let mappings = mappings(&maps, koid);
    if json {
        write_json(handle, &details, &mappings, out)
    } else {
        write_text(handle, &details, &mappings, out)
    }
}

fn write_json(
    handle: HandleName,
    details: &Details,
    mappings: &[Mapping],
    out: &mut impl Write,
) -> Outcome {
    let mut report = Map::new();
    report.insert("pid".to_owned(), handle.pid.into());
    report.insert("fd".to_owned(), handle.fd.into());
    for (key, value) in &details.lines {
        let value = match key.as_str() {
            "type" => details.type_name().into(),
            "rights" => details.rights().into(),
            "name" => text::unescape(value).into(),
            "options" => value.split(',').filter(|&option| option != "-").collect(),
            _ => value
                .parse::<u64>()
                .map_or_else(|_| value.as_str().into(), Value::from),
        };
        report.insert(key.clone(), value);
    }
    if details.type_name() == "vmo" {
        report.insert("mapped_here".to_owned(), serde_json::to_value(mappings)?);
    }
    serde_json::to_writer(&mut *out, &report)?;
    Ok(writeln!(out)?)
}

fn write_text(
    handle: HandleName,
    details: &Details,
    mappings: &[Mapping],
    out: &mut impl Write,
) -> Outcome {
    writeln!(out, "{:<11} {handle}", "handle")?;
    for (key, value) in &details.lines {
        let shown = match key.as_str() {
            "type" => details.type_name().to_owned(),
            "rights" => format!("{value} ({})", details.rights().join(" ")),
            "name" => text::printable(&text::unescape(value)),
            "size" | "content" | "committed" | "private" | "scaled" => match value.parse() {
                Ok(bytes @ 1024..) => format!("{value} ({})", text::size(bytes)),
                _ => value.clone(),
            },
            _ => value.clone(),
        };
        writeln!(out, "{}", format!("{key:<11} {shown}").trim_end())?;
    }
    for one in mappings {
        writeln!(
            out,
            "{:<11} {:#x}-{:#x} {} from byte {}",
            "mapped", one.from, one.to, one.permissions, one.offset
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(text: &str) -> Details {
        Details {
            lines: parse_fdinfo(text),
        }
    }

    #[test]
    fn rights_have_names() {
        let details = details("zxvmo-type:\t3\nzxvmo-rights:\t0xc\n");
        assert_eq!(details.type_name(), "vmo");
        assert_eq!(details.rights(), ["READ", "WRITE"]);
    }

    #[test]
    fn mappings_of_one_vmo() {
        let maps = "7f0000000000-7f0000002000 rw-s 00001000 00:0f 1024 /zxvmo:1024:a name\n\
                    7f0000004000-7f0000005000 r--s 00000000 00:0f 1024 /zxvmo:1024\n\
                    7f0000006000-7f0000007000 r--s 00000000 00:0f 10240 /zxvmo:10240\n\
                    7f0000008000-7f0000009000 rw-p 00000000 00:00 0 \n";
        let found = mappings(maps, "1024");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].offset, 0x1000);
        assert_eq!(found[0].permissions, "rw-s");
        assert_eq!(found[1].to, 0x7f00_0000_5000);
    }

    #[test]
    fn json_has_numbers_and_lists() {
        let details = details("zxvmo-koid:\t1024\nzxvmo-type:\t3\nzxvmo-rights:\t0x4\nzxvmo-options:\t-\nzxvmo-name:\ta\\012\n");
        let mut out = Vec::new();
        write_json(HandleName { pid: 1, fd: 2 }, &details, &[], &mut out).unwrap();
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["koid"], 1024);
        assert_eq!(value["rights"], serde_json::json!(["READ"]));
        assert_eq!(value["options"], serde_json::json!([]));
        assert_eq!(value["name"], "a\n");
    }
}
