/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields.h"

#include <inttypes.h>
#include <string.h>

#include "util/safetext.h"

enum { SECTOR = 512, VALUE_MAX = 128, MBR_ENTRIES = 446, MBR_COUNT = 4, GPT_ENTRY = 128, GPT_COUNT = 128 };

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

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S UTC") : NULL;
}

char *field_uuid(const uint8_t b[16], bool little)
{
    uint32_t first = (uint32_t)field_number(b, 4, !little);
    uint16_t second = (uint16_t)field_number(b + 4, 2, !little), third = (uint16_t)field_number(b + 6, 2, !little);

    return g_strdup_printf("%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", first, second, third, b[8], b[9], b[10], b[11],
                           b[12], b[13], b[14], b[15]);
}

/* ---- partitions ---- */

static void add_partition(GArray *partitions, uint64_t first, uint64_t sectors, unsigned number, int64_t size)
{
    if (first == 0 || sectors == 0 || first >= (uint64_t)size / SECTOR) {
        return;
    }
    uint64_t end = MIN(sectors, (uint64_t)size / SECTOR - first) + first;
    struct partition partition = {(int64_t)first * SECTOR, (int64_t)end * SECTOR, number};

    g_array_append_val(partitions, partition);
}

static bool read_gpt(fields_read_fn *read, void *data, int64_t size, GArray *partitions)
{
    uint8_t header[92], entry[GPT_ENTRY];

    if (!read(data, SECTOR, header, sizeof header) || memcmp(header, "EFI PART", 8) != 0) {
        return false;
    }
    for (unsigned i = 0; i < GPT_COUNT && read(data, 2 * SECTOR + (int64_t)i * GPT_ENTRY, entry, sizeof entry); i++) {
        uint64_t first = field_number(entry + 32, 8, false), last = field_number(entry + 40, 8, false);

        if (field_number(entry, 8, false) != 0 && last >= first) {
            add_partition(partitions, first, last - first + 1, i + 1, size);
        }
    }
    return true;
}

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

GArray *fields_partitions(fields_read_fn *read, void *data, int64_t size)
{
    GArray *partitions = g_array_new(FALSE, FALSE, sizeof(struct partition));
    uint8_t mbr[SECTOR];

    if (read_gpt(read, data, size, partitions) || !read(data, 0, mbr, sizeof mbr) || mbr[510] != 0x55 || mbr[511] != 0xaa) {
        return partitions;
    }
    for (unsigned i = 0; i < MBR_COUNT; i++) {
        const uint8_t *entry = mbr + MBR_ENTRIES + i * 16;

        /* A boot sector of a file system has other things there: then these are no flags. */
        if ((entry[0] & 0x7f) == 0 && entry[4] != 0) {
            guint before = partitions->len;

            add_partition(partitions, field_number(entry + 8, 4, false), field_number(entry + 12, 4, false), i + 1, size);
            if (partitions->len > before) {
                g_array_index(partitions, struct partition, before).extended = is_extended(entry[4]);
            }
        }
    }
    return partitions;
}

/* ---- values ---- */

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

    if (field->type == FIELD_LBA && value <= INT64_MAX / SECTOR) {
        return g_strdup_printf("sector %" PRIu64 " (0x%" PRIx64 ")", value, value * SECTOR);
    }
    if (value < 10) {
        return g_strdup_printf("%" PRIu64 "%s%s", value, name ? " " : "", name ? name : "");
    }
    return g_strdup_printf("%" PRIu64 " 0x%" PRIx64 "%s%s", value, value, name ? " " : "", name ? name : "");
}

static char *format_text(const uint8_t *bytes, size_t n, bool utf16)
{
    g_autofree char *converted = NULL;

    if (utf16) {
        size_t end = 0;

        while (end + 2 <= n && (bytes[end] != 0 || bytes[end + 1] != 0)) {
            end += 2;
        }
        converted = g_convert((const char *)bytes, (gssize)end, "UTF-8", "UTF-16LE", NULL, NULL, NULL);
        return converted ? safetext_escape(converted, -1) : g_strdup("(no UTF-16)");
    }
    while (n > 0 && (bytes[n - 1] == 0 || bytes[n - 1] == ' ')) {
        n--;
    }
    g_autofree char *text = safetext_escape((const char *)bytes, (ssize_t)n);

    return g_strdup_printf("\"%s\"", text);
}

static char *format_hex(const uint8_t *bytes, size_t n)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < (n > 16 ? 8 : n); i++) { /* the beginning is enough of what does not fit */
        g_string_append_printf(text, "%s%02x", i > 0 ? " " : "", bytes[i]);
    }
    g_string_append(text, n > 16 ? " ..." : "");
    return g_string_free(text, FALSE);
}

