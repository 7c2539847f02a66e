/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of the hex panel, which keys change as well. */
#include <string.h>

#include "ui/panels/hex-panel.h"
#include "ui/setting.h"
#include "util/size.h"

/* One of the words of "a|b|c"; -1 and an error. */
static int parse_word(const char *value, const char *words, GError **error)
{
    g_auto(GStrv) all = g_strsplit(words, "|", -1);

    for (int i = 0; all[i]; i++) {
        if (strcmp(all[i], value) == 0) {
            return i;
        }
    }
    g_autofree char *list = g_strjoinv(", ", all);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "type one of %s", list);
    return -1;
}

static char *word(const char *words, int at)
{
    g_auto(GStrv) all = g_strsplit(words, "|", -1);

    return g_strdup(all[at]);
}

/* ---- how many bytes a row ---- */

static char *get_bytes_a_row(void *object)
{
    const struct hex_panel *hex = object;

    return hex->most > 0 ? g_strdup_printf("%d", hex->most) : g_strdup("fit");
}

static bool set_bytes_a_row(void *object, const char *value, GError **error)
{
    struct hex_panel *hex = object;
    int64_t most = 0;

    if (strcmp(value, "fit") != 0 && (size_parse(value, &most) != 0 || most % 8 != 0 || most < 8 || most > HEX_ROW_MAX)) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "type fit, 8, 16, 24 or 32");
        return false;
    }
    hex->most = (int)most;
    panel_redraw(&hex->panel);
    return true;
}

/* ---- how they look ---- */

#define SWITCH "on|off"
#define GROUPS "1|2|4|8"
#define ORDERS "file|reversed"
#define OFFSETS "hex|decimal|cluster"
#define INSPECTORS "full|brief|none"

static char *get_fold(void *object)
{
    return word(SWITCH, !((struct hex_panel *)object)->fold);
}

static bool set_fold(void *object, const char *value, GError **error)
{
    struct hex_panel *hex = object;

    panel_redraw(&hex->panel);
    return setting_parse_switch(value, &hex->fold, error);
}

static char *get_group(void *object)
{
    return g_strdup_printf("%d", ((struct hex_panel *)object)->group);
}

static bool set_group(void *object, const char *value, GError **error)
{
    struct hex_panel *hex = object;
    int at = parse_word(value, GROUPS, error);

    hex->group = at < 0 ? hex->group : 1 << at;
    panel_redraw(&hex->panel);
    return at >= 0;
}

static char *get_order(void *object)
{
    return word(ORDERS, ((struct hex_panel *)object)->little);
}

static bool set_order(void *object, const char *value, GError **error)
{
    struct hex_panel *hex = object;
    int at = parse_word(value, ORDERS, error);

    hex->little = at < 0 ? hex->little : at == 1;
    panel_redraw(&hex->panel);
    return at >= 0;
}

static char *get_offsets(void *object)
{
    return word(OFFSETS, (int)((struct hex_panel *)object)->offsets);
}

static bool set_offsets(void *object, const char *value, GError **error)
{
    struct hex_panel *hex = object;
    int at = parse_word(value, OFFSETS, error);

    hex->offsets = at < 0 ? hex->offsets : (enum hex_offsets)at;
    panel_redraw(&hex->panel);
    return at >= 0;
}

static char *get_inspector(void *object)
{
    return word(INSPECTORS, (int)((struct hex_panel *)object)->inspector);
}

static bool set_inspector(void *object, const char *value, GError **error)
{
    struct hex_panel *hex = object;
    int at = parse_word(value, INSPECTORS, error);

    hex->inspector = at < 0 ? hex->inspector : (enum hex_inspector)at;
    panel_redraw(&hex->panel);
    return at >= 0;
}

const struct setting hex_settings[] = {
    {"hex-bytes-a-row", "fit|8|16|24|32", "how many bytes a row of hex has, where there is room", get_bytes_a_row, set_bytes_a_row, NULL},
    {"hex-fold", SWITCH, "whether repeated rows are folded", get_fold, set_fold, NULL},
    {"hex-group", GROUPS, "how many bytes stand together", get_group, set_group, NULL},
    {"hex-byte-order", ORDERS, "the bytes of a group as they are in the file, or the last one first", get_order, set_order, NULL},
    {"hex-inspector", INSPECTORS, "how much of what the bytes at the cursor mean is shown", get_inspector, set_inspector, NULL},
    {"hex-offsets", OFFSETS, "what stands before a row", get_offsets, set_offsets, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
