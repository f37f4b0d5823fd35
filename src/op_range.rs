// SPDX-License-Identifier: GPL-2.0

//! `zx_vmo_op_range` (spec 7).
#![deny(unsafe_code)]

use crate::{
    discard,
    handle::Handle,
    rights::Rights,
    status::{self, Status, ZxResult},
    sys::{trace, uapi, PAGE_SIZE},
    vmo::{round_up, Vmo},
};

/// Runs an operation. The checks are in the order of spec 7.2 and of the operation's section.
pub(crate) fn run(handle: &Handle, args: &uapi::zxvmo_op_range) -> ZxResult {
    let (vmo, rights) = handle.get()?;
    let write = || rights.require(Rights::WRITE);
    let read = || rights.require(Rights::READ);
    let (offset, size) = (args.offset, args.size);
    match args.op {
        uapi::ZX_VMO_OP_COMMIT => write().and_then(|()| commit(vmo, offset, size)),
        uapi::ZX_VMO_OP_DECOMMIT => write().and_then(|()| decommit(vmo, offset, size)),
        uapi::ZX_VMO_OP_ZERO => write().and_then(|()| zero(vmo, offset, size)),
        uapi::ZX_VMO_OP_LOCK | uapi::ZX_VMO_OP_TRY_LOCK | uapi::ZX_VMO_OP_UNLOCK => {
            if !rights.has(Rights::READ) && !rights.has(Rights::WRITE) {
                return Err(Status::ACCESS_DENIED);
            }
            let done = discard::run(vmo, args);
            trace::lock(|| (vmo.koid(), args.op, status::number(done)));
            done
        }
        uapi::ZX_VMO_OP_CACHE_SYNC
        | uapi::ZX_VMO_OP_CACHE_CLEAN
        | uapi::ZX_VMO_OP_CACHE_CLEAN_INVALIDATE => read().and_then(|()| cache(vmo, args)),
        uapi::ZX_VMO_OP_CACHE_INVALIDATE => write().and_then(|()| cache(vmo, args)),
        uapi::ZX_VMO_OP_PREFETCH => read().and_then(|()| prefetch(vmo, offset, size)),
        uapi::ZX_VMO_OP_DONT_NEED | uapi::ZX_VMO_OP_ALWAYS_NEED => Ok(()),
        _ => Err(Status::INVALID_ARGS),
    }
}

/// The end of `size` bytes from `offset` on, which must lie in `vmo`.
fn end_in_range(vmo: &Vmo, offset: u64, size: u64) -> ZxResult<u64> {
    match offset.checked_add(size) {
        Some(end) if end <= vmo.size() => Ok(end),
        _ => Err(Status::OUT_OF_RANGE),
    }
}

/// The range, rounded outward to pages, which must lie in `vmo` then.
fn rounded_range(vmo: &Vmo, offset: u64, size: u64) -> ZxResult<(u64, u64)> {
    let end = offset.checked_add(size);
    let end = round_up(end.ok_or(Status::OUT_OF_RANGE)?)?;
    let begin = offset - offset % PAGE_SIZE;
    end_in_range(vmo, begin, end - begin)?;
    Ok((begin, end))
}

/// ZX_VMO_OP_COMMIT (spec 7.3), after the check of rights; so the others below.
pub(crate) fn commit(vmo: &Vmo, offset: u64, size: u64) -> ZxResult {
    let (begin, end) = rounded_range(vmo, offset, size)?;
    let done = vmo.store().commit(vmo.begin() + begin, vmo.begin() + end);
    trace::commit(|| (vmo.koid(), begin, end - begin, status::number(done)));
    done
}

/// ZX_VMO_OP_DECOMMIT (spec 7.4).
pub(crate) fn decommit(vmo: &Vmo, offset: u64, size: u64) -> ZxResult {
    let end = end_in_range(vmo, offset, size)?;
    if size == 0 {
        return Ok(());
    }
    let family = vmo.links().lock().family.clone();
    if family.is_some_and(|family| family.has_several_stores()) {
        return Err(Status::NOT_SUPPORTED);
    }
    if (offset | size) % PAGE_SIZE != 0 {
        return Err(Status::INVALID_ARGS);
    }
    vmo.store()
        .decommit(vmo.begin() + offset, vmo.begin() + end)
}

/// ZX_VMO_OP_ZERO (spec 7.5).
pub(crate) fn zero(vmo: &Vmo, offset: u64, size: u64) -> ZxResult {
    if size == 0 {
        return Ok(());
    }
    let end = end_in_range(vmo, offset, size)?;
    vmo.require_cached()?;
    vmo.store().zero(vmo.begin() + offset, vmo.begin() + end)
}

/// ZX_VMO_OP_PREFETCH (spec 7.7): there is nothing that could be brought back.
pub(crate) fn prefetch(vmo: &Vmo, offset: u64, size: u64) -> ZxResult {
    rounded_range(vmo, offset, size).map(|_| ())
}

/// Ordinary memory on coherent hardware: there is nothing to do after the checks.
fn cache(vmo: &Vmo, args: &uapi::zxvmo_op_range) -> ZxResult {
    if args.size == 0 {
        return Err(Status::INVALID_ARGS);
    }
    end_in_range(vmo, args.offset, args.size).map(|_| ())
}
