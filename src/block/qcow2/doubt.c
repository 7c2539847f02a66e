/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of the file after a failed write: one that reports an error may have reached the disk all the same.  If it was to the header
 * or to the refcount table, the file may name tables and blocks that memory holds for free, and go on naming them when others are in
 * use.  So before anything is allocated, taken out of a table or said to be flushed, both are written anew as memory has them.
 */
#include <errno.h>

#include "block/qcow2/counts.h"
#include "block/qcow2/writer.h"

enum {
    /* "Header" */
    SIZE_AT = 24,
    INCOMPATIBLE_AT = 72,
};

void qcow2_doubt_note(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    if (qcow2->writer)
        qcow2->writer->in_doubt = true;
}

/* All fields that change while an image is written. */
static int write_header_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    uint64_t incompatible = qcow2_be64(&header->incompatible);
    struct __attribute__((packed)) {
        uint64_t size;
        uint32_t crypt_method, l1_size;
        uint64_t l1_offset, refcount_table_offset;
        uint32_t refcount_table_clusters;
    } fields = {
        qcow2_be64(&header->size),      qcow2_be32(&header->crypt_method),          qcow2_be32(&header->l1_size),
        qcow2_be64(&header->l1_offset), qcow2_be64(&header->refcount_table_offset), qcow2_be32(&header->refcount_table_clusters),
    };
    int ret = node_pwrite_co(node->file, SIZE_AT, sizeof(fields), &fields, 0);
    if (ret == 0 && header->version >= 3)
        ret = node_pwrite_co(node->file, INCOMPATIBLE_AT, sizeof(incompatible), &incompatible, 0);
    return ret;
}

int qcow2_doubt_settle_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    if (!qcow2->writer->in_doubt)
        return 0;
    if (node->dead)
        return -EIO;
    int ret = qcow2_counts_write_table_co(node);
    if (ret == 0)
        ret = write_header_co(node);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret == 0)
        qcow2->writer->in_doubt = false;
    return ret;
}
