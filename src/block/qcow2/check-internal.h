/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What checking (check.c) and repairing (repair.c, rebuild.c) share. */
#pragma once

#include "block/inspect.h"
#include "block/qcow2/qcow2.h"
#include "block/qcow2/refcount.h"
#include "block/qcow2/tally.h"

struct qcow2_check {
    struct node *node;
    const struct qcow2 *qcow2;
    inspect_problem_fn *fn;
    void *data;
    enum inspect_fix fix;
    struct inspect_check result;
    struct inspect_check *live; /* is told how far this is; NULL: nobody wants to know */
    int64_t walked;             /* bytes of the guest in walks that are done */
    struct qcow2_refcounts refcounts;
    struct qcow2_tally tally;
    uint8_t *actual;     /* refcounts of the window */
    bool first;          /* the first walk */
    bool copied_later;   /* the flag "refcount is one" is looked at in a walk of its own */
    bool rebuild;        /* the refcount structures can't be mended, only made anew */
    uint64_t clusters;   /* of the file; the tally has one more */
    uint64_t refcount_max;
    uint64_t used_end;   /* clusters up to the last one in use */
};

int qcow2_check_tell(struct qcow2_check *check, enum inspect_severity severity, int64_t host, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* Says what was repaired; counted as that, not as a problem. */
int qcow2_check_tell_fixed(struct qcow2_check *check, enum inspect_severity severity, int64_t host, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* window: clusters, 0 for the default.  0, or a negative errno: then nothing is to be cleared. */
int qcow2_check_begin_co(struct qcow2_check *check, struct node *node, uint64_t window, inspect_problem_fn *fn, void *data);
/* The figures about the image as a whole, after all was compared. */
void qcow2_check_sum_up(struct qcow2_check *check);
void qcow2_check_end(struct qcow2_check *check);
/* Once more from the beginning, all clusters at once, after the file was changed: nothing is counted or found yet. */
int qcow2_check_restart_co(struct qcow2_check *check);
/* Counts what names the clusters of the window, and tells what is wrong with entries.  The tally is empty before. */
int qcow2_check_count_co(struct qcow2_check *check);
/* Compares that with the refcounts: tells, and repairs if fix allows. */
int qcow2_check_compare_co(struct qcow2_check *check);
/* The image's refcount of a cluster that is in the window or past the end of the file; false: it can't be read. */
bool qcow2_check_get_refcount_co(struct qcow2_check *check, uint64_t cluster, uint64_t *ret_refcount);

/* ---- rebuild.c ---- */

/* Makes the refcount structures anew from the tally, which is of all clusters. */
int qcow2_rebuild_co(struct qcow2_check *check);
