/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to an NBD server against one that does as it is told: what is sent, what comes of each reply, and of a break at any time. */
#include <dlfcn.h>
#include <netdb.h>

#include "block/nbd/connection-private.h"
#include "nbd-script.h"

enum { BLOCK = 4096, PIECE = 256 << 10 };

static struct script script;
static struct nbd_connection *connection;
static unsigned losses;

/* Until it is so, the loop turning. */
#define until(what)                                                                   \
    do {                                                                              \
        int64_t deadline_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;           \
        while (!(what)) {                                                             \
            g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);                  \
            co_yield_co();                                                            \
        }                                                                             \
    } while (0)

/* Let everything that is under way come to rest: what should not happen would have happened. */
static void settle_co(void)
{
    for (unsigned i = 0; i < 50; i++)
        co_yield_co();
}

struct job {
    struct nbd_request request;
    struct co *co;
    int ret;
    bool ended;
};

static void job_body(void *data)
{
    struct job *job = data;

    job->ret = nbd_connection_request_co(connection, &job->request);
    job->ended = true;
}

static void start_job(struct job *job, enum nbd_operation operation, int64_t offset, int64_t bytes)
{
    *job = (struct job){.request = {.operation = operation, .offset = offset, .bytes = bytes, .buf = g_malloc0(bytes)}};
    job->co = co_start(job_body, job);
}

static void check_data(const struct job *job)
{
    const uint8_t *buf = job->request.buf;

    g_assert_cmpint(job->ret, ==, 0);
    for (int64_t i = 0; i < job->request.bytes; i++) {
        if (buf[i] != script_byte(job->request.offset + i))
            g_error("wrong byte at %" G_GINT64_FORMAT, job->request.offset + i);
    }
}

static void end_job(struct job *job, int ret)
{
    until(job->ended);
    g_assert_cmpint(job->ret, ==, ret);
    if (ret == 0 && job->request.operation == NBD_READ)
        check_data(job);
    g_free(job->request.buf);
}

static struct nbd_connection *new_connection(unsigned reconnect_delay_s)
{
    struct nbd_settings settings = {.reconnect_delay_s = reconnect_delay_s, .losses = &losses};
    g_autoptr(options) options = options_new();
    const struct nbd_library *library = nbd_library_load(NULL);

    g_assert_nonnull(library);
    options_set(options, "path", script.name.sun_path);
    g_assert_cmpint(nbd_address_take(options, &settings.address, NULL), ==, 0);
    return nbd_connection_new(library, &settings, harness_aio, NULL, NULL);
}

static void begin_co(unsigned reconnect_delay_s)
{
    g_autoptr(GError) error = NULL;

    losses = 0;
    script_begin(&script);
    connection = new_connection(reconnect_delay_s);
    g_assert_cmpint(nbd_connection_open_co(connection, &error), ==, 0);
    g_assert_no_error(error);
    g_assert_cmpint(nbd_connection_export(connection)->size, ==, SCRIPT_SIZE);
}

static void end_co(void)
{
    g_assert_cmpuint(connection->in_flight, ==, 0);
    g_assert_cmpint(connection->reading, ==, 0);
    g_assert_true(g_queue_is_empty(&connection->held) && g_queue_is_empty(&connection->sent));
    nbd_connection_free(connection);
    script_end(&script);
}

/* ---- what is sent ---- */

