/* SPDX-License-Identifier: GPL-3.0-or-later */
/* readv, writev, multiwrite: requests over several buffers. */
#include <errno.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/transfer.h"
#include "io/clock.h"

/* Options, offset and lengths: 0 or a negative errno after having said what is wrong. */
static int parse_vector(const struct command_call *call, const struct command *command, struct transfer_options *options,
                        int64_t *ret_offset, struct transfer_vector *ret_vector)
{
    bool reads = !(command->flags & COMMAND_WRITES);
    struct opts opts;
    int ret = transfer_parse_options(call, command, &opts, options);
    if (ret < 0)
        return ret;
    if (opts.count < 2)
        return command_misused(call, command);
    ret = report_parse_size(call, "offset", opts.operand[0], ret_offset);
    if (!ret)
        ret = report_check_sector(call, "offset", *ret_offset);
    if (!ret)
        ret = transfer_vector_parse(call, opts.operand + 1, opts.count - 1, reads && transfer_reads_whole(call, options),
                                    ret_vector);
    return ret;
}

static int readv_co(const struct command_call *call)
{
    struct transfer_options options = {.pattern = -1};
    struct transfer_vector vector;
    int64_t offset;
    int ret = parse_vector(call, &command_readv, &options, &offset, &vector);
    if (ret < 0)
        return ret;
    transfer_prepare_read_co(call, &options, &vector);
    int64_t started = clock_now_ns();
    ret = blk_preadv_co(call->session->blk, offset, vector.iov, vector.niov, 0, session_issuer(call));
    int64_t elapsed = clock_now_ns() - started, dumped = 0;
    if (ret < 0) {
        report_range_failure(call, "readv", ret, offset, vector.total);
    } else {
        if (options.dump)
            session_show_progress(call, &dumped, &vector.total);
        options.pattern_count = vector.total;
        ret = transfer_finish_read_co(call, &options, offset, vector.buffer, vector.total, elapsed, &dumped);
        transfer_vector_keep_co(call, BLK_OP_READ, offset, &vector);
    }
    transfer_vector_done_co(call, &vector);
    return ret;
}

const struct command command_readv = {
    .name = "readv",
    .args = "[-Cqv] [-P pattern] off len [len..]",
    .summary = "reads a range of bytes into several buffers",
    .help = "\n"
            "Reads as one request whose data goes to one buffer for each LEN, one after the other.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -P PATTERN  fail unless every byte equals PATTERN\n"
            "  -q          no report\n"
            "  -v          dump what was read\n"
            "\n"
            "  readv -v 0 512 1k      1536 bytes into two buffers\n",
    .options = "CP:qv",
    .min_args = 2,
    .max_args = -1,
    .run_co = readv_co,
};

static int writev_co(const struct command_call *call)
{
    struct transfer_options options = {.pattern = -1};
    struct transfer_vector vector;
    int64_t offset;
    int ret = parse_vector(call, &command_writev, &options, &offset, &vector);
    if (ret < 0)
        return ret;
    transfer_vector_fill_co(&vector, options.pattern >= 0 ? options.pattern : TRANSFER_WRITE_BYTE);
    int64_t started = clock_now_ns();
    ret = blk_pwritev_co(call->session->blk, offset, vector.iov, vector.niov, options.flags | BLK_ALONE, session_issuer(call));
    int64_t elapsed = clock_now_ns() - started;
    if (ret < 0) {
        report_range_failure(call, "writev", ret, offset, vector.total);
    } else {
        transfer_finish(call, &options, "wrote", offset, vector.total, 1, elapsed);
        transfer_vector_keep_co(call, BLK_OP_WRITE, offset, &vector);
    }
    transfer_vector_done_co(call, &vector);
    return ret;
}

const struct command command_writev = {
    .name = "writev",
    .args = "[-Cfq] [-P pattern] off len [len..]",
    .summary = "writes a range of bytes from several buffers",
    .help = "\n"
            "Writes as one request whose data comes from one buffer for each LEN. Without -P every byte\n"
            "is 0xcd.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -f          on stable storage before it is reported (FUA)\n"
            "  -P PATTERN  the byte to write\n"
            "  -q          no report\n"
            "\n"
            "  writev -P 1 0 512 1k   1536 bytes from two buffers\n",
    .options = "CfP:q",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_WRITES,
    .run_co = writev_co,
};

/* ---- multiwrite ---- */

