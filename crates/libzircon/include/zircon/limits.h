/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sizes fixed at compile time: ZX_PAGE_SIZE, ZX_MAX_NAME_LEN. */
#ifndef ZIRCON_LIMITS_H_
#define ZIRCON_LIMITS_H_

#include <zxvmo.h>

#define ZX_PAGE_SHIFT 12
#define ZX_PAGE_MASK (ZX_PAGE_SIZE - 1)

#endif /* ZIRCON_LIMITS_H_ */
