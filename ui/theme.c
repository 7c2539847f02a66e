/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A theme file is a GKeyFile with two groups, "colours" and "mono", of "role = [COLOUR] [on COLOUR] [ATTRIBUTE...]".
 * COLOUR is default, one of the 16 names ("red", "bright-black"), colourN of the 256, or #rrggbb.  "mono" has
 * attributes only.
 */
#include "ui/theme.h"

#include <string.h>

#include "ui/grid.h"
#include "themes/default-theme.h"

/* A colour as written: -1 default, 0..255 index, or RGB_BIT + 0xRRGGBB. */
#define RGB_BIT 0x1000000

struct theme {
    struct style colours[ROLE_COUNT];
    unsigned mono[ROLE_COUNT];
};

static const char *const colour_names[16] = {
    "black",       "red",          "green",      "yellow",       "blue",          "magenta",     "cyan",
    "white",       "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
    "bright-cyan", "bright-white",
};

static const struct {
    const char *name;
    unsigned attribute;
} attribute_names[] = {
    {"bold", STYLE_BOLD},       {"dim", STYLE_DIM},       {"underline", STYLE_UNDERLINE},
    {"reverse", STYLE_REVERSE}, {"italic", STYLE_ITALIC},
};

/* The colours xterm gives the first 16 indexes: what reducing a 24-bit colour compares with. */
static const uint32_t palette16[16] = {
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
    0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
};

static uint32_t palette256(int index)
{
    static const uint8_t steps[6] = {0, 95, 135, 175, 215, 255};
    if (index < 16) {
        return palette16[index];
    }
    if (index >= 232) {
        return (uint32_t)(8 + (index - 232) * 10) * 0x010101;
    }
    index -= 16;
    return (uint32_t)steps[index / 36] << 16 | (uint32_t)steps[index / 6 % 6] << 8 | steps[index % 6];
}

static int distance(uint32_t a, uint32_t b)
{
    int red = (int)(a >> 16 & 255) - (int)(b >> 16 & 255);
    int green = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
    int blue = (int)(a & 255) - (int)(b & 255);
    return 3 * red * red + 6 * green * green + blue * blue; /* about as sensitive as the eye is */
}

static int nearest(uint32_t rgb, int first, int last)
{
    int best = first;
    for (int i = first; i <= last; i++) {
        if (distance(rgb, palette256(i)) < distance(rgb, palette256(best))) {
            best = i;
        }
    }
    return best;
}

/* One of the 16: a grey for greys, a hue for hues, since in those is the meaning. */
static int nearest16(uint32_t rgb)
{
    enum { GREYISH = 48 };
    static const uint8_t greys[] = {0, 8, 7, 15}, hues[] = {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14};
    int red = (int)(rgb >> 16 & 255), green = (int)(rgb >> 8 & 255), blue = (int)(rgb & 255);
    bool grey = MAX(MAX(red, green), blue) - MIN(MIN(red, green), blue) < GREYISH;
    const uint8_t *candidates = grey ? greys : hues;
    int best = candidates[0];
    for (size_t i = 1; i < (grey ? sizeof greys : sizeof hues); i++) {
        if (distance(rgb, palette16[candidates[i]]) < distance(rgb, palette16[best])) {
            best = candidates[i];
        }
    }
    return best;
}

/* One written colour for a terminal of that depth. */
static int32_t reduce(int32_t colour, enum theme_depth depth)
{
    if (colour < 0 || depth == THEME_MONO) {
        return -1;
    }
    if (depth == THEME_DIRECT) {
        return colour & RGB_BIT ? colour & 0xffffff : (int32_t)palette256(colour);
    }
    if (depth == THEME_256) {
        return colour & RGB_BIT ? nearest((uint32_t)colour & 0xffffff, 16, 255) : colour;
    }
    if (colour >= 16) {
        colour = nearest16(colour & RGB_BIT ? (uint32_t)colour & 0xffffff : palette256(colour));
    }
    if (depth == THEME_16) {
        return colour;
    }
    return colour == 8 ? -1 : colour & 7; /* grey would become black: not to be seen */
}

static bool parse_colour(const char *word, int32_t *ret_colour)
{
    for (int i = 0; i < 16; i++) {
        if (strcmp(word, colour_names[i]) == 0) {
            *ret_colour = i;
            return true;
        }
    }
    if (strcmp(word, "default") == 0) {
        *ret_colour = -1;
        return true;
    }
    uint64_t number;
    if (word[0] == '#' && strlen(word) == 7 && strspn(word + 1, "0123456789abcdefABCDEF") == 6) {
        *ret_colour = RGB_BIT | (int32_t)g_ascii_strtoull(word + 1, NULL, 16);
        return true;
    }
    if (g_str_has_prefix(word, "colour") && g_ascii_string_to_unsigned(word + 6, 10, 0, 255, &number, NULL)) {
        *ret_colour = (int32_t)number;
        return true;
    }
    return false;
}

