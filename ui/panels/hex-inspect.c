/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-inspect.h"

#include <inttypes.h>

enum { SECTOR = 512, NUMBER_MAX = 8 };

static void append_number(GString *text, const uint8_t *bytes, const uint8_t *states, int64_t there, int size, bool big_endian,
                          bool both)
{
    uint64_t value = 0;

    g_string_append_printf(text, "%su%d ", size > 1 ? " · " : " ", size * 8);
    if (there < size) {
        g_string_append(text, "-");
        return;
    }
    for (int i = 0; i < size; i++) {
        if (states[i] == HEX_UNKNOWN || states[i] == HEX_ERROR) {
            g_string_append(text, states[i] == HEX_UNKNOWN ? "?" : "!");
            return;
        }
        value = value << 8 | bytes[big_endian ? i : size - 1 - i];
    }
    g_string_append_printf(text, "%" PRIu64, value);
    if (both && value > 9) {
        g_string_append_printf(text, " 0x%" PRIx64, value);
    }
}

void hex_inspect_numbers(GString *text, struct hex_source *source, int64_t offset, bool big_endian, bool both)
{
    uint8_t bytes[NUMBER_MAX], states[NUMBER_MAX];
    int64_t there = MIN(source->ops->size(source) - offset, NUMBER_MAX);

    if (there <= 0) {
        return;
    }
    g_string_append(text, big_endian ? "be" : "le");
    source->ops->get(source, offset, (size_t)there, bytes, states);
    for (int size = 1; size <= NUMBER_MAX; size *= 2) {
        append_number(text, bytes, states, there, size, big_endian, both);
    }
}

void hex_inspect_offset(GString *text, int64_t offset)
{
    g_string_append_printf(text, "offset %" PRId64 " 0x%" PRIx64 " · sector %" PRId64 " + %" PRId64, offset, offset,
                           offset / SECTOR, offset % SECTOR);
}
