/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one table of commands: it feeds the parser, help, completion, the manual and the tests. */
#pragma once

#include <stdbool.h>

struct session;
struct sink;

struct command_call {
    struct session *session;
    struct sink *sink;
    int argc; /* argv[0] is the name as typed; the array is permuted by option parsing */
    char **argv;
    const char *line; /* the command as typed */
};

enum command_flags {
    COMMAND_NO_IMAGE = 1 << 0, /* works without an open image */
    COMMAND_OURS = 1 << 1,     /* does not exist in the reference program: hidden in drop-in mode */
    COMMAND_WRITES = 1 << 2,   /* refused before anything is parsed when the image is open read-only */
    COMMAND_OWN_NAME_ONLY = 1 << 3, /* does not exist at all in drop-in mode */
    COMMAND_HOLDS_IMAGE = 1 << 4, /* with COMMAND_NO_IMAGE: uses one that is open all the same, and nobody else closes it meanwhile */
};

/* What completes at a place of a command line. */
enum command_complete {
    COMMAND_COMPLETE_NONE,
    COMMAND_COMPLETE_PATH,
    COMMAND_COMPLETE_COMMAND,
    COMMAND_COMPLETE_EVENT,
    COMMAND_COMPLETE_TAG,
    COMMAND_COMPLETE_REQUEST, /* the number of one that is pending */
};

/* Where a command takes more under our own name than the reference program's does. */
struct command_own {
    const char *args, *options; /* replace those of the command */
    int max_args;
};

struct command {
    const char *name;
    const char *alias;   /* NULL: none */
    const char *args;    /* literal text of the usage line, NULL: none */
    const char *summary; /* one line */
    const char *help;    /* long help, lines end with a newline; NULL: none */
    const char *options; /* getopt(3) string, NULL: words are taken as they are */
    const struct command_own *own; /* NULL: the same under both names */
    int min_args, max_args; /* beside the name, before options are taken off; max -1: any number */
    unsigned flags;
    enum command_complete complete;
    char **(*names)(void); /* what completes too: a new list (g_strfreev); NULL: nothing does */
    /* The same, by the words before the one to complete (words[0] is the command); a list or NULL. */
    char **(*names_for)(const char *const *words, unsigned count);
    /* 0 or a negative errno; has said what is wrong.  Runs in a coroutine. */
    int (*run_co)(const struct command_call *call);
};

/* By name or alias, NULL if there is none. */
const struct command *command_find(const char *name);
/* What holds in the mode given. */
const char *command_args(const struct command *command, bool drop_in);
const char *command_options(const struct command *command, bool drop_in);
int command_max_args(const struct command *command, bool drop_in);
/* The words that its first operand is one of ("[status|start|diff]"), as the usage line has them: g_strfreev, perhaps empty. */
char **command_forms(const struct command *command, bool drop_in);
/* The same of the value of an option ("[-r leaks|all]"). */
char **command_option_words(const struct command *command, bool drop_in, char letter);
/* All, sorted by name; terminated by a NULL pointer. */
const struct command *const *command_all(void);

/*
 * Makes the parser, help and completion know another room's commands (the screen's `goto`, `focus`) as they know the
 * table's own; NULL-terminated, static.  Until command_remove() with the same list.
 */
void command_add(const struct command *const *commands);
void command_remove(const struct command *const *commands);

/*
 * Completions of the word that ends at cursor in line: a NULL-terminated list (g_strfreev), perhaps empty; *ret_start is where the
 * word begins.  They are quoted as they have to be typed, whichever way the word was.  Does not suspend; paths are listed from the local file system.
 */
char **command_complete(struct session *session, const char *line, int cursor, int *ret_start);

/* Where a command's options or operands are wrong: its usage line, with --json as an error; returns -EINVAL. */
int command_misused(const struct command_call *call, const struct command *command);

/* "NAME ARGUMENTS -- SUMMARY" of the command that the cursor is in; NULL: it is none (yet).  g_free. */
char *command_usage_at(struct session *session, const char *line, int cursor);
