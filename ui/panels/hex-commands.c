/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-commands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session.h"
#include "io/aio.h"
#include "io/co.h"
#include "io/wholefile.h"
#include "ui/panels/hex-copy.h"
#include "ui/panels/hex-hunt.h"
#include "ui/panels/hex-panel.h"
#include "util/safetext.h"
#include "util/size.h"

/* Commands are found by name only, so that the one panel there is has to be found by them. */
static struct hex_panel *hex;

void hex_commands_serve(struct panel *panel)
{
    hex = (struct hex_panel *)panel;
}

struct panel *hex_commands_panel(void)
{
    return &hex->panel;
}

int hex_commands_complain(const struct command_call *call, const char *why)
{
    report_complain(call, "%s: %s", call->argv[0], why);
    return -EINVAL;
}

/* ---- find ---- */

struct find_words {
    bool backward, hex, ignore_case;
    const char *where; /* NULL: at the cursor */
};

static int parse_find(const struct command_call *call, struct opts *opts, struct find_words *words)
{
    int option;

    opts_start(opts, call, hex_command_find.options);
    while ((option = opts_next(opts)) != -1) {
        switch (option) {
        case 'b':
            words->backward = true;
            break;
        case 'i':
            words->ignore_case = true;
            break;
        case 'x':
            words->hex = true;
            break;
        case 'o':
            words->where = opts->value;
            break;
        default:
            return -EINVAL;
        }
    }
    return opts->count == 1 ? 0 : hex_commands_complain(call, "type what to find; in quotes when there are spaces in it");
}

/* Moves the cursor to a place as it is typed: an offset, or h: and one in the file.  0, or -EINVAL with the reason said. */
static int place_cursor(const struct command_call *call, const char *where)
{
    g_autofree char *why = NULL;
    struct panel *panel = &hex->panel;
    int64_t offset;

    if (panel->ops->place_named(panel, where, &why)) {
        return why ? hex_commands_complain(call, why) : 0;
    }
    if (size_parse(where, &offset) != 0) {
        return hex_commands_complain(call, "the offset is a number, or h: and one in the file");
    }
    const struct hex_view *view = hex->shown == HEX_SHOW_HOST ? &hex->image : hex_panel_view(hex); /* where place() goes */

    if (offset < view->origin || offset - view->origin >= hex_view_size(view)) {
        g_autofree char *text = g_strdup_printf("%#" PRIx64 " is outside of what is shown", (uint64_t)offset);

        return hex_commands_complain(call, text);
    }
    panel->ops->place(panel, offset);
    return 0;
}

/* Until it has ended, unless that was here at once. */
static int finish_find_co(const struct command_call *call, int64_t *ret_unreadable)
{
    struct hex_hunt *hunt = hex->hunt ? hex_hunt_ref(hex->hunt) : NULL;
    int ret = 0;

    *ret_unreadable = 0;

    if (hunt && hex_hunt_wait_co(hunt) == -ECANCELED) {
        if (hex && hex->hunt == hunt) {
            hex_find_stop(hex);
            panel_redraw(&hex->panel);
        }
        ret = -ECANCELED;
    } else if (hunt) {
        ret = hunt->ret;
        *ret_unreadable = hunt->unreadable;
    }
    hex_hunt_unref(hunt);
    return ret;
}

static int run_find_co(const struct command_call *call)
{
    g_autoptr(GError) error = NULL;
    struct find_words words = {0};
    struct search search;
    struct opts opts;
    int ret = parse_find(call, &opts, &words);

    if (ret < 0) {
        return ret;
    }
    ret = words.hex ? search_hex(opts.operand[0], &search, &error)
                    : search_text(opts.operand[0], words.ignore_case, &search, &error);
    if (ret < 0) {
        panel_remark(&hex->panel, error->message); /* asked for by a key, perhaps, where no console is to be seen */
        return hex_commands_complain(call, error->message);
    }
    if (words.where && (ret = place_cursor(call, words.where)) < 0) {
        return ret;
    }
    hex_find(hex, &search, opts.operand[0], -1, words.backward, 1);
    panel_redraw(&hex->panel);
    int64_t unreadable;

    ret = finish_find_co(call, &unreadable);
    if (ret == -ENOENT) {
        g_autofree char *text = safetext_escape(opts.operand[0], -1);
        g_autofree char *but = unreadable > 0 ? g_strdup_printf(" (%" PRId64 " bytes could not be read)", unreadable) : NULL;

        report_complain(call, "find: '%s' was not found%s", text, but ? but : "");
    } else if (ret == -ECANCELED && !co_cancelled()) { /* by Esc, or as the image became another one */
        report_complain(call, "find: stopped before its end");
    } else if (ret < 0 && ret != -ECANCELED) {
        report_complain(call, "find: %s", g_strerror(-ret));
    }
    return ret;
}

