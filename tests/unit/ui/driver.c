/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "driver.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/batch.h"
#include "io/aio.h"
#include "io/clock.h"
#include "io/co.h"
#include "ui/desk-private.h"

enum { DEADLINE_S = 20, START_US = 1000 * 1000 * 1000, IMAGE_SIZE = 2 << 20 };

static int64_t now_us;

static void on_wake(void *data)
{
    ((struct driver *)data)->wakes++;
}

static void on_suspend(void *data)
{
    ((struct driver *)data)->suspends++;
}

static void on_repaint(void *data)
{
    ((struct driver *)data)->repaints++;
}

static void on_dress(void *data, const struct theme *theme)
{
    struct driver *driver = data;
    driver->text_style = theme_style(theme, THEME_DIRECT, ROLE_TEXT, 0);
}

static void on_mouse(void *data, bool on)
{
    ((struct driver *)data)->mouse = on;
}

static bool on_copy(void *data, const char *text, size_t len)
{
    struct driver *driver = data;
    g_free(driver->copied);
    driver->copied = g_strndup(text, len);
    return true;
}

static const struct desk_ops desk_ops = {on_wake, on_suspend, on_repaint, on_dress, on_mouse, on_copy};

void driver_init(int *argc, char ***argv)
{
    g_setenv("INPUTRC", "/dev/null", TRUE);
    g_setenv("TERM", "xterm", TRUE);
    g_setenv("LC_ALL", "C.UTF-8", TRUE); /* readline sets the locale once more, from the environment */
    setlocale(LC_CTYPE, "C.UTF-8");
    g_test_init(argc, argv, NULL);
    co_init();
}

int driver_run_tests(void)
{
    int status = g_test_run();
    co_done();
    return status;
}

static void make_image(const char *path)
{
    char text[1024], all[65536];
    for (size_t i = 0; i < sizeof text; i += 16) {
        memcpy(text + i, "blkscope demo\n\t\0", 16);
    }
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (char)i;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, IMAGE_SIZE), ==, 0);
    g_assert_cmpint(pwrite(fd, text, sizeof text, 0), ==, sizeof text);
    g_assert_cmpint(pwrite(fd, all, sizeof all, 1 << 20), ==, sizeof all);
    close(fd);
}

static int64_t ns_of(const struct timespec *time)
{
    return time->tv_sec * G_GINT64_CONSTANT(1000000000) + time->tv_nsec;
}

static bool is_of_this_tick(const char *path)
{
    struct stat st;
    struct timespec now;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(clock_gettime(CLOCK_REALTIME_COARSE, &now), ==, 0);
    return MAX(ns_of(&st.st_mtim), ns_of(&st.st_ctim)) >= ns_of(&now);
}

void driver_let_files_age(struct driver *driver)
{
    g_autoptr(GDir) dir = g_dir_open(driver->dir, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(driver->dir, name, NULL);
        while (is_of_this_tick(path)) {
            g_usleep(500);
        }
    }
}

struct driver *driver_new(int width, int height, struct grid_traits traits, const char *image)
{
    struct driver *driver = g_new0(struct driver, 1);
    now_us = START_US;
    clock_set_fake_us(now_us);
    driver->aio = aio_new("threads", NULL);
    struct session_config config = {.prog = "blkscope", .aio = driver->aio, .refs = BLK_REFS_ASK};
    driver->session = session_new(&config);
    driver->mouse = true;
    driver->dir = g_mkdtemp(g_strdup("/tmp/blkscope-XXXXXX")); /* wherever TMPDIR is: screens show names of this length */
    g_assert_nonnull(driver->dir);
    if (image != NULL) {
        g_autofree char *path = g_build_filename(driver->dir, image, NULL);
        make_image(path);
        driver_let_files_age(driver);
        struct sink *sink = sink_new_buffer();
        g_autofree char *quoted = g_shell_quote(path);
        g_autofree char *line = g_strdup_printf("open -o driver=raw %s", quoted);
        g_assert_cmpint(batch_run_line(driver->session, line, sink), ==, 0);
        sink_free(sink);
    }
    driver->display = headless_new(width, height, traits);
    driver->desk = desk_new(driver->session, traits, &desk_ops, driver);
    desk_resize(driver->desk, width, height);
    driver_settle(driver);
    return driver;
}

