/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random walks through everything that keys ask for: the log of each, replayed as `--script --headless` does, leads to the same screen, to
 * the cell.  BLKSCOPE_REPLAY_SEED and BLKSCOPE_REPLAY_WALKS in the environment make others, or more of them; BLKSCOPE_REPLAY_PAUSE_MS makes each
 * walk, not its replay, as slow as on a busy machine before it is looked at.  A walk that fails is shortened as long as it still does.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "driver.h"
#include "io/co.h"
#include "engine/batch.h"
#include "ui/console/line.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"

enum { WIDTH = 110, HEIGHT = 34, STEPS = 120, WALKS = 40 };

static char *folder; /* of the images, for all walks: their names are in the log */
static unsigned uses[REQUEST_COUNT];

/* ---- where a walk begins ---- */

#define QCOW2 "open DIR/disk.qcow2"
static const char *const beginnings[] = {
    "open -o driver=raw DIR/disk.raw",
    "open -s -o driver=raw DIR/disk.raw; write -q -P 7 1m 64k; read -q 1m 512",
    QCOW2,
    QCOW2 "; follow backing; read -q 0 4k",
    "open -o driver=raw blkdebug::DIR/disk.raw; break read_aio A; aio_read -q 64k 4k; aio_read -q 1m 512; trace on; read -v 0 2k",
    "open -s -o driver=raw DIR/disk.raw; goto 1m hex; hex-type digits 0x100000 ca",
    "length",
};

static char *in_folder(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "DIR", -1);
    return g_strjoinv(folder, parts);
}

static void make_images(void)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    folder = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *from = g_build_filename(driver->dir, "disk.img", NULL), *to = g_build_filename(folder, "disk.raw", NULL);
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(from, &bytes, &len, NULL) && g_file_set_contents(to, bytes, (gssize)len, NULL));
    g_autofree char *line = in_folder("close; create -q -f qcow2 -b disk.raw -F raw DIR/disk.qcow2; open -w -o backing.driver=raw,backing.file.filename=DIR/disk.raw DIR/disk.qcow2; "
                                      "write -q -P 2 512k 100k; write -q -c -P 3 1536k 64k; write -q -z 1m 64k; close");
    struct sink *sink = sink_new_buffer();
    g_assert_cmpint(batch_run_line(driver->session, line, sink), ==, 0);
    sink_free(sink);
    driver_free(driver);
}

static void remove_images(void)
{
    g_autofree char *raw = in_folder("DIR/disk.raw"), *qcow2 = in_folder("DIR/disk.qcow2");
    g_unlink(raw);
    g_unlink(qcow2);
    g_rmdir(folder);
    g_free(folder);
}

/* ---- one step ---- */

/* Contexts whose keys mean something now; how many. */
static int contexts_of(const struct desk *desk, enum request_context ret_contexts[static 3])
{
    enum request_context own = desk_focused(desk)->ops->context, typing = input_typing(desk_focused(desk));
    if (desk->overlay == NULL && desk->prompt == NULL && typing != REQUEST_CONTEXT_COUNT) {
        ret_contexts[0] = typing;
        return 1;
    }
    if (desk->prompt != NULL) {
        ret_contexts[0] = REQUEST_CONTEXT_PROMPT;
        return 1;
    }
    ret_contexts[0] = desk->overlay != NULL ? desk->overlay->ops->context(desk->overlay) : own;
    ret_contexts[1] = REQUEST_CONTEXT_MOVE;
    ret_contexts[2] = REQUEST_CONTEXT_GLOBAL;
    return !keymap_has_movements(ret_contexts[0]) ? 1 : desk->overlay != NULL ? 2 : 3;
}

static bool takes_text(const struct desk *desk)
{
    return desk->prompt != NULL || (desk->overlay != NULL && keymap_types_text(desk->overlay->ops->context(desk->overlay)));
}

