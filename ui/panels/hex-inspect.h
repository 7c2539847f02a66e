/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the bytes at the hex panel's cursor mean, as lines of text. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/hex-source.h"

/*
 * Appends "le u8 81 · u16 18001 · u32 ... · u64 ..." in one byte order, as far as the bytes are there ("-") and
 * known ("?", or "!" when they can't be read).  both: "18001 0x4651".
 */
void hex_inspect_numbers(GString *text, struct hex_source *source, int64_t offset, bool big_endian, bool both);

/* Appends "le i8 -1 · i16 ... · i64 ... · float 1.5 · double ..." in the same way. */
void hex_inspect_signed(GString *text, struct hex_source *source, int64_t offset, bool big_endian);
/* Appends the character that begins there: "UTF-8 'a' U+0061 · UTF-16 le ... · be ...". */
void hex_inspect_character(GString *text, struct hex_source *source, int64_t offset);
/* Appends what it is as a time, little-endian: "unix 32 ... · unix 64 ... · FILETIME ...". */
void hex_inspect_times(GString *text, struct hex_source *source, int64_t offset);
/* Appends "UUID ... · GUID ...". */
void hex_inspect_uuids(GString *text, struct hex_source *source, int64_t offset);

/* Appends "offset 65536 0x10000 · sector 128 + 0"; offset is that in the image. */
void hex_inspect_offset(GString *text, int64_t offset);
