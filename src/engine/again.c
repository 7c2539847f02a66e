/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/again.h"

#include <errno.h>

#include "block/chain.h"
#include "block/pins.h"
#include "engine/report.h"
#include "engine/seal.h"
#include "engine/session-private.h"

void again_free(struct again *again)
{
    if (!again)
        return;
    g_free(again->filename);
    g_free(again->format);
    options_free(again->options);
    g_ptr_array_unref(again->approved);
    g_free(again);
}

static struct again *new_like(const struct blk_open *how)
{
    struct again *again = g_new(struct again, 1);

    *again = (struct again){
        .filename = g_strdup(how->filename),
        .format = g_strdup(how->format),
        .options = how->options ? options_copy(how->options) : options_new(),
        .approved = g_ptr_array_new_with_free_func((GDestroyNotify)reference_free),
        .flags = how->flags,
        .cache = how->cache,
        .refs = how->refs,
    };
    for (unsigned i = 0; how->approved && i < how->approved->len; i++)
        g_ptr_array_add(again->approved, reference_copy(how->approved->pdata[i]));
    return again;
}

static struct blk_open as_open(const struct again *again)
{
    return (struct blk_open){
        .filename = again->filename,
        .format = again->format,
        .options = again->options,
        .approved = again->approved,
        .flags = again->flags,
        .cache = again->cache,
        .refs = again->refs,
    };
}

void again_note(struct session *session, const struct blk_open *how)
{
    struct again *again = new_like(how);

    again_free(session->again);
    session->again = again;
}

struct again *again_begin(const struct command_call *call)
{
    struct session *session = call->session;

    if (!session->again) {
        report_error(call, "no image was opened yet");
        return NULL;
    }
    if (session->blk && chain_has_temporary_writes(session->blk)) {
        report_error(call, "the image would be closed and opened again, and what was written to its temporary layer would be lost");
        return NULL;
    }
    struct blk_open how = as_open(session->again);
    struct again *again = new_like(&how);
    if (session->blk) {
        again->cache = blk_cache(session->blk);
        if (blk_is_writable(session->blk))
            again->flags |= BLK_OPEN_WRITABLE;
        else
            again->flags &= ~(unsigned)BLK_OPEN_WRITABLE;
    }
    return again;
}

/* The image is the file that is open, whatever its name means by now: only what it names is looked up once more. */
static int pin(const struct command_call *call, struct pins **ret_pins)
{
    g_autoptr(GError) error = NULL;
    *ret_pins = pins_of_image(call->session->blk, false, &error);
    if (*ret_pins)
        return 0;
    g_autofree char *reason = report_lines(call, error->message);
    report_error(call, "%s", reason);
    return -error->code;
}

int again_open_co(const struct command_call *call, struct again *again)
{
    struct session *session = call->session;
    struct blk_open how = as_open(again);
    g_autoptr(pins) pins = NULL;
    int ret = session->blk ? seal_check_again(call) : 0;
    if (ret == 0 && session->blk)
        ret = pin(call, &pins);
    if (ret < 0) {
        again_free(again);
        return ret;
    }
    struct again *before = session->blk ? g_steal_pointer(&session->again) : NULL;
    how.pins = pins;
    ret = session->blk ? session_close_co(call, 1) : 0;

    if (session->blk) { /* cancelled before it was closed */
        session->again = before;
        again_free(again);
        return ret;
    }
    ret = session_open_co(session, &how, call->sink);
    if (ret < 0 && before) {
        struct blk_open old = as_open(before);
        old.pins = pins;
        int old_ret = session_open_co(session, &old, sink_null());

        session->recent_sink = call->sink;
        if (old_ret < 0)
            report_error(call, "the image is closed: it can't be opened again as it was (%s)", g_strerror(-old_ret));
    }
    again_free(before);
    again_free(again);
    return ret;
}
