# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes: growing with every preallocation mode and without, and shrinking."""
import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
import twins  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import GIB, KIB, MIB  # noqa: E402
from twins import ours, same_after, theirs  # noqa: E402

pytestmark = pytest.mark.in_memory

MODES = ('metadata', 'falloc', 'full')
OPTIONS = [
    {}, {'compat': '0.10'}, {'compat': '0.10', 'cluster_size': 512}, {'cluster_size': 512, 'refcount_bits': 1},
    {'cluster_size': 1024, 'refcount_bits': 64}, {'cluster_size': 4096, 'refcount_bits': 2}, {'cluster_size': 8192, 'refcount_bits': 32},
    {'cluster_size': 2 * MIB, 'refcount_bits': 8}, {'extended_l2': 'on'}, {'cluster_size': 16 * KIB, 'extended_l2': 'on', 'refcount_bits': 4},
]


def name_of(options):
    return ','.join(f'{key}={value}' for key, value in options.items()) or 'default'


def cluster_of(options):
    return options.get('cluster_size', 64 * KIB)


def blocks(path):
    return os.stat(path).st_blocks


# ---- preallocation ----

@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_preallocated_growth(work, options, mode):
    cluster = cluster_of(options)
    for old in (0, 3 * cluster + 512, 5 * cluster):
        twin = create(work / 'twin.qcow2', old, **options)
        before = [f'write -P 1 {old // 2} {old - old // 2}'] if old else []
        size = old + min(1500 * cluster, 12 * MIB) // 512 * 512
        same_after(twin, *before, f'truncate -m {mode} {size}', f'write -P 2 {size - 3 * cluster // 2} {cluster}', 'map',
                   f'read -P 0 {old} {size - old - 2 * cluster}')


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_preallocation_over_a_backing_file(work, options, mode):
    """What lies behind the old end of the overlay in its backing file does not come up."""
    cluster = cluster_of(options)
    old, size = 2 * cluster + 1536, 9 * cluster + 1024
    for length in (old // 2 // 512 * 512, old, 5 * cluster):
        base = create(work / 'base.qcow2', length, cluster_size=512)
        theirs(base, f'write -P 1 0 {length}')
        twin = create(work / 'twin.qcow2', old, backing='base.qcow2', **options)
        refused = options.get('compat') == '0.10' and mode == 'metadata' and length > old
        result, _ = same_after(twin, 'write -P 2 1k 100', f'truncate -m {mode} {size}', f'write -P 3 {old // 2} {cluster}', 'map')
        assert ('Failed to zero out new clusters: Operation not supported' in result.err) == refused


@pytest.mark.parametrize('options', [{}, {'cluster_size': 1024}, {'extended_l2': 'on'}], ids=name_of)
def test_preallocation_after_zeroes_and_snapshots(work, options):
    cluster = cluster_of(options)
    old = 2 * cluster + 3 * 512
    for mode in MODES:
        for command in (f'write -z 0 {old}', f'write -z {old - 700} 700', f'write -P 4 {2 * cluster} 600', f'write -P 4 0 {old}'):
            for snapshot in (False, True):
                twin = create(work / 'twin.qcow2', old, **options)
                theirs(twin, f'write -P 5 0 {old}', command)
                if snapshot:
                    qemu_img('snapshot', '-c', 's', twin.name, cwd=work)
                same_after(twin, f'truncate -m {mode} {5 * cluster + 512}')


def test_preallocation_takes_what_was_created(work):
    """An image of no size that grows is what `qemu-img create` makes with that preallocation."""
    for options in OPTIONS:
        for mode in MODES:
            size = 7 * MIB + 512
            made = create(work / 'made.qcow2', size, preallocation=mode, **options)
            image = create(work / 'ours.qcow2', 0, **options)
            assert ours(image, f'truncate -m {mode} {size}').status == 0
            twins.assert_same(made, image)
            if mode != 'metadata':
                assert abs(blocks(made) - blocks(image)) * 512 <= 64 * KIB, (options, mode)


@pytest.mark.parametrize('options', [{}, {'refcount_bits': 64}, {'cluster_size': 2 * MIB}], ids=name_of)
def test_metadata_of_gigabytes(work, options):
    twin = create(work / 'twin.qcow2', 12345 * 512, **options)
    same_after(twin, f'truncate -m metadata {5 * GIB + 512}', 'write -P 1 4G 1M', f'truncate -m metadata {6 * GIB}')


def test_preallocated_growth_at_random(work):
    for seed in range(int(os.environ.get('ROUNDS', 10))):
        rand = random.Random(int(os.environ.get('SEED', 1)) + seed)
        options = rand.choice(OPTIONS)
        cluster = cluster_of(options)
        old = rand.choice([0, rand.randrange(1, 200) * 512, rand.randrange(1, 12) * cluster])
        backing = None
        if rand.random() < 0.3:
            base = create(work / 'base.qcow2', rand.randrange(1, 2 + 2 * old // 512) * 512, cluster_size=512)
            theirs(base, 'write -P 7 0 512')
            backing = base.name
        twin = create(work / 'twin.qcow2', old, backing=backing, **options)
        commands = []
        size = old
        for step in range(3):
            commands += [f'write -P {step + 1} {rand.randrange(size) // 512 * 512} 512'] if size else []
            size += rand.choice([512, cluster, rand.randrange(1, 300) * min(cluster, 64 * KIB)])
            commands.append(f'truncate -m {rand.choice(("off", *MODES))} {size}')
        expected = theirs(twins.copy(twin, 'probe.qcow2'), *commands)
        if 'Cannot use preallocation for shrinking files' not in expected.err:  # see DIFFERENCES.md
            same_after(twin, *commands)


def test_space_that_was_freed_at_the_end_is_not_seen_again(work):
    """Clusters behind the last used one keep their old bytes in the file; preallocation gives their places to the guest as zeroes."""
    image = create(work / 'ours.qcow2', 100 * KIB, cluster_size=4096)
    assert ours(image, 'write -P 1 0 100k', 'discard 20k 80k', 'truncate -m falloc 140k', 'read -P 0 20k 120k', 'read -P 1 0 20k').status == 0
    result = ours(image, 'read -P 0 20k 120k', 'read -P 1 0 20k')
    assert result.status == 0 and 'failed' not in result.out, result
    twins.check(image)


@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_while_preallocating_leave_no_corruption(work, number):
    for event in ('l1_grow_activate_table', 'refblock_alloc', 'refblock_alloc_write_blocks', 'refblock_alloc_write_table', 'refblock_alloc_switch_table',
                  'cluster_alloc', 'l2_alloc_write', 'l1_update', 'l2_update', 'refblock_update_part', 'cow_read', 'cow_write', 'flush_to_disk', 'none'):
        for mode in MODES:
            image = create(work / 'ours.qcow2', MIB + 512, cluster_size=1024)
            theirs(image, 'write -P 1 0 1M', f'write -P 2 {MIB} 512')
            options = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":true}}],"image":{{"driver":"file","filename":"ours.qcow2"}}}}}}'
            ours(image, f'truncate -m {mode} 3M', 'write -P 2 0 10k', f'truncate -m {mode} 4M', 'write -P 3 1M 512', image=options)
            twins.check(image, leaks=True)
            result = ours(image, f'truncate -m {mode} 9M', 'write -P 2 0 10k', 'read -P 1 10k 1014k', 'write -P 3 8M 1k', 'read -P 0 5M 3M')
            assert result.status == 0 and 'failed' not in result.out, (event, result)
            twins.check(image, leaks=True)


# ---- shrinking ----

@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_shrinking(work, options):
    """To sizes within a cluster, at its end, with L2 tables and refcount blocks that are given up; what grows again is as in the reference."""
    cluster = cluster_of(options)
    size = min(900 * cluster, 24 * MIB)
    twin = create(work / 'twin.qcow2', size, **options)
    theirs(twin, f'write -P 1 0 {size // 2}', f'write -P 2 {size // 2 + cluster} {cluster}', f'write -z {size // 3} {cluster}',
           f'write -P 3 {size - 1024} 1k')
    for new in (size - 512, size // 2 + 3 * 512, size // 3 // cluster * cluster, 512, 0):
        _, other = same_after(twin, f'truncate {new}', 'length', 'map', f'truncate {size}', f'write -P 4 {size - 512} 512', f'truncate {size // 5 // 512 * 512}')
        assert os.path.getsize(twin) == os.path.getsize(other)
        if new:
            same_after(create(work / 'small.qcow2', size, **options), f'write 0 {size}', f'truncate {new}', f'read -P 205 0 {new}')


@pytest.mark.parametrize('options', [{}, {'cluster_size': 1024}, {'cluster_size': 16 * KIB, 'extended_l2': 'on'}], ids=name_of)
def test_shrinking_with_others_around(work, options):
    """Snapshots, compressed clusters, a backing file, the VM state."""
    cluster = cluster_of(options)
    size = 60 * cluster
    base = create(work / 'base.qcow2', 2 * size, cluster_size=4096)
    theirs(base, f'write -P 1 0 {2 * size}')
    twin = create(work / 'twin.qcow2', size, backing='base.qcow2', **options)
    theirs(twin, *(f'write -c -P {i + 2} {i * cluster} {cluster}' for i in range(10, 30)), f'write -P 3 0 {5 * cluster + 100}')
    same_after(twin, f'truncate {20 * cluster + 512}', f'truncate {size + 512}', f'write -P 9 {40 * cluster} 300', 'map')
    qemu_img('snapshot', '-c', 's', twin.name, cwd=work)
    same_after(twin, f'truncate {20 * cluster + 512}', f'truncate {size}', f'write -P 9 {2 * cluster} 300', 'truncate 0')
    other = twins.copy(twin)
    commands = ['write -b -P 8 100 100k', 'truncate 1k', 'write 0 1k', f'truncate {3 * size}']
    assert twins.said(theirs(twin, *commands)) == twins.said(ours(other, *commands))
    twins.assert_same(twin, other)  # both leave the VM state's clusters counted
    twins.check(other, leaks=True)


def test_refusals(work):
    old = create(work / 'twin.qcow2', MIB, compat='0.10')
    qemu_img('snapshot', '-c', 's', old.name, cwd=work)
    same_after(old, 'truncate 2M', 'truncate 512k', 'truncate 1000', 'truncate -m full 100k', 'truncate 1M')
    image = create(work / 'twin.qcow2', MIB, cluster_size=512)
    result, _ = same_after(image, 'truncate -m full 100k', 'truncate -m metadata 512', 'truncate 1000', 'truncate 9P', 'truncate -m falloc 9P', 'truncate -m off 1P')
    assert "Preallocation can't be used for shrinking an image" in result.err


@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_while_resizing_leave_no_corruption(work, number):
    for event in ('l1_shrink_write_table', 'l1_shrink_free_l2_clusters', 'cluster_free', 'refblock_alloc', 'refblock_update_part', 'l2_update', 'l2_load',
                  'flush_to_disk', 'none'):
        image = create(work / 'ours.qcow2', MIB, cluster_size=512)
        theirs(image, 'write -P 1 0 1M')
        options = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":true}}],"image":{{"driver":"file","filename":"ours.qcow2"}}}}}}'
        ours(image, 'truncate 600k', 'write -P 2 0 10k', 'truncate 300k', 'write -P 3 0 512', image=options)
        twins.check(image, leaks=True)
        result = ours(image, 'truncate 200k', 'write -P 2 0 10k', 'read -P 1 10k 190k', 'truncate 1M', 'read -P 0 200k 824k')
        assert result.status == 0 and 'failed' not in result.out, (event, result)
        twins.check(image, leaks=True)


def test_resizing_at_random(work):
    for seed in range(int(os.environ.get('ROUNDS', 10))):
        rand = random.Random(int(os.environ.get('SEED', 1)) + seed)
        options = rand.choice(OPTIONS)
        cluster = cluster_of(options)
        size = first = rand.randrange(1, 400) * min(cluster, 32 * KIB)
        backing = None
        if rand.random() < 0.3:
            base = create(work / 'base.qcow2', rand.randrange(1, 4 * size // 512) * 512, cluster_size=4096)
            theirs(base, 'write -P 7 0 512')
            backing = base.name
        twin = create(work / 'twin.qcow2', size, backing=backing, **options)
        commands = []
        for step in range(12):
            offset = rand.randrange(size) if size else 0
            length = min(rand.choice([1, 512, cluster, 5 * cluster]), size - offset)
            commands += [f'{rand.choice(("write -P 1", "write -P 2", "write -z", "write -z -u", "discard"))} {offset} {length}'] if size else []
            size = rand.choice([0, 512, first, rand.randrange(first // 512) * 512, 2 * first, size])
            commands.append(f'truncate {size}')
        same_after(twin, *commands)
