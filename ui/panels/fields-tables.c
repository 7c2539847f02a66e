/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields.h"

#define LE(offset, bytes, name) {offset, bytes, FIELD_LE, name, NULL}
#define BE(offset, bytes, name) {offset, bytes, FIELD_BE, name, NULL}
#define TEXT(offset, bytes, name) {offset, bytes, FIELD_TEXT, name, NULL}
#define HEX(offset, bytes, name) {offset, bytes, FIELD_HEX, name, NULL}
#define UUID(offset, name) {offset, 16, FIELD_UUID, name, NULL}
#define GUID(offset, name) {offset, 16, FIELD_GUID, name, NULL}
#define TIME(offset, name) {offset, 4, FIELD_TIME_LE, name, NULL}
#define LBA(offset, bytes, name) {offset, bytes, FIELD_LBA, name, NULL}

/* ---- partition tables ---- */

static const struct field_name mbr_types[] = {
    {0x00, "unused"},       {0x01, "FAT12"},       {0x04, "FAT16"},      {0x05, "extended"},   {0x06, "FAT16"},
    {0x07, "NTFS or exFAT"}, {0x0b, "FAT32"},      {0x0c, "FAT32 (LBA)"}, {0x0e, "FAT16 (LBA)"}, {0x0f, "extended (LBA)"},
    {0x82, "Linux swap"},   {0x83, "Linux"},       {0x85, "Linux extended"}, {0x8e, "Linux LVM"}, {0xa5, "FreeBSD"},
    {0xee, "GPT protective"}, {0xef, "EFI system"}, {0xfd, "Linux RAID"}, {0, NULL},
};
static const struct field_name mbr_flags[] = {{0, "inactive"}, {0x80, "bootable"}, {0, NULL}};

#define MBR_ENTRY(at, n)                                                                                               \
    {at, 1, FIELD_LE, "partition " n ": status", mbr_flags}, HEX(at + 1, 3, "partition " n ": first CHS"),             \
        {at + 4, 1, FIELD_LE, "partition " n ": type", mbr_types}, HEX(at + 5, 3, "partition " n ": last CHS"),        \
        LBA(at + 8, 4, "partition " n ": start"), LE(at + 12, 4, "partition " n ": sectors")

static const struct field mbr[] = {
    HEX(0, 440, "boot code"), LE(440, 4, "disk signature"), LE(444, 2, "copy protected"), MBR_ENTRY(446, "1"), MBR_ENTRY(462, "2"),
    MBR_ENTRY(478, "3"),      MBR_ENTRY(494, "4"),          HEX(510, 2, "boot signature"),
};

static const struct field gpt[] = {
    TEXT(0, 8, "signature"),    LE(8, 4, "revision"),        LE(12, 4, "header size"),      LE(16, 4, "header CRC32"),
    LE(20, 4, "reserved"),      LBA(24, 8, "this header"),   LBA(32, 8, "backup header"),   LBA(40, 8, "first usable"),
    LBA(48, 8, "last usable"),  GUID(56, "disk GUID"),       LBA(72, 8, "partition entries"), LE(80, 4, "number of entries"),
    LE(84, 4, "size of an entry"), LE(88, 4, "entries CRC32"),
};

static const struct field gpt_entry[] = {
    GUID(0, "type GUID"), GUID(16, "partition GUID"), LBA(32, 8, "first"), LBA(40, 8, "last"), HEX(48, 8, "attributes"),
    {56, 72, FIELD_UTF16, "name", NULL},
};

/* ---- file systems ---- */

static const struct field_name ext_states[] = {{1, "clean"}, {2, "errors"}, {4, "orphans"}, {0, NULL}};
static const struct field_name ext_creators[] = {{0, "Linux"}, {1, "Hurd"}, {2, "Masix"}, {3, "FreeBSD"}, {4, "Lites"}, {0, NULL}};

