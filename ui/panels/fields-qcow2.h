/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries of a qcow2 file's tables, in words.  Pure functions.  Layout: the qcow2 specification (docs/interop/qcow2.txt). */
#pragma once

#include "block/inspect.h"
#include "ui/panels/fields.h"

enum { QCOW2_HEADER_BYTES = 104 };

struct qcow2_geometry {
    unsigned cluster_bits, refcount_bits;
    bool extended_l2;
    bool data_file; /* guest data is in another file */
    uint64_t refcount_table; /* offset, bytes; as the header says */
};

/* From the first bytes of the file; false: they are no qcow2 header one can go by. */
bool fields_qcow2_geometry(const uint8_t header[QCOW2_HEADER_BYTES], struct qcow2_geometry *ret_geometry);

/* Bytes of an entry of that table, at most 16; 0: it has none of one size. */
unsigned fields_qcow2_entry_bytes(const struct qcow2_geometry *geometry, enum inspect_role role);

/*
 * What offset lies in: owner names the place, entry has the bytes of the table's entry there (fields_qcow2_entry_bytes()), NULL: not known.  The
 * hit is to be cleared.
 */
void fields_qcow2_describe(const struct qcow2_geometry *geometry, const struct inspect_owner *owner, int64_t offset,
                           const uint8_t *entry, struct field_hit *ret_hit);

/* Where a field of the header points to: bytes are the field's; -1: it is no pointer. */
int64_t fields_qcow2_header_target(int64_t offset, const uint8_t *bytes, size_t n);
