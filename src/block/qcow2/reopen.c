/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reopening.  What can fail is done while preparing: a writer is brought up, or all that it has is written.  No request runs from then until
 * the end, so that committing only has to let go of one or the other and to apply the options.
 */
#include <errno.h>

#include "block/qcow2/writer.h"

struct reopening {
    unsigned flags; /* enum node_flags to be */
    struct qcow2_settings settings;
    bool brought_up; /* the writer is new */
};

static void reopening_free(struct reopening *reopening)
{
    g_free(reopening->settings.snapshot);
    g_free(reopening);
}

static int bring_up_co(struct node *node, struct reopening *reopening, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (qcow2->header.incompatible & QCOW2_INCOMPATIBLE_CORRUPT)
        return options_refuse(error, EACCES, "qcow2: Image is corrupt; cannot be opened read/write");
    if (qcow2_lazy_is_dirty(qcow2))
        return options_refuse(error, EBUSY, "The image was not closed properly: open it writable, which repairs it");
    int ret = qcow2_writer_open_co(node, &reopening->settings, error);
    reopening->brought_up = ret == 0;
    return ret;
}

static int prepare_writer_co(struct node *node, struct reopening *reopening, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    bool writable = reopening->flags & NODE_WRITABLE;
    if (qcow2_writer_await_mark_co(node) < 0)
        return options_refuse(error, ECANCELED, "%s", g_strerror(ECANCELED));
    if (writable && !qcow2->writer)
        return bring_up_co(node, reopening, error);
    if (!qcow2->writer || node->dead)
        return 0;
    int ret = qcow2_writer_finish_co(node, !writable || !reopening->settings.lazy);
    return ret < 0 ? options_refuse(error, -ret, "Could not write what is cached: %s", g_strerror(-ret)) : 0;
}

int qcow2_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct reopening *reopening = g_new0(struct reopening, 1);
    reopening->flags = flags;
    int ret = qcow2_options_take(node->opaque, flags, options, &reopening->settings, error);
    if (ret == 0)
        ret = prepare_writer_co(node, reopening, error);
    if (ret < 0) {
        reopening_free(reopening);
        return ret;
    }
    node->reopen = reopening;
    return 0;
}

void qcow2_reopen_commit_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct reopening *reopening = node->reopen;
    if (!(reopening->flags & NODE_WRITABLE))
        qcow2_writer_drop(node);
    qcow2_settings_apply(node, &reopening->settings);
    if (qcow2->writer)
        qcow2_writer_apply_co(node, &reopening->settings);
    g_clear_pointer(&node->reopen, reopening_free);
}

void qcow2_reopen_abort_co(struct node *node)
{
    struct reopening *reopening = node->reopen;
    if (reopening->brought_up)
        qcow2_writer_drop(node);
    g_clear_pointer(&node->reopen, reopening_free);
}
