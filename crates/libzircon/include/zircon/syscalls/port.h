/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Packets of ports. Their types (ZX_PKT_TYPE_*) and the options of
 * zx_object_wait_async (ZX_WAIT_ASYNC_*) come with <zxvmo.h>.
 */
#ifndef ZIRCON_SYSCALLS_PORT_H_
#define ZIRCON_SYSCALLS_PORT_H_

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/types.h>

/* ZX_PKT_TYPE_USER: whatever the sender likes. */
typedef union zx_packet_user {
  uint64_t u64[4];
  uint32_t u32[8];
  uint16_t u16[16];
  uint8_t c8[32];
} zx_packet_user_t;

/* ZX_PKT_TYPE_SIGNAL_ONE */
typedef struct zx_packet_signal {
  /* What was waited for. */
  zx_signals_t trigger;
  /* All that was asserted. */
  zx_signals_t observed;
  /* 1 */
  uint64_t count;
  /* When, with ZX_WAIT_ASYNC_TIMESTAMP; else 0. */
  zx_instant_mono_t timestamp;
  uint64_t reserved1;
} zx_packet_signal_t;

typedef struct zx_port_packet {
  uint64_t key;
  uint32_t type;
  zx_status_t status;
  union {
    zx_packet_user_t user;
    zx_packet_signal_t signal;
  };
} zx_port_packet_t;

static_assert(sizeof(zx_packet_user_t) == 32, "layout");
static_assert(sizeof(zx_packet_signal_t) == 32, "layout");
static_assert(offsetof(zx_packet_signal_t, observed) == 4, "layout");
static_assert(offsetof(zx_packet_signal_t, count) == 8, "layout");
static_assert(offsetof(zx_packet_signal_t, timestamp) == 16, "layout");
static_assert(offsetof(zx_packet_signal_t, reserved1) == 24, "layout");
static_assert(sizeof(zx_port_packet_t) == 48, "layout");
static_assert(offsetof(zx_port_packet_t, type) == 8, "layout");
static_assert(offsetof(zx_port_packet_t, status) == 12, "layout");
static_assert(offsetof(zx_port_packet_t, user) == 16, "layout");

#endif /* ZIRCON_SYSCALLS_PORT_H_ */
