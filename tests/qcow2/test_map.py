# SPDX-License-Identifier: GPL-3.0-or-later
"""`map --json` is what `qemu-img map --output=json` prints, to the byte; `map --summary` adds up what it says."""
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, patch, qemu_img, scatter, write  # noqa: E402
from support import KIB, MIB, blkscope, difference  # noqa: E402


def same_map(image, *options):
    theirs = qemu_img('map', '--output=json', *options, image.name, cwd=image.parent).stdout
    ours = blkscope('--refs=follow', *options, '-c', 'map --json', image.name, cwd=image.parent)
    assert ours.out == theirs, difference(theirs, ours.out)
    assert (ours.err, ours.status) == ('', 0)
    summary_agrees(image, json.loads(theirs), *options)
    return theirs


def share_of(extent):
    """What is stored in layers below is told by layer."""
    depth = extent['depth'] if extent['kind'] in ('data', 'compressed') else 0
    return [extent['kind'], 'backing', 'backing-2', 'backing-3', 'backing-4+'][min(depth, 4)]


def summary_agrees(image, extents, *options):
    out = blkscope('--refs=follow', '--json', *options, '-c', 'map --summary', image.name, cwd=image.parent).out
    kinds = json.loads(out)
    ours = [json.loads(line) for line in
            blkscope('--refs=follow', '--json', *options, '-c', 'map --extents', image.name, cwd=image.parent).out.splitlines()]
    assert kinds.pop('extents') == len(ours)
    assert kinds.pop('length') == sum(extent['length'] for extent in ours)
    for kind, total in kinds.items():
        assert total == sum(extent['length'] for extent in ours if share_of(extent) == kind), kind
    stored = sum(extent['length'] for extent in extents if extent['data'])
    assert kinds['data'] + kinds['compressed'] + sum(kinds[kind] for kind in kinds if kind.startswith('backing')) == stored
    assert kinds['unallocated'] == sum(extent['length'] for extent in extents if not extent['present'])


@pytest.mark.parametrize('options', [{}, {'compat': '0.10'}, {'cluster_size': 512}, {'cluster_size': '2M'}, {'extended_l2': 'on'},
                                     {'extended_l2': 'on', 'cluster_size': '16k'}, {'compression_type': 'zstd'}])
@pytest.mark.parametrize('seed', range(3))
def test_every_kind(work, options, seed):
    cluster = {512: 512, '2M': 2 * MIB, '16k': 16 * KIB}.get(options.get('cluster_size'), 64 * KIB)
    size = 16 * cluster if cluster > 4096 else MIB
    image = create(work / 'a.qcow2', size, **options)
    scatter(image, size, seed, cluster=max(cluster, 4096))
    same_map(image)


@pytest.mark.parametrize('raw', ['on', 'off'])
def test_data_file(work, raw):
    image = create(work / 'a.qcow2', 4 * MIB, data_file='d.raw', data_file_raw=raw)
    write(image, 'write 0 64k', 'write 1M 128k', 'write -z 2M 64k', 'write 3M 64k', 'write -z 3M 64k', 'discard 0 64k')
    same_map(image)


def test_data_file_with_holes(work):
    image = create(work / 'a.qcow2', 4 * MIB, data_file='d.raw')
    write(image, 'write 0 64k', 'write 1M 128k')
    punch(image, 0x30000 + 4096, 0x10000 - 4096)
    punch(work / 'd.raw', MIB, 64 * KIB)
    same_map(image)


def punch(path, offset, length):
    subprocess.run(['fallocate', '-p', '-o', str(offset), '-l', str(length), str(path)], check=True)


@pytest.mark.parametrize('sizes', [(4, 8, 10), (10, 8, 4), (4, 4, 4), (1, 9, 2)])
@pytest.mark.parametrize('options', [{}, {'extended_l2': 'on'}])
def test_chain(work, sizes, options):
    base, middle, top = sizes
    qemu_img('create', '-q', '-f', 'raw', 'base.raw', f'{base}M', cwd=work)
    with open(work / 'base.raw', 'r+b') as file:
        file.write(b'x' * 70000)
        file.seek(512 * KIB)
        file.write(b'x' * 1000)
    create(work / 'middle.qcow2', f'{middle}M', backing='base.raw', backing_format='raw')
    scatter(work / 'middle.qcow2', middle * MIB, 1)
    image = create(work / 'top.qcow2', f'{top}M', backing='middle.qcow2', **options)
    scatter(image, top * MIB, 2)
    write(image, f'write {top * MIB - 4096} 2k')
    same_map(image)


