/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/*
 * Handles of the caller's own process and of the root region of its address
 * space. Always the same values, also in a child made by fork(), where they
 * mean the child. They are not to be closed: zx_handle_close gives ZX_OK and
 * leaves them valid, and zx_handle_replace works as zx_handle_duplicate.
 */
zx_handle_t zx_process_self(void);
zx_handle_t zx_vmar_root_self(void);

__END_CDECLS

#endif /* ZIRCON_PROCESS_H_ */
