# SPDX-License-Identifier: GPL-3.0-or-later
"""
Formats that qemu-img does not make: bochs, cloop and dmg.  The images are made here: bochs as its manual describes disk images of type "growing", cloop as the
public notes on its version 2 do, dmg with the trailer, the property list and the block table that are known of UDIF.
"""
import base64
import random
import struct
import zlib

import pytest

import support
from support import KIB

SIZE = 256 * KIB
DISK = random.Random(7).randbytes(64 * KIB) + bytes(128 * KIB) + b'text ' * (64 * KIB // 5) + b'\1' * (64 * KIB % 5)


def bochs(path):
    """A catalog names extents of 64 KiB, each behind a bitmap of its sectors; the one of zeroes is not there."""
    extent, catalog = 64 * KIB, [0, 0xffffffff, 0xffffffff, 1]
    header = b'Bochs Virtual HD Image'.ljust(32, b'\0') + b'Redolog'.ljust(16, b'\0') + b'Growing'.ljust(16, b'\0')
    header += struct.pack('<IIIIIIQ', 0x00020000, 512, len(catalog), extent // 512 // 8, extent, 0, SIZE)
    extents = b''.join((b'\xff' * 16).ljust(512, b'\0') + DISK[i * extent:(i + 1) * extent] for i in (0, 3))
    path.write_bytes(header.ljust(512, b'\0') + struct.pack('<4I', *catalog) + extents)


def cloop(path):
    """Blocks of 64 KiB, each deflated."""
    blocks = [zlib.compress(DISK[at:at + 64 * KIB]) for at in range(0, SIZE, 64 * KIB)]
    script = b'#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n'
    offsets, at = [], 136 + 8 * (len(blocks) + 1)
    for block in [*blocks, b'']:
        offsets.append(at)
        at += len(block)
    path.write_bytes(script.ljust(128, b'\0') + struct.pack('>II', 64 * KIB, len(blocks)) + struct.pack(f'>{len(offsets)}Q', *offsets) + b''.join(blocks))


def dmg(path, kind=0x80000005):
    """Data as it is, then zeroes, then deflated data."""
    raw, packed = DISK[:64 * KIB], zlib.compress(DISK[192 * KIB:])
    chunks = [(1, 0, 128, 0, len(raw)), (0, 128, 256, len(raw), 0), (kind, 384, 128, len(raw), len(packed)), (0xffffffff, 512, 0, len(raw) + len(packed), 0)]
    table = struct.pack('>4sIQQQII', b'mish', 1, 0, 512, 0, 520, 0) + bytes(24) + struct.pack('>II', 0, 0) + bytes(128) + struct.pack('>I', len(chunks))
    table += b''.join(struct.pack('>IIQQQQ', kind, 0, *rest) for kind, *rest in chunks)
    plist = (b'<?xml version="1.0"?><plist version="1.0"><dict><key>resource-fork</key><dict><key>blkx</key><array><dict><key>Data</key><data>\n'
             + base64.encodebytes(table) + b'</data></dict></array></dict></dict></plist>\n')
    data = raw + packed
    trailer = struct.pack('>4sIIIQQQQQ', b'koly', 4, 512, 1, 0, 0, len(data), 0, 0).ljust(0xd8, b'\0') + struct.pack('>QQ', len(data), len(plist))
    path.write_bytes(data + plist + (trailer.ljust(0x1ec, b'\0') + struct.pack('>Q', 512)).ljust(512, b'\0'))


MAKERS = {'bochs': bochs, 'cloop': cloop, 'dmg': dmg}


def guest(result):
    """The lines of a dump, without the prefix of offsets."""
    return [line for line in result.out.splitlines() if line[:9].strip().endswith(':')]


@pytest.mark.parametrize('kind', MAKERS)
def test_read_as_by_the_reference(work, kind):
    assert len(DISK) == SIZE
    image = work / f'disk.{kind}'
    MAKERS[kind](image)
    before = image.read_bytes()
    lines = ['length', 'read -P 0 64k 128k', 'read -v 0 64k', 'read -v 192k 64k', 'map', 'alloc 0 256k', 'read 255k 2k', 'write 0 512']
    theirs, ours = (program('-r', '-f', kind, *support.commands(lines), str(image)) for program in (support.reference, support.drop_in))
    same = support.without_times(ours.out) == support.without_times(theirs.out)  # what differs in so much text is not looked for: it takes minutes
    assert same, (ours.out[:500], theirs.out[:500])
    assert ours.status == theirs.status and 'read 131072/131072' in ours.out
    found = bytes.fromhex(''.join(line.partition(':')[2][:50].replace(' ', '') for line in guest(ours)))
    same = found == DISK[:64 * KIB] + DISK[192 * KIB:]
    assert same
    assert image.read_bytes() == before


@pytest.mark.parametrize('kind', MAKERS)
def test_recognised(work, kind):
    image = work / f'disk.{kind}'
    MAKERS[kind](image)
    result = support.blkscope(*support.commands(['info', 'read 0 256k', 'write 0 512']), image)
    assert f'format name: {kind}\n' in result.out and 'read 262144/262144' in result.out and 'wrote' not in result.out, result


@pytest.mark.parametrize('kind', MAKERS)
def test_never_written(work, kind):
    """qemu-nbd writes none of them: that is said when it is asked for."""
    image = work / f'disk.{kind}'
    MAKERS[kind](image)
    before = image.read_bytes()
    result = support.blkscope('-w', *support.commands(['write 0 512']), image)
    assert result.status == 1 and 'Image is read-only\n  without -w it is opened for reading only\n' in result.err, result
    assert image.read_bytes() == before


@pytest.mark.parametrize('args', [[], ['-f', 'dmg']], ids=' '.join)
def test_what_is_wrong_with_a_dmg(work, args):
    image = work / 'disk.dmg'
    dmg(image)
    data = bytearray(image.read_bytes())
    data[-512 + 0xd8:-512 + 0xe8] = bytes(16)  # no property list
    image.write_bytes(data)
    result = support.blkscope(*support.commands(['length']), *args, image)
    assert result.status == 1 and 'its trailer or its block tables are damaged' in result.err and '-f raw shows its bytes' in result.err, result
