/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the hex panel's bytes come from: a buffer in memory, or what is known of an image so far. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hex_state {
    HEX_KNOWN,
    HEX_HOLE,    /* zero, as the allocation status says: not read */
    HEX_UNKNOWN, /* not read yet */
    HEX_ERROR,   /* could not be read */
};

/* Bytes that need no reading. */
struct hex_source_hole {
    int64_t start, end;
    bool missing; /* HEX_ERROR: the layer that would have them is not open; else HEX_HOLE */
};

struct hex_source;

struct hex_source_ops {
    int64_t (*size)(const struct hex_source *source);
    /* Fills bytes and their enum hex_state; [offset, offset + n) is inside.  Not NULL. */
    void (*get)(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states);
    /* The bytes in one piece, all HEX_KNOWN, that begin at offset: how many, perhaps 0. */
    size_t (*piece)(struct hex_source *source, int64_t offset, const uint8_t **ret_bytes);
    /* The one that offset lies in, as far as it is known; NULL: there are none. */
    bool (*hole)(struct hex_source *source, int64_t offset, struct hex_source_hole *ret_hole);
    /* The stretch offset lies in where rows of that width are known to be the same; NULL: no such thing is known. */
    bool (*same)(struct hex_source *source, int64_t offset, int width, int64_t *ret_start, int64_t *ret_end);
    /*
     * The rows of width bytes around the one at row, as many as have the same bytes: from the first one's start to the
     * last one's end.  NULL: too little is known at a time, rows are compared within blocks.
     */
    void (*run)(struct hex_source *source, int64_t row, int width, int64_t *ret_start, int64_t *ret_end);
};

struct hex_source {
    const struct hex_source_ops *ops;
};

/* A source over a buffer, which it holds a reference of; NULL: empty. */
struct hex_source *hex_buffer_new(GBytes *bytes);
void hex_buffer_free(struct hex_source *source);
