/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What boot sectors of FAT and NTFS have in common. */
#pragma once

#define BIOS_PARAMETERS                                                                                                \
    HEX(0, 3, "jump"), TEXT(3, 8, "OEM name"), LE(11, 2, "bytes per sector"), LE(13, 1, "sectors per cluster"),        \
        LE(14, 2, "reserved sectors"), LE(16, 1, "FATs"), LE(17, 2, "root entries"), LE(19, 2, "sectors (16 bits)"),   \
        HEX(21, 1, "media"), LE(22, 2, "sectors per FAT (16 bits)"), LE(24, 2, "sectors per track"), LE(26, 2, "heads"), \
        LE(28, 4, "hidden sectors"), LE(32, 4, "sectors (32 bits)")
