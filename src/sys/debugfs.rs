// SPDX-License-Identifier: GPL-2.0

//! Files below `/sys/kernel/debug` that list something, a line each. Only root reads them.
//!
//! A kernel without debugfs, or one that is locked down, has no such files; nobody who makes them
//! needs to know. An open file keeps the module from being unloaded.

use super::c;
use core::{marker::PhantomData, ptr::null_mut};
use kernel::{
    bindings,
    ffi::{c_int, c_void},
    prelude::*,
    seq_file::SeqFile,
};

/// What one open file lists.
pub(crate) trait Listing: Send + Sized + 'static {
    /// Takes hold of what there is to list: the file is being opened.
    fn open() -> Result<Self>;

    /// Prints what comes before the first line.
    fn head(&self, out: &SeqFile);

    /// Lines.
    fn length(&self) -> usize;

    /// Prints line `index`, counted from 0. Called again for the same one if there was no room.
    fn show(&self, index: usize, out: &SeqFile) -> Result;
}

/// A directory of such files, which go with it.
///
/// # Invariants
///
/// The pointer is what `zx_debugfs_directory()` returned, which need not be a directory.
pub(crate) struct Directory(*mut bindings::dentry);

// SAFETY: Directories are not tied to a thread.
unsafe impl Send for Directory {}
// SAFETY: What is done through `&Directory` locks by itself.
unsafe impl Sync for Directory {}

impl Directory {
    /// Makes the directory, if the kernel has a place for it.
    pub(crate) fn new(name: &'static CStr) -> Self {
        // SAFETY: The name is a string.
        // INVARIANT: As required.
        Self(unsafe { c::zx_debugfs_directory(name.as_char_ptr()) })
    }

    /// Adds a file.
    pub(crate) fn with<T: Listing>(self, name: &'static CStr) -> Self {
        // SAFETY: By the type invariants; the table is static, and its module's.
        unsafe { c::zx_debugfs_file(self.0, name.as_char_ptr(), &Files::<T>::TABLE) };
        self
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: By the type invariants. Returns when nobody is inside of a file's operations.
        unsafe { c::zx_debugfs_remove(self.0) };
    }
}

struct Files<T>(PhantomData<T>);

/// Positions: 0 is the head, and line N is at N + 1. What stands for one of them in between is a
/// pointer that is never followed: one more than the position, so that it is not null.
impl<T: Listing> Files<T> {
    const TABLE: bindings::file_operations = bindings::file_operations {
        owner: &raw mut c::__this_module,
        open: Some(Self::open),
        read: Some(c::seq_read),
        llseek: Some(c::seq_lseek),
        release: Some(Self::release),
        ..pin_init::zeroed()
    };
    const SEQUENCE: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        next: Some(Self::next),
        stop: Some(Self::stop),
        show: Some(Self::show),
    };

    /// # Safety
    ///
    /// `seq` must be that of a live file with these operations.
    unsafe fn listing<'a>(seq: *mut bindings::seq_file) -> &'a T {
        // SAFETY: `private` is what `open` stored, until release.
        unsafe { &*(*seq).private.cast::<T>() }
    }

    fn token(listing: &T, position: i64) -> *mut c_void {
        match usize::try_from(position) {
            Ok(position) if position <= listing.length() => {
                core::ptr::without_provenance_mut(position + 1)
            }
            _ => null_mut(),
        }
    }

    /// `file_operations::open`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        let opened = T::open().and_then(|listing| Ok(KBox::new(listing, GFP_KERNEL)?));
        let listing = match opened {
            Ok(listing) => listing,
            Err(error) => return error.to_errno(),
        };
        // SAFETY: The file is being opened, and the table is static. If that succeeds, the file's
        // `private_data` is a sequence, of which `private` is the opener's.
        unsafe {
            let result = c::seq_open(file, &Self::SEQUENCE);
            if result == 0 {
                let seq = (*file).private_data.cast::<bindings::seq_file>();
                (*seq).private = KBox::into_raw(listing).cast();
            }
            result
        }
    }

    /// `file_operations::release`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn release(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: Called once, for a file that nobody can reach any more.
        unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            let listing = core::mem::replace(&mut (*seq).private, null_mut());
            drop(KBox::from_raw(listing.cast::<T>()));
            c::seq_release(inode, file)
        }
    }

    /// `seq_operations::start`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with the sequence of a file that has these operations.
    unsafe extern "C" fn start(
        seq: *mut bindings::seq_file,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: The kernel passes valid pointers.
        unsafe { Self::token(Self::listing(seq), *position) }
    }

    /// `seq_operations::next`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with the sequence of a file that has these operations.
    unsafe extern "C" fn next(
        seq: *mut bindings::seq_file,
        _token: *mut c_void,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: The kernel passes valid pointers.
        unsafe {
            *position += 1;
            Self::token(Self::listing(seq), *position)
        }
    }

    /// `seq_operations::stop`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only.
    unsafe extern "C" fn stop(_seq: *mut bindings::seq_file, _token: *mut c_void) {}

    /// `seq_operations::show`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with the sequence of a file that has these operations.
    unsafe extern "C" fn show(seq: *mut bindings::seq_file, token: *mut c_void) -> c_int {
        // SAFETY: The kernel passes a sequence that is locked for the caller.
        let (listing, out) = unsafe { (Self::listing(seq), SeqFile::from_raw(seq)) };
        let shown = match token.addr().checked_sub(2) {
            Some(index) => listing.show(index, out),
            None => {
                listing.head(out);
                Ok(())
            }
        };
        shown.map_or_else(Error::to_errno, |()| 0)
    }
}
