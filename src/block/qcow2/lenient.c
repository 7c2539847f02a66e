/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/lenient.h"

#include <errno.h>
#include <inttypes.h>

#include "block/node.h"
#include "block/qcow2/extensions.h"
#include "util/safetext.h"

enum { FIELDS_MAX = 112 };

struct report {
    const struct qcow2_header *header;
    int64_t file_size;
    inspect_field_fn *fn;
    void *data;
    int ret; /* of the callback that ended it */
};

/* problem: NULL for none. */
static void tell(struct report *report, int64_t offset, int64_t bytes, const char *name, const char *problem, const char *format, ...)
    G_GNUC_PRINTF(6, 7);

static void tell(struct report *report, int64_t offset, int64_t bytes, const char *name, const char *problem, const char *format, ...)
{
    if (report->ret != 0)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    if (!problem && bytes > 0 && (offset < 0 || offset > report->file_size || bytes > report->file_size - offset))
        problem = "lies past the end of the file";
    report->ret = report->fn(report->data, &(struct inspect_field){offset, bytes, name, value, problem});
}

/* ---- fields ---- */

static const char *problem_if(bool wrong, const char *problem)
{
    return wrong ? problem : NULL;
}

static bool is_aligned(const struct report *report, uint64_t offset)
{
    unsigned bits = report->header->cluster_bits;
    return bits >= 64 || !(offset & ((UINT64_C(1) << bits) - 1));
}

static void tell_first_fields(struct report *report)
{
    const struct qcow2_header *header = report->header;
    uint32_t bits = header->cluster_bits;
    tell(report, 0, 4, "magic", NULL, "0x%" PRIx32, (uint32_t)QCOW2_MAGIC);
    tell(report, 4, 4, "version", problem_if(header->version < 2 || header->version > 3, "is not 2 or 3"), "%" PRIu32, header->version);
    tell(report, 8, 8, "backing_file_offset", problem_if(bits < 64 && header->backing_offset >> bits, "lies outside of the first cluster"),
         "%#" PRIx64, header->backing_offset);
    tell(report, 16, 4, "backing_file_size", problem_if(header->backing_offset && header->backing_size > QCOW2_BACKING_NAME_MAX, "is more than 1023"),
         "%" PRIu32, header->backing_size);
    tell(report, 20, 4, "cluster_bits", problem_if(bits < QCOW2_CLUSTER_BITS_MIN || bits > QCOW2_CLUSTER_BITS_MAX, "is not 9 to 21"),
         "%" PRIu32, bits);
    tell(report, 24, 8, "size", problem_if(header->size > INT64_MAX, "is too big"), "%" PRIu64, header->size);
    tell(report, 32, 4, "crypt_method", problem_if(header->crypt_method > QCOW2_CRYPT_LUKS, "is unknown"), "%" PRIu32, header->crypt_method);
}

static void tell_tables(struct report *report)
{
    const struct qcow2_header *header = report->header;
    tell(report, 36, 4, "l1_size", problem_if(header->l1_size > QCOW2_L1_MAX / 8, "is too large"), "%" PRIu32, header->l1_size);
    tell(report, 40, 8, "l1_table_offset", problem_if(!is_aligned(report, header->l1_offset), "is not at the beginning of a cluster"), "%#" PRIx64,
         header->l1_offset);
    tell(report, 48, 8, "refcount_table_offset",
         problem_if(!is_aligned(report, header->refcount_table_offset), "is not at the beginning of a cluster"), "%#" PRIx64,
         header->refcount_table_offset);
    tell(report, 56, 4, "refcount_table_clusters", problem_if(header->refcount_table_clusters == 0, "there is no refcount table"), "%" PRIu32,
         header->refcount_table_clusters);
    tell(report, 60, 4, "nb_snapshots", problem_if(header->snapshot_count > QCOW2_SNAPSHOTS_MAX, "is too large"), "%" PRIu32,
         header->snapshot_count);
    tell(report, 64, 8, "snapshots_offset", problem_if(!is_aligned(report, header->snapshots_offset), "is not at the beginning of a cluster"),
         "%#" PRIx64, header->snapshots_offset);
}

static void tell_v3_fields(struct report *report)
{
    const struct qcow2_header *header = report->header;
    bool typed = header->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION;
    tell(report, 72, 8, "incompatible_features",
         problem_if(header->incompatible & ~(uint64_t)QCOW2_INCOMPATIBLE_KNOWN, "has features this version does not know"), "%#" PRIx64,
         header->incompatible);
    tell(report, 80, 8, "compatible_features", NULL, "%#" PRIx64, header->compatible);
    tell(report, 88, 8, "autoclear_features", NULL, "%#" PRIx64, header->autoclear);
    tell(report, 96, 4, "refcount_order", problem_if(header->refcount_order > 6, "is more than 6"), "%" PRIu32, header->refcount_order);
    tell(report, 100, 4, "header_length",
         problem_if(header->header_length < QCOW2_HEADER_V3 || header->header_length % 8, "is less than 104 or not a multiple of 8"),
         "%" PRIu32, header->header_length);
    if (header->header_length > QCOW2_HEADER_V3)
        tell(report, 104, 1, "compression_type",
             problem_if(header->compression > QCOW2_COMPRESSION_ZSTD || typed != (header->compression != 0),
                        "is unknown, or does not go with the incompatible feature"),
             "%u", header->compression);
}

