# SPDX-License-Identifier: GPL-3.0-or-later
"""compare: against a comparison of every byte, of images that qemu-img made."""
import json
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from images import create, qemu_img, scatter, write  # noqa: E402
from support import KIB, MIB, blkscope, create_encrypted  # noqa: E402

GRAIN = 512
NO_RANGES = '{"ranges": []}'


def content(path, *options):
    raw = path.with_suffix('.raw')
    qemu_img('convert', '-O', 'raw', *options, path, raw)
    data = raw.read_bytes()
    raw.unlink()
    return data


def differences(a, b):
    """Runs of sectors that differ, [offset, length]; the shorter one goes on with zeroes."""
    size = max(len(a), len(b))
    a, b = a.ljust(size, b'\0'), b.ljust(size, b'\0')
    runs = []
    for offset in range(0, size, GRAIN):
        if a[offset:offset + GRAIN] != b[offset:offset + GRAIN]:
            length = min(GRAIN, size - offset)
            if runs and sum(runs[-1]) == offset:
                runs[-1][1] += length
            else:
                runs.append([offset, length])
    return runs


def compared(path, *options, **run):
    command = ' '.join(('compare', '-j') + options)
    result = blkscope('--refs=follow', '-c', command, path.name, cwd=path.parent, **run)
    assert result.err == ''
    ranges = [json.loads(line) for line in result.out.splitlines() if line != NO_RANGES]
    assert bool(ranges) == (result.out != NO_RANGES + '\n')
    assert result.status == (1 if ranges else 0)
    return ranges


def different(path, *options):
    ranges = compared(path, *options)
    assert all(found['kind'] == 'different' for found in ranges)
    return [[found['start'], found['length']] for found in ranges]


@pytest.mark.parametrize('how', ['metadata', 'falloc'])
def test_holes_of_preallocated_images_are_not_read(work, how):
    a, b = work / 'a.qcow2', work / 'b.qcow2'
    for image in (a, b):
        create(image, 512 * MIB, preallocation=how)
    write(b, 'write -P 3 300M 64k')
    result = blkscope('-c', f'compare {b.name}', a.name, cwd=work)
    assert (result.err, result.status) == ('', 1)
    assert result.out.splitlines() == [
        '0x0012c00000 +0x10000 (64 KiB)  different', '65536 bytes (64 KiB) different', '64 KiB had to be read']
    assert different(a, b.name) == [[300 * MIB, 64 * KIB]]
    metadata = blkscope('-c', f'compare -m {b.name}', a.name, cwd=work)
    assert metadata.out.splitlines() == ['0x0012c00000 +0x10000 (64 KiB)  perhaps', '65536 bytes (64 KiB) perhaps']


def test_holes_below_encryption_are_no_zeroes(work):
    create_encrypted('--object', 'secret,id=key,data=secret', '-f', 'qcow2', '-o',
                     'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10,preallocation=metadata', 'a.qcow2', MIB, cwd=work)
    (work / 'b.raw').write_bytes(bytes(MIB))
    result = blkscope('-c', 'compare -j b.raw', 'a.qcow2', cwd=work)
    assert json.loads(result.out) == {'start': 0, 'length': MIB, 'kind': 'unreadable'}
    assert blkscope('-c', 'search -x 0000', 'a.qcow2', cwd=work).out == 'not found\n'
    assert [extent['zero'] for extent in json.loads(blkscope('-c', 'map --json', 'a.qcow2', cwd=work).out)] == [False]


@pytest.mark.parametrize('seed', range(4))
def test_with_the_backing_file(work, seed):
    size = 3 * MIB + seed * 1536
    base, top = work / 'base.qcow2', work / 'top.qcow2'
    create(base, size - 40 * KIB)
    scatter(base, size - 40 * KIB, seed)
    create(top, size, backing='base.qcow2')
    scatter(top, size, seed + 100)
    expected = differences(content(top), content(base))
    assert different(top) == expected
    assert different(top, 'base.qcow2') == expected
    perhaps = compared(top, '-m')
    for start, length in expected:
        assert any(range_['start'] <= start and start + length <= range_['start'] + range_['length'] for range_ in perhaps)


def test_with_a_snapshot(work):
    path = create(work / 'a.qcow2', 2 * MIB)
    scatter(path, 2 * MIB, 5)
    qemu_img('snapshot', '-c', 'before', path)
    before = content(path)
    write(path, 'write -P 200 100k 70k', 'write -z 900k 200k', 'write -P 201 1999k 700')
    expected = differences(content(path), before)
    assert expected and different(path, '-s', 'before') == different(path, '-s', '1') == expected
    # what both share is not read: only clusters that were written since
    assert sum(found['length'] for found in compared(path, '-m', '-s', 'before')) <= 800 * KIB


