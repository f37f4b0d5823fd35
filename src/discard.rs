// SPDX-License-Identifier: GPL-2.0

//! Locking of discardable VMOs (spec 7.6).
//!
//! The kernel may take the memory of a discardable VMO away while it is unlocked. This module
//! does not do so yet: an unlocked VMO keeps its content, which the specification allows.
#![deny(unsafe_code)]

use crate::{
    status::{Status, ZxResult},
    sys::{
        uapi,
        user::{bytes_of, write_bytes},
    },
    vmo::Vmo,
};
use kernel::sync::atomic::{Atomic, Relaxed};

/// Locks held on one VMO, by all handles together.
pub(crate) struct LockCount(Atomic<u64>);

impl LockCount {
    /// Never locked.
    pub(crate) fn new() -> Self {
        Self(Atomic::new(0))
    }

    fn lock(&self) {
        self.0.add(1, Relaxed);
    }

    fn unlock(&self) -> ZxResult {
        let mut count = self.0.load(Relaxed);
        while count > 0 {
            match self.0.cmpxchg(count, count - 1, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => count = now,
            }
        }
        Err(Status::BAD_STATE)
    }
}

/// LOCK, TRY_LOCK and UNLOCK, after the test of the rights.
pub(crate) fn run(vmo: &Vmo, args: &uapi::zxvmo_op_range) -> ZxResult {
    if !vmo.kind().discardable {
        return Err(Status::NOT_SUPPORTED);
    }
    if args.offset != 0 || args.size != vmo.size() {
        return Err(Status::OUT_OF_RANGE);
    }
    match args.op {
        uapi::ZX_VMO_OP_UNLOCK => vmo.locks().unlock(),
        uapi::ZX_VMO_OP_LOCK => {
            vmo.locks().lock();
            report(args).inspect_err(|_| {
                let _ = vmo.locks().unlock();
            })
        }
        _ => {
            vmo.locks().lock();
            Ok(())
        }
    }
}

/// Tells the caller of LOCK what it has locked.
fn report(args: &uapi::zxvmo_op_range) -> ZxResult {
    let state = uapi::zxvmo_lock_state {
        offset: args.offset,
        size: args.size,
        ..Default::default()
    };
    let bytes = bytes_of(&state);
    if args.buffer_size < bytes.len() as u64 || args.buffer == 0 {
        return Err(Status::INVALID_ARGS);
    }
    Ok(write_bytes(args.buffer as usize, bytes)?)
}
