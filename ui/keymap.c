/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/keymap.h"

#include <stdbool.h>
#include <string.h>

struct binding {
    enum request_context context;
    const char *key;
    enum request request;
};

#define KEY(context, key, request)                                                                                     \
    {                                                                                                                  \
        REQUEST_CONTEXT_##context, key, REQUEST_##request                                                              \
    }

/* The first key of a request is the one that hints name. */
static const struct binding bindings[] = {
    KEY(GLOBAL, "Tab", FOCUS_NEXT),
    KEY(GLOBAL, "Shift-Tab", FOCUS_PREVIOUS),
    KEY(GLOBAL, ":", PROMPT),
    KEY(GLOBAL, "?", HELP),
    KEY(GLOBAL, "F1", HELP),
    KEY(GLOBAL, "g", GO_TO),
    KEY(GLOBAL, "z", ZOOM),
    KEY(GLOBAL, "Ctrl-P", PALETTE),
    KEY(GLOBAL, "F2", PALETTE),
    KEY(GLOBAL, "F7", LAYERS),
    KEY(GLOBAL, "F8", FORMATS),
    KEY(GLOBAL, "F9", THEMES),
    KEY(GLOBAL, "Ctrl-Right", WIDER),
    KEY(GLOBAL, "Ctrl-Left", NARROWER),
    KEY(GLOBAL, "Ctrl-Down", TALLER),
    KEY(GLOBAL, "Ctrl-Up", SHORTER),
    KEY(GLOBAL, "q", QUIT),
    KEY(GLOBAL, "Ctrl-C", CANCEL),
    KEY(GLOBAL, "Ctrl-Z", SUSPEND),
    KEY(GLOBAL, "Ctrl-L", REDRAW),

    KEY(MOVE, "Up", UP),
    KEY(MOVE, "k", UP),
    KEY(MOVE, "Down", DOWN),
    KEY(MOVE, "j", DOWN),
    KEY(MOVE, "Left", LEFT),
    KEY(MOVE, "h", LEFT),
    KEY(MOVE, "Right", RIGHT),
    KEY(MOVE, "l", RIGHT),
    KEY(MOVE, "PageUp", PAGE_UP),
    KEY(MOVE, "Ctrl-B", PAGE_UP),
    KEY(MOVE, "PageDown", PAGE_DOWN),
    KEY(MOVE, "Ctrl-F", PAGE_DOWN),
    KEY(MOVE, "Space", PAGE_DOWN),
    KEY(MOVE, "b", PAGE_UP),
    KEY(MOVE, "u", HALF_UP),
    KEY(MOVE, "Ctrl-U", HALF_UP),
    KEY(MOVE, "d", HALF_DOWN),
    KEY(MOVE, "Ctrl-D", HALF_DOWN),
    KEY(MOVE, "0", ROW_START),
    KEY(MOVE, "^", ROW_START),
    KEY(MOVE, "$", ROW_END),
    KEY(MOVE, "Home", FIRST),
    KEY(MOVE, "<", FIRST),
    KEY(MOVE, "End", LAST),
    KEY(MOVE, ">", LAST),
    KEY(MOVE, "G", LAST),

    KEY(MAP, "Enter", MAP_SHOW),
    KEY(MAP, "]", MAP_NEXT_EXTENT),
    KEY(MAP, "[", MAP_PREVIOUS_EXTENT),
    KEY(MAP, "+", MAP_ZOOM_IN),
    KEY(MAP, "-", MAP_ZOOM_OUT),
    KEY(MAP, "o", MAP_ZOOM_CELL),
    KEY(MAP, "O", MAP_ZOOM_ALL),
    KEY(MAP, "t", MAP_HOST),
    KEY(MAP, "c", MAP_CURVE),
    KEY(MAP, "e", MAP_LIST),
    KEY(MAP, "s", MAP_SIZES),
    KEY(MAP, "x", MAP_DIFFERENCES),
    KEY(MAP, "X", MAP_COMPARE_WITH),
    KEY(MAP, "L", MAP_DIFFERENCE_LIST),
    KEY(MAP, "n", MAP_NEXT_DIFFERENCE),
    KEY(MAP, "N", MAP_PREVIOUS_DIFFERENCE),
    KEY(MAP, "p", MAP_NEXT_FAULT),
    KEY(MAP, "P", MAP_PREVIOUS_FAULT),
    KEY(MAP, "y", MAP_LAYER),
    KEY(MAP, "R", MAP_SCAN),

    KEY(HEX, "i", HEX_FOLLOW),
    KEY(HEX, "f", HEX_FOLD),
    KEY(HEX, "]", HEX_NEXT_EXTENT),
    KEY(HEX, "[", HEX_PREVIOUS_EXTENT),
    KEY(HEX, "}", HEX_NEXT_SAME),
    KEY(HEX, "{", HEX_PREVIOUS_SAME),
    KEY(HEX, "a", HEX_NEXT_DATA),
    KEY(HEX, "A", HEX_PREVIOUS_DATA),
    KEY(HEX, "e", HEX_NEXT_ZERO),
    KEY(HEX, "E", HEX_PREVIOUS_ZERO),
    KEY(HEX, "c", HEX_NEXT_COMPRESSED),
    KEY(HEX, "C", HEX_PREVIOUS_COMPRESSED),
    KEY(HEX, "w", HEX_NEXT_NOT_ZERO),
    KEY(HEX, "W", HEX_PREVIOUS_NOT_ZERO),
    KEY(HEX, "x", HEX_NEXT_DIFFERENCE),
    KEY(HEX, "X", HEX_PREVIOUS_DIFFERENCE),
    KEY(HEX, "/", HEX_SEARCH),
    KEY(HEX, "\\", HEX_SEARCH_HEX),
    KEY(HEX, "n", FIND_NEXT),
    KEY(HEX, "N", FIND_PREVIOUS),
    KEY(HEX, "Esc", HEX_CLEAR),
    KEY(HEX, "o", HEX_HOST),
    KEY(HEX, "t", HEX_TRANSLATE),
    KEY(HEX, "Enter", HEX_ENTER),
    KEY(HEX, "Ctrl-O", HEX_JUMP_BACK),
    KEY(HEX, "Ctrl-N", HEX_JUMP_FORWARD),
    KEY(HEX, "v", HEX_SELECT),
    KEY(HEX, "y", HEX_YANK),
    KEY(HEX, "m", HEX_SET_MARK),
    KEY(HEX, "'", HEX_GO_MARK),
    KEY(HEX, "s", HEX_GROUP),
    KEY(HEX, "S", HEX_BYTE_ORDER),
    KEY(HEX, "#", HEX_OFFSETS),
    KEY(HEX, "I", HEX_INSPECTOR),
    KEY(HEX, "R", HEX_READ_AGAIN),
    KEY(HEX, "r", HEX_EDIT),
    KEY(HEX, "Insert", HEX_EDIT),

    KEY(EDIT, "Enter", EDIT_WRITE),
    KEY(EDIT, "Esc", EDIT_DROP),
    KEY(EDIT, "Ctrl-C", EDIT_DROP),
    KEY(EDIT, "Tab", EDIT_COLUMN),
    KEY(EDIT, "Backspace", EDIT_UNDO),
    KEY(EDIT, "Up", UP),
    KEY(EDIT, "Down", DOWN),
    KEY(EDIT, "Left", LEFT),
    KEY(EDIT, "Right", RIGHT),
    KEY(EDIT, "PageUp", PAGE_UP),
    KEY(EDIT, "PageDown", PAGE_DOWN),
    KEY(EDIT, "Shift-Tab", FOCUS_PREVIOUS),
    KEY(EDIT, "F1", HELP),
    KEY(EDIT, "Ctrl-Z", SUSPEND),
    KEY(EDIT, "Ctrl-L", REDRAW),

    KEY(PENDING, "Enter", PENDING_SHOW),
    KEY(PENDING, "r", PENDING_RESUME),
    KEY(PENDING, "x", PENDING_REMOVE_BREAK),
    KEY(PENDING, "c", PENDING_CANCEL),
    KEY(PENDING, "s", PENDING_SORT),
    KEY(PENDING, "f", PENDING_FILTER),
    KEY(PENDING, "t", PENDING_TIMES),
    KEY(PENDING, "e", PENDING_EVENTS),
    KEY(PENDING, "T", PENDING_TRACE),
    KEY(PENDING, "B", PENDING_BREAKS),
    KEY(PENDING, "a", PENDING_ADD_BREAK),
    KEY(PENDING, "i", PENDING_INJECT),

    KEY(CONSOLE, "Enter", CONSOLE_RUN),
    KEY(CONSOLE, "Tab", CONSOLE_COMPLETE),
    KEY(CONSOLE, "Esc", CONSOLE_LEAVE),
    KEY(CONSOLE, "Shift-Tab", FOCUS_PREVIOUS),
    KEY(CONSOLE, "PageUp", CONSOLE_PAGE_UP),
    KEY(CONSOLE, "PageDown", CONSOLE_PAGE_DOWN),
    KEY(CONSOLE, "Home", CONSOLE_FIRST),
    KEY(CONSOLE, "End", CONSOLE_LAST),
    KEY(CONSOLE, "F1", HELP),
    KEY(CONSOLE, "F2", PALETTE),
    KEY(CONSOLE, "F7", LAYERS),
    KEY(CONSOLE, "F8", FORMATS),
    KEY(CONSOLE, "F9", THEMES),
    KEY(CONSOLE, "F3", CONSOLE_SEARCH),
    KEY(CONSOLE, "F4", CONSOLE_SEARCH_UP),
    KEY(CONSOLE, "Shift-Up", CONSOLE_SEARCH_UP),
    KEY(CONSOLE, "F5", CONSOLE_SEARCH_DOWN),
    KEY(CONSOLE, "Shift-Down", CONSOLE_SEARCH_DOWN),
    KEY(CONSOLE, "F6", CONSOLE_COPY),
    KEY(CONSOLE, "Ctrl-D", CONSOLE_QUIT),
    KEY(CONSOLE, "Ctrl-C", CANCEL),
    KEY(CONSOLE, "Ctrl-Z", SUSPEND),
    KEY(CONSOLE, "Ctrl-L", REDRAW),

    KEY(PROMPT, "Enter", PROMPT_ACCEPT),
    KEY(PROMPT, "Esc", PROMPT_CANCEL),
    KEY(PROMPT, "Ctrl-C", PROMPT_CANCEL),
    KEY(PROMPT, "Ctrl-Z", SUSPEND),
    KEY(PROMPT, "Ctrl-L", REDRAW),

    KEY(OVERLAY, "/", OVERLAY_SEARCH),
    KEY(OVERLAY, "q", OVERLAY_CLOSE),
    KEY(OVERLAY, "Esc", OVERLAY_CLOSE),
    KEY(OVERLAY, "?", OVERLAY_CLOSE),
    KEY(OVERLAY, "Enter", OVERLAY_CLOSE),
    KEY(OVERLAY, "F1", OVERLAY_CLOSE),
    KEY(OVERLAY, "Ctrl-C", OVERLAY_CLOSE),
    KEY(OVERLAY, "Ctrl-Z", SUSPEND),
    KEY(OVERLAY, "Ctrl-L", REDRAW),

    KEY(CHOOSER, "Enter", CHOOSER_ACCEPT),
    KEY(CHOOSER, "Esc", CHOOSER_CANCEL),
    KEY(CHOOSER, "Ctrl-C", CHOOSER_CANCEL),
    KEY(CHOOSER, "Up", CHOOSER_UP),
    KEY(CHOOSER, "Ctrl-P", CHOOSER_UP),
    KEY(CHOOSER, "Shift-Tab", CHOOSER_UP),
    KEY(CHOOSER, "Down", CHOOSER_DOWN),
    KEY(CHOOSER, "Ctrl-N", CHOOSER_DOWN),
    KEY(CHOOSER, "Tab", CHOOSER_DOWN),
    KEY(CHOOSER, "PageUp", CHOOSER_PAGE_UP),
    KEY(CHOOSER, "PageDown", CHOOSER_PAGE_DOWN),
    KEY(CHOOSER, "Ctrl-Z", SUSPEND),
    KEY(CHOOSER, "Ctrl-L", REDRAW),

    KEY(CHAIN, "Enter", CHAIN_SHOW),
    KEY(CHAIN, "m", CHAIN_MAP),
    KEY(CHAIN, "r", CHAIN_RELINK),
    KEY(CHAIN, "f", CHAIN_FOLLOW),
    KEY(CHAIN, "q", CHAIN_CLOSE),
    KEY(CHAIN, "Esc", CHAIN_CLOSE),
    KEY(CHAIN, "F7", CHAIN_CLOSE),
    KEY(CHAIN, "Ctrl-C", CHAIN_CLOSE),
    KEY(CHAIN, "Ctrl-Z", SUSPEND),
    KEY(CHAIN, "Ctrl-L", REDRAW),

    KEY(APPROVAL, "Enter", APPROVAL_TAKE),
    KEY(APPROVAL, "o", APPROVAL_OPEN),
    KEY(APPROVAL, "a", APPROVAL_OPEN_ALL),
    KEY(APPROVAL, "r", APPROVAL_RELINK),
    KEY(APPROVAL, "l", APPROVAL_LEAVE_OUT),
    KEY(APPROVAL, "q", APPROVAL_LEAVE_OUT),
    KEY(APPROVAL, "Esc", APPROVAL_CLOSE),
    KEY(APPROVAL, "Ctrl-C", APPROVAL_CLOSE),
    KEY(APPROVAL, "Ctrl-Z", SUSPEND),
    KEY(APPROVAL, "Ctrl-L", REDRAW),
};

