/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which driver a node gets: the one that is named, the one for what a path is, or the one that knows the bytes.
 *
 * For the last, the image's `file` child is opened first, as raw would, and read from; node_open_child_co() then gives it to the driver.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "block/foreign.h"
#include "block/open.h"
#include "block/pins.h"
#include "block/probe.h"
#include "config.h"

const struct driver *open_find_driver(const char *name, GError **error)
{
    const struct driver *driver = driver_find(name);

    if (driver)
        return driver;
    if (probe_knows_format(name))
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Driver '%s' is not part of this build", name);
    else
        g_set_error(error, OPTIONS_ERROR, ENOENT, "Unknown driver '%s'", name);
    return NULL;
}

/* The driver for a path: by what it names.  What can't be looked at is the file driver's to complain about. */
static const struct driver *driver_for_path_co(struct aio *aio, const struct pins *pins, const char *filename)
{
    const struct pin *pin = pins_find(pins, filename);
    struct stat st;
    if (pin)
        return pin->driver;
    bool device = aio_stat_co(aio, filename, &st) == 0 && (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode));

    return driver_find(device ? "host_device" : "file");
}

static void warn_guessed(const struct node_how *how, const char *filename)
{
    g_autofree char *line = NULL;

    if (!how->warn)
        return;
    line = g_strdup_printf("WARNING: Image format was not specified for '%s' and probing guessed raw.", filename);
    how->warn(how->warn_data, line);
    how->warn(how->warn_data, "         Automatically detecting the format is dangerous for raw images, write operations on block 0 "
                              "will be restricted.");
    how->warn(how->warn_data, "         Specify the 'raw' format explicitly to remove the restrictions.");
}

/* The driver for what file holds. */
static const struct driver *probe_node_co(struct node *file, const struct node_how *how, GError **error)
{
    g_autofree uint8_t *bytes = g_malloc0(PROBE_BYTES); /* not on the stack that all nodes below share */
    int64_t n = CLAMP(file->size, 0, PROBE_BYTES);
    int ret = n ? node_pread_co(file, 0, n, bytes) : 0;
    const char *format;
    const struct driver *driver;

    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not read image for determining its format: %s", g_strerror(-ret));
        return NULL;
    }
    format = probe_format(bytes, n, file->filename);
    driver = driver_find(format);
    if (!driver)
        g_set_error(error, OPTIONS_ERROR, ENOTSUP,
                    "Image is in %s format, which this build can't read; open it with -f raw to see its bytes", format);
    else if (strcmp(format, "raw") == 0 && (how->flags & NODE_WRITABLE))
        warn_guessed(how, file->filename ? file->filename : "");
    return driver;
}

static bool has_below(const struct options *options, const char *name)
{
    size_t len = strlen(name);

    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;

        options_at(options, i, &key, &value);
        if (strncmp(key, name, len) == 0 && key[len] == '.')
            return true;
    }
    return false;
}

/* Opens the `file` of an image without a driver, and asks it.  options keep what describes the file: see node_open_child_co(). */
static const struct driver *probe_co(const struct options *options, const struct node_how *how, struct node **ret_file, GError **error)
{
    g_autoptr(options) copy = options_copy(options);
    g_autofree struct node_how *probing = g_memdup2(how, sizeof(*how));
    const struct driver *driver;
    struct node *file;

    probing->probing = true;
    if (!options_has(options, "file") && !has_below(options, "file")) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Must specify either driver or file");
        return NULL;
    }
    if (open_below_co(copy, probing, "file", NODE_ROLE_FILE, &file, error) < 0)
        return NULL;
    driver = probe_node_co(file, how, error);
    if (driver)
        *ret_file = file;
    else
        node_unref_co(file);
    return driver;
}

#if HAVE_LIBNBD
/* Whether the qcow2 image that options describe is encrypted: crypt_method of its header (docs/interop/qcow2.txt).  probed: it is open already; or NULL. */
static bool is_encrypted_co(const struct options *options, const struct node_how *how, struct node *probed)
{
    g_autoptr(options) copy = options_copy(options);
    uint8_t method[4] = {0};
    struct node *file = probed ? node_ref(probed) : NULL;

    if (!file && open_below_co(copy, how, "file", NODE_ROLE_FILE, &file, NULL) < 0)
        return false;
    if (file->size < 36 || node_pread_co(file, 32, sizeof(method), method) < 0)
        memset(method, 0, sizeof(method));
    node_unref_co(file);
    return method[0] | method[1] | method[2] | method[3];
}
#endif

/* With a key that an image needs, the driver that can use it. */
static const struct driver *with_key_co(const struct driver *driver, const struct options *options, const struct node_how *how, struct node *probed)
{
#if HAVE_LIBNBD
    if (driver && foreign_takes_key(driver, options) && is_encrypted_co(options, how, probed))
        return foreign_find(driver->name);
#endif
    return driver;
}

const struct driver *open_choose_driver_co(struct options *options, const struct node_how *how, struct node **ret_probed,
                                           GError **error)
{
    g_autofree char *name = options_take_string(options, "driver");
    const char *filename = options_get(options, "filename");

    if (name)
        return with_key_co(open_find_driver(name, error), options, how, NULL);
    if (how->probe) {
        const struct driver *driver = probe_co(options, how, ret_probed, error);
        return with_key_co(driver, options, how, *ret_probed);
    }
    if (filename)
        return driver_for_path_co(how->aio, how->pins, filename);
    g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Must specify either driver or file");
    return NULL;
}
