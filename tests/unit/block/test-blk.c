/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front door with a disk that answers when the test says so. */
#include "block/blk-internal.h"
#include "harness.h"

enum { KIB = 1024, SIZE = 1 << 20 };

/* ---- requests that run beside the test ---- */

struct task {
    struct blk *blk;
    int64_t offset;
    struct co *co;
    bool done;
    int ret;
    uint8_t last; /* byte that was read */
};

static void write_body(void *data)
{
    struct task *task = data;
    task->ret = harness_fill_co(task->blk, task->offset, 4 * KIB, 0x5a);
    task->done = true;
}

static void read_body(void *data)
{
    struct task *task = data;
    g_autofree uint8_t *buf = g_malloc(4 * KIB);
    task->ret = harness_read_co(task->blk, task->offset, 4 * KIB, buf);
    task->last = buf[4 * KIB - 1];
    task->done = true;
}

static void flush_body(void *data)
{
    struct task *task = data;
    task->ret = blk_flush_co(task->blk, NULL);
    task->done = true;
}

static void status_body(void *data)
{
    struct task *task = data;
    struct blk_extent extent;
    task->ret = blk_status_co(task->blk, task->offset, 4 * KIB, &extent);
    task->done = true;
}

static int add_length(void *data, const struct blk_extent *extent)
{
    *(int64_t *)data += extent->length;
    return 0;
}

/* The whole image; offset becomes how much that was. */
static void bulk_body(void *data)
{
    struct task *task = data;
    task->ret = blk_status_bulk_co(task->blk, 0, blk_length(task->blk), add_length, &task->offset);
    task->done = true;
}

static void close_body(void *data)
{
    struct task *task = data;
    task->ret = blk_close_co(task->blk, NULL);
    task->done = true;
}

static void start(struct task *task, struct blk *blk, co_fn *fn)
{
    *task = (struct task){.blk = blk};
    task->co = co_start(fn, task);
}

static void settle_co(void)
{
    for (int i = 0; i < 10; i++)
        co_yield_co();
}

static void finish_co(const struct task *task)
{
    while (!task->done) {
        while (aio_manual_count(harness_aio) > 0)
            aio_manual_complete(harness_aio, 0, 0);
        co_yield_co();
    }
}

struct opening {
    struct task task; /* first: the body gets a pointer to it */
    const char *name;
    enum blk_cache cache;
};

static void open_body(void *data)
{
    struct opening *opening = data;
    struct task *task = &opening->task;
    task->ret = harness_try_open_co(opening->name, "raw", NULL, BLK_OPEN_WRITABLE, opening->cache, &task->blk);
    task->done = true;
}

static struct blk *open_co(char **ret_name, enum blk_cache cache)
{
    *ret_name = harness_file(SIZE);
    struct opening opening = {.name = *ret_name, .cache = cache};
    co_start(open_body, &opening);
    finish_co(&opening.task);
    g_assert_cmpint(opening.task.ret, ==, 0);
    return opening.task.blk;
}

static void close_co(struct blk *blk, char *name)
{
    struct task task;
    start(&task, blk, close_body);
    finish_co(&task);
    g_assert_cmpint(task.ret, ==, 0);
    harness_remove(name);
}

/* ---- tests ---- */

static void close_waits_and_flushes(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    struct task write, close;
    start(&write, blk, write_body);
    start(&close, blk, close_body);
    settle_co();
    g_assert_false(close.done);
    aio_manual_complete(harness_aio, 0, 0);
    settle_co();
    g_assert_true(write.done);
    g_assert_false(close.done);
    g_assert_cmpint(aio_manual_peek(harness_aio, 0).op, ==, AIO_FSYNC);
    /* A flush that fails is the result; the handle is gone all the same. */
    aio_manual_complete(harness_aio, 0, -EIO);
    finish_co(&close);
    g_assert_cmpint(close.ret, ==, -EIO);
    harness_remove(name);
}