static const struct field ext[] = {
    LE(0, 4, "inodes"),
    LE(4, 4, "blocks (low)"),
    LE(8, 4, "reserved blocks (low)"),
    LE(12, 4, "free blocks (low)"),
    LE(16, 4, "free inodes"),
    LE(20, 4, "first data block"),
    LE(24, 4, "log2 block size - 10"),
    LE(28, 4, "log2 cluster size - 10"),
    LE(32, 4, "blocks per group"),
    LE(36, 4, "clusters per group"),
    LE(40, 4, "inodes per group"),
    TIME(44, "mounted"),
    TIME(48, "written"),
    LE(52, 2, "mounts since check"),
    LE(54, 2, "mounts until check"),
    LE(56, 2, "magic"),
    {58, 2, FIELD_LE, "state", ext_states},
    LE(60, 2, "on errors"),
    LE(62, 2, "minor revision"),
    TIME(64, "checked"),
    LE(68, 4, "seconds between checks"),
    {72, 4, FIELD_LE, "creator", ext_creators},
    LE(76, 4, "revision"),
    LE(80, 2, "user of reserved blocks"),
    LE(82, 2, "group of reserved blocks"),
    LE(84, 4, "first inode"),
    LE(88, 2, "inode size"),
    LE(90, 2, "group of this superblock"),
    HEX(92, 4, "compatible features"),
    HEX(96, 4, "incompatible features"),
    HEX(100, 4, "read-only compatible features"),
    UUID(104, "UUID"),
    TEXT(120, 16, "volume name"),
    TEXT(136, 64, "last mounted on"),
    LE(200, 4, "compression algorithms"),
    LE(206, 2, "reserved GDT blocks"),
    UUID(208, "journal UUID"),
    LE(224, 4, "journal inode"),
    LE(228, 4, "journal device"),
    LE(232, 4, "orphan list"),
    HEX(236, 16, "hash seed"),
    LE(252, 1, "hash version"),
    LE(254, 2, "group descriptor size"),
    HEX(256, 4, "default mount options"),
    LE(260, 4, "first meta block group"),
    TIME(264, "made"),
    LE(336, 4, "blocks (high)"),
    LE(340, 4, "reserved blocks (high)"),
    LE(344, 4, "free blocks (high)"),
    LE(348, 2, "extra inode bytes"),
    LE(376, 8, "KiB written"),
    LE(1020, 4, "checksum"),
};

static const struct field xfs[] = {
    TEXT(0, 4, "magic"),
    BE(4, 4, "block size"),
    BE(8, 8, "data blocks"),
    BE(16, 8, "realtime blocks"),
    BE(24, 8, "realtime extents"),
    UUID(32, "UUID"),
    BE(48, 8, "log start"),
    BE(56, 8, "root inode"),
    BE(64, 8, "realtime bitmap inode"),
    BE(72, 8, "realtime summary inode"),
    BE(80, 4, "realtime extent size"),
    BE(84, 4, "blocks per group"),
    BE(88, 4, "allocation groups"),
    BE(92, 4, "realtime bitmap blocks"),
    BE(96, 4, "log blocks"),
    BE(100, 2, "version and flags"),
    BE(102, 2, "sector size"),
    BE(104, 2, "inode size"),
    BE(106, 2, "inodes per block"),
    TEXT(108, 12, "label"),
    BE(120, 1, "log2 block size"),
    BE(121, 1, "log2 sector size"),
    BE(122, 1, "log2 inode size"),
    BE(123, 1, "log2 inodes per block"),
    BE(124, 1, "log2 blocks per group"),
    BE(125, 1, "log2 realtime extents"),
    BE(126, 1, "being made"),
    BE(127, 1, "inode per cent"),
    BE(128, 8, "inodes"),
    BE(136, 8, "free inodes"),
    BE(144, 8, "free blocks"),
    BE(152, 8, "free realtime extents"),
};

