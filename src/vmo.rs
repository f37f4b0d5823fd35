// SPDX-License-Identifier: GPL-2.0

//! The VMO: what handles and mappings refer to (spec 0.7, 3).
//!
//! A `Vmo` is an object with an identity (koid, name, signals); its memory is its
//! [`Store`]. It lives as long as it has a *use*: a handle or a mapping. When the last use goes,
//! the VMO retires: it gives its memory back and leaves its relatives. The Rust object itself
//! stays until the inode, which owns it, and the last system call let go.
#![deny(unsafe_code)]

use crate::{
    handle::Handle,
    io,
    mapping::Mappings,
    rights::Rights,
    signals::Signals,
    status::{Status, ZxResult},
    store::Store,
    sys::{
        fs::{FileName, FsPin, Inode, InodeOwner},
        uapi, PAGE_SIZE,
    },
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc, Mutex, SpinLock,
    },
};

/// Bytes of a name, with the NUL that it always ends with.
pub(crate) const NAME_LENGTH: usize = uapi::ZX_MAX_NAME_LEN as usize;

/// Bytes of the largest VMO (spec 0.4). bindgen takes the number for a signed one.
pub(crate) const MAX_SIZE: u64 = uapi::ZX_VMO_MAX_SIZE as i64 as u64;

const _: () = assert!(MAX_SIZE == u64::MAX - (16 * PAGE_SIZE - 1));

/// Properties of a VMO that never change.
#[derive(Clone, Copy)]
struct Kind {
    resizable: bool,
    discardable: bool,
    /// Writable mappings can be pinned for long; see ZXVMO_CREATE_PINNABLE.
    pinnable: bool,
}

/// See the head of this file.
#[pin_data]
pub(crate) struct Vmo {
    koid: u64,
    kind: Kind,
    store: Arc<Store>,
    /// Handles and mappings; 0 for good once reached.
    uses: Atomic<u64>,
    handles: Atomic<u32>,
    #[pin]
    name: SpinLock<[u8; NAME_LENGTH]>,
    #[pin]
    signals: Signals,
    #[pin]
    mappings: Mappings,
    /// Gone when the VMO retires.
    #[pin]
    inode: Mutex<Option<Inode>>,
    pin: FsPin<Vmo>,
}

static NEXT_KOID: Atomic<u64> = Atomic::new(uapi::ZX_KOID_FIRST as u64);

/// The size that `size` bytes take, in whole pages; OUT_OF_RANGE if that wraps 64 bits.
pub(crate) fn round_up(size: u64) -> ZxResult<u64> {
    size.checked_next_multiple_of(PAGE_SIZE)
        .ok_or(Status::OUT_OF_RANGE)
}

impl Vmo {
    /// `zx_vmo_create`: a new VMO without any use, and the rights of its first handle. The checks
    /// are in the order of spec 3.3.
    pub(crate) fn create(size: u64, options: u32, flags: u32) -> ZxResult<(Arc<Self>, Rights)> {
        let has = |option| options & option != 0;
        let resizable = has(uapi::ZX_VMO_RESIZABLE);
        let unbounded = has(uapi::ZX_VMO_UNBOUNDED);
        if resizable && unbounded {
            return Err(Status::INVALID_ARGS);
        }
        let rounded = if unbounded { MAX_SIZE } else { round_up(size)? };
        let known = uapi::ZX_VMO_RESIZABLE | uapi::ZX_VMO_DISCARDABLE | uapi::ZX_VMO_UNBOUNDED;
        if options & !known != 0 || flags & !uapi::ZXVMO_CREATE_PINNABLE != 0 {
            return Err(Status::INVALID_ARGS);
        }
        if size > rounded || rounded > MAX_SIZE {
            return Err(Status::OUT_OF_RANGE);
        }
        let kind = Kind {
            resizable,
            discardable: has(uapi::ZX_VMO_DISCARDABLE),
            pinnable: flags & uapi::ZXVMO_CREATE_PINNABLE != 0,
        };
        let vmo = Self::new(kind, Store::new(rounded, size)?)?;
        let rights = if resizable {
            Rights::DEFAULT_VMO.with(Rights::RESIZE)
        } else {
            Rights::DEFAULT_VMO
        };
        Ok((vmo, rights))
    }

