/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that set and find marks. */
#include <errno.h>
#include <string.h>

#include "engine/report-json.h"
#include "engine/report.h"
#include "ui/panels/hex-commands.h"
#include "ui/panels/hex-marks.h"
#include "ui/panels/hex-panel.h"
#include "util/size.h"

static struct hex_panel *panel_of_marks(void)
{
    return (struct hex_panel *)hex_commands_panel();
}

static void list_marks(const struct command_call *call)
{
    const struct hex_panel *hex = panel_of_marks();
    bool json = report_as_json(call), any = false;

    for (char mark = 'A'; mark <= 'z'; mark++) {
        const char *place = hex_marks_get(hex->marks, mark), letter[] = {mark, '\0'};
        const struct report_json_member members[] = {report_json_text("mark", letter), report_json_text("place", place)};

        any |= place != NULL;
        if (place && json) {
            report_json_members(call, members, G_N_ELEMENTS(members));
        } else if (place) {
            report_say(call, "%c %s", mark, place);
        }
    }
    if (json && !any) {
        report_json_none(call, "marks");
    }
}

static int run_mark_co(const struct command_call *call)
{
    struct hex_panel *hex = panel_of_marks();
    g_autoptr(GError) error = NULL;
    g_autofree char *why = NULL;

    if (call->argc == 1) {
        list_marks(call);
        return 0;
    }
    g_autofree char *where = call->argc > 2 ? hex_places_name(hex, call->argv[2], &why) : hex_places_where(&hex->panel);

    if (!where) {
        return hex_commands_complain(call, why ? why : "there is nothing to mark");
    }
    if (strlen(call->argv[1]) != 1 || hex_marks_set(hex->marks, call->argv[1][0], where, &error) < 0) {
        return hex_commands_complain(call, "a mark is a letter");
    }
    if (error) {
        report_complain(call, "mark: it is not kept for later runs: %s", error->message);
    }
    return 0;
}

/* Letters that are set. */
static char **mark_names(const char *const *words, unsigned count)
{
    const struct hex_panel *hex = panel_of_marks();
    GPtrArray *names = g_ptr_array_new();

    for (char mark = 'A'; count == 1 && mark <= 'z'; mark++) {
        if (hex_marks_get(hex->marks, mark)) {
            g_ptr_array_add(names, g_strndup(&mark, 1));
        }
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static int run_to_mark_co(const struct command_call *call)
{
    struct hex_panel *hex = panel_of_marks();
    const char *place = strlen(call->argv[1]) == 1 ? hex_marks_get(hex->marks, call->argv[1][0]) : NULL;
    g_autofree char *why = NULL;
    int64_t offset;

    if (!place) {
        return hex_commands_complain(call, "there is no such mark");
    }
    if (hex->panel.ops->place_named(&hex->panel, place, &why)) {
        panel_redraw(&hex->panel);
        return why ? hex_commands_complain(call, why) : 0;
    }
    if (size_parse(place, &offset) != 0 || offset >= hex_view_size(&hex->image)) {
        return hex_commands_complain(call, "that place is outside the image");
    }
    hex->panel.ops->go(&hex->panel, offset, 0);
    panel_redraw(&hex->panel);
    return 0;
}

const struct command hex_command_mark = {
    .name = "mark",
    .args = "[letter [offset]]",
    .summary = "marks the place of the hex panel's cursor, or lists what is marked",
    .help = "\n"
            "Marks are letters, and are kept for each image in blkscope/marks of the state folder, unless --no-history was given.\n"
            "\n"
            "  mark          those there are\n"
            "  mark a        where the cursor is\n"
            "  mark b 1M     another place\n",
    .max_args = 2,
    .flags = COMMAND_OURS,
    .run_co = run_mark_co,
};

const struct command hex_command_to_mark = {
    .name = "to-mark",
    .args = "letter",
    .summary = "moves the hex panel's cursor to a marked place",
    .help = "\n  to-mark a    where 'mark a' was\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_OURS,
    .names_for = mark_names,
    .run_co = run_to_mark_co,
};
