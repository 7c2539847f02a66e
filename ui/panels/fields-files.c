/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Headers of image files that this program shows the bytes of when they are opened as raw.  vmdk: VMware's "Virtual Disk Format 5.0", "Hosted Sparse
 * Extent Header".  VHDX: Microsoft's [MS-VHDX] 2.2.  VHD ("vpc"): Microsoft's "Virtual Hard Disk Image Format Specification".  qed: QEMU's
 * docs/interop/qed_spec.txt.  parallels: docs/interop/parallels.txt.  VDI: the field list of VirtualBox's forum, "All about VDIs".
 */
#include "ui/panels/fields-formats.h"

#define ONE_HEADER(prefix, structure_, test)                                                                           \
    static bool prefix##_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)    \
    {                                                                                                                  \
        return n >= (structure_).size && (test);                                                                       \
    }                                                                                                                  \
    static bool prefix##_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, \
                                struct place *ret_place)                                                               \
    {                                                                                                                  \
        static const struct fixed list[] = {{&(structure_), 0, 0}};                                                    \
                                                                                                                       \
        return fixed_locate(list, 1, at, ret_place);                                                                   \
    }                                                                                                                  \
    const struct volume_format format_##prefix = {prefix##_recognise, prefix##_locate, NULL, true}

/* ---- vmdk ---- */

static const struct field_name vmdk_flags[] = {{1, "newlines are tested"}, {2, "redundant grain table"}, {4, "zeroed grains"}, {0x10000, "compressed"}, {0x20000, "markers"}, {0, NULL}};
static const struct field_name vmdk_algorithms[] = {{0, "none"}, {1, "deflate"}, {0, NULL}};
static const struct field vmdk[] = {
    TEXT(0, 4, "magic"),
    LE(4, 4, "version"),
    BITS(8, 4, "flags", vmdk_flags),
    LE(12, 8, "capacity, sectors"),
    LE(20, 8, "grain size, sectors"),
    LE_AT(28, 8, "descriptor", UNIT_SECTOR),
    LE(36, 8, "descriptor, sectors"),
    LE(44, 4, "entries of a grain table"),
    LE_AT(48, 8, "redundant grain directory", UNIT_SECTOR),
    LE_AT(56, 8, "grain directory", UNIT_SECTOR),
    LE_AT(64, 8, "metadata, sectors", UNIT_SECTOR),
    LE(72, 1, "unclean shutdown"),
    HEX(73, 4, "newlines"),
    LE_NAMES(77, 2, "compression", vmdk_algorithms),
};
static const struct structure vmdk_structure = {.name = "vmdk header", .size = 512, FIELDS(vmdk)};
ONE_HEADER(vmdk, vmdk_structure, memcmp(head, "KDMV", 4) == 0);

/* ---- VDI ---- */

static const struct field_name vdi_types[] = {{1, "dynamic"}, {2, "static"}, {4, "differencing"}, {0, NULL}};
static const struct field vdi[] = {
    TEXT(0, 64, "text"),
    HEX(64, 4, "signature"),
    HEX(68, 4, "version (minor, major)"),
    LE(72, 4, "header size"),
    LE_NAMES(76, 4, "type", vdi_types),
    HEX(80, 4, "flags"),
    TEXT(84, 256, "description"),
    LE_AT(340, 4, "block map", UNIT_BYTE),
    LE_AT(344, 4, "data", UNIT_BYTE),
    LE(348, 4, "cylinders"),
    LE(352, 4, "heads"),
    LE(356, 4, "sectors per track"),
    LE(360, 4, "sector size"),
    LE(368, 8, "disk size"),
    LE(376, 4, "block size"),
    LE(380, 4, "extra bytes of a block"),
    LE(384, 4, "blocks"),
    LE(388, 4, "blocks allocated"),
    GUID(392, "UUID"),
    GUID(408, "UUID of the last snapshot"),
    GUID(424, "UUID of the link"),
    GUID(440, "UUID of the parent"),
};
static const struct structure vdi_structure = {.name = "VDI header", .size = 512, FIELDS(vdi)};
ONE_HEADER(vdi, vdi_structure, field_number(head + 64, 4, false) == 0xbeda107f);

