/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typing over bytes in the hex panel: what was typed lies over what the image has until it is written, as `poke` commands, or
 * forgotten.
 */
#pragma once

#include <glib.h>

#include "ui/panels/hex-source.h"

enum { HEX_EDIT_MAX = 4096 }; /* bytes that can be typed before they are written */

struct hex_edit;

/* Over what below has, which must outlive it. */
struct hex_edit *hex_edit_new(struct hex_source *below);
void hex_edit_free(struct hex_edit *edit);
/* The bytes as they will be.  Valid as long as the edit. */
struct hex_source *hex_edit_source(struct hex_edit *edit);

/* Whether characters are typed, not digits. */
bool hex_edit_in_text(const struct hex_edit *edit);
void hex_edit_switch_column(struct hex_edit *edit);
/* How many bytes were typed over; whether this is one of them. */
unsigned hex_edit_count(const struct hex_edit *edit);
bool hex_edit_has(const struct hex_edit *edit, int64_t offset);

/* Whether the first digit of the byte there has just been typed. */
bool hex_edit_is_half_typed(const struct hex_edit *edit, int64_t offset);

/*
 * A character typed at *offset, which moves on when the byte is complete: a digit of a byte, or a character's UTF-8.  NULL, or why it can't
 * be (static).
 */
const char *hex_edit_type(struct hex_edit *edit, gunichar ch, int64_t *offset);
/* The user went somewhere: behind the image's last byte nothing is typed before. */
void hex_edit_moved(struct hex_edit *edit);
/* Takes back what was typed last, a digit or a character; *offset is where that was.  False: nothing is left. */
bool hex_edit_take_back(struct hex_edit *edit, int64_t *offset);

/* The stretches that were typed, in order: "0x1000 de ad"; g_strfreev. */
char **hex_edit_stretches(const struct hex_edit *edit);
/* All of them in one, and the byte of which only the first digit was typed once more, with that alone; g_free. */
char *hex_edit_words(const struct hex_edit *edit);
/*
 * A word of those at *offset, which moves on: two digits, or one for the first of a byte, whether what is there is known or not.  False: it
 * is no such word, or does not fit.
 */
bool hex_edit_put(struct hex_edit *edit, int64_t *offset, const char *digits);
