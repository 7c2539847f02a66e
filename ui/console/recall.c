/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines are counted back from the newest, so that a replay, whose console may begin differently, finds them.  The line of the command itself
 * does not count: it was not there when the words were made.
 */
#include "ui/console/recall.h"

#include <inttypes.h>
#include <string.h>

#include "engine/opts.h"
#include "ui/console/console-private.h"
#include "ui/console/line.h"

static struct console *served;

void console_commands_serve(struct panel *console)
{
    served = (struct console *)console;
}

/* ---- the words ---- */

char *console_scroll_words(struct panel *panel, bool absolute)
{
    struct console *console = (struct console *)panel;
    struct scrollback *scrollback = console->scrollback;
    uint64_t end = absolute ? 0 : scrollback_end(scrollback), first, last;
    struct scrollback_place place = scrollback_place(scrollback);
    GString *words = g_string_new(NULL);
    if (!place.follows) {
        g_string_append_printf(words, " %" PRId64, (int64_t)(end - place.line));
        if (place.row > 0) {
            g_string_append_printf(words, " %d", place.row);
        }
    }
    if (console->wanted != NULL) {
        g_autofree char *text = g_shell_quote(console->wanted);
        g_string_append_printf(words, " -t %s -f %" PRId64, text, (int64_t)(absolute ? end - console->found : end - MIN(console->found, end)));
    }
    if (scrollback_marked_lines(scrollback, &first, &last)) {
        g_string_append_printf(words, " -m %" PRId64 "..%" PRId64, (int64_t)(end - first), (int64_t)(end - last));
    }
    return g_string_free(words, FALSE);
}

char *console_typed_words(struct panel *console)
{
    int typed;
    const char *text = line_text(&typed);
    g_autofree char *quoted = g_shell_quote(text);
    return *text != '\0' ? g_strdup_printf(" %s %d", quoted, typed) : g_strdup("");
}

/* ---- `scroll` ---- */

struct scroll_words {
    const char *text;       /* NULL: none */
    uint64_t found;         /* these count back, from the end */
    uint64_t first, last;   /* 0: none */
    uint64_t line, row;     /* line 0: the end */
};

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    return g_ascii_string_to_unsigned(text, 10, 0, max, ret_number, NULL);
}

static bool parse_marked(const char *text, struct scroll_words *words)
{
    const char *dots = strstr(text, "..");
    g_autofree char *first = g_strndup(text, dots != NULL ? (gsize)(dots - text) : 0);
    return dots != NULL && parse_number(first, INT64_MAX, &words->first) && parse_number(dots + 2, INT64_MAX, &words->last) &&
           words->last >= 1 && words->first >= words->last;
}

static bool parse(const struct command_call *call, struct opts *opts, struct scroll_words *words)
{
    bool good = true;
    opts_start(opts, call, console_command_scroll.options);
    for (int option; (option = opts_next(opts)) != -1;) {
        if (option == 't') {
            words->text = opts->value;
        } else if (option == 'f') {
            good &= parse_number(opts->value, INT64_MAX, &words->found);
        } else {
            good &= option == 'm' && parse_marked(opts->value, words);
        }
    }
    return good && opts->count <= 2 && (opts->count < 1 || parse_number(opts->operand[0], INT64_MAX, &words->line)) &&
           (opts->count < 2 || parse_number(opts->operand[1], LINESTORE_LINE_MAX, &words->row));
}

/* Behind the newest line that is not the command's own. */
static uint64_t end_without_own(struct scrollback *scrollback)
{
    uint64_t end = scrollback_end(scrollback);
    g_autofree char *newest = end > 0 ? scrollback_text(scrollback, end - 1, end - 1, LINESTORE_LINE_MAX + 1) : NULL;
    return newest != NULL && g_str_has_prefix(newest, "> scroll") ? end - 1 : end;
}

/* The line that was that many before the end. */
static uint64_t line_back(uint64_t end, uint64_t back)
{
    return end - MIN(back, end);
}

static int scroll_co(const struct command_call *call)
{
    struct scroll_words words = {0};
    struct opts opts = {0};
    if (!parse(call, &opts, &words)) {
        return command_misused(call, &console_command_scroll);
    }
    struct scrollback *scrollback = served->scrollback;
    uint64_t end = end_without_own(scrollback);
    g_free(served->wanted);
    served->wanted = g_strdup(words.text);
    served->found = line_back(end, words.found);
    scrollback_mark_text(scrollback, words.text);
    scrollback_mark_lines(scrollback, words.last > 0 ? line_back(end, words.first) : 1, words.last > 0 ? line_back(end, words.last) : 0);
    scrollback_set_place(scrollback, (struct scrollback_place){words.line == 0, line_back(end, words.line), (int)words.row});
    panel_redraw(&served->panel);
    return 0;
}

const struct command console_command_scroll = {
    .name = "scroll",
    .args = "[-t text] [-f lines] [-m first..last] [lines [row]]",
    .summary = "scrolls the console's output to so many lines before its end",
    .help = "\n"
            "What scrolling and looking through the output come to in the log. Lines count back from the newest; without, or with 0, the\n"
            "output follows what comes. A row is one of a line that takes several.\n"
            "\n"
            "  -t TEXT           is looked for, and marked wherever it is\n"
            "  -f LINES          where it was found last\n"
            "  -m FIRST..LAST    lines that are marked, as by mouse\n"
            "\n"
            "  scroll 100    the hundredth line from the end is the first that is shown\n",
    .options = "t:f:m:",
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = scroll_co,
};

/* ---- `type` ---- */

static int type_co(const struct command_call *call)
{
    uint64_t typed = INT32_MAX;
    if (call->argc > 2 && !parse_number(call->argv[2], INT32_MAX, &typed)) {
        return command_misused(call, &console_command_type);
    }
    line_set(call->argc > 1 ? call->argv[1] : "", (int)typed);
    panel_redraw(&served->panel);
    return 0;
}

const struct command console_command_type = {
    .name = "type",
    .args = "[text [typed]]",
    .summary = "puts text into the console's line, for Enter to run",
    .help = "\n"
            "What was typed and left unfinished, in the log. Typed is how many characters of it are before the cursor (all).\n"
            "\n"
            "  type 'read -v 64k 512'\n",
    .max_args = 2,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = type_co,
};
