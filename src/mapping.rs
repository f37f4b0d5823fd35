// SPDX-License-Identifier: GPL-2.0

//! Mappings of a VMO: views, and the object's side of `zx_vmar_map` (spec 13).
//!
//! A mapping does not hold the handle that it was made from. It holds a *view file* of its own,
//! which the mappings that come of it by fork or splitting share. So closing a handle is seen at
//! once, whatever is mapped, and what can be done with a mapping (mprotect, remap_file_pages) is
//! bounded by its view for good, whatever becomes of the handle.
#![deny(unsafe_code)]

use crate::{
    rights::Rights,
    status::{Status, ZxResult},
    sys::{
        cache::CacheMode,
        file::{AccessMode, File, FileRef},
        file_ops::ViewOps,
        fs::FsPin,
        killed,
        limit::Charge,
        mapping_table::{Mapped, MappingTable},
        mm::{self, map_file, with_mapping_at},
        new_mapping::{NewMapping, Permissions, Trap},
        trace, uapi,
        vma::{AddressSpace, Fault, FaultResult, Mapping},
        PAGE_SHIFT, PAGE_SIZE,
    },
    vmo::{Use, Vmo},
};
use core::ops::Range;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{atomic::Relaxed, Arc, Mutex},
};

/// Address spaces that are told apart; see `share_count` in spec 19.4.
const MAX_SPACES: usize = 64;

/// The mappings that a VMO has now.
#[pin_data]
pub(crate) struct Mappings {
    #[pin]
    spaces: Mutex<Spaces>,
}

struct Spaces {
    known: KVec<(AddressSpace, u64)>,
    /// Mappings in address spaces that did not fit.
    others: u64,
}

/// Numbers for `zx_info_vmo_t`.
pub(crate) struct MappingCounts {
    /// Mappings of the object.
    pub(crate) mappings: u64,
    /// Distinct address spaces, at least 1.
    pub(crate) share_count: u64,
}

impl Mappings {
    /// No mappings.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            spaces <- new_mutex!(Spaces { known: KVec::new(), others: 0 }, "zxvmo_spaces"),
        })
    }

    /// The counts now.
    pub(crate) fn counts(&self) -> MappingCounts {
        let spaces = self.spaces.lock();
        let known: u64 = spaces.known.iter().map(|(_, count)| count).sum();
        MappingCounts {
            mappings: known + spaces.others,
            share_count: (spaces.known.len() as u64 + spaces.others).max(1),
        }
    }

    fn add(&self, space: AddressSpace) {
        let mut spaces = self.spaces.lock();
        if let Some(entry) = spaces.known.iter_mut().find(|entry| entry.0 == space) {
            entry.1 += 1;
        } else if spaces.known.len() >= MAX_SPACES
            || spaces.known.push((space, 1), GFP_KERNEL_ACCOUNT).is_err()
        {
            spaces.others += 1;
        }
    }

    fn remove(&self, space: AddressSpace) {
        let mut spaces = self.spaces.lock();
        let found = spaces.known.iter().position(|entry| entry.0 == space);
        match found {
            Some(at) => {
                spaces.known[at].1 -= 1;
                if spaces.known[at].1 == 0 {
                    let _ = spaces.known.remove(at);
                }
            }
            None => spaces.others = spaces.others.saturating_sub(1),
        }
    }
}

/// A VMO as mappings with certain permissions see it: what a view file carries.
pub(crate) struct View {
    /// Kept by the file, not by each mapping: a system call that makes a new mapping out of the
    /// last one first takes the old one away.
    _use: Use,
    vmo: Arc<Vmo>,
    permissions: Permissions,
    /// ZX_VM_FAULT_BEYOND_STREAM_SIZE.
    bounded: bool,
    _charge: Charge,
    /// As that of a handle.
    _pin: FsPin<Vmo>,
}

/// What `rights` allow. Neither writing nor execution without reading: the hardware would let
/// both read.
fn permissions(rights: Rights) -> Permissions {
    let read = rights.has(Rights::READ);
    Permissions {
        read,
        write: read && rights.has(Rights::WRITE),
        execute: read && rights.has(Rights::EXECUTE),
    }
}

