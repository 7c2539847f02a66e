/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Learning goes in steps, each a range of bytes that somebody else reads: the disk's head, which mostly has the partition tables, too; what of the
 * tables is elsewhere; the chain of logical partitions; then the head of each partition that is looked into.
 */
#include "ui/panels/fields.h"

#include <inttypes.h>

#include "ui/panels/fields-values.h"

enum { SECTOR = 512, SECTOR_4K = 4096, VALUE_MAX = 576, LOGICAL_MAX = 124 };

enum step { STEP_HEAD, STEP_ENTRIES, STEP_BACKUP, STEP_BACKUP_ENTRIES, STEP_LOGICAL, STEP_VOLUMES };

struct fields {
    int64_t size;
    enum step step;
    struct partition_tables tables;
    GArray *volumes;  /* struct volume; the first one is the disk */
    int64_t extended; /* where the first table of logical ones is; -1: there are none */
    int64_t wanted;   /* the range that was asked for */
    size_t wanted_bytes;
    guint wanted_volume;
    int64_t next_table;
};

/* Those that say most come first. */
static const struct volume_format *const formats[] = {
    &format_ntfs, &format_exfat, &format_fat, &format_ext, &format_xfs, &format_btrfs, &format_iso, &format_udf, &format_squashfs, &format_luks1,
    &format_luks2, &format_lvm, &format_swap, &format_raid, &format_vmdk, &format_vdi, &format_vhdx, &format_vpc, &format_qed, &format_parallels,
};

/* ---- helpers of formats ---- */

bool volume_read(const struct volume *volume, fields_read_fn *read, void *data, int64_t at, void *buf, size_t n)
{
    return at >= 0 && at <= volume->size && (uint64_t)(volume->size - at) >= n && read(data, volume->base + at, buf, n);
}

int64_t volume_product(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) || product > INT64_MAX ? -1 : (int64_t)product;
}

int64_t volume_sum(int64_t a, int64_t b)
{
    int64_t sum;

    return a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum) ? -1 : sum;
}

bool fixed_locate(const struct fixed *list, size_t n, int64_t at, struct place *ret_place)
{
    for (size_t i = 0; i < n; i++) {
        int64_t within = at - list[i].at, size = list[i].structure->size;

        if (within < 0 || within >= size * MAX(list[i].count, 1)) {
            continue;
        }
        *ret_place = (struct place){.structure = list[i].structure, .start = list[i].at + within / size * size, .number = (uint64_t)(within / size)};
        if (list[i].count > 0) {
            g_snprintf(ret_place->note, sizeof ret_place->note, " %u", (unsigned)ret_place->number + 1);
        }
        return true;
    }
    return false;
}

/* ---- learning ---- */

struct fields *fields_new(int64_t size)
{
    struct fields *fields = g_new0(struct fields, 1);
    struct volume disk = {.size = size};

    fields->size = size;
    fields->volumes = g_array_new(FALSE, FALSE, sizeof(struct volume));
    g_array_append_val(fields->volumes, disk);
    fields->tables.sector = SECTOR;
    fields->tables.extended = g_array_new(FALSE, FALSE, sizeof(struct logical_table));
    fields->extended = fields->next_table = -1;
    return fields;
}

void fields_free(struct fields *fields)
{
    if (fields) {
        g_array_unref(fields->volumes);
        g_array_unref(fields->tables.extended);
        g_free(fields);
    }
}

static struct volume *volume_at(const struct fields *fields, guint i)
{
    return &g_array_index(fields->volumes, struct volume, i);
}

static void recognise(struct volume *volume, const uint8_t *head, size_t n)
{
    volume->looked_at = true;
    if (n == 0) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(formats) && volume->known_count < FORMATS_MAX; i++) {
        struct known known = {.format = formats[i]};

        if (!(formats[i]->disk_only && volume->number > 0) && formats[i]->recognise(&known, volume, head, n)) {
            volume->known[volume->known_count++] = known;
        }
    }
}

/* A file system right at the start of a disk: its boot sector looks like a table of partitions and is none. */
static bool has_boot_sector(const struct volume *disk)
{
    for (unsigned i = 0; i < disk->known_count; i++) {
        const struct volume_format *format = disk->known[i].format;

        if (format == &format_ntfs || format == &format_exfat || format == &format_fat) {
            return true;
        }
    }
    return false;
}

static void find_extended(struct fields *fields)
{
    for (guint i = 1; i < fields->volumes->len && fields->extended < 0; i++) {
        if (volume_at(fields, i)->extended) {
            fields->extended = fields->next_table = volume_at(fields, i)->base;
        }
    }
}