/* A key that means something here, one that was used seldom more likely. */
static char *choose_key(GRand *random, const struct desk *desk)
{
    enum request_context contexts[3];
    int count = contexts_of(desk, contexts);
    enum request least = REQUEST_NONE;
    g_autofree char *chosen = NULL;
    for (int tries = 0; tries < 12 || chosen == NULL; tries++) {
        enum request request = (enum request)g_rand_int_range(random, 0, REQUEST_COUNT);
        enum request_context context = contexts[g_rand_int_range(random, 0, count)];
        char *key = request == REQUEST_QUIT || request == REQUEST_CONSOLE_QUIT ? NULL : keymap_key(context, request);
        if (key != NULL && (least == REQUEST_NONE || uses[request] < uses[least])) {
            g_free(chosen);
            chosen = key;
            least = request;
        } else {
            g_free(key);
        }
    }
    uses[least]++;
    return g_steal_pointer(&chosen);
}

static char *choose_step(GRand *random, const struct desk *desk)
{
    static const char *const typed[] = {"a", "e", "6", "0", "k", "Left", "Backspace", "'", "c", "é"};
    static const char *const lines[] = {"read -v 0 1k", "length", "goto 0x10000 hex", "help aio_read", "hex-fold", "map-zoom-in 64k"};
    if (takes_text(desk) && g_rand_int_range(random, 0, 3) != 0) {
        return g_strdup(typed[g_rand_int_range(random, 0, G_N_ELEMENTS(typed))]);
    }
    if (desk->prompt == NULL && desk->overlay == NULL && input_typing(desk_focused(desk)) == REQUEST_CONTEXT_CONSOLE && g_rand_int_range(random, 0, 4) == 0) {
        return g_strconcat(":", lines[g_rand_int_range(random, 0, G_N_ELEMENTS(lines))], NULL);
    }
    if (input_typing(desk_focused(desk)) != REQUEST_CONTEXT_COUNT && desk->overlay == NULL && g_rand_int_range(random, 0, 6) == 0) {
        return g_strdup(typed[g_rand_int_range(random, 0, G_N_ELEMENTS(typed))]);
    }
    return choose_key(random, desk);
}

/* A line after a colon is typed and run where that is possible, anything else is a key. */
static void do_step(struct driver *driver, const char *step)
{
    int typed;
    bool lists = strcmp(step, "Tab") == 0 && input_typing(desk_focused(driver->desk)) == REQUEST_CONTEXT_CONSOLE && driver->desk->overlay == NULL;
    if (lists && *line_text(&typed) != '\0') {
        return; /* what completion lists is advice, and in no log */
    }
    const struct overlay *overlay = driver->desk->overlay;
    bool aborts = overlay == NULL ? g_str_has_prefix(line_text(&typed), "abort") : driver_shows(driver, "> :abort ");
    if (strcmp(step, "Enter") == 0 && aborts) {
        return; /* that is what it says */
    }
    if (strcmp(step, "Enter") == 0 && overlay != NULL && g_strcmp0(overlay->ops->name(overlay), "formats") == 0) {
        return; /* others' formats are read through a process of their own, which takes its time */
    }
    if (step[0] == ':' && step[1] != '\0') {
        driver_command(driver, step + 1);
    } else {
        desk_type(driver->desk, step);
    }
    driver_settle(driver);
}

/* ---- what is seen ---- */

struct picture {
    struct desk *desk;
    const struct grid *grid; /* NULL: not yet */
};

static void picture_co(void *data)
{
    struct picture *picture = data;
    picture->grid = desk_picture_co(picture->desk, true);
}

/* When the map looked again at what was written, which it puts off for a moment when it just did. */
static const struct grid *finished_picture(struct driver *driver)
{
    struct picture picture = {.desk = driver->desk};
    co_start(picture_co, &picture);
    while (picture.grid == NULL) {
        g_main_context_iteration(NULL, TRUE);
    }
    return picture.grid;
}

/* Text, roles and cursor; whether a line was typed or logged is no difference. */
static char *look(struct driver *driver)
{
    const struct grid *grid = finished_picture(driver);
    GString *all = g_string_new(NULL), *roles = g_string_new(NULL);
    int x = -1, y = -1;
    for (int row = 0; row < grid_height(grid); row++) {
        for (int column = 0; column < grid_width(grid); column++) {
            const struct cell *cell = grid_cell(grid, column, row);
            cell_append(all, cell);
            g_string_append_c(roles, (char)('0' + (cell->role == ROLE_INPUT ? ROLE_ECHO : cell->role)));
            g_string_append_c(roles, (char)('a' + cell->flags));
        }
        g_string_append_c(all, '\n');
        g_string_append_c(roles, '\n');
    }
    bool shown = grid_cursor(grid, &x, &y);
    g_string_append_printf(all, "cursor %d at %d,%d\n%s", shown, x, y, roles->str);
    g_string_free(roles, TRUE);
    return g_string_free(all, FALSE);
}

