/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/parent_name.h"

#include <string.h>

enum { NAME_MAX_BYTES = 1023 };

static uint64_t number(const uint8_t *bytes, unsigned width, gboolean big)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[big ? i : width - 1 - i];
    return value;
}

static char *take(const uint8_t *bytes, size_t n, uint64_t offset, uint64_t size)
{
    if (offset == 0 || size == 0 || size > NAME_MAX_BYTES || offset > n || size > n - offset)
        return NULL;
    return g_strndup((const char *)bytes + offset, size);
}

static char *of_qcow(const uint8_t *bytes, size_t n)
{
    enum { OFFSET = 8, SIZE = 16, END = 20 };

    return n < END ? NULL : take(bytes, n, number(bytes + OFFSET, 8, TRUE), number(bytes + SIZE, 4, TRUE));
}

static char *of_qed(const uint8_t *bytes, size_t n)
{
    enum { FEATURES = 16, HAS_BACKING = 1, OFFSET = 56, SIZE = 60, END = 64 };

    if (n < END || !(bytes[FEATURES] & HAS_BACKING))
        return NULL;
    return take(bytes, n, number(bytes + OFFSET, 4, FALSE), number(bytes + SIZE, 4, FALSE));
}

/* In a description, wherever that is: the file itself, or a part of it. */
static char *of_vmdk(const uint8_t *bytes, size_t n)
{
    static const char key[] = "parentFileNameHint=\"";
    const uint8_t *start = memmem(bytes, n, key, sizeof(key) - 1), *end;
    size_t left;

    if (!start)
        return NULL;
    start += sizeof(key) - 1;
    left = bytes + n - start;
    end = memchr(start, '"', MIN(left, NAME_MAX_BYTES + 1));
    return end && end > start ? g_strndup((const char *)start, end - start) : NULL;
}

char *parent_name(const char *format, const uint8_t *bytes, size_t n)
{
    return strcmp(format, "qed") == 0 ? of_qed(bytes, n) : strcmp(format, "vmdk") == 0 ? of_vmdk(bytes, n) : of_qcow(bytes, n);
}
