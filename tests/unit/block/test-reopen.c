/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "block/blk-internal.h"

static char *small; /* a file of 1 MiB */

static int reopen_co(struct blk *blk, int writable, int cache, const char *text)
{
    g_autoptr(options) options = options_new();

    if (text)
        g_assert_true(options_parse(options, text, NULL, NULL));
    g_clear_error(&harness_error);
    return blk_reopen_co(blk, writable, cache, options, &harness_error);
}

static void accept_co(struct blk *blk, int writable, int cache, const char *text)
{
    int ret = reopen_co(blk, writable, cache, text);

    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
}

static void refuse_co(struct blk *blk, int writable, int cache, const char *text, const char *message)
{
    g_assert_cmpint(reopen_co(blk, writable, cache, text), <, 0);
    g_assert_nonnull(harness_error);
    *strchrnul(harness_error->message, '\n') = '\0';
    g_assert_true(g_pattern_match_simple(message, harness_error->message));
}

static void writing_comes_and_goes_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);

    accept_co(blk, 0, -1, NULL);
    g_assert_false(blk_is_writable(blk));
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EPERM);
    accept_co(blk, -1, -1, NULL);
    g_assert_false(blk_is_writable(blk));
    accept_co(blk, 1, -1, NULL);
    g_assert_true(blk_is_writable(blk));
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
    harness_assert_bytes_co(blk, 0, 512, 1);
    harness_close_co(blk);
}

static void read_only_option_respects_the_user_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);

    refuse_co(blk, -1, -1, "read-only=on", "Read-only block node '#block*' cannot support read-write users");
    refuse_co(blk, -1, -1, "file.read-only=on", "Read-only block node '#block*' cannot support read-write users");
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
    harness_close_co(blk);

    blk = harness_open_co(small, "raw", 0);
    accept_co(blk, -1, -1, "read-only=off");
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
    accept_co(blk, -1, -1, "read-only=on");
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EPERM);
    harness_close_co(blk);
}

static void rights_are_asked_from_the_file_again_co(void)
{
    struct blk *blk;

    if (geteuid() == 0) {
        g_test_skip("the superuser may open everything");
        return;
    }
    g_assert_cmpint(g_chmod(small, 0400), ==, 0);
    blk = harness_open_co(small, "raw", 0);
    refuse_co(blk, 1, -1, NULL, "Could not open '*': Permission denied");
    g_assert_false(blk_is_writable(blk));
    harness_assert_bytes_co(blk, 512, 512, 0);
    harness_close_co(blk);
    g_assert_cmpint(g_chmod(small, 0600), ==, 0);
}

/* Raw images share writing with each other, so the one that forbids it is blkdebug's. */
static void locks_follow_co(void)
{
    g_autofree char *unshared = g_strdup_printf("driver=blkdebug,unshare-child-perms.0=write,image.driver=file,image.filename=%s", small);
    struct blk *holder = harness_open_options_co(unshared, 0);
    struct blk *blk = harness_open_co(small, "raw", 0);

    refuse_co(blk, 1, -1, NULL, "Failed to get \"write\" lock");
    g_assert_false(blk_is_writable(blk));
    harness_close_co(holder);
    accept_co(blk, 1, -1, NULL);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
    accept_co(blk, 0, -1, NULL);
    /* The lock for writing is given back: another may forbid it again. */
    holder = harness_open_options_co(unshared, 0);
    harness_close_co(holder);
    harness_close_co(blk);
}

static void cache_mode_changes_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);

    g_assert_cmpint(blk_cache(blk), ==, BLK_CACHE_WRITEBACK);
    accept_co(blk, -1, BLK_CACHE_UNSAFE, NULL);
    g_assert_cmpint(blk_cache(blk), ==, BLK_CACHE_UNSAFE);
    g_assert_cmpint(harness_fill_co(blk, 7, 1000, 2), ==, 0);
    accept_co(blk, -1, BLK_CACHE_WRITETHROUGH, NULL);
    harness_assert_bytes_co(blk, 7, 1000, 2);
    accept_co(blk, -1, -1, NULL);
    g_assert_cmpint(blk_cache(blk), ==, BLK_CACHE_WRITETHROUGH);
    harness_close_co(blk);
}

