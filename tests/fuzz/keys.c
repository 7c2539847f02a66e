/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's file of keys, and names of keys one by one: what is wrong is told by its line, and what is bound can be asked for. */
#include <string.h>

#include "fuzz.h"
#include "ui/bind.h"
#include "ui/config.h"
#include "ui/keymap.h"
#include "util/safetext.h"
#include "files.h"

static bool keep_words(void *data, char **words, unsigned count, GError **error)
{
    g_assert_cmpuint(count, ==, g_strv_length(words));
    g_assert_cmpuint(count, >, 0);
    for (unsigned i = 0; i < count; i++) {
        keycode key = key_parse(words[i]);
        g_autofree char *name = key == KEYCODE_NONE ? NULL : key_format(key);
        g_assert_true(key == KEYCODE_NONE || key_parse(name) == key);
    }
    return true;
}

static void check_complaints(GPtrArray *complaints)
{
    for (unsigned i = 0; i < complaints->len; i++) {
        g_autofree char *masked = safetext_mask(complaints->pdata[i], -1);
        g_assert_cmpstr(complaints->pdata[i], ==, masked);
    }
    g_ptr_array_unref(complaints);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    GPtrArray *complaints = g_ptr_array_new_with_free_func(g_free);
    config_read(path, keep_words, NULL, complaints);
    check_complaints(complaints);
    check_complaints(bind_load(path));
    g_autofree char *document = keymap_document();
    g_assert_true(g_utf8_validate(document, -1, NULL));
    keymap_reset();
}
