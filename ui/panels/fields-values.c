/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields-values.h"

#include <inttypes.h>

#include "util/safetext.h"
#include "util/utf16.h"

enum { HEX_MOST = 16, HEX_BEGINNING = 8, EPOCH_2000 = 946684800 };

uint64_t field_number(const uint8_t *bytes, size_t n, bool big_endian)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        value = value << 8 | bytes[big_endian ? i : n - 1 - i];
    }
    return value;
}

char *field_time(int64_t seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return time ? g_strdup_printf("%04d-%02d-%02d %02d:%02d:%02d UTC", g_date_time_get_year(time), g_date_time_get_month(time),
                                  g_date_time_get_day_of_month(time), g_date_time_get_hour(time), g_date_time_get_minute(time),
                                  g_date_time_get_second(time))
                : NULL;
}

char *field_dos_time(uint16_t date, uint16_t time)
{
    int year = 1980 + (date >> 9), month = date >> 5 & 15, day = date & 31;
    int hour = time >> 11, minute = time >> 5 & 63, second = (time & 31) * 2;

    if (!g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year) || hour > 23 || minute > 59 || second > 59) {
        return NULL;
    }
    return g_strdup_printf("%04d-%02d-%02d %02d:%02d:%02d", year, month, day, hour, minute, second);
}

char *field_uuid(const uint8_t b[16], bool little)
{
    uint32_t first = (uint32_t)field_number(b, 4, !little);
    uint16_t second = (uint16_t)field_number(b + 4, 2, !little), third = (uint16_t)field_number(b + 6, 2, !little);

    return g_strdup_printf("%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", first, second, third, b[8], b[9], b[10], b[11],
                           b[12], b[13], b[14], b[15]);
}

/* ---- those of fields ---- */

static const char *name_of(const struct field *field, uint64_t value)
{
    for (const struct field_name *name = field->names; name && name->name; name++) {
        if (name->value == value) {
            return name->name;
        }
    }
    return NULL;
}

static char *format_number(const struct field *field, uint64_t value)
{
    const char *name = name_of(field, value);

    if (value < 10) {
        return g_strdup_printf("%" PRIu64 "%s%s", value, name ? " " : "", name ? name : "");
    }
    return g_strdup_printf("%" PRIu64 " 0x%" PRIx64 "%s%s", value, value, name ? " " : "", name ? name : "");
}

static char *format_flags(const struct field *field, uint64_t value)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "0x%" PRIx64, value);
    for (const struct field_name *name = field->names; name && name->name; name++) {
        if ((value & name->value) == name->value) {
            g_string_append_printf(text, " %s", name->name);
            value &= ~name->value;
        }
    }
    if (value != 0 && field->names) {
        g_string_append_printf(text, " + 0x%" PRIx64, value);
    }
    return g_string_free(text, FALSE);
}

static char *format_utf16(const uint8_t *bytes, size_t n, bool big_endian)
{
    g_autofree char *converted = NULL;
    size_t end = 0;

    while (end + 2 <= n && (bytes[end] != 0 || bytes[end + 1] != 0)) {
        end += 2;
    }
    converted = utf16_decode(bytes, end, big_endian);
    return converted ? safetext_escape(g_strchomp(converted), -1) : g_strdup("(no UTF-16)");
}

static char *format_text(const uint8_t *bytes, size_t n)
{
    while (n > 0 && (bytes[n - 1] == 0 || bytes[n - 1] == ' ')) {
        n--;
    }
    g_autofree char *text = safetext_escape((const char *)bytes, (ssize_t)n);

    return g_strdup_printf("\"%s\"", text);
}

static char *format_hex(const uint8_t *bytes, size_t n)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < (n > HEX_MOST ? HEX_BEGINNING : n); i++) { /* the beginning is enough of what does not fit */
        g_string_append_printf(text, "%s%02x", i > 0 ? " " : "", bytes[i]);
    }
    g_string_append(text, n > HEX_MOST ? " ..." : "");
    return g_string_free(text, FALSE);
}

static char *format_time(const struct field *field, uint64_t seconds, int64_t epoch)
{
    char *time = seconds > 0 && seconds <= INT64_MAX / 2 ? field_time((int64_t)seconds + epoch) : NULL;

    return time ? time : format_number(field, seconds);
}


enum { ISO_WEST = -48, ISO_EAST = 52 }; /* quarters of an hour */

/* "2026-12-01 08:28:01 UTC+02:00", with hundredths unless they are negative; NULL: no such time. */
static char *iso_time(int year, int month, int day, int hour, int minute, int second, int hundredths, int8_t quarters)
{
    g_autofree char *part = hundredths >= 0 ? g_strdup_printf(".%02d", hundredths) : g_strdup("");
    int east = ABS(quarters) * 15;

    if (year < 1 || !g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year) || hour > 23 || minute > 59 || second > 59 || quarters < ISO_WEST ||
        quarters > ISO_EAST) {
        return NULL;
    }
    g_autofree char *zone = east > 0 ? g_strdup_printf("%c%02d:%02d", quarters < 0 ? '-' : '+', east / 60, east % 60) : g_strdup("");

    return g_strdup_printf("%04d-%02d-%02d %02d:%02d:%02d%s UTC%s", year, month, day, hour, minute, second, part, zone);
}

static bool all_are(const uint8_t *bytes, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

#define ISO_NO_TIME "0 not specified"

static char *format_iso_time(const uint8_t *bytes, size_t n)
{
    if (all_are(bytes, n, 0)) {
        return g_strdup(ISO_NO_TIME);
    }
    char *time = iso_time(1900 + bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], -1, (int8_t)bytes[6]);

    return time ? time : format_hex(bytes, n);
}

