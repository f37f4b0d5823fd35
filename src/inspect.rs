// SPDX-License-Identifier: GPL-2.0

//! What people look at: the lines of `/proc/PID/fdinfo/N`, and the files below
//! `/sys/kernel/debug/zxvmo`, `vmos` and `tree`, which list every VMO.
//!
//! There is no list of VMOs for this: the kernel keeps one of a file system's inodes, and each VMO
//! has one. To open a file is to take references to what is there; its lines are made as
//! they are read, from what `ZX_INFO_VMO` would tell then, and leave out what has gone. So a reader
//! holds a lock for a step of the walk, or as long as one such call, and locks in no other order
//! than that does. A VMO whose last use ends meanwhile gives its memory back as ever; the object is
//! dropped with the file, which keeps the file system for it.
#![deny(unsafe_code)]

use crate::{
    info,
    object::Object,
    rights::Rights,
    stream::Stream,
    sys::{
        self,
        debugfs::{Directory, Listing},
        fs::FsPin,
        uapi,
    },
    vmo::{Vmo, NAME_LENGTH},
};
use kernel::{prelude::*, seq_file::SeqFile, seq_print, sync::Arc};

/// A name as it is printed: what is not an ASCII graph or a space, and the backslash, as a
/// backslash and three octal digits. So a name has no line, column or colour of its own.
struct Escaped {
    bytes: [u8; 4 * NAME_LENGTH],
    length: usize,
}

impl Escaped {
    fn new(name: [u8; NAME_LENGTH]) -> Self {
        let mut escaped = Self {
            bytes: [0; 4 * NAME_LENGTH],
            length: 0,
        };
        for byte in name.into_iter().take_while(|&byte| byte != 0) {
            if byte != b'\\' && (byte.is_ascii_graphic() || byte == b' ') {
                escaped.push(byte);
            } else {
                escaped.push(b'\\');
                escaped.push(b'0' + (byte >> 6));
                escaped.push(b'0' + (byte >> 3 & 7));
                escaped.push(b'0' + (byte & 7));
            }
        }
        escaped
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// How a VMO came to be, in one word.
fn kind_of(vmo: &Vmo) -> &'static str {
    if vmo.window().is_some() {
        "slice"
    } else if !vmo.has_own_store() {
        "reference"
    } else if vmo.kind().snapshot {
        "snapshot"
    } else {
        "original"
    }
}

/// Prints what a VMO was made with, with commas in between, or a dash.
fn show_options(vmo: &Vmo, out: &SeqFile) {
    let kind = vmo.kind();
    let mut before = "";
    for (set, option) in [
        (kind.resizable, "resizable"),
        (kind.discardable, "discardable"),
        (kind.immutable, "immutable"),
        (kind.pinnable, "pinnable"),
    ] {
        if set {
            seq_print!(out, "{}{}", before, option);
            before = ",";
        }
    }
    if before.is_empty() {
        seq_print!(out, "-");
    }
}

/// The lines of `/proc/PID/fdinfo/N` for a handle with `rights`.
pub(crate) fn show_handle(object: &Object, rights: Rights, out: &SeqFile) {
    seq_print!(out, "zxvmo-koid:\t{}\n", object.koid());
    seq_print!(out, "zxvmo-type:\t{}\n", object.kind());
    seq_print!(out, "zxvmo-rights:\t{:#x}\n", rights.raw());
    seq_print!(out, "zxvmo-handles:\t{}\n", object.handles());
    match object {
        Object::Vmo(vmo) => show_vmo(vmo, rights, out),
        Object::Stream(stream) => show_stream(stream, out),
        Object::EventPair(_) => seq_print!(out, "zxvmo-peer:\t{}\n", object.related_koid()),
        Object::Event(_) | Object::Port(_) => (),
    }
}

fn show_vmo(vmo: &Vmo, rights: Rights, out: &SeqFile) {
    seq_print!(out, "zxvmo-name:\t{}\n", Escaped::new(vmo.name()).as_str());
    seq_print!(out, "zxvmo-kind:\t{}\n", kind_of(vmo));
    seq_print!(out, "zxvmo-options:\t");
    show_options(vmo, out);
    seq_print!(out, "\nzxvmo-size:\t{}\n", vmo.size());
    seq_print!(out, "zxvmo-content:\t{}\n", vmo.stream_size());
    // What is left takes memory to find out.
    let Ok(record) = info::vmo_record(vmo, rights) else {
        return;
    };
    seq_print!(out, "zxvmo-parent:\t{}\n", record.parent_koid);
    seq_print!(out, "zxvmo-children:\t{}\n", record.num_children);
    seq_print!(out, "zxvmo-mappings:\t{}\n", record.num_mappings);
    seq_print!(out, "zxvmo-spaces:\t{}\n", record.share_count);
    seq_print!(out, "zxvmo-committed:\t{}\n", record.committed_bytes);
    seq_print!(out, "zxvmo-private:\t{}\n", record.committed_private_bytes);
    seq_print!(out, "zxvmo-scaled:\t{}\n", record.committed_scaled_bytes);
    seq_print!(
        out,
        "zxvmo-owner:\t{}\n",
        vmo.creator().into_uid_in_current_ns()
    );
    seq_print!(out, "zxvmo-cache:\t{}\n", record.cache_policy);
}

fn show_stream(stream: &Stream, out: &SeqFile) {
    seq_print!(out, "zxvmo-vmo:\t{}\n", stream.vmo().koid());
    seq_print!(out, "zxvmo-mode:\t{:#x}\n", stream.mode());
    seq_print!(out, "zxvmo-position:\t{}\n", stream.position());
}

/// Makes `/sys/kernel/debug/zxvmo`.
pub(crate) fn directory() -> Directory {
    Directory::new(c"zxvmo")
        .with::<Table>(c"vmos")
        .with::<Tree>(c"tree")
}

/// Sorts `items` by their keys: a heapsort. (Of the one in `core`, which is faster, the kernel's
/// build takes a function that never returns for one that runs into the next.)
fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    let sift = |items: &mut [T], mut at: usize, end: usize| loop {
        let mut child = 2 * at + 1;
        if child + 1 < end && key(&items[child]) < key(&items[child + 1]) {
            child += 1;
        }
        if child >= end || key(&items[at]) >= key(&items[child]) {
            return;
        }
        items.swap(at, child);
        at = child;
    };
    let length = items.len();
    for at in (0..length / 2).rev() {
        sift(items, at, length);
    }
    for end in (1..length).rev() {
        items.swap(0, end);
        sift(items, 0, end);
    }
}

