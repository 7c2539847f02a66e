/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session: the open image, its settings, and the commands that run on it.  Panels observe it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"
#include "engine/sink.h"

struct aio;
struct session;

enum session_dialect { SESSION_DIALECT_7_2, SESSION_DIALECT_2_4 };

enum session_sandbox_mode {
    SESSION_SANDBOX_NONE,   /* there is none and nothing is said of it */
    SESSION_SANDBOX_CLOSE,  /* closed when the first image is open */
    SESSION_SANDBOX_REFUSED, /* --no-sandbox */
};

struct session_sandbox {
    enum session_sandbox_mode mode;
    const char *folder; /* where the program keeps its state, written even when images are only read; NULL: nothing is */
    bool makes_files;   /* commands may make new files */
    bool many_requests; /* a ring may be worth it */
    bool tells;         /* somebody looks: what is missing of it is said */
};

struct session_config {
    const char *prog;       /* base name of the program, before every message */
    bool drop_in;           /* called qemu-io: no quoting, no comments, images writable, every reference followed */
    bool writable;          /* -w: images are opened writable unless told otherwise */
    bool misalign;          /* -m: buffers for O_DIRECT are misaligned on purpose */
    bool json;              /* reports as JSON, an object a line */
    bool stop_on_error;     /* a failed command ends its line */
    enum session_dialect dialect;
    enum blk_refs refs;
    const char *begun;      /* the `open` line that comes to the same as the command line, for scripts; NULL: none is needed, or its image is closed.  Borrowed */
    struct session_sandbox sandbox;
    struct aio *aio;
};

struct session *session_new(const struct session_config *config);
/*
 * Cancels the line that runs, drops those that wait, and closes the image, waiting in the main context for its requests to
 * complete.  What goes wrong then is reported and counts for the exit status.
 */
void session_end(struct session *session);
/* Before that, where nobody is left to see what is read: it is not waited for. */
void session_forget_reads(struct session *session);
/* Frees, ending it first. */
void session_free(struct session *session);

/* ---- running commands ---- */

/* ret: 0, or a negative errno when the command failed.  Called exactly once, perhaps before session_run() returns. */
typedef void session_done_fn(void *data, int ret);

enum session_run_flags {
    SESSION_RUN_NOW = 1 << 0, /* beside a running foreground command, not after it (panels: resume, remove_break, read) */
};

/*
 * Runs one line (under our own name it may hold several commands).  Foreground lines run one after the other in the order
 * given.  done may be NULL.  The sink must live until the line is done and, because of aio_*, until the image is closed or session_drained().
 */
void session_run(struct session *session, const char *line, struct sink *sink, unsigned flags, session_done_fn *done, void *data);

/* Something of the program's own that runs like a line: 0 or a negative errno; it has said what is wrong. */
typedef int session_task_co(void *task_data, struct session *session, struct sink *sink);

/*
 * As session_run() in the foreground, but runs the task; line is what it is called while it runs and in messages.
 */
void session_run_task(struct session *session, const char *line, session_task_co *task, void *task_data,
                      struct sink *sink, session_done_fn *done, void *data);

/*
 * Ends the foreground command and the rest of its line: its waits return -ECANCELED.  One whose request still hangs a moment
 * later is left behind to finish alone, silently; its line counts as done.
 */
void session_cancel(struct session *session);
bool session_is_busy(const struct session *session);
/* Commands and asynchronous requests that have not ended, the ones left behind included. */
unsigned session_outstanding(const struct session *session);
/* Whether the loop has to turn also while no line is run: for what is outstanding, or to take notice of what others write. */
bool session_needs_turns(const struct session *session);
/* The line that runs in the foreground, or NULL; since when (clock_now_us()). */
const char *session_busy_line(const struct session *session, int64_t *ret_since_us);
/* How far the command in the foreground is, in bytes (or whatever it counts); false: it does not say. */
struct session_progress {
    int64_t done, total;
};
bool session_progress(const struct session *session, struct session_progress *ret_progress);
/* `quit` was given. */
bool session_wants_quit(const struct session *session);
/*
 * Exit status so far: 1 when a command failed; otherwise the worst that `check` found, as `qemu-img check` has it: 1 not checked, 2
 * corruption, 3 leaks; else 0.  The 2.4 dialect: 0.
 */
int session_exit_status(const struct session *session);

/*
 * Opens an image as the program's arguments ask, reporting as `open` does to sink.  0 or a negative errno.  Must run in a coroutine.
 */
int session_open_co(struct session *session, const struct blk_open *how, struct sink *sink);

/* ---- what a panel may look at ---- */

struct blk *session_blk(struct session *session); /* NULL: no image open */
/* Where there is none: "no image is open", or that it is being opened; static. */
const char *session_why_no_image(const struct session *session);
/* What is done with the files that the open image names: that of the configuration, until `follow` changed it. */
enum blk_refs session_refs(const struct session *session);
/* What of that was followed one by one (struct reference), as long as it is open as it is now; NULL: no image was opened yet. */
const GPtrArray *session_approved(const struct session *session);
const struct session_config *session_config(const struct session *session);

/* Names of the internal snapshots of the image that is open, or that was open last: a new list (g_strfreev). */
char **session_snapshots(const struct session *session);

/* The buffer of the last read or write. */
struct session_buffer {
    GBytes *bytes;      /* at most SESSION_BUFFER_MAX from its start; NULL: none yet */
    int64_t offset;     /* of its first byte in the image */
    int64_t length;     /* of the whole request */
    enum blk_op op;
};
#define SESSION_BUFFER_MAX (64 << 20)
const struct session_buffer *session_last_buffer(const struct session *session);
/*
 * Others may have written what nobody is told of (a server's image, a file on a network): a moment later the tables of what is not written
 * here are read anew, and observers hear that all of the image changed.
 */
void session_look(struct session *session);
/* Whether that is about to happen. */
bool session_is_looking(const struct session *session);
/* Whether buffers are to be kept at all (a screen shows them); off to begin with, batch modes never pay for it. */
void session_keep_buffers(struct session *session, bool keep);

struct session_observer {
    void (*image)(void *data);                                     /* opened, closed, reopened, resized */
    void (*buffer)(void *data);                                    /* a new last buffer */
    void (*request)(void *data, const struct blk_request *request); /* see struct blk_observer */
    void (*changed)(void *data, int64_t offset, int64_t bytes);
    void (*busy)(void *data);                                      /* the foreground command started or ended, or the image's connection did */
};
/* Any number; NULL members are skipped.  The struct must stay valid until removed. */
void session_add_observer(struct session *session, const struct session_observer *observer, void *data);
void session_remove_observer(struct session *session, const struct session_observer *observer, void *data);
