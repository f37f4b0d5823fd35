// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a handle is a handle to.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use zxvmo::abi;

use crate::region;

/// The types of object there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectType {
    Process,
    Vmar,
    Vmo,
    Event,
    EventPair,
    Port,
    Stream,
}

impl ObjectType {
    /// `ZX_OBJ_TYPE_*`
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Process => abi::ZX_OBJ_TYPE_PROCESS,
            Self::Vmar => abi::ZX_OBJ_TYPE_VMAR,
            Self::Vmo => abi::ZX_OBJ_TYPE_VMO,
            Self::Event => abi::ZX_OBJ_TYPE_EVENT,
            Self::EventPair => abi::ZX_OBJ_TYPE_EVENTPAIR,
            Self::Port => abi::ZX_OBJ_TYPE_PORT,
            Self::Stream => abi::ZX_OBJ_TYPE_STREAM,
        }
    }

    /// The type with this number, if its objects are the module's.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [
            Self::Vmo,
            Self::Event,
            Self::EventPair,
            Self::Port,
            Self::Stream,
        ]
        .into_iter()
        .find(|object_type| object_type.number() == number)
    }
}

/// What a handle is a handle to. Fits into 64 bits: a descriptor or rights in
/// the low half, the type in the next byte, above it which region it is, and
/// the top bit for local ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An object of the module, through a descriptor that belongs to the entry.
    Kernel { object_type: ObjectType, fd: i32 },
    /// The process or a region, which this library stands for.
    Local {
        object_type: ObjectType,
        rights: u32,
        /// Less than [`MAX_REGIONS`]; [`ROOT`](region::ROOT) for the process.
        region: u32,
    },
}

const LOCAL: u64 = 1 << 63;
const TYPE_SHIFT: u32 = 32;
const REGION_SHIFT: u32 = 40;

/// Regions that can be told apart.
pub(crate) const MAX_REGIONS: u32 = 1 << (63 - REGION_SHIFT);

/// Handles to the process; one is always there.
static PROCESS_HANDLES: AtomicU32 = AtomicU32::new(1);

impl Entry {
    pub(crate) const fn to_bits(self) -> u64 {
        match self {
            Self::Kernel { object_type, fd } => {
                ((object_type as u64) << TYPE_SHIFT) | fd as u32 as u64
            }
            Self::Local {
                object_type,
                rights,
                region,
            } => {
                LOCAL
                    | ((region as u64) << REGION_SHIFT)
                    | ((object_type as u64) << TYPE_SHIFT)
                    | rights as u64
            }
        }
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        let object_type = match (bits >> TYPE_SHIFT) & 0xFF {
            0 => ObjectType::Process,
            1 => ObjectType::Vmar,
            2 => ObjectType::Vmo,
            3 => ObjectType::Event,
            4 => ObjectType::EventPair,
            5 => ObjectType::Port,
            _ => ObjectType::Stream,
        };
        if bits & LOCAL != 0 {
            Self::Local {
                object_type,
                rights: bits as u32,
                region: ((bits & !LOCAL) >> REGION_SHIFT) as u32,
            }
        } else {
            let fd = bits as u32 as i32;
            Self::Kernel { object_type, fd }
        }
    }

    /// Handles to this local object.
    pub(crate) fn handles(self) -> u32 {
        match self {
            Self::Kernel { .. } => 0,
            Self::Local {
                object_type: ObjectType::Vmar,
                region,
                ..
            } => region::lock().handles(region),
            Self::Local { .. } => PROCESS_HANDLES.load(Ordering::Relaxed),
        }
    }

    /// The entry is now a handle.
    pub(crate) fn count(self) {
        match self {
            Self::Kernel { .. } => {}
            Self::Local {
                object_type: ObjectType::Vmar,
                region,
                ..
            } => region::lock().handle_added(region),
            Self::Local { .. } => {
                PROCESS_HANDLES.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Closes the handle that other threads use at this moment: the module
    /// must see it closed, but the number of the descriptor must not be given
    /// to anything else yet.
    pub(crate) fn park(self) {
        let Self::Kernel { fd, .. } = self else {
            return;
        };
        if let Some(dead) = dead() {
            // SAFETY: The descriptor belongs to this entry. Calls that have
            // looked it up expect it to be closed under them.
            unsafe { libc::dup3(dead.as_raw_fd(), fd, libc::O_CLOEXEC) };
        }
    }

    /// Gives up what belongs to the entry.
    pub(crate) fn release(self) {
        match self {
            // SAFETY: The descriptor belongs to this entry, which nobody uses
            // any more. Not as an OwnedFd: programs that close what they did
            // not open must not be ended for it.
            Self::Kernel { fd, .. } => unsafe { rustix::io::close(fd) },
            Self::Local {
                object_type: ObjectType::Vmar,
                region,
                ..
            } => region::lock().handle_dropped(region),
            Self::Local { .. } => {
                PROCESS_HANDLES.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

/// A descriptor on which the calls on handles fail with ENOTTY: the device,
/// which is open if there is any handle.
#[cfg(not(test))]
fn dead() -> Option<BorrowedFd<'static>> {
    zxvmo::raw::device().ok()
}

#[cfg(test)]
fn dead() -> Option<BorrowedFd<'static>> {
    // SAFETY: Standard input stays open in tests.
    Some(unsafe { BorrowedFd::borrow_raw(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_packing() {
        let types = [
            ObjectType::Process,
            ObjectType::Vmar,
            ObjectType::Vmo,
            ObjectType::Event,
            ObjectType::EventPair,
            ObjectType::Port,
            ObjectType::Stream,
        ];
        for object_type in types {
            for number in [0, 1, i32::MAX] {
                let entry = Entry::Kernel {
                    object_type,
                    fd: number,
                };
                assert_eq!(Entry::from_bits(entry.to_bits()), entry);
            }
            for rights in [0, 0x20801F, u32::MAX] {
                for region in [region::ROOT, 1, MAX_REGIONS - 1] {
                    let entry = Entry::Local {
                        object_type,
                        rights,
                        region,
                    };
                    assert_eq!(Entry::from_bits(entry.to_bits()), entry);
                }
            }
        }
    }
}
