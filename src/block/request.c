/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/request.h"

static const char *const op_names[BLK_OP_COUNT] = {
    [BLK_OP_READ] = "read",
    [BLK_OP_WRITE] = "write",
    [BLK_OP_WRITE_ZEROES] = "zeroes",
    [BLK_OP_WRITE_COMPRESSED] = "compress",
    [BLK_OP_DISCARD] = "discard",
    [BLK_OP_FLUSH] = "flush",
    [BLK_OP_TRUNCATE] = "truncate",
    [BLK_OP_STATUS] = "status",
    [BLK_OP_LOAD_VMSTATE] = "load-vm",
    [BLK_OP_SAVE_VMSTATE] = "save-vm",
};

static const char *const state_names[] = {
    [BLK_REQUEST_QUEUED] = "queued",
    [BLK_REQUEST_IN_FLIGHT] = "in flight",
    [BLK_REQUEST_SUSPENDED] = "suspended",
    [BLK_REQUEST_DONE] = "done",
};

const char *blk_op_name(enum blk_op op)
{
    return op_names[op];
}

const char *blk_request_state_name(enum blk_request_state state)
{
    return state_names[state];
}
