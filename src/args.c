/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "args.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "block/objects.h"
#include "engine/words.h"
#include "util/safetext.h"
#include "version.h"

enum {
    OPTION_OBJECT = 256,
    OPTION_IMAGE_OPTS,
    /* From here on: only under our own name. */
    OPTION_PLAIN,
    OPTION_DIALECT,
    OPTION_JSON,
    OPTION_REFS,
    OPTION_THEME,
    OPTION_NO_CONFIG,
    OPTION_NO_HISTORY,
    OPTION_SCRIPT,
    OPTION_HEADLESS,
    OPTION_STOP_ON_ERROR,
    OPTION_NO_SANDBOX,
};

static const char drop_in_letters[] = "hVc:d:f:rsnCmki:t:T:U";
enum { OURS = 12 };
static const char own_letters[] = "hVc:d:f:rsnCmki:t:T:Uw";

/* Ours come first: behind them the list is the reference program's. */
static const struct option long_options[] = {
    /* OURS of them */
    {"plain", no_argument, NULL, OPTION_PLAIN},
    {"dialect", required_argument, NULL, OPTION_DIALECT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"refs", required_argument, NULL, OPTION_REFS},
    {"theme", required_argument, NULL, OPTION_THEME},
    {"no-config", no_argument, NULL, OPTION_NO_CONFIG},
    {"no-history", no_argument, NULL, OPTION_NO_HISTORY},
    {"script", required_argument, NULL, OPTION_SCRIPT},
    {"headless", no_argument, NULL, OPTION_HEADLESS},
    {"stop-on-error", no_argument, NULL, OPTION_STOP_ON_ERROR},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"writable", no_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"cmd", required_argument, NULL, 'c'},
    {"format", required_argument, NULL, 'f'},
    {"read-only", no_argument, NULL, 'r'},
    {"snapshot", no_argument, NULL, 's'},
    {"nocache", no_argument, NULL, 'n'},
    {"copy-on-read", no_argument, NULL, 'C'},
    {"misalign", no_argument, NULL, 'm'},
    {"native-aio", no_argument, NULL, 'k'},
    {"aio", required_argument, NULL, 'i'},
    {"cache", required_argument, NULL, 't'},
    {"discard", required_argument, NULL, 'd'},
    {"trace", required_argument, NULL, 'T'},
    {"force-share", no_argument, NULL, 'U'},
    {"object", required_argument, NULL, OPTION_OBJECT},
    {"image-opts", no_argument, NULL, OPTION_IMAGE_OPTS},
    {NULL},
};

/* ---- help ---- */

static const char examples[] =
    "  blkscope disk.img                        look at an image, changing nothing\n"
    "  blkscope -c 'read -v 0 512' disk.img     dump its first sector\n"
    "  blkscope -c 'map --json' disk.img        what is allocated, for a program\n"
    "  blkscope -w -c 'write -P 7 1M 4k' disk.img\n"
    "                                           write 4 KiB of 7 at 1 MiB\n"
    "  blkscope disk.img < commands             run a list of commands\n"
    "\n";

static const char own_options[] =
    "  -w, --writable         open images for writing\n"
    "      --plain            a prompt instead of the full screen\n"
    "      --headless         a screen in memory for commands; `screen` prints it\n"
    "      --script FILE      run the commands in FILE, then exit\n"
    "      --stop-on-error    stop at the first command that fails\n"
    "      --json             reports as JSON, one object a line\n"
    "      --dialect RELEASE  formats and rules of release 7.2 (default) or 2.4\n"
    "      --refs POLICY      files that an image names: ask, follow or none\n"
    "      --theme NAME       colours: a name that `theme` lists, or a theme file\n"
    "      --no-config        read no configuration files\n"
    "      --no-history       neither read nor keep what is typed, nor marks\n"
    "      --no-sandbox       give up no rights once an image is open\n";

static const char common_options[] =
    "  -c, --cmd COMMAND      run COMMAND, then exit; may be given again\n"
    "  -f, --format FORMAT    take the image for this format, probe nothing\n"
    "  -r, --read-only        open the image for reading only\n"
    "  -s, --snapshot         writes go to a temporary layer\n"
    "  -n, --nocache          same as -t none\n"
    "  -t, --cache MODE       none writeback writethrough (default) directsync unsafe\n"
    "  -d, --discard MODE     ignore, off, unmap or on\n"
    "  -i, --aio MODE         threads, native or io_uring\n"
    "  -k, --native-aio       same as -i native\n"
    "  -C, --copy-on-read     copy what is read from a backing file to the image\n"
    "  -m, --misalign         misaligned buffers, to test direct I/O\n"
    "  -U, --force-share      open the image although another program has it locked\n"
    "  -T, --trace PATTERN    accepted for old scripts\n"
    "      --object OBJECT    what options name (secret, TLS, limits); help lists\n"
    "      --image-opts       IMAGE is options: driver=raw,file.filename=disk.img\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version, and what works here\n";

