/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map: runs of this layer, and our forms that show where every byte comes from. */
#include <errno.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"

/* The classic form: adjacent runs of the same state are one line. */
static int map_runs_co(const struct command_call *call, int64_t length)
{
    struct blk *blk = call->session->blk;
    int64_t start = 0, at = 0, run;
    int state = -1;
    while (at < length) {
        int allocated = blk_is_allocated_co(blk, at, length - at, &run);
        if (allocated < 0 || !run) {
            allocated = allocated < 0 ? allocated : -EIO;
            if (at > start)
                report_map_run(call, start, at - start, length - start, state);
            report_error(call, "Failed to get allocation status: %s", g_strerror(-allocated));
            return allocated;
        }
        if (state >= 0 && allocated != state) {
            report_map_run(call, start, at - start, length - start, state);
            start = at;
        }
        state = allocated;
        at += run;
        co_relax_co();
        if (co_cancelled())
            return -ECANCELED;
    }
    if (at > start)
        report_map_run(call, start, at - start, length - start, state);
    return 0;
}

struct visit {
    const struct command_call *call;
    int64_t bytes[BLK_KIND_COUNT];
    int64_t extents;
};

static int show_extent(void *data, const struct blk_extent *extent)
{
    report_extent(((struct visit *)data)->call, extent);
    return 0;
}

static int show_extent_json(void *data, const struct blk_extent *extent)
{
    report_json_extent(((struct visit *)data)->call, extent);
    return 0;
}

static int count_extent(void *data, const struct blk_extent *extent)
{
    struct visit *visit = data;
    visit->bytes[extent->kind] += extent->length;
    visit->extents++;
    return 0;
}

static int map_co(const struct command_call *call)
{
    struct blk *blk = call->session->blk;
    const char *form = call->argc > 1 ? call->argv[1] : NULL;
    struct visit visit = {.call = call};
    int64_t length = blk_length_co(blk);
    int ret;
    if (length < 0)
        return report_failure(call, "getlength", length);
    if (!form)
        return map_runs_co(call, length);
    if (!strcmp(form, "--json")) {
        ret = blk_status_bulk_co(blk, 0, length, show_extent_json, &visit);
    } else if (!strcmp(form, "--host")) {
        ret = blk_status_bulk_co(blk, 0, length, show_extent, &visit);
    } else if (!strcmp(form, "--summary")) {
        ret = blk_status_bulk_co(blk, 0, length, count_extent, &visit);
        if (!ret)
            report_kinds(call, visit.bytes, visit.extents, length);
    } else {
        return command_misused(call, &command_map);
    }
    return ret < 0 && ret != -ECANCELED ? report_failure(call, "map", ret) : ret;
}

static const struct command_own map_own = {
    .args = "[--json|--summary|--host]",
    .max_args = 1,
};

const struct command command_map = {
    .name = "map",
    .args = "",
    .summary = "shows which ranges this layer holds",
    .help = "\n"
            "One line for each run of allocated or unallocated bytes of the top layer.\n"
            "\n"
            "  --json      every extent as an object: kind, layer, place in the host file\n"
            "  --host      the same as text\n"
            "  --summary   how much there is of each kind\n",
    .own = &map_own,
    .run_co = map_co,
};
