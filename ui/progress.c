/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/progress.h"

#include "util/size.h"

enum { KNOWN_AFTER_US = 1000 * 1000, SECOND_US = 1000 * 1000, MINUTE_S = 60, HOUR_S = 3600 };

static void append_time(GString *text, double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    if (s < MINUTE_S) {
        g_string_append_printf(text, "%d s left", (int)s);
    } else if (s < HOUR_S) {
        g_string_append_printf(text, "%d min %d s left", (int)(s / MINUTE_S), (int)(s % MINUTE_S));
    } else {
        g_string_append_printf(text, "%" G_GINT64_FORMAT " h %d min left", s / HOUR_S, (int)(s % HOUR_S / MINUTE_S));
    }
}

void progress_append(GString *text, int64_t done, int64_t total, int64_t elapsed_us)
{
    char size[SIZE_TEXT_MAX];
    double share = CLAMP((double)done / (double)MAX(total, 1), 0, 1);
    g_string_append_printf(text, "  %d%%", (int)(share * 100));
    if (elapsed_us < KNOWN_AFTER_US || done <= 0) {
        return;
    }
    double seconds = (double)elapsed_us / SECOND_US;
    g_string_append_printf(text, "  %s/s  ", size_format((double)done / seconds, size));
    append_time(text, MIN(seconds / share * (1 - share), 1e9));
}
