/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshots, bitmaps: what an image keeps beside the disk. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/commands.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "util/size.h"

static int has_none(const struct command_call *call, const char *what, int ret)
{
    if (ret != -ENOTSUP)
        return report_failure(call, what, ret);
    report_error(call, "%s: the image's format has none", what);
    return ret;
}

/* ---- snapshots ---- */

struct listing {
    const struct command_call *call;
    unsigned count;
};

static void show_snapshot_json(const struct command_call *call, const struct inspect_snapshot *snapshot)
{
    struct report_json_member members[] = {
        {"id", snapshot->id, 0},
        {"name", snapshot->name, 0},
        {"vm-state-size", NULL, snapshot->vm_state_size},
        {"date-sec", NULL, snapshot->seconds},
        {"date-nsec", NULL, snapshot->nanoseconds},
        {"vm-clock-sec", NULL, snapshot->vm_clock_ns / 1000000000},
        {"vm-clock-nsec", NULL, snapshot->vm_clock_ns % 1000000000},
        {"disk-size", NULL, snapshot->size},
        {"icount", NULL, snapshot->icount},
    };
    report_json_members(call, members, G_N_ELEMENTS(members) - (snapshot->icount == UINT64_MAX));
}

/* Of usual ones in 76 columns, as many as half a screen has. */
#define SNAPSHOT_ROW "%-4s %-12s %9s  %-19s  %12s  %s%s"

