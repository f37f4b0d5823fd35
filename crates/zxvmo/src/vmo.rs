// SPDX-License-Identifier: MIT OR Apache-2.0

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr::{null_mut, NonNull};

use crate::abi;
use crate::handle;
use crate::raw;
use crate::{
    CachePolicy, HandleBasicInfo, HandleCountInfo, Mapping, MonotonicInstant, Name, Rights,
    Signals, Status, VmarFlags, VmoChildOptions, VmoInfo, VmoLockState, VmoOp, VmoOptions,
    WaitResult,
};

/// A handle to a virtual memory object, closed on drop.
///
/// It is a file descriptor: `From<OwnedFd>` takes one that came from another
/// process or another library. That is not checked; a descriptor that is no
/// VMO gives BAD_HANDLE in every call.
///
/// Every call can fail with BAD_HANDLE, with ACCESS_DENIED where the handle
/// lacks the right that is named, and with NO_MEMORY.
#[derive(Debug)]
#[repr(transparent)]
pub struct Vmo {
    fd: OwnedFd,
}

impl Vmo {
    /// Creates a VMO of `size` bytes, rounded up to pages, all zero, whose
    /// size is fixed.
    ///
    /// OUT_OF_RANGE if that is too large.
    pub fn create(size: u64) -> Result<Vmo, Status> {
        Self::create_with_opts(VmoOptions::empty(), size)
    }

