/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of each view of the map and the pending panel: sizes, characters, colours. */
#include <glib.h>
#include <locale.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"
#include "io/co.h"

static const struct look {
    const char *name;
    int width, height;
    struct grid_traits traits;
} looks[] = {
    {"40x10", 40, 10, {.utf8 = true, .colour = true}},   {"80x24", 80, 24, {.utf8 = true, .colour = true}},
    {"160x48", 160, 48, {.utf8 = true, .colour = true}}, {"ascii", 80, 24, {.utf8 = false, .colour = true}},
    {"mono", 80, 24, {.utf8 = true, .colour = false}},
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
    if (batch_run_line(driver->session, line, sink) != 0) {
        g_error("%s: %s", line, sink_buffer_text(sink));
    }
    sink_free(sink);
    driver_settle(driver);
}

/* An image of 4 MiB on another one, with every kind of cluster there is. */
static struct driver *with_layers(const struct look *look)
{
    struct driver *driver = driver_new(look->width, look->height, look->traits, NULL);
    const char *dir = driver->dir;
    run(driver, "create -q -f qcow2 %s/base.qcow2 4M", dir);
    run(driver, "open -w %s/base.qcow2", dir);
    run(driver, "write -q -P 1 0 1M");
    run(driver, "write -q -P 1 3M 256k");
    run(driver, "close");
    run(driver, "create -q -f qcow2 -b base.qcow2 -F qcow2 %s/disk.qcow2", dir);
    run(driver, "open -w -o backing.driver=qcow2,backing.file.filename=%s/base.qcow2 %s/disk.qcow2", dir, dir);
    run(driver, "write -q -P 2 512k 100k");
    run(driver, "write -q -c -P 3 1536k 64k");
    run(driver, "write -q -z 2M 128k");
    run(driver, "write -q -P 2 3M 64k");
    run(driver, "discard -q 3M 64k");
    run(driver, "close"); /* what changes is looked at a little later */
    run(driver, "open -w -o backing.driver=qcow2,backing.file.filename=%s/base.qcow2 %s/disk.qcow2", dir, dir);
    driver_command(driver, "length"); /* the folder's name scrolls out of sight */
    return driver;
}

static struct driver *with_requests(const struct look *look)
{
    struct driver *driver = driver_new(look->width, look->height, look->traits, "disk.img");
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
    return driver;
}

/* ---- pictures ---- */

typedef struct driver *make_fn(const struct look *look);

static void check(make_fn *make, const char *panel, const char *keys, const char *name)
{
    g_autofree char *focus = g_strconcat("focus ", panel, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        struct driver *driver = make(&looks[i]);
        g_autofree char *file = g_strdup_printf("%s-%s-%s", panel, name, looks[i].name);
        driver_command(driver, focus);
        driver_keys(driver, "z");
        g_auto(GStrv) words = g_strsplit(keys, " ", -1);
        for (char **word = words; *word != NULL; word++) { /* what one asks for is there before the next */
            driver_keys(driver, *word);
        }
        driver_keys(driver, "");
        driver_snapshot(driver, file);
        driver_free(driver);
    }
}

static void test_map(void)
{
    check(with_layers, "map", "Down Right", "disk");
    check(with_layers, "map", "Down Down t", "file");
    check(with_layers, "map", "c Right Down", "curve");
    check(with_layers, "map", "e Down Down", "extents");
    check(with_layers, "map", "s", "sizes");
    check(with_layers, "map", "x n", "compared");
    check(with_layers, "map", "x n L n", "differences");
}

static void test_pending(void)
{
    check(with_requests, "pending", "Down", "requests");
    check(with_requests, "pending", "t", "times");
    check(with_requests, "pending", "End e", "events");
    check(with_requests, "pending", "B Down", "breakpoints");
}

int main(int argc, char **argv)
{
    g_setenv("LANG", "C.UTF-8", TRUE);
    setlocale(LC_CTYPE, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/views/map", test_map);
    g_test_add_func("/views/pending", test_pending);
    int ret = g_test_run();
    co_done();
    return ret;
}
