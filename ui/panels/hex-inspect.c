/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-inspect.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/panels/fields.h"
#include "util/safetext.h"
#include "util/utf16.h"

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

const char *hex_inspect_why_no_field(struct hex_source *source, int64_t offset)
{
    uint8_t byte, state = HEX_KNOWN;

    if (offset < source->ops->size(source)) {
        source->ops->get(source, offset, 1, &byte, &state);
    }
    return state == HEX_ERROR ? "what is here can't be read" : NULL;
}

/* ---- more than whole numbers ---- */

/* The bytes when they are all there and known; else what to show instead. */
static const char *take(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes)
{
    uint8_t states[16];

    if (source->ops->size(source) - offset < (int64_t)n) {
        return "-";
    }
    source->ops->get(source, offset, n, bytes, states);
    for (size_t i = 0; i < n; i++) {
        if (states[i] == HEX_UNKNOWN || states[i] == HEX_ERROR) {
            return states[i] == HEX_UNKNOWN ? "?" : "!";
        }
    }
    return NULL;
}

enum { DIGITS_SHORT = 6, DIGITS_ALL = 17 };

/* digits: that floating numbers have at most. */
static void append_value(GString *text, struct hex_source *source, int64_t offset, enum hex_inspect_type type, bool big_endian, int digits);

void hex_inspect_signed(GString *text, struct hex_source *source, int64_t offset, bool big_endian)
{
    g_string_append(text, big_endian ? "be" : "le");
    for (enum hex_inspect_type type = HEX_INSPECT_I8; type <= HEX_INSPECT_I64; type++) {
        g_string_append_printf(text, "%s%s ", type > HEX_INSPECT_I8 ? " · " : " ", hex_inspect_name(type));
        hex_inspect_value(text, source, offset, type, big_endian);
    }
}

void hex_inspect_reals(GString *text, struct hex_source *source, int64_t offset)
{
    for (enum hex_inspect_type type = HEX_INSPECT_FLOAT; type <= HEX_INSPECT_DOUBLE; type++) {
        g_string_append_printf(text, "%s%s le ", type > HEX_INSPECT_FLOAT ? " · " : "", hex_inspect_name(type));
        append_value(text, source, offset, type, false, DIGITS_SHORT); /* four of them in a line */
        g_string_append(text, " be ");
        append_value(text, source, offset, type, true, DIGITS_SHORT);
    }
}

static void append_character(GString *text, const char *utf8)
{
    g_autofree char *safe = safetext_escape(utf8, -1);

    g_string_append_printf(text, "'%s' U+%04" PRIX32, safe, (uint32_t)g_utf8_get_char(utf8));
}

static void append_utf16(GString *text, struct hex_source *source, int64_t offset, bool big_endian)
{
    uint8_t bytes[4];
    const char *missing = take(source, offset, 2, bytes);
    size_t n = missing ? 0 : 2;

    if (n > 0 && (bytes[big_endian ? 0 : 1] & 0xfc) == 0xd8) { /* the first of two */
        missing = take(source, offset, 4, bytes);
        n = missing ? 0 : 4;
    }
    g_autofree char *converted = n > 0 ? utf16_decode(bytes, n, big_endian) : NULL;

    if (converted) {
        if (*converted) {
            append_character(text, converted);
        } else {
            g_string_append(text, "U+0000");
        }
    } else {
        g_string_append(text, missing ? missing : "none");
    }
}

static void append_utf8(GString *text, struct hex_source *source, int64_t offset)
{
    char utf8[5] = {0};
    int64_t there = CLAMP(source->ops->size(source) - offset, 0, 4);
    gunichar ch = (gunichar)-1;
    size_t n = 0;

    while (n < (size_t)there && ch >= (gunichar)-2) {
        n++;
        if (take(source, offset, n, (uint8_t *)utf8)) {
            break;
        }
        ch = utf8[0] == 0 ? 0 : g_utf8_get_char_validated(utf8, (gssize)n);
    }
    if (ch == 0) {
        g_string_append(text, "U+0000");
    } else if (ch < (gunichar)-2) {
        utf8[n] = '\0';
        append_character(text, utf8);
    } else {
        g_string_append(text, "none");
    }
}

void hex_inspect_character(GString *text, struct hex_source *source, int64_t offset)
{
    g_string_append(text, "UTF-8 ");
    append_utf8(text, source, offset);
    g_string_append(text, " · UTF-16 le ");
    append_utf16(text, source, offset, false);
    g_string_append(text, " · be ");
    append_utf16(text, source, offset, true);
}

static void append_time(GString *text, int64_t seconds)
{
    g_autofree char *time = field_time(seconds);

    g_string_append(text, time ? time : "none");
}

/* With as few digits as tell it from all others of its size. */
static void append_real(GString *text, double value, bool single, int most)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    if (isnan(value)) {
        g_string_append(text, "nan");
        return;
    }
    for (int n = DIGITS_SHORT; n <= most; n++) {
        double read;

        g_snprintf(digits, sizeof digits, "%.*g", n, value);
        read = strtod(digits, NULL);
        if (read == value || (single && (float)read == (float)value)) {
            break;
        }
    }
    g_string_append(text, digits);
}

#define HFS_EPOCH INT64_C(2082844800) /* seconds from 1904 to 1970; it ends in 2040 */

