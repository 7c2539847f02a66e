/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/opened.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "block/nbd/server.h"
#include "io/aio.h"

struct search {
    int process, first_own;
    const int *files; /* that it was to open: the image's, then those of its backing files; */
    unsigned n_files; /* so many */
    bool unknown; /* it can't be looked at, or is a script of somebody's that has started qemu-nbd */
    bool found, others; /* the image's; any that it was not to open */
};

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Descriptors that a shell has left open to us are left open to it, too. */
static bool is_inherited(int fd, const struct stat *st)
{
    struct stat ours;

    return fstat(fd, &ours) == 0 && is_same(&ours, st);
}

/* Whether one of the files from the first-th on is that one. */
static bool is_wanted(const struct search *search, unsigned first, const struct stat *st)
{
    struct stat wanted;

    for (unsigned i = first; i < search->n_files; i++) {
        if (fstat(search->files[i], &wanted) == 0 && is_same(&wanted, st))
            return true;
    }
    return false;
}

static void look_at_descriptor(struct search *search, const struct stat *image, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat st;

    int fd = atoi(name);

    if (fd < search->first_own || stat(path, &st) < 0)
        return;
    if (is_same(&st, image))
        search->found = true;
    else if ((S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) && !is_wanted(search, 1, &st) && !is_inherited(fd, &st))
        search->others = true;
}

/* Runs where it may block: whether the process has opened that very file, and any others. */
static int look_at_open(void *data)
{
    struct search *search = data;
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", search->process), *link = g_strdup_printf("/proc/%d/exe", search->process);
    g_autofree char *program = g_file_read_link(link, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    struct stat image;
    const char *name;

    if (fstat(search->files[0], &image) < 0)
        return -errno;
    search->unknown = !dir || !g_str_has_suffix(program ?: "", "/qemu-nbd");
    while (dir && (name = g_dir_read_name(dir)))
        look_at_descriptor(search, &image, folder, name);
    return 0;
}

int opened_check_co(struct aio *aio, const struct nbd_server *server, const GArray *files, struct opened *ret_opened)
{
    struct search search = {.process = nbd_server_process(server), .first_own = nbd_server_first_own(server),
                            .files = (const int *)files->data, .n_files = files->len};
    int ret = aio_call_co(aio, look_at_open, &search, true);

    if (ret == 0)
        *ret_opened = (struct opened){.unknown = search.unknown, .image = search.found, .others = search.others};
    return ret;
}
