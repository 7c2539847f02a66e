# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with bytes changed at random where it hurts: no crash, no hang, bounded memory."""
import os
import random
import resource
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, patch  # noqa: E402
from support import FLAVOUR, KIB, MIB, blkscope  # noqa: E402

ROUNDS = int(os.environ.get('ROUNDS', 60))
SEED = int(os.environ.get('SEED', 1))
INTERESTING = [0, 1, 2, 3, 0x1ff, 0x200, 0x10000, 0x50000, 1 << 31, 1 << 32, 1 << 56, 1 << 61, 1 << 62, 1 << 63, (1 << 63) - 1, (1 << 64) - 1]
SHAPES = [{}, {'compat': '0.10'}, {'cluster_size': 512}, {'extended_l2': 'on', 'cluster_size': 16384}, {'compression_type': 'zstd'},
          {'data_file': 'd.raw'}, {'cluster_size': '2M', 'refcount_bits': 64}]


def seed_image(work, shape):
    size = MIB if shape.get('cluster_size') != '2M' else 8 * MIB
    cluster = {'2M': 2 * MIB}.get(shape.get('cluster_size'), shape.get('cluster_size', 64 * KIB))
    image = create(work / 'seed.qcow2', size, **shape)
    images.scatter(image, size, 1, compressed='data_file' not in shape, cluster=cluster)
    if 'data_file' not in shape:
        images.qemu_img('snapshot', '-c', 'one', image)
    if shape.get('compat') != '0.10' and 'data_file' not in shape:
        images.qemu_img('bitmap', '--add', image, 'bits')
    return image


def places(image):
    """Where metadata lies: the header, and the beginnings of the tables it names."""
    yield 0, 600
    for at in (40, 48, 64):
        yield images.field(image, at), 64
    yield images.field(image, images.field(image, 48)), 64
    yield images.l2_table(image), 256


def mutate(data, spots, rand):
    for _ in range(rand.choice([1, 1, 2, 4])):
        start, length = rand.choice(spots)
        at = start + rand.randrange(length)
        kind = rand.randrange(3)
        if kind == 0:
            data[at:at + 1] = bytes([rand.randrange(256)])
        elif kind == 1:
            at &= ~7
            data[at:at + 8] = struct.pack('>Q', rand.choice(INTERESTING))
        else:
            at &= ~3
            data[at:at + 4] = struct.pack('>I', rand.choice(INTERESTING) & 0xffffffff)
    return data


def limit_memory():
    if not FLAVOUR:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_mutations(work, shape):
    seed = seed_image(work, shape)
    original = seed.read_bytes()
    spots = [(start, length) for start, length in places(seed) if start + length < len(original)]
    rand = random.Random(f'{SEED}{shape}')
    commands = []
    for i in range(ROUNDS):
        data = mutate(bytearray(original), spots, rand)
        if rand.random() < 0.1:
            del data[rand.randrange(len(data)):]
        (work / f'{i}.qcow2').write_bytes(data)
        for options in ('', '-o snapshot=one '):
            commands += [f'open {options}{i}.qcow2', 'info', 'map --summary', 'read -q 0 1M', 'read -q 1000 70000', 'read -b -q 0 64k', 'check', 'map --host', 'explain 70000', 'explain --host 0x50000', 'header', 'close']
    result = blkscope('-f', 'qcow2', cwd=work, input='\n'.join(commands) + '\n', preexec_fn=limit_memory)
    assert result.status in (0, 1), result
    assert 'prompt' not in result.err


def test_the_largest_tables_take_little_memory_and_time(work):
    """Everything that a header may announce at once, of which the file has nothing."""
    image = create(work / 'a.qcow2', MIB)
    patch(image, (24, 'Q', 1 << 50), (36, 'I', 4 << 20), (40, 'Q', 0x100000), (60, 'I', 65536), (64, 'Q', 0x200000))
    result = blkscope('-c', 'map --summary', '-c', 'read 1P 4k', '-c', 'map', image, preexec_fn=limit_memory)
    assert result.status in (0, 1), result


def test_a_sparse_file_full_of_tables(work):
    """An L1 table whose every entry is one L2 table, whose every entry is one compressed cluster."""
    image = create(work / 'a.qcow2', 512 * MIB, cluster_size=4096)
    table, l1 = 0x20000, images.l1_table(image)
    with open(image, 'r+b') as file:
        file.seek(l1)
        file.write(struct.pack('>Q', table) * 256)
        file.seek(table)
        file.write(struct.pack('>Q', 1 << 62 | 0x30000) * 512)
    result = blkscope('-c', 'map --summary', '-c', 'read 0 64M', image, preexec_fn=limit_memory)
    assert 'read failed: Input/output error' in result.out


def test_a_large_sparse_file_is_looked_at_quickly(work):
    """What takes time is what is there, not how far the file claims to reach."""
    image = create(work / 'a.qcow2', MIB, cluster_size=512)
    os.truncate(image, 64 << 30)
    result = blkscope('-c', 'map --host', '-c', 'check', image, preexec_fn=limit_memory)
    assert result.status == 0 and '(64 GiB)  free' in result.out, result


@pytest.mark.parametrize('entries', [1, 256], ids='{}-tables'.format)
def test_tables_that_are_one_another(work, entries):
    """An L1 table as one of its own L2 tables, which name it again: each level is read once, nothing goes round."""
    image = create(work / 'a.qcow2', 512 * MIB, cluster_size=4096)
    l1 = images.l1_table(image)
    patch(image, (l1, None, struct.pack('>Q', l1 | 1 << 63) * entries))
    result = blkscope('-c', 'map --summary', '-c', 'check', '-c', 'explain 0', '-c', 'map --host', '-c', 'read 0 4k', image, preexec_fn=limit_memory)
    assert result.status == 2 and 'ERROR' in result.out, result


def test_above_an_image_that_turned_out_corrupt_nothing_is_flushed(work):
    """It is out of service, with whatever a filter on top of it was told that it has."""
    image = create(work / 'a.qcow2', MIB)
    images.write(image, 'write 0 64k')
    patch(image, (images.l2_table(image), 'Q', images.field(image, images.l2_table(image)) + 512))
    options = 'driver=throttle,throttle-group=g,file.driver=qcow2,file.file.filename=a.qcow2'
    result = blkscope('--object', 'throttle-group,id=g', '-w', '-c', 'write 512k 64k', '-c', 'write 0 4k', '-c', 'flush', '-c', 'length', '--image-opts',
                      options, cwd=work)
    assert 'wrote 65536/65536' in result.out and 'flush failed: No medium found' in result.out and 'getlength: No medium found' in result.out, result
