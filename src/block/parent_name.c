/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/parent_name.h"

#include <string.h>

#include "block/qcow2/format.h"

enum { NAME_MAX_BYTES = 1023 };
/* Where it is told in qcow and qcow2, */
enum { QCOW_OFFSET = 8, QCOW_SIZE = 16, QCOW_SIZE_END = 20 };
/* and that in qed. */
enum { QED_FEATURES = 16, QED_HAS_BACKING = 1, QED_BACKING_IS_RAW = 4 };

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
    return n < QCOW_SIZE_END ? NULL : take(bytes, n, number(bytes + QCOW_OFFSET, 8, TRUE), number(bytes + QCOW_SIZE, 4, TRUE));
}

static char *of_qed(const uint8_t *bytes, size_t n)
{
    enum { OFFSET = 56, SIZE = 60, END = 64 };

    if (n < END || !(bytes[QED_FEATURES] & QED_HAS_BACKING))
        return NULL;
    return take(bytes, n, number(bytes + OFFSET, 4, FALSE), number(bytes + SIZE, 4, FALSE));
}

/* The part of the bytes that is a description: the file itself, or where the header of one with all bytes in it says.  *ret_n 0: there is none. */
static const uint8_t *description(const uint8_t *bytes, size_t n, size_t *ret_n)
{
    enum { OFFSET = 28, SIZE = 36, END = 44, SECTOR = 512 };
    bool header = n >= 4 && memcmp(bytes, "KDMV", 4) == 0;
    uint64_t offset = header && n >= END ? number(bytes + OFFSET, 8, FALSE) : 0, size = header && n >= END ? number(bytes + SIZE, 8, FALSE) : 0;

    if (!header) {
        *ret_n = n >= 4 && memcmp(bytes, "COWD", 4) == 0 ? 0 : n;
        return bytes;
    }
    if (offset == 0 || offset > n / SECTOR) {
        *ret_n = 0;
        return bytes;
    }
    *ret_n = MIN(size, (n - offset * SECTOR) / SECTOR) * SECTOR;
    return bytes + offset * SECTOR;
}

/* What follows the key at the start of a line, up to *ret_end; NULL: there is none.  Bytes of the disk that look like such a line are none. */
static const uint8_t *value_of(const uint8_t *bytes, size_t n, const char *key, const uint8_t **ret_end)
{
    const uint8_t *text = description(bytes, n, &n), *zero = n ? memchr(text, '\0', n) : NULL, *start = text;

    n = zero ? (size_t)(zero - text) : n;
    while ((start = memmem(start, text + n - start, key, strlen(key))) && start > text && start[-1] != '\n')
        start++;
    *ret_end = text + n;
    return start ? start + strlen(key) : NULL;
}

static char *of_vmdk(const uint8_t *bytes, size_t n)
{
    const uint8_t *limit, *start = value_of(bytes, n, "parentFileNameHint=\"", &limit), *end;

    if (!start)
        return NULL;
    end = memchr(start, '"', MIN((size_t)(limit - start), NAME_MAX_BYTES + 1));
    return end && end > start ? g_strndup((const char *)start, end - start) : NULL;
}

static uint32_t hex_of(const uint8_t *bytes, size_t n, const char *key)
{
    enum { DIGITS = 8 };
    const uint8_t *limit, *start = value_of(bytes, n, key, &limit);
    g_autofree char *digits = start ? g_strndup((const char *)start, MIN((size_t)(limit - start), DIGITS)) : NULL;

    return digits ? (uint32_t)g_ascii_strtoull(digits, NULL, 16) : PARENT_CID_NONE;
}

struct parent_cids parent_cids(const char *format, const uint8_t *bytes, size_t n)
{
    if (strcmp(format, "vmdk") != 0)
        return (struct parent_cids){PARENT_CID_NONE, PARENT_CID_NONE};
    return (struct parent_cids){hex_of(bytes, n, "CID="), hex_of(bytes, n, "parentCID=")};
}

static bool is(const char *format, const char *wanted)
{
    return strcmp(format, wanted) == 0;
}

bool parent_is_possible(const char *format)
{
    static const char *const formats[] = {"qcow", "qcow2", "qed", "vmdk", NULL};

    return g_strv_contains(formats, format);
}

bool parent_is_named(const char *format, const uint8_t *bytes, size_t n)
{
    if (is(format, "qed"))
        return n > QED_FEATURES && bytes[QED_FEATURES] & QED_HAS_BACKING;
    if (is(format, "qcow") || is(format, "qcow2"))
        return n >= QCOW_SIZE_END && number(bytes + QCOW_OFFSET, 8, TRUE) && number(bytes + QCOW_SIZE, 4, TRUE);
    g_autofree char *name = parent_name(format, bytes, n);
    return name != NULL;
}

/* "Header extensions". */
static char *format_in_qcow2(const uint8_t *bytes, size_t n)
{
    enum { VERSION = 4, LENGTH = 100, LENGTH_END = 104, V2 = 72, TYPE_AND_LENGTH = 8 };
    uint64_t at = n < LENGTH_END ? n : number(bytes + VERSION, 4, TRUE) < 3 ? V2 : number(bytes + LENGTH, 4, TRUE);

    while (at + TYPE_AND_LENGTH <= n) {
        uint64_t type = number(bytes + at, 4, TRUE), length = number(bytes + at + 4, 4, TRUE);

        at += TYPE_AND_LENGTH;
        if (type == QCOW2_EXTENSION_END || length > n - at)
            return NULL;
        if (type == QCOW2_EXTENSION_BACKING_FORMAT)
            return g_strndup((const char *)bytes + at, length);
        at += (length + 7) / 8 * 8;
    }
    return NULL;
}

char *parent_format(const char *format, const uint8_t *bytes, size_t n)
{
    if (is(format, "vmdk")) /* nothing else will do */
        return g_strdup("vmdk");
    if (is(format, "qed"))
        return n > QED_FEATURES && bytes[QED_FEATURES] & QED_BACKING_IS_RAW ? g_strdup("raw") : NULL;
    return is(format, "qcow2") ? format_in_qcow2(bytes, n) : NULL;
}

char *parent_name(const char *format, const uint8_t *bytes, size_t n)
{
    return strcmp(format, "qed") == 0 ? of_qed(bytes, n) : strcmp(format, "vmdk") == 0 ? of_vmdk(bytes, n) : of_qcow(bytes, n);
}
