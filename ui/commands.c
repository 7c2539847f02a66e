/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen's own commands: with them a session's log replays. */
#include <errno.h>
#include <string.h>

#include "engine/command.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session.h"
#include "engine/sink.h"
#include "io/clock.h"
#include "io/co.h"
#include "ui/console/script.h"
#include "ui/console/recall.h"
#include "ui/desk-private.h"
#include "ui/overlay.h"
#include "ui/panels/hex-commands.h"
#include "ui/panels/map-commands.h"
#include "ui/panels/pending-commands.h"
#include "ui/shot.h"
#include "ui/themes.h"
#include "util/jsontext.h"
#include "util/size.h"

/* Commands are found by name only, so that the one desk there is has to be found by them. */
static struct desk *desk;

struct desk *commands_desk(void)
{
    return desk;
}

static int find_panel(const struct command_call *call, const char *name)
{
    int panel = desk_find_panel(desk, name);
    if (panel < 0) {
        g_autofree char *shown = report_text(call, name);
        report_complain(call, "%s: no panel '%s': there are map, hex, pending and console", call->argv[0], shown);
    }
    return panel;
}

/* The offset, or -EINVAL after having said what is wrong with it. */
static int64_t parse_offset(const struct command_call *call, const char *text)
{
    g_autofree char *why = NULL;
    int64_t offset = desk_parse_offset(desk, text, &why);
    if (offset < 0) {
        report_complain(call, "%s: %s", call->argv[0], why);
        return -EINVAL;
    }
    return offset;
}

/* 1: the panel's cursor is at what it calls so, 0: it is no such name, -EINVAL after having said what is wrong. */
static int place_named(const struct command_call *call, struct panel *panel, const char *text)
{
    g_autofree char *why = NULL;
    if (panel == NULL || panel->ops->place_named == NULL || !panel->ops->place_named(panel, text, &why)) {
        return 0;
    }
    desk_dirty(desk);
    if (why != NULL) {
        report_complain(call, "%s: %s", call->argv[0], why);
        return -EINVAL;
    }
    return 1;
}

static void focus(int panel)
{
    desk_focus(desk, (enum layout_panel)panel);
    log_focus_is_known(desk);
}

static int goto_co(const struct command_call *call)
{
    int panel = call->argc > 2 ? find_panel(call, call->argv[2]) : (int)desk->focus;
    if (panel < 0) {
        return -EINVAL;
    }
    desk_draw(desk); /* how far it scrolls depends on what is visible */
    int named = place_named(call, desk->panels[LAYOUT_HEX], call->argv[1]);
    if (named != 0) {
        focus(call->argc > 2 ? panel : LAYOUT_HEX);
        return MIN(named, 0);
    }
    const char *dots = strstr(call->argv[1], "..");
    g_autofree char *first = g_strndup(call->argv[1], dots != NULL ? (gsize)(dots - call->argv[1]) : strlen(call->argv[1]));
    int64_t start = parse_offset(call, first), last = start;
    if (start >= 0 && dots != NULL) {
        last = parse_offset(call, dots + 2);
    }
    if (start < 0 || last < 0) {
        return -EINVAL;
    }
    if (last < start) {
        report_complain(call, "goto: the range ends before it begins");
        return -EINVAL;
    }
    desk_show(desk, start, dots != NULL ? last - start + 1 : 0);
    focus(panel);
    return 0;
}

static int focus_co(const struct command_call *call)
{
    int panel = find_panel(call, call->argv[1]);
    if (panel < 0) {
        return -EINVAL;
    }
    desk_draw(desk);
    focus(panel);
    return 0;
}

static int zoom_co(const struct command_call *call)
{
    desk_draw(desk);
    desk_zoom(desk);
    return 0;
}

/*
 * Each key finds what it would find under the hand of a person, who looks at the screen before pressing it.
 *
 * The line that this is in may itself have come from a key: those keys wait for their turn.  What they do is not logged
 * once more.
 */
static int keys_co(const struct command_call *call)
{
    enum { PATIENCE_US = 10 * 1000 * 1000 };
    int64_t until_us = clock_now_us() + PATIENCE_US;
    co_yield_co();
    for (int i = 1; i < call->argc && desk != NULL; i++) {
        if (desk_settle_co(desk, until_us - clock_now_us()) < 0) {
            return -ECANCELED;
        }
        desk->silent = true;
        desk_type(desk, call->argv[i]);
        desk->silent = false;
        log_is_known(desk);
    }
    return 0;
}

