/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as text for other programs.  Pure functions. */
#pragma once

#include <glib.h>
#include <stdint.h>

enum hex_copy_form { HEX_COPY_HEX, HEX_COPY_C, HEX_COPY_BASE64, HEX_COPY_TEXT, HEX_COPY_FORMS };

/* "hex", "c", "base64", "text": the form, or -EINVAL. */
int hex_copy_parse(const char *name);
/*
 * "7f 45 4c", 16 bytes a line; a C array; base64 in one line; or the bytes that are printable ASCII, newlines and tabs, with a dot for every other
 * one.  g_free.
 */
char *hex_copy_text(enum hex_copy_form form, const uint8_t *bytes, size_t n);