static void errors_reach_the_user(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    struct task write, read;
    start(&write, blk, write_body);
    settle_co();
    aio_manual_complete(harness_aio, 0, -ENOSPC);
    finish_co(&write);
    g_assert_cmpint(write.ret, ==, -ENOSPC);
    start(&read, blk, read_body);
    settle_co();
    if (!read.done) /* not from the page cache */
        aio_manual_complete(harness_aio, 0, -EIO);
    finish_co(&read);
    g_assert_cmpint(read.ret, ==, -EIO);
    close_co(blk, name);
}

static void flush_only_what_was_written(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    struct task write, flush;
    start(&flush, blk, flush_body);
    settle_co();
    g_assert_true(flush.done);
    start(&write, blk, write_body);
    finish_co(&write);
    start(&flush, blk, flush_body);
    settle_co();
    g_assert_false(flush.done);
    finish_co(&flush);
    start(&flush, blk, flush_body);
    settle_co();
    g_assert_true(flush.done);
    start(&write, blk, write_body);
    finish_co(&write);
    start(&flush, blk, flush_body);
    settle_co();
    aio_manual_complete(harness_aio, 0, -EIO);
    finish_co(&flush);
    g_assert_cmpint(flush.ret, ==, -EIO);
    /* What could not be written is lost, and no later flush says otherwise. */
    start(&flush, blk, flush_body);
    finish_co(&flush);
    g_assert_cmpint(flush.ret, ==, -EIO);
    struct task close;
    start(&close, blk, close_body);
    finish_co(&close);
    g_assert_cmpint(close.ret, ==, -EIO);
    harness_remove(name);
}

/* A direct read may stop at a sector that can't be read: what is behind it is not the end of the file, and not zeroes. */
static void short_direct_read_is_no_end(void)
{
    char *name = harness_file(SIZE);
    struct opening opening = {.name = name, .cache = BLK_CACHE_NONE};
    co_start(open_body, &opening);
    finish_co(&opening.task);
    if (opening.task.ret < 0) {
        g_test_skip("no direct I/O here");
        harness_remove(name);
        return;
    }
    struct blk *blk = opening.task.blk;
    struct task write, read;
    g_assert_cmpuint(blk->root->file->limits.request_alignment, ==, 4 * KIB); /* a hole tells nothing */
    start(&write, blk, write_body);
    finish_co(&write);
    start(&read, blk, read_body);
    settle_co();
    aio_manual_complete_short(harness_aio, 0, 512);
    settle_co();
    while (aio_manual_peek(harness_aio, 0).op == AIO_CALL) { /* how long is it? */
        aio_manual_complete(harness_aio, 0, 0);
        settle_co();
    }
    aio_manual_complete(harness_aio, 0, -EIO);
    finish_co(&read);
    g_assert_cmpint(read.ret, ==, -EIO);
    start(&read, blk, read_body);
    settle_co();
    aio_manual_complete_short(harness_aio, 0, 512);
    finish_co(&read);
    g_assert_cmpint(read.ret, ==, 0);
    g_assert_cmpint(read.last, ==, 0x5a);
    close_co(blk, name);
}

static void unsafe_never_flushes(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_UNSAFE);
    struct task write, flush;
    start(&write, blk, write_body);
    finish_co(&write);
    start(&flush, blk, flush_body);
    settle_co();
    g_assert_true(flush.done);
    close_co(blk, name);
}

static void quiescing_keeps_requests_at_the_gate(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    struct task first, cancelled;
    blk_quiesce_begin_co(blk);
    start(&first, blk, write_body);
    start(&cancelled, blk, write_body);
    settle_co();
    g_assert_cmpuint(aio_manual_count(harness_aio), ==, 0);
    const struct blk_request *request = blk_requests(blk)->head->data;
    g_assert_cmpint(request->state, ==, BLK_REQUEST_QUEUED);
    co_cancel(cancelled.co);
    settle_co();
    g_assert_cmpint(cancelled.ret, ==, -ECANCELED);
    blk_quiesce_end(blk);
    finish_co(&first);
    g_assert_cmpint(first.ret, ==, 0);
    close_co(blk, name);
}