static void window_of_raw_moves_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);

    g_assert_cmpint(harness_fill_co(blk, 0, 1 << 20, 3), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, 512, 512, 4), ==, 0);
    accept_co(blk, -1, -1, "offset=512,size=1024");
    g_assert_cmpint(blk_length(blk), ==, 1024);
    harness_assert_bytes_co(blk, 0, 512, 4);
    /* What is not given stays as it is. */
    accept_co(blk, -1, -1, NULL);
    g_assert_cmpint(blk_length(blk), ==, 1024);
    accept_co(blk, -1, -1, "size=2k");
    g_assert_cmpint(blk_length(blk), ==, 2048);
    harness_assert_bytes_co(blk, 0, 512, 4);
    refuse_co(blk, -1, -1, "size=2M",
              "The sum of offset (512) and size (2097152) has to be smaller or equal to the  actual size of the containing file (1048576)");
    refuse_co(blk, -1, -1, "size=513", "Specified size is not multiple of 512");
    refuse_co(blk, -1, -1, "size=x", "Parameter 'size' expects a non-negative number below 2^64");
    g_assert_cmpint(blk_length(blk), ==, 2048);
    harness_close_co(blk);
}

static void other_options_stay_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);
    g_autofree char *same = g_strdup_printf("driver=raw,file.driver=file,file.filename=%s", small);

    refuse_co(blk, -1, -1, "driver=file", "Cannot change the option 'driver'");
    refuse_co(blk, -1, -1, "driver=", "Cannot change the option 'driver'");
    refuse_co(blk, -1, -1, "foo=1", "Cannot change the option 'foo'");
    refuse_co(blk, -1, -1, "node-name=x", "Cannot change the option 'node-name'");
    refuse_co(blk, -1, -1, "force-share=on", "Cannot change the option 'force-share'");
    refuse_co(blk, -1, -1, "cache.writeback=off", "Cannot change the option 'cache.writeback'");
    refuse_co(blk, -1, -1, "file.filename=x", "Cannot change the option 'filename'");
    refuse_co(blk, -1, -1, "file.locking=off", "Cannot change the option 'locking'");
    refuse_co(blk, -1, -1, "file.x.y=1", "Cannot change the option 'x.y'");
    refuse_co(blk, -1, -1, "file=x", "Cannot find device='' nor node-name='x'");
    refuse_co(blk, -1, -1, "read-only=maybe", "Parameter 'read-only' expects 'on' or 'off'");
    refuse_co(blk, -1, -1, "discard=maybe", "Invalid discard option");
    refuse_co(blk, -1, -1, "detect-zeroes=maybe", "invalid parameter value: maybe");
    accept_co(blk, -1, -1, same);
    harness_close_co(blk);
}

static unsigned count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir))
        n++;
    return n;
}

static void it_is_all_or_nothing_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);
    unsigned descriptors = count_descriptors();

    refuse_co(blk, 0, BLK_CACHE_UNSAFE, "offset=512,foo=1", "Cannot change the option 'foo'");
    refuse_co(blk, 0, -1, "size=512,file.foo=1", "Cannot change the option 'foo'");
    /* The file is prepared for reading only, then raw refuses. */
    refuse_co(blk, 0, -1, "offset=2M", "Offset (2097152) cannot be greater than size of the containing file (1048576)");
    g_assert_cmpuint(count_descriptors(), ==, descriptors);
    g_assert_cmpint(blk_length(blk), ==, 1 << 20);
    g_assert_true(blk_is_writable(blk));
    g_assert_cmpint(blk_cache(blk), ==, BLK_CACHE_WRITEBACK);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 5), ==, 0);
    harness_assert_bytes_co(blk, 0, 512, 5);
    harness_close_co(blk);
}