static gboolean on_deadline(void *data)
{
    g_error("the screen does not come to rest");
    return G_SOURCE_REMOVE;
}

void driver_free(struct driver *driver)
{
    desk_free(driver->desk);
    driver->display->ops->free(driver->display);
    session_free(driver->session);
    aio_free(driver->aio);
    g_autoptr(GDir) dir = g_dir_open(driver->dir, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(driver->dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(driver->dir);
    g_free(driver->dir);
    g_free(driver->copied);
    g_free(driver);
    /* What only sleeps before it looks again ends by itself when its owner is gone. */
    unsigned deadline = g_timeout_add_seconds(DEADLINE_S, on_deadline, NULL);
    while (co_live() > 0) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_source_remove(deadline);
    clock_set_fake_us(-1);
    g_assert_cmpuint(co_live(), ==, 0);
}

void driver_settle(struct driver *driver)
{
    unsigned deadline = g_timeout_add_seconds(DEADLINE_S, on_deadline, NULL);
    do {
        while (aio_in_flight(driver->aio) > 0) {
            g_main_context_iteration(NULL, TRUE);
        }
        while (g_main_context_iteration(NULL, FALSE)) {
        }
        if (desk_is_dirty(driver->desk)) {
            driver->display->ops->show(driver->display,
                                       desk_draw(driver->desk)); /* may start reading what is visible */
        }
    } while (aio_in_flight(driver->aio) > 0 || g_main_context_pending(NULL) || desk_is_dirty(driver->desk));
    g_source_remove(deadline);
}

void driver_keys(struct driver *driver, const char *words)
{
    g_auto(GStrv) keys = g_strsplit(words, " ", -1);
    for (char **word = keys; *word != NULL; word++) {
        desk_type(driver->desk, *word);
    }
    driver_settle(driver);
}

void driver_command(struct driver *driver, const char *line)
{
    desk_key(driver->desk, ':');
    for (const char *at = line; *at != '\0'; at = g_utf8_next_char(at)) {
        desk_key(driver->desk, g_utf8_get_char(at));
    }
    driver_keys(driver, "Enter");
}

void driver_resize(struct driver *driver, int width, int height)
{
    headless_resize(driver->display, width, height);
    desk_resize(driver->desk, width, height);
    driver_settle(driver);
}

void driver_pass_ms(struct driver *driver, int64_t time_ms)
{
    int64_t tick = desk_next_tick_us(driver->desk); /* what a timer would have been set to */
    now_us += time_ms * 1000;
    clock_set_fake_us(now_us);
    if (tick >= 0 && tick <= now_us) {
        desk_dirty(driver->desk);
    }
    driver_settle(driver);
}

char *driver_text(struct driver *driver)
{
    return headless_text(driver->display);
}

bool driver_shows(struct driver *driver, const char *text)
{
    g_autofree char *screen = driver_text(driver);
    return strstr(screen, text) != NULL;
}

void driver_snapshot(struct driver *driver, const char *name)
{
    g_autofree char *dump = headless_dump(driver->display);
    driver_check_snapshot(name, dump);
}

void driver_check_snapshot(const char *name, const char *dump)
{
    g_autofree char *file = g_strconcat(name, ".screen", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "tests", "screens", file, NULL);
    g_autofree char *expected = NULL;
    if (g_getenv("UPDATE_SNAPSHOTS") != NULL) {
        g_assert_true(g_file_set_contents(path, dump, -1, NULL));
    }
    if (!g_file_get_contents(path, &expected, NULL, NULL) || strcmp(expected, dump) != 0) {
        g_printerr("%s differs; it is now:\n%s", path, dump);
        g_test_fail();
    }
}

int64_t driver_cursor(struct driver *driver)
{
    g_autofree char *why = NULL;
    return desk_parse_offset(driver->desk, "+0", &why);
}
