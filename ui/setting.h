/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of the screen, one table a room: the command `set`, its completion and the file of settings know no other. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* object is whose option it is: the desk's own, or a panel's (see panel_ops). */
struct setting {
    const char *name;   /* kebab-case; a panel's begins with its name ("hex-bytes-a-row") */
    const char *values; /* "on|off", or what may be typed in words: "NAME" */
    const char *help;   /* one line */
    /* Its value as it would be typed; g_free. */
    char *(*get)(void *object);
    /* False and an error that begins with what is wrong with the value. */
    bool (*set)(void *object, const char *value, GError **error);
    /* All values, where values does not list them: g_strfreev; NULL: it does, or they can't be listed. */
    char **(*names)(void *object);
};

/* For the usual set(): "on" or "off". */
bool setting_parse_switch(const char *value, bool *ret_on, GError **error);
/* A whole number within bounds. */
bool setting_parse_number(const char *value, int least, int most, int *ret_number, GError **error);
