# SPDX-License-Identifier: GPL-3.0-or-later
"""
Images of every kind, made by qemu-img or by `create`, written by both programs in turn: always sound, and always what the reference
alone makes of a twin.

A sample of the kinds by default; BLKSCOPE_MATRIX=1 tests all of them, BLKSCOPE_MATRIX=TEXT those whose name has TEXT in it.
"""
import itertools
import os
import random
import shlex
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402

pytestmark = pytest.mark.in_memory

WANTED = os.environ.get('BLKSCOPE_MATRIX', '')
SAMPLE, GROUPS = 90, 12
ROUNDS = 4
CLUSTERS = (512, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 2 * MIB)


def kinds():
    for cluster, bits, compression, extended, compat, backing, data in itertools.product(
            CLUSTERS, (1, 2, 4, 8, 16, 32, 64), ('zlib', 'zstd'), ('off', 'on'), ('v2', 'v3'), ('none', 'raw', 'qcow2'), ('none', 'file', 'raw')):
        if compat == 'v2' and (bits, compression, extended, data) != (16, 'zlib', 'off', 'none'):
            continue
        if extended == 'on' and cluster < 16 * KIB or data == 'raw' and backing != 'none':
            continue
        yield {'cluster_size': cluster, 'refcount_bits': bits, 'compression_type': compression, 'extended_l2': extended, 'compat': compat,
               'backing': backing, 'data': data}


def name_of(kind):
    return '-'.join(f'{key}={value}' for key, value in kind.items())


def sampled():
    everything = list(kinds())
    if WANTED:
        return [kind for kind in everything if WANTED == '1' or WANTED in name_of(kind)]
    return random.Random(7).sample(everything, SAMPLE)


# ---- one image ----

def size_of(kind, rand):
    return {2 * MIB: 24 * MIB, 512: MIB, KIB: MIB}.get(kind['cluster_size'], 4 * MIB) + rand.choice((0, 512, 1536))


def make_backing(work, kind, size):
    format = kind['backing']
    if format == 'none':
        return []
    qemu_img('create', '-q', '-f', format, 'base', size // 2 + 512, cwd=work)
    support.reference('-f', format, '-t', 'unsafe', '-c', f'write -P 201 0 {size // 3}', '-c', f'write -P 202 {size // 2 - 70000} 70512', 'base',
                      cwd=work)
    return ['-b', 'base', '-F', format]


def make(work, kind, name, size, backing, *, ours):
    options = {key: kind[key] for key in ('cluster_size', 'refcount_bits', 'compression_type', 'extended_l2', 'compat')}
    if kind['data'] != 'none':
        options['data_file'] = f'{name}.data'
    if kind['data'] == 'raw':
        options['data_file_raw'] = 'on'
    args = ['-q', '-f', 'qcow2', *backing, '-o', ','.join(f'{key}={value}' for key, value in options.items()), name, str(size)]
    if ours:
        result = support.blkscope('-c', shlex.join(['create', *args]), cwd=work)
        assert (result.out, result.err, result.status) == ('', '', 0), result
    else:
        qemu_img('create', *args, cwd=work)
    return work / name


def touched(offset, length, cluster):
    return set(range(offset // cluster, (offset + length - 1) // cluster + 1))


def commands(rand, kind, size, count, used):
    """used: the clusters that hold something.  A compressed write that meets one fails, and of how much it did till then nothing is said."""
    cluster = kind['cluster_size']
    choices = ['write', 'write', 'write -z', 'write -z -u', 'discard', 'write -c']
    if kind['data'] != 'none':
        choices.pop()  # no compressed clusters in a data file
    # Compressed ones first: after it has freed a compressed cluster and used it again, the reference packs more into it.
    for what in sorted(rand.choices(choices, k=count), key='write -c'.__ne__):
        offset = rand.randrange(size)
        length = min(rand.choice((1, 511, 512, 4 * KIB, cluster // 3 + 1, cluster, 3 * cluster + 5, 30 * cluster)), size - offset, 3 * MIB)
        if what == 'write -c':
            offset -= offset % cluster
            length = min(cluster * rand.randrange(1, 4), size - offset)
            if used & touched(offset, length, cluster):
                length = min(cluster, length)
        if what != 'discard':
            used |= touched(offset, length, cluster)
        pattern = f' -P {rand.randrange(1, 200)}' if what in ('write', 'write -c') else ''
        yield f'{what}{pattern} {offset} {length}'


def run(program, path, batch):
    args = [word for command in batch for word in ('-c', command)]
    result = program('-t', 'unsafe', *args, path.name, cwd=path.parent)
    return images.timeless(result.out), result.status


def check(path):
    result = qemu_img('check', path.name, cwd=path.parent, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def same_disk(work, one, two):
    result = qemu_img('compare', one.name, two.name, cwd=work, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def written_by_both(work, kind):
    rand = random.Random(name_of(kind))
    size = size_of(kind, rand)
    backing = make_backing(work, kind, size)
    by_us = rand.random() < 0.5
    path = make(work, kind, 'image', size, backing, ours=by_us)
    twin = make(work, kind, 'twin', size, backing, ours=False)
    used = set()
    for step in range(ROUNDS):
        batch = list(commands(rand, kind, size, 8, used))
        program = support.drop_in if step % 2 == by_us else support.reference
        story = f'round {step} by {program.__name__}, image made by {"create" if by_us else "qemu-img"}, {size} bytes: {batch}'
        try:
            assert run(program, path, batch) == run(support.reference, twin, batch)
            check(path)
            same_disk(work, path, twin)
            if kind['data'] == 'raw':
                same_disk(work, work / 'image.data', twin)
        except AssertionError as failed:
            raise AssertionError(f'{name_of(kind)}\n{story}\n{failed}') from None
    images.same(path, *images.reads(size, 1, 4), 'map')


KINDS = sampled()


@pytest.mark.parametrize('group', range(GROUPS))
def test_written_by_both_programs(work, group):
    failures = []
    for kind in KINDS[group::GROUPS]:
        folder = work / 'one'
        folder.mkdir()
        try:
            written_by_both(folder, kind)
        except AssertionError as failed:
            failures.append(str(failed))
        shutil.rmtree(folder)
    assert not failures, f'{len(failures)} of {len(KINDS[group::GROUPS])} kinds\n' + '\n\n'.join(failures[:5])


def test_the_sample_has_every_value():
    """Of each dimension, so that nothing goes untested by default."""
    if WANTED:
        pytest.skip('not the sample')
    for key in KINDS[0]:
        assert {kind[key] for kind in KINDS} == {kind[key] for kind in kinds()}, key
