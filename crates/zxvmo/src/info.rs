// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of information about handles and objects (spec section 19).

use std::fmt;
use std::os::fd::BorrowedFd;

use crate::abi;
use crate::raw;
use crate::{CachePolicy, Rights, Status, StreamOptions};

const NAME_SIZE: usize = abi::ZX_MAX_NAME_LEN as usize;

/// The id of an object; never used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Koid(u64);

impl Koid {
    /// The id of no object.
    pub const INVALID: Self = Self(abi::ZX_KOID_INVALID as u64);

    pub(crate) const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The number.
    pub const fn raw_koid(self) -> u64 {
        self.0
    }
}

/// A type of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct ObjectType(u32);

impl ObjectType {
    /// A process.
    pub const PROCESS: Self = Self(abi::ZX_OBJ_TYPE_PROCESS);
    /// A virtual memory object.
    pub const VMO: Self = Self(abi::ZX_OBJ_TYPE_VMO);
    /// An event.
    pub const EVENT: Self = Self(abi::ZX_OBJ_TYPE_EVENT);
    /// A port.
    pub const PORT: Self = Self(abi::ZX_OBJ_TYPE_PORT);
    /// One end of a pair of events.
    pub const EVENTPAIR: Self = Self(abi::ZX_OBJ_TYPE_EVENTPAIR);
    /// A region of an address space.
    pub const VMAR: Self = Self(abi::ZX_OBJ_TYPE_VMAR);
    /// A stream.
    pub const STREAM: Self = Self(abi::ZX_OBJ_TYPE_STREAM);

    /// The number.
    pub const fn into_raw(self) -> u32 {
        self.0
    }
}

/// A handle and its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleBasicInfo {
    /// The object.
    pub koid: Koid,
    /// Rights of this handle.
    pub rights: Rights,
    /// Type of the object.
    pub object_type: ObjectType,
    /// Another object that belongs to it, as the other end of a pair; INVALID
    /// for a VMO.
    pub related_koid: Koid,
}

impl HandleBasicInfo {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Self, Status> {
        let mut record = abi::zxvmo_info_handle_basic::default();
        let (buffer, size) = ((&raw mut record).cast(), size_of_val(&record));
        // SAFETY: The buffer is a structure of integers, so any bytes are good.
        let (result, _) = unsafe { raw::get_info(fd, abi::ZX_INFO_HANDLE_BASIC, buffer, size) };
        result.map(|()| record.into())
    }
}

impl From<abi::zxvmo_info_handle_basic> for HandleBasicInfo {
    fn from(raw: abi::zxvmo_info_handle_basic) -> Self {
        Self {
            koid: Koid::from_raw(raw.koid),
            rights: Rights::from_bits_retain(raw.rights),
            object_type: ObjectType(raw.type_),
            related_koid: Koid::from_raw(raw.related_koid),
        }
    }
}

/// How many handles an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleCountInfo {
    /// In all processes; mappings do not count.
    pub handle_count: u32,
}

bitflags::bitflags! {
    /// What kind of VMO it is (spec section 19.4).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct VmoInfoFlags: u32 {
        /// Backed by memory.
        const PAGED = abi::ZX_INFO_VMO_TYPE_PAGED;
        /// The size can be changed.
        const RESIZABLE = abi::ZX_INFO_VMO_RESIZABLE;
        /// A snapshot that has a parent.
        const IS_COW_CLONE = abi::ZX_INFO_VMO_IS_COW_CLONE;
        /// The information came through a handle.
        const VIA_HANDLE = abi::ZX_INFO_VMO_VIA_HANDLE;
        /// The information came through a mapping.
        const VIA_MAPPING = abi::ZX_INFO_VMO_VIA_MAPPING;
        /// There is a pager at the root.
        const PAGER_BACKED = abi::ZX_INFO_VMO_PAGER_BACKED;
        /// Physically contiguous.
        const CONTIGUOUS = abi::ZX_INFO_VMO_CONTIGUOUS;
        /// The kernel may discard the content while it is not locked.
        const DISCARDABLE = abi::ZX_INFO_VMO_DISCARDABLE;
        /// A snapshot that nobody can write.
        const IMMUTABLE = abi::ZX_INFO_VMO_IMMUTABLE;

        const _ = !0;
    }
}

