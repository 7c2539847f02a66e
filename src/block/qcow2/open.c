/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening an image: the header, the tables that are always in memory, the files it names. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "block/qcow2/cache.h"
#include "block/qcow2/check.h"
#include "block/qcow2/inflate.h"
#include "block/qcow2/writer.h"
#include "util/source.h"

enum { SECTOR = 512 };

static void derive(struct qcow2 *qcow2)
{
    const struct qcow2_header *header = &qcow2->header;
    qcow2->cluster_bits = header->cluster_bits;
    qcow2->cluster_size = INT64_C(1) << header->cluster_bits;
    qcow2->extended = header->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2;
    qcow2->data_file = header->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE;
    qcow2->entry_words = qcow2->extended ? 2 : 1;
    qcow2->l2_bits = qcow2->cluster_bits - (qcow2->extended ? 4 : 3);
    qcow2->unit_bits = qcow2->extended ? qcow2->cluster_bits - 5 : qcow2->cluster_bits;
    qcow2->l1_offset = header->l1_offset;
    qcow2->l1_size = header->l1_size;
    qcow2->size = header->size;
}

/* An image without a table may have any offset there; entries past the end of the file are zeroes and take no memory. */
static int load_l1_co(struct node *node, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t there = CLAMP(node->file->size - qcow2->l1_offset, 0, (int64_t)qcow2->l1_size * 8);
    qcow2->l1_count = (there + 7) / 8;
    qcow2->l1 = g_try_new0(uint64_t, qcow2->l1_count);
    if (!qcow2->l1 && qcow2->l1_count)
        return options_refuse(error, ENOMEM, "Could not read L1 table: %s", g_strerror(ENOMEM));
    int ret = there ? node_pread_co(node->file, qcow2->l1_offset, there, qcow2->l1) : 0;
    if (ret < 0)
        return options_refuse(error, -ret, "Could not read L1 table: %s", g_strerror(-ret));
    for (uint32_t i = 0; i < qcow2->l1_count; i++)
        qcow2->l1[i] = qcow2_be64(&qcow2->l1[i]);
    return 0;
}

/* Reads the snapshot in place of the active state. */
static int use_snapshot(struct qcow2 *qcow2, const char *wanted, GError **error)
{
    const struct qcow2_snapshot *snapshot = qcow2_snapshot_find(qcow2, wanted);
    if (!snapshot)
        return options_refuse(error, ENOENT, "There is no snapshot '%s' in the image", wanted);
    if (snapshot->l1_size > QCOW2_L1_MAX / 8)
        return options_refuse(error, EFBIG, "Snapshot L1 table too large");
    if (snapshot->l1_offset < 0 || snapshot->l1_offset % qcow2->cluster_size || snapshot->l1_offset > INT64_MAX - QCOW2_L1_MAX)
        return options_refuse(error, EINVAL, "Snapshot L1 table offset invalid");
    if (snapshot->size > INT64_MAX || qcow2_truncate_l1_entries(qcow2, snapshot->size) > snapshot->l1_size)
        return options_refuse(error, EINVAL, "Snapshot L1 table is too small");
    qcow2->l1_offset = snapshot->l1_offset;
    qcow2->l1_size = snapshot->l1_size;
    qcow2->size = snapshot->size;
    return 0;
}

static gboolean clean_cache(void *data)
{
    struct qcow2 *qcow2 = data;
    qcow2_cache_clean(qcow2->l2_cache);
    if (qcow2->writer)
        qcow2_cache_clean(qcow2->writer->refcounts);
    return G_SOURCE_CONTINUE;
}

void qcow2_settings_apply(struct node *node, const struct qcow2_settings *settings)
{
    struct qcow2 *qcow2 = node->opaque;
    qcow2_cache_free(qcow2->l2_cache);
    qcow2->l2_cache = qcow2_cache_new(node->file, settings->l2_piece, MAX(settings->l2_cache_size / settings->l2_piece, 2));
    source_clear(&qcow2->cleaning);
    if (settings->clean_interval == 0)
        return;
    qcow2->cleaning = g_timeout_source_new_seconds(settings->clean_interval);
    g_source_set_callback(qcow2->cleaning, clean_cache, qcow2, NULL);
    g_source_attach(qcow2->cleaning, g_main_context_get_thread_default());
}

