/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/safetext.h"

#include <glib.h>
#include <string.h>

/* Code points that nobody sees though Unicode does not class them as format characters. */
static bool is_invisible_letter(gunichar c)
{
    static const struct {
        gunichar first, last;
    } ranges[] = {
        {0x034f, 0x034f}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x2800, 0x2800},
        {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xffa0, 0xffa0}, {0xe0000, 0xe0fff},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

bool safetext_is_showable(gunichar c)
{
    if (c < 0x80)
        return c >= ' ' && c < 0x7f;
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SPACE_SEPARATOR: /* the plain space was above */
        return false;
    default:
        return !is_invisible_letter(c);
    }
}

/* The character at text, of which left bytes remain, and its length; -1 and 1 for a byte that is no UTF-8. */
static int64_t next_character(const char *text, size_t left, size_t *ret_length)
{
    unsigned char first = *text;
    *ret_length = 1;
    if (first < 0x80)
        return first;
    gunichar c = g_utf8_get_char_validated(text, MIN(left, 6));
    if (c == (gunichar)-1 || c == (gunichar)-2)
        return -1;
    *ret_length = g_utf8_skip[first];
    return c;
}

/* Whether a backslash here would be read as the start of an escape, or is followed by a real one. */
static bool backslash_is_ambiguous(const char *after, size_t left)
{
    size_t length;
    if (!left)
        return false;
    int64_t c = next_character(after, left, &length);
    return c < 0 || !safetext_is_showable(c) || strchr("\\ntrexu", (int)MIN(c, 127));
}

static void append_bytes(GString *out, const char *text, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) { /* printf would allocate for each */
        unsigned char byte = text[i];
        const char escape[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        g_string_append_len(out, escape, sizeof escape);
    }
}

static void append_escape(GString *out, int64_t c, const char *text, size_t length)
{
    static const char named[] = "\n\t\r\033", names[] = "ntre";
    const char *found = c > 0 && c < 0x80 ? strchr(named, (int)c) : NULL;
    if (found)
        g_string_append_len(out, (const char[]){'\\', names[found - named]}, 2);
    else if (c < 0xa0) /* also no character at all */
        append_bytes(out, text, length);
    else
        g_string_append_printf(out, "\\u{%04x}", (unsigned)c);
}

/* Escapes into out, or (out is NULL) stops at the first need to: whether there was none. */
static bool walk(const char *text, size_t left, GString *out, bool double_backslashes)
{
    bool safe = true;
    for (size_t length; left && (safe || out); text += length, left -= length) {
        int64_t c = next_character(text, left, &length);
        bool showable = c >= 0 && safetext_is_showable(c);
        bool doubled = double_backslashes && c == '\\' && backslash_is_ambiguous(text + 1, left - 1);
        safe = safe && showable && !doubled;
        if (!out)
            continue;
        if (!showable)
            append_escape(out, c, text, length);
        else
            g_string_append_len(out, text, length);
        if (doubled)
            g_string_append_c(out, '\\');
    }
    return safe;
}

char *safetext_escape(const char *text, ssize_t len)
{
    size_t n = len < 0 ? strlen(text) : (size_t)len;
    GString *out = g_string_sized_new(n);
    walk(text, n, out, true);
    return g_string_free(out, FALSE);
}

char *safetext_mask(const char *text, ssize_t len)
{
    size_t n = len < 0 ? strlen(text) : (size_t)len;
    GString *out = g_string_sized_new(n);
    walk(text, n, out, false);
    return g_string_free(out, FALSE);
}

char *safetext_mask_lines(const char *text, size_t len)
{
    GString *out = g_string_sized_new(len);
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        if (walk(text, n, NULL, true)) /* most are: no need to go through them twice */
            g_string_append_len(out, text, n);
        else
            walk(text, n, out, false);
        if (end)
            g_string_append_c(out, '\n');
        n += end != NULL;
        text += n;
        len -= n;
    }
    return g_string_free(out, FALSE);
}

bool safetext_is_safe(const char *text, ssize_t len)
{
    return walk(text, len < 0 ? strlen(text) : (size_t)len, NULL, true);
}