/// A VMO (spec section 19.4). Sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmoInfo {
    /// The VMO.
    pub koid: Koid,
    /// Its name.
    pub name: Name,
    /// Its size, a multiple of the page size.
    pub size_bytes: u64,
    /// Its present parent; INVALID if there is none.
    pub parent_koid: Koid,
    /// Direct children.
    pub num_children: u64,
    /// Mappings of this VMO, not those of its relatives.
    pub num_mappings: u64,
    /// Distinct address spaces that map it, at least 1.
    pub share_count: u64,
    /// What kind of VMO it is.
    pub flags: VmoInfoFlags,
    /// Pages that it holds; those shared with snapshots count fully.
    pub committed_bytes: u64,
    /// Rights of the handle that was used.
    pub handle_rights: Rights,
    /// How its memory is cached.
    pub cache_policy: CachePolicy,
    /// Memory of the kernel for keeping track of the pages.
    pub metadata_bytes: u64,
    /// How often the kernel reclaimed pages on its own.
    pub committed_change_events: u64,
    /// Committed and compressed pages.
    pub populated_bytes: u64,
    /// Committed pages that only this VMO can see.
    pub committed_private_bytes: u64,
    /// Populated pages that only this VMO can see.
    pub populated_private_bytes: u64,
    /// Committed pages, each divided by the number of VMOs that share it.
    pub committed_scaled_bytes: u64,
    /// Populated pages, each divided by the number of VMOs that share it.
    pub populated_scaled_bytes: u64,
    /// The fraction of `committed_scaled_bytes`: 2^63 stands for one byte.
    pub committed_fractional_scaled_bytes: u64,
    /// The fraction of `populated_scaled_bytes`: 2^63 stands for one byte.
    pub populated_fractional_scaled_bytes: u64,
}

impl From<abi::zxvmo_info_vmo> for VmoInfo {
    fn from(raw: abi::zxvmo_info_vmo) -> Self {
        Self {
            koid: Koid::from_raw(raw.koid),
            name: Name(raw.name.map(|byte| byte as u8)),
            size_bytes: raw.size_bytes,
            parent_koid: Koid::from_raw(raw.parent_koid),
            num_children: raw.num_children,
            num_mappings: raw.num_mappings,
            share_count: raw.share_count,
            flags: VmoInfoFlags::from_bits_retain(raw.flags),
            committed_bytes: raw.committed_bytes,
            handle_rights: Rights::from_bits_retain(raw.handle_rights),
            cache_policy: CachePolicy::from_raw(raw.cache_policy),
            metadata_bytes: raw.metadata_bytes,
            committed_change_events: raw.committed_change_events,
            populated_bytes: raw.populated_bytes,
            committed_private_bytes: raw.committed_private_bytes,
            populated_private_bytes: raw.populated_private_bytes,
            committed_scaled_bytes: raw.committed_scaled_bytes,
            populated_scaled_bytes: raw.populated_scaled_bytes,
            committed_fractional_scaled_bytes: raw.committed_fractional_scaled_bytes,
            populated_fractional_scaled_bytes: raw.populated_fractional_scaled_bytes,
        }
    }
}

/// A stream (spec section 24.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// What it can be used for, and whether it appends now.
    pub options: StreamOptions,
    /// The position, in bytes.
    pub seek: u64,
    /// Where the content of the VMO ends, in bytes.
    pub content_size: u64,
}

impl From<abi::zxvmo_info_stream> for StreamInfo {
    fn from(raw: abi::zxvmo_info_stream) -> Self {
        Self {
            options: StreamOptions::from_bits_retain(raw.options),
            seek: raw.seek,
            content_size: raw.content_size,
        }
    }
}

/// The name of an object: at most 31 bytes, any but NUL.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Name([u8; NAME_SIZE]);

impl Name {
    /// The name with these bytes; INVALID_ARGS if they are more than 31 or
    /// there is a NUL among them.
    ///
    /// ```
    /// use zxvmo::{Name, Status};
    /// assert_eq!(Name::new("frame").unwrap().to_string(), "frame");
    /// assert_eq!(Name::new("x".repeat(32)), Err(Status::INVALID_ARGS));
    /// ```
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, Status> {
        let bytes = name.as_ref();
        if bytes.len() >= NAME_SIZE || bytes.contains(&0) {
            return Err(Status::INVALID_ARGS);
        }
        Ok(Self::new_lossy(bytes))
    }

    /// The name with these bytes up to the first NUL, cut at 31.
    pub fn new_lossy(name: impl AsRef<[u8]>) -> Self {
        let mut buffer = [0; NAME_SIZE];
        let bytes = name.as_ref().iter().take_while(|&&byte| byte != 0);
        for (to, from) in buffer[..NAME_SIZE - 1].iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(buffer)
    }

    /// Its bytes, without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        let len = self.0.iter().position(|&byte| byte == 0);
        &self.0[..len.unwrap_or(NAME_SIZE)]
    }

    pub(crate) const fn from_raw(raw: [u8; NAME_SIZE]) -> Self {
        Self(raw)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut() {
        assert_eq!(Name::new_lossy(b"ab\0cd").as_bytes(), b"ab");
        assert_eq!(Name::new_lossy([b'x'; 40]).as_bytes(), [b'x'; 31]);
        assert_eq!(Name::new([b'x'; 31]).map(|n| n.as_bytes().len()), Ok(31));
        assert_eq!(Name::new("a\0b"), Err(Status::INVALID_ARGS));
        assert_eq!(Name::new_lossy("").as_bytes(), b"");
    }
}
