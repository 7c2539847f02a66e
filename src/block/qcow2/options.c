/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The driver's own options.  All are checked; those that only matter to a writer have no effect on reading. */
#include <errno.h>

#include "block/qcow2/qcow2.h"

static const char *const overlap_templates[] = {"none", "constant", "cached", "all", NULL};
static const char *const overlap_switches[] = {
    "overlap-check.main-header",    "overlap-check.active-l1",    "overlap-check.active-l2",
    "overlap-check.refcount-table", "overlap-check.refcount-block", "overlap-check.snapshot-table",
    "overlap-check.inactive-l1",    "overlap-check.inactive-l2",  "overlap-check.bitmap-directory",
};
static const char *const writer_switches[] = {"pass-discard-snapshot", "pass-discard-other"};

/* What a cache of tables takes when nobody says; and the least that can work. */
#define L2_CACHE_DEFAULT (UINT64_C(32) << 20)

const struct driver_option qcow2_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .help = "what holds the image"},
    {.name = "backing", .type = DRIVER_OPTION_CHILD, .help = "the backing file; backing=null for none"},
    {.name = "data-file", .type = DRIVER_OPTION_CHILD, .help = "the external data file"},
    {.name = "snapshot", .type = DRIVER_OPTION_STRING, .help = "internal snapshot to read instead of the active state, by id or name"},
    {.name = "lazy-refcounts", .type = DRIVER_OPTION_BOOL, .help = "postpone refcount updates", .reopen = true},
    {.name = "pass-discard-request", .type = DRIVER_OPTION_BOOL, .help = "discards of the guest reach the file", .reopen = true},
    {.name = "pass-discard-snapshot", .type = DRIVER_OPTION_BOOL, .help = "so do those of snapshots", .reopen = true},
    {.name = "pass-discard-other", .type = DRIVER_OPTION_BOOL, .help = "and of all else that is freed", .reopen = true},
    {.name = "overlap-check", .type = DRIVER_OPTION_STRING, .help = "none|constant|cached|all: what writes must not hit", .reopen = true},
    {.name = "overlap-check.template", .type = DRIVER_OPTION_STRING, .help = "the same, with switches for each part", .reopen = true},
    {.name = "overlap-check.main-header", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.active-l1", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.active-l2", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.refcount-table", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.refcount-block", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.snapshot-table", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.inactive-l1", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.inactive-l2", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "overlap-check.bitmap-directory", .type = DRIVER_OPTION_BOOL, .reopen = true},
    {.name = "cache-size", .type = DRIVER_OPTION_SIZE, .help = "bytes for tables in memory", .reopen = true},
    {.name = "l2-cache-size", .type = DRIVER_OPTION_SIZE, .help = "of these, for L2 tables", .reopen = true},
    {.name = "l2-cache-entry-size", .type = DRIVER_OPTION_SIZE, .help = "bytes of a piece of an L2 table", .reopen = true},
    {.name = "refcount-cache-size", .type = DRIVER_OPTION_SIZE, .help = "and for refcounts", .reopen = true},
    {.name = "cache-clean-interval", .type = DRIVER_OPTION_NUMBER, .help = "seconds; accepted", .reopen = true},
    {.name = "encrypt", .type = DRIVER_OPTION_GROUP, .help = "of encrypted images; accepted, but data is not decrypted"},
    {},
};

static int take_overlap_check(struct options *options, GError **error)
{
    g_autofree char *word = options_take_string(options, "overlap-check");
    g_autofree char *template = options_take_string(options, "overlap-check.template");
    const char *value = word ? word : template;
    if (word && template && strcmp(word, template) != 0)
        return qcow2_header_fail(error, EINVAL,
                                 "Conflicting values for qcow2 options 'overlap-check' ('%s') and 'overlap-check.template' ('%s')", word,
                                 template);
    if (value && !g_strv_contains(overlap_templates, value))
        return qcow2_header_fail(error, EINVAL,
                                 "Unsupported value '%s' for qcow2 option 'overlap-check'. Allowed are any of the following: none, "
                                 "constant, cached, all",
                                 value);
    for (unsigned i = 0; i < G_N_ELEMENTS(overlap_switches); i++)
        options_remove(options, overlap_switches[i]);
    return 0;
}

