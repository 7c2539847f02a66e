/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers of an open image as a list, with the files that are named but not open. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/reference.h"

struct blk;

/* An image of the chain, or a data file of one.  All text is raw bytes. */
struct chain_layer {
    unsigned layer;   /* 0 is the top; a data file has that of its image */
    bool data_file;
    bool open;
    bool writable;
    bool guessed;     /* format raw, because its bytes looked like nothing else */
    char *format;     /* NULL: not open, and nobody says */
    char *filename;   /* NULL: it is in no file */
    int64_t size;     /* bytes of the disk (of a data file: of the file), -1: not known */
    int64_t file_size; /* bytes of the file it is in, -1: not known */
    int64_t occupied; /* bytes that takes on disk, -1: not known */
    struct reference *reference; /* how the layer above (of a data file: its image) names it; NULL: that names none */
    int64_t supplied; /* bytes of the disk that are its own, zeroes that it says are there among them; -1: not counted */
    char *holders;    /* who else has it locked; NULL: nobody, or it is not open */
};

/* From the top: a new list of struct chain_layer (g_ptr_array_unref), or NULL when cancelled. */
GPtrArray *chain_list_co(struct blk *blk);

/* What it is to the image: "image", "backing", "data-file", "extents". */
const char *chain_layer_role(const struct chain_layer *layer);

/* Sets supplied of the open ones that are no data files: 0, or a negative errno, and some were counted in part. */
int chain_count_supplied_co(struct blk *blk, GPtrArray *list);

/* Files that are named and were left out, from the top; a list of struct reference (g_ptr_array_unref), perhaps empty. */
GPtrArray *chain_left_out(const struct blk *blk);

/* Whether the image was written to through a temporary layer, which is gone when it is closed. */
bool chain_has_temporary_writes(const struct blk *blk);
