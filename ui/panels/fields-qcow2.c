/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields-qcow2.h"

#include <inttypes.h>
#include <string.h>

#define OFFSET_BITS UINT64_C(0x00fffffffffffe00)
#define COPIED (UINT64_C(1) << 63)
#define COMPRESSED (UINT64_C(1) << 62)
#define ALL_ONES UINT64_C(1) /* of a bitmap table, without an offset */

enum {
    AT_VERSION = 4,
    AT_BACKING = 8,
    AT_CLUSTER_BITS = 20,
    AT_L1 = 40,
    AT_REFCOUNTS = 48,
    AT_SNAPSHOTS = 64,
    AT_INCOMPATIBLE = 72,
    AT_REFCOUNT_ORDER = 96,
    DATA_FILE = 1 << 2,
    EXTENDED_L2 = 1 << 4,
    SECTOR = 512,
};

bool fields_qcow2_geometry(const uint8_t header[QCOW2_HEADER_BYTES], struct qcow2_geometry *ret_geometry)
{
    uint64_t version = field_number(header + AT_VERSION, 4, true), bits = field_number(header + AT_CLUSTER_BITS, 4, true);
    uint64_t order = version >= 3 ? field_number(header + AT_REFCOUNT_ORDER, 4, true) : 4;

    if (memcmp(header, "QFI\xfb", 4) != 0 || version < 2 || bits < 9 || bits > 21 || order > 6) {
        return false;
    }
    *ret_geometry = (struct qcow2_geometry){
        .cluster_bits = (unsigned)bits,
        .refcount_bits = 1u << order,
        .extended_l2 = version >= 3 && (field_number(header + AT_INCOMPATIBLE, 8, true) & EXTENDED_L2),
        .data_file = version >= 3 && (field_number(header + AT_INCOMPATIBLE, 8, true) & DATA_FILE),
        .refcount_table = field_number(header + AT_REFCOUNTS, 8, true),
    };
    return true;
}

unsigned fields_qcow2_entry_bytes(const struct qcow2_geometry *geometry, enum inspect_role role)
{
    switch (role) {
    case INSPECT_L1:
    case INSPECT_REFCOUNT_TABLE:
    case INSPECT_BITMAP_TABLE:
        return 8;
    case INSPECT_L2:
        return geometry->extended_l2 ? 16 : 8;
    case INSPECT_REFCOUNT_BLOCK:
        return MAX(1, geometry->refcount_bits / 8);
    default:
        return 0;
    }
}

int64_t fields_qcow2_header_target(int64_t offset, const uint8_t *bytes, size_t n)
{
    bool pointer = offset == AT_BACKING || offset == AT_L1 || offset == AT_REFCOUNTS || offset == AT_SNAPSHOTS;
    uint64_t target = pointer && n >= 8 ? field_number(bytes, 8, true) : 0;

    return target > 0 && target <= INT64_MAX ? (int64_t)target : -1;
}

/* ---- entries ---- */

/* Entries of tables that lead to one more; only those of L1 tables say how often that is used. */
static void point(struct field_hit *hit, enum inspect_role role, uint64_t entry)
{
    const char *what = role == INSPECT_L1 ? "L2 table" : role == INSPECT_REFCOUNT_TABLE ? "refcount block" : "bitmap data";
    uint64_t target = entry & OFFSET_BITS;

    if (target == 0) {
        hit->value = role == INSPECT_BITMAP_TABLE ? g_strdup_printf("all %s", entry & ALL_ONES ? "ones" : "zeroes") : g_strdup_printf("no %s", what);
        return;
    }
    hit->target = (int64_t)target;
    hit->value = g_strdup_printf("%s at 0x%" PRIx64 "%s", what, target, role == INSPECT_L1 && (entry & COPIED) ? ", used once" : "");
}

/* Of 32 subclusters, how many of each sort. */
static void append_subclusters(GString *text, uint64_t bitmap)
{
    uint32_t data = (uint32_t)bitmap, zero = (uint32_t)(bitmap >> 32);

    g_string_append_printf(text, " · subclusters: %d data, %d zero, %d of the layer below", __builtin_popcount(data & ~zero),
                           __builtin_popcount(zero), __builtin_popcount(~(data | zero)));
}

