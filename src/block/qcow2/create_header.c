/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first cluster of a new image ("Header", "Header extensions"). */
#include <errno.h>
#include <string.h>

#include "block/qcow2/create.h"

enum {
    FIELDS_V3 = 112,                  /* with compression_type and its padding */
    FEATURE_BYTES = 48,               /* "Feature name table": an entry */
    FEATURE_NAME_BYTES = 46,
    FEATURE_NAMES_CLUSTER_BITS = 13,  /* smaller clusters keep the room for longer names */
};

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
    while (bytes > 0) {
        at[--bytes] = value & 0xff;
        value >>= 8;
    }
}

static void write_fields(const struct qcow2_header *header, uint8_t *cluster)
{
    const struct {
        unsigned at, bytes;
        uint64_t value;
    } fields[] = {
        {0, 4, QCOW2_MAGIC},
        {4, 4, header->version},
        {20, 4, header->cluster_bits},
        {24, 8, header->size},
        {36, 4, header->l1_size},
        {40, 8, header->l1_offset},
        {48, 8, header->refcount_table_offset},
        {56, 4, header->refcount_table_clusters},
        {72, 8, header->incompatible},
        {80, 8, header->compatible},
        {88, 8, header->autoclear},
        {96, 4, header->refcount_order},
        {100, 4, FIELDS_V3},
        {104, 1, header->compression},
    };
    unsigned end = header->version < 3 ? QCOW2_HEADER_V2 : FIELDS_V3;
    for (unsigned i = 0; i < G_N_ELEMENTS(fields) && fields[i].at < end; i++)
        put(cluster + fields[i].at, fields[i].bytes, fields[i].value);
}

/* ---- extensions ---- */

struct cursor {
    uint8_t *cluster;
    size_t at, size;
};

static int add_extension(struct cursor *cursor, uint32_t type, const void *data, size_t bytes)
{
    size_t whole = 8 + ((bytes + 7) & ~(size_t)7);
    if (whole > cursor->size - cursor->at)
        return -ENOSPC;
    put(cursor->cluster + cursor->at, 4, type);
    put(cursor->cluster + cursor->at + 4, 4, bytes);
    if (bytes)
        memcpy(cursor->cluster + cursor->at + 8, data, bytes);
    cursor->at += whole;
    return 0;
}

static int add_text(struct cursor *cursor, uint32_t type, const char *text)
{
    return text ? add_extension(cursor, type, text, strlen(text)) : 0;
}

/* Every feature this version knows, so that programs that don't can say what they lack. */
static int add_feature_names(struct cursor *cursor)
{
    enum { INCOMPATIBLE, COMPATIBLE, AUTOCLEAR };
    static const struct {
        uint8_t type, bit;
        const char *name;
    } features[] = {
        {INCOMPATIBLE, 0, "dirty bit"},        {INCOMPATIBLE, 1, "corrupt bit"},
        {INCOMPATIBLE, 2, "external data file"}, {INCOMPATIBLE, 3, "compression type"},
        {INCOMPATIBLE, 4, "extended L2 entries"}, {COMPATIBLE, 0, "lazy refcounts"},
        {AUTOCLEAR, 0, "bitmaps"},             {AUTOCLEAR, 1, "raw external data"},
    };
    uint8_t table[G_N_ELEMENTS(features) * FEATURE_BYTES] = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        uint8_t *entry = table + i * FEATURE_BYTES;
        entry[0] = features[i].type;
        entry[1] = features[i].bit;
        memcpy(entry + 2, features[i].name, MIN(strlen(features[i].name), FEATURE_NAME_BYTES));
    }
    return add_extension(cursor, QCOW2_EXTENSION_FEATURE_NAMES, table, sizeof(table));
}

static int add_backing_name(struct cursor *cursor, const char *name)
{
    size_t bytes = name ? strlen(name) : 0;
    if (bytes > cursor->size - cursor->at)
        return -ENOSPC;
    if (bytes == 0)
        return 0;
    memcpy(cursor->cluster + cursor->at, name, bytes);
    put(cursor->cluster + 8, 8, cursor->at);
    put(cursor->cluster + 16, 4, bytes);
    return 0;
}

int qcow2_create_header_write(const struct qcow2_header *header, uint8_t *cluster)
{
    bool v3 = header->version >= 3;
    struct cursor cursor = {cluster, v3 ? FIELDS_V3 : QCOW2_HEADER_V2, (size_t)1 << header->cluster_bits};
    write_fields(header, cluster);
    int ret = add_text(&cursor, QCOW2_EXTENSION_BACKING_FORMAT, header->backing_format);
    if (ret == 0)
        ret = add_text(&cursor, QCOW2_EXTENSION_DATA_FILE, header->data_file);
    if (ret == 0 && v3 && header->cluster_bits >= FEATURE_NAMES_CLUSTER_BITS)
        ret = add_feature_names(&cursor);
    if (ret == 0)
        ret = add_extension(&cursor, QCOW2_EXTENSION_END, NULL, 0);
    return ret < 0 ? ret : add_backing_name(&cursor, header->backing_name);
}
