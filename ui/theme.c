/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A theme file is a key file with two groups, "colours" and "mono", of "role = [COLOUR] [on COLOUR] [ATTRIBUTE...]".
 * COLOUR is default, one of the 16 names ("red", "bright-black"), colourN of the 256, or #rrggbb.  "mono" has
 * attributes only.  It is read line by line and not with GKeyFile, which can't say in which line a value is.
 */
#include "ui/theme.h"

#include <string.h>

#include "themes/builtin-themes.h"
#include "ui/grid.h"
#include "util/safetext.h"

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

/*
 * One of the 16: a grey for greys, a hue for hues, since in those is the meaning.  What is nearly black or nearly white
 * is a ground or text on it: its tint means nothing.
 */
static int nearest16(uint32_t rgb)
{
    enum { GREYISH = 48, NEARLY_BLACK = 72, NEARLY_WHITE = 176 };
    static const uint8_t greys[] = {0, 8, 7, 15}, hues[] = {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14};
    int red = (int)(rgb >> 16 & 255), green = (int)(rgb >> 8 & 255), blue = (int)(rgb & 255);
    int most = MAX(MAX(red, green), blue), least = MIN(MIN(red, green), blue);
    bool grey = most - least < GREYISH || most < NEARLY_BLACK || least >= NEARLY_WHITE;
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
    const char *on = NULL, *ground = NULL, *text = NULL;
    for (; *words != NULL; words++) {
        const char **named = on != NULL ? &ground : &text;
        if (**words == '\0' || parse_attribute(*words, &style.attributes)) {
            continue;
        }
        if (colours && strcmp(*words, "on") == 0 && on == NULL) {
            on = *words;
        } else if (!colours || *named != NULL || !parse_colour(*words, on != NULL ? &style.background : &style.foreground)) {
            return *words;
        } else {
            *named = *words;
        }
    }
    *ret_style = style;
    return on != NULL && ground == NULL ? on : NULL;
}

/* What a line of a theme is wrong about: "NAME:LINE: ".  Its text may come from anywhere. */
static bool refuse(const char *name, int line, const char *why, const char *what, GError **error)
{
    g_autofree char *safe = safetext_escape(what, -1);
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE, "%s:%d: '%s' %s", name, line, safe, why);
    return false;
}

enum group { GROUP_NONE, GROUP_COLOURS, GROUP_MONO };

/* "[colours]", without spaces around. */
static enum group parse_group(const char *text)
{
    return strcmp(text, "[colours]") == 0 ? GROUP_COLOURS : strcmp(text, "[mono]") == 0 ? GROUP_MONO : GROUP_NONE;
}

static bool read_role(struct theme *theme, const char *name, int line, enum group group, char *text, GError **error)
{
    char *value = strchr(text, '=');
    if (value == NULL || group == GROUP_NONE) {
        return refuse(name, line, value == NULL ? "is neither [GROUP] nor ROLE=VALUE" : "comes before [colours] or [mono]",
                      text, error);
    }
    *value++ = '\0';
    int role = role_parse(g_strstrip(text));
    if (role < 0) {
        return refuse(name, line, "is no role", text, error);
    }
    g_auto(GStrv) words = g_strsplit_set(value, " \t", -1);
    struct style style;
    const char *wrong = parse_style(words, group == GROUP_COLOURS, &style);
    int32_t colour;
    if (wrong != NULL) {
        bool misplaced = group == GROUP_COLOURS && (strcmp(wrong, "on") == 0 || parse_colour(wrong, &colour));
        const char *why = misplaced                  ? "is not in its place: a colour, on and another one"
                          : group == GROUP_COLOURS ? "is no colour or attribute"
                                                   : "is no attribute";
        return refuse(name, line, why, wrong, error);
    }
    if (group == GROUP_COLOURS) {
        theme->colours[role] = style;
    } else {
        theme->mono[role] = style.attributes;
    }
    return true;
}

