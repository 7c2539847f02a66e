/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options as key=value text, as a json: name, as any name of an image.  Nothing is opened. */
#include <string.h>

#include "block/name.h"
#include "block/options.h"
#include "fuzz.h"

static void look(struct options *options)
{
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;
        options_at(options, i, &key, &value);
        g_assert_nonnull(key);
        g_assert_cmpuint(strlen(key), <=, OPTIONS_KEY_MAX);
        g_assert_true(options_get(options, key) == value);
    }
    g_autoptr(options) copy = options_copy(options);
    g_autoptr(options) child = options_take_child(copy, "file");
    options_merge(copy, child);
    options_take_bool(copy, "read-only", false);
    options_take_size(copy, "size", 0);
    options_take_number(copy, "cache-size", 0);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(options) options = options_new();
        g_autoptr(GError) error = NULL;
        bool ok = i == 0   ? options_parse(options, text, "driver", &error)
                  : i == 1 ? options_parse_json(options, text, &error)
                  : i == 2 ? name_apply(options, text, &error) == 0
                           : name_apply_to_file(options, text, &error) == 0;
        g_assert_true(ok == (error == NULL));
        look(options);
    }
}
