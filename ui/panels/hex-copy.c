/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-copy.h"

#include <errno.h>
#include <string.h>

enum { HEX_A_LINE = 16, C_A_LINE = 12 };

int hex_copy_parse(const char *name)
{
    static const char *const names[HEX_COPY_FORMS] = {"hex", "c", "base64", "text"};

    for (int form = 0; form < HEX_COPY_FORMS; form++) {
        if (strcmp(names[form], name) == 0) {
            return form;
        }
    }
    return -EINVAL;
}

static char *as_hex(const uint8_t *bytes, size_t n)
{
    GString *text = g_string_sized_new(n * 3);

    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(text, "%s%02x", i == 0 ? "" : i % HEX_A_LINE == 0 ? "\n" : " ", bytes[i]);
    }
    return g_string_free(text, FALSE);
}

static char *as_c(const uint8_t *bytes, size_t n)
{
    GString *text = g_string_sized_new(n * 6 + 64);

    g_string_append_printf(text, "const unsigned char data[%zu] = {", n);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(text, "%s0x%02x,", i % C_A_LINE == 0 ? "\n    " : " ", bytes[i]);
    }
    g_string_append(text, "\n};\n");
    return g_string_free(text, FALSE);
}

static char *as_text(const uint8_t *bytes, size_t n)
{
    char *text = g_malloc(n + 1);

    for (size_t i = 0; i < n; i++) {
        text[i] = g_ascii_isprint(bytes[i]) || bytes[i] == '\n' || bytes[i] == '\t' ? (char)bytes[i] : '.';
    }
    text[n] = '\0';
    return text;
}

char *hex_copy_text(enum hex_copy_form form, const uint8_t *bytes, size_t n)
{
    switch (form) {
    case HEX_COPY_C:
        return as_c(bytes, n);
    case HEX_COPY_BASE64:
        return g_base64_encode(bytes, n);
    case HEX_COPY_TEXT:
        return as_text(bytes, n);
    case HEX_COPY_HEX:
    case HEX_COPY_FORMS:
        break;
    }
    return as_hex(bytes, n);
}