/// All VMOs in the order of their ids, that is by age.
fn collect(pin: &FsPin<Vmo>) -> Result<KVVec<Arc<Vmo>>> {
    let mut vmos = KVVec::new();
    pin.for_each_owner(|vmo| {
        if sys::killed() {
            return Err(EINTR);
        }
        Ok(vmos.push(vmo, GFP_KERNEL)?)
    })?;
    sort_by_key(&mut vmos, |vmo| vmo.koid());
    Ok(vmos)
}

/// Whether somebody uses the VMO: it is not about to be, and not gone.
fn is_there(vmo: &Vmo) -> bool {
    vmo.inode().is_some()
}

fn record_of(vmo: &Vmo) -> Result<uapi::zxvmo_info_vmo> {
    // There is no handle, so nothing to tell of its rights.
    info::vmo_record(vmo, Rights::from_raw(0))
        .map_err(|_| if sys::killed() { EINTR } else { ENOMEM })
}

/// `vmos`: a line for each VMO, columns with tabs in between and their names first.
struct Table {
    vmos: KVVec<Arc<Vmo>>,
    /// Dropped after the VMOs.
    _pin: FsPin<Vmo>,
}

impl Listing for Table {
    fn open() -> Result<Self> {
        let pin = FsPin::take()?;
        let vmos = collect(&pin)?;
        Ok(Self { vmos, _pin: pin })
    }

    fn head(&self, out: &SeqFile) {
        seq_print!(
            out,
            "koid\tparent\tkind\toptions\tsize\tcontent\tcommitted\tprivate\tshared\tscaled\t"
        );
        seq_print!(
            out,
            "children\tmappings\tspaces\thandles\towner\tcache\tname\n"
        );
    }

    fn length(&self) -> usize {
        self.vmos.len()
    }

    fn show(&self, index: usize, out: &SeqFile) -> Result {
        let Some(vmo) = self.vmos.get(index).filter(|vmo| is_there(vmo)) else {
            return Ok(());
        };
        let record = record_of(vmo)?;
        seq_print!(
            out,
            "{}\t{}\t{}\t",
            record.koid,
            record.parent_koid,
            kind_of(vmo)
        );
        show_options(vmo, out);
        seq_print!(out, "\t{}\t{}", record.size_bytes, vmo.stream_size());
        let (committed, private) = (record.committed_bytes, record.committed_private_bytes);
        seq_print!(out, "\t{}\t{}\t{}", committed, private, committed - private);
        seq_print!(out, "\t{}", record.committed_scaled_bytes);
        seq_print!(out, "\t{}\t{}", record.num_children, record.num_mappings);
        seq_print!(out, "\t{}\t{}", record.share_count, vmo.handles());
        seq_print!(out, "\t{}", vmo.creator().into_uid_in_current_ns());
        let name = Escaped::new(vmo.name());
        seq_print!(out, "\t{}\t{}\n", record.cache_policy, name.as_str());
        Ok(())
    }
}

