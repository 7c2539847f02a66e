/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/tables.h"

#include "block/qcow2/cache.h"

enum { AT_ONCE = 256 << 10 /* bytes: more than that gains nothing and leaves the processor's cache */ };

void qcow2_tables_init(struct qcow2_tables *tables, struct node *node, uint64_t most)
{
    const struct qcow2 *qcow2 = node->opaque;
    /* While somebody writes, what was read ahead would be old by the time it is looked at. */
    unsigned room = qcow2->writer ? 1 : CLAMP(most, UINT64_C(1), (uint64_t)MAX(AT_ONCE >> qcow2->cluster_bits, 1));
    *tables = (struct qcow2_tables){.node = node, .room = room, .words = g_malloc((size_t)room << qcow2->cluster_bits)};
}

void qcow2_tables_done(struct qcow2_tables *tables)
{
    g_free(tables->words);
}

/* What a writer has changed and not written yet is in the cache; a piece that was written during the read may be in neither. */
static int read_co(struct node *node, int64_t offset, size_t bytes, uint64_t *words)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t written;
    int ret;
    do {
        written = qcow2_cache_written(qcow2->l2_cache);
        ret = node_pread_co(node->file, offset, bytes, words);
    } while (ret == 0 && written != qcow2_cache_written(qcow2->l2_cache));
    if (ret == 0 && qcow2->writer)
        qcow2_cache_overlay(qcow2->l2_cache, offset, bytes, words);
    return ret;
}

int qcow2_tables_get_co(struct qcow2_tables *tables, int64_t offset, const uint64_t *next, uint64_t count, const uint64_t **ret_words)
{
    const struct qcow2 *qcow2 = tables->node->opaque;
    uint64_t i = (uint64_t)(offset - tables->first) >> qcow2->cluster_bits;
    if (tables->room == 1 || offset < tables->first || i >= tables->count || (offset - tables->first) % qcow2->cluster_size) {
        unsigned n = 1;
        while (n < tables->room && n <= count && (int64_t)(next[n - 1] & QCOW2_ENTRY_OFFSET) == offset + ((int64_t)n << qcow2->cluster_bits))
            n++;
        tables->count = 0;
        int ret = read_co(tables->node, offset, (size_t)n << qcow2->cluster_bits, tables->words);
        if (ret < 0)
            return ret;
        tables->first = offset;
        tables->count = n;
        i = 0;
    }
    *ret_words = tables->words + (i << (qcow2->cluster_bits - 3));
    return 0;
}

int qcow2_tables_get_part_co(struct qcow2_tables *tables, int64_t offset, size_t bytes, const uint64_t **ret_words)
{
    tables->count = 0;
    *ret_words = tables->words;
    return read_co(tables->node, offset, bytes, tables->words);
}
