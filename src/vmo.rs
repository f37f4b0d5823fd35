// SPDX-License-Identifier: GPL-2.0

//! The VMO: what handles and mappings refer to (spec 0.7, 3).
//!
//! A `Vmo` is an object with an identity (koid, name, signals); its memory is its
//! [`Store`]. It lives as long as it has a [`Use`]. When the last one goes, the VMO retires: it
//! gives its memory back and leaves its relatives. The Rust object itself stays until the inode,
//! which owns it, and the last system call let go. What an inode owns must not hold the file
//! system ([`FsPin`]): that is for files.
#![deny(unsafe_code)]

use crate::{
    extent::{Extent, Window},
    family::{self, Family},
    handle::Handle,
    io,
    mapping::Mappings,
    object,
    rights::Rights,
    signals::Signals,
    status::{Status, ZxResult},
    store::Store,
    sys::{
        fs::{FileName, FsPin, Inode, InodeOwner},
        trace, uapi, PAGE_SIZE,
    },
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc, Mutex, SpinLock,
    },
    task::Kuid,
};

/// Bytes of a name, with the NUL that it always ends with.
pub(crate) const NAME_LENGTH: usize = uapi::ZX_MAX_NAME_LEN as usize;

/// Bytes of the largest VMO (spec 0.4). bindgen takes the number for a signed one.
pub(crate) const MAX_SIZE: u64 = uapi::ZX_VMO_MAX_SIZE as i64 as u64;

const _: () = assert!(MAX_SIZE == u64::MAX - (16 * PAGE_SIZE - 1));

/// Properties of a VMO that never change.
#[derive(Clone, Copy, Default)]
pub(crate) struct Kind {
    /// The size can be changed.
    pub(crate) resizable: bool,
    /// See spec 3.7.
    pub(crate) discardable: bool,
    /// Writable mappings can be pinned for long; see ZXVMO_CREATE_PINNABLE.
    pub(crate) pinnable: bool,
    /// Made as a snapshot of its parent.
    pub(crate) snapshot: bool,
    /// Made as a snapshot that cannot be written.
    pub(crate) immutable: bool,
}

/// Where a VMO stands among its relatives. Changes only with the family's lock held, too.
pub(crate) struct Links {
    /// The relatives; made with the first child.
    pub(crate) family: Option<Arc<Family>>,
    /// The [brood](crate::brood) that tells of the parent, if there ever was one.
    pub(crate) born_into: Option<u64>,
    /// That of the children, if there ever was one.
    pub(crate) brood: Option<u64>,
    /// Whether the VMO has retired, so that it can have no more children.
    pub(crate) retired: bool,
}

/// See the head of this file.
#[pin_data]
pub(crate) struct Vmo {
    koid: u64,
    kind: Kind,
    /// Who made the object.
    creator: Kuid,
    store: Arc<Store>,
    /// For a slice.
    window: Option<Window>,
    /// Instances of [`Use`]; 0 for good once reached.
    uses: Atomic<u64>,
    handles: Atomic<u32>,
    #[pin]
    name: SpinLock<[u8; NAME_LENGTH]>,
    #[pin]
    signals: Signals,
    #[pin]
    mappings: Mappings,
    /// Direct children.
    children: Atomic<u64>,
    #[pin]
    links: Mutex<Links>,
    /// Gone when the VMO retires.
    #[pin]
    inode: Mutex<Option<Inode>>,
    /// For slices and references: whose mappings theirs are.
    root_inode: Option<Inode>,
}

/// A use of a VMO, which keeps the object in existence: each handle, each view file (hence each
/// mapping), each stream and each call that makes one of these has one.
pub(crate) struct Use(Option<Arc<Vmo>>);

impl Use {
    /// The VMO. There is one until the use is handed over.
    pub(crate) fn vmo(&self) -> ZxResult<&Arc<Vmo>> {
        self.0.as_ref().ok_or(Status::BAD_HANDLE)
    }

    /// Hands the use over to a handle, which gives it up by [`Vmo::handle_dropped`].
    pub(crate) fn into_handle(mut self) -> ZxResult<Arc<Vmo>> {
        let vmo = self.0.take().ok_or(Status::BAD_HANDLE)?;
        vmo.handles.add(1, Relaxed);
        Ok(vmo)
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(vmo) = &self.0 {
            vmo.use_dropped();
        }
    }
}

/// The size that `size` bytes take, in whole pages; OUT_OF_RANGE if that wraps 64 bits.
pub(crate) fn round_up(size: u64) -> ZxResult<u64> {
    size.checked_next_multiple_of(PAGE_SIZE)
        .ok_or(Status::OUT_OF_RANGE)
}

