// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C interface of Zircon's VMO calls, declared in `zircon/syscalls.h`.
//!
//! Each call turns handle values into descriptors (`table`), makes the call
//! of the `zxvmo` crate and stores the results where the caller wants them
//! (`user`), in the order of checks that Zircon has. The only lock in the
//! library is that of the regions (`region`), which a fork never leaves held.

mod allocate;
mod cache;
mod entry;
mod event;
mod fd;
mod free_list;
mod handle;
mod map;
mod maps;
mod object;
mod place;
mod port;
mod process;
mod region;
mod reservation;
mod slot;
mod spot;
mod status;
mod stream;
mod table;
mod time;
mod user;
mod vmar;
mod vmo;
mod wait;

pub use allocate::*;
pub use cache::*;
pub use event::*;
pub use fd::*;
pub use handle::*;
pub use map::*;
pub use object::*;
pub use port::*;
pub use process::*;
pub use status::*;
pub use stream::*;
pub use time::*;
pub use vmar::*;
pub use vmo::*;
pub use wait::*;
