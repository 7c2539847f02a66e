/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as text where there are millions of them. */
#pragma once

#include <stdint.h>

enum { DECIMAL_MAX = 20 }; /* digits at most */

/* Writes value at `at`, without a zero byte, and returns where it ends. */
char *decimal_put(char *at, uint64_t value);
