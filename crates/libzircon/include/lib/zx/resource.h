/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A permission. Linux has none that are objects; an empty one is what
 * vmo::replace_as_executable() takes. */
#ifndef LIB_ZX_RESOURCE_H_
#define LIB_ZX_RESOURCE_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>

namespace zx {

class resource final : public object<resource> {
 public:
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_RESOURCE;

  constexpr resource() = default;
  explicit constexpr resource(zx_handle_t value) : object(value) {}
  explicit resource(handle&& other) : object(other.release()) {}
  resource(resource&& other) : object(other.release()) {}
  resource& operator=(resource&& other) {
    reset(other.release());
    return *this;
  }
};

using unowned_resource = unowned<resource>;

}  // namespace zx

#endif /* LIB_ZX_RESOURCE_H_ */
