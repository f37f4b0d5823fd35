// SPDX-License-Identifier: MIT OR Apache-2.0
//! `zxvmo doctor`: is this system fit, and what to do if not.
//!
//! Everything is looked up below a root directory, so that tests can make up systems.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zxvmo::{Status, Vmo, VmoChildOptions};

use crate::failure::Outcome;
use crate::finding::{bad, good, note, report, Finding, Verdict};

/// A system to look at.
struct System {
    root: PathBuf,
    /// As `uname -r` prints it.
    release: String,
    /// As `uname -m` prints it.
    machine: String,
}

/// The first kernel that has what the module is written with.
const OLDEST: (u32, u32) = (7, 2);
/// The last one it was tried with.
const NEWEST: (u32, u32) = (7, 3);

/// The first two numbers of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

impl System {
    fn this() -> Self {
        let uname = rustix::system::uname();
        Self {
            root: PathBuf::from("/"),
            release: uname.release().to_string_lossy().into_owned(),
            machine: uname.machine().to_string_lossy().into_owned(),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    fn is_loaded(&self) -> bool {
        self.has("/sys/module/zxvmo")
    }

    fn kernel(&self) -> Finding {
        let found = format!("Linux {} on {}", self.release, self.machine);
        if self.machine != "x86_64" {
            return note(
                "kernel",
                found,
                "Only x86_64 is tried. Elsewhere VMOs can only be cached.",
            );
        }
        match version(&self.release) {
            Some(version) if version < OLDEST => bad(
                "kernel",
                found,
                "The module needs Linux 7.2 or newer: on Debian 13, install linux-image-amd64 of trixie-backports.",
            ),
            Some(version) if version > NEWEST => {
                note("kernel", found, "The module was tried with Linux 7.2 and 7.3; it may need changes for this one.")
            }
            Some(_) => good("kernel", found),
            None => note("kernel", found, "The module needs Linux 7.2 or newer."),
        }
    }

    /// The kernel's configuration, from where it is kept uncompressed.
    fn config(&self) -> Option<String> {
        let release = &self.release;
        self.read(&format!("/boot/config-{release}"))
            .or_else(|| self.read(&format!("/lib/modules/{release}/config")))
            .or_else(|| self.read(&format!("/lib/modules/{release}/build/.config")))
            .or_else(|| {
                self.read(&format!(
                    "/lib/modules/{release}/build/include/config/auto.conf"
                ))
            })
    }

    fn rust(&self) -> Finding {
        let enabled = |config: String| config.lines().any(|line| line == "CONFIG_RUST=y");
        if self.is_loaded() {
            return good("Rust in the kernel", "yes, for the module is loaded");
        }
        match self.config().map(enabled) {
            Some(true) => good("Rust in the kernel", "yes (CONFIG_RUST)"),
            Some(false) => bad(
                "Rust in the kernel",
                "no (CONFIG_RUST is not set)",
                "Boot a kernel that has it: Debian's of trixie-backports has.",
            ),
            None => note(
                "Rust in the kernel",
                "unknown, for the kernel's configuration is not there to read",
                "Where the module loads it is there.",
            ),
        }
    }

    /// Whether there is a module file for this kernel.
    fn installed(&self) -> bool {
        let listed = self.read(&format!("/lib/modules/{}/modules.dep", self.release));
        listed.is_some_and(|listed| {
            let files = listed.lines().filter_map(|line| line.split(':').next());
            files
                .filter_map(|file| Path::new(file).file_name()?.to_str())
                .any(|name| {
                    name.strip_prefix("zxvmo.ko")
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
        })
    }

    fn headers(&self) -> Finding {
        let build = format!("/lib/modules/{}/build", self.release);
        let metadata = |directory: PathBuf| {
            let mut entries = fs::read_dir(directory).into_iter().flatten().flatten();
            entries.any(|entry| entry.path().extension().is_some_and(|kind| kind == "rmeta"))
        };
        if !self.has(&build) {
            return note(
                "headers",
                format!("there is no {build}"),
                "They are needed to build the module on this system only: install linux-headers for this kernel.",
            );
        }
        if metadata(self.path(&format!("{build}/rust"))) {
            good("headers", format!("{build}, with Rust metadata"))
        } else {
            note(
                "headers",
                format!("{build} has no Rust metadata (rust/*.rmeta)"),
                "They are needed to build the module on this system only: \"make module\" in its source, or the package zxvmo-dkms, makes them.",
            )
        }
    }

    fn module(&self) -> Finding {
        if self.is_loaded() {
            let version = self.read("/sys/module/zxvmo/srcversion");
            let version = version.map_or_else(String::new, |version| {
                format!(" (source {})", version.trim())
            });
            return good("module", format!("loaded{version}"));
        }
        if self.installed() {
            return bad(
                "module",
                "installed, but not loaded",
                "Run \"modprobe zxvmo\" as root.",
            );
        }
        bad(
            "module",
            format!("there is none for Linux {}", self.release),
            "Build it: \"make\" and \"make modules_install\" in its source, or the package zxvmo-dkms; then \"modprobe zxvmo\".",
        )
    }

    fn device(&self) -> Finding {
        const PATH: &str = "/dev/zxvmo";
        let metadata = match fs::metadata(self.path(PATH)) {
            Ok(metadata) => metadata,
            Err(_) if self.is_loaded() => {
                return bad(
                    "device",
                    format!("there is no {PATH}"),
                    "udev or devtmpfs makes it: is /dev of this system its own?",
                )
            }
            Err(_) => {
                return bad(
                    "device",
                    format!("there is no {PATH}"),
                    "It comes with the module.",
                )
            }
        };
        if !metadata.file_type().is_char_device() {
            return bad(
                "device",
                format!("{PATH} is no device"),
                "Remove it, and load the module anew.",
            );
        }
        let mode = metadata.permissions().mode() & 0o777;
        match fs::File::options()
            .read(true)
            .write(true)
            .open(self.path(PATH))
        {
            Ok(_) => good(
                "device",
                format!("{PATH} can be opened (its mode is {mode:o})"),
            ),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => bad(
                "device",
                format!("{PATH} is not yours to open (its mode is {mode:o})"),
                "Who may is up to root: see the udev rule in zxvmo(4).",
            ),
            Err(error) => bad(
                "device",
                format!("{PATH} cannot be opened: {error}"),
                "Load the module anew.",
            ),
        }
    }

    fn lists(&self) -> Finding {
        match fs::File::open(self.path(crate::source::TABLE)) {
            Ok(_) => good("lists", format!("{} can be read", crate::source::TABLE)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => note(
                "lists",
                format!("{} is root's", crate::source::TABLE),
                "\"zxvmo ls\" shows all VMOs to root only.",
            ),
            Err(_) => note(
                "lists",
                format!("there is no {}", crate::source::TABLE),
                "Mount debugfs, as root: \"mount -t debugfs debugfs /sys/kernel/debug\".",
            ),
        }
    }

    fn limits(&self) -> Option<Finding> {
        let parameter = |name: &str| {
            let value = self.read(&format!("/sys/module/zxvmo/parameters/{name}"))?;
            Some(value.trim().to_owned())
        };
        let objects = parameter("max_user_objects")?;
        let memory = parameter("user_memory_percent")?;
        let found = format!("{objects} objects and {memory} % of memory for each user");
        let found = match parameter("ambient_executable").as_deref() {
            Some("0") => found + "; only an administrator makes VMOs executable",
            _ => found,
        };
        Some(good("limits", found))
    }

    /// All that can be looked up.
    fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![
            self.kernel(),
            self.rust(),
            self.headers(),
            self.module(),
            self.device(),
        ];
        if self.is_loaded() {
            findings.push(self.lists());
            findings.extend(self.limits());
        }
        findings
    }
}

/// Makes a VMO and a snapshot, and looks whether they are two.
fn try_it() -> Finding {
    const SUBJECT: &str = "trial";
    let attempt = || -> Result<bool, Status> {
        let vmo = Vmo::create(4096)?;
        vmo.write(b"before", 0)?;
        let snapshot = vmo.create_child(VmoChildOptions::SNAPSHOT, 0, 4096)?;
        vmo.write(b"behind", 0)?;
        Ok(snapshot.read_to_vec(0, 6)? == b"before" && vmo.read_to_vec(0, 6)? == b"behind")
    };
    match attempt() {
        Ok(true) => {
            let version = zxvmo::query().map_or(0, |device| device.abi_version);
            good(
                SUBJECT,
                format!("a VMO and a snapshot of it work (interface version {version})"),
            )
        }
        Ok(false) => bad(
            SUBJECT,
            "a snapshot changed with its parent",
            "This is a bug: report it, with the output of \"zxvmo doctor\".",
        ),
        Err(Status::NO_RESOURCES) => bad(
            SUBJECT,
            "no VMO can be made: you have as many objects or open files as you may",
            "Close some (\"zxvmo ls -p\"), or raise max_user_objects (zxvmo(4)) or \"ulimit -n\".",
        ),
        Err(Status::NO_MEMORY) => bad(
            SUBJECT,
            "no VMO can be made: there is no memory",
            "See user_memory_percent in zxvmo(4), and the limits of the cgroup.",
        ),
        Err(status) => bad(
            SUBJECT,
            format!("no VMO can be made: {status}"),
            "See what the kernel logged: \"dmesg | grep zxvmo\".",
        ),
    }
}

/// Says what was found; whether zxvmo works here.
pub(crate) fn run(json: bool, out: &mut impl Write) -> Outcome<bool> {
    let mut findings = System::this().findings();
    if findings
        .iter()
        .all(|finding| finding.verdict != Verdict::Bad)
    {
        findings.push(try_it());
    }
    report(&findings, json, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system made of files, removed with this.
    struct MadeUp(System);

    impl MadeUp {
        fn new(name: &str, release: &str) -> Self {
            let root =
                std::env::temp_dir().join(format!("zxvmo-doctor-{}-{name}", std::process::id()));
            fs::create_dir_all(&root).unwrap();
            Self(System {
                root,
                release: release.to_owned(),
                machine: "x86_64".to_owned(),
            })
        }

        fn with(self, path: &str, text: &str) -> Self {
            let path = self.0.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn verdicts(&self) -> Vec<(&'static str, Verdict)> {
            let findings = self.0.findings();
            findings
                .iter()
                .map(|one| (one.subject, one.verdict))
                .collect()
        }
    }

    impl Drop for MadeUp {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0.root).unwrap();
        }
    }

    #[test]
    fn versions() {
        assert_eq!(version("7.3.4+deb13-cloud-amd64"), Some((7, 3)));
        assert_eq!(version("6.12-rc1"), Some((6, 12)));
        assert_eq!(version("x"), None);
        assert!(version("6.18.0").unwrap() < OLDEST);
    }

    #[test]
    fn an_old_kernel() {
        let system = MadeUp::new("old", "6.12.1").with("/boot/config-6.12.1", "CONFIG_MODULES=y\n");
        assert_eq!(
            system.verdicts(),
            [
                ("kernel", Verdict::Bad),
                ("Rust in the kernel", Verdict::Bad),
                ("headers", Verdict::Note),
                ("module", Verdict::Bad),
                ("device", Verdict::Bad),
            ]
        );
    }

    #[test]
    fn not_loaded() {
        let system = MadeUp::new("not", "7.3.4")
            .with("/lib/modules/7.3.4/config", "CONFIG_RUST=y\n")
            .with("/lib/modules/7.3.4/build/rust/kernel.rmeta", "")
            .with(
                "/lib/modules/7.3.4/modules.dep",
                "updates/dkms/zxvmo.ko.xz:\n",
            );
        let findings = system.0.findings();
        assert!(findings[..3].iter().all(|one| one.verdict == Verdict::Good));
        assert_eq!(findings[3].found, "installed, but not loaded");
        assert_eq!(
            findings[3].advice.as_deref(),
            Some("Run \"modprobe zxvmo\" as root.")
        );
    }

    #[test]
    fn loaded_without_a_device() {
        let system = MadeUp::new("loaded", "7.9.0")
            .with("/sys/module/zxvmo/parameters/max_user_objects", "1000\n")
            .with("/sys/module/zxvmo/parameters/user_memory_percent", "50\n")
            .with("/sys/kernel/debug/zxvmo/vmos", "koid\n")
            .with("/dev/zxvmo", "");
        let verdicts = system.verdicts();
        assert!(verdicts.contains(&("kernel", Verdict::Note)));
        assert!(verdicts.contains(&("module", Verdict::Good)));
        assert!(verdicts.contains(&("device", Verdict::Bad)));
        assert!(verdicts.contains(&("lists", Verdict::Good)));
        assert!(verdicts.contains(&("limits", Verdict::Good)));
    }
}
