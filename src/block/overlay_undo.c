/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Undoing a change of the temporary layer, and doing it again.
 *
 * A step is taken back record by record, from the last to the first, and each time what is replaced is kept in a new step: that one,
 * taken back the same way, leads forth again.  So does room that a truncation set aside: each of the two has how that was done.
 */
#include <errno.h>

#include "block/blk-internal.h"
#include "block/blk_overlay.h"
#include "block/overlay-internal.h"
#include "block/spill.h"

/* ---- keeping ---- */

static int open_journal_file_co(struct node *node)
{
    struct overlay *overlay = node->opaque;
    struct node_how how = {.refs = node->refs_policy, .aio = node->aio, .registry = node->registry, .depth = node->depth};
    return overlay->journal->file ? 0 : spill_open_file_co(&how, &overlay->journal->file, NULL);
}

/* A run that is ours: zeroes, as far as the file knows, take no room. */
static int keep_ours_co(struct node *node, struct overlay_step *step, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    struct overlay *overlay = node->opaque;
    struct overlay_record record = {.was = OVERLAY_WAS_BYTES, .start = offset};
    bool zeroes;
    int ret = overlay_run_co(overlay, offset, bytes, &bytes, &zeroes);
    if (ret < 0)
        return ret;
    record.end = offset + bytes;
    if (zeroes)
        record.was = OVERLAY_WAS_ZEROES;
    else if ((ret = open_journal_file_co(node)) == 0)
        ret = overlay_journal_store_co(overlay->journal, overlay->file, offset, bytes, &record.place);
    if (ret == 0)
        overlay_journal_add(overlay->journal, step, &record);
    *ret_bytes = bytes;
    return ret;
}

/* Keeps in step what [start, end) is now.  0, or a negative errno. */
static int keep_co(struct node *node, struct overlay_step *step, int64_t start, int64_t end)
{
    struct overlay *overlay = node->opaque;
    int ret = 0;
    for (int64_t at = start, n; ret == 0 && at < end; at += n) {
        int64_t known_end;
        bool known = intervals_at(step->kept, at, &known_end);
        n = MIN(end, known_end) - at;
        if (known)
            continue;
        if (overlay_source(overlay, at, n, &n) == OVERLAY_OURS) {
            ret = keep_ours_co(node, step, at, n, &n);
            continue;
        }
        struct overlay_record record = {.was = OVERLAY_WAS_NOT_OURS, .start = at, .end = at + n};
        overlay_journal_add(overlay->journal, step, &record);
    }
    return ret;
}

/*
 * The same before a change of size; prealloc: of the growth between the two.  What came later than a growth was taken back before it is, so that
 * the new bytes are what it made of them: those that were set aside it makes again.
 */
static int keep_size_co(struct node *node, struct overlay_step *step, int64_t new_size, enum blk_prealloc prealloc)
{
    struct overlay *overlay = node->opaque;
    struct overlay_record record = {.was = OVERLAY_WAS_SIZE, .start = overlay->size, .end = overlay->base_end, .prealloc = prealloc};
    int ret = prealloc == BLK_PREALLOC_OFF ? keep_co(node, step, new_size, overlay->size) : 0;
    if (ret == 0)
        overlay_journal_add(overlay->journal, step, &record);
    return ret;
}

/* A disk that is full must not keep anybody from writing: better without a way back. */
static void settle_co(struct overlay *overlay, int ret)
{
    if (ret < 0)
        overlay_journal_forget_co(overlay->journal);
    else
        overlay_journal_trim_co(overlay->journal);
}

void overlay_keep_write_co(struct node *node, int64_t start, int64_t end)
{
    struct overlay *overlay = node->opaque;
    struct overlay_step *step = start < end ? overlay_journal_step_co(overlay->journal) : NULL;
    if (step)
        settle_co(overlay, keep_co(node, step, start, end));
}

void overlay_keep_resize_co(struct node *node, int64_t new_size, enum blk_prealloc prealloc)
{
    struct overlay *overlay = node->opaque;
    struct overlay_step *step = new_size != overlay->size ? overlay_journal_step_co(overlay->journal) : NULL;
    if (step)
        settle_co(overlay, keep_size_co(node, step, new_size, prealloc));
}

/* ---- putting back ---- */

static int put_back_co(struct overlay *overlay, const struct overlay_record *record)
{
    int64_t bytes = record->end - record->start;
    int ret = 0;
    switch (record->was) {
    case OVERLAY_WAS_NOT_OURS:
        intervals_remove(overlay->ours, record->start, record->end);
        node_pdiscard_co(overlay->file, record->start, bytes); /* only to give the room back */
        return 0;
    case OVERLAY_WAS_ZEROES:
        ret = node_pwrite_zeroes_co(overlay->file, record->start, bytes, BLK_MAY_UNMAP);
        break;
    case OVERLAY_WAS_BYTES:
        ret = overlay_journal_fetch_co(overlay->journal, overlay->file, record->start, bytes, record->place);
        break;
    case OVERLAY_WAS_SIZE:
        ret = overlay_resize_co(overlay, record->start, record->start > overlay->size ? record->prealloc : BLK_PREALLOC_OFF, NULL);
        overlay->base_end = ret < 0 ? overlay->base_end : record->end;
        return ret;
    }
    if (ret == 0)
        intervals_add(overlay->ours, record->start, record->end);
    return ret;
}

