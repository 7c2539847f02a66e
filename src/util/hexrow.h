/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a hex dump, made fast: 16 bytes a row, the format of `read -v`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    HEXROW_BYTES = 16,
    HEXROW_TEXT_MAX = 16 + 2 + 16 * 3 + 1 + 16 + 2, /* longest offset, separators, hex, text, newline */
};

/*
 * Formats n bytes, the first of them at offset, as rows with a newline each; only ASCII letters and digits
 * appear in the text column and a short last row is not padded.  out has room for
 * hexrow_text_size(n) characters and is not terminated.  Returns the number of characters written.
 */
size_t hexrow_format(char *out, uint64_t offset, const uint8_t *bytes, size_t n);

/* Upper bound of what hexrow_format() writes for n bytes. */
size_t hexrow_text_size(size_t n);