#define BIOS_PARAMETERS                                                                                                \
    HEX(0, 3, "jump"), TEXT(3, 8, "OEM name"), LE(11, 2, "bytes per sector"), LE(13, 1, "sectors per cluster"),        \
        LE(14, 2, "reserved sectors"), LE(16, 1, "FATs"), LE(17, 2, "root entries"), LE(19, 2, "sectors (16 bits)"),   \
        HEX(21, 1, "media"), LE(22, 2, "sectors per FAT (16 bits)"), LE(24, 2, "sectors per track"), LE(26, 2, "heads"), \
        LE(28, 4, "hidden sectors"), LE(32, 4, "sectors (32 bits)")

static const struct field ntfs[] = {
    BIOS_PARAMETERS,
    LE(40, 8, "sectors"),
    LE(48, 8, "cluster of the MFT"),
    LE(56, 8, "cluster of the MFT mirror"),
    LE(64, 1, "clusters per MFT record"),
    LE(68, 1, "clusters per index block"),
    LE(72, 8, "serial number"),
    LE(80, 4, "checksum"),
    HEX(84, 426, "boot code"),
    HEX(510, 2, "boot signature"),
};

static const struct field fat16[] = {
    BIOS_PARAMETERS,       HEX(36, 1, "drive"),           HEX(38, 1, "extended signature"), LE(39, 4, "volume ID"), TEXT(43, 11, "label"),
    TEXT(54, 8, "type"),   HEX(62, 448, "boot code"),     HEX(510, 2, "boot signature"),
};

static const struct field fat32[] = {
    BIOS_PARAMETERS,
    LE(36, 4, "sectors per FAT"),
    HEX(40, 2, "flags"),
    LE(42, 2, "version"),
    LE(44, 4, "cluster of the root"),
    LE(48, 2, "sector of FSInfo"),
    LE(50, 2, "sector of the backup"),
    HEX(64, 1, "drive"),
    HEX(66, 1, "extended signature"),
    LE(67, 4, "volume ID"),
    TEXT(71, 11, "label"),
    TEXT(82, 8, "type"),
    HEX(90, 420, "boot code"),
    HEX(510, 2, "boot signature"),
};

static const struct field_name iso_types[] = {
    {0, "boot record"}, {1, "primary"}, {2, "supplementary"}, {3, "partition"}, {255, "terminator"}, {0, NULL}};

static const struct field iso[] = {
    {0, 1, FIELD_LE, "type", iso_types},
    TEXT(1, 5, "identifier"),
    LE(6, 1, "version"),
    TEXT(8, 32, "system"),
    TEXT(40, 32, "volume"),
    LE(80, 4, "blocks"),
    BE(84, 4, "blocks (big-endian)"),
    LE(120, 2, "volumes in the set"),
    LE(124, 2, "number of the volume"),
    LE(128, 2, "block size"),
    LE(132, 4, "path table size"),
    LE(140, 4, "path table (little-endian)"),
    BE(148, 4, "path table (big-endian)"),
    HEX(156, 34, "root directory record"),
    TEXT(190, 128, "volume set"),
    TEXT(318, 128, "publisher"),
    TEXT(446, 128, "preparer"),
    TEXT(574, 128, "application"),
    TEXT(813, 17, "made"),
    TEXT(830, 17, "changed"),
    TEXT(847, 17, "expires"),
    TEXT(864, 17, "effective"),
};

/* ---- containers ---- */

static const struct field luks1[] = {
    HEX(0, 6, "magic"),          BE(6, 2, "version"),         TEXT(8, 32, "cipher"),          TEXT(40, 32, "cipher mode"),
    TEXT(72, 32, "hash"),        BE(104, 4, "payload sector"), BE(108, 4, "key bytes"),        HEX(112, 20, "key digest"),
    HEX(132, 32, "digest salt"), BE(164, 4, "digest iterations"), TEXT(168, 40, "UUID"),       HEX(208, 384, "key slots"),
};

