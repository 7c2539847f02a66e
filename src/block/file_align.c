/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file drivers: what alignment direct I/O asks for. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/file-internal.h"

enum {
    SAFE_ALIGNMENT = 4096, /* where nothing can be found out */
    PROBE_MAX = 65536,
};

static bool is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

/* The kernel's own word, since Linux 6.1 on the file systems that have it. */
static bool ask_statx(int fd, uint32_t *ret_request, uint32_t *ret_memory)
{
#ifdef STATX_DIOALIGN
    struct statx stx;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 && (stx.stx_mask & STATX_DIOALIGN) &&
        is_power_of_two(stx.stx_dio_offset_align) && is_power_of_two(stx.stx_dio_mem_align)) {
        *ret_request = MAX(stx.stx_dio_offset_align, 512);
        *ret_memory = stx.stx_dio_mem_align;
        return true;
    }
#endif
    return false;
}

/* The shortest read the file lets pass (an empty file lets all pass). */
static uint32_t try_reads(int fd)
{
    void *buf;
    uint32_t found = 0;
    if (posix_memalign(&buf, PROBE_MAX, PROBE_MAX))
        return 0;
    for (uint32_t size = 512; size <= PROBE_MAX && !found; size *= 2) {
        if (pread(fd, buf, size, 0) >= 0)
            found = size;
    }
    free(buf);
    return found;
}

void file_probe_alignment(int fd, uint32_t *ret_request, uint32_t *ret_memory)
{
    int sector;
    struct stat st;
    if (ask_statx(fd, ret_request, ret_memory))
        return;
    uint32_t request = 0;
    if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && ioctl(fd, BLKSSZGET, &sector) == 0 && is_power_of_two(sector))
        request = sector;
    else if (S_ISREG(st.st_mode) && st.st_size > 0)
        request = try_reads(fd);
    *ret_request = request ? request : SAFE_ALIGNMENT;
    *ret_memory = MAX(*ret_request, SAFE_ALIGNMENT);
}
