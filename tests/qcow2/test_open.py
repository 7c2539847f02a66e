# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers, good and bad: what the reference refuses is refused with its words, what it takes is taken."""
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import BACKING_FORMAT, BITMAPS, CRYPTO, DATA_FILE, EXTENSIONS, FEATURE_NAMES, create, extensions, patch, same  # noqa: E402
from support import MIB  # noqa: E402

pytestmark = pytest.mark.in_memory

NAME = 0x200  # where a backing name is put



def backing(name, *edits):
    return [(8, 'Q', NAME), (16, 'I', len(name)), (NAME, None, name), *edits]


def ext(*items):
    return (EXTENSIONS, None, extensions(*items))


def bitmaps(count, reserved, size, offset):
    return [ext((BITMAPS, struct.pack('>IIQQ', count, reserved, size, offset))), (88, 'Q', 1)]


FIELDS = {
    'version': (4, 'I', [0, 4, 0xffffffff]),
    'cluster bits': (20, 'I', [0, 8, 9, 22, 0xffffffff]),
    'size': (24, 'Q', [0, 777, 1 << 40, 1 << 62, 1 << 63]),
    'crypt method': (32, 'I', [2, 3]),
    'L1 size': (36, 'I', [0, 4 << 20, (4 << 20) + 1, 0xffffffff]),
    'L1 offset': (40, 'Q', [0, 0x30001, 0x30200, 1 << 40, 1 << 62, 1 << 63]),
    'refcount table offset': (48, 'Q', [0, 0x10001, 1 << 40, 1 << 63]),
    'refcount table clusters': (56, 'I', [0, 128, 129, 0xffffffff]),
    'snapshots': (60, 'I', [1, 65537, 0xffffffff]),
    'snapshots offset': (64, 'Q', [0x20001, 1 << 63]),
    'incompatible': (72, 'Q', [*(1 << bit for bit in range(0, 8)), 3 << 5, 1 << 63, (1 << 64) - 1]),
    'compatible': (80, 'Q', [(1 << 64) - 1]),
    'autoclear': (88, 'Q', [1, 2, (1 << 64) - 1, ((1 << 64) - 1) & ~3]),
    'refcount order': (96, 'I', [0, 6, 7, 0xffffffff]),
    'header length': (100, 'I', [0, 72, 103, 104, 105, 108, 112, 120, 0x200, 65536, 65544, 0xffffffff]),
    'compression type': (104, 'B', [1, 2]),
}


@pytest.mark.parametrize('name', FIELDS)
@pytest.mark.parametrize('compat', ['0.10', '1.1'])
def test_field(work, name, compat):
    offset, format, values = FIELDS[name]
    for value in values:
        image = create(work / 't.qcow2', MIB, compat=compat)
        patch(image, (offset, format, value))
        if (compat, name) == ('0.10', 'header length') or (offset >= 72 and compat == '0.10'):
            continue  # lands in an extension
        same(image, 'length', 'info')


CASES = {
    'named feature': [(72, 'Q', 1 << 40), ext((FEATURE_NAMES, b'\0\x28foo feature' + bytes(35)))],
    'named and not': [(72, 'Q', 5 << 40), ext((FEATURE_NAMES, b'\0\x28' + b'x' * 46))],
    'names cut short': [(72, 'Q', 1 << 40), ext((FEATURE_NAMES, b'\0\x28foo'))],
    'compression type and bit': [(72, 'Q', 8), (104, 'B', 1)],
    'unknown compression type and bit': [(72, 'Q', 8), (104, 'B', 2)],
    'backing file missing': backing(b'nope'),
    'backing file of an unknown format': backing(b'base', ext((BACKING_FORMAT, b'nope'))),
    'backing file missing, raw': backing(b'base', ext((BACKING_FORMAT, b'raw'))),
    'backing format long': backing(b'base', ext((BACKING_FORMAT, b'rawrawrawrawrawraw'))),
    'backing format empty': backing(b'base', ext((BACKING_FORMAT, b''))),
    'backing name of a protocol': backing(b'foo:base'),
    'backing name long': [(8, 'Q', NAME), (16, 'I', 1024)],
    'backing name of zeroes': [(8, 'Q', NAME), (16, 'I', 1023)],
    'backing name empty': [(8, 'Q', NAME), (16, 'I', 0)],
    'backing name at the end': [(8, 'Q', 0x10000), (16, 'I', 4)],
    'backing name behind the cluster': [(8, 'Q', 0x10001), (16, 'I', 4)],
    'backing name across the end': [(8, 'Q', 0xfffe), (16, 'I', 4)],
    'unknown extension': [ext((0x12345678, b'hello'))],
    'extension too large': [ext((0x12345678, b'hello', 0x10000))],
    'extension far too large': [ext((0x12345678, b'hello', 0xffffffff))],
    'bitmaps length': [ext((BITMAPS, b'x' * 16)), (88, 'Q', 1)],
    'bitmaps none': bitmaps(0, 0, 32, 0x50000),
    'bitmaps reserved': bitmaps(1, 1, 32, 0x50000),
    'bitmaps many': bitmaps(65536, 0, 32, 0x50000),
    'bitmaps unaligned': bitmaps(1, 0, 32, 0x50001),
    'bitmaps large': bitmaps(1, 0, 1 << 30, 0x50000),
    'bitmaps bit without extension': [(88, 'Q', 1)],
    'crypto not expected': [ext((CRYPTO, bytes(16)))],
    'crypto unaligned': [(32, 'I', 2), ext((CRYPTO, struct.pack('>QQ', 0x50001, 100)))],
    'data file not expected': [ext((DATA_FILE, b'd.raw'))],
    'data file missing': [(72, 'Q', 4), ext((DATA_FILE, b'missing.raw'))],
    'data file without name': [(72, 'Q', 4)],
    'feature table length': [ext((FEATURE_NAMES, b'x' * 47))],
}