static bool read_text(struct theme *theme, const char *name, const char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    enum group group = GROUP_NONE;
    for (int i = 0; lines[i] != NULL; i++) {
        char *line = g_strstrip(lines[i]);
        if (*line == '\0' || *line == '#') {
            continue;
        }
        if (*line == '[') {
            group = parse_group(line);
            if (group == GROUP_NONE) {
                return refuse(name, i + 1, "is neither [colours] nor [mono]", line, error);
            }
        } else if (!read_role(theme, name, i + 1, group, line, error)) {
            return false;
        }
    }
    return true;
}

const char *theme_builtin_name(unsigned index)
{
    return index < G_N_ELEMENTS(builtin_themes) ? builtin_themes[index].name : NULL;
}

const char *theme_builtin_text(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(builtin_themes); i++) {
        if (strcmp(builtin_themes[i].name, name) == 0) {
            return builtin_themes[i].text;
        }
    }
    return NULL;
}

struct theme *theme_default(void)
{
    struct theme *theme = g_new0(struct theme, 1);
    for (int role = 0; role < ROLE_COUNT; role++) {
        theme->colours[role] = (struct style){-1, -1, 0};
    }
    g_autoptr(GError) error = NULL;
    if (!read_text(theme, "default", theme_builtin_text("default"), &error)) {
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

/* What is reversed twice is so once less than its neighbours, which are reversed once: it stands out by being underlined. */
static unsigned attributes_over(unsigned attributes, unsigned over)
{
    return attributes & over & STYLE_REVERSE ? ((attributes | over) & ~(unsigned)STYLE_REVERSE) | STYLE_BOLD | STYLE_UNDERLINE : attributes | over;
}

/* Lays over what a flag asks for: its background and attributes always, its foreground if it has one. */
static void lay_over(struct style *style, const struct style *over)
{
    style->background = over->background;
    style->attributes = attributes_over(style->attributes, over->attributes);
    if (over->foreground != -1) {
        style->foreground = over->foreground;
    }
}

static unsigned mono_attributes(const struct theme *theme, enum role role, unsigned flags)
{
    unsigned attributes = theme->mono[role];
    attributes = flags & CELL_SELECTED ? attributes_over(attributes, theme->mono[ROLE_SELECTION]) : attributes;
    return flags & CELL_CURSOR ? attributes_over(attributes, theme->mono[ROLE_CURSOR]) : attributes;
}

/* ---- few colours ---- */

/* A grey ground, of which there is none among eight, is the one that the text is not on. */
static int32_t reduce_ground(const struct theme *theme, int32_t colour, enum theme_depth depth)
{
    int32_t reduced = reduce(colour, depth);
    bool lost = depth == THEME_8 && colour >= 0 && reduced < 0;
    return !lost ? reduced : reduce(theme->colours[ROLE_TEXT].background, THEME_8) == 7 ? 0 : 7;
}

enum {
    LEAST_CONTRAST = 275, /* hundredths */
    PALETTE_BLACK = 16,   /* of the 256 */
};

/* Of what is selected: neither that of the text nor of the cursor, which tints among eight may come to. */
static int32_t selection_ground(const struct theme *theme, enum theme_depth depth)
{
    enum { BLUE = 4 };
    int32_t reduced = reduce_ground(theme, theme->colours[ROLE_SELECTION].background, depth);
    bool same = reduced >= 0 && (reduced == reduce(theme->colours[ROLE_TEXT].background, depth) ||
                                 reduced == reduce(theme->colours[ROLE_CURSOR].background, depth));
    return depth == THEME_8 && same ? BLUE : reduced;
}

/* Hundredths, on the Linux console and on xterm, whichever is worse; bold makes some terminals show the bright one. */
static int contrast_of_few(int foreground, int background, bool bold)
{
    /* Thousandths, of the 16 colours there. */
    static const uint16_t luminances[2][16] = {
        {0, 85, 287, 150, 29, 114, 317, 402, 91, 284, 741, 934, 156, 350, 807, 1000},
        {0, 130, 437, 566, 62, 174, 481, 784, 212, 213, 715, 928, 171, 285, 787, 1000},
    };
    int least = INT32_MAX;
    for (int i = 0; i < 2; i++) {
        for (int bright = 0; bright <= (bold ? 8 : 0); bright += 8) {
            int a = luminances[i][foreground | bright] + 50, b = luminances[i][background] + 50;
            least = MIN(least, 100 * MAX(a, b) / MIN(a, b));
        }
    }
    return least;
}

/*
 * What is left of two colours may be hard to tell apart, as blue is on black: then the bright one, and on a ground of its own black or
 * white.  The terminal's own ground is likely black when it has so few colours, and may be white.
 */
static void make_readable(struct style *style, enum theme_depth depth)
{
    bool bold = style->attributes & STYLE_BOLD, eight = depth == THEME_8;
    int background = MAX(style->background, 0), best = contrast_of_few(style->foreground, background, bold && !eight);
    const struct {
        int32_t foreground;
        bool bright;
    } others[] = {{style->foreground & 7, true}, {0, false}, {7, false}, {7, true}};
    if (eight && bold && style->foreground != 0) {
        best = contrast_of_few(style->foreground | 8, background, false);
    }
    struct style better = *style;
    for (size_t i = 0; i < (style->background >= 0 ? G_N_ELEMENTS(others) : 1) && best < LEAST_CONTRAST; i++) {
        bool can = others[i].foreground != 0 || !others[i].bright;
        int contrast = contrast_of_few(others[i].foreground | (others[i].bright ? 8 : 0), background, false);
        if (can && contrast > best) {
            best = contrast;
            better.foreground = others[i].foreground | (others[i].bright && !eight ? 8 : 0);
            better.attributes = (style->attributes & ~(unsigned)STYLE_BOLD) | (others[i].bright && eight ? STYLE_BOLD : 0);
        }
    }
    *style = better;
}

/* Greys were on grounds of their own, which are light, and bold may show the bright black, which is grey: that of the cube is black anywhere. */
static void keep_black(struct style *style, int32_t written, enum theme_depth depth)
{
    if (depth == THEME_8 && written >= 0 && style->foreground < 0 && style->background > 0) {
        style->foreground = 0;
    }
    if (style->foreground == 0 && style->attributes & STYLE_BOLD && depth != THEME_DIRECT) {
        style->foreground = depth == THEME_256 ? PALETTE_BLACK : 0;
        style->attributes &= depth == THEME_256 ? ~0U : ~(unsigned)STYLE_BOLD;
    }
}

/* Blocks that stand for an amount have to be told apart, not read. */
static bool is_read(enum role role, unsigned flags)
{
    return role < ROLE_KIND_DATA || role > ROLE_KIND_UNKNOWN || flags != 0;
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
    bool few = depth <= THEME_16 && foreground >= 0 && (foreground >= 16 || style.background >= 16);
    style.foreground = reduce(foreground, depth);
    style.background = (flags & CELL_SELECTED) && !(flags & CELL_CURSOR) ? selection_ground(theme, depth) : reduce_ground(theme, style.background, depth);
    if (depth == THEME_8 && foreground > 8) {
        style.attributes |= foreground < 16 ? STYLE_BOLD : 0; /* how such terminals show the bright ones */
    }
    if (style.foreground >= 0 && style.foreground == style.background) {
        style.attributes |= STYLE_REVERSE | STYLE_BOLD; /* reduced to the same colour: invisible otherwise */
        style.foreground = style.background = -1;
    }
    keep_black(&style, foreground, depth);
    if (few && style.foreground >= 0 && (is_read(role, flags) || style.background <= 0)) {
        make_readable(&style, depth);
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
