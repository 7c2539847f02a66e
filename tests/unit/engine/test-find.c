/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "block/options.h"
#include "engine/find.h"
#include "io/aio.h"
#include "io/co.h"

enum { BLOCK = 4096, BLOCKS = 700 };

struct fixture {
    struct aio *aio;
    struct blk *blk;
    uint8_t *bytes; /* what the image holds */
    int64_t size;
    char *path;
};

struct job {
    struct fixture *fixture;
    struct find find;
    struct find_progress progress;
    GArray *found; /* int64_t, in the order told */
    int stop_after; /* matches; 0: never */
    guint cancel_after; /* matches; 0: never */
    int ret;
    bool done;
};

static void open_co(void *data)
{
    struct fixture *fixture = data;
    struct blk_open how = {.filename = fixture->path, .format = "raw", .aio = fixture->aio};
    g_assert_cmpint(blk_open_co(&how, &fixture->blk, NULL), ==, 0);
}

static void close_co(void *data)
{
    struct fixture *fixture = data;
    blk_close_co(g_steal_pointer(&fixture->blk), NULL);
}

static int on_match(void *data, int64_t offset, int64_t count)
{
    struct job *job = data;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = job->find.backward ? offset - i : offset + i;
        g_array_append_val(job->found, at);
    }
    if (job->cancel_after > 0 && job->found->len >= job->cancel_after)
        co_cancel(co_self());
    return job->stop_after > 0 && (int)job->found->len >= job->stop_after ? 1 : 0;
}

static void find_job_co(void *data)
{
    struct job *job = data;
    job->ret = find_co(job->fixture->blk, &job->find, &job->progress, on_match, job);
    job->done = true;
}

static void run(struct fixture *fixture, struct job *job)
{
    job->fixture = fixture;
    job->found = g_array_new(FALSE, FALSE, sizeof(int64_t));
    co_start(find_job_co, job);
    while (!job->done)
        g_main_context_iteration(NULL, TRUE);
}

/* Blocks of few values: a third a hole, a third zeroes that are written, the rest random. */
static void begin(struct fixture *fixture, int64_t size)
{
    fixture->size = size;
    fixture->bytes = g_malloc0((size_t)size);
    int fd = g_file_open_tmp("blkscope-XXXXXX", &fixture->path, NULL);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    for (int64_t at = 0; at < size; at += BLOCK) {
        int sort = g_test_rand_int_range(0, 6);
        size_t n = (size_t)MIN(BLOCK, size - at);
        if (sort < 3)
            continue;
        for (size_t i = 0; i < n && sort > 3; i++)
            fixture->bytes[at + (int64_t)i] = (uint8_t)g_test_rand_int_range(0, 4);
        g_assert_cmpint(pwrite(fd, fixture->bytes + at, n, at), ==, n);
    }
    close(fd);
    fixture->aio = aio_new("threads", NULL);
    co_start(open_co, fixture);
    while (!fixture->blk)
        g_main_context_iteration(NULL, TRUE);
}

static void end(struct fixture *fixture)
{
    co_start(close_co, fixture);
    while (fixture->blk || co_live() > 0)
        g_main_context_iteration(NULL, TRUE);
    aio_free(fixture->aio);
    g_unlink(fixture->path);
    g_free(fixture->path);
    g_free(fixture->bytes);
}

static void check(struct fixture *fixture, const char *hex, int64_t from, int64_t to, bool backward)
{
    struct job job = {.find = {.from = from, .to = to, .backward = backward}};
    g_assert_cmpint(search_hex(hex, &job.find.search, NULL), ==, 0);
    run(fixture, &job);
    g_assert_cmpint(job.ret, ==, 0);
    guint at = 0, n = job.found->len;
    for (int64_t o = from; o < to && o + (int64_t)job.find.search.len <= fixture->size; o++) {
        if (search_matches(&job.find.search, fixture->bytes + o)) {
            g_assert_cmpuint(at, <, n);
            g_assert_cmpint(g_array_index(job.found, int64_t, backward ? n - 1 - at : at), ==, o);
            at++;
        }
    }
    g_assert_cmpuint(at, ==, n);
    g_array_unref(job.found);
}