/* An object: rows from the top, without the spaces at their ends. */
static char *screen_json(const struct grid *grid, const char *text)
{
    GString *json = g_string_new(NULL);
    g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
    int x, y;
    g_string_append_printf(json, "{\"columns\": %d, \"rows\": %d, \"cursor\": ", grid_width(grid), grid_height(grid));
    if (grid_cursor(grid, &x, &y)) {
        g_string_append_printf(json, "{\"column\": %d, \"row\": %d}", x, y);
    } else {
        g_string_append(json, "null");
    }
    g_string_append(json, ", \"text\": [");
    for (int i = 0; i < grid_height(grid) && rows[i] != NULL; i++) {
        g_string_append(json, i > 0 ? ", " : "");
        jsontext_append(json, g_strchomp(rows[i]));
    }
    g_string_append(json, "]}\n");
    return g_string_free(json, FALSE);
}

/* An SVG is one string. */
static char *svg_json(const char *svg)
{
    GString *json = g_string_new("{\"svg\": ");
    jsontext_append(json, svg);
    g_string_append(json, "}\n");
    return g_string_free(json, FALSE);
}

static int screen_co(const struct command_call *call)
{
    bool svg = call->argc > 1;
    if (svg && strcmp(call->argv[1], "--svg") != 0) {
        report_complain(call, "screen: there is only --svg to say how");
        return -EINVAL;
    }
    const struct grid *grid = desk_picture_co(desk, svg);
    if (grid == NULL) {
        return -ECANCELED;
    }
    g_autoptr(theme) theme = svg ? themes_load(desk->theme, desk->use_config, NULL) : NULL;
    g_autofree char *text = theme != NULL ? shot_svg(grid, theme) : grid_text(grid);
    g_autofree char *json = !session_config(call->session)->json ? NULL : theme != NULL ? svg_json(text) : screen_json(grid, text);
    const char *said = json != NULL ? json : text;
    sink_write(call->sink, SINK_OUT, said, strlen(said));
    return 0;
}

static char **theme_names(void)
{
    return themes_list(desk->use_config);
}

static void show_theme(const struct command_call *call, const char *name)
{
    bool is_used = strcmp(name, desk->theme) == 0;
    g_autofree char *shown = report_text(call, name);
    const struct report_json_member members[] = {report_json_text("theme", name), report_json_flag("used", is_used)};
    if (report_as_json(call)) {
        report_json_members(call, members, G_N_ELEMENTS(members));
    } else {
        report_say(call, "%c %s", is_used ? '*' : ' ', shown);
    }
}

static int theme_co(const struct command_call *call)
{
    g_autoptr(GError) error = NULL;
    if (call->argc == 1 && call->sink == desk_sink(desk)) {
        overlay_show(desk, theme_chooser_new(desk)); /* whoever sees the screen sees them, too */
        return 0;
    }
    if (call->argc > 1) {
        if (!desk_theme(desk, call->argv[1], &error)) {
            report_complain(call, "theme: %s", error->message);
            return -EINVAL;
        }
        return 0;
    }
    g_auto(GStrv) names = theme_names();
    for (char **name = names; *name != NULL; name++) {
        show_theme(call, *name);
    }
    if (!g_strv_contains((const char *const *)names, desk->theme)) {
        show_theme(call, desk->theme); /* a path */
    }
    return 0;
}

static const char *const mouse_actions[] = {
    [MOUSE_PRESS] = "press",
    [MOUSE_DRAG] = "drag",
    [MOUSE_RELEASE] = "release",
    [MOUSE_WHEEL_UP] = "wheel-up",
    [MOUSE_WHEEL_DOWN] = "wheel-down",
    NULL,
};

