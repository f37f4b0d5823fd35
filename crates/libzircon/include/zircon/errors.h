/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The statuses, ZX_OK and ZX_ERR_*. The values come from <zxvmo.h>. */
#ifndef ZIRCON_ERRORS_H_
#define ZIRCON_ERRORS_H_

#include <stdint.h>
#include <zxvmo.h>

/* 0 is success, errors are negative. */
typedef int32_t zx_status_t;

#endif /* ZIRCON_ERRORS_H_ */