impl View {
    /// Tells of a fault whom it may concern.
    #[inline(always)]
    fn trace(&self, fault: &Fault<'_>, write: bool, flags: u32) {
        trace::fault(|| {
            let write = if write { trace::FAULT_WRITE } else { 0 };
            (self.vmo.koid(), fault.page_index(), write | flags)
        });
    }

    /// One past the last byte of the store that can be mapped, if the store goes that far.
    fn end(&self) -> u64 {
        if self.bounded {
            let end = self.vmo.begin() + self.vmo.stream_size();
            end.next_multiple_of(PAGE_SIZE).min(self.vmo.reach())
        } else {
            self.vmo.reach()
        }
    }

    /// The VMO.
    pub(crate) fn vmo(&self) -> &Arc<Vmo> {
        &self.vmo
    }

    /// What a mapping of the view could be given at most.
    pub(crate) fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Enters what is committed of the mapping at `addresses`, which begin in it, as far as one
    /// hold of the locks should go. Returns the address to go on from.
    fn enter(&self, mapping: &Mapping<'_>, addresses: &Range<usize>) -> ZxResult<usize> {
        let covered = mapping.addresses();
        let end = addresses.end.min(covered.end);
        if !mapping.is_accessible() {
            return Ok(end);
        }
        let first = mapping.window().0;
        let page = |address: usize| first + ((address - covered.start) as u64 >> PAGE_SHIFT);
        let pages = page(addresses.start)..page(end);
        let store = self.vmo.store();
        let next = store.enter_committed(mapping, pages, || self.end())?;
        Ok(covered.start + ((next - first) << PAGE_SHIFT) as usize)
    }

