/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources of a main loop that are held by a pointer. */
#pragma once

#include <glib.h>

/* It comes no more, and *source, which may be NULL, is NULL from now on. */
static inline void source_clear(GSource **source)
{
    if (*source)
        g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}
