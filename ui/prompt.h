/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One question in the bottom line of the screen, and its answer as it is typed. */
#pragma once

#include "ui/grid.h"
#include "ui/key.h"

struct prompt;

/* Copies question ("go to: ") and hint, which says what may be typed as long as nothing was. */
struct prompt *prompt_new(const char *question, const char *hint);
void prompt_free(struct prompt *prompt);
/* Edits: whether the key meant something. */
bool prompt_key(struct prompt *prompt, keycode key);
/* Pasted text goes in where the cursor is, line ends as spaces: whether there was any. */
bool prompt_paste(struct prompt *prompt, const char *text);
/* Valid until the next key. */
const char *prompt_text(const struct prompt *prompt);
/* Characters before the cursor. */
int prompt_typed(const struct prompt *prompt);
/* Puts text (UTF-8, anything else is left out) in place of what was typed, with the cursor behind so many characters of it. */
void prompt_set(struct prompt *prompt, const char *text, int typed);
/* Paints into the first row of the surface, with the terminal's cursor. */
void prompt_draw(const struct prompt *prompt, struct surface surface);
