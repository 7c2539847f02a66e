/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blkscope: a full-screen inspector for disk images, and a drop-in for qemu-io.
 *
 * Start reading here. The rooms, each built on the ones above it:
 *
 *     src/util/    bricks: sizes, patterns, hex rows, safe text
 *     src/io/      coroutines and asynchronous file I/O on one main context
 *     src/block/   open images: blk.h is the front door, behind it nodes, drivers, options
 *     src/engine/  commands: session.h runs lines, command.h is the table of all commands
 *     ui/          the screen and the line mode
 *
 * This file goes from arguments (args.h) to one of the ways to run: the commands of -c, a script or standard input
 * (engine/batch.h), the line mode, or the full screen (ui/app.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "args.h"
#include "engine/batch.h"
#include "engine/seal.h"
#include "io/aio.h"
#include "io/broker.h"
#include "io/co.h"
#include "io/unfinished.h"
#include "ui/app.h"
#include "ui/console/meter.h"
#include "util/oom.h"
#include "util/safetext.h"

enum mode { MODE_COMMANDS, MODE_SCRIPT, MODE_STDIN, MODE_PLAIN, MODE_SCREEN };

static enum mode choose_mode(const struct args *args)
{
    if (args->commands->len)
        return MODE_COMMANDS;
    if (args->script)
        return MODE_SCRIPT;
    if (args->headless || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return MODE_STDIN;
    return args->plain || args->session.drop_in ? MODE_PLAIN : MODE_SCREEN;
}

/* NULL, told of: the one that the environment asks for can't be had. */
static struct aio *make_aio(const char *prog, const char *wish, bool batch)
{
    /* native has no back end of its own, and what a kernel refuses is served by the best there is. */
    g_autoptr(GError) error = NULL;
    struct aio *aio = wish && strcmp(wish, "native") ? aio_new(wish, NULL) : NULL;
    if (!aio)
        aio = aio_new(NULL, &error);
    if (!aio)
        fprintf(stderr, "%s: BLKSCOPE_AIO: %s\n", prog, error->message);
    if (aio)
        aio_set_inline_calls(aio, batch);
    return aio;
}

/* ---- the sandbox ---- */

/* Of known commands it is known what they may need behind it; to get that ready takes longer than many a command. */
static void prepare_sandbox(const struct args *args, enum mode mode, struct session_sandbox *sandbox, char **ret_folder)
{
    bool keeps_state = mode == MODE_SCREEN || (mode == MODE_PLAIN && !args->no_history && !args->session.drop_in);
    *ret_folder = keeps_state ? app_state_folder() : NULL;
    sandbox->folder = *ret_folder;
    sandbox->tells = mode == MODE_SCREEN || mode == MODE_PLAIN;
    sandbox->makes_files = sandbox->many_requests = mode != MODE_COMMANDS;
    for (unsigned i = 0; i < args->commands->len; i++) {
        const char *line = args->commands->pdata[i];
        sandbox->makes_files |= seal_makes_files(line);
        sandbox->many_requests |= strstr(line, "aio_") != NULL;
    }
}

/* ---- the image on the command line ---- */

static int open_co(void *data, struct session *session, struct sink *sink)
{
    const struct args *args = data;
    const char *filename = args->image_opts ? NULL : args->filename;
    return image_options_open_co(&args->image, session, filename, args->format, args->options, sink);
}

struct opened {
    bool done;
    int ret;
};

static void open_done(void *data, int ret)
{
    *(struct opened *)data = (struct opened){true, ret};
}

/* Whether the image, if one was named, is open. */
static bool open_image(struct args *args, struct session *session, struct sink *sink)
{
    struct opened opened = {0};
    if (!args->filename)
        return true;
    session_run_task(session, args->filename, open_co, args, sink, open_done, &opened);
    while (!opened.done)
        g_main_context_iteration(NULL, TRUE);
    return opened.ret >= 0;
}

static int run_screen(struct args *args, struct session *session, struct sink *sink)
{
    g_autofree char *line = args->filename ? g_strconcat("open ", args->filename, NULL) : NULL;
    struct app_open open = {.line = line, .task = open_co, .data = args};
    return app_run(session, line ? &open : NULL, !args->no_history, sink);
}

/* ---- running ---- */

/* An image must never be given the number of a standard stream that was closed: it would be read as commands, or written to. */
static void fill_standard_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
}

static void run_commands(const struct args *args, struct session *session, struct sink *sink)
{
    for (unsigned i = 0; i < args->commands->len && !session_wants_quit(session); i++) {
        if (batch_run_line(session, args->commands->pdata[i], sink) < 0 && args->session.stop_on_error)
            return;
    }
}

static int run_fd(const struct args *args, struct session *session, struct sink *sink, int fd, const char *prompt)
{
    int ret = batch_run_fd(session, fd, prompt, sink);
    if (ret < 0)
        sink_printf(sink, SINK_ERR, "%s: %s: %s\n", args->session.prog, args->script ?: "standard input",
                    ret == -EMSGSIZE ? "a line of more than 16 MiB" : g_strerror(-ret));
    return ret < 0;
}

static int run_script(const struct args *args, struct session *session, struct sink *sink)
{
    int fd = open(args->script, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        g_autofree char *name = safetext_escape(args->script, -1);
        sink_printf(sink, SINK_ERR, "%s: %s: %s\n", args->session.prog, name, g_strerror(errno));
        return 1;
    }
    int ret = run_fd(args, session, sink, fd, NULL);
    close(fd);
    return ret;
}

static int run_mode(enum mode mode, struct args *args, struct session *session, struct sink *sink)
{
    g_autofree char *prompt = NULL;
    switch (mode) {
    case MODE_COMMANDS:
        run_commands(args, session, sink);
        return 0;
    case MODE_SCRIPT:
        return run_script(args, session, sink);
    case MODE_STDIN:
        prompt = g_strconcat(args->session.prog, "> ", NULL);
        return run_fd(args, session, sink, STDIN_FILENO, prompt);
    case MODE_PLAIN:
        return app_run_plain(session, !args->no_history && !args->session.drop_in);
    case MODE_SCREEN:
        return run_screen(args, session, sink);
    }
    return 1;
}

/* ---- the end ---- */

enum { PATIENCE_S = 1 };

static gboolean say_what_is_waited_for(void *data)
{
    const struct args *args = data;
    fprintf(stderr, "%s: waiting for requests that the disk has not answered; Ctrl-C ends the program without them\n",
            args->session.prog);
    return G_SOURCE_REMOVE;
}

/* Requests end, and then what ran on behalf of panels, which has only to notice that nobody wants it any more. */
static int end_session(const struct args *args, struct session *session, enum mode mode)
{
    bool watched = mode == MODE_SCREEN || mode == MODE_PLAIN;
    guint patience = watched ? g_timeout_add_seconds(PATIENCE_S, say_what_is_waited_for, (void *)args) : 0;
    if (mode == MODE_SCREEN)
        session_forget_reads(session);
    session_end(session);
    int status = session_exit_status(session);
    session_free(session);
    while (co_live())
        g_main_context_iteration(NULL, TRUE);
    if (patience && g_main_context_find_source_by_id(NULL, patience))
        g_source_remove(patience);
    return status;
}

/* Whether something that was to be seen could not be written; the reference program does not mind. */
static int finish_output(const struct args *args, struct sink *sink)
{
    sink_flush(sink);
    int error = sink_stdio_error(sink);
    if (!error || args->session.drop_in)
        return 0;
    sink_printf(sink, SINK_ERR, "%s: standard output: %s\n", args->session.prog, g_strerror(error));
    return 1;
}

static int run_with(struct args *args, enum mode mode)
{
    struct sink *sink = sink_new_stdio();
    int status = 1;
    struct session *session = session_new(&args->session);
    app_set_options(args->theme, !args->no_config);
    if (mode == MODE_SCREEN || open_image(args, session, sink)) {
        bool batch = mode != MODE_SCREEN && mode != MODE_PLAIN && !args->session.drop_in;
        struct app_headless *screen = args->headless ? app_headless_begin(session) : NULL;
        struct meter *meter = batch ? meter_new(session, sink) : NULL;
        status = run_mode(mode, args, session, app_headless_sink(screen, meter_sink(meter, sink)));
        meter_free(meter);
        app_headless_end(screen);
    }
    status |= end_session(args, session, mode);
    status |= finish_output(args, sink);
    sink_free(sink);
    return status;
}

static int run(struct args *args)
{
    enum mode mode = choose_mode(args);
    g_autofree char *state_folder = NULL;
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit is an error of that write */
    if (args->session.drop_in) {
        /* The reference program lives on where these would end it. */
        signal(SIGPIPE, SIG_IGN);
        signal(SIGUSR1, SIG_IGN);
    }
    co_init();
    if (mode == MODE_SCREEN && !args->refs_given)
        args->session.refs = BLK_REFS_ASK;
    args->session.aio = make_aio(args->session.prog, args->image.aio, mode != MODE_SCREEN && mode != MODE_PLAIN);
    prepare_sandbox(args, mode, &args->session.sandbox, &state_folder);
    int status = args->session.aio ? run_with(args, mode) : 1;
    aio_free(args->session.aio);
    broker_stop();
    co_done();
    return status;
}

/* A chain of a thousand layers has as many files, more than a shell allows until it is asked. */
static void allow_many_files(void)
{
    enum { FILES = 4096 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES)
        return;
    limit.rlim_cur = MIN(FILES, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct args args;
    int status = 0;
    const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
    oom_init(slash ? slash + 1 : argv[0] ?: "blkscope");
    fill_standard_streams();
    allow_many_files();
    unfinished_init();
    switch (args_parse(argc, argv, &args)) {
    case ARGS_RUN:
        status = run(&args);
        break;
    case ARGS_EXIT_OK:
        break;
    case ARGS_EXIT_FAILURE:
        status = 1;
        break;
    }
    args_clear(&args);
    return status;
}
