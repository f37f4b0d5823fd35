/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compiler helpers that the other headers, and ported code, use. */
#ifndef ZIRCON_COMPILER_H_
#define ZIRCON_COMPILER_H_

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#endif

#define __EXPORT __attribute__((__visibility__("default")))

#endif /* ZIRCON_COMPILER_H_ */
