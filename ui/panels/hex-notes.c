/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two things are looked up: once for what is open, the partitions it begins with and the header of the format it is the file of; and
 * for the cursor's place in such a file, what names it.  One coroutine at a time does both; a place that is asked for meanwhile is next.
 */
#include "ui/panels/hex-notes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "io/co.h"
#include "ui/panels/fields-qcow2.h"
#include "ui/panels/fields-records.h"
#include "util/safetext.h"

enum { TABLE_BYTES_MAX = 1 << 20 };

struct header_field {
    int64_t offset, bytes;
    char *name, *value;
};

struct run {
    struct hex_notes *notes; /* NULL: let go */
    struct co *co;
    struct inspect_owner owner; /* the best one so far */
    bool found;
    int64_t offset;
};

struct hex_notes {
    void (*updated)(void *data);
    void *data;
    struct blk *blk, *layer;
    struct run *run;
    struct co_queue waiters;
    bool opened;         /* what follows is known */
    struct fields *fields; /* of what is no file of a known format; NULL: it is one, or that is not known yet */
    GArray *header;      /* struct header_field */
    int64_t cluster_size; /* of the image; 0: none */
    bool has_geometry;
    struct qcow2_geometry geometry;
    bool has_place;      /* what follows is known */
    int64_t place_start, place_end;
    bool has_owner;
    struct inspect_owner owner;
    int64_t wanted;      /* -1: nothing */
    GByteArray *table;   /* the owner's bytes from its start on, where entries have to be told apart; perhaps empty */
};

static void free_header_field(void *data)
{
    struct header_field *field = data;

    g_free(field->name);
    g_free(field->value);
}

static void forget(struct hex_notes *notes)
{
    notes->opened = notes->has_geometry = notes->has_place = notes->has_owner = false;
    g_clear_pointer(&notes->fields, fields_free);
    g_array_set_size(notes->header, 0);
}

/* ---- finding out ---- */

static int on_header_field(void *data, const struct inspect_field *field)
{
    struct run *run = data;

    if (!run->notes) {
        return -ECANCELED;
    }
    g_autoptr(GString) value = g_string_new(field->value);

    if (field->problem) {
        g_string_append_printf(value, " ! %s", field->problem);
    }
    struct header_field known = {field->offset, field->bytes, safetext_escape(field->name, -1), safetext_escape(value->str, -1)};

    g_array_append_val(run->notes->header, known);
    return 0;
}

/* Nothing is read where nothing is. */
static bool is_hole_co(struct blk *blk, int64_t offset, int64_t bytes)
{
    struct blk_extent extent;
    int ret = blk_status_or_hole_co(blk, offset, bytes, &extent);

    return ret == 0 && extent.length >= bytes && (extent.kind == BLK_KIND_ZERO_PLAIN || extent.kind == BLK_KIND_UNALLOCATED || extent.hole);
}

static int read_co(struct blk *blk, int64_t offset, void *buf, size_t n)
{
    struct iovec iov = {buf, n};

    return blk_preadv_co(blk, offset, &iov, 1, BLK_INTERNAL, NULL);
}

/* One more of the ranges that the structures of the disk have to be known from; what can't be read is as if it were nothing. */
static void learn_co(struct run *run, int64_t offset, size_t n)
{
    g_autofree uint8_t *bytes = g_malloc(n);
    struct blk *blk = run->notes->blk;
    bool got = !is_hole_co(blk, offset, (int64_t)n) && run->notes && read_co(blk, offset, bytes, n) == 0;

    if (run->notes) {
        fields_give(run->notes->fields, bytes, got ? n : 0);
    }
}

static void open_co(struct run *run)
{
    struct blk *blk = run->notes->blk, *layer = run->notes->layer;
    uint8_t header[QCOW2_HEADER_BYTES];
    int64_t cluster_size = 0, size = blk_length(blk);
    struct blk_info info;

    if (!layer && blk_info_co(blk, &info) >= 0) {
        cluster_size = MAX(0, info.cluster_size);
        blk_info_clear(&info);
    }
    bool known = run->notes && layer && size >= QCOW2_HEADER_BYTES && read_co(blk, 0, header, sizeof header) == 0;

    if (known && run->notes && fields_qcow2_geometry(header, &run->notes->geometry)) {
        run->notes->has_geometry = true;
        inspect_header_co(blk, on_header_field, run);
    } else if (run->notes) {
        run->notes->fields = fields_new(MAX(0, size));
    }
    if (run->notes) {
        run->notes->cluster_size = cluster_size;
        run->notes->opened = true;
    }
}