static void test_equals_trying_every_place(void)
{
    static const char *const patterns[] = {"01 02 03 01", "00 00 00 00 01", "01 00 00 00 00 00 00 00 00", "00", "00 00 00 00 00 00 00 00",
                                           "00 ?? 00 ?0", "?? 01 ?? ?? 02 00 00", "0? 00 0? 00 00 03"};
    struct fixture fixture = {0};
    begin(&fixture, (int64_t)BLOCKS * BLOCK - 1536);
    for (unsigned i = 0; i < G_N_ELEMENTS(patterns); i++) {
        for (int round = 0; round < 6; round++) {
            int64_t from = round ? g_test_rand_int_range(0, (int)fixture.size) : 0;
            int64_t to = round ? g_test_rand_int_range((int)from, (int)fixture.size + 1) : fixture.size;
            check(&fixture, patterns[i], from, to, round % 2);
        }
    }
    g_autoptr(GString) zeroes = g_string_new(NULL); /* longer than most holes' ends */
    for (int i = 0; i < SEARCH_MAX; i++)
        g_string_append(zeroes, "00");
    check(&fixture, zeroes->str, 0, fixture.size, false);
    check(&fixture, zeroes->str, 0, fixture.size, true);
    end(&fixture);
}

static void test_ends_when_told(void)
{
    struct fixture fixture = {0};
    begin(&fixture, (int64_t)BLOCKS * BLOCK);
    for (int backward = 0; backward < 2; backward++) {
        struct job job = {.find = {.to = fixture.size, .backward = backward}, .stop_after = 1};
        g_assert_cmpint(search_hex("03", &job.find.search, NULL), ==, 0);
        run(&fixture, &job);
        g_assert_cmpint(job.ret, ==, 1);
        g_assert_cmpuint(job.found->len, >=, 1); /* a run is told at once */
        int64_t at = g_array_index(job.found, int64_t, 0);
        for (int64_t o = backward ? at + 1 : 0; o < (backward ? fixture.size : at); o++)
            g_assert_cmpint(fixture.bytes[o], !=, 3);
        g_array_unref(job.found);
    }
    end(&fixture);
}

/* Of what is read at once much may match: that ends where the search does. */
static void test_ends_among_matches(void)
{
    struct fixture fixture = {0};
    begin(&fixture, (int64_t)BLOCKS * BLOCK);
    for (int backward = 0; backward < 2; backward++) {
        struct job job = {.find = {.to = fixture.size, .backward = backward}, .cancel_after = 100};
        g_assert_cmpint(search_hex("?3", &job.find.search, NULL), ==, 0);
        run(&fixture, &job);
        g_assert_cmpint(job.ret, ==, -ECANCELED);
        g_assert_cmpuint(job.found->len, <, 200);
        g_array_unref(job.found);
    }
    end(&fixture);
}

/* An image of 16 TiB with nothing in it takes no time, and zeroes are found without a read. */
static void test_holes_are_not_read(void)
{
    struct fixture fixture = {0};
    fixture.size = INT64_C(15) << 40;
    int fd = g_file_open_tmp("blkscope-XXXXXX", &fixture.path, NULL);
    g_assert_cmpint(ftruncate(fd, fixture.size), ==, 0);
    g_assert_cmpint(pwrite(fd, "needle", 6, fixture.size - 6), ==, 6);
    close(fd);
    fixture.aio = aio_new("threads", NULL);
    co_start(open_co, &fixture);
    while (!fixture.blk)
        g_main_context_iteration(NULL, TRUE);
    struct job job = {.find = {.to = fixture.size}};
    g_assert_cmpint(search_text("NEEDLE", true, &job.find.search, NULL), ==, 0);
    run(&fixture, &job);
    g_assert_cmpuint(job.found->len, ==, 1);
    g_assert_cmpint(g_array_index(job.found, int64_t, 0), ==, fixture.size - 6);
    g_assert_cmpint(job.progress.read, <, 1 << 20);
    g_assert_cmpint(job.progress.done, ==, fixture.size);
    g_array_unref(job.found);
    end(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/find/equals-trying-every-place", test_equals_trying_every_place);
    g_test_add_func("/find/ends-when-told", test_ends_when_told);
    g_test_add_func("/find/ends-among-matches", test_ends_among_matches);
    g_test_add_func("/find/holes-are-not-read", test_holes_are_not_read);
    int ret = g_test_run();
    co_done();
    return ret;
}
