/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/jsontext.h"

#include "util/safetext.h"

/* As one or, beyond the first plane, two units of UTF-16. */
static void append_escape(GString *out, gunichar c)
{
    if (c < 0x10000)
        g_string_append_printf(out, "\\u%04x", c);
    else
        g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
}

void jsontext_append(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *next, *p = text; *p; p = next) {
        gunichar c = g_utf8_get_char_validated(p, -1);
        bool valid = c < (gunichar)-2;
        next = valid ? g_utf8_next_char(p) : p + 1;
        if (*p == '"' || *p == '\\')
            g_string_append_printf(out, "\\%c", *p);
        else if (valid && !safetext_is_showable(c))
            append_escape(out, c);
        else
            g_string_append_len(out, p, next - p);
    }
    g_string_append_c(out, '"');
}
