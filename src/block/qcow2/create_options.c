/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of a new image.  They are checked in the reference program's order, so that of several faults the same one is told. */
#include <errno.h>
#include <string.h>

#include "block/driver.h"
#include "block/probe.h"
#include "block/qcow2/create.h"

enum { SECTOR = 512 };

const struct driver_option qcow2_create_options[] = {
    {.name = "encrypt", .type = DRIVER_OPTION_GROUP, .help = "encrypted images can't be made"},
    {.name = "encryption", .type = DRIVER_OPTION_BOOL, .help = "encrypted images can't be made"},
    {.name = "cluster_size", .type = DRIVER_OPTION_SIZE, .help = "512 to 2M, a power of two", .fallback = "65536"},
    {.name = "extended_l2", .type = DRIVER_OPTION_BOOL, .help = "entries tell 32 parts of a cluster apart", .fallback = "off"},
    {.name = "preallocation", .type = DRIVER_OPTION_STRING, .help = "off|metadata|falloc|full: what is behind the disk's space"},
    {.name = "compression_type", .type = DRIVER_OPTION_STRING, .help = "zlib|zstd: of compressed clusters", .fallback = "zlib"},
    {.name = "size", .type = DRIVER_OPTION_SIZE, .help = "of the disk"},
    {.name = "compat", .type = DRIVER_OPTION_STRING, .help = "v2|v3 (0.10|1.1): version of the format"},
    {.name = "backing_file", .type = DRIVER_OPTION_STRING, .help = "what is not in the image comes from there"},
    {.name = "backing_fmt", .type = DRIVER_OPTION_STRING, .help = "format of the backing file"},
    {.name = "data_file", .type = DRIVER_OPTION_STRING, .help = "external file for the guest's data"},
    {.name = "data_file_raw", .type = DRIVER_OPTION_BOOL, .help = "the data file by itself is a raw image"},
    {.name = "lazy_refcounts", .type = DRIVER_OPTION_BOOL, .help = "refcounts may be postponed", .fallback = "off"},
    {.name = "refcount_bits", .type = DRIVER_OPTION_NUMBER, .help = "1 to 64, a power of two: width of a refcount", .fallback = "16"},
    {.name = "nocow", .type = DRIVER_OPTION_BOOL, .help = "no copying on write (btrfs)"},
    {},
};

static bool is_on(const struct create *create, const char *key)
{
    const char *value = options_get(create->options, key);
    return value && options_parse_bool(value) == 1;
}

/* ---- words ---- */

static int take_word(const struct create *create, const char *key, const char *name, const char *const *words, int fallback, GError **error)
{
    const char *value = options_get(create->options, key);
    int found = value ? options_parse_enum(value, words) : fallback;
    return found >= 0 ? found : options_refuse(error, EINVAL, "Parameter '%s' does not accept value '%s'", name, value);
}

static int read_version(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    static const char *const versions[] = {"v2", "0.10", "v3", "1.1", NULL};
    int version = take_word(create, "compat", "version", versions, 3, error);
    plan->header.version = version < 2 ? 2 : 3;
    return MIN(version, 0);
}

static int check_backing_format(const struct create *create, GError **error)
{
    const char *format = create->backing_format;
    if (!format || driver_find(format) || probe_knows_format(format))
        return 0;
    return options_refuse(error, EINVAL, "Parameter 'backing-fmt' does not accept value '%s'", format);
}

static int refuse_encryption(const struct create *create, GError **error)
{
    bool wanted = is_on(create, "encryption");
    for (unsigned i = 0; i < options_count(create->options); i++) {
        const char *key, *value;
        options_at(create->options, i, &key, &value);
        wanted |= g_str_has_prefix(key, "encrypt.");
    }
    return wanted ? options_refuse(error, ENOTSUP, "Encrypted images can't be made: Operation not supported") : 0;
}

static int read_words(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    static const char *const compressions[] = {"zlib", "zstd", NULL};
    int ret = read_version(create, plan, error);
    if (ret == 0)
        ret = check_backing_format(create, error);
    if (ret == 0)
        ret = refuse_encryption(create, error);
    if (ret < 0)
        return ret;
    int prealloc = take_word(create, "preallocation", "preallocation", blk_prealloc_names, BLK_PREALLOC_OFF, error);
    if (prealloc < 0)
        return prealloc;
    int compression = take_word(create, "compression_type", "compression-type", compressions, QCOW2_COMPRESSION_ZLIB, error);
    plan->prealloc = prealloc;
    plan->header.compression = compression;
    return MIN(compression, 0);
}

/* ---- numbers ---- */

