/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A configuration file of blkdebug, or the same as options (a text that begins with '='). */
#include "block/blkdebug_rules.h"
#include "fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    struct blkdebug_rules rules = {0};
    g_autoptr(GError) error = NULL;
    int ret = 0;
    if (*text == '=') {
        g_autoptr(options) options = options_new();
        if (options_parse(options, text + 1, NULL, NULL))
            ret = blkdebug_rules_take(&rules, options, &error);
    } else {
        ret = blkdebug_rules_parse(&rules, text, &error);
    }
    g_assert_true((ret < 0) == (error != NULL));
    blkdebug_rules_clear(&rules);
}