    fn new(kind: Kind, store: Arc<Store>) -> ZxResult<Arc<Self>> {
        let koid = NEXT_KOID.fetch_add(1, Relaxed);
        let size = store.size();
        let pin = FsPin::take()?;
        let vmo = Arc::pin_init(
            pin_init!(Self {
                koid,
                kind,
                store,
                uses: Atomic::new(0),
                handles: Atomic::new(0),
                name <- new_spinlock!([0; NAME_LENGTH], "zxvmo_name"),
                signals <- Signals::new(uapi::ZX_VMO_ZERO_CHILDREN),
                mappings <- Mappings::new(),
                inode <- new_mutex!(None, "zxvmo_inode"),
                pin,
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        let inode = vmo.pin.new_inode(koid, size, vmo.clone())?;
        vmo.store.set_inode(inode.clone());
        *vmo.inode.lock() = Some(inode);
        Ok(vmo)
    }

    /// The object's id.
    pub(crate) fn koid(&self) -> u64 {
        self.koid
    }

    /// Whether the object was made resizable.
    pub(crate) fn is_resizable(&self) -> bool {
        self.kind.resizable
    }

    /// Whether the object was made discardable.
    pub(crate) fn is_discardable(&self) -> bool {
        self.kind.discardable
    }

    /// Whether the object was made pinnable.
    pub(crate) fn is_pinnable(&self) -> bool {
        self.kind.pinnable
    }

    /// The memory.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The signals.
    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The mappings.
    pub(crate) fn mappings(&self) -> &Mappings {
        &self.mappings
    }

    /// The pin of the file system.
    pub(crate) fn pin(&self) -> &FsPin<Self> {
        &self.pin
    }

    /// The inode, unless the VMO has retired.
    pub(crate) fn inode(&self) -> Option<Inode> {
        self.inode.lock().clone()
    }

    /// Handles to the object, in all processes.
    pub(crate) fn handles(&self) -> u32 {
        self.handles.load(Relaxed)
    }

    /// koid of the parent, 0 for none.
    pub(crate) fn parent_koid(&self) -> u64 {
        uapi::ZX_KOID_INVALID.into()
    }

    /// The name, padded with zeros.
    pub(crate) fn name(&self) -> [u8; NAME_LENGTH] {
        *self.name.lock()
    }

    /// Sets the name to the bytes of `name` before its first NUL, at most 31 (spec 20.2).
    pub(crate) fn set_name(&self, name: &[u8]) {
        let mut new = [0; NAME_LENGTH];
        let bytes = name.iter().take_while(|&&byte| byte != 0);
        for (to, from) in new.iter_mut().take(NAME_LENGTH - 1).zip(bytes) {
            *to = *from;
        }
        *self.name.lock() = new;
    }

    /// A handle was made.
    pub(crate) fn handle_added(&self) {
        self.handles.add(1, Relaxed);
        self.use_added();
    }

    /// A handle was closed.
    pub(crate) fn handle_dropped(&self) {
        self.handles.fetch_sub(1, Relaxed);
        self.use_dropped();
    }

    /// A handle or a mapping was made, from one that exists (or for a new object).
    pub(crate) fn use_added(&self) {
        self.uses.add(1, Relaxed);
    }

    /// A handle or a mapping is gone.
    pub(crate) fn use_dropped(&self) {
        if self.uses.fetch_sub(1, Full) == 1 {
            self.retire();
        }
    }

    /// See the head of this file. Runs before the call returns that ended the last use.
    pub(crate) fn retire(&self) {
        self.mappings.retire();
        self.store.retire();
        let inode = self.inode.lock().take();
        drop(inode);
    }

    /// `zx_vmo_set_size` on a handle with `rights` (spec 5.2).
    pub(crate) fn set_size(&self, rights: Rights, size: u64) -> ZxResult {
        rights.require(Rights::WRITE)?;
        if self.is_resizable() {
            rights.require(Rights::RESIZE)?;
        }
        let rounded = round_up(size)?;
        if !self.is_resizable() {
            return Err(Status::UNAVAILABLE);
        }
        if rounded > MAX_SIZE {
            return Err(Status::OUT_OF_RANGE);
        }
        self.store.set_size(size, rounded)
    }

    /// `zx_vmo_set_stream_size` on a handle with `rights` (spec 6).
    pub(crate) fn set_stream_size(&self, rights: Rights, size: u64) -> ZxResult {
        rights.require(Rights::WRITE)?;
        self.store.set_stream_size(size)
    }
}

impl InodeOwner for Vmo {
    type Handle = Handle;

    fn file_name(&self, name: &mut FileName) {
        use kernel::fmt::Write as _;

        let _ = write!(name, "/zxvmo:{}", self.koid);
        let given = self.name();
        if given[0] != 0 {
            name.push(b":");
            name.push(given.split(|&byte| byte == 0).next().unwrap_or(&[]));
        }
    }

    fn used_bytes(&self) -> u64 {
        self.store.read_lock().pages.len() * PAGE_SIZE
    }

    fn truncate(handle: &Handle, size: u64) -> Result {
        io::truncate(handle, size)
    }
}
