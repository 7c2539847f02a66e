/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a session, for the engine's own files. */
#pragma once

#include "engine/again.h"
#include "engine/buffer.h"
#include "engine/command.h"
#include "engine/session.h"
#include "engine/words.h"
#include "io/co.h"

/*
 * One line given to session_run().  Waits in the queue, runs in its own coroutine, and is done once: when it ended, or
 * when it was left behind.  One left behind keeps running with the null sink until its request comes back.
 */
struct job {
    struct session *session;
    struct job *next; /* in the queue, or in the list of spare ones */
    session_done_fn *done;
    void *data;
    struct co *co;
    session_task_co *task; /* runs instead of the line's commands; NULL: the line is what runs */
    void *task_data;
    struct command_call call; /* of the command that runs */
    struct words words;
    char *text;       /* the line; words are cut in it */
    char *line;       /* the same, untouched */
    size_t text_room; /* of both */
    int64_t since_us;
    const int64_t *done_bytes, *total_bytes; /* of the command that runs, see session_show_progress(); NULL: it does not say */
    unsigned depth; /* of texts that run inside of it, see session_run_text_co() */
    bool too_deep;  /* more of them than may be: until the outermost has ended */
    int ret;
    bool cancelled, left_behind;
    char *waited_for; /* when it was cancelled: what to say of the request that it waited for; NULL: for none */
};

struct session_watcher {
    const struct session_observer *observer;
    void *data;
};

struct session {
    struct session_config config; /* prog is ours */
    struct blk *blk;
    struct again *again;   /* how it was opened, or was to be; NULL: nothing was yet */
    char **snapshots;      /* of the image that was open last, NULL: none was */
    bool opening;
    bool sealed;           /* see seal_close() */
    bool quit;
    bool failed;           /* something did, other than a check that found something */
    int found;             /* the worst exit status of a check: 0, 1, 2, 3 as inspect_check_status() */

    struct job *running; /* in the foreground */
    struct job *queue, **queue_tail;
    struct job *spare;
    bool pumping;
    GSource *cancel_timer; /* while a cancelled line may still end by itself, else NULL */

    unsigned users;        /* commands at work on the image */
    unsigned aio;          /* aio_* requests under way */
    unsigned jobs;         /* lines that have not ended */
    struct co_queue idle;  /* woken whenever one of these goes down */

    struct buffer_pool *pool;
    bool keep_buffers;
    struct session_buffer last;

    int64_t told_length; /* of the image, when observers were told of it last */
    struct watch *watch; /* of the image's files; NULL: none */
    int64_t read_since_ns; /* watch_now_ns() when the image began to be opened */
    GArray *watchers; /* struct session_watcher */
    struct sink *recent_sink; /* where blkdebug's lines go: the sink of the line run last */
};

/*
 * Runs the command that call is about, if there is one and the image lets it.  0, or what it failed with, which it has said and which counts for
 * the exit status.
 */
int session_run_command_co(const struct command_call *call);

/*
 * Runs the lines of a text (cut up meanwhile) in place of the command that call is about, which is what session_run() gave
 * its function; name and line are told of those that fail.  0, or what the last one failed with; -ELOOP, having said so,
 * when too many run inside of each other.
 */
int session_run_text_co(const struct command_call *call, const char *name, char *text);

/* What a check found counts for the exit status: status as inspect_check_status(). */
void session_note_check(struct session *session, int status);

/* From now on, until the command that call is about ends, these say how far it is. */
void session_show_progress(const struct command_call *call, const int64_t *done, const int64_t *total);

/* An asynchronous request begins or ends. */
void session_aio_begin(struct session *session);
void session_aio_end(struct session *session);
/* Until no asynchronous request is under way: 0 or -ECANCELED. */
int session_wait_aio_co(struct session *session);

/*
 * Closes the image after everything else that works on it has ended; requests stopped at breakpoints are resumed first.
 * own_users: how many users the caller itself is (1 in a command).  0, -ECANCELED (still open), or what the close failed
 * with, which it has said.
 */
int session_close_co(const struct command_call *call, unsigned own_users);

/* Takes over a buffer that a request has filled or written: keeps it for panels, or puts it back into the pool. */
void session_take_buffer_co(struct session *session, enum blk_op op, int64_t offset, int64_t length, uint8_t *buffer);

/*
 * "can't open device IMAGE: REASON".  The reason may have more lines (hints): the first goes behind our name, the others stand
 * alone.
 */
void session_report_open_error(const struct command_call *call, const struct blk_open *how, int ret, const GError *error);

void session_notify_image(struct session *session);
/* Tells observers if the image's length is another than they were told: who asks the image for it may be the first to see that it changed. */
void session_check_length(struct session *session);
/* After the image was reopened: who observes it is told, and what others write to its files is watched. */
void session_reopened(struct session *session);
void session_notify_busy(struct session *session);
void session_notify_changed(struct session *session, int64_t offset, int64_t bytes);

/* The end of a session: cancels the line that runs and drops the ones that wait (done: -ECANCELED). */
void session_drop_lines(struct session *session);
/* Frees what running lines left for reuse; none is running. */
void session_free_lines(struct session *session);

/* What requests are labelled with: the line, when somebody looks. */
const char *session_issuer(const struct command_call *call);