static char *format_value(const struct field *field, const uint8_t *bytes, size_t n)
{
    switch (field->type) {
    case FIELD_LE:
    case FIELD_LBA:
        return format_number(field, field_number(bytes, n, false));
    case FIELD_BE:
        return format_number(field, field_number(bytes, n, true));
    case FIELD_TEXT:
    case FIELD_UTF16:
        return format_text(bytes, n, field->type == FIELD_UTF16);
    case FIELD_UUID:
    case FIELD_GUID:
        return field_uuid(bytes, field->type == FIELD_GUID);
    case FIELD_TIME_LE: {
        uint64_t seconds = field_number(bytes, n, false);
        char *time = seconds > 0 && seconds <= INT64_MAX ? field_time((int64_t)seconds) : NULL;
        return time ? time : format_number(field, seconds);
    }
    case FIELD_HEX:
        break;
    }
    return format_hex(bytes, n);
}

/* ---- finding ---- */

static bool is_there(const struct structure *structure, int64_t base, fields_read_fn *read, void *data)
{
    char magic[16];

    return structure->magic_size <= sizeof magic &&
           read(data, base + structure->at + structure->magic_at, magic, structure->magic_size) &&
           memcmp(magic, structure->magic, structure->magic_size) == 0;
}

static const struct field *field_of(const struct structure *structure, uint32_t offset)
{
    for (size_t i = 0; i < structure->field_count; i++) {
        const struct field *field = &structure->fields[i];

        if (offset >= field->offset && offset - field->offset < field->bytes) {
            return field;
        }
    }
    return NULL;
}

static void fill_hit(const struct structure *structure, const struct field *field, int64_t start, unsigned partition, unsigned index,
                     fields_read_fn *read, void *data, struct field_hit *hit)
{
    uint8_t bytes[VALUE_MAX];
    size_t n = field ? MIN(field->bytes, sizeof bytes) : 0;
    GString *where = g_string_new(structure->name);

    if (structure->count > 1) {
        g_string_append_printf(where, " %u", index + 1);
    }
    if (partition > 0) {
        g_string_append_printf(where, ", partition %u", partition);
    }
    *hit = (struct field_hit){.where = g_string_free(where, FALSE), .name = field ? field->name : "reserved", .offset = start, .target = -1};
    if (field) {
        hit->offset = start + field->offset;
        hit->bytes = field->bytes;
    }
    if (n > 0 && read(data, hit->offset, bytes, n)) {
        uint64_t number = field_number(bytes, MIN(n, 8), false);

        hit->value = format_value(field, bytes, n);
        hit->target = field->type == FIELD_LBA && number > 0 && number <= INT64_MAX / SECTOR ? (int64_t)number * SECTOR : -1;
    }
}

static bool find_from(int64_t base, unsigned partition, fields_read_fn *read, void *data, int64_t offset, struct field_hit *hit)
{
    const struct structure *structure;

    for (unsigned i = 0; (structure = structure_at(i)); i++) {
        int64_t at = offset - base - structure->at;

        if (at < 0 || at >= (int64_t)structure->size * MAX(1, structure->count) || (partition > 0 && structure->disk_only) ||
            !is_there(structure, base, read, data)) {
            continue;
        }
        unsigned index = (unsigned)(at / structure->size);
        uint32_t within = (uint32_t)(at % structure->size);

        fill_hit(structure, field_of(structure, within), offset - within, partition, index, read, data, hit);
        return true;
    }
    return false;
}

int64_t fields_extended(const GArray *partitions)
{
    for (guint i = 0; i < partitions->len; i++) {
        const struct partition *partition = &g_array_index(partitions, struct partition, i);

        if (partition->extended) {
            return partition->start;
        }
    }
    return -1;
}

int64_t fields_logical(const uint8_t *sector, int64_t table, int64_t extended, unsigned number, int64_t size, GArray *partitions)
{
    const uint8_t *own = sector + 446, *next = sector + 462;
    uint64_t sectors = field_number(own + 12, 4, false);
    struct partition place = {table, table + SECTOR, number, false, true};

    if (sector[510] != 0x55 || sector[511] != 0xaa) {
        return -1;
    }
    if (own[4] != 0 && sectors > 0) {
        add_partition(partitions, (uint64_t)table / SECTOR + field_number(own + 8, 4, false), sectors, number, size);
    }
    g_array_append_val(partitions, place);
    return is_extended(next[4]) ? extended + (int64_t)field_number(next + 8, 4, false) * SECTOR : -1;
}

bool fields_find(const GArray *partitions, fields_read_fn *read, void *data, int64_t offset, struct field_hit *ret_hit)
{
    for (guint i = 0; partitions && i < partitions->len; i++) {
        const struct partition *partition = &g_array_index(partitions, struct partition, i);

        if (partition->table && offset >= partition->start && offset < partition->end) {
            const struct structure *structure = structure_of_logical();

            fill_hit(structure, field_of(structure, (uint32_t)(offset - partition->start)), partition->start, partition->number, 0, read, data, ret_hit);
            return true;
        }
        if (offset >= partition->start && offset < partition->end &&
            find_from(partition->start, partition->number, read, data, offset, ret_hit)) {
            return true;
        }
    }
    return find_from(0, 0, read, data, offset, ret_hit);
}

void field_hit_clear(struct field_hit *hit)
{
    g_free(hit->where);
    g_free(hit->value);
    *hit = (struct field_hit){.target = -1};
}