static unsigned number_from(const char *variable, unsigned otherwise)
{
    const char *text = g_getenv(variable);
    return text != NULL ? (unsigned)g_ascii_strtoull(text, NULL, 10) : otherwise;
}

static GStrv log_of(struct driver *driver)
{
    g_autofree char *path = g_build_filename(driver->dir, "log", NULL), *line = g_strdup_printf("save-script -f %s", path), *text = NULL;
    g_assert_cmpint(batch_run_line(driver->session, line, sink_null()), ==, 0);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    GStrv lines = g_strsplit(text, "\n", -1);
    g_clear_pointer(&lines[g_strv_length(lines) - 1], g_free); /* behind the last newline */
    return lines;
}

static void begin(struct driver *driver, const char *beginning)
{
    g_autofree char *all = in_folder(beginning);
    g_auto(GStrv) lines = g_strsplit(all, "; ", -1);
    for (char **line = lines; *line != NULL; line++) {
        driver_command(driver, *line);
    }
    if (driver->desk->overlay == NULL) {
        driver_keys(driver, "Esc");
    }
}

/* Where the log of a walk that is over leads. */
static char *replay(const GStrv log)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, NULL);
    for (char **line = log; *line != NULL; line++) {
        desk_replay(driver->desk, *line);
        batch_run_line(driver->session, *line, desk_sink(driver->desk));
        driver_settle(driver);
    }
    driver_keys(driver, "Ctrl-L"); /* a remark stays until the next key */
    char *seen = look(driver);
    driver_free(driver);
    return seen;
}

/* Walks, along steps where there are some, else adding each that is chosen; whether a replay leads to the same screen. */
static bool walk(const char *beginning, GPtrArray *steps, GRand *random, bool tell)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, NULL);
    begin(driver, beginning);
    for (unsigned i = 0; random != NULL ? i < STEPS : i < steps->len; i++) {
        if (random != NULL) {
            g_ptr_array_add(steps, choose_step(random, driver->desk));
        }
        do_step(driver, steps->pdata[i]);
    }
    driver_keys(driver, "Ctrl-L");
    moves_log(driver->desk);
    driver_settle(driver);
    g_usleep(number_from("BLKSCOPE_REPLAY_PAUSE_MS", 0) * 1000UL);
    driver_settle(driver);
    g_autofree char *walked = look(driver);
    g_auto(GStrv) log = log_of(driver);
    driver_free(driver);
    g_autofree char *replayed = replay(log);
    bool same = strcmp(walked, replayed) == 0;
    if (!same && tell) {
        g_autofree char *script = g_strjoinv("\n", log);
        g_printerr("---- log\n%s\n---- walked to, in rows that differ, and replayed to (text, then roles)\n", script);
        g_auto(GStrv) left = g_strsplit(walked, "\n", -1), right = g_strsplit(replayed, "\n", -1);
        for (int i = 0; left[i] != NULL && right[i] != NULL; i++) {
            if (strcmp(left[i], right[i]) != 0) {
                g_printerr("%2d %s\n   %s\n", i, left[i], right[i]);
            }
        }
    }
    return same;
}

/* ---- failures ---- */

static GPtrArray *without(const GPtrArray *steps, unsigned from, unsigned count)
{
    GPtrArray *rest = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < steps->len; i++) {
        if (i < from || i >= from + count) {
            g_ptr_array_add(rest, g_strdup(steps->pdata[i]));
        }
    }
    return rest;
}