static int show_snapshot(void *data, const struct inspect_snapshot *snapshot)
{
    struct listing *listing = data;
    const struct command_call *call = listing->call;
    char vm[SIZE_TEXT_MAX], disk[SIZE_TEXT_MAX];
    bool first = !listing->count++;
    if (report_as_json(call)) {
        show_snapshot_json(call, snapshot);
        return 0;
    }
    if (first)
        report_say(call, SNAPSHOT_ROW, "ID", "NAME", "VM STATE", "DATE", "VM CLOCK", "DISK", "");
    g_autofree char *id = report_text(call, snapshot->id);
    g_autofree char *name = report_text(call, snapshot->name);
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(snapshot->seconds);
    g_autofree char *when = g_date_time_format(date, "%Y-%m-%d %H:%M:%S");
    g_autofree char *icount = snapshot->icount == UINT64_MAX || snapshot->icount == 0 ? g_strdup("") : g_strdup_printf("  icount %" PRIu64, snapshot->icount);
    uint64_t ms = snapshot->vm_clock_ns / 1000000;
    g_autofree char *clock = g_strdup_printf("%02" PRIu64 ":%02d:%02d.%03d", ms / 3600000, (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
                                             (int)(ms % 1000));
    const char *size = snapshot->size > INT64_MAX ? size_format((double)snapshot->size, disk) : size_format_exact((int64_t)snapshot->size, disk);
    report_say(call, SNAPSHOT_ROW, id, name, size_format(snapshot->vm_state_size, vm), when, clock, size, icount);
    return 0;
}

static int snapshots_co(const struct command_call *call)
{
    struct listing listing = {call, 0};
    int ret = inspect_snapshots(call->session->blk, show_snapshot, &listing);
    if (ret < 0)
        return has_none(call, "snapshots", ret);
    if (!listing.count && report_as_json(call))
        report_json_none(call, "snapshots");
    else if (!listing.count)
        report_say(call, "no internal snapshots");
    return 0;
}

const struct command command_snapshots = {
    .name = "snapshots",
    .summary = "lists the image's internal snapshots",
    .help = "\n"
            "Id, name, size of the VM state, date, the guest's clock, the size that the disk had, and instructions, if they were counted.\n"
            "\n"
            "  snapshots                    which there are\n"
            "  open -o snapshot=NAME PATH   opens one of them, read-only, in place of the active state\n",
    .flags = COMMAND_OURS,
    .run_co = snapshots_co,
};

/* ---- bitmaps ---- */

static int show_bitmap(void *data, const struct inspect_bitmap *bitmap)
{
    struct listing *listing = data;
    const struct command_call *call = listing->call;
    char granularity[SIZE_TEXT_MAX], dirty[SIZE_TEXT_MAX];
    const char *flags = bitmap->in_use ? (bitmap->automatic ? "in-use, auto" : "in-use") : bitmap->automatic ? "auto" : "";
    bool first = !listing->count++;
    if (report_as_json(call)) {
        struct report_json_member members[] = {
            {"name", bitmap->name, 0}, {"granularity", NULL, bitmap->granularity, bitmap->granularity ? NULL : "null"}, {"flags", flags, 0},
            {"dirty", NULL, bitmap->dirty}};
        report_json_members(call, members, G_N_ELEMENTS(members) - (bitmap->dirty < 0));
        return 0;
    }
    if (first)
        report_say(call, "%-20s %11s  %-12s  %s", "NAME", "GRANULARITY", "FLAGS", "DIRTY");
    g_autofree char *name = report_text(call, bitmap->name);
    report_say(call, "%-20s %11s  %-12s  %s", name, bitmap->granularity ? size_format(bitmap->granularity, granularity) : "-", flags,
               bitmap->dirty < 0 ? g_strerror(-bitmap->dirty) : size_format_exact(bitmap->dirty, dirty));
    return 0;
}

static int list_bitmaps_co(const struct command_call *call)
{
    struct listing listing = {call, 0};
    int ret = inspect_bitmaps_co(call->session->blk, show_bitmap, &listing);
    if (ret < 0)
        return ret == -ECANCELED ? ret : has_none(call, "bitmaps", ret);
    if (!listing.count && report_as_json(call))
        report_json_none(call, "bitmaps");
    else if (!listing.count)
        report_say(call, "no bitmaps");
    return 0;
}

static int show_dirty(void *data, int64_t offset, int64_t bytes)
{
    struct listing *listing = data;
    const struct command_call *call = listing->call;
    char size[SIZE_TEXT_MAX];
    listing->count++;
    if (report_as_json(call)) {
        struct report_json_member members[] = {{"start", NULL, offset}, {"length", NULL, bytes}};
        report_json_members(call, members, G_N_ELEMENTS(members));
    } else {
        report_say(call, "0x%010" PRIx64 " +0x%" PRIx64 " (%s)", offset, bytes, size_format(bytes, size));
    }
    return 0;
}

static int bitmaps_co(const struct command_call *call)
{
    if (call->argc == 1)
        return list_bitmaps_co(call);
    struct listing listing = {call, 0};
    int ret = inspect_bitmap_co(call->session->blk, call->argv[1], show_dirty, &listing);
    g_autofree char *name = report_text(call, call->argv[1]);
    if (ret == 0 && !listing.count && report_as_json(call))
        report_json_none(call, "ranges");
    if (ret == -ENOENT)
        report_error(call, "There is no bitmap '%s' in the image", name);
    else if (ret == -EIO)
        report_error(call, "bitmap '%s': its table or data can't be read from here on ('check' may tell why)", name);
    else if (ret < 0 && ret != -ECANCELED)
        return has_none(call, "bitmaps", ret);
    return ret;
}

const struct command command_bitmaps = {
    .name = "bitmaps",
    .args = "[name]",
    .summary = "lists the image's persistent bitmaps, or the NBD export's, or what is dirty in one",
    .help = "\n"
            "Without a name: granularity, flags and how much is dirty. With one: its dirty ranges.\n"
            "What a bitmap says that is \"in-use\" is not up to date: whoever wrote the image last did not keep it.\n"
            "\n"
            "  bitmaps backup-1       the ranges written since that bitmap was made or cleared\n",
    .min_args = 0,
    .max_args = 1,
    .flags = COMMAND_OURS,
    .run_co = bitmaps_co,
};
