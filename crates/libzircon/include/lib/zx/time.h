/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Points in time and durations as types of their own, so that only sums and
 * differences which mean something compile. Arithmetic stops at the ends of the
 * clock instead of wrapping, so infinite() is later than anything.
 */
#ifndef LIB_ZX_TIME_H_
#define LIB_ZX_TIME_H_

#include <stdint.h>
#include <time.h>

#include <zircon/syscalls.h>
#include <zircon/time.h>

namespace zx {

/* A number of nanoseconds. */
class duration final {
 public:
  constexpr duration() = default;
  explicit constexpr duration(zx_duration_t value) : value_(value) {}
  explicit constexpr duration(const struct timespec& time)
      : value_(zx_duration_from_timespec(time)) {}

  static constexpr duration infinite() { return duration(ZX_TIME_INFINITE); }
  static constexpr duration infinite_past() { return duration(ZX_TIME_INFINITE_PAST); }

  constexpr zx_duration_t get() const { return value_; }
  zx_duration_t* get_address() { return &value_; }

  constexpr duration operator+(duration other) const {
    return duration(zx_duration_add_duration(value_, other.value_));
  }
  constexpr duration operator-(duration other) const {
    return duration(zx_duration_sub_duration(value_, other.value_));
  }
  constexpr duration operator-() const { return duration() - *this; }
  constexpr duration operator*(int64_t factor) const {
    return duration(zx_duration_mul_int64(value_, factor));
  }
  constexpr duration operator/(int64_t divisor) const {
    return divisor == -1 ? -*this : duration(value_ / divisor);
  }
  constexpr int64_t operator/(duration other) const {
    return other.value_ == -1 ? (-*this).value_ : value_ / other.value_;
  }
  constexpr duration operator%(duration other) const {
    return other.value_ == -1 ? duration() : duration(value_ % other.value_);
  }

  constexpr duration& operator+=(duration other) { return *this = *this + other; }
  constexpr duration& operator-=(duration other) { return *this = *this - other; }
  constexpr duration& operator*=(int64_t factor) { return *this = *this * factor; }
  constexpr duration& operator/=(int64_t divisor) { return *this = *this / divisor; }
  constexpr duration& operator%=(duration other) { return *this = *this % other; }

  constexpr bool operator==(duration other) const { return value_ == other.value_; }
  constexpr bool operator!=(duration other) const { return value_ != other.value_; }
  constexpr bool operator<(duration other) const { return value_ < other.value_; }
  constexpr bool operator<=(duration other) const { return value_ <= other.value_; }
  constexpr bool operator>(duration other) const { return value_ > other.value_; }
  constexpr bool operator>=(duration other) const { return value_ >= other.value_; }

  /* Whole units, rounded towards zero. */
  constexpr int64_t to_nsecs() const { return value_; }
  constexpr int64_t to_usecs() const { return value_ / ZX_USEC(1); }
  constexpr int64_t to_msecs() const { return value_ / ZX_MSEC(1); }
  constexpr int64_t to_secs() const { return value_ / ZX_SEC(1); }
  constexpr int64_t to_mins() const { return value_ / ZX_MIN(1); }
  constexpr int64_t to_hours() const { return value_ / ZX_HOUR(1); }
  constexpr struct timespec to_timespec() const { return zx_timespec_from_duration(value_); }

 private:
  zx_duration_t value_ = 0;
};

constexpr duration operator*(int64_t factor, duration other) { return other * factor; }

/*
 * A point in time of the clock kClockId. A time of one clock does not compare
 * with one of another.
 */
template <zx_clock_t kClockId>
class basic_time final {
 public:
  constexpr basic_time() = default;
  explicit constexpr basic_time(zx_time_t value) : value_(value) {}
  explicit constexpr basic_time(const struct timespec& time)
      : value_(zx_time_from_timespec(time)) {}

  static constexpr basic_time infinite() { return basic_time(ZX_TIME_INFINITE); }
  static constexpr basic_time infinite_past() { return basic_time(ZX_TIME_INFINITE_PAST); }

  constexpr zx_time_t get() const { return value_; }
  zx_time_t* get_address() { return &value_; }

  constexpr duration operator-(basic_time other) const {
    return duration(zx_time_sub_time(value_, other.value_));
  }
  constexpr basic_time operator+(duration delta) const {
    return basic_time(zx_time_add_duration(value_, delta.get()));
  }
  constexpr basic_time operator-(duration delta) const {
    return basic_time(zx_time_sub_duration(value_, delta.get()));
  }
  constexpr basic_time& operator+=(duration delta) { return *this = *this + delta; }
  constexpr basic_time& operator-=(duration delta) { return *this = *this - delta; }

  constexpr bool operator==(basic_time other) const { return value_ == other.value_; }
  constexpr bool operator!=(basic_time other) const { return value_ != other.value_; }
  constexpr bool operator<(basic_time other) const { return value_ < other.value_; }
  constexpr bool operator<=(basic_time other) const { return value_ <= other.value_; }
  constexpr bool operator>(basic_time other) const { return value_ > other.value_; }
  constexpr bool operator>=(basic_time other) const { return value_ >= other.value_; }

  constexpr struct timespec to_timespec() const { return zx_timespec_from_time(value_); }

 private:
  zx_time_t value_ = 0;
};

template <zx_clock_t kClockId>
constexpr basic_time<kClockId> operator+(duration delta, basic_time<kClockId> time) {
  return time + delta;
}

/* What deadlines are: a point in time of the monotonic clock. */
using time = basic_time<ZX_CLOCK_MONOTONIC>;

constexpr duration nsec(int64_t n) { return duration(1) * n; }
constexpr duration usec(int64_t n) { return duration(ZX_USEC(1)) * n; }
constexpr duration msec(int64_t n) { return duration(ZX_MSEC(1)) * n; }
constexpr duration sec(int64_t n) { return duration(ZX_SEC(1)) * n; }
constexpr duration min(int64_t n) { return duration(ZX_MIN(1)) * n; }
constexpr duration hour(int64_t n) { return duration(ZX_HOUR(1)) * n; }

inline zx_status_t nanosleep(time deadline) { return zx_nanosleep(deadline.get()); }

inline time deadline_after(duration delay) { return time(zx_deadline_after(delay.get())); }

}  // namespace zx

#endif /* LIB_ZX_TIME_H_ */