static void describe_l2(const struct qcow2_geometry *geometry, const uint8_t *bytes, struct field_hit *hit)
{
    uint64_t entry = field_number(bytes, 8, true), target = entry & OFFSET_BITS;
    GString *text = g_string_new(NULL);

    if (entry & COMPRESSED) {
        unsigned shift = 62 - (geometry->cluster_bits - 8);

        target = entry & ((UINT64_C(1) << shift) - 1);
        g_string_printf(text, "compressed at 0x%" PRIx64 ", to the end of %" PRIu64 " sectors", target,
                        ((entry & (COMPRESSED - 1)) >> shift) + 1);
    } else {
        bool zero = !geometry->extended_l2 && (entry & 1);

        if (geometry->data_file && (entry & (COPIED | OFFSET_BITS)) != 0) { /* where 0 is a place, too */
            g_string_printf(text, "%s at 0x%" PRIx64 " of the data file", zero ? "zeroes, space" : "data", target);
            target = 0;
        } else if (target > 0) {
            g_string_printf(text, "%s at 0x%" PRIx64 "%s", zero ? "zeroes, space" : "data", target, entry & COPIED ? ", used once" : "");
        } else {
            g_string_assign(text, zero ? "zeroes" : geometry->extended_l2 ? "no space" : "not allocated");
        }
        if (geometry->extended_l2) {
            append_subclusters(text, field_number(bytes + 8, 8, true));
        }
    }
    hit->target = target > 0 ? (int64_t)target : -1;
    hit->value = g_string_free(text, FALSE);
}

static void describe_refcount(const struct qcow2_geometry *geometry, const struct inspect_owner *owner, int64_t offset,
                              const uint8_t *bytes, struct field_hit *hit)
{
    unsigned bits = geometry->refcount_bits, per_byte = bits < 8 ? 8 / bits : 1;
    uint64_t per_block = (UINT64_C(8) << geometry->cluster_bits) / bits;
    uint64_t index = bits < 8 ? (uint64_t)(offset - owner->host) * per_byte : (uint64_t)(offset - owner->host) / (bits / 8);
    /* Which of the table's blocks it is; the header that is shown may have been changed since the table was read. */
    uint64_t block = ((uint64_t)owner->entry_host - geometry->refcount_table) / 8, cluster = 0;
    bool placed = owner->entry_host >= 0 && (uint64_t)owner->entry_host >= geometry->refcount_table &&
                  !__builtin_mul_overflow(block, per_block, &cluster) && !__builtin_add_overflow(cluster, index, &cluster);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < per_byte; i++) {
        uint64_t count = bits < 8 ? bytes[0] >> (i * bits) & ((1u << bits) - 1) : field_number(bytes, bits / 8, true);

        g_string_append_printf(text, "%s%" PRIu64, i > 0 ? " " : "", count);
    }
    if (placed && cluster <= (uint64_t)INT64_MAX >> geometry->cluster_bits) {
        hit->target = (int64_t)(cluster << geometry->cluster_bits);
        g_string_append_printf(text, " for the cluster%s at 0x%" PRIx64, per_byte > 1 ? "s" : "", (uint64_t)hit->target);
    }
    hit->value = g_string_free(text, FALSE);
}

static char *owner_name(const struct inspect_owner *owner)
{
    GString *where = g_string_new(inspect_role_name(owner->role));

    if (owner->guest >= 0) {
        g_string_append_printf(where, " of guest 0x%" PRIx64, (uint64_t)owner->guest);
    }
    if (owner->snapshot_id) {
        g_string_append(where, " in a snapshot");
    }
    return g_string_free(where, FALSE);
}

void fields_qcow2_describe(const struct qcow2_geometry *geometry, const struct inspect_owner *owner, int64_t offset,
                           const uint8_t *entry, struct field_hit *ret_hit)
{
    unsigned size = fields_qcow2_entry_bytes(geometry, owner->role);
    int64_t within = offset - owner->host, index = size > 0 ? within / size : 0;
    bool mapped = (owner->role == INSPECT_DATA || owner->role == INSPECT_COMPRESSED) && owner->guest >= 0;
    struct field_hit hit = {.where = owner_name(owner), .name = "", .offset = owner->host + index * size, .bytes = size, .target = -1};

    if (mapped && owner->role == INSPECT_DATA) {
        hit.name = "guest byte";
        hit.value = g_strdup_printf("0x%" PRIx64, (uint64_t)(owner->guest + within));
    }
    if (entry && size > 0) {
        hit.name = "entry";
        if (owner->role == INSPECT_L2) {
            describe_l2(geometry, entry, &hit);
        } else if (owner->role == INSPECT_REFCOUNT_BLOCK) {
            describe_refcount(geometry, owner, offset, entry, &hit);
        } else {
            point(&hit, owner->role, field_number(entry, 8, true));
        }
    }
    *ret_hit = hit;
}