struct batch {
    struct blk *blk;
    const char *issuer;
    unsigned running;
    int ret; /* of the first request that failed */
    struct co *waiter;
};

struct batch_request {
    struct batch *batch;
    int64_t offset;
    struct transfer_vector vector;
};

static void write_one_co(void *data)
{
    struct batch_request *request = data;
    struct batch *batch = request->batch;
    int ret = blk_pwritev_co(batch->blk, request->offset, request->vector.iov, request->vector.niov, 0, batch->issuer);
    if (ret < 0 && !batch->ret)
        batch->ret = ret;
    if (!--batch->running && batch->waiter)
        co_wake(batch->waiter, 0);
}

/* All at once; returns when the last one is done. */
static int submit_batch_co(const struct command_call *call, GArray *requests)
{
    struct batch batch = {.blk = call->session->blk, .issuer = session_issuer(call), .running = requests->len};
    for (unsigned i = 0; i < requests->len; i++) {
        struct batch_request *request = &g_array_index(requests, struct batch_request, i);
        request->batch = &batch;
        if (co_affordable()) {
            co_start(write_one_co, request);
        } else {
            batch.ret = -ENOMEM;
            batch.running--;
        }
    }
    batch.waiter = co_self();
    while (batch.running)
        co_suspend_co();
    return batch.ret;
}

/* One "off len [len..]" out of the operands; *at moves behind it and its semicolon. */
static int parse_request(const struct command_call *call, char **operand, int n, int *at, struct batch_request *ret_request)
{
    int first = *at, end = first;
    while (end < n && strcmp(operand[end], ";"))
        end++;
    *at = end + 1;
    if (end - first < 2)
        return command_misused(call, &command_multiwrite);
    int ret = report_parse_size(call, "offset", operand[first], &ret_request->offset);
    if (!ret)
        ret = report_check_sector(call, "offset", ret_request->offset);
    if (!ret)
        ret = transfer_vector_parse(call, operand + first + 1, end - first - 1, false, &ret_request->vector);
    return ret;
}

static int parse_batch(const struct command_call *call, struct transfer_options *options, GArray *requests)
{
    struct opts opts;
    int ret = transfer_parse_options(call, &command_multiwrite, &opts, options);
    if (ret < 0)
        return ret;
    if (opts.count < 2)
        return command_misused(call, &command_multiwrite);
    for (int at = 0; at < opts.count;) {
        struct batch_request request = {0};
        ret = parse_request(call, opts.operand, opts.count, &at, &request);
        if (ret < 0)
            return ret;
        g_array_append_val(requests, request);
    }
    return 0;
}

static int multiwrite_co(const struct command_call *call)
{
    struct transfer_options options = {.pattern = TRANSFER_WRITE_BYTE};
    GArray *requests = g_array_new(FALSE, FALSE, sizeof(struct batch_request));
    int64_t total = 0;
    int ret = parse_batch(call, &options, requests);
    if (!ret) {
        for (unsigned i = 0; i < requests->len; i++) {
            struct batch_request *request = &g_array_index(requests, struct batch_request, i);
            transfer_vector_fill_co(&request->vector, options.pattern + i);
            total += request->vector.total;
        }
        int64_t started = clock_now_ns();
        ret = submit_batch_co(call, requests);
        int64_t elapsed = clock_now_ns() - started;
        if (ret < 0)
            report_failure(call, "aio_multiwrite", ret);
        else
            transfer_finish(call, &options, "wrote", g_array_index(requests, struct batch_request, 0).offset, total,
                            requests->len, elapsed);
    }
    for (unsigned i = 0; i < requests->len; i++)
        transfer_vector_done_co(call, &g_array_index(requests, struct batch_request, i).vector);
    g_array_unref(requests);
    return ret;
}

const struct command command_multiwrite = {
    .name = "multiwrite",
    .args = "[-Cq] [-P pattern] off len [len..] [; off len [len..]..]",
    .summary = "writes several ranges at once",
    .help = "\n"
            "Submits one write for each group between semicolons (a word of its own) before waiting for any,\n"
            "and reports them as one. The byte written grows by one from request to request.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -P PATTERN  the byte the first request writes (0xcd)\n"
            "  -q          no report\n"
            "\n"
            "  multiwrite 0 4k ; 64k 4k 4k    two requests, the second from two buffers\n",
    .options = "CP:q",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = multiwrite_co,
};