static const struct field luks2[] = {
    HEX(0, 6, "magic"),           BE(6, 2, "version"),      BE(8, 8, "header size"),  BE(16, 8, "sequence number"), TEXT(24, 48, "label"),
    TEXT(72, 32, "checksum algorithm"), HEX(104, 64, "salt"), TEXT(168, 40, "UUID"), TEXT(208, 48, "subsystem"),
    BE(256, 8, "header offset"),  HEX(448, 64, "checksum"),
};

static const struct field lvm[] = {
    TEXT(0, 8, "identifier"), LE(8, 8, "sector of the label"), LE(16, 4, "CRC32"),        LE(20, 4, "offset of the contents"),
    TEXT(24, 8, "type"),      TEXT(32, 32, "UUID"),            LE(64, 8, "device size"), LE(72, 8, "first data area: offset"),
    LE(80, 8, "first data area: size"),
};

static const struct field swap[] = {
    LE(0, 4, "version"), LE(4, 4, "last page"), LE(8, 4, "bad pages"), UUID(12, "UUID"), TEXT(28, 16, "label"), TEXT(3062, 10, "magic"),
};

static const struct field logical[] = {
    HEX(0, 446, "unused"),
    {446, 1, FIELD_LE, "partition: status", mbr_flags},
    {450, 1, FIELD_LE, "partition: type", mbr_types},
    LE(454, 4, "partition: first sector, from this one on"),
    LE(458, 4, "partition: sectors"),
    {466, 1, FIELD_LE, "next table: type", mbr_types},
    LE(470, 4, "next table: sector, from the extended partition on"),
    LE(474, 4, "next table: sectors"),
    HEX(510, 2, "boot signature"),
};

#define FIELDS(table) .fields = table, .field_count = G_N_ELEMENTS(table)
#define MAGIC(offset, text) .magic_at = offset, .magic_size = sizeof(text) - 1, .magic = text

/* Those that are part of others' sectors come first: a FAT has the boot signature of a partition table, too. */
static const struct structure structures[] = {
    {.name = "NTFS boot sector", .size = 512, MAGIC(3, "NTFS    "), FIELDS(ntfs)},
    {.name = "FAT32 boot sector", .size = 512, MAGIC(82, "FAT32"), FIELDS(fat32)},
    {.name = "FAT boot sector", .size = 512, MAGIC(54, "FAT1"), FIELDS(fat16)},
    {.name = "XFS superblock", .size = 512, MAGIC(0, "XFSB"), FIELDS(xfs)},
    {.name = "LUKS1 header", .size = 592, MAGIC(0, "LUKS\xba\xbe\x00\x01"), FIELDS(luks1)},
    {.name = "LUKS2 header", .size = 4096, MAGIC(0, "LUKS\xba\xbe\x00\x02"), FIELDS(luks2)},
    {.name = "ext superblock", .at = 1024, .size = 1024, MAGIC(56, "\x53\xef"), FIELDS(ext)},
    {.name = "LVM label", .at = 512, .size = 512, MAGIC(0, "LABELONE"), FIELDS(lvm)},
    {.name = "ISO 9660 descriptor", .at = 32768, .size = 2048, MAGIC(1, "CD001"), FIELDS(iso)},
    {.name = "swap header", .at = 1024, .size = 3072, MAGIC(3062, "SWAPSPACE2"), FIELDS(swap)},
    {.name = "GPT header", .at = 512, .size = 92, MAGIC(0, "EFI PART"), .disk_only = true, FIELDS(gpt)},
    {.name = "GPT entry", .at = 1024, .size = 128, .count = 128, MAGIC(-512, "EFI PART"), .disk_only = true, FIELDS(gpt_entry)},
    {.name = "MBR", .size = 512, MAGIC(510, "\x55\xaa"), .disk_only = true, FIELDS(mbr)},
};

const struct structure *structure_of_logical(void)
{
    static const struct structure structure = {.name = "extended boot record", .size = 512, FIELDS(logical)};

    return &structure;
}

const struct structure *structure_at(unsigned index)
{
    return index < G_N_ELEMENTS(structures) ? &structures[index] : NULL;
}
