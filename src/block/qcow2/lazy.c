/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lazy refcounts: while the header says that the image is dirty ("Header", incompatible features), refcounts on disk may be anything, for
 * who opens it next counts anew.  So they need not be written before the entries that name what they count.
 */
#include <errno.h>

#include "block/qcow2/writer.h"

bool qcow2_lazy_is_dirty(const struct qcow2 *qcow2)
{
    return qcow2->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY;
}

int qcow2_lazy_begin_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    if (!qcow2->writer->settings.lazy)
        return 0;
    if (qcow2_lazy_is_dirty(qcow2))
        return qcow2_doubt_settle_co(node); /* the file may say that it is not */
    return qcow2_writer_set_incompatible_co(node, qcow2->header.incompatible | QCOW2_INCOMPATIBLE_DIRTY);
}

int qcow2_lazy_depend_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    return qcow2_lazy_is_dirty(qcow2) ? 0 : qcow2_cache_depend_co(qcow2->l2_cache, qcow2->writer->refcounts);
}

int qcow2_lazy_end_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    if (!qcow2_lazy_is_dirty(qcow2))
        return 0;
    int ret = qcow2_cache_flush_co(qcow2->l2_cache);
    if (ret == 0)
        ret = qcow2_cache_flush_co(qcow2->writer->refcounts);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    return ret < 0 ? ret : qcow2_writer_set_incompatible_co(node, qcow2->header.incompatible & ~(uint64_t)QCOW2_INCOMPATIBLE_DIRTY);
}
