/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quorum: the same image several times; a write counts when enough of them took it, a read is what enough of them say (quorum_read.c). */
#include "block/quorum.h"

#include <errno.h>
#include <string.h>

#include "block/parts.h"

static const struct driver_option quorum_options[] = {
    {.name = "children", .type = DRIVER_OPTION_GROUP, .help = "children.0, children.1, ...: the images"},
    {.name = "vote-threshold", .type = DRIVER_OPTION_NUMBER, .required = true, .help = "how many have to agree"},
    {.name = "blkverify", .type = DRIVER_OPTION_BOOL, .help = "of two images: where they differ is told, and an error"},
    {.name = "rewrite-corrupted", .type = DRIVER_OPTION_BOOL, .help = "an image that was outvoted is corrected"},
    {.name = "read-pattern", .type = DRIVER_OPTION_STRING, .help = "quorum, or fifo: the first that can be read is believed"},
    {},
};

enum {
    CHILDREN_MAX = 64,
    PIECE_MAX = 64 << 20, /* each child's answer is in memory */
};

/* ---- opening ---- */

/* "children.N" and "children.N.xxx" with N from 0 on and without gaps, each in one of the two forms; how many, or negative. */
static int count_children(const struct options *options)
{
    bool named[CHILDREN_MAX] = {0}, described[CHILDREN_MAX] = {0};
    unsigned count = 0;
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *unused;
        char *end;
        options_at(options, i, &key, &unused);
        if (!g_str_has_prefix(key, "children."))
            continue;
        key += strlen("children.");
        guint64 n = g_ascii_isdigit(*key) ? g_ascii_strtoull(key, &end, 10) : CHILDREN_MAX;
        if (n >= CHILDREN_MAX || (*end && *end != '.'))
            return -EINVAL;
        *(*end ? &described[n] : &named[n]) = true;
    }
    while (count < CHILDREN_MAX && named[count] != described[count])
        count++;
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        if ((named[i] && described[i]) || (i > count && (named[i] || described[i])))
            return -EINVAL;
    }
    return (int)count;
}

static int take_pattern(struct quorum *quorum, struct options *options, GError **error)
{
    g_autofree char *pattern = options_take_string(options, "read-pattern");
    bool verify = options_take_bool(options, "blkverify", false), rewrite = options_take_bool(options, "rewrite-corrupted", false);
    if (pattern && strcmp(pattern, "fifo") != 0 && strcmp(pattern, "quorum") != 0)
        return options_refuse(error, EINVAL, "Please set read-pattern as fifo or quorum");
    quorum->fifo = pattern && strcmp(pattern, "fifo") == 0;
    if (quorum->fifo)
        return 0; /* then the others say nothing */
    if (verify && (quorum->count != 2 || quorum->threshold != 2))
        return options_refuse(error, EINVAL, "blkverify=on can only be set if there are exactly two files and vote-threshold is 2");
    if (verify && rewrite)
        return options_refuse(error, EINVAL, "rewrite-corrupted=on cannot be used with blkverify=on");
    quorum->verify = verify;
    quorum->rewrite = rewrite;
    return 0;
}

static int take_votes(struct quorum *quorum, struct options *options, GError **error)
{
    int count = count_children(options);
    if (count < 0)
        return options_refuse(error, EINVAL, "Option children is not a valid array");
    if (count == 0)
        return options_refuse(error, EINVAL, "Number of provided children must be 1 or more");
    quorum->count = (unsigned)count;
    quorum->threshold = options_take_number(options, "vote-threshold", 0);
    if (quorum->threshold < 1 || quorum->threshold > INT64_MAX)
        return options_refuse(error, EINVAL, "Parameter 'vote-threshold' expects a value >= 1");
    if (quorum->threshold > quorum->count)
        return options_refuse(error, EINVAL, "threshold may not exceed children count");
    return take_pattern(quorum, options, error);
}

static int open_children_co(struct node *node, struct options *options, GError **error)
{
    struct quorum *quorum = node->opaque;
    for (unsigned i = 0; i < quorum->count; i++) {
        g_autofree char *name = g_strdup_printf("children.%u", i);
        int ret = node_open_child_co(node, options, name, NODE_ROLE_COPY, &quorum->children[i], error);
        if (ret < 0)
            return ret;
        node->limits.request_alignment = MAX(node->limits.request_alignment, quorum->children[i]->limits.request_alignment);
    }
    return 0;
}

static int quorum_open_co(struct node *node, struct options *options, GError **error)
{
    struct quorum *quorum = node->opaque;
    int ret = take_votes(quorum, options, error);
    if (ret < 0)
        return ret;
    quorum->children = g_new0(struct node *, quorum->count);
    ret = open_children_co(node, options, error);
    if (ret == 0 && quorum->rewrite && !(node->flags & NODE_WRITABLE)) {
        g_set_error_literal(error, OPTIONS_ERROR, EACCES, "Block node is read-only");
        ret = -EACCES;
    }
    if (ret < 0) {
        g_clear_pointer(&quorum->children, g_free);
        return ret;
    }
    node->limits.max_transfer = PIECE_MAX;
    node->zero_flags = BLK_MAY_UNMAP | BLK_NO_FALLBACK;
    return 0;
}