static char *format_iso_digits(const uint8_t *bytes, size_t n)
{
    enum { PAIRS = 8 };
    int pairs[PAIRS];

    if (all_are(bytes, 2 * PAIRS, '0') && bytes[2 * PAIRS] == 0) {
        return g_strdup(ISO_NO_TIME);
    }
    for (int i = 0; i < PAIRS; i++) {
        if (!g_ascii_isdigit(bytes[2 * i]) || !g_ascii_isdigit(bytes[2 * i + 1])) {
            return format_text(bytes, n);
        }
        pairs[i] = (bytes[2 * i] - '0') * 10 + bytes[2 * i + 1] - '0';
    }
    char *time = iso_time(pairs[0] * 100 + pairs[1], pairs[2], pairs[3], pairs[4], pairs[5], pairs[6], pairs[7], (int8_t)bytes[2 * PAIRS]);

    return time ? time : format_text(bytes, n);
}

/* Types of partitions and of what is in a vhdx file: in the order of the text, which is that of their bytes. */
static const struct {
    const char *guid, *name;
} guids[] = {
    {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
    {"024dee41-33e7-11d3-9d69-0008c781f39f", "MBR in it"},
    {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
    {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux"},
    {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root, x86-64"},
    {"44479540-f297-41b2-9af7-d131d5f0458a", "Linux root, x86"},
    {"b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root, ARM 64"},
    {"69dad710-2ce4-4e3c-b16c-21a1d49abed3", "Linux root, ARM 32"},
    {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux home"},
    {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "Linux srv"},
    {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "Linux var"},
    {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
    {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
    {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
    {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
    {"ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS"},
    {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Windows data"},
    {"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
    {"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
    {"5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "Windows LDM metadata"},
    {"af9b60a0-1431-4f62-bc68-3311714a69ad", "Windows LDM data"},
    {"e75caf8f-f680-4cee-afa3-b001e56efc2d", "Windows storage spaces"},
    {"48465300-0000-11aa-aa11-00306543ecac", "Apple HFS+"},
    {"7c3457ef-0000-11aa-aa11-00306543ecac", "Apple APFS"},
    {"516e7cb4-6ecf-11d6-8ff8-00022d09712b", "FreeBSD data"},
    {"516e7cb6-6ecf-11d6-8ff8-00022d09712b", "FreeBSD UFS"},
    {"516e7cba-6ecf-11d6-8ff8-00022d09712b", "FreeBSD ZFS"},
    {"6a898cc3-1dd2-11b2-99a6-080020736631", "ZFS"},
    {"fe3a2a5d-4f32-41a7-b725-accc3285a309", "ChromeOS kernel"},
    {"9d275380-40ad-11db-bf97-000c2911d1b8", "VMware VMKCORE"},
    {"aa31e02a-400f-11db-9590-000c2911d1b8", "VMware VMFS"},
    {"00000000-0000-0000-0000-000000000000", "unused"},
    {"2dc27766-f623-4200-9d64-115e9bfd4a08", "BAT"},
    {"8b7ca206-4790-4b9a-b8fe-575f050f886e", "metadata"},
};

static char *format_guid(const uint8_t *bytes)
{
    g_autofree char *guid = field_uuid(bytes, true);

    for (size_t i = 0; i < G_N_ELEMENTS(guids); i++) {
        if (strcmp(guids[i].guid, guid) == 0) {
            return g_strdup_printf("%s %s", guid, guids[i].name);
        }
    }
    return g_steal_pointer(&guid);
}

uint64_t field_value(const struct field *field, const uint8_t *bytes, size_t n, uint64_t index)
{
    uint64_t value = field_number(bytes, MIN(n, 8), field->type == FIELD_BE || field->type == FIELD_FLAGS_BE || field->type == FIELD_TIME_2000);

    return field->type == FIELD_FAT12 ? (index % 2 ? value >> 4 : value & 0xfff) : value;
}

char *field_format(const struct field *field, const uint8_t *bytes, size_t n, uint64_t index)
{
    uint64_t value = field_value(field, bytes, n, index);

    switch (field->type) {
    case FIELD_LE:
    case FIELD_BE:
    case FIELD_FAT12:
        return format_number(field, value);
    case FIELD_SIGNED:
        return g_strdup_printf("%" PRId64, (int64_t)(value << (64 - 8 * n)) >> (64 - 8 * n));
    case FIELD_FLAGS_LE:
    case FIELD_FLAGS_BE:
        return format_flags(field, value);
    case FIELD_TEXT:
        return format_text(bytes, n);
    case FIELD_UTF16:
    case FIELD_UTF16_BE:
        return format_utf16(bytes, n, field->type == FIELD_UTF16_BE);
    case FIELD_UUID:
        return field_uuid(bytes, false);
    case FIELD_GUID:
        return format_guid(bytes);
    case FIELD_TIME_LE:
        return format_time(field, value, 0);
    case FIELD_TIME_2000:
        return format_time(field, value, EPOCH_2000);
    case FIELD_DOS_TIME: {
        char *time = field_dos_time((uint16_t)(value >> 16), (uint16_t)value);
        return time ? time : format_number(field, value);
    }
    case FIELD_ISO_TIME:
        return format_iso_time(bytes, n);
    case FIELD_ISO_DIGITS:
        return format_iso_digits(bytes, n);
    case FIELD_HEX:
        break;
    }
    return format_hex(bytes, n);
}