    /// Makes a view of `vmo` for what `rights` allow, and its file.
    fn create(vmo: &Arc<Vmo>, rights: Rights, bounded: bool) -> ZxResult<(Arc<Self>, FileRef)> {
        let permissions = permissions(rights);
        let inode = vmo.inode().ok_or(Status::BAD_HANDLE)?;
        let view = Arc::new(
            Self {
                _use: vmo.try_use()?,
                vmo: vmo.clone(),
                permissions,
                bounded,
                _charge: Charge::take()?,
                _pin: FsPin::take()?,
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        let mode = AccessMode {
            // The core maps no file that it may not read, not even without permissions.
            read: true,
            write: permissions.write,
        };
        let file = FileRef::create_view(&view._pin, &inode, mode, view.clone())?;
        Ok((view, file))
    }
}

static TABLE: MappingTable<View> = MappingTable::new();

impl Mapped for View {
    fn table() -> &'static MappingTable<Self> {
        &TABLE
    }

    fn opened(&self, space: AddressSpace) -> CacheMode {
        let store = self.vmo.store();
        // The policy does not change while the lock is held, nor once the mapping is counted.
        let content = store.read_lock();
        content.mapped.store(true, Relaxed);
        self.vmo.mappings().add(space);
        store.cache_policy().mode()
    }

    fn closed(&self, space: AddressSpace) {
        self.vmo.mappings().remove(space);
        // What nobody has touched through it is not going to be.
        drop(self.vmo.store().read_lock_settled());
    }

    fn fault(&self, fault: &Fault<'_>) -> FaultResult {
        let write = for_writing(fault);
        self.trace(fault, write, 0);
        self.vmo.store().resolve(fault, write, true, || self.end())
    }

    fn fault_large(&self, fault: &Fault<'_>) -> FaultResult {
        if fault.is_write() && !fault.is_shared() {
            // The page will be copied.
            return FaultResult::Fallback;
        }
        let write = for_writing(fault);
        self.vmo
            .store()
            .resolve_large(fault, write, || self.end())
            .inspect(|_| self.trace(fault, write, trace::FAULT_LARGE))
            .unwrap_or(FaultResult::Fallback)
    }

    fn make_writable(&self, fault: &Fault<'_>) -> FaultResult {
        self.trace(fault, true, trace::FAULT_UPGRADE);
        self.vmo.store().resolve(fault, true, false, || self.end())
    }

    fn write_permitted(&self, first: u64, count: u64) {
        self.vmo.store().write_lock().unmap(first, count);
    }
}

/// Whether the page at a fault has to be one that may be written through the mapping.
fn for_writing(fault: &Fault<'_>) -> bool {
    // Nothing traps the first write to a page in an untrapped mapping.
    let write = fault.is_write() || !fault.is_trapped() && fault.may_write();
    write && fault.is_shared()
}

impl ViewOps for View {
    fn mmap(&self, file: &File, mapping: NewMapping<'_>) -> Result {
        attach(mapping, file, self)
    }
}

/// mmap(2) of a handle with `rights` to `vmo`.
pub(crate) fn mmap(vmo: &Arc<Vmo>, rights: Rights, mapping: NewMapping<'_>) -> Result {
    if !rights.has(Rights::MAP) {
        return Err(EACCES);
    }
    let (view, file) = View::create(vmo, rights, false)?;
    attach(mapping, &file, &view)
}

fn attach(mapping: NewMapping<'_>, file: &File, view: &View) -> Result {
    let trap = if view.vmo.kind().pinnable {
        Trap::None
    } else {
        Trap::FirstWrite
    };
    let shift = view.vmo.begin() >> PAGE_SHIFT;
    mapping.attach(file, view, view.permissions, trap, shift)
}

const PERMISSIONS: u32 = uapi::ZX_VM_PERM_READ | uapi::ZX_VM_PERM_WRITE | uapi::ZX_VM_PERM_EXECUTE;
const PLACEMENT: u32 =
    uapi::ZX_VM_SPECIFIC | uapi::ZX_VM_SPECIFIC_OVERWRITE | uapi::ZX_VM_OFFSET_IS_UPPER_LIMIT;
const CAN_MAP: u32 =
    uapi::ZX_VM_CAN_MAP_READ | uapi::ZX_VM_CAN_MAP_WRITE | uapi::ZX_VM_CAN_MAP_EXECUTE;
const ALIGN: u32 = 0xFF << uapi::ZX_VM_ALIGN_BASE;
const KNOWN: u32 = PERMISSIONS
    | PLACEMENT
    | CAN_MAP
    | ALIGN
    | uapi::ZX_VM_COMPACT
    | uapi::ZX_VM_CAN_MAP_SPECIFIC
    | uapi::ZX_VM_MAP_RANGE
    | uapi::ZX_VM_REQUIRE_NON_RESIZABLE
    | uapi::ZX_VM_ALLOW_FAULTS
    | uapi::ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED
    | uapi::ZX_VM_FAULT_BEYOND_STREAM_SIZE;

/// `zx_vmar_map` of a handle with `rights`, as far as the object decides. The checks are in the
/// order of spec 13.3.
pub(crate) fn map(
    vmo: &Arc<Vmo>,
    rights: Rights,
    args: &uapi::zxvmo_map,
) -> ZxResult<Range<usize>> {
    let mut options = args.options;
    rights.require(Rights::MAP)?;
    if options & uapi::ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED != 0 {
        options |= uapi::ZX_VM_PERM_READ;
    }
    let has = |option: u32| options & option != 0;
    if (has(uapi::ZX_VM_PERM_WRITE) || has(uapi::ZX_VM_PERM_EXECUTE)) && !has(uapi::ZX_VM_PERM_READ)
        || has(uapi::ZX_VM_MAP_RANGE) && has(uapi::ZX_VM_SPECIFIC_OVERWRITE)
        || has(CAN_MAP)
    {
        return Err(Status::INVALID_ARGS);
    }
    for (option, right) in [
        (uapi::ZX_VM_PERM_READ, Rights::READ),
        (uapi::ZX_VM_PERM_WRITE, Rights::WRITE),
        (uapi::ZX_VM_PERM_EXECUTE, Rights::EXECUTE),
    ] {
        if has(option) {
            rights.require(right)?;
        }
    }
    if has(uapi::ZX_VM_FAULT_BEYOND_STREAM_SIZE) && !has(uapi::ZX_VM_ALLOW_FAULTS) {
        return Err(Status::INVALID_ARGS);
    }
    let align = (options & ALIGN) >> uapi::ZX_VM_ALIGN_BASE;
    if options & !KNOWN != 0 || align != 0 && !(10..=32).contains(&align) {
        return Err(Status::INVALID_ARGS);
    }
    if has(uapi::ZX_VM_REQUIRE_NON_RESIZABLE) && vmo.is_resizable()
        || vmo.is_discardable() && !has(uapi::ZX_VM_ALLOW_FAULTS)
    {
        return Err(Status::NOT_SUPPORTED);
    }
    if has(uapi::ZX_VM_COMPACT | uapi::ZX_VM_CAN_MAP_SPECIFIC) || args.vmo_offset % PAGE_SIZE != 0 {
        return Err(Status::INVALID_ARGS);
    }
    let length = args
        .length
        .checked_next_multiple_of(PAGE_SIZE)
        .ok_or(Status::OUT_OF_RANGE)?;
    args.vmo_offset
        .checked_add(length)
        .ok_or(Status::OUT_OF_RANGE)?;
    if length == 0 {
        return Err(Status::INVALID_ARGS);
    }
    place(vmo, rights, args, options, length)
}

/// Steps 14 to 19 of spec 13.3: where the mapping goes.
fn place(
    vmo: &Arc<Vmo>,
    rights: Rights,
    args: &uapi::zxvmo_map,
    options: u32,
    length: u64,
) -> ZxResult<Range<usize>> {
    let has = |option: u32| options & option != 0;
    let fixed = has(uapi::ZX_VM_SPECIFIC | uapi::ZX_VM_SPECIFIC_OVERWRITE);
    let align = (options & ALIGN) >> uapi::ZX_VM_ALIGN_BASE;
    if fixed && has(uapi::ZX_VM_OFFSET_IS_UPPER_LIMIT)
        || !has(PLACEMENT) && args.address != 0
        || args.address % PAGE_SIZE != 0
        || fixed && args.address == 0
        || fixed && align != 0 && args.address % (1 << align) != 0
    {
        return Err(Status::INVALID_ARGS);
    }
    if has(uapi::ZX_VM_OFFSET_IS_UPPER_LIMIT) || !fixed && align > PAGE_SHIFT {
        return Err(Status::NOT_SUPPORTED);
    }
    let mut protection = 0;
    for (option, bit) in [
        (uapi::ZX_VM_PERM_READ, mm::PROT_READ),
        (uapi::ZX_VM_PERM_WRITE, mm::PROT_WRITE),
        (uapi::ZX_VM_PERM_EXECUTE, mm::PROT_EXEC),
    ] {
        if has(option) {
            protection |= bit;
        }
    }
    let flags = mm::MAP_SHARED
        | if has(uapi::ZX_VM_SPECIFIC_OVERWRITE) {
            mm::MAP_FIXED
        } else if has(uapi::ZX_VM_SPECIFIC) {
            mm::MAP_FIXED_NOREPLACE
        } else {
            0
        };
    let bounded = has(uapi::ZX_VM_FAULT_BEYOND_STREAM_SIZE);
    let (_view, file) = View::create(vmo, rights, bounded)?;
    let mapped = map_file(
        &file,
        args.address as usize,
        length as usize,
        protection,
        flags,
        args.vmo_offset,
    );
    match mapped {
        Ok(address) => {
            let mapped = address..address + length as usize;
            if has(uapi::ZX_VM_MAP_RANGE) {
                enter_committed(mapped.clone())
                    .inspect_err(|_| mm::unmap(address, length as usize))?;
            }
            Ok(mapped)
        }
        Err(error) if error == EEXIST => Err(Status::ALREADY_EXISTS),
        Err(error) if error == EACCES => Err(Status::ACCESS_DENIED),
        Err(error) if error == EOVERFLOW => Err(Status::OUT_OF_RANGE),
        Err(error) if error == EINVAL => Err(Status::INVALID_ARGS),
        // Outside of what this process may map.
        Err(_) if fixed => Err(Status::INVALID_ARGS),
        Err(error) if error == EPERM => Err(Status::ACCESS_DENIED),
        Err(_) => Err(Status::NO_RESOURCES),
    }
}

/// Enters what is committed at `addresses` into the caller's page tables, as far as VMOs are
/// mapped there without a hole. Commits nothing. NO_MEMORY; CANCELED if the caller is killed.
pub(crate) fn enter_committed(mut addresses: Range<usize>) -> ZxResult {
    while !addresses.is_empty() {
        if killed() {
            return Err(Status::CANCELED);
        }
        // What another thread has unmapped meanwhile needs no translations.
        let entered = with_mapping_at(addresses.start, |mapping| {
            let mapping = mapping?;
            let view = mapping.owner::<View>()?;
            Some(view.enter(&mapping, &addresses))
        });
        match entered {
            Some(next) => addresses.start = next?,
            None => break,
        }
    }
    Ok(())
}
