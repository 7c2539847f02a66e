/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header extensions ("Header extensions" of the specification): walking the list, and taking what this version knows from it. */
#pragma once

#include "block/qcow2/header.h"

/* One extension, as it lies in the header's cluster. */
struct qcow2_extension {
    uint32_t type, length;
    size_t at;           /* of its 8 bytes of type and length, from the beginning of the file */
    const uint8_t *data; /* length bytes */
};

enum qcow2_extensions_step {
    QCOW2_EXTENSIONS_MORE,
    QCOW2_EXTENSIONS_END,      /* the last one was passed */
    QCOW2_EXTENSIONS_TOO_LONG, /* the next one's data would not end before the backing name or the cluster does */
};

/*
 * The extension at *at, where *at begins as header->header_length and moves behind it; n bytes of the first cluster are in memory.
 * With TOO_LONG, type and length and at are valid.
 */
enum qcow2_extensions_step qcow2_extensions_next(const struct qcow2_header *header, const uint8_t *cluster, size_t n, size_t *at,
                                                 struct qcow2_extension *ret_extension);

/* Takes all that is known into header.  0, or a negative errno and error. */
int qcow2_extensions_read(struct qcow2_header *header, const uint8_t *cluster, size_t n, GError **error);

/* Names of these incompatible features for people (g_free): from the image's own table, or their bits. */
char *qcow2_extensions_feature_names(const struct qcow2_header *header, const uint8_t *cluster, size_t n, uint64_t features);
