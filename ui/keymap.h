/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which key asks for what, as data: context, key, request. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "ui/key.h"
#include "ui/request.h"

/* What key means in context itself (others are not looked at): REQUEST_NONE when nothing. */
enum request keymap_lookup(enum request_context context, keycode key);
/* Names of the keys bound to request in context, in the table's order, separated by ", " ("k, Up"); NULL: none. g_free.
 */
char *keymap_keys(enum request_context context, enum request request);
/* The first of them; NULL: none.  g_free. */
char *keymap_key(enum request_context context, enum request request);

/* From now on key asks for request in context; REQUEST_NONE: for nothing. */
void keymap_bind(enum request_context context, keycode key, enum request request);
/* Back to the built-in table. */
void keymap_reset(void);
/* Whether movements reach what has that context; whether letters are text there. */
bool keymap_has_movements(enum request_context context);
bool keymap_types_text(enum request_context context);

/* doc/keys.md: every context, key and request of the tables.  g_free. */
char *keymap_document(void);
