/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every key of the tables, in every context it is in, does what its request says: what has to come of it, as state. */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"
#include "ui/panels/hex-layout.h"

enum { WIDTH = 160, HEIGHT = 48 };

/*
 * Before the key: commands (separated by "; ", DIR is the driver's folder), then keys.  LAYER: a temporary layer over the driver's image has sevens at 1 MiB;
 * QCOW2: an image of 2 MiB that has nothing else, and a compressed cluster at 192 KiB.  Wanted: what the state says after the key and did not before; with ! in front, the other way round.
 */
struct row {
    enum request request;
    int context; /* ANY: wherever it has a key */
    const char *commands, *keys, *wanted;
};

enum { ANY = -1 };

#define LAYER "close; open -s -o driver=raw DIR/disk.img; write -q -P 7 1m 64k"
#define QCOW2 \
    "close; create -q -f qcow2 DIR/layer.qcow2 2M; open -w DIR/layer.qcow2; write -q -P 7 1m 64k; write -q -c -P 5 192k 64k"
#define WRITABLE "close; open -w -o driver=raw DIR/disk.img"
#define DEBUG "close; open -o driver=raw blkdebug::DIR/disk.img"
#define STOPPED DEBUG "; break read_aio A; aio_read -q 64k 4k; length"
#define NAMES \
    "close; create -q -f qcow2 -o backing_file=DIR/disk.img,backing_fmt=raw DIR/names.qcow2; open DIR/names.qcow2"
#define FLAT "hex-fold; cursor hex 0x1000 0x1000"
#define CONTEXT(name) REQUEST_CONTEXT_##name

