/* SPDX-License-Identifier: GPL-3.0-or-later */
/* overlay: the temporary layer, looked at, undone, written back or dropped. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/blk_overlay.h"
#include "engine/commands.h"
#include "engine/compare-show.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/sandbox.h"
#include "util/size.h"

struct overlay_call {
    const struct command_call *call;
    bool json, metadata_only, yes;
};

static int complain(const struct overlay_call *overlay, const char *what, int ret, const GError *error)
{
    g_autofree char *reason = report_lines(overlay->call, error->message);
    if (ret != -ECANCELED)
        report_error(overlay->call, "overlay %s: %s", what, reason);
    return ret;
}

static struct blk *image(const struct overlay_call *overlay)
{
    return overlay->call->session->blk;
}

/* ---- status ---- */

static void show_json(const struct blk_overlay_status *status, struct sink *sink)
{
    sink_printf(sink, SINK_OUT,
                "{\"overlay\": true, \"bytes\": %" PRId64 ", \"ranges\": %u, \"size\": %" PRId64 ", \"size-below\": %" PRId64
                ", \"undo\": %u, \"redo\": %u}\n",
                status->bytes, status->ranges, status->size, status->below, status->undo, status->redo);
}

static void show_steps(const struct command_call *call, const char *what, unsigned count, const char *label)
{
    if (count == 0)
        return;
    g_autofree char *text = report_text(call, label);
    report_say(call, "%u step%s to %s, next: %s", count, count == 1 ? "" : "s", what, text);
}

static int show_status_co(const struct overlay_call *overlay)
{
    const struct command_call *call = overlay->call;
    struct blk_overlay_status status;
    char bytes[SIZE_TEXT_MAX], size[SIZE_TEXT_MAX], below[SIZE_TEXT_MAX];
    if (blk_overlay_status(image(overlay), &status) < 0) {
        if (overlay->json)
            sink_printf(call->sink, SINK_OUT, "{\"overlay\": false}\n");
        else
            report_say(call, "no overlay: %s", blk_is_writable(image(overlay)) ? "writes go to the image" : "the image is open read-only");
        return 0;
    }
    if (overlay->json) {
        show_json(&status, call->sink);
        return 0;
    }
    report_say(call, "%s in %u range%s written to the overlay", size_format_exact(status.bytes, bytes), status.ranges,
               status.ranges == 1 ? "" : "s");
    if (status.size != status.below)
        report_say(call, "resized from %s to %s", size_format_exact(status.below, below), size_format_exact(status.size, size));
    show_steps(call, "undo", status.undo, status.undo_label);
    show_steps(call, "redo", status.redo, status.redo_label);
    if (status.lost)
        report_say(call, "older steps can't be undone any more");
    return 0;
}

/* ---- begun, dropped, undone ---- */

static int start_co(const struct overlay_call *overlay)
{
    g_autoptr(GError) error = NULL;
    int ret = blk_overlay_start_co(image(overlay), &error);
    if (ret < 0)
        return complain(overlay, "start", ret, error);
    session_notify_image(overlay->call->session);
    return 0;
}

static int discard_co(const struct overlay_call *overlay)
{
    g_autoptr(GError) error = NULL;
    int ret = blk_overlay_discard_co(image(overlay), &error);
    if (ret < 0)
        return complain(overlay, "discard", ret, error);
    session_notify_image(overlay->call->session);
    return 0;
}

static int move_co(const struct overlay_call *overlay, bool forth)
{
    g_autofree char *label = NULL;
    g_autoptr(GError) error = NULL;
    int64_t length = blk_length(image(overlay));
    int ret = blk_overlay_move_co(image(overlay), forth, &label, &error);
    if (ret < 0)
        return complain(overlay, forth ? "redo" : "undo", ret, error);
    g_autofree char *text = report_text(overlay->call, label);
    report_say(overlay->call, "%s: %s", forth ? "redone" : "undone", text);
    if (blk_length(image(overlay)) != length)
        session_notify_image(overlay->call->session);
    return 0;
}

static int undo_co(const struct overlay_call *overlay)
{
    return move_co(overlay, false);
}

static int redo_co(const struct overlay_call *overlay)
{
    return move_co(overlay, true);
}

/* ---- diff ---- */

static int diff_co(const struct overlay_call *overlay)
{
    g_autoptr(GError) error = NULL;
    struct compare_other below;
    if (!blk_has_overlay(image(overlay))) {
        report_error(overlay->call, "overlay diff: there is no overlay");
        return -ENOTSUP;
    }
    int ret = compare_open_co(image(overlay), &(struct compare_how){0}, NULL, NULL, &below, &error);
    if (ret < 0)
        return complain(overlay, "diff", ret, error);
    struct compare compare = {image(overlay), below.blk, overlay->metadata_only, .below = true};
    ret = compare_show_co(overlay->call, &compare, overlay->json ? COMPARE_SHOW_JSON : 0);
    compare_close_co(&below);
    return ret == -EUCLEAN ? 0 : ret; /* a difference is what there should be */
}