const struct command hex_command_find = {
    .name = "find",
    .args = "[-bix] [-o offset] pattern",
    .options = "bio:x",
    .summary = "moves the hex panel's cursor to the next match, and highlights all",
    .help = "\n"
            "Looks in what the panel shows, from the cursor to the end and then from the beginning. find-next and\n"
            "find-previous go on; search prints matches.\n"
            "\n"
            "  -b   backward\n"
            "  -i   letters match in upper and in lower case\n"
            "  -x   the pattern is hex, pairs of digits; ? is any digit\n"
            "  -o   from this offset on\n"
            "\n"
            "  find -x '55 aa'    the next of these two bytes\n",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .run_co = run_find_co,
};

/* ---- ranges ---- */

/* What a command is about: the offset and length it was given, else what is selected. */
struct range {
    struct blk *blk; /* NULL: the buffer's bytes */
    GBytes *bytes;
    int64_t start, length;
};

static int parse_range(const struct command_call *call, int first, struct range *ret_range)
{
    int64_t start, end, length;

    if (call->argc > first) {
        int64_t cursor = hex_panel_view(hex)->cursor;
        struct hex_view *before = hex_panel_view(hex);
        int ret = call->argc != first + 2 ? hex_commands_complain(call, "an offset goes with a length") : place_cursor(call, call->argv[first]);

        if (ret < 0) {
            return ret;
        }
        start = hex_panel_view(hex)->cursor;
        before->cursor = cursor; /* with which a selection would change */
        if (size_parse(call->argv[first + 1], &length) != 0 || length == 0) {
            return hex_commands_complain(call, "the length is a number");
        }
        end = length > INT64_MAX - start ? INT64_MAX : start + length;
    } else if (!hex_view_selection(hex_panel_view(hex), &start, &end)) {
        return hex_commands_complain(call, "nothing is selected: give an offset and a length, or select with v");
    }
    struct hex_view *view = hex_panel_view(hex);

    end = MIN(end, hex_view_size(view));
    if (start >= end) {
        return hex_commands_complain(call, "there is nothing there");
    }
    *ret_range = (struct range){view->blk, view->blk ? NULL : g_bytes_ref(hex->bytes), start, end - start};
    return 0;
}

static int read_range_co(const struct range *range, int64_t at, void *buf, size_t n)
{
    struct iovec iov = {buf, n};

    if (range->blk) {
        return blk_preadv_co(range->blk, range->start + at, &iov, 1, BLK_INTERNAL, NULL);
    }
    memcpy(buf, (const uint8_t *)g_bytes_get_data(range->bytes, NULL) + range->start + at, n);
    return 0;
}

static int fail(const struct command_call *call, int ret)
{
    report_complain(call, "%s: %s", call->argv[0], g_strerror(-ret));
    return ret;
}

static int run_copy_co(const struct command_call *call)
{
    int form = hex_copy_parse(call->argv[1]);
    struct range range;

    if (form < 0) {
        return hex_commands_complain(call, "the form is hex, c, base64 or text");
    }
    int ret = parse_range(call, 2, &range);

    if (ret < 0) {
        return ret;
    }
    if (range.length > PANEL_COPY_MAX) {
        g_clear_pointer(&range.bytes, g_bytes_unref);
        return hex_commands_complain(call, "that is too much for a terminal's clipboard: hex-save writes it to a file");
    }
    g_autofree uint8_t *bytes = g_malloc((size_t)range.length);

    ret = read_range_co(&range, 0, bytes, (size_t)range.length);
    g_clear_pointer(&range.bytes, g_bytes_unref);
    if (ret < 0) {
        return fail(call, ret);
    }
    g_autofree char *text = hex_copy_text((enum hex_copy_form)form, bytes, (size_t)range.length);
    g_autofree char *what = g_strdup_printf("%" PRId64 " byte%s as %s", range.length, range.length == 1 ? "" : "s",
                                            form == HEX_COPY_C ? "C array" : call->argv[1]);

    if (!hex) {
        return -ECANCELED;
    }
    g_autofree char *why = panel_copy(&hex->panel, text, strlen(text), what);
    if (why) {
        report_complain(call, "%s: %s; hex-save writes bytes to a file", call->argv[0], why);
        return -ENOTSUP;
    }
    return 0;
}

static char **form_names(const char *const *words, unsigned count)
{
    const char *const names[] = {"hex", "c", "base64", "text", NULL};

    return count == 1 ? g_strdupv((char **)names) : NULL;
}

