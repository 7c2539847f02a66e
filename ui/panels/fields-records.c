/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields-records.h"

#include <inttypes.h>

#include "util/safetext.h"

enum { ALIGNMENT = 8, VALUE_BYTES = 256 };

/* Numbers are big-endian; in text there is no zero. */
enum sort { NUMBER, POINTER, SECONDS, TEXT, UNKNOWN };

struct part {
    uint32_t offset, bytes;
    enum sort sort;
    const char *name;
};

static const struct part snapshot[] = {
    {0, 8, POINTER, "L1 table"},         {8, 4, NUMBER, "L1 entries"},       {12, 2, NUMBER, "length of the ID"},
    {14, 2, NUMBER, "length of the name"}, {16, 4, SECONDS, "made"},         {20, 4, NUMBER, "nanoseconds"},
    {24, 8, NUMBER, "guest's clock, ns"}, {32, 4, NUMBER, "VM state bytes (32 bits)"}, {36, 4, NUMBER, "length of what is extra"},
};
static const struct part snapshot_extra[] = {
    {0, 8, NUMBER, "VM state bytes"}, {8, 8, NUMBER, "disk size"}, {16, 8, NUMBER, "instructions run"},
};
static const struct part bitmap[] = {
    {0, 8, POINTER, "bitmap table"},  {8, 4, NUMBER, "bitmap table entries"}, {12, 4, NUMBER, "flags (1 in use, 2 automatic)"},
    {16, 1, NUMBER, "type"},          {17, 1, NUMBER, "log2 granularity"},    {18, 2, NUMBER, "length of the name"},
    {20, 4, NUMBER, "length of what is extra"},
};

enum { SNAPSHOT_BYTES = 40, BITMAP_BYTES = 24, SNAPSHOT_EXTRA_BYTES = 24 };

/* An entry: its fixed fields, what is extra, an ID, a name; each but the first perhaps empty. */
struct record {
    size_t start, extra, id, name, end, next; /* offsets in the table */
};

static bool read_record(bool is_snapshot, const uint8_t *table, size_t n, size_t start, struct record *ret_record)
{
    const uint8_t *entry = table + start;
    size_t fixed = is_snapshot ? SNAPSHOT_BYTES : BITMAP_BYTES;

    if (n - start < fixed) {
        return false;
    }
    size_t extra = (size_t)field_number(entry + (is_snapshot ? 36 : 20), 4, true);
    size_t id = is_snapshot ? (size_t)field_number(entry + 12, 2, true) : 0;
    size_t name = (size_t)field_number(entry + (is_snapshot ? 14 : 18), 2, true);
    struct record record = {.start = start, .extra = start + fixed};

    record.id = record.extra + extra;
    record.name = record.id + id;
    record.end = record.name + name;
    record.next = (record.end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *ret_record = record;
    return field_number(entry, 8, true) > 0; /* behind the last one are zeroes */
}

static const struct part *part_of(const struct part *parts, size_t count, size_t offset)
{
    for (size_t i = 0; i < count; i++) {
        if (offset >= parts[i].offset && offset - parts[i].offset < parts[i].bytes) {
            return &parts[i];
        }
    }
    return NULL;
}

static char *format(const struct part *part, const uint8_t *bytes, size_t n)
{
    uint64_t value = n <= 8 ? field_number(bytes, n, true) : 0;
    g_autofree char *time = part->sort == SECONDS ? field_time((int64_t)value) : NULL;

    if (part->sort == TEXT) {
        g_autofree char *safe = safetext_escape((const char *)bytes, (ssize_t)MIN(n, VALUE_BYTES));

        return g_strdup_printf("\"%s\"%s", safe, n > VALUE_BYTES ? "..." : "");
    }
    if (part->sort == UNKNOWN) {
        return g_strdup("");
    }
    return time ? g_steal_pointer(&time)
                : g_strdup_printf(part->sort == POINTER ? "at 0x%" PRIx64 : value < 10 ? "%" PRIu64 : "%" PRIu64 " 0x%" PRIx64, value, value);
}

/* What lies at byte `at` of the record, and where that begins. */
static struct part find_part(bool is_snapshot, const struct record *record, size_t at, size_t *ret_start)
{
    const struct part *part = NULL;

    *ret_start = record->start;
    if (at < record->extra) {
        part = is_snapshot ? part_of(snapshot, G_N_ELEMENTS(snapshot), at - record->start) : part_of(bitmap, G_N_ELEMENTS(bitmap), at - record->start);
    } else if (at < record->id) {
        *ret_start = record->extra;
        part = is_snapshot ? part_of(snapshot_extra, G_N_ELEMENTS(snapshot_extra), at - record->extra) : NULL;
        part = part && record->extra + part->offset + part->bytes <= record->id ? part : NULL;
    } else if (at < record->name) {
        *ret_start = record->id;
        return (struct part){0, (uint32_t)(record->name - record->id), TEXT, "ID"};
    } else if (at < record->end) {
        *ret_start = record->name;
        return (struct part){0, (uint32_t)(record->end - record->name), TEXT, "name"};
    } else {
        *ret_start = record->end;
        return (struct part){0, (uint32_t)(record->next - record->end), UNKNOWN, "padding"};
    }
    return part ? *part : (struct part){(uint32_t)(at - *ret_start), 1, UNKNOWN, "not known"};
}

bool fields_record_find(enum inspect_role role, const uint8_t *table, size_t n, size_t at, int64_t host, struct field_hit *ret_hit)
{
    bool is_snapshot = role == INSPECT_SNAPSHOT_TABLE;
    struct record record = {0};
    unsigned index = 0;

    do {
        if (at >= n || record.next > n || !read_record(is_snapshot, table, n, record.next, &record)) {
            return false;
        }
        index++;
    } while (at >= record.next);

    size_t start;
    struct part part = find_part(is_snapshot, &record, at, &start);

    start += part.offset;
    *ret_hit = (struct field_hit){.where = g_strdup_printf("%s %u", is_snapshot ? "snapshot" : "bitmap", index), .name = part.name,
                                  .offset = host + (int64_t)start, .bytes = part.bytes, .target = -1};
    if (start + part.bytes <= n) {
        ret_hit->value = format(&part, table + start, part.bytes);
    }
    if (part.sort == POINTER) {
        uint64_t target = field_number(table + start, 8, true);

        ret_hit->target = target <= INT64_MAX ? (int64_t)target : -1;
    }
    return true;
}
