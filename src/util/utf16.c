/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/utf16.h"

#include <glib.h>

char *utf16_decode(const uint8_t *bytes, size_t n, bool big_endian)
{
    if (n % 2 != 0)
        return NULL;
    g_autofree gunichar2 *units = g_new(gunichar2, n / 2 + 1);
    for (size_t i = 0; i < n / 2; i++)
        units[i] = (gunichar2)(bytes[2 * i + !big_endian] << 8 | bytes[2 * i + big_endian]);
    units[n / 2] = 0;
    return g_utf16_to_utf8(units, -1, NULL, NULL, NULL);
}
