/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole screen in memory on a real session, driven by keys; time stands still unless moved. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "engine/session.h"
#include "ui/desk.h"
#include "ui/display.h"

struct driver {
    struct aio *aio;
    struct session *session;
    struct display *display;
    struct desk *desk;
    char *dir; /* of its own, removed in the end */
    unsigned wakes, suspends, repaints;
    bool mouse;   /* the program has it */
    char *copied; /* the last text given to the clipboard, NULL: none yet */
    struct style text_style; /* of text in the theme it was last dressed with, in 24-bit colours */
};

static const struct grid_traits driver_colour = {.utf8 = true, .colour = true};

/* Before anything else in main(): a terminal, locale and readline that are the same everywhere. */
void driver_init(int *argc, char ***argv);
/* The tests that were added; what main() returns. */
int driver_run_tests(void);

/* image: name of a file made in the driver's folder (2 MiB: text, a hole, a row of all bytes, a hole), NULL: none is
 * open. */
struct driver *driver_new(int width, int height, struct grid_traits traits, const char *image);
void driver_free(struct driver *driver);

/* Words are names of keys ("Tab"), anything else is typed letter by letter; then settles. */
void driver_keys(struct driver *driver, const char *words);
/* Types a command in the console and runs it, whatever had the focus; then settles. */
void driver_command(struct driver *driver, const char *line);
/* Turns the loop until nothing is left to do but what a breakpoint or a command's own wait holds. */
void driver_settle(struct driver *driver);
void driver_resize(struct driver *driver, int width, int height);
/* Waits until the files in the driver's folder are older than the kernel's clock can tell: else who opens one looks at it again, a moment
 * later by a clock that is not the test's. */
void driver_let_files_age(struct driver *driver);
/* Moves the clock on. */
void driver_pass_ms(struct driver *driver, int64_t time_ms);

/* The text on the screen now.  g_free. */
char *driver_text(struct driver *driver);
/* Whether the text is somewhere on the screen. */
bool driver_shows(struct driver *driver, const char *text);
/* Offset of the focused panel's cursor. */
int64_t driver_cursor(struct driver *driver);
/* Compares with tests/screens/NAME.screen; UPDATE_SNAPSHOTS in the environment rewrites that. */
void driver_snapshot(struct driver *driver, const char *name);
void driver_check_snapshot(const char *name, const char *dump);
