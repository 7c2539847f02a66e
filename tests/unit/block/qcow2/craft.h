/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images put together by hand, for tests that want to know every byte. */
#pragma once

#include "harness.h"

enum { CRAFT_BITS = 12, CRAFT_CLUSTER = 1 << CRAFT_BITS, CRAFT_ENTRIES = CRAFT_CLUSTER / 8 };

/* Clusters: 0 header, 1 refcount table, 2 refcount block, 3 L1 table, then an L2 table for each 2 MiB, then what entries say. */
struct craft {
    uint8_t *bytes;
    int64_t clusters; /* of the file */
    int64_t size;     /* of the disk */
    unsigned tables;
};

static inline void craft_put64(struct craft *craft, int64_t at, uint64_t value)
{
    value = GUINT64_TO_BE(value);
    memcpy(craft->bytes + at, &value, 8);
}

static inline void craft_put32(struct craft *craft, int64_t at, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(craft->bytes + at, &value, 4);
}

static inline void craft_refcount(struct craft *craft, int64_t cluster, uint16_t value)
{
    value = GUINT16_TO_BE(value);
    memcpy(craft->bytes + 2 * CRAFT_CLUSTER + 2 * cluster, &value, 2);
}

static inline struct craft craft_new(int64_t size, int64_t clusters)
{
    unsigned tables = (size + CRAFT_CLUSTER * CRAFT_ENTRIES - 1) / (CRAFT_CLUSTER * CRAFT_ENTRIES);
    struct craft craft = {g_malloc0(clusters * CRAFT_CLUSTER), clusters, size, tables};
    craft_put32(&craft, 0, 0x514649fb);
    craft_put32(&craft, 4, 3);
    craft_put32(&craft, 20, CRAFT_BITS);
    craft_put64(&craft, 24, size);
    craft_put32(&craft, 36, tables);
    craft_put64(&craft, 40, 3 * CRAFT_CLUSTER);
    craft_put64(&craft, 48, CRAFT_CLUSTER);
    craft_put32(&craft, 56, 1);
    craft_put32(&craft, 96, 4);
    craft_put32(&craft, 100, 104);
    craft_put64(&craft, CRAFT_CLUSTER, 2 * CRAFT_CLUSTER);
    for (unsigned i = 0; i < tables; i++)
        craft_put64(&craft, 3 * CRAFT_CLUSTER + 8 * i, (UINT64_C(1) << 63) | (4 + i) * CRAFT_CLUSTER);
    for (unsigned i = 0; i < 4 + tables; i++)
        craft_refcount(&craft, i, 1);
    return craft;
}

/* The entry of the i-th guest cluster. */
static inline void craft_entry(struct craft *craft, int64_t i, uint64_t entry)
{
    craft_put64(craft, 4 * CRAFT_CLUSTER + 8 * i, entry);
}

/* Data in a host cluster, filled with pattern. */
static inline void craft_data(struct craft *craft, int64_t i, int64_t cluster, uint8_t pattern)
{
    craft_entry(craft, i, (UINT64_C(1) << 63) | (uint64_t)cluster * CRAFT_CLUSTER);
    craft_refcount(craft, cluster, 1);
    memset(craft->bytes + cluster * CRAFT_CLUSTER, pattern, CRAFT_CLUSTER);
}

/* Writes it to a new file (harness_remove()). */
static inline char *craft_save(struct craft *craft)
{
    char *name = harness_file(0);
    g_assert_true(g_file_set_contents(name, (const char *)craft->bytes, craft->clusters * CRAFT_CLUSTER, NULL));
    g_clear_pointer(&craft->bytes, g_free);
    return name;
}
