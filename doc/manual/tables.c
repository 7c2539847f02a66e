/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints what the program's tables know as parts of manuals (scdoc(5)) and as completions of shells.
 *
 * usage: tables manual FILE.scd.in | bash | zsh | fish
 *
 * In a manual, a line "@options@", "@commands@", "@keys@", "@drivers@", "@settings@" or "@themes@" is replaced by that table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "block/driver.h"
#include "doc/manual/help.h"
#include "engine/batch.h"
#include "engine/command.h"
#include "engine/session.h"
#include "engine/sink.h"
#include "io/aio.h"
#include "io/co.h"
#include "ui/app.h"
#include "ui/keymap.h"
#include "ui/themes.h"

static struct session *session;

/* ---- the command line's options ---- */

struct option_line {
    char letter;               /* 0: none */
    char *name, *value, *help; /* value NULL: takes none */
};

/* "  -w, --writable         open ..." */
static bool parse_option_line(const char *line, struct option_line *ret)
{
    static GRegex *regex;
    g_autoptr(GMatchInfo) match = NULL;

    if (!regex)
        regex = g_regex_new("^ +(?:-(\\w), )?--([\\w-]+)(?: ([A-Z]+))? {2,}(.*)$", 0, 0, NULL);
    if (!g_regex_match(regex, line, 0, &match))
        return false;
    g_autofree char *letter = g_match_info_fetch(match, 1);
    *ret = (struct option_line){letter[0], g_match_info_fetch(match, 2), g_match_info_fetch(match, 3), g_match_info_fetch(match, 4)};
    if (ret->value && !*ret->value)
        g_clear_pointer(&ret->value, g_free);
    return true;
}

typedef void option_fn(const struct option_line *option, GString *out);

static void each_option(option_fn *fn, GString *out)
{
    for (int own = 1; own >= 0; own--) {
        g_auto(GStrv) lines = g_strsplit(args_help_options(own), "\n", -1);

        for (char **line = lines; *line; line++) {
            struct option_line option;

            if (!parse_option_line(*line, &option))
                continue;
            fn(&option, out);
            g_free(option.name);
            g_free(option.value);
            g_free(option.help);
        }
    }
}

/* ---- scdoc ---- */

static void option_for_manual(const struct option_line *option, GString *out)
{
    g_autofree char *name = help_plain(option->name), *help = help_plain(option->help);

    if (option->letter)
        g_string_append_printf(out, "*-%c*, ", option->letter);
    g_string_append_printf(out, "*--%s*", name);
    if (option->value)
        g_string_append_printf(out, " _%s_", option->value);
    g_string_append_printf(out, "\n\t%s\n\n", help);
}

static void command_for_manual(const struct command *command, GString *out)
{
    const char *args = command_args(command, false);
    g_autofree char *name = help_plain(command->name), *usage = args ? help_plain(args) : NULL, *summary = help_plain(command->summary);

    g_string_append_printf(out, "*%s*%s%s\n\t%s.%s%s%s%s\n", name, usage ? " " : "", usage ? usage : "", summary,
                           command->alias ? " Also *" : "", command->alias ? command->alias : "", command->alias ? "*." : "",
                           command->flags & COMMAND_OURS ? " Not in qemu-io." : "");
    if (command->help)
        help_for_manual(out, command->help);
    g_string_append_c(out, '\n');
}

/* Those that do what keys do are in the manual of keys. */
static bool is_key(const struct command *command)
{
    enum request request = request_find(command->name);

    return request != REQUEST_NONE && request_has_command(request);
}

static void commands_for_manual(GString *out)
{
    for (const struct command *const *command = command_all(); *command; command++) {
        if (!is_key(*command))
            command_for_manual(*command, out);
    }
}

static void keys_for_manual(GString *out)
{
    for (int context = 0; context < REQUEST_CONTEXT_COUNT; context++) {
        g_autofree char *title = g_ascii_strup(request_context_name(context), -1), *about = help_plain(request_context_help(context));

        g_string_append_printf(out, "# %s\n\n%s\n\n", title, about);
        for (int request = 0; request < REQUEST_COUNT; request++) {
            g_autofree char *keys = keymap_keys(context, request);

            if (!keys)
                continue;
            g_autofree char *shown = help_plain(keys), *help = help_plain(request_info(request)->help), *name = help_plain(request_info(request)->name);
            g_string_append_printf(out, "*%s*\n\t%s (%s)\n\n", shown, help, name);
        }
    }
}

static const char *type_name(enum driver_option_type type)
{
    static const char *const names[] = {"text", "on or off", "size", "number", "word", "node", "group"};

    return names[type];
}

