// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command against the module. Every test but those of arguments fails where it is not loaded.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use zxvmo::{Event, Name, Rights, Vmo, VmoChildOptions, VmoOptions};

fn zxvmo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zxvmo"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The standard output of a command that succeeds.
fn out(arguments: &[&str]) -> String {
    let output = zxvmo(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout).to_owned()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&out(arguments)).unwrap()
}

/// What a command that fails says.
fn complaint(arguments: &[&str]) -> String {
    let output = zxvmo(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    text(&output.stderr).to_owned()
}

fn named(size: u64, name: &str) -> Vmo {
    let vmo = Vmo::create(size)
        .unwrap_or_else(|status| panic!("cannot create a VMO: {status} (is zxvmo loaded?)"));
    vmo.set_name(&Name::new(name).unwrap()).unwrap();
    vmo
}

fn koid(vmo: &Vmo) -> u64 {
    vmo.info().unwrap().koid.raw_koid()
}

/// How the command names a descriptor of this process.
fn handle(fd: BorrowedFd<'_>) -> String {
    format!("{}:{}", std::process::id(), fd.as_raw_fd())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A path in a directory of this test's, removed with this.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("zxvmo-command-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> String {
        self.0.join("copy").to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_vmo_is_listed() {
    let vmo = named(3 * 4096, "a list\tof \u{e4}");
    vmo.write(b"x", 4096).unwrap();
    let report = json(&["ls", "--json"]);
    let source = if is_root() { "debugfs" } else { "fdinfo" };
    assert_eq!(report["source"], source);
    let all = report["vmos"].as_array().unwrap();
    let one = all.iter().find(|one| one["koid"] == koid(&vmo)).unwrap();
    assert_eq!(one["name"], "a list\tof \u{e4}");
    assert_eq!(one["size"], 3 * 4096);
    assert_eq!(one["committed"], 4096);
    assert_eq!(one["private"], 4096);
    assert_eq!(one["kind"], "original");
    assert_eq!(one["owner"], rustix::process::geteuid().as_raw());
    assert!(one.get("holders").is_none() || !is_root());

    let listed = out(&["ls"]);
    let mut lines = listed.lines();
    let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        head[..6],
        ["KOID", "PARENT", "KIND", "SIZE", "COMMITTED", "PRIVATE"]
    );
    let line = lines
        .find(|line| line.starts_with(&koid(&vmo).to_string()))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[1..6], ["-", "original", "12K", "4K", "4K"]);
    assert!(line.ends_with("a list\\tof \u{e4}"));
}

#[test]
fn holders_are_found() {
    let vmo = named(4096, "held");
    let report = json(&["ls", "-p", "--json"]);
    let all = report["vmos"].as_array().unwrap();
    let one = all.iter().find(|one| one["koid"] == koid(&vmo)).unwrap();
    let holders = one["holders"].as_array().unwrap();
    let fd = vmo.as_fd().as_raw_fd();
    assert!(holders
        .iter()
        .any(|one| one["pid"] == std::process::id() && one["fd"] == fd));
    assert!(out(&["ls", "-p"]).contains(&handle(vmo.as_fd())));
}

#[test]
fn a_family_is_drawn() {
    let vmo = named(8192, "parent");
    let child = vmo
        .create_child(VmoChildOptions::SNAPSHOT, 0, 8192)
        .unwrap();
    child.set_name(&Name::new("child").unwrap()).unwrap();
    let slice = vmo.create_child(VmoChildOptions::SLICE, 0, 4096).unwrap();
    let (a, b, c) = (koid(&vmo), koid(&child), koid(&slice));
    assert_eq!(
        out(&["tree", &b.to_string()]),
        format!(
            "{a} original 8K \"parent\"\n├─ {b} snapshot 8K \"child\"\n└─ {c} slice 4K \"parent\"\n"
        )
    );
    let dot = out(&["tree", "--dot", &a.to_string()]);
    assert!(dot.starts_with("digraph"));
    assert!(dot.contains(&format!("{a} -> {b};")));
    let svg = out(&["tree", "--svg", &a.to_string()]);
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    let report = json(&["tree", "--json", &a.to_string()]);
    assert_eq!(report["nodes"][1]["parent"], a);
    assert_eq!(report["nodes"][1]["depth"], 1);
    assert!(complaint(&["tree", "1"]).contains("there is no VMO 1"));
}

