/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strict reading of the header.  Nothing in it is trusted: every size is checked against its limit before memory is taken for what
 * it describes.  The checks come in the order in which the reference program makes them, so that an image with several faults is refused
 * with the same words.
 */
#include "block/qcow2/header.h"

#include <errno.h>
#include <inttypes.h>

#include "block/node.h"
#include "block/qcow2/extensions.h"

enum { FIELDS_MAX = 112 }; /* up to here there are fields this version knows */

void qcow2_header_clear(struct qcow2_header *header)
{
    g_free(header->backing_name);
    g_free(header->backing_format);
    g_free(header->data_file);
    *header = (struct qcow2_header){0};
}

/* ---- fields ---- */

static void parse_v3(const uint8_t *bytes, size_t n, struct qcow2_header *header)
{
    uint8_t field[FIELDS_MAX] = {0};
    memcpy(field, bytes, MIN(n, FIELDS_MAX));
    header->incompatible = qcow2_be64(field + 72);
    header->compatible = qcow2_be64(field + 80);
    header->autoclear = qcow2_be64(field + 88);
    header->refcount_order = qcow2_be32(field + 96);
    header->header_length = qcow2_be32(field + 100);
    if (header->header_length > QCOW2_HEADER_V3)
        header->compression = field[104];
}

void qcow2_header_parse(const uint8_t *bytes, size_t n, struct qcow2_header *ret_header)
{
    *ret_header = (struct qcow2_header){
        .version = qcow2_be32(bytes + 4),
        .backing_offset = qcow2_be64(bytes + 8),
        .backing_size = qcow2_be32(bytes + 16),
        .cluster_bits = qcow2_be32(bytes + 20),
        .size = qcow2_be64(bytes + 24),
        .crypt_method = qcow2_be32(bytes + 32),
        .l1_size = qcow2_be32(bytes + 36),
        .l1_offset = qcow2_be64(bytes + 40),
        .refcount_table_offset = qcow2_be64(bytes + 48),
        .refcount_table_clusters = qcow2_be32(bytes + 56),
        .snapshot_count = qcow2_be32(bytes + 60),
        .snapshots_offset = qcow2_be64(bytes + 64),
        .refcount_order = 4,
        .header_length = QCOW2_HEADER_V2,
    };
    if (ret_header->version >= 3)
        parse_v3(bytes, n, ret_header);
}

/* ---- checks ---- */

