// SPDX-License-Identifier: GPL-2.0

//! A handle: what one open file description of an object carries (spec 0.5, 18).
//!
//! The rights belong to the handle, are fixed when it is made, and can only be taken away whole:
//! `zx_handle_replace` leaves the old file description without a handle, so that every call on it
//! answers BAD_HANDLE until its descriptors are closed. dup(2), fork(2) and SCM_RIGHTS share the
//! description, hence the handle. The handle is closed when the description is released.
#![deny(unsafe_code)]

use crate::{
    inspect, io, ioctl, mapping,
    object::{NewHandle, Object},
    port::Port,
    rights::Rights,
    signals::new_ids,
    status::{Status, ZxResult},
    stream::Stream,
    stream_io,
    sys::{
        self,
        file::{AccessMode, File, FileRef, PendingDescriptor},
        file_ops::{At, FileOps, FileTable, Origin},
        fs::FsPin,
        limit::Charge,
        new_mapping::NewMapping,
        uapi,
        user::IovIter,
        wait::{PollTable, POLLIN, POLLOUT},
    },
    vmo::Vmo,
};
use kernel::{
    prelude::*,
    seq_file::SeqFile,
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc,
    },
};

/// In place of rights: the handle is gone. No handle holds this bit (spec 2.1).
const GONE: u32 = uapi::ZX_RIGHT_SAME_RIGHTS;

/// See the head of this file.
pub(crate) struct Handle {
    id: u64,
    object: Object,
    rights: Atomic<u32>,
    _charge: Charge,
    /// Dropped after the object. The file of a VMO's handle holds the mount as well, and for
    /// longer; a stream's does not.
    pin: FsPin<Vmo>,
}

impl Handle {
    /// Makes a handle, in a descriptor still to be installed.
    pub(crate) fn create(new: NewHandle, rights: Rights) -> ZxResult<PendingDescriptor> {
        let pin = FsPin::take()?;
        let charge = Charge::take()?;
        let handle = Self {
            id: new_ids(1),
            object: new.into_handle()?,
            rights: Atomic::new(rights.raw()),
            _charge: charge,
            pin,
        };
        let place = handle.object.place()?;
        let mode = AccessMode {
            read: rights.has(Rights::READ),
            write: rights.has(Rights::WRITE),
        };
        let handle = KBox::new(handle, GFP_KERNEL_ACCOUNT)?;
        Ok(PendingDescriptor::new(|| {
            FileRef::create(&place, mode, handle)
        })?)
    }

    /// Tells this handle from all others that ever were.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The object and the rights to it; BAD_HANDLE if the handle was replaced.
    pub(crate) fn object(&self) -> ZxResult<(&Object, Rights)> {
        match self.rights.load(Relaxed) {
            rights if rights & GONE != 0 => Err(Status::BAD_HANDLE),
            rights => Ok((&self.object, Rights::from_raw(rights))),
        }
    }

    /// The object, if the handle has all of `wanted`.
    pub(crate) fn object_with(&self, wanted: Rights) -> ZxResult<&Object> {
        let (object, rights) = self.object()?;
        rights.require(wanted)?;
        Ok(object)
    }

    /// The VMO and the rights to it; BAD_HANDLE, or WRONG_TYPE for another object.
    pub(crate) fn get(&self) -> ZxResult<(&Arc<Vmo>, Rights)> {
        let (object, rights) = self.object()?;
        Ok((object.vmo()?, rights))
    }

    /// The port, if the handle has all of `wanted`; BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED.
    pub(crate) fn port(&self, wanted: Rights) -> ZxResult<&Arc<Port>> {
        let (object, rights) = self.object()?;
        let port = object.port()?;
        rights.require(wanted)?;
        Ok(port)
    }

    /// The VMO, if the handle has all of `wanted`.
    pub(crate) fn require(&self, wanted: Rights) -> ZxResult<&Arc<Vmo>> {
        let (vmo, rights) = self.get()?;
        rights.require(wanted)?;
        Ok(vmo)
    }

    /// The stream, if the handle has all of `wanted`.
    pub(crate) fn stream_with(&self, wanted: Rights) -> ZxResult<&Stream> {
        let (object, rights) = self.object()?;
        let stream = object.stream()?;
        rights.require(wanted)?;
        Ok(stream)
    }

    /// `zx_handle_duplicate`.
    pub(crate) fn duplicate(&self, requested: u32) -> ZxResult<PendingDescriptor> {
        let (object, rights) = self.object()?;
        rights.require(Rights::DUPLICATE)?;
        Self::create(object.new_handle()?, rights.narrow(requested)?)
    }

