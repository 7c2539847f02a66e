/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What persistent bitmaps hold ("Bitmap table", "Bitmap data"): a bit of the data for each granularity of the disk, the least significant
 * bit of a byte first.  Tables and data are read piece by piece; a table entry without data says that all its bits are alike.
 */
#include "block/qcow2/dirty.h"

#include <errno.h>
#include <string.h>

#include "block/qcow2/writer.h"

#define ENTRY_RESERVED UINT64_C(0xff000000000001fe)

enum { CHUNK = 1024 /* table entries read at once */ };

struct dirty {
    struct node *node;
    const struct qcow2 *qcow2;
    const struct qcow2_bitmap *bitmap;
    inspect_dirty_fn *fn;
    void *data;
    uint64_t bits;         /* that the disk has */
    uint64_t start, count; /* dirty bits in a row, held back until one is clean; count 0: none */
    uint8_t *cluster;
};

static int end_run(struct dirty *dirty)
{
    uint64_t start = dirty->start, count = dirty->count;
    unsigned shift = dirty->bitmap->granularity_bits;
    dirty->count = 0;
    if (count == 0)
        return 0;
    int64_t offset = (int64_t)(start << shift), end = (int64_t)MIN((start + count) << shift, (uint64_t)dirty->qcow2->size);
    return end > offset ? dirty->fn(dirty->data, offset, end - offset) : 0;
}

/* Bits from first on that are dirty. */
static int add_run(struct dirty *dirty, uint64_t first, uint64_t count)
{
    if (dirty->count && dirty->start + dirty->count == first) {
        dirty->count += count;
        return 0;
    }
    int ret = end_run(dirty);
    dirty->start = first;
    dirty->count = count;
    return ret;
}

/* count bits of the cluster in memory, the first of which is bit first of the bitmap. */
static int take_data(struct dirty *dirty, uint64_t first, uint64_t count)
{
    int ret = 0;
    for (uint64_t i = 0; ret == 0 && i < count;) {
        uint64_t word;
        memcpy(&word, dirty->cluster + i / 64 * 8, sizeof(word));
        word = GUINT64_FROM_LE(word) >> (i % 64);
        uint64_t left = MIN(64 - i % 64, count - i);
        uint64_t skip = word ? MIN((uint64_t)__builtin_ctzll(word), left) : left;
        i += skip;
        left -= skip;
        if (left == 0)
            continue;
        word >>= skip;
        uint64_t run = ~word ? MIN((uint64_t)__builtin_ctzll(~word), left) : left;
        ret = add_run(dirty, first + i, run);
        i += run;
    }
    return ret;
}

static int take_entry_co(struct dirty *dirty, uint64_t index, uint64_t entry)
{
    const struct qcow2 *qcow2 = dirty->qcow2;
    uint64_t per_cluster = (uint64_t)qcow2->cluster_size * 8;
    uint64_t first = index * per_cluster, count = MIN(per_cluster, dirty->bits - first);
    int64_t host = entry & QCOW2_ENTRY_OFFSET;
    if ((entry & ENTRY_RESERVED) || host % qcow2->cluster_size || (host && (entry & 1)) || host >= dirty->node->file->size)
        return -EIO;
    if (host == 0)
        return entry & 1 ? add_run(dirty, first, count) : 0;
    int ret = node_pread_co(dirty->node->file, host, qcow2->cluster_size, dirty->cluster);
    return ret < 0 ? ret : take_data(dirty, first, count);
}

static int take_table_co(struct dirty *dirty, uint64_t entries)
{
    const struct qcow2_bitmap *bitmap = dirty->bitmap;
    g_autofree uint64_t *chunk = g_try_new(uint64_t, CHUNK);
    if (!chunk)
        return -ENOMEM;
    for (uint64_t index = 0; index < entries; index += CHUNK) {
        uint64_t n = MIN(entries - index, CHUNK);
        int ret = node_pread_co(dirty->node->file, (int64_t)(bitmap->table_offset + index * 8), n * 8, chunk);
        for (uint64_t i = 0; ret == 0 && i < n; i++) {
            ret = chunk[i] ? take_entry_co(dirty, index + i, qcow2_be64(&chunk[i])) : 0;
            if (ret == 0 && co_cancelled())
                ret = -ECANCELED;
            co_relax_co();
        }
        if (ret != 0)
            return ret;
    }
    return end_run(dirty);
}

static int read_dirty_co(struct node *node, const struct qcow2_bitmap *bitmap, inspect_dirty_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned shift = bitmap->granularity_bits;
    struct dirty dirty = {.node = node, .qcow2 = qcow2, .bitmap = bitmap, .fn = fn, .data = data};
    uint64_t per_cluster = (uint64_t)qcow2->cluster_size * 8;
    dirty.bits = ((uint64_t)qcow2->size >> shift) + ((qcow2->size & ((INT64_C(1) << shift) - 1)) != 0);
    dirty.cluster = g_try_malloc(qcow2->cluster_size);
    if (!dirty.cluster)
        return -ENOMEM;
    /* One that was in use when the disk was resized may have a table of another size. */
    int ret = take_table_co(&dirty, MIN(bitmap->table_size, (dirty.bits + per_cluster - 1) / per_cluster));
    g_free(dirty.cluster);
    return ret;
}

int qcow2_dirty_co(struct node *node, const char *name, inspect_dirty_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_writer_settle_co(node);
    if (ret < 0)
        return ret;
    for (unsigned i = 0; i < qcow2->bitmaps->len; i++) {
        const struct qcow2_bitmap *bitmap = qcow2->bitmaps->pdata[i];
        if (strcmp(bitmap->name, name) == 0)
            return read_dirty_co(node, bitmap, fn, data);
    }
    return -ENOENT;
}

char **qcow2_bitmap_names(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    GPtrArray *names = g_ptr_array_new();
    for (unsigned i = 0; qcow2->bitmaps && i < qcow2->bitmaps->len; i++)
        g_ptr_array_add(names, g_strdup(((const struct qcow2_bitmap *)qcow2->bitmaps->pdata[i])->name));
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

int qcow2_dirty_list_co(struct node *node, inspect_bitmap_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_writer_settle_co(node);
    for (unsigned i = 0; ret == 0 && i < qcow2->bitmaps->len; i++) {
        const struct qcow2_bitmap *bitmap = qcow2->bitmaps->pdata[i];
        int64_t dirty = 0;
        int counted = read_dirty_co(node, bitmap, inspect_add_dirty, &dirty);
        if (counted == -ECANCELED)
            return counted;
        ret = fn(data, &(struct inspect_bitmap){
            .name = bitmap->name,
            .granularity = INT64_C(1) << bitmap->granularity_bits,
            .in_use = bitmap->flags & QCOW2_BITMAP_IN_USE,
            .automatic = bitmap->flags & QCOW2_BITMAP_AUTO,
            .dirty = counted < 0 ? counted : dirty,
        });
    }
    return ret;
}