static int load_tables_co(struct node *node, const struct qcow2_settings *settings, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_snapshot_load_co(node, error);
    if (ret == 0 && settings->snapshot)
        ret = use_snapshot(qcow2, settings->snapshot, error);
    if (ret == 0)
        ret = load_l1_co(node, error);
    if (ret == 0)
        ret = qcow2_bitmap_load_co(node, error);
    if (ret < 0)
        return ret;
    qcow2->vm_state_offset = qcow2_truncate_l1_entries(qcow2, qcow2->size) << (qcow2->cluster_bits + qcow2->l2_bits);
    qcow2->size = qcow2->size / SECTOR * SECTOR;
    qcow2_settings_apply(node, settings);
    qcow2->inflate = qcow2_inflate_new(qcow2->header.compression, qcow2->cluster_size);
    return 0;
}

static int check_corrupt(struct node *node, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (!(node->flags & NODE_WRITABLE) || !(qcow2->header.incompatible & QCOW2_INCOMPATIBLE_CORRUPT))
        return 0;
    if (!(node->flags & NODE_AUTO_READ_ONLY))
        return options_refuse(error, EACCES, "qcow2: Image is corrupt; cannot be opened read/write");
    node->flags &= ~(unsigned)NODE_WRITABLE;
    return 0;
}

static int tell_repaired(void *data, const struct inspect_problem *problem)
{
    g_auto(GStrv) lines = g_strsplit(problem->text, "\n", -1);
    for (int i = 0; lines[i]; i++)
        node_warn(data, "%s", lines[i]);
    return 0;
}

/* Its refcounts may be anything: they have to be right before the first cluster is allocated. */
static int repair_dirty_co(struct node *node, GError **error)
{
    struct inspect_check result;
    if (!qcow2_lazy_is_dirty(node->opaque))
        return 0;
    int ret = qcow2_repair_co(node, INSPECT_FIX_ALL, tell_repaired, node, &result);
    if (ret == 0 && result.check_errors)
        ret = -EIO;
    return ret < 0 ? options_refuse(error, -ret, "Could not repair dirty image: %s", g_strerror(-ret)) : 0;
}

/* Last of all: what it finds wrong with an image that may be opened read-only makes it that. */
static int open_writer_co(struct node *node, const struct qcow2_settings *settings, GError **error)
{
    if (!(node->flags & NODE_WRITABLE))
        return 0;
    bool may_read_only = node->flags & NODE_AUTO_READ_ONLY;
    int ret = repair_dirty_co(node, may_read_only ? NULL : error);
    if (ret == 0)
        ret = qcow2_writer_open_co(node, settings, may_read_only ? NULL : error);
    if (ret == 0)
        return qcow2_writer_begin_co(node, error);
    if (!may_read_only)
        return ret;
    node->flags &= ~(unsigned)NODE_WRITABLE;
    return 0;
}

/* Kept, with its struct stat, out of the frame that stays on the stack while the layers below are opened. */
static G_GNUC_NO_INLINE void note_inode_co(struct node *node)
{
    const char *name = node->file->filename;
    struct stat st;
    if (!name || aio_stat_co(node->aio, name, &st) < 0)
        return;
    node->image_inode = st.st_ino;
    node->image_device = st.st_dev;
}

static void tell_encrypted(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (qcow2->header.crypt_method != QCOW2_CRYPT_NONE)
        node_warn(node, "The image is encrypted (%s): its data can't be read, only where it is",
                  qcow2->header.crypt_method == QCOW2_CRYPT_AES ? "aes" : "luks");
}

static int open_image_co(struct node *node, struct options *options, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_settings settings = {0};
    int ret = qcow2_header_read_co(node->file, &qcow2->header, error);
    if (ret < 0)
        return ret;
    derive(qcow2);
    note_inode_co(node);
    ret = qcow2_options_take(qcow2, node->flags, options, &settings, error);
    if (settings.repair && (node->flags & NODE_WRITABLE)) {
        node->for_repair = true;
        node->flags &= ~(unsigned)NODE_WRITABLE;
    }
    if (ret == 0)
        ret = check_corrupt(node, error);
    if (ret == 0)
        ret = qcow2_references_open_data_co(node, options, error);
    if (ret == 0)
        ret = load_tables_co(node, &settings, error);
    if (ret == 0)
        ret = qcow2_references_open_backing_co(node, options, error);
    if (ret == 0)
        ret = open_writer_co(node, &settings, error);
    g_free(settings.snapshot);
    return ret;
}

int qcow2_open_co(struct node *node, struct options *options, GError **error)
{
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_METADATA, NULL, error);
    if (ret < 0)
        return ret;
    ret = open_image_co(node, options, error);
    if (ret < 0) {
        qcow2_close_co(node);
        return ret;
    }
    tell_encrypted(node);
    return 0;
}

