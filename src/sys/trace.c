// SPDX-License-Identifier: GPL-2.0
/*
 * What the tracepoints consist of: all of it is made by zxvmo_trace.h.
 */
#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include "zxvmo_trace.h"
