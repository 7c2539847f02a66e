/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of internal snapshots ("Snapshots"). */
#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/qcow2.h"

enum { FIXED = 40, EXTRA_KNOWN = 24 };

static void snapshot_free(void *data)
{
    struct qcow2_snapshot *snapshot = data;
    if (!snapshot)
        return;
    g_free(snapshot->id);
    g_free(snapshot->name);
    g_free(snapshot);
}

static void parse_extra(const uint8_t *extra, struct qcow2_snapshot *snapshot)
{
    if (snapshot->extra_size >= 8)
        snapshot->vm_state_size = qcow2_be64(extra);
    if (snapshot->extra_size >= 16)
        snapshot->size = qcow2_be64(extra + 8);
    if (snapshot->extra_size >= EXTRA_KNOWN)
        snapshot->icount = qcow2_be64(extra + 16);
}

static struct qcow2_snapshot *parse_fixed(const struct qcow2 *qcow2, const uint8_t *bytes)
{
    struct qcow2_snapshot *snapshot = g_new0(struct qcow2_snapshot, 1);
    *snapshot = (struct qcow2_snapshot){
        .l1_offset = qcow2_be64(bytes),
        .l1_size = qcow2_be32(bytes + 8),
        .seconds = qcow2_be32(bytes + 16),
        .nanoseconds = qcow2_be32(bytes + 20),
        .vm_clock_ns = qcow2_be64(bytes + 24),
        .vm_state_size = qcow2_be32(bytes + 32),
        .extra_size = qcow2_be32(bytes + 36),
        .size = qcow2->header.size,
        .icount = UINT64_MAX,
    };
    parse_extra(bytes + FIXED, snapshot);
    return snapshot;
}

static int read_names_co(struct node *node, int64_t offset, unsigned id_bytes, unsigned name_bytes, struct qcow2_snapshot *snapshot)
{
    g_autofree char *text = g_malloc(id_bytes + name_bytes + 1);
    int ret = node_pread_co(node->file, offset, id_bytes + name_bytes, text);
    if (ret < 0)
        return ret;
    /* A name ends at its first zero byte: a long one in a short file costs nothing. */
    snapshot->id = g_strndup(text, strnlen(text, id_bytes));
    snapshot->name = g_strndup(text + id_bytes, strnlen(text + id_bytes, name_bytes));
    return 0;
}

/* The entry at *offset, which moves behind it. */
static int read_entry_co(struct node *node, unsigned index, int64_t *offset, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    uint8_t fixed[FIXED + EXTRA_KNOWN] = {0};
    int ret = node_pread_co(node->file, *offset, sizeof(fixed), fixed);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to read snapshot table: %s", g_strerror(-ret));
    struct qcow2_snapshot *snapshot = parse_fixed(qcow2, fixed);
    g_ptr_array_add(qcow2->snapshots, snapshot);
    if (snapshot->extra_size > QCOW2_SNAPSHOT_EXTRA_MAX)
        return options_refuse(error, EFBIG,
                              "Too much extra metadata in snapshot table entry %u\n"
                              "You can force-remove this extra metadata with qemu-img check -r all",
                              index);
    unsigned id_bytes = qcow2_be16(fixed + 12), name_bytes = qcow2_be16(fixed + 14);
    ret = read_names_co(node, *offset + FIXED + snapshot->extra_size, id_bytes, name_bytes, snapshot);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to read snapshot table: %s", g_strerror(-ret));
    *offset += FIXED + snapshot->extra_size + id_bytes + name_bytes;
    *offset = (*offset + 7) / 8 * 8;
    if (*offset - (int64_t)qcow2->header.snapshots_offset > QCOW2_SNAPSHOT_TABLE_MAX)
        return options_refuse(error, EFBIG, "Snapshot table is too big");
    return 0;
}

int qcow2_snapshot_load_co(struct node *node, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t offset = qcow2->header.snapshots_offset;
    qcow2->snapshots = g_ptr_array_new_with_free_func(snapshot_free);
    for (unsigned i = 0; i < qcow2->header.snapshot_count; i++) {
        int ret = read_entry_co(node, i, &offset, error);
        if (ret < 0)
            return ret;
        co_relax_co();
    }
    qcow2->snapshot_table_bytes = offset - (int64_t)qcow2->header.snapshots_offset;
    return 0;
}

const struct qcow2_snapshot *qcow2_snapshot_find(const struct qcow2 *qcow2, const char *id_or_name)
{
    const struct qcow2_snapshot *by_name = NULL;
    for (unsigned i = 0; i < qcow2->snapshots->len; i++) {
        const struct qcow2_snapshot *snapshot = qcow2->snapshots->pdata[i];
        if (strcmp(snapshot->id, id_or_name) == 0)
            return snapshot;
        if (!by_name && strcmp(snapshot->name, id_or_name) == 0)
            by_name = snapshot;
    }
    return by_name;
}

int qcow2_snapshot_list(struct node *node, inspect_snapshot_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = 0;
    for (unsigned i = 0; ret == 0 && i < qcow2->snapshots->len; i++) {
        const struct qcow2_snapshot *snapshot = qcow2->snapshots->pdata[i];
        ret = fn(data, &(struct inspect_snapshot){
            .id = snapshot->id,
            .name = snapshot->name,
            .vm_state_size = snapshot->vm_state_size,
            .size = snapshot->size,
            .seconds = snapshot->seconds,
            .nanoseconds = snapshot->nanoseconds,
            .vm_clock_ns = snapshot->vm_clock_ns,
            .icount = snapshot->icount,
        });
    }
    return ret;
}
