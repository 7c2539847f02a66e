/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening blkdebug: names, the configuration file, rules, limits, and the image below. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/blkdebug.h"

enum { CONFIG_MAX = 1 << 20 }; /* bytes of a configuration file */

static const char *const perm_names[] = {"consistent-read", "write", "write-unchanged", "resize", NULL};

const char *const blkdebug_protocols[] = {"blkdebug", NULL};

const struct driver_option blkdebug_options[] = {
    {.name = "config", .type = DRIVER_OPTION_STRING, .help = "file of rules"},
    {.name = "image", .type = DRIVER_OPTION_CHILD, .required = true, .help = "what requests go to"},
    {.name = "x-image", .type = DRIVER_OPTION_STRING, .help = "the same, as a name"},
    {.name = "align", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "alignment of requests, a power of two"},
    {.name = "max-transfer", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "longest read or write"},
    {.name = "opt-write-zero", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "alignment of zero writes"},
    {.name = "max-write-zero", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "longest zero write"},
    {.name = "opt-discard", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "alignment of discards"},
    {.name = "max-discard", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "longest discard"},
    {.name = "inject-error", .type = DRIVER_OPTION_GROUP, .help = "N.event, .iotype, .state, .errno, .sector, .once, .immediately"},
    {.name = "set-state", .type = DRIVER_OPTION_GROUP, .help = "N.event, .state, .new_state"},
    {.name = "take-child-perms", .type = DRIVER_OPTION_GROUP, .help = "N: permissions to take on the image"},
    {.name = "unshare-child-perms", .type = DRIVER_OPTION_GROUP, .help = "N: permissions to keep others from"},
    {},
};

struct config_file {
    const char *filename;
    char *text;
};

static int read_text(int fd, char *text)
{
    size_t n = 0;
    ssize_t got;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    while ((got = read(fd, text + n, CONFIG_MAX - n)) > 0)
        n += got;
    if (got < 0)
        return -errno;
    text[n] = '\0';
    return n == CONFIG_MAX ? -EFBIG : 0;
}

/* A whole file, bounded; runs where it may block (though a FIFO without a writer is just empty). */
static int read_config(void *data)
{
    struct config_file *config = data;
    g_autofree char *text = NULL;
    int fd = open(config->filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int ret;

    if (fd < 0)
        return -errno;
    text = g_malloc(CONFIG_MAX + 1);
    ret = read_text(fd, text);
    close(fd);
    if (ret == 0)
        config->text = g_steal_pointer(&text);
    return ret;
}

static int load_config_co(struct node *node, const char *filename, GError **error)
{
    struct blkdebug *debug = node->opaque;
    struct config_file config = {.filename = filename};
    g_autofree char *text = NULL;
    int ret = aio_call_co(node->aio, read_config, &config, true);

    text = config.text;
    if (ret == -EISDIR)
        g_set_error(error, OPTIONS_ERROR, EISDIR, "Cannot read config file: %s", g_strerror(EISDIR));
    else if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not read blkdebug config file: %s", g_strerror(-ret));
    return ret < 0 ? ret : blkdebug_rules_parse(&debug->rules, text, error);
}

/* Permissions named as "KEY.0=write", ...: a set of enum node_perm. */
static int take_perms(struct options *options, const char *key, unsigned *ret_perms, GError **error)
{
    g_autoptr(options) list = options_take_child(options, key);

    *ret_perms = 0;
    for (unsigned i = 0; i < options_count(list); i++) {
        const char *index, *value;
        int perm;

        options_at(list, i, &index, &value);
        perm = value ? options_parse_enum(value, perm_names) : -EINVAL;
        if (perm < 0) {
            g_set_error(error, OPTIONS_ERROR, EINVAL, "Parameter '%s' does not accept value '%s'", key, value ? value : "null");
            return -EINVAL;
        }
        *ret_perms |= 1U << perm;
    }
    return 0;
}

/* Takes a size that must be a multiple of unit and below INT_MAX; 0 when absent: no limit. */
static int take_limit(struct options *options, const char *key, int64_t unit, int64_t *ret_limit, GError **error)
{
    uint64_t limit = options_take_huge_size(options, key, 0);

    if (limit >= INT_MAX || limit % (uint64_t)unit) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Cannot meet constraints with %s %" PRIu64, key, limit);
        return -EINVAL;
    }
    *ret_limit = (int64_t)limit;
    return 0;
}

