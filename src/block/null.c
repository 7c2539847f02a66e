/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The null drivers: an image that takes any write and keeps none.  For measuring what everything above costs, and for you to read if
 * you are about to write a driver: the slots that most drivers have are here, with the least that each may do and what it may count on;
 * driver.h has the others.
 *
 * node.c comes before each of them.  It has checked the range, padded and split to node->limits, and entered the
 * request; a driver never sees a bad offset.  It keeps its state in node->opaque, which is there, zeroed, before open_co and
 * gone after close_co.
 */
#include <errno.h>

#include "block/iov.h"
#include "block/node.h"

#define DEFAULT_SIZE (INT64_C(1) << 30)

struct null {
    int64_t size;
    int64_t latency_us; /* of each request */
    bool read_zeroes;   /* else a read leaves the buffer as it is */
    struct null_reopen { int64_t latency_us; bool read_zeroes; } next;
};

/* The table is all there is to say about options: types are checked, and help printed, from it. */
static const struct driver_option null_options[] = {
    {.name = "size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "bytes, 1G by default"},
    {.name = "latency-ns", .type = DRIVER_OPTION_NUMBER, .help = "how long each request takes"},
    {.name = "read-zeroes", .type = DRIVER_OPTION_BOOL, .help = "reads give zeroes"},
    {},
};

/* ---- names and life ---- */

/* "null-co://" and nothing else: turns the name into options, of which there are none. */
static int only_name(const char *filename, const char *name, GError **error)
{
    if (g_str_equal(filename, name))
        return 0;
    g_set_error(error, OPTIONS_ERROR, EINVAL, "The only allowed filename for this driver is '%s'", name);
    return -EINVAL;
}

static int null_co_parse_filename(const char *filename, struct options *options, GError **error)
{
    return only_name(filename, "null-co://", error);
}

static int null_aio_parse_filename(const char *filename, struct options *options, GError **error)
{
    return only_name(filename, "null-aio://", error);
}

/* There are no bytes that one could tell a format by. */
static int null_probe(const uint8_t *bytes, size_t n, const char *filename)
{
    return 0;
}

/* Options that are taken are off the set; what is left over when open_co returns is refused as unknown. */
static int take_latency(struct options *options, int64_t *ret_us, GError **error)
{
    uint64_t ns = options_take_number(options, "latency-ns", 0);
    if (ns > INT64_MAX) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "latency-ns is invalid");
        return -EINVAL;
    }
    *ret_us = (ns + 999) / 1000;
    return 0;
}

static int null_open_co(struct node *node, struct options *options, GError **error)
{
    struct null *null = node->opaque;
    null->size = (int64_t)options_take_huge_size(options, "size", DEFAULT_SIZE);
    null->read_zeroes = options_take_bool(options, "read-zeroes", false);
    int ret = take_latency(options, &null->latency_us, error);
    if (ret < 0)
        return ret;
    /* A format would open its file here: node_open_child_co(node, options, "file", NODE_ROLE_METADATA, NULL, error). */
    node->filename = g_strconcat(node->driver->name, "://", NULL);
    node->limits.request_alignment = 1;
    node->write_flags = BLK_FUA; /* nothing is ever cached */
    node->zero_flags = BLK_FUA | BLK_MAY_UNMAP | BLK_NO_FALLBACK;
    return 0;
}

/* All requests are done, and flush was called.  A format would write back what it holds and free its tables. */
static int null_close_co(struct node *node)
{
    return 0;
}

/* ---- requests ---- */

/* 0 or -ECANCELED: a wait of one's own, not the kernel's, ends when the request is cancelled. */
static int take_time_co(struct node *node)
{
    struct null *null = node->opaque;
    return null->latency_us > 0 ? co_sleep_co(null->latency_us) : 0;
}

static int null_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct null *null = node->opaque;
    int ret = take_time_co(node);
    if (ret == 0 && null->read_zeroes)
        iov_fill_zero(iov, niov, 0, bytes);
    return ret;
}

static int null_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    return take_time_co(node);
}

/* -ENOTSUP would make node.c write zero bytes instead (unless BLK_NO_FALLBACK). */
static int null_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    return take_time_co(node);
}

/* Only formats with compressed clusters have this. */
static int null_pwrite_compressed_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    return -ENOTSUP;
}

static int null_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    return take_time_co(node);
}

/* Tables kept in memory go to the child here, */
static int null_flush_to_os_co(struct node *node)
{
    return 0;
}

