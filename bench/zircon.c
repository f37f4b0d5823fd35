// SPDX-License-Identifier: GPL-2.0
#include "objects.h"
void bench_zircon(void)
{
}
