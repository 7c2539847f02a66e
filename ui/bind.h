/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as the user wants them: lines "CONTEXT KEY REQUEST" of the command `bind` and of the file of keys. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "ui/key.h"
#include "ui/request.h"

struct binding_wish {
    enum request_context context;
    keycode key;
    enum request request; /* REQUEST_NONE: the key is to mean nothing */
};

/* Understands three words; false and an error that says what is wrong and what there is. */
bool bind_parse(const char *const words[static 3], struct binding_wish *ret_wish, GError **error);
/*
 * Binds it.  What else that changes, in a sentence (g_free): a key that means something elsewhere too, a request that no key
 * asks for any more.  NULL: nothing.
 */
char *bind_apply(const struct binding_wish *wish);

/*
 * Binds what a file says, line by line.  What is wrong in it, and what collides, each as "FILE:LINE: reason"; all good lines hold
 * all the same.  A file that is not there is fine.  A new array of new strings (g_ptr_array_unref).
 */
GPtrArray *bind_load(const char *path);
/* The user's file, whether it is there or not.  g_free. */
char *bind_path(void);
