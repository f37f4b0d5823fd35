/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Points in time and durations, in nanoseconds of the monotonic clock. */
#ifndef ZIRCON_TIME_H_
#define ZIRCON_TIME_H_

#include <stdint.h>
#include <time.h>
#include <zircon/compiler.h>
#include <zxvmo.h>

/* A point in time on the monotonic clock (CLOCK_MONOTONIC of Linux). */
typedef int64_t zx_time_t;
typedef int64_t zx_instant_mono_t;

/* The distance of two points in time. */
typedef int64_t zx_duration_t;
typedef int64_t zx_duration_mono_t;

/* Which clock: ZX_CLOCK_*. */
typedef uint32_t zx_clock_t;

#define ZX_NSEC(n) ((zx_duration_t)(INT64_C(1) * (n)))
#define ZX_USEC(n) ((zx_duration_t)(INT64_C(1000) * (n)))
#define ZX_MSEC(n) ((zx_duration_t)(INT64_C(1000000) * (n)))
#define ZX_SEC(n) ((zx_duration_t)(INT64_C(1000000000) * (n)))
#define ZX_MIN(n) ((zx_duration_t)(INT64_C(60000000000) * (n)))
#define ZX_HOUR(n) ((zx_duration_t)(INT64_C(3600000000000) * (n)))

/* Sums and differences that stop at the ends of the clock. */
__CONSTEXPR static inline zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t sum = 0;
  if (__builtin_add_overflow(time, duration, &sum)) {
    return duration < 0 ? INT64_MIN : INT64_MAX;
  }
  return sum;
}

__CONSTEXPR static inline zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t difference = 0;
  if (__builtin_sub_overflow(time, duration, &difference)) {
    return duration < 0 ? INT64_MAX : INT64_MIN;
  }
  return difference;
}

__CONSTEXPR static inline zx_duration_t zx_time_sub_time(zx_time_t a, zx_time_t b) {
  return zx_time_sub_duration(a, b);
}

__CONSTEXPR static inline zx_duration_t zx_duration_add_duration(zx_duration_t a, zx_duration_t b) {
  return zx_time_add_duration(a, b);
}

__CONSTEXPR static inline zx_duration_t zx_duration_sub_duration(zx_duration_t a, zx_duration_t b) {
  return zx_time_sub_duration(a, b);
}

__CONSTEXPR static inline zx_duration_t zx_duration_mul_int64(zx_duration_t duration,
                                                              int64_t factor) {
  zx_duration_t product = 0;
  if (__builtin_mul_overflow(duration, factor, &product)) {
    return (duration < 0) == (factor < 0) ? INT64_MAX : INT64_MIN;
  }
  return product;
}

/* From and to the times of POSIX. These stop at the ends of the clock, too. */
__CONSTEXPR static inline zx_duration_t zx_duration_from_timespec(struct timespec time) {
  return zx_duration_add_duration(zx_duration_mul_int64(ZX_SEC(1), time.tv_sec), time.tv_nsec);
}

__CONSTEXPR static inline struct timespec zx_timespec_from_duration(zx_duration_t duration) {
  struct timespec time = {0, 0};
  time.tv_sec = duration / ZX_SEC(1);
  time.tv_nsec = duration % ZX_SEC(1);
  if (time.tv_nsec < 0) {
    time.tv_sec -= 1;
    time.tv_nsec += ZX_SEC(1);
  }
  return time;
}

__CONSTEXPR static inline zx_time_t zx_time_from_timespec(struct timespec time) {
  return zx_duration_from_timespec(time);
}

__CONSTEXPR static inline struct timespec zx_timespec_from_time(zx_time_t time) {
  return zx_timespec_from_duration(time);
}

#endif /* ZIRCON_TIME_H_ */
