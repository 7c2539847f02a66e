/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests as a table: a line each, in the columns that there is room for. */
#pragma once

#include "block/blk.h"
#include "ui/grid.h"

/* One line, of a pending request or of one done. */
struct pending_row {
    uint64_t id;
    enum blk_op op;
    int64_t offset, bytes;
    int64_t age_us;
    int percent; /* of it done; -1: nobody knows, or it is too short to tell */
    enum role role;
    const char *state, *tag, *event, *issuer; /* NULL: nothing to say */
};

/* Whether offset and bytes mean anything. */
bool pending_has_range(enum blk_op op);

/*
 * Paints the rows, from the surface's first line on, under a line of headings if header.  What a narrow surface has no
 * room for is left out in whole columns, the least telling ones first; state and tag stay.
 */
void pending_table_draw(struct surface surface, bool header, const struct pending_row *rows, int count);
/* One of them in a line, with what the columns may have no room for: its last byte, all of the event or error, the whole command. */
void pending_table_draw_detail(struct surface row, const struct pending_row *request);