static int keep_what_is_replaced_co(struct node *node, struct overlay_step *back, const struct overlay_record *record)
{
    return record->was == OVERLAY_WAS_SIZE ? keep_size_co(node, back, record->start, record->prealloc)
                                           : keep_co(node, back, record->start, record->end);
}

static void tell_changed(const struct node *node, const struct overlay_record *record)
{
    const struct overlay *overlay = node->opaque;
    if (record->was != OVERLAY_WAS_SIZE)
        registry_changed(node->registry, record->start, record->end - record->start);
    else
        registry_changed(node->registry, MIN(record->start, overlay->size), ABS(record->start - overlay->size));
}

/* back: NULL, or gets what is replaced. */
static int take_back_co(struct node *node, const struct overlay_step *step, struct overlay_step *back)
{
    int ret = 0;
    for (guint i = step->records->len; ret == 0 && i-- > 0;) {
        const struct overlay_record *record = &g_array_index(step->records, struct overlay_record, i);
        if (back)
            ret = keep_what_is_replaced_co(node, back, record);
        tell_changed(node, record);
        if (ret == 0)
            ret = put_back_co(node->opaque, record);
        co_relax_co();
    }
    return ret;
}

/* ---- the front door ---- */

struct node *overlay_of(const struct blk *blk)
{
    struct node *node = blk->owner ? NULL : blk->root;
    while (node && (node->driver->flags & DRIVER_FILTER))
        node = node->file;
    return node && node->driver == &driver_overlay ? node : NULL;
}

bool blk_has_overlay(const struct blk *blk)
{
    return overlay_of(blk) != NULL;
}

void blk_overlay_mark(struct blk *blk, const char *label)
{
    struct node *node = overlay_of(blk);
    if (!node)
        return;
    struct overlay *overlay = node->opaque;
    if (!overlay->journal)
        overlay->journal = overlay_journal_new();
    overlay_journal_mark(overlay->journal, label);
}

/* All of it or nothing; where not even that goes, the journal is worth nothing any more. */
static int step_co(struct node *node, struct overlay_step *step, struct overlay_step *back)
{
    struct overlay *overlay = node->opaque;
    int ret = take_back_co(node, step, back), refresh;
    if (ret < 0 && take_back_co(node, back, NULL) < 0)
        overlay->journal->lost = true;
    refresh = node_refresh_size_co(node);
    return ret < 0 ? ret : refresh;
}

static int move_co(struct node *node, GQueue *from, GQueue *to, char **ret_label)
{
    struct overlay *overlay = node->opaque;
    struct overlay_step *step = g_queue_pop_tail(from);
    struct overlay_step *back = overlay_step_new(step->label);
    overlay->journal->current = NULL;
    int ret = step_co(node, step, back);
    if (ret < 0) {
        overlay_journal_free_step_co(overlay->journal, back);
        g_queue_push_tail(from, step);
        return ret;
    }
    *ret_label = g_strdup(step->label);
    overlay_journal_free_step_co(overlay->journal, step);
    g_queue_push_tail(to, back);
    overlay_journal_trim_co(overlay->journal);
    return 0;
}

static const char *why_not(const struct overlay_journal *journal, bool forth)
{
    if (forth)
        return "there is nothing to redo";
    return journal && journal->lost ? "what was written before is too much to be kept for undoing" : "there is nothing to undo";
}

int blk_overlay_move_co(struct blk *blk, bool forth, char **ret_label, GError **error)
{
    struct node *node = overlay_of(blk);
    if (!node)
        return options_refuse(error, ENOTSUP, "there is no overlay");
    struct overlay *overlay = node->opaque;
    struct overlay_journal *journal = overlay->journal;
    int ret = blk_quiesce_begin_co(blk);
    if (ret < 0)
        return options_refuse(error, -ret, "%s", g_strerror(-ret));
    GQueue *from = journal ? forth ? &journal->redo : &journal->undo : NULL;
    if (!from || !from->tail)
        ret = options_refuse(error, ENOENT, "%s", why_not(journal, forth));
    else if ((ret = move_co(node, from, forth ? &journal->undo : &journal->redo, ret_label)) < 0)
        options_refuse(error, -ret, "%s", g_strerror(-ret));
    if (ret == 0 && node != blk->root)
        node_refresh_size_co(blk->root);
    blk_quiesce_end(blk);
    return ret;
}