static const struct row rows[] = {
    {REQUEST_FOCUS_NEXT, ANY, "length", "", "focus=hex"},
    {REQUEST_FOCUS_PREVIOUS, CONTEXT(GLOBAL), "length", "", "focus=console"},
    {REQUEST_FOCUS_PREVIOUS, CONTEXT(CONSOLE), "length", "", "focus=pending"},
    {REQUEST_FOCUS_PREVIOUS, CONTEXT(EDIT), "length", "", "focus=map"},
    {REQUEST_PROMPT, ANY, "length", "", "focus=console"},
    {REQUEST_HELP, ANY, "length", "", "overlay=overlay"},
    {REQUEST_PALETTE, ANY, "length", "", "overlay=chooser"},
    {REQUEST_LAYERS, ANY, "length", "", "overlay=chain"},
    {REQUEST_FORMATS, ANY, "length", "", "read it as: "},
    {REQUEST_THEMES, ANY, "length", "", "theme: "},
    {REQUEST_QUIT, ANY, "length", "", "quit=1"},
    {REQUEST_GO_TO, ANY, "length", "", "prompt=1"},
    {REQUEST_ZOOM, ANY, "length", "", "zoomed=1"},
    {REQUEST_WIDER, ANY, "length", "", "wider"},
    {REQUEST_NARROWER, ANY, "length", "", "narrower"},
    {REQUEST_TALLER, ANY, "length", "", "taller"},
    {REQUEST_SHORTER, ANY, "length", "", "shorter"},
    {REQUEST_CANCEL, CONTEXT(CONSOLE), "length", "abc", "!> abc"},
    {REQUEST_CANCEL, ANY, "length", "", "remark=no command runs"},
    {REQUEST_SUSPEND, ANY, "length", "", "suspends=1"},
    {REQUEST_REDRAW, ANY, "length", "", "repaints=1"},

    {REQUEST_UP, ANY, FLAT "; focus hex", "", "hex=0xff0 "},
    {REQUEST_DOWN, ANY, FLAT "; focus hex", "", "hex=0x1010 "},
    {REQUEST_LEFT, ANY, FLAT "; focus hex", "", "hex=0xfff "},
    {REQUEST_RIGHT, ANY, FLAT "; focus hex", "", "hex=0x1001 "},
    {REQUEST_PAGE_UP, ANY, FLAT "; focus hex", "", "moved up a page"},
    {REQUEST_PAGE_DOWN, ANY, FLAT "; focus hex", "", "moved down a page"},
    {REQUEST_HALF_UP, ANY, FLAT "; focus hex", "", "moved up half a page"},
    {REQUEST_HALF_DOWN, ANY, FLAT "; focus hex", "", "moved down half a page"},
    {REQUEST_ROW_START, ANY, FLAT "; cursor hex 0x1005 0x1000; focus hex", "", "hex=0x1000 "},
    {REQUEST_ROW_END, ANY, FLAT "; focus hex", "", "hex=0x100f "},
    {REQUEST_FIRST, ANY, FLAT "; focus hex", "", "hex=0 "},
    {REQUEST_LAST, ANY, FLAT "; focus hex", "", "hex=0x1fffff "},

    {REQUEST_MAP_SHOW, ANY, "cursor map 0x100000 0", "", "focus=hex"},
    {REQUEST_MAP_NEXT_EXTENT, ANY, LAYER "; cursor map 0x40000 0", "", "map=0x100000 "},
    {REQUEST_MAP_PREVIOUS_EXTENT, ANY, LAYER "; cursor map 0x108000 0", "", "map=0x100000 "},
    {REQUEST_MAP_ZOOM_IN, ANY, "length", "", "smaller cells"},
    {REQUEST_MAP_ZOOM_OUT, ANY, "map-zoom-in 0", "", "larger cells"},
    {REQUEST_MAP_ZOOM_CELL, ANY, "length", "", "smaller cells"},
    {REQUEST_MAP_ZOOM_ALL, ANY, "map-zoom-in 0", "", "larger cells"},
    {REQUEST_MAP_HOST, ANY, QCOW2, "", "map · file"},
    {REQUEST_MAP_CURVE, ANY, "length", "", "map · curve"},
    {REQUEST_MAP_LIST, ANY, "length", "", "map · extents"},
    {REQUEST_MAP_SIZES, ANY, "length", "", "map · sizes of extents"},
    {REQUEST_MAP_DIFFERENCES, ANY, LAYER, "", "> differences"},
    {REQUEST_MAP_COMPARE_WITH, ANY, LAYER, "", "compare with: "},
    {REQUEST_MAP_DIFFERENCE_LIST, ANY, LAYER "; differences", "", "map · differences"},
    {REQUEST_MAP_NEXT_DIFFERENCE, ANY, LAYER "; differences", "", "map=0x100000 "},
    {REQUEST_MAP_PREVIOUS_DIFFERENCE, ANY, LAYER "; differences; cursor map 0x1f0000 0", "", "map=0x100000 "},
    {REQUEST_MAP_NEXT_FAULT, ANY, QCOW2, "", "> map-next-fault"},
    {REQUEST_MAP_PREVIOUS_FAULT, ANY, QCOW2, "", "> map-previous-fault"},
    {REQUEST_MAP_LAYER, ANY, LAYER, "", "only layer 0"},
    {REQUEST_MAP_SCAN, ANY, "length", "", "> map-scan"},

    {REQUEST_HEX_FOLLOW, ANY, "read -q 1m 512", "", "hex · image"},
    {REQUEST_HEX_FOLD, ANY, "length", "", "unfolded"},
    {REQUEST_HEX_NEXT_EXTENT, ANY, LAYER "; cursor hex 0x40000", "", "hex=0x100000 "},
    {REQUEST_HEX_PREVIOUS_EXTENT, ANY, LAYER "; cursor hex 0x108000", "", "hex=0x100000 "},
    {REQUEST_HEX_HOST, ANY, LAYER, "", "hex · file"},
    {REQUEST_HEX_TRANSLATE, ANY, QCOW2 "; cursor hex 0x100000", "", "hex · file"},
    {REQUEST_HEX_ENTER, ANY, QCOW2 "; goto h:0x28", "", "hex=0x30000 "},
    {REQUEST_HEX_SEARCH, ANY, "length", "", "search: "},
    {REQUEST_HEX_SEARCH_HEX, ANY, "length", "", "prompt=1"},
    {REQUEST_FIND_NEXT, ANY, "find scope; focus hex; cursor hex 0x3 0", "", "hex=0x13 "},
    {REQUEST_FIND_PREVIOUS, ANY, "find scope; focus hex; cursor hex 0x23 0", "", "hex=0x13 "},
    {REQUEST_HEX_CLEAR, ANY, "cursor hex 0x10 0 0x10..0x1f", "", "!hex=0x10 top 0 0x10..0x1f"},
    {REQUEST_HEX_NEXT_SAME, ANY, QCOW2 "; cursor hex 0", "", "hex=0x40000 "},
    {REQUEST_HEX_PREVIOUS_SAME, ANY, QCOW2 "; cursor hex 0x1f0000", "", "hex=0x110000 "},
    {REQUEST_HEX_NEXT_DATA, ANY, LAYER "; cursor hex 0x40000", "", "hex=0x100000 "},
    {REQUEST_HEX_PREVIOUS_DATA, ANY, LAYER "; cursor hex 0x1f0000", "", "hex=0x100000 "},
    {REQUEST_HEX_NEXT_ZERO, ANY, LAYER "; cursor hex 0x100000", "", "hex=0x110000 "},
    {REQUEST_HEX_PREVIOUS_ZERO, ANY, QCOW2 "; cursor hex 0x100000", "", "hex=0x40000 "},
    {REQUEST_HEX_NEXT_COMPRESSED, ANY, QCOW2 "; cursor hex 0", "", "hex=0x30000 "},
    {REQUEST_HEX_PREVIOUS_COMPRESSED, ANY, QCOW2 "; cursor hex 0x100000", "", "hex=0x30000 "},
    {REQUEST_HEX_NEXT_NOT_ZERO, ANY, LAYER "; cursor hex 0x40000", "", "hex=0x100000 "},
    {REQUEST_HEX_PREVIOUS_NOT_ZERO, ANY, LAYER "; cursor hex 0x180000", "", "hex=0x10ffff "},
    {REQUEST_HEX_NEXT_DIFFERENCE, ANY, LAYER "; cursor hex 0x40000", "", "hex=0x100000 "},
    {REQUEST_HEX_PREVIOUS_DIFFERENCE, ANY, LAYER "; cursor hex 0x180000", "", "hex=0x10ffff "},
    {REQUEST_HEX_JUMP_BACK, ANY, "goto 0x1000; goto 1m", "", "hex=0x1000 "},
    {REQUEST_HEX_JUMP_FORWARD, ANY, "goto 0x1000; goto 1m; hex-jump-back", "", "hex=0x100000 "},
    {REQUEST_HEX_SELECT, ANY, "cursor hex 0x10", "", "0x10.."},
    {REQUEST_HEX_YANK, ANY, "cursor hex 0x10 0 0x10..0x1f", "", "copy as: "},
    {REQUEST_HEX_SET_MARK, ANY, "length", "", "mark as: "},
    {REQUEST_HEX_GO_MARK, ANY, "length", "", "to mark: "},
    {REQUEST_HEX_GROUP, ANY, "length", "", "> hex-group"},
    {REQUEST_HEX_BYTE_ORDER, ANY, "hex-group", "", "> hex-byte-order"},
    {REQUEST_HEX_INSPECTOR, ANY, "length", "", "> hex-inspector"},
    {REQUEST_HEX_OFFSETS, ANY, "length", "", "> hex-offsets"},
    {REQUEST_HEX_READ_AGAIN, ANY, "length", "", "> hex-read-again"},
    {REQUEST_HEX_EDIT, ANY, WRITABLE, "", "digits, 0 changed"},
    {REQUEST_EDIT_WRITE, ANY, "cursor hex 0x1000", "dead", "> poke 0x1000 de ad"},
    {REQUEST_EDIT_DROP, ANY, "length", "dead", "remark=nothing was written"},
    {REQUEST_EDIT_COLUMN, ANY, "length", "", "characters, 0 changed"},
    {REQUEST_EDIT_UNDO, ANY, "length", "dea", "digits, 1 changed"},

    {REQUEST_PENDING_RESUME, ANY, STOPPED, "", "!1 pending"},
    {REQUEST_PENDING_REMOVE_BREAK, ANY, STOPPED, "", "> remove_break A"},
    {REQUEST_PENDING_CANCEL, ANY, STOPPED, "", "!1 pending"},
    {REQUEST_PENDING_SORT, ANY, "length", "", "by offset"},
    {REQUEST_PENDING_FILTER, ANY, "length", "", "only suspended"},
    {REQUEST_PENDING_TIMES, ANY, "length", "", "> pending-times"},
    {REQUEST_PENDING_EVENTS, ANY, "length", "", "> pending-events"},
    {REQUEST_PENDING_TRACE, ANY, "length", "", "> trace on"},
    {REQUEST_PENDING_BREAKS, ANY, "length", "", "> pending-breakpoints"},
    {REQUEST_PENDING_ADD_BREAK, ANY, DEBUG, "", "break at: "},
    {REQUEST_PENDING_INJECT, ANY, DEBUG, "", "inject: "},
    {REQUEST_PENDING_SHOW, ANY, "read -q 1m 512", "", "> goto 0x100000"},

    {REQUEST_CONSOLE_RUN, ANY, "length", "discard", "bad argument count 0 to discard"},
    {REQUEST_CONSOLE_COMPLETE, ANY, "length", "trunc", "> truncate"},
    {REQUEST_CONSOLE_LEAVE, ANY, "length", "", "focus=map"},
    {REQUEST_CONSOLE_PAGE_UP, ANY, "read -v 0 4k", "", "lines below"},
    {REQUEST_CONSOLE_PAGE_DOWN, ANY, "read -v 0 4k", "PageUp", "!lines below"},
    {REQUEST_CONSOLE_FIRST, ANY, "read -v 0 4k", "", "Type : and a command"},
    {REQUEST_CONSOLE_LAST, ANY, "read -v 0 4k", "Home", "4 KiB, 1 ops"},
    {REQUEST_CONSOLE_SEARCH, ANY, "length", "", "look in the output for"},
    {REQUEST_CONSOLE_SEARCH_UP, ANY, "read -v 0 4k", "F3 00000ff0 Enter", "remark=no '00000ff0' further up"},
    {REQUEST_CONSOLE_SEARCH_DOWN, ANY, "read -v 0 4k", "F3 00000ff0 Enter", "remark=no '00000ff0' further down"},
    {REQUEST_CONSOLE_COPY, ANY, "length", "length Enter", "copied=2 MiB"},
    {REQUEST_CONSOLE_QUIT, ANY, "length", "", "quit=1"},

    {REQUEST_PROMPT_ACCEPT, ANY, "length", "64k", "hex=0x10000 "},
    {REQUEST_PROMPT_CANCEL, ANY, "length", "64k", "prompt=0"},
    {REQUEST_OVERLAY_CLOSE, ANY, "length", "", "overlay=none"},
    {REQUEST_OVERLAY_SEARCH, ANY, "length", "", "overlay=chooser"},
    {REQUEST_CHOOSER_ACCEPT, ANY, "length", "zoom", "zoomed=1"},
    {REQUEST_CHOOSER_CANCEL, ANY, "length", "zoom", "overlay=none"},
    {REQUEST_CHOOSER_UP, ANY, "length", "Down Down", "marked moved by -1"},
    {REQUEST_CHOOSER_DOWN, ANY, "length", "", "marked moved by 1"},
    {REQUEST_CHOOSER_PAGE_UP, ANY, "length", "PageDown", "marked moved"},
    {REQUEST_CHOOSER_PAGE_DOWN, ANY, "length", "", "marked moved"},

    {REQUEST_CHAIN_SHOW, ANY, LAYER, "End", "> goto h1:0"},
    {REQUEST_CHAIN_MAP, ANY, LAYER, "End", "only layer 1"},
    {REQUEST_CHAIN_RELINK, ANY, LAYER, "End", "remark=no layer names this one"},
    {REQUEST_CHAIN_FOLLOW, ANY, LAYER, "End", "remark=it is open already"},
    {REQUEST_CHAIN_CLOSE, ANY, "length", "", "overlay=none"},

    {REQUEST_APPROVAL_TAKE, ANY, NAMES, "o", "> follow backing"},
    {REQUEST_APPROVAL_OPEN, ANY, NAMES, "", "answer    open this file, and ask"},
    {REQUEST_APPROVAL_OPEN_ALL, ANY, NAMES, "", "answer    open it and all it names"},
    {REQUEST_APPROVAL_RELINK, ANY, NAMES, "", "answer    type the path of the file"},
    {REQUEST_APPROVAL_LEAVE_OUT, ANY, NAMES, "", "answer    leave it out"},
    {REQUEST_APPROVAL_CLOSE, ANY, NAMES, "", "> follow none"},
};