static void test_out_of_order_co(void)
{
    struct job jobs[5];

    begin_co(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        start_job(&jobs[i], i == 2 ? NBD_FLUSH : NBD_READ, i == 2 ? 0 : i * 3 * BLOCK, i == 2 ? 0 : BLOCK);
    until(script.n_requests == G_N_ELEMENTS(jobs));
    for (unsigned i = script.n_requests; i-- > 0;)
        script_good(&script, &script.requests[i]);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        end_job(&jobs[i], 0);
    end_co();
}

static void test_neighbours_co(void)
{
    struct job jobs[3];

    begin_co(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        start_job(&jobs[i], NBD_READ, i * BLOCK, BLOCK);
    until(script.n_requests > 0);
    settle_co();
    g_assert_cmpuint(script.n_requests, ==, 1);
    g_assert_cmpuint(script.requests[0].length, ==, 3 * BLOCK);
    script_good_all(&script);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        end_job(&jobs[i], 0);
    end_co();
}

/* The error may be that of one of them. */
static void test_neighbours_fail_co(void)
{
    struct job jobs[3];

    begin_co(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        start_job(&jobs[i], NBD_READ, i * BLOCK, BLOCK);
    until(script.n_requests == 1);
    script_bad(&script, &script.requests[0], EIO);
    until(script.n_requests == 4);
    for (unsigned i = 1; i < 4; i++) {
        g_assert_cmpuint(script.requests[i].length, ==, BLOCK);
        if (script.requests[i].offset == BLOCK)
            script_bad(&script, &script.requests[i], ENOSPC);
        else
            script_good(&script, &script.requests[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        end_job(&jobs[i], i == 1 ? -ENOSPC : 0);
    end_co();
}

/* Not with what was asked for later, nor with what does not follow it. */
static void test_not_neighbours_co(void)
{
    struct job jobs[3];

    begin_co(0);
    start_job(&jobs[0], NBD_READ, 0, BLOCK);
    until(script.n_requests == 1);
    start_job(&jobs[1], NBD_READ, BLOCK, BLOCK);
    start_job(&jobs[2], NBD_READ, 0, BLOCK);
    until(script.n_requests == 3);
    script_good_all(&script);
    for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++)
        end_job(&jobs[i], 0);
    end_co();
}

static void test_pieces_co(void)
{
    struct job job;

    begin_co(0);
    connection->quick = true;
    start_job(&job, NBD_READ, BLOCK, 4 * PIECE);
    until(script.n_requests == 5); /* two of them are not whole */
    for (unsigned i = 5; i-- > 0;) {
        script_good(&script, &script.requests[i]);
        until(connection->sent.length == i); /* its buffer is not without end */
    }
    end_job(&job, 0);
    end_co();
}

static void test_slow_server_co(void)
{
    struct job job;

    begin_co(0);
    connection->quick = false;
    start_job(&job, NBD_READ, 0, 4 * PIECE);
    until(script.n_requests == 1);
    g_assert_cmpuint(script.requests[0].length, ==, 4 * PIECE);
    script_bad(&script, &script.requests[0], EIO);
    end_job(&job, -EIO);
    end_co();
}

/* A server that answers at once is not asked for more than a window; what is no read does not wait for that. */
static void test_window_co(void)
{
    struct job job, other;

    begin_co(0);
    connection->quick = true;
    start_job(&job, NBD_READ, 0, 16 * PIECE);
    until(script.n_requests == 8);
    settle_co();
    g_assert_cmpuint(script.n_requests, ==, 8);
    start_job(&other, NBD_WRITE, 0, BLOCK);
    until(script.n_requests == 9);
    connection->quick = false;
    until(script.n_requests == 10);
    g_assert_cmpuint(script.requests[9].length, ==, 8 * PIECE);
    for (unsigned i = 0; i < 9; i++) {
        script_good(&script, &script.requests[i]);
        until(connection->sent.length == 9 - i);
    }
    script_bad(&script, &script.requests[9], ENOMEM);
    end_job(&job, -ENOMEM);
    end_job(&other, 0);
    end_co();
}

/* ---- cancelling ---- */

static void test_cancel_before_sent_co(void)
{
    struct job job;

    begin_co(0);
    start_job(&job, NBD_READ, 0, BLOCK);
    co_cancel(job.co);
    end_job(&job, -ECANCELED);
    settle_co();
    g_assert_cmpuint(script.n_requests, ==, 0);
    end_co();
}

/* The memory is the library's until the reply has come. */
static void test_cancel_in_flight_co(void)
{
    struct job job;

    begin_co(0);
    start_job(&job, NBD_READ, 0, BLOCK);
    until(script.n_requests == 1);
    co_cancel(job.co);
    settle_co();
    g_assert_false(job.ended);
    script_good_all(&script);
    end_job(&job, 0);
    end_co();
}

static void test_cancel_between_pieces_co(void)
{
    struct job job;

    begin_co(0);
    connection->quick = true;
    start_job(&job, NBD_READ, 0, 16 * PIECE);
    until(script.n_requests == 8);
    co_cancel(job.co);
    settle_co();
    for (unsigned i = 0; i < 8; i++) {
        script_good(&script, &script.requests[i]);
        until(connection->sent.length == 7 - i);
    }
    end_job(&job, -ECANCELED);
    g_assert_cmpuint(script.n_requests, ==, 8);
    end_co();
}

/* ---- lies ---- */

static void lie_co(void (*tell)(const struct script_request *request), int ret)
{
    struct job job;

    begin_co(0);
    start_job(&job, NBD_READ, BLOCK, 4 * BLOCK);
    until(script.n_requests == 1);
    tell(&script.requests[0]);
    end_job(&job, ret);
    end_co();
}

static void tell_less(const struct script_request *request)
{
    script_data(&script, request, request->offset, BLOCK, true);
}

static void tell_twice(const struct script_request *request)
{
    script_data(&script, request, request->offset, 2 * BLOCK, false);
    script_data(&script, request, request->offset, 2 * BLOCK, true);
}

static void tell_overlapping(const struct script_request *request)
{
    script_data(&script, request, request->offset + 2 * BLOCK, 2 * BLOCK, false);
    script_data(&script, request, request->offset + BLOCK, 2 * BLOCK, true);
}

static void tell_backwards(const struct script_request *request)
{
    for (unsigned i = 4; i-- > 0;)
        script_data(&script, request, request->offset + i * BLOCK, BLOCK, i == 0);
}

static void test_less_co(void)
{
    lie_co(tell_less, -EPROTO);
}

static void test_twice_co(void)
{
    lie_co(tell_twice, -EPROTO);
}

static void test_overlapping_co(void)
{
    lie_co(tell_overlapping, -EPROTO);
}

static void test_backwards_co(void)
{
    lie_co(tell_backwards, 0);
}

/* ---- breaks ---- */

static void test_lost_co(void)
{
    struct job jobs[4];

    begin_co(0);
    start_job(&jobs[0], NBD_READ, 0, BLOCK);
    start_job(&jobs[1], NBD_WRITE, 0, BLOCK);
    start_job(&jobs[2], NBD_READ, 0, 16 * PIECE); /* partly held */
    until(script.n_requests >= 3);
    script_hang_up(&script);
    for (unsigned i = 0; i < 3; i++)
        end_job(&jobs[i], -EIO);
    script.n_requests = 0;
    start_job(&jobs[3], NBD_READ, 0, BLOCK);
    until(script.n_requests == 1);
    script_good_all(&script);
    end_job(&jobs[3], 0);
    g_assert_cmpuint(script.accepted, ==, 2);
    end_co();
}

static void do_co(enum nbd_operation operation, unsigned flags)
{
    struct job job;

    script.n_requests = 0;
    start_job(&job, operation, 0, operation == NBD_FLUSH ? 0 : BLOCK);
    job.request.flags = flags; /* it is not sent yet where the connection has to be made */
    until(script.n_requests == 1);
    script_good_all(&script);
    end_job(&job, 0);
}

static void hang_up_co(void)
{
    script_hang_up(&script);
    until(connection->state == NBD_DOWN);
}

/* Only what was answered, by a server that did not say that it is on its disk, can be lost with the server; and that once. */
static void test_losses_are_counted_co(void)
{
    struct job jobs[2];

    begin_co(60);
    hang_up_co();
    do_co(NBD_READ, 0);
    hang_up_co();
    do_co(NBD_WRITE, LIBNBD_CMD_FLAG_FUA);
    hang_up_co();
    g_assert_cmpuint(losses, ==, 0);
    do_co(NBD_WRITE, 0);
    do_co(NBD_FLUSH, 0);
    hang_up_co();
    g_assert_cmpuint(losses, ==, 0);
    do_co(NBD_FLUSH, 0);
    do_co(NBD_WRITE, 0);
    hang_up_co();
    g_assert_cmpuint(losses, ==, 1);
    do_co(NBD_READ, 0);
    hang_up_co();
    g_assert_cmpuint(losses, ==, 1);
    /* A flush tells of what was answered before it was sent, not before it was answered. */
    script.n_requests = 0;
    start_job(&jobs[0], NBD_WRITE, 0, BLOCK);
    start_job(&jobs[1], NBD_FLUSH, 0, 0);
    until(script.n_requests == 2);
    script_good_all(&script);
    end_job(&jobs[0], 0);
    end_job(&jobs[1], 0);
    hang_up_co();
    g_assert_cmpuint(losses, ==, 2);
    end_co();
}

/* Those under way are sent again, each once, those that come meanwhile wait with them, and all for one connection. */
static void test_sent_again_co(void)
{
    struct job jobs[6];
    unsigned writes = 0, reads = 0;

    begin_co(60);
    start_job(&jobs[0], NBD_READ, 0, BLOCK);
    start_job(&jobs[1], NBD_WRITE, 5 * BLOCK, BLOCK);
    start_job(&jobs[2], NBD_READ, 9 * BLOCK, BLOCK);
    until(script.n_requests == 3);
    script.n_requests = 0;
    script.refuse = 1;
    script_hang_up(&script);
    until(connection->state != NBD_UP);
    for (unsigned i = 3; i < 6; i++)
        start_job(&jobs[i], NBD_WRITE, 20 * i * BLOCK, BLOCK);
    until(script.n_requests == 6);
    settle_co();
    for (unsigned i = 0; i < script.n_requests; i++) {
        writes += script.requests[i].type == 1;
        reads += script.requests[i].type == 0;
    }
    g_assert_cmpuint(writes, ==, 4);
    g_assert_cmpuint(reads, ==, 2);
    script_good_all(&script);
    for (unsigned i = 0; i < 6; i++)
        end_job(&jobs[i], 0);
    g_assert_cmpuint(script.accepted, ==, 3);
    end_co();
}

static void test_answered_is_not_sent_again_co(void)
{
    struct job jobs[2];

    begin_co(60);
    start_job(&jobs[0], NBD_WRITE, 0, BLOCK);
    start_job(&jobs[1], NBD_WRITE, 8 * BLOCK, BLOCK);
    until(script.n_requests == 2);
    script_good(&script, &script.requests[0]);
    end_job(&jobs[0], 0);
    script.n_requests = 0;
    script_hang_up(&script);
    until(script.n_requests == 1);
    g_assert_cmpuint(script.requests[0].offset, ==, 8 * BLOCK);
    script_good_all(&script);
    end_job(&jobs[1], 0);
    end_co();
}

static void test_cancel_while_down_co(void)
{
    struct job job;

    begin_co(60);
    script.mute = true; /* the next connection comes to nothing */
    script_hang_up(&script);
    until(connection->state == NBD_DOWN);
    start_job(&job, NBD_READ, 0, BLOCK);
    until(script.accepted == 2);
    co_cancel(job.co);
    end_job(&job, -ECANCELED);
    end_co();
}

static void opener(void *data)
{
    g_autoptr(GError) error = NULL;

    *(int *)data = nbd_connection_open_co(connection, &error);
}

static void test_cancel_the_handshake_co(void)
{
    int ret = 1;

    script_begin(&script);
    script.mute = true;
    connection = new_connection(0);
    struct co *co = co_start(opener, &ret);
    until(script.accepted == 1);
    co_cancel(co);
    until(ret != 1);
    g_assert_cmpint(ret, ==, -ECANCELED);
    end_co();
}

/* ---- a name server that does not answer: of everybody's getaddrinfo(3), libnbd's, too, which is only asked for a service that there is not ---- */

static gint lookups, answered_lookups = G_MAXINT;

__attribute__((visibility("default"))) int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    __typeof__(&getaddrinfo) next = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
    int number;

    if (!g_ascii_isdigit(port[0]))
        return next(host, port, hints, found);
    number = g_atomic_int_add(&lookups, 1);
    while (g_atomic_int_get(&answered_lookups) <= number)
        g_thread_yield();
    return next("127.0.0.1", port, hints, found);
}

static bool is_the_only_thread(void)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    return tasks && g_dir_read_name(tasks) && !g_dir_read_name(tasks);
}

/* The loop turns meanwhile. */
static void test_cancel_a_lookup_co(void)
{
    struct nbd_settings settings = {0};
    g_autoptr(options) options = options_new();
    int ret = 1;

    g_assert_true(options_parse(options, "host=name,port=1,tls=on,tls-verify-peer=off", NULL, NULL));
    g_assert_cmpint(nbd_address_take(options, &settings.address, NULL), ==, 0);
    connection = nbd_connection_new(nbd_library_load(NULL), &settings, harness_aio, NULL, NULL);
    lookups = 0;
    g_atomic_int_set(&answered_lookups, 0);
    struct co *co = co_start(opener, &ret);
    until(g_atomic_int_get(&lookups) == 1);
    settle_co();
    g_assert_cmpint(ret, ==, 1);
    co_cancel(co);
    until(ret != 1);
    g_assert_cmpint(ret, ==, -ECANCELED);
    nbd_connection_free(connection);
    g_atomic_int_set(&answered_lookups, G_MAXINT);
    until(is_the_only_thread()); /* the other must not be at work in libnbd when the process ends */
}

static void add(void)
{
    harness_add("/nbd/connection/out-of-order", test_out_of_order_co);
    harness_add("/nbd/connection/neighbours", test_neighbours_co);
    harness_add("/nbd/connection/neighbours-fail", test_neighbours_fail_co);
    harness_add("/nbd/connection/not-neighbours", test_not_neighbours_co);
    harness_add("/nbd/connection/pieces", test_pieces_co);
    harness_add("/nbd/connection/slow-server", test_slow_server_co);
    harness_add("/nbd/connection/window", test_window_co);
    harness_add("/nbd/connection/cancel-before-sent", test_cancel_before_sent_co);
    harness_add("/nbd/connection/cancel-in-flight", test_cancel_in_flight_co);
    harness_add("/nbd/connection/cancel-between-pieces", test_cancel_between_pieces_co);
    harness_add("/nbd/connection/less", test_less_co);
    harness_add("/nbd/connection/twice", test_twice_co);
    harness_add("/nbd/connection/overlapping", test_overlapping_co);
    harness_add("/nbd/connection/backwards", test_backwards_co);
    harness_add("/nbd/connection/lost", test_lost_co);
    harness_add("/nbd/connection/losses-are-counted", test_losses_are_counted_co);
    harness_add("/nbd/connection/sent-again", test_sent_again_co);
    harness_add("/nbd/connection/answered-is-not-sent-again", test_answered_is_not_sent_again_co);
    harness_add("/nbd/connection/cancel-while-down", test_cancel_while_down_co);
    harness_add("/nbd/connection/cancel-the-handshake", test_cancel_the_handshake_co);
    harness_add("/nbd/connection/cancel-a-lookup", test_cancel_a_lookup_co);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "manual", add);
}
