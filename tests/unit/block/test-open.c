/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"
#include "harness.h"

static GString *warnings;

static void note_warning(void *data, const char *line)
{
    g_string_append_printf(warnings, "%s\n", line);
}

static char *small; /* a file of 1 MiB */

static int open_co(const char *filename, const char *format, const char *text, unsigned flags, struct blk **ret_blk)
{
    g_autoptr(options) options = options_new();
    struct blk_open how = {
        .filename = filename, .format = format, .options = options, .flags = flags, .cache = BLK_CACHE_WRITEBACK,
        .refs = BLK_REFS_ALL, .aio = harness_aio,   .warn = note_warning,
    };

    if (text)
        g_assert_true(options_parse(options, text, NULL, NULL));
    g_string_truncate(warnings, 0);
    g_clear_error(&harness_error);
    return blk_open_co(&how, ret_blk, &harness_error);
}

/* Opening fails with this message; %s in it is the file. */
static void refuse_co(const char *filename, const char *format, const char *text, unsigned flags, const char *message)
{
    g_autoptr(GString) expected = g_string_new(message);
    g_autoptr(GString) options = g_string_new(text);
    struct blk *blk = NULL;
    unsigned live = co_live();
    int ret;

    g_string_replace(expected, "%s", small, 0);
    g_string_replace(options, "%s", small, 0);
    ret = open_co(filename, format, text ? options->str : NULL, flags, &blk);
    g_assert_cmpint(ret, <, 0);
    g_assert_nonnull(harness_error);
    g_assert_cmpstr(harness_error->message, ==, expected->str);
    g_assert_null(blk);
    g_assert_cmpuint(co_live(), ==, live);
}

static struct blk *accept_co(const char *filename, const char *format, const char *text, unsigned flags)
{
    g_autoptr(GString) options = g_string_new(text);
    struct blk *blk = NULL;
    int ret;

    g_string_replace(options, "%s", small, 0);
    ret = open_co(filename, format, text ? options->str : NULL, flags, &blk);
    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
    return blk;
}

static void assert_format_co(struct blk *blk, const char *format)
{
    struct blk_info info;

    g_assert_cmpint(blk_info_co(blk, &info), ==, 0);
    g_assert_cmpstr(info.format, ==, format);
    blk_info_clear(&info);
    harness_close_co(blk);
}

static void paths_and_protocols_open_co(void)
{
    g_autofree char *with_protocol = g_strconcat("file:", small, NULL);
    g_autofree char *debug = g_strconcat("blkdebug::", small, NULL);
    g_autofree char *twice = g_strconcat("blkdebug::blkdebug::", small, NULL);
    g_autofree char *json = g_strdup_printf("json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}}", small);

    assert_format_co(accept_co(small, "raw", NULL, 0), "raw");
    assert_format_co(accept_co(with_protocol, "raw", NULL, 0), "raw");
    assert_format_co(accept_co(debug, "raw", NULL, 0), "raw");
    assert_format_co(accept_co(twice, "raw", NULL, 0), "raw");
    assert_format_co(accept_co(json, NULL, NULL, 0), "raw");
    assert_format_co(accept_co(small, "file", NULL, 0), "file");
    assert_format_co(accept_co(small, "blkdebug", NULL, 0), "blkdebug");
    assert_format_co(accept_co("null-co://", "null-co", NULL, 0), "null-co");
    assert_format_co(accept_co(NULL, NULL, "driver=file,filename=%s", 0), "file");
    assert_format_co(accept_co(NULL, NULL, "driver=raw,file.driver=raw,file.file.driver=null-co", 0), "raw");
    assert_format_co(accept_co(small, NULL, "driver=raw,file.driver=blkdebug,file.align=4k", 0), "raw");
}

static void explicit_options_win_over_json_co(void)
{
    struct blk *blk = accept_co("json:{'driver':'null-co','size':1024}", NULL, "size=2k", 0);

    g_assert_cmpint(blk_length(blk), ==, 2048);
    harness_close_co(blk);
    refuse_co("json:{'driver':'null-co'}", "raw", NULL, 0, "A block device must be specified for \"file\"");
}