    /// `zx_handle_replace`: this handle is gone afterwards, unless there is no memory.
    pub(crate) fn replace(&self, requested: u32) -> ZxResult<PendingDescriptor> {
        let (object, rights) = self.object()?;
        match rights.narrow(requested) {
            Ok(narrowed) => {
                let new = Self::create(object.new_handle()?, narrowed)?;
                if self.take() {
                    Ok(new)
                } else {
                    Err(Status::BAD_HANDLE)
                }
            }
            Err(status) => {
                self.take();
                Err(status)
            }
        }
    }

    /// `zx_vmo_replace_as_executable`: this handle is gone afterwards, whatever the result, and the
    /// new one has EXECUTE, too. `vmex` is -1, or a descriptor, of which none is good. The checks
    /// are in the order of spec 9.
    pub(crate) fn replace_as_executable(&self, vmex: i32) -> ZxResult<PendingDescriptor> {
        let verdict = judge_executable(vmex);
        let (object, rights) = self.object()?;
        let new = object.new_handle();
        if !self.take() {
            return Err(Status::BAD_HANDLE);
        }
        object.vmo().map_err(|_| Status::BAD_HANDLE)?;
        verdict?;
        Self::create(new?, rights.with(Rights::EXECUTE))
    }

    /// Closes the handle; whether it was open.
    fn take(&self) -> bool {
        if self.rights.xchg(GONE, Full) & GONE != 0 {
            return false;
        }
        self.object.signals().handle_closed(self.id, true);
        self.object.handle_dropped();
        true
    }
}

/// Whether the caller may make a VMO executable, with `vmex` for a permission: there are no
/// resources here, so the module parameter `ambient_executable` decides, and CAP_SYS_ADMIN.
fn judge_executable(vmex: i32) -> ZxResult {
    if vmex != -1 {
        return Err(Status::BAD_HANDLE);
    }
    // Before Linux 7.3 the value is a reference, which the operator does not compare.
    let ambient = crate::module_parameters::ambient_executable.value().ne(&0);
    if ambient || sys::is_administrator() {
        Ok(())
    } else {
        Err(Status::ACCESS_DENIED)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.take();
    }
}

static TABLE: FileTable<Handle> = FileTable::new();

impl FileOps for Handle {
    type Owner = Vmo;

    fn table() -> &'static FileTable<Self> {
        &TABLE
    }

    fn pin(&self) -> &FsPin<Vmo> {
        &self.pin
    }

    fn read(&self, at: At, to: &mut IovIter<'_>) -> Result<usize> {
        match at {
            At::Byte(position) => io::read(self, position, to),
            At::Position | At::End => stream_io::read(self, to),
        }
    }

    fn write(&self, at: At, from: &mut IovIter<'_>) -> Result<usize> {
        match at {
            At::Byte(position) => io::write(self, position, from),
            At::Position => stream_io::write(self, false, from),
            At::End => stream_io::write(self, true, from),
        }
    }

    fn end(&self) -> u64 {
        self.object.vmo().map_or(0, |vmo| vmo.size())
    }

    fn seek(&self, origin: Origin, offset: i64) -> Result<i64> {
        stream_io::llseek(self, origin, offset)
    }

    fn ioctl(&self, file: &File, command: u32, address: usize) -> Result<isize> {
        ioctl::on_handle(self, file, command, address)
    }

    fn poll(&self, file: &File, table: &PollTable) -> u32 {
        let Ok((object, rights)) = self.object() else {
            return 0;
        };
        let mut bits = 0;
        if object.stream().is_ok() {
            // As with any file that does not make its readers wait.
            bits |= if rights.has(Rights::READ) { POLLIN } else { 0 };
            bits |= if rights.has(Rights::WRITE) {
                POLLOUT
            } else {
                0
            };
        }
        // Who may not wait for signals does not see them.
        if rights.has(object.poll_right()) {
            bits |= object.signals().poll(file, table);
        }
        bits
    }

    fn mmap(&self, mapping: NewMapping<'_>) -> Result {
        let (object, rights) = self.object()?;
        let vmo = object.vmo().map_err(|_| ENODEV)?;
        mapping::mmap(vmo, rights, mapping)
    }

    fn descriptor_closed(&self, _file: &File) {
        self.object.signals().handle_closed(self.id, false);
    }

    fn show_fdinfo(&self, out: &SeqFile) {
        if let Ok((object, rights)) = self.object() {
            inspect::show_handle(object, rights, out);
        }
    }
}