static void option_of_driver(const struct driver_option *option, GString *out)
{
    g_autofree char *key = help_plain(option->name), *help = help_plain(option->help ? option->help : "");

    g_string_append_printf(out, "\t%s (%s)%s%s%s\n\n", key, type_name(option->type), *help ? ": " : "", help,
                           option->reopen ? "; *reopen* can change it" : "");
}

/* With all that have the same options, which come once; nothing where one of them was before. */
static void drivers_like(const char *const *name, GString *out)
{
    const struct driver_option *options = driver_find(*name)->options;

    for (const char *const *before = blk_driver_names(); before < name && options; before++) {
        if (driver_find(*before)->options == options)
            return;
    }
    g_autofree char *first = help_plain(*name);
    g_string_append_printf(out, "*%s*", first);
    for (const char *const *same = name + 1; *same && options; same++) {
        g_autofree char *shown = help_plain(*same);

        if (driver_find(*same)->options == options)
            g_string_append_printf(out, ", *%s*", shown);
    }
    g_string_append_c(out, '\n');
    for (const struct driver_option *option = options; option && option->name; option++)
        option_of_driver(option, out);
    if (!options || !options->name)
        g_string_append(out, "\tno options\n");
    g_string_append_c(out, '\n');
}

static void drivers_for_manual(GString *out)
{
    for (const char *const *name = blk_driver_names(); *name; name++)
        drivers_like(name, out);
}

/* What `set` prints: name, value, and the rest. */
static void settings_for_manual(GString *out)
{
    struct sink *sink = sink_new_buffer();

    batch_run_line(session, "set", sink);
    g_auto(GStrv) lines = g_strsplit(sink_buffer_text(sink), "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) words = g_regex_split_simple("\\s+", *line, 0, 0);
        const char *rest = *line;

        for (int i = 0; i < 2; i++) {
            rest += strcspn(rest, " ");
            rest += strspn(rest, " ");
        }
        g_autofree char *name = help_plain(words[0]), *value = help_plain(words[1]), *help = help_plain(rest);
        g_string_append_printf(out, "*%s* _%s_\n\t%s\n\n", name, value, help);
    }
    sink_free(sink);
}

static void themes_for_manual(GString *out)
{
    g_auto(GStrv) names = themes_list(false);
    g_autofree char *text = g_strjoinv(", ", names);

    g_string_append_printf(out, "%s\n", text);
}

static int print_manual(const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && (**line || line[1]); line++) {
        if (strcmp(*line, "@options@") == 0)
            each_option(option_for_manual, out);
        else if (strcmp(*line, "@commands@") == 0)
            commands_for_manual(out);
        else if (strcmp(*line, "@keys@") == 0)
            keys_for_manual(out);
        else if (strcmp(*line, "@drivers@") == 0)
            drivers_for_manual(out);
        else if (strcmp(*line, "@settings@") == 0)
            settings_for_manual(out);
        else if (strcmp(*line, "@themes@") == 0)
            themes_for_manual(out);
        else
            g_string_append_printf(out, "%s\n", *line);
    }
    fputs(out->str, stdout);
    return EXIT_SUCCESS;
}

/* ---- completions ---- */

/* What completes behind an option that takes a value, as a list of words; NULL: files. */
static const char *words_for(const char *name)
{
    static const char *const table[][2] = {
        {"cache", "none writeback writethrough directsync unsafe"},
        {"discard", "ignore off unmap on"},
        {"aio", "threads native io_uring"},
        {"refs", "ask follow none"},
        {"dialect", "7.2 2.4"},
        {"object", "secret,id= tls-creds-x509,id= tls-creds-psk,id= throttle-group,id="},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        if (strcmp(table[i][0], name) == 0)
            return table[i][1];
    }
    return NULL;
}

static char *formats(void)
{
    return g_strjoinv(" ", (char **)blk_driver_names());
}

static char *commands(void)
{
    GString *out = g_string_new(NULL);

    for (const struct command *const *command = command_all(); *command; command++) {
        if (!is_key(*command))
            g_string_append_printf(out, "%s%s", out->len ? " " : "", (*command)->name);
    }
    return g_string_free(out, FALSE);
}

static char *themes(void)
{
    g_auto(GStrv) names = themes_list(false);

    return g_strjoinv(" ", names);
}

/* Whether its value may also be the name of a file. */
static bool takes_file(const struct option_line *option)
{
    return strcmp(option->name, "theme") == 0;
}