/* ---- commit ---- */

static int ask(const struct overlay_call *overlay, const struct blk_overlay_status *status)
{
    const struct command_call *call = overlay->call;
    char bytes[SIZE_TEXT_MAX], size[SIZE_TEXT_MAX];
    const char *filename = blk_filename(image(overlay));
    g_autofree char *name = report_text(call, filename ? filename : "the image that was opened by its options");
    const char *advice = sandbox_is_read_only() ? SANDBOX_ADVICE_WRITE : "'overlay commit -y' does so; it can't be undone";
    if (call->session->config.json) {
        report_error(call, "overlay commit: %s in %u range%s would be written to %s: %s", size_format_exact(status->bytes, bytes), status->ranges,
                     status->ranges == 1 ? "" : "s", name, advice);
        return -EAGAIN;
    }
    report_say(call, "%s in %u range%s would be written to %s", size_format_exact(status->bytes, bytes), status->ranges,
               status->ranges == 1 ? "" : "s", name);
    if (status->size != status->below)
        report_say(call, "and it would be %s to %s", status->size < status->below ? "cut off" : "made longer",
                   size_format_exact(status->size, size));
    report_say(call, "%s", advice);
    if (sandbox_is_read_only() && command_find("save-script"))
        report_say(call, "'save-script FILE' keeps what was done, to be done again there (--script FILE)");
    return -EAGAIN;
}

static int commit_co(const struct overlay_call *overlay)
{
    const struct command_call *call = overlay->call;
    struct blk_overlay_status status;
    struct blk_overlay_progress progress = {0};
    g_autoptr(GError) error = NULL;
    char done[SIZE_TEXT_MAX], total[SIZE_TEXT_MAX];
    if (blk_overlay_status(image(overlay), &status) == 0 && !overlay->yes)
        return ask(overlay, &status);
    session_show_progress(call, &progress.done, &progress.total);
    int ret = blk_overlay_commit_co(image(overlay), &progress, &error);
    session_show_progress(call, NULL, NULL);
    if (ret < 0) {
        complain(overlay, "commit", ret, error);
        if (progress.total > 0)
            report_error(call, "overlay commit: %s of %s were written; the overlay still has all of it", size_format_exact(progress.done, done),
                         size_format_exact(progress.total, total));
        return ret;
    }
    report_say(call, "%s written", size_format_exact(progress.total, total));
    session_notify_image(call->session);
    return 0;
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*run_co)(const struct overlay_call *overlay);
} verbs[] = {{"status", show_status_co}, {"start", start_co},     {"diff", diff_co}, {"commit", commit_co},
             {"discard", discard_co},    {"undo", undo_co}, {"redo", redo_co}};

static int run_overlay_co(const struct command_call *call)
{
    struct overlay_call overlay = {.call = call, .json = report_as_json(call)};
    struct opts opts;
    int option;
    opts_start(&opts, call, command_overlay.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option == 'j')
            overlay.json = true;
        else if (option == 'm')
            overlay.metadata_only = true;
        else if (option == 'y')
            overlay.yes = true;
        else
            return command_misused(call, &command_overlay);
    }
    const char *verb = opts.count ? opts.operand[0] : "status";
    for (unsigned i = 0; opts.count < 2 && i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].name, verb) == 0)
            return verbs[i].run_co(&overlay);
    return command_misused(call, &command_overlay);
}

static char **complete_verb(const char *const *words, unsigned count)
{
    char **names = g_new0(char *, G_N_ELEMENTS(verbs) + 1);
    for (unsigned i = 0; count == 1 && i < G_N_ELEMENTS(verbs); i++)
        names[i] = g_strdup(verbs[i].name);
    return names;
}

const struct command command_overlay = {
    .name = "overlay",
    .args = "[-jmy] [status|start|diff|commit|discard|undo|redo]",
    .options = "jmy",
    .summary = "shows, undoes, writes back or drops what was written to the temporary layer",
    .help = "\n"
            "An image opened with -s is written to a temporary layer, and is not changed itself.\n"
            "\n"
            "  status   how much is in the layer, and which steps can be undone (default)\n"
            "  start    puts a layer on an image that is open for reading\n"
            "  diff     the ranges whose bytes differ from the image below; with -m, those that were written\n"
            "  commit   tells what would be written to the image; with -y, does it\n"
            "  discard  drops all that was written\n"
            "  undo     takes back what the last command wrote\n"
            "  redo     does what was undone last once more\n"
            "\n"
            "  -j       status and diff as JSON\n"
            "  -m       diff: only what the layer's tables say, and nothing is read\n"
            "  -y       commit: yes, write it\n"
            "\n"
            "  overlay commit -y      writes all changes to the image\n",
    .max_args = -1,
    .flags = COMMAND_OURS | COMMAND_OWN_NAME_ONLY,
    .names_for = complete_verb,
    .run_co = run_overlay_co,
};
