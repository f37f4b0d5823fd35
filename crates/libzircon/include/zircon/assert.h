/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Assertions: they print what failed on stderr, and abort. */
#ifndef ZIRCON_ASSERT_H_
#define ZIRCON_ASSERT_H_

#include <stdio.h>
#include <stdlib.h>

#include <zircon/compiler.h>

/* Takes a format and its arguments, as printf does. */
#define ZX_PANIC(...)                              \
  do {                                             \
    fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
    fprintf(stderr, __VA_ARGS__);                  \
    fputc('\n', stderr);                           \
    abort();                                       \
  } while (0)

/* In every build. */
#define ZX_ASSERT(x)                   \
  do {                                 \
    if (unlikely(!(x))) {              \
      ZX_PANIC("failed: %s", #x);      \
    }                                  \
  } while (0)

#define ZX_ASSERT_MSG(x, ...)          \
  do {                                 \
    if (unlikely(!(x))) {              \
      fprintf(stderr, "failed: %s\n", #x); \
      ZX_PANIC(__VA_ARGS__);           \
    }                                  \
  } while (0)

/*
 * Only where NDEBUG is not defined, or ZX_DEBUG_ASSERT_IMPLEMENTED says so.
 * The expression is compiled in any case, and evaluated only then.
 */
#ifndef ZX_DEBUG_ASSERT_IMPLEMENTED
#ifdef NDEBUG
#define ZX_DEBUG_ASSERT_IMPLEMENTED 0
#else
#define ZX_DEBUG_ASSERT_IMPLEMENTED 1
#endif
#endif

#define ZX_DEBUG_ASSERT(x)                          \
  do {                                              \
    if (ZX_DEBUG_ASSERT_IMPLEMENTED && unlikely(!(x))) { \
      ZX_PANIC("failed: %s", #x);                   \
    }                                               \
  } while (0)

#define ZX_DEBUG_ASSERT_MSG(x, ...)                 \
  do {                                              \
    if (ZX_DEBUG_ASSERT_IMPLEMENTED && unlikely(!(x))) { \
      fprintf(stderr, "failed: %s\n", #x);          \
      ZX_PANIC(__VA_ARGS__);                        \
    }                                               \
  } while (0)

#endif /* ZIRCON_ASSERT_H_ */