@pytest.mark.parametrize('name', CASES)
def test_case(work, name):
    image = create(work / 't.qcow2', MIB)
    patch(image, *CASES[name])
    same(image, 'length', 'info')


@pytest.mark.parametrize('length', [0, 4, 71, 72, 103, 104, 111, 112, 400, 65535, 65536, 0x30000, 0x30008])
def test_truncated(work, length):
    image = create(work / 't.qcow2', MIB)
    with open(image, 'r+b') as file:
        file.truncate(length)
    theirs = images.support.reference('-r', '-f', 'qcow2', '-c', 'length', '-c', 'map', 't.qcow2', cwd=work)
    ours = images.support.drop_in('-r', '-f', 'qcow2', '-c', 'length', '-c', 'map', 't.qcow2', cwd=work)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)


SNAPSHOT = 0x50000


def snapshot(l1_offset=0x30000, l1_size=1, id_bytes=1, name_bytes=1, extra=struct.pack('>QQ', 0, MIB)):
    return struct.pack('>QIHHIIQII', l1_offset, l1_size, id_bytes, name_bytes, 0, 0, 0, 0, len(extra)) + extra + b'1a'


SNAPSHOTS = {
    'good': snapshot(), 'no extra': snapshot(extra=b''), 'extra of 8': snapshot(extra=bytes(8)), 'extra long': snapshot(extra=bytes(1032)),
    'L1 unaligned': snapshot(l1_offset=0x30001), 'L1 large': snapshot(l1_size=0xffffffff),
    'names past the end': snapshot(id_bytes=65535, name_bytes=65535), 'size': snapshot(extra=struct.pack('>QQ', 0, 1 << 63)),
}


@pytest.mark.parametrize('name', SNAPSHOTS)
def test_snapshot_table(work, name):
    image = create(work / 't.qcow2', MIB)
    patch(image, (60, 'I', 1), (64, 'Q', SNAPSHOT), (SNAPSHOT, None, SNAPSHOTS[name]))
    same(image, 'length', 'info')


OPTIONS = ['l2-cache-entry-size=100', 'l2-cache-entry-size=131072', 'l2-cache-entry-size=1000', 'l2-cache-size=abc', 'l2-cache-size=1',
           'l2-cache-size=0', 'l2-cache-size=7E', 'l2-cache-size=2M,cache-size=1M', 'refcount-cache-size=2M,cache-size=1M',
           'l2-cache-size=2M,refcount-cache-size=2M,cache-size=4M', 'refcount-cache-size=7E', 'cache-size=7E',
           'cache-clean-interval=5000000000', 'cache-clean-interval=5', 'lazy-refcounts=maybe', 'lazy-refcounts=on', 'overlap-check=foo',
           'overlap-check=constant,overlap-check.template=all', 'overlap-check.template=foo', 'overlap-check.main-header=foo',
           'overlap-check.foo=on', 'overlap-check=all', 'pass-discard-request=on,pass-discard-other=off', 'foo=1',
           'data-file.filename=d.raw', 'backing=foo', 'backing.filename=foo', 'encrypt.format=luks', 'encrypt.key-secret=x']


@pytest.mark.parametrize('options', OPTIONS)
def test_options(work, options):
    (work / 'd.raw').write_bytes(bytes(MIB))
    create(work / 't.qcow2', MIB)
    same_opened(work, f'driver=qcow2,file.filename=t.qcow2,{options}')


