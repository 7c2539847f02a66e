/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One panel on a real session, without the rest of the screen: requests of the disk are held or let go by hand. */
#pragma once

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/session.h"
#include "io/aio.h"
#include "io/clock.h"
#include "io/co-internal.h"
#include "ui/panel.h"

struct bench {
    struct panel_host host;
    struct aio *aio;
    struct session *session;
    struct panel *panel;
    struct grid *grid;
    struct sink *sink;
    unsigned redraws;
    char *remark, *ran; /* the last of each */
    const struct panel_question *question;
    int64_t gone_to;    /* -1: nowhere yet */
    char *image;
};

static inline struct bench *bench_of(struct panel_host *host)
{
    return (struct bench *)host;
}

static struct session *bench_session(struct panel_host *host)
{
    return bench_of(host)->session;
}

static void bench_redraw(struct panel_host *host, struct panel *panel)
{
    bench_of(host)->redraws++;
}

static void bench_run_now(struct panel_host *host, const char *line)
{
    struct bench *bench = bench_of(host);

    g_free(bench->ran);
    bench->ran = g_strdup(line);
    session_run(bench->session, line, bench->sink, SESSION_RUN_NOW, NULL, NULL);
}

static void bench_go(struct panel_host *host, int64_t offset, int64_t bytes, const char *focus)
{
    struct bench *bench = bench_of(host);

    bench->gone_to = offset;
    if (bench->panel->ops->go)
        bench->panel->ops->go(bench->panel, offset, bytes);
}

static void bench_remark(struct panel_host *host, const char *text)
{
    struct bench *bench = bench_of(host);

    g_free(bench->remark);
    bench->remark = g_strdup(text);
}

static void bench_question(struct panel_host *host, struct panel *panel, const struct panel_question *question)
{
    bench_of(host)->question = question;
}

static void bench_ask_for(struct panel_host *host, enum request request)
{
    struct bench *bench = bench_of(host);

    bench->panel->ops->request(bench->panel, request, 1);
}

static const struct panel_host_ops bench_host_ops = {
    .session = bench_session, .redraw = bench_redraw, .run = bench_run_now, .go = bench_go, .remark = bench_remark,
    .question = bench_question, .ask = bench_ask_for};