impl Vmo {
    /// `zx_vmo_create`: a new VMO, and the rights of its first handle. The checks are in the order
    /// of spec 3.3.
    pub(crate) fn create(
        pin: &FsPin<Self>,
        size: u64,
        options: u32,
        flags: u32,
    ) -> ZxResult<(Use, Rights)> {
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
            ..Kind::default()
        };
        let store = Store::new(rounded, size, kind.discardable)?;
        let vmo = Self::with_store(pin, kind, store, None)?;
        let new = vmo.vmo()?;
        trace::create(|| (new.koid, new.store.id(), new.size(), options));
        let rights = if resizable {
            Rights::DEFAULT_VMO.with(Rights::RESIZE)
        } else {
            Rights::DEFAULT_VMO
        };
        Ok((vmo, rights))
    }

    /// A VMO over `store`, or over a part of it. If the store has an inode
    /// already, somebody else made it, and this VMO is one more user.
    pub(crate) fn with_store(
        pin: &FsPin<Self>,
        kind: Kind,
        store: Arc<Store>,
        window: Option<Window>,
    ) -> ZxResult<Use> {
        let koid = object::new_koid();
        let root_inode = store.inode();
        let vmo = Arc::pin_init(
            pin_init!(Self {
                koid,
                kind,
                creator: Kuid::current_euid(),
                store,
                window,
                uses: Atomic::new(1),
                handles: Atomic::new(0),
                name <- new_spinlock!([0; NAME_LENGTH], "zxvmo_name"),
                signals <- Signals::new(uapi::ZX_VMO_ZERO_CHILDREN),
                mappings <- Mappings::new(),
                children: Atomic::new(0),
                links <- new_mutex!(
                    Links { family: None, born_into: None, brood: None, retired: false },
                    "zxvmo_links"
                ),
                inode <- new_mutex!(None, "zxvmo_inode"),
                root_inode,
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        let inode = pin.new_inode(koid, vmo.size(), vmo.root_inode.as_ref(), vmo.clone())?;
        if vmo.root_inode.is_none() {
            vmo.store.set_inode(inode.clone());
        } else {
            vmo.store.user_added();
        }
        *vmo.inode.lock() = Some(inode);
        Ok(Use(Some(vmo)))
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

    /// Whether the memory is the object's own: not so for slices and references.
    pub(crate) fn has_own_store(&self) -> bool {
        self.root_inode.is_none()
    }

    /// The fixed properties.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The user who made the object.
    pub(crate) fn creator(&self) -> Kuid {
        self.creator
    }

    /// The memory.
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The part of the memory that this is, for a slice.
    pub(crate) fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// Where the object's first byte is in the store.
    pub(crate) fn begin(&self) -> u64 {
        self.window.as_ref().map_or(0, |window| window.begin)
    }

    /// One past the last byte of the store that the object can reach. Not to be taken for the
    /// size: a store may end before.
    pub(crate) fn reach(&self) -> u64 {
        self.window.as_ref().map_or(u64::MAX, Window::end)
    }

    /// Bytes, a multiple of the page size.
    pub(crate) fn size(&self) -> u64 {
        self.window
            .as_ref()
            .map_or_else(|| self.store.size(), |window| window.size)
    }

    /// The bytes of the store that the object is, and how many of them are content.
    pub(crate) fn extent(&self) -> Extent<'_> {
        Extent {
            store: &self.store,
            begin: self.begin(),
            reach: self.reach(),
            stream_size: match &self.window {
                Some(window) => &window.stream_size,
                None => self.store.stream_size(),
            },
        }
    }

    /// The stream (content) size in bytes.
    pub(crate) fn stream_size(&self) -> u64 {
        self.extent().stream_size.get()
    }

    /// Where the object stands among its relatives.
    pub(crate) fn links(&self) -> &Mutex<Links> {
        &self.links
    }

    /// Direct children.
    pub(crate) fn children(&self) -> u64 {
        self.children.load(Relaxed)
    }

    /// Changes the number of children, and ZERO_CHILDREN with it (spec 22). The family's lock is
    /// held.
    pub(crate) fn set_children(&self, children: u64) {
        self.children.store(children, Relaxed);
        if children == 0 {
            self.signals.change(0, uapi::ZX_VMO_ZERO_CHILDREN);
        } else {
            self.signals.change(uapi::ZX_VMO_ZERO_CHILDREN, 0);
        }
    }

    /// The signals.
    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The mappings.
    pub(crate) fn mappings(&self) -> &Mappings {
        &self.mappings
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
        let family = self.links.lock().family.clone();
        family.map_or(0, |family| family.parent_koid(self))
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

    /// A use of the object; BAD_HANDLE if the last one is gone already.
    pub(crate) fn try_use(self: &Arc<Self>) -> ZxResult<Use> {
        let mut uses = self.uses.load(Relaxed);
        while uses != 0 {
            match self.uses.cmpxchg(uses, uses + 1, Relaxed) {
                Ok(_) => return Ok(Use(Some(self.clone()))),
                Err(now) => uses = now,
            }
        }
        Err(Status::BAD_HANDLE)
    }

    /// A handle was closed.
    pub(crate) fn handle_dropped(&self) {
        self.handles.fetch_sub(1, Relaxed);
        self.use_dropped();
    }

    fn use_dropped(&self) {
        if self.uses.fetch_sub(1, Full) == 1 {
            self.retire();
        }
    }

    /// See the head of this file. Runs before the call returns that ended the last use.
    fn retire(&self) {
        trace::destroy(|| (self.koid,));
        family::leave(self);
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
        self.store.set_stream_size(&self.extent(), size)
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

    fn size(&self) -> u64 {
        Self::size(self)
    }

    fn used_bytes(&self) -> u64 {
        // Slices and references use the memory of somebody else.
        match self.root_inode {
            None => self.store.read_lock_settled().pages().len() * PAGE_SIZE,
            Some(_) => 0,
        }
    }

    fn truncate(handle: &Handle, size: u64) -> Result {
        io::truncate(handle, size)
    }
}