def same_opened(work, options):
    theirs = images.support.reference('-r', '--image-opts', '-c', 'length', '-c', 'map', options, cwd=work)
    ours = images.support.drop_in('-r', '--image-opts', '-c', 'length', '-c', 'map', options, cwd=work)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)


def test_lazy_refcounts_need_version_3(work):
    create(work / 't.qcow2', MIB, compat='0.10')
    same_opened(work, 'driver=qcow2,file.filename=t.qcow2,lazy-refcounts=on')


def test_backing_by_options(work):
    (work / 'base.raw').write_bytes(b'x' * MIB)
    (work / 'other.raw').write_bytes(b'y' * MIB)
    create(work / 't.qcow2', MIB, backing='base.raw', backing_format='raw')
    for options in ('backing=null', 'backing.driver=raw,backing.file.filename=other.raw', 'backing.driver=raw', 'backing.read-only=on',
                    'backing.driver=qcow2'):
        for pattern in (b'x', b'y', b'\0'):
            command = f'read -q -P {pattern[0]} 0 64k'
            args = ['-r', '--image-opts', '-c', command, f'driver=qcow2,file.filename=t.qcow2,{options}']
            theirs, ours = (program(*args, cwd=work) for program in (images.support.reference, images.support.drop_in))
            assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status), options


CORRUPT = 1 << 63
ENTRIES = {
    'L2 unaligned': ({}, 'l1', [CORRUPT | 0x40200]), 'L2 past the end': ({}, 'l1', [CORRUPT | 0x4000000]),
    'L1 reserved': ({}, 'l1', [CORRUPT | 0x40001 | 1 << 60]),
    'unaligned': ({}, 'l2', [CORRUPT | 0x50200]), 'second unaligned': ({}, 'l2', [CORRUPT | 0x50000, CORRUPT | 0x60200]),
    'past the end': ({}, 'l2', [CORRUPT | 0x5000000]), 'reserved': ({}, 'l2', [CORRUPT | 0x50006 | 1 << 57]),
    'zero plain': ({}, 'l2', [1]), 'zero allocated': ({}, 'l2', [CORRUPT | 0x50001]), 'zero unaligned': ({}, 'l2', [CORRUPT | 0x50201]),
    'zero in version 2': ({'compat': '0.10'}, 'l2', [CORRUPT | 0x50001]),
    'zero in version 2, unaligned': ({'compat': '0.10'}, 'l2', [CORRUPT | 0x50201]),
    'compressed nonsense': ({}, 'l2', [1 << 62 | 0x50000 | 4 << 54]), 'compressed past the end': ({}, 'l2', [1 << 62 | 0x5000000 | 4 << 54]),
    'compressed at 0': ({}, 'l2', [1 << 62]), 'copied at 0': ({}, 'l2', [CORRUPT]),
    'zstd nonsense': ({'compression_type': 'zstd'}, 'l2', [1 << 62 | 0x50000 | 4 << 54]),
    'both bits': ({'extended_l2': 'on'}, 'l2', [CORRUPT | 0x50000, 1 << 32 | 1]),
    'allocated without offset': ({'extended_l2': 'on'}, 'l2', [0]),
    'zero without offset': ({'extended_l2': 'on'}, 'l2', [0, 3 << 32]), 'subclusters': ({'extended_l2': 'on'}, 'l2', [CORRUPT | 0x50000, 2 << 32 | 1]),
    'bit 0': ({'extended_l2': 'on'}, 'l2', [CORRUPT | 0x50001]),
    'extended compressed': ({'extended_l2': 'on'}, 'l2', [1 << 62 | 0x50000 | 4 << 54]),
    'data file elsewhere': ({'data_file': 'd.raw'}, 'l2', [CORRUPT | 0x50000]),
    'data file compressed': ({'data_file': 'd.raw'}, 'l2', [1 << 62 | 0x50000 | 4 << 54]), 'data file none': ({'data_file': 'd.raw'}, 'l2', [0]),
}


@pytest.mark.parametrize('name', ENTRIES)
def test_entry(work, name):
    options, where, words = ENTRIES[name]
    image = create(work / 't.qcow2', MIB, **options)
    images.write(image, 'write -P 5 0 128k')
    table = images.l1_table(image) if where == 'l1' else images.l2_table(image)
    patch(image, *((table + 8 * i, 'Q', word) for i, word in enumerate(words)))
    same(image, 'read 0 128k', 'read -v 0 4k', 'read -v 64k 4k', 'map', 'alloc 0 1M')
