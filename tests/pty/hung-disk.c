/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the program under test: a disk that never answers a read at or behind HUNG_FROM, and takes a second for each write at or behind
 * SLOW_WRITES_FROM (some are done where one that hangs would stop everything).  Built with 64-bit file offsets, as the program is: what is
 * called preadv here has the name that the program calls. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t read_or_hang(int fd, const struct iovec *iov, int niov, off_t offset, int flags)
{
    const char *from = getenv("HUNG_FROM");
    if (flags & RWF_NOWAIT) {
        errno = EAGAIN;
        return -1;
    }
    while (from && offset >= atoll(from))
        pause();
    return syscall(SYS_preadv2, fd, iov, niov, offset, 0, flags);
}

static ssize_t write_slowly(int fd, const struct iovec *iov, int niov, off_t offset, int flags)
{
    const char *from = getenv("SLOW_WRITES_FROM");
    if (from && offset >= atoll(from))
        sleep(1);
    return syscall(SYS_pwritev2, fd, iov, niov, offset, 0, flags);
}

ssize_t preadv2(int fd, const struct iovec *iov, int niov, off_t offset, int flags)
{
    return read_or_hang(fd, iov, niov, offset, flags);
}

ssize_t preadv(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return read_or_hang(fd, iov, niov, offset, 0);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int niov, off_t offset, int flags)
{
    return write_slowly(fd, iov, niov, offset, flags);
}

ssize_t pwritev(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return write_slowly(fd, iov, niov, offset, 0);
}
