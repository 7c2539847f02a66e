/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare: where the image differs from another one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/compare.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "util/size.h"

struct output {
    const struct command_call *call;
    bool json, quiet;
    int64_t ranges;
};

static int show_range(void *data, int64_t offset, int64_t bytes, enum compare_kind kind)
{
    struct output *output = data;
    char size[SIZE_TEXT_MAX];
    output->ranges++;
    if (output->quiet)
        return kind == COMPARE_DIFFERENT ? 1 : 0; /* there is nothing more to learn */
    if (output->json)
        sink_printf(output->call->sink, SINK_OUT, "{\"start\": %" PRId64 ", \"length\": %" PRId64 ", \"kind\": \"%s\"}\n", offset, bytes,
                    compare_kind_name(kind));
    else
        report_say(output->call, "0x%010" PRIx64 " +0x%" PRIx64 " (%s)  %s", offset, bytes, size_format((double)bytes, size),
                   compare_kind_name(kind));
    return 0;
}

static void show_sum(const struct output *output, const struct compare_progress *progress)
{
    char size[SIZE_TEXT_MAX], read[SIZE_TEXT_MAX];
    if (output->json || output->quiet)
        return;
    if (output->ranges == 0)
        report_say(output->call, "Images are identical.");
    for (int kind = 0; kind <= COMPARE_UNREADABLE; kind++)
        if (progress->bytes[kind] > 0)
            report_say(output->call, "%" PRId64 " bytes (%s) %s", progress->bytes[kind],
                       size_format((double)progress->bytes[kind], size), compare_kind_name(kind));
    if (progress->read > 0)
        report_say(output->call, "%s had to be read", size_format((double)progress->read, read));
}

struct compare_words {
    const char *what, *format;
    bool json, quiet, metadata_only;
};

static int parse(const struct command_call *call, struct compare_words *ret_words, char **ret_what)
{
    struct compare_words words = {.json = call->session->config.json};
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
    /* A file whose name begins with an @ is told from a snapshot by its folder. */
    if (snapshot)
        *ret_what = g_strconcat("@", snapshot, NULL);
    else if (opts.count == 1)
        *ret_what = g_strconcat(opts.operand[0][0] == '@' ? "./" : "", opts.operand[0], NULL);
    return 0;
}

static int compare_with_co(const struct command_call *call, const struct compare_words *words, struct blk *other)
{
    struct compare compare = {call->session->blk, other, words->metadata_only};
    struct output output = {call, words->json, words->quiet};
    struct compare_progress progress = {0};
    session_show_progress(call, &progress.done, &progress.size);
    int ret = compare_co(&compare, &progress, show_range, &output);
    if (ret == -ECANCELED)
        return ret;
    if (ret < 0)
        return report_failure(call, "compare", ret);
    show_sum(&output, &progress);
    return output.ranges > 0 ? -EUCLEAN : 0;
}

static int run_compare_co(const struct command_call *call)
{
    const struct session_config *config = &call->session->config;
    struct compare_words words = {0};
    struct compare_other other;
    g_autofree char *what = NULL;
    g_autoptr(GError) error = NULL;
    int ret = parse(call, &words, &what);
    if (ret < 0)
        return ret;
    ret = compare_open_co(call->session->blk, config->aio, config->refs, what, words.format, &other, &error);
    if (ret < 0) {
        report_error(call, "compare: %s", error->message);
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
            "  -s snapshot  with an internal snapshot, by its id or name\n"
            "\n"
            "  compare                what this layer changed\n"
            "  compare -s before      what was changed since the snapshot\n",
    .max_args = -1,
    .flags = COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = run_compare_co,
};
