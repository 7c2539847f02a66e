/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-link.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "io/co.h"
#include "util/safetext.h"

struct link_run {
    struct map_link *link; /* NULL: nobody wants to know any more */
    struct co *co;
    struct map_link_answer answer;
};

/* Who waits; outlives the link while somebody does. */
struct waiters {
    struct co_queue queue;
    unsigned refs;
    bool busy;
};

struct map_link {
    struct waiters *waiters;
    void (*fn)(void *data, const struct map_link_answer *answer);
    void *data;
    struct link_run *run;
    struct map_link_question next; /* asked when the run is back; blk NULL: nothing */
};

/* ---- from the guest to the host ---- */

struct guest_walk {
    struct link_run *run;
    char *file; /* of the top layer */
    const char *host;
};

static int on_step(void *data, const struct inspect_step *step)
{
    struct guest_walk *walk = data;
    struct map_link_answer *answer = &walk->run->answer;
    const struct blk_extent *extent = &answer->extent;
    bool data_step = strcmp(step->what, "data") == 0 || strcmp(step->what, "zero") == 0;

    if (!walk->run->link) {
        return -ECANCELED;
    }
    if (step->depth > 0) {
        return 1;
    }
    if (!walk->file) {
        walk->file = g_strdup(step->file ? step->file : "");
    }
    /* The bytes may lie in another file than the tables: then the entry that says so stands for them. */
    if (step->host >= 0 && (!data_step || (extent->length > 0 && extent->depth == 0 && extent->host_offset >= 0 &&
                                           g_strcmp0(walk->host, walk->file) == 0))) {
        answer->other = step->host;
    }
    return 0;
}

static void look_at_guest_co(struct link_run *run)
{
    const struct map_link_question *question = &run->answer.question;
    struct guest_walk walk = {.run = run};

    if (blk_status_co(question->blk, question->offset, blk_length(question->blk) - question->offset, &run->answer.extent) < 0) {
        run->answer.extent.length = 0;
    }
    walk.host = run->answer.extent.host;
    run->answer.extent.host = NULL;
    if (run->link) {
        struct inspect_look look;

        inspect_look_begin(question->blk, &look);
        inspect_explain_co(question->blk, question->offset, on_step, &walk);
        inspect_look_end(question->blk, &look);
    }
    if (run->link && walk.host && walk.file && walk.file[0] != '\0' && run->answer.extent.depth == 0) {
        run->answer.elsewhere = strcmp(walk.host, walk.file) != 0;
    }
    g_free(walk.file);
}

/* ---- from the host to the guest ---- */

struct host_walk {
    struct link_run *run;
    GString *text;
    int64_t guest; /* of the owner that is told; -1: none yet, or none */
    int64_t host;  /* where what it names begins; -1: none yet, or the byte is not in that */
    bool active;   /* it is of the active state */
    unsigned count;
};

static void describe_owner(GString *text, const struct inspect_owner *owner, int64_t guest)
{
    g_string_append(text, inspect_role_name(owner->role));
    if (guest >= 0) {
        g_string_append_printf(text, " of guest 0x%" PRIx64, guest);
    }
    if (owner->snapshot_id) {
        g_autofree char *name = safetext_escape(owner->snapshot_name ? owner->snapshot_name : owner->snapshot_id, -1);

        g_string_append_printf(text, ", snapshot %s", name);
    }
    if (owner->bitmap) {
        g_autofree char *name = safetext_escape(owner->bitmap, -1);

        g_string_append_printf(text, ", bitmap %s", name);
    }
}

/*
 * A cluster may have several owners.  Of compressed ones, which lie next to each other and end at a sector's end, the byte is of the last that
 * begins before it; else the active state comes before snapshots, and what has a place on the disk before what has none.
 */
static bool is_better(const struct host_walk *walk, int64_t host, int64_t guest, bool active)
{
    if (walk->count == 0 || host != walk->host) {
        return walk->count == 0 || host > walk->host;
    }
    return guest >= 0 && (walk->guest < 0 || (!walk->active && active));
}

static int on_owner(void *data, const struct inspect_owner *owner)
{
    struct host_walk *walk = data;
    int64_t offset = walk->run->answer.question.offset, guest = owner->guest, host = -1;
    bool inside = offset >= owner->host && offset - owner->host < owner->bytes;

    if (!walk->run->link) {
        return -ECANCELED;
    }
    if (inside) {
        host = owner->host;
    }
    if (guest >= 0 && inside && owner->role == INSPECT_DATA) {
        guest += offset - owner->host;
    }
    if (is_better(walk, host, guest, !owner->snapshot_id)) {
        g_string_truncate(walk->text, 0);
        describe_owner(walk->text, owner, guest);
        walk->guest = guest;
        walk->host = host;
        walk->active = !owner->snapshot_id;
    }
    walk->count++;
    return 0;
}

