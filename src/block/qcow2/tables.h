/* SPDX-License-Identifier: GPL-3.0-or-later */
/* L2 tables one after the other, for whoever goes through all of them: those that lie side by side in the file are read at once. */
#pragma once

#include "block/qcow2/qcow2.h"

struct qcow2_tables {
    struct node *node;
    uint64_t *words;       /* of `count` tables from `first` on, in the file */
    unsigned room, count;  /* tables */
    int64_t first;
};

/* most: how many will be asked for at most, 0 for parts of some only. */
void qcow2_tables_init(struct qcow2_tables *tables, struct node *node, uint64_t most);
void qcow2_tables_done(struct qcow2_tables *tables);
/*
 * The table at offset, as it is now; next[0 .. count) are L1 entries (in the machine's order) of which the first ones may name those that
 * follow in the file.  Valid until the next call.  0, or a negative errno.
 */
int qcow2_tables_get_co(struct qcow2_tables *tables, int64_t offset, const uint64_t *next, uint64_t count, const uint64_t **ret_words);
/* The same of a part of a table: bytes of the file from offset on, at most a cluster. */
int qcow2_tables_get_part_co(struct qcow2_tables *tables, int64_t offset, size_t bytes, const uint64_t **ret_words);
