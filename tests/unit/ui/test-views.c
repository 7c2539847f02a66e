/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pictures of every view of the panels, every overlay and every question: at three sizes, in UTF-8 and ASCII, with colour and without, and at
 * sizes between and beyond these.  A
 * request that lays something over the panels or asks something, and has no picture here, fails the test.
 */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"

static const struct {
    int width, height;
} sizes[] = {{80, 24}, {40, 10}, {160, 48}};

/* Between them and beyond: in UTF-8 with colour, and of the largest those views only that are another picture there. */
static const struct {
    int width, height;
    bool few;
} more_sizes[] = {{60, 15, false}, {220, 60, true}, {400, 120, true}};
static const char *const large[] = {"start", "map-disk", "map-curve", "hex-image", "pending-requests", "help"};

/* The first is told in full, of the others what differs from it. */
static const struct {
    const char *name;
    struct grid_traits traits;
} looks[] = {
    {"utf8 colour", {.utf8 = true, .colour = true}},
    {"ascii colour", {.utf8 = false, .colour = true}},
    {"utf8 mono", {.utf8 = true, .colour = false}},
    {"ascii mono", {.utf8 = false, .colour = false}},
};

/* ---- images ---- */

static void run(struct driver *driver, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void run(struct driver *driver, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    struct sink *sink = sink_new_buffer();
    if (g_str_has_prefix(line, "open ")) {
        driver_let_files_age(driver);
    }
    if (batch_run_line(driver->session, line, sink) != 0) {
        g_error("%s: %s", line, sink_buffer_text(sink));
    }
    sink_free(sink);
    driver_settle(driver);
}

/* An image of 4 MiB on another one, with every kind of cluster there is. */
static void with_layers(struct driver *driver)
{
    const char *dir = driver->dir;
    run(driver, "close");
    run(driver, "create -q -f qcow2 %s/base.qcow2 4M", dir);
    run(driver, "open -w -t unsafe %s/base.qcow2", dir); /* nobody waits for a disk */
    run(driver, "write -q -P 1 0 1M");
    run(driver, "write -q -P 1 3M 256k");
    run(driver, "close");
    run(driver, "create -q -f qcow2 -b base.qcow2 -F qcow2 %s/disk.qcow2", dir);
    run(driver, "open -w -t unsafe -o backing.driver=qcow2,backing.file.filename=%s/base.qcow2 %s/disk.qcow2", dir, dir);
    run(driver, "write -q -P 2 512k 100k");
    run(driver, "write -q -c -P 3 1536k 64k");
    run(driver, "write -q -z 2M 128k");
    run(driver, "write -q -P 2 3M 64k");
    run(driver, "discard -q 3M 64k");
    run(driver, "close"); /* what changes is looked at a little later */
    run(driver, "open -w -o backing.driver=qcow2,backing.file.filename=%s/base.qcow2 %s/disk.qcow2", dir, dir);
    driver_command(driver, "length"); /* the folder's name scrolls out of sight */
}

static void with_requests(struct driver *driver)
{
    driver_command(driver, "trace on");
    run(driver, "close");
    run(driver, "open -w -o driver=raw blkdebug::%s/disk.img", driver->dir);
    driver_command(driver, "break write_aio A");
    driver_command(driver, "break read_aio 'odd tag'");
    driver_command(driver, "inject write_aio,errno=28,once=on");
    driver_command(driver, "inject event=flush_to_disk,state=2,iotype=flush");
    driver_command(driver, "aio_write -q 64k 4k");
    driver_pass_ms(driver, 12);
    driver_command(driver, "aio_write -q 128k 4k");
    driver_command(driver, "resume A");
    driver_command(driver, "aio_read -q 1M 512");
    driver_pass_ms(driver, 1500);
}

/* A name that leads out of the driver's folder, and is the same each time. */
static void with_a_backing_file(struct driver *driver)
{
    run(driver, "close");
    run(driver, "create -q -u -f qcow2 -b /nowhere/base.raw -F raw %s/names.qcow2 1M", driver->dir);
    run(driver, "open %s/names.qcow2", driver->dir);
}

static void without_a_backing_file(struct driver *driver)
{
    with_a_backing_file(driver);
    run(driver, "follow none");
}

static void guessed(struct driver *driver)
{
    run(driver, "close");
    run(driver, "open %s/disk.img", driver->dir);
}

static void with_buffer(struct driver *driver)
{
    driver_command(driver, "read -v 1M 512");
}

static void with_selection(struct driver *driver)
{
    driver_command(driver, "cursor hex 0x10 0 0x10..0x1f");
}

/* ---- the pictures ---- */

static const struct view {
    const char *name;
    enum request request; /* that opens it; REQUEST_NONE: a panel's view */
    void (*make)(struct driver *driver); /* NULL: nothing more than a raw image */
    const char *commands, *keys;
} views[] = {
    {"start", REQUEST_NONE, NULL, "", ""},
    {"start-guessed", REQUEST_NONE, guessed, "", ""},
    {"map-disk", REQUEST_NONE, with_layers, "focus map; zoom", "Down Right"},
    {"map-file", REQUEST_NONE, with_layers, "focus map; zoom", "Down Down t"},
    {"map-curve", REQUEST_NONE, with_layers, "focus map; zoom", "c Right Down"},
    {"map-extents", REQUEST_NONE, with_layers, "focus map; zoom", "e Down Down"},
    {"map-sizes", REQUEST_NONE, with_layers, "focus map; zoom", "s"},
    {"map-compared", REQUEST_NONE, with_layers, "focus map; zoom", "x n"},
    {"map-differences", REQUEST_NONE, with_layers, "focus map; zoom", "x n L n"},
    {"map-layer", REQUEST_NONE, with_layers, "focus map; zoom", "y y"},
    {"hex-image", REQUEST_NONE, NULL, "focus hex; zoom", "Down v Right Right"},
    {"hex-file", REQUEST_NONE, with_layers, "focus hex; zoom", "o 2 4 l"},
    {"hex-buffer", REQUEST_NONE, with_buffer, "focus hex; zoom", "s S #"},
    {"hex-found", REQUEST_NONE, NULL, "find demo; focus hex; zoom", "n"},
    {"pending-requests", REQUEST_NONE, with_requests, "focus pending; zoom", "Down"},
    {"pending-times", REQUEST_NONE, with_requests, "focus pending; zoom", "t"},
    {"pending-events", REQUEST_NONE, with_requests, "focus pending; zoom", "End e"},
    {"pending-breakpoints", REQUEST_NONE, with_requests, "focus pending; zoom", "B Down"},
    {"console", REQUEST_NONE, with_buffer, "lenth; read 0 5x; focus console; zoom", "read"},
    {"console-scrolled", REQUEST_NONE, with_buffer, "focus console; zoom", "F3 00100000 Enter"},

    {"help", REQUEST_HELP, NULL, "", "?"},
    {"help-search", REQUEST_OVERLAY_SEARCH, NULL, "", "? / page"},
    {"palette", REQUEST_PALETTE, NULL, "", "Ctrl-P redr"},
    {"themes", REQUEST_THEMES, NULL, "", "F9 Down"},
    {"formats", REQUEST_FORMATS, guessed, "", "F8"},
    {"chain", REQUEST_LAYERS, with_layers, "", "F7 Down"},
    {"chain-missing", REQUEST_NONE, without_a_backing_file, "", "F7 Down"},
    {"approval", REQUEST_NONE, with_a_backing_file, "", ""},

    {"ask-go-to", REQUEST_GO_TO, NULL, "", "g 64"},
    {"ask-compare", REQUEST_MAP_COMPARE_WITH, with_layers, "", "X"},
    {"ask-search", REQUEST_HEX_SEARCH, NULL, "focus hex", "/"},
    {"ask-search-hex", REQUEST_HEX_SEARCH_HEX, NULL, "focus hex", "\\ 7f Space 4?"},
    {"ask-copy", REQUEST_HEX_YANK, with_selection, "focus hex", "y"},
    {"ask-mark", REQUEST_HEX_SET_MARK, NULL, "focus hex", "m"},
    {"ask-to-mark", REQUEST_HEX_GO_MARK, NULL, "focus hex", "'"},
    {"ask-break", REQUEST_PENDING_ADD_BREAK, NULL, "focus pending", "a"},
    {"ask-inject", REQUEST_PENDING_INJECT, NULL, "focus pending", "i"},
    {"ask-output", REQUEST_CONSOLE_SEARCH, NULL, "focus console", "F3"},
};

/* Where the driver's folder, whose name is another each time, would be seen. */
static char *without_folder(const struct driver *driver, const char *dump)
{
    g_auto(GStrv) parts = g_strsplit(dump, driver->dir, -1);
    g_autofree char *same = g_strnfill(strlen(driver->dir), '/');
    return g_strjoinv(same, parts);
}

static char *picture_of(const struct view *view, int width, int height, struct grid_traits traits)
{
    struct driver *driver = driver_new(width, height, traits, "disk.img");
    g_auto(GStrv) commands = g_strsplit(view->commands, "; ", -1), keys = g_strsplit(view->keys, " ", -1);
    if (view->make != NULL) {
        view->make(driver);
    }
    for (char **command = commands; *command != NULL; command++) {
        driver_command(driver, *command);
    }
    bool typed = driver->desk->focus == LAYOUT_CONSOLE && driver->desk->overlay == NULL;
    if (typed && view->request != REQUEST_CONSOLE_SEARCH && !g_str_has_prefix(view->name, "console")) {
        driver_keys(driver, "Esc"); /* back to the panel before */
    }
    for (char **word = keys; *word != NULL; word++) { /* what one asks for is there before the next */
        driver_keys(driver, *word);
    }
    g_autofree char *dump = headless_dump(driver->display);
    char *text = without_folder(driver, dump);
    driver_free(driver);
    return text;
}

static void append_difference(GString *text, const char *from, const char *to)
{
    g_auto(GStrv) before = g_strsplit(from, "\n", -1), after = g_strsplit(to, "\n", -1);
    unsigned had = g_strv_length(before), has = g_strv_length(after);
    for (unsigned i = 1; i < has; i++) { /* the first says the size */
        if (i >= had || strcmp(before[i], after[i]) != 0) {
            g_string_append_printf(text, "%u %s\n", i, after[i]);
        }
    }
}

static void check_view(const void *data)
{
    const struct view *view = data;
    g_autoptr(GString) all = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *first = picture_of(view, sizes[i].width, sizes[i].height, looks[0].traits);
        g_string_append(all, first);
        for (size_t look = 1; look < G_N_ELEMENTS(looks); look++) {
            g_autofree char *other = picture_of(view, sizes[i].width, sizes[i].height, looks[look].traits);
            g_string_append_printf(all, "%s: what differs, by line\n", looks[look].name);
            append_difference(all, first, other);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(more_sizes); i++) {
        bool shown = !more_sizes[i].few;
        for (size_t j = 0; j < G_N_ELEMENTS(large); j++) {
            shown |= strcmp(view->name, large[j]) == 0;
        }
        if (shown) {
            g_autofree char *other = picture_of(view, more_sizes[i].width, more_sizes[i].height, looks[0].traits);
            g_string_append(all, other);
        }
    }
    driver_check_snapshot(view->name, all->str);
}

/* ---- whether all have one ---- */

static bool has_picture(enum request request)
{
    for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
        if (views[i].request == request) {
            return true;
        }
    }
    return false;
}