static void give_head(struct fields *fields, const uint8_t *bytes, size_t n)
{
    struct partition_tables *tables = &fields->tables;
    bool protective = false;

    recognise(volume_at(fields, 0), bytes, n);
    fields->step = STEP_VOLUMES;
    for (int64_t sector = SECTOR; sector <= SECTOR_4K && !tables->gpt[GPT_PRIMARY].there; sector *= SECTOR_4K / SECTOR) {
        if ((int64_t)n > sector && gpt_read(bytes + sector, n - (size_t)sector, sector, sector, fields->size, &tables->gpt[GPT_PRIMARY])) {
            tables->sector = sector;
        }
    }
    if (n >= SECTOR && (tables->gpt[GPT_PRIMARY].there || !has_boot_sector(volume_at(fields, 0)))) {
        g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(struct volume));

        tables->mbr = tables_add_mbr(tables->gpt[GPT_PRIMARY].there ? none : fields->volumes, bytes, fields->size, &protective);
        find_extended(fields);
    }
    if (tables->gpt[GPT_PRIMARY].there) {
        fields->step = STEP_ENTRIES;
    } else if (protective) {
        fields->step = STEP_BACKUP;
    } else if (fields->extended >= 0) {
        fields->step = STEP_LOGICAL;
    }
}

static void give_entries(struct fields *fields, enum gpt_table which, const uint8_t *bytes, size_t n)
{
    if (fields->volumes->len == 1) {
        tables_add_gpt(fields->volumes, &fields->tables.gpt[which], bytes, n, fields->tables.sector, fields->size);
    }
    fields->step = which == GPT_PRIMARY ? STEP_BACKUP : STEP_VOLUMES;
}

static void give_logical(struct fields *fields, const uint8_t *bytes, size_t n)
{
    int64_t table = fields->next_table;
    guint count = fields->tables.extended->len;

    fields->next_table = -1;
    if (n >= SECTOR && count < LOGICAL_MAX) {
        fields->next_table = tables_add_logical(&fields->tables, fields->volumes, bytes, table, fields->extended, fields->size);
    }
    for (guint i = 0; i < fields->tables.extended->len; i++) { /* round and round? */
        if (g_array_index(fields->tables.extended, struct logical_table, i).at == fields->next_table) {
            fields->next_table = -1;
        }
    }
}

void fields_give(struct fields *fields, const uint8_t *bytes, size_t n)
{
    struct partition_tables *tables = &fields->tables;

    n = MIN(n, fields->wanted_bytes);
    switch (fields->step) {
    case STEP_HEAD:
        give_head(fields, bytes, n);
        break;
    case STEP_ENTRIES:
        give_entries(fields, GPT_PRIMARY, bytes, n);
        break;
    case STEP_BACKUP:
        fields->step = gpt_read(bytes, n, fields->wanted, tables->sector, fields->size, &tables->gpt[GPT_BACKUP]) ? STEP_BACKUP_ENTRIES : STEP_VOLUMES;
        break;
    case STEP_BACKUP_ENTRIES:
        give_entries(fields, GPT_BACKUP, bytes, n);
        break;
    case STEP_LOGICAL:
        give_logical(fields, bytes, n);
        break;
    case STEP_VOLUMES:
        recognise(volume_at(fields, fields->wanted_volume), bytes, n);
        break;
    }
}

static bool want(struct fields *fields, int64_t offset, int64_t bytes)
{
    fields->wanted = offset;
    fields->wanted_bytes = 0;
    if (offset >= 0 && offset < fields->size && bytes > 0) {
        fields->wanted_bytes = (size_t)MIN(MIN(bytes, fields->size - offset), FIELDS_WANT_MAX);
    }
    return fields->wanted_bytes > 0;
}

/* The volume that has offset and was not looked at; 0: none. */
static guint unknown_volume(const struct fields *fields, int64_t offset)
{
    for (guint i = 1; i < fields->volumes->len; i++) {
        const struct volume *volume = volume_at(fields, i);

        if (!volume->looked_at && !volume->extended && offset >= volume->base && offset - volume->base < volume->size) {
            return i;
        }
    }
    return 0;
}

static bool want_volume(struct fields *fields, int64_t offset)
{
    guint i = unknown_volume(fields, offset);
    const struct volume *volume = volume_at(fields, i);

    if (i == 0) {
        return false;
    }
    fields->wanted_volume = i;
    return want(fields, volume->base, MIN(HEAD_BYTES, volume->size));
}

