/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making an image: first one with an empty disk, of header, refcount table and one refcount block; then it is opened and grown like any
 * other, so that the L1 table and all that refcounts need for it lie where the writer puts them.
 */
#include "block/qcow2/create.h"

#include <errno.h>
#include <string.h>

#include "block/name.h"
#include "block/node.h"

enum { FIRST_CLUSTERS = 3 }; /* header, refcount table, refcount block */

static int fail_names(const struct qcow2_header *header, int ret, GError **error)
{
    if (header->backing_name && !header->data_file)
        return options_refuse(error, -ret, "Could not assign backing file '%s' with format '%s': %s", header->backing_name,
                              header->backing_format, g_strerror(-ret));
    return options_refuse(error, -ret, "Could not update qcow2 header: %s", g_strerror(-ret));
}

/* ---- the empty disk ---- */

/* The counts of the clusters there are, each 1, at the beginning of a zeroed refcount block. */
static void count_first(const struct qcow2_header *header, uint8_t *block)
{
    unsigned bits = 1u << header->refcount_order;
    for (unsigned i = 0; i < FIRST_CLUSTERS; i++) {
        if (bits < 8)
            block[i * bits / 8] |= 1u << (i * bits % 8);
        else
            block[(i + 1) * bits / 8 - 1] = 1;
    }
}

static int write_empty_co(struct create *create, struct qcow2_header *header, GError **error)
{
    uint64_t cluster = UINT64_C(1) << header->cluster_bits;
    g_autofree uint8_t *bytes = g_try_malloc0(FIRST_CLUSTERS * cluster);
    uint64_t block = qcow2_be64(&(uint64_t){2 * cluster});
    struct node *file;
    header->refcount_table_offset = cluster;
    header->refcount_table_clusters = 1;
    int ret = header->backing_name && strlen(header->backing_name) > QCOW2_BACKING_NAME_MAX ? -EINVAL : bytes ? 0 : -ENOMEM;
    if (ret == 0)
        ret = qcow2_create_header_write(header, bytes);
    if (ret < 0)
        return fail_names(header, ret, error);
    memcpy(bytes + cluster, &block, sizeof(block));
    count_first(header, bytes + 2 * cluster);
    ret = create_open_file_co(create, create->file, &file, error);
    if (ret < 0)
        return ret;
    ret = node_pwrite_co(file, 0, FIRST_CLUSTERS * cluster, bytes, 0);
    int closed = node_unref_co(file);
    if (ret == 0)
        ret = closed;
    return ret < 0 ? options_refuse(error, -ret, "Could not write qcow2 header: %s", g_strerror(-ret)) : 0;
}

/* ---- the disk's size ---- */

static int grow_co(struct create *create, const struct qcow2_create_plan *plan, const char *data, GError **error)
{
    struct options *options = options_new();
    struct node *node;
    options_set(options, "driver", "qcow2");
    options_set(options, "backing", NULL);
    create_set_child(options, "file", create->file);
    if (data)
        create_set_child(options, "data-file", data);
    int ret = create_open_co(create, options, &node, error);
    if (ret < 0)
        return ret;
    ret = node_truncate_co(node, (int64_t)plan->size, true, plan->prealloc, error);
    if (ret < 0)
        g_prefix_error(error, "Could not resize image: ");
    int closed = node_unref_co(node);
    if (ret == 0 && closed < 0)
        ret = options_refuse(error, -closed, "Could not write the image: %s", g_strerror(-closed));
    return ret;
}

int qcow2_create_co(struct create *create, GError **error)
{
    struct qcow2_create_plan plan;
    const char *data = NULL;
    int ret = qcow2_create_options_read(create, &plan, error);
    if (ret == 0 && plan.header.data_file) {
        g_autofree char *path = name_beside(create->path, plan.header.data_file);
        ret = *plan.header.data_file ? create_stage_co(create, path, &data, error)
                                     : options_refuse(error, ENOENT, "Could not create '': %s", g_strerror(ENOENT));
    }
    if (ret == 0)
        ret = write_empty_co(create, &plan.header, error);
    if (ret == 0 && (plan.size > 0 || plan.prealloc != BLK_PREALLOC_OFF))
        ret = grow_co(create, &plan, data, error);
    return ret;
}
