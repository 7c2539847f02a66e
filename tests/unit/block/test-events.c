/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps a request announces, in order: those at which the reference program stops. */
#include "harness.h"

enum step_op { READ, WRITE, ZERO, ZERO_UNMAP };

struct steps {
    const char *name;
    const char *options;
    enum blk_cache cache;
    enum step_op op;
    int64_t offset, bytes;
    const char *expected;
};

#define RAW "driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename="
#define ALIGN "file.align=4096," RAW
#define RMW_BOTH "pwritev_rmw_head pwritev_rmw_after_head pwritev_rmw_tail pwritev_rmw_after_tail"
#define RMW_AT_ONCE "pwritev_rmw_head pwritev_rmw_tail pwritev_rmw_after_head pwritev_rmw_after_tail"
#define RMW_HEAD "pwritev_rmw_head pwritev_rmw_after_head"
#define RMW_TAIL "pwritev_rmw_tail pwritev_rmw_after_tail"

static const struct steps table[] = {
    {"read", RAW, BLK_CACHE_WRITETHROUGH, READ, 0, 4096, "read_aio"},
    {"write-through", RAW, BLK_CACHE_WRITETHROUGH, WRITE, 0, 4096, "write_aio pwritev pwritev_done flush_to_os"},
    {"write-back", RAW, BLK_CACHE_WRITEBACK, WRITE, 0, 4096, "write_aio pwritev pwritev_done"},
    {"zero-through", RAW, BLK_CACHE_WRITETHROUGH, ZERO, 0, 4096, "pwritev_zero pwritev_done flush_to_os"},
    {"zero-back", RAW, BLK_CACHE_WRITEBACK, ZERO, 0, 4096, "pwritev_zero pwritev_done"},
    {"unmap-back", RAW, BLK_CACHE_WRITEBACK, ZERO_UNMAP, 0, 4096, "pwritev_zero pwritev_done"},
    {"unaligned-read", ALIGN, BLK_CACHE_WRITEBACK, READ, 512, 1024, "read_aio"},
    {"one-block", ALIGN, BLK_CACHE_WRITEBACK, WRITE, 512, 1024, "write_aio " RMW_AT_ONCE " pwritev pwritev_done"},
    {"two-blocks", ALIGN, BLK_CACHE_WRITEBACK, WRITE, 512, 7168, "write_aio " RMW_AT_ONCE " pwritev pwritev_done"},
    {"three-blocks", ALIGN, BLK_CACHE_WRITEBACK, WRITE, 512, 8192, "write_aio " RMW_BOTH " pwritev pwritev_done"},
    {"head", ALIGN, BLK_CACHE_WRITEBACK, WRITE, 1024, 7168, "write_aio " RMW_HEAD " pwritev pwritev_done"},
    {"long-head", ALIGN, BLK_CACHE_WRITEBACK, WRITE, 1024, 11264, "write_aio " RMW_HEAD " pwritev pwritev_done"},
    {"tail", ALIGN, BLK_CACHE_WRITEBACK, WRITE, 4096, 1024, "write_aio " RMW_TAIL " pwritev pwritev_done"},
    {"zero-one-block", ALIGN, BLK_CACHE_WRITEBACK, ZERO, 512, 1024, RMW_AT_ONCE " pwritev pwritev_done"},
    {"zero-tail", ALIGN, BLK_CACHE_WRITEBACK, ZERO, 0, 6144, RMW_TAIL " pwritev_zero pwritev_done pwritev pwritev_done"},
    {"zero-head", ALIGN, BLK_CACHE_WRITEBACK, ZERO, 1024, 7168, RMW_HEAD " pwritev pwritev_done pwritev_zero pwritev_done"},
    {"zero-both", ALIGN, BLK_CACHE_WRITEBACK, ZERO, 512, 16384,
     RMW_BOTH " pwritev pwritev_done pwritev_zero pwritev_done pwritev pwritev_done"},
    {"max-transfer", "file.max-transfer=4096," RAW, BLK_CACHE_WRITEBACK, WRITE, 0, 8192,
     "write_aio pwritev pwritev_done write_aio pwritev pwritev_done"},
    {"max-write-zero", "file.max-write-zero=4096," RAW, BLK_CACHE_WRITETHROUGH, ZERO, 0, 16384, "pwritev_zero pwritev_done flush_to_os"},
    {"opt-write-zero", "file.opt-write-zero=4096," RAW, BLK_CACHE_WRITETHROUGH, ZERO, 1024, 16384,
     "pwritev_zero pwritev_done flush_to_os"},
};

static struct blk *blk;
static bool done;

static void request_body(void *data)
{
    const struct steps *steps = data;
    g_autofree char *buf = g_malloc0(steps->bytes);
    int ret = 0;
    switch (steps->op) {
    case READ:
        ret = harness_read_co(blk, steps->offset, steps->bytes, buf);
        break;
    case WRITE:
        ret = harness_write_co(blk, steps->offset, steps->bytes, buf);
        break;
    case ZERO:
    case ZERO_UNMAP:
        ret = blk_pwrite_zeroes_co(blk, steps->offset, steps->bytes, steps->op == ZERO_UNMAP ? BLK_MAY_UNMAP : 0, "zero");
        break;
    }
    g_assert_cmpint(ret, ==, 0);
    done = true;
}

static void break_everywhere(void)
{
    for (const char *const *event = blk_event_names(); *event; event++) {
        if (!g_str_equal(*event, "none"))
            g_assert_cmpint(blk_break(blk, *event, *event), ==, 0);
    }
}

/* Lets the request go on from breakpoint to breakpoint, and returns their names. */
static GString *walk_co(void)
{
    GString *seen = g_string_new(NULL);
    while (!done) {
        GList *first = blk_requests(blk)->head;
        const struct blk_request *request = first ? first->data : NULL;
        if (request && request->state == BLK_REQUEST_SUSPENDED) {
            g_autofree char *tag = g_strdup(request->tag);
            g_assert_cmpstr(tag, ==, request->last_event ? request->last_event : tag);
            g_string_append_printf(seen, "%s%s", seen->len ? " " : "", tag);
            blk_break(blk, tag, tag); /* a breakpoint is gone once it was met */
            g_assert_cmpint(blk_resume(blk, tag), ==, 0);
        }
        co_yield_co();
    }
    return seen;
}

static const struct steps *current;

static void steps_match(void)
{
    const struct steps *steps = current;
    char *name = harness_file(1 << 20);
    g_autofree char *options = g_strconcat(steps->options, name, NULL);
    int ret = harness_try_open_co(NULL, NULL, options, BLK_OPEN_WRITABLE, steps->cache, &blk);
    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
    break_everywhere();
    done = false;
    co_start(request_body, (void *)steps);
    GString *seen = walk_co();
    g_assert_cmpstr(seen->str, ==, steps->expected);
    g_string_free(seen, TRUE);
    /* The breakpoints are still there: closing, which flushes, does not stop at them. */
    harness_close_co(blk);
    harness_remove(name);
}

static void run_steps(gconstpointer data)
{
    current = data;
    harness_run_co(steps_match);
}

static void add_tests(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *path = g_strconcat("/block/events/", table[i].name, NULL);
        g_test_add_data_func(path, &table[i], run_steps);
    }
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