#define BENCH_FORWARD(member, ...)                                                                                     \
    struct panel *panel = ((struct bench *)data)->panel;                                                               \
    if (panel && panel->ops->member)                                                                                   \
        panel->ops->member(panel, ##__VA_ARGS__);

static void bench_on_image(void *data)
{
    BENCH_FORWARD(image)
}

static void bench_on_buffer(void *data)
{
    BENCH_FORWARD(buffer)
}

static void bench_on_io(void *data, const struct blk_request *request)
{
    BENCH_FORWARD(io, request)
}

static void bench_on_changed(void *data, int64_t offset, int64_t bytes)
{
    BENCH_FORWARD(changed, offset, bytes)
}

static const struct session_observer bench_observer = {
    .image = bench_on_image, .buffer = bench_on_buffer, .request = bench_on_io, .changed = bench_on_changed};

/* Turns the loop while something is ready; what the disk was asked is left alone. */
static inline void bench_turn(struct bench *bench)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* Until every request of the disk is done and nothing is ready; the first `keep` are held. */
static inline void bench_settle_but(struct bench *bench, unsigned keep)
{
    bench_turn(bench);
    while (aio_manual_count(bench->aio) > keep) {
        aio_manual_complete(bench->aio, keep, 0);
        bench_turn(bench);
    }
}

static inline void bench_settle(struct bench *bench)
{
    bench_settle_but(bench, 0);
}

/* As far as that comes in so many requests: a search through terabytes need not end. */
static inline void bench_settle_some(struct bench *bench)
{
    enum { REQUESTS = 500 };
    bench_turn(bench);
    for (int i = 0; i < REQUESTS && aio_manual_count(bench->aio) > 0; i++) {
        aio_manual_complete(bench->aio, 0, 0);
        bench_turn(bench);
    }
}

static inline void bench_draw(struct bench *bench, int width, int height)
{
    GString *title = g_string_new(NULL);

    grid_resize(bench->grid, MAX(width, 1), MAX(height, 1));
    if (bench->panel->ops->title)
        bench->panel->ops->title(bench->panel, title);
    g_string_free(title, TRUE);
    bench->panel->ops->draw(bench->panel, surface_part(surface_of(bench->grid), 0, 0, width, height), true);
}

/* Draws until what is visible is known. */
static inline void bench_show(struct bench *bench, int width, int height)
{
    do {
        bench->redraws = 0;
        bench_draw(bench, width, height);
        bench_settle(bench);
    } while (bench->redraws > 0);
}

static inline void bench_run(struct bench *bench, const char *line)
{
    session_run(bench->session, line, bench->sink, 0, NULL, NULL);
    bench_settle(bench);
}

static inline enum panel_reaction bench_ask(struct bench *bench, enum request request, int count)
{
    enum panel_reaction reaction = bench->panel->ops->request(bench->panel, request, count);

    bench_turn(bench);
    return reaction;
}

/* A line of what was drawn, without trailing spaces.  g_free. */
static inline char *bench_line(struct bench *bench, int y)
{
    GString *text = g_string_new(NULL);

    for (int x = 0; x < grid_width(bench->grid); x++) {
        uint32_t ch = grid_cell(bench->grid, x, y)->ch;

        if (ch)
            g_string_append_unichar(text, ch);
    }
    return g_strchomp(g_string_free(text, FALSE));
}

static inline void bench_assert_line(struct bench *bench, int y, const char *text)
{
    g_autofree char *line = bench_line(bench, y);

    g_assert_cmpstr(line, ==, text);
}

static inline bool bench_shows(struct bench *bench, const char *text)
{
    for (int y = 0; y < grid_height(bench->grid); y++) {
        g_autofree char *line = bench_line(bench, y);

        if (strstr(line, text))
            return true;
    }
    return false;
}

static inline void bench_write(const char *name, int64_t offset, int64_t n, uint8_t byte)
{
    g_autofree uint8_t *bytes = g_malloc((size_t)n);
    int fd = open(name, O_WRONLY | O_CLOEXEC);

    memset(bytes, byte, (size_t)n);
    g_assert_cmpint(pwrite(fd, bytes, (size_t)n, offset), ==, n);
    close(fd);
}

/* An image of that size without data, not yet open; 0: none. */
static inline struct bench *bench_new(const struct panel_ops *ops, int64_t size)
{
    struct bench *bench = g_new0(struct bench, 1);
    struct session_config config = {.prog = "blkscope", .refs = BLK_REFS_NONE};
    struct grid_traits traits = {.utf8 = true, .colour = true};
    int fd;

    bench->host.ops = &bench_host_ops;
    bench->aio = config.aio = aio_new("manual", NULL);
    bench->session = session_new(&config);
    session_keep_buffers(bench->session, true);
    session_add_observer(bench->session, &bench_observer, bench);
    bench->sink = sink_new_buffer();
    bench->grid = grid_new(80, 24, traits);
    bench->gone_to = -1;
    fd = g_file_open_tmp("blkscope-XXXXXX", &bench->image, NULL);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    close(fd);
    bench->panel = ops->create(&bench->host);
    return bench;
}

/* More options of the raw driver; they name the file if they end in '='. */
static inline void bench_open(struct bench *bench, const char *options)
{
    bool named = g_str_has_suffix(options, "=");
    g_autofree char *line = g_strdup_printf("open -w -o driver=raw%s%s%s", options, named ? "" : " ", bench->image);

    bench_run(bench, line);
    if (!session_blk(bench->session))
        g_error("%s: %s", line, sink_buffer_text(bench->sink));
}

/* Waits for something to happen, before which time passes: whoever rests between scans or looks has rested. */
static inline void bench_wait(void)
{
    co_wait_expire(INT64_MAX);
    g_main_context_iteration(NULL, TRUE);
}

/* A session is freed in a loop of its own, so nothing may be held any more. */
static inline gboolean bench_complete(void *data)
{
    struct bench *bench = data;

    while (aio_manual_count(bench->aio) > 0)
        aio_manual_complete(bench->aio, 0, 0);
    return G_SOURCE_CONTINUE;
}

static inline void bench_free(struct bench *bench)
{
    unsigned completer = g_idle_add(bench_complete, bench);

    if (bench->panel)
        bench->panel->ops->free(bench->panel);
    bench->panel = NULL;
    session_free(bench->session);
    while (co_live() > 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(completer);
    aio_free(bench->aio);
    sink_free(bench->sink);
    grid_free(bench->grid);
    g_unlink(bench->image);
    g_free(bench->image);
    g_free(bench->remark);
    g_free(bench->ran);
    g_free(bench);
}

/*
 * Anything in any order at any size: requests, sizes, commands that open, close, resize and change the image.  What is checked is
 * that it survives (under the sanitizers most of all) and that drawing stays in its surface.
 */
static inline void bench_monkey(struct bench *bench, int steps)
{
    static const char *const lines[] = {"write 64k 4k",  "read 0 512",       "discard 0 128k",      "truncate 100000",
                                        "truncate 3M",   "close",            "aio_read 70000 4096", "truncate 0",
                                        "read 1000 777", "truncate 4398046511104", "aio_write 1M 64k", "write -z 0 256k"};

    for (int i = 0; i < steps; i++) {
        int width = g_test_rand_int_range(0, i % 3 ? 120 : 20), height = g_test_rand_int_range(0, i % 2 ? 60 : 8);
        int request = g_test_rand_int_range(REQUEST_UP, REQUEST_COUNT);

        if (g_test_rand_int_range(0, 8) == 0) {
            session_run(bench->session, lines[g_test_rand_int_range(0, G_N_ELEMENTS(lines))], bench->sink, 0, NULL, NULL);
        }
        if (g_test_rand_int_range(0, 20) == 0)
            bench_settle_some(bench);
        if (!session_blk(bench->session) && g_test_rand_int_range(0, 5) == 0)
            bench_open(bench, "");
        if (bench->panel->ops->request)
            bench->panel->ops->request(bench->panel, (enum request)request, g_test_rand_int_range(1, 30));
        if (bench->panel->ops->go && session_blk(bench->session) && blk_length(session_blk(bench->session)) > 0) {
            if (g_test_rand_int_range(0, 6) == 0) {
                int64_t at = (int64_t)(g_test_rand_double() * (double)blk_length(session_blk(bench->session)));

                bench->panel->ops->go(bench->panel, MIN(at, blk_length(session_blk(bench->session)) - 1), 0);
            }
        }
        bench_draw(bench, width, height);
        for (int x = width; x < grid_width(bench->grid); x++)
            g_assert_cmpint(grid_cell(bench->grid, x, 0)->ch, ==, ' ');
        if (g_test_rand_bit() && aio_manual_count(bench->aio) > 0) {
            unsigned index = (unsigned)g_test_rand_int_range(0, (int32_t)aio_manual_count(bench->aio));

            aio_manual_complete(bench->aio, index, g_test_rand_int_range(0, 10) == 0 ? -EIO : 0);
        }
        bench_turn(bench);
    }
}

/* The whole of a test: a panel on an image with some data, and anything that can happen. */
static inline void bench_anything(const struct panel_ops *ops)
{
    struct bench *bench = bench_new(ops, 2 << 20);

    bench_write(bench->image, 12345, 100000, 1);
    bench_monkey(bench, 3000);
    bench_free(bench);
}

/*
 * The whole of a test: the longest image that is opened (NODE_LENGTH_MAX); the sanitizers say when an offset is added to too much.
 * The two requests are the panel's own among those that move.
 */
static inline void bench_the_largest_image(const struct panel_ops *ops, enum request own, enum request jump)
{
    const enum request steps[] = {REQUEST_LAST,    REQUEST_PAGE_UP, own,           REQUEST_DOWN, REQUEST_PAGE_DOWN,
                                  REQUEST_ROW_END, REQUEST_RIGHT,   REQUEST_FIRST, jump};
    const int64_t size = INT64_C(9223372035781033984);
    struct bench *bench = bench_new(ops, 0);

    bench_run(bench, "open -o driver=null-co,read-zeroes=on,size=9223372035781033984");
    g_assert_cmpint(blk_length(session_blk(bench->session)), ==, size);
    for (int i = 0; i < 300; i++) {
        int width = g_test_rand_int_range(1, 200), height = g_test_rand_int_range(1, 70);

        bench_ask(bench, steps[i % G_N_ELEMENTS(steps)], g_test_rand_int_range(1, 100));
        bench_draw(bench, width, height);
        bench_settle(bench);
        if (i % 7 == 0)
            bench->panel->ops->go(bench->panel, size - 1 - i, INT64_MAX);
    }
    bench_free(bench);
}