/* The exponent of a power of two, -1 of anything else. */
static int exponent(uint64_t value)
{
    return value && (value & (value - 1)) == 0 ? __builtin_ctzll(value) : -1;
}

static int read_cluster_size(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    g_autoptr(options) copy = options_copy(create->options);
    int bits = exponent(options_take_size(copy, "cluster_size", 65536));
    if (bits < QCOW2_CLUSTER_BITS_MIN || bits > QCOW2_CLUSTER_BITS_MAX)
        return options_refuse(error, EINVAL, "Cluster size must be a power of two between %d and %dk", 1 << QCOW2_CLUSTER_BITS_MIN,
                              1 << (QCOW2_CLUSTER_BITS_MAX - 10));
    plan->header.cluster_bits = bits;
    return 0;
}

static int read_refcount_bits(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    g_autoptr(options) copy = options_copy(create->options);
    int order = exponent(options_take_number(copy, "refcount_bits", 16));
    if (order < 0 || order > 6)
        return options_refuse(error, EINVAL, "Refcount width must be a power of two and may not exceed 64 bits");
    if (order != 4 && plan->header.version < 3)
        return options_refuse(error, EINVAL,
                              "Different refcount widths than 16 bits require compatibility level 1.1 or above (use version=v3 or "
                              "greater)");
    plan->header.refcount_order = order;
    return 0;
}

/* ---- features ---- */

static int needs_v3(const struct qcow2_create_plan *plan, const char *what, GError **error)
{
    if (plan->header.version >= 3)
        return 0;
    return options_refuse(error, EINVAL, "%s only supported with compatibility level 1.1 and above (use version=v3 or greater)", what);
}

static int read_extended_l2(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    if (!is_on(create, "extended_l2"))
        return 0;
    if (plan->header.cluster_bits < QCOW2_EXTENDED_CLUSTER_BITS_MIN)
        return options_refuse(error, EINVAL, "Extended L2 entries are only supported with cluster sizes of at least %d bytes",
                              1 << QCOW2_EXTENDED_CLUSTER_BITS_MIN);
    plan->header.incompatible |= QCOW2_INCOMPATIBLE_EXTENDED_L2;
    return needs_v3(plan, "Extended L2 entries are", error);
}

static int read_data_file(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    plan->header.data_file = (char *)options_get(create->options, "data_file");
    if (is_on(create, "data_file_raw")) {
        if (!plan->header.data_file)
            return options_refuse(error, EINVAL, "data-file-raw requires data-file");
        if (create->backing)
            return options_refuse(error, EINVAL, "Backing file and data-file-raw cannot be used at the same time");
        plan->header.autoclear |= QCOW2_AUTOCLEAR_DATA_FILE_RAW;
    }
    if (!plan->header.data_file)
        return 0;
    plan->header.incompatible |= QCOW2_INCOMPATIBLE_DATA_FILE;
    return needs_v3(plan, "External data files are", error);
}

static int read_features(const struct create *create, struct qcow2_create_plan *plan, GError **error)
{
    int ret = read_extended_l2(create, plan, error);
    if (ret == 0 && create->backing && plan->prealloc != BLK_PREALLOC_OFF && !(plan->header.incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2))
        ret = options_refuse(error, EINVAL, "Backing file and preallocation can only be used at the same time if extended_l2 is on");
    if (ret == 0 && is_on(create, "lazy_refcounts")) {
        plan->header.compatible |= QCOW2_COMPATIBLE_LAZY_REFCOUNTS;
        ret = needs_v3(plan, "Lazy refcounts", error);
    }
    if (ret == 0)
        ret = read_refcount_bits(create, plan, error);
    if (ret == 0)
        ret = read_data_file(create, plan, error);
    if (ret == 0 && plan->header.compression != QCOW2_COMPRESSION_ZLIB) {
        plan->header.incompatible |= QCOW2_INCOMPATIBLE_COMPRESSION;
        ret = needs_v3(plan, "Non-zlib compression type is", error);
    }
    return ret;
}

int qcow2_create_options_read(const struct create *create, struct qcow2_create_plan *ret_plan, GError **error)
{
    struct qcow2_create_plan plan = {
        .size = ((uint64_t)create->size + SECTOR - 1) & ~(uint64_t)(SECTOR - 1),
        .header.backing_name = (char *)create->backing,
        .header.backing_format = (char *)create->backing_format,
    };
    int ret = read_words(create, &plan, error);
    if (ret == 0)
        ret = read_cluster_size(create, &plan, error);
    if (ret == 0)
        ret = read_features(create, &plan, error);
    if (ret == 0)
        *ret_plan = plan;
    return ret;
}
