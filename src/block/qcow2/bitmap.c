/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory of persistent bitmaps ("Bitmaps"). */
#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/qcow2.h"
#include "util/checked.h"
#include "util/safetext.h"

enum {
    FIXED = 24,
    TYPE_DIRTY = 1,
    GRANULARITY_BITS_MIN = 9,
    GRANULARITY_BITS_MAX = 31,
    FLAGS_KNOWN = 7, /* with extra_data_compatible */
    TABLE_MAX = 0x8000000, /* entries; the reference program's limit */
};

static void bitmap_free(void *data)
{
    struct qcow2_bitmap *bitmap = data;
    if (!bitmap)
        return;
    g_free(bitmap->name);
    g_free(bitmap);
}

/* Whether the table has an entry for every cluster of bits that the disk takes. */
static bool is_table_size_right(const struct qcow2 *qcow2, const struct qcow2_bitmap *bitmap)
{
    uint64_t bits = (qcow2->header.size >> bitmap->granularity_bits) +
                    ((qcow2->header.size & ((UINT64_C(1) << bitmap->granularity_bits) - 1)) != 0);
    uint64_t cluster_bits = (uint64_t)qcow2->cluster_size * 8;
    return bitmap->table_size == (bits + cluster_bits - 1) / cluster_bits;
}

static bool is_sound(const struct qcow2 *qcow2, const struct qcow2_bitmap *bitmap, const uint8_t *entry)
{
    uint32_t extra = qcow2_be32(entry + 20);
    unsigned name_bytes = qcow2_be16(entry + 18);
    if (name_bytes == 0 || name_bytes > QCOW2_BITMAP_NAME_MAX || entry[16] != TYPE_DIRTY || extra != 0)
        return false;
    if (bitmap->flags & ~(uint32_t)FLAGS_KNOWN)
        return false;
    if (bitmap->granularity_bits < GRANULARITY_BITS_MIN || bitmap->granularity_bits > GRANULARITY_BITS_MAX)
        return false;
    if (bitmap->table_size > TABLE_MAX || bitmap->table_offset == 0 || bitmap->table_offset % qcow2->cluster_size || bitmap->table_offset > INT64_MAX / 2)
        return false;
    /* One that was in use may be from before the disk was resized. */
    return (bitmap->flags & QCOW2_BITMAP_IN_USE) || is_table_size_right(qcow2, bitmap);
}

/* The entry at *at of n bytes, which moves behind it. */
static int read_entry(struct qcow2 *qcow2, const uint8_t *directory, size_t n, size_t *at, GError **error)
{
    const uint8_t *entry = directory + *at;
    if (n - *at < FIXED)
        return options_refuse(error, EINVAL, "Broken bitmap directory");
    struct qcow2_bitmap *bitmap = g_new0(struct qcow2_bitmap, 1);
    *bitmap = (struct qcow2_bitmap){
        .table_offset = qcow2_be64(entry),
        .table_size = qcow2_be32(entry + 8),
        .flags = qcow2_be32(entry + 12),
        .flags_at = (int64_t)(qcow2->header.bitmaps.directory_offset + *at + 12),
        .granularity_bits = entry[17],
    };
    g_ptr_array_add(qcow2->bitmaps, bitmap);
    uint64_t bytes = FIXED + (uint64_t)qcow2_be32(entry + 20) + qcow2_be16(entry + 18);
    bytes = (bytes + 7) / 8 * 8;
    if (bytes > n - *at)
        return options_refuse(error, EINVAL, "Broken bitmap directory");
    unsigned name_bytes = qcow2_be16(entry + 18);
    const char *name = (const char *)entry + FIXED + qcow2_be32(entry + 20);
    bitmap->name = g_strndup(name, strnlen(name, name_bytes));
    if (!is_sound(qcow2, bitmap, entry)) {
        g_autofree char *safe = safetext_escape(bitmap->name, -1);
        return options_refuse(error, EINVAL, "Bitmap '%s' doesn't satisfy the constraints", safe);
    }
    *at += bytes;
    return 0;
}

static int read_directory(struct qcow2 *qcow2, const uint8_t *directory, size_t n, GError **error)
{
    size_t at = 0;
    while (at < n) {
        int ret = read_entry(qcow2, directory, n, &at, error);
        if (ret < 0)
            return ret;
        if (qcow2->bitmaps->len > qcow2->header.bitmaps.count)
            break;
    }
    if (qcow2->bitmaps->len != qcow2->header.bitmaps.count)
        return options_refuse(error, EINVAL, "More bitmaps found than specified in header extension");
    return 0;
}

int qcow2_bitmap_load_co(struct node *node, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    qcow2->bitmaps = g_ptr_array_new_with_free_func(bitmap_free);
    if (!header->has_bitmaps)
        return 0;
    if (!checked_range(header->bitmaps.directory_offset, header->bitmaps.directory_size, node->file->size))
        return options_refuse(error, EINVAL, "Bitmap '' doesn't satisfy the constraints: the bitmap directory is past the end of the file");
    g_autofree uint8_t *directory = g_try_malloc(header->bitmaps.directory_size);
    if (!directory)
        return options_refuse(error, ENOMEM, "Failed to read bitmap directory: %s", g_strerror(ENOMEM));
    int ret = node_pread_co(node->file, header->bitmaps.directory_offset, header->bitmaps.directory_size, directory);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to read bitmap directory: %s", g_strerror(-ret));
    return read_directory(qcow2, directory, header->bitmaps.directory_size, error);
}
