/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * aio_read, aio_write, aio_discard, aio_flush.  Each request has a coroutine, a buffer and a copy of its call of its own: the
 * command returns once it is submitted, and the request reports into the command's sink when it completes.  Its failure
 * is told there and does not count for the command.
 */
#include <errno.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/transfer.h"
#include "io/clock.h"

enum { INJECTED = 1 }; /* -i: the command is done */

struct request {
    struct command_call call; /* session, sink and line alone */
    struct transfer_options options;
    struct blk *blk;
    enum blk_op op;
    int64_t offset, bytes;
    struct transfer_vector vector;
    char *issuer;
    int64_t started_ns;
};

static void free_request_co(struct request *request)
{
    transfer_vector_done_co(&request->call, &request->vector);
    g_free(request->issuer);
    g_free(request);
}

static int carry_out_co(struct request *request)
{
    struct blk *blk = request->blk;
    struct iovec *iov = request->vector.iov;
    int niov = request->vector.niov;
    switch (request->op) {
    case BLK_OP_READ:
        return blk_preadv_co(blk, request->offset, iov, niov, 0, request->issuer);
    case BLK_OP_WRITE_ZEROES:
        return blk_pwrite_zeroes_co(blk, request->offset, request->bytes, request->options.flags, request->issuer);
    case BLK_OP_DISCARD:
        return blk_pdiscard_co(blk, request->offset, request->bytes, 0, request->issuer);
    default:
        return blk_pwritev_co(blk, request->offset, iov, niov, request->options.flags, request->issuer);
    }
}

static void report_end_co(struct request *request, int ret)
{
    struct transfer_options *options = &request->options;
    int64_t elapsed = clock_now_ns() - request->started_ns, dumped;
    bool reads = request->op == BLK_OP_READ, discards = request->op == BLK_OP_DISCARD;
    if (ret < 0) {
        report_range_failure(&request->call, reads ? "readv" : discards ? "aio_discard" : "aio_write", ret, request->offset, request->bytes);
    } else if (reads) {
        options->pattern_count = request->bytes;
        transfer_finish_read_co(&request->call, options, request->offset, request->vector.buffer, request->bytes, elapsed, &dumped);
    } else {
        transfer_finish(&request->call, options, discards ? "discard" : "wrote", request->offset, request->bytes, 1,
                        elapsed);
    }
}

static void request_co(void *data)
{
    struct request *request = data;
    struct session *session = request->call.session;
    int ret = carry_out_co(request);
    report_end_co(request, ret);
    if (ret >= 0 && request->vector.buffer)
        transfer_vector_keep_co(&request->call, request->op, request->offset, &request->vector);
    free_request_co(request);
    session_aio_end(session);
}

/* parsed: 0, INJECTED, or what parsing failed with. */
static int submit_or_free_co(struct request *request, int parsed)
{
    struct session *session = request->call.session;
    if (!parsed && !co_affordable()) {
        report_error(&request->call, "too many outstanding requests: %s; 'aio_flush' waits for them", g_strerror(ENOMEM));
        parsed = -ENOMEM;
    }
    if (parsed) {
        free_request_co(request);
        return MIN(parsed, 0);
    }
    request->blk = session->blk;
    request->issuer = g_strdup(session_issuer(&request->call));
    request->call.line = request->issuer;
    session_aio_begin(session);
    request->started_ns = clock_now_ns();
    co_start(request_co, request);
    return 0;
}

static struct request *new_request(const struct command_call *call, enum blk_op op)
{
    struct request *request = g_new0(struct request, 1);
    request->call = (struct command_call){.session = call->session, .sink = call->sink, .line = call->line};
    request->op = op;
    request->options.pattern = -1;
    return request;
}

/* ---- options ---- */

static int parse_options(const struct command_call *call, const struct command *command, struct request *request,
                         struct opts *opts)
{
    int option, ret;
    opts_start(opts, call, command->options);
    while ((option = opts_next(opts)) != -1) {
        switch (option) {
        case 'i':
            /* There is no accounting to show it: nothing else happens, whatever follows. */
            report_say(call, "injecting invalid %s request", request->op == BLK_OP_READ ? "read" : "write");
            return INJECTED;
        case 'u':
            request->options.flags |= BLK_MAY_UNMAP;
            break;
        case 'z':
            request->op = BLK_OP_WRITE_ZEROES;
            break;
        default:
            ret = transfer_take_option(call, option, opts->value, &request->options);
            if (ret < 0)
                return ret;
            if (!ret)
                return command_misused(call, command);
        }
    }
    return opts->count >= 2 ? 0 : command_misused(call, command);
}

static int parse_offset(const struct command_call *call, const char *text, struct request *request)
{
    int ret = report_parse_size(call, "offset", text, &request->offset);
    return ret < 0 ? ret : report_check_sector(call, "offset", request->offset);
}

