/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the console, for its own files. */
#pragma once

#include "ui/console/console.h"
#include "ui/console/scrollback.h"

struct console {
    struct panel panel;
    struct scrollback *scrollback;
    int scrollback_mib; /* memory that the output may take */
    struct console_sink *sink;
    int width, height; /* of the output, as last painted */
    bool utf8;
    char *wanted;      /* text looked for in the output; NULL: none yet */
    uint64_t found;    /* the line it was last found in */
    uint64_t pressed;  /* the line that a drag of the mouse began in */
    bool dragging;
};

/* output.c: a search in the output, copying of it, and the mouse on it; PANEL_IGNORED: the request is none of these. */
enum panel_reaction output_request(struct console *console, enum request request);
enum panel_reaction output_mouse(struct panel *panel, const struct mouse *mouse);
