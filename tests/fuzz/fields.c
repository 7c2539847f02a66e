/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a disk: every structure that is recognised, at places all over and wherever its pointers lead, and the inspector's types there.  The
 * first 8 bytes say how long the disk is, the next ones where pieces of the rest lie; unread ones are part of it.
 */
#include <string.h>

#include "fuzz.h"
#include "ui/panels/fields.h"
#include "ui/panels/hex-inspect.h"
#include "util/safetext.h"

enum { HEADER = 16, PLACES_MAX = 160, FOLLOWED_MAX = 10, INSPECTED = 16, UNREAD = 7 };

struct disk {
    struct hex_source source;
    const uint8_t *bytes;
    int64_t n, size;
};

/* What is behind the input is zero, and some of it nobody has read. */
static bool read_disk(void *data, int64_t offset, void *buf, size_t n)
{
    const struct disk *disk = data;
    g_assert_true(offset >= 0 && offset <= disk->size && (uint64_t)(disk->size - offset) >= n);
    memset(buf, 0, n);
    if (offset < disk->n)
        memcpy(buf, disk->bytes + offset, MIN(n, (size_t)(disk->n - offset)));
    return offset % 4096 != UNREAD * 8;
}

static int64_t disk_size(const struct hex_source *source)
{
    return ((const struct disk *)source)->size;
}

static void disk_get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    memset(states, read_disk(source, offset, bytes, n) ? HEX_KNOWN : HEX_UNKNOWN, n);
}

static const struct hex_source_ops ops = {.size = disk_size, .get = disk_get};

static void check_text(const char *text)
{
    g_autofree char *masked = safetext_mask(text, -1);
    g_assert_cmpstr(text, ==, masked);
}

static void inspect(struct disk *disk, int64_t at)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int type = 0; type < HEX_INSPECT_TYPES; type++) {
        for (int big = 0; big < 2; big++)
            hex_inspect_value(text, &disk->source, at, (enum hex_inspect_type)type, big);
    }
    hex_inspect_numbers(text, &disk->source, at, false, true);
    hex_inspect_signed(text, &disk->source, at, true);
    hex_inspect_character(text, &disk->source, at);
    hex_inspect_times(text, &disk->source, at);
    hex_inspect_reals(text, &disk->source, at);
    hex_inspect_filetime_and_uuid(text, &disk->source, at);
    hex_inspect_guid(text, &disk->source, at);
    check_text(text->str);
}

static void learn(struct fields *fields, struct disk *disk, int64_t at)
{
    int64_t offset;
    size_t n;
    while (fields_wants(fields, at, &offset, &n)) {
        g_assert_true(offset >= 0 && n > 0 && n <= FIELDS_WANT_MAX && offset <= disk->size - (int64_t)n);
        /* A copy of just that size: a sanitizer sees who reads on. */
        size_t have = offset < disk->n ? MIN(n, (size_t)(disk->n - offset)) : 0;
        g_autofree uint8_t *bytes = g_memdup2(disk->bytes + MIN(offset, disk->n), have);
        fields_give(fields, bytes, have);
    }
}

/* What the field there points to; -1: nothing inside. */
static int64_t look(struct fields *fields, struct disk *disk, int64_t at)
{
    struct field_hit hit;
    learn(fields, disk, at);
    if (!fields_find(fields, read_disk, disk, at, &hit) && !fields_find_unnamed(fields, read_disk, disk, at, &hit))
        return -1;
    g_assert_true(hit.where && hit.name && hit.offset <= at && at - hit.offset < hit.bytes);
    check_text(hit.where);
    if (hit.value)
        check_text(hit.value);
    int64_t target = hit.target;
    g_assert_cmpint(target, >=, -1);
    field_hit_clear(&hit);
    return target < disk->size ? target : -1;
}

static uint64_t number(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

void fuzz_one(const uint8_t *data, size_t size)
{
    if (size < HEADER)
        return;
    struct disk disk = {.source = {&ops}, .bytes = data + HEADER, .n = (int64_t)(size - HEADER)};
    uint64_t wanted = number(data) & INT64_MAX;
    disk.size = wanted == 0 ? disk.n : (int64_t)wanted;
    disk.n = MIN(disk.n, disk.size);
    struct fields *fields = fields_new(disk.size);
    uint64_t at = 0, step = (uint64_t)disk.n / PLACES_MAX + 1; /* all over, and not always at the start of something */
    for (unsigned i = 0; i < PLACES_MAX && (int64_t)at < disk.size; i++) {
        int64_t place = (int64_t)at;
        if (i % INSPECTED == 0)
            inspect(&disk, place);
        for (unsigned j = 0; place >= 0 && j < FOLLOWED_MAX; j++)
            place = look(fields, &disk, place);
        at += step + data[8 + i % 8] % 7;
    }
    if (disk.size > 0) {
        look(fields, &disk, disk.size - 1);
        inspect(&disk, disk.size - 1);
        look(fields, &disk, (int64_t)(number(data + 8) % (uint64_t)disk.size));
        look(fields, &disk, MAX(0, disk.size - 512));
    }
    fields_depend_on(fields, (int64_t)(number(data + 8) & INT64_MAX), disk.size);
    fields_free(fields);
}
