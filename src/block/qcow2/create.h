/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making images: what is asked for, checked; and the bytes of a new image's header. */
#pragma once

#include <glib.h>

#include "block/create.h"
#include "block/qcow2/header.h"

extern const struct driver_option qcow2_create_options[];

/* What a new image is to be. */
struct qcow2_create_plan {
    struct qcow2_header header; /* names are not owned; size and L1 table are as for an empty disk */
    uint64_t size;              /* of the disk, whole sectors; beyond INT64_MAX when there is no such size */
    enum blk_prealloc prealloc;
};

/* create_options.c.  0, or a negative errno and error. */
int qcow2_create_options_read(const struct create *create, struct qcow2_create_plan *ret_plan, GError **error);

/*
 * create_header.c.  The header with its extensions and the backing file's name into a zeroed cluster: 0, or -ENOSPC where the cluster is
 * too small for all of it.
 */
int qcow2_create_header_write(const struct qcow2_header *header, uint8_t *cluster);

/* As the driver's create_co. */
int qcow2_create_co(struct create *create, GError **error);
