/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program's options. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "engine/image-options.h"
#include "engine/session.h"

struct args {
    struct session_config session; /* all but aio */
    struct image_options image;
    const char *format;     /* -f */
    const char *filename;   /* NULL: none */
    bool image_opts;        /* filename is option text */
    struct options *options; /* parsed from it; NULL without */
    GString *open;          /* what of the command line says how the image is opened, as words for `open` */
    GPtrArray *commands;    /* const char *: -c, in order */
    const char *script;     /* --script */
    const char *theme;      /* --theme */
    bool plain, headless, no_config, no_history, refs_given;
    bool helped; /* an option's value asked for a list, which was printed */
};

enum args_result { ARGS_RUN, ARGS_EXIT_OK, ARGS_EXIT_FAILURE };

/* Reads the command line; help, version and messages are written by it.  Release with args_clear(). */
enum args_result args_parse(int argc, char **argv, struct args *ret_args);
void args_clear(struct args *args);

/* The lines of --help for the options of our own, or for those that the reference program has too.  Static. */
const char *args_help_options(bool own);
