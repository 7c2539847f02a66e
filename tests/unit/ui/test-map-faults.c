/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From one corrupt or leaked cluster of a qcow2 file to the next. */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "driver.h"
#include "ui/desk.h"

enum { CLUSTER = 64 << 10, REFCOUNT_BLOCK = 2 * CLUSTER };

static void count(int fd, unsigned cluster, unsigned char refcount)
{
    unsigned char entry[2] = {0, refcount};
    g_assert_cmpint(pwrite(fd, entry, sizeof entry, REFCOUNT_BLOCK + 2 * (int)cluster), ==, sizeof entry);
}

/* A new image has its tables in clusters 0 to 3; the L1 table is not counted here if it is broken, and two clusters are that nobody uses. */
static struct driver *with_image(bool broken)
{
    struct driver *driver = driver_new(110, 34, driver_colour, NULL);
    g_autofree char *path = g_build_filename(driver->dir, "x.qcow2", NULL);
    g_autofree char *create = g_strdup_printf("create -q -f qcow2 %s 2M", path), *open_it = g_strdup_printf("open %s", path);
    driver_command(driver, create);
    int fd = broken ? g_open(path, O_WRONLY | O_CLOEXEC, 0) : -1;
    if (broken) {
        g_assert_cmpint(ftruncate(fd, 10 * CLUSTER), ==, 0);
        count(fd, 3, 0);
        count(fd, 5, 1);
        count(fd, 8, 1);
        close(fd);
    }
    driver_let_files_age(driver);
    driver_command(driver, open_it);
    driver_command(driver, "focus map");
    return driver;
}

static void check_step(struct driver *driver, const char *keys, const char *cell)
{
    driver_keys(driver, keys);
    g_autofree char *screen = driver_text(driver);
    if (!driver_shows(driver, cell)) {
        g_error("%s: no %s in\n%s", keys, cell, screen);
    }
}

static void test_each_fault_is_gone_to_in_the_order_of_the_file(void)
{
    struct driver *driver = with_image(true);
    check_step(driver, "p", "map · file"); /* from the order of the disk: to the first */
    check_step(driver, "Ctrl-L", "0x30000..");
    check_step(driver, "p", "0x50000..");
    check_step(driver, "p", "0x80000..");
    check_step(driver, "p", "no cluster behind this one is corrupt or leaked");
    check_step(driver, "P", "0x50000..");
    check_step(driver, "P", "0x30000..");
    check_step(driver, "P", "no cluster before this one is corrupt or leaked");
    check_step(driver, "t P", "0x80000.."); /* from the order of the disk: to the last */
    g_assert_true(driver_shows(driver, "> map-previous-fault"));
    driver_free(driver);
}

/* Before the first is answered, and where keys say how often. */
static void test_keys_in_a_row_are_as_many_steps(void)
{
    struct driver *driver = with_image(true);
    check_step(driver, "p p", "0x50000..");
    g_assert_true(driver_shows(driver, "> map-next-fault +0"));
    check_step(driver, "p p", "no cluster behind this one is corrupt or leaked");
    check_step(driver, "Ctrl-L", "0x80000..");
    check_step(driver, "2 P", "0x30000..");
    check_step(driver, "[ [", "0x0..");
    check_step(driver, "] 2 ] ]", "0x50000..");
    check_step(driver, "9 9 ]", "no next extent");
    driver_command(driver, "map-previous-fault +0");
    driver_command(driver, "map-previous-extent +0 2");
    g_assert_true(driver_shows(driver, "0x50000.."));
    driver_free(driver);
}

static void test_that_there_is_none_is_told(void)
{
    struct driver *driver = with_image(false);
    check_step(driver, "p", "no cluster of the file is corrupt or leaked");
    g_assert_false(driver_shows(driver, "map · file"));
    driver_free(driver);
    driver = driver_new(110, 34, driver_colour, "disk.img");
    driver_command(driver, "focus map");
    check_step(driver, "p", "this format has no structure of its own");
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/map-faults/each-is-gone-to-in-the-order-of-the-file", test_each_fault_is_gone_to_in_the_order_of_the_file);
    g_test_add_func("/map-faults/keys-in-a-row-are-as-many-steps", test_keys_in_a_row_are_as_many_steps);
    g_test_add_func("/map-faults/that-there-is-none-is-told", test_that_there_is_none_is_told);
    return driver_run_tests();
}
