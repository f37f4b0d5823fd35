/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two ends, each of which is signaled through the other. */
#ifndef LIB_ZX_EVENTPAIR_H_
#define LIB_ZX_EVENTPAIR_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>

namespace zx {

class eventpair final : public object<eventpair> {
 public:
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_EVENTPAIR;

  constexpr eventpair() = default;
  explicit constexpr eventpair(zx_handle_t value) : object(value) {}
  explicit eventpair(handle&& other) : object(other.release()) {}
  eventpair(eventpair&& other) : object(other.release()) {}
  eventpair& operator=(eventpair&& other) {
    reset(other.release());
    return *this;
  }

  static zx_status_t create(uint32_t options, eventpair* endpoint0, eventpair* endpoint1) {
    // Both may be the same object, which then holds the second end.
    eventpair first;
    eventpair second;
    zx_status_t status = zx_eventpair_create(options, first.reset_and_get_address(),
                                             second.reset_and_get_address());
    endpoint0->reset(first.release());
    endpoint1->reset(second.release());
    return status;
  }
};

using unowned_eventpair = unowned<eventpair>;

}  // namespace zx

#endif /* LIB_ZX_EVENTPAIR_H_ */