/* The words behind an option, or NULL; g_free. */
static char *values_of(const struct option_line *option)
{
    if (strcmp(option->name, "format") == 0)
        return formats();
    if (strcmp(option->name, "cmd") == 0)
        return commands();
    if (strcmp(option->name, "theme") == 0)
        return themes();
    return g_strdup(words_for(option->name));
}

static void option_for_bash(const struct option_line *option, GString *out)
{
    g_autofree char *values = option->value ? values_of(option) : NULL;

    if (!option->value)
        return;
    g_string_append(out, "    ");
    if (option->letter)
        g_string_append_printf(out, "-%c|", option->letter);
    if (values)
        g_string_append_printf(out, "--%s) mapfile -t COMPREPLY < <(compgen %s-W '%s' -- \"$cur\"); return ;;\n", option->name,
                               takes_file(option) ? "-f " : "", values);
    else
        g_string_append_printf(out, "--%s) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n", option->name);
}

static void name_for_bash(const struct option_line *option, GString *out)
{
    g_string_append_printf(out, " --%s", option->name);
}

static void print_bash(GString *out)
{
    /* To bash, the sign in --cache=none is a word of its own. */
    g_string_append(out, "# bash completion for blkscope\n_blkscope() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                         "    if [[ $cur == = ]]; then\n        cur=\n    elif [[ $prev == = ]]; then\n"
                         "        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
                         "    case $prev in\n");
    each_option(option_for_bash, out);
    g_string_append(out, "    esac\n    if [[ $cur == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '");
    each_option(name_for_bash, out);
    g_string_append(out, "' -- \"$cur\")\n    else\n        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n    fi\n}\n"
                         "complete -o filenames -F _blkscope blkscope\n");
}

static char *quoted_for_zsh(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        if (strchr("[]:\\", *p))
            g_string_append_c(out, '\\');
        g_string_append(out, *p == '\'' ? "'\\''" : (char[]){*p, '\0'});
    }
    return g_string_free(out, FALSE);
}

static void option_for_zsh(const struct option_line *option, GString *out)
{
    g_autofree char *help = quoted_for_zsh(option->help), *values = option->value ? values_of(option) : NULL;
    g_autofree char *value =
        !option->value         ? g_strdup("")
        : !values              ? g_strdup_printf(":%s:_files", option->value)
        : takes_file(option)   ? g_strdup_printf(":%s:{_alternative \"words\\:word\\:(%s)\" \"files\\:file\\:_files\"}", option->value, values)
                               : g_strdup_printf(":%s:(%s)", option->value, values);

    g_string_append_printf(out, "    '*--%s[%s]%s' \\\n", option->name, help, value);
    if (option->letter)
        g_string_append_printf(out, "    '*-%c[%s]%s' \\\n", option->letter, help, value);
}

static void print_zsh(GString *out)
{
    g_string_append(out, "#compdef blkscope\n_arguments -s \\\n");
    each_option(option_for_zsh, out);
    g_string_append(out, "    '*:image:_files'\n");
}

static void option_for_fish(const struct option_line *option, GString *out)
{
    g_autofree char *values = option->value ? values_of(option) : NULL;
    g_auto(GStrv) parts = g_strsplit(option->help, "'", -1);
    g_autofree char *help = g_strjoinv("\\'", parts);

    g_string_append_printf(out, "complete -c blkscope -l %s", option->name);
    if (option->letter)
        g_string_append_printf(out, " -s %c", option->letter);
    if (values)
        g_string_append_printf(out, " %s -a '%s'", takes_file(option) ? "-r -F" : "-x", values);
    else if (option->value)
        g_string_append(out, " -r");
    g_string_append_printf(out, " -d '%s'\n", help);
}

static void print_fish(GString *out)
{
    g_string_append(out, "# fish completion for blkscope\n");
    each_option(option_for_fish, out);
}

/* ---- main ---- */

static int print(int argc, char **argv)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "manual") == 0 && argc > 2)
        return print_manual(argv[2]);
    if (strcmp(what, "bash") == 0)
        print_bash(out);
    else if (strcmp(what, "zsh") == 0)
        print_zsh(out);
    else if (strcmp(what, "fish") == 0)
        print_fish(out);
    else
        return EXIT_FAILURE;
    fputs(out->str, stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int status;

    co_init();
    struct aio *aio = aio_new(NULL, &error);
    struct session_config config = {.prog = "blkscope", .aio = aio};
    session = session_new(&config);
    /* The screen's commands are in the table while there is a screen. */
    app_set_options(NULL, false);
    struct app_headless *screen = app_headless_begin(session);
    status = print(argc, argv);
    app_headless_end(screen);
    session_free(session);
    aio_free(aio);
    co_done();
    return status;
}