/* Snapshots and bitmaps in their tables are of different lengths: they are known from the first one on. */
static void read_table_co(struct run *run)
{
    enum inspect_role role = run->owner.role;
    g_autofree uint8_t *bytes = NULL;
    struct blk *blk = run->notes->blk;
    int64_t n = MIN(MIN(run->owner.bytes, blk_length(blk) - run->owner.host), TABLE_BYTES_MAX);

    if (!run->found || (role != INSPECT_SNAPSHOT_TABLE && role != INSPECT_BITMAP_DIRECTORY) || n <= 0) {
        return;
    }
    bytes = g_malloc((size_t)n);

    struct iovec iov = {bytes, (size_t)n};

    if (blk_preadv_co(blk, run->owner.host, &iov, 1, BLK_INTERNAL, NULL) == 0 && run->notes) {
        g_byte_array_append(run->notes->table, bytes, (guint)n);
    }
}

/* What belongs to no snapshot says most. */
static int on_owner(void *data, const struct inspect_owner *owner)
{
    struct run *run = data;

    if (!run->found || (run->owner.snapshot_id && !owner->snapshot_id)) {
        run->owner = *owner;
        run->owner.snapshot_id = owner->snapshot_id ? "" : NULL; /* the text is not ours */
        run->owner.snapshot_name = run->owner.bitmap = NULL;
        run->found = true;
    }
    return run->notes ? 0 : -ECANCELED;
}

static void find_place_co(struct run *run)
{
    struct hex_notes *notes = run->notes;
    int64_t size = INT64_C(1) << notes->geometry.cluster_bits;
    uint64_t refcount;

    run->offset = notes->wanted;
    run->found = false;
    inspect_explain_host_co(notes->layer, run->offset, on_owner, run, &refcount);
    if (run->notes) {
        g_byte_array_set_size(notes->table, 0);
        read_table_co(run);
    }
    if (run->notes) {
        notes->has_place = true;
        notes->place_start = run->offset - run->offset % size;
        notes->place_end = notes->place_start + size;
        notes->has_owner = run->found;
        notes->owner = run->owner;
    }
}

static bool wants_place(const struct hex_notes *notes)
{
    return notes->has_geometry && notes->wanted >= 0 &&
           !(notes->has_place && notes->wanted >= notes->place_start && notes->wanted < notes->place_end);
}

/* Whether something is not known yet; of a disk, then that range. */
static bool is_wanting(const struct hex_notes *notes, int64_t *ret_offset, size_t *ret_bytes)
{
    return !notes->opened || wants_place(notes) || (notes->fields && notes->wanted >= 0 && fields_wants(notes->fields, notes->wanted, ret_offset, ret_bytes));
}

static void run_co(void *data)
{
    struct run *run = data;

    int64_t offset;
    size_t n;

    run->co = co_self();
    co_yield_co(); /* a frame is being painted right now */
    while (run->notes && is_wanting(run->notes, &offset, &n)) {
        if (!run->notes->opened) {
            open_co(run);
        } else if (run->notes->fields) {
            learn_co(run, offset, n);
        } else {
            find_place_co(run);
        }
    }
    if (run->notes) {
        run->notes->run = NULL;
        run->notes->updated(run->notes->data);
        co_queue_wake_all(&run->notes->waiters);
    }
    g_free(run);
}

static void let_go(struct hex_notes *notes)
{
    struct run *run = g_steal_pointer(&notes->run);

    if (run) {
        run->notes = NULL;
        co_cancel(run->co);
    }
    co_queue_wake_all(&notes->waiters);
}

/* ---- for the owner ---- */

struct hex_notes *hex_notes_new(void (*updated)(void *data), void *data)
{
    struct hex_notes *notes = g_new0(struct hex_notes, 1);

    notes->updated = updated;
    notes->data = data;
    notes->wanted = -1;
    notes->header = g_array_new(FALSE, FALSE, sizeof(struct header_field));
    g_array_set_clear_func(notes->header, free_header_field);
    notes->table = g_byte_array_new();
    return notes;
}

void hex_notes_free(struct hex_notes *notes)
{
    if (notes) {
        let_go(notes);
        forget(notes);
        g_array_unref(notes->header);
        g_byte_array_unref(notes->table);
        g_free(notes);
    }
}

void hex_notes_open(struct hex_notes *notes, struct blk *blk, struct blk *layer)
{
    let_go(notes);
    forget(notes);
    notes->blk = blk;
    notes->layer = layer;
    notes->wanted = -1;
}

void hex_notes_changed(struct hex_notes *notes)
{
    let_go(notes);
    forget(notes);
}