/// Generations that are indented: what somebody makes a chain of must not make long lines.
const INDENTED: usize = 32;

/// A VMO in the tree.
struct Node {
    vmo: Arc<Vmo>,
    /// 0 for none that is listed.
    parent: u64,
    depth: usize,
}

/// `tree`: the same for people, each VMO below its parent and further to the right.
struct Tree {
    nodes: KVVec<Node>,
    /// Indices of the nodes, in the order of the lines.
    lines: KVVec<usize>,
    /// Dropped after the VMOs.
    _pin: FsPin<Vmo>,
}

impl Tree {
    /// The children of `parent` in `by_parent`, which lists nodes by parent, then by age.
    fn children<'a>(nodes: &[Node], by_parent: &'a [usize], parent: u64) -> &'a [usize] {
        let parent_of = |index: usize| nodes.get(index).map_or(0, |node| node.parent);
        let from = by_parent.partition_point(|&index| parent_of(index) < parent);
        let rest = by_parent.get(from..).unwrap_or_default();
        let count = rest.partition_point(|&index| parent_of(index) == parent);
        rest.get(..count).unwrap_or_default()
    }
}

impl Listing for Tree {
    fn open() -> Result<Self> {
        let pin = FsPin::take()?;
        let vmos = collect(&pin)?;
        let count = vmos.len();
        let mut nodes = KVVec::with_capacity(count, GFP_KERNEL)?;
        let mut by_parent = KVVec::with_capacity(count, GFP_KERNEL)?;
        for vmo in &vmos {
            let parent = vmo.parent_koid();
            // One that came or went while the others were asked is not there to be found.
            let listed = vmos.binary_search_by_key(&parent, |vmo| vmo.koid()).is_ok();
            by_parent.push(nodes.len(), GFP_KERNEL)?;
            nodes.push(
                Node {
                    vmo: vmo.clone(),
                    // A parent is older than its children, so there are no circles.
                    parent: if listed && parent < vmo.koid() {
                        parent
                    } else {
                        0
                    },
                    depth: 0,
                },
                GFP_KERNEL,
            )?;
        }
        sort_by_key(&mut by_parent, |&index: &usize| {
            let parent = nodes.get(index).map_or(0, |node: &Node| node.parent);
            (parent, index)
        });
        let mut lines = KVVec::with_capacity(count, GFP_KERNEL)?;
        let mut next = KVVec::with_capacity(count, GFP_KERNEL)?;
        for &index in Self::children(&nodes, &by_parent, 0).iter().rev() {
            next.push((index, 0), GFP_KERNEL)?;
        }
        while let Some((index, depth)) = next.pop() {
            lines.push(index, GFP_KERNEL)?;
            let Some(node) = nodes.get_mut(index) else {
                continue;
            };
            node.depth = depth;
            let koid = node.vmo.koid();
            for &child in Self::children(&nodes, &by_parent, koid).iter().rev() {
                next.push((child, depth + 1), GFP_KERNEL)?;
            }
        }
        Ok(Self {
            nodes,
            lines,
            _pin: pin,
        })
    }

    fn head(&self, _out: &SeqFile) {}

    fn length(&self) -> usize {
        self.lines.len()
    }

    fn show(&self, index: usize, out: &SeqFile) -> Result {
        let node = self.lines.get(index).and_then(|&at| self.nodes.get(at));
        let Some(node) = node.filter(|node| is_there(&node.vmo)) else {
            return Ok(());
        };
        let record = record_of(&node.vmo)?;
        for _ in 0..node.depth.min(INDENTED) {
            seq_print!(out, "  ");
        }
        if node.depth > INDENTED {
            seq_print!(out, "({}) ", node.depth);
        }
        seq_print!(out, "{} {} ", record.koid, kind_of(&node.vmo));
        show_options(&node.vmo, out);
        let kib = |bytes: u64| bytes.div_ceil(1024);
        seq_print!(out, " size={}K", kib(record.size_bytes));
        seq_print!(out, " committed={}K", kib(record.committed_bytes));
        seq_print!(out, " private={}K", kib(record.committed_private_bytes));
        seq_print!(out, " mappings={}", record.num_mappings);
        seq_print!(out, " handles={}", node.vmo.handles());
        seq_print!(out, " \"{}\"\n", Escaped::new(node.vmo.name()).as_str());
        Ok(())
    }
}