static bool parse_attribute(const char *word, unsigned *attributes)
{
    for (size_t i = 0; i < G_N_ELEMENTS(attribute_names); i++) {
        if (strcmp(word, attribute_names[i].name) == 0) {
            *attributes |= attribute_names[i].attribute;
            return true;
        }
    }
    return false;
}

/* The word that is wrong, NULL when all are right. */
static const char *parse_style(char **words, bool colours, struct style *ret_style)
{
    struct style style = {.foreground = -1, .background = -1};
    int32_t *colour = &style.foreground;
    for (; *words != NULL; words++) {
        if (**words == '\0' || parse_attribute(*words, &style.attributes)) {
            continue;
        }
        if (colours && strcmp(*words, "on") == 0) {
            colour = &style.background;
        } else if (!colours || !parse_colour(*words, colour)) {
            return *words;
        }
    }
    *ret_style = style;
    return NULL;
}

static bool read_group(struct theme *theme, GKeyFile *file, const char *group, const char *name, GError **error)
{
    bool colours = strcmp(group, "colours") == 0;
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);
    for (char **key = keys; key != NULL && *key != NULL; key++) {
        int role = role_parse(*key);
        if (role < 0) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND, "%s: [%s] has no role '%s'", name,
                        group, *key);
            return false;
        }
        g_autofree char *value = g_key_file_get_value(file, group, *key, NULL);
        g_auto(GStrv) words = g_strsplit_set(value, " \t", -1);
        struct style style;
        const char *wrong = parse_style(words, colours, &style);
        if (wrong != NULL) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "%s: [%s] %s: '%s' is no %s", name,
                        group, *key, wrong, colours ? "colour or attribute" : "attribute");
            return false;
        }
        if (colours) {
            theme->colours[role] = style;
        } else {
            theme->mono[role] = style.attributes;
        }
    }
    return true;
}

static bool read_text(struct theme *theme, const char *name, const char *text, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    if (!g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, error)) {
        g_prefix_error(error, "%s: ", name);
        return false;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (char **group = groups; *group != NULL; group++) {
        if (strcmp(*group, "colours") != 0 && strcmp(*group, "mono") != 0) {
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND,
                        "%s: [%s] is neither [colours] nor [mono]", name, *group);
            return false;
        }
        if (!read_group(theme, file, *group, name, error)) {
            return false;
        }
    }
    return true;
}

struct theme *theme_default(void)
{
    struct theme *theme = g_new0(struct theme, 1);
    for (int role = 0; role < ROLE_COUNT; role++) {
        theme->colours[role] = (struct style){-1, -1, 0};
    }
    g_autoptr(GError) error = NULL;
    if (!read_text(theme, "default.theme", default_theme, &error)) {
        g_error("%s", error->message); /* compiled in: our own mistake */
    }
    return theme;
}

struct theme *theme_parse(const char *name, const char *text, GError **error)
{
    g_autoptr(theme) theme = theme_default();
    return read_text(theme, name, text, error) ? g_steal_pointer(&theme) : NULL;
}

void theme_free(struct theme *theme)
{
    g_free(theme);
}

/* Lays over what a flag asks for: its background and attributes always, its foreground if it has one. */
static void lay_over(struct style *style, const struct style *over)
{
    style->background = over->background;
    style->attributes |= over->attributes;
    if (over->foreground != -1) {
        style->foreground = over->foreground;
    }
}

static unsigned mono_attributes(const struct theme *theme, enum role role, unsigned flags)
{
    unsigned attributes = theme->mono[role];
    attributes |= flags & CELL_SELECTED ? theme->mono[ROLE_SELECTION] : 0;
    attributes |= flags & CELL_CURSOR ? theme->mono[ROLE_CURSOR] : 0;
    return attributes;
}

struct style theme_style(const struct theme *theme, enum theme_depth depth, enum role role, unsigned flags)
{
    if (depth == THEME_MONO) {
        return (struct style){-1, -1, mono_attributes(theme, role, flags)};
    }
    struct style style = theme->colours[role];
    if (flags & CELL_SELECTED) {
        lay_over(&style, &theme->colours[ROLE_SELECTION]);
    }
    if (flags & CELL_CURSOR) {
        lay_over(&style, &theme->colours[ROLE_CURSOR]);
    }
    int32_t foreground = style.foreground;
    style.foreground = reduce(foreground, depth);
    style.background = reduce(style.background, depth);
    if (depth == THEME_8 && foreground > 8) {
        style.attributes |= foreground < 16 ? STYLE_BOLD : 0; /* how such terminals show the bright ones */
    }
    if (style.foreground >= 0 && style.foreground == style.background) {
        style.attributes |= STYLE_REVERSE | STYLE_BOLD; /* reduced to the same colour: invisible otherwise */
        style.foreground = style.background = -1;
    }
    return style;
}

enum theme_depth theme_depth_for(int colours, bool direct)
{
    const char *no_color = g_getenv("NO_COLOR");
    if (colours < 8 || (no_color != NULL && *no_color != '\0')) {
        return THEME_MONO;
    }
    if (direct) {
        return THEME_DIRECT;
    }
    return colours >= 256 ? THEME_256 : colours >= 16 ? THEME_16 : THEME_8;
}
