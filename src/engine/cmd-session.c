/* SPDX-License-Identifier: GPL-3.0-or-later */
/* open, close, reopen, quit. */
#include <errno.h>

#include "engine/commands.h"
#include "engine/image-options.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"

static bool drop_in(const struct command_call *call)
{
    return session_config(call->session)->drop_in;
}

static int complain(const struct command_call *call, int ret, const GError *error)
{
    g_autofree char *reason = report_lines(call, error->message);
    report_error(call, "%s", reason);
    return ret;
}

/* Adds the text of an -o. */
static int parse_options(const struct command_call *call, struct options *options, const char *text)
{
    g_autofree char *shown = report_text(call, text);
    g_auto(GStrv) warnings = image_options_short_forms(shown);
    g_autoptr(GError) error = NULL;
    for (char **warning = warnings; *warning; warning++) {
        report_warn(call, "%s: %s", session_config(call->session)->prog, *warning);
    }
    return options_parse(options, text, NULL, &error) ? 0 : complain(call, -EINVAL, error);
}

/* ---- open ---- */

static int parse_open(const struct command_call *call, struct opts *opts, struct image_options *image,
                      struct options *options)
{
    g_autoptr(GError) error = NULL;
    int option;
    opts_start(opts, call, command_options(&command_open, drop_in(call)));
    while ((option = opts_next(opts)) != -1) {
        if (option == 'o') {
            int ret = parse_options(call, options, opts->value);
            if (ret < 0)
                return ret;
            continue;
        }
        int taken = image_options_take(image, option, opts->value, &error);
        if (taken < 0)
            return complain(call, -EINVAL, error);
        if (!taken)
            return command_misused(call, &command_open);
    }
    return opts->count > 1 ? command_misused(call, &command_open) : 0;
}

static int open_co(const struct command_call *call)
{
    const char *begun = call->session->blk ? session_config(call->session)->begun : NULL;
    if (begun && g_strcmp0(call->line, begun) == 0)
        return 0; /* a script of a session that began like this one */
    g_autoptr(options) options = options_new();
    struct image_options image = {0};
    struct opts opts;
    int ret = parse_open(call, &opts, &image, options);
    if (ret < 0)
        return ret;
    return image_options_open_co(&image, call->session, opts.operand[0], NULL, options, call->sink);
}

static const struct command_own open_own = {
    .args = "[-rwsCnkU] [-t cache] [-d discard] [-i aio] [-o options] [path]",
    .options = "CnrswkUo:i:t:d:",
    .max_args = -1,
};

const struct command command_open = {
    .name = "open",
    .alias = "o",
    .args = "[-rsCnkU] [-t cache] [-d discard] [-o options] [path]",
    .summary = "opens an image",
    .help = "\n"
            "Opens PATH, a protocol: name, json:{...}, or what the options say.\n"
            "\n"
            "  -r          for reading only\n"
            "  -w          for writing (not under the name qemu-io, where that is the default)\n"
            "  -s          writes go to a temporary layer\n"
            "  -C          copy on read\n"
            "  -n          same as -t none\n"
            "  -t CACHE    none, writeback, writethrough (default), directsync, unsafe\n"
            "  -d DISCARD  ignore, off, unmap or on\n"
            "  -i AIO      threads, native or io_uring\n"
            "  -k          same as -i native\n"
            "  -U          share with whoever has it open\n"
            "  -o KEY=VALUE,..  options of the driver\n"
            "\n"
            "  open -o driver=raw,offset=1M disk.img    a window into a raw image\n",
    .options = "CnrskUo:i:t:d:",
    .own = &open_own,
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = open_co,
};

/* ---- close ---- */

static int close_co(const struct command_call *call)
{
    return session_close_co(call, 1);
}

const struct command command_close = {
    .name = "close",
    .alias = "c",
    .summary = "closes the image",
    .help = "\nOutstanding requests are completed first.\n\n  close                  and then, for instance, open another.img\n",
    .run_co = close_co,
};

/* ---- reopen ---- */

struct reopen_args {
    int writable, cache; /* -1: keep */
};

static int parse_reopen(const struct command_call *call, struct reopen_args *args, struct options *options)
{
    enum blk_cache cache;
    struct opts opts;
    int option, ret;
    opts_start(&opts, call, command_reopen.options);
    while ((option = opts_next(&opts)) != -1) {
        switch (option) {
        case 'c':
            if (blk_cache_parse(opts.value, &cache) < 0) {
                g_autofree char *shown = report_text(call, opts.value);
                report_error(call, "Invalid cache option: %s", shown);
                return -EINVAL;
            }
            args->cache = cache;
            break;
        case 'o':
            ret = parse_options(call, options, opts.value);
            if (ret < 0)
                return ret;
            break;
        case 'r':
        case 'w':
            if (args->writable >= 0) {
                report_error(call, "Only one -r/-w option may be given");
                return -EINVAL;
            }
            args->writable = option == 'w';
            break;
        default:
            return command_misused(call, &command_reopen);
        }
    }
    return opts.count ? command_misused(call, &command_reopen) : 0;
}

static const char *reopen_contradiction(const struct reopen_args *args, const struct options *options)
{
    if (args->writable >= 0 && options_get(options, "read-only"))
        return "Cannot set both -r/-w and 'read-only'";
    if (args->cache >= 0 && (options_get(options, "cache.direct") || options_get(options, "cache.no-flush")))
        return "Cannot set both -c and the cache options";
    return NULL;
}

static int reopen_co(const struct command_call *call)
{
    struct reopen_args args = {-1, -1};
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;
    int ret = parse_reopen(call, &args, options);
    if (ret < 0)
        return ret;
    const char *contradiction = reopen_contradiction(&args, options);
    if (contradiction) {
        report_error(call, "%s", contradiction);
        return -EINVAL;
    }
    ret = blk_reopen_co(call->session->blk, args.writable, args.cache, options, &error);
    if (ret < 0)
        return complain(call, ret, error);
    session_reopened(call->session);
    return 0;
}

const struct command command_reopen = {
    .name = "reopen",
    .args = "[(-r|-w)] [-c cache] [-o options]",
    .summary = "changes how the image is open",
    .help = "\n"
            "Changes all that is asked for, or nothing and says why.\n"
            "\n"
            "  -r, -w      for reading only, for writing\n"
            "  -c CACHE    none, writeback, writethrough, directsync, unsafe\n"
            "  -o KEY=VALUE,..  options of the driver\n"
            "\n"
            "  reopen -w -c unsafe        for writing, without waiting for the disk\n"
            "  reopen -o backing=NODE     over another of its nodes: one below the backing file passes over that\n"
            "  reopen -o file=NODE        over another file: one below a window of raw passes over that\n",
    .options = "c:o:rw",
    .max_args = -1,
    .run_co = reopen_co,
};

/* ---- quit ---- */

static int quit_co(const struct command_call *call)
{
    call->session->quit = true;
    return 0;
}

const struct command command_quit = {
    .name = "quit",
    .alias = "q",
    .summary = "ends the program",
    .help = "\nOutstanding requests are completed first, and what runs before it, but for what waits for a request at a breakpoint:\n"
            "that goes on, and the command that waited is told as cancelled.\n"
            "\n"
            "  quit                   or q; on the screen the key q does it, too\n",
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE,
    .run_co = quit_co,
};
