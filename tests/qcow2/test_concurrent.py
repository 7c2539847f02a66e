# SPDX-License-Identifier: GPL-3.0-or-later
"""
Many requests at once to the same and neighbouring clusters: each byte ends as one of the values written there, nothing is leaked or doubled; and
a process killed at any moment leaves an image without corruption.

SEED=N starts somewhere else, ROUNDS=N goes on longer.
"""
import os
import random
import subprocess
import sys
import time
from bisect import bisect_left
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402

SEED = int(os.environ.get('SEED', '1'))
ROUNDS = int(os.environ.get('ROUNDS', '24'))
KILLS = int(os.environ.get('ROUNDS', '60'))
SIZE = 4 * MIB
SHAPES = [{}, {'cluster_size': 512}, {'cluster_size': 4096}, {'cluster_size': 4096, 'refcount_bits': 64}, {'cluster_size': '16k', 'extended_l2': 'on'},
          {'compat': '0.10', 'cluster_size': 4096}, {'extended_l2': 'on'}, {'cluster_size': '2M'}]
CACHES = [[], ['-t', 'writeback'], ['-n'], ['-t', 'writeback', '-d', 'unmap'], ['-t', 'writeback', '-i', 'threads']]


def cluster_of(shape):
    return {'2M': 2 * MIB, '16k': 16 * KIB}.get(shape.get('cluster_size'), shape.get('cluster_size', 64 * KIB))


class Batches:
    """Requests that run at once, batch by batch, and what each byte may be afterwards."""

    def __init__(self, rng, cluster, contents):
        self.rng, self.cluster = rng, cluster
        self.batches = [[self.request() for _ in range(rng.choice([2, 8, 30]))] for _ in range(8)]
        self.cuts = sorted({0, SIZE, *(edge for batch in self.batches for _, _, start, end in batch for edge in (start, end))})
        self.allowed = [set(contents[start:end]) for start, end in zip(self.cuts, self.cuts[1:])]
        for batch in self.batches:
            self.play(batch)

    def request(self):
        rng = self.rng
        middle = rng.choice([SIZE // 2, SIZE // 2, rng.randrange(SIZE)])
        start = max(0, middle + rng.choice([rng.randrange(-300, 300), rng.randrange(-4, 4) * self.cluster, rng.randrange(-64, 64) * 512]))
        length = rng.choice([1, 100, 512, 4096, self.cluster, 3 * self.cluster, rng.randrange(1, 100 * KIB)])
        end = min(SIZE, start + min(length, 400 * KIB))
        kind = rng.choice(['aio_write', 'aio_write', 'aio_write', 'aio_write -z', 'aio_write -z -u', 'aio_discard', 'aio_read'])
        return kind, rng.randrange(1, 256) if kind == 'aio_write' else 0, min(start, end - 1), end

    def play(self, batch):
        """What ended before the batch began is gone where anything was written for certain."""
        written, certain = {}, set()
        for kind, value, start, end in batch:
            for cell in range(bisect_left(self.cuts, start), bisect_left(self.cuts, end)):
                if kind != 'aio_read':
                    written.setdefault(cell, set()).add(value)
                if kind.startswith('aio_write'):
                    certain.add(cell)
        for cell, values in written.items():
            self.allowed[cell] = values | (set() if cell in certain else self.allowed[cell])

    def lines(self):
        for batch in self.batches:
            for kind, value, start, end in batch:
                yield f'{kind} {f"-P {value} " if kind == "aio_write" else ""}{start} {end - start}'
            yield 'aio_flush'

    def verify(self, seen):
        for start, end, allowed in zip(self.cuts, self.cuts[1:], self.allowed):
            assert set(seen[start:end]) <= allowed, f'[{start}, {end}) holds {set(seen[start:end]) - allowed}, not only {allowed}'


def prepared(work, rng, shape):
    backing = {}
    if rng.random() < .4:
        images.scatter(create(work / 'base', SIZE // 2, cluster_size=4096), SIZE // 2, rng.randrange(1000), cluster=4096)
        backing = {'backing': 'base'}
    image = create(work / 'test.qcow2', SIZE, **shape, **backing)
    cluster = cluster_of(shape)
    images.write(image, *(f'write -c -P {i % 200 + 1} {i * cluster} {cluster}' for i in rng.sample(range(SIZE // cluster), min(10, SIZE // cluster))),
                 f'write -P 7 {SIZE // 2 - 5000} 200k')
    if rng.random() < .5:
        qemu_img('snapshot', '-c', 's', image.name, cwd=work)
    return image


def contents(work, image):
    qemu_img('convert', '-O', 'raw', image.name, 'contents.raw', cwd=work)
    return (work / 'contents.raw').read_bytes()


@pytest.mark.parametrize('number', range(SEED, SEED + ROUNDS), ids='seed{}'.format)
def test_bytes_end_as_one_of_those_written(work, number):
    rng = random.Random(number)
    shape, cache = SHAPES[number % len(SHAPES)], rng.choice(CACHES)
    image = prepared(work, rng, shape)
    batches = Batches(rng, cluster_of(shape), contents(work, image))
    result = support.drop_in(*cache, image.name, cwd=work, input=''.join(line + '\n' for line in batches.lines()))
    assert result.status == 0 and 'failed' not in result.out, result
    check = qemu_img('check', image.name, cwd=work, check=False)
    assert check.returncode == 0, f'SEED={number} {shape} {cache} {check.stdout}{check.stderr}'
    batches.verify(contents(work, image))
    images.same(image, 'map')


def check_once_unlocked(work, image):
    """Requests in the kernel keep the file, and with it the locks, a moment longer than the process lives."""
    for _ in range(1000):
        result = qemu_img('check', image.name, cwd=work, check=False)
        if 'lock' not in result.stderr:
            return result
        time.sleep(.01)
    raise AssertionError(result)


def test_killed_at_any_moment(work):
    rng = random.Random(SEED)
    (work / 'qemu-io').symlink_to(support.BLKSCOPE)
    for number in range(KILLS):
        if number % 10 == 0:
            shape = rng.choice(SHAPES)
            for name in ('test.qcow2', 'base'):
                (work / name).unlink(missing_ok=True)
            image = prepared(work, rng, shape)
        cluster = cluster_of(shape)
        lines = [*Batches(rng, cluster, bytes(SIZE)).lines(), *(f'write -P {i} {rng.randrange(SIZE - 99999)} {rng.randrange(1, 99999)}' for i in range(50)),
                 f'write -b 0 {512 * rng.randrange(1, 99)}', 'flush']
        rng.shuffle(lines)
        process = subprocess.Popen(['./qemu-io', *rng.choice(CACHES), image.name], cwd=work, env=support.environment(), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            process.stdin.write(''.join(line + '\n' for line in lines).encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        # Some begin, some are in the middle, some have ended.
        process.stdout.read(rng.choice([1, 200, 2000]))
        time.sleep(rng.random() * 0.02)
        process.kill()
        process.stdout.close()
        process.wait(support.DEADLINE)
        check = check_once_unlocked(work, image)
        assert check.returncode in (0, 3), f'SEED={SEED} number {number} {shape} {check.stdout}{check.stderr}'
