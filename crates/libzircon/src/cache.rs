// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::c_void;
use std::sync::atomic::{fence, Ordering};

use zxvmo::{abi, Status};

use crate::status::code;

const FLUSH: u32 = abi::ZX_CACHE_FLUSH_INSN | abi::ZX_CACHE_FLUSH_DATA;

/// Makes what was written to memory visible to instruction fetches
/// (ZX_CACHE_FLUSH_INSN) or to devices (ZX_CACHE_FLUSH_DATA, also with
/// ZX_CACHE_FLUSH_INVALIDATE): spec section 17.2. The caches of x86 are
/// coherent, so that there is nothing to flush; elsewhere
/// ZX_ERR_NOT_SUPPORTED. ZX_ERR_INVALID_ARGS for other options.
#[no_mangle]
pub extern "C" fn zx_cache_flush(_addr: *const c_void, _size: usize, options: u32) -> i32 {
    code(flush(options))
}

fn flush(options: u32) -> Result<(), Status> {
    let invalidate = options & abi::ZX_CACHE_FLUSH_INVALIDATE != 0;
    if options & !(FLUSH | abi::ZX_CACHE_FLUSH_INVALIDATE) != 0
        || options & FLUSH == 0
        || invalidate && options & abi::ZX_CACHE_FLUSH_DATA == 0
    {
        return Err(Status::INVALID_ARGS);
    }
    if !cfg!(target_arch = "x86_64") {
        return Err(Status::NOT_SUPPORTED);
    }
    fence(Ordering::SeqCst);
    Ok(())
}
