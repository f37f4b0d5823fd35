// SPDX-License-Identifier: MIT OR Apache-2.0

use zxvmo::{abi, MonotonicDuration, MonotonicInstant};

/// Now, in nanoseconds of Linux's CLOCK_MONOTONIC.
#[no_mangle]
pub extern "C" fn zx_clock_get_monotonic() -> i64 {
    MonotonicInstant::get().into_nanos()
}

/// Now and so many nanoseconds; stops at ZX_TIME_INFINITE.
#[no_mangle]
pub extern "C" fn zx_deadline_after(nanoseconds: i64) -> i64 {
    MonotonicInstant::after(MonotonicDuration::from_nanos(nanoseconds)).into_nanos()
}

/// Sleeps until a point in time; yields if it has passed.
#[no_mangle]
pub extern "C" fn zx_nanosleep(deadline: i64) -> i32 {
    MonotonicInstant::from_nanos(deadline).sleep();
    abi::ZX_OK as i32
}

/// Bytes of a page.
#[no_mangle]
pub extern "C" fn zx_system_get_page_size() -> u32 {
    abi::ZX_PAGE_SIZE
}
