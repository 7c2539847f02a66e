/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/co.h"
#include "util/pattern.h"

enum {
    UNREAD_BYTE = 0xab,
    SECTOR = 512,
    PIECES_MAX = 1024, /* what one system call takes */
    SHARED_MIN = 256 << 10,
    PAGE = 4096,
    TOUCHED_AT_ONCE = 1 << 20,
};

/* ---- options ---- */

int transfer_take_option(const struct command_call *call, int option, const char *value, struct transfer_options *options)
{
    int ret = 0;
    switch (option) {
    case 'C':
        options->machine = true;
        break;
    case 'f':
        options->flags |= BLK_FUA;
        break;
    case 'P':
        ret = report_parse_pattern(call, value, &options->pattern);
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'v':
        options->dump = true;
        break;
    default:
        return 0;
    }
    return ret < 0 ? ret : 1;
}

int transfer_parse_options(const struct command_call *call, const struct command *command, struct opts *opts,
                           struct transfer_options *options)
{
    int option;
    opts_start(opts, call, command->options);
    while ((option = opts_next(opts)) != -1) {
        int ret = transfer_take_option(call, option, opts->value, options);
        if (ret < 0)
            return ret;
        if (!ret)
            return command_misused(call, command);
    }
    return 0;
}

int transfer_parse_range(const struct command_call *call, char **operand, int64_t *ret_offset, int64_t *ret_bytes)
{
    int ret = report_parse_size(call, "offset", operand[0], ret_offset);
    if (!ret)
        ret = report_parse_size(call, "length", operand[1], ret_bytes);
    if (!ret && *ret_bytes > BLK_REQUEST_MAX) {
        report_refuse(call, "length cannot exceed %" PRId64 ", given %s", BLK_REQUEST_MAX, operand[1]);
        ret = -EINVAL;
    }
    return ret;
}

/* ---- buffers ---- */

/* How long the piece must be that is used again and again for the rest of a request. */
static int64_t shared_size(int64_t rest)
{
    int64_t least = (rest / (PIECES_MAX - 1) | (PAGE - 1)) + 1;
    return MIN(rest, MAX(least, SHARED_MIN));
}

static int take_buffer(const struct command_call *call, struct transfer_vector *vector)
{
    vector->buffer = buffer_get(call->session->pool, vector->room);
    return vector->buffer ? 0 : report_failure(call, "buffer", -ENOMEM);
}

int transfer_vector_init(const struct command_call *call, int64_t bytes, bool whole, struct transfer_vector *ret_vector)
{
    int64_t kept = whole ? bytes : call->session->keep_buffers ? MIN(bytes, SESSION_BUFFER_MAX) : 0;
    int64_t shared = shared_size(bytes - kept);
    struct transfer_vector vector = {.total = bytes, .kept = kept, .room = kept + shared};
    int ret = take_buffer(call, &vector);
    if (ret < 0)
        return ret;
    int pieces = (kept || !bytes) + (shared ? (bytes - kept + shared - 1) / shared : 0);
    vector.iov = g_new(struct iovec, pieces);
    if (kept || !bytes)
        vector.iov[vector.niov++] = (struct iovec){vector.buffer, kept};
    for (int64_t at = kept; at < bytes; at += shared)
        vector.iov[vector.niov++] = (struct iovec){vector.buffer + kept, MIN(shared, bytes - at)};
    *ret_vector = vector;
    return 0;
}

static int parse_lengths(const struct command_call *call, char **lengths, int n, struct iovec *iov, int64_t *ret_total)
{
    int64_t total = 0, length;
    for (int i = 0; i < n; i++) {
        int ret = report_parse_size(call, "length", lengths[i], &length);
        if (ret < 0)
            return ret;
        if (length > BLK_REQUEST_MAX) {
            report_refuse(call, "Argument '%s' exceeds maximum size %" PRId64, lengths[i], BLK_REQUEST_MAX);
            return -EINVAL;
        }
        if (total > BLK_REQUEST_MAX - length) {
            report_refuse(call, "The total number of bytes exceed the maximum size %" PRId64, BLK_REQUEST_MAX);
            return -EINVAL;
        }
        ret = report_check_sector(call, "length argument", length);
        if (ret < 0)
            return ret;
        iov[i].iov_len = length;
        total += length;
    }
    *ret_total = total;
    return 0;
}

