/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-commands.h"

#include <errno.h>
#include <inttypes.h>

#include "engine/opts.h"
#include "engine/sink.h"
#include "ui/panels/hex-hunt.h"
#include "ui/panels/hex-panel.h"
#include "util/safetext.h"
#include "util/size.h"

/* Commands are found by name only, so that the one panel there is has to be found by them. */
static struct hex_panel *hex;

void hex_commands_serve(struct panel *panel)
{
    hex = (struct hex_panel *)panel;
}

static int complain(const struct command_call *call, const char *why)
{
    sink_printf(call->sink, SINK_ERR, "%s: %s\n", call->argv[0], why);
    return -EINVAL;
}

/* ---- find ---- */

struct find_words {
    bool backward, hex, ignore_case;
    const char *where; /* NULL: at the cursor */
};

static int parse_find(const struct command_call *call, struct opts *opts, struct find_words *words)
{
    int option;

    opts_start(opts, call, hex_command_find.options);
    while ((option = opts_next(opts)) != -1) {
        switch (option) {
        case 'b':
            words->backward = true;
            break;
        case 'i':
            words->ignore_case = true;
            break;
        case 'x':
            words->hex = true;
            break;
        case 'o':
            words->where = opts->value;
            break;
        default:
            return -EINVAL;
        }
    }
    return opts->count == 1 ? 0 : complain(call, "type what to find; in quotes when there are spaces in it");
}

static int place_cursor(const struct command_call *call, const char *where)
{
    g_autofree char *why = NULL;
    struct panel *panel = &hex->panel;
    int64_t offset;

    if (panel->ops->place_named(panel, where, &why)) {
        return why ? complain(call, why) : 0;
    }
    if (size_parse(where, &offset) != 0) {
        return complain(call, "the offset is a number, or h: and one in the file");
    }
    panel->ops->place(panel, offset);
    return 0;
}

/* Until it has ended, unless that was here at once. */
static int finish_find_co(const struct command_call *call)
{
    struct hex_hunt *hunt = hex->hunt ? hex_hunt_ref(hex->hunt) : NULL;
    int ret = 0;

    if (hunt && hex_hunt_wait_co(hunt) == -ECANCELED) {
        if (hex && hex->hunt == hunt) {
            hex_find_stop(hex);
            panel_redraw(&hex->panel);
        }
        ret = -ECANCELED;
    } else if (hunt) {
        ret = hunt->ret;
    }
    hex_hunt_unref(hunt);
    return ret;
}

static int run_find_co(const struct command_call *call)
{
    g_autoptr(GError) error = NULL;
    struct find_words words = {0};
    struct search search;
    struct opts opts;
    int ret = parse_find(call, &opts, &words);

    if (ret < 0) {
        return ret;
    }
    ret = words.hex ? search_hex(opts.operand[0], &search, &error)
                    : search_text(opts.operand[0], words.ignore_case, &search, &error);
    if (ret < 0) {
        return complain(call, error->message);
    }
    if (words.where && (ret = place_cursor(call, words.where)) < 0) {
        return ret;
    }
    hex_find(hex, &search, opts.operand[0], -1, words.backward);
    panel_redraw(&hex->panel);
    ret = finish_find_co(call);
    if (ret == -ENOENT) {
        g_autofree char *text = safetext_escape(opts.operand[0], -1);

        sink_printf(call->sink, SINK_ERR, "find: '%s' was not found\n", text);
    } else if (ret < 0 && ret != -ECANCELED) {
        sink_printf(call->sink, SINK_ERR, "find: %s\n", g_strerror(-ret));
    }
    return ret;
}

const struct command hex_command_find = {
    .name = "find",
    .args = "[-bix] [-o offset] pattern",
    .options = "bio:x",
    .summary = "moves the hex panel's cursor to the next match, and highlights all",
    .help = "\n"
            "Looks in what the panel shows, from the cursor to the end and then from the beginning. find-next and\n"
            "find-previous go on; search prints matches.\n"
            "\n"
            "  -b   backward\n"
            "  -i   letters match in upper and in lower case\n"
            "  -x   the pattern is hex, pairs of digits; ? is any digit\n"
            "  -o   from this offset on\n"
            "\n"
            "  find -x '55 aa'\n",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = run_find_co,
};