static void discard_and_zero_detection_change_co(void)
{
    g_autofree uint8_t *zeroes = g_malloc0(65536);
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);
    struct blk_extent extent;

    refuse_co(blk, -1, -1, "detect-zeroes=unmap",
              "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
    g_assert_cmpint(harness_fill_co(blk, 0, 1 << 20, 6), ==, 0);
    accept_co(blk, -1, -1, "detect-zeroes=unmap,discard=unmap");
    g_assert_cmpint(harness_write_co(blk, 0, 65536, zeroes), ==, 0);
    g_assert_cmpint(blk_status_co(blk, 0, 65536, &extent), ==, 0);
    g_assert_cmpint(extent.kind, !=, BLK_KIND_DATA);
    accept_co(blk, -1, -1, "detect-zeroes=off");
    g_assert_cmpint(harness_write_co(blk, 65536, 65536, zeroes), ==, 0);
    g_assert_cmpint(blk_status_co(blk, 65536, 65536, &extent), ==, 0);
    g_assert_cmpint(extent.kind, ==, BLK_KIND_DATA);
    harness_assert_bytes_co(blk, 0, 131072, 0);
    harness_close_co(blk);
}

static void a_chain_is_reopened_as_a_whole_co(void)
{
    g_autofree char *debug = g_strconcat("blkdebug::", small, NULL);
    struct blk *blk = harness_open_co(debug, "raw", BLK_OPEN_WRITABLE);

    accept_co(blk, 0, -1, NULL);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EPERM);
    accept_co(blk, 1, -1, NULL);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 7), ==, 0);
    refuse_co(blk, -1, -1, "file.align=4k", "Cannot change the option 'align'");
    refuse_co(blk, -1, -1, "file.image.read-only=on", "Read-only block node '#block*' cannot support read-write users");
    harness_assert_bytes_co(blk, 0, 512, 7);
    harness_close_co(blk);
}

/* What blkdebug was told to take on its image is not given up. */
static void taken_permissions_stay_co(void)
{
    g_autofree char *text = g_strdup_printf("driver=raw,file.driver=blkdebug,file.take-child-perms.0=resize,"
                                            "file.image.driver=file,file.image.filename=%s", small);
    struct blk *blk = harness_open_options_co(text, BLK_OPEN_WRITABLE);

    accept_co(blk, -1, BLK_CACHE_UNSAFE, NULL);
    g_assert_true(blk->root->file->file->perm & NODE_PERM_RESIZE);
    g_assert_true(blk->root->file->file->perm & NODE_PERM_WRITE);
    harness_close_co(blk);
}

/* Requests under way are finished before anything changes, those that come meanwhile wait. */
struct writer {
    struct blk *blk;
    int ret; /* 1 while it runs */
};

static void writer_body(void *data)
{
    struct writer *writer = data;

    writer->ret = harness_fill_co(writer->blk, 0, 1 << 20, 8);
}

static void requests_under_way_are_waited_for_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);
    struct writer writer = {.blk = blk, .ret = 1};

    co_start(writer_body, &writer);
    accept_co(blk, 0, -1, NULL);
    g_assert_cmpint(writer.ret, ==, 0);
    harness_assert_bytes_co(blk, 0, 1 << 20, 8);
    harness_close_co(blk);
}

struct reopener {
    struct blk *blk;
    struct co *co;
    int ret;
};

static void reopener_body(void *data)
{
    struct reopener *reopener = data;

    reopener->ret = blk_reopen_co(reopener->blk, 0, -1, NULL, NULL);
}

static void turn_co(void)
{
    for (int i = 0; i < 20; i++)
        co_yield_co();
}

/* A request at a breakpoint keeps reopening waiting for ever: whoever waits can give up, and nothing is left of it. */
static void waiting_can_be_cancelled_co(void)
{
    g_autofree char *text = g_strdup_printf("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=%s", small);
    struct blk *blk = harness_open_options_co(text, BLK_OPEN_WRITABLE);
    struct writer stopped = {.blk = blk, .ret = 1}, queued = {.blk = blk, .ret = 1};
    struct reopener reopener = {.blk = blk, .ret = 1};

    g_assert_cmpint(blk_break(blk, "write_aio", "A"), ==, 0);
    co_start(writer_body, &stopped);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    reopener.co = co_start(reopener_body, &reopener);
    co_start(writer_body, &queued);
    turn_co();
    g_assert_cmpint(reopener.ret, ==, 1);
    co_cancel(reopener.co);
    while (reopener.ret == 1 || queued.ret == 1)
        co_yield_co();
    g_assert_cmpint(reopener.ret, ==, -ECANCELED);
    g_assert_cmpint(queued.ret, ==, 0);
    g_assert_true(blk_is_writable(blk));
    g_assert_cmpint(stopped.ret, ==, 1);
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    harness_close_co(blk);
    g_assert_cmpint(stopped.ret, ==, 0);
}

