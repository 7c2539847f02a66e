# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing: twin images, one written by the reference and one by us, become the same; after errors nothing is corrupt."""
import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402

pytestmark = pytest.mark.in_memory

LEAKS = 3  # qemu-img check's exit status: leaked clusters, no corruption

OPTIONS = [
    {}, {'compat': '0.10'}, {'cluster_size': 512}, {'cluster_size': 512, 'refcount_bits': 1}, {'cluster_size': 1024, 'refcount_bits': 64},
    {'cluster_size': 4096, 'refcount_bits': 2}, {'cluster_size': 4096, 'refcount_bits': 4}, {'cluster_size': '2M'},
    {'cluster_size': 512, 'refcount_bits': 8}, {'extended_l2': 'on'}, {'cluster_size': '16k', 'extended_l2': 'on', 'refcount_bits': 32},
]


def name_of(options):
    return ','.join(f'{key}={value}' for key, value in options.items()) or 'default'


def ours(path, *commands, cache='writeback', image=None, **options):
    args = [word for command in commands for word in ('-c', command)]
    return support.drop_in('-t', cache, *args, image or path.name, cwd=path.parent, **options)


def theirs(path, *commands, cache='unsafe'):
    args = [word for command in commands for word in ('-c', command)]
    return support.reference('-t', cache, *args, path.name, cwd=path.parent)


def check(path, *, leaks=False):
    result = qemu_img('check', path.name, cwd=path.parent, check=False)
    assert result.returncode in ((0, LEAKS) if leaks else (0,)), result.stdout + result.stderr