@pytest.mark.parametrize('follow', ['follow backing', 'follow all'])
def test_a_snapshot_is_opened_with_what_was_followed(work, follow):
    base, top = work / 'base.qcow2', work / 'top.qcow2'
    create(base, MIB)
    write(base, 'write -P 1 0 128k')
    create(top, MIB, backing='base.qcow2')
    qemu_img('snapshot', '-c', 'before', top)
    write(top, 'write -P 2 64k 64k')
    result = blkscope('--refs=none', '-c', follow, '-c', 'compare -j -s before', top.name, cwd=work)
    found = [json.loads(line) for line in result.out.splitlines()]
    assert found == [{'start': 64 * KIB, 'length': 64 * KIB, 'kind': 'different'}]


def test_with_another_image(work):
    rng = random.Random(3)
    a, b = work / 'a.raw', work / 'b.qcow2'
    data = bytearray(rng.randbytes(MIB))
    a.write_bytes(data)
    qemu_img('convert', '-c', '-O', 'qcow2', a, b)
    assert different(b, '-f', 'raw', 'a.raw') == []
    data[700] ^= 1
    data[300000:301000] = bytes(1000)
    a.write_bytes(bytes(data) + b'\1')
    assert different(b, '-f', 'raw', 'a.raw') == differences(content(b), a.read_bytes() + bytes(GRAIN - 1))


@pytest.mark.parametrize('sizes', [(1000, 1024), (1000, 1700), (1537, 2152), (536, 511), (700, 1), (0, 1)])
def test_a_sector_that_a_file_ends_in_is_told_whole(work, sizes):
    """The file ends within it, the image does not: what is behind the file's end is zeroes."""
    rng = random.Random(sum(sizes))
    a, b = work / 'a.raw', work / 'b.raw'
    for changes in range(4):
        data = [bytearray(size) for size in sizes]
        for at in rng.sample(range(max(sizes)), min(changes, max(sizes))):
            whose = rng.choice([which for which in data if at < len(which)])
            whose[at] = 1
        a.write_bytes(data[0])
        b.write_bytes(data[1])
        sectors = [bytes(which).ljust(-(-len(which) // GRAIN) * GRAIN, b'\0') for which in data]
        expected = differences(*sectors)
        assert different(a, '-f', 'raw', 'b.raw') == expected
        same = qemu_img('compare', '-f', 'raw', '-F', 'raw', a, b, check=False).returncode
        assert same == bool(expected)


def test_in_words(work):
    base, top = work / 'base.qcow2', work / 'top.qcow2'
    create(base, MIB)
    create(top, MIB, backing='base.qcow2')
    result = blkscope('--refs=follow', '-c', 'compare', top.name, cwd=work)
    assert (result.out, result.status) == ('Images are identical.\n', 0)
    write(top, 'write -P 1 64k 512')
    result = blkscope('--refs=follow', '-c', 'compare', '-c', 'compare -q', top.name, cwd=work)
    *told, read = result.out.splitlines()
    assert told == ['0x0000010000 +0x200 (512 bytes)  different', '512 bytes different']
    assert read.endswith(' KiB had to be read') and 4 <= int(read.split()[0]) <= 64  # the file may have holes in the cluster
    assert result.status == 1


def test_what_is_missing_is_not_called_the_same(work):
    base, top = work / 'base.qcow2', work / 'top.qcow2'
    create(base, MIB)
    create(top, MIB, backing='base.qcow2')
    result = blkscope('--refs=none', '-c', 'compare -j base.qcow2', top.name, cwd=work)
    assert [json.loads(line) for line in result.out.splitlines()] == [{'start': 0, 'length': MIB, 'kind': 'unreadable'}]
    assert result.status == 1


def test_an_at_means_a_snapshot_where_there_is_no_such_file(work):
    path = create(work / 'a.qcow2', MIB)
    qemu_img('snapshot', '-c', 's', path)
    write(path, 'write -P 1 0 64k')
    assert '65536 bytes' in blkscope('-c', 'compare @s', path.name, cwd=work).out
    (work / '@s').write_bytes(b'\1' * 65536 + bytes(MIB - 65536))
    assert 'different' not in blkscope('-c', 'compare -f raw @s', path.name, cwd=work).out


def test_says_what_is_wrong(work):
    path = create(work / 'a.qcow2', MIB)
    for command, why in (('compare', 'the image has no backing file that is open'), ('compare -s x', "There is no snapshot 'x' in the image"),
                         ('compare @x', "There is no snapshot 'x' in the image"),
                         ('compare none.raw', "Could not open 'none.raw': No such file or directory")):
        result = blkscope('-c', command, path.name, cwd=work)
        assert (result.err, result.status) == (f'blkscope: compare: {why}\n', 1)
