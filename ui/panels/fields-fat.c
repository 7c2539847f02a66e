/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FAT: Microsoft Extensible Firmware Initiative FAT32 File System Specification 1.03.  Which of the three it is follows from the number of clusters alone
 * ("FAT Type Determination"); the text in the boot sector says nothing.
 */
#include "ui/panels/fields-fat.h"
#include "ui/panels/fields-formats.h"

enum { ENTRY = 32, FAT12_CLUSTERS = 4085, FAT16_CLUSTERS = 65525 };

enum { OWN_BITS, OWN_SECTOR, OWN_FAT, OWN_FAT_BYTES, OWN_FATS, OWN_ROOT, OWN_ROOT_BYTES, OWN_DATA, OWN_CLUSTER, OWN_CLUSTERS, OWN_INFO, OWN_BACKUP, OWN_ROOT32 };

static const struct field boot16[] = {
    BIOS_PARAMETERS,     HEX(36, 1, "drive"),       HEX(37, 1, "flags"), HEX(38, 1, "extended signature"), LE(39, 4, "volume ID"), TEXT(43, 11, "label"),
    TEXT(54, 8, "type"), HEX(62, 448, "boot code"), HEX(510, 2, "boot signature"),
};

static const struct field boot32[] = {
    BIOS_PARAMETERS,
    LE(36, 4, "sectors per FAT"),
    HEX(40, 2, "flags"),
    LE(42, 2, "version"),
    LE_AT(44, 4, "cluster of the root", UNIT_CLUSTER),
    LE_AT(48, 2, "sector of FSInfo", UNIT_BLOCK),
    LE_AT(50, 2, "sector of the backup", UNIT_BLOCK),
    HEX(64, 1, "drive"),
    HEX(65, 1, "flags"),
    HEX(66, 1, "extended signature"),
    LE(67, 4, "volume ID"),
    TEXT(71, 11, "label"),
    TEXT(82, 8, "type"),
    HEX(90, 420, "boot code"),
    HEX(510, 2, "boot signature"),
};

static const struct field info[] = {
    TEXT(0, 4, "signature"),        TEXT(484, 4, "second signature"),                    LE(488, 4, "free clusters"),
    LE(492, 4, "look for free ones from"), HEX(508, 4, "boot signature"),
};

#define IN_12 {0, "free"}, {0xff7, "bad"}, {0xff8, "end"}, {0xfff, "end"}
#define IN_16 {0, "free"}, {0xfff7, "bad"}, {0xfff8, "end"}, {0xffff, "end"}
#define IN_32 {0, "free"}, {0x0ffffff7, "bad"}, {0x0ffffff8, "end"}, {0x0fffffff, "end"}
static const struct field_name names12[] = {IN_12, {0, NULL}}, names16[] = {IN_16, {0, NULL}}, names32[] = {IN_32, {0, NULL}};
static const struct field entry12[] = {{0, 2, FIELD_FAT12, "next cluster", names12, UNIT_CLUSTER}};
static const struct field entry16[] = {{0, 2, FIELD_LE, "next cluster", names16, UNIT_CLUSTER}};
static const struct field entry32[] = {{0, 4, FIELD_LE, "next cluster", names32, UNIT_CLUSTER}};

/*
 * The first two are of no cluster ("FAT Volume Initialization"): the medium as the boot sector calls it, below bits that are set, and a mark of
 * the end, the two highest bits of which say in FAT16 and FAT32 whether the volume was left as it should be, and whether no read or write failed.
 */
