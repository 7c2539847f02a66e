/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers of the format on disk.  Source: QEMU's docs/interop/qcow2.txt; section names are given. */
#pragma once

#include <stdint.h>
#include <string.h>

#define QCOW2_MAGIC UINT32_C(0x514649fb)

/* "Header": what a version 2 header has, and the least a version 3 header has. */
enum { QCOW2_HEADER_V2 = 72, QCOW2_HEADER_V3 = 104 };
enum { QCOW2_CLUSTER_BITS_MIN = 9, QCOW2_CLUSTER_BITS_MAX = 21, QCOW2_EXTENDED_CLUSTER_BITS_MIN = 14 };

/* Limits of the reference program; larger tables are refused before memory is taken for them. */
enum {
    QCOW2_L1_MAX = 32 << 20,             /* bytes */
    QCOW2_REFCOUNT_TABLE_MAX = 8 << 20,  /* bytes */
    QCOW2_SNAPSHOTS_MAX = 65536,
    QCOW2_SNAPSHOT_TABLE_MAX = 64 << 20, /* bytes */
    QCOW2_SNAPSHOT_EXTRA_MAX = 1024,     /* bytes of one entry's extra data */
    QCOW2_BITMAPS_MAX = 65535,
    QCOW2_BITMAP_NAME_MAX = 1023,
    QCOW2_BACKING_NAME_MAX = 1023,
    QCOW2_BACKING_FORMAT_MAX = 15,
};

enum qcow2_incompatible {
    QCOW2_INCOMPATIBLE_DIRTY = 1 << 0,
    QCOW2_INCOMPATIBLE_CORRUPT = 1 << 1,
    QCOW2_INCOMPATIBLE_DATA_FILE = 1 << 2,
    QCOW2_INCOMPATIBLE_COMPRESSION = 1 << 3,
    QCOW2_INCOMPATIBLE_EXTENDED_L2 = 1 << 4,
    QCOW2_INCOMPATIBLE_KNOWN = (1 << 5) - 1,
};
enum qcow2_compatible { QCOW2_COMPATIBLE_LAZY_REFCOUNTS = 1 << 0 };
enum qcow2_autoclear { QCOW2_AUTOCLEAR_BITMAPS = 1 << 0, QCOW2_AUTOCLEAR_DATA_FILE_RAW = 1 << 1 };
enum qcow2_crypt { QCOW2_CRYPT_NONE, QCOW2_CRYPT_AES, QCOW2_CRYPT_LUKS };
enum qcow2_compression { QCOW2_COMPRESSION_ZLIB, QCOW2_COMPRESSION_ZSTD };

/* "Header extensions" */
#define QCOW2_EXTENSION_END            UINT32_C(0)
#define QCOW2_EXTENSION_BACKING_FORMAT UINT32_C(0xe2792aca)
#define QCOW2_EXTENSION_FEATURE_NAMES  UINT32_C(0x6803f857)
#define QCOW2_EXTENSION_BITMAPS        UINT32_C(0x23852875)
#define QCOW2_EXTENSION_CRYPTO         UINT32_C(0x0537be77)
#define QCOW2_EXTENSION_DATA_FILE      UINT32_C(0x44415441)

/* "Cluster mapping": entries of L1 and L2 tables. */
#define QCOW2_ENTRY_COPIED     (UINT64_C(1) << 63)
#define QCOW2_ENTRY_COMPRESSED (UINT64_C(1) << 62)
#define QCOW2_ENTRY_ZERO       UINT64_C(1)
#define QCOW2_ENTRY_OFFSET     UINT64_C(0x00fffffffffffe00)
/* "Host cluster management" */
#define QCOW2_REFCOUNT_TABLE_OFFSET UINT64_C(0xfffffffffffffe00)

enum { QCOW2_SUBCLUSTERS = 32, QCOW2_COMPRESSED_SECTOR = 512 };

static inline uint16_t qcow2_be16(const void *p)
{
    uint16_t value;
    memcpy(&value, p, sizeof(value));
    return __builtin_bswap16(value);
}

static inline uint32_t qcow2_be32(const void *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return __builtin_bswap32(value);
}

static inline uint64_t qcow2_be64(const void *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
    return __builtin_bswap64(value);
}
