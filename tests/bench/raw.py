# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw images: starting, reading and writing through the page cache."""
import os

from harness import Run, fetch_cached
from support import GIB, KIB, MIB

TITLE = 'Raw images'
NOTES = '''Writes are measured with `-t unsafe` for both: what is compared is the way into the page cache, not the disk's time to sync.'''
REQUESTS = 65536


def run(bench):
    folder = bench.folder
    with open(folder / 'disk.img', 'wb') as file:
        for _ in range(1024):
            file.write(os.urandom(MIB))
    fetch_cached(folder / 'disk.img')
    raw = ['-f', 'raw']
    uring = [*raw, '-i', 'io_uring']

    def compare(work, targets, args, script=None, **more):
        theirs = {'default': Run([*raw, *args], script=script)}
        if 'io_uring' in targets:
            theirs['io_uring'] = Run([*uring, *args], script=script)
        bench.compare(work, targets, bench.ours([*raw, *args], script=script), theirs, **more)

    compare('start, `-c length`, exit', {'default': 1.5}, ['-c', 'length', 'disk.img'], runs=max(bench.runs, 31))

    reads = bench.script('reads', [f'read -q {i * 4}k 4k' for i in range(REQUESTS)])
    compare('65,536 `read -q` of 4 KiB from a script', {'default': 8, 'io_uring': 2}, ['disk.img'], reads)

    aio = []
    for i in range(REQUESTS):
        aio.append(f'aio_read -q {i * 4}k 4k')
        if i % 128 == 127:
            aio.append('aio_flush')
    compare('65,536 `aio_read -q` of 4 KiB, `aio_flush` every 128', {'default': 4, 'io_uring': 2}, ['disk.img'], bench.script('aio', aio))

    compare('`read -v` of 64 MiB of random data into /dev/null', {'default': 15}, ['-c', 'read -v 0 64M', 'disk.img'])

    for name, size in (('64 KiB', 64 * KIB), ('1 MiB', MIB), ('1 GiB', GIB)):
        script = bench.script(f'read{size}', [f'read -q {i * size} {size}' for i in range(GIB // size)])
        compare(f'`read -q` of 1 GiB in {name} requests', {'default': 1, 'io_uring': 1}, ['disk.img'], script)
    for name, size in (('64 KiB', 64 * KIB), ('1 MiB', MIB), ('1 GiB', GIB)):
        script = bench.script(f'write{size}', [f'write -q {i * size} {size}' for i in range(GIB // size)])
        # unsafe: the page cache is measured, not the disk.
        compare(f'`write -q` of 1 GiB in {name} requests', {'default': 1, 'io_uring': 1}, ['-t', 'unsafe', 'disk.img'], script)
    os.unlink(folder / 'disk.img')
