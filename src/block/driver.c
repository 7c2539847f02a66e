/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of all drivers. */
#include "block/driver.h"

#include <string.h>

#include "config.h"

/* In the order of their names: so blk_driver_names() is sorted. */
static const struct driver *const drivers[] = {
    &driver_blkdebug, &driver_file, &driver_host_cdrom, &driver_host_device,
#if HAVE_LIBNBD
    &driver_nbd,
#endif
    &driver_null_aio, &driver_null_co,
    &driver_qcow2, &driver_raw,
};

const struct driver *driver_at(unsigned i)
{
    return i < G_N_ELEMENTS(drivers) ? drivers[i] : NULL;
}

const struct driver *driver_find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    }
    return NULL;
}

const char *const *blk_driver_names(void)
{
    static const char *names[G_N_ELEMENTS(drivers) + 1];
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++)
        names[i] = drivers[i]->name;
    return names;
}
