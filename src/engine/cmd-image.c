/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flush, truncate, length, info, discard, alloc. */
#include <errno.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/transfer.h"
#include "io/clock.h"

enum { SECTOR = 512 };

/* ---- flush ---- */

static int flush_co(const struct command_call *call)
{
    int ret = blk_flush_co(call->session->blk, session_issuer(call));
    /* The reference program fails without a word. */
    if (ret < 0 && !session_config(call->session)->drop_in)
        report_failure(call, "flush", ret);
    return ret;
}

const struct command command_flush = {
    .name = "flush",
    .alias = "f",
    .summary = "puts everything written onto stable storage",
    .help = "\nReturns when what was written so far survives a power failure.\n\n  flush                  after write 0 64k\n",
    .run_co = flush_co,
};

/* ---- truncate ---- */

static int parse_prealloc(const struct command_call *call, const char *text, enum blk_prealloc *ret_prealloc)
{
    int prealloc = options_parse_enum(text, blk_prealloc_names);
    if (prealloc < 0) {
        g_autofree char *shown = report_text(call, text);
        report_error(call, "Invalid preallocation mode '%s'", shown);
        return prealloc;
    }
    *ret_prealloc = prealloc;
    return 0;
}

static int truncate_co(const struct command_call *call)
{
    enum blk_prealloc prealloc = BLK_PREALLOC_OFF;
    g_autoptr(GError) error = NULL;
    struct opts opts;
    int64_t size;
    int option, ret;
    opts_start(&opts, call, command_truncate.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option != 'm')
            return command_misused(call, &command_truncate);
        ret = parse_prealloc(call, opts.value, &prealloc);
        if (ret < 0)
            return ret;
    }
    if (!opts.count)
        return command_misused(call, &command_truncate);
    ret = report_parse_size(call, "truncate", opts.operand[0], &size);
    if (ret < 0)
        return ret;
    ret = blk_truncate_co(call->session->blk, size, prealloc, session_issuer(call), &error);
    if (ret < 0) {
        g_autofree char *reason = report_lines(call, error->message);
        report_error(call, "%s", reason);
        return ret;
    }
    session_notify_image(call->session);
    return 0;
}

const struct command command_truncate = {
    .name = "truncate",
    .alias = "t",
    .args = "[-m prealloc_mode] off",
    .summary = "makes the image exactly this long",
    .help = "\n"
            "Cuts the image off at OFF, or lets it grow to there. It has that size afterwards, or the\n"
            "command fails.\n"
            "\n"
            "  -m MODE     what is behind new space: off (nothing), metadata, falloc (reserved),\n"
            "              full (zeroes written)\n"
            "\n"
            "  truncate 10G           the image has 10 GiB\n",
    .options = "m:",
    .min_args = 1,
    .max_args = 3,
    .flags = COMMAND_WRITES,
    .run_co = truncate_co,
};

/* ---- length ---- */

static int length_co(const struct command_call *call)
{
    int64_t length = blk_length_co(call->session->blk);
    if (length < 0) {
        report_refuse(call, "getlength: %s", g_strerror(-length));
        return length;
    }
    report_length(call, length);
    return 0;
}

const struct command command_length = {
    .name = "length",
    .alias = "l",
    .summary = "shows the size of the image",
    .help = "\nThe virtual size: what a guest sees, not what the file takes.\n\n  length                 for instance: 64 MiB\n",
    .run_co = length_co,
};

/* ---- info ---- */

static int info_co(const struct command_call *call)
{
    struct blk_info info = {0};
    int ret = blk_info_co(call->session->blk, &info);
    if (ret < 0)
        return report_failure(call, "info", ret);
    report_info(call, &info);
    bool complete = info.cluster_size >= 0;
    blk_info_clear(&info);
    return complete || !session_config(call->session)->drop_in ? 0 : -ENOTSUP;
}

const struct command command_info = {
    .name = "info",
    .alias = "i",
    .summary = "shows format, cluster size and what else the format tells",
    .help = "\nThree lines that every image has, and then what its format tells: compression, refcount width, flags ...\n\n  info                   of the image that is open\n",
    .run_co = info_co,
};

/* ---- discard ---- */

static int discard_co(const struct command_call *call)
{
    struct transfer_options options = {.pattern = -1};
    int64_t offset, count;
    struct opts opts;
    int ret = transfer_parse_options(call, &command_discard, &opts, &options);
    if (ret < 0)
        return ret;
    if (opts.count != 2)
        return command_misused(call, &command_discard);
    ret = transfer_parse_range(call, opts.operand, &offset, &count);
    if (ret < 0)
        return ret;
    int64_t started = clock_now_ns();
    ret = blk_pdiscard_co(call->session->blk, offset, count, 0, session_issuer(call));
    int64_t elapsed = clock_now_ns() - started;
    if (ret < 0)
        return report_range_failure(call, "discard", ret, offset, count);
    transfer_finish(call, &options, "discard", offset, count, 1, elapsed);
    return 0;
}

const struct command command_discard = {
    .name = "discard",
    .alias = "d",
    .args = "[-Cq] off len",
    .summary = "gives the space of a range back",
    .help = "\n"
            "Tells the image that nobody needs these bytes any more. It may ignore that.\n"
            "\n"
            "  -C          report as one line for programs\n"
            "  -q          no report\n"
            "\n"
            "  discard 1M 64k         64 KiB at 1 MiB\n",
    .options = "Cq",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_WRITES,
    .run_co = discard_co,
};

/* ---- alloc ---- */

static int parse_alloc(const struct command_call *call, int64_t *ret_offset, int64_t *ret_count)
{
    bool sectors = session_config(call->session)->dialect == SESSION_DIALECT_2_4;
    int ret = report_parse_size(call, "offset", call->argv[1], ret_offset);
    if (!ret)
        ret = report_check_sector(call, "offset", *ret_offset);
    *ret_count = SECTOR;
    if (!ret && call->argc == 3) {
        ret = report_parse_size(call, "length", call->argv[2], ret_count);
        if (!ret && sectors && __builtin_mul_overflow(*ret_count, SECTOR, ret_count))
            *ret_count = INT64_MAX - SECTOR + 1; /* shrinks to the end of the image anyway */
    }
    return ret;
}

static int alloc_co(const struct command_call *call)
{
    struct blk *blk = call->session->blk;
    int64_t offset, count, run, sum = 0;
    int ret = parse_alloc(call, &offset, &count);
    if (ret < 0)
        return ret;
    int64_t length = blk_length_co(blk);
    if (length < 0)
        return report_failure(call, "getlength", length);
    count = MIN(count, MAX(0, length - offset));
    for (int64_t done = 0; done < count; done += run) {
        ret = blk_is_allocated_co(blk, offset + done, count - done, &run);
        if (ret < 0)
            return report_failure(call, "is_allocated", ret);
        if (!run)
            break;
        if (ret)
            sum += run;
        co_relax_co();
        if (co_cancelled())
            return -ECANCELED;
    }
    report_alloc(call, offset, sum, count);
    return 0;
}

const struct command command_alloc = {
    .name = "alloc",
    .alias = "a",
    .args = "offset [count]",
    .summary = "counts what is allocated in a range of this layer",
    .help = "\n"
            "How many of COUNT bytes (512) at OFFSET the top layer itself holds; what only a backing file has\n"
            "does not count. A range that reaches past the end is cut there.\n"
            "\n"
            "  alloc 1M 64k           of 64 KiB at 1 MiB\n",
    .min_args = 1,
    .max_args = 2,
    .run_co = alloc_co,
};