static void look_at_host_co(struct link_run *run)
{
    const struct map_link_question *question = &run->answer.question;
    struct host_walk walk = {.run = run, .text = g_string_new(NULL), .guest = -1, .host = -1};
    uint64_t refcount = 0;
    struct inspect_look look;
    int ret;

    inspect_look_begin(question->blk, &look);
    ret = inspect_explain_host_co(question->blk, question->offset, on_owner, &walk, &refcount);
    inspect_look_end(question->blk, &look);
    if (ret == 0) {
        if (walk.count > 1) {
            g_string_append_printf(walk.text, " and %u more", walk.count - 1);
        }
        g_string_append_printf(walk.text, "%srefcount %" PRIu64, walk.count > 0 ? ", " : "nothing names it, ", refcount);
        run->answer.other = run->link && walk.guest < blk_length(question->blk) ? walk.guest : -1;
    }
    run->answer.text = g_string_free(walk.text, ret != 0);
}

/* ---- the cell ---- */

static int on_part(void *data, const struct map_run *part)
{
    struct link_run *run = data;
    struct map_link_answer *answer = &run->answer;
    int64_t length = part->length;

    if (!run->link) {
        return -ECANCELED;
    }
    answer->smallest = answer->runs == 0 ? length : MIN(answer->smallest, length);
    answer->largest = MAX(answer->largest, length);
    answer->runs++;
    return 0;
}

static void answer_co(struct link_run *run)
{
    struct map_link_question *question = &run->answer.question;
    int ret;

    run->answer.other = -1;
    if (question->source == &map_source_host) {
        look_at_host_co(run);
    } else {
        look_at_guest_co(run);
    }
    if (!run->link || run->link->next.blk) {
        return;
    }
    run->link->fn(run->link->data, &run->answer);
    if (!run->link || run->link->next.blk) {
        return;
    }
    ret = question->source->visit_co(question->source, question->blk, question->cell_start, question->cell_end, on_part, run);
    run->answer.known = ret == 0;
}

static void start_next(struct map_link *link);

static void waiters_unref(struct waiters *waiters)
{
    if (--waiters->refs == 0) {
        g_free(waiters);
    }
}

static void set_busy(struct map_link *link, bool busy)
{
    link->waiters->busy = busy;
    if (!busy) {
        co_queue_wake_all(&link->waiters->queue);
    }
}

int map_link_wait_co(struct map_link *link)
{
    struct waiters *waiters = link->waiters;
    int ret = 0;

    waiters->refs++;
    while (waiters->busy && ret == 0) {
        ret = co_queue_wait_co(&waiters->queue);
    }
    waiters_unref(waiters);
    return ret;
}

static void run_co(void *data)
{
    struct link_run *run = data;
    struct map_link *link;

    run->co = co_self();
    co_yield_co(); /* the answer never comes from inside the question */
    if (run->link) {
        answer_co(run);
    }
    link = run->link;
    if (link) {
        link->run = NULL;
        if (link->next.blk) {
            start_next(link);
        } else {
            set_busy(link, false);
            link->fn(link->data, &run->answer);
        }
    }
    g_free(run->answer.text);
    g_free(run);
}

static void start_next(struct map_link *link)
{
    struct link_run *run = g_new0(struct link_run, 1);

    run->link = link;
    run->answer.question = link->next;
    link->next.blk = NULL;
    link->run = run;
    set_busy(link, true);
    co_start(run_co, run);
}

struct map_link *map_link_new(void (*fn)(void *data, const struct map_link_answer *answer), void *data)
{
    struct map_link *link = g_new0(struct map_link, 1);

    link->waiters = g_new0(struct waiters, 1);
    link->waiters->refs = 1;
    link->fn = fn;
    link->data = data;
    return link;
}

void map_link_free(struct map_link *link)
{
    if (link) {
        map_link_reset(link);
        waiters_unref(link->waiters);
        g_free(link);
    }
}

void map_link_ask(struct map_link *link, const struct map_link_question *question)
{
    link->next = *question;
    /* However many questions there are while a disk hangs, one coroutine at most hangs with it. */
    if (link->run) {
        co_cancel(link->run->co);
    } else {
        start_next(link);
    }
}

void map_link_reset(struct map_link *link)
{
    link->next.blk = NULL;
    if (link->run) {
        link->run->link = NULL;
        co_cancel(link->run->co);
        link->run = NULL;
    }
    set_busy(link, false);
}
