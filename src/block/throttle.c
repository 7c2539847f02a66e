/* SPDX-License-Identifier: GPL-3.0-or-later */
/* throttle: requests wait until the limits of a group, shared with its other nodes, let them go. */
#include <errno.h>

#include "block/node.h"
#include "block/throttle_group.h"

struct throttle_node {
    struct throttle_member member;
    struct throttle_group *next; /* while it is reopened */
};

static const struct driver_option throttle_options[] = {
    {.name = "throttle-group", .type = DRIVER_OPTION_STRING, .required = true, .help = "id of the throttle-group object whose limits hold", .reopen = true},
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "what is read and written at that pace"},
    {},
};

static int take_group(struct options *options, struct throttle_group **ret_group, GError **error)
{
    g_autofree char *id = options_take_string(options, "throttle-group");
    struct throttle_group *group = id ? throttle_group_find(id) : NULL;
    if (!id)
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Please specify a throttle group");
    else if (!group)
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Throttle group '%s' does not exist", id);
    *ret_group = group;
    return group ? 0 : -EINVAL;
}

static int throttle_open_co(struct node *node, struct options *options, GError **error)
{
    struct throttle_node *throttle = node->opaque;
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret == 0)
        ret = take_group(options, &throttle->member.group, error);
    if (ret < 0)
        return ret;
    node_follow_file(node);
    return 0;
}

/* Whatever was asked for while the image was another's to use is done: nobody waits in the group that is left. */
static int throttle_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct throttle_node *throttle = node->opaque;
    return take_group(options, &throttle->next, error);
}

static void throttle_reopen_commit_co(struct node *node)
{
    struct throttle_node *throttle = node->opaque;
    throttle->member.group = throttle->next;
}

/* ---- requests ---- */

/* Who only looks takes no turn away from an experiment, and counts for nothing in it. */
static int pass_co(struct node *node, bool write, int64_t bytes)
{
    struct throttle_node *throttle = node->opaque;
    return registry_is_look(node->registry) || node->registry->hurry ? 0 : throttle_group_pass_co(&throttle->member, write, bytes);
}

static int throttle_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = pass_co(node, false, bytes);
    return ret < 0 ? ret : node_preadv_co(node->file, offset, bytes, iov, niov, flags);
}

static int throttle_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = pass_co(node, true, bytes);
    return ret < 0 ? ret : node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
}

static int throttle_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    int ret = pass_co(node, true, bytes);
    return ret < 0 ? ret : node_pwrite_zeroes_co(node->file, offset, bytes, flags);
}

static int throttle_pwrite_compressed_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    int ret = pass_co(node, true, bytes);
    return ret < 0 ? ret : node_pwrite_compressed_co(node->file, offset, bytes, iov, niov);
}

static int throttle_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    int ret = pass_co(node, true, bytes);
    return ret < 0 ? ret : node_pdiscard_co(node->file, offset, bytes);
}

static void throttle_hurry(struct node *node)
{
    struct throttle_node *throttle = node->opaque;
    throttle_group_hurry(&throttle->member);
}

const struct driver driver_throttle = {
    .name = "throttle",
    .flags = DRIVER_FILTER | DRIVER_BLIND_READS,
    .state_size = sizeof(struct throttle_node),
    .options = throttle_options,
    .open_co = throttle_open_co,
    .preadv_co = throttle_preadv_co,
    .pwritev_co = throttle_pwritev_co,
    .pwrite_zeroes_co = throttle_pwrite_zeroes_co,
    .pwrite_compressed_co = throttle_pwrite_compressed_co,
    .pdiscard_co = throttle_pdiscard_co,
    .info_co = node_plain_info_co,
    .reopen_prepare_co = throttle_reopen_prepare_co,
    .reopen_commit_co = throttle_reopen_commit_co,
    .file_changed = node_follow_file,
    .hurry = throttle_hurry,
};
