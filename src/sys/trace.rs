// SPDX-License-Identifier: GPL-2.0

//! Tracepoints, `zxvmo:*`, which perf, trace-cmd and bpftrace see. `zxvmo_trace.h` says what each
//! of them records.
//!
//! One that nobody listens to is an instruction that does nothing: its values are not even looked up,
//! which is why they come as a closure.

use super::c;
#[cfg(CONFIG_TRACEPOINTS)]
use kernel::{bindings, jump_label::static_branch_unlikely, macros::paste};

/// As `kernel::declare_trace!`, for tracepoints that are not the kernel's own, and safe to call.
macro_rules! tracepoints {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        $(#[$attribute])*
        #[inline(always)]
        pub(crate) fn $name(values: impl FnOnce() -> ($($type,)*)) {
            #[cfg(CONFIG_TRACEPOINTS)]
            paste! {
                // SAFETY: The tracepoint is one that `trace.c` makes, and so is its key.
                let listened = unsafe {
                    static_branch_unlikely!(
                        c::[<__tracepoint_zxvmo_ $name>],
                        bindings::tracepoint,
                        key
                    )
                };
                if listened {
                    let ($($argument,)*) = values();
                    // SAFETY: Takes numbers, whatever they are.
                    unsafe { c::[<rust_do_trace_zxvmo_ $name>]($($argument),*) };
                }
            }
            #[cfg(not(CONFIG_TRACEPOINTS))]
            let _ = values;
        }
    )*};
}

tracepoints! {
    /// A VMO was made: koid, store, size and options.
    fn create(koid: u64, store: u64, size: u64, options: u32);

    /// A child was made: koid, store, the parent's koid, options, offset and size as asked for.
    fn child(koid: u64, store: u64, parent: u64, options: u32, offset: u64, size: u64);

    /// The last use of a VMO ended: koid.
    fn destroy(koid: u64);

    /// A fault in a mapping: koid, page of the store, and some of `FAULT_*`.
    fn fault(koid: u64, page: u64, flags: u32);

    /// A page was copied because somebody else shows it, for a write or ahead of one: the store that
    /// gets the copy, and the page as the page map counts it.
    fn copy(store: u64, page: u64);

    /// COMMIT ended: koid, offset, size, status.
    fn commit(koid: u64, offset: u64, size: u64, status: i32);

    /// The kernel took back the memory of a store that is not locked: its pages.
    fn discard(store: u64, pages: u64);

    /// LOCK, TRY_LOCK or UNLOCK ended: koid, operation, status.
    fn lock(koid: u64, op: u32, status: i32);
}

/// The page is to be written.
pub(crate) const FAULT_WRITE: u32 = c::ZX_C_FAULT_WRITE;
/// It is shown already, to be read.
pub(crate) const FAULT_UPGRADE: u32 = c::ZX_C_FAULT_UPGRADE;
/// By 2 MiB.
pub(crate) const FAULT_LARGE: u32 = c::ZX_C_FAULT_LARGE;