/* ---- qed ---- */

static const struct field_name qed_features[] = {{1, "backing file"}, {2, "needs a check"}, {4, "backing file is raw"}, {0, NULL}};
static const struct field qed[] = {
    TEXT(0, 4, "magic"),
    LE(4, 4, "cluster size"),
    LE(8, 4, "table size, clusters"),
    LE(12, 4, "header size, clusters"),
    BITS(16, 8, "features", qed_features),
    LE(24, 8, "compatible features"),
    LE(32, 8, "autoclear features"),
    LE_AT(40, 8, "L1 table", UNIT_BYTE),
    LE(48, 8, "image size"),
    LE_AT(56, 4, "backing file name", UNIT_BYTE),
    LE(60, 4, "bytes of the backing file name"),
};
static const struct structure qed_structure = {.name = "qed header", .size = 64, FIELDS(qed)};
ONE_HEADER(qed, qed_structure, memcmp(head, "QED\0", 4) == 0);

/* ---- parallels ---- */

static const struct field_name parallels_use[] = {{0x746f6e59, "open"}, {0x312e3276, "closed"}, {0, "closed"}, {0, NULL}};
static const struct field parallels[] = {
    TEXT(0, 16, "magic"),
    LE(16, 4, "version"),
    LE(20, 4, "heads"),
    LE(24, 4, "cylinders"),
    LE(28, 4, "sectors of a cluster"),
    LE(32, 4, "entries of the BAT"),
    LE(36, 8, "sectors of the disk"),
    LE_NAMES(44, 4, "in use", parallels_use),
    LE_AT(48, 4, "data", UNIT_SECTOR),
    HEX(52, 4, "flags"),
    LE_AT(56, 8, "format extension", UNIT_SECTOR),
};
static const struct structure parallels_structure = {.name = "parallels header", .size = 64, FIELDS(parallels)};
ONE_HEADER(parallels, parallels_structure, memcmp(head, "WithoutFreeSpace", 16) == 0 || memcmp(head, "WithouFreSpacExt", 16) == 0);

/* ---- VHD ---- */

enum { VHD_FOOTER = 512, OWN_HEADER = 0, OWN_FOOTER };

static const struct field_name vhd_types[] = {{2, "fixed"}, {3, "dynamic"}, {4, "differencing"}, {0, NULL}};
static const struct field vhd_footer[] = {
    TEXT(0, 8, "cookie"),
    HEX(8, 4, "features"),
    HEX(12, 4, "version"),
    BE_AT(16, 8, "dynamic header", UNIT_BYTE),
    {24, 4, FIELD_TIME_2000, "made", NULL, UNIT_NONE},
    TEXT(28, 4, "made by"),
    HEX(32, 4, "made by: version"),
    TEXT(36, 4, "made on"),
    BE(40, 8, "original size"),
    BE(48, 8, "current size"),
    BE(56, 2, "cylinders"),
    BE(58, 1, "heads"),
    BE(59, 1, "sectors per track"),
    BE_NAMES(60, 4, "type", vhd_types),
    BE(64, 4, "checksum"),
    UUID(68, "UUID"),
    LE(84, 1, "saved state"),
};
static const struct field vhd_header[] = {
    TEXT(0, 8, "cookie"),
    HEX(8, 8, "data offset (unused)"),
    BE_AT(16, 8, "block table", UNIT_BYTE),
    HEX(24, 4, "version"),
    BE(28, 4, "entries of the table"),
    BE(32, 4, "block size"),
    BE(36, 4, "checksum"),
    UUID(40, "parent UUID"),
    {56, 4, FIELD_TIME_2000, "parent changed", NULL, UNIT_NONE},
    {64, 512, FIELD_UTF16_BE, "parent name", NULL, UNIT_NONE},
    HEX(576, 192, "parent locators"),
};
static const struct structure vhd_copy_structure = {.name = "VHD footer, copy", .size = VHD_FOOTER, FIELDS(vhd_footer)};
static const struct structure vhd_footer_structure = {.name = "VHD footer", .size = VHD_FOOTER, FIELDS(vhd_footer)};
static const struct structure vhd_header_structure = {.name = "VHD dynamic header", .size = 1024, FIELDS(vhd_header)};