/* Without "align" any request is taken, whatever the image asks for: padding then happens below, with events nobody waits for. */
static int take_limits(struct options *options, uint32_t image_alignment, struct node_limits *limits, GError **error)
{
    uint64_t wanted = options_take_huge_size(options, "align", 0);
    int ret;

    if (wanted >= INT_MAX || (wanted & (wanted - 1))) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Cannot meet constraints with align %" PRIu64, wanted);
        return -EINVAL;
    }
    limits->request_alignment = MAX(1, wanted);
    int64_t align = MAX((int64_t)wanted, image_alignment);
    ret = take_limit(options, "max-transfer", align, &limits->max_transfer, error);
    if (ret == 0)
        ret = take_limit(options, "opt-write-zero", align, &limits->zeroes_alignment, error);
    if (ret == 0)
        ret = take_limit(options, "max-write-zero", MAX(limits->zeroes_alignment, align), &limits->max_zeroes, error);
    if (ret == 0)
        ret = take_limit(options, "opt-discard", align, &limits->discard_alignment, error);
    if (ret == 0)
        ret = take_limit(options, "max-discard", MAX(limits->discard_alignment, align), &limits->max_discard, error);
    return ret;
}

void blkdebug_file_changed(struct node *node)
{
    const char *config = options_get(node->options, "config");

    /* No FUA: the flush it is made of then has its own events, and can be made to fail. */
    node->zero_flags = (BLK_MAY_UNMAP | BLK_NO_FALLBACK) & node->file->zero_flags;
    g_free(node->filename);
    node->filename = node->file->filename ? g_strdup_printf("blkdebug:%s:%s", config ? config : "", node->file->filename) : NULL;
}

static int open_all_co(struct node *node, struct options *options, const char *config, GError **error)
{
    struct blkdebug *debug = node->opaque;
    unsigned take, unshare;
    int ret = config ? load_config_co(node, config, error) : 0;

    if (ret == 0)
        ret = blkdebug_rules_take(&debug->rules, options, error);
    if (ret == 0)
        ret = take_perms(options, "take-child-perms", &take, error);
    if (ret == 0)
        ret = take_perms(options, "unshare-child-perms", &unshare, error);
    if (ret < 0)
        return ret;
    debug->state = 1;
    blkdebug_apply_event(debug, BLK_EVENT_NONE);
    node->perm |= take;
    node->shared &= ~unshare;
    ret = node_open_named_child_co(node, options, "x-image", "image", NODE_ROLE_FILE, NULL, error);
    if (ret < 0)
        return ret;
    blkdebug_file_changed(node);
    return take_limits(options, node->file->limits.request_alignment, &node->limits, error);
}

int blkdebug_open_co(struct node *node, struct options *options, GError **error)
{
    g_autofree char *config = options_take_string(options, "config");
    int ret = open_all_co(node, options, config, error);

    if (ret < 0)
        blkdebug_clear(node->opaque);
    return ret;
}

/* "blkdebug:CONFIG:IMAGE", or an image alone when the driver was named otherwise. */
int blkdebug_parse_filename(const char *filename, struct options *options, GError **error)
{
    g_autofree char *config = NULL;
    const char *colon;

    if (g_str_has_prefix(filename, "blkdebug:")) {
        filename += strlen("blkdebug:");
        colon = strchr(filename, ':');
        if (!colon) {
            g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "blkdebug requires both config file and image path");
            return -EINVAL;
        }
        if (colon > filename) {
            config = g_strndup(filename, colon - filename);
            options_set(options, "config", config);
        }
        filename = colon + 1;
    }
    options_set(options, "x-image", filename);
    return 0;
}
