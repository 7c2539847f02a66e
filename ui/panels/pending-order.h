/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in order, sorted only where somebody looks: a page of a hundred thousand takes a few passes, not all of sorting. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Smaller values first; of equal ones, smaller rows. */
struct pending_key {
    int64_t value;
    size_t row; /* each of them once */
};

struct pending_order;

struct pending_order *pending_order_new(void);
void pending_order_free(struct pending_order *order);

/* Forgets all keys. */
void pending_order_clear(struct pending_order *order);
void pending_order_add(struct pending_order *order, struct pending_key key);
size_t pending_order_count(const struct pending_order *order);

/* The row of the key at that place, index < count. */
size_t pending_order_at(struct pending_order *order, size_t index);
/* The place of a key.  False: it is not there. */
bool pending_order_find(struct pending_order *order, struct pending_key key, size_t *ret_index);