static void bad_names_are_refused_co(void)
{
    refuse_co("foo:bar", NULL, NULL, 0, "Unknown protocol 'foo'");
    refuse_co(":x", NULL, NULL, 0, "Unknown protocol ''");
    refuse_co("blkdebug::nope:x", NULL, NULL, 0, "Unknown protocol 'nope'");
    refuse_co("/nonexistent/a:b", NULL, NULL, 0, "Could not open '/nonexistent/a:b': No such file or directory");
    refuse_co("", NULL, NULL, 0, "The 'file' block driver requires a file name");
    refuse_co("null-co:x", NULL, NULL, 0, "The only allowed filename for this driver is 'null-co://'");
    refuse_co("blkdebug:x", NULL, NULL, 0, "blkdebug requires both config file and image path");
    refuse_co("json:{", NULL, NULL, 0, "Could not parse the JSON options: JSON parse error, premature EOI");
    refuse_co("json:{}", NULL, NULL, 0, "Must specify either driver or file");
    refuse_co("json:{'driver':null}", NULL, NULL, 0, "Must specify either driver or file");
    refuse_co("/nonexistent/\n\x1b[2J", "raw", NULL, 0, "Could not open '/nonexistent/\n\x1b[2J': No such file or directory");
}

static void bad_options_are_refused_co(void)
{
    refuse_co(NULL, NULL, NULL, 0, "Must specify either driver or file");
    refuse_co(NULL, NULL, "filename=%s", 0, "Must specify either driver or file");
    refuse_co(NULL, NULL, "driver=nope", 0, "Unknown driver 'nope'");
    refuse_co(NULL, NULL, "driver=", 0, "Unknown driver ''");
    refuse_co(NULL, NULL, "driver=raw", 0, "A block device must be specified for \"file\"");
    refuse_co(NULL, NULL, "file=x", 0, "Cannot find device='x' nor node-name='x'");
    refuse_co(small, NULL, "file=x", 0, "Cannot reference an existing block device with additional options or a new filename");
    refuse_co(small, NULL, "file.filename=x", 0, "Can't specify 'file' and 'filename' options at the same time");
    refuse_co(NULL, NULL, "driver=raw,file.filename=%s,foo=1", 0, "Block format 'raw' does not support the option 'foo'");
    refuse_co(NULL, NULL, "driver=raw,file.filename=%s,file.foo.bar=1", 0,
              "Block protocol 'file' doesn't support the option 'foo.bar'");
    refuse_co(NULL, NULL, "driver=null-co,filename=null-co://", 0, "Block protocol 'null-co' doesn't support the option 'filename'");
    refuse_co("json:{'driver':'null-co','foo':null}", NULL, NULL, 0, "Block protocol 'null-co' doesn't support the option 'foo'");
}

static void options_of_every_node_are_checked_co(void)
{
    refuse_co(small, "raw", "read-only=maybe", 0, "Parameter 'read-only' expects 'on' or 'off'");
    refuse_co(small, "raw", "file.cache.direct=maybe", 0, "Parameter 'cache.direct' expects 'on' or 'off'");
    refuse_co(small, "raw", "discard=maybe", 0, "Invalid discard option");
    refuse_co(small, "raw", "detect-zeroes=maybe", 0, "invalid parameter value: maybe");
    refuse_co(small, "raw", "detect-zeroes=unmap", 0,
              "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
    refuse_co(small, "raw", "force-share=on", BLK_OPEN_WRITABLE, "force-share=on can only be used with read-only images");
    refuse_co(small, "raw", NULL, BLK_OPEN_WRITABLE | BLK_OPEN_FORCE_SHARE, "force-share=on can only be used with read-only images");
    refuse_co(small, "raw", "node-name=1a", 0, "Invalid node-name: '1a'");
    refuse_co(small, "raw", "node-name=a/b", 0, "Invalid node-name: 'a/b'");
    refuse_co(small, "raw", "node-name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, "Node name too long");
    refuse_co(small, "raw", "node-name=a,file.node-name=a", 0, "Duplicate nodes with node-name='a'");
    harness_close_co(accept_co(small, "raw", "node-name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,file.node-name=b.c-d_e", 0));
    harness_close_co(accept_co(small, "raw", "detect-zeroes=unmap,discard=unmap", BLK_OPEN_WRITABLE));
}

static void read_only_option_meets_what_was_asked_co(void)
{
    struct blk *blk;

    refuse_co(small, "raw", "read-only=on", BLK_OPEN_WRITABLE, "Block node is read-only");
    refuse_co(small, "raw", "file.read-only=on", BLK_OPEN_WRITABLE, "Block node is read-only");
    blk = accept_co(small, "raw", NULL, 0);
    g_assert_false(blk_is_writable(blk));
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EPERM);
    harness_close_co(blk);
    blk = accept_co(small, "raw", "read-only=off", 0);
    g_assert_true(blk_is_writable(blk));
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 0), ==, 0);
    harness_close_co(blk);
}

static void copy_on_read_needs_a_writable_image_co(void)
{
    refuse_co(small, "raw", NULL, BLK_OPEN_COPY_ON_READ, "Can't use copy-on-read on read-only device");
    harness_close_co(accept_co(small, "raw", NULL, BLK_OPEN_COPY_ON_READ | BLK_OPEN_WRITABLE));
}

