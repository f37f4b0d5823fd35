/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * zx::result<T>: a value, or the status that says why there is none.
 * zx::result<>: a status. Made of zx::ok(value), zx::ok() and
 * zx::error(status). Asking for what is not there aborts.
 */
#ifndef LIB_ZX_RESULT_H_
#define LIB_ZX_RESULT_H_

#include <optional>
#include <type_traits>
#include <utility>

#include <zircon/assert.h>
#include <zircon/errors.h>
#include <zircon/status.h>

namespace zx {

/* A status other than ZX_OK, on its way into a result. */
class error_result final {
 public:
  explicit constexpr error_result(zx_status_t status) : status_(status) {
    ZX_ASSERT_MSG(status != ZX_OK, "an error that is ZX_OK");
  }

  constexpr zx_status_t status() const { return status_; }

 private:
  zx_status_t status_;
};

[[nodiscard]] constexpr error_result error(zx_status_t status) { return error_result(status); }

/* A value on its way into a result. */
template <typename... Ts>
class success;

template <>
class success<> final {};

template <typename T>
class success<T> final {
 public:
  template <typename U, typename = std::enable_if_t<!std::is_same<std::decay_t<U>, success>::value>>
  explicit constexpr success(U&& value) : value_(std::forward<U>(value)) {}

  constexpr T& value() & { return value_; }
  constexpr const T& value() const& { return value_; }
  constexpr T&& value() && { return std::move(value_); }

 private:
  T value_;
};

[[nodiscard]] constexpr success<> ok() { return success<>(); }

template <typename T>
[[nodiscard]] constexpr success<std::decay_t<T>> ok(T&& value) {
  return success<std::decay_t<T>>(std::forward<T>(value));
}

/* What results with and without a value have in common. */
class result_base {
 public:
  constexpr bool is_ok() const { return status_ == ZX_OK; }
  constexpr bool is_error() const { return status_ != ZX_OK; }

  /* ZX_OK or the error. */
  constexpr zx_status_t status_value() const { return status_; }
  const char* status_string() const { return zx_status_get_string(status_); }

  /* The error, of which there must be one. */
  constexpr zx_status_t error_value() const { return take_error().status(); }

  /* The same, to be returned as a result of another type. */
  constexpr error_result take_error() const { return error_result(status_); }

 protected:
  explicit constexpr result_base(zx_status_t status) : status_(status) {}

 private:
  zx_status_t status_;
};

template <typename... Ts>
class result;

template <>
class [[nodiscard]] result<> final : public result_base {
 public:
  constexpr result(success<>) : result_base(ZX_OK) {}
  constexpr result(error_result error) : result_base(error.status()) {}

  /* Without its value. */
  template <typename T>
  explicit constexpr result(const result<T>& other) : result_base(other.status_value()) {}
};

template <typename T>
class [[nodiscard]] result<T> final : public result_base {
 public:
  using value_type = T;

  constexpr result(error_result error) : result_base(error.status()) {}

  template <typename U, typename = std::enable_if_t<std::is_constructible<T, U&&>::value>>
  constexpr result(success<U> success)
      : result_base(ZX_OK), value_(std::in_place, std::move(success).value()) {}

  constexpr T& value() & { return here(), *value_; }
  constexpr const T& value() const& { return here(), *value_; }
  constexpr T&& value() && { return here(), *std::move(value_); }

  constexpr T& operator*() & { return value(); }
  constexpr const T& operator*() const& { return value(); }
  constexpr T&& operator*() && { return std::move(*this).value(); }

  constexpr T* operator->() { return &value(); }
  constexpr const T* operator->() const { return &value(); }

  template <typename U>
  constexpr T value_or(U&& other) const& {
    return is_ok() ? *value_ : static_cast<T>(std::forward<U>(other));
  }
  template <typename U>
  constexpr T value_or(U&& other) && {
    return is_ok() ? *std::move(value_) : static_cast<T>(std::forward<U>(other));
  }

  /* Moves the value out, to be returned as a result of another type. */
  constexpr success<T> take_value() { return ok(std::move(value())); }

 private:
  constexpr void here() const { ZX_ASSERT_MSG(is_ok(), "a value that is not there"); }

  std::optional<T> value_;
};

/* Of what a call returned, and perhaps stored. */
constexpr result<> make_result(zx_status_t status) {
  if (status == ZX_OK) {
    return ok();
  }
  return error(status);
}

template <typename T>
constexpr result<std::decay_t<T>> make_result(zx_status_t status, T&& value) {
  if (status == ZX_OK) {
    return ok(std::forward<T>(value));
  }
  return error(status);
}

}  // namespace zx

#endif /* LIB_ZX_RESULT_H_ */
