// SPDX-License-Identifier: GPL-2.0

//! zxvmo: Zircon's virtual memory objects (VMOs) for Linux.
//!
//! A VMO is memory with an identity of its own: it can be read and written by calls, mapped by
//! any number of processes, resized, and passed on by handles that each have rights of their own.
//! `/dev/zxvmo` makes VMOs; a handle is a file descriptor. `uapi/zxvmo.h` is the interface;
//! `ARCHITECTURE.md` explains the inside. Section numbers ("spec 4.2") are those of the
//! specification of the Zircon calls that the tests in `userspace-tests/` follow.
//!
//! Modules, from the outside in; each uses only those below it and its neighbours:
//!
//! | what users touch | `device`, `inspect`, `handle`, `ioctl` |
//! | --- | --- |
//! | what calls do | `io`, `stream_io`, `info`, `op_range`, `region`, `transfer_data`, `child`, `mapping`, `fault`, `large`, `wait` |
//! | objects | `object`, `stream`, `vector`, `port`, `event`, `endpoint`, `signals`, `vmo`, `family`, `accounting`, `discard`, `cache_policy`, `extent`, `store`, `transfer`, `ahead`, `content`, `page_map` |
//! | words | `rights`, `status` |
//! | the kernel | `sys`, the only one with `unsafe` |
#![deny(unsafe_op_in_unsafe_fn)]

#[path = "src/accounting.rs"]
mod accounting;
#[path = "src/ahead.rs"]
mod ahead;
#[path = "src/brood.rs"]
mod brood;
#[path = "src/cache_policy.rs"]
mod cache_policy;
#[path = "src/child.rs"]
mod child;
#[path = "src/content.rs"]
mod content;
#[path = "src/device.rs"]
mod device;
#[path = "src/discard.rs"]
mod discard;
#[path = "src/endpoint.rs"]
mod endpoint;
#[path = "src/event.rs"]
mod event;
#[path = "src/extent.rs"]
mod extent;
#[path = "src/family.rs"]
mod family;
#[path = "src/fault.rs"]
mod fault;
#[path = "src/handle.rs"]
mod handle;
#[path = "src/info.rs"]
mod info;
#[path = "src/inspect.rs"]
mod inspect;
#[path = "src/io.rs"]
mod io;
#[path = "src/ioctl.rs"]
mod ioctl;
#[cfg(CONFIG_KUNIT = "y")]
#[path = "src/kunit.rs"]
mod kunit;
#[path = "src/large.rs"]
mod large;
#[path = "src/mapping.rs"]
mod mapping;
#[path = "src/object.rs"]
mod object;
#[path = "src/op_range.rs"]
mod op_range;
#[path = "src/page_map.rs"]
mod page_map;
#[path = "src/port.rs"]
mod port;
#[path = "src/region.rs"]
mod region;
#[path = "src/rights.rs"]
mod rights;
#[path = "src/signals.rs"]
mod signals;
#[path = "src/status.rs"]
mod status;
#[path = "src/store.rs"]
mod store;
#[path = "src/stream.rs"]
mod stream;
#[path = "src/stream_io.rs"]
mod stream_io;
#[path = "src/sys/mod.rs"]
mod sys;
#[path = "src/transfer.rs"]
mod transfer;
#[path = "src/transfer_data.rs"]
mod transfer_data;
#[path = "src/vector.rs"]
mod vector;
#[path = "src/vmo.rs"]
mod vmo;
#[path = "src/wait.rs"]
mod wait;

use kernel::{miscdevice::MiscDeviceRegistration, prelude::*};

module! {
    type: Zxvmo,
    name: "zxvmo",
    authors: ["zxvmo contributors"],
    description: "Zircon virtual memory objects",
    license: "GPL",
    params: {
        ambient_executable: u8 {
            default: 1,
            description: "0: only who has CAP_SYS_ADMIN may make VMOs executable (default: 1, everybody)",
        },
        fault_ahead: u8 {
            default: 1,
            description: "0: who touches pages in order gets them, or copies of shared ones, one by one, for debugging (default: 1, up to 64 at once)",
        },
        fault_around: u8 {
            default: 1,
            description: "0: a fault enters no page but its own, for debugging (default: 1, up to 16 that are there already)",
        },
        large_folios: u8 {
            default: 1,
            description: "0: COMMIT takes memory page by page (default: 1, by 2 MiB where it can)",
        },
    },
}

/// The loaded module. Fields are dropped in this order: first the ways in, so that nobody new
/// comes; files and mappings keep the module from being unloaded at all.
#[pin_data]
struct Zxvmo {
    inspection: sys::debugfs::Directory,
    #[pin]
    device: MiscDeviceRegistration<device::Device>,
    zeros: sys::page::ZeroPage,
    shrinker: sys::reclaim::Shrinker<store::Store>,
    nodes: sys::node::NodeCache,
    large: sys::large::LargeCache,
    limits: sys::limit::Limits,
}

impl kernel::InPlaceModule for Zxvmo {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            large: sys::large::LargeCache::new()?,
            limits: sys::limit::Limits::new(),
            nodes: sys::node::NodeCache::new()?,
            shrinker: sys::reclaim::Shrinker::register()?,
            zeros: sys::page::ZeroPage::new()?,
            device <- device::Device::register(),
            // Last: whoever has a file open while something fails would be in the module still.
            inspection: inspect::directory(),
        })
    }
}
