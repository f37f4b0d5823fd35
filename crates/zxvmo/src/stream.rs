// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::abi;
use crate::handle;
use crate::raw;
use crate::{
    HandleBasicInfo, HandleCountInfo, MonotonicInstant, Rights, Signals, Status, StreamInfo,
    StreamOptions, StreamWriteOptions, Vmo, WaitResult,
};

/// A handle to a stream, closed on drop: a position in the content of a VMO,
/// which ends at the VMO's stream size and grows as it is written.
///
/// The position is the stream's, shared by all its handles. The stream keeps
/// the VMO alive. It is a file descriptor that can also be read, written and
/// seeked as a file; so `Read`, `Write` and `Seek` are implemented, too.
///
/// Every call can fail with BAD_HANDLE, with WRONG_TYPE, with ACCESS_DENIED
/// where the handle lacks the right that is named, and with NO_MEMORY.
///
/// ```no_run
/// use std::io::SeekFrom;
/// use zxvmo::{Stream, StreamOptions, StreamWriteOptions, Vmo, VmoOptions};
/// # fn main() -> Result<(), zxvmo::Status> {
/// let log = Vmo::create_with_opts(VmoOptions::UNBOUNDED, 0)?;
/// let mode = StreamOptions::MODE_READ | StreamOptions::MODE_WRITE;
/// let stream = Stream::create(mode, &log, 0)?;
/// stream.write(StreamWriteOptions::APPEND, b"one\n")?;
/// stream.write(StreamWriteOptions::APPEND, b"two\n")?;
/// assert_eq!(log.get_stream_size()?, 8);
/// stream.seek(SeekFrom::Start(4))?;
/// assert_eq!(stream.read_to_vec(100)?, b"two\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[repr(transparent)]
pub struct Stream {
    fd: OwnedFd,
}

// What the module takes is what std guarantees of its slices.
const _: () = assert!(
    size_of::<IoSlice<'_>>() == size_of::<abi::zxvmo_iovec>()
        && align_of::<IoSlice<'_>>() >= align_of::<abi::zxvmo_iovec>()
);

impl Stream {
    /// Creates a stream on `vmo` at position `offset`, which may be any. Needs
    /// READ and WRITE on the VMO as far as `options` has them.
    ///
    /// INVALID_ARGS for unknown options.
    pub fn create(options: StreamOptions, vmo: &Vmo, offset: u64) -> Result<Stream, Status> {
        raw::create_stream(vmo.as_fd(), options.bits(), offset).map(Stream::from)
    }

    /// Reads at the position, which moves. The result is how many bytes: fewer
    /// than there is room for at the end of the content, where it is 0. Needs
    /// READ.
    pub fn read(&self, data: &mut [u8]) -> Result<usize, Status> {
        self.readv(&mut [IoSliceMut::new(data)])
    }

