/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LUKS1: "LUKS On-Disk Format Specification" 1.2.3, figures 1 and 2.  LUKS2: "LUKS2 On-Disk Format Specification" 1.1, section 2. */
#include "ui/panels/fields-formats.h"

enum { HEADER = 4096, SLOTS = 8, SLOTS_AT = 208, OWN_SIZE = 0, SIZE_MAX_BYTES = 4 << 20 };

static const struct field luks1[] = {
    HEX(0, 6, "magic"),          BE(6, 2, "version"),           TEXT(8, 32, "cipher"), TEXT(40, 32, "cipher mode"),
    TEXT(72, 32, "hash"),        BE_AT(104, 4, "payload sector", UNIT_SECTOR), BE(108, 4, "key bytes"), HEX(112, 20, "key digest"),
    HEX(132, 32, "digest salt"), BE(164, 4, "digest iterations"), TEXT(168, 40, "UUID"),
};
static const struct field_name slot_states[] = {{0x00ac71f3, "in use"}, {0x0000dead, "not in use"}, {0, NULL}};
static const struct field slot[] = {
    BE_NAMES(0, 4, "state", slot_states), BE(4, 4, "iterations"), HEX(8, 32, "salt"), BE_AT(40, 4, "sector of the key material", UNIT_SECTOR), BE(44, 4, "stripes"),
};
static const struct field luks2[] = {
    HEX(0, 6, "magic"),
    BE(6, 2, "version"),
    BE(8, 8, "header size, with the JSON area"),
    BE(16, 8, "sequence number"),
    TEXT(24, 48, "label"),
    TEXT(72, 32, "checksum algorithm"),
    HEX(104, 64, "salt"),
    TEXT(168, 40, "UUID"),
    TEXT(208, 48, "subsystem"),
    BE(256, 8, "header offset"),
    HEX(448, 64, "checksum"),
};
static const struct field json[] = {TEXT(0, 512, "text")};

static const struct structure luks1_structure = {.name = "LUKS1 header", .size = SLOTS_AT, FIELDS(luks1)};
static const struct structure slot_structure = {.name = "LUKS1 key slot", .size = 48, FIELDS(slot)};
static const struct structure luks2_structure = {.name = "LUKS2 header", .size = HEADER, FIELDS(luks2)};
static const struct structure second_structure = {.name = "LUKS2 second header", .size = HEADER, FIELDS(luks2)};

static bool luks1_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    return n >= SLOTS_AT + SLOTS * slot_structure.size && memcmp(head, "LUKS\xba\xbe\x00\x01", 8) == 0;
}

static bool luks1_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    static const struct fixed list[] = {{&luks1_structure, 0, 0}, {&slot_structure, SLOTS_AT, SLOTS}};
    bool found = fixed_locate(list, G_N_ELEMENTS(list), at, ret_place);

    if (found && ret_place->structure == &slot_structure) { /* cryptsetup counts from 0 */
        g_snprintf(ret_place->note, sizeof ret_place->note, " %u", (unsigned)ret_place->number);
    }
    return found;
}

const struct volume_format format_luks1 = {luks1_recognise, luks1_locate, NULL, false};

static bool luks2_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    if (n < HEADER || memcmp(head, "LUKS\xba\xbe\x00\x02", 8) != 0) {
        return false;
    }
    uint64_t size = field_number(head + 8, 8, true);

    known->own[OWN_SIZE] = size >= 2 * HEADER && size <= SIZE_MAX_BYTES && is_power_of_two(size) ? size : 0;
    return true;
}

static bool luks2_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    /* The JSON area is text whose parts may be anywhere: a piece of it, from a round place on. */
    static const struct structure piece = {.name = "LUKS2 JSON area", .size = 512, FIELDS(json)};
    int64_t size = (int64_t)known->own[OWN_SIZE];
    const struct fixed list[] = {
        {&luks2_structure, 0, 0},
        {&piece, HEADER, size > 0 ? (uint32_t)(size - HEADER) / piece.size : 0},
        {&second_structure, size, 0},
        {&piece, size + HEADER, size > 0 ? (uint32_t)(size - HEADER) / piece.size : 0},
    };
    bool found = fixed_locate(list, size > 0 ? G_N_ELEMENTS(list) : 1, at, ret_place);

    if (found && ret_place->structure == &piece) {
        g_strlcpy(ret_place->note, at >= size ? ", second" : "", sizeof ret_place->note);
    }
    return found;
}

const struct volume_format format_luks2 = {luks2_recognise, luks2_locate, NULL, false};
