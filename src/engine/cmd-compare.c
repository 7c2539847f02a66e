/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare: where the image differs from another one. */
#include <errno.h>

#include "engine/commands.h"
#include "engine/compare.h"
#include "engine/compare-show.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"

struct compare_words {
    const char *what, *format;
    bool json, quiet, metadata_only;
};

static int parse(const struct command_call *call, struct compare_words *ret_words, char **ret_what)
{
    struct compare_words words = {.json = report_as_json(call)};
    const char *snapshot = NULL;
    struct opts opts;
    int option;
    opts_start(&opts, call, command_compare.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option == 'f')
            words.format = opts.value;
        else if (option == 's')
            snapshot = opts.value;
        else if (option == 'j')
            words.json = true;
        else if (option == 'm')
            words.metadata_only = true;
        else if (option == 'q')
            words.quiet = true;
        else
            return command_misused(call, &command_compare);
    }
    if (opts.count > 1 || (opts.count == 1 && snapshot))
        return command_misused(call, &command_compare);
    *ret_words = words;
    if (snapshot)
        *ret_what = g_strconcat("@", snapshot, NULL);
    else if (opts.count == 1)
        *ret_what = compare_name(opts.operand[0]);
    return 0;
}

static int compare_with_co(const struct command_call *call, const struct compare_words *words, struct blk *other)
{
    struct compare compare = {call->session->blk, other, words->metadata_only};
    return compare_show_co(call, &compare, (words->json ? COMPARE_SHOW_JSON : 0) | (words->quiet ? COMPARE_SHOW_QUIET : 0));
}

static int run_compare_co(const struct command_call *call)
{
    struct compare_how how = compare_how_in(call->session);
    struct compare_words words = {0};
    struct compare_other other;
    g_autofree char *what = NULL;
    g_autoptr(GError) error = NULL;
    int ret = parse(call, &words, &what);
    if (ret < 0)
        return ret;
    ret = compare_open_co(call->session->blk, &how, what, words.format, &other, &error);
    if (ret < 0) {
        g_autofree char *reason = report_lines(call, error->message);
        report_error(call, "compare: %s", reason);
        return ret;
    }
    ret = compare_with_co(call, &words, other.blk);
    compare_close_co(&other);
    return ret;
}

const struct command command_compare = {
    .name = "compare",
    .args = "[-jmq] [-s snapshot | [-f format] image]",
    .options = "f:jmqs:",
    .summary = "shows where the image differs from its backing file, a snapshot or another image",
    .help = "\n"
            "A line for each range of sectors that differ; what the tables show to be the same is not read.  The shorter\n"
            "image goes on with zeroes.  Without an image, the backing file is meant.  Fails when there is a difference.\n"
            "\n"
            "  -f format    of the other image\n"
            "  -j           each range as an object\n"
            "  -m           only what the tables say: ranges that may differ, and nothing is read\n"
            "  -q           says nothing and ends at the first difference\n"
            "  -s snapshot  with an internal snapshot, by its id or name; so does @snapshot as the image\n"
            "\n"
            "  compare                what this layer changed\n"
            "  compare -s before      what was changed since the snapshot\n",
    .max_args = -1,
    .flags = COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = run_compare_co,
};