/* ---- what lies behind the fields ---- */

static const char *extension_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } names[] = {
        {QCOW2_EXTENSION_BACKING_FORMAT, "extension backing format"}, {QCOW2_EXTENSION_FEATURE_NAMES, "extension feature names"},
        {QCOW2_EXTENSION_BITMAPS, "extension bitmaps"},               {QCOW2_EXTENSION_CRYPTO, "extension encryption header"},
        {QCOW2_EXTENSION_DATA_FILE, "extension data file"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].type == type)
            return names[i].name;
    return "extension unknown";
}

static bool is_text(uint32_t type)
{
    return type == QCOW2_EXTENSION_BACKING_FORMAT || type == QCOW2_EXTENSION_DATA_FILE;
}

static void tell_extensions(struct report *report, const uint8_t *cluster, size_t n)
{
    struct qcow2_extension extension;
    enum qcow2_extensions_step step;
    size_t at = report->header->header_length;
    while ((step = qcow2_extensions_next(report->header, cluster, n, &at, &extension)) == QCOW2_EXTENSIONS_MORE) {
        g_autofree char *text = is_text(extension.type) ? safetext_escape((const char *)extension.data, extension.length) : g_strdup("");
        tell(report, extension.at, 8 + (int64_t)extension.length, extension_name(extension.type), NULL, "type %#" PRIx32 ", %" PRIu32 " bytes%s%s",
             extension.type, extension.length, *text ? ": " : "", text);
    }
    if (step == QCOW2_EXTENSIONS_TOO_LONG)
        tell(report, extension.at, 8, extension_name(extension.type), "is longer than the space for it", "type %#" PRIx32 ", %" PRIu32 " bytes",
             extension.type, extension.length);
}

static void tell_backing_name(struct report *report, const uint8_t *cluster, size_t n)
{
    const struct qcow2_header *header = report->header;
    if (header->backing_offset == 0 || header->backing_offset >= n)
        return;
    size_t bytes = MIN(MIN(header->backing_size, QCOW2_BACKING_NAME_MAX), n - header->backing_offset);
    const char *name = (const char *)cluster + header->backing_offset;
    g_autofree char *safe = safetext_escape(name, strnlen(name, bytes));
    tell(report, header->backing_offset, bytes, "backing file name", NULL, "%s", safe);
}

/* A table that the header names: whether the file has it. */
static void tell_place(struct report *report, const char *name, uint64_t offset, uint64_t bytes)
{
    if (bytes == 0)
        return;
    bool beyond = offset > (uint64_t)report->file_size || bytes > (uint64_t)report->file_size - offset;
    tell(report, offset > INT64_MAX ? -1 : (int64_t)offset, bytes, name, problem_if(beyond, "lies past the end of the file"), "%" PRIu64 " bytes at %#" PRIx64,
         bytes, offset);
}

static void tell_places(struct report *report)
{
    const struct qcow2_header *header = report->header;
    tell_place(report, "L1 table", header->l1_offset, header->l1_size * UINT64_C(8));
    if (header->cluster_bits <= QCOW2_CLUSTER_BITS_MAX)
        tell_place(report, "refcount table", header->refcount_table_offset, (uint64_t)header->refcount_table_clusters << header->cluster_bits);
    tell_place(report, "snapshot table", header->snapshots_offset, header->snapshot_count * UINT64_C(40));
}

/* What the strict reader says of it all. */
static void tell_verdict_co(struct report *report, struct node *file)
{
    struct qcow2_header strict;
    g_autoptr(GError) error = NULL;
    if (qcow2_header_read_co(file, &strict, &error) < 0) {
        tell(report, -1, 0, "header", error->message, "can't be opened");
        return;
    }
    qcow2_header_clear(&strict);
    tell(report, -1, 0, "header", NULL, "can be opened");
}

int qcow2_lenient_header_co(struct node *file, inspect_field_fn *fn, void *data)
{
    uint8_t fields[FIELDS_MAX] = {0};
    struct qcow2_header header;
    struct report report = {.header = &header, .file_size = file->size, .fn = fn, .data = data};
    int ret = node_pread_co(file, 0, sizeof(fields), fields);
    if (ret < 0)
        return ret;
    if (qcow2_be32(fields) != QCOW2_MAGIC)
        return -ENOTSUP;
    qcow2_header_parse(fields, sizeof(fields), &header);
    tell_first_fields(&report);
    tell_tables(&report);
    if (header.version >= 3)
        tell_v3_fields(&report);
    if (header.cluster_bits >= QCOW2_CLUSTER_BITS_MIN && header.cluster_bits <= QCOW2_CLUSTER_BITS_MAX) {
        size_t n = MIN(INT64_C(1) << header.cluster_bits, file->size);
        g_autofree uint8_t *cluster = g_try_malloc0(n + 1);
        if (!cluster)
            return -ENOMEM;
        ret = node_pread_co(file, 0, n, cluster);
        if (ret < 0)
            return ret;
        tell_extensions(&report, cluster, n);
        tell_backing_name(&report, cluster, n);
    }
    tell_places(&report);
    tell_verdict_co(&report, file);
    return report.ret;
}