    /// Creates a VMO of `size` bytes, rounded up to pages, all zero.
    ///
    /// INVALID_ARGS for RESIZABLE with UNBOUNDED; OUT_OF_RANGE for a size that
    /// is too large; INVALID_ARGS for other options (spec section 3.3).
    ///
    /// ```no_run
    /// use zxvmo::{Vmo, VmoOptions};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let vmo = Vmo::create_with_opts(VmoOptions::RESIZABLE, 1)?;
    /// assert_eq!(vmo.get_size()?, 4096);
    /// vmo.set_size(5000)?;
    /// assert_eq!(vmo.get_size()?, 8192);
    /// assert_eq!(vmo.get_stream_size()?, 5000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_with_opts(options: VmoOptions, size: u64) -> Result<Vmo, Status> {
        raw::create(size, options.bits(), 0).map(Vmo::from)
    }

    /// As [`Vmo::create_with_opts`], for a VMO whose mappings can be pinned
    /// for long: as registered buffers of io_uring, or by vfio or RDMA. Other
    /// uses of the pages, such as O_DIRECT or KVM, work with every VMO. In
    /// exchange, reading through a mapping with PERM_WRITE commits the page.
    ///
    /// This is not in Zircon.
    pub fn create_pinnable(options: VmoOptions, size: u64) -> Result<Vmo, Status> {
        raw::create(size, options.bits(), abi::ZXVMO_CREATE_PINNABLE).map(Vmo::from)
    }

    /// Makes a child of this VMO: a copy-on-write copy (the SNAPSHOT kinds) of
    /// `size` bytes from `offset` on, or another VMO with the same memory
    /// (SLICE; REFERENCE, with `offset` and `size` 0). Needs DUPLICATE and
    /// READ; RESIZE for REFERENCE with RESIZABLE.
    ///
    /// While there are children, VMO_ZERO_CHILDREN is not asserted here. A
    /// copy may start or end beyond the end of the parent, where it is zero. It
    /// can be written also if this handle has no right to write; a slice or a
    /// reference has the rights of this handle for that.
    ///
    /// OUT_OF_RANGE for a size that is too large; INVALID_ARGS for NO_WRITE
    /// with RESIZABLE; ACCESS_DENIED; NOT_SUPPORTED if this VMO is
    /// discardable; INVALID_ARGS for other options, an offset that is no
    /// multiple of the page size or a slice that passes the end; NOT_SUPPORTED
    /// for a slice of a resizable VMO, a reference to a slice and a copy of
    /// one; BAD_STATE if the VMO is not cached or pages are pinned (spec
    /// section 8.4).
    ///
    /// ```no_run
    /// use zxvmo::{Vmo, VmoChildOptions};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let vmo = Vmo::create(8192)?;
    /// let copy = vmo.create_child(VmoChildOptions::SNAPSHOT, 0, 8192)?;
    /// let slice = vmo.create_child(VmoChildOptions::SLICE, 4096, 4096)?;
    /// vmo.write(b"new", 4096)?;
    /// assert_eq!(copy.read_to_vec(4096, 3)?, [0; 3]);
    /// assert_eq!(slice.read_to_vec(0, 3)?, b"new");
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_child(
        &self,
        opts: VmoChildOptions,
        offset: u64,
        size: u64,
    ) -> Result<Vmo, Status> {
        raw::create_child(self.as_fd(), opts.bits(), offset, size).map(Vmo::from)
    }

    /// Does an operation on `size` bytes from `offset` on. [`VmoOp`] says what
    /// each one is and which right it needs.
    ///
    /// OUT_OF_RANGE if the range passes the size, or for the locks is not all
    /// of it; INVALID_ARGS for a DECOMMIT of parts of pages and a cache
    /// operation on no bytes; NOT_SUPPORTED for the locks if the VMO is not
    /// discardable, and for DECOMMIT while there are copies made of the VMO or
    /// it is one; BAD_STATE if there is no lock to undo, pages to be given back
    /// are pinned, or the VMO is not cached and bytes are to become zero;
    /// NOT_FOUND for COMMIT if the content was discarded (spec section 7).
    ///
    /// ```no_run
    /// use zxvmo::{Vmo, VmoOp};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let vmo = Vmo::create(8192)?;
    /// vmo.op_range(VmoOp::COMMIT, 0, 8192)?;
    /// assert_eq!(vmo.info()?.committed_bytes, 8192);
    /// # Ok(())
    /// # }
    /// ```
    pub fn op_range(&self, op: VmoOp, offset: u64, size: u64) -> Result<(), Status> {
        // SAFETY: There is no buffer.
        unsafe { raw::op_range(self.as_fd(), op.into_raw(), offset, size, null_mut(), 0) }
    }

    /// Locks a discardable VMO: until [`VmoOp::UNLOCK`], once for each lock, the
    /// content is not discarded. The range must be all of the VMO. Needs READ
    /// or WRITE.
    ///
    /// The result tells whether it was discarded before; it is zero then.
    ///
    /// NOT_SUPPORTED if the VMO is not discardable; OUT_OF_RANGE for another
    /// range (spec section 7.6).
    ///
    /// ```no_run
    /// use zxvmo::{Vmo, VmoOp, VmoOptions};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let cache = Vmo::create_with_opts(VmoOptions::DISCARDABLE, 4096)?;
    /// if cache.lock(0, 4096)?.discarded_size != 0 {
    ///     // Make the content anew.
    /// }
    /// cache.op_range(VmoOp::UNLOCK, 0, 4096)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lock(&self, offset: u64, size: u64) -> Result<VmoLockState, Status> {
        let mut state = abi::zxvmo_lock_state::default();
        let buffer = (&raw mut state).cast::<u8>();
        let (fd, op) = (self.as_fd(), abi::ZX_VMO_OP_LOCK);
        // SAFETY: The buffer is a structure of integers, so any bytes are good.
        unsafe { raw::op_range(fd, op, offset, size, buffer, size_of_val(&state))? };
        Ok(state.into())
    }

    /// Moves the pages of `length` bytes from `source_offset` of `source` on to
    /// `offset` of this VMO, without copying them. The source reads as zero
    /// there afterwards. Needs WRITE, and READ and WRITE of the source.
    ///
    /// INVALID_ARGS if the offsets or the length are not whole pages;
    /// OUT_OF_RANGE if a range passes the end of its VMO; BAD_STATE if a page
    /// is pinned; NOT_FOUND if the content of one was discarded (spec section
    /// 11).
    ///
    /// ```no_run
    /// use zxvmo::Vmo;
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let (from, to) = (Vmo::create(8192)?, Vmo::create(8192)?);
    /// from.write(b"moved", 4096)?;
    /// to.transfer_data(0, 4096, &from, 4096)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transfer_data(
        &self,
        offset: u64,
        length: u64,
        source: &Vmo,
        source_offset: u64,
    ) -> Result<(), Status> {
        let source = Some(source.as_fd());
        raw::transfer_data(self.as_fd(), 0, offset, length, source, source_offset)
    }

    /// Reads `data.len()` bytes at `offset`. All or error. Needs READ.
    ///
    /// OUT_OF_RANGE if the range passes the size; BAD_STATE if the VMO is not
    /// cached; NOT_FOUND if its content was discarded (spec section 4).
    pub fn read(&self, data: &mut [u8], offset: u64) -> Result<(), Status> {
        // SAFETY: The buffer is borrowed mutably, and any byte is a u8.
        unsafe { raw::read(self.as_fd(), data.as_mut_ptr(), offset, data.len()) }
    }

    /// Reads `length` bytes at `offset` into a new vector. As [`Vmo::read`].
    pub fn read_to_vec(&self, offset: u64, length: usize) -> Result<Vec<u8>, Status> {
        let mut data = Vec::new();
        data.try_reserve_exact(length)
            .map_err(|_| Status::NO_MEMORY)?;
        // SAFETY: The buffer has room for that many bytes, and nothing in it.
        unsafe { raw::read(self.as_fd(), data.as_mut_ptr(), offset, length)? };
        // SAFETY: A read that succeeds has filled them all.
        unsafe { data.set_len(length) };
        Ok(data)
    }

    /// Writes `data` at `offset`. All or error. Needs WRITE.
    ///
    /// OUT_OF_RANGE if the range passes the size; BAD_STATE if the VMO is not
    /// cached; NOT_FOUND if its content was discarded (spec section 4).
    pub fn write(&self, data: &[u8], offset: u64) -> Result<(), Status> {
        // SAFETY: The buffer is borrowed.
        unsafe { raw::write(self.as_fd(), data.as_ptr(), offset, data.len()) }
    }

    /// The size in bytes, a multiple of the page size. Needs no right.
    pub fn get_size(&self) -> Result<u64, Status> {
        raw::get_size(self.as_fd())
    }

    /// Changes the size to `size` bytes, rounded up to pages, and the stream
    /// size to exactly that. Needs WRITE, and RESIZE if the VMO is resizable.
    ///
    /// OUT_OF_RANGE if that is too large; UNAVAILABLE if the VMO is not
    /// resizable; BAD_STATE if pages to be removed are pinned (spec section
    /// 5.2).
    pub fn set_size(&self, size: u64) -> Result<(), Status> {
        raw::set_size(self.as_fd(), size)
    }

    /// The stream size in bytes: where the content ends. Needs no right.
    pub fn get_stream_size(&self) -> Result<u64, Status> {
        raw::get_stream_size(self.as_fd())
    }

    /// Changes the stream size and zeroes everything behind the smaller of
    /// the old and the new one, if they differ. Needs WRITE.
    ///
    /// OUT_OF_RANGE if it is more than the size (spec section 6).
    pub fn set_stream_size(&self, size: u64) -> Result<(), Status> {
        raw::set_stream_size(self.as_fd(), size)
    }

    /// The stream size under its old name, a property. Needs GET_PROPERTY.
    pub fn get_content_size(&self) -> Result<u64, Status> {
        let mut value = [0; size_of::<u64>()];
        handle::get_property(self.as_fd(), abi::ZX_PROP_VMO_CONTENT_SIZE, &mut value)?;
        Ok(u64::from_ne_bytes(value))
    }

    /// As [`Vmo::set_stream_size`]. Needs SET_PROPERTY and WRITE.
    pub fn set_content_size(&self, size: &u64) -> Result<(), Status> {
        handle::set_property(
            self.as_fd(),
            abi::ZX_PROP_VMO_CONTENT_SIZE,
            &size.to_ne_bytes(),
        )
    }

    /// The name of the object. Needs GET_PROPERTY.
    pub fn get_name(&self) -> Result<Name, Status> {
        let mut value = [0; abi::ZX_MAX_NAME_LEN as usize];
        handle::get_property(self.as_fd(), abi::ZX_PROP_NAME, &mut value)?;
        Ok(Name::from_raw(value))
    }

    /// Names the object, for all its handles. Needs SET_PROPERTY.
    pub fn set_name(&self, name: &Name) -> Result<(), Status> {
        // An empty slice still has an address that is not NULL.
        handle::set_property(self.as_fd(), abi::ZX_PROP_NAME, name.as_bytes())
    }

    /// Another handle to the same object, with some of the rights of this one
    /// or, with [`Rights::SAME_RIGHTS`] alone, all of them. Needs DUPLICATE.
    ///
    /// INVALID_ARGS for a right that this handle lacks.
    ///
    /// ```no_run
    /// use zxvmo::{Rights, Status, Vmo};
    /// # fn main() -> Result<(), Status> {
    /// let vmo = Vmo::create(4096)?;
    /// let reader = vmo.duplicate_handle(Rights::READ)?;
    /// assert_eq!(reader.write(b"x", 0), Err(Status::ACCESS_DENIED));
    /// # Ok(())
    /// # }
    /// ```
    pub fn duplicate_handle(&self, rights: Rights) -> Result<Vmo, Status> {
        raw::duplicate(self.as_fd(), rights.bits()).map(Vmo::from)
    }

    /// Exchanges this handle for one with other rights. This handle is gone
    /// whatever the result. Needs no right.
    ///
    /// INVALID_ARGS for a right that this handle lacks.
    pub fn replace_handle(self, rights: Rights) -> Result<Vmo, Status> {
        raw::replace(self.as_fd(), rights.bits()).map(Vmo::from)
    }

    /// Exchanges this handle for one that has EXECUTE, too. This handle is gone
    /// whatever the result. Needs no right.
    ///
    /// Zircon wants a resource, or the permission to do without; on Linux there
    /// is only the latter, and ACCESS_DENIED if the module was loaded with
    /// `ambient_executable=0` and the caller lacks CAP_SYS_ADMIN (spec section
    /// 9).
    ///
    /// ```no_run
    /// use zxvmo::{Vmo, VmarFlags};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let code = Vmo::create(4096)?;
    /// code.write(&[0xC3], 0)?;
    /// let code = code.replace_as_executable()?;
    /// code.map(0, 4096, VmarFlags::PERM_READ | VmarFlags::PERM_EXECUTE)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace_as_executable(self) -> Result<Vmo, Status> {
        raw::replace_as_executable(self.as_fd(), None).map(Vmo::from)
    }

    /// Changes how the memory is cached, in all mappings that are made from now
    /// on. The content stays. Needs MAP.
    ///
    /// While that is not CACHED, the VMO can only be used through mappings:
    /// reading, writing, zeroing and making children give BAD_STATE.
    ///
    /// BAD_STATE while the VMO is mapped, pinned or has a relative, if it is a
    /// slice or a reference, and if it is discardable and the policy is not
    /// CACHED (spec section 10).
    ///
    /// ```no_run
    /// use zxvmo::{CachePolicy, Status, Vmo};
    /// # fn main() -> Result<(), Status> {
    /// let frames = Vmo::create(1 << 20)?;
    /// frames.set_cache_policy(CachePolicy::WRITE_COMBINING)?;
    /// assert_eq!(frames.write(b"x", 0), Err(Status::BAD_STATE));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_cache_policy(&self, cache_policy: CachePolicy) -> Result<(), Status> {
        raw::set_cache_policy(self.as_fd(), cache_policy.into_raw())
    }

    /// The object's koid and type, and the rights of this handle. Needs no right.
    pub fn basic_info(&self) -> Result<HandleBasicInfo, Status> {
        HandleBasicInfo::of(self.as_fd())
    }

    /// How many handles the object has. Needs INSPECT.
    pub fn count_info(&self) -> Result<HandleCountInfo, Status> {
        let raw: abi::zxvmo_info_handle_count =
            handle::get_info(self.as_fd(), abi::ZX_INFO_HANDLE_COUNT)?;
        Ok(HandleCountInfo {
            handle_count: raw.handle_count,
        })
    }

    /// Size, relatives, mappings and memory use. Needs no right.
    pub fn info(&self) -> Result<VmoInfo, Status> {
        let raw: abi::zxvmo_info_vmo = handle::get_info(self.as_fd(), abi::ZX_INFO_VMO)?;
        Ok(raw.into())
    }

    /// Clears, then sets user signals of the object, in one step. Needs
    /// SIGNAL.
    ///
    /// INVALID_ARGS for other than user signals.
    pub fn signal(&self, clear_mask: Signals, set_mask: Signals) -> Result<(), Status> {
        raw::signal(self.as_fd(), clear_mask.bits(), set_mask.bits())
    }

    /// Waits until one of `signals` is asserted or `deadline` has passed.
    /// Needs WAIT.
    ///
    /// ```no_run
    /// use zxvmo::{MonotonicInstant, Signals, Vmo};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let vmo = Vmo::create(0)?;
    /// vmo.signal(Signals::NONE, Signals::USER_0)?;
    /// let now = vmo.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).to_result()?;
    /// assert_eq!(now, Signals::USER_0 | Signals::VMO_ZERO_CHILDREN);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_one(&self, signals: Signals, deadline: MonotonicInstant) -> WaitResult {
        raw::wait(self.as_fd(), signals.bits(), deadline.into_nanos())
    }

    /// Maps `len` bytes from `vmo_offset` on, wherever there is room. Needs
    /// MAP, and a right for each permission. The mapping keeps the object
    /// alive; it may pass the end of the VMO.
    ///
    /// INVALID_ARGS for PERM_WRITE or PERM_EXECUTE without PERM_READ, an
    /// offset that is no multiple of the page size or no length;
    /// NOT_SUPPORTED for options that the VMO does not fit; OUT_OF_RANGE if
    /// `vmo_offset + len` wraps; NO_RESOURCES if there is no room (spec
    /// section 13.3).
    ///
    /// ```no_run
    /// use zxvmo::{Vmo, VmarFlags};
    /// # fn main() -> Result<(), zxvmo::Status> {
    /// let vmo = Vmo::create(4096)?;
    /// let mapping = vmo.map(0, 4096, VmarFlags::PERM_READ | VmarFlags::PERM_WRITE)?;
    /// mapping.copy_in(b"hello", 10)?;
    /// assert_eq!(vmo.read_to_vec(10, 5)?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn map(&self, vmo_offset: u64, len: usize, flags: VmarFlags) -> Result<Mapping, Status> {
        let placed = abi::ZX_VM_SPECIFIC | abi::ZX_VM_SPECIFIC_OVERWRITE;
        if flags.bits() & placed != 0 {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: Without these options it replaces nothing.
        let start = unsafe { raw::map(self.as_fd(), flags.bits(), 0, vmo_offset, len as u64)? };
        let start = NonNull::new(start as *mut u8).ok_or(Status::INTERNAL)?;
        let page = abi::ZX_PAGE_SIZE as usize;
        // SAFETY: It has just been made for this call, so rounding up cannot wrap.
        Ok(unsafe { Mapping::from_raw(start, len.next_multiple_of(page), flags) })
    }
}

impl From<OwnedFd> for Vmo {
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl From<Vmo> for OwnedFd {
    fn from(vmo: Vmo) -> Self {
        vmo.fd
    }
}

impl AsFd for Vmo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Vmo {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl IntoRawFd for Vmo {
    fn into_raw_fd(self) -> RawFd {
        self.fd.into_raw_fd()
    }
}

impl FromRawFd for Vmo {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: By the contract of this function.
        Self::from(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}