static int check_shape(const struct qcow2_header *header, GError **error)
{
    if (header->version < 2 || header->version > 3)
        return options_refuse(error, ENOTSUP, "Unsupported qcow2 version %" PRIu32, header->version);
    if (header->cluster_bits < QCOW2_CLUSTER_BITS_MIN || header->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
        return options_refuse(error, EINVAL, "Unsupported cluster size: 2^%" PRIu32, header->cluster_bits);
    uint64_t cluster = UINT64_C(1) << header->cluster_bits;
    if (header->version >= 3 && header->header_length < QCOW2_HEADER_V3)
        return options_refuse(error, EINVAL, "qcow2 header too short");
    if (header->header_length > cluster)
        return options_refuse(error, EINVAL, "qcow2 header exceeds cluster size");
    if (header->backing_offset > cluster)
        return options_refuse(error, EINVAL, "Invalid backing file offset");
    return 0;
}

static int check_compression(const struct qcow2_header *header, GError **error)
{
    bool bit = header->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION;
    if (header->compression == QCOW2_COMPRESSION_ZLIB && bit)
        return options_refuse(error, EINVAL, "qcow2: Compression type incompatible feature bit must not be set");
    if (header->compression > QCOW2_COMPRESSION_ZSTD)
        return options_refuse(error, ENOTSUP, "qcow2: unknown compression type: %u", header->compression);
    if (header->compression != QCOW2_COMPRESSION_ZLIB && !bit)
        return options_refuse(error, EINVAL, "qcow2: Compression type incompatible feature bit must be set");
    return 0;
}

static int check_features(const struct qcow2_header *header, const uint8_t *cluster, size_t n, GError **error)
{
    uint64_t unknown = header->incompatible & ~(uint64_t)QCOW2_INCOMPATIBLE_KNOWN;
    if (unknown) {
        g_autofree char *names = qcow2_extensions_feature_names(header, cluster, n, unknown);
        return options_refuse(error, ENOTSUP, "Unsupported qcow2 feature(s): %s", names);
    }
    if ((header->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2) && header->cluster_bits < QCOW2_EXTENDED_CLUSTER_BITS_MIN)
        return options_refuse(error, EINVAL, "Unsupported cluster size: 2^%" PRIu32 " with extended L2 entries", header->cluster_bits);
    if (header->refcount_order > 6)
        return options_refuse(error, EINVAL, "Reference count entry width too large; may not exceed 64 bits");
    if (header->crypt_method > QCOW2_CRYPT_LUKS)
        return options_refuse(error, EINVAL, "Unsupported encryption method %" PRIu32, header->crypt_method);
    return 0;
}

/* A table of bytes at offset: within what a file can be, and at the beginning of a cluster. */
static bool is_table(const struct qcow2_header *header, uint64_t offset, uint64_t bytes)
{
    uint64_t cluster = UINT64_C(1) << header->cluster_bits;
    return offset <= INT64_MAX - bytes && offset % cluster == 0;
}

/* Entries of the L1 table that the virtual disk takes. */
static uint64_t l1_needed(const struct qcow2_header *header)
{
    unsigned entry_bits = header->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2 ? 4 : 3;
    unsigned shift = 2 * header->cluster_bits - entry_bits;
    return (header->size >> shift) + ((header->size & ((UINT64_C(1) << shift) - 1)) != 0);
}

static int check_tables(const struct qcow2_header *header, GError **error)
{
    uint64_t table_bytes = (uint64_t)header->refcount_table_clusters << header->cluster_bits;
    if (table_bytes > QCOW2_REFCOUNT_TABLE_MAX)
        return options_refuse(error, EFBIG, "Reference count table too large");
    if (!is_table(header, header->refcount_table_offset, table_bytes))
        return options_refuse(error, EINVAL, "Reference count table offset invalid");
    if (table_bytes == 0)
        return options_refuse(error, EINVAL, "Image does not contain a reference count table");
    if (header->snapshot_count > QCOW2_SNAPSHOTS_MAX)
        return options_refuse(error, EFBIG, "Snapshot table too large");
    if (!is_table(header, header->snapshots_offset, header->snapshot_count * UINT64_C(40)))
        return options_refuse(error, EINVAL, "Snapshot table offset invalid");
    if (header->l1_size > QCOW2_L1_MAX / 8)
        return options_refuse(error, EFBIG, "Active L1 table too large");
    if (!is_table(header, header->l1_offset, header->l1_size * UINT64_C(8)))
        return options_refuse(error, EINVAL, "Active L1 table offset invalid");
    uint64_t needed = l1_needed(header);
    if (header->size > INT64_MAX || needed > INT32_MAX)
        return options_refuse(error, EFBIG, "Image is too big");
    if (header->l1_size < needed)
        return options_refuse(error, EINVAL, "L1 table is too small");
    return 0;
}

static int read_backing_name(struct qcow2_header *header, const uint8_t *cluster, size_t n, GError **error)
{
    uint64_t cluster_size = UINT64_C(1) << header->cluster_bits;
    if (header->backing_offset == 0)
        return 0;
    uint64_t room = MIN(cluster_size - header->backing_offset, QCOW2_BACKING_NAME_MAX);
    if (header->backing_size > room)
        return options_refuse(error, EINVAL, "Backing file name too long");
    /* What the file lacks reads as zeroes, and a zero ends a name. */
    size_t there = header->backing_offset < n ? MIN(header->backing_size, n - header->backing_offset) : 0;
    const char *name = there ? (const char *)cluster + header->backing_offset : NULL;
    if (there && name[0])
        header->backing_name = g_strndup(name, there);
    return 0;
}

static int check_all(struct qcow2_header *header, const uint8_t *cluster, size_t n, GError **error)
{
    int ret = check_compression(header, error);
    if (ret == 0)
        ret = check_features(header, cluster, n, error);
    if (ret == 0)
        ret = check_tables(header, error);
    if (ret == 0)
        ret = qcow2_extensions_read(header, cluster, n, error);
    if (ret == 0)
        ret = read_backing_name(header, cluster, n, error);
    return ret;
}

int qcow2_header_read_co(struct node *file, struct qcow2_header *ret_header, GError **error)
{
    uint8_t fields[FIELDS_MAX] = {0};
    struct qcow2_header header;
    int ret = node_pread_co(file, 0, sizeof(fields), fields);
    if (ret < 0)
        return options_refuse(error, -ret, "Could not read qcow2 header: %s", g_strerror(-ret));
    if (qcow2_be32(fields) != QCOW2_MAGIC)
        return options_refuse(error, EINVAL, "Image is not in qcow2 format");
    qcow2_header_parse(fields, sizeof(fields), &header);
    ret = check_shape(&header, error);
    if (ret < 0)
        return ret;
    size_t n = MIN(INT64_C(1) << header.cluster_bits, file->size);
    g_autofree uint8_t *cluster = g_try_malloc(n);
    if (!cluster)
        return options_refuse(error, ENOMEM, "Could not read qcow2 header: %s", g_strerror(ENOMEM));
    ret = node_pread_co(file, 0, n, cluster);
    if (ret < 0)
        return options_refuse(error, -ret, "Could not read qcow2 header: %s", g_strerror(-ret));
    ret = check_all(&header, cluster, n, error);
    if (ret < 0)
        qcow2_header_clear(&header);
    else
        *ret_header = header;
    return ret;
}