static const struct field_name media12[] = {{0xff8, "fixed disk"}, {0xff0, "removable disk"}, {0, NULL}};
static const struct field_name media16[] = {{0xfff8, "fixed disk"}, {0xfff0, "removable disk"}, {0, NULL}};
static const struct field_name media32[] = {{0x0ffffff8, "fixed disk"}, {0xfffffff8, "fixed disk"}, {0x0ffffff0, "removable disk"}, {0xfffffff0, "removable disk"}, {0, NULL}};
static const struct field_name state16[] = {
    {0xffff, "clean"}, {0xfff8, "clean"}, {0x7fff, "in use"}, {0x7ff8, "in use"}, {0xbfff, "disk errors"}, {0xbff8, "disk errors"},
    {0x3fff, "in use, disk errors"}, {0x3ff8, "in use, disk errors"}, {0, NULL},
};
static const struct field_name state32[] = {
    {0x0fffffff, "clean"}, {0xffffffff, "clean"}, {0x0ffffff8, "clean"}, {0xfffffff8, "clean"}, {0x07ffffff, "in use"}, {0xf7ffffff, "in use"},
    {0x0bffffff, "disk errors"}, {0xfbffffff, "disk errors"}, {0x03ffffff, "in use, disk errors"}, {0xf3ffffff, "in use, disk errors"}, {0, NULL},
};
static const struct field first12[] = {{0, 2, FIELD_FAT12, "media", media12, UNIT_NONE}};
static const struct field second12[] = {{0, 2, FIELD_FAT12, "mark of the end", NULL, UNIT_NONE}};
static const struct field first16[] = {LE_NAMES(0, 2, "media", media16)};
static const struct field second16[] = {LE_NAMES(0, 2, "mark of the end, state", state16)};
static const struct field first32[] = {LE_NAMES(0, 4, "media", media32)};
static const struct field second32[] = {LE_NAMES(0, 4, "mark of the end, state", state32)};

static const struct field_name attributes[] = {{0x0f, "long name"}, {1, "read-only"}, {2, "hidden"}, {4, "system"}, {8, "label"}, {16, "directory"}, {32, "archive"}, {0, NULL}};

/* Only FAT32 has clusters of which two bytes do not tell: others may have anything in the place of the upper ones. */
#define DIRECTORY(first_cluster)                                                                                       \
    TEXT(0, 11, "name"), BITS(11, 1, "attributes", attributes), LE(12, 1, "lower case"), LE(13, 1, "made: hundredths"), \
        {14, 4, FIELD_DOS_TIME, "made", NULL, UNIT_NONE}, LE(18, 2, "used on"), LE(20, 2, "first cluster (high)"),     \
        {22, 4, FIELD_DOS_TIME, "changed", NULL, UNIT_NONE}, first_cluster, LE(28, 4, "bytes")
static const struct field directory[] = {DIRECTORY(LE_AT(26, 2, "first cluster (low)", UNIT_CLUSTER))};
static const struct field directory32[] = {DIRECTORY(LE_PARTS_AT(26, 2, 20, 2, "first cluster (low)", UNIT_CLUSTER))};
static const struct field long_name[] = {
    LE(0, 1, "order"),        UTF16(1, 10, "name, first part"), BITS(11, 1, "attributes", attributes), LE(12, 1, "type"),
    LE(13, 1, "checksum"),    UTF16(14, 12, "name, second part"), LE(26, 2, "zero"),                   UTF16(28, 4, "name, third part"),
};

static const struct structure boot16_structure = {.name = "FAT boot sector", .size = 512, FIELDS(boot16)};
static const struct structure boot32_structure = {.name = "FAT32 boot sector", .size = 512, FIELDS(boot32)};
static const struct structure backup_structure = {.name = "FAT32 backup boot sector", .size = 512, FIELDS(boot32)};
static const struct structure info_structure = {.name = "FAT32 FSInfo", .size = 512, FIELDS(info)};
static const struct structure info_backup_structure = {.name = "FAT32 backup FSInfo", .size = 512, FIELDS(info)};
static const struct structure directory_structure = {.name = "FAT directory entry", .size = ENTRY, FIELDS(directory)};
static const struct structure directory32_structure = {.name = "FAT directory entry", .size = ENTRY, FIELDS(directory32)};
static const struct structure long_name_structure = {.name = "FAT long name entry", .size = ENTRY, FIELDS(long_name)};

