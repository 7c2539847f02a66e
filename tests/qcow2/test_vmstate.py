# SPDX-License-Identifier: GPL-3.0-or-later
"""The VM state: bytes behind the disk, with an L1 table that grows for them."""
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402
from test_write import check, cluster_of, name_of, ours, same_after, same_guest_after, theirs  # noqa: E402

OPTIONS = [{}, {'compat': '0.10'}, {'cluster_size': 512}, {'cluster_size': 4096, 'refcount_bits': 64}, {'cluster_size': '16k', 'extended_l2': 'on'},
           {'cluster_size': '2M'}]


def commands_for(rand, size, cluster, count):
    for i in range(count):
        length = rand.choice([512, 4096, cluster, 3 * cluster + 512])
        offset = rand.randrange(0, 40 * cluster, 512)
        yield f'write -b -P {i + 1} {offset} {length}'
        yield f'read -b -P {i + 1} {offset} {length}'
        yield f'write -P {i + 100} {rand.randrange(size - cluster)} 1000'


@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_vm_state_leaves_the_same_file(work, options):
    cluster = cluster_of(options)
    size = max(MIB, 4 * cluster)
    twin = create(work / 'twin.qcow2', size, **options)
    same_after(work, twin, *commands_for(random.Random(1), size, cluster, 12), 'write -b 0 0', 'read -b 1E 64k',
               'write -b 200M 4k', 'read -b 200M 8k')


@pytest.mark.parametrize('options', OPTIONS[2:5], ids=name_of)
def test_with_snapshots_and_growing(work, options):
    cluster = cluster_of(options)
    twin = create(work / 'twin.qcow2', MIB, **options)
    theirs(twin, 'write -P 1 0 1M', 'write -b -P 7 4k 16k')
    qemu_img('snapshot', '-c', 's', twin.name, cwd=work)
    same_after(work, twin, 'read -b -P 7 4k 16k', *commands_for(random.Random(2), MIB, cluster, 8), 'truncate 3M', 'read -b 0 64k', 'write -b -P 9 1k 8k',
               'read -b -P 9 1k 8k', 'truncate 9M', 'read -b 0 64k', 'map')


def test_over_a_backing_file_longer_than_the_disk(work):
    base = create(work / 'base.qcow2', 3 * MIB, cluster_size=4096)
    theirs(base, 'write -P 5 0 3M')
    twin = create(work / 'twin.qcow2', 100 * KIB, backing='base.qcow2', cluster_size=4096)
    same_guest_after(work, twin, 'write -b -P 1 1k 512', 'read -b -v 0 4k', 'read -b -v 512k 4k')
    assert images.timeless(theirs(twin, 'read -b -v 0 16k').out) == images.timeless(ours(work / 'ours.qcow2', 'read -b -v 0 16k').out)


def test_a_far_place(work):
    twin = create(work / 'twin.qcow2', MIB)
    same_after(work, twin, 'write -b -P 3 10T 64k', 'read -b -P 3 10T 64k', 'read -b 9T 64k', 'write -b 1E 64k')


def test_farther_than_any_table_reaches(work):
    """With small clusters the reference says that it has written such bytes, and they are nowhere."""
    image = create(work / 'ours.qcow2', MIB, cluster_size=512)
    before = image.read_bytes()
    result = ours(image, 'write -b 1E 64k', 'write -b 128G 512', 'write -b 8388607T 512')
    assert result.out == 'write failed: File too large\n' * 3, result
    assert image.read_bytes() == before


@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_leave_no_corruption(work, number):
    for event in ('vmstate_save', 'l1_grow_alloc_table', 'l1_grow_write_table', 'l1_grow_activate_table', 'cluster_alloc', 'write_aio', 'none'):
        image = create(work / 'ours.qcow2', MIB, cluster_size=512)
        theirs(image, 'write -P 1 0 1M')
        options = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":true}}],"image":{{"driver":"file","filename":"ours.qcow2"}}}}}}'
        ours(image, 'write -b 9M 4k', 'write -b 1M 4k', 'read -P 1 0 1M', image=options)
        check(image, leaks=True)
        assert ours(image, 'read -P 1 0 1M', 'write -b -P 2 9M 4k', 'read -b -P 2 9M 4k').status == 0, event
        check(image, leaks=True)