#[test]
fn a_handle_is_told_of() {
    let vmo = named(8192, "told");
    let reader = vmo.duplicate_handle(Rights::READ | Rights::MAP).unwrap();
    let mapping = vmo.map(4096, 4096, zxvmo::VmarFlags::PERM_READ).unwrap();
    let told = out(&["info", &handle(reader.as_fd())]);
    for line in [
        &format!("koid        {}", koid(&vmo)),
        "type        vmo",
        "rights      0x24 (READ MAP)",
        "name        told",
        "size        8192 (8K)",
        "handles     2",
    ] {
        assert!(told.lines().any(|one| one == line), "{line} in {told}");
    }
    let report = json(&["info", "--json", &handle(reader.as_fd())]);
    assert_eq!(report["rights"], serde_json::json!(["READ", "MAP"]));
    assert_eq!(
        report["mapped_here"][0]["from"],
        mapping.as_ptr() as usize as u64
    );
    assert_eq!(report["mapped_here"][0]["offset"], 4096);

    let event = Event::create().unwrap();
    let told = out(&["info", &handle(event.as_fd())]);
    assert!(told.contains("type        event"));
}

#[test]
fn what_is_no_handle() {
    assert!(complaint(&["info", "4000000:1"]).contains("there is no process 4000000"));
    let pid = std::process::id();
    assert!(complaint(&["info", &format!("{pid}:9999")]).contains("has no descriptor 9999"));
    let file = fs::File::open("/dev/null").unwrap();
    assert!(complaint(&["info", &handle(file.as_fd())]).contains("/dev/null"));
    let event = Event::create().unwrap();
    assert!(complaint(&["dump", &handle(event.as_fd()), "/x"])
        .contains("a handle to an object of type event"));
    // Arguments are judged before anything is done.
    assert_eq!(zxvmo(&["info", "1"]).status.code(), Some(2));
    assert_eq!(zxvmo(&["top", "-d", "0"]).status.code(), Some(2));
}

#[test]
fn a_copy() {
    let scratch = Scratch::new("copy");
    let vmo = Vmo::create(1_500_000).unwrap();
    vmo.write(b"begin", 0).unwrap();
    vmo.write(b"middle", 1 << 20).unwrap();
    vmo.write(b"end", 1_499_997).unwrap();
    let file = scratch.file();
    let report = json(&["dump", "--json", &handle(vmo.as_fd()), &file]);
    assert_eq!(report["bytes"], 1_500_000);
    assert_eq!(report["snapshot"], true);
    let copy = fs::read(&file).unwrap();
    assert_eq!(copy.len(), 1_500_000);
    assert!(copy == vmo.read_to_vec(0, 1_500_000).unwrap());
    // Nothing else is left, and what is there is not replaced unasked.
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    assert!(complaint(&["dump", &handle(vmo.as_fd()), &file]).contains("is there already"));
    let said = out(&["dump", "--force", "--whole", &handle(vmo.as_fd()), &file]);
    assert!(said.contains("1503232 bytes of VMO"));
    assert_eq!(fs::metadata(&file).unwrap().len(), 1_503_232);
    let piped = zxvmo(&["dump", &handle(vmo.as_fd()), "-"]);
    assert!(piped.status.success());
    assert!(piped.stdout == copy);
    assert_eq!(vmo.info().unwrap().num_children, 0);
}

