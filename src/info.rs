// SPDX-License-Identifier: GPL-2.0

//! What can be asked of a handle: `zx_object_get_info` (spec 19), properties (spec 20).
#![deny(unsafe_code)]

use crate::{
    accounting,
    handle::Handle,
    rights::Rights,
    status::{Status, ZxResult},
    sys::{
        uapi,
        user::{bytes_of, read_bytes, read_value, write_bytes, write_value},
    },
    vmo::{Vmo, NAME_LENGTH},
};
use core::mem::{offset_of, size_of};

/// The old versions of `zx_info_vmo_t` are prefixes of the newest.
const VMO_V1: usize = offset_of!(uapi::zxvmo_info_vmo, metadata_bytes);
const VMO_V2: usize = offset_of!(uapi::zxvmo_info_vmo, populated_bytes);
const VMO_V3: usize = offset_of!(uapi::zxvmo_info_vmo, committed_private_bytes);
const VMO_V4: usize = size_of::<uapi::zxvmo_info_vmo>();

/// `zx_object_get_info`.
pub(crate) fn get_info(handle: &Handle, args: &mut uapi::zxvmo_get_info) -> ZxResult {
    match args.topic {
        uapi::ZX_INFO_HANDLE_VALID => handle.object().map(|_| ()),
        uapi::ZX_INFO_HANDLE_BASIC => {
            let (object, rights) = handle.object()?;
            let record = uapi::zxvmo_info_handle_basic {
                koid: object.koid(),
                rights: rights.raw(),
                type_: object.kind(),
                related_koid: object.related_koid(),
                ..Default::default()
            };
            deliver(args, bytes_of(&record))
        }
        uapi::ZX_INFO_HANDLE_COUNT => {
            let object = handle.object_with(Rights::INSPECT)?;
            let record = uapi::zxvmo_info_handle_count {
                handle_count: object.handles(),
            };
            deliver(args, bytes_of(&record))
        }
        uapi::ZX_INFO_VMO_V1 => vmo_info(handle, args, VMO_V1),
        uapi::ZX_INFO_VMO_V2 => vmo_info(handle, args, VMO_V2),
        uapi::ZX_INFO_VMO_V3 => vmo_info(handle, args, VMO_V3),
        uapi::ZX_INFO_VMO => vmo_info(handle, args, VMO_V4),
        uapi::ZX_INFO_STREAM => {
            let stream = handle.stream_with(Rights::INSPECT)?;
            let record = uapi::zxvmo_info_stream {
                options: stream.mode(),
                seek: stream.position(),
                content_size: stream.vmo().stream_size(),
                ..Default::default()
            };
            deliver(args, bytes_of(&record))
        }
        // Topics of other objects.
        uapi::ZX_INFO_VMAR
        | uapi::ZX_INFO_VMAR_MAPS
        | uapi::ZX_INFO_PROCESS_VMOS
        | PROCESS_VMOS_V1
        | PROCESS_VMOS_V2
        | PROCESS_VMOS_V3 => handle.object().and(Err(Status::WRONG_TYPE)),
        _ => Err(Status::NOT_SUPPORTED),
    }
}

const PROCESS_VMOS_V1: u32 = 0x0E;
const PROCESS_VMOS_V2: u32 = 0x1000_000E;
const PROCESS_VMOS_V3: u32 = 0x2000_000E;

/// Copies the one record that a topic has, if the caller's buffer is large enough (spec 19.2).
fn deliver(args: &mut uapi::zxvmo_get_info, record: &[u8]) -> ZxResult {
    let fits = args.buffer_size >= record.len() as u64;
    if fits {
        write_bytes(args.buffer as usize, record)?;
    }
    args.actual = fits.into();
    args.avail = 1;
    if fits {
        Ok(())
    } else {
        Err(Status::BUFFER_TOO_SMALL)
    }
}

fn vmo_info(handle: &Handle, args: &mut uapi::zxvmo_get_info, length: usize) -> ZxResult {
    let (vmo, rights) = handle.get()?;
    let record = vmo_record(vmo, rights)?;
    deliver(args, &bytes_of(&record)[..length])
}

