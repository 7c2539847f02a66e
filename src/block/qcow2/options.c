/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The driver's own options.  All are checked; those that only matter to a writer have no effect on reading. */
#include <errno.h>

#include "block/qcow2/writer.h"

/* "overlap-check" and its switches, by the documentation of the reference program. */
enum {
    OVERLAP_CONSTANT = QCOW2_ROLE_HEADER | QCOW2_ROLE_ACTIVE_L1 | QCOW2_ROLE_REFCOUNT_TABLE | QCOW2_ROLE_SNAPSHOT_TABLE | QCOW2_ROLE_BITMAP_DIRECTORY,
    OVERLAP_CACHED = OVERLAP_CONSTANT | QCOW2_ROLE_ACTIVE_L2 | QCOW2_ROLE_REFCOUNT_BLOCK | QCOW2_ROLE_INACTIVE_L1,
};
static const struct {
    const char *name;
    unsigned roles;
} overlap_templates[] = {{"none", 0}, {"constant", OVERLAP_CONSTANT}, {"cached", OVERLAP_CACHED}, {"all", QCOW2_ROLE_ALL}};
static const struct {
    const char *name;
    enum qcow2_role role;
} overlap_switches[] = {
    {"overlap-check.main-header", QCOW2_ROLE_HEADER},
    {"overlap-check.active-l1", QCOW2_ROLE_ACTIVE_L1},
    {"overlap-check.active-l2", QCOW2_ROLE_ACTIVE_L2},
    {"overlap-check.refcount-table", QCOW2_ROLE_REFCOUNT_TABLE},
    {"overlap-check.refcount-block", QCOW2_ROLE_REFCOUNT_BLOCK},
    {"overlap-check.snapshot-table", QCOW2_ROLE_SNAPSHOT_TABLE},
    {"overlap-check.inactive-l1", QCOW2_ROLE_INACTIVE_L1},
    {"overlap-check.inactive-l2", QCOW2_ROLE_INACTIVE_L2},
    {"overlap-check.bitmap-directory", QCOW2_ROLE_BITMAP_DIRECTORY},
};

enum { PIECE_MAX = 4096 }; /* of an L2 table at once, when nobody says */

/* What tables take in memory when nobody says, and at most. */
#define L2_CACHE_DEFAULT       (UINT64_C(32) << 20)
#define REFCOUNT_CACHE_DEFAULT (UINT64_C(1) << 20)
#define CACHE_MAX              (UINT64_C(1) << 30)
enum { REFCOUNT_CLUSTERS_MIN = 4 }; /* what refcounts have of a cache-size in any case */