/* Asked for where it means something: the panel it belongs to, with an image and a selection; the overlays' own with help open. */
static void test_what_opens_something_has_a_picture(void)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
        with_layers(driver);
        with_selection(driver);
        driver_keys(driver, "Esc");
        enum request_context context = request_info((enum request)request)->context, own = REQUEST_CONTEXT_COUNT;
        if (context == REQUEST_CONTEXT_OVERLAY) {
            driver_keys(driver, "?");
            own = driver->desk->overlay->ops->context(driver->desk->overlay);
        }
        desk_request(driver->desk, (enum request)request, 1);
        driver_settle(driver);
        bool opened = driver->desk->prompt != NULL ||
                      (driver->desk->overlay != NULL && driver->desk->overlay->ops->context(driver->desk->overlay) != own);
        bool again = request == REQUEST_CONSOLE_SEARCH_UP || request == REQUEST_CONSOLE_SEARCH_DOWN; /* that of the first search */
        if (opened && !again && !has_picture((enum request)request)) {
            g_printerr("there is no picture of what %s opens\n", request_info((enum request)request)->name);
            g_test_fail();
        }
        driver_free(driver);
    }
}

static void test_every_panel_has_a_picture(void)
{
    static const struct panel_ops *const panels[] = {&panel_map, &panel_hex, &panel_pending, &panel_console};
    G_STATIC_ASSERT(G_N_ELEMENTS(panels) == LAYOUT_PANELS);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        bool found = false;
        for (size_t j = 0; j < G_N_ELEMENTS(views); j++) {
            found |= views[j].request == REQUEST_NONE && g_str_has_prefix(views[j].name, panels[i]->name);
        }
        g_assert_true(found);
    }
}

int main(int argc, char **argv)
{
    g_setenv("LANG", "C.UTF-8", TRUE);
    driver_init(&argc, &argv);
    for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
        g_autofree char *name = g_strconcat("/views/", views[i].name, NULL);
        g_test_add_data_func(name, &views[i], check_view);
    }
    g_test_add_func("/views/what-opens-something-has-a-picture", test_what_opens_something_has_a_picture);
    g_test_add_func("/views/every-panel-has-a-picture", test_every_panel_has_a_picture);
    return driver_run_tests();
}
