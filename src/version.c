/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "version.h"

#include <glib.h>
#include <libdeflate.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "config.h"
#include "io/aio.h"
#include "io/landlock.h"
#include "io/seccomp.h"
#include "ui/console/line.h"
#include "ui/display.h"
#include "util/safetext.h"

#if HAVE_LIBNBD
#include "block/nbd/library.h"
#endif

static void print_line(const char *name, const char *text)
{
    g_autofree char *safe = safetext_escape(text, -1);
    printf("%-11s%s\n", name, safe);
}

static void print_io(void)
{
    g_autoptr(GError) error = NULL;
    struct aio *aio = HAVE_LIBURING ? aio_new("io_uring", &error) : NULL;
    print_line("io_uring", aio              ? "works"
                           : !HAVE_LIBURING ? "no: built without liburing; threads do its work"
                                            : "no: not offered by this kernel; threads do its work");
    if (aio)
        aio_free(aio);
}

static void print_sandbox(void)
{
    int abi = landlock_abi();
    g_autofree char *files = abi ? g_strdup_printf("Landlock, ABI %d", abi) : g_strdup("no Landlock: this kernel has none, or does not let the program use it");
    g_autofree char *text = g_strdup_printf("%s; %s", files, seccomp_works() ? "seccomp" : "no seccomp filters");
    print_line("sandbox", text);
}

static void print_nbd(void)
{
#if HAVE_LIBNBD
    g_autoptr(GError) error = NULL;
    const struct nbd_library *library = nbd_library_load(&error);
    struct nbd_handle *nbd = library ? library->create() : NULL;
    g_autofree char *text = nbd ? g_strdup_printf("libnbd %s", library->get_version(nbd))
                                : g_strdup_printf("no: %s", error ? error->message : "no memory");
    print_line("nbd", text);
    if (nbd)
        library->close(nbd);
    g_autofree char *helper = g_find_program_in_path("qemu-nbd");
    print_line("qemu-nbd", helper ?: "no: not installed, it opens formats other than raw and qcow2; install qemu-utils");
#else
    print_line("nbd", "no: built without libnbd; only raw and qcow2 images can be opened");
#endif
}

void version_print_features(void)
{
    g_autofree char *libraries =
        g_strdup_printf("glib %u.%u.%u, %s, readline %s, zlib %s, libdeflate %s, zstd %s", glib_major_version,
                        glib_minor_version, glib_micro_version, curses_library(), line_library(), zlibVersion(),
                        LIBDEFLATE_VERSION_STRING, ZSTD_versionString());
    print_io();
    print_sandbox();
    print_nbd();
    print_line("libraries", libraries);
}