/* ---- the state ---- */

struct state {
    char *text;
    int width, height;    /* of the panel with the focus */
    int64_t cursor;       /* of hex */
    double cell;          /* bytes in one of the map */
    int marked;           /* row of the screen with the mark of a list, -1: none */
};

static double cell_size(const char *screen)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{" bytes/cell", 1}, {" KiB/cell", 1024}, {" MiB/cell", 1 << 20}};
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        const char *at = strstr(screen, units[i].unit);
        while (at != NULL && at > screen && (g_ascii_isdigit(at[-1]) || at[-1] == '.')) {
            at--;
        }
        if (at != NULL) {
            return g_ascii_strtod(at, NULL) * units[i].bytes;
        }
    }
    return 0;
}

static int marked_row(const char *screen)
{
    g_auto(GStrv) lines = g_strsplit(screen, "\n", -1);
    for (int y = 0; lines[y] != NULL; y++) {
        if (strstr(lines[y], "│> ") != NULL && y > 2 && y < HEIGHT - 12) {
            return y;
        }
    }
    return -1;
}

static struct state state_of(struct driver *driver)
{
    struct desk *desk = driver->desk;
    struct state state = {0};
    g_autofree char *screen = driver_text(driver);
    GString *text = g_string_new(NULL);
    const char *overlay = desk->overlay == NULL ? "none" : request_context_name(desk->overlay->ops->context(desk->overlay));
    g_string_printf(text, "focus=%s\nzoomed=%d\noverlay=%s\nprompt=%d\nquit=%d\nremark=%s\nsuspends=%u\nrepaints=%u\ncopied=%s\n",
                    desk_focused(desk)->ops->name, desk->zoomed, overlay, desk->prompt != NULL, desk_wants_quit(desk),
                    desk->remark != NULL ? desk->remark : "", driver->suspends, driver->repaints,
                    driver->copied != NULL ? driver->copied : "");
    for (int i = 0; i < LAYOUT_CONSOLE; i++) {
        struct panel_view view = moves_begin(desk->panels[i]);
        g_string_append_printf(text, "%s=%#" G_GINT64_MODIFIER "x top %#" G_GINT64_MODIFIER "x ", desk->panels[i]->ops->name,
                               (guint64)MAX(view.cursor, 0), (guint64)view.top);
        if (view.growing || view.range_end > view.range_start) {
            g_string_append_printf(text, "%#" G_GINT64_MODIFIER "x..%#" G_GINT64_MODIFIER "x", (guint64)view.range_start,
                                   (guint64)(view.growing ? 0 : view.range_end - 1));
        }
        g_string_append_c(text, '\n');
        state.cursor = i == LAYOUT_HEX ? view.cursor : state.cursor;
    }
    g_string_append(text, screen);
    state.text = g_string_free(text, FALSE);
    state.width = desk->layout.panels[desk->focus].width;
    state.height = desk->layout.panels[desk->focus].height;
    state.cell = cell_size(screen);
    state.marked = marked_row(screen);
    return state;
}

