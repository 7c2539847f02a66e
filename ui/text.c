/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/text.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ui/grid.h"
#include "util/safetext.h"

static int escape_byte(uint8_t byte, char out[static TEXT_ESCAPE_MAX])
{
    switch (byte) {
    case '\n':
        return (int)g_strlcpy(out, "\\n", TEXT_ESCAPE_MAX);
    case '\t':
        return (int)g_strlcpy(out, "\\t", TEXT_ESCAPE_MAX);
    case '\r':
        return (int)g_strlcpy(out, "\\r", TEXT_ESCAPE_MAX);
    case 0x1b:
        return (int)g_strlcpy(out, "\\e", TEXT_ESCAPE_MAX);
    default:
        return g_snprintf(out, TEXT_ESCAPE_MAX, "\\x%02x", byte);
    }
}

static int escape_char(uint32_t ch, char out[static TEXT_ESCAPE_MAX])
{
    if (ch < 0xa0) {
        return escape_byte((uint8_t)ch, out);
    }
    return g_snprintf(out, TEXT_ESCAPE_MAX, "\\u{%04X}", ch);
}

int text_char_columns(uint32_t ch)
{
    if (ch >= 0x20 && ch < 0x7f) {
        return 1;
    }
    if (!safetext_is_showable(ch)) {
        char escape[TEXT_ESCAPE_MAX];
        return escape_char(ch, escape);
    }
    if (g_unichar_iszerowidth(ch)) {
        return 0;
    }
    return g_unichar_iswide(ch) ? 2 : 1;
}

void text_reader_init(struct text_reader *reader, const char *text, int len)
{
    *reader = (struct text_reader){.at = text, .end = text + (len < 0 ? strlen(text) : (size_t)len)};
}

bool text_reader_next(struct text_reader *reader, struct text_item *item)
{
    if (reader->at == reader->end) {
        return false;
    }
    uint8_t byte = (uint8_t)*reader->at;
    item->start = reader->at;
    item->escaped = false;
    if (byte >= 0x20 && byte < 0x7f) {
        reader->at++;
        item->ch = byte;
        item->columns = 1;
        reader->has_base = true;
        return true;
    }
    gunichar ch = g_utf8_get_char_validated(reader->at, reader->end - reader->at);
    if (byte == 0 || ch == (gunichar)-1 || ch == (gunichar)-2) {
        reader->at++;
        item->ch = 0;
        item->escaped = true;
        item->columns = escape_byte(byte, item->escape);
        reader->has_base = true;
        return true;
    }
    reader->at = g_utf8_next_char(reader->at);
    item->ch = ch;
    item->columns = text_char_columns(ch);
    /* A mark with nothing to sit on would land on what another panel painted. */
    if (!safetext_is_showable(ch) || (item->columns == 0 && !reader->has_base)) {
        item->escaped = true;
        item->columns = escape_char(ch, item->escape);
    }
    reader->has_base = true;
    return true;
}

int text_columns(const char *text, int len)
{
    struct text_reader reader;
    struct text_item item;
    int columns = 0;
    text_reader_init(&reader, text, len);
    while (text_reader_next(&reader, &item)) {
        columns += item.columns;
    }
    return columns;
}

int text_fit(const char *text, int len, int columns, int *ret_columns)
{
    struct text_reader reader;
    struct text_item item;
    int used = 0;
    text_reader_init(&reader, text, len);
    const char *end = text;
    while (text_reader_next(&reader, &item) && used + item.columns <= columns) {
        used += item.columns;
        end = reader.at;
    }
    if (ret_columns != NULL) {
        *ret_columns = used;
    }
    return (int)(end - text);
}

int text_fit_words(const char *text, int columns)
{
    int fit = text_fit(text, -1, columns, NULL), end = fit;
    if (text[fit] == '\0') {
        return fit;
    }
    while (end > 0 && text[end] != ' ') {
        end--;
    }
    if (end == 0 && fit == 0) { /* not even one fits */
        struct text_reader reader;
        struct text_item item;
        text_reader_init(&reader, text, -1);
        text_reader_next(&reader, &item);
        return (int)(reader.at - text);
    }
    return end > 0 ? end : fit;
}

int text_fit_clauses(const char *text, int columns)
{
    int fit = text_fit(text, -1, columns, NULL), comma = 0;
    if (text[fit] == '\0') {
        return fit;
    }
    for (int at = fit; at > 0; at--) {
        if (text[at] == ';' && text[at + 1] == ' ') {
            return at;
        }
        comma = comma == 0 && text[at] == ',' && text[at + 1] == ' ' ? at : comma;
    }
    return comma;
}
