# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program with faults.so (see faults.c): how often it calls what, and what it does when one of the calls fails."""
import errno
import shutil
import struct
from pathlib import Path

import support

BUILT = Path(support.BLKSCOPE).parent / 'tests/faults'
LIBRARY, RING_PROGRAM = BUILT / 'faults.so', BUILT / 'ring-faults'
CALLS_MAX, NAME_ROOM = 96, 24
ROW = struct.Struct(f'<{NAME_ROOM}sq')
SHORT = 0  # in place of an errno: a part only
ALLOCATING = ('malloc', 'calloc', 'realloc', 'posix_memalign')

_READ, _WRITE, _OPEN = [errno.EIO, errno.EINTR, SHORT], [errno.EIO, errno.ENOSPC, errno.EINTR, SHORT], [errno.EMFILE, errno.EACCES]
# What Linux may answer, where it changes anything; every other call: EIO.
ERRORS = {
    'alloc': [errno.ENOMEM],
    'read': _READ, 'pread64': _READ, 'preadv64': _READ, 'preadv64v2': [*_READ, errno.EAGAIN, errno.EOPNOTSUPP],
    'write': [*_WRITE, errno.EAGAIN], 'pwrite64': _WRITE, 'pwritev64': _WRITE, 'pwritev64v2': [*_WRITE, errno.EOPNOTSUPP],
    'open': _OPEN, 'open64': _OPEN, '__open64_2': _OPEN, 'openat': _OPEN, 'openat64': _OPEN, 'fopen64': _OPEN, 'opendir': _OPEN,
    'fcntl': [errno.EAGAIN, errno.ENOLCK, errno.EMFILE], 'fcntl64': [errno.EAGAIN, errno.ENOLCK, errno.EMFILE],
    'fdatasync': [errno.EIO, errno.ENOSPC], 'fsync': [errno.EIO, errno.ENOSPC],
    'fallocate64': [errno.ENOSPC, errno.EOPNOTSUPP, errno.EINTR], 'ftruncate64': [errno.EIO, errno.ENOSPC],
    'mmap': [errno.ENOMEM], 'mmap64': [errno.ENOMEM], 'mprotect': [errno.ENOMEM], 'madvise': [errno.EINVAL], 'memfd_create': [errno.EMFILE],
    'poll': [errno.EINTR], 'eventfd': [errno.EMFILE], 'pipe2': [errno.EMFILE], 'inotify_init1': [errno.EMFILE], 'inotify_add_watch': [errno.ENOSPC],
    'pthread_create': [errno.EAGAIN], 'fork': [errno.EAGAIN], 'socket': [errno.EMFILE], 'access': [errno.EACCES], 'mkdir': [errno.ENOSPC],
    'rename': [errno.ENOSPC], 'renameat2': [errno.ENOSPC, errno.EINVAL], 'link': [errno.EMLINK, errno.ENOSPC], 'unlink': [errno.EIO],
    'ring_read': [errno.EIO, errno.EAGAIN, SHORT], 'ring_write': [errno.EIO, errno.ENOSPC, errno.EINTR, errno.EOPNOTSUPP, SHORT],
    'ring_fsync': [errno.EIO, errno.ENOSPC], 'ring_fallocate': [errno.ENOSPC, errno.EOPNOTSUPP, errno.EAGAIN],
    'ioctl': [errno.ENOTTY], 'statx': [errno.EIO, errno.ENOSYS],
}


def errors_of(call):
    return ERRORS.get(call, [errno.EIO])


def name_of(error):
    return 'short' if error == SHORT else errno.errorcode[error]


class Injector:
    """Its folder is a place for the library and the counters: there must be no space in the name of a preloaded library."""

    def __init__(self, folder, back_end='threads'):
        self.back_end = back_end
        self.library, self.counters = folder / 'faults.so', folder / 'counters'
        if not self.library.exists():
            shutil.copy(LIBRARY, self.library)

    def environment(self, call=None, at=0, error=0, on=False, **changes):
        self.counters.write_bytes(bytes(8 + CALLS_MAX * ROW.size))
        changes.setdefault('BLKSCOPE_AIO', self.back_end)
        if call:
            changes.update(FAULT_CALL=call, FAULT_AT=str(at), FAULT_ERRNO=str(error))
        if on:
            changes['FAULT_ON'] = '1'
        return support.environment(LD_PRELOAD=str(self.library), FAULT_COUNTERS=str(self.counters), **changes)

    def hits(self):
        return struct.unpack_from('<q', self.counters.read_bytes())[0]

    def counts(self):
        """Calls by name; what allocates is one of them, alloc."""
        data, counts = self.counters.read_bytes(), {}
        for name, count in ROW.iter_unpack(data[8:8 + CALLS_MAX * ROW.size]):
            name = name.rstrip(b'\0').decode()
            if name:
                key = 'alloc' if name in ALLOCATING else name
                counts[key] = counts.get(key, 0) + count
        return counts
