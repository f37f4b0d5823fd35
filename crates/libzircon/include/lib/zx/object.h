/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * zx::object<T> owns a handle and closes it in the end; zx::unowned<T> names
 * one that somebody else owns. A handle can be moved, not copied: duplicate()
 * makes another.
 */
#ifndef LIB_ZX_OBJECT_H_
#define LIB_ZX_OBJECT_H_

#include <stddef.h>
#include <stdint.h>

#include <type_traits>

#include <lib/zx/object_traits.h>
#include <lib/zx/time.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>

namespace zx {

template <typename T>
class object;
template <typename T>
class unowned;

/* What does not depend on the type of the object. */
class object_base {
 public:
  object_base(const object_base&) = delete;
  object_base& operator=(const object_base&) = delete;

  void reset() {
    close();
    value_ = ZX_HANDLE_INVALID;
  }

  bool is_valid() const { return value_ != ZX_HANDLE_INVALID; }
  explicit operator bool() const { return is_valid(); }

  zx_handle_t get() const { return value_; }
  const zx_handle_t* get_address() const { return &value_; }

  /* Closes the handle; the address is for a call that stores another. */
  zx_handle_t* reset_and_get_address() {
    reset();
    return &value_;
  }

  /* From here on the caller has to close it. */
  [[nodiscard]] zx_handle_t release() {
    zx_handle_t handle = value_;
    value_ = ZX_HANDLE_INVALID;
    return handle;
  }

  zx_status_t get_info(uint32_t topic, void* buffer, size_t buffer_size, size_t* actual_count,
                       size_t* avail_count) const {
    return zx_object_get_info(value_, topic, buffer, buffer_size, actual_count, avail_count);
  }

  zx_status_t get_property(uint32_t property, void* value, size_t size) const {
    return zx_object_get_property(value_, property, value, size);
  }

  zx_status_t set_property(uint32_t property, const void* value, size_t size) const {
    return zx_object_set_property(value_, property, value, size);
  }

 protected:
  constexpr object_base() = default;
  explicit constexpr object_base(zx_handle_t value) : value_(value) {}
  ~object_base() { close(); }

  void close() {
    if (value_ != ZX_HANDLE_INVALID) {
      zx_handle_close(value_);
    }
  }

  zx_handle_t value_ = ZX_HANDLE_INVALID;
};

/* object<void> holds a handle to any object, and takes one from any other. */
template <typename T = void>
class object : public object_base {
 public:
  constexpr object() = default;
  explicit constexpr object(zx_handle_t value) : object_base(value) {}

  object(object&& other) : object_base(other.release()) {}
  object& operator=(object&& other) {
    reset(other.release());
    return *this;
  }

  template <typename U>
  object(object<U>&& other) : object_base(other.release()) {
    static_assert(std::is_void<T>::value, "only a handle to any object takes one of another type");
  }
  template <typename U>
  object& operator=(object<U>&& other) {
    static_assert(std::is_void<T>::value, "only a handle to any object takes one of another type");
    reset(other.release());
    return *this;
  }

  void reset(zx_handle_t value = ZX_HANDLE_INVALID) {
    close();
    value_ = value;
  }

  void swap(object& other) {
    zx_handle_t handle = value_;
    value_ = other.value_;
    other.value_ = handle;
  }

  /* For as long as this one owns the handle. */
  auto borrow() const {
    using owner = std::conditional_t<std::is_void<T>::value, object<void>, T>;
    return unowned<owner>(value_);
  }

  zx_status_t duplicate(zx_rights_t rights, object* result) const {
    static_assert(object_traits<T>::supports_duplication, "this type cannot be duplicated");
    zx_handle_t handle = ZX_HANDLE_INVALID;
    zx_status_t status = zx_handle_duplicate(value_, rights, &handle);
    result->reset(handle);
    return status;
  }

  /* This handle is gone whatever the status; result may be this object. */
  zx_status_t replace(zx_rights_t rights, object* result) {
    zx_handle_t handle = ZX_HANDLE_INVALID;
    zx_status_t status = zx_handle_replace(value_, rights, &handle);
    value_ = ZX_HANDLE_INVALID;
    result->reset(handle);
    return status;
  }

  zx_status_t wait_one(zx_signals_t signals, zx::time deadline, zx_signals_t* pending) const {
    static_assert(object_traits<T>::supports_wait, "this type cannot be waited for");
    return zx_object_wait_one(value_, signals, deadline.get(), pending);
  }

