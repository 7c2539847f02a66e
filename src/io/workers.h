/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded pool of threads that carry out blocking requests; completions come back as a source of the main context. */
#pragma once

#include <glib.h>

struct aio_request;
struct workers;

/* No thread starts before there is work; at most max live at once, and idle ones make no wake-ups. */
struct workers *workers_new(GMainContext *context, unsigned max);
/* Every request was completed. */
void workers_free(struct workers *workers);
/*
 * The threads there are end: idle ones before the return, others when the call that they make is over.  What comes later gets new ones, which have
 * the restrictions that the calling thread has by then.
 */
void workers_retire(struct workers *workers);
/* Runs aio_request_execute() on a thread, oldest request first, then aio_request_complete() in the context. */
void workers_submit(struct workers *workers, struct aio_request *request);
