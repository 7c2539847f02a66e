/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session of its own for each test, its lines and their end; images without a disk, or with blkdebug over one. */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/session.h"
#include "io/aio.h"
#include "io/co.h"

struct fixture {
    struct aio *aio;
    struct session *session;
    struct sink *sink;
    GString *ended; /* names of the lines that are done, in order */
};

static inline void set_up_with(struct fixture *fixture, const char *aio, struct session_config config)
{
    fixture->aio = aio_new(aio, NULL);
    g_assert_nonnull(fixture->aio);
    config.aio = fixture->aio;
    config.prog = config.drop_in ? "qemu-io" : "blkscope";
    fixture->session = session_new(&config);
    fixture->sink = sink_new_buffer();
    fixture->ended = g_string_new(NULL);
}

static inline void set_up(struct fixture *fixture, const void *data)
{
    set_up_with(fixture, "threads", (struct session_config){.writable = true});
}

static inline void tear_down(struct fixture *fixture, const void *data)
{
    session_free(fixture->session);
    sink_free(fixture->sink);
    aio_free(fixture->aio);
    g_string_free(fixture->ended, TRUE);
    g_assert_cmpuint(co_live(), ==, 0);
}

static inline int run(struct fixture *fixture, const char *line)
{
    return batch_run_line(fixture->session, line, fixture->sink);
}

static inline void open_null(struct fixture *fixture)
{
    g_assert_cmpint(run(fixture, "open -o driver=null-co,size=1M,read-zeroes=on"), ==, 0);
}

/* blkdebug over a file of ours; the file is gone when this returns, but for the descriptor. */
static inline void open_blkdebug(struct fixture *fixture)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "disk.img", NULL);
    g_autofree char *zeroes = g_malloc0(1 << 20);
    g_assert_true(g_file_set_contents(path, zeroes, 1 << 20, NULL));
    g_autofree char *line = g_strdup_printf("open -o driver=raw blkdebug::%s", path);
    g_assert_cmpint(run(fixture, line), ==, 0);
    g_unlink(path);
    g_rmdir(dir);
}

static inline const char *text(struct fixture *fixture)
{
    return sink_buffer_text(fixture->sink);
}

struct ticket {
    struct fixture *fixture;
    const char *name;
    int ret;
    bool done;
};

static inline void on_done(void *data, int ret)
{
    struct ticket *ticket = data;
    g_assert_false(ticket->done);
    ticket->done = true;
    ticket->ret = ret;
    g_string_append(ticket->fixture->ended, ticket->name);
}

static inline void start(struct fixture *fixture, struct ticket *ticket, const char *name, const char *line, unsigned flags)
{
    *ticket = (struct ticket){.fixture = fixture, .name = name};
    session_run(fixture->session, line, fixture->sink, flags, on_done, ticket);
}

static inline void wait_for(struct ticket *ticket)
{
    while (!ticket->done)
        g_main_context_iteration(NULL, TRUE);
}

#define SESSION_TEST(path, fn) g_test_add("/session/" path, struct fixture, NULL, set_up, fn, tear_down)

/* Runs what was added; what main() returns. */
static inline int run_session_tests(void)
{
    co_init();
    int status = g_test_run();
    co_done();
    return status;
}
