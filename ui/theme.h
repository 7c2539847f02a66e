/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Themes: which colours and attributes a role has, resolved for what the terminal can show. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "ui/role.h"

enum theme_depth { THEME_MONO, THEME_8, THEME_16, THEME_256, THEME_DIRECT };

enum style_attributes {
    STYLE_BOLD = 1 << 0,
    STYLE_DIM = 1 << 1,
    STYLE_UNDERLINE = 1 << 2,
    STYLE_REVERSE = 1 << 3,
    STYLE_ITALIC = 1 << 4,
};

/* Ready for the terminal: a colour is -1 (its default), an index into its palette, or 0xRRGGBB at THEME_DIRECT. */
struct style {
    int32_t foreground, background;
    unsigned attributes; /* enum style_attributes */
};

typedef struct theme theme; /* for g_autoptr(theme) */

/*
 * Reads a theme file's text; name is for messages.  Roles it does not name look as in the built-in theme.  NULL and an
 * error that begins "NAME:LINE: " for what is no group, role, colour or attribute.
 */
struct theme *theme_parse(const char *name, const char *text, GError **error);
/* The theme in the terminal's own colours (themes/default.theme). */
struct theme *theme_default(void);
/* The themes compiled in, from 0 on; NULL after the last.  Static. */
const char *theme_builtin_name(unsigned index);
/* What theme_parse() makes the theme of; static.  NULL: none of that name. */
const char *theme_builtin_text(const char *name);
void theme_free(struct theme *theme);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(theme, theme_free)

/* How a cell of that role and those enum cell_flags looks.  The one place where colours are reduced. */
struct style theme_style(const struct theme *theme, enum theme_depth depth, enum role role, unsigned flags);

/*
 * What the environment and the terminal allow: colours is the number the terminal has, direct whether they are
 * 24-bit values.  A non-empty NO_COLOR makes it THEME_MONO.
 */
enum theme_depth theme_depth_for(int colours, bool direct);
