/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/event.h"

#include <errno.h>
#include <string.h>

#include "block/blk.h"

/* One longer than the events: blk_event_names() is NULL-terminated. */
static const char *const names[BLK_EVENT_COUNT + 1] = {
    [BLK_EVENT_L1_UPDATE] = "l1_update",
    [BLK_EVENT_L1_GROW_ALLOC_TABLE] = "l1_grow_alloc_table",
    [BLK_EVENT_L1_GROW_WRITE_TABLE] = "l1_grow_write_table",
    [BLK_EVENT_L1_GROW_ACTIVATE_TABLE] = "l1_grow_activate_table",
    [BLK_EVENT_L2_LOAD] = "l2_load",
    [BLK_EVENT_L2_UPDATE] = "l2_update",
    [BLK_EVENT_L2_UPDATE_COMPRESSED] = "l2_update_compressed",
    [BLK_EVENT_L2_ALLOC_COW_READ] = "l2_alloc_cow_read",
    [BLK_EVENT_L2_ALLOC_WRITE] = "l2_alloc_write",
    [BLK_EVENT_READ_AIO] = "read_aio",
    [BLK_EVENT_READ_BACKING_AIO] = "read_backing_aio",
    [BLK_EVENT_READ_COMPRESSED] = "read_compressed",
    [BLK_EVENT_WRITE_AIO] = "write_aio",
    [BLK_EVENT_WRITE_COMPRESSED] = "write_compressed",
    [BLK_EVENT_VMSTATE_LOAD] = "vmstate_load",
    [BLK_EVENT_VMSTATE_SAVE] = "vmstate_save",
    [BLK_EVENT_COW_READ] = "cow_read",
    [BLK_EVENT_COW_WRITE] = "cow_write",
    [BLK_EVENT_REFTABLE_LOAD] = "reftable_load",
    [BLK_EVENT_REFTABLE_GROW] = "reftable_grow",
    [BLK_EVENT_REFTABLE_UPDATE] = "reftable_update",
    [BLK_EVENT_REFBLOCK_LOAD] = "refblock_load",
    [BLK_EVENT_REFBLOCK_UPDATE] = "refblock_update",
    [BLK_EVENT_REFBLOCK_UPDATE_PART] = "refblock_update_part",
    [BLK_EVENT_REFBLOCK_ALLOC] = "refblock_alloc",
    [BLK_EVENT_REFBLOCK_ALLOC_HOOKUP] = "refblock_alloc_hookup",
    [BLK_EVENT_REFBLOCK_ALLOC_WRITE] = "refblock_alloc_write",
    [BLK_EVENT_REFBLOCK_ALLOC_WRITE_BLOCKS] = "refblock_alloc_write_blocks",
    [BLK_EVENT_REFBLOCK_ALLOC_WRITE_TABLE] = "refblock_alloc_write_table",
    [BLK_EVENT_REFBLOCK_ALLOC_SWITCH_TABLE] = "refblock_alloc_switch_table",
    [BLK_EVENT_CLUSTER_ALLOC] = "cluster_alloc",
    [BLK_EVENT_CLUSTER_ALLOC_BYTES] = "cluster_alloc_bytes",
    [BLK_EVENT_CLUSTER_FREE] = "cluster_free",
    [BLK_EVENT_FLUSH_TO_OS] = "flush_to_os",
    [BLK_EVENT_FLUSH_TO_DISK] = "flush_to_disk",
    [BLK_EVENT_PWRITEV_RMW_HEAD] = "pwritev_rmw_head",
    [BLK_EVENT_PWRITEV_RMW_AFTER_HEAD] = "pwritev_rmw_after_head",
    [BLK_EVENT_PWRITEV_RMW_TAIL] = "pwritev_rmw_tail",
    [BLK_EVENT_PWRITEV_RMW_AFTER_TAIL] = "pwritev_rmw_after_tail",
    [BLK_EVENT_PWRITEV] = "pwritev",
    [BLK_EVENT_PWRITEV_ZERO] = "pwritev_zero",
    [BLK_EVENT_PWRITEV_DONE] = "pwritev_done",
    [BLK_EVENT_EMPTY_IMAGE_PREPARE] = "empty_image_prepare",
    [BLK_EVENT_L1_SHRINK_WRITE_TABLE] = "l1_shrink_write_table",
    [BLK_EVENT_L1_SHRINK_FREE_L2_CLUSTERS] = "l1_shrink_free_l2_clusters",
    [BLK_EVENT_COR_WRITE] = "cor_write",
    [BLK_EVENT_CLUSTER_ALLOC_SPACE] = "cluster_alloc_space",
    [BLK_EVENT_NONE] = "none",
};

const char *blk_event_name(enum blk_event event)
{
    return names[event];
}

int blk_event_parse(const char *name, enum blk_event *ret_event)
{
    for (int i = 0; i < BLK_EVENT_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_event = i;
            return 0;
        }
    }
    return -ENOENT;
}

const char *const *blk_event_names(void)
{
    return names;
}
