/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rights of handles, ZX_RIGHT_*. The values come from <zxvmo.h>. */
#ifndef ZIRCON_RIGHTS_H_
#define ZIRCON_RIGHTS_H_

#include <stdint.h>
#include <zxvmo.h>

typedef uint32_t zx_rights_t;

#endif /* ZIRCON_RIGHTS_H_ */