/* and what a leaf has in the kernel's cache to the disk here; node.c calls it only if something was written. */
static int null_flush_to_disk_co(struct node *node)
{
    return take_time_co(node);
}

static int null_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Image format driver does not support resize");
    return -ENOTSUP;
}

static int64_t null_length_co(struct node *node)
{
    struct null *null = node->opaque;
    /* From 2^63 on the reference program takes the lower half for an error if it is negative, and for nothing else. */
    return null->size >= 0 ? null->size : MIN((int32_t)null->size, 0);
}

/* ---- what is where ---- */

/* One level only: a format would name the child that holds the bytes, and node.c asks on from there. */
static int null_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct null *null = node->opaque;
    *ret_status = (struct node_status){
        .bytes = bytes,
        .kind = null->read_zeroes ? BLK_KIND_ZERO_PLAIN : BLK_KIND_UNALLOCATED,
        .via = NODE_STATUS_FINAL,
    };
    return 0;
}

/* The same for a long range, in order; between batches a real one calls co_relax_co() and looks at co_cancelled(). */
static int null_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    struct node_status status;
    null_status_co(node, offset, bytes, NODE_STATUS_WANT_HOLES, &status);
    return fn(data, offset, &status);
}

static int null_load_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    return -ENOTSUP;
}

static int null_save_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    return -ENOTSUP;
}

/* ---- reopening: prepare may fail and changes nothing yet; commit can't fail ---- */

static int null_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct null *null = node->opaque;
    int ret = take_latency(options, &null->next.latency_us, error);
    if (ret < 0)
        return ret;
    null->next.read_zeroes = options_take_bool(options, "read-zeroes", false);
    options_remove(options, "size"); /* not one that can change: the same as before */
    return 0;
}

static void null_reopen_commit_co(struct node *node)
{
    struct null *null = node->opaque;
    null->latency_us = null->next.latency_us;
    null->read_zeroes = null->next.read_zeroes;
}

/* Frees what prepare kept. */
static void null_reopen_abort_co(struct node *node)
{
}

/* ---- breakpoints: only blkdebug has them; a driver announces its steps with node_debug_event_co(node->file, ...) ---- */

static void null_lock_holders(struct node *node, GString *out)
{
}

/* clang-format off */
#define NULL_SLOTS                                                                                                                         \
    .flags = DRIVER_PROTOCOL,                                                                                                              \
    .state_size = sizeof(struct null),                                                                                                     \
    .options = null_options,                                                                                                               \
    .probe = null_probe,                                                                                                                   \
    .open_co = null_open_co,                                                                                                               \
    .close_co = null_close_co,                                                                                                             \
    .preadv_co = null_preadv_co,                                                                                                           \
    .pwritev_co = null_pwritev_co,                                                                                                         \
    .pwrite_zeroes_co = null_pwrite_zeroes_co,                                                                                             \
    .pwrite_compressed_co = null_pwrite_compressed_co,                                                                                     \
    .pdiscard_co = null_pdiscard_co,                                                                                                       \
    .flush_to_os_co = null_flush_to_os_co,                                                                                                 \
    .flush_to_disk_co = null_flush_to_disk_co,                                                                                             \
    .truncate_co = null_truncate_co,                                                                                                       \
    .length_co = null_length_co,                                                                                                           \
    .status_co = null_status_co,                                                                                                           \
    .status_bulk_co = null_status_bulk_co,                                                                                                 \
    .info_co = node_name_only_info_co,                                                                                                     \
    .load_vmstate_co = null_load_vmstate_co,                                                                                               \
    .save_vmstate_co = null_save_vmstate_co,                                                                                               \
    .reopen_prepare_co = null_reopen_prepare_co,                                                                                           \
    .reopen_commit_co = null_reopen_commit_co,                                                                                             \
    .reopen_abort_co = null_reopen_abort_co,                                                                                               \
    .lock_holders = null_lock_holders
/* clang-format on */

/* One driver under two names: the reference tells coroutines and callbacks apart, here all is coroutines. */
const struct driver driver_null_co = {
    .name = "null-co",
    .protocols = (const char *const[]){"null-co", NULL},
    .parse_filename = null_co_parse_filename,
    NULL_SLOTS,
};

const struct driver driver_null_aio = {
    .name = "null-aio",
    .protocols = (const char *const[]){"null-aio", NULL},
    .parse_filename = null_aio_parse_filename,
    NULL_SLOTS,
};
