/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request goes  submit -> `waiting` (under the lock) -> a thread -> `done` (lock-free) -> the source's dispatch.
 *
 * `done` is a stack that threads push on; only the first push onto an empty one wakes the main context, so that
 * completions which come faster than the loop turns cost one wake-up together.
 *
 * The lock is POSIX's rather than GLib's: ThreadSanitizer sees that one.
 */
#include "io/workers.h"

#include <pthread.h>
#include <signal.h>

#include "io/aio-backend.h"
#include "io/co.h"
#include "util/oom.h"
#include "util/source.h"

struct workers {
    GMainContext *context;
    GSource *source;
    struct aio_request *done; /* newest first; atomic */

    pthread_mutex_t lock;
    pthread_cond_t work; /* there is a request waiting, it is the turn of a later generation, or it is over */
    struct aio_request *waiting, *waiting_last;
    unsigned n_waiting, idle, max; /* idle: threads waiting for work */
    unsigned generation;      /* of threads and requests, see workers_retire() */
    bool over;
    GPtrArray *threads; /* struct worker, owned, main thread only: all that were not joined yet */
    unsigned current;   /* main thread only: how many of them are of this generation */
};

struct worker {
    struct workers *workers;
    GThread *thread;
    unsigned generation;
    bool idle; /* under the lock */
};

struct source {
    GSource base;
    struct workers *workers;
};

/* ---- on a thread ---- */

static void push_done(struct workers *workers, struct aio_request *request)
{
    struct aio_request *head = __atomic_load_n(&workers->done, __ATOMIC_RELAXED);
    do
        request->next = head;
    while (!__atomic_compare_exchange_n(&workers->done, &head, request, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (!head)
        g_main_context_wakeup(workers->context);
}

/* Its next request; if that is NULL, whether there may be one later. */
static struct aio_request *find_own(const struct worker *worker, bool *ret_may_come)
{
    const struct workers *workers = worker->workers;
    struct aio_request *oldest = workers->waiting;
    int age = oldest ? (int)(worker->generation - oldest->generation) : 0;
    *ret_may_come = oldest ? age > 0 : !workers->over && worker->generation == workers->generation;
    return age == 0 ? oldest : NULL;
}

/* A thread takes no request of another generation: it waits for the end of earlier ones, and ends when there are only later ones. */
static struct aio_request *next_request(struct worker *worker)
{
    struct workers *workers = worker->workers;
    pthread_mutex_lock(&workers->lock);
    worker->idle = true;
    workers->idle++;
    struct aio_request *request;
    for (bool may_come; !(request = find_own(worker, &may_come)) && may_come;)
        pthread_cond_wait(&workers->work, &workers->lock);
    if (worker->idle) /* else it was let go meanwhile, and does not count */
        workers->idle--;
    worker->idle = false;
    if (request) {
        workers->waiting = request->next;
        workers->n_waiting--;
        if (workers->waiting && workers->waiting->generation != request->generation)
            pthread_cond_broadcast(&workers->work);
    }
    pthread_mutex_unlock(&workers->lock);
    return request;
}

static void *work(void *data)
{
    struct worker *worker = data;
    char room[OOM_ROOM];
    oom_thread_begin(room);
    for (struct aio_request *request; (request = next_request(worker));) {
        request->result = aio_request_execute(request);
        push_done(worker->workers, request);
    }
    oom_thread_end(room);
    return NULL;
}

/* ---- in the main context ---- */

static gboolean has_done(struct workers *workers)
{
    return __atomic_load_n(&workers->done, __ATOMIC_RELAXED) != NULL;
}

static gboolean prepare(GSource *source, int *timeout_ms)
{
    *timeout_ms = -1;
    return has_done(((struct source *)source)->workers);
}

static gboolean check(GSource *source)
{
    return has_done(((struct source *)source)->workers);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, void *data)
{
    struct workers *workers = ((struct source *)source)->workers;
    struct aio_request *stack = __atomic_exchange_n(&workers->done, NULL, __ATOMIC_ACQUIRE), *oldest = NULL, *next;
    for (; stack; stack = next) {
        next = stack->next;
        stack->next = oldest;
        oldest = stack;
    }
    for (; oldest; oldest = next) {
        next = oldest->next;
        aio_request_complete(oldest, oldest->result);
    }
    co_run_ready();
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};

/* Signals are the main thread's, but for those that a thread raises by what it does: blocked, they would end the process without a word. */
static bool start_thread(struct workers *workers)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    struct worker *worker = g_new0(struct worker, 1);
    sigset_t all, before;
    *worker = (struct worker){.workers = workers, .generation = workers->generation};
    sigfillset(&all);
    for (unsigned i = 0; i < G_N_ELEMENTS(own); i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->thread = g_thread_try_new("worker", work, worker, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!worker->thread) {
        g_free(worker);
        return false;
    }
    g_ptr_array_add(workers->threads, worker);
    workers->current++;
    return true;
}

/* Waits for its end. */
static void worker_free(void *data)
{
    struct worker *worker = data;
    g_thread_join(worker->thread);
    g_free(worker);
}

struct workers *workers_new(GMainContext *context, unsigned max)
{
    struct workers *workers = g_new0(struct workers, 1);
    workers->context = g_main_context_ref(context);
    workers->max = max;
    workers->threads = g_ptr_array_new_with_free_func(worker_free);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->work, NULL);
    workers->source = g_source_new(&source_funcs, sizeof(struct source));
    ((struct source *)workers->source)->workers = workers;
    g_source_set_static_name(workers->source, "workers");
    g_source_attach(workers->source, context);
    return workers;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->over = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->lock);
    g_ptr_array_unref(workers->threads);
    source_clear(&workers->source);
    g_main_context_unref(workers->context);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->work);
    g_free(workers);
}

void workers_retire(struct workers *workers)
{
    g_autoptr(GPtrArray) idle = g_ptr_array_new_with_free_func(worker_free);
    pthread_mutex_lock(&workers->lock);
    workers->generation++;
    for (unsigned i = workers->threads->len; i-- > 0;) {
        struct worker *worker = workers->threads->pdata[i];
        if (!worker->idle)
            continue;
        worker->idle = false;
        workers->idle--;
        g_ptr_array_add(idle, g_ptr_array_steal_index_fast(workers->threads, i));
    }
    workers->current = 0;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->lock);
}

/* The last one; before it there may be those of an earlier generation. */
static void take_back(struct workers *workers, struct aio_request *request)
{
    struct aio_request *before = NULL;
    pthread_mutex_lock(&workers->lock);
    for (struct aio_request *at = workers->waiting; at != request; at = at->next)
        before = at;
    if (before)
        before->next = NULL;
    else
        workers->waiting = NULL;
    workers->waiting_last = before;
    workers->n_waiting--;
    pthread_mutex_unlock(&workers->lock);
}

void workers_submit(struct workers *workers, struct aio_request *request)
{
    request->next = NULL;
    pthread_mutex_lock(&workers->lock);
    request->generation = workers->generation;
    if (workers->waiting)
        workers->waiting_last->next = request;
    else
        workers->waiting = request;
    workers->waiting_last = request;
    bool short_of_threads = ++workers->n_waiting > workers->idle && workers->current < workers->max;
    pthread_cond_signal(&workers->work);
    pthread_mutex_unlock(&workers->lock);

    if ((!short_of_threads || !start_thread(workers)) && !workers->current) {
        /* Not even one thread can be had: better late and blocking than never. */
        take_back(workers, request);
        request->result = aio_request_execute(request);
        push_done(workers, request);
    }
}