/* -1: not given. */
struct cache_sizes {
    int64_t all, l2, refcount;
};

static int check_cache_sizes(const struct qcow2 *qcow2, const struct cache_sizes *sizes, GError **error)
{
    if (sizes->all >= 0 && sizes->l2 >= 0 && sizes->refcount >= 0)
        return qcow2_header_fail(error, EINVAL, "cache-size, l2-cache-size and refcount-cache-size may not be set at the same time");
    if (sizes->all >= 0 && sizes->l2 > sizes->all)
        return qcow2_header_fail(error, EINVAL, "l2-cache-size may not exceed cache-size");
    if (sizes->all >= 0 && sizes->refcount > sizes->all)
        return qcow2_header_fail(error, EINVAL, "refcount-cache-size may not exceed cache-size");
    int64_t refcount = MAX(sizes->refcount, sizes->l2 < 0 && sizes->refcount < 0 ? sizes->all : 0);
    if (refcount / qcow2->cluster_size > INT32_MAX)
        return qcow2_header_fail(error, EINVAL, "Refcount cache size too big");
    return 0;
}

static int take_caches(const struct qcow2 *qcow2, struct options *options, uint64_t *ret_l2, GError **error)
{
    struct cache_sizes sizes = {
        .all = options_take_size(options, "cache-size", -1),
        .l2 = options_take_size(options, "l2-cache-size", -1),
        .refcount = options_take_size(options, "refcount-cache-size", -1),
    };
    int64_t entry = options_take_size(options, "l2-cache-entry-size", qcow2->cluster_size);
    uint64_t interval = options_take_number(options, "cache-clean-interval", 0);
    int ret = check_cache_sizes(qcow2, &sizes, error);
    if (ret < 0)
        return ret;
    if (entry < 512 || entry > qcow2->cluster_size || (entry & (entry - 1)))
        return qcow2_header_fail(error, EINVAL, "L2 cache entry size must be a power of two between 512 and the cluster size (%d)",
                                 (int)qcow2->cluster_size);
    if (interval > UINT32_MAX)
        return qcow2_header_fail(error, EINVAL, "Cache clean interval too big");
    *ret_l2 = sizes.l2 >= 0 ? (uint64_t)sizes.l2 : sizes.all >= 0 ? (uint64_t)sizes.all : L2_CACHE_DEFAULT;
    return 0;
}

static int take_encryption(const struct qcow2 *qcow2, struct options *options, GError **error)
{
    static const char *const formats[] = {[QCOW2_CRYPT_AES] = "aes", [QCOW2_CRYPT_LUKS] = "luks"};
    g_autoptr(options) encrypt = options_take_child(options, "encrypt");
    const char *format = options_get(encrypt, "format");
    const char *wanted = formats[qcow2->header.crypt_method];
    if (format && !wanted)
        return qcow2_header_fail(error, EINVAL, "No encryption in image header, but options specified format '%s'", format);
    if (format && strcmp(format, wanted) != 0)
        return qcow2_header_fail(error, EINVAL, "Header reported '%s' encryption format but options specify '%s'", wanted, format);
    return 0;
}

int qcow2_options_take(const struct qcow2 *qcow2, struct options *options, struct qcow2_settings *ret_settings, GError **error)
{
    struct qcow2_settings settings = {0};
    bool lazy = options_take_bool(options, "lazy-refcounts", false);
    int ret = take_caches(qcow2, options, &settings.l2_cache_size, error);
    if (ret == 0)
        ret = take_overlap_check(options, error);
    if (ret == 0 && lazy && qcow2->header.version < 3)
        ret = qcow2_header_fail(error, EINVAL, "Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level");
    if (ret == 0)
        ret = take_encryption(qcow2, options, error);
    if (ret < 0)
        return ret;
    for (unsigned i = 0; i < G_N_ELEMENTS(writer_switches); i++)
        options_remove(options, writer_switches[i]);
    settings.pass_discard = options_has(options, "pass-discard-request") ? options_take_bool(options, "pass-discard-request", false) : -1;
    settings.snapshot = options_take_string(options, "snapshot");
    *ret_settings = settings;
    return 0;
}
