# SPDX-License-Identifier: GPL-3.0-or-later
"""qcow2 images of many clusters: what is asked of their tables."""
import os

import spread
from harness import QEMU_IMG, Run
from support import GIB, MIB, TIB

TITLE = 'qcow2 tables'
NOTES = '''Every other cluster of 64 KiB is allocated; the data is holes. `dd` reads the L2 tables of the image into /dev/null, and 0.33 means that
the work takes three times as long. 16 TiB have 2 GiB of L2 tables.'''


def hundred(bench):
    works = ['start, `-c length`, exit (qcow2)', '`map` of 100 GiB', '`map --json` of 100 GiB', '`check` of 100 GiB']
    if not bench.wanted(*works):
        return
    spread.make(bench.folder / 'spread.qcow2', 100 * GIB)
    fetch_cached_tables(bench.folder / 'spread.qcow2')
    bench.compare(works[0], 1.5, bench.ours(['-c', 'length', 'spread.qcow2']), {'default': Run(['-c', 'length', 'spread.qcow2'])},
                  runs=max(bench.runs, 31))
    bench.compare(works[1], 8, bench.ours(['-c', 'map', 'spread.qcow2']), {'default': Run(['-c', 'map', 'spread.qcow2'])}, runs=3)
    bench.compare(works[2], 8, bench.ours(['-c', 'map --json', 'spread.qcow2'], name='blkscope'),
                  {'qemu-img': Run(['map', '--output=json', 'spread.qcow2'], program=QEMU_IMG)}, runs=3)
    bench.compare(works[3], 2, bench.ours(['-c', 'check', 'spread.qcow2'], name='blkscope'),
                  {'qemu-img': Run(['check', 'spread.qcow2'], program=QEMU_IMG)})
    os.unlink(bench.folder / 'spread.qcow2')


def tebibyte(bench):
    works = ['`map --summary` of 1 TiB (reference: dd of its L2 tables)', '`check` of 1 TiB']
    if not bench.wanted(*works):
        return
    start, length = spread.make(bench.folder / 'spread.qcow2', TIB)
    fetch_cached_tables(bench.folder / 'spread.qcow2')
    dd = ['if=spread.qcow2', 'of=/dev/null', 'bs=1M', f'skip={start}', f'count={length}', 'iflag=skip_bytes,count_bytes']
    bench.compare(works[0], 0.33, bench.ours(['-c', 'map --summary', 'spread.qcow2'], name='blkscope'),
                  {'dd': Run(dd, program='/usr/bin/dd')})
    bench.compare(works[1], 2, bench.ours(['-c', 'check', 'spread.qcow2'], name='blkscope'),
                  {'qemu-img': Run(['check', 'spread.qcow2'], program=QEMU_IMG)}, runs=3)
    os.unlink(bench.folder / 'spread.qcow2')


def sixteen(bench):
    works = [f'memory of `{command}` of 16 TiB' for command in ('map --summary', 'check')]
    if not bench.wanted(*works):
        return
    spread.make(bench.folder / 'spread.qcow2', 16 * TIB)
    for work, command in zip(works, ('map --summary', 'check')):
        theirs = Run(['check', 'spread.qcow2'], program=QEMU_IMG) if command == 'check' else None
        bench.memory_row(work, 64 * MIB, bench.ours(['-c', command, 'spread.qcow2'], name='blkscope'), theirs)
    os.unlink(bench.folder / 'spread.qcow2')


def fetch_cached_tables(path):
    """Its data is holes: only what comes before is read."""
    with open(path, 'rb') as file:
        end = os.lseek(file.fileno(), 0, os.SEEK_HOLE)
        at = 0
        while at < end:
            at += len(os.pread(file.fileno(), min(16 * MIB, end - at), at))


def run(bench):
    hundred(bench)
    tebibyte(bench)
    sixteen(bench)