/* ---- the table that holds now ---- */

struct bound {
    enum request_context context;
    keycode key;
    enum request request;
};

static GArray *bounds; /* NULL until somebody asks */

static GArray *current(void)
{
    if (bounds == NULL) {
        bounds = g_array_new(FALSE, FALSE, sizeof(struct bound));
        for (size_t i = 0; i < G_N_ELEMENTS(bindings); i++) {
            struct bound bound = {bindings[i].context, key_parse(bindings[i].key), bindings[i].request};
            g_array_append_val(bounds, bound);
        }
    }
    return bounds;
}

static struct bound *find_bound(enum request_context context, keycode key)
{
    GArray *array = current();
    for (unsigned i = 0; i < array->len; i++) {
        struct bound *bound = &g_array_index(array, struct bound, i);
        if (bound->context == context && bound->key == key) {
            return bound;
        }
    }
    return NULL;
}

enum request keymap_lookup(enum request_context context, keycode key)
{
    const struct bound *bound = find_bound(context, key);
    return bound != NULL ? bound->request : REQUEST_NONE;
}

void keymap_bind(enum request_context context, keycode key, enum request request)
{
    struct bound *bound = find_bound(context, key);
    if (bound != NULL) {
        g_array_remove_index(bounds, (unsigned)(bound - &g_array_index(bounds, struct bound, 0)));
    }
    if (request != REQUEST_NONE) {
        /* First: hints name what the user chose. */
        struct bound added = {.context = context, .key = key, .request = request};
        g_array_prepend_val(bounds, added);
    }
}

