// SPDX-License-Identifier: GPL-2.0

//! Files of the pseudo file system, and their descriptors.
//!
//! There are two kinds. A *handle file* is what a file descriptor of ours refers to; it carries a
//! `T: FileOps`. A *view file* is never in a descriptor table: it is what mappings hold instead
//! of the handle that they were made from, and carries a `T: Mapped`. So the release of a
//! handle file means that the handle is closed, whatever is still mapped.

use super::{
    c,
    file_ops::{FileOps, ViewOps, ViewTable},
    fs::{FsPin, Inode, InodeOwner},
};
use core::{
    ops::Deref,
    ptr::{null_mut, NonNull},
};
use kernel::{
    bindings,
    error::from_err_ptr,
    ffi::{c_int, c_void},
    fs::file::{FileDescriptorReservation, LocalFile},
    prelude::*,
    sync::{aref::ARef, Arc},
};

/// Access modes of open(2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccessMode {
    /// read(2), mmap(2).
    pub(crate) read: bool,
    /// write(2), writable shared mmap(2), ftruncate(2).
    pub(crate) write: bool,
}

impl AccessMode {
    fn flags(self) -> c_int {
        match (self.read, self.write) {
            (true, true) => c::ZX_C_O_RDWR,
            (true, false) => c::ZX_C_O_RDONLY,
            (false, true) => c::ZX_C_O_WRONLY,
            // As open(2) has it: 3 gives a file that can be neither read nor written.
            (false, false) => c::ZX_C_O_WRONLY | c::ZX_C_O_RDWR,
        }
    }
}

/// A file, borrowed.
#[repr(transparent)]
pub(crate) struct File(kernel::fs::File);

impl File {
    /// # Safety
    ///
    /// `file` must be live for `'a`, and no fdget_pos() section of its may be left unfinished on
    /// another thread.
    pub(super) unsafe fn borrow_raw<'a>(file: *const bindings::file) -> &'a Self {
        // SAFETY: By the requirements of this function; the wrapper is transparent.
        unsafe { &*core::ptr::from_ref(kernel::fs::File::from_raw_file(file)).cast::<Self>() }
    }

    pub(super) fn as_raw(&self) -> *mut bindings::file {
        self.0.as_ptr()
    }

    /// What the file carries, if it is a handle file of `T`.
    pub(crate) fn data<T: FileOps>(&self) -> Option<&T> {
        // SAFETY: The file is valid.
        if !unsafe { c::zx_file_is(self.as_raw(), &T::table().0) } {
            return None;
        }
        // SAFETY: With these operations `private_data` is what `create` stored, until release.
        unsafe { (*self.as_raw()).private_data.cast::<T>().as_ref() }
    }

    /// Whether the current process has a descriptor of this file.
    pub(crate) fn is_open_here(&self) -> bool {
        // SAFETY: Compares the pointer only.
        unsafe { c::zx_current_has_file(self.as_raw()) }
    }
}

/// Where a handle file belongs.
pub(crate) enum Place {
    /// To an inode of its own.
    Inode(Inode),
    /// To the inode that all files without one share, under this name. The object has a position,
    /// which takes the place of the file's.
    Anonymous(&'static CStr),
}

/// A counted reference to a file.
#[derive(Clone)]
pub(crate) struct FileRef(ARef<kernel::fs::File>);

impl Deref for FileRef {
    type Target = File;

    fn deref(&self) -> &File {
        // SAFETY: The reference keeps the file.
        unsafe { File::borrow_raw(self.0.as_ptr()) }
    }
}

impl FileRef {
    /// The file that the current process has open as `descriptor`, if there is one. Not for use
    /// inside read(2), write(2) and their like.
    pub(crate) fn of_descriptor(descriptor: i32) -> Option<Self> {
        let file = LocalFile::fget(descriptor.try_into().ok()?).ok()?;
        // SAFETY: fdget_pos() is what read(2) and its like do; those never come here.
        Some(Self(unsafe { LocalFile::assume_no_fdget_pos(file) }))
    }

    /// Makes a handle file that carries `data`.
    pub(crate) fn create<T: FileOps>(
        place: &Place,
        mode: AccessMode,
        data: KBox<T>,
    ) -> Result<Self> {
        let (flags, table) = (mode.flags(), &T::table().0);
        let file = match place {
            Place::Inode(inode) => data.pin().new_file(inode, flags, table)?,
            Place::Anonymous(name) => {
                // SAFETY: Name and operations are static. The core takes the reference to the
                // module that the release of the file gives back.
                let file =
                    unsafe { c::anon_inode_getfile(name.as_char_ptr(), table, null_mut(), flags) };
                NonNull::new(from_err_ptr(file)?).ok_or(ENOMEM)?
            }
        };
        let position = matches!(place, Place::Inode(_));
        Ok(Self::finish(file, position, KBox::into_raw(data).cast()))
    }

    /// Makes a view file of `inode` that carries `data`.
    pub(crate) fn create_view<T: ViewOps, O: InodeOwner>(
        pin: &FsPin<O>,
        inode: &Inode,
        mode: AccessMode,
        data: Arc<T>,
    ) -> Result<Self> {
        let file = pin.new_file(inode, mode.flags(), &ViewTable::<T>::TABLE)?;
        let data = Arc::into_raw(data).cast_mut().cast();
        Ok(Self::finish(file, true, data))
    }

    fn finish(file: NonNull<bindings::file>, position: bool, data: *mut c_void) -> Self {
        // SAFETY: The file is new and ours; its release takes `data` back. Nobody is inside
        // fdget_pos() on a file that is in no descriptor table.
        unsafe {
            (*file.as_ptr()).private_data = data;
            c::zx_file_set_mode(file.as_ptr(), position);
            Self(ARef::from_raw(file.cast()))
        }
    }
}

/// A file descriptor that is reserved but not yet usable, with its file.
pub(crate) struct PendingDescriptor {
    reservation: FileDescriptorReservation,
    file: FileRef,
}

impl PendingDescriptor {
    /// Reserves a descriptor number, close-on-exec, for what `make` makes. Dropping the result
    /// gives the number back and releases the file.
    pub(crate) fn new(make: impl FnOnce() -> Result<FileRef>) -> Result<Self> {
        let reservation = FileDescriptorReservation::get_unused_fd_flags(c::ZX_C_O_CLOEXEC as u32)?;
        let file = make()?;
        Ok(Self { reservation, file })
    }

    /// The descriptor's number.
    pub(crate) fn number(&self) -> i32 {
        self.reservation.reserved_fd() as i32
    }

    /// Makes the descriptor usable.
    pub(crate) fn install(self) {
        self.reservation.fd_install(self.file.0);
    }
}
