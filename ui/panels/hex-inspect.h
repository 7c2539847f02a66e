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

/* Appends "le i8 -1 · i16 ... · i32 ... · i64 ..." in the same way. */
void hex_inspect_signed(GString *text, struct hex_source *source, int64_t offset, bool big_endian);
/* Appends "float le 1.5 be ... · double le ... be ...". */
void hex_inspect_reals(GString *text, struct hex_source *source, int64_t offset);
/* Appends the character that begins there: "UTF-8 'a' U+0061 · UTF-16 le ... · be ...". */
void hex_inspect_character(GString *text, struct hex_source *source, int64_t offset);
/* Appends what it is as a time, little-endian: "unix 32 ... · 64 ...". */
void hex_inspect_times(GString *text, struct hex_source *source, int64_t offset);
/* Appends "FILETIME ... · UUID ...". */
void hex_inspect_filetime_and_uuid(GString *text, struct hex_source *source, int64_t offset);
/* Appends "GUID ...". */
void hex_inspect_guid(GString *text, struct hex_source *source, int64_t offset);

/* The same, each by itself. */
enum hex_inspect_type {
    HEX_INSPECT_U8,
    HEX_INSPECT_U16,
    HEX_INSPECT_U32,
    HEX_INSPECT_U64,
    HEX_INSPECT_I8,
    HEX_INSPECT_I16,
    HEX_INSPECT_I32,
    HEX_INSPECT_I64,
    HEX_INSPECT_FLOAT,
    HEX_INSPECT_DOUBLE,
    HEX_INSPECT_UTF16,
    HEX_INSPECT_UNIX32,
    HEX_INSPECT_UNIX64,
    HEX_INSPECT_FILETIME,
    HEX_INSPECT_HFS,
    HEX_INSPECT_DOS,
    HEX_INSPECT_UTF8,
    HEX_INSPECT_UUID,
    HEX_INSPECT_GUID,
    HEX_INSPECT_TYPES,
};
const char *hex_inspect_name(enum hex_inspect_type type);
/* Whether the byte order matters. */
bool hex_inspect_has_orders(enum hex_inspect_type type);
/* Appends the value: "-" behind the end, "?" not known, "!" unreadable, "none" when the bytes mean nothing of that type. */
void hex_inspect_value(GString *text, struct hex_source *source, int64_t offset, enum hex_inspect_type type, bool big_endian);

/* Appends "offset 65536 0x10000 · sector 128 + 0"; offset is that in the image. */
void hex_inspect_offset(GString *text, int64_t offset);
/* Of a place where no field is told: what else there is to say of it, static; NULL: its byte is there, it is only in no structure that is known. */
const char *hex_inspect_why_no_field(struct hex_source *source, int64_t offset);