  zx_status_t wait_async(const object<port>& port, uint64_t key, zx_signals_t signals,
                         uint32_t options) const {
    static_assert(object_traits<T>::supports_wait, "this type cannot be waited for");
    return zx_object_wait_async(value_, port.get(), key, signals, options);
  }

  static zx_status_t wait_many(zx_wait_item_t* wait_items, uint32_t count, zx::time deadline) {
    static_assert(object_traits<T>::supports_wait, "this type cannot be waited for");
    return zx_object_wait_many(wait_items, count, deadline.get());
  }

  zx_status_t signal(uint32_t clear_mask, uint32_t set_mask) const {
    static_assert(object_traits<T>::supports_user_signal, "this type has no signals of users");
    return zx_object_signal(value_, clear_mask, set_mask);
  }

  zx_status_t signal_peer(uint32_t clear_mask, uint32_t set_mask) const {
    static_assert(object_traits<T>::supports_user_signal, "this type has no signals of users");
    static_assert(object_traits<T>::has_peer_handle, "this type has no other end");
    return zx_object_signal_peer(value_, clear_mask, set_mask);
  }

  zx_status_t get_child(uint64_t koid, zx_rights_t rights, object<void>* result) const {
    static_assert(object_traits<T>::supports_get_child, "this type has no children to look up");
    // The result may be this object.
    object<void> child;
    zx_status_t status =
        zx_object_get_child(value_, koid, rights, child.reset_and_get_address());
    result->reset(child.release());
    return status;
  }
};

/* Two are equal if they hold the same handle, not if they mean the same object. */
template <typename T, typename U>
bool operator==(const object<T>& a, const object<U>& b) {
  return a.get() == b.get();
}
template <typename T, typename U>
bool operator!=(const object<T>& a, const object<U>& b) {
  return a.get() != b.get();
}
template <typename T, typename U>
bool operator<(const object<T>& a, const object<U>& b) {
  return a.get() < b.get();
}
template <typename T, typename U>
bool operator<=(const object<T>& a, const object<U>& b) {
  return a.get() <= b.get();
}
template <typename T, typename U>
bool operator>(const object<T>& a, const object<U>& b) {
  return a.get() > b.get();
}
template <typename T, typename U>
bool operator>=(const object<T>& a, const object<U>& b) {
  return a.get() >= b.get();
}

template <typename T>
bool operator==(zx_handle_t a, const object<T>& b) {
  return a == b.get();
}
template <typename T>
bool operator!=(zx_handle_t a, const object<T>& b) {
  return a != b.get();
}
template <typename T>
bool operator==(const object<T>& a, zx_handle_t b) {
  return a.get() == b;
}
template <typename T>
bool operator!=(const object<T>& a, zx_handle_t b) {
  return a.get() != b;
}

/*
 * Behaves as a pointer to a constant T that holds a handle which is not closed
 * in the end. Its owner must keep the handle open meanwhile.
 */
template <typename T>
class unowned final {
 public:
  constexpr unowned() = default;
  explicit constexpr unowned(zx_handle_t handle) : value_(handle) {}
  explicit unowned(const T& owner) : value_(owner.get()) {}
  unowned(const unowned& other) : value_(other.value_.get()) {}
  unowned(unowned&& other) : value_(other.value_.release()) {}
  ~unowned() { forget(); }

  unowned& operator=(const unowned& other) {
    assign(other.value_.get());
    return *this;
  }
  unowned& operator=(unowned&& other) {
    assign(other.value_.release());
    return *this;
  }

  bool is_valid() const { return value_.is_valid(); }
  explicit operator bool() const { return is_valid(); }

  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }

 private:
  void forget() { static_cast<void>(value_.release()); }
  void assign(zx_handle_t handle) {
    forget();
    value_ = T(handle);
  }

  T value_;
};

template <typename T>
bool operator==(const unowned<T>& a, const unowned<T>& b) {
  return a->get() == b->get();
}
template <typename T>
bool operator!=(const unowned<T>& a, const unowned<T>& b) {
  return a->get() != b->get();
}
template <typename T>
bool operator<(const unowned<T>& a, const unowned<T>& b) {
  return a->get() < b->get();
}

}  // namespace zx

#endif /* LIB_ZX_OBJECT_H_ */