const struct command hex_command_copy = {
    .name = "hex-copy",
    .args = "form [offset length]",
    .summary = "copies bytes that the hex panel shows into the terminal's clipboard",
    .help = "\n"
            "Form is hex, c (a C array), base64 or text. Without an offset it is what is selected. h:OFFSET is a place in the\n"
            "image's file. Fails where the clipboard does not take it: it is too much, or the terminal has none.\n"
            "\n"
            "  hex-copy base64         what is selected\n"
            "  hex-copy hex 510 2      the signature of a boot sector\n",
    .min_args = 1,
    .max_args = 3,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = form_names,
    .run_co = run_copy_co,
};

/* ---- saving ---- */

enum { SAVE_CHUNK = 1 << 20 };

struct saving {
    const char *path;
    struct wholefile file;
    const uint8_t *bytes;
    size_t n;
    int64_t at; /* where in the file */
};

static int open_new(void *data)
{
    struct saving *saving = data;

    return wholefile_begin(&saving->file, saving->path, false);
}

static int write_bytes(void *data)
{
    struct saving *saving = data;

    while (saving->n > 0) {
        ssize_t done = pwrite(saving->file.fd, saving->bytes, saving->n, saving->at);

        if (done < 0 && errno != EINTR) {
            return -errno;
        }
        saving->bytes += MAX(done, 0);
        saving->n -= (size_t)MAX(done, 0);
        saving->at += MAX(done, 0);
    }
    return 0;
}

static int set_size(void *data)
{
    const struct saving *saving = data;

    return ftruncate(saving->file.fd, saving->at) < 0 ? -errno : 0;
}

/* How many bytes from there on are of one sort, and whether they are zeroes that need no reading. */
static int64_t part_co(const struct range *range, int64_t at, bool *ret_zero)
{
    int64_t rest = range->length - at;
    struct blk_extent extent;

    *ret_zero = false;
    if (!range->blk || blk_status_or_hole_co(range->blk, range->start + at, rest, &extent) < 0 || extent.length <= 0) {
        return rest;
    }
    *ret_zero = blk_extent_is_zeroes(&extent);
    return MIN(extent.length, rest);
}

static int save_co(struct aio *aio, const struct range *range, struct saving *saving)
{
    g_autofree uint8_t *chunk = g_malloc((size_t)MIN(range->length, SAVE_CHUNK));
    int ret = 0;

    for (int64_t at = 0; at < range->length && ret == 0;) {
        bool zero;
        int64_t part = co_cancelled() ? 0 : part_co(range, at, &zero);
        size_t n = (size_t)MIN(SAVE_CHUNK, part);

        if (part > 0 && zero) { /* holes stay holes: a selection may be as long as a disk */
            at += part;
            co_relax_co();
            continue;
        }
        ret = co_cancelled() ? -ECANCELED : read_range_co(range, at, chunk, n);
        if (ret == 0) {
            saving->bytes = chunk;
            saving->n = n;
            saving->at = at;
            ret = aio_call_co(aio, write_bytes, saving, false);
        }
        at += (int64_t)n;
    }
    saving->at = range->length;
    return ret < 0 ? ret : co_cancelled() ? -ECANCELED : aio_call_co(aio, set_size, saving, false);
}

static int run_save_co(const struct command_call *call)
{
    struct aio *aio = session_config(call->session)->aio;
    struct saving saving = {.path = call->argv[1]};
    struct range range;
    int ret = parse_range(call, 2, &range);

    if (ret < 0) {
        return ret;
    }
    ret = aio_call_co(aio, open_new, &saving, false);
    if (ret == 0) {
        ret = wholefile_end(&saving.file, save_co(aio, &range, &saving)); /* nobody wants half of it */
    }
    g_clear_pointer(&range.bytes, g_bytes_unref);
    if (ret == -EEXIST) {
        return hex_commands_complain(call, "there is a file of that name already, and it stays");
    }
    if (ret < 0) {
        return ret != -ECANCELED ? fail(call, ret) : ret;
    }
    g_autofree char *path = report_text(call, saving.path);

    report_say(call, "%" PRId64 " byte%s saved in %s", range.length, range.length == 1 ? "" : "s", path);
    return 0;
}

const struct command hex_command_save = {
    .name = "hex-save",
    .args = "path [offset length]",
    .summary = "writes bytes that the hex panel shows to a new file",
    .help = "\n"
            "Without an offset it is what is selected. Zeroes that need no reading become holes. A file that is there already is\n"
            "left alone.\n"
            "\n"
            "  hex-save boot.bin 0 512    the first sector\n",
    .min_args = 1,
    .max_args = 3,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = run_save_co,
};