static int mouse_co(const struct command_call *call)
{
    unsigned what = 0;
    int64_t x, y;
    while (mouse_actions[what] && strcmp(mouse_actions[what], call->argv[1]) != 0) {
        what++;
    }
    if (!mouse_actions[what] || size_parse(call->argv[2], &x) != 0 || size_parse(call->argv[3], &y) != 0 ||
        x > INT16_MAX || y > INT16_MAX) {
        report_complain(call, "mouse: type what (press, drag, release, wheel-up, wheel-down), column and row");
        return -EINVAL;
    }
    co_yield_co();
    if (desk != NULL) {
        struct mouse mouse = {.what = (enum mouse_what)what, .x = (int)x, .y = (int)y, .button = what < MOUSE_WHEEL_UP};
        desk_draw(desk);
        desk->silent = true;
        desk_mouse(desk, &mouse);
        desk->silent = false;
        log_is_known(desk);
    }
    return 0;
}

/* Of the one word that focus takes, and of the second one of goto. */
static char **panel_names(const char *const *words, unsigned count)
{
    const char *const names[] = {"map", "hex", "pending", "console", NULL};
    return count == (strcmp(words[0], "goto") == 0 ? 2 : 1) ? g_strdupv((char **)names) : NULL;
}

static char **mouse_names(const char *const *words, unsigned count)
{
    return count == 1 ? g_strdupv((char **)mouse_actions) : NULL;
}

static const struct command command_focus = {
    .name = "focus",
    .args = "panel",
    .summary = "gives a panel of the screen the focus",
    .help = "\nPanels are map, hex, pending and console.\n\n  focus hex    keys go to the hex panel\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = panel_names,
    .run_co = focus_co,
};

static const struct command command_goto = {
    .name = "goto",
    .args = "offset[..last] [panel]",
    .summary = "shows an offset in hex and map",
    .help = "\n"
            "The offset is a number (64k, 0x1000), +N or -N from the cursor, N% of the image, $ for its last byte, s:N or c:N for\n"
            "the sector or cluster of that number; h:N is a place in the image's file, h1:N in that of the layer below.\n"
            "With a last byte, the range up to it is marked. With a panel's name, that panel gets the focus.\n"
            "\n"
            "  goto 0x1be..0x1fd hex    the partition table, marked, and the focus in hex\n"
            "  goto c:5                 the sixth cluster\n",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_OURS,
    .names_for = panel_names,
    .run_co = goto_co,
};

static const struct command command_keys = {
    .name = "keys",
    .args = "key [key..]",
    .summary = "does what keys do on the screen",
    .help = "\n"
            "A key is a name (Tab, Esc, PageDown, Ctrl-C, F1, Space) or text, which is typed. Each finds\n"
            "what the one before led to, as on the screen.\n"
            "\n"
            "  keys Tab i           the next panel, and i there\n"
            "  keys : length Enter  types a command and runs it\n",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = keys_co,
};

static const struct command command_mouse = {
    .name = "mouse",
    .args = "what column row",
    .summary = "does what the mouse does on the screen",
    .help = "\n"
            "What is press, drag or release (of the left button), wheel-up or wheel-down; column and row count from 0.\n"
            "\n"
            "  mouse press 10 5    gives the panel there the focus, and puts its cursor there\n",
    .min_args = 3,
    .max_args = 3,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = mouse_names,
    .run_co = mouse_co,
};

static const struct command command_screen = {
    .name = "screen",
    .args = "[--svg]",
    .summary = "prints the screen as text",
    .help = "\n"
            "With --svg it is a picture in the colours of the theme, for documents; the map is complete in it. In a session with\n"
            "--json it is an object: columns, rows, the cursor's place (counted from 0; null: it is not shown), and a string for\n"
            "each row; or the picture as one string.\n"
            "\n"
            "  screen          what is on the screen now, without colours\n",
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = screen_co,
};

static const struct command command_theme = {
    .name = "theme",
    .args = "[name]",
    .summary = "chooses a theme, or paints the screen with the one named",
    .help = "\n"
            "Without a name the console opens a list that tries on what is marked; a script gets the list as text.\n"
            "A name is a built-in one, one of your own in blkscope/themes/NAME.theme in the configuration folder, or the\n"
            "path of a theme file. In the list, * marks the one in use.\n"
            "\n"
            "  theme nord    paints the screen with that one\n",
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .names = theme_names,
    .run_co = theme_co,
};

static const struct command command_zoom = {
    .name = "zoom",
    .summary = "gives the focused panel the whole screen, or shares it again",
    .help = "\n  zoom    as z does\n",
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = zoom_co,
};

