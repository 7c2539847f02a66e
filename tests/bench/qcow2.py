# SPDX-License-Identifier: GPL-3.0-or-later
"""qcow2 images: reading and writing data."""
import os
import random
import shutil
import struct

from harness import Run, fetch_cached
from support import GIB, KIB, MIB

TITLE = 'qcow2 data'
NOTES = '''Images are new ones of 64 KiB clusters, made again before each run that allocates. Writes with `-t writeback` are flushed when the
image is closed, as a part of what is measured; `-t writethrough` is the default, each write on disk when it is reported. What the disk takes
for that varies much more than what the programs do: there the processor time says more about the programs, and the number of flushes more
about the disk. Writes submitted together share their flushes: 1,024 durable `aio_write` into new clusters, 64 at a time, take 64
`fdatasync` (the reference: 190 to 590). On a file system without RWF_NOWAIT (tmpfs) every read goes to the back end, and
without FALLOC_FL_ZERO_RANGE what surrounds a small write in a new cluster is written as zeroes: choose another with TMPDIR.'''
REQUESTS = 65536
READ = 256 * MIB


def every(lines, n):
    """With an aio_flush after each n lines."""
    out = []
    for i, line in enumerate(lines, 1):
        out.append(line)
        if i % n == 0:
            out.append('aio_flush')
    return out


def reads(bench):
    works = ['65,536 `read -q` of 4 KiB (qcow2)', '65,536 `aio_read -q` of 4 KiB, `aio_flush` every 128 (qcow2)']
    if not bench.wanted(*works):
        return
    with open(bench.folder / 'data.img', 'wb') as file:
        for _ in range(READ // MIB):
            file.write(os.urandom(MIB))
    bench.qemu_img('convert', '-O', 'qcow2', 'data.img', 'data.qcow2')
    os.unlink(bench.folder / 'data.img')
    fetch_cached(bench.folder / 'data.qcow2')
    plain = [f'{i * 4}k 4k' for i in range(REQUESTS)]
    for work, target, lines in ((works[0], 6, [f'read -q {at}' for at in plain]),
                                (works[1], 3, every([f'aio_read -q {at}' for at in plain], 128))):
        script = bench.script('script', lines)
        bench.compare(work, target, bench.ours(['data.qcow2'], script=script), {'default': Run(['data.qcow2'], script=script)})
    os.unlink(bench.folder / 'data.qcow2')


def writes(bench, cache, count, targets, suffix, command='write -q', flush=0):
    """Allocating, again in place, and small ones all over an image."""
    works = [f'{count:,} {kind} (`-t {cache}`{suffix})'
             for kind in ('allocating writes of 64 KiB', 'rewrites of 64 KiB', 'random allocating writes of 4 KiB')]
    if not bench.wanted(*works):
        return
    folder = bench.folder
    bench.qemu_img('create', '-f', 'qcow2', 'new.qcow2', 16 * GIB)
    places = random.Random(count).sample(range(16 * GIB // (4 * KIB)), count)
    scripts = [[f'{command} {i * 64}k 64k' for i in range(count)], [f'{command} {place * 4}k 4k' for place in places]]
    scripts = [bench.script(f'script{i}', every(lines, flush) if flush else lines) for i, lines in enumerate(scripts)]

    def renew():
        shutil.copyfile(folder / 'new.qcow2', folder / 'work.qcow2')
        os.sync()

    args = ['-t', cache, 'work.qcow2']

    def fill():
        if not (folder / 'work.qcow2').exists():  # the row before it was not wanted
            renew()
            bench.once(Run(args, script=scripts[0]))
        os.sync()

    for i, (work, script, prepare) in enumerate(((works[0], scripts[0], renew), (works[1], scripts[0], fill), (works[2], scripts[1], renew))):
        bench.compare(work, targets[i], bench.ours(args, script=script, prepare=prepare),
                      {'default': Run(args, script=script, prepare=prepare)})
    os.unlink(folder / 'work.qcow2')
    os.unlink(folder / 'new.qcow2')


def words(size):
    """Text of a sort, that is compressed to a third or so."""
    rand = random.Random(1)
    known = [bytes(rand.choices(b'etaoinshrdlucmfw', k=rand.randint(2, 11))) for _ in range(4096)]
    return b' '.join(rand.choices(known, k=size // 6))[:size]


def compressed(bench):
    works = {kind: f'`read -q` of 256 MiB compressed with {kind}, 1 MiB a request' for kind in ('zlib', 'zstd')}
    if not bench.wanted(*works.values()):
        return
    block = words(8 * MIB)
    with open(bench.folder / 'data.img', 'wb') as file:
        for i in range(READ // len(block)):
            file.write(struct.pack('<Q', i) + block[8:])
    script = bench.script('script', [f'read -q {i}M 1M' for i in range(READ // MIB)])
    for kind, target in (('zlib', 1.5), ('zstd', 1.2)):
        bench.qemu_img('convert', '-c', '-O', 'qcow2', '-o', f'compression_type={kind}', 'data.img', 'data.qcow2')
        fetch_cached(bench.folder / 'data.qcow2')
        bench.compare(works[kind], target, bench.ours(['data.qcow2'], script=script), {'default': Run(['data.qcow2'], script=script)})
        os.unlink(bench.folder / 'data.qcow2')
    os.unlink(bench.folder / 'data.img')


def run(bench):
    reads(bench)
    writes(bench, 'writeback', 4096, (1.2, 1.2, 1.5), '')
    writes(bench, 'writethrough', 256, (1, 1, 1), '')
    writes(bench, 'writeback', 4096, (1, 1, 1), ', `aio_write`, 64 at a time', 'aio_write -q', 64)
    writes(bench, 'writethrough', 1024, (1, 1, 1), ', `aio_write`, 64 at a time', 'aio_write -q', 64)
    compressed(bench)
