/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The monotonic clock. Clocks that are objects of their own are not there. */
#ifndef LIB_ZX_CLOCK_H_
#define LIB_ZX_CLOCK_H_

#include <lib/zx/time.h>

namespace zx {

class clock final {
 public:
  clock() = delete;

  static zx::time get_monotonic() { return zx::time(zx_clock_get_monotonic()); }
};

}  // namespace zx

#endif /* LIB_ZX_CLOCK_H_ */
