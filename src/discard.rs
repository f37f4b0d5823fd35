// SPDX-License-Identifier: GPL-2.0

//! Discardable VMOs: their locks, and the loss of what is not locked (spec 3.7, 7.6).
//!
//! A discardable VMO has no relatives, so what is said of the VMO holds for its store. The state
//! is part of [`Content`] and protected by its lock. While the VMO is unlocked, its store is
//! listed with the shrinker, which takes all of its memory or none.
#![deny(unsafe_code)]

use crate::{
    content::Content,
    status::{Status, ZxResult},
    store::Store,
    sys::{
        reclaim::{Entry, Reclaim},
        rwsem::WriteGuard,
        trace, uapi,
        user::{bytes_of, write_bytes},
    },
    vmo::Vmo,
};
use kernel::{prelude::*, sync::Arc};

/// The state of a discardable VMO.
pub(crate) struct Discardable {
    /// Locks held, by all handles together.
    locks: u64,
    /// The memory was taken away, and nobody has locked the VMO since.
    discarded: bool,
    /// Listed while the VMO is unlocked, once it has been locked. Gone when the VMO retires, as
    /// calls in progress may unlock it after that.
    entry: Option<Entry<Store>>,
}

impl Discardable {
    /// Never locked.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            locks: 0,
            discarded: false,
            entry: Some(Entry::new()?),
        })
    }

    /// Whether there is nothing to be read, nor to be written to.
    pub(crate) fn is_discarded(&self) -> bool {
        self.discarded
    }

    /// The VMO retires: its memory is not the kernel's to take any more.
    pub(crate) fn retire(&mut self) {
        self.entry = None;
    }

    fn list(&mut self, store: &Arc<Store>, pages: u64) {
        if let Some(entry) = &mut self.entry {
            entry.list(store, pages);
        }
    }
}

impl Reclaim for Store {
    type Held<'a> = WriteGuard<'a, Content>;

    fn try_hold(&self) -> Option<WriteGuard<'_, Content>> {
        self.try_write_lock()
    }

    fn reclaim(store: &Arc<Self>, mut content: WriteGuard<'_, Content>) -> usize {
        let pages = content.pages.len();
        // Nothing is gained from a VMO without pages, and what some device writes to has to stay.
        let gone = pages > 0 && content.clear().is_ok();
        let Some(state) = &mut content.discardable else {
            return 0;
        };
        state.discarded |= gone;
        if gone {
            trace::discard(|| (store.id(), pages));
            return pages as usize;
        }
        state.list(store, pages);
        0
    }
}

/// LOCK, TRY_LOCK and UNLOCK, after the test of the rights.
pub(crate) fn run(vmo: &Vmo, args: &uapi::zxvmo_op_range) -> ZxResult {
    let store = vmo.store();
    match args.op {
        uapi::ZX_VMO_OP_UNLOCK => change(store, args, unlock),
        uapi::ZX_VMO_OP_TRY_LOCK => change(store, args, |_, content| {
            let state = state(content)?;
            if state.discarded {
                return Err(Status::UNAVAILABLE);
            }
            lock(state);
            Ok(())
        }),
        _ => {
            let discarded = change(store, args, |_, content| {
                let state = state(content)?;
                lock(state);
                Ok(core::mem::take(&mut state.discarded))
            })?;
            let discarded = if discarded { args.size } else { 0 };
            // A failure takes the lock back, but the VMO is not discarded any more.
            report(args, discarded).inspect_err(|_| {
                let _ = unlock(store, &mut store.write_lock());
            })
        }
    }
}

/// Has `body` change the state, if `args` names the whole VMO.
fn change<R>(
    store: &Arc<Store>,
    args: &uapi::zxvmo_op_range,
    body: impl FnOnce(&Arc<Store>, &mut Content) -> ZxResult<R>,
) -> ZxResult<R> {
    let mut content = store.write_lock();
    state(&mut content)?;
    if args.offset != 0 || args.size != store.size() {
        return Err(Status::OUT_OF_RANGE);
    }
    body(store, &mut content)
}

fn state(content: &mut Content) -> ZxResult<&mut Discardable> {
    content.discardable.as_mut().ok_or(Status::NOT_SUPPORTED)
}

fn lock(state: &mut Discardable) {
    state.locks += 1;
    if let Some(entry) = &mut state.entry {
        entry.unlist();
    }
}

fn unlock(store: &Arc<Store>, content: &mut Content) -> ZxResult {
    let pages = content.pages.len();
    let state = state(content)?;
    state.locks = state.locks.checked_sub(1).ok_or(Status::BAD_STATE)?;
    if state.locks == 0 {
        state.list(store, pages);
    }
    Ok(())
}

/// Tells the caller of LOCK what it has locked, and how many bytes had been discarded.
fn report(args: &uapi::zxvmo_op_range, discarded_size: u64) -> ZxResult {
    let state = uapi::zxvmo_lock_state {
        offset: args.offset,
        size: args.size,
        discarded_offset: 0,
        discarded_size,
    };
    let bytes = bytes_of(&state);
    if args.buffer_size < bytes.len() as u64 || args.buffer == 0 {
        return Err(Status::INVALID_ARGS);
    }
    Ok(write_bytes(args.buffer as usize, bytes)?)
}
