# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressed writes: the same file as the reference's, cluster by cluster, and what can't be compressed or placed."""
import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402
from test_write import check, cluster_of, name_of, ours, same_after, same_guest_after, theirs  # noqa: E402

OPTIONS = [
    {}, {'compat': '0.10'}, {'cluster_size': 512}, {'cluster_size': 4096, 'refcount_bits': 1}, {'cluster_size': 4096, 'refcount_bits': 2},
    {'cluster_size': '2M'}, {'cluster_size': '16k', 'extended_l2': 'on'}, {'cluster_size': 1024, 'refcount_bits': 64},
    {'compression_type': 'zstd'}, {'compression_type': 'zstd', 'cluster_size': 512}, {'compression_type': 'zstd', 'cluster_size': 4096},
    {'compression_type': 'zstd', 'cluster_size': '2M'},
]


def sources(work, rand, cluster):
    """Files to write from: text, runs, noise, and noise that is just small enough or just too large."""
    words = [bytes(rand.randrange(97, 123) for _ in range(rand.randrange(2, 9))) for _ in range(300)]
    text = b' '.join(rand.choices(words, k=cluster // 3))[:cluster]
    run = [bytes([letter]) * length for letter in b'abcdefgh' for length in range(1, 40)]
    runs = b''.join(rand.choices(run, k=cluster // 8))[:cluster]
    noise = rand.randbytes(cluster)
    made = {'text': text, 'runs': runs, 'noise': noise}
    for zeroes in (10, 14, 18, 30, 40, 60, cluster // 3):
        made[f'nearly{zeroes}'] = noise[:cluster - zeroes] + bytes(zeroes)
    for name, data in made.items():
        (work / name).write_bytes(data)
    return list(made)


def compressed_commands(work, rand, size, cluster, count):
    """No place twice, for that fails."""
    names = sources(work, rand, cluster)
    places = rand.sample(range(size // cluster), min(count, size // cluster))
    for i, place in enumerate(places):
        what = f'-s {rand.choice(names)}' if i % 4 else f'-P {i}'
        yield f'write -c {what} {place * cluster} {cluster}'


@pytest.mark.parametrize('options', OPTIONS, ids=name_of)
def test_compressed_writes_leave_the_same_file(work, options):
    cluster = cluster_of(options)
    size = max(4 * MIB, 24 * cluster)
    twin = create(work / 'twin.qcow2', size, **options)
    same_after(work, twin, *compressed_commands(work, random.Random(name_of(options)), size, cluster, 40))


@pytest.mark.parametrize('options', [o for o in OPTIONS if o.get('refcount_bits') not in (1, 2)], ids=name_of)
def test_compressed_writes_among_others_leave_the_same_file(work, options):
    """Clusters are shared with snapshots, overwritten, refused where they would replace something, and given back."""
    cluster = cluster_of(options)
    size = max(2 * MIB, 12 * cluster)
    rand = random.Random(11)
    twin = create(work / 'twin.qcow2', size, **options)
    compared = 0
    for step in range(3):
        commands = []
        for command in compressed_commands(work, rand, size, cluster, 14):
            offset = rand.randrange(size - 2 * cluster)
            commands += [command, rand.choice([f'write -P 9 {offset} {cluster + 99}', f'write -z {offset & -cluster} {cluster}', 'write -P 3 1 5'])]
        other = shutil.copy(twin, work / 'ours.qcow2')
        assert images.timeless(ours(other, *commands).out) == images.timeless(theirs(twin, *commands).out)
        check(other)
        # See test_freed_room_that_was_given_away_is_not_used().
        if qemu_img('check', twin.name, cwd=work, check=False).returncode == 0:
            assert twin.read_bytes() == other.read_bytes()
            compared += 1
        shutil.copy(other, twin)
        qemu_img('snapshot', '-c', f's{step}', twin.name, cwd=work)
    assert compared > 0


def test_the_end_of_the_image(work):
    for size in (100 * KIB, 64 * KIB + 512, 128 * KIB - 512):
        sources(work, random.Random(3), 64 * KIB)
        twin = create(work / 'twin.qcow2', size)
        rest = size - 64 * KIB
        same_after(work, twin, f'write -c -s text 64k {rest}', 'write -c -s noise 0 64k')
        twin = create(work / 'twin.qcow2', size)
        same_after(work, twin, f'write -c -s noise 64k {rest}', 'write -c -s runs 0 64k')


def test_what_is_no_whole_cluster_is_refused(work):
    twin = create(work / 'twin.qcow2', 100 * KIB)
    same_after(work, twin, 'write -c 0 32k', 'write -c 512 64k', 'write -c 64k 35k', 'write -c 64k 64k', 'write -c 100k 0', 'write -c 0 513', 'write -c 1 512',
               'write -c 0 64k', 'write -c 64k 0', 'write -c 0 64k', 'write 0 64k', 'write -c 0 64k', 'write -c 0 0')


def test_freed_room_goes_on_being_used(work):
    for commands in (('write 0 64k', 'write -c 64k 64k'), ('discard 0 64k', 'write -c 64k 64k', 'write 128k 64k')):
        twin = create(work / 'twin.qcow2', MIB)
        same_after(work, twin, 'write -c 0 64k', *commands)


def test_freed_room_that_was_given_away_is_not_used(work):
    """The reference writes compressed data into the cluster of others here."""
    image = create(work / 'ours.qcow2', MIB)
    result = ours(image, 'write -c -P 1 0 64k', 'discard 0 64k', 'write -P 2 128k 64k', 'write -c -P 3 64k 64k', 'read -P 2 128k 64k', 'read -P 3 64k 64k')
    assert result.status == 0 and 'verification failed' not in result.out, result
    check(image)


@pytest.mark.parametrize('options', [{}, {'compression_type': 'zstd', 'cluster_size': 4096}, {'extended_l2': 'on'}], ids=name_of)
def test_many_clusters_at_once(work, options):
    """Which of them comes first in the file is chance in the reference."""
    cluster = cluster_of(options)
    names = sources(work, random.Random(5), cluster)
    mixed = b''.join((work / name).read_bytes() for name in names)
    (work / 'mixed').write_bytes(mixed)
    twin = create(work / 'twin.qcow2', 8 * MIB, backing_format=None, **options)
    same_guest_after(work, twin, f'write -c -s mixed 0 {8 * MIB}')
    other = work / 'ours.qcow2'
    once = other.read_bytes()
    create(other, 8 * MIB, **options)
    assert ours(other, f'write -c -s mixed 0 {8 * MIB}').status == 0
    assert other.read_bytes() == once


def test_one_that_fails_ends_the_request(work):
    twin = create(work / 'twin.qcow2', MIB)
    theirs(twin, 'write -P 7 192k 64k')
    small = shutil.copy(twin, work / 'small.qcow2')
    reference = shutil.copy(twin, work / 'reference.qcow2')
    assert ours(small, 'write -c -P 87 128k 192k').status == theirs(reference, 'write -c -P 87 128k 192k').status == 1
    qemu_img('compare', small.name, reference.name, cwd=work)  # those that were begun are written
    other = shutil.copy(twin, work / 'ours.qcow2')
    result = ours(other, 'write -c -P 5 0 1M', 'read -P 5 0 192k', 'read -P 7 192k 64k')
    assert 'write failed: Input/output error' in result.out and 'verification failed' not in result.out, result
    check(other)


@pytest.mark.parametrize('number', [5, 28], ids=['EIO', 'ENOSPC'])
def test_errors_while_writing_compressed_data(work, number):
    for event in ('cluster_alloc_bytes', 'write_compressed', 'l2_update_compressed', 'cluster_alloc', 'l2_load', 'pwritev', 'refblock_load', 'none'):
        image = create(work / 'ours.qcow2', MIB, cluster_size=4096)
        theirs(image, 'write -c -P 1 0 4k')
        options = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":{number},"once":true}}],"image":{{"driver":"file","filename":"ours.qcow2"}}}}}}'
        ours(image, 'write -c -P 2 4k 8k', 'write -c -P 3 16k 4k', 'write -c -P 4 32k 4k', image=options)
        check(image, leaks=True)
        assert ours(image, 'read -P 1 0 4k', 'write -c -P 6 64k 4k', 'read -P 6 64k 4k').status == 0, event
        check(image, leaks=True)


def test_an_external_data_file_has_no_compressed_clusters(work):
    image = create(work / 'ours.qcow2', MIB, data_file='data.raw', data_file_raw='on')
    assert 'write failed: Operation not supported' in theirs(image, 'write -c 0 64k').out