static void guessing_raw_warns_writers_co(void)
{
    g_autofree char *expected = g_strdup_printf(
        "WARNING: Image format was not specified for '%s' and probing guessed raw.\n"
        "         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n"
        "         Specify the 'raw' format explicitly to remove the restrictions.\n",
        small);
    struct blk *blk = accept_co(small, NULL, NULL, BLK_OPEN_WRITABLE);

    g_assert_cmpstr(warnings->str, ==, expected);
    g_assert_true(blk_is_guessed_raw(blk));
    harness_close_co(blk);

    blk = accept_co(small, NULL, NULL, 0);
    g_assert_cmpstr(warnings->str, ==, "");
    harness_close_co(blk);

    blk = accept_co(small, "raw", NULL, BLK_OPEN_WRITABLE);
    g_assert_cmpstr(warnings->str, ==, "");
    g_assert_false(blk_is_guessed_raw(blk));
    harness_close_co(blk);
}

static void guessed_raw_guards_its_first_sector_co(void)
{
    struct blk *blk = accept_co(small, NULL, NULL, BLK_OPEN_WRITABLE);

    g_assert_cmpint(harness_write_co(blk, 0, 8, "QFI\xfb\0\0\0\3"), ==, -EPERM);
    g_assert_cmpint(harness_write_co(blk, 512, 8, "QFI\xfb\0\0\0\3"), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 0x51), ==, 0);
    harness_close_co(blk);
}

/* What is in a format that another program reads is never taken for raw, also where there is no such program. */
static void formats_without_a_reader_are_refused_co(void)
{
    g_autofree char *path = g_strdup(g_getenv("PATH"));
    char *name = harness_file(65536);
    struct blk *blk;

    g_assert_true(g_file_set_contents(name, "KDMV", 4, NULL));
    g_setenv("PATH", "/nonexistent", TRUE);
    refuse_co(name, NULL, NULL, BLK_OPEN_WRITABLE,
              HAVE_LIBNBD ? "Image is in vmdk format: it is read through qemu-nbd, which is not installed: install the package qemu-utils"
                          : "Image is in vmdk format, which this build can't read; open it with -f raw to see its bytes");
    g_setenv("PATH", path, TRUE);
    blk = accept_co(name, "raw", NULL, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void what_is_no_image_is_refused_co(void)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *fifo = g_build_filename(dir, "fifo", NULL);
    g_autofree char *writing = g_strdup_printf("Could not open '%s': Is a directory", dir);
    g_autofree char *reading = g_strdup_printf("'file' driver requires '%s' to be a regular file", dir);
    struct blk *blk = NULL;

    refuse_co(dir, NULL, NULL, BLK_OPEN_WRITABLE, writing);
    refuse_co(dir, NULL, NULL, 0, reading);
    refuse_co(NULL, NULL, "driver=file,filename=/dev/null", 0, "'file' driver requires '/dev/null' to be a regular file");
    /* A FIFO must not hang: nobody ever writes to it. */
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_assert_cmpint(open_co(fifo, NULL, NULL, 0, &blk), <, 0);
    g_assert_nonnull(harness_error);
    g_unlink(fifo);
    g_rmdir(dir);
}

static char *nested(const char *before, const char *unit, unsigned n, const char *after)
{
    GString *text = g_string_new(before);

    while (n--)
        g_string_append(text, unit);
    g_string_append(text, after);
    return g_string_free(text, FALSE);
}

/* A chain as deep as a name asks for would overflow a coroutine's stack, if not when opened then when read. */
static void depth_is_bounded_co(void)
{
    g_autofree char *deep = nested("", "blkdebug::", 1000, "null-co://");
    g_autofree char *deeper = nested("", "blkdebug::", 2000, "null-co://");
    g_autofree char *json = nested("json:", "{'driver':'raw','file':", 600, "{'driver':'null-co'}");
    g_autofree char *closed = nested(json, "}", 600, "");
    struct blk *blk = accept_co(deep, "raw", NULL, BLK_OPEN_WRITABLE);

    g_assert_cmpint(harness_fill_co(blk, 1, 70000, 1), ==, 0);
    harness_close_co(blk);
    refuse_co(deeper, "raw", NULL, 0, "More than 1024 nodes below each other");
    refuse_co(closed, NULL, NULL, 0, "Could not parse the JSON options: JSON key of more than 1024 characters");
}

/* Else the test's time runs out: each image would have a copy of the rest of the name. */
static void deep_names_are_refused_at_once_co(void)
{
    g_autofree char *tail = g_strnfill(1 << 20, 'x');
    g_autofree char *debug = nested("", "blkdebug::", 1000000, "x"), *verify = nested("", "blkverify:x:", 1000000, "x");
    g_autofree char *longer = nested("", "blkdebug::", 1000, tail);

    refuse_co(debug, NULL, NULL, 0, "More than 1024 nodes below each other");
    refuse_co(debug, "raw", NULL, 0, "More than 1024 nodes below each other");
    refuse_co(verify, NULL, NULL, 0, "More than 1024 nodes below each other");
    refuse_co(longer, NULL, NULL, 0, "A name of images below each other has more than 131072 characters");
}

static void long_names_are_refused_co(void)
{
    g_autofree char *name = nested("/", "a", 1 << 20, "");
    g_autofree char *protocol = nested("", "a", 1 << 20, ":x");
    struct blk *blk = NULL;

    g_assert_cmpint(open_co(name, NULL, NULL, 0, &blk), <, 0);
    g_assert_true(g_str_has_suffix(harness_error->message, "': File name too long"));
    g_assert_cmpint(open_co(protocol, NULL, NULL, 0, &blk), <, 0);
    g_assert_cmpuint(strlen(harness_error->message), <, 1000);
}

/* Whatever failed, no descriptor is left. */
static unsigned count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir))
        n++;
    return n;
}

