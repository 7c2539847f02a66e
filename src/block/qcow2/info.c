/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Format specific information", in the reference program's order and words. */
#include <inttypes.h>

#include "block/qcow2/qcow2.h"

/* A key without value is the heading of those after it, which are indented. */
static void add(GPtrArray *out, const char *key, const char *value)
{
    g_ptr_array_add(out, g_strdup(key));
    g_ptr_array_add(out, g_strdup(value));
}

static void add_bool(GPtrArray *out, const char *key, bool value)
{
    add(out, key, value ? "true" : "false");
}

static void add_number(GPtrArray *out, const char *key, uint64_t value)
{
    g_ptr_array_add(out, g_strdup(key));
    g_ptr_array_add(out, g_strdup_printf("%" PRIu64, value));
}

static void add_bitmaps(GPtrArray *out, const struct qcow2 *qcow2)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {{QCOW2_BITMAP_IN_USE, "in-use"}, {QCOW2_BITMAP_AUTO, "auto"}};
    if (qcow2->bitmaps->len)
        add(out, "bitmaps", NULL);
    for (unsigned i = 0; i < qcow2->bitmaps->len; i++) {
        const struct qcow2_bitmap *bitmap = qcow2->bitmaps->pdata[i];
        g_autofree char *index = g_strdup_printf("    [%u]", i);
        unsigned count = 0;
        add(out, index, NULL);
        add(out, "        flags", NULL);
        for (unsigned j = 0; j < G_N_ELEMENTS(flags); j++) {
            g_autofree char *number = g_strdup_printf("            [%u]", count);
            if (!(bitmap->flags & flags[j].flag))
                continue;
            add(out, number, flags[j].name);
            count++;
        }
        add(out, "        name", bitmap->name);
        add_number(out, "        granularity", UINT64_C(1) << bitmap->granularity_bits);
    }
}

static void add_v3(GPtrArray *out, const struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    add_bool(out, "lazy refcounts", header->compatible & QCOW2_COMPATIBLE_LAZY_REFCOUNTS);
    add_bitmaps(out, qcow2);
    add_number(out, "refcount bits", UINT64_C(1) << header->refcount_order);
    if (header->data_file)
        add(out, "data file", header->data_file);
    if (qcow2->data_file)
        add_bool(out, "data file raw", header->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW);
}

static void add_encryption(GPtrArray *out, const struct qcow2 *qcow2)
{
    if (qcow2->header.crypt_method == QCOW2_CRYPT_NONE)
        return;
    add(out, "encrypt", NULL);
    add(out, "    format", qcow2->header.crypt_method == QCOW2_CRYPT_AES ? "aes" : "luks");
}

int qcow2_info_co(struct node *node, struct blk_info *info)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    info->cluster_size = qcow2->cluster_size;
    info->vm_state_offset = qcow2->vm_state_offset;
    info->specific = out;
    add(out, "compat", header->version >= 3 ? "1.1" : "0.10");
    add(out, "compression type", header->compression == QCOW2_COMPRESSION_ZSTD ? "zstd" : "zlib");
    if (header->version >= 3)
        add_v3(out, node);
    else
        add_number(out, "refcount bits", UINT64_C(1) << header->refcount_order);
    add_encryption(out, qcow2);
    if (header->version >= 3) {
        add_bool(out, "corrupt", header->incompatible & QCOW2_INCOMPATIBLE_CORRUPT);
        add_bool(out, "extended l2", qcow2->extended);
    }
    return 0;
}
