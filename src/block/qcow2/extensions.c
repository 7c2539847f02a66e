/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/extensions.h"

#include <errno.h>
#include <inttypes.h>

#include "block/options.h"
#include "util/safetext.h"

enum { FEATURE_ENTRY = 48, FEATURE_NAME = 46, BITMAPS_BYTES = 24, CRYPTO_BYTES = 16 };

enum qcow2_extensions_step qcow2_extensions_next(const struct qcow2_header *header, const uint8_t *cluster, size_t n, size_t *at,
                                                 struct qcow2_extension *ret_extension)
{
    size_t end = header->backing_offset ? header->backing_offset : UINT64_C(1) << header->cluster_bits;
    size_t here = *at;
    /* Bytes that the file lacks are zeroes, which is an end. */
    if (here + 8 > MIN(end, n))
        return QCOW2_EXTENSIONS_END;
    *ret_extension = (struct qcow2_extension){
        .type = qcow2_be32(cluster + here),
        .length = qcow2_be32(cluster + here + 4),
        .at = here,
        .data = cluster + here + 8,
    };
    /* The end has a length, too: one that can't be shows that this is no list of extensions. */
    if (ret_extension->length > MIN(end, n) - here - 8)
        return QCOW2_EXTENSIONS_TOO_LONG;
    if (ret_extension->type == QCOW2_EXTENSION_END)
        return QCOW2_EXTENSIONS_END;
    *at = here + 8 + (((size_t)ret_extension->length + 7) & ~(size_t)7);
    return QCOW2_EXTENSIONS_MORE;
}

/* ---- feature names ---- */

static void add_name(GString *names, const char *name)
{
    if (names->len)
        g_string_append(names, ", ");
    g_string_append(names, name);
}

/* The table's name for an incompatible feature, or NULL. */
static char *feature_name(const struct qcow2_extension *table, unsigned bit)
{
    /* The last entry may be cut short. */
    for (size_t i = 0; i + 2 < table->length; i += FEATURE_ENTRY) {
        const uint8_t *entry = table->data + i;
        const char *name = (const char *)entry + 2;
        if (entry[0] == 0 && entry[1] == bit && name[0])
            return safetext_escape(name, strnlen(name, MIN(FEATURE_NAME, table->length - i - 2)));
    }
    return NULL;
}

char *qcow2_extensions_feature_names(const struct qcow2_header *header, const uint8_t *cluster, size_t n, uint64_t features)
{
    GString *names = g_string_new(NULL);
    struct qcow2_extension extension, table = {0};
    size_t at = header->header_length;
    while (qcow2_extensions_next(header, cluster, n, &at, &extension) == QCOW2_EXTENSIONS_MORE)
        if (extension.type == QCOW2_EXTENSION_FEATURE_NAMES)
            table = extension;
    for (unsigned bit = 0; bit < 64; bit++) {
        g_autofree char *name = features >> bit & 1 ? feature_name(&table, bit) : NULL;
        if (!name)
            continue;
        add_name(names, name);
        features &= ~(UINT64_C(1) << bit);
    }
    if (features) {
        g_autofree char *bits = g_strdup_printf("Unknown incompatible feature: %" PRIx64, features);
        add_name(names, bits);
    }
    return g_string_free(names, FALSE);
}

/* ---- what is taken ---- */

static int take_backing_format(struct qcow2_header *header, const struct qcow2_extension *extension, GError **error)
{
    if (extension->length > QCOW2_BACKING_FORMAT_MAX)
        return options_refuse(error, EINVAL, "ERROR: ext_backing_format: len=%" PRIu32 " too large (>=%d)", extension->length,
                              QCOW2_BACKING_FORMAT_MAX + 1);
    g_free(header->backing_format);
    header->backing_format = extension->length ? g_strndup((const char *)extension->data, extension->length) : NULL;
    return 0;
}

