/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/opening.h"

#include <glib.h>

#include "util/source.h"

enum { PATIENCE_MS = 100 };

struct word {
    enum sink_stream stream;
    char *text;
    size_t len;
};

/* Static: an image's requests may speak to the sink of the line that opened it until the image is closed. */
static struct opening {
    struct sink sink;
    struct sink *target; /* NULL: nobody listens yet */
    GQueue words;        /* struct word, meanwhile */
    bool done;
    int ret;
} opening;

static void take_word(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    if (opening.target) {
        sink_write(opening.target, stream, text, len);
        return;
    }
    struct word *word = g_new(struct word, 1);
    *word = (struct word){stream, g_memdup2(text, len), len};
    g_queue_push_tail(&opening.words, word);
}

static bool joined(const struct sink *sink)
{
    return true; /* the console, or a terminal */
}

static const struct sink_ops sink_ops = {.write = take_word, .joined = joined};

static void opened(void *data, int ret)
{
    opening.done = true;
    opening.ret = ret;
}

static gboolean lose_patience(void *data)
{
    *(bool *)data = true;
    return G_SOURCE_CONTINUE;
}

bool opening_start(struct session *session, const struct app_open *open)
{
    GMainContext *context = g_main_context_get_thread_default();
    GSource *patience = g_timeout_source_new(PATIENCE_MS);
    bool lost = false;
    g_source_set_callback(patience, lose_patience, &lost, NULL);
    g_source_attach(patience, context);
    opening.sink.ops = &sink_ops;
    session_run_task(session, open->line, open->task, open->data, &opening.sink, opened, NULL);
    while (!opening.done && !lost) {
        g_main_context_iteration(context, TRUE);
    }
    source_clear(&patience);
    return !opening.done || opening.ret >= 0;
}

void opening_forward(struct sink *sink)
{
    struct word *word;
    opening.target = sink;
    while ((word = g_queue_pop_head(&opening.words)) != NULL) {
        sink_write(sink, word->stream, word->text, word->len);
        g_free(word->text);
        g_free(word);
    }
}