static void shorten_and_tell(const char *beginning, GPtrArray *steps)
{
    GPtrArray *shortest = without(steps, 0, 0);
    for (unsigned count = shortest->len / 2; count > 0; count /= 2) {
        for (unsigned from = 0; from < shortest->len;) {
            GPtrArray *fewer = without(shortest, from, count);
            bool fails = !walk(beginning, fewer, NULL, false);
            from += fails ? 0 : count;
            g_ptr_array_unref(fails ? shortest : fewer);
            shortest = fails ? fewer : shortest;
        }
    }
    walk(beginning, shortest, NULL, true);
    g_printerr("---- begins with %s\n---- steps", beginning);
    for (unsigned i = 0; i < shortest->len; i++) {
        g_printerr(" <%s>", (char *)shortest->pdata[i]);
    }
    g_printerr("\n");
    g_ptr_array_unref(shortest);
}

/* REQUEST_NONE: every request was, but for those that end the program. */
static enum request never_asked_for(void)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        if (uses[request] == 0 && request != REQUEST_QUIT && request != REQUEST_CONSOLE_QUIT) {
            return (enum request)request;
        }
    }
    return REQUEST_NONE;
}

static void test_logs_of_random_walks_lead_to_the_same_screen(void)
{
    unsigned seed = number_from("BLKSCOPE_REPLAY_SEED", 1), walks = number_from("BLKSCOPE_REPLAY_WALKS", WALKS);
    make_images();
    for (unsigned i = 0; (i < walks || (i < 8 * WALKS && never_asked_for() != REQUEST_NONE)) && !g_test_failed(); i++) {
        const char *beginning = beginnings[(seed + i) % G_N_ELEMENTS(beginnings)];
        g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GRand) random = g_rand_new_with_seed(seed + i);
        if (!walk(beginning, steps, random, true)) {
            g_printerr("BLKSCOPE_REPLAY_SEED=%u fails\n", seed + i);
            shorten_and_tell(beginning, steps);
            g_test_fail();
        }
    }
    enum request never = never_asked_for();
    if (walks >= WALKS && never != REQUEST_NONE && !g_test_failed()) {
        g_printerr("no walk asked for %s\n", request_info(never)->name);
        g_test_fail();
    }
    remove_images();
}

/* Each of them once led elsewhere, or could end the program. */
static void test_logs_of_known_walks_lead_to_the_same_screen(void)
{
    static const struct {
        const char *beginning, *steps;
    } walks[] = {
        {"open -s -o driver=raw DIR/disk.raw; goto 1m hex; hex-type digits 0x100000 ca", "Up e Enter"},
        {"open -s -o driver=raw DIR/disk.raw; goto 1m hex; hex-type digits 0x100000 ca", "Up d Ctrl-Down Right Left e F1 Esc Backspace F1"},
        {"open -s -o driver=raw DIR/disk.raw; write -q -P 7 1m 64k; read -q 1m 512", "Tab r Esc"},
        {QCOW2 "; follow backing; read -q 0 4k", "+ PageDown Ctrl-Down Tab Tab Ctrl-Up a Enter Ctrl-Up Ctrl-Down"},
        {"length", "F7 End d"},
        {"length", "F2 a b o r t Enter"},
        {"open -o driver=raw blkdebug::DIR/disk.raw; break read_aio A; aio_read -q 64k 4k; read -v 0 2k", "g Enter y Right Left"},
        {QCOW2, ":hex-fold Esc t PageDown PageUp"},
        {"length", "Ctrl-P k e Enter F5 Enter :help|aio_read"},
        {QCOW2 "; follow backing; read -q 0 4k", "t x Enter Shift-Tab L Down"},
        {QCOW2 "; follow backing; read -q 0 4k", "t x Enter Shift-Tab L Down Home Down L"},
    };
    make_images();
    for (size_t i = 0; i < G_N_ELEMENTS(walks); i++) {
        g_auto(GStrv) words = g_strsplit(walks[i].steps, " ", -1);
        g_autoptr(GPtrArray) steps = g_ptr_array_new();
        for (char **word = words; *word != NULL; word++) {
            g_ptr_array_add(steps, g_strdelimit(*word, "|", ' ')); /* within a line */
        }
        g_assert_true(walk(walks[i].beginning, steps, NULL, true));
    }
    remove_images();
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/replay/logs-of-known-walks-lead-to-the-same-screen", test_logs_of_known_walks_lead_to_the_same_screen);
    g_test_add_func("/replay/logs-of-random-walks-lead-to-the-same-screen", test_logs_of_random_walks_lead_to_the_same_screen);
    return driver_run_tests();
}