static int quorum_close_co(struct node *node)
{
    struct quorum *quorum = node->opaque;
    g_free(quorum->children);
    return 0;
}

static int64_t quorum_length_co(struct node *node)
{
    const struct quorum *quorum = node->opaque;
    for (unsigned i = 0; i < quorum->count; i++) {
        int ret = node_refresh_size_co(quorum->children[i]);
        if (ret < 0)
            return ret;
        if (quorum->children[i]->size != quorum->children[0]->size)
            return -EIO;
    }
    return quorum->children[0]->size;
}

/* ---- asking all ---- */

struct asking {
    const struct quorum *quorum;
    quorum_ask_fn *ask_co;
    void *data;
};

static int ask_one_co(void *data, unsigned index)
{
    const struct asking *asking = data;
    return asking->ask_co(asking->quorum->children[index], index, asking->data);
}

void quorum_ask_all_co(struct node *node, quorum_ask_fn *ask_co, void *data, int *ret_rets)
{
    struct asking asking = {node->opaque, ask_co, data};
    parts_run_co(node->registry, asking.quorum->count, ask_one_co, &asking, 0, ret_rets);
}

int quorum_outcome(const struct quorum *quorum, const int *rets)
{
    unsigned done = 0, most = 0;
    int error = 0;
    for (unsigned i = 0; i < quorum->count; i++) {
        unsigned same = 0;
        for (unsigned k = 0; k < quorum->count; k++)
            same += rets[k] == rets[i];
        done += rets[i] >= 0;
        if (rets[i] < 0 && same > most) {
            most = same;
            error = rets[i];
        }
    }
    return done >= quorum->threshold ? 0 : error;
}

/* ---- changes ---- */

struct change {
    int64_t offset, bytes;
    const struct iovec *iov;
    int niov;
    unsigned flags;
};

static int write_child_co(struct node *child, unsigned index, void *data)
{
    const struct change *change = data;
    return node_pwritev_co(child, change->offset, change->bytes, change->iov, change->niov, change->flags);
}

static int zero_child_co(struct node *child, unsigned index, void *data)
{
    const struct change *change = data;
    return node_pwrite_zeroes_co(child, change->offset, change->bytes, change->flags);
}

static int flush_child_co(struct node *child, unsigned index, void *data)
{
    return node_flush_co(child);
}

static int change_all_co(struct node *node, quorum_ask_fn *change_co, struct change *change)
{
    const struct quorum *quorum = node->opaque;
    g_autofree int *rets = g_new(int, quorum->count);
    quorum_ask_all_co(node, change_co, change, rets);
    return quorum_outcome(quorum, rets);
}

static int write_all_co(struct node *node, quorum_ask_fn *write_co, struct change *change)
{
    struct quorum *quorum = node->opaque;
    struct copying_flight flight;
    if (!quorum->rewrite)
        return change_all_co(node, write_co, change);
    copying_begin_co(&quorum->correcting, &flight, change->offset, change->offset + change->bytes, false);
    int ret = change_all_co(node, write_co, change);
    copying_end(&quorum->correcting, &flight);
    return ret;
}

static int quorum_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct change change = {offset, bytes, iov, niov, flags};
    return write_all_co(node, write_child_co, &change);
}

static int quorum_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct change change = {.offset = offset, .bytes = bytes, .flags = flags};
    return write_all_co(node, zero_child_co, &change);
}

static int quorum_flush_children_co(struct node *node)
{
    return change_all_co(node, flush_child_co, NULL);
}

/* ---- what is where: zeroes are what all say are zeroes ---- */

static int quorum_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    const struct quorum *quorum = node->opaque;
    int64_t zeroes = bytes, data = 0;
    for (unsigned i = 0; i < quorum->count && zeroes > 0; i++) {
        struct blk_extent extent;
        int ret = node_extent_co(quorum->children[i], offset, zeroes, &extent);
        if (ret < 0)
            return ret;
        int64_t length = MAX(extent.length, 1);
        if (blk_kind_is_zeroes(extent.kind)) {
            zeroes = MIN(zeroes, length);
        } else {
            zeroes = 0;
            data = length;
        }
    }
    *ret_status = (struct node_status){
        .bytes = zeroes > 0 ? zeroes : data,
        .kind = zeroes > 0 ? BLK_KIND_ZERO_PLAIN : BLK_KIND_DATA,
        .via = NODE_STATUS_FINAL,
    };
    return 0;
}

const struct driver driver_quorum = {
    .name = "quorum",
    .flags = DRIVER_FIXED,
    .state_size = sizeof(struct quorum),
    .options = quorum_options,
    .open_co = quorum_open_co,
    .close_co = quorum_close_co,
    .preadv_co = quorum_read_co,
    .pwritev_co = quorum_pwritev_co,
    .pwrite_zeroes_co = quorum_pwrite_zeroes_co,
    .flush_children_co = quorum_flush_children_co,
    .length_co = quorum_length_co,
    .status_co = quorum_status_co,
    .info_co = node_name_only_info_co,
};