/* How long the image is counts behind the gate: who closed it may have made it shorter. */
static void a_range_is_cut_behind_the_gate(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    struct task bulk;
    blk_quiesce_begin_co(blk);
    start(&bulk, blk, bulk_body);
    settle_co();
    blk->root->size = SIZE / 2;
    blk_quiesce_end(blk);
    finish_co(&bulk);
    g_assert_cmpint(bulk.ret, ==, 0);
    g_assert_cmpint(bulk.offset, ==, SIZE / 2);
    close_co(blk, name);
}

/* Status is in no registry, yet it looks at the handle once it has passed the gate. */
static void closing_waits_for_who_was_at_the_gate(void)
{
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    struct task passing, cancelled;
    blk_quiesce_begin_co(blk);
    start(&passing, blk, status_body);
    start(&cancelled, blk, status_body);
    settle_co();
    g_assert_false(passing.done);
    co_cancel(cancelled.co);
    blk_quiesce_end(blk);
    close_co(blk, name); /* before either had its turn */
    g_assert_true(passing.done);
    g_assert_cmpint(passing.ret, ==, 0);
    g_assert_true(cancelled.done);
}

/* ---- who watches ---- */

struct seen {
    GString *states;
    int64_t changed_offset, changed_bytes;
};

static void see_request(void *data, const struct blk_request *request)
{
    struct seen *seen = data;
    g_string_append_printf(seen->states, "%s%s %s", seen->states->len ? ", " : "", blk_op_name(request->op),
                           blk_request_state_name(request->state));
    g_assert_cmpstr(request->issuer, ==, "write");
    if (request->state == BLK_REQUEST_DONE)
        g_assert_cmpint(request->done_us, >=, request->started_us);
}

static void see_change(void *data, int64_t offset, int64_t bytes)
{
    struct seen *seen = data;
    seen->changed_offset = offset;
    seen->changed_bytes = bytes;
}

static void observer_sees_each_state(void)
{
    static const struct blk_observer observer = {.request = see_request, .changed = see_change};
    struct seen seen = {.states = g_string_new(NULL)};
    struct task write;
    char *name;
    struct blk *blk = open_co(&name, BLK_CACHE_WRITEBACK);
    blk_set_observer(blk, &observer, &seen);
    blk_quiesce_begin_co(blk);
    start(&write, blk, write_body);
    blk_quiesce_end(blk);
    finish_co(&write);
    blk_set_observer(blk, NULL, NULL);
    g_assert_true(g_str_has_prefix(seen.states->str, "write queued, write in flight"));
    g_assert_true(g_str_has_suffix(seen.states->str, "write done"));
    g_assert_cmpint(seen.changed_offset, ==, 0);
    g_assert_cmpint(seen.changed_bytes, >=, 4 * KIB); /* and what shares blocks with it */
    g_string_free(seen.states, TRUE);
    close_co(blk, name);
}

static void add_tests(void)
{
    harness_add("/block/blk/short-direct-read-is-no-end", short_direct_read_is_no_end);
    harness_add("/block/blk/close-waits-and-flushes", close_waits_and_flushes);
    harness_add("/block/blk/errors", errors_reach_the_user);
    harness_add("/block/blk/flush-only-what-was-written", flush_only_what_was_written);
    harness_add("/block/blk/unsafe-never-flushes", unsafe_never_flushes);
    harness_add("/block/blk/quiescing", quiescing_keeps_requests_at_the_gate);
    harness_add("/block/blk/cut-behind-the-gate", a_range_is_cut_behind_the_gate);
    harness_add("/block/blk/close-and-gate", closing_waits_for_who_was_at_the_gate);
    harness_add("/block/blk/observer", observer_sees_each_state);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "manual", add_tests);
}