void hex_notes_written(struct hex_notes *notes, int64_t offset, int64_t bytes)
{
    /* What is being read right now may be the old bytes. */
    if (notes->run || (notes->fields && fields_depend_on(notes->fields, offset, bytes))) {
        hex_notes_changed(notes);
    }
}

void hex_notes_want(struct hex_notes *notes, int64_t offset)
{
    int64_t at;
    size_t n;

    notes->wanted = offset;
    if (notes->blk && !notes->run && is_wanting(notes, &at, &n)) {
        struct run *run = g_new0(struct run, 1);

        run->notes = notes;
        notes->run = run;
        co_start(run_co, run);
    }
}

int64_t hex_notes_cluster_size(const struct hex_notes *notes)
{
    return notes->has_geometry ? INT64_C(1) << notes->geometry.cluster_bits : notes->cluster_size;
}

bool hex_notes_known(const struct hex_notes *notes)
{
    return !notes->run;
}

int hex_notes_wait_co(struct hex_notes *notes)
{
    return notes->run ? co_queue_wait_co(&notes->waiters) : 0;
}

static bool read_source(void *data, int64_t offset, void *buf, size_t n)
{
    struct hex_source *source = data;
    uint8_t states[4096];

    if (offset < 0 || n > sizeof states || offset > source->ops->size(source) - (int64_t)n) {
        return false;
    }
    source->ops->get(source, offset, n, buf, states);
    for (size_t i = 0; i < n; i++) {
        if (states[i] != HEX_KNOWN && states[i] != HEX_HOLE) {
            return false;
        }
    }
    return true;
}

static bool find_in_header(struct hex_notes *notes, struct hex_source *source, int64_t offset, struct field_hit *ret_hit)
{
    for (guint i = 0; i < notes->header->len; i++) {
        const struct header_field *field = &g_array_index(notes->header, struct header_field, i);
        uint8_t bytes[8];

        if (offset < field->offset || offset - field->offset >= field->bytes) {
            continue;
        }
        *ret_hit = (struct field_hit){.where = g_strdup("qcow2 header"), .name = field->name, .value = g_strdup(field->value),
                                      .offset = field->offset, .bytes = field->bytes, .target = -1};
        if (field->bytes >= 8 && read_source(source, field->offset, bytes, 8)) {
            ret_hit->target = fields_qcow2_header_target(field->offset, bytes, 8);
        }
        return true;
    }
    return false;
}

char *hex_notes_partition(const struct hex_notes *notes, int64_t offset)
{
    int64_t start;
    unsigned number = notes->fields ? fields_partition(notes->fields, offset, &start) : 0;

    return number > 0 ? g_strdup_printf("partition %u + 0x%" PRIx64, number, offset - start) : NULL;
}

bool hex_notes_find(struct hex_notes *notes, struct hex_source *source, int64_t offset, struct field_hit *ret_hit)
{
    uint8_t entry[16];

    if (notes->fields) {
        return fields_find(notes->fields, read_source, source, offset, ret_hit) ||
               fields_find_unnamed(notes->fields, read_source, source, offset, ret_hit);
    }
    bool owned = notes->has_place && notes->has_owner && offset >= notes->place_start && offset < notes->place_end;
    unsigned size = owned ? fields_qcow2_entry_bytes(&notes->geometry, notes->owner.role) : 0;

    if (owned && offset >= notes->owner.host &&
        fields_record_find(notes->owner.role, notes->table->data, notes->table->len, (size_t)(offset - notes->owner.host), notes->owner.host, ret_hit)) {
        return true;
    }
    if (size == 0 && find_in_header(notes, source, offset, ret_hit)) { /* which tells of tables as a whole, too */
        return true;
    }
    if (!owned) {
        return false;
    }
    int64_t start = size > 0 ? offset - (offset - notes->owner.host) % size : offset;
    bool known = size > 0 && read_source(source, start, entry, size);

    fields_qcow2_describe(&notes->geometry, &notes->owner, offset, known ? entry : NULL, ret_hit);
    return true;
}

int64_t hex_notes_guest(struct hex_notes *notes, int64_t offset)
{
    bool known = notes->has_place && notes->has_owner && offset >= notes->place_start && offset < notes->place_end;

    if (notes->opened && !notes->has_geometry) {
        return offset; /* a raw image */
    }
    if (!known || notes->owner.guest < 0 || (notes->owner.role != INSPECT_DATA && notes->owner.role != INSPECT_COMPRESSED)) {
        return -1;
    }
    return notes->owner.guest + (notes->owner.role == INSPECT_DATA ? offset - notes->owner.host : 0);
}
