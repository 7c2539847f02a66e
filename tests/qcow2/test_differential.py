# SPDX-License-Identifier: GPL-3.0-or-later
"""
Random operations on twin qcow2 images, one written by the reference program and one by ours: they say the same, and the image files end up the
same to the byte.

SEED=N starts somewhere else, ROUNDS=N goes on longer.  A failure names its seed and shows a shortened script that still fails.
"""
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402

SEED = int(os.environ.get('SEED', '1'))
ROUNDS = int(os.environ.get('ROUNDS', '60'))
OPERATIONS = 90
CLUSTERS = [512, 1 * KIB, 2 * KIB, 4 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 64 * KIB, 256 * KIB, 1 * MIB, 2 * MIB]


class Setup:
    """The image, and how it is opened."""

    def __init__(self, rng, number):
        self.rng = rng
        # All cluster sizes come by in turn.
        self.cluster = CLUSTERS[number % len(CLUSTERS)]
        options = {'cluster_size': self.cluster}
        self.extended = self.cluster >= 16 * KIB and rng.random() < .35
        if self.extended:
            options['extended_l2'] = 'on'
        elif rng.random() < .2:
            options['compat'] = '0.10'
        if 'compat' not in options:
            options['refcount_bits'] = rng.choice([1, 2, 4, 8, 16, 16, 16, 32, 64])
            if rng.random() < .15:
                options['compression_type'] = 'zstd'
            if rng.random() < .15:
                options['lazy_refcounts'] = 'on'
        self.options = options
        least = max(16 * self.cluster, 256 * KIB)
        self.size = min(rng.randrange(least, 5 * least), 48 * MIB) & ~511
        self.backing = rng.choice([None, None, None, 'raw', 'qcow2'])
        self.backing_size = rng.choice([self.size, self.size // 3 & ~511, self.size + 70144])
        # Several compressed clusters share one of the file, and that with snapshots.
        self.can_compress = options.get('refcount_bits', 16) >= 8
        self.snapshots = options.get('refcount_bits', 16) >= 16 and rng.random() < .5
        self.args = rng.choice([[], ['-t', 'writeback'], ['-t', 'writeback'], ['-t', 'unsafe'], ['-t', 'writethrough'], ['-n']])
        self.args = [*self.args, *rng.choice([[], ['-d', 'unmap'], ['-d', 'ignore']])]
        # Below, clusters are written compressed, each once, and nothing else: once the reference has given one back, it may write compressed
        # data into what others have now.
        self.compressed_end = self.size // 4 // self.cluster * self.cluster if self.can_compress and rng.random() < .4 else 0
        self.preparation = rng.randrange(1 << 30)
        whole = self.size // self.cluster
        self.compressed = random.Random(self.preparation).sample(range(self.compressed_end // self.cluster, whole), min(8, whole // 2)) if self.can_compress else []

    def __str__(self):
        return f'{self.options}, {self.size} bytes, backing {self.backing} of {self.backing_size}, snapshots {self.snapshots}, {" ".join(self.args)}'

    def prepare(self, folder):
        """Makes the image, by the reference alone."""
        rng = random.Random(self.preparation)
        if self.backing == 'raw':
            support.make_image(folder / 'base', self.backing_size)
        elif self.backing:
            images.create(folder / 'base', self.backing_size, cluster_size=4096)
            images.scatter(folder / 'base', self.backing_size, self.preparation, cluster=4096, compressed=self.backing_size < 4 * MIB)
        image = images.create(folder / 'test.qcow2', self.size, **self.options,
                              **({'backing': 'base', 'backing_format': self.backing} if self.backing else {}))
        commands = [f'write -c -P {i % 200 + 50} {i * self.cluster} {self.cluster}' for i in self.compressed]
        images.write(image, *commands, *(self.change(rng) for _ in range(6)))
        for i in range(rng.randrange(1, 3) if self.snapshots else 0):
            snapshot(image, f's{i}')
            images.write(image, *(self.change(rng) for _ in range(5)))

    def change(self, rng):
        offset = rng.randrange(self.compressed_end, self.size)
        length = min(rng.choice([512, 4096, self.cluster, 5 * self.cluster]), self.size - offset)
        return rng.choice([f'write -P {rng.randrange(1, 256)}', 'write -z', 'write -z -u', 'discard']) + f' {offset} {length}'


def snapshot(image, name):
    """Made at a time that is always the same."""
    qemu_img('snapshot', '-c', name, image.name, cwd=image.parent)
    at = images.field(image, 64)
    for _ in range(images.field(image, 60, 'I')):
        id_size, name_size = struct.unpack('>HH', image.read_bytes()[at + 12:at + 16])
        images.patch(image, (at + 16, 'Q', 0))
        extra = images.field(image, at + 36, 'I')
        at += (40 + extra + id_size + name_size + 7) & ~7


class Script:
    def __init__(self, rng, setup):
        self.rng, self.setup, self.size = rng, setup, setup.size
        self.compressed_left = set(setup.compressed)
        self.uncompressed = rng.sample(range(setup.compressed_end // setup.cluster), setup.compressed_end // setup.cluster)
        self.items = [self.item() for _ in range(OPERATIONS)]

    def range(self, whole=False):
        rng, cluster = self.rng, self.setup.cluster
        grid = rng.choice([1, 512, 4096, max(cluster // 32, 512), cluster, cluster])
        offset = max(rng.randrange(self.size + 1) // grid * grid, self.setup.compressed_end)
        length = rng.choice([1, 511, 512, 4096, cluster // 32, cluster // 2 + 1, cluster, cluster, 2 * cluster, 7 * cluster + 100,
                             rng.randrange(1, 300 * KIB)])
        if rng.random() < .05:
            length = self.size - offset
        return offset, max(0, min(length, self.size - offset, 8 * MIB))

    def pattern(self):
        return self.rng.choice([f'-P {self.rng.randrange(1, 256)} ', f'-P {self.rng.randrange(1, 256)} ', '', '-P 0 '])

    def flags(self, letters):
        return ''.join(f'-{letter} ' for letter in letters if self.rng.random() < .25)

    def small_first(self, offset, length):
        """
        One small write to each compressed cluster of a range of more than one.

        A large write is many pieces.  Which of them chooses its clusters after another one has given compressed ones back is a matter of how long
        decompressing takes beside the other pieces' writes, on this machine: it decides what the next request gets.
        """
        cluster = self.setup.cluster
        if offset // cluster == (offset + max(length, 1) - 1) // cluster:
            return ''
        met = sorted(i for i in self.compressed_left if offset < (i + 1) * cluster and i * cluster < offset + length)
        self.compressed_left.difference_update(met)
        return ''.join(f'write -P {i % 255 + 1} {i * cluster} 512\n' for i in met)

    def write(self):
        offset, length = self.range()
        return self.small_first(offset, length) + f'write {self.flags("f")}{self.pattern()}{offset} {length}'

    def writev(self):
        offset, length = self.range()
        cut = self.rng.randrange(length + 1)
        return self.small_first(offset, length) + f'writev {self.pattern()}{offset} {cut} {length - cut}'

    def compressed(self):
        if not self.uncompressed:
            return 'length'
        # One at a time: of several it is chance which comes first.
        return f'write -c {self.pattern()}{self.uncompressed.pop() * self.setup.cluster} {self.setup.cluster}'

    def state(self):
        offset, length = self.rng.randrange(1000) * 512, self.rng.choice([512, 4096, 100 * KIB])
        return self.rng.choice([f'write -b {self.pattern()}{offset} {length}', f'read -b {offset} {length}'])

    def zeroes(self):
        offset, length = self.range()
        return f'write -z {self.flags("uunf")}{offset} {length}'

    def discard(self):
        offset, length = self.range()
        return f'discard {offset} {length}'

    def read(self):
        offset, length = self.range()
        return f'read {"-v " if length <= 300 else ""}{offset} {length}'

    def asynchronous(self):
        offset, length = self.range()
        command = self.rng.choice([f'aio_write {self.pattern()}', f'aio_write -z {self.flags("u")}', 'aio_read '])
        first = '' if '-z' in command or 'read' in command else self.small_first(offset, length)
        return f'{first}{command}{offset} {length}\naio_flush'

    def simple(self):
        offset, length = self.range()
        return self.rng.choice(['map', 'map', 'flush', 'flush', 'info', 'length', f'alloc {offset} {length}', 'reopen', 'reopen -o lazy-refcounts=off',
                                'close\nopen ' + self.open()])

    def open(self):
        args = [arg for arg in self.setup.args if arg not in ('-t', 'writeback', 'unsafe', 'writethrough')]
        return ' '.join([*args, 'test.qcow2'])

    def grow(self):
        self.size += self.rng.choice([512, 65536, self.setup.cluster, 3 * MIB])
        # falloc and full fail in the reference with direct I/O, and where the file ends in free clusters.
        return f'truncate {self.rng.choice(["", "", "-m off ", "-m metadata "])}{self.size}'

    def item(self):
        choices = [(self.write, 30), (self.writev, 6), (self.zeroes, 14), (self.discard, 12), (self.read, 10), (self.asynchronous, 8), (self.simple, 10), (self.compressed, 10 if self.uncompressed else 0), (self.state, 3),
                   (self.grow, 1 if self.size < 64 * MIB and not self.setup.snapshots else 0)]
        return self.rng.choices([f for f, _ in choices], [w for _, w in choices])[0]()


def play(setup, items, folder):
    """
    Both programs play the items on equal images: None, or what came out different.

    A large write of many pieces has the reference choose new clusters while, in other threads, old ones become free: with bad luck it
    does not do the same twice.  Then one of several runs has to agree.
    """
    for _ in range(4):
        problem = play_once(setup, items, folder)
        if not problem or not problem.startswith('images:'):
            break
    return problem


def play_once(setup, items, folder):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / 'reference').mkdir(parents=True)
    setup.prepare(folder / 'reference')
    subprocess.run(['cp', '-r', '--sparse=always', folder / 'reference', folder / 'ours'], check=True)  # holes of the backing file count
    data = ''.join(line + '\n' for line in items)
    results = {}
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        result = support.run([*setup.args, 'test.qcow2'], program=program, name='qemu-io', input=data, cwd=folder / who)
        if who == 'reference' and result.status in (-signal.SIGABRT, -signal.SIGFPE):
            return None  # one of its assertions
        results[who] = (support.without_times(result.out.replace('qemu-io> ', '')), re.sub(r'#block\d+', '#blockN', result.err), f'status {result.status}\n')
    problems = [f'{what}:\n{support.difference(theirs, ours)[:3000]}'
                for what, theirs, ours in zip(('stdout', 'stderr', 'status'), results['reference'], results['ours']) if theirs != ours]
    check = qemu_img('check', 'test.qcow2', cwd=folder / 'ours', check=False)
    if check.returncode:
        problems.append(f'check: {check.stdout[:2000]}{check.stderr[:2000]}')
    different = support.same_bytes(folder / 'reference/test.qcow2', folder / 'ours/test.qcow2')
    if different:
        problems.append(f'images: {different}')
    return '\n'.join(problems) or None


def shorten(setup, items, folder, budget=60):
    """Leaves out what is not needed for a failure."""
    step = len(items) // 2
    while step and budget:
        i = 0
        while i < len(items) and budget:
            fewer = items[:i] + items[i + step:]
            budget -= 1
            if fewer and play(setup, fewer, folder):
                items = fewer
            else:
                i += step
        step //= 2
    return items


@pytest.mark.parametrize('number', range(SEED, SEED + ROUNDS), ids='seed{}'.format)
def test_random_operations(number, work):
    rng = random.Random(number)
    setup = Setup(rng, number)
    items = Script(rng, setup).items
    if play(setup, items, work / 'play') is None:
        return
    items = shorten(setup, items, work / 'play')
    problem = play(setup, items, work / 'play') or 'gone when repeated'
    pytest.fail(f'SEED={number} ROUNDS=1; {setup}\n' + '\n'.join(items) + '\n\n' + problem, pytrace=False)
