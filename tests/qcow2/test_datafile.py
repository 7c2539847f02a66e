# SPDX-License-Identifier: GPL-3.0-or-later
"""External data files: image and data file are the same to the byte as the reference's; a raw one has the disk's bytes by itself."""
import os
import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
import twins  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402
from twins import ours, theirs  # noqa: E402

pytestmark = pytest.mark.in_memory

OPTIONS = [{}, {'cluster_size': 512}, {'cluster_size': 4096, 'data_file_raw': 'on'}, {'data_file_raw': 'on'}, {'extended_l2': 'on'},
           {'cluster_size': 16 * KIB, 'extended_l2': 'on', 'data_file_raw': 'on'}]


def name_of(options):
    return ','.join(f'{key}={value}' for key, value in options.items()) or 'default'


def make_twins(work, size, before, *, backing=None, **options):
    """Two folders with the same: an image, its data file, a backing file."""
    for name in ('theirs', 'ours'):
        shutil.rmtree(work / name, ignore_errors=True)
    (work / 'theirs').mkdir()
    if backing:
        theirs(create(work / 'theirs' / 'base.qcow2', backing, cluster_size=4096), f'write -P 99 0 {backing}')
    image = create(work / 'theirs' / 'image.qcow2', size, backing='base.qcow2' if backing else None, data_file='data.raw', **options)
    if before:
        theirs(image, *before)
    shutil.copytree(work / 'theirs', work / 'ours')
    return image, work / 'ours' / 'image.qcow2'


def same_after(work, size, before, commands, **options):
    twin, image = make_twins(work, size, before, **options)
    a, b = theirs(twin, *commands), ours(image, *commands)
    assert twins.said(a) == twins.said(b), commands
    twins.assert_same(twin, image)
    problem = support.same_bytes(twin.parent / 'data.raw', image.parent / 'data.raw')
    assert problem is None, (problem, commands)
    twins.check(image)
    if options.get('data_file_raw'):
        qemu_img('compare', '-f', 'qcow2', '-F', 'raw', image.name, 'data.raw', cwd=image.parent)
    return image


@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_every_operation(work, options):
    size = MIB + 512
    same_after(work, size, [], ['write -P 1 0 100k', 'write -P 2 300k 1', 'write -z 10k 3k', 'write -z 0 64k', 'write -z -u 64k 64k', 'discard 256k 128k',
                                f'write -z {size - 700} 700', f'discard {size - 600} 600', 'write -P 3 5k 200k', 'map', 'info'], **options)


@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_resizing(work, options):
    same_after(work, 300 * KIB + 512, ['write -P 1 0 300k'],
               ['truncate 500k', 'write -P 2 450k 10k', 'truncate 200k', 'truncate -m metadata 400k', 'truncate -m falloc 600k', 'truncate -m full 700k', 'map',
                'truncate -m falloc 100k', 'read -P 0 400k 50k', 'truncate 512', 'truncate 0', 'truncate 100k'], **options)


@pytest.mark.parametrize('options', [o for o in OPTIONS if 'data_file_raw' not in o], ids=name_of)
def test_over_a_backing_file(work, options):
    same_after(work, 200 * KIB + 512, ['write -P 1 100k 3k'],
               ['write -P 2 50k 10', 'discard 0 64k', 'write -z 70k 70k', 'truncate 300k', 'read -P 0 201k 99k', 'truncate -m falloc 400k', 'map'],
               backing=MIB, **options)


def test_at_random(work):
    for seed in range(int(os.environ.get('ROUNDS', 10))):
        rand = random.Random(int(os.environ.get('SEED', 1)) + seed)
        options = rand.choice(OPTIONS)
        size = rand.randrange(1, 1500) * 512
        commands = []
        for step in range(20):
            if rand.random() < 0.2:
                size = rand.choice([size, rand.randrange(1, 2000) * 512])
                commands.append(f'truncate {size}')
            offset = rand.randrange(size)
            length = min(size - offset, rand.choice([1, 512, 4096, 70000, 300000]))
            commands.append(f'{rand.choice((f"write -P {step + 1}", "write -P 7", "write -z", "write -z -u", "discard"))} {offset} {length}')
        same_after(work, 512 * 1000, commands[:5], [f'truncate {512 * 1000}', *commands[5:]] if 'truncate' in ' '.join(commands[:5]) else commands[5:], **options)


def test_without_discards_a_raw_file_stays_the_disk(work):
    twin, image = make_twins(work, MIB, ['write -P 1 0 1M'], data_file_raw='on')
    assert support.drop_in('-t', 'writeback', '-c', 'open -o pass-discard-request=off image.qcow2', '-c', 'discard 0 512k', cwd=image.parent).status == 0
    assert ours(image, 'read -P 0 0 512k', 'read -P 1 512k 512k').out.count('failed') == 0
    qemu_img('compare', '-f', 'qcow2', '-F', 'raw', image.name, 'data.raw', cwd=image.parent)


def test_data_file_options_and_errors(work):
    twin, image = make_twins(work, MIB, ['write -P 1 0 64k'])
    for folder in (twin.parent, image.parent):
        os.rename(folder / 'data.raw', folder / 'other.raw')
    a, b = theirs(twin, 'read 0 1k'), ours(image, 'read 0 1k')
    assert twins.said(a) == twins.said(b)
    named = 'json:{"driver":"qcow2","file":{"driver":"file","filename":"image.qcow2"},"data-file":{"driver":"file","filename":"other.raw"}}'
    for command in ('read -P 1 0 64k', 'write -P 2 32k 100k'):
        assert twins.said(theirs(twin, command, image=named)) == twins.said(ours(image, command, image=named))
    twins.assert_same(twin, image)
    assert support.same_bytes(twin.parent / 'other.raw', image.parent / 'other.raw') is None


@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_of_the_data_file_leave_no_corruption(work, number):
    for event, once in (('none', 'true'), ('none', 'false'), ('write_aio', 'true'), ('cow_write', 'true'), ('flush_to_disk', 'true')):
        _, image = make_twins(work, MIB, ['write -P 1 0 300k'])
        options = f'json:{{"driver":"qcow2","file":{{"driver":"file","filename":"image.qcow2"}},"data-file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":{once}}}],"image":{{"driver":"file","filename":"data.raw"}}}}}}'
        ours(image, 'write -P 2 290k 100k', 'write -z 0 10k', 'discard 64k 64k', 'truncate 2M', 'truncate 900k', 'flush', image=options)
        twins.check(image, leaks=True)
        assert ours(image, 'truncate 1M', 'write -P 2 290k 100k', 'read -P 2 290k 100k', 'read -P 1 150k 100k').status == 0, event
        twins.check(image, leaks=True)
