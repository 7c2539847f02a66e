/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers score what they know in their probe slot.  Formats without a driver here are recognised as well, so that none is
 * ever taken for raw: a guest could otherwise be given, or overwrite, the container of its disk.
 * Layouts: the formats' public specifications (QED, VMDK 5.0, VHD 1.0, VHDX 1.0, Parallels, LUKS 1, Bochs), and for the rest the
 * signatures that file(1) documents.
 */
#include "block/probe.h"

#include <stdbool.h>
#include <string.h>

#include "block/driver.h"

/* A format known by a constant at a fixed place. */
struct magic {
    const char *format;
    size_t offset;
    const char *bytes;
    size_t len;
};

#define MAGIC(format, offset, text) {format, offset, text, sizeof(text) - 1}

static const struct magic magics[] = {
    MAGIC("qed", 0, "QED\0"),
    MAGIC("vmdk", 0, "COWD"),
    MAGIC("vmdk", 0, "KDMV"),
    MAGIC("vhdx", 0, "vhdxfile"),
    MAGIC("vpc", 0, "conectix"),
    MAGIC("vdi", 64, "\x7f\x10\xda\xbe"),
    MAGIC("luks", 0, "LUKS\xba\xbe\0\1"),
    MAGIC("parallels", 0, "WithoutFreeSpace\2\0\0\0"),
    MAGIC("parallels", 0, "WithouFreSpacExt\2\0\0\0"),
    MAGIC("cloop", 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"),
};

/* Formats whose signature takes more than a comparison. */
static const char *const others[] = {"qcow", "qcow2", "bochs", "dmg"};

static bool has(const uint8_t *bytes, size_t n, size_t offset, const char *text, size_t len)
{
    return n >= offset + len && memcmp(bytes + offset, text, len) == 0;
}

/* qcow and qcow2 share a magic; the version (big-endian) tells them apart, and 0 was never given out. */
static const char *probe_qcow(const uint8_t *bytes, size_t n)
{
    uint32_t version;

    if (n < 8 || !has(bytes, n, 0, "QFI\xfb", 4))
        return NULL;
    version = (uint32_t)bytes[4] << 24 | bytes[5] << 16 | bytes[6] << 8 | bytes[7];
    if (version == 0)
        return NULL;
    return version == 1 ? "qcow" : "qcow2";
}

/* "version=1" to 3 as the first line that is neither a comment nor made of spaces. */
static bool probe_vmdk_text(const uint8_t *bytes, size_t n)
{
    const char *p = (const char *)bytes;
    const char *end = p + n;

    while (p < end && (*p == '#' || *p == ' ')) {
        bool comment = *p == '#';

        while (p < end && *p != '\n' && (comment || *p == ' '))
            p++;
        if (p == end || *p != '\n')
            return false;
        p++;
    }
    if (end - p < 10 || memcmp(p, "version=", 8) != 0 || p[8] < '1' || p[8] > '3')
        return false;
    return p[9] == '\n' || (end - p >= 11 && p[9] == '\r' && p[10] == '\n');
}

static bool probe_bochs(const uint8_t *bytes, size_t n)
{
    return has(bytes, n, 0, "Bochs Virtual HD Image", 23) && has(bytes, n, 32, "Redolog", 8) &&
           has(bytes, n, 48, "Growing", 8);
}

/* A format there is no driver for, or NULL. */
static const char *probe_by_sight(const uint8_t *bytes, size_t n, const char *filename)
{
    const char *qcow = probe_qcow(bytes, n);

    if (qcow)
        return qcow;
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
        if (has(bytes, n, magics[i].offset, magics[i].bytes, magics[i].len))
            return magics[i].format;
    if (probe_vmdk_text(bytes, n))
        return "vmdk";
    if (probe_bochs(bytes, n))
        return "bochs";
    /* A DMG has its signature at its end only, so the name has to do. */
    if (filename && g_str_has_suffix(filename, ".dmg"))
        return "dmg";
    return NULL;
}

const char *probe_format(const uint8_t *bytes, size_t n, const char *filename)
{
    const struct driver *driver;
    const char *best = NULL;
    int best_score = 1; /* what "raw", which fits everything, would say */

    for (unsigned i = 0; (driver = driver_at(i)); i++) {
        int score = driver->probe ? driver->probe(bytes, n, filename) : 0;

        if (score > best_score) {
            best_score = score;
            best = driver->name;
        }
    }
    if (!best)
        best = probe_by_sight(bytes, n, filename);
    return best ? best : "raw";
}

bool probe_knows_format(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
        if (strcmp(magics[i].format, name) == 0)
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (strcmp(others[i], name) == 0)
            return true;
    return false;
}
