// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C interface of Zircon's VMO calls, declared in `zircon/syscalls.h`.
//!
//! Each call turns handle values into descriptors (`table`), makes the call
//! of the `zxvmo` crate and stores the results where the caller wants them
//! (`user`), in the order of checks that Zircon has. There is no lock in
//! the library, so a fork leaves none held.

mod cache;
mod entry;
mod free_list;
mod handle;
mod map;
mod maps;
mod object;
mod place;
mod process;
mod slot;
mod status;
mod stream;
mod table;
mod time;
mod user;
mod vmar;
mod vmo;

pub use cache::*;
pub use handle::*;
pub use map::*;
pub use object::*;
pub use process::*;
pub use status::*;
pub use stream::*;
pub use time::*;
pub use vmar::*;
pub use vmo::*;
