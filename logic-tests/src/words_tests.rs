// SPDX-License-Identifier: GPL-2.0

//! Rights and statuses.

use crate::{
    cases,
    rights::Rights,
    status::Status,
    sys::{self, errno, uapi},
};
use kernel::error::Error;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(256),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Spec 18: nothing is gained, and what cannot be had is refused as a whole.
    #[test]
    fn narrowing_gains_nothing(has in any::<u32>(), wanted in any::<u32>(), subset in any::<u32>()) {
        let rights = Rights::from_raw(has);
        let same = uapi::ZX_RIGHT_SAME_RIGHTS;
        prop_assert_eq!(rights.narrow(same).map(Rights::raw), Ok(has));
        let subset = has & subset & !same;
        prop_assert_eq!(rights.narrow(subset).map(Rights::raw), Ok(subset));
        let expected = match wanted & !has {
            _ if wanted == same => Ok(has),
            0 => Ok(wanted),
            _ => Err(Status::INVALID_ARGS),
        };
        prop_assert_eq!(rights.narrow(wanted).map(Rights::raw), expected);
    }

    #[test]
    fn rights_are_a_set(a in any::<u32>(), b in any::<u32>()) {
        let (left, right) = (Rights::from_raw(a), Rights::from_raw(b));
        prop_assert_eq!(left.with(right).raw(), a | b);
        prop_assert_eq!(left.without(right).raw(), a & !b);
        prop_assert_eq!(left.has(right), (0..32).all(|bit| b >> bit & 1 <= a >> bit & 1));
        let required = if left.has(right) { Ok(()) } else { Err(Status::ACCESS_DENIED) };
        prop_assert_eq!(left.require(right), required);
    }

    /// Whatever the kernel says becomes some status, none of which is ZX_OK.
    #[test]
    fn errors_are_statuses(errno in 1..4096i32) {
        let status = Status::from(Error::from_errno(-errno));
        prop_assert!(status.raw() < 0);
        prop_assert_ne!(Error::from(status), sys::error(errno::EIO));
    }
}

/// What the module's own calls fail with, seen by a Zircon caller.
#[test]
fn errors_of_the_kernel() {
    for (errno, status) in [
        (errno::EINTR, Status::CANCELED),
        (errno::ENOMEM, Status::NO_MEMORY),
        (errno::EACCES, Status::ACCESS_DENIED),
        (errno::EEXIST, Status::ALREADY_EXISTS),
        (errno::EINVAL, Status::NO_MEMORY),
    ] {
        assert_eq!(Status::from(sys::error(errno)), status);
    }
}
