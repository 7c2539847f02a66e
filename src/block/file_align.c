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

/* What the kernel says of buffers, since Linux 6.1 on the file systems that have it; 0: nothing. */
static uint32_t ask_memory_alignment(int fd)
{
#ifdef STATX_DIOALIGN
    struct statx stx;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 && (stx.stx_mask & STATX_DIOALIGN) &&
        is_power_of_two(stx.stx_dio_mem_align))
        return stx.stx_dio_mem_align;
#endif
    return 0;
}

/*
 * The shortest read the file lets pass.  Where it lets a single byte pass there is a hole, or no byte at all, and nothing to be
 * learned; a wrong guess would matter as soon as something is written.
 */
static uint32_t try_reads(int fd)
{
    void *buf;
    uint32_t found = 0;
    if (posix_memalign(&buf, PROBE_MAX, PROBE_MAX))
        return 0;
    if (pread(fd, buf, 1, 0) < 0) {
        for (uint32_t size = 512; size <= PROBE_MAX && !found; size *= 2) {
            if (pread(fd, buf, size, 0) >= 0)
                found = size;
        }
    }
    free(buf);
    return found;
}

void file_probe_alignment(int fd, uint32_t *ret_request, uint32_t *ret_memory)
{
    int sector;
    struct stat st;
    uint32_t request = 0, memory = ask_memory_alignment(fd);
    if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && ioctl(fd, BLKSSZGET, &sector) == 0 && is_power_of_two(sector))
        request = sector;
    else if (S_ISREG(st.st_mode))
        request = try_reads(fd);
    *ret_request = request ? request : SAFE_ALIGNMENT;
    *ret_memory = memory ? memory : MAX(*ret_request, SAFE_ALIGNMENT);
}
