// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel tells of one VMO: a line of its table, or the lines of a handle's fdinfo.

use std::collections::HashMap;

use serde::Serialize;

use crate::text;

/// Who has a handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) fd: u32,
}

/// A VMO. Sizes are in bytes; `zxvmo(4)` says what each number means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Record {
    pub(crate) koid: u64,
    /// 0 for none.
    pub(crate) parent: u64,
    /// `original`, `snapshot`, `slice` or `reference`.
    pub(crate) kind: String,
    pub(crate) options: Vec<String>,
    pub(crate) size: u64,
    pub(crate) content: u64,
    pub(crate) committed: u64,
    pub(crate) private: u64,
    pub(crate) shared: u64,
    pub(crate) scaled: u64,
    pub(crate) children: u64,
    pub(crate) mappings: u64,
    pub(crate) spaces: u64,
    pub(crate) handles: u64,
    pub(crate) owner: u32,
    pub(crate) cache: String,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) holders: Vec<Holder>,
}

fn cache_name(number: &str) -> String {
    match number {
        "0" => "cached",
        "1" => "uncached",
        "2" => "uncached-device",
        "3" => "write-combining",
        other => other,
    }
    .to_owned()
}

impl Record {
    /// Takes over one value; `false` if it is not what it should be. What has no place is ignored:
    /// a newer module may tell more.
    fn set(&mut self, key: &str, value: &str) -> bool {
        let number = match key {
            "koid" => &mut self.koid,
            "parent" => &mut self.parent,
            "size" => &mut self.size,
            "content" => &mut self.content,
            "committed" => &mut self.committed,
            "private" => &mut self.private,
            "shared" => &mut self.shared,
            "scaled" => &mut self.scaled,
            "children" => &mut self.children,
            "mappings" => &mut self.mappings,
            "spaces" => &mut self.spaces,
            "handles" => &mut self.handles,
            "owner" => return value.parse().map(|uid| self.owner = uid).is_ok(),
            "kind" => {
                value.clone_into(&mut self.kind);
                return true;
            }
            "options" => {
                let options = value.split(',').filter(|&option| option != "-");
                self.options = options.map(str::to_owned).collect();
                return true;
            }
            "cache" => {
                self.cache = cache_name(value);
                return true;
            }
            "name" => {
                self.name = text::unescape(value);
                return true;
            }
            _ => return true,
        };
        value.parse().map(|value| *number = value).is_ok()
    }
}

/// The VMOs in the text of `/sys/kernel/debug/zxvmo/vmos`; an error names the line.
pub(crate) fn parse_table(table: &str) -> Result<Vec<Record>, String> {
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    if head.first() != Some(&"koid") {
        return Err("there is no line with the names of the columns".to_owned());
    }
    let mut records = Vec::new();
    for (index, line) in lines.enumerate() {
        let mut record = Record::default();
        let values: Vec<&str> = line.split('\t').collect();
        let good = values.len() == head.len()
            && head
                .iter()
                .zip(&values)
                .all(|(key, value)| record.set(key, value));
        if !good {
            return Err(format!("line {} is not understood", index + 2));
        }
        records.push(record);
    }
    Ok(records)
}

/// The `zxvmo-` lines of a handle's fdinfo, by what follows that, in the order of the text.
pub(crate) fn parse_fdinfo(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("zxvmo-")?.split_once(":\t"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The VMO that these lines are about, if it is one.
pub(crate) fn vmo_of(lines: &[(String, String)]) -> Option<Record> {
    let by_key: HashMap<&str, &str> = lines
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    if by_key.get("type") != Some(&"3") {
        return None;
    }
    let mut record = Record::default();
    for (key, value) in by_key {
        if !record.set(key, value) {
            return None;
        }
    }
    record.shared = record.committed.saturating_sub(record.private);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "koid\tparent\tkind\toptions\tsize\tcontent\tcommitted\tprivate\tshared\tscaled\tchildren\tmappings\tspaces\thandles\towner\tcache\tname\n";

    #[test]
    fn a_table() {
        let text = format!(
            "{HEAD}1024\t0\toriginal\t-\t8192\t5000\t4096\t0\t4096\t2048\t1\t2\t1\t3\t1000\t0\ta\\011b\n\
             1030\t1024\tsnapshot\tresizable,pinnable\t8192\t8192\t4096\t0\t4096\t2048\t0\t0\t0\t1\t0\t3\t\n"
        );
        let records = parse_table(&text).unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].koid, 1024);
        assert_eq!(records[0].content, 5000);
        assert_eq!(records[0].owner, 1000);
        assert_eq!(records[0].name, "a\tb");
        assert!(records[0].options.is_empty());
        assert_eq!(records[1].parent, 1024);
        assert_eq!(records[1].options, ["resizable", "pinnable"]);
        assert_eq!(records[1].cache, "write-combining");
        assert_eq!(records[1].name, "");
    }

    #[test]
    fn columns_may_be_added_and_change_places() {
        let records = parse_table("koid\tnew\tsize\n7\twhatever\t4096\n").unwrap();
        assert_eq!((records[0].koid, records[0].size), (7, 4096));
    }

    #[test]
    fn no_table() {
        assert!(parse_table("").is_err());
        assert_eq!(
            parse_table("koid\tsize\n1\t2\n3\n").unwrap_err(),
            "line 3 is not understood"
        );
        assert!(parse_table("koid\tsize\n1\tx\n").is_err());
    }

    #[test]
    fn fdinfo() {
        let text = "pos:\t0\nflags:\t02\nzxvmo-koid:\t1025\nzxvmo-type:\t3\nzxvmo-rights:\t0xf\n\
                    zxvmo-name:\ta: b\nzxvmo-committed:\t8192\nzxvmo-private:\t4096\n";
        let lines = parse_fdinfo(text);
        assert_eq!(lines[0], ("koid".to_owned(), "1025".to_owned()));
        let record = vmo_of(&lines).unwrap();
        assert_eq!(record.name, "a: b");
        assert_eq!(record.shared, 4096);
        assert_eq!(
            vmo_of(&parse_fdinfo("zxvmo-koid:\t1\nzxvmo-type:\t5\n")),
            None
        );
        assert_eq!(vmo_of(&parse_fdinfo("pos:\t0\n")), None);
    }
}
