# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept beside the disk: `snapshots` and `bitmaps`, held against a parser of the format of its own."""
import json
import random
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, patch, qemu_img, write  # noqa: E402
from support import KIB, MIB, blkscope  # noqa: E402

ALL_ONES = 1


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


# ---- snapshots ----

def test_snapshots_are_those_of_qemu_img(work):
    image = create(work / 'a.qcow2', MIB)
    assert blkscope('-c', 'snapshots', image).out == 'no internal snapshots\n'
    for i in range(20):
        qemu_img('snapshot', '-c', f'snapshot {i} "ü"', image)
        if i == 10:
            qemu_img('resize', '-q', image, '3M')
    ours = lines(blkscope('--json', '-c', 'snapshots', image).out)
    theirs = json.loads(qemu_img('info', '--output=json', image).stdout)['snapshots']
    assert [item.pop('disk-size') for item in ours] == [MIB] * 11 + [3 * MIB] * 9
    assert ours == theirs
    text = blkscope('-c', 'snapshots', image).out.splitlines()
    assert len(text) == 21 and text[5].split()[:3] == ['5', 'snapshot', '4'] and text[5].endswith('1 MiB')


def test_fields_of_a_snapshot(work):
    image = create(work / 'a.qcow2', MIB)
    qemu_img('snapshot', '-c', 'one', image)
    table = images.field(image, 64)
    patch(image, (table + 16, 'I', 86400), (table + 24, 'Q', 3723_004_000_000), (table + 40, 'Q', 5 * MIB), (table + 56, 'Q', 77))
    text = blkscope('-c', 'snapshots', image).out
    assert all(word in text for word in ('1970-01-02 00:00:00', '01:02:03.004', '5 MiB', 'icount 77'))
    patch(image, (table + 56, 'Q', 2 ** 64 - 1))
    assert 'icount' not in blkscope('--json', '-c', 'snapshots', image).out
    patch(image, (table + 48, 'Q', 2 ** 64 - 1))
    assert blkscope('-c', 'snapshots', image).out.endswith(' 16 EiB\n')


def test_names_do_not_reach_the_terminal_raw(work):
    image = create(work / 'a.qcow2', MIB)
    qemu_img('snapshot', '-c', 'a\x1b[31mb', image)
    assert '\x1b' not in blkscope('-c', 'snapshots', image).out


# ---- bitmaps ----

def directory(image):
    """{name: (offset of the table, entries, flags, bits of the granularity)}, read here."""
    data = image.read_bytes()
    at = 104 if struct.unpack_from('>I', data, 100)[0] == 104 else 112
    found = {}
    while True:
        kind, length = struct.unpack_from('>II', data, at)
        if kind == images.BITMAPS:
            count, _, _, offset = struct.unpack_from('>IIQQ', data, at + 8)
            break
        assert kind, 'no bitmaps'
        at += 8 + (length + 7) // 8 * 8
    for _ in range(count):
        table, entries, flags, _, bits, name, extra = struct.unpack_from('>QIIBBHI', data, offset)
        found[data[offset + 24 + extra:][:name].decode()] = table, entries, flags, bits
        offset += (24 + name + extra + 7) // 8 * 8
    return found


def dirty_bytes(image, name, size, cluster):
    """The dirty ranges, read here bit by bit."""
    data = image.read_bytes()
    table, entries, _, bits = directory(image)[name]
    ranges = []
    for number in range(-(-size // (1 << bits))):
        index, bit = divmod(number, cluster * 8)
        entry = struct.unpack_from('>Q', data, table + 8 * index)[0] if index < entries else 0
        host = entry & 0x00fffffffffffe00
        if not (data[host + bit // 8] >> bit % 8 & 1 if host else entry & ALL_ONES):
            continue
        start, end = number << bits, min((number + 1) << bits, size)
        if ranges and ranges[-1][1] == start:
            ranges[-1][1] = end
        else:
            ranges.append([start, end])
    return [(start, end - start) for start, end in ranges]


def our_dirty(image, name):
    result = blkscope('--json', '-c', f'bitmaps {name}', image)
    assert (result.err, result.status) == ('', 0)
    return [(item['start'], item['length']) for item in lines(result.out) if item != {'ranges': []}]


@pytest.mark.parametrize('cluster', [512, 4 * KIB, 64 * KIB])
def test_contents(work, cluster):
    size = 3 * MIB + 1536
    image = create(work / 'a.qcow2', size, cluster_size=cluster)
    grains = {'fine': 512, 'usual': 65536, 'coarse': 1 << 20, 'none': 4096}
    for name, grain in grains.items():
        qemu_img('bitmap', '--add', '-g', grain, *(['--disable'] if name == 'none' else []), image, name)
    rand = random.Random(cluster)
    write(image, *(f'write {rand.randrange(size // 512) * 512} 512' for _ in range(200)), f'write {size - 512} 512', 'write 1M 1M')
    listed = {item['name']: item for item in lines(blkscope('--json', '-c', 'bitmaps', image).out)}
    assert set(listed) == set(grains)
    for name, grain in grains.items():
        expected = dirty_bytes(image, name, size, cluster)
        assert our_dirty(image, name) == expected
        assert (listed[name]['dirty'], listed[name]['granularity']) == (sum(length for _, length in expected), grain)
        assert bool(expected) == (name != 'none')
        assert listed[name]['flags'] == ('' if name == 'none' else 'auto')


def test_table_entries_without_data(work):
    image = create(work / 'a.qcow2', 8 * MIB, cluster_size=512)
    qemu_img('bitmap', '--add', '-g', 512, image, 'b')
    table, entries, _, _ = directory(image)['b']
    assert entries == 4
    patch(image, (table + 8, 'Q', 1), (table + 24, 'Q', 1))
    assert our_dirty(image, 'b') == [(2 * MIB, 2 * MIB), (6 * MIB, 2 * MIB)]
    text = blkscope('-c', 'bitmaps b', image).out
    assert text == '0x0000200000 +0x200000 (2 MiB)\n0x0000600000 +0x200000 (2 MiB)\n'


@pytest.mark.parametrize('entry', [2, 0x300, 0x10001, 1 << 60, 0xffffffffff0000])
def test_broken_tables(work, entry):
    image = create(work / 'a.qcow2', 8 * MIB, cluster_size=4096)
    qemu_img('bitmap', '--add', '-g', 512, image, 'b')
    patch(image, (directory(image)['b'][0], 'Q', entry))
    result = blkscope('-c', 'bitmaps b', image)
    assert "bitmap 'b': its table or data can't be read" in result.err and result.status == 1
    assert 'Input/output error' in blkscope('-c', 'bitmaps', image).out


def test_in_use(work):
    image = create(work / 'a.qcow2', 8 * MIB)
    qemu_img('bitmap', '--add', image, 'b')
    blkscope('-w', '-c', 'write 0 64k', image)
    assert 'in-use, auto' in blkscope('-c', 'bitmaps', image).out


def test_none_of_either(work):
    image = create(work / 'a.qcow2', MIB)
    assert blkscope('-c', 'bitmaps', image).out == 'no bitmaps\n'
    result = blkscope('-c', 'bitmaps x', image)
    assert "There is no bitmap 'x' in the image" in result.err and result.status == 1
    (work / 'a.raw').write_bytes(bytes(512))
    for command in ('snapshots', 'bitmaps', 'bitmaps x'):
        result = blkscope('-f', 'raw', '-c', command, work / 'a.raw')
        assert 'the image\'s format has none' in result.err and result.status == 1
