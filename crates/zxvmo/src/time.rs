// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::{clock_nanosleep_absolute, sched_yield};
use rustix::time::{clock_gettime, ClockId, Timespec};

use crate::abi;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A point in time on the monotonic clock, Linux's `CLOCK_MONOTONIC`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct MonotonicInstant(i64);

/// The distance of two [`MonotonicInstant`]s in nanoseconds; may be negative.
///
/// Sums stop at the ends of the clock and do not wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct MonotonicDuration(i64);

impl MonotonicInstant {
    /// Never.
    pub const INFINITE: Self = Self(abi::ZX_TIME_INFINITE as i64);
    /// Always past: a deadline that polls.
    pub const INFINITE_PAST: Self = Self(abi::ZX_TIME_INFINITE_PAST);
    /// The start of the clock.
    pub const ZERO: Self = Self(0);

    /// Now.
    pub fn get() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        Self(now.tv_sec * NANOS_PER_SECOND + now.tv_nsec)
    }

    /// Now and `duration`.
    pub fn after(duration: MonotonicDuration) -> Self {
        Self::get() + duration
    }

    /// The time `nanos` after the start of the clock.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start of the clock.
    pub const fn into_nanos(self) -> i64 {
        self.0
    }

    /// Sleeps until this point in time; yields if it has passed already.
    pub fn sleep(self) {
        if self.0 <= 0 {
            sched_yield();
            return;
        }
        let until = Timespec {
            tv_sec: self.0 / NANOS_PER_SECOND,
            tv_nsec: self.0 % NANOS_PER_SECOND,
        };
        while clock_nanosleep_absolute(ClockId::Monotonic, &until) == Err(Errno::INTR) {}
    }
}

impl MonotonicDuration {
    /// For ever.
    pub const INFINITE: Self = Self(abi::ZX_TIME_INFINITE as i64);
    /// No time.
    pub const ZERO: Self = Self(0);

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// So many seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// The number of nanoseconds.
    pub const fn into_nanos(self) -> i64 {
        self.0
    }
}

impl From<Duration> for MonotonicDuration {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl Add<MonotonicDuration> for MonotonicInstant {
    type Output = Self;
    fn add(self, duration: MonotonicDuration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

impl Sub<MonotonicDuration> for MonotonicInstant {
    type Output = Self;
    fn sub(self, duration: MonotonicDuration) -> Self {
        Self(self.0.saturating_sub(duration.0))
    }
}

impl Sub for MonotonicInstant {
    type Output = MonotonicDuration;
    fn sub(self, earlier: Self) -> MonotonicDuration {
        MonotonicDuration(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_saturate() {
        let never = MonotonicInstant::after(MonotonicDuration::INFINITE);
        assert_eq!(never, MonotonicInstant::INFINITE);
        let past = MonotonicInstant::INFINITE_PAST - MonotonicDuration::from_seconds(1);
        assert_eq!(past, MonotonicInstant::INFINITE_PAST);
        assert_eq!(
            MonotonicDuration::from_seconds(i64::MAX),
            MonotonicDuration::INFINITE
        );
        assert_eq!(
            MonotonicDuration::from(Duration::MAX),
            MonotonicDuration::INFINITE
        );
    }

    #[test]
    fn sleep_reaches_the_deadline() {
        let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(5));
        deadline.sleep();
        assert!(MonotonicInstant::get() >= deadline);
        MonotonicInstant::INFINITE_PAST.sleep();
    }
}