/// All that `ZX_INFO_VMO` tells, to a handle with `rights`.
pub(crate) fn vmo_record(vmo: &Vmo, rights: Rights) -> ZxResult<uapi::zxvmo_info_vmo> {
    let parent = vmo.parent_koid();
    let kind = vmo.kind();
    let mut flags = uapi::ZX_INFO_VMO_TYPE_PAGED | uapi::ZX_INFO_VMO_VIA_HANDLE;
    for (set, flag) in [
        (kind.resizable, uapi::ZX_INFO_VMO_RESIZABLE),
        (kind.discardable, uapi::ZX_INFO_VMO_DISCARDABLE),
        (kind.immutable, uapi::ZX_INFO_VMO_IMMUTABLE),
        (kind.snapshot && parent != 0, uapi::ZX_INFO_VMO_IS_COW_CLONE),
    ] {
        if set {
            flags |= flag;
        }
    }
    let mappings = vmo.mappings().counts();
    let account = accounting::of(vmo)?;
    let mut record = uapi::zxvmo_info_vmo {
        koid: vmo.koid(),
        size_bytes: vmo.size(),
        parent_koid: parent,
        num_children: vmo.children(),
        num_mappings: mappings.mappings,
        share_count: mappings.share_count,
        flags,
        committed_bytes: account.committed,
        handle_rights: rights.raw(),
        cache_policy: vmo.store().cache_policy().raw(),
        metadata_bytes: account.metadata,
        populated_bytes: account.committed,
        committed_private_bytes: account.private,
        populated_private_bytes: account.private,
        committed_scaled_bytes: account.scaled,
        populated_scaled_bytes: account.scaled,
        committed_fractional_scaled_bytes: account.fraction,
        populated_fractional_scaled_bytes: account.fraction,
        ..Default::default()
    };
    for (to, from) in record.name.iter_mut().zip(vmo.name()) {
        *to = from;
    }
    Ok(record)
}

/// `zx_object_get_property`; `value` is known not to be NULL (spec 20).
pub(crate) fn get_property(handle: &Handle, args: &uapi::zxvmo_property) -> ZxResult {
    if args.value == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let object = handle.object_with(Rights::GET_PROPERTY)?;
    let at_least = |size: usize| {
        if args.value_size < size as u64 {
            Err(Status::BUFFER_TOO_SMALL)
        } else {
            Ok(())
        }
    };
    match args.property {
        uapi::ZX_PROP_NAME => {
            at_least(NAME_LENGTH)?;
            write_bytes(args.value as usize, &object.vmo()?.name())?;
        }
        uapi::ZX_PROP_VMO_CONTENT_SIZE => {
            at_least(size_of::<u64>())?;
            write_value(args.value as usize, &object.vmo()?.stream_size())?;
        }
        uapi::ZX_PROP_STREAM_MODE_APPEND => {
            at_least(1)?;
            write_value(args.value as usize, &u8::from(object.stream()?.appends()))?;
        }
        _ => return Err(Status::NOT_SUPPORTED),
    }
    Ok(())
}

/// `zx_object_set_property` (spec 20).
pub(crate) fn set_property(handle: &Handle, args: &uapi::zxvmo_property) -> ZxResult {
    if args.value == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let object = handle.object_with(Rights::SET_PROPERTY)?;
    match args.property {
        uapi::ZX_PROP_NAME => {
            let mut name = [0; NAME_LENGTH];
            let length = args.value_size.min(NAME_LENGTH as u64 - 1) as usize;
            read_bytes(args.value as usize, &mut name[..length])?;
            object.vmo()?.set_name(&name);
            Ok(())
        }
        uapi::ZX_PROP_VMO_CONTENT_SIZE => {
            let (object, rights) = handle.object()?;
            rights.require(Rights::WRITE)?;
            if args.value_size < size_of::<u64>() as u64 {
                return Err(Status::BUFFER_TOO_SMALL);
            }
            let vmo = object.vmo()?;
            vmo.set_stream_size(rights, read_value(args.value as usize)?)
        }
        uapi::ZX_PROP_STREAM_MODE_APPEND if args.value_size < 1 => Err(Status::BUFFER_TOO_SMALL),
        uapi::ZX_PROP_STREAM_MODE_APPEND => {
            let stream = object.stream()?;
            stream.set_append(read_value::<u8>(args.value as usize)? != 0);
            Ok(())
        }
        _ => Err(Status::NOT_SUPPORTED),
    }
}