void keymap_reset(void)
{
    g_clear_pointer(&bounds, g_array_unref);
}

char *keymap_key(enum request_context context, enum request request)
{
    GArray *array = current();
    for (unsigned i = 0; i < array->len; i++) {
        const struct bound *bound = &g_array_index(array, struct bound, i);
        if (bound->context == context && bound->request == request) {
            return key_format(bound->key);
        }
    }
    return NULL;
}

char *keymap_keys(enum request_context context, enum request request)
{
    GString *keys = g_string_new(NULL);
    GArray *array = current();
    for (unsigned i = 0; i < array->len; i++) {
        const struct bound *bound = &g_array_index(array, struct bound, i);
        if (bound->context == context && bound->request == request) {
            g_autofree char *name = key_format(bound->key);
            g_string_append_printf(keys, "%s%s", keys->len > 0 ? ", " : "", name);
        }
    }
    return g_string_free(keys, keys->len == 0);
}

bool keymap_has_movements(enum request_context context)
{
    return context == REQUEST_CONTEXT_MAP || context == REQUEST_CONTEXT_HEX || context == REQUEST_CONTEXT_PENDING ||
           context == REQUEST_CONTEXT_OVERLAY || context == REQUEST_CONTEXT_CHAIN;
}

bool keymap_types_text(enum request_context context)
{
    return context == REQUEST_CONTEXT_CONSOLE || context == REQUEST_CONTEXT_PROMPT || context == REQUEST_CONTEXT_CHOOSER ||
           context == REQUEST_CONTEXT_EDIT;
}