static void failure_leaves_nothing_open_co(void)
{
    unsigned before = count_descriptors();

    refuse_co(small, NULL, "foo=1", BLK_OPEN_WRITABLE, "Block format 'raw' does not support the option 'foo'");
    refuse_co(small, NULL, "size=x", 0,
              "Parameter 'size' expects a non-negative number below 2^64\n"
              "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.");
    refuse_co(small, "raw", "size=3", 0, "Specified size is not multiple of 512");
    refuse_co(small, "raw", "node-name=a,file.node-name=a", 0, "Duplicate nodes with node-name='a'");
    refuse_co(small, "raw", "file.driver=blkdebug,file.align=3", 0, "Cannot meet constraints with align 3");
    refuse_co(small, "raw", "file.driver=blkdebug,file.foo=3", 0, "Block protocol 'blkdebug' doesn't support the option 'foo'");
    g_assert_cmpuint(count_descriptors(), ==, before);
}

/* Also where what a file is has to be found out. */
static void why_it_failed_is_what_the_system_said_co(void)
{
    char *name = harness_file(0);
    struct blk *blk;
    g_unlink(name);
    g_assert_cmpint(harness_try_open_co(name, "raw", NULL, 0, BLK_CACHE_WRITEBACK, &blk), ==, -ENOENT);
    g_assert_cmpint(harness_try_open_co(name, NULL, NULL, 0, BLK_CACHE_WRITEBACK, &blk), ==, -ENOENT);
    g_assert_cmpint(symlink(name, name), ==, 0);
    g_assert_cmpint(harness_try_open_co(name, NULL, NULL, 0, BLK_CACHE_WRITEBACK, &blk), ==, -ELOOP);
    harness_remove(name);
}

static void add(void)
{
    warnings = g_string_new(NULL);
    small = harness_file(1 << 20);
    harness_add("/open/paths-and-protocols-open", paths_and_protocols_open_co);
    harness_add("/open/explicit-options-win-over-json", explicit_options_win_over_json_co);
    harness_add("/open/bad-names-are-refused", bad_names_are_refused_co);
    harness_add("/open/bad-options-are-refused", bad_options_are_refused_co);
    harness_add("/open/options-of-every-node-are-checked", options_of_every_node_are_checked_co);
    harness_add("/open/read-only-option-meets-what-was-asked", read_only_option_meets_what_was_asked_co);
    harness_add("/open/copy-on-read-needs-a-writable-image", copy_on_read_needs_a_writable_image_co);
    harness_add("/open/guessing-raw-warns-writers", guessing_raw_warns_writers_co);
    harness_add("/open/guessed-raw-guards-its-first-sector", guessed_raw_guards_its_first_sector_co);
    harness_add("/open/formats-without-a-driver-are-refused", formats_without_a_reader_are_refused_co);
    harness_add("/open/what-is-no-image-is-refused", what_is_no_image_is_refused_co);
    harness_add("/open/depth-is-bounded", depth_is_bounded_co);
    harness_add("/open/deep-names-are-refused-at-once", deep_names_are_refused_at_once_co);
    harness_add("/open/long-names-are-refused", long_names_are_refused_co);
    harness_add("/open/failure-leaves-nothing-open", failure_leaves_nothing_open_co);
    harness_add("/open/why-it-failed-is-what-the-system-said", why_it_failed_is_what_the_system_said_co);
}

int main(int argc, char **argv)
{
    int ret = harness_main(&argc, &argv, NULL, add);

    harness_remove(small);
    g_string_free(warnings, TRUE);
    g_clear_error(&harness_error);
    return ret;
}