static int parse_place(const struct command_call *call, const struct opts *opts, struct request *request)
{
    bool whole = request->op == BLK_OP_READ && transfer_reads_whole(call, &request->options);
    int ret = parse_offset(call, opts->operand[0], request);
    if (!ret)
        ret = transfer_vector_parse(call, opts->operand + 1, opts->count - 1, whole, &request->vector);
    request->bytes = request->vector.total;
    return ret;
}

/* ---- aio_read ---- */

static int aio_read_co(const struct command_call *call)
{
    struct request *request = new_request(call, BLK_OP_READ);
    struct opts opts;
    int ret = parse_options(call, &command_aio_read, request, &opts);
    if (!ret)
        ret = parse_place(call, &opts, request);
    if (!ret)
        transfer_prepare_read_co(call, &request->options, &request->vector);
    return submit_or_free_co(request, ret);
}

const struct command command_aio_read = {
    .name = "aio_read",
    .args = "[-Ciqv] [-P pattern] off len [len..]",
    .summary = "starts to read a range of bytes",
    .help = "\n"
            "Submits a read and returns; it reports when it completes. aio_flush waits for all.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -i          count a failed request and do nothing else\n"
            "  -P PATTERN  say so unless every byte equals PATTERN\n"
            "  -q          no report\n"
            "  -v          dump what was read\n"
            "\n"
            "  aio_read -v 512 1k 1k  2 KiB into two buffers, beside whatever runs\n",
    .options = "CiP:qv",
    .min_args = 2,
    .max_args = -1,
    .run_co = aio_read_co,
};

/* ---- aio_write ---- */

static int parse_write(const struct command_call *call, const struct opts *opts, struct request *request)
{
    bool zeroes = request->op == BLK_OP_WRITE_ZEROES;
    if (zeroes && opts->count != 2) {
        report_refuse(call, "-z supports only a single length parameter");
        return -EINVAL;
    }
    if (request->options.flags & BLK_MAY_UNMAP && !zeroes) {
        report_refuse(call, "-u requires -z to be specified");
        return -EINVAL;
    }
    if (!zeroes)
        return parse_place(call, opts, request);
    int ret = parse_offset(call, opts->operand[0], request);
    if (!ret)
        ret = report_parse_size(call, "length", opts->operand[1], &request->bytes);
    return ret;
}

static int aio_write_co(const struct command_call *call)
{
    struct request *request = new_request(call, BLK_OP_WRITE);
    struct opts opts;
    int ret = parse_options(call, &command_aio_write, request, &opts);
    if (!ret)
        ret = parse_write(call, &opts, request);
    if (!ret && request->vector.buffer)
        transfer_vector_fill_co(&request->vector, request->options.pattern >= 0 ? request->options.pattern : TRANSFER_WRITE_BYTE);
    return submit_or_free_co(request, ret);
}

const struct command command_aio_write = {
    .name = "aio_write",
    .args = "[-Cfiquz] [-P pattern] off len [len..]",
    .summary = "starts to write a range of bytes",
    .help = "\n"
            "Submits a write and returns; it reports when it completes. aio_flush waits for all.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -f          on stable storage before it is reported (FUA)\n"
            "  -i          count a failed request and do nothing else\n"
            "  -P PATTERN  the byte to write (0xcd)\n"
            "  -q          no report\n"
            "  -u          with -z: the space may be given back\n"
            "  -z          zeroes, as the format does it best; one length only\n"
            "\n"
            "  aio_write -P 7 0 64k   64 KiB of 7, beside whatever runs\n",
    .options = "CfiP:quz",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_WRITES,
    .run_co = aio_write_co,
};

/* ---- aio_discard ---- */

static int aio_discard_co(const struct command_call *call)
{
    struct request *request = new_request(call, BLK_OP_DISCARD);
    struct opts opts;
    int ret = transfer_parse_options(call, &command_aio_discard, &opts, &request->options);
    if (!ret && opts.count != 2)
        ret = command_misused(call, &command_aio_discard);
    if (!ret)
        ret = transfer_parse_range(call, opts.operand, &request->offset, &request->bytes);
    return submit_or_free_co(request, ret);
}

const struct command command_aio_discard = {
    .name = "aio_discard",
    .args = "[-Cq] off len",
    .summary = "starts to discard a range of bytes",
    .help = "\n"
            "Submits a discard and returns; it reports when it completes. aio_flush waits for all.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -q          no report\n"
            "\n"
            "  aio_discard 1M 64k     64 KiB at 1 MiB, beside whatever runs\n",
    .options = "Cq",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_WRITES | COMMAND_OURS,
    .run_co = aio_discard_co,
};

/* ---- aio_flush ---- */

static int aio_flush_co(const struct command_call *call)
{
    return session_wait_aio_co(call->session);
}

const struct command command_aio_flush = {
    .name = "aio_flush",
    .summary = "waits for every outstanding request",
    .help = "\nReturns when all that aio_read, aio_write and aio_discard started is complete and reported.\n\n  aio_flush              after aio_read 0 1M\n",
    .run_co = aio_flush_co,
};
