/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines live in blocks, each a piece of text and a table of the lines in it; a line never spans blocks.  Text is kept as it came: a
 * gigabyte passes at the speed of memcpy.
 */
#include "ui/console/linestore.h"

#include <glib.h>
#include <string.h>

enum { BLOCK_TEXT = 60 << 10, BLOCK_LINES = 4096 };

struct stored_line {
    uint16_t start, len;
    uint8_t role;
};

struct block {
    uint64_t first; /* number of its first line */
    uint32_t used, count;
    struct stored_line lines[BLOCK_LINES];
    char text[BLOCK_TEXT];
};

struct linestore {
    GQueue blocks; /* of struct block, never empty, oldest first */
    unsigned max_blocks;
    bool open; /* the newest line is unfinished */
    GList *found; /* where the last line asked for is: neighbours are asked for next; NULL: nowhere */
};

static struct block *newest(const struct linestore *store)
{
    return store->blocks.tail->data;
}

uint64_t linestore_first(const struct linestore *store)
{
    return ((struct block *)store->blocks.head->data)->first;
}

uint64_t linestore_end(const struct linestore *store)
{
    return newest(store)->first + newest(store)->count;
}

static void add_block(struct linestore *store)
{
    uint64_t first = g_queue_is_empty(&store->blocks) ? 0 : linestore_end(store);
    struct block *block;
    if (store->blocks.length >= store->max_blocks) {
        block = g_queue_pop_head(&store->blocks);
    } else {
        block = g_new(struct block, 1);
    }
    block->first = first;
    block->used = block->count = 0;
    g_queue_push_tail(&store->blocks, block);
    store->found = NULL;
}

void linestore_limit(struct linestore *store, size_t max_bytes)
{
    store->max_blocks = (unsigned)MAX(max_bytes / sizeof(struct block), 2);
    while (store->blocks.length > store->max_blocks) {
        g_free(g_queue_pop_head(&store->blocks));
    }
    store->found = NULL;
}

struct linestore *linestore_new(size_t max_bytes)
{
    struct linestore *store = g_new0(struct linestore, 1);
    g_queue_init(&store->blocks);
    linestore_limit(store, max_bytes);
    add_block(store);
    return store;
}

void linestore_free(struct linestore *store)
{
    if (store != NULL) {
        g_queue_clear_full(&store->blocks, g_free);
        g_free(store);
    }
}

static void begin_line(struct linestore *store, enum role role)
{
    struct block *block = newest(store);
    if (block->count == BLOCK_LINES || BLOCK_TEXT - block->used < LINESTORE_LINE_MAX) {
        add_block(store);
        block = newest(store);
    }
    block->lines[block->count++] = (struct stored_line){.start = (uint16_t)block->used, .role = (uint8_t)role};
    store->open = true;
}

/* How many of len bytes a line may take that has room for that many: whole characters, as far as one can tell. */
static size_t whole_characters(const char *text, size_t len, size_t room)
{
    if (len <= room) {
        return len;
    }
    size_t end = room;
    while (end > 0 && room - end < 4 && ((uint8_t)text[end] & 0xc0) == 0x80) {
        end--;
    }
    return end > 0 && room - end < 4 ? end : room;
}

/* Appends text without a newline in it. */
static void add_text(struct linestore *store, enum role role, const char *text, size_t len)
{
    do {
        if (!store->open) {
            begin_line(store, role);
        }
        struct block *block = newest(store);
        struct stored_line *line = &block->lines[block->count - 1];
        size_t part = whole_characters(text, len, (size_t)(LINESTORE_LINE_MAX - line->len));
        memcpy(block->text + block->used, text, part);
        block->used += (uint32_t)part;
        line->len = (uint16_t)(line->len + part);
        text += part;
        len -= part;
        if (len > 0) {
            store->open = false;
        }
    } while (len > 0);
}

void linestore_add(struct linestore *store, enum role role, const char *text, size_t len)
{
    if (store->open && len > 0) {
        struct block *block = newest(store);
        store->open = block->lines[block->count - 1].role == role;
    }
    while (len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t part = newline != NULL ? (size_t)(newline - text) : len;
        add_text(store, role, text, part);
        store->open = newline == NULL;
        part += newline != NULL;
        text += part;
        len -= part;
    }
}

bool linestore_take_last(struct linestore *store, enum role role, const char *prefix)
{
    struct block *block = newest(store);
    if (store->open || block->count == 0) {
        return false;
    }
    struct stored_line *line = &block->lines[block->count - 1];
    size_t len = strlen(prefix);
    if (line->role != role || line->len < len || memcmp(block->text + line->start, prefix, len) != 0) {
        return false;
    }
    block->used = line->start;
    block->count--;
    return true;
}

size_t linestore_bytes(const struct linestore *store)
{
    return store->blocks.length * sizeof(struct block) + sizeof *store;
}

struct linestore_line linestore_at(struct linestore *store, uint64_t number)
{
    GList *link = store->found != NULL ? store->found : store->blocks.tail;
    while (number < ((struct block *)link->data)->first) {
        link = link->prev;
    }
    while (number >= ((struct block *)link->data)->first + ((struct block *)link->data)->count) {
        link = link->next;
    }
    store->found = link;
    const struct block *block = link->data;
    const struct stored_line *line = &block->lines[number - block->first];
    return (struct linestore_line){block->text + line->start, line->len, line->role};
}