int transfer_vector_parse(const struct command_call *call, char **lengths, int n, bool whole,
                          struct transfer_vector *ret_vector)
{
    g_autofree struct iovec *iov = g_new(struct iovec, n);
    int64_t total;
    int ret = parse_lengths(call, lengths, n, iov, &total);
    if (ret < 0)
        return ret;
    if (n == 1)
        return transfer_vector_init(call, total, whole, ret_vector);
    struct transfer_vector vector = {.total = total, .kept = total, .room = total};
    ret = take_buffer(call, &vector);
    if (ret < 0)
        return ret;
    uint8_t *at = vector.buffer;
    for (int i = 0; i < n; i++) {
        iov[i].iov_base = at;
        at += iov[i].iov_len;
    }
    /* One request of the kernel has no more pieces than this; the rest lies behind the last one and joins it. */
    for (; n > PIECES_MAX; n--)
        iov[PIECES_MAX - 1].iov_len += iov[n - 1].iov_len;
    vector.iov = g_steal_pointer(&iov);
    vector.niov = n;
    *ret_vector = vector;
    return 0;
}

void transfer_vector_keep_co(const struct command_call *call, enum blk_op op, int64_t offset, struct transfer_vector *vector)
{
    /* Keeping may have been switched on meanwhile. */
    if (vector->kept >= MIN(vector->total, SESSION_BUFFER_MAX))
        session_take_buffer_co(call->session, op, offset, vector->total, g_steal_pointer(&vector->buffer));
}

/* A large request takes much memory, and to touch it first a few hundred milliseconds. */
static void fill_co(uint8_t *bytes, int64_t n, int byte)
{
    for (int64_t at = 0; at < n; at += TOUCHED_AT_ONCE) {
        memset(bytes + at, byte, MIN(n - at, TOUCHED_AT_ONCE));
        co_relax_co();
    }
}

void transfer_vector_fill_co(const struct transfer_vector *vector, int byte)
{
    fill_co(vector->buffer, vector->room, byte);
}

void transfer_vector_done_co(const struct command_call *call, struct transfer_vector *vector)
{
    buffer_put_co(call->session->pool, vector->buffer);
    g_free(vector->iov);
    *vector = (struct transfer_vector){0};
}

/* ---- the two ends of a request ---- */

bool transfer_reads_whole(const struct command_call *call, const struct transfer_options *options)
{
    return options->dump || options->pattern >= 0 || !blk_reads_may_overlap(call->session->blk);
}

void transfer_prepare_read_co(const struct command_call *call, const struct transfer_options *options,
                              const struct transfer_vector *vector)
{
    if (options->dump || options->pattern >= 0 || call->session->keep_buffers)
        fill_co(vector->buffer, vector->room, UNREAD_BYTE);
}

void transfer_finish(const struct command_call *call, const struct transfer_options *options, const char *done,
                     int64_t offset, int64_t bytes, int ops, int64_t elapsed_ns)
{
    if (options->quiet)
        return;
    report_transfer(call, &(struct report_transfer){
                              .done = done,
                              .offset = offset,
                              .count = bytes,
                              .total = bytes,
                              .ops = ops,
                              .elapsed_ns = elapsed_ns,
                              .machine = options->machine,
                          });
}

/* 0, -EINVAL where a byte is another one, or -ECANCELED. */
static int verify_co(const uint8_t *bytes, int64_t n, int pattern)
{
    int ret = 0;
    for (int64_t at = 0; at < n && ret == 0; at += TOUCHED_AT_ONCE) {
        co_relax_co();
        ret = co_cancelled() ? -ECANCELED : pattern_matches(bytes + at, MIN(n - at, TOUCHED_AT_ONCE), pattern) ? 0 : -EINVAL;
    }
    return ret;
}

int transfer_finish_read_co(const struct command_call *call, const struct transfer_options *options, int64_t offset,
                            const uint8_t *buffer, int64_t bytes, int64_t elapsed_ns, int64_t *dumped)
{
    int ret = 0;
    if (options->pattern >= 0)
        ret = verify_co(buffer + options->pattern_offset, options->pattern_count, options->pattern);
    if (ret == -EINVAL)
        report_mismatch(call, offset + options->pattern_offset, options->pattern_count);
    if (options->quiet || ret == -ECANCELED)
        return ret;
    if (options->dump && report_dump_co(call, offset, buffer, bytes, dumped) < 0)
        return -ECANCELED;
    transfer_finish(call, options, "read", offset, bytes, 1, elapsed_ns);
    return ret;
}

/* Some requests exist in whole sectors only, in every dialect. */
static int check_whole_sector(const struct command_call *call, const char *what, int64_t value)
{
    if (value % SECTOR == 0)
        return 0;
    report_refuse(call, "%" PRId64 " is not a sector-aligned value for '%s'", value, what);
    return -EINVAL;
}

int transfer_check_alignment(const struct command_call *call, bool whole_sectors, bool byte_wise, int64_t offset,
                             int64_t count)
{
    int ret = 0;
    if (whole_sectors) {
        ret = check_whole_sector(call, "offset", offset);
        if (!ret)
            ret = check_whole_sector(call, "count", count);
    } else if (!byte_wise) {
        ret = report_check_sector(call, "offset", offset);
        if (!ret)
            ret = report_check_sector(call, "count", count);
    }
    return ret;
}