    /// As [`Stream::read`], filling the buffers one after the other.
    pub fn readv(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Status> {
        self.readv_from(None, buffers)
    }

    /// As [`Stream::read`], at `offset`. The position stays.
    pub fn read_at(&self, data: &mut [u8], offset: u64) -> Result<usize, Status> {
        self.readv_at(&mut [IoSliceMut::new(data)], offset)
    }

    /// As [`Stream::readv`], at `offset`. The position stays.
    pub fn readv_at(&self, buffers: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize, Status> {
        self.readv_from(Some(offset), buffers)
    }

    fn readv_from(&self, at: Option<u64>, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Status> {
        let vector = buffers.as_mut_ptr().cast::<abi::zxvmo_iovec>();
        // SAFETY: The buffers are borrowed mutably, and any byte is a u8.
        let moved = unsafe { raw::stream_readv(self.as_fd(), 0, at, vector, buffers.len())? };
        Ok(moved as usize)
    }

    /// Reads at most `length` bytes into a new vector. As [`Stream::read`].
    pub fn read_to_vec(&self, length: usize) -> Result<Vec<u8>, Status> {
        let mut data = Vec::new();
        data.try_reserve_exact(length)
            .map_err(|_| Status::NO_MEMORY)?;
        let vector = abi::zxvmo_iovec {
            buffer: data.as_mut_ptr() as u64,
            capacity: length as u64,
        };
        // SAFETY: The buffer has room for that many bytes, and nothing in it.
        let moved = unsafe { raw::stream_readv(self.as_fd(), 0, None, &vector, 1)? };
        // SAFETY: So many bytes have been filled.
        unsafe { data.set_len((moved as usize).min(length)) };
        Ok(data)
    }

    /// Writes at the position or, with [`StreamWriteOptions::APPEND`] or in
    /// append mode, at the end of the content; the position is behind what was
    /// written then. The content grows if that passes its end, after a gap of
    /// zeros if it starts behind it, but the size of the VMO stays: the result,
    /// how many bytes were written, can be fewer than there are. Needs WRITE.
    ///
    /// INVALID_ARGS for other options; FILE_BIG if position plus length wraps;
    /// OUT_OF_RANGE if nothing fits (spec section 24.1).
    pub fn write(&self, options: StreamWriteOptions, data: &[u8]) -> Result<usize, Status> {
        self.writev(options, &[IoSlice::new(data)])
    }

    /// As [`Stream::write`], of the buffers one after the other.
    pub fn writev(
        &self,
        options: StreamWriteOptions,
        buffers: &[IoSlice<'_>],
    ) -> Result<usize, Status> {
        self.writev_from(options, None, buffers)
    }

    /// As [`Stream::write`], at `offset`, whatever the mode. The position stays.
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<usize, Status> {
        self.writev_at(&[IoSlice::new(data)], offset)
    }

    /// As [`Stream::writev`], at `offset`, whatever the mode. The position stays.
    pub fn writev_at(&self, buffers: &[IoSlice<'_>], offset: u64) -> Result<usize, Status> {
        self.writev_from(StreamWriteOptions::empty(), Some(offset), buffers)
    }

    fn writev_from(
        &self,
        options: StreamWriteOptions,
        at: Option<u64>,
        buffers: &[IoSlice<'_>],
    ) -> Result<usize, Status> {
        let (options, count) = (options.bits(), buffers.len());
        let vector = buffers.as_ptr().cast::<abi::zxvmo_iovec>();
        // SAFETY: The buffers are borrowed.
        let moved = unsafe { raw::stream_writev(self.as_fd(), options, at, vector, count)? };
        Ok(moved as usize)
    }

    /// Moves the position, counted from the start, from itself or from the end
    /// of the content, and returns it. It may pass the end. Needs READ or
    /// WRITE.
    ///
    /// INVALID_ARGS if it would be below 0 or wrap; also for
    /// [`SeekFrom::Start`] beyond `i64::MAX`, which takes two steps.
    pub fn seek(&self, to: SeekFrom) -> Result<u64, Status> {
        let (origin, offset) = match to {
            SeekFrom::Start(offset) => {
                let offset = i64::try_from(offset).map_err(|_| Status::INVALID_ARGS)?;
                (abi::ZX_STREAM_SEEK_ORIGIN_START, offset)
            }
            SeekFrom::Current(offset) => (abi::ZX_STREAM_SEEK_ORIGIN_CURRENT, offset),
            SeekFrom::End(offset) => (abi::ZX_STREAM_SEEK_ORIGIN_END, offset),
        };
        raw::stream_seek(self.as_fd(), origin, offset)
    }

    /// Whether writes at the position go to the end. Needs GET_PROPERTY.
    pub fn get_mode_append(&self) -> Result<bool, Status> {
        let mut value = [0];
        handle::get_property(self.as_fd(), abi::ZX_PROP_STREAM_MODE_APPEND, &mut value)?;
        Ok(value != [0])
    }

    /// Has writes at the position go to the end, or not, through all handles.
    /// Needs SET_PROPERTY.
    pub fn set_mode_append(&self, append: bool) -> Result<(), Status> {
        let value = [u8::from(append)];
        handle::set_property(self.as_fd(), abi::ZX_PROP_STREAM_MODE_APPEND, &value)
    }

    /// Mode, position and size of the content. Needs INSPECT.
    pub fn info(&self) -> Result<StreamInfo, Status> {
        let raw: abi::zxvmo_info_stream = handle::get_info(self.as_fd(), abi::ZX_INFO_STREAM)?;
        Ok(raw.into())
    }

    /// The object's koid and type, and the rights of this handle. Needs no right.
    pub fn basic_info(&self) -> Result<HandleBasicInfo, Status> {
        let raw: abi::zxvmo_info_handle_basic =
            handle::get_info(self.as_fd(), abi::ZX_INFO_HANDLE_BASIC)?;
        Ok(raw.into())
    }

    /// How many handles the stream has. Needs INSPECT.
    pub fn count_info(&self) -> Result<HandleCountInfo, Status> {
        let raw: abi::zxvmo_info_handle_count =
            handle::get_info(self.as_fd(), abi::ZX_INFO_HANDLE_COUNT)?;
        Ok(HandleCountInfo {
            handle_count: raw.handle_count,
        })
    }

    /// Another handle to the same stream, with the same position. As
    /// [`Vmo::duplicate_handle`].
    pub fn duplicate_handle(&self, rights: Rights) -> Result<Stream, Status> {
        raw::duplicate(self.as_fd(), rights.bits()).map(Stream::from)
    }

    /// Exchanges this handle for one with other rights. As
    /// [`Vmo::replace_handle`].
    pub fn replace_handle(self, rights: Rights) -> Result<Stream, Status> {
        raw::replace(self.as_fd(), rights.bits()).map(Stream::from)
    }

    /// Clears, then sets user signals of the stream. As [`Vmo::signal`].
    pub fn signal(&self, clear_mask: Signals, set_mask: Signals) -> Result<(), Status> {
        raw::signal(self.as_fd(), clear_mask.bits(), set_mask.bits())
    }

    /// Waits for signals of the stream. As [`Vmo::wait_one`].
    pub fn wait_one(&self, signals: Signals, deadline: MonotonicInstant) -> WaitResult {
        raw::wait(self.as_fd(), signals.bits(), deadline.into_nanos())
    }
}

impl io::Read for &Stream {
    fn read(&mut self, data: &mut [u8]) -> io::Result<usize> {
        Ok(Stream::read(self, data)?)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(self.readv(buffers)?)
    }
}

impl io::Write for &Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(Stream::write(self, StreamWriteOptions::empty(), data)?)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.writev(StreamWriteOptions::empty(), buffers)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for &Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        Ok(Stream::seek(self, to)?)
    }
}

impl io::Read for Stream {
    fn read(&mut self, data: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut &*self, data)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        io::Read::read_vectored(&mut &*self, buffers)
    }
}

impl io::Write for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut &*self, data)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        io::Write::write_vectored(&mut &*self, buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        io::Seek::seek(&mut &*self, to)
    }
}

impl From<OwnedFd> for Stream {
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> Self {
        stream.fd
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl IntoRawFd for Stream {
    fn into_raw_fd(self) -> RawFd {
        self.fd.into_raw_fd()
    }
}

impl FromRawFd for Stream {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: By the contract of this function.
        Self::from(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}
