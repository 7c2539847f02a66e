/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read: one request into one buffer. */
#include <errno.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/transfer.h"
#include "io/clock.h"

struct read_args {
    struct transfer_options options;
    int64_t offset, count;
    bool vm_state, byte_wise, pattern_offset_given, pattern_count_given;
};

static int parse_read(const struct command_call *call, struct read_args *args)
{
    struct transfer_options *options = &args->options;
    struct opts opts;
    int option, ret = 0;
    opts_start(&opts, call, command_read.options);
    while ((option = opts_next(&opts)) != -1) {
        switch (option) {
        case 'b':
            args->vm_state = true;
            break;
        case 'l':
            args->pattern_count_given = true;
            ret = report_parse_size(call, "length", opts.value, &options->pattern_count);
            break;
        case 'p':
            args->byte_wise = true;
            break;
        case 's':
            args->pattern_offset_given = true;
            ret = report_parse_size(call, "offset", opts.value, &options->pattern_offset);
            break;
        default:
            ret = transfer_take_option(call, option, opts.value, options);
            if (!ret)
                return command_misused(call, &command_read);
        }
        if (ret < 0)
            return ret;
    }
    if (opts.count != 2)
        return command_misused(call, &command_read);
    return transfer_parse_range(call, opts.operand, &args->offset, &args->count);
}

static int check_read(const struct command_call *call, struct read_args *args)
{
    struct transfer_options *options = &args->options;
    if (options->pattern < 0 && (args->pattern_count_given || args->pattern_offset_given))
        return command_misused(call, &command_read);
    if (!args->pattern_count_given)
        options->pattern_count = MAX(0, args->count - options->pattern_offset);
    if (options->pattern_offset > args->count || options->pattern_count > args->count - options->pattern_offset) {
        report_refuse(call, "pattern verification range exceeds end of read data");
        return -EINVAL;
    }
    return transfer_check_alignment(call, args->vm_state, args->byte_wise, args->offset, args->count);
}

static int read_co(const struct command_call *call)
{
    struct read_args args = {.options.pattern = -1};
    int ret = parse_read(call, &args);
    if (!ret)
        ret = check_read(call, &args);
    if (ret < 0)
        return ret;
    struct blk *blk = call->session->blk;
    struct transfer_vector vector;
    ret = transfer_vector_init(call, args.count, args.vm_state || transfer_reads_whole(call, &args.options), &vector);
    if (ret < 0)
        return ret;
    transfer_prepare_read_co(call, &args.options, &vector);
    int64_t started = clock_now_ns(), dumped = 0;
    if (args.vm_state)
        ret = blk_load_vmstate_co(blk, vector.buffer, args.offset, args.count, session_issuer(call));
    else
        ret = blk_preadv_co(blk, args.offset, vector.iov, vector.niov, 0, session_issuer(call));
    int64_t elapsed = clock_now_ns() - started;
    if (ret < 0) {
        if (args.vm_state)
            report_failure(call, "read", ret);
        else
            report_range_failure(call, "read", ret, args.offset, args.count);
    } else {
        if (args.options.dump)
            session_show_progress(call, &dumped, &args.count);
        ret = transfer_finish_read_co(call, &args.options, args.offset, vector.buffer, args.count, elapsed, &dumped);
        transfer_vector_keep_co(call, args.vm_state ? BLK_OP_LOAD_VMSTATE : BLK_OP_READ, args.offset, &vector);
    }
    transfer_vector_done_co(call, &vector);
    return ret;
}

const struct command command_read = {
    .name = "read",
    .alias = "r",
    .args = "[-abCqv] [-P pattern [-s off] [-l len]] off len",
    .summary = "reads a range of bytes, shows or verifies it",
    .help = "\n"
            "Reads LEN bytes at OFF as one request and reports how long it took.\n"
            "\n"
            "  -b          from the VM state instead of the disk (whole sectors)\n"
            "  -C          report as one line for programs: bytes,requests,time,bytes/s,requests/s\n"
            "  -P PATTERN  fail unless every byte equals PATTERN\n"
            "  -s OFF      with -P: verify from this byte of what was read\n"
            "  -l LEN      with -P: verify this many bytes\n"
            "  -p          accepted for old scripts\n"
            "  -q          no report\n"
            "  -v          dump what was read, 16 bytes a row\n"
            "\n"
            "  read -v 1M 512         the sector at 1 MiB\n"
            "  read -P 0 0 64k        are the first 64 KiB zero?\n",
    .options = "bCl:pP:qs:v",
    .min_args = 2,
    .max_args = -1,
    .run_co = read_co,
};
