/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map: runs of this layer, and our forms that show where every byte comes from. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/commands.h"
#include "engine/map-json.h"
#include "engine/map-svg.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "util/size.h"

struct runs {
    const struct command_call *call;
    int64_t done, length;
};

static int show_run(void *data, int64_t offset, int64_t bytes, bool allocated)
{
    struct runs *runs = data;
    runs->done = offset;
    report_map_run(runs->call, offset, bytes, runs->length - offset, allocated);
    return 0;
}

/* The classic form: adjacent runs of the same state are one line. */
static int map_runs_co(const struct command_call *call, int64_t length)
{
    struct runs runs = {call, 0, length};
    session_show_progress(call, &runs.done, &runs.length);
    int ret = blk_allocated_co(call->session->blk, 0, length, show_run, &runs);
    if (ret < 0 && ret != -ECANCELED)
        report_error(call, "Failed to get allocation status: %s", g_strerror(-ret));
    return ret;
}

struct visit {
    const struct command_call *call;
    int64_t done, total;
};

static int show_extent(void *data, const struct blk_extent *extent)
{
    struct visit *visit = data;
    visit->done = extent->start;
    report_extent(visit->call, extent);
    return 0;
}

/* What a cluster of the file is for: its roles, or that it is free or leaked. */
static int show_host_run(void *data, const struct inspect_host_run *run)
{
    struct visit *visit = data;
    const struct command_call *call = visit->call;
    visit->done = run->start;
    char size[SIZE_TEXT_MAX];
    g_autoptr(GString) roles = g_string_new(NULL);
    for (unsigned role = 0; role < INSPECT_ROLE_COUNT; role++)
        if (run->roles >> role & 1)
            g_string_append_printf(roles, "%s%s", roles->len ? " + " : "", inspect_role_name(role));
    if (!run->roles)
        g_string_append(roles, run->refcount ? "leaked" : "free");
    else if (run->refcount_known && run->refcount != run->references)
        g_string_append(roles, run->refcount > run->references ? ", leaked in part" : ", refcount too low");
    if (run->snapshot)
        g_string_append(roles, run->active ? ", in snapshots" : ", only in snapshots");
    if (report_as_json(call)) {
        struct report_json_member members[] = {
            {"start", NULL, run->start}, {"length", NULL, run->bytes}, {"use", roles->str, 0}, {"references", NULL, run->references},
            {"refcount", NULL, run->refcount, run->refcount_known ? NULL : "null"}};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return 0;
    }
    g_autofree char *refcount = run->refcount_known ? g_strdup_printf("%" PRIu64, run->refcount) : g_strdup("unknown");
    report_say(call, "0x%010" PRIx64 " +0x%" PRIx64 " (%s)  %s  references %" PRIu64 " refcount %s", run->start, run->bytes,
               size_format(run->bytes, size), roles->str, run->references, refcount);
    return 0;
}

static int export_co(const struct command_call *call)
{
    bool force = false, host = false;
    for (int i = 2; i < call->argc - 1; i++) {
        bool *option = !strcmp(call->argv[i], "--force") ? &force : !strcmp(call->argv[i], "--host") ? &host : NULL;
        if (!option || *option)
            return command_misused(call, &command_map);
        *option = true;
    }
    const char *path = call->argv[call->argc - 1];
    return call->argc > 2 && !g_str_has_prefix(path, "--") ? map_svg_export_co(call, path, host, force) : command_misused(call, &command_map);
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
    if (!strcmp(form, "export"))
        return export_co(call);
    if (call->argc > 2)
        return command_misused(call, &command_map);
    visit.total = !strcmp(form, "--host") ? MAX(inspect_host_size(blk), 0) : length;
    if (strcmp(form, "--summary")) /* it does not say */
        session_show_progress(call, &visit.done, &visit.total);
    if (!strcmp(form, "--json")) {
        ret = map_json_co(call, length, &visit.done);
    } else if (!strcmp(form, "--host")) {
        ret = inspect_host_map_co(blk, show_host_run, &visit);
        if (ret == -ENOTSUP) /* a file without a structure of its own */
            ret = blk_status_bulk_co(blk, 0, length, show_extent, &visit);
    } else if (!strcmp(form, "--extents")) {
        ret = blk_status_bulk_co(blk, 0, length, show_extent, &visit);
    } else if (!strcmp(form, "--summary")) {
        struct blk_kinds kinds;
        ret = blk_kinds_co(blk, &kinds);
        if (!ret)
            report_kinds(call, kinds.bytes, kinds.extents, length);
    } else {
        return command_misused(call, &command_map);
    }
    return ret < 0 && ret != -ECANCELED ? report_failure(call, "map", ret) : ret;
}

static const struct command_own map_own = {
    .args = "[--json|--extents|--summary|--host|export [--force] [--host] file.svg]",
    .max_args = 4,
};

const struct command command_map = {
    .name = "map",
    .args = "",
    .summary = "shows which ranges this layer holds",
    .help = "\n"
            "One line for each run of allocated or unallocated bytes of the top layer.\n"
            "\n"
            "  --json      every extent as `qemu-img map --output=json` writes it: layer, kind, place in the file\n"
            "  --extents   every extent: kind, layer, place in which file\n"
            "  --host      what each part of the image's file is for: header, tables, data, free, leaked\n"
            "  --summary   how much there is of each kind\n"
            "  export      writes a picture of it, as the screen shows it, to a file; with --host of the image's file; --force\n"
            "              replaces one that is there\n"
            "\n"
            "  map --summary          how much of the image is data, how much is zero\n",
    .own = &map_own,
    .run_co = map_co,
};
