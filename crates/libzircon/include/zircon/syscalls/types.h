/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The types of the calls are all in <zircon/types.h>. */
#ifndef ZIRCON_SYSCALLS_TYPES_H_
#define ZIRCON_SYSCALLS_TYPES_H_

#include <zircon/types.h>

#endif /* ZIRCON_SYSCALLS_TYPES_H_ */
