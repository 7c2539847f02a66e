/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/report.h"
#include "engine/session-private.h"
#include "util/pattern.h"

enum { UNREAD_BYTE = 0xab, PIECES_MAX = 1024, SECTOR = 512 };

uint8_t *transfer_buffer(const struct command_call *call, int64_t bytes)
{
    uint8_t *buffer = buffer_get(call->session->pool, bytes);
    if (!buffer)
        report_failure(call, "buffer", -ENOMEM);
    return buffer;
}

void transfer_prepare_read(const struct command_call *call, const struct transfer_options *options, uint8_t *buffer,
                           int64_t bytes)
{
    if (options->dump || options->pattern >= 0 || call->session->keep_buffers)
        memset(buffer, UNREAD_BYTE, bytes);
}

int transfer_vector_init(const struct command_call *call, char **lengths, int n, struct transfer_vector *ret_vector)
{
    g_autofree struct iovec *iov = g_new(struct iovec, n);
    int64_t total = 0;
    for (int i = 0; i < n; i++) {
        int64_t length;
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
    uint8_t *buffer = transfer_buffer(call, total);
    if (!buffer)
        return -ENOMEM;
    uint8_t *at = buffer;
    for (int i = 0; i < n; i++) {
        iov[i].iov_base = at;
        at += iov[i].iov_len;
    }
    /* One request of the kernel has no more pieces than this; the rest lies behind the last one and joins it. */
    for (; n > PIECES_MAX; n--)
        iov[PIECES_MAX - 1].iov_len += iov[n - 1].iov_len;
    *ret_vector = (struct transfer_vector){.iov = g_steal_pointer(&iov), .niov = n, .total = total, .buffer = buffer};
    return 0;
}

void transfer_vector_done(const struct command_call *call, struct transfer_vector *vector)
{
    buffer_put(call->session->pool, vector->buffer);
    g_free(vector->iov);
    *vector = (struct transfer_vector){0};
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

int transfer_finish_read(const struct command_call *call, const struct transfer_options *options, int64_t offset,
                         const uint8_t *buffer, int64_t bytes, int64_t elapsed_ns)
{
    int ret = 0;
    if (options->pattern >= 0 &&
        !pattern_matches(buffer + options->pattern_offset, options->pattern_count, options->pattern)) {
        report_mismatch(call, offset + options->pattern_offset, options->pattern_count);
        ret = -EINVAL;
    }
    if (options->quiet)
        return ret;
    if (options->dump)
        report_dump(call, offset, buffer, bytes);
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