/* Of 100 ns since 1601, as seconds since 1970. */
static int64_t filetime_seconds(uint64_t value)
{
    static const int64_t epoch = INT64_C(11644473600), ticks = 10000000;

    return value > INT64_MAX ? INT64_MAX : (int64_t)value / ticks - epoch;
}

void hex_inspect_times(GString *text, struct hex_source *source, int64_t offset)
{
    g_string_append(text, "unix 32 ");
    hex_inspect_value(text, source, offset, HEX_INSPECT_UNIX32, false);
    g_string_append(text, " · 64 ");
    hex_inspect_value(text, source, offset, HEX_INSPECT_UNIX64, false);
}

void hex_inspect_filetime_and_uuid(GString *text, struct hex_source *source, int64_t offset)
{
    g_string_append(text, "FILETIME ");
    hex_inspect_value(text, source, offset, HEX_INSPECT_FILETIME, false);
    g_string_append(text, " · UUID ");
    hex_inspect_value(text, source, offset, HEX_INSPECT_UUID, false);
}

void hex_inspect_guid(GString *text, struct hex_source *source, int64_t offset)
{
    g_string_append(text, "GUID ");
    hex_inspect_value(text, source, offset, HEX_INSPECT_GUID, false);
}

/* ---- each by itself ---- */

static const struct {
    const char *name;
    uint8_t bytes;
    bool orders;
} types[HEX_INSPECT_TYPES] = {
    [HEX_INSPECT_U8] = {"u8", 1, false},        [HEX_INSPECT_U16] = {"u16", 2, true},       [HEX_INSPECT_U32] = {"u32", 4, true},
    [HEX_INSPECT_U64] = {"u64", 8, true},       [HEX_INSPECT_I8] = {"i8", 1, false},        [HEX_INSPECT_I16] = {"i16", 2, true},
    [HEX_INSPECT_I32] = {"i32", 4, true},       [HEX_INSPECT_I64] = {"i64", 8, true},       [HEX_INSPECT_FLOAT] = {"float", 4, true},
    [HEX_INSPECT_DOUBLE] = {"double", 8, true}, [HEX_INSPECT_UTF16] = {"UTF-16", 0, true},  [HEX_INSPECT_UNIX32] = {"unix 32", 4, true},
    [HEX_INSPECT_UNIX64] = {"unix 64", 8, true}, [HEX_INSPECT_FILETIME] = {"FILETIME", 8, true}, [HEX_INSPECT_HFS] = {"HFS+", 4, true},
    [HEX_INSPECT_DOS] = {"FAT", 4, false}, [HEX_INSPECT_UTF8] = {"UTF-8", 0, false},
    [HEX_INSPECT_UUID] = {"UUID", 16, false},   [HEX_INSPECT_GUID] = {"GUID", 16, false},
};

const char *hex_inspect_name(enum hex_inspect_type type)
{
    return types[type].name;
}

bool hex_inspect_has_orders(enum hex_inspect_type type)
{
    return types[type].orders;
}

static void append_of_number(GString *text, enum hex_inspect_type type, uint64_t value, int digits)
{
    int unused = 64 - types[type].bytes * 8;
    float single;
    double twice;
    uint32_t bits = (uint32_t)value;

    switch (type) {
    case HEX_INSPECT_FLOAT:
        memcpy(&single, &bits, sizeof single);
        append_real(text, (double)single, true, digits);
        break;
    case HEX_INSPECT_DOUBLE:
        memcpy(&twice, &value, sizeof twice);
        append_real(text, twice, false, digits);
        break;
    case HEX_INSPECT_UNIX32:
        append_time(text, (int64_t)(int32_t)bits);
        break;
    case HEX_INSPECT_UNIX64:
        append_time(text, (int64_t)value);
        break;
    case HEX_INSPECT_FILETIME:
        append_time(text, filetime_seconds(value));
        break;
    case HEX_INSPECT_HFS:
        append_time(text, (int64_t)bits - HFS_EPOCH);
        break;
    case HEX_INSPECT_DOS: { /* the time comes first, as in a directory */
        g_autofree char *time = field_dos_time((uint16_t)(bits >> 16), (uint16_t)bits);
        g_string_append(text, time ? time : "none");
        break;
    }
    default:
        if (type >= HEX_INSPECT_I8) {
            g_string_append_printf(text, "%" PRId64, (int64_t)(value << unused) >> unused);
        } else {
            g_string_append_printf(text, "%" PRIu64, value);
        }
        break;
    }
}

static void append_value(GString *text, struct hex_source *source, int64_t offset, enum hex_inspect_type type, bool big_endian, int digits)
{
    uint8_t bytes[16];
    size_t n = types[type].bytes;
    const char *missing = take(source, offset, n, bytes);

    if (missing) {
        g_string_append(text, missing);
    } else if (type == HEX_INSPECT_UTF16) {
        append_utf16(text, source, offset, big_endian);
    } else if (type == HEX_INSPECT_UTF8) {
        append_utf8(text, source, offset);
    } else if (n == sizeof bytes) {
        g_autofree char *uuid = field_uuid(bytes, type == HEX_INSPECT_GUID);

        g_string_append(text, uuid);
    } else {
        append_of_number(text, type, field_number(bytes, n, big_endian), digits);
    }
}

void hex_inspect_value(GString *text, struct hex_source *source, int64_t offset, enum hex_inspect_type type, bool big_endian)
{
    append_value(text, source, offset, type, big_endian, DIGITS_ALL);
}