@pytest.mark.parametrize('mode', ['metadata', 'falloc', 'full'])
def test_preallocated(work, mode):
    image = create(work / 'a.qcow2', 4 * MIB, preallocation=mode)
    same_map(image)
    write(image, 'write 1M 100k', 'write -z 2M 100k')
    same_map(image)


@pytest.mark.parametrize('holes', range(1, 6))
@pytest.mark.parametrize('clusters', [16, 40])
def test_where_holes_begin_to_be_told(work, clusters, holes):
    image = create(work / 'a.qcow2', 4 * MIB)
    write(image, f'write 0 {clusters * 64}k')
    punch(image, 0x60000, holes * 64 * KIB)
    same_map(image)


def test_truncated(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 512k', 'write -z 0 64k')
    with open(image, 'r+b') as file:
        file.truncate(0x70800)
    same_map(image)


@pytest.mark.parametrize('seed', range(12))
def test_entries_at_random(work, seed):
    """Tables of all kinds of entries, in rows and alone: whichever way they are counted, the sums are the same."""
    rand = random.Random(seed)
    size = rand.randrange(1, 20000) * 512
    image = create(work / 'a.qcow2', size, cluster_size=512, compat=['0.10', '1.1'][seed % 2])
    write(image, *(f'write {at} 512' for at in range(0, size - 511, 512 * 64)))
    for index in range(-(-size // (512 * 64))):
        table, host = images.l2_table(image, index), 0x10000
        words = []
        while len(words) < 64:
            kind = rand.choice(['none', 'data', 'more data', 'zero', 'zero allocated', 'compressed'][:3 if seed % 2 == 0 else 6])
            for _ in range(rand.choice([1, 1, 2, 7])):
                host += 512 if 'more' in kind or rand.random() < 0.5 else 0x1000
                words.append({'none': 0, 'zero': 1, 'zero allocated': host | 1, 'compressed': 1 << 62 | host}.get(kind, 1 << 63 | host))
        patch(image, *((table + 8 * i, 'Q', word) for i, word in enumerate(words[:64])))
    same_map(image)


def test_an_entry_that_can_not_be_is_told(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 64k')
    patch(image, (images.l2_table(image) + 8, 'Q', 1 << 63 | 0x50200))
    result = blkscope('-c', 'map --summary', image)
    assert 'unaligned' in result.err and 'map failed: Input/output error' in result.out and result.status == 1


def test_sizes_that_are_not_whole_are_told_in_bytes(work):
    size = 3 * MIB - 512
    raw = work / 'a.raw'
    raw.write_bytes(b'x' * size)
    image = create(work / 'b.qcow2', 4 * MIB - 512, backing='a.raw', backing_format='raw')
    out = blkscope('--refs=follow', '-c', 'map --summary', '-c', 'chain', image.name, cwd=work).out
    for told in (r'backing +74\.99%  3145216 bytes', r'\d+ extents in 4193792 bytes', r' {4}4193792 bytes, in a file of .*',
                 r' {4}3145216 bytes, in a file of 3145216 bytes \(.* on disk\), read-only'):
        assert re.search(f'^{told}$', out, re.M), told


def test_snapshots_and_small_sizes(work):
    for size in (0, 512, 1000, 65536, 65537):
        image = create(work / f'{size}.qcow2', size)
        same_map(image)
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 256k')
    qemu_img('snapshot', '-c', 'one', image)
    write(image, 'write 128k 256k')
    same_map(image)


@pytest.mark.parametrize('size', [0, 6, 512, 1000, MIB + 100])
def test_raw(work, size):
    image = work / 'a.raw'
    with open(image, 'wb') as file:
        file.write(b'x' * min(size, 5000))
        file.truncate(size)
    same_map(image, '-f', 'raw')


def test_random_holes(work):
    image = work / 'a.raw'
    rand = random.Random(7)
    with open(image, 'wb') as file:
        file.truncate(16 * MIB)
        for _ in range(200):
            file.seek(rand.randrange(16 * MIB - 4096))
            file.write(b'x' * rand.randrange(1, 4096))
    same_map(image, '-f', 'raw')


def test_a_layer_left_out_is_not_present(work):
    create(work / 'base.qcow2', MIB)
    image = create(work / 'a.qcow2', MIB, backing='base.qcow2')
    extents = json.loads(blkscope('--refs=none', '-c', 'map --json', image.name, cwd=work).out)
    assert extents == [{'start': 0, 'length': MIB, 'depth': 0, 'present': False, 'zero': False, 'data': False}]


def test_it_is_one_array_with_json_reports_too(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 64k 64k')
    assert blkscope('--json', '-c', 'map --json', image).out == qemu_img('map', '--output=json', image).stdout
