// SPDX-License-Identifier: GPL-2.0

//! `zx_vmo_create_child` (spec 8): snapshots, slices and references.
#![deny(unsafe_code)]

use crate::{
    extent::Window,
    family,
    rights::Rights,
    status::{Status, ZxResult},
    sys::{fs::FsPin, trace, uapi, PAGE_SIZE},
    vmo::{round_up, Kind, Use, Vmo, MAX_SIZE},
};
use kernel::sync::Arc;

const SNAPSHOTS: u32 = uapi::ZX_VMO_CHILD_SNAPSHOT
    | uapi::ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE
    | uapi::ZX_VMO_CHILD_SNAPSHOT_MODIFIED;
const SLICE: u32 = uapi::ZX_VMO_CHILD_SLICE;
const REFERENCE: u32 = uapi::ZX_VMO_CHILD_REFERENCE;
const RESIZABLE: u32 = uapi::ZX_VMO_CHILD_RESIZABLE;
const NO_WRITE: u32 = uapi::ZX_VMO_CHILD_NO_WRITE;

/// What is asked for.
struct Request {
    options: u32,
    offset: u64,
    size: u64,
    rounded: u64,
}

impl Request {
    fn has(&self, option: u32) -> bool {
        self.options & option != 0
    }

    /// Whether options other than these are given.
    fn has_beside(&self, options: u32) -> bool {
        self.options & !options != 0
    }
}

/// Makes a child of `parent`, of which the caller's handle has `rights`; returns it with the
/// rights of its first handle. The checks are in the order of spec 8.4.
pub(crate) fn create(
    parent: &Arc<Vmo>,
    rights: Rights,
    args: &uapi::zxvmo_create_child,
) -> ZxResult<(Use, Rights)> {
    let request = Request {
        options: args.options,
        offset: args.offset,
        size: args.size,
        rounded: round_up(args.size)?,
    };
    if request.has(NO_WRITE) && request.has(RESIZABLE) {
        return Err(Status::INVALID_ARGS);
    }
    rights.require(Rights::DUPLICATE.with(Rights::READ))?;
    if request.has(REFERENCE) && request.has(RESIZABLE) {
        rights.require(Rights::RESIZE)?;
    }
    if parent.kind().discardable {
        return Err(Status::NOT_SUPPORTED);
    }
    if request.has(SLICE) {
        check_slice(parent, &request)?;
    } else if request.has(REFERENCE) {
        check_reference(parent, &request)?;
    } else if request.has(SNAPSHOTS) {
        check_snapshot(parent, &request)?;
    } else {
        return Err(Status::INVALID_ARGS);
    }
    let name = rights
        .has(Rights::GET_PROPERTY)
        .then(|| parent.name())
        .unwrap_or_default();
    // The parent must not retire while it gets a child.
    let _use = parent.try_use()?;
    let pin = FsPin::take()?;
    let family = family::of(parent)?;
    let child = family.add_child(parent, || {
        let child = make(&pin, parent, &request)?;
        child.vmo()?.set_name(&name);
        Ok(child)
    })?;
    let new = child.vmo()?;
    trace::child(|| {
        let (koid, store) = (new.koid(), new.store().id());
        (
            koid,
            store,
            parent.koid(),
            args.options,
            args.offset,
            args.size,
        )
    });
    Ok((child, child_rights(rights, &request)))
}

fn check_slice(parent: &Vmo, request: &Request) -> ZxResult {
    if request.has_beside(SLICE | NO_WRITE) || request.offset % PAGE_SIZE != 0 {
        return Err(Status::INVALID_ARGS);
    }
    if request.rounded > MAX_SIZE {
        return Err(Status::OUT_OF_RANGE);
    }
    let end = request.offset.checked_add(request.rounded);
    if end.is_none_or(|end| end > parent.size()) {
        return Err(Status::INVALID_ARGS);
    }
    if parent.is_resizable() {
        return Err(Status::NOT_SUPPORTED);
    }
    parent.require_cached()
}

fn check_reference(parent: &Vmo, request: &Request) -> ZxResult {
    if request.has_beside(REFERENCE | RESIZABLE | NO_WRITE)
        || request.offset != 0
        || request.rounded != 0
    {
        return Err(Status::INVALID_ARGS);
    }
    if parent.window().is_some() || request.has(RESIZABLE) && !parent.is_resizable() {
        return Err(Status::NOT_SUPPORTED);
    }
    parent.require_cached()
}

fn check_snapshot(parent: &Vmo, request: &Request) -> ZxResult {
    let types = request.options & SNAPSHOTS;
    if !types.is_power_of_two()
        || request.has_beside(types | RESIZABLE | NO_WRITE)
        || request.offset % PAGE_SIZE != 0
    {
        return Err(Status::INVALID_ARGS);
    }
    if request.rounded > MAX_SIZE {
        return Err(Status::OUT_OF_RANGE);
    }
    let end = request.offset.checked_add(request.rounded);
    let end = end.ok_or(Status::OUT_OF_RANGE)?;
    if parent.window().is_some_and(|window| end > window.size) {
        return Err(Status::OUT_OF_RANGE);
    }
    parent.require_cached()?;
    // The accumulated offset is tested before the kind of parent.
    parent.store().accumulate(request.offset, request.rounded)?;
    if parent.window().is_some() {
        return Err(Status::NOT_SUPPORTED);
    }
    Ok(())
}

fn make(pin: &FsPin<Vmo>, parent: &Arc<Vmo>, request: &Request) -> ZxResult<Use> {
    // Now that the family is held, the policy stays.
    parent.require_cached()?;
    let store = parent.store();
    let pinnable = parent.kind().pinnable;
    if request.has(SNAPSHOTS) {
        let kind = Kind {
            resizable: request.has(RESIZABLE),
            snapshot: true,
            immutable: request.has(uapi::ZX_VMO_CHILD_SNAPSHOT) && request.has(NO_WRITE),
            pinnable,
            ..Kind::default()
        };
        let store = store.snapshot(request.offset, request.rounded, request.size)?;
        return Vmo::with_store(pin, kind, store, None);
    }
    let kind = Kind {
        resizable: parent.is_resizable(),
        pinnable,
        ..Kind::default()
    };
    let window = if request.has(SLICE) {
        let begin = parent.begin() + request.offset;
        Some(Window::new(begin, request.rounded, request.size)?)
    } else {
        None
    };
    Vmo::with_store(pin, kind, store.clone(), window)
}

/// The rights of a child's first handle (spec 8.3).
fn child_rights(parent: Rights, request: &Request) -> Rights {
    let mut rights = parent
        .without(Rights::RESIZE)
        .with(Rights::GET_PROPERTY)
        .with(Rights::SET_PROPERTY);
    if request.has(RESIZABLE) {
        rights = rights.with(Rights::RESIZE);
    }
    if request.has(NO_WRITE) {
        rights = rights.without(Rights::WRITE);
    } else if request.has(SNAPSHOTS) {
        rights = rights.with(Rights::WRITE).without(Rights::EXECUTE);
    }
    rights
}