/* Of a cluster, or one of the first two. */
enum { FIRST_ENTRY, SECOND_ENTRY, CLUSTER_ENTRY, ENTRY_SORTS };
static const struct structure entries12[ENTRY_SORTS] = {{.name = "FAT12", .size = 2, FIELDS(first12)}, {.name = "FAT12", .size = 2, FIELDS(second12)}, {.name = "FAT12", .size = 2, FIELDS(entry12)}};
static const struct structure entries16[ENTRY_SORTS] = {{.name = "FAT16", .size = 2, FIELDS(first16)}, {.name = "FAT16", .size = 2, FIELDS(second16)}, {.name = "FAT16", .size = 2, FIELDS(entry16)}};
static const struct structure entries32[ENTRY_SORTS] = {{.name = "FAT32", .size = 4, FIELDS(first32)}, {.name = "FAT32", .size = 4, FIELDS(second32)}, {.name = "FAT32", .size = 4, FIELDS(entry32)}};

/* Whether the numbers can be those of a FAT: any sector may begin with a jump. */
static bool is_sane(const uint8_t *b, uint64_t sector, uint64_t sectors, uint64_t per_fat)
{
    bool jump = b[0] == 0xe9 || (b[0] == 0xeb && b[2] == 0x90);

    return jump && is_power_of_two(sector) && sector >= 512 && sector <= 4096 && is_power_of_two(b[13]) && field_number(b + 14, 2, false) > 0 &&
           b[16] >= 1 && b[16] <= 2 && (b[21] == 0xf0 || b[21] >= 0xf8) && sectors > 0 && per_fat > 0 && b[510] == 0x55 && b[511] == 0xaa;
}

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    uint64_t *own = known->own;

    if (n < 512) {
        return false;
    }
    uint64_t sector = field_number(head + 11, 2, false), reserved = field_number(head + 14, 2, false), entries = field_number(head + 17, 2, false);
    uint64_t sectors = field_number(head + 19, 2, false), per_fat = field_number(head + 22, 2, false);

    sectors = sectors > 0 ? sectors : field_number(head + 32, 4, false);
    per_fat = per_fat > 0 ? per_fat : field_number(head + 36, 4, false);
    if (!is_sane(head, sector, sectors, per_fat)) {
        return false;
    }
    uint64_t root_sectors = (entries * ENTRY + sector - 1) / sector, data = reserved + head[16] * per_fat + root_sectors;

    own[OWN_SECTOR] = sector;
    own[OWN_FAT] = reserved * sector;
    own[OWN_FAT_BYTES] = per_fat * sector;
    own[OWN_FATS] = head[16];
    own[OWN_ROOT] = (reserved + head[16] * per_fat) * sector;
    own[OWN_ROOT_BYTES] = entries * ENTRY;
    own[OWN_DATA] = data * sector;
    own[OWN_CLUSTER] = head[13] * sector;
    own[OWN_CLUSTERS] = sectors > data ? (sectors - data) / head[13] : 0;
    own[OWN_BITS] = own[OWN_CLUSTERS] < FAT12_CLUSTERS ? 12 : own[OWN_CLUSTERS] < FAT16_CLUSTERS ? 16 : 32;
    if (field_number(head + 22, 2, false) == 0) { /* made with too few clusters, as small ones for tests are: only FAT32 has that */
        own[OWN_BITS] = 32;
        own[OWN_INFO] = field_number(head + 48, 2, false) * sector;
        own[OWN_BACKUP] = field_number(head + 50, 2, false) * sector;
        own[OWN_ROOT32] = field_number(head + 44, 4, false);
    }
    return true;
}