static int take_crypto(struct qcow2_header *header, const struct qcow2_extension *extension, GError **error)
{
    uint64_t cluster = UINT64_C(1) << header->cluster_bits;
    if (header->crypt_method != QCOW2_CRYPT_LUKS)
        return options_refuse(error, EINVAL, "CRYPTO header extension only expected with LUKS encryption method");
    if (extension->length != CRYPTO_BYTES)
        return options_refuse(error, EINVAL, "CRYPTO header extension size %" PRIu32 ", but expected size %d", extension->length,
                              CRYPTO_BYTES);
    header->has_crypto = true;
    header->crypto.offset = qcow2_be64(extension->data);
    header->crypto.length = qcow2_be64(extension->data + 8);
    if (header->crypto.offset % cluster)
        return options_refuse(error, EINVAL, "Encryption header offset '%" PRIu64 "' is not a multiple of cluster size '%" PRIu64 "'",
                              header->crypto.offset, cluster);
    return 0;
}

static int check_bitmaps(const struct qcow2_header *header, const struct qcow2_extension *extension, GError **error)
{
    /* An entry has 24 bytes and a name, padded to 8; the reference program allows 1024 a bitmap on average. */
    uint64_t most = QCOW2_BITMAPS_MAX * UINT64_C(1024);
    uint64_t cluster = UINT64_C(1) << header->cluster_bits;
    if (qcow2_be32(extension->data + 4) != 0)
        return options_refuse(error, EINVAL, "bitmaps_ext: Reserved field is not zero");
    if (header->bitmaps.count > QCOW2_BITMAPS_MAX)
        return options_refuse(error, EINVAL, "bitmaps_ext: Image has %" PRIu32 " bitmaps, exceeding the QEMU supported maximum of %d",
                              header->bitmaps.count, QCOW2_BITMAPS_MAX);
    if (header->bitmaps.count == 0)
        return options_refuse(error, EINVAL, "found bitmaps extension with zero bitmaps");
    if (header->bitmaps.directory_offset % cluster || header->bitmaps.directory_offset > INT64_MAX - most)
        return options_refuse(error, EINVAL, "bitmaps_ext: invalid bitmap directory offset");
    if (header->bitmaps.directory_size > most)
        return options_refuse(error, EINVAL,
                              "bitmaps_ext: bitmap directory size (%" PRIu64 ") exceeds the maximum supported size (%" PRIu64 ")",
                              header->bitmaps.directory_size, most);
    return 0;
}

static int take_bitmaps(struct qcow2_header *header, const struct qcow2_extension *extension, GError **error)
{
    if (extension->length != BITMAPS_BYTES)
        return options_refuse(error, EINVAL, "bitmaps_ext: Invalid extension length");
    /* Without the bit another program wrote to the image and kept no bitmaps: they say nothing any more. */
    if (!(header->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
        return 0;
    header->has_bitmaps = true;
    header->bitmaps.count = qcow2_be32(extension->data);
    header->bitmaps.directory_size = qcow2_be64(extension->data + 8);
    header->bitmaps.directory_offset = qcow2_be64(extension->data + 16);
    return check_bitmaps(header, extension, error);
}

static int take(struct qcow2_header *header, const struct qcow2_extension *extension, GError **error)
{
    switch (extension->type) {
    case QCOW2_EXTENSION_BACKING_FORMAT:
        return take_backing_format(header, extension, error);
    case QCOW2_EXTENSION_CRYPTO:
        return take_crypto(header, extension, error);
    case QCOW2_EXTENSION_BITMAPS:
        return take_bitmaps(header, extension, error);
    case QCOW2_EXTENSION_DATA_FILE:
        g_free(header->data_file);
        header->data_file = g_strndup((const char *)extension->data, extension->length);
        return 0;
    default:
        return 0;
    }
}

int qcow2_extensions_read(struct qcow2_header *header, const uint8_t *cluster, size_t n, GError **error)
{
    struct qcow2_extension extension;
    enum qcow2_extensions_step step;
    size_t at = header->header_length;
    while ((step = qcow2_extensions_next(header, cluster, n, &at, &extension)) == QCOW2_EXTENSIONS_MORE) {
        int ret = take(header, &extension, error);
        if (ret < 0)
            return ret;
    }
    if (step == QCOW2_EXTENSIONS_TOO_LONG)
        return options_refuse(error, EINVAL, "Header extension too large");
    if (header->crypt_method == QCOW2_CRYPT_LUKS && !header->has_crypto)
        return options_refuse(error, EINVAL, "Missing CRYPTO header for crypt method %" PRIu32, header->crypt_method);
    if ((header->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) && !(header->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE))
        return options_refuse(error, EINVAL, "data-file-raw requires a data file");
    return 0;
}
