// SPDX-License-Identifier: GPL-2.0

//! The module's pseudo file system and its inodes.
//!
//! A file descriptor needs a file, a file an inode, and an inode a file system. This one cannot
//! be mounted and has no directory. An inode carries an owner of type `T: InodeOwner`, which
//! lives at least as long as the inode.
//!
//! `inode->i_fop` stays what `new_inode()` set: opening `/proc/PID/fd/N` calls it and gets ENXIO.
//! Setting it would hand out new files with rights that nobody granted.

use super::{c, file::File};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr::{null_mut, NonNull},
};
use kernel::{
    bindings,
    error::{from_err_ptr, to_result},
    ffi::{c_char, c_int, c_ulong},
    prelude::*,
    str::as_char_ptr_in_const_context,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc, ArcBorrow,
    },
};

/// What an inode stands for.
pub(crate) trait InodeOwner: Send + Sync + Sized + 'static {
    /// What open files of the inode carry; see [`File::data`].
    type Handle: super::file_ops::FileOps;

    /// The name shown in `/proc/PID/maps`, `/proc/PID/fd` and the like, at most `NAME_MAX` bytes.
    fn file_name(&self, name: &mut FileName);

    /// Bytes, as stat(2) shows them.
    fn size(&self) -> u64;

    /// Bytes of memory in use.
    fn used_bytes(&self) -> u64;

    /// ftruncate(2) through `handle`.
    fn truncate(handle: &Self::Handle, size: u64) -> Result;
}

/// A name under construction.
pub(crate) struct FileName {
    bytes: [u8; 96],
    length: usize,
}

impl kernel::fmt::Write for FileName {
    fn write_str(&mut self, text: &str) -> kernel::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl FileName {
    /// Appends bytes, as many as fit. Control characters become `?`.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.length + 1 < self.bytes.len() {
                self.bytes[self.length] = if byte.is_ascii_control() { b'?' } else { byte };
                self.length += 1;
            }
        }
    }
}

#[repr(transparent)]
struct Static<T>(UnsafeCell<T>);

// SAFETY: Used for structures of the kernel that have their own synchronisation.
unsafe impl<T> Sync for Static<T> {}

static FS_TYPE: Static<bindings::file_system_type> =
    Static(UnsafeCell::new(bindings::file_system_type {
        name: as_char_ptr_in_const_context(c"zxvmo"),
        owner: &raw mut c::__this_module,
        init_fs_context: Some(init_fs_context),
        kill_sb: Some(c::kill_anon_super),
        ..pin_init::zeroed()
    }));
static MOUNT: Static<*mut bindings::vfsmount> = Static(UnsafeCell::new(null_mut()));
static PINS: Static<c_int> = Static(UnsafeCell::new(0));

/// What the file system's tables call; set once, before the first pin.
static TABLES: Atomic<*mut Tables> = Atomic::new(null_mut());

struct Tables {
    super_operations: bindings::super_operations,
    dentry_operations: bindings::dentry_operations,
}

/// `file_system_type::init_fs_context`.
///
/// # Safety
///
/// Called by the kernel only, with valid arguments and an inode of this file system.
unsafe extern "C" fn init_fs_context(context: *mut bindings::fs_context) -> c_int {
    let tables = TABLES.load(Relaxed);
    // SAFETY: `Pin::take` has set the tables, which are static.
    unsafe {
        c::zx_pseudo_fs_init(
            context,
            &(*tables).super_operations,
            &(*tables).dentry_operations,
        )
    }
}

/// Keeps the file system mounted, and with it the module loaded: every inode's owner holds one.
///
/// # Invariants
///
/// Owns one pin of `MOUNT`.
pub(crate) struct FsPin<T: InodeOwner>(PhantomData<fn(T)>);

impl<T: InodeOwner> FsPin<T> {
    /// Pins the file system, mounting it if need be. `ENFILE` if there are so many handles and
    /// views already, a billion, that the kernel's counters of them might overflow.
    pub(crate) fn take() -> Result<Self> {
        // SAFETY: Always valid for reads; which value is seen of those that it takes meanwhile
        // does not matter.
        if unsafe { PINS.0.get().read_volatile() } > 1 << 30 {
            return Err(ENFILE);
        }
        TABLES.store(
            core::ptr::from_ref(&InodeTables::<T>::TABLES).cast_mut(),
            Relaxed,
        );
        // SAFETY: The three are static and touched by these two functions only, which lock.
        to_result(unsafe { c::simple_pin_fs(FS_TYPE.0.get(), MOUNT.0.get(), PINS.0.get()) })?;
        Ok(Self(PhantomData))
    }

