/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries of a qcow2 file's snapshot table and bitmap directory, which are of different lengths.  Pure functions. */
#pragma once

#include "block/inspect.h"
#include "ui/panels/fields.h"

/*
 * The field at byte `at` of a table that has these n first bytes and lies at host; role is INSPECT_SNAPSHOT_TABLE or INSPECT_BITMAP_DIRECTORY.  False: it
 * is behind what the bytes tell of, or they are no such table.  hit is to be cleared.
 */
bool fields_record_find(enum inspect_role role, const uint8_t *table, size_t n, size_t at, int64_t host, struct field_hit *ret_hit);