static void document_context(GString *text, enum request_context context)
{
    g_string_append_printf(text,
                           "\n## %s\n\n%s\n\n| keys | request | does | as a command |\n| --- | --- | --- | --- |\n",
                           request_context_name(context), request_context_help(context));
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *keys = keymap_keys(context, request);
        if (keys != NULL) {
            const struct request_info *info = request_info(request);
            g_string_append_printf(text, "| %s | `%s` | %s | %s%s%s |\n", keys, info->name, info->help,
                                   info->command ? "`" : "", info->command ? info->command : "",
                                   info->command ? "`" : "");
        }
    }
}

char *keymap_document(void)
{
    GString *text = g_string_new(
        "# Keys of the full screen\n\n"
        "Made from the tables of requests and keys (`ui/request.h`, `ui/keymap.c`); a test fails when this "
        "page differs.\nRewrite it with `UPDATE_SNAPSHOTS=1` and the test `ui/keymap`.\n\n"
        "A key is looked up in the focused panel's own table first, then in move, then in global. What a "
        "key does to the\nsession is logged in the console as the command it equals.\n\n"
        "Digits before a key say how often (`5j`); `12G` goes to the twelfth row. Lines of `CONTEXT KEY REQUEST` in the "
        "file\n`blkscope/keys` of the configuration folder change the table, as does the command `bind`; `none` as the "
        "request takes\na key away.\n");
    for (int context = 0; context < REQUEST_CONTEXT_COUNT; context++) {
        document_context(text, context);
    }
    return g_string_free(text, FALSE);
}
