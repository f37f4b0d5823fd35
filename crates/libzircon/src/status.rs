// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{c_char, CStr};

use zxvmo::{abi, Status};

/// The number of a result.
pub(crate) fn code(result: Result<(), Status>) -> i32 {
    match result {
        Ok(()) => abi::ZX_OK as i32,
        Err(status) => status.into_raw(),
    }
}

macro_rules! names {
    ($($name:ident)*) => {
        fn name(status: i32) -> &'static CStr {
            $(
                if status == abi::$name as i32 {
                    const NAME: &CStr =
                        match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                            Ok(name) => name,
                            Err(_) => panic!("a name holds a NUL"),
                        };
                    return NAME;
                }
            )*
            c"(UNKNOWN)"
        }
    };
}

names! {
    ZX_OK ZX_ERR_INTERNAL ZX_ERR_NOT_SUPPORTED ZX_ERR_NO_RESOURCES ZX_ERR_NO_MEMORY
    ZX_ERR_INVALID_ARGS ZX_ERR_BAD_HANDLE ZX_ERR_WRONG_TYPE ZX_ERR_BAD_SYSCALL
    ZX_ERR_OUT_OF_RANGE ZX_ERR_BUFFER_TOO_SMALL ZX_ERR_BAD_STATE ZX_ERR_TIMED_OUT
    ZX_ERR_SHOULD_WAIT ZX_ERR_CANCELED ZX_ERR_PEER_CLOSED ZX_ERR_NOT_FOUND
    ZX_ERR_ALREADY_EXISTS ZX_ERR_ALREADY_BOUND ZX_ERR_UNAVAILABLE ZX_ERR_ACCESS_DENIED
    ZX_ERR_IO ZX_ERR_IO_DATA_INTEGRITY ZX_ERR_FILE_BIG ZX_ERR_NO_SPACE ZX_ERR_STOP ZX_ERR_NEXT
}

/// The name of a status, such as "ZX_ERR_NO_MEMORY"; "(UNKNOWN)" for a number
/// that is none. The string is static.
#[no_mangle]
pub extern "C" fn zx_status_get_string(status: i32) -> *const c_char {
    name(status).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_client() {
        for number in -100..=0 {
            let expected = Status::from_raw(number).name().unwrap_or("(UNKNOWN)");
            assert_eq!(name(number).to_str(), Ok(expected));
        }
    }
}