static bool wants_of_step(struct fields *fields, int64_t offset)
{
    const struct gpt *primary = &fields->tables.gpt[GPT_PRIMARY], *backup = &fields->tables.gpt[GPT_BACKUP];

    switch (fields->step) {
    case STEP_HEAD:
        return want(fields, 0, HEAD_BYTES);
    case STEP_ENTRIES:
        return want(fields, primary->entries, (int64_t)primary->count * primary->entry_size);
    case STEP_BACKUP: /* at the end, wherever the first one says that it is */
        return want(fields, fields->size - fields->size % fields->tables.sector - fields->tables.sector, fields->tables.sector);
    case STEP_BACKUP_ENTRIES:
        return want(fields, backup->entries, (int64_t)backup->count * backup->entry_size);
    case STEP_LOGICAL:
        return want(fields, fields->next_table, SECTOR);
    case STEP_VOLUMES:
        break;
    }
    return want_volume(fields, offset);
}

bool fields_wants(struct fields *fields, int64_t offset, int64_t *ret_offset, size_t *ret_bytes)
{
    while (!wants_of_step(fields, offset)) {
        if (fields->step == STEP_VOLUMES) {
            return false;
        }
        fields->step = fields->step == STEP_ENTRIES ? STEP_BACKUP : STEP_VOLUMES;
    }
    *ret_offset = fields->wanted;
    *ret_bytes = fields->wanted_bytes;
    return true;
}

static bool overlap(int64_t start, int64_t size, int64_t offset, int64_t bytes)
{
    return offset < start + MIN(size, INT64_MAX - start) && start - offset < bytes;
}

bool fields_depend_on(const struct fields *fields, int64_t offset, int64_t bytes)
{
    bool found = false;

    for (guint i = 0; i < fields->volumes->len && !found; i++) {
        const struct volume *volume = volume_at(fields, i);

        found = volume->looked_at && overlap(volume->base, HEAD_BYTES, offset, bytes);
    }
    for (guint i = 0; i < fields->tables.extended->len && !found; i++) {
        found = overlap(g_array_index(fields->tables.extended, struct logical_table, i).at, SECTOR, offset, bytes);
    }
    for (int i = 0; i < GPT_TABLES && !found; i++) {
        const struct gpt *gpt = &fields->tables.gpt[i];

        found = gpt->there && (overlap(gpt->header, SECTOR, offset, bytes) || overlap(gpt->entries, (int64_t)gpt->count * gpt->entry_size, offset, bytes));
    }
    return found;
}

/* ---- finding ---- */

static const struct field *field_of(const struct structure *structure, int64_t offset)
{
    for (size_t i = 0; i < structure->field_count; i++) {
        const struct field *field = &structure->fields[i];

        if (offset >= field->offset && offset - field->offset < field->bytes) {
            return field;
        }
    }
    return NULL;
}

/* What is between two fields, or behind the last: from the structure's start, around the offset, which is in none. */
static void gap_around(const struct structure *structure, int64_t offset, int64_t *ret_start, int64_t *ret_end)
{
    *ret_start = 0;
    *ret_end = MAX((int64_t)structure->size, offset + 1); /* an entry of a table may be longer than what is known of it */
    for (size_t i = 0; i < structure->field_count; i++) {
        const struct field *field = &structure->fields[i];

        if (field->offset > offset) {
            *ret_end = MIN(*ret_end, field->offset);
        } else {
            *ret_start = (int64_t)field->offset + field->bytes;
        }
    }
}

/* From the disk's start; known: NULL in a table of partitions. */
static int64_t resolve(const struct fields *fields, const struct known *known, const struct volume *volume, const struct place *place,
                       enum field_unit unit, uint64_t value)
{
    int64_t at = -1;

    if (unit == UNIT_NONE || value == 0) {
        return -1;
    }
    if (unit == UNIT_DISK_SECTOR) {
        return volume_product(value, (uint64_t)fields->tables.sector);
    }
    if (!known) {
        return volume_sum(unit == UNIT_SECTOR ? place->start : fields->extended, volume_product(value, SECTOR));
    }
    if (unit == UNIT_BYTE) {
        at = volume_product(value, 1);
    } else if (unit == UNIT_SECTOR) {
        at = volume_product(value, SECTOR);
    } else if (known->format->resolve) {
        at = known->format->resolve(known, place, unit, value);
    }
    return volume_sum(volume->base, at);
}