/* Two at once: one after the other, and closing after both. */
static void reopening_is_for_one_at_a_time_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);
    struct writer writer = {.blk = blk, .ret = 1};
    struct reopener first = {.blk = blk, .ret = 1}, second = {.blk = blk, .ret = 1};

    co_start(writer_body, &writer);
    co_start(reopener_body, &first);
    co_start(reopener_body, &second);
    harness_close_co(blk);
    g_assert_cmpint(writer.ret, ==, 0);
    g_assert_cmpint(first.ret, ==, 0);
    g_assert_cmpint(second.ret, ==, 0);
}

static void ignored_options_may_be_given_co(void)
{
    struct blk *blk = harness_open_co(small, "raw", BLK_OPEN_WRITABLE);

    accept_co(blk, -1, -1, "file.drop-cache=on");
    accept_co(blk, -1, -1, "file.drop-cache=off");
    harness_close_co(blk);
}

/* A flush that fails keeps the right to flush again. */
static void failed_flush_keeps_the_image_writable_co(void)
{
    g_autofree char *text = g_strdup_printf("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=%s,"
                                            "file.inject-error.0.event=none,file.inject-error.0.iotype=flush,file.inject-error.0.once=on",
                                            small);
    struct blk *blk = harness_open_options_co(text, BLK_OPEN_WRITABLE);

    g_assert_cmpint(harness_fill_co(blk, 0, 512, 9), ==, 0);
    refuse_co(blk, 0, -1, NULL, "Error flushing drive: Input/output error");
    g_assert_true(blk_is_writable(blk));
    accept_co(blk, 0, -1, NULL);
    harness_close_co(blk);
}

static void add(void)
{
    small = harness_file(1 << 20);
    harness_add("/reopen/writing-comes-and-goes", writing_comes_and_goes_co);
    harness_add("/reopen/read-only-option-respects-the-user", read_only_option_respects_the_user_co);
    harness_add("/reopen/rights-are-asked-from-the-file-again", rights_are_asked_from_the_file_again_co);
    harness_add("/reopen/locks-follow", locks_follow_co);
    harness_add("/reopen/cache-mode-changes", cache_mode_changes_co);
    harness_add("/reopen/window-of-raw-moves", window_of_raw_moves_co);
    harness_add("/reopen/other-options-stay", other_options_stay_co);
    harness_add("/reopen/it-is-all-or-nothing", it_is_all_or_nothing_co);
    harness_add("/reopen/discard-and-zero-detection-change", discard_and_zero_detection_change_co);
    harness_add("/reopen/a-chain-is-reopened-as-a-whole", a_chain_is_reopened_as_a_whole_co);
    harness_add("/reopen/taken-permissions-stay", taken_permissions_stay_co);
    harness_add("/reopen/requests-under-way-are-waited-for", requests_under_way_are_waited_for_co);
    harness_add("/reopen/waiting-can-be-cancelled", waiting_can_be_cancelled_co);
    harness_add("/reopen/reopening-is-for-one-at-a-time", reopening_is_for_one_at_a_time_co);
    harness_add("/reopen/ignored-options-may-be-given", ignored_options_may_be_given_co);
    harness_add("/reopen/failed-flush-keeps-the-image-writable", failed_flush_keeps_the_image_writable_co);
}

int main(int argc, char **argv)
{
    int ret = harness_main(&argc, &argv, NULL, add);

    harness_remove(small);
    g_clear_error(&harness_error);
    return ret;
}
