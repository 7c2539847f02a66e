/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The requests of an image in the order they came, counted by state, and the last few that are done. */
#pragma once

#include "block/blk.h"

enum { PENDING_RECENT_MAX = 16, PENDING_ISSUER_MAX = 128 };

/* What is kept of a request that is done. */
struct pending_done {
    uint64_t id;
    enum blk_op op;
    int64_t offset, bytes;
    int64_t took_us;
    int ret;
    char issuer[PENDING_ISSUER_MAX]; /* cut when longer */
};

/* One that is pending. */
struct pending_entry {
    uint64_t id;
    const struct blk_request *request;
    int64_t offset, bytes;
    enum blk_op op;
    enum blk_request_state state; /* under which it is counted */
};

struct pending_list;

struct pending_list *pending_list_new(void);
void pending_list_free(struct pending_list *list);

/* Forgets everything and takes what blk has now (NULL: nothing). */
void pending_list_sync(struct pending_list *list, const struct blk *blk);
/* As struct blk_observer's request: it came, changed, or is done. */
void pending_list_update(struct pending_list *list, const struct blk_request *request);

size_t pending_list_count(const struct pending_list *list);
size_t pending_list_count_state(const struct pending_list *list, enum blk_request_state state);
/* index-th, oldest first. */
const struct blk_request *pending_list_at(const struct pending_list *list, size_t index);
/* All of them, oldest first. */
void pending_list_each(const struct pending_list *list, void (*take)(void *data, const struct pending_entry *entry, size_t row), void *data);

/* Those done, newest first. */
size_t pending_list_done_count(const struct pending_list *list);
const struct pending_done *pending_list_done_at(const struct pending_list *list, size_t index);

/* Row of a request: pending ones first, then those done.  False: neither knows it. */
bool pending_list_find(const struct pending_list *list, uint64_t id, size_t *ret_row);
