/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the beginning of an image: a format is recognised, or it is raw.  What a driver takes for its own is no longer so when its first bytes
 * are gone, and fewer bytes than there are make no other difference than to hide what comes behind them.
 */
#include <string.h>

#include "block/driver.h"
#include "block/probe.h"
#include "fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
    size_t n = MIN(size, PROBE_BYTES);
    g_autofree uint8_t *bytes = g_memdup2(data, MAX(n, 1)); /* a read behind them is seen */
    const char *format = probe_format(n ? bytes : (const uint8_t *)"", n, NULL), *again = probe_format(n ? bytes : (const uint8_t *)"", n, "disk.img");
    g_assert_true(probe_knows_format(format) || driver_find(format));
    g_assert_cmpstr(format, ==, again);
    if (n == PROBE_BYTES) {
        uint8_t zeroes[PROBE_BYTES] = {0};
        g_assert_cmpstr(probe_format(zeroes, PROBE_BYTES, NULL), ==, "raw");
    }
}
