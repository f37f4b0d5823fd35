/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compiler helpers that the other headers, and ported code, use. */
#ifndef ZIRCON_COMPILER_H_
#define ZIRCON_COMPILER_H_

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#define __CONSTEXPR constexpr
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#define __CONSTEXPR
#endif

#define __EXPORT __attribute__((__visibility__("default")))
#define __UNUSED __attribute__((__unused__))
#define __USED __attribute__((__used__))
#define __NO_RETURN __attribute__((__noreturn__))
#define __WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))
#define __PRINTFLIKE(format, arguments) __attribute__((__format__(__printf__, format, arguments)))

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#endif /* ZIRCON_COMPILER_H_ */
