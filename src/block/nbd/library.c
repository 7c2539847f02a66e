/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/library.h"

#include <dlfcn.h>
#include <errno.h>

#include "block/options.h"

#define SONAME "libnbd.so.0"

static struct nbd_library library;

static bool find_functions(void *handle, GError **error)
{
    const struct {
        const char *name;
        void *slot; /* a function pointer's place */
    } wanted[] = {
#define NBD_SLOT(name) {"nbd_" #name, &library.name},
        NBD_FUNCTIONS(NBD_SLOT)
#undef NBD_SLOT
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        void *found = dlsym(handle, wanted[i].name);

        if (!found) {
            g_set_error(error, OPTIONS_ERROR, ENOTSUP, "%s is too old for NBD: it has no %s()", SONAME, wanted[i].name);
            return false;
        }
        *(void **)wanted[i].slot = found;
    }
    return true;
}

const struct nbd_library *nbd_library_load(GError **error)
{
    static bool loaded;
    void *handle;

    if (loaded)
        return &library;
    handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "NBD needs the library %s: install libnbd0 (%s)", SONAME, dlerror());
        return NULL;
    }
    if (!find_functions(handle, error)) {
        dlclose(handle);
        return NULL;
    }
    loaded = true;
    return &library;
}
