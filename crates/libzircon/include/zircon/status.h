/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef ZIRCON_STATUS_H_
#define ZIRCON_STATUS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/*
 * The name of a status, such as "ZX_ERR_NO_MEMORY"; "(UNKNOWN)" for a number
 * that is none. The string is static.
 */
const char* zx_status_get_string(zx_status_t status);

__END_CDECLS

#endif /* ZIRCON_STATUS_H_ */
