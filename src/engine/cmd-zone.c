/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zone_*: commands for zoned block devices.  No driver has zones yet, so that every one ends, after its arguments were
 * checked, with the answer a device without zones gives.
 */
#include <errno.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/transfer.h"

/* offset and a number or length */
static int plain_co(const struct command_call *call, const char *what, const char *second)
{
    int64_t offset, value;
    int ret = report_parse_size(call, "offset", call->argv[1], &offset);
    if (!ret)
        ret = report_parse_size(call, second, call->argv[2], &value);
    return ret < 0 ? ret : report_failure(call, what, -ENOTSUP);
}

static int report_co(const struct command_call *call)
{
    return plain_co(call, "zone report", "number");
}

static int open_co(const struct command_call *call)
{
    return plain_co(call, "zone open", "length");
}

static int close_co(const struct command_call *call)
{
    return plain_co(call, "zone close", "length");
}

static int finish_co(const struct command_call *call)
{
    return plain_co(call, "zone finish", "length");
}

static int reset_co(const struct command_call *call)
{
    return plain_co(call, "zone reset", "length");
}

static int append_co(const struct command_call *call)
{
    struct transfer_vector vector;
    struct opts opts;
    int64_t offset;
    int option;
    opts_start(&opts, call, command_zone_append.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option != 'p')
            return command_misused(call, &command_zone_append);
    }
    if (opts.count < 2)
        return command_misused(call, &command_zone_append);
    int ret = report_parse_size(call, "offset", opts.operand[0], &offset);
    if (!ret)
        ret = transfer_vector_parse(call, opts.operand + 1, opts.count - 1, false, &vector);
    if (ret < 0)
        return ret;
    transfer_vector_done_co(call, &vector);
    return report_failure(call, "zone append", -ENOTSUP);
}

const struct command command_zone_report = {
    .name = "zone_report",
    .alias = "zrp",
    .args = "offset number",
    .summary = "shows zones of a zoned device",
    .help = "\nUp to NUMBER zones, the first of them the one that holds OFFSET.\n\n  zone_report 0 16         the first 16\n",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_OURS,
    .run_co = report_co,
};

const struct command command_zone_open = {
    .name = "zone_open",
    .alias = "zo",
    .args = "offset len",
    .summary = "opens a range of zones",
    .help = "\nOpens the zones in LEN bytes at OFFSET explicitly.\n\n  zone_open 0 256M\n",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = open_co,
};

const struct command command_zone_close = {
    .name = "zone_close",
    .alias = "zc",
    .args = "offset len",
    .summary = "closes a range of zones",
    .help = "\nCloses the open zones in LEN bytes at OFFSET.\n\n  zone_close 0 256M\n",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = close_co,
};

const struct command command_zone_finish = {
    .name = "zone_finish",
    .alias = "zf",
    .args = "offset len",
    .summary = "finishes a range of zones",
    .help = "\nMakes the zones in LEN bytes at OFFSET full: nothing can be appended until they are reset.\n\n  zone_finish 0 256M\n",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = finish_co,
};

const struct command command_zone_reset = {
    .name = "zone_reset",
    .alias = "zrs",
    .args = "offset len",
    .summary = "empties a range of zones",
    .help = "\nEmpties the zones in LEN bytes at OFFSET.\n\n  zone_reset 0 256M\n",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = reset_co,
};

const struct command command_zone_append = {
    .name = "zone_append",
    .alias = "zap",
    .args = "[-p] offset len [len..]",
    .summary = "appends to a zone",
    .help = "\n"
            "Writes at the end of the zone that begins at OFFSET.\n"
            "\n"
            "  -p          show where it went\n"
            "\n"
            "  zone_append -p 0 4k    4 KiB to the first zone\n",
    .options = "p",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = append_co,
};