/* Every request of a panel is a command of that name too. */
static int request_co(const struct command_call *call)
{
    enum request request = request_find(call->argv[0]);
    int64_t offset = -1, count = 1;
    int at = 1;
    if (request_wants_offset(request) && call->argc > at) {
        const char *text = call->argv[at++];
        bool here = strcmp(text, "+0") == 0; /* which may be where an offset of the disk can't say */
        int named = here ? 1 : place_named(call, desk_panel_of(desk, request), text);
        if (named < 0 || (named == 0 && (offset = parse_offset(call, text)) < 0)) {
            return -EINVAL;
        }
    }
    if (call->argc > at && (size_parse(call->argv[at], &count) != 0 || count < 1 || count > DESK_COUNT_MAX)) {
        g_autofree char *shown = report_text(call, call->argv[at]);
        report_complain(call, "%s: '%s' is no count: type a number from 1 on", call->argv[0], shown);
        return -EINVAL;
    }
    desk_draw(desk); /* panels that were not painted yet do not know their size */
    bool silent = desk->silent;
    desk->silent = true; /* this line is in the log */
    bool done = desk_panel_request(desk, request, offset, (int)count);
    desk->silent = silent;
    if (!silent) {
        log_focus_is_known(desk);
        modal_is_known(desk);
    }
    if (!done) {
        report_complain(call, "%s: not possible without an image, with an empty one, or in a panel that was not shown yet",
                    call->argv[0]);
        return -EINVAL;
    }
    return desk_wait_co(desk);
}

static struct command request_commands[REQUEST_COUNT];
static const struct command *const own_commands[] = {
    &hex_command_copy,    &hex_command_find,    &hex_command_mark, &hex_command_save, &hex_command_to_mark, &hex_command_type,
    &options_command_bind, &console_command_scroll, &console_command_type, &modal_command_ask, &modal_command_show,       &command_focus,  &command_goto, &command_keys,  &options_command_layout, &command_mouse,
    &command_save_script, &command_screen, &moves_command_cursor, &moves_command_do, &options_command_set,  &command_theme, &command_zoom, &map_command_differences, &map_command_only,
    &pending_command_trace,
};
static const struct command *commands[G_N_ELEMENTS(own_commands) + REQUEST_COUNT + 1];

static char *request_help[REQUEST_COUNT];

/* What it is for, the summary says; how it is called is the same for all of them. */
static char *help_of(enum request request)
{
    const struct request_info *info = request_info(request);
    const char *panel = request_context_name(info->context);
    g_autofree char *lines =
        request_wants_offset(request)
            ? g_strdup_printf("  %s         where the cursor is\n  %s 1M 2    from 1 MiB on, twice\n", info->name, info->name)
            : g_strdup_printf("  %s      once\n  %s 2    twice\n", info->name, info->name);
    return g_strdup_printf("\nWhat a key does in the panel %s: 'bind %s' lists them.\n\n%s", panel, panel, lines);
}

void commands_add(struct desk *added)
{
    size_t count = G_N_ELEMENTS(own_commands);
    memcpy(commands, own_commands, sizeof(own_commands));
    for (int request = 0; request < REQUEST_COUNT; request++) {
        const struct request_info *info = request_info(request);
        if (request_has_command(request)) {
            request_help[request] = help_of(request);
            request_commands[request] = (struct command){
                .name = info->name,
                .args = request_wants_offset(request) ? "[offset [count]]" : "[count]",
                .summary = info->help,
                .help = request_help[request],
                .max_args = request_wants_offset(request) ? 2 : 1,
                .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
                .run_co = request_co,
            };
            commands[count++] = &request_commands[request];
        }
    }
    desk = added;
    console_commands_serve(added->panels[LAYOUT_CONSOLE]);
    hex_commands_serve(added->panels[LAYOUT_HEX]);
    map_commands_serve(added->panels[LAYOUT_MAP]);
    pending_commands_serve(added->panels[LAYOUT_PENDING]);
    command_add(commands);
}

void commands_remove(void)
{
    command_remove(commands);
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_clear_pointer(&request_help[request], g_free);
    }
    console_commands_serve(NULL);
    hex_commands_serve(NULL);
    map_commands_serve(NULL);
    pending_commands_serve(NULL);
    desk = NULL;
}
