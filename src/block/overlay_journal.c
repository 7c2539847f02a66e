/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/overlay_journal.h"

enum { PIECE = 1 << 20 };

/* ---- steps ---- */

struct overlay_step *overlay_step_new(const char *label)
{
    struct overlay_step *step = g_new(struct overlay_step, 1);
    *step = (struct overlay_step){g_strdup(label), g_array_new(FALSE, FALSE, sizeof(struct overlay_record)), intervals_new()};
    return step;
}

void overlay_journal_add(struct overlay_journal *journal, struct overlay_step *step, const struct overlay_record *record)
{
    journal->records++;
    g_array_append_val(step->records, *record);
    if (record->was == OVERLAY_WAS_SIZE) {
        intervals_free(step->kept);
        step->kept = intervals_new();
    } else {
        intervals_add(step->kept, record->start, record->end);
    }
}

void overlay_journal_free_step_co(struct overlay_journal *journal, struct overlay_step *step)
{
    for (guint i = 0; i < step->records->len; i++) {
        const struct overlay_record *record = &g_array_index(step->records, struct overlay_record, i);
        if (record->was == OVERLAY_WAS_BYTES)
            node_pdiscard_co(journal->file, record->place, record->end - record->start); /* if not, the room is lost until the end */
    }
    journal->records -= step->records->len;
    g_array_unref(step->records);
    intervals_free(step->kept);
    g_free(step->label);
    g_free(step);
}

static void drop_steps_co(struct overlay_journal *journal, GQueue *steps)
{
    struct overlay_step *step;
    while ((step = g_queue_pop_head(steps)))
        overlay_journal_free_step_co(journal, step);
}

/* ---- the journal ---- */

struct overlay_journal *overlay_journal_new(void)
{
    struct overlay_journal *journal = g_new0(struct overlay_journal, 1);
    g_queue_init(&journal->undo);
    g_queue_init(&journal->redo);
    return journal;
}

void overlay_journal_free_co(struct overlay_journal *journal)
{
    if (!journal)
        return;
    overlay_journal_clear_co(journal);
    node_unref_co(journal->file);
    g_free(journal->label);
    g_free(journal);
}

void overlay_journal_mark(struct overlay_journal *journal, const char *label)
{
    g_free(journal->label);
    journal->label = g_strdup(label);
    journal->current = NULL;
    journal->deaf = false;
}

struct overlay_step *overlay_journal_step_co(struct overlay_journal *journal)
{
    if (journal->deaf)
        return NULL;
    if (!journal->current) {
        journal->current = overlay_step_new(journal->label ? journal->label : "");
        g_queue_push_tail(&journal->undo, journal->current);
        drop_steps_co(journal, &journal->redo);
    }
    return journal->current;
}

void overlay_journal_trim_co(struct overlay_journal *journal)
{
    while (journal->undo.length > OVERLAY_STEPS_MAX || journal->records > OVERLAY_RECORDS_MAX) {
        struct overlay_step *oldest = g_queue_peek_head(&journal->undo);
        if (!oldest || oldest == journal->current) {
            overlay_journal_forget_co(journal);
            return;
        }
        g_queue_pop_head(&journal->undo);
        overlay_journal_free_step_co(journal, oldest);
        journal->lost = true;
    }
}

void overlay_journal_clear_co(struct overlay_journal *journal)
{
    journal->current = NULL;
    drop_steps_co(journal, &journal->undo);
    drop_steps_co(journal, &journal->redo);
    journal->end = 0;
    journal->lost = false;
}

void overlay_journal_forget_co(struct overlay_journal *journal)
{
    overlay_journal_clear_co(journal);
    journal->deaf = journal->lost = true;
}

/* ---- bytes ---- */

static int copy_co(struct node *from, int64_t from_offset, struct node *to, int64_t to_offset, int64_t bytes)
{
    g_autofree uint8_t *buf = g_malloc(MIN(bytes, PIECE));
    int ret = 0;
    for (int64_t done = 0; ret == 0 && done < bytes; done += PIECE) {
        int64_t n = MIN(bytes - done, PIECE);
        ret = node_pread_co(from, from_offset + done, n, buf);
        if (ret == 0)
            ret = node_pwrite_co(to, to_offset + done, n, buf, 0);
    }
    return ret;
}

int overlay_journal_store_co(struct overlay_journal *journal, struct node *from, int64_t offset, int64_t bytes, int64_t *ret_place)
{
    int ret = copy_co(from, offset, journal->file, journal->end, bytes);
    if (ret == 0) {
        *ret_place = journal->end;
        journal->end += bytes;
    }
    return ret;
}

int overlay_journal_fetch_co(struct overlay_journal *journal, struct node *to, int64_t offset, int64_t bytes, int64_t place)
{
    return copy_co(journal->file, place, to, offset, bytes);
}
