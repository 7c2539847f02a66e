/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What curses calls the keys that are no characters. */
#pragma once

#include <wchar.h>

#include "ui/key.h"

/* A code of getch() from KEY_MIN on; KEYCODE_NONE: none of ours.  After newterm(): terminals have names for more of them. */
keycode curses_keys_find(wint_t code);