const char *args_help_options(bool own)
{
    return own ? own_options : common_options;
}

static void print_help(const struct args *args)
{
    const char *prog = args->session.prog;
    if (args->session.drop_in) {
        printf("Usage: %s [OPTION]... [-c COMMAND]... [IMAGE]\nRuns commands on a disk image.\n\n%s", prog,
               common_options);
    } else {
        printf("Usage: %s [OPTION]... [IMAGE]\nLooks into disk images, and runs commands on them.\n\n%s%s%s", prog,
               examples, own_options, common_options);
    }
    printf("\n'%s -c help' lists the commands%s.\n", prog, args->session.drop_in ? "" : "; man blkscope tells more");
}

static void print_version(const struct args *args)
{
    if (args->session.drop_in) {
        printf("%s version 7.2 (blkscope %s)\n", args->session.prog, BLKSCOPE_VERSION);
    } else {
        printf("%s version %s\n", args->session.prog, BLKSCOPE_VERSION);
        version_print_features();
    }
}

/* ---- single options ---- */

static bool refuse(const struct args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(const struct args *args, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    /* What was typed comes back: it must not drive a terminal. */
    g_autofree char *shown = args->session.drop_in && !isatty(STDERR_FILENO) ? NULL : safetext_escape(text, -1);
    fprintf(stderr, "%s: %s\n", args->session.prog, shown ?: text);
    return false;
}

static bool take_dialect(struct args *args, const char *value)
{
    if (!strcmp(value, "7.2"))
        args->session.dialect = SESSION_DIALECT_7_2;
    else if (!strcmp(value, "2.4"))
        args->session.dialect = SESSION_DIALECT_2_4;
    else
        return refuse(args, "Invalid dialect '%s': 7.2 or 2.4", value);
    return true;
}

static bool take_refs(struct args *args, const char *value)
{
    args->refs_given = true;
    if (!strcmp(value, "ask"))
        args->session.refs = BLK_REFS_ASK;
    else if (!strcmp(value, "follow"))
        args->session.refs = BLK_REFS_FOLLOW;
    else if (!strcmp(value, "none"))
        args->session.refs = BLK_REFS_NONE;
    else
        return refuse(args, "Invalid reference policy '%s': ask, follow or none", value);
    return true;
}

static bool parse_options(const struct args *args, struct options *options, const char *text, const char *implied)
{
    const char *rest = implied && strchr(text, ',') ? strchr(text, ',') + 1 : implied ? "" : text;
    g_auto(GStrv) warnings = image_options_short_forms(rest);
    g_autoptr(GError) error = NULL;
    for (char **warning = warnings; *warning; warning++)
        refuse(args, "%s", *warning);
    return options_parse(options, text, implied, &error) || refuse(args, "%s", error->message);
}

/* There are no events to trace: a pattern that names one says so, as it does for any unknown event. */
static bool take_trace(struct args *args, const char *value)
{
    if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
        printf("There are no events to trace; 'help break' lists the events of blkdebug.\n");
        args->helped = true;
        return true;
    }
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    const char *pattern = parts[0] && g_str_has_prefix(parts[0], "enable=") ? parts[0] + 7 : parts[0];
    if (pattern && *pattern && !strpbrk(pattern, "*?="))
        refuse(args, "warning: trace event '%s' does not exist", pattern);
    return true;
}

static bool take_object(struct args *args, const char *value)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *help = objects_help(value);
    if (!help)
        return objects_define(value, &error) || refuse(args, "%s", error->message);
    fputs(help, stdout);
    args->helped = true;
    return true;
}

static void append_option(struct args *args, int letter, const char *value)
{
    g_autofree char *quoted = value ? words_quote(value) : NULL;
    g_string_append_printf(args->open, " -%c%s%s", letter, quoted ? " " : "", quoted ?: "");
}

/* With -s, what is written depends on it: a script of the session begins with it.  Without, a script is as good for other images. */
static void note_open(struct args *args)
{
    if (args->session.drop_in || !args->filename || !(args->image.flags & BLK_OPEN_SNAPSHOT))
        return;
    g_autofree char *driver = args->format ? g_strconcat("driver=", args->format, NULL) : NULL;
    g_autofree char *path = words_quote(args->filename);
    if (driver)
        append_option(args, 'o', driver);
    if (args->image_opts)
        append_option(args, 'o', args->filename);
    else
        g_string_append_printf(args->open, "%s %s", *args->filename == '-' ? " --" : "", path);
    args->session.begun = args->open->str;
}

