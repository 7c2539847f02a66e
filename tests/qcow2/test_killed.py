# SPDX-License-Identifier: GPL-3.0-or-later
"""
kill -9 at any moment: `qemu-img check` finds leaks at worst, and what was reported as written through is there.

SEED=N starts somewhere else, ROUNDS=N kills so many of each kind.
"""
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402
from test_concurrent import check_once_unlocked, cluster_of  # noqa: E402

SEED = int(os.environ.get('SEED', '1'))
ROUNDS = int(os.environ.get('ROUNDS', '4'))
SIZE = 4 * MIB
SLOT = 8 * KIB  # what one write has for itself
FIRST_FREE = 1 * MIB  # below it is what may be discarded and written again
SHAPES = {'default': {}, '512,1 bit': {'cluster_size': 512, 'refcount_bits': 1}, '512,64 bits': {'cluster_size': 512, 'refcount_bits': 64},
          '4k': {'cluster_size': 4096}, '4k,8 bits': {'cluster_size': 4096, 'refcount_bits': 8}, '16k,subclusters': {'cluster_size': '16k', 'extended_l2': 'on'},
          'lazy': {'cluster_size': 4096, 'lazy_refcounts': 'on'}, 'version 2': {'compat': '0.10', 'cluster_size': 4096}, '2M': {'cluster_size': '2M'},
          'zstd': {'cluster_size': 4096, 'compression_type': 'zstd'}}
MODES = {'through': [], 'directly': ['-t', 'directsync'], 'back': ['-t', 'writeback'], 'unmap': ['-t', 'writeback', '-d', 'unmap'],
         'threads': ['-t', 'writeback', '-i', 'threads']}


def prepared(work, rng, shape):
    image = work / 'test.qcow2'
    image.unlink(missing_ok=True)
    create(image, SIZE, **shape)
    images.write(image, 'write -P 250 100k 200k')
    if rng.random() < .5 and shape.get('refcount_bits') != 1:
        qemu_img('snapshot', '-c', 'before', image.name, cwd=work)
    if rng.random() < .3 and shape.get('compat') != '0.10':
        qemu_img('bitmap', '--add', image.name, 'days', cwd=work)
    return image


class Script:
    """Lines where each write has a place of its own, and others, on the first MiB, that make the tables move."""

    def __init__(self, rng, shape, used):
        self.rng, self.cluster, self.used = rng, cluster_of(shape), used
        self.values = {}
        self.size = SIZE

    def line(self):
        rng = self.rng
        kind = rng.choice(['write', 'write', 'write', 'aio_write', 'write -c', 'write -z', 'discard', 'rewrite', 'truncate', 'flush', 'repair'])
        if kind in ('write', 'aio_write', 'write -z') and self.used < (SIZE - FIRST_FREE) // SLOT:
            offset, length = FIRST_FREE + self.used * SLOT, rng.choice([1, 512, 4096, SLOT])
            self.used += 1
            self.values[offset] = length, 0 if kind == 'write -z' else self.used % 249 + 1
            return f'{kind} {"" if kind == "write -z" else f"-P {self.values[offset][1]} "}{offset} {length}'
        start, length = rng.randrange(0, FIRST_FREE, 512), rng.choice([512, 4096, 60 * KIB, 200 * KIB])
        length = min(length, FIRST_FREE - start)
        if kind == 'discard':
            return f'discard {start} {length}'
        if kind == 'write -c' and self.cluster <= FIRST_FREE:
            return f'write -c -P {rng.randrange(1, 250)} {start // self.cluster * self.cluster} {self.cluster}'
        if kind == 'truncate':
            self.size += rng.choice([512, 64 * KIB, 5 * MIB])
            return f'truncate {self.size}'
        if kind == 'flush' or kind == 'repair':
            return 'aio_flush' if kind == 'flush' else 'check -r leaks'
        return f'write {rng.choice(["-z ", "-z -u ", "-P 249 "])}{start} {length}'

    def verify(self, work, image, said):
        """What was said to be written is."""
        told = {int(offset) for offset in re.findall(r'wrote \d+/\d+ bytes at offset (\d+)', said)} & set(self.values)
        lines = [f'read -P {self.values[offset][1]} {offset} {self.values[offset][0]}' for offset in sorted(told)]
        result = support.reference('-r', '-U', image.name, cwd=work, input=''.join(f'{line}\n' for line in lines))
        assert 'failed' not in result.out + result.err, f'{len(lines)} writes were reported\n{result}'
        return len(lines)


def killed(work, args, script, rng):
    """Runs lines one by one, then some without waiting, and kills it; returns what it had said."""
    process = subprocess.Popen([support.BLKSCOPE, '-w', *args], cwd=work, env=support.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    said = b''
    try:
        for _ in range(rng.choice([0, 1, 5, 15])):
            while not said.endswith(b'blkscope> '):
                piece = process.stdout.read1(65536)
                if not piece:
                    break
                said += piece
            process.stdin.write(script().encode() + b'\n')
            process.stdin.flush()
            said += b'\n'
        process.stdin.write(''.join(script() + '\n' for _ in range(rng.choice([1, 5, 30]))).encode())
        process.stdin.flush()
    except BrokenPipeError:
        pass
    time.sleep(rng.random() ** 2 * 0.02)
    process.kill()
    said += process.stdout.read()
    process.stdout.close()
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass
    process.wait(support.DEADLINE)
    assert b'AddressSanitizer' not in said and b'runtime error' not in said, said
    return said.decode()


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('name', SHAPES)
def test_killed_while_it_writes(work, name, mode):
    rng = random.Random(f'{SEED}{name}{mode}')
    shape, verified = SHAPES[name], 0
    for number in range(ROUNDS):
        if number % 8 == 0:
            image, used = prepared(work, rng, shape), 0
        script = Script(rng, shape, used)
        script.size = max(SIZE, int(re.search(r'\((\d+) bytes\)', qemu_img('info', '-U', image.name, cwd=work).stdout)[1]))
        said = killed(work, [*MODES[mode], image.name], script.line, rng)
        used = script.used
        check = check_once_unlocked(work, image)
        # With lazy refcounts the image is dirty: whoever opens it next for writing counts anew.
        if 'lazy_refcounts' in shape:
            images.write(image, 'flush')
            check = check_once_unlocked(work, image)
        assert check.returncode in (0, 3), f'SEED={SEED} number {number} {check.stdout[-2000:]}{check.stderr}\n{said[-2000:]}'
        if mode in ('through', 'directly'):
            verified += script.verify(work, image, said)
    print(f'{name}, {mode}: {ROUNDS} kills, {verified} reported writes found')


@pytest.mark.parametrize('name', SHAPES)
def test_killed_while_an_overlay_is_committed(work, name):
    rng = random.Random(f'{SEED}{name}overlay')
    for number in range(ROUNDS):
        if number % 8 == 0:
            image = prepared(work, rng, SHAPES[name])
        lines = iter([f'write -P {rng.randrange(1, 250)} {rng.randrange(0, SIZE - 99999, 512)} {rng.randrange(1, 99999)}' for _ in range(rng.choice([1, 3]))]
                     + ['overlay commit -y'])
        said = killed(work, ['-s', image.name], lambda lines=lines: next(lines, 'length'), rng)
        check = check_once_unlocked(work, image)
        if 'lazy_refcounts' in SHAPES[name]:
            images.write(image, 'flush')
            check = check_once_unlocked(work, image)
        assert check.returncode in (0, 3), f'SEED={SEED} number {number} {check.stdout[-2000:]}{check.stderr}\n{said[-2000:]}'