static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    const uint64_t *own = known->own;

    if (unit == UNIT_BLOCK) {
        return value < 0xffff ? volume_product(value, own[OWN_SECTOR]) : -1;
    }
    value &= place->structure == &entries32[CLUSTER_ENTRY] ? 0x0fffffff : UINT32_MAX; /* the upper bits are reserved */
    return value >= 2 && value - 2 < own[OWN_CLUSTERS] ? (int64_t)(own[OWN_DATA] + (value - 2) * own[OWN_CLUSTER]) : -1;
}

static bool locate_entry(const struct known *known, uint64_t at, struct place *place)
{
    const uint64_t *own = known->own;
    uint64_t copy = (at - own[OWN_FAT]) / own[OWN_FAT_BYTES], within = (at - own[OWN_FAT]) % own[OWN_FAT_BYTES];
    uint64_t bits = own[OWN_BITS], cluster = bits == 12 ? within * 2 / 3 : within / (bits / 8), start = cluster * bits / 8;

    if (cluster >= own[OWN_CLUSTERS] + 2) {
        return false;
    }
    const struct structure *entries = bits == 12 ? entries12 : bits == 16 ? entries16 : entries32;

    *place = (struct place){.structure = &entries[MIN(cluster, CLUSTER_ENTRY)],
                            .start = (int64_t)(own[OWN_FAT] + copy * own[OWN_FAT_BYTES] + start), .number = cluster};
    g_snprintf(place->note, sizeof place->note, " copy %u, %s %" G_GUINT64_FORMAT, (unsigned)copy + 1, cluster < CLUSTER_ENTRY ? "entry" : "of cluster", cluster);
    return true;
}

static bool locate_directory(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, uint64_t root, uint64_t at,
                             struct place *place)
{
    const struct structure *structure = known->own[OWN_BITS] == 32 ? &directory32_structure : &directory_structure;
    uint64_t index = (at - root) / ENTRY;
    uint8_t entry[ENTRY];

    *place = (struct place){.structure = structure, .start = (int64_t)(root + index * ENTRY), .number = index};
    g_snprintf(place->note, sizeof place->note, " %u of the root", (unsigned)index + 1);
    if (volume_read(volume, read, data, place->start, entry, sizeof entry)) {
        place->structure = (entry[11] & 0x3f) == 0x0f ? &long_name_structure : structure;
        return entry[0] != 0;
    }
    return true;
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t offset, struct place *ret_place)
{
    const uint64_t *own = known->own;
    const struct fixed sectors[] = {
        {own[OWN_BITS] == 32 ? &boot32_structure : &boot16_structure, 0, 0},
        {&info_structure, (int64_t)own[OWN_INFO], 0},
        {&backup_structure, (int64_t)own[OWN_BACKUP], 0},
        {&info_backup_structure, (int64_t)(own[OWN_BACKUP] + own[OWN_INFO]), 0},
    };
    uint64_t at = (uint64_t)offset;

    if (at < own[OWN_FAT]) {
        bool has_info = own[OWN_BITS] == 32 && own[OWN_INFO] > 0 && own[OWN_INFO] < own[OWN_FAT];
        bool has_backup = has_info && own[OWN_BACKUP] > 0;

        return fixed_locate(sectors, has_backup ? 4 : has_info ? 2 : 1, offset, ret_place);
    }
    if (at < own[OWN_ROOT]) {
        return locate_entry(known, at, ret_place);
    }
    if (at - own[OWN_ROOT] < own[OWN_ROOT_BYTES]) {
        return locate_directory(known, volume, read, data, own[OWN_ROOT], at, ret_place);
    }
    uint64_t cluster = at >= own[OWN_DATA] ? (at - own[OWN_DATA]) / own[OWN_CLUSTER] : 0; /* of the root only the first one */

    return own[OWN_ROOT32] >= 2 && at >= own[OWN_DATA] && cluster == own[OWN_ROOT32] - 2 && cluster < own[OWN_CLUSTERS] &&
           locate_directory(known, volume, read, data, own[OWN_DATA] + cluster * own[OWN_CLUSTER], at, ret_place);
}

const struct volume_format format_fat = {recognise, locate, resolve, false};