    /// Makes an inode that `owner` stands behind. Mappings of it belong to `root`, if that is
    /// given, as if they were of that inode; the owner must keep `root` as long as it lives.
    pub(crate) fn new_inode(
        &self,
        number: u64,
        size: u64,
        root: Option<&Inode>,
        owner: Arc<T>,
    ) -> Result<Inode> {
        // SAFETY: The pin keeps the mount, hence its super block.
        let inode = unsafe { c::new_inode((**MOUNT.0.get()).mnt_sb) };
        let inode = NonNull::new(inode).ok_or(ENOMEM)?;
        // SAFETY: The inode is new and ours. It takes over the reference to `owner`, which
        // `evict_inode` gives back.
        unsafe {
            c::zx_inode_init(
                inode.as_ptr(),
                number,
                &InodeTables::<T>::INODE,
                Arc::into_raw(owner).cast_mut().cast(),
            );
            if let Some(root) = root {
                (*inode.as_ptr()).i_mapping = (*root.0.as_ptr()).i_mapping;
            }
            c::zx_inode_set_size(inode.as_ptr(), size);
        }
        // INVARIANT: `new_inode` returned a reference.
        Ok(Inode(inode))
    }

    /// Hands `each` the owners of all inodes that were made before, newest first, until it fails.
    /// No lock is held meanwhile, and each may be dropped there, too.
    pub(crate) fn for_each_owner(&self, mut each: impl FnMut(Arc<T>) -> Result) -> Result {
        let mut before: Option<Inode> = None;
        loop {
            let after = before.as_ref().map_or(null_mut(), |inode| inode.0.as_ptr());
            // SAFETY: The pin keeps the mount, hence its super block; `after` is one of its inodes.
            let next = unsafe { c::zx_inode_before((**MOUNT.0.get()).mnt_sb, after) };
            let Some(next) = NonNull::new(next) else {
                return Ok(());
            };
            // INVARIANT: `zx_inode_before` returned a reference.
            before = Some(Inode(next));
            // SAFETY: The reference keeps the inode; what it stores is null or an owner's `Arc`,
            // for as long as it lives.
            let owner = unsafe { c::zx_inode_owner(next.as_ptr()) }.cast::<T>();
            if let Some(owner) = NonNull::new(owner) {
                // SAFETY: As above.
                each(unsafe { ArcBorrow::from_raw(owner.as_ptr()) }.into())?;
            }
        }
    }

    /// Makes a file of `inode`, with `flags` of open(2); `private_data` is left null.
    pub(super) fn new_file(
        &self,
        inode: &Inode,
        flags: c_int,
        operations: &'static bindings::file_operations,
    ) -> Result<NonNull<bindings::file>> {
        let inode = inode.clone();
        // SAFETY: The pin keeps the mount; the name is copied (and never shown: `d_dname` is).
        let file = from_err_ptr(unsafe {
            c::alloc_file_pseudo(
                inode.0.as_ptr(),
                *MOUNT.0.get(),
                c"".as_char_ptr(),
                flags,
                operations,
            )
        })?;
        // The file has taken over the reference to the inode.
        core::mem::forget(inode);
        // SAFETY: The caller runs in the module, so the module has a reference to add to. The
        // release of the file gives this one back.
        unsafe { c::__module_get(&raw mut c::__this_module) };
        NonNull::new(file).ok_or(ENOMEM)
    }
}

impl<T: InodeOwner> Drop for FsPin<T> {
    fn drop(&mut self) {
        // SAFETY: Gives back what `take` took.
        unsafe { c::simple_release_fs(MOUNT.0.get(), PINS.0.get()) };
    }
}

/// A counted reference to an inode.
///
/// # Invariants
///
/// Owns one reference to an inode that `FsPin::new_inode` made.
pub(crate) struct Inode(NonNull<bindings::inode>);

// SAFETY: Inodes are not tied to a thread.
unsafe impl Send for Inode {}
// SAFETY: What is done through `&Inode` locks by itself.
unsafe impl Sync for Inode {}

impl Inode {
    /// Sets the size that the core sees in some calls (copy_file_range(2), FIONREAD). Callers must
    /// not race with each other.
    pub(crate) fn set_size(&self, size: u64) {
        // SAFETY: Valid by the type invariants.
        unsafe { c::zx_inode_set_size(self.0.as_ptr(), size) };
    }

    /// Removes every page-table entry, in all address spaces, that shows one of `count` pages
    /// from page `first` on. Anonymous copies in private mappings stay.
    pub(crate) fn unmap(&self, first: u64, count: u64) {
        // SAFETY: Valid by the type invariants.
        unsafe {
            c::unmap_mapping_pages(
                (*self.0.as_ptr()).i_mapping,
                first as c_ulong,
                count as c_ulong,
                false,
            );
        }
    }
}

