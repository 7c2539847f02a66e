/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The qcow2 driver's table. */
#include "block/qcow2/check.h"
#include "block/qcow2/create.h"
#include "block/qcow2/dirty.h"
#include "block/qcow2/explain.h"
#include "block/qcow2/hostmap.h"
#include "block/qcow2/lenient.h"
#include "block/qcow2/refcount.h"
#include "block/qcow2/write.h"
#include "block/qcow2/writer.h"

/* Version 1 is another format. */
static int qcow2_driver_probe(const uint8_t *bytes, size_t n, const char *filename)
{
    return n >= 8 && qcow2_be32(bytes) == QCOW2_MAGIC && qcow2_be32(bytes + 4) >= 2 ? 100 : 0;
}

static int64_t qcow2_driver_length_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    return qcow2->size;
}

static const struct inspect_ops qcow2_inspect = {
    .check_co = qcow2_check_co,
    .repair_co = qcow2_repair_co,
    .host_map_co = qcow2_hostmap_co,
    .explain_host_co = qcow2_explain_host_co,
    .owners_co = qcow2_explain_owners_co,
    .explain_co = qcow2_explain_co,
    .snapshots = qcow2_snapshot_list,
    .bitmap_names = qcow2_bitmap_names,
    .bitmaps_co = qcow2_dirty_list_co,
    .bitmap_co = qcow2_dirty_co,
    .header_co = qcow2_lenient_header_co,
    .settle_co = qcow2_writer_settle_co,
};

const struct driver driver_qcow2 = {
    .name = "qcow2",
    .flags = DRIVER_FORMAT | DRIVER_COUNTS,
    .state_size = sizeof(struct qcow2),
    .options = qcow2_options,
    .probe = qcow2_driver_probe,
    .open_co = qcow2_open_co,
    .create_co = qcow2_create_co,
    .create_options = qcow2_create_options,
    .close_co = qcow2_close_co,
    .preadv_co = qcow2_read_preadv_co,
    .pwritev_co = qcow2_write_pwritev_co,
    .pwrite_zeroes_co = qcow2_remap_pwrite_zeroes_co,
    .pwrite_compressed_co = qcow2_compress_pwrite_co,
    .pdiscard_co = qcow2_remap_pdiscard_co,
    .truncate_co = qcow2_truncate_co,
    .flush_to_os_co = qcow2_writer_flush_co,
    .length_co = qcow2_driver_length_co,
    .status_co = qcow2_status_co,
    .status_bulk_co = qcow2_status_bulk_co,
    .kinds_co = qcow2_kinds_co,
    .is_sparse_co = qcow2_refcounts_is_sparse_co,
    .info_co = qcow2_info_co,
    .inspect = &qcow2_inspect,
    .save_vmstate_co = qcow2_write_save_vmstate_co,
    .load_vmstate_co = qcow2_read_load_vmstate_co,
    .reopen_prepare_co = qcow2_reopen_prepare_co,
    .reopen_commit_co = qcow2_reopen_commit_co,
    .reopen_abort_co = qcow2_reopen_abort_co,
    .backing_changed = qcow2_references_backing_changed,
    .refresh_co = qcow2_refresh_co,
};
