/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which key asks for what, as data: context, key, request. */
#pragma once

#include <glib.h>

#include "ui/key.h"
#include "ui/request.h"

/* What key means in context itself (others are not looked at): REQUEST_NONE when nothing. */
enum request keymap_lookup(enum request_context context, keycode key);
/* Names of the keys bound to request in context, in the table's order, separated by ", " ("k, Up"); NULL: none. g_free.
 */
char *keymap_keys(enum request_context context, enum request request);
/* The first of them; NULL: none.  Static. */
const char *keymap_key(enum request_context context, enum request request);

/* doc/keys.md: every context, key and request of the tables.  g_free. */
char *keymap_document(void);
