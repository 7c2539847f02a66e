/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/tally.h"

#include <errno.h>

enum { MANY = 255 };

int qcow2_tally_init(struct qcow2_tally *tally, unsigned cluster_bits, int64_t size, bool roles, uint64_t window)
{
    uint64_t total = ((uint64_t)size >> cluster_bits) + ((size & ((INT64_C(1) << cluster_bits) - 1)) != 0);
    uint64_t count = MIN(window ? window : QCOW2_TALLY_WINDOW, total);
    g_autofree uint8_t *references = g_try_new0(uint8_t, count);
    g_autofree uint16_t *kept_roles = roles ? g_try_new0(uint16_t, count) : NULL;
    if (count && (!references || (roles && !kept_roles)))
        return -ENOMEM;
    *tally = (struct qcow2_tally){.cluster_bits = cluster_bits, .total = total, .count = count};
    tally->references = g_steal_pointer(&references);
    tally->roles = g_steal_pointer(&kept_roles);
    tally->many = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return 0;
}

void qcow2_tally_done(struct qcow2_tally *tally)
{
    g_clear_pointer(&tally->references, g_free);
    g_clear_pointer(&tally->roles, g_free);
    g_clear_pointer(&tally->many, g_hash_table_unref);
}

bool qcow2_tally_next(struct qcow2_tally *tally)
{
    tally->first += tally->count;
    tally->count = MIN(tally->count, tally->total - tally->first);
    if (tally->count == 0)
        return false;
    memset(tally->references, 0, tally->count);
    if (tally->roles)
        memset(tally->roles, 0, tally->count * sizeof(*tally->roles));
    g_hash_table_remove_all(tally->many);
    return true;
}

void qcow2_tally_grow(struct qcow2_tally *tally, uint64_t total)
{
    tally->references = g_realloc(tally->references, total);
    memset(tally->references + tally->total, 0, total - tally->total);
    tally->total = tally->count = total;
}

static uint64_t *many_of(const struct qcow2_tally *tally, uint64_t i)
{
    uint64_t *value = g_hash_table_lookup(tally->many, &i);
    if (!value) {
        value = g_new(uint64_t, 1);
        *value = MANY;
        g_hash_table_insert(tally->many, g_memdup2(&i, sizeof(i)), value);
    }
    return value;
}

/* i: in the window. */
static bool add_one(struct qcow2_tally *tally, uint64_t i, unsigned roles, uint64_t limit)
{
    if (tally->roles)
        tally->roles[i] |= roles;
    if (qcow2_tally_get(tally, tally->first + i) >= limit)
        return false;
    if (tally->references[i] < MANY - 1)
        tally->references[i]++;
    else if (tally->references[i] == MANY - 1)
        tally->references[i] = MANY;
    else
        ++*many_of(tally, i);
    return true;
}

enum qcow2_tally_add qcow2_tally_add(struct qcow2_tally *tally, int64_t file_size, uint64_t host, uint64_t bytes, unsigned roles, uint64_t limit,
                                     uint64_t *ret_overflow)
{
    uint64_t end = host + bytes, first = host >> tally->cluster_bits, last = (end - 1) >> tally->cluster_bits;
    *ret_overflow = UINT64_MAX;
    if (end > (uint64_t)file_size && end - file_size >= UINT64_C(1) << tally->cluster_bits)
        return QCOW2_TALLY_OUTSIDE;
    uint64_t from = MAX(first, tally->first), to = MIN(last + 1, tally->first + tally->count);
    for (uint64_t cluster = from; cluster < to; cluster++)
        if (!add_one(tally, cluster - tally->first, roles, limit) && *ret_overflow == UINT64_MAX)
            *ret_overflow = cluster;
    return QCOW2_TALLY_COUNTED;
}

uint64_t qcow2_tally_get(const struct qcow2_tally *tally, uint64_t cluster)
{
    uint64_t i = cluster - tally->first;
    if (tally->references[i] < MANY)
        return tally->references[i];
    const uint64_t *value = g_hash_table_lookup(tally->many, &i);
    return value ? *value : MANY;
}
