/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/compare-show.h"

#include <errno.h>
#include <inttypes.h>

#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "util/size.h"

struct output {
    const struct command_call *call;
    bool json, quiet, below;
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
    if (output->quiet)
        return;
    if (output->json) {
        if (output->ranges == 0)
            report_json_none(output->call, "ranges");
        return;
    }
    if (output->ranges == 0)
        report_say(output->call, output->below ? "Nothing is changed." : "Images are identical.");
    for (int kind = 0; kind <= COMPARE_UNREADABLE; kind++) {
        int64_t bytes = progress->bytes[kind];
        if (bytes >= 1024)
            report_say(output->call, "%" PRId64 " bytes (%s) %s", bytes, size_format((double)bytes, size), compare_kind_name(kind));
        else if (bytes > 0)
            report_say(output->call, "%" PRId64 " bytes %s", bytes, compare_kind_name(kind));
    }
    if (progress->read > 0)
        report_say(output->call, "%s had to be read", size_format((double)progress->read, read));
}

int compare_show_co(const struct command_call *call, const struct compare *compare, unsigned flags)
{
    struct output output = {call, flags & COMPARE_SHOW_JSON, flags & COMPARE_SHOW_QUIET, compare->below};
    struct compare_progress progress = {0};
    session_show_progress(call, &progress.done, &progress.size);
    int ret = compare_co(compare, &progress, show_range, &output);
    session_show_progress(call, NULL, NULL);
    if (ret == -ECANCELED)
        return ret;
    if (ret < 0)
        return report_failure(call, "compare", ret);
    show_sum(&output, &progress);
    return output.ranges > 0 ? -EUCLEAN : 0;
}
