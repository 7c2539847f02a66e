/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of all drivers. */
#include "block/driver.h"

#include <stdlib.h>
#include <string.h>

#include "block/foreign.h"
#include "block/remote.h"
#include "config.h"

static const struct driver *const drivers[] = {
    &driver_blkdebug, &driver_blklogwrites, &driver_blkverify, &driver_compress, &driver_copy_before_write, &driver_copy_on_read, &driver_file,
    &driver_host_cdrom, &driver_host_device,
#if HAVE_LIBNBD
    &driver_nbd,
#endif
    &driver_null_aio, &driver_null_co,
    &driver_preallocate, &driver_qcow2, &driver_quorum, &driver_raw, &driver_replication, &driver_snapshot_access, &driver_throttle,
};

const struct driver *driver_at(unsigned i)
{
    if (i < G_N_ELEMENTS(drivers))
        return drivers[i];
#if HAVE_LIBNBD
    return remote_at(i - G_N_ELEMENTS(drivers));
#else
    return NULL;
#endif
}

/* Only formats: none has a name of its own or is asked what it thinks of an image's first bytes. */
static const struct driver *find_foreign(const char *name)
{
#if HAVE_LIBNBD
    return foreign_find(name);
#else
    return NULL;
#endif
}

const struct driver *driver_find(const char *name)
{
    const struct driver *driver;

    for (unsigned i = 0; (driver = driver_at(i)); i++) {
        if (strcmp(driver->name, name) == 0)
            return driver;
    }
    return find_foreign(name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *blk_driver_names(void)
{
    static const char *names[64];
    unsigned n = 0;

    if (names[0])
        return names;
    for (; driver_at(n) && n < G_N_ELEMENTS(names) - 1; n++)
        names[n] = driver_at(n)->name;
#if HAVE_LIBNBD
    for (unsigned i = 0; foreign_at(i) && n < G_N_ELEMENTS(names) - 1; i++)
        names[n++] = foreign_at(i)->name;
#endif
    qsort(names, n, sizeof(names[0]), compare_names);
    return names;
}
