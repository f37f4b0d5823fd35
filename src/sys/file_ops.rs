// SPDX-License-Identifier: GPL-2.0

//! What the system calls on files of ours do: `struct file_operations`, for each of the two kinds
//! of files (see [`file`](super::file)).
//!
//! An object may have a position itself, which takes the place of the file's. Reads and writes of
//! such a file begin at [`At::Position`], and pread(2) and the like are refused.

use super::{
    c,
    file::File,
    fs::{FsPin, InodeOwner},
    mapping_table::Mapped,
    new_mapping::NewMapping,
    user::{Direction, IovIter},
    wait::PollTable,
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{c_int, c_long, c_uint, c_ulong},
    prelude::*,
    seq_file::SeqFile,
    sync::Arc,
};

/// What a handle file carries, and what its system calls do.
pub(crate) trait FileOps: Send + Sync + Sized + 'static {
    /// The owner of the inode.
    type Owner: InodeOwner<Handle = Self>;

    /// The one table of these files: it tells them from all others.
    fn table() -> &'static FileTable<Self>;

    /// What keeps the file system mounted for this file.
    fn pin(&self) -> &FsPin<Self::Owner>;

    /// read(2) and its like. Returns the bytes moved.
    fn read(&self, at: At, to: &mut IovIter<'_>) -> Result<usize>;

    /// write(2) and its like. Returns the bytes moved.
    fn write(&self, at: At, from: &mut IovIter<'_>) -> Result<usize>;

    /// Where lseek(2) and O_APPEND see the end of a file that has a position.
    fn end(&self) -> u64;

    /// lseek(2) where the object has the position. Returns the new one.
    fn seek(&self, origin: Origin, offset: i64) -> Result<i64>;

    /// ioctl(2).
    fn ioctl(&self, file: &File, command: u32, address: usize) -> Result<isize>;

    /// poll(2): the bits that hold now.
    fn poll(&self, file: &File, table: &PollTable) -> u32;

    /// mmap(2).
    fn mmap(&self, mapping: NewMapping<'_>) -> Result;

    /// A descriptor of this file was closed; there may be others.
    fn descriptor_closed(&self, file: &File);

    /// The text of `/proc/PID/fdinfo/N`.
    fn show_fdinfo(&self, out: &SeqFile);
}

/// What a view file does beside what its mappings ask for.
pub(crate) trait ViewOps: Mapped + Send + Sized + 'static {
    /// A new mapping of the view file itself.
    fn mmap(&self, file: &File, mapping: NewMapping<'_>) -> Result;
}

/// Where a read or write begins.
#[derive(Clone, Copy)]
pub(crate) enum At {
    /// At this byte.
    Byte(u64),
    /// At the position of the object, which the call moves.
    Position,
    /// At the end of the object, behind which its position is then: O_APPEND.
    End,
}

/// What a new position is counted from.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// Byte 0.
    Start,
    /// The position as it is.
    Current,
    /// The end.
    End,
}

fn to_ssize(result: Result<usize>) -> isize {
    result.map_or_else(|error| error.to_errno() as isize, |moved| moved as isize)
}

fn to_int(result: Result) -> c_int {
    result.map_or_else(Error::to_errno, |()| 0)
}

/// The file operations of handle files that carry a `T`. Make one, as a `static`: its address
/// identifies the files.
pub(crate) struct FileTable<T>(pub(super) bindings::file_operations, PhantomData<fn(T)>);

// SAFETY: The table is constant.
unsafe impl<T> Sync for FileTable<T> {}

impl<T: FileOps> FileTable<T> {
    /// Makes the table.
    pub(crate) const fn new() -> Self {
        let table = bindings::file_operations {
            owner: &raw mut c::__this_module,
            // As FMODE_NOWAIT; see `zx_file_set_mode`.
            fop_flags: c::ZX_C_FOP_FLAGS,
            llseek: Some(Self::llseek),
            read_iter: Some(Self::read_iter),
            write_iter: Some(Self::write_iter),
            poll: Some(Self::poll),
            unlocked_ioctl: Some(Self::ioctl),
            compat_ioctl: Some(Self::ioctl),
            mmap: Some(Self::mmap),
            // Large folios are shown as a whole where addresses are aligned as they are.
            get_unmapped_area: Some(c::thp_get_unmapped_area),
            flush: Some(Self::flush),
            release: Some(Self::release),
            fsync: Some(c::noop_fsync),
            splice_read: Some(Self::splice_read),
            splice_write: Some(c::iter_file_splice_write),
            show_fdinfo: Some(Self::show_fdinfo),
            ..pin_init::zeroed()
        };
        Self(table, PhantomData)
    }

    /// # Safety
    ///
    /// `file` must be a live file with these operations.
    unsafe fn data<'a>(file: *mut bindings::file) -> &'a T {
        // SAFETY: `private_data` is what `create` stored, until release.
        unsafe { &*(*file).private_data.cast::<T>() }
    }

    /// `file_operations::llseek`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn llseek(file: *mut bindings::file, offset: i64, whence: c_int) -> i64 {
        // SAFETY: Called by the kernel with a file of ours.
        unsafe {
            if c::zx_file_has_position(file) {
                let end = Self::data(file).end().min(i64::MAX as u64) as i64;
                return c::generic_file_llseek_size(file, offset, whence, i64::MAX, end);
            }
            let origin = match whence {
                c::ZX_C_SEEK_SET => Origin::Start,
                c::ZX_C_SEEK_CUR => Origin::Current,
                c::ZX_C_SEEK_END => Origin::End,
                _ => return EINVAL.to_errno().into(),
            };
            Self::data(file)
                .seek(origin, offset)
                .unwrap_or_else(|error| error.to_errno().into())
        }
    }

    /// `file_operations::read_iter`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn read_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: Called by the kernel with a file of ours and a valid iterator.
        unsafe {
            let mut to = IovIter::from_raw(iter, Direction::Read);
            let data = Self::data((*kiocb).ki_filp);
            Self::transfer(&mut *kiocb, &mut to, |at, to| data.read(at, to))
        }
    }

    /// `file_operations::write_iter`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn write_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: As in `read_iter`.
        unsafe {
            let mut from = IovIter::from_raw(iter, Direction::Write);
            let data = Self::data((*kiocb).ki_filp);
            let append = (*kiocb).ki_flags & c::ZX_C_IOCB_APPEND != 0;
            if append && c::zx_file_has_position((*kiocb).ki_filp) {
                // The core has checked the position that it knew, not this one.
                match i64::try_from(data.end()) {
                    Ok(end) => (*kiocb).ki_pos = end,
                    Err(_) => return to_ssize(Err(EFBIG)),
                }
            }
            Self::transfer(&mut *kiocb, &mut from, |at, from| match at {
                At::Position if append => data.write(At::End, from),
                at => data.write(at, from),
            })
        }
    }

    /// Moves bytes where `kiocb` says, and its position by as many, if the file has one.
    ///
    /// # Safety
    ///
    /// `kiocb` must be that of a live file.
    unsafe fn transfer(
        kiocb: &mut bindings::kiocb,
        iter: &mut IovIter<'_>,
        go: impl FnOnce(At, &mut IovIter<'_>) -> Result<usize>,
    ) -> isize {
        // SAFETY: By the requirements of this function.
        if !unsafe { c::zx_file_has_position(kiocb.ki_filp) } {
            return to_ssize(match kiocb.ki_pos {
                0 => go(At::Position, iter),
                // Only io_uring and AIO ask for a byte all the same.
                _ => Err(ESPIPE),
            });
        }
        iter.truncate((i64::MAX - kiocb.ki_pos) as usize);
        let moved = go(At::Byte(kiocb.ki_pos as u64), iter);
        kiocb.ki_pos += moved.unwrap_or(0) as i64;
        to_ssize(moved)
    }

    /// `file_operations::splice_read`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn splice_read(
        file: *mut bindings::file,
        position: *mut i64,
        pipe: *mut bindings::pipe_inode_info,
        length: usize,
        flags: c_uint,
    ) -> isize {
        // SAFETY: Called by the kernel with a file of ours.
        unsafe {
            if !c::zx_file_has_position(file) {
                // sendfile(2) takes back what it could not pass on by setting the file's
                // position, which means nothing here: bytes would be lost.
                return to_ssize(Err(EINVAL));
            }
            c::copy_splice_read(file, position, pipe, length, flags)
        }
    }

    /// `file_operations::poll`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> c_uint {
        // SAFETY: Called by the kernel with a file of ours.
        unsafe { Self::data(file).poll(File::borrow_raw(file), &PollTable::from_raw(table)) }
    }

    /// `file_operations::unlocked_ioctl`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn ioctl(file: *mut bindings::file, command: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: Called by the kernel with a file of ours.
        let result = unsafe { Self::data(file).ioctl(File::borrow_raw(file), command, arg) };
        result.map_or_else(|error| error.to_errno() as c_long, |value| value as c_long)
    }

    /// `file_operations::mmap`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: Called by the kernel with a file of ours and a mapping being made.
        unsafe { to_int(Self::data(file).mmap(NewMapping::from_raw(vma))) }
    }

    /// `file_operations::flush`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn flush(file: *mut bindings::file, _owner: bindings::fl_owner_t) -> c_int {
        // SAFETY: Called by the kernel with a file of ours.
        unsafe { Self::data(file).descriptor_closed(File::borrow_raw(file)) };
        0
    }

    /// `file_operations::release`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: Called once, for a file that nobody can reach any more.
        unsafe {
            let data = core::mem::replace(&mut (*file).private_data, core::ptr::null_mut());
            drop(KBox::from_raw(data.cast::<T>()));
        }
        0
    }

    /// `file_operations::show_fdinfo`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn show_fdinfo(seq: *mut bindings::seq_file, file: *mut bindings::file) {
        // SAFETY: Called by the kernel with a file of ours and a valid seq_file.
        unsafe { Self::data(file).show_fdinfo(SeqFile::from_raw(seq)) }
    }
}

/// The file operations of view files that carry a `T`.
pub(super) struct ViewTable<T>(PhantomData<T>);

impl<T: ViewOps> ViewTable<T> {
    pub(super) const TABLE: bindings::file_operations = bindings::file_operations {
        owner: &raw mut c::__this_module,
        mmap: Some(Self::mmap),
        get_unmapped_area: Some(c::thp_get_unmapped_area),
        fsync: Some(c::noop_fsync),
        release: Some(Self::release),
        ..pin_init::zeroed()
    };

    /// `file_operations::mmap`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: Called by the kernel with a file of ours, whose `private_data` is what
        // `create_view` stored, and a mapping being made.
        unsafe {
            let data = &*(*file).private_data.cast::<T>();
            to_int(data.mmap(File::borrow_raw(file), NewMapping::from_raw(vma)))
        }
    }

    /// `file_operations::release`.
    ///
    /// # Safety
    ///
    /// Called by the kernel only, with valid arguments and a file that has these operations.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: Called once, for a file that nobody can reach any more.
        unsafe {
            let data = core::mem::replace(&mut (*file).private_data, core::ptr::null_mut());
            drop(Arc::from_raw(data.cast::<T>().cast_const()));
        }
        0
    }
}
