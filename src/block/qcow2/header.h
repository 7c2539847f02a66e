/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header of an image and its extensions: read, and checked strictly. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/qcow2/format.h"

struct node;

/* "Header" and "Header extensions", in the order of the specification; of version 2 images the later fields have their defaults. */
struct qcow2_header {
    uint32_t version;
    uint64_t backing_offset;
    uint32_t backing_size;
    uint32_t cluster_bits;
    uint64_t size; /* of the virtual disk, in bytes */
    uint32_t crypt_method;
    uint32_t l1_size; /* entries */
    uint64_t l1_offset;
    uint64_t refcount_table_offset;
    uint32_t refcount_table_clusters;
    uint32_t snapshot_count;
    uint64_t snapshots_offset;
    uint64_t incompatible, compatible, autoclear;
    uint32_t refcount_order;
    uint32_t header_length;
    uint8_t compression; /* enum qcow2_compression */

    char *backing_name;   /* NULL: none; raw bytes */
    char *backing_format; /* NULL: not given */
    char *data_file;      /* name of the external data file, NULL: not given */
    bool has_bitmaps, has_crypto;
    struct {
        uint32_t count;
        uint64_t directory_size, directory_offset;
    } bitmaps;
    struct {
        uint64_t offset, length;
    } crypto;
};

/*
 * Reads the header of file and everything it names in its first cluster, and checks all of it that can be checked without reading
 * further.  0, or a negative errno and error; then *ret_header is as it was.  Cleared with qcow2_header_clear().
 */
int qcow2_header_read_co(struct node *file, struct qcow2_header *ret_header, GError **error);
/* Frees what the header holds; a zeroed one is fine. */
void qcow2_header_clear(struct qcow2_header *header);

/* The fixed part alone, from at least QCOW2_HEADER_V2 bytes (n of them), unchecked. */
void qcow2_header_parse(const uint8_t *bytes, size_t n, struct qcow2_header *ret_header);