int qcow2_close_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_writer_close_co(node);
    source_clear(&qcow2->cleaning);
    qcow2_cache_free(qcow2->l2_cache);
    qcow2_inflate_free(qcow2->inflate);
    g_clear_pointer(&qcow2->snapshots, g_ptr_array_unref);
    g_clear_pointer(&qcow2->bitmaps, g_ptr_array_unref);
    g_free(qcow2->l1);
    qcow2_header_clear(&qcow2->header);
    *qcow2 = (struct qcow2){0};
    return ret;
}

/* ---- what others wrote ---- */

/* Another format of clusters, or other files behind it, would need opening anew. */
static bool has_same_layout(const struct qcow2_header *a, const struct qcow2_header *b)
{
    const uint64_t layout = QCOW2_INCOMPATIBLE_EXTENDED_L2 | QCOW2_INCOMPATIBLE_DATA_FILE;
    return a->cluster_bits == b->cluster_bits && (a->incompatible & layout) == (b->incompatible & layout) && a->compression == b->compression &&
           a->crypt_method == b->crypt_method && g_strcmp0(a->backing_name, b->backing_name) == 0 && g_strcmp0(a->data_file, b->data_file) == 0;
}

/* Everything that is kept of the file, from the header that qcow2 has by now. */
static int load_again_co(struct node *node, bool active)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_snapshot_load_co(node, NULL);
    if (active) { /* a snapshot's tables stay what they are */
        qcow2->l1_offset = qcow2->header.l1_offset;
        qcow2->l1_size = qcow2->header.l1_size;
        qcow2->vm_state_offset = qcow2_truncate_l1_entries(qcow2, qcow2->header.size) << (qcow2->cluster_bits + qcow2->l2_bits);
        qcow2->size = qcow2->header.size / SECTOR * SECTOR;
    }
    if (ret == 0)
        ret = load_l1_co(node, NULL);
    return ret == 0 ? qcow2_bitmap_load_co(node, NULL) : ret;
}

static void free_loaded(struct qcow2 *qcow2)
{
    g_clear_pointer(&qcow2->snapshots, g_ptr_array_unref);
    g_clear_pointer(&qcow2->bitmaps, g_ptr_array_unref);
    g_clear_pointer(&qcow2->l1, g_free);
    qcow2_header_clear(&qcow2->header);
}

/* What free_loaded() frees of b is a's afterwards. */
static void exchange_loaded(struct qcow2 *a, struct qcow2 *b)
{
    struct qcow2 before = *a;
    a->header = b->header;
    a->snapshots = b->snapshots;
    a->snapshot_table_bytes = b->snapshot_table_bytes;
    a->bitmaps = b->bitmaps;
    a->l1 = b->l1;
    a->l1_count = b->l1_count;
    a->l1_offset = b->l1_offset;
    a->l1_size = b->l1_size;
    a->vm_state_offset = b->vm_state_offset;
    a->size = b->size;
    b->header = before.header;
    b->snapshots = before.snapshots;
    b->bitmaps = before.bitmaps;
    b->l1 = before.l1;
}

int qcow2_refresh_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    bool active = qcow2->l1_offset == (typeof(qcow2->l1_offset))qcow2->header.l1_offset;
    struct qcow2_header header = {0};
    if (node->flags & NODE_WRITABLE)
        return 0;
    int ret = qcow2_header_read_co(node->file, &header, NULL);
    if (ret == 0 && !has_same_layout(&header, &qcow2->header)) {
        qcow2_header_clear(&header);
        ret = -ESTALE;
    }
    if (ret < 0)
        return ret;
    /* Until all of it is there, who asks without waiting for the image (for the names of snapshots, say) sees what it was. */
    struct qcow2 fresh = *qcow2;
    struct node loading = *node;
    loading.opaque = &fresh;
    fresh.header = header;
    fresh.snapshots = fresh.bitmaps = NULL;
    fresh.l1 = NULL;
    ret = load_again_co(&loading, active);
    if (ret < 0) { /* perhaps it is just being written: all stays as it was */
        free_loaded(&fresh);
    } else {
        exchange_loaded(qcow2, &fresh);
        free_loaded(&fresh);
        /* Places in the file may hold something else by now. */
        qcow2_inflate_forget(qcow2->inflate, 0, INT64_MAX);
        qcow2->free_hint = 0;
        qcow2->free_byte = 0;
    }
    qcow2_cache_empty(qcow2->l2_cache);
    return ret;
}