/* What is said of a change and of no state. */
static void tell_change(const struct state *before, struct state *after)
{
    enum { ROW = 16 };
    int64_t moved = (after->cursor - before->cursor) / ROW;
    int page = before->height - 2 - HEX_PANE_LINES; /* of hex */
    g_autofree char *text = after->text;
    const char *far = ABS(moved) > page * 3 / 4 ? "a page" : ABS(moved) > 1 ? "half a page" : "little";
    after->text = g_strdup_printf("%s%s%s%s%s\nmoved %s %s\nmarked moved by %d\n%s", after->width > before->width ? "wider" : "",
                                  after->width < before->width ? "narrower" : "", after->height > before->height ? "taller" : "",
                                  after->height < before->height ? "shorter" : "",
                                  after->cell < before->cell   ? "smaller cells"
                                  : after->cell > before->cell ? "larger cells"
                                                               : "",
                                  moved < 0 ? "up" : "down", far, after->marked - before->marked, text);
}

/* ---- one key ---- */

static void enter_context(struct driver *driver, enum request_context context, const char *commands)
{
    static const char *const panels[REQUEST_CONTEXT_COUNT] = {
        [REQUEST_CONTEXT_GLOBAL] = "focus map", [REQUEST_CONTEXT_MAP] = "focus map",         [REQUEST_CONTEXT_HEX] = "focus hex",
        [REQUEST_CONTEXT_MOVE] = "focus hex",   [REQUEST_CONTEXT_PENDING] = "focus pending", [REQUEST_CONTEXT_CONSOLE] = "focus console",
        [REQUEST_CONTEXT_EDIT] = "focus hex",   [REQUEST_CONTEXT_PROMPT] = "focus map", [REQUEST_CONTEXT_OVERLAY] = "focus map",     [REQUEST_CONTEXT_CHOOSER] = "focus map",
        [REQUEST_CONTEXT_CHAIN] = "focus map",
    };
    static const char *const keys[REQUEST_CONTEXT_COUNT] = {
        [REQUEST_CONTEXT_EDIT] = "r", [REQUEST_CONTEXT_CHAIN] = "F7", [REQUEST_CONTEXT_PROMPT] = "g", [REQUEST_CONTEXT_OVERLAY] = "?", [REQUEST_CONTEXT_CHOOSER] = "Ctrl-P"};
    g_autofree char *all = g_strconcat(context == CONTEXT(EDIT) ? WRITABLE "; " : "", commands, NULL);
    g_auto(GStrv) parts = g_strsplit(all, "DIR", -1);
    g_autofree char *with_dir = g_strjoinv(driver->dir, parts);
    g_auto(GStrv) lines = g_strsplit(with_dir, "; ", -1);
    for (char **line = lines; *line != NULL; line++) {
        driver_command(driver, *line);
    }
    if (panels[context] != NULL) { /* else the last command asks, and takes all keys */
        driver_command(driver, panels[context]);
    }
    if (keys[context] != NULL) {
        driver_keys(driver, keys[context]);
    }
}

