/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every body marked "each" runs on every back end; the manual one is driven by a source that completes the oldest
 * request. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/aio-backend.h"
#include "io/co.h"

#if HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

enum { FILE_SIZE = 4 << 20, BLOCK = 4096 };

static struct aio *aio;
static int fd;
static char *path;
static uint8_t *content;

static void turn_until_nobody_lives(void)
{
    while (co_live())
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(aio_in_flight(aio), ==, 0);
}

static void run_co(void (*fn)(void *))
{
    co_start(fn, NULL);
    turn_until_nobody_lives();
}

static uint8_t byte_at(int64_t offset)
{
    return offset * 31 + (offset >> 8) * 7 + (offset >> 16);
}

static void make_file(void)
{
    fd = g_file_open_tmp("blkscope-aio-XXXXXX", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    content = g_malloc(FILE_SIZE);
    for (int64_t i = 0; i < FILE_SIZE; i++)
        content[i] = byte_at(i);
    g_assert_cmpint(pwrite(fd, content, FILE_SIZE, 0), ==, FILE_SIZE);
}

/* So that reads can't be served by the page cache, as far as the file system lets go of it. */
static void forget_cached_pages(void)
{
    g_assert_cmpint(fdatasync(fd), ==, 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* ---- each: results ---- */

static void read_vector(void *data)
{
    uint8_t a[100], b[5000], c[1];
    const struct iovec iov[] = {{a, sizeof a}, {NULL, 0}, {b, sizeof b}, {c, sizeof c}};
    g_assert_cmpint(aio_preadv_co(aio, fd, iov, G_N_ELEMENTS(iov), 12345, 0), ==, 5101);
    g_assert_cmpmem(a, sizeof a, content + 12345, sizeof a);
    g_assert_cmpmem(b, sizeof b, content + 12445, sizeof b);
    g_assert_cmpint(c[0], ==, content[17445]);
}

static void each_reads_a_vector(void)
{
    run_co(read_vector);
    forget_cached_pages();
    run_co(read_vector);
}

/* The caller continues short reads; a megabyte and more comes in slices. */
static void read_all(void *data)
{
    g_autofree uint8_t *buffer = g_malloc(FILE_SIZE);
    int64_t done = 0;
    while (done < FILE_SIZE) {
        const struct iovec iov[] = {{buffer + done, (FILE_SIZE - done) / 2},
                                    {buffer + done + (FILE_SIZE - done) / 2, (FILE_SIZE - done + 1) / 2}};
        ssize_t n = aio_preadv_co(aio, fd, iov, 2, done, 0);
        g_assert_cmpint(n, >, 0);
        done += n;
    }
    g_assert_cmpmem(buffer, FILE_SIZE, content, FILE_SIZE);
}

static void each_reads_everything_in_pieces(void)
{
    run_co(read_all);
    forget_cached_pages();
    run_co(read_all);
}

static void read_at_the_end(void *data)
{
    uint8_t buffer[100];
    const struct iovec iov = {buffer, sizeof buffer};
    g_assert_cmpint(aio_preadv_co(aio, fd, &iov, 1, FILE_SIZE - 30, 0), ==, 30);
    g_assert_cmpint(aio_preadv_co(aio, fd, &iov, 1, FILE_SIZE, 0), ==, 0);
    g_assert_cmpint(aio_preadv_co(aio, fd, &iov, 1, FILE_SIZE + 1, 0), ==, 0);
}

static void each_reads_short_at_the_end(void)
{
    run_co(read_at_the_end);
}

static void read_too_many_buffers(void *data)
{
    enum { N = IOV_MAX + 500 };
    g_autofree struct iovec *iov = g_new(struct iovec, N);
    g_autofree uint8_t *buffer = g_malloc(N);
    for (int i = 0; i < N; i++)
        iov[i] = (struct iovec){buffer + i, 1};
    ssize_t done = 0;
    while (done < N) {
        ssize_t n = aio_preadv_co(aio, fd, iov + done, N - done, done, 0);
        g_assert_cmpint(n, >, 0);
        done += n;
    }
    g_assert_cmpmem(buffer, N, content, N);
    done = aio_pwritev_co(aio, fd, iov, N, 0, 0);
    g_assert_cmpint(done, ==, IOV_MAX);
}

static void each_takes_more_buffers_than_the_kernel(void)
{
    run_co(read_too_many_buffers);
}

static void write_and_read_back(void *data)
{
    static const unsigned flags[] = {0, AIO_FUA, AIO_ALONE, AIO_FUA | AIO_ALONE};
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        char a[] = "hello, ", b[] = "world", back[12];
        a[0] = 'a' + i;
        const struct iovec iov[] = {{a, 7}, {b, 5}}, iov_back = {back, 12};
        g_assert_cmpint(aio_pwritev_co(aio, fd, iov, 2, FILE_SIZE + 1000 * i, flags[i]), ==, 12);
        g_assert_cmpint(aio_preadv_co(aio, fd, &iov_back, 1, FILE_SIZE + 1000 * i, 0), ==, 12);
        g_assert_cmpmem(back, 7, a, 7);
        g_assert_cmpmem(back + 7, 5, b, 5);
    }
    g_assert_cmpint(aio_fdatasync_co(aio, fd), ==, 0);
}

static void each_writes(void)
{
    run_co(write_and_read_back);
    aio_set_inline_calls(aio, true);
    run_co(write_and_read_back);
}

static void punch(void *data)
{
    int ret = aio_fallocate_co(aio, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536);
    if (ret == -EOPNOTSUPP) {
        g_test_message("no holes on this file system");
        return;
    }
    g_assert_cmpint(ret, ==, 0);
    uint8_t byte = 1;
    g_assert_cmpint(pread(fd, &byte, 1, 65535), ==, 1);
    g_assert_cmpint(byte, ==, 0);
    g_assert_cmpint(pread(fd, &byte, 1, 65536), ==, 1);
    g_assert_cmpint(byte, ==, content[65536]);
    g_assert_cmpint(aio_fallocate_co(aio, fd, 0, 0, 0), ==, -EINVAL);
}

static void each_punches_holes(void)
{
    run_co(punch);
}

/* ---- each: errors ---- */

static void provoke_errors(void *data)
{
    uint8_t byte = 0;
    const struct iovec iov = {&byte, 1}, nowhere = {(void *)1, 4096};
    g_assert_cmpint(aio_preadv_co(aio, -1, &iov, 1, 0, 0), ==, -EBADF);
    g_assert_cmpint(aio_pwritev_co(aio, -1, &iov, 1, 0, AIO_FUA), ==, -EBADF);
    g_assert_cmpint(aio_fdatasync_co(aio, -1), ==, -EBADF);
    g_assert_cmpint(aio_fallocate_co(aio, -1, 0, 0, 1), ==, -EBADF);
    g_assert_cmpint(aio_preadv_co(aio, fd, &iov, 1, -5, 0), ==, -EINVAL);
    if (!RUNNING_ON_VALGRIND)
        g_assert_cmpint(aio_pwritev_co(aio, fd, &nowhere, 1, 0, 0), ==, -EFAULT);

    int full = g_open("/dev/full", O_RDWR | O_CLOEXEC);
    g_assert_cmpint(aio_pwritev_co(aio, full, &iov, 1, 0, 0), ==, -ENOSPC);
    close(full);
    int reader = g_open(path, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(aio_pwritev_co(aio, reader, &iov, 1, 0, 0), ==, -EBADF);
    close(reader);
}

static void each_returns_errors(void)
{
    run_co(provoke_errors);
    aio_set_inline_calls(aio, true);
    run_co(provoke_errors);
}

/* ---- each: many at once ---- */

enum { MANY = 1500 };

struct task {
    unsigned index;
    bool done;
};

static void write_block(void *data)
{
    struct task *task = data;
    g_autofree uint8_t *buffer = g_malloc(BLOCK);
    memset(buffer, 1 + task->index % 255, BLOCK);
    const struct iovec iov = {buffer, BLOCK};
    g_assert_cmpint(aio_pwritev_co(aio, fd, &iov, 1, (int64_t)task->index * BLOCK, 0), ==, BLOCK);
    task->done = true;
}

static void read_block(void *data)
{
    struct task *task = data;
    g_autofree uint8_t *buffer = g_malloc0(BLOCK);
    const struct iovec iov = {buffer, BLOCK};
    g_assert_cmpint(aio_preadv_co(aio, fd, &iov, 1, (int64_t)task->index * BLOCK, 0), ==, BLOCK);
    for (unsigned i = 0; i < BLOCK; i++)
        g_assert_cmpint(buffer[i], ==, 1 + task->index % 255);
    task->done = true;
}

static void start_many(co_fn *fn, unsigned n)
{
    g_autofree struct task *tasks = g_new0(struct task, n);
    for (unsigned i = 0; i < n; i++) {
        tasks[i].index = i;
        co_start(fn, &tasks[i]);
    }
    turn_until_nobody_lives();
    for (unsigned i = 0; i < n; i++)
        g_assert_true(tasks[i].done);
}

static void each_serves_many_at_once(void)
{
    start_many(write_block, MANY);
    start_many(read_block, MANY);
    forget_cached_pages();
    start_many(read_block, MANY);
}

/* ---- each: calls ---- */

static int add_one(void *data)
{
    return ++*(int *)data;
}

static void call(void *data)
{
    int value = 41;
    g_assert_cmpint(aio_call_co(aio, add_one, &value, false), ==, 42);
    g_assert_cmpint(aio_call_co(aio, add_one, &value, true), ==, 43);
    g_assert_cmpint(value, ==, 43);
}

static void each_makes_calls(void)
{
    run_co(call);
    aio_set_inline_calls(aio, true);
    run_co(call);
}

static int note_thread(void *data)
{
    *(GThread **)data = g_thread_self();
    return 0;
}

static void call_noting_the_thread(void *data)
{
    GThread *thread = NULL;
    aio_call_co(aio, note_thread, &thread, true);
    g_assert_true(thread != g_thread_self());
    aio_set_inline_calls(aio, true);
    aio_call_co(aio, note_thread, &thread, false);
    g_assert_true(thread != g_thread_self());
    aio_call_co(aio, note_thread, &thread, true);
    g_assert_true(thread == g_thread_self());
}

static void test_inline_only_what_is_quick_and_allowed(void)
{
    aio = aio_new("threads", NULL);
    run_co(call_noting_the_thread);
    g_clear_pointer(&aio, aio_free);
}

/* ---- a hung call holds up nobody else ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int pass_the_gate(void *data)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return 7;
}

static void hang(void *data)
{
    *(int *)data = aio_call_co(aio, pass_the_gate, NULL, false);
}

static void each_goes_on_beside_a_hung_call(void)
{
    if (!strcmp(aio_name(aio), "manual")) {
        g_test_skip("the manual back end blocks in aio_manual_complete()");
        return;
    }
    int result = 0;
    pthread_mutex_lock(&gate);
    co_start(hang, &result);
    struct task task = {.index = 0};
    co_start(write_block, &task);
    while (!task.done)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(aio_in_flight(aio), ==, 1);
    g_assert_cmpint(result, ==, 0);
    pthread_mutex_unlock(&gate);
    turn_until_nobody_lives();
    g_assert_cmpint(result, ==, 7);
}

/* All threads are busy, one call waits, and whoever comes after the retirement is not forgotten. */
static void test_goes_on_after_retired_threads(void)
{
    enum { OLD = 80, NEW = 3 };
    for (int round = 0; round < 20; round++) {
        int results[OLD + NEW] = {0};
        aio = aio_new("threads", NULL);
        pthread_mutex_lock(&gate);
        for (int i = 0; i < OLD; i++)
            co_start(hang, &results[i]);
        g_assert_cmpuint(aio_in_flight(aio), ==, OLD);
        aio_retire(aio, false);
        for (int i = 0; i < NEW; i++)
            co_start(hang, &results[OLD + i]);
        g_usleep(1000); /* so that new threads look for work, and find what is not theirs */
        pthread_mutex_unlock(&gate);
        turn_until_nobody_lives();
        for (int i = 0; i < OLD + NEW; i++)
            g_assert_cmpint(results[i], ==, 7);
        g_clear_pointer(&aio, aio_free);
    }
}

/* Cancelling does not touch a request: its buffers are the kernel's until it is done. */
static void each_request_outlives_a_cancellation(void)
{
    struct task task = {.index = 3};
    struct co *co = co_start(write_block, &task);
    g_assert_nonnull(co);
    co_cancel(co);
    turn_until_nobody_lives();
    g_assert_true(task.done);
}

/* ---- each: durable writes ---- */

static void write_durably(void *data)
{
    struct task *task = data;
    uint8_t byte = task->index;
    const struct iovec iov = {&byte, 1};
    g_assert_cmpint(aio_pwritev_co(aio, fd, &iov, 1, task->index, AIO_FUA), ==, 1);
    g_assert_cmpint(aio_fdatasync_co(aio, fd), ==, 0);
    g_assert_cmpint(pread(fd, &byte, 1, task->index), ==, 1);
    g_assert_cmpint(byte, ==, (uint8_t)task->index);
    task->done = true;
}

static void each_writes_durably_many_at_once(void)
{
    start_many(write_durably, 200);
}

static void flush_nothing(void *data)
{
    g_assert_cmpint(aio_fdatasync_co(aio, -1), ==, -EBADF);
    (*(int *)data)++;
}

static void each_flush_error_reaches_all(void)
{
    int over = 0;
    for (int i = 0; i < 10; i++)
        co_start(flush_nothing, &over);
    turn_until_nobody_lives();
    g_assert_cmpint(over, ==, 10);
}

/* ---- flushes, seen from a back end ---- */

static GPtrArray *submitted; /* struct aio_request */

static void record_submit(struct aio *self, struct aio_request *request)
{
    g_ptr_array_add(submitted, request);
}

static const struct aio_ops recorder = {.name = "recorder", .submit = record_submit};

static void flush_for_result(void *data)
{
    *(int *)data = aio_fdatasync_co(aio, fd);
}

static void complete_only_one(int result)
{
    g_assert_cmpuint(submitted->len, ==, 1);
    struct aio_request *request = g_ptr_array_steal_index(submitted, 0);
    g_assert_cmpint(request->op, ==, AIO_FSYNC);
    aio_request_complete(request, result);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* Those that come while a flush runs may have written since it began: it is not for them, the next is for all of them.
 */
static void test_flushes_are_merged_but_never_early(void)
{
    aio = aio_new("threads", NULL);
    aio->ops = &recorder;
    submitted = g_ptr_array_new();
    int first = 1, late[5] = {1, 1, 1, 1, 1}, last = 1;
    co_start(flush_for_result, &first);
    for (unsigned i = 0; i < G_N_ELEMENTS(late); i++)
        co_start(flush_for_result, &late[i]);
    g_assert_cmpuint(aio_in_flight(aio), ==, 6);

    complete_only_one(0);
    g_assert_cmpint(first, ==, 0);
    co_start(flush_for_result, &last);
    for (unsigned i = 0; i < G_N_ELEMENTS(late); i++)
        g_assert_cmpint(late[i], ==, 1);
    complete_only_one(-EIO);
    for (unsigned i = 0; i < G_N_ELEMENTS(late); i++)
        g_assert_cmpint(late[i], ==, -EIO);
    g_assert_cmpint(last, ==, 1);
    complete_only_one(0);
    g_assert_cmpint(last, ==, 0);

    turn_until_nobody_lives();
    g_assert_null(aio->flushes);
    g_ptr_array_unref(submitted);
    g_clear_pointer(&aio, aio_free);
}

/* Done on the spot, none would be there to share it. */
static void test_flushes_are_merged_while_requests_share(void)
{
    aio = aio_new("threads", NULL);
    aio->ops = &recorder;
    submitted = g_ptr_array_new();
    aio_set_inline_calls(aio, true);
    int alone = 1, results[5] = {1, 1, 1, 1, 1};
    co_start(flush_for_result, &alone);
    g_assert_cmpint(alone, ==, 0);
    g_assert_cmpuint(submitted->len, ==, 0);

    aio_set_sharing(aio, true);
    for (unsigned i = 0; i < G_N_ELEMENTS(results); i++)
        co_start(flush_for_result, &results[i]);
    complete_only_one(0);
    complete_only_one(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(results); i++)
        g_assert_cmpint(results[i], ==, 0);

    turn_until_nobody_lives();
    g_ptr_array_unref(submitted);
    g_clear_pointer(&aio, aio_free);
}

/* ---- the page cache ---- */

static void read_much(void *data)
{
    g_autofree uint8_t *buffer = g_malloc(FILE_SIZE);
    const struct iovec iov[] = {{buffer, FILE_SIZE / 2}, {buffer + FILE_SIZE / 2, FILE_SIZE / 2}};
    *(ssize_t *)data = aio_preadv_co(aio, fd, iov, 2, 0, 0);
}

static void test_cached_reads_do_not_suspend(void)
{
    uint8_t byte;
    const struct iovec iov = {&byte, 1};
    if (preadv2(fd, &iov, 1, 0, RWF_NOWAIT) != 1) {
        g_test_skip("this file system has no RWF_NOWAIT");
        return;
    }
    aio = aio_new("threads", NULL);
    struct task task = {.index = 0};
    memset(content, 1, BLOCK);
    g_assert_cmpint(pwrite(fd, content, BLOCK, 0), ==, BLOCK);
    g_assert_null(co_start(read_block, &task));
    g_assert_true(task.done);
    ssize_t much = 0;
    aio_set_inline_calls(aio, true);
    g_assert_null(co_start(read_much, &much));
    g_assert_cmpint(much, >, 0);
    g_assert_cmpint(much, <=, 1 << 20); /* a slice */
    /* Where somebody watches only what is short. */
    much = 0;
    aio_set_inline_calls(aio, false);
    task.done = false;
    g_assert_null(co_start(read_block, &task));
    g_assert_true(task.done);
    g_assert_nonnull(co_start(read_much, &much));
    g_assert_cmpint(much, ==, 0);
    turn_until_nobody_lives();
    g_assert_cmpint(much, >, 0);
    g_clear_pointer(&aio, aio_free);
}

/* ---- the manual back end by hand ---- */

static void read_result(void *data)
{
    uint8_t buffer[10];
    const struct iovec iov[] = {{buffer, 4}, {buffer + 4, 6}};
    *(ssize_t *)data = aio_preadv_co(aio, fd, iov, 2, 77, 0);
}

static void test_manual_completes_in_any_order(void)
{
    aio = aio_new("manual", NULL);
    ssize_t a = 0, b = 0;
    co_start(read_result, &a);
    co_start(read_result, &b);
    g_assert_cmpuint(aio_manual_count(aio), ==, 2);
    struct aio_manual_view view = aio_manual_peek(aio, 1);
    g_assert_cmpint(view.op, ==, AIO_READ);
    g_assert_cmpint(view.fd, ==, fd);
    g_assert_cmpint(view.offset, ==, 77);
    g_assert_cmpint(view.bytes, ==, 10);

    aio_manual_complete(aio, 1, -EIO);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpint(a, ==, 0);
    g_assert_cmpint(b, ==, -EIO);
    g_assert_cmpuint(aio_in_flight(aio), ==, 1);
    aio_manual_complete(aio, 0, 0);
    turn_until_nobody_lives();
    g_assert_cmpint(a, ==, 10);
    g_clear_pointer(&aio, aio_free);
}

/* ---- choosing ---- */

static void test_names(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(aio_new("nope", &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "'nope'"));

    g_setenv("BLKSCOPE_AIO", "manual", TRUE);
    struct aio *forced = aio_new(NULL, NULL), *named = aio_new("threads", NULL);
    g_assert_cmpstr(aio_name(forced), ==, "manual");
    g_assert_cmpstr(aio_name(named), ==, "threads");
    g_unsetenv("BLKSCOPE_AIO");
    aio_free(forced);
    aio_free(named);

    struct aio *best = aio_new(NULL, NULL);
    g_assert_cmpstr(aio_name(best), !=, "manual");
    aio_free(best);
    aio_free(NULL);
}

static void forbid_io_uring(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};
    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static void test_falls_back_where_io_uring_is_forbidden(void)
{
    if (g_test_subprocess()) {
        forbid_io_uring();
        g_autoptr(GError) error = NULL;
        g_assert_null(aio_new("io_uring", &error));
        g_assert_nonnull(error);
        aio = aio_new(NULL, NULL);
        start_many(write_block, 3);
        g_assert_cmpstr(aio_name(aio), ==, "threads");
        g_clear_pointer(&aio, aio_free);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
}

static int is_signal_blocked(void *data)
{
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, SIGINT) && sigismember(&set, SIGWINCH);
}

static void call_signal_test(void *data)
{
    g_assert_true(aio_call_co(aio, is_signal_blocked, NULL, false));
    g_assert_false(is_signal_blocked(NULL));
}

static void test_signals_are_for_the_main_thread(void)
{
    aio = aio_new("threads", NULL);
    run_co(call_signal_test);
    g_clear_pointer(&aio, aio_free);
}

/* ---- running bodies on back ends ---- */

static gboolean complete_oldest(void *data)
{
    if (aio_manual_count(aio))
        aio_manual_complete(aio, 0, 0);
    return G_SOURCE_CONTINUE;
}

static const char *const names[] = {"io_uring", "threads", "manual"};
static const char *backend; /* NULL: the test makes its own */

static void run(const void *test)
{
    co_init();
    make_file();
    g_autoptr(GError) error = NULL;
    unsigned driver = 0;
    aio = backend ? aio_new(backend, &error) : NULL;
    if (backend && !strcmp(backend, "manual"))
        driver = g_idle_add_full(G_PRIORITY_DEFAULT, complete_oldest, NULL, NULL);
    if (error)
        g_test_skip(error->message);
    else
        ((void (*)(void))test)();
    if (driver)
        g_source_remove(driver);
    g_clear_pointer(&aio, aio_free);
    co_done();
    close(fd);
    g_unlink(path);
    g_clear_pointer(&path, g_free);
    g_clear_pointer(&content, g_free);
}

static void run_uring(const void *test)
{
    backend = names[0];
    run(test);
}

static void run_threads(const void *test)
{
    backend = names[1];
    run(test);
}

static void run_manual(const void *test)
{
    backend = names[2];
    run(test);
}

static void run_once(const void *test)
{
    backend = NULL;
    run(test);
}

static void add_each(const char *name, void (*test)(void))
{
    static void (*const runs[])(const void *) = {run_uring, run_threads, run_manual};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *test_path = g_strdup_printf("/aio/%s/%s", names[i], name);
        g_test_add_data_func(test_path, test, runs[i]);
    }
}

int main(int argc, char **argv)
{
    g_unsetenv("BLKSCOPE_AIO");
    g_test_init(&argc, &argv, NULL);
    add_each("reads-a-vector", each_reads_a_vector);
    add_each("reads-everything-in-pieces", each_reads_everything_in_pieces);
    add_each("reads-short-at-the-end", each_reads_short_at_the_end);
    add_each("takes-more-buffers-than-the-kernel", each_takes_more_buffers_than_the_kernel);
    add_each("writes", each_writes);
    add_each("punches-holes", each_punches_holes);
    add_each("returns-errors", each_returns_errors);
    add_each("serves-many-at-once", each_serves_many_at_once);
    add_each("makes-calls", each_makes_calls);
    add_each("goes-on-beside-a-hung-call", each_goes_on_beside_a_hung_call);
    add_each("request-outlives-a-cancellation", each_request_outlives_a_cancellation);
    add_each("writes-durably-many-at-once", each_writes_durably_many_at_once);
    add_each("flush-error-reaches-all", each_flush_error_reaches_all);
    g_test_add_data_func("/aio/flushes-are-merged-but-never-early", test_flushes_are_merged_but_never_early, run_once);
    g_test_add_data_func("/aio/flushes-are-merged-while-requests-share", test_flushes_are_merged_while_requests_share, run_once);
    g_test_add_data_func("/aio/inline-only-what-is-quick-and-allowed", test_inline_only_what_is_quick_and_allowed,
                         run_once);
    g_test_add_data_func("/aio/cached-reads-do-not-suspend", test_cached_reads_do_not_suspend, run_once);
    g_test_add_data_func("/aio/manual-completes-in-any-order", test_manual_completes_in_any_order, run_once);
    g_test_add_data_func("/aio/falls-back-where-io_uring-is-forbidden", test_falls_back_where_io_uring_is_forbidden,
                         run_once);
    g_test_add_data_func("/aio/signals-are-for-the-main-thread", test_signals_are_for_the_main_thread, run_once);
    g_test_add_data_func("/aio/goes-on-after-retired-threads", test_goes_on_after_retired_threads, run_once);
    g_test_add_data_func("/aio/names", test_names, run_once);
    return g_test_run();
}
