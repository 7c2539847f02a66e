/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typing over bytes: the panel's side of hex-edit.h.  It goes on only where it began, in the image; elsewhere it waits. */
#include <errno.h>
#include <string.h>

#include "block/blk.h"
#include "engine/report.h"
#include "engine/sink.h"
#include "ui/keymap.h"
#include "ui/panels/hex-commands.h"
#include "ui/panels/hex-edit.h"
#include "ui/panels/hex-panel.h"
#include "util/size.h"

bool hex_typing(struct panel *panel)
{
    const struct hex_panel *hex = (struct hex_panel *)panel;
    return hex->edit != NULL && hex->shown == HEX_SHOW_IMAGE;
}

static const char *why_not(struct hex_panel *hex)
{
    if (hex->blk == NULL) {
        return session_why_no_image(panel_session(&hex->panel));
    }
    if (hex->shown == HEX_SHOW_HOST) {
        return "not in the file of an image: t goes to the disk's byte; '-w -f raw' opens the file itself";
    }
    if (!blk_is_writable(hex->blk)) {
        return "open read-only: 'overlay start' keeps changes apart, -w writes to the image";
    }
    return hex_view_size(&hex->image) == 0 ? "the image is empty" : NULL;
}

/* NULL, or why it can't (static). */
static const char *start(struct hex_panel *hex)
{
    const char *why = why_not(hex);
    if (why != NULL) {
        return why;
    }
    if (hex->shown == HEX_SHOW_BUFFER) {
        hex_views_toggle_image(hex);
    }
    if (hex->edit == NULL) {
        hex->edit = hex_edit_new(hex->image.source);
        hex->image.source = hex_edit_source(hex->edit);
    }
    return NULL;
}

const char *hex_typing_ask(struct hex_panel *hex)
{
    const char *why = why_not(hex);
    if (why == NULL && hex->shown == HEX_SHOW_BUFFER) {
        panel_ask(&hex->panel, REQUEST_HEX_FOLLOW); /* the log has to have it, also when nothing is typed then */
    }
    return why != NULL ? why : start(hex);
}

void hex_typing_end(struct hex_panel *hex)
{
    if (hex->edit != NULL) {
        hex->image.source = hex_cache_source(hex->image.cache);
        g_clear_pointer(&hex->edit, hex_edit_free);
    }
}

static void write_typed(struct hex_panel *hex)
{
    g_auto(GStrv) stretches = hex_edit_stretches(hex->edit);
    hex_typing_end(hex);
    if (*stretches != NULL) { /* in one line: they run one after the other, and so they replay */
        g_autofree char *commands = g_strjoinv("; poke ", stretches);
        g_autofree char *line = g_strconcat("poke ", commands, NULL);
        panel_run(&hex->panel, line);
    }
}

static void drop(struct hex_panel *hex)
{
    if (hex_edit_count(hex->edit) > 0) {
        panel_remark(&hex->panel, "nothing was written");
    }
    hex_typing_end(hex);
}

bool hex_typing_request(struct hex_panel *hex, enum request request, int count)
{
    if (hex->edit == NULL) {
        return false;
    }
    switch (request) {
    case REQUEST_EDIT_WRITE:
        write_typed(hex);
        return true;
    case REQUEST_EDIT_DROP:
        drop(hex);
        return true;
    case REQUEST_EDIT_COLUMN:
        hex_edit_switch_column(hex->edit);
        return true;
    case REQUEST_EDIT_UNDO:
        while (count-- > 0 && hex_edit_take_back(hex->edit, &hex->image.cursor)) {
        }
        hex->image.cursor = CLAMP(hex->image.cursor, 0, MAX(hex_view_size(&hex->image), 1) - 1);
        return true;
    default:
        hex_edit_moved(hex->edit);
        return false;
    }
}

enum panel_reaction hex_typing_key(struct panel *panel, keycode key)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    /* Who types :close means no digits, and Enter would write its c and e. */
    bool asks = !hex_edit_in_text(hex->edit) && keymap_lookup(REQUEST_CONTEXT_GLOBAL, key) == REQUEST_PROMPT;
    if (asks || !key_is_text(key) || hex_view_size(&hex->image) == 0) {
        return PANEL_IGNORED;
    }
    const char *why = hex_edit_type(hex->edit, key, &hex->image.cursor);
    if (why != NULL) {
        panel_remark(panel, why);
    }
    return PANEL_REDRAW;
}

/* ---- in the log ---- */

char *hex_typing_unwritten(struct panel *panel)
{
    const struct hex_panel *hex = (struct hex_panel *)panel;
    if (hex->edit == NULL) {
        return NULL;
    }
    g_autofree char *words = hex_edit_words(hex->edit);
    return g_strconcat("hex-type ", hex_edit_in_text(hex->edit) ? "characters" : "digits", *words != '\0' ? " " : NULL, words, NULL);
}

static bool put_words(struct hex_panel *hex, const struct command_call *call)
{
    int64_t offset = -1;
    if (strcmp(call->argv[1], "characters") == 0) {
        hex_edit_switch_column(hex->edit);
    } else if (strcmp(call->argv[1], "digits") != 0) {
        return false;
    }
    for (int i = 2; i < call->argc; i++) {
        const char *word = call->argv[i];
        if (g_str_has_prefix(word, "0x") ? size_parse(word, &offset) != 0 : !hex_edit_put(hex->edit, &offset, word)) {
            return false;
        }
    }
    return true;
}

static int type_co(const struct command_call *call)
{
    struct hex_panel *hex = (struct hex_panel *)hex_commands_panel();
    hex_typing_end(hex);
    panel_redraw(&hex->panel);
    if (call->argc == 1) {
        return 0;
    }
    const char *why = start(hex);
    if (why == NULL && put_words(hex, call)) {
        return 0;
    }
    report_complain(call, "hex-type: %s", why != NULL ? why : "type digits or characters, then offsets (0x1000) with bytes (de ad) behind");
    hex_typing_end(hex);
    return -EINVAL;
}

const struct command hex_command_type = {
    .name = "hex-type",
    .args = "[digits|characters [offset bytes..]..]",
    .summary = "types over bytes in the hex panel, or forgets what was typed",
    .help = "\n"
            "What was typed and is not written yet, in the log: do edit-write writes it. Digits or characters is what is\n"
            "typed next. Without words typing ends.\n"
            "\n"
            "  hex-type digits 0x1fe 55 aa    as r and 55aa typed there\n",
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = type_co,
};