/// Pairs of pages that a writer always changes in the same order: the copy has the first ahead of
/// the second by one at most, for all pairs by the same one.
#[test]
fn a_copy_is_of_one_moment() {
    const PAGES: u64 = 2048;
    let scratch = Scratch::new("moment");
    let vmo = Vmo::create(PAGES * 4096).unwrap();
    for page in 0..PAGES {
        vmo.write(&0u64.to_ne_bytes(), page * 4096).unwrap();
    }
    let stop = AtomicBool::new(false);
    let file = scratch.file();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0u64;
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                for page in 0..PAGES {
                    vmo.write(&round.to_ne_bytes(), page * 4096).unwrap();
                }
            }
        });
        for _ in 0..3 {
            out(&["dump", "--force", &handle(vmo.as_fd()), &file]);
            let copy = fs::read(&file).unwrap();
            let rounds: Vec<u64> = copy
                .chunks(4096)
                .map(|page| u64::from_ne_bytes(page[..8].try_into().unwrap()))
                .collect();
            // The writer was at one place: pages before it are a round ahead of those behind.
            let first = rounds[0];
            let ahead = rounds.iter().take_while(|&&round| round == first).count();
            assert!(
                rounds[ahead..].iter().all(|&round| round + 1 == first),
                "torn: {first} up to page {ahead}, then {:?}",
                &rounds[ahead..rounds.len().min(ahead + 4)]
            );
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_cannot_be_copied() {
    let scratch = Scratch::new("cannot");
    let file = scratch.file();
    let vmo = named(4096, "x");
    let reader = vmo.duplicate_handle(Rights::READ).unwrap();
    assert!(complaint(&["dump", &handle(reader.as_fd()), &file])
        .contains("lacks the right READ or DUPLICATE"));
    let slice = vmo.create_child(VmoChildOptions::SLICE, 0, 4096).unwrap();
    assert!(complaint(&["dump", &handle(slice.as_fd()), &file]).contains("--live"));
    assert!(!PathBuf::from(&file).exists());
    out(&["dump", "--live", "-q", &handle(slice.as_fd()), &file]);
    assert_eq!(fs::read(&file).unwrap(), [0; 4096]);
    let said = complaint(&["dump", &handle(vmo.as_fd()), "/nowhere/file"]);
    assert!(said.contains("Name a file in a directory that exists"));
    let unbounded = Vmo::create_with_opts(VmoOptions::UNBOUNDED, 5000).unwrap();
    out(&["dump", "--force", &handle(unbounded.as_fd()), &file]);
    assert_eq!(fs::metadata(&file).unwrap().len(), 5000);
}

#[test]
fn the_list_again_and_again() {
    let vmo = named(4096, "on top");
    let shown = out(&["top", "-n", "2", "-d", "0.1"]);
    assert_eq!(shown.matches("zxvmo: ").count(), 2);
    assert_eq!(shown.matches("on top").count(), 2);
    let lines = out(&["top", "--json", "-n", "2", "-d", "0.1"]);
    for line in lines.lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        let all = report["vmos"].as_array().unwrap();
        assert!(all.iter().any(|one| one["koid"] == koid(&vmo)));
    }
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn the_system_is_fit() {
    let found = out(&["doctor"]);
    assert!(found.ends_with("zxvmo works here.\n"), "{found}");
    assert!(found.contains("ok    trial: a VMO and a snapshot of it work"));
    let report = json(&["doctor", "--json"]);
    assert_eq!(report["fit"], true);
}

#[test]
fn completions_and_help() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&["completions", shell]).contains("zxvmo"));
    }
    assert!(out(&["--help"]).contains("Usage: zxvmo"));
    assert!(out(&["--version"]).starts_with("zxvmo 0."));
}

/// Without root only handles of processes that one may look into are seen, and it says so.
#[test]
fn without_root() {
    if !is_root() {
        return;
    }
    let output = Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            env!("CARGO_BIN_EXE_zxvmo"),
            "ls",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("run this as root to see all"));
    assert_eq!(text(&output.stdout).lines().count(), 1);
}