static const struct row *row_of(enum request request, int context)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].request == request && (rows[i].context == context || rows[i].context == ANY)) {
            return &rows[i];
        }
    }
    return NULL;
}

static void check_key(const struct row *row, enum request_context context, const char *key)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    bool gone = row->wanted[0] == '!';
    const char *wanted = row->wanted + gone;
    enter_context(driver, context, row->commands);
    if (row->keys[0] != '\0') {
        driver_keys(driver, row->keys);
    }
    struct state before = state_of(driver);
    driver_keys(driver, key);
    driver_pass_ms(driver, 100);
    struct state after = state_of(driver);
    tell_change(&before, &after);
    bool was = strstr(before.text, wanted) != NULL, is = strstr(after.text, wanted) != NULL;
    if (was != gone || is == gone) {
        g_printerr("%s %s (%s): '%s' %s before and %s after:\n%s\n---- to ----\n%s\n", request_context_name(context), key,
                   request_info(row->request)->name, wanted, was ? "was there" : "was not there", is ? "is there" : "is not there",
                   before.text, after.text);
        g_test_fail();
    }
    g_free(before.text);
    g_free(after.text);
    driver_free(driver);
}

static void check_context(const void *data)
{
    enum request_context context = (enum request_context)GPOINTER_TO_INT(data);
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *names = keymap_keys(context, (enum request)request);
        g_auto(GStrv) keys = g_strsplit(names != NULL ? names : "", ", ", -1);
        const struct row *row = row_of((enum request)request, (int)context);
        if (names != NULL && row == NULL) {
            g_printerr("nothing here says what comes of %s\n", request_info((enum request)request)->name);
            g_test_fail();
        }
        for (char **key = keys; row != NULL && *key != NULL; key++) {
            check_key(row, context, *key);
        }
    }
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    for (int context = 0; context < REQUEST_CONTEXT_COUNT; context++) {
        g_autofree char *name = g_strdup_printf("/keys/%s", request_context_name((enum request_context)context));
        g_test_add_data_func(name, GINT_TO_POINTER(context), check_context);
    }
    return driver_run_tests();
}