static bool take_option(struct args *args, int option, const char *value)
{
    g_autoptr(GError) error = NULL;
    switch (option) {
    case 'c':
        g_ptr_array_add(args->commands, (char *)value);
        return true;
    case 'f':
        args->format = value;
        return true;
    case 'm':
        args->session.misalign = true;
        return true;
    case 'T':
        return take_trace(args, value);
    case OPTION_OBJECT:
        return take_object(args, value);
    case OPTION_IMAGE_OPTS:
        args->image_opts = true;
        return true;
    case OPTION_PLAIN:
        args->plain = true;
        return true;
    case OPTION_DIALECT:
        return take_dialect(args, value);
    case OPTION_JSON:
        args->session.json = true;
        return true;
    case OPTION_REFS:
        return take_refs(args, value);
    case OPTION_THEME:
        args->theme = value;
        return true;
    case OPTION_NO_CONFIG:
        args->no_config = true;
        return true;
    case OPTION_NO_HISTORY:
        args->no_history = true;
        return true;
    case OPTION_SCRIPT:
        args->script = value;
        return true;
    case OPTION_HEADLESS:
        args->headless = true;
        return true;
    case OPTION_NO_SANDBOX:
        args->session.sandbox.mode = SESSION_SANDBOX_REFUSED;
        return true;
    case OPTION_STOP_ON_ERROR:
        args->session.stop_on_error = true;
        return true;
    default:
        if (option == 'w')
            args->session.writable = true;
        if (image_options_take(&args->image, option, value, &error) < 0)
            return refuse(args, "%s", error->message);
        append_option(args, option, value);
        return true;
    }
}

static bool parse_image_options(struct args *args)
{
    args->options = options_new();
    return parse_options(args, args->options, args->filename, NULL);
}

/* ---- the whole ---- */

static void args_init(struct args *args, const char *argv0)
{
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    *args = (struct args){.commands = g_ptr_array_new(), .open = g_string_new("open")};
    g_autofree char *safe = safetext_mask(slash ? slash + 1 : argv0 ?: "blkscope", -1);
    args->session.prog = g_intern_string(safe);
    args->session.drop_in = !strcmp(args->session.prog, "qemu-io");
    args->session.sandbox.mode = args->session.drop_in ? SESSION_SANDBOX_NONE : SESSION_SANDBOX_CLOSE;
    args->session.refs = args->session.drop_in ? BLK_REFS_ALL : BLK_REFS_FOLLOW;
}

/*
 * getopt's message about the argument that it did not like, which is not to reach a terminal as it is: said by another run over arguments that are
 * safe to show, which comes to the same one.
 */
static void complain_of_option(int argc, char **argv, const char *letters, const struct option *options)
{
    g_auto(GStrv) safe = g_new0(char *, argc + 1);
    int option;
    for (int i = 0; i < argc; i++)
        safe[i] = safetext_mask(argv[i], -1);
    g_autofree char **permuted = g_memdup2(safe, (gsize)(argc + 1) * sizeof(*safe));
    opterr = 1;
    optind = 0;
    do
        option = getopt_long(argc, permuted, letters, options, NULL);
    while (option != -1 && option != '?');
}

enum args_result args_parse(int argc, char **argv, struct args *ret_args)
{
    struct args *args = ret_args;
    int option;
    args_init(args, argv[0]);
    bool drop_in = args->session.drop_in;
    const char *letters = drop_in ? drop_in_letters : own_letters;
    const struct option *options = long_options + (drop_in ? OURS : 0);
    g_autofree char **given = g_memdup2(argv, (gsize)(argc + 1) * sizeof(*argv)); /* before getopt() moves them */
    opterr = drop_in; /* there its messages are the reference's */
    while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        switch (option) {
        case 'h':
            print_help(args);
            return ARGS_EXIT_OK;
        case 'V':
            print_version(args);
            return ARGS_EXIT_OK;
        case '?':
            if (!drop_in)
                complain_of_option(argc, given, letters, options);
            print_help(args);
            return ARGS_EXIT_FAILURE;
        default:
            if (!take_option(args, option, optarg))
                return ARGS_EXIT_FAILURE;
            if (args->helped)
                return ARGS_EXIT_OK;
        }
    }
    if (argc - optind > 1) {
        print_help(args);
        return ARGS_EXIT_FAILURE;
    }
    if (args->format && args->image_opts) {
        refuse(args, "--image-opts and -f are mutually exclusive");
        return ARGS_EXIT_FAILURE;
    }
    args->filename = argv[optind];
    note_open(args);
    return args->image_opts && args->filename && !parse_image_options(args) ? ARGS_EXIT_FAILURE : ARGS_RUN;
}

void args_clear(struct args *args)
{
    g_clear_pointer(&args->commands, g_ptr_array_unref);
    g_clear_pointer(&args->options, options_free);
    if (args->open)
        g_string_free(args->open, TRUE);
}