impl Clone for Inode {
    fn clone(&self) -> Self {
        // SAFETY: We own a reference, so there is one to add to.
        unsafe { c::ihold(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for Inode {
    fn drop(&mut self) {
        // SAFETY: Gives up the reference that we own.
        unsafe { c::iput(self.0.as_ptr()) };
    }
}

struct InodeTables<T>(PhantomData<T>);

impl<T: InodeOwner> InodeTables<T> {
    const INODE: bindings::inode_operations = bindings::inode_operations {
        setattr: Some(Self::setattr),
        getattr: Some(Self::getattr),
        ..pin_init::zeroed()
    };
    const TABLES: Tables = Tables {
        super_operations: bindings::super_operations {
            drop_inode: Some(c::inode_just_drop),
            evict_inode: Some(Self::evict_inode),
            statfs: Some(c::simple_statfs),
            ..pin_init::zeroed()
        },
        dentry_operations: bindings::dentry_operations {
            d_dname: Some(Self::d_dname),
            ..pin_init::zeroed()
        },
    };

    /// # Safety
    ///
    /// `inode` must be live. The root of the file system has no owner.
    unsafe fn owner<'a>(inode: *const bindings::inode) -> Option<&'a T> {
        // SAFETY: `i_private` is null or what `new_inode` stored.
        unsafe { (*inode).i_private.cast::<T>().as_ref() }
    }

    /// `super_operations::evict_inode`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and an inode of this file system.
    unsafe extern "C" fn evict_inode(inode: *mut bindings::inode) {
        // SAFETY: Called once for an inode that nobody can reach any more.
        unsafe {
            c::zx_inode_evict(inode);
            let owner = core::mem::replace(&mut (*inode).i_private, null_mut());
            if !owner.is_null() {
                drop(Arc::from_raw(owner.cast::<T>()));
            }
        }
    }

    /// `dentry_operations::d_dname`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and an inode of this file system.
    unsafe extern "C" fn d_dname(
        dentry: *mut bindings::dentry,
        buffer: *mut c_char,
        length: c_int,
    ) -> *mut c_char {
        let mut name = FileName {
            bytes: [0; 96],
            length: 0,
        };
        // SAFETY: The kernel holds the dentry, hence its inode.
        if let Some(owner) = unsafe { Self::owner(c::zx_dentry_inode(dentry)) } {
            owner.file_name(&mut name);
        }
        let needed = name.length + 1;
        let Some(start) = (length as usize).checked_sub(needed) else {
            return super::error(super::errno::ENAMETOOLONG).to_ptr();
        };
        // SAFETY: `buffer` has `length` bytes; the name goes to its end, with the NUL that
        // `FileName` always has room for.
        unsafe {
            let at = buffer.cast::<u8>().add(start);
            core::ptr::copy_nonoverlapping(name.bytes.as_ptr(), at, needed);
            at.cast()
        }
    }

    /// `inode_operations::getattr`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and an inode of this file system.
    unsafe extern "C" fn getattr(
        idmap: *mut bindings::mnt_idmap,
        path: *const bindings::path,
        stat: *mut bindings::kstat,
        request: u32,
        _flags: u32,
    ) -> c_int {
        // SAFETY: The kernel holds the path and passes valid pointers.
        unsafe {
            let owner = Self::owner(c::zx_dentry_inode((*path).dentry));
            let (size, used) = owner.map_or((0, 0), |owner| (owner.size(), owner.used_bytes()));
            c::zx_getattr(idmap, path, stat, request, size, used / 512)
        }
    }

    /// `inode_operations::setattr`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and an inode of this file system.
    unsafe extern "C" fn setattr(
        idmap: *mut bindings::mnt_idmap,
        dentry: *mut bindings::dentry,
        attributes: *mut bindings::iattr,
    ) -> c_int {
        // SAFETY: The kernel passes valid pointers; `ia_file` is set if ATTR_FILE is.
        let result = unsafe {
            let valid = (*attributes).ia_valid;
            if valid & c::ZX_C_ATTR_SIZE == 0 || valid & c::ZX_C_ATTR_FILE == 0 {
                // Owner, mode and times mean nothing here: rights are in the handle.
                Err(EPERM)
            } else {
                to_result(c::setattr_prepare(idmap, dentry, attributes)).and_then(|()| {
                    let file = File::borrow_raw((*attributes).ia_file);
                    let handle = file.data::<T::Handle>().ok_or(EPERM)?;
                    T::truncate(handle, (*attributes).ia_size as u64)
                })
            }
        };
        result.map_or_else(Error::to_errno, |()| 0)
    }
}
