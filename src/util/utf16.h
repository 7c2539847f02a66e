/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-16 without iconv(3), which loads a library for it: in the sandbox none can be loaded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The n bytes up to the first U+0000 as UTF-8 (g_free; not made safe to show), or NULL: they are no UTF-16, or there is half a unit at their end. */
char *utf16_decode(const uint8_t *bytes, size_t n, bool big_endian);