const struct driver_option qcow2_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "what holds the image"},
    {.name = "backing", .type = DRIVER_OPTION_CHILD, .help = "the backing file; backing=null for none"},
    {.name = "data-file", .type = DRIVER_OPTION_CHILD, .help = "the external data file"},
    {.name = "snapshot", .type = DRIVER_OPTION_STRING, .help = "internal snapshot to read instead of the active state, by id or name"},
    {.name = "repair", .type = DRIVER_OPTION_BOOL, .help = "with -w: open for 'check -r' only, however damaged it is"},
    {.name = "lazy-refcounts", .type = DRIVER_OPTION_BOOL, .help = "postpone refcount updates", .reopen = true},
    {.name = "pass-discard-request", .type = DRIVER_OPTION_BOOL, .help = "discards of the guest reach the file", .reopen = true},
    {.name = "pass-discard-snapshot", .type = DRIVER_OPTION_BOOL, .help = "so does what deleting a snapshot frees; nothing here deletes one", .reopen = true},
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
    {.name = "cache-size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "bytes for tables in memory", .reopen = true},
    {.name = "l2-cache-size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "of these, for L2 tables", .reopen = true},
    {.name = "l2-cache-entry-size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "bytes of a piece of an L2 table", .reopen = true},
    {.name = "refcount-cache-size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "and for refcounts", .reopen = true},
    {.name = "cache-clean-interval", .type = DRIVER_OPTION_NUMBER, .help = "seconds after which tables that nobody used leave memory; 0: never", .reopen = true},
    {.name = "encrypt", .type = DRIVER_OPTION_GROUP, .help = "of encrypted images; accepted, but data is not decrypted", .reopen = true},
    {},
};

static int take_overlap_check(struct options *options, unsigned *ret_roles, GError **error)
{
    g_autofree char *word = options_take_string(options, "overlap-check");
    g_autofree char *template = options_take_string(options, "overlap-check.template");
    const char *value = word ? word : template;
    if (word && template && strcmp(word, template) != 0)
        return options_refuse(error, EINVAL,
                              "Conflicting values for qcow2 options 'overlap-check' ('%s') and 'overlap-check.template' ('%s')", word,
                              template);
    unsigned i = 0;
    while (i < G_N_ELEMENTS(overlap_templates) && strcmp(overlap_templates[i].name, value ? value : "cached") != 0)
        i++;
    if (i == G_N_ELEMENTS(overlap_templates))
        return options_refuse(error, EINVAL,
                              "Unsupported value '%s' for qcow2 option 'overlap-check'. Allowed are any of the following: none, "
                              "constant, cached, all",
                              value);
    *ret_roles = overlap_templates[i].roles;
    for (i = 0; i < G_N_ELEMENTS(overlap_switches); i++) {
        bool on = options_take_bool(options, overlap_switches[i].name, *ret_roles & overlap_switches[i].role);
        *ret_roles = on ? *ret_roles | overlap_switches[i].role : *ret_roles & ~overlap_switches[i].role;
    }
    return 0;
}

/* As they are given; one that is not is 0. */
struct cache_sizes {
    uint64_t all, l2, refcount, entry;
    bool has_all, has_l2, has_refcount;
};

/* All of the disk's L2 tables. */
static uint64_t all_tables(const struct qcow2 *qcow2)
{
    uint64_t clusters = (uint64_t)qcow2->size / qcow2->cluster_size + 1, entry_bytes = 8 * qcow2->entry_words;
    return (clusters * entry_bytes / qcow2->cluster_size + 1) * qcow2->cluster_size;
}

static int check_cache_sizes(const struct qcow2 *qcow2, const struct cache_sizes *sizes, GError **error)
{
    if (sizes->has_all && sizes->has_l2 && sizes->has_refcount)
        return options_refuse(error, EINVAL, "cache-size, l2-cache-size and refcount-cache-size may not be set at the same time");
    if (sizes->has_all && sizes->l2 > sizes->all)
        return options_refuse(error, EINVAL, "l2-cache-size may not exceed cache-size");
    if (sizes->has_all && sizes->refcount > sizes->all)
        return options_refuse(error, EINVAL, "refcount-cache-size may not exceed cache-size");
    if (sizes->entry < 512 || sizes->entry > (uint64_t)qcow2->cluster_size || (sizes->entry & (sizes->entry - 1)))
        return options_refuse(error, EINVAL, "L2 cache entry size must be a power of two between 512 and the cluster size (%d)",
                              (int)qcow2->cluster_size);
    /* Refcounts are left what L2 tables can't use, and L2 tables what refcounts are not given. */
    uint64_t l2 = MIN(sizes->has_l2 ? sizes->l2 : sizes->all, all_tables(qcow2));
    uint64_t refcount = sizes->has_refcount ? sizes->refcount : sizes->has_all ? sizes->all - l2 : 0;
    if (sizes->has_all && sizes->has_refcount)
        l2 = sizes->all - sizes->refcount;
    if (l2 / sizes->entry > INT32_MAX)
        return options_refuse(error, EINVAL, "L2 cache size too big");
    if (refcount / qcow2->cluster_size > INT32_MAX)
        return options_refuse(error, EINVAL, "Refcount cache size too big");
    return 0;
}

/* What one of two sizes leaves is for the other: L2 tables have what they can use but what refcounts need. */
static void share_caches(const struct qcow2 *qcow2, const struct cache_sizes *sizes, struct qcow2_settings *settings)
{
    uint64_t l2 = sizes->has_l2 ? sizes->l2 : L2_CACHE_DEFAULT, refcount = sizes->has_refcount ? sizes->refcount : REFCOUNT_CACHE_DEFAULT;
    if (sizes->has_all) {
        uint64_t least = sizes->has_refcount ? sizes->refcount : MIN(REFCOUNT_CLUSTERS_MIN * (uint64_t)qcow2->cluster_size, sizes->all);
        l2 = MIN(sizes->has_l2 ? sizes->l2 : sizes->all - least, all_tables(qcow2));
        refcount = sizes->has_refcount ? sizes->refcount : MAX(sizes->all - l2, least);
    }
    settings->l2_cache_size = MIN(l2, CACHE_MAX);
    settings->refcount_cache_size = MIN(refcount, CACHE_MAX);
}

static int take_caches(const struct qcow2 *qcow2, struct options *options, struct qcow2_settings *settings, GError **error)
{
    struct cache_sizes sizes = {
        .has_all = options_get(options, "cache-size"),
        .has_l2 = options_get(options, "l2-cache-size"),
        .has_refcount = options_get(options, "refcount-cache-size"),
    };
    sizes.all = options_take_huge_size(options, "cache-size", 0);
    sizes.l2 = options_take_huge_size(options, "l2-cache-size", 0);
    sizes.refcount = options_take_huge_size(options, "refcount-cache-size", 0);
    sizes.entry = options_take_huge_size(options, "l2-cache-entry-size", MIN(PIECE_MAX, qcow2->cluster_size));
    uint64_t interval = options_take_number(options, "cache-clean-interval", 0);
    int ret = check_cache_sizes(qcow2, &sizes, error);
    if (ret < 0)
        return ret;
    if (interval > UINT32_MAX)
        return options_refuse(error, EINVAL, "Cache clean interval too big");
    share_caches(qcow2, &sizes, settings);
    settings->l2_piece = (int64_t)sizes.entry;
    settings->clean_interval = interval;
    return 0;
}

static int take_encryption(const struct qcow2 *qcow2, struct options *options, GError **error)
{
    static const char *const formats[] = {[QCOW2_CRYPT_AES] = "aes", [QCOW2_CRYPT_LUKS] = "luks"};
    g_autoptr(options) encrypt = options_take_child(options, "encrypt");
    const char *format = options_get(encrypt, "format");
    const char *wanted = formats[qcow2->header.crypt_method];
    if (format && !wanted)
        return options_refuse(error, EINVAL, "No encryption in image header, but options specified format '%s'", format);
    if (format && strcmp(format, wanted) != 0)
        return options_refuse(error, EINVAL, "Header reported '%s' encryption format but options specify '%s'", wanted, format);
    return 0;
}

int qcow2_options_take(const struct qcow2 *qcow2, unsigned flags, struct options *options, struct qcow2_settings *ret_settings, GError **error)
{
    struct qcow2_settings settings = {0};
    bool lazy_before = qcow2->header.compatible & QCOW2_COMPATIBLE_LAZY_REFCOUNTS;
    settings.lazy = options_take_bool(options, "lazy-refcounts", lazy_before);
    int ret = take_caches(qcow2, options, &settings, error);
    if (ret == 0)
        ret = take_overlap_check(options, &settings.overlap, error);
    if (ret == 0 && settings.lazy && qcow2->header.version < 3)
        ret = options_refuse(error, EINVAL, "Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level");
    if (ret == 0)
        ret = take_encryption(qcow2, options, error);
    if (ret < 0)
        return ret;
    options_remove(options, "pass-discard-snapshot");
    settings.pass_request = options_take_bool(options, "pass-discard-request", flags & NODE_DISCARD);
    settings.pass_other = options_take_bool(options, "pass-discard-other", false);
    settings.repair = options_take_bool(options, "repair", false);
    settings.snapshot = options_take_string(options, "snapshot");
    *ret_settings = settings;
    return 0;
}