/* Where a field of these bytes leads: its upper part counts where the structure is long enough to have one. */
static int64_t target_of(const struct fields *fields, const struct known *known, const struct volume *volume, const struct place *place,
                         const struct field *field, const uint8_t *bytes, size_t n, fields_read_fn *read, void *data)
{
    uint64_t value = field_value(field, bytes, n, place->number);
    uint8_t high[8];

    if (field->high_bytes > 0 && field->high + field->high_bytes <= place->structure->size) {
        if (!volume_read(volume, read, data, place->start + field->high, high, field->high_bytes)) {
            return -1;
        }
        value |= field_number(high, field->high_bytes, false) << (8 * field->bytes);
    }
    return resolve(fields, known, volume, place, field->unit, value);
}

static void fill_hit(const struct fields *fields, const struct known *known, const struct volume *volume, const struct place *place, int64_t at,
                     fields_read_fn *read, void *data, struct field_hit *hit)
{
    const struct field *field = field_of(place->structure, at - place->start);
    uint8_t bytes[VALUE_MAX];
    size_t n = field ? MIN(field->bytes, sizeof bytes) : 0;
    GString *where = g_string_new(place->structure->name);

    g_string_append(where, place->note);
    if (volume->number > 0) {
        g_string_append_printf(where, ", partition %u", volume->number);
    } else if (volume->base > 0) {
        g_string_append_printf(where, ", volume at 0x%" PRIx64, (uint64_t)volume->base);
    }
    *hit = (struct field_hit){.where = g_string_free(where, FALSE), .target = -1};
    int64_t start, end;
    if (field) {
        hit->name = field->name;
        start = field->offset;
        end = start + field->bytes;
    } else {
        hit->name = "reserved";
        gap_around(place->structure, at - place->start, &start, &end);
    }
    hit->offset = volume->base + place->start + start;
    hit->bytes = end - start;
    if (n > 0 && volume_read(volume, read, data, place->start + field->offset, bytes, n)) {
        hit->value = field_format(field, bytes, n, place->number);
        hit->target = target_of(fields, known, volume, place, field, bytes, n, read, data);
        if (hit->target >= 0) {
            g_autofree char *value = hit->value;

            hit->value = g_strdup_printf("%s, at 0x%" PRIx64, value, (uint64_t)hit->target);
        }
    }
}

static bool find_in_volume(const struct fields *fields, const struct volume *volume, fields_read_fn *read, void *data, int64_t offset,
                           struct field_hit *hit)
{
    int64_t at = offset - volume->base;
    struct place place = {0};

    for (unsigned i = 0; i < volume->known_count; i++) {
        const struct known *known = &volume->known[i];

        if (known->format->locate(known, volume, read, data, at, &place)) {
            fill_hit(fields, known, volume, &place, at, read, data, hit);
            return true;
        }
    }
    return false;
}

bool fields_find(const struct fields *fields, fields_read_fn *read, void *data, int64_t offset, struct field_hit *ret_hit)
{
    const struct volume *disk = volume_at(fields, 0);
    struct place place;

    if (offset < 0 || offset >= fields->size) {
        return false;
    }
    /* Tables of logical partitions lie between partitions; where somebody made one that does not, it is the table that counts. */
    if (tables_locate(&fields->tables, offset, &place)) {
        fill_hit(fields, NULL, disk, &place, offset, read, data, ret_hit);
        return true;
    }
    for (guint i = 1; i < fields->volumes->len; i++) {
        const struct volume *volume = volume_at(fields, i);

        if (offset >= volume->base && offset - volume->base < volume->size && find_in_volume(fields, volume, read, data, offset, ret_hit)) {
            return true;
        }
    }
    return find_in_volume(fields, disk, read, data, offset, ret_hit);
}

bool fields_find_unnamed(const struct fields *fields, fields_read_fn *read, void *data, int64_t offset, struct field_hit *ret_hit)
{
    struct volume unnamed;

    return offset >= 0 && offset < fields->size && fields->step == STEP_VOLUMES && unknown_volume(fields, offset) == 0 &&
           unnamed_volume(formats, G_N_ELEMENTS(formats), volume_at(fields, 0), read, data, offset, &unnamed) &&
           find_in_volume(fields, &unnamed, read, data, offset, ret_hit);
}

/* Logical ones come behind the one that holds them. */
unsigned fields_partition(const struct fields *fields, int64_t offset, int64_t *ret_start)
{
    for (guint i = fields->volumes->len; i-- > 1;) {
        const struct volume *volume = volume_at(fields, i);

        if (offset >= volume->base && offset - volume->base < volume->size) {
            *ret_start = volume->base;
            return volume->number;
        }
    }
    return 0;
}

void field_hit_clear(struct field_hit *hit)
{
    g_free(hit->where);
    g_free(hit->value);
    *hit = (struct field_hit){.target = -1};
}