/* Fixed ones have it only at the end, where nobody looks yet: then it is a disk with something behind it. */
static bool vpc_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    if (n < VHD_FOOTER || memcmp(head, "conectix", 8) != 0) {
        return false;
    }
    int64_t header = volume_product(field_number(head + 16, 8, true), 1);

    known->own[OWN_HEADER] = header >= VHD_FOOTER && header <= volume->size - VHD_FOOTER ? (uint64_t)header : 0;
    known->own[OWN_FOOTER] = volume->size >= 2 * VHD_FOOTER ? (uint64_t)volume->size - VHD_FOOTER : 0;
    return true;
}

static bool vpc_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const struct fixed list[] = {{&vhd_copy_structure, 0, 0},
                                 {known->own[OWN_FOOTER] > 0 ? &vhd_footer_structure : &vhd_copy_structure, (int64_t)known->own[OWN_FOOTER], 0},
                                 {&vhd_header_structure, (int64_t)known->own[OWN_HEADER], 0}};

    return fixed_locate(list, known->own[OWN_HEADER] > 0 ? 3 : 2, at, ret_place);
}

const struct volume_format format_vpc = {vpc_recognise, vpc_locate, NULL, true};

/* ---- VHDX ---- */

enum { KIB64 = 65536, REGION_ENTRIES = 2047 };

static const struct field vhdx_identifier[] = {TEXT(0, 8, "signature"), UTF16(8, 512, "made by")};
static const struct field vhdx_header[] = {
    TEXT(0, 4, "signature"),
    HEX(4, 4, "checksum"),
    LE(8, 8, "sequence number"),
    GUID(16, "file write GUID"),
    GUID(32, "data write GUID"),
    GUID(48, "log GUID"),
    LE(64, 2, "log version"),
    LE(66, 2, "version"),
    LE(68, 4, "bytes of the log"),
    LE_AT(72, 8, "log", UNIT_BYTE),
};
static const struct field vhdx_table[] = {TEXT(0, 4, "signature"), HEX(4, 4, "checksum"), LE(8, 4, "entries")};
static const struct field vhdx_region[] = {GUID(0, "region"), LE_AT(16, 8, "offset", UNIT_BYTE), LE(24, 4, "bytes"), LE(28, 4, "required")};
static const struct structure vhdx_identifier_structure = {.name = "VHDX identifier", .size = 520, FIELDS(vhdx_identifier)};
static const struct structure vhdx_header_structure = {.name = "VHDX header", .size = 80, FIELDS(vhdx_header)};
static const struct structure vhdx_table_structure = {.name = "VHDX region table", .size = 16, FIELDS(vhdx_table)};
static const struct structure vhdx_region_structure = {.name = "VHDX region", .size = 32, FIELDS(vhdx_region)};

static bool vhdx_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    return n >= vhdx_identifier_structure.size && memcmp(head, "vhdxfile", 8) == 0;
}

static bool vhdx_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    uint8_t head[16] = {0};
    int64_t table = at - at % KIB64;
    bool first = at < KIB64, header = table == KIB64 || table == 2 * KIB64, tables = table == 3 * KIB64 || table == 4 * KIB64;
    uint32_t entries = tables && volume_read(volume, read, data, table, head, sizeof head) ? (uint32_t)field_number(head + 8, 4, false) : 0;
    const struct fixed list[] = {
        {first ? &vhdx_identifier_structure : header ? &vhdx_header_structure : &vhdx_table_structure, table, 0},
        {&vhdx_region_structure, table + 16, MIN(entries, REGION_ENTRIES)},
    };

    if (!(first || header || tables) || !fixed_locate(list, entries > 0 ? 2 : 1, at, ret_place)) {
        return false;
    }
    if (!first) {
        g_autofree char *rest = g_strdup(ret_place->note);

        g_snprintf(ret_place->note, sizeof ret_place->note, "%s%s %u", rest, *rest ? " of table" : "", table / KIB64 % 2 ? 1u : 2u);
    }
    return true;
}

const struct volume_format format_vhdx = {vhdx_recognise, vhdx_locate, NULL, true};
