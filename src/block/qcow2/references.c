/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files an image names: its backing file and its external data file (referring.h). */
#include "block/referring.h"

#include <errno.h>

#include "block/name.h"
#include "block/qcow2/qcow2.h"

/* ---- the external data file ---- */

static int open_named_data_co(struct node *node, struct options *options, struct reference *reference, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    g_autoptr(options) child = options_new();
    int ret = referring_decide_co(node, reference, node->file->filename, error);
    if (ret <= 0)
        return ret;
    ret = node->refs_policy == BLK_REFS_ALL ? 0 : referring_check_loop_co(node, reference->path, error);
    if (ret == 0)
        ret = name_apply(child, reference->path, error);
    if (ret < 0)
        return ret;
    referring_put_child(options, "data-file", child);
    ret = node_open_child_co(node, options, "data-file", NODE_ROLE_DATA, &qcow2->data, error);
    node->named = (struct reference_expect){0};
    return ret;
}

int qcow2_references_open_data_co(struct node *node, struct options *options, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    const char *name = qcow2->header.data_file;
    bool given = options_has_child(options, "data-file");
    if (!qcow2->data_file) {
        qcow2->data = node->file;
        return given ? options_refuse(error, EINVAL, "'data-file' can only be set for images with an external data file") : 0;
    }
    struct reference *reference = name ? referring_add(node, REFERENCE_DATA, node->file->filename, name, NULL) : NULL;
    if (given) {
        if (reference)
            reference->state = REFERENCE_REPLACED;
        return node_open_child_co(node, options, "data-file", NODE_ROLE_DATA, &qcow2->data, error);
    }
    if (!reference)
        return options_refuse(error, EINVAL, "'data-file' is required for this image");
    return open_named_data_co(node, options, reference, error);
}

/* ---- the backing file ---- */

int qcow2_references_open_backing_co(struct node *node, struct options *options, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    struct referring_backing named = {node->file->filename, qcow2->header.backing_name, qcow2->header.backing_format};
    struct referring_result result = {0};
    int ret = referring_open_backing_co(node, options, &named, &result, error);
    qcow2->backing = result.backing;
    qcow2->backing_left_out = result.left_out;
    return ret;
}

void qcow2_references_backing_changed(struct node *node, struct node *backing)
{
    struct qcow2 *qcow2 = node->opaque;
    qcow2->backing = backing;
    qcow2->backing_left_out = false;
    for (unsigned i = 0; node->references && i < node->references->len; i++) {
        struct reference *reference = node->references->pdata[i];
        if (reference->role == REFERENCE_BACKING)
            reference->state = REFERENCE_REPLACED;
    }
}