def write_commands(rand, size, cluster, count, kinds=('write',)):
    for i in range(count):
        offset = rand.randrange(size)
        length = min(rand.choice([1, 511, 512, 4 * KIB, cluster // 3 + 1, cluster, 3 * cluster + 5, 40 * cluster]), size - offset, 2 * MIB)
        kind = rand.choice(kinds)
        yield f'write -P {i % 255 + 1} {offset} {length}' if kind == 'write' else f'{kind} {offset} {length}'


def same_after(work, twin, *commands, cache='writeback'):
    """Both files are the same to the byte, and sound."""
    other = shutil.copy(twin, work / 'ours.qcow2')
    a, b = theirs(twin, *commands), ours(other, *commands, cache=cache)
    assert (images.timeless(a.out), a.status) == (images.timeless(b.out), b.status)
    check(other)
    assert twin.read_bytes() == other.read_bytes()


def same_guest_after(work, twin, *commands):
    other = shutil.copy(twin, work / 'ours.qcow2')
    theirs(twin, *commands)
    assert ours(other, *commands).status == 0
    check(other)
    qemu_img('compare', twin.name, other.name, cwd=work)
    assert images.without_times(theirs(twin, 'map').out) == images.without_times(theirs(other, 'map').out)


def cluster_of(options):
    return {'2M': 2 * MIB, '16k': 16 * KIB}.get(options.get('cluster_size'), options.get('cluster_size', 64 * KIB))


@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_sequential_writes_leave_the_same_file(work, options):
    cluster = cluster_of(options)
    size = max(8 * MIB, 12 * cluster)
    twin = create(work / 'twin.qcow2', size + 512, **options)
    same_after(work, twin, *write_commands(random.Random(name_of(options)), size, cluster, 25))


@pytest.mark.parametrize('options', [o for o in OPTIONS if o.get('refcount_bits') not in (1, 2, 4)], ids=name_of)
def test_shared_and_compressed_clusters_are_copied(work, options):
    cluster = cluster_of(options)
    size = max(4 * MIB, 12 * cluster)
    rand = random.Random(1)
    twin = create(work / 'twin.qcow2', size, **options)
    whole = size // cluster
    theirs(twin, *(f'write -c -P {i % 255 + 1} {i * cluster} {cluster}' for i in rand.sample(range(whole), min(whole, 12))))
    for step in range(2):
        theirs(twin, *write_commands(rand, size, cluster, 4))
        qemu_img('snapshot', '-c', f's{step}', twin.name, cwd=work)
    same_after(work, twin, *write_commands(rand, size, cluster, 16))


@pytest.mark.parametrize('options', [{}, {'cluster_size': 4096}, {'extended_l2': 'on'}], ids=name_of)
def test_the_backing_file_fills_what_is_not_written(work, options):
    base = create(work / 'base.qcow2', 3 * MIB + 512, cluster_size=1024)
    images.scatter(base, 3 * MIB, 3, cluster=1024)
    twin = create(work / 'twin.qcow2', 4 * MIB, backing='base.qcow2', **options)
    same_guest_after(work, twin, *write_commands(random.Random(2), 4 * MIB, cluster_of(options), 20))


MIXED = ('write', 'write', 'write -z', 'write -z -u', 'discard')


@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_zeroes_and_discards_leave_the_same_file(work, options):
    cluster = cluster_of(options)
    size = max(4 * MIB, 12 * cluster)
    twin = create(work / 'twin.qcow2', size + 1024, **options)
    same_after(work, twin, *write_commands(random.Random(7), size, cluster, 12), *write_commands(random.Random(8), size, cluster, 30, MIXED),
               f'write -z {size - 500} 1524', f'discard {size - 600} 1624')


@pytest.mark.parametrize('options', [{}, {'cluster_size': 4096}, {'extended_l2': 'on'}, {'compat': '0.10'}], ids=name_of)
def test_zeroes_and_discards_of_shared_compressed_and_backed_clusters(work, options):
    cluster = cluster_of(options)
    size = 4 * MIB
    rand = random.Random(9)
    base = create(work / 'base.qcow2', 3 * MIB, cluster_size=1024)
    images.scatter(base, 3 * MIB, 3, cluster=1024)
    twin = create(work / 'twin.qcow2', size, backing='base.qcow2', **options)
    theirs(twin, *(f'write -c -P {i % 255 + 1} {i * cluster} {cluster}' for i in rand.sample(range(size // cluster), 12)))
    theirs(twin, *write_commands(rand, size, cluster, 8, MIXED))
    qemu_img('snapshot', '-c', 's', twin.name, cwd=work)
    same_guest_after(work, twin, *write_commands(rand, size, cluster, 30, MIXED))


def test_the_refcount_table_grows(work):
    for bits in (16, 64):
        twin = create(work / 'twin.qcow2', 32 * MIB, cluster_size=512, refcount_bits=bits)
        same_after(work, twin, 'write 5k 1M', 'write 2M 13', 'write 3M 5555555', 'write 12M 5M', cache='unsafe')


def test_writethrough_leaves_the_same_file(work):
    twin = create(work / 'twin.qcow2', 8 * MIB, cluster_size=4096)
    same_after(work, twin, *write_commands(random.Random(4), 8 * MIB, 4096, 12), cache='writethrough')


@pytest.mark.parametrize('options', [{}, {'cluster_size': 4096}, {'extended_l2': 'on'}], ids=name_of)
def test_concurrent_writes_of_neighbours(work, options):
    """Each range is written once, in no order; the others keep what they had."""
    cluster = cluster_of(options)
    rand = random.Random(5)
    image = create(work / 'ours.qcow2', 4 * MIB, **options)
    theirs(image, 'write -P 9 0 1M')
    qemu_img('snapshot', '-c', 's', image.name, cwd=work)
    cuts = sorted(rand.sample(range(1, 2 * MIB), 90))
    parts = [(start, end - start, i % 200 + 10) for i, (start, end) in enumerate(zip(cuts, cuts[1:]))]
    rand.shuffle(parts)
    zeroed = [part for part in parts if part[0] % 3 == 0]
    parts = [part for part in parts if part[0] % 3]
    result = ours(image, *(f'aio_write -P {pattern} {start} {length}' for start, length, pattern in parts),
                  *(f'aio_write -z -u {start} {length}' for start, length, _ in zeroed), 'aio_flush')
    assert result.status == 0, result
    check(image)
    assert theirs(image, *(f'read -P 0 {start} {length}' for start, length, _ in zeroed)).status == 0
    result = theirs(image, *(f'read -P {pattern} {start} {length}' for start, length, pattern in parts), f'read -P 9 0 {cuts[0]}',
                    f'read -P 0 {cuts[-1]} {4 * MIB - cuts[-1]}')
    assert result.status == 0, result
    assert cluster


def test_concurrent_writes_of_the_same_bytes(work):
    image = create(work / 'ours.qcow2', MIB)
    result = ours(image, *(f'aio_write -P {i} 60k 20k' for i in range(1, 60)), 'aio_flush', 'read -v 60k 20k')
    assert result.status == 0, result
    check(image)
    rows = {line.split('  ')[1] for line in result.out.splitlines() if line.startswith('0000f') or line.startswith('00010')}
    assert all(len(set(row.split())) == 1 for row in rows), rows


EVENTS = ['l1_update', 'l2_load', 'l2_update', 'l2_alloc_write', 'write_aio', 'cow_read', 'cow_write', 'refblock_load', 'refblock_update_part',
          'refblock_alloc', 'refblock_alloc_hookup', 'refblock_alloc_write', 'refblock_alloc_write_blocks', 'refblock_alloc_write_table',
          'refblock_alloc_switch_table', 'reftable_grow', 'cluster_alloc', 'cluster_alloc_space', 'cluster_free', 'flush_to_os', 'flush_to_disk',
          'read_backing_aio', 'read_compressed', 'none']


@pytest.mark.parametrize('once', ['on', 'off'])
@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_leave_no_corruption(work, number, once):
    """At each step; the image is sound but for leaks, what was written keeps its bytes, and writing goes on afterwards."""
    master = create(work / 'master.qcow2', 16 * MIB, cluster_size=512, refcount_bits=64)
    theirs(master, 'write -P 1 0 100k', 'write -c -P 2 200k 512', 'write -c -P 2 204800 512', 'write -P 4 300k 100k', 'write -P 4 1M 900k')
    qemu_img('snapshot', '-c', 's', master.name, cwd=work)
    theirs(master, 'write -P 5 50k 20k')
    for event in EVENTS:
        image = shutil.copy(master, work / 'ours.qcow2')
        options = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":{"true" if once == "on" else "false"}}}],"image":{{"driver":"file","filename":"ours.qcow2"}}}}}}'
        commands = ['write -P 7 10k 3000', 'write -P 8 200k 100', 'write -P 9 310k 5000', 'discard 330k 10k', 'write -z 340k 10k',
                    'write -z -u 350k 3333', 'write -P 10 4M 1300k', 'write -P 11 60k 2k', 'flush']
        first = ours(image, *commands, image=options)
        assert first.status in (0, 1), (event, first)
        assert 'read failed' not in first.out
        check(image, leaks=True)
        result = ours(image, *commands, 'read -P 7 10k 3000', 'read -P 8 200k 100', 'read -P 2 204900 412', 'read -P 1 0 10k', 'read -P 1 13240 30k',
                      'read -P 10 4M 1300k', 'read -P 11 60k 2k', 'read -P 5 50k 10k', 'read -P 5 62k 8k', 'read -P 0 330k 23333')
        assert result.status == 0, (event, first, result)
        check(image, leaks=True)


def test_an_allocation_onto_a_table_is_prevented(work):
    image = create(work / 'ours.qcow2', MIB)
    theirs(image, 'write 0 64k')
    table = images.field(image, 48)
    block = images.field(image, table)
    for cluster, what in ((4, 'active L2 table'), (3, 'active L1 table'), (2, 'refcount block'), (1, 'refcount table')):
        broken = shutil.copy(image, work / 'broken.qcow2')
        images.patch(broken, (block + 2 * cluster, 'H', 0))
        result = ours(broken, 'write -P 3 128k 64k', 'read 0 512')
        assert f'Marking image as corrupt: Preventing invalid write on metadata (overlaps with {what}); further corruption events will be ' \
            'suppressed' in result.err, result
        assert 'write failed: Input/output error' in result.out and 'read failed: No medium found' in result.out, result
        assert images.field(broken, 72) == 2
        result = ours(broken, 'read 0 512')
        assert 'qcow2: Image is corrupt; cannot be opened read/write' in result.err, result


def test_features_unknown_are_cleared_and_bitmaps_marked(work):
    image = create(work / 'ours.qcow2', MIB)
    qemu_img('bitmap', '--add', image.name, 'b0', cwd=work)
    images.patch(image, (88, 'Q', 1 | 1 << 40))
    ours(image, 'read 0 512')
    assert images.field(image, 88) == 1
    assert 'in-use' not in qemu_img('info', image.name, cwd=work).stdout
    ours(image, 'write 0 512')
    assert 'in-use' in qemu_img('info', image.name, cwd=work).stdout
    check(image)


@pytest.mark.parametrize('options', [{}, {'cluster_size': 512}, {'extended_l2': 'on'}, {'compat': '0.10'}], ids=name_of)
def test_growing_leaves_the_same_file(work, options):
    twin = create(work / 'twin.qcow2', MIB, **options)
    same_after(work, twin, 'write 0 100k', 'truncate 8M', 'write 6M 100k', 'truncate 90M', 'write 80M 10k', 'length', 'truncate 90M')


def test_growing_does_not_show_more_of_the_backing_file(work):
    base = create(work / 'base.qcow2', 4 * MIB, cluster_size=4096)
    theirs(base, 'write -P 1 0 3M')
    for options in ({'cluster_size': 4096}, {'cluster_size': '16k', 'extended_l2': 'on'}):
        twin = create(work / 'twin.qcow2', 1234 * KIB, backing='base.qcow2', **options)
        same_guest_after(work, twin, 'write -P 9 1230k 3k', 'truncate 3M', 'write 2M 1k', 'truncate 9M')


@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_while_growing_leave_no_corruption(work, number):
    for event in ('l1_grow_alloc_table', 'l1_grow_write_table', 'l1_grow_activate_table', 'refblock_alloc', 'cluster_alloc', 'flush_to_disk', 'none'):
        image = create(work / 'ours.qcow2', MIB, cluster_size=512)
        theirs(image, 'write -P 1 0 1M')
        options = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":true}}],"image":{{"driver":"file","filename":"ours.qcow2"}}}}}}'
        ours(image, 'truncate 9M', 'write -P 2 0 10k', 'truncate 9M', 'write -P 3 8M 1k', image=options)
        check(image, leaks=True)
        assert ours(image, 'truncate 9M', 'write -P 2 0 10k', 'read -P 1 10k 1014k', 'write -P 3 8M 1k').status == 0, event
        check(image, leaks=True)


def test_a_read_under_way_keeps_its_cluster(work):
    """The zeroes give the cluster back, and the next write would take it, while a read of it is suspended."""
    image = create(work / 'ours.qcow2', MIB)
    theirs(image, 'write -P 1 0 64k')
    options = 'json:{"driver":"qcow2","file":{"driver":"blkdebug","image":{"driver":"file","filename":"ours.qcow2"}}}'
    result = ours(image, 'break read_aio A', 'aio_read -P 1 0 64k', 'wait_break A', 'aio_write -z -u 0 64k', 'aio_write -P 2 128k 64k', 'sleep 20',
                  'resume A', 'aio_flush', 'read -P 0 0 64k', 'read -P 2 128k 64k', image=options)
    assert result.status == 0 and 'verification failed' not in result.out, result
    check(image)


def test_what_is_written_shows_before_it_is_flushed(work):
    image = create(work / 'ours.qcow2', 2 * MIB, cluster_size=4096)
    commands = ['write 8k 4k', 'map', 'write -z 1M 64k', 'discard 8k 4k', 'map', 'alloc 0 2M', 'reopen -r', 'map', 'read -v 8k 16']
    assert images.timeless(ours(image, *commands).out) == images.timeless(theirs(create(work / 'twin.qcow2', 2 * MIB, cluster_size=4096), *commands).out)
    check(image)
