/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the long session preloads: behind each write of the text in HEAP_MARK, on the same descriptor, a line "heap N": so many bytes are allocated
 * and not freed.  The memory of the process says less: what was freed stays in it, and between what is used.  Source: mallinfo(3).
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *buf, size_t n)
{
    const char *mark = getenv("HEAP_MARK");
    ssize_t ret = syscall(SYS_write, fd, buf, n);
    if (mark && memmem(buf, n, mark, strlen(mark))) {
        struct mallinfo2 info = mallinfo2();
        char line[64];
        int len = snprintf(line, sizeof line, "heap %zu\n", info.uordblks + info.hblkhd);
        syscall(SYS_write, fd, line, (size_t)len);
    }
    return ret;
}
